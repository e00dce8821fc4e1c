/// Putting a policy in force: lanes, buckets and tenants by name, levels kept, devices bound.
extension Pool {
  mutating func activate(
    _ generation: PolicyGeneration, _ policy: CompiledPolicy, _ log: inout EventLog
  ) -> Decision {
    guard generation > self.generation else {
      return refuse(
        Reason(
          .generationStale, have: Int64(self.generation.value), need: Int64(generation.value)),
        &log)
    }
    if let defect = policy.defect { return refuse(Reason(.malformed, have: Int64(defect)), &log) }
    if let obstacle = policy.rungObstacle() {
      return refuse(Reason(obstacle.code, have: Int64(obstacle.rung)), &log)
    }
    if let refusal = roomObstacle(policy) { return refuse(refusal, &log) }
    let postings = settleUnderOldRates(policy, &log)
    log.policy = policy
    step(.policyActivated(generation, postings: postings), &log)
    bindShortLanes(&log, on: nil)
    return done()
  }

  /// Rows of the old policy stay while something cites them; what is new must find room beside.
  private func roomObstacle(_ policy: CompiledPolicy) -> Reason? {
    let cited = citedLanes()
    var laneCount = policy.lanes.count
    lanes.forEach { id, lane in
      let stays = policy.lanes.contains { $0.key == lane.key }
      if !stays, cited.contains(row: id.row) || lane.leases > 0 { laneCount += 1 }
    }
    for rule in policy.buckets {
      guard let row = keys.buckets.row(for: rule.key) else { continue }
      let tenant = buckets[row: row].tenant
      // What a bucket holds is its tenant's: another's needs another name.
      if tenants[tenant].key != policy.tenants[Int(rule.tenant)].key {
        return Reason(.duplicateKey, .bucket(row))
      }
    }
    let newTenants = policy.tenants.filter { keys.tenants.row(for: $0.key) == nil }.count
    let newBuckets = policy.buckets.filter { keys.buckets.row(for: $0.key) == nil }.count
    if laneCount > Limits.lanes {
      return Reason(.tableFull, have: Int64(laneCount), need: Int64(Limits.lanes))
    }
    if tenants.count + newTenants > tenants.limit {
      return Reason(.tableFull, have: Int64(tenants.count), need: Int64(tenants.limit))
    }
    let known = buckets.count - keys.budgets.count
    if known + newBuckets > limits.buckets {
      return Reason(.tableFull, have: Int64(known), need: Int64(limits.buckets))
    }
    return nil
  }

  /// Every bucket is refilled at its old rate and clamped to its new cap.
  private func settleUnderOldRates(
    _ policy: CompiledPolicy, _ log: inout EventLog
  ) -> Span32 {
    let first = UInt32(log.postings.count)
    var rules = KeyIndex()
    for (row, rule) in policy.buckets.enumerated() { rules.insert(rule.key, UInt32(row)) }
    buckets.forEach { id, bucket in
      guard bucket.delegation == nil else { return }
      let refill = bucket.credits.refill(at: now)
      var posting = Posting(bucket: id, refilled: refill.gained, remainder: refill.remainder)
      if planted(.activationForgetsRefill) { posting.refilled = .zero }
      if let row = rules.row(for: bucket.rule.key) {
        let cap = policy.buckets[Int(row)].cap
        let excess = Int128(bucket.credits.level.value) + posting.change - Int128(cap.value)
        if excess >= 0 {
          posting.forfeited = Credits(Int64(excess))
          posting.remainder = 0
        }
      }
      log.postings.append(posting)
    }
    return Span32(first: first, count: UInt16(log.postings.count) - UInt16(first))
  }

  /// Lanes that a live claim names.
  private func citedLanes() -> LaneSet {
    var cited = LaneSet.none
    claims.forEach { _, claim in cited.bits |= claim.spec.lanes.bits }
    degradations.forEach { _, row in cited.bits |= row.asked.lanes.bits }
    return cited
  }

  // MARK: folding

