/// Budgets of delegations: limits below a tenant's buckets, given, narrowed, closed (SEMANTICS 2.2
/// and 9.2, docs/decisions/0022).
extension Pool {
  /// The budget of an outside name, open or closed.
  public func budget(named key: Key) -> BucketID? {
    keys.budgets.row(for: key).flatMap(buckets.id(at:))
  }

  // MARK: paths

  /// What a claim pays from: the buckets of its tenant, root first, then the budgets of its
  /// delegation, the widest first.
  /// - Returns: nil where it names a budget that is not there.
  func payingPath(
    _ root: BucketID, _ spec: ClaimSpec, _ serviceClass: ServiceClass
  ) -> BucketPath? {
    var path = bucketPath(
      root, application: spec.application, serviceClass: serviceClass, action: spec.action)
    guard let key = spec.budget else { return path }
    guard let leaf = budget(named: key) else { return nil }
    var chain = BucketPath(root: leaf)
    while !planted(.budgetSparesGivers), let parent = buckets[chain[chain.count - 1]].parent {
      chain.append(parent)
    }
    for index in (0..<chain.count).reversed() { path.append(chain[index]) }
    return path
  }

  /// Why a delegation does not carry a claim; nil where it does, or the claim names none.
  func delegationObstacle(
    _ spec: ClaimSpec, tenant: TenantID, _ serviceClass: ServiceClass
  ) -> Reason? {
    guard let key = spec.budget else { return nil }
    // Another tenant's looks like none.
    guard let id = budget(named: key), buckets[id].tenant == tenant else {
      return Reason(.budgetUnknown)
    }
    if let reason = closure(of: id) { return reason }
    guard let ceiling = buckets[id].delegation?.ceiling, serviceClass < ceiling else { return nil }
    return Reason(
      .classNotAllowed, .bucket(id.row), have: Int64(0xF & (0xF << ceiling.rank)),
      need: Int64(serviceClass.rank))
  }

  /// Why a budget pays for nothing more: it, or one above it, is revoked or has expired.
  func closure(of leaf: BucketID) -> Reason? {
    var next: BucketID? = leaf
    while let id = next, let delegation = buckets[id].delegation {
      if let code = delegation.closed { return Reason(code, .bucket(id.row)) }
      if delegation.expires <= now { return Reason(.delegationExpired, .bucket(id.row)) }
      next = buckets[id].parent
    }
    return nil
  }

  /// Why a lease is not paid for any more: its delegation is closed.
  func closure(of path: BucketPath) -> Reason? { closure(of: path[path.count - 1]) }

  /// Whether a budget of a path cannot pay a price even if all that leases have reserved comes
  /// back: only a higher limit helps.
  func isExhausted(for price: Credits, path: BucketPath) -> Bool {
    for index in (0..<path.count).reversed() {
      guard isBudget(path[index]) else { return false }
      if isExhausted(path[index].row, for: price) { return true }
    }
    return false
  }

  func isExhausted(_ row: UInt32, for price: Credits) -> Bool {
    let bucket = buckets[row: row]
    guard bucket.delegation != nil else { return false }
    return Int128(price.value) + bucket.settled > Int128(bucket.credits.cap.value)
  }

  func isBudget(_ id: BucketID) -> Bool { buckets[id].delegation != nil }

  /// Notes what leases have reserved from the budgets of a path.
  mutating func noteReserved(_ change: Int64, path: BucketPath) {
    for index in (0..<path.count).reversed() {
      guard isBudget(path[index]) else { return }
      buckets[path[index]].delegation?.reserved += change
    }
  }

  // MARK: commands

  /// Gives a delegation, or gives one anew with another limit or end.
  mutating func delegate(_ spec: DelegationSpec, _ log: inout EventLog) -> Decision {
    if let reason = grantObstacle(spec) { return refuse(reason, &log) }
    guard let known = budget(named: spec.key) else { return open(spec, &log) }
    let parent = buckets[known].parent.map { buckets[$0].rule.key }
    guard tenant(named: spec.tenant) == buckets[known].tenant, parent == spec.parent,
      buckets[known].delegation?.ceiling == spec.ceiling
    else { return refuse(Reason(.duplicateKey), &log) }
    if let reason = closure(of: known) { return refuse(reason, &log) }
    let spent = buckets[known].spent
    guard spec.limit >= spent else {
      let reason = Reason(
        .budgetSpent, .bucket(known.row), have: spec.limit.value, need: spent.value)
      return refuse(reason, &log)
    }
    step(.budgetChanged(known, limit: spec.limit, expires: spec.expires), &log)
    return done()
  }

  private mutating func open(_ spec: DelegationSpec, _ log: inout EventLog) -> Decision {
    let depth =
      spec.parent.flatMap { budget(named: $0) }
      .flatMap { buckets[$0].delegation?.depth } ?? 0
    guard depth < Limits.delegationDepth else {
      let reason = Reason(
        .delegationTooDeep, have: Int64(depth) + 1, need: Int64(Limits.delegationDepth))
      return refuse(reason, &log)
    }
    guard keys.budgets.count < limits.budgets else {
      let reason = Reason(
        .tableFull, have: Int64(keys.budgets.count), need: Int64(limits.budgets))
      return refuse(reason, &log)
    }
    log.delegations.append(spec)
    step(.budgetOpened(buckets.nextID, fact: UInt32(log.delegations.count - 1)), &log)
    return done()
  }

  /// Why a delegation cannot be given: by its own figures, or because it is wider than what it is
  /// given out of.
  private func grantObstacle(_ spec: DelegationSpec) -> Reason? {
    guard generation.value > 0 else { return Reason(.policyMissing) }
    guard let tenant = tenant(named: spec.tenant), !tenants[tenant].isRetired else {
      return Reason(.tenantUnknown)
    }
    guard spec.limit >= .zero, spec.limit.value <= Credits.limit,
      spec.expires <= now + Limits.spanMax
    else { return Reason(.fieldOutOfRange) }
    guard spec.expires > now else { return Reason(.delegationExpired) }
    guard let key = spec.parent else { return nil }
    guard let parent = budget(named: key), buckets[parent].tenant == tenant,
      let delegation = buckets[parent].delegation
    else { return Reason(.budgetUnknown) }
    if let reason = closure(of: parent) { return reason }
    let isNarrower =
      spec.expires <= delegation.expires && spec.ceiling >= delegation.ceiling
      && spec.limit <= buckets[parent].credits.cap
    return isNarrower ? nil : Reason(.delegationWider, .bucket(parent.row))
  }

  /// Closes a delegation and all that were given out of it, in one event.
  mutating func revoke(_ key: Key, _ log: inout EventLog) -> Decision {
    guard let id = budget(named: key) else { return refuse(Reason(.unknownSubject), &log) }
    guard buckets[id].delegation?.closed == nil else { return refuse(Reason(.wrongState), &log) }
    step(.budgetClosed(id, because: .delegationRevoked), &log)
    return done()
  }

  // MARK: time

  /// When the limit of a bucket needs attention: at the end of its emergency. Of a budget: at its
  /// end; once closed, at once while claims of it wait, and
  /// when it is forgotten, unless something rests on it.
  func limitTimer(of row: UInt32) -> Instant {
    let bucket = buckets[row: row]
    guard let delegation = bucket.delegation else { return bucket.emergencyUntil ?? .farFuture }
    guard delegation.closed != nil else { return delegation.expires }
    if !queue.delegated.isEmpty(row) { return .origin }
    guard bucket.leases == 0, delegation.children == 0 else { return .farFuture }
    return delegation.closedAt + limits.delegationMemory
  }

  mutating func refreshLimitTimer(_ row: UInt32) {
    QueueIndex.set(&queue.limitTimers, row, limitTimer(of: row))
  }