  mutating func evolvePolicy(
    _ generation: PolicyGeneration, _ postings: Span32, _ log: borrowing EventLog
  ) {
    guard let policy = log.policy else { broken("an activation carries its policy") }
    let cited = citedLanes()
    post(postings, log)
    // What is kept was worked out under the old policy: it is worked out anew.
    clearPins()
    let preemption = self.policy.preemption
    let (scoring, pools) = (self.policy.placement, self.policy.pools)
    self.generation = generation
    let kept = keptCounts(under: policy)
    self.policy = policy
    degradationCounts = kept
    indexPolicy()
    installLanes(cited)
    indexLadders()
    installGauges()
    indexBacklogs()
    installTenants()
    installBuckets()
    indexTerms()
    rebindDevices()
    dropRetiredTenants()
    for row in 0..<UInt32(claims.extent) {
      guard let id = claims.id(at: row), claims[id].state == .parked, claims[id].heldBy == nil,
        let bucket = claims[id].bucket
      else { continue }
      park(id, on: bucket)
    }
    for row in 0..<UInt32(buckets.extent) where buckets.id(at: row) != nil {
      if let holder = buckets[row: row].turn, !pays(holder, from: row) {
        claims[holder].bucket = nil
        buckets[row: row].turn = nil
      }
      repriceBucket(row)
    }
    refreshApprovals()
    refreshQuotes()
    // Another ageing step moves the moments at which heads rise, and other leases the intervals.
    lowerClaims()
    indexLines()
    installPreemption(after: preemption)
    installLearner(after: scoring, pools)
    voidAllLanes()
    lanes.forEach { id, _ in stirred.insert(id) }
  }

  /// Indexes over the policy's own lists.
  mutating func indexPolicy() {
    keys.services = KeyIndex()
    for (row, rule) in policy.services.enumerated() {
      keys.services.insert(rule.key, UInt32(row))
    }
    keys.slices = KeyIndex()
    for (row, rule) in policy.slices.enumerated() { keys.slices.insert(rule.key, UInt32(row)) }
  }

  private mutating func installLanes(_ cited: LaneSet) {
    for row in 0..<UInt32(lanes.extent) {
      guard let id = lanes.id(at: row) else { continue }
      guard !policy.lanes.contains(where: { $0.key == lanes[id].key }) else { continue }
      lanes[id].isRetired = true
      lanes[id].bound = 0
      lanes[id].rule.reserved = 0
      evolveImpaired(id, 0, nil)
    }
    // Devices leave retired lanes before a row may be reused.
    for row in 0..<UInt32(devices.extent) where devices.id(at: row) != nil {
      guard let lane = devices[row: row].lane, lanes[row: lane].isRetired,
        let id = devices.id(at: row)
      else { continue }
      let isPart = devices[id].isPart
      if isPart, devices[id].shares == 0 {
        removeDevice(id)
      } else if !isPart {
        setLane(id, nil)
      }
    }
    for row in 0..<UInt32(lanes.extent) {
      guard let id = lanes.id(at: row), lanes[id].isRetired, lanes[id].leases == 0,
        !cited.contains(row: row), !hasParts(lane: row)
      else { continue }
      keys.lanes.remove(lanes[id].key)
      service.forget(lane: id.row)
      lanes.remove(id)
      placement.lanes[Int(row)] = LaneIndex()
    }
    for rule in policy.lanes {
      let pool = policy.pools[Int(rule.pool)]
      guard let profile = policy.profiles.first(where: { $0.key == pool.profile }) else {
        broken("a checked policy names known profiles")
      }
      if let row = keys.lanes.row(for: rule.key) {
        lanes[row: row].rule = rule
        lanes[row: row].pool = pool
        lanes[row: row].profile = profile
        lanes[row: row].isRetired = false
      } else {
        let id = lanes.insert(Lane(key: rule.key, rule: rule, pool: pool, profile: profile))
        keys.lanes.insert(rule.key, id.row)
      }
    }
  }

  /// Whether a lane still has a part of a CPU set.
  private func hasParts(lane: UInt32) -> Bool {
    var has = false
    devices.forEach { _, device in if device.lane == lane { has = true } }
    return has
  }