  /// The timer of a limit came up: an emergency is over, a budget expired, a waiting claim of a
  /// closed one ends, or a closed one is forgotten.
  mutating func limitDue(_ row: UInt32, _ log: inout EventLog) {
    guard let id = buckets.id(at: row) else { broken("a timer of a limit names a bucket") }
    guard let delegation = buckets[id].delegation else {
      return step(.emergencyEnded(id), &log)
    }
    guard delegation.closed != nil else {
      return step(.budgetClosed(id, because: .delegationExpired), &log)
    }
    if let member = queue.delegated.least(in: row), let claim = claims.id(at: member.row) {
      return step(.claimEnded(claim, .delegationEnded), &log)
    }
    step(.budgetForgotten(id), &log)
  }

  // MARK: waiting claims

  /// Counts a claim among those that wait for a delegation's budget.
  mutating func watchDelegation(of id: ClaimID) {
    guard let key = claims[id].spec.budget, let row = keys.budgets.row(for: key) else { return }
    let turn = claims[id].turn
    queue.delegated.insert(id.row, turn, into: row)
    refreshLimitTimer(row)
  }

  mutating func unwatchDelegation(of id: ClaimID) {
    guard let row = queue.delegated.heap(of: id.row) else { return }
    queue.delegated.remove(id.row)
    refreshLimitTimer(row)
  }

  // MARK: folding

  mutating func evolveBudgetOpened(_ id: BucketID, _ spec: DelegationSpec) {
    guard let tenant = tenant(named: spec.tenant) else { broken("a delegation has a tenant") }
    let parent = spec.parent.flatMap { budget(named: $0) }
    let depth = parent.flatMap { buckets[$0].delegation?.depth } ?? 0
    let rule = BucketRule(key: spec.key, tenant: .max, cap: spec.limit, refillPerSecond: .zero)
    let credits = CreditBucket(
      cap: spec.limit, refillPerSecond: .zero, level: spec.limit, asOf: now)
    var bucket = Bucket(rule: rule, tenant: tenant, parent: parent, credits: credits)
    bucket.delegation = Delegation(
      depth: depth + 1, ceiling: spec.ceiling, expires: spec.expires)
    bucket.books.opening += spec.limit
    let inserted = buckets.insert(bucket)
    invariant(inserted == id, "a budget gets the id that its event names")
    if let parent { buckets[parent].delegation?.children += 1 }
    indexBudget(id)
  }

  /// Makes a budget known to the indexes.
  mutating func indexBudget(_ id: BucketID) {
    keys.budgets.insert(buckets[id].rule.key, id.row)
    queue.admit(bucket: id.row)
    if let parent = buckets[id].parent { keys.heirs.append(id.row, to: parent.row) }
    refreshLimitTimer(id.row)
  }

  mutating func evolveBudgetChanged(_ id: BucketID, _ limit: Credits, _ expires: Instant) {
    let change = limit.value - buckets[id].credits.cap.value
    buckets[id].rule.cap = limit
    buckets[id].credits.cap = limit
    buckets[id].credits.level = Credits(buckets[id].credits.level.value + change)
    buckets[id].books.opening += change
    buckets[id].delegation?.expires = expires
    refreshBucketTimer(id.row)
    refreshLimitTimer(id.row)
    let tenant = buckets[id].tenant
    stirLanes(of: tenant)
  }

  /// Closes a budget and all below it that are open.
  /// - Complexity: O(budgets below it).
  mutating func evolveBudgetClosed(_ id: BucketID, _ because: Reason.Code) {
    guard buckets[id].delegation?.closed == nil else { return }
    buckets[id].delegation?.closed = because
    buckets[id].delegation?.closedAt = now
    refreshLimitTimer(id.row)
    var row = planted(.revocationSparesHeirs) ? RowLists.none : keys.heirs.first(of: id.row)
    while row != RowLists.none {
      // At most `Limits.delegationDepth` deep.
      if let heir = buckets.id(at: row) { evolveBudgetClosed(heir, because) }
      row = keys.heirs.next(after: row)
    }
  }

  mutating func evolveBudgetForgotten(_ id: BucketID) {
    let parent = buckets[id].parent
    let key = buckets[id].rule.key
    queue.limitTimers.remove(id.row)
    keys.budgets.remove(key)
    keys.heirs.remove(id.row)
    buckets.remove(id)
    guard let parent else { return }
    buckets[parent].delegation?.children -= 1
    refreshLimitTimer(parent.row)
  }
}