  private mutating func installTenants() {
    for row in 0..<UInt32(tenants.extent) where tenants.id(at: row) != nil {
      tenants[row: row].isRetired = true
      tenants[row: row].bucket = nil
    }
    for rule in policy.tenants {
      if let row = keys.tenants.row(for: rule.key) {
        tenants[row: row].rule = rule
        tenants[row: row].isRetired = false
      } else {
        let id = tenants.insert(Tenant(key: rule.key, rule: rule))
        keys.tenants.insert(rule.key, id.row)
      }
    }
  }

  /// Tenants that nothing cites any more go.
  private mutating func dropRetiredTenants() {
    var isCited = Array(repeating: false, count: tenants.extent)
    leases.forEach { _, lease in isCited[Int(lease.tenant.row)] = true }
    buckets.forEach { _, bucket in isCited[Int(bucket.tenant.row)] = true }
    for row in 0..<UInt32(tenants.extent) {
      guard let id = tenants.id(at: row), tenants[id].isRetired, tenants[id].live == 0,
        tenants[id].quotes == 0, !isCited[Int(row)]
      else { continue }
      keys.tenants.remove(tenants[id].key)
      service.forget(tenant: id.row)
      tenants.remove(id)
    }
  }

  private mutating func installBuckets() {
    keys.children = KeyIndex()
    keys.childFields = []
    retireBuckets()
    var ids: [BucketID] = []
    for rule in policy.buckets {
      guard
        let tenant = keys.tenants.row(for: policy.tenants[Int(rule.tenant)].key)
          .flatMap(tenants.id(at:))
      else { broken("a checked policy names known tenants") }
      let id: BucketID
      if let known = keys.buckets.row(for: rule.key).flatMap(buckets.id(at:)) {
        id = known
        buckets[id].rule = rule
        buckets[id].credits.cap = rule.cap
        buckets[id].credits.refillPerSecond = rule.refillPerSecond
        buckets[id].isRetired = false
      } else {
        let credits = CreditBucket(
          cap: rule.cap, refillPerSecond: rule.refillPerSecond, level: rule.opening, asOf: now)
        id = buckets.insert(Bucket(rule: rule, tenant: tenant, parent: nil, credits: credits))
        buckets[id].books.opening += rule.opening
        keys.buckets.insert(rule.key, id.row)
        queue.admit(bucket: id.row)
      }
      buckets[id].parent = rule.parent.map { ids[Int($0)] }
      ids.append(id)
      if buckets[id].parent == nil { tenants[tenant].bucket = id }
    }
    indexBuckets()
  }

  /// Buckets that the policy no longer names go, once no lease pays from them and nobody parks.
  private mutating func retireBuckets() {
    var named = KeyIndex()
    for rule in policy.buckets { named.insert(rule.key, 0) }
    for row in 0..<UInt32(buckets.extent) {
      guard let id = buckets.id(at: row), !isBudget(id),
        named.row(for: buckets[id].rule.key) == nil
      else { continue }
      buckets[id].isRetired = true
      guard buckets[id].leases == 0, buckets[id].turn == nil, queue.parked.isEmpty(row),
        queue.narrowed.isEmpty(row), !hasStray(row)
      else { continue }
      keys.buckets.remove(buckets[id].rule.key)
      queue.limitTimers.remove(row)
      buckets.remove(id)
    }
  }

  /// Whether a claim that pays from other buckets by now is still parked on one.
  private func hasStray(_ bucket: UInt32) -> Bool {
    queue.strays.members(of: 0).contains { claims[row: $0.row].bucket?.row == bucket }
  }

  /// Indexes the children of every bucket in force.
  mutating func indexBuckets() {
    keys.childFields = Array(repeating: 0, count: buckets.extent)
    keys.children = KeyIndex()
    buckets.forEach { id, bucket in
      guard let parent = bucket.parent, !bucket.isRetired, bucket.delegation == nil else {
        return
      }
      keys.children.insert(Self.childKey(of: parent.row, bucket.rule.match), id.row)
      keys.childFields[Int(parent.row)] =
        switch bucket.rule.match {
        case .tenant: 0
        case .application: 1
        case .serviceClass: 2
        case .action: 3
        }
    }
  }
}
