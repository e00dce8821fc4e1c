import PoolAllocator

/// Folding of what happens to leases, and to what they pay from.
extension Facts {
  mutating func foldLease(_ event: Event, _ log: borrowing EventLog) throws(Violation) {
    switch event {
    case .leaseGranted(let id, let run): try grant(id, run, log)
    case .leaseStarted(let id, let at):
      try move(id, to: .active)
      leases[id]?.started = at.ns
      leases[id]?.saved = at.ns
      try noteRunning(id)
    case .leaseCheckpointed(let id, let at): leases[id]?.saved = at.ns
    case .leaseResumed(let id):
      try move(id, to: .active)
      if leases[id]?.started == nil {
        leases[id]?.started = now
        leases[id]?.saved = now
      }
      try noteRunning(id)
    case .leaseRenewed(let id, let span, let reserved, _):
      step(.reservation, from: 0, to: 1, row: id.row)
      leases[id]?.paid += span.ns
      charge(reserved.value, leases[id]?.path ?? [])
      touchedLeases.append(id)
    case .settled(let id, _, _, _, let postings):
      step(.reservation, from: 1, to: 2, row: id.row)
      // All buckets of a path get back the same.
      let back = postings.count == 0 ? 0 : log.postings[Int(postings.first)].refunded.value
      charge(-back, leases[id]?.path ?? [])
      touchedLeases.append(id)
    case .leaseStopping(let id, let cause, let at, _): try stop(id, cause, at.ns)
    case .leaseOverstayed(let id):
      leases[id]?.overstays = true
      for use in leases[id]?.uses ?? [] where devices[use.device]?.health == .usable {
        setHealth(use.device, to: .dirty)
      }
      if let node = leases[id]?.grant.node { touch(node) }
    case .leaseEnded(let id): try end(id)
    default: break
    }
  }

  // MARK: the life of a lease

  private mutating func move(_ id: LeaseID, to state: LeaseState) throws(Violation) {
    guard let before = leases[id]?.state else {
      throw Violation("J1", "lease \(id.name) becomes \(state) and is not there")
    }
    step(.lease, from: before.rawValue, to: state.rawValue, row: id.row)
    leases[id]?.state = state
    touchedLeases.append(id)
    if let node = leases[id]?.grant.node { touch(node) }
  }

  private mutating func grant(
    _ id: ClaimID, _ run: Span32, _ log: borrowing EventLog
  ) throws(Violation) {
    try move(id, to: .starting)
    guard let claim = claims[id] else { return }
    if claim.approval == 2 { try approve(id, to: 6) }
    let path = path(of: claim)
    let gang = run.indices.map { log.grants[$0].lease }
    claims[id]?.leases = gang
    claims[id]?.grants += 1
    var price = Int64(0)
    for index in run.indices {
      let grant = log.grants[index]
      try must(
        leases[grant.lease] == nil, "J1", "lease \(grant.lease.name) is granted and still there")
      leases[grant.lease] = KnownLease(
        grant: grant, tenant: claim.fact.tenant, rank: claim.fact.serviceClass.rank,
        demand: claim.fact.spec.demand, runtimeMax: claim.fact.spec.runtimeMax.ns,
        interruption: claim.fact.spec.interruption,
        uses: grant.uses.indices.map { log.uses[$0] }, path: path, gang: gang,
        paid: grant.quantum.ns)
      counts.leases += 1
      price += grant.reserved.value
      nodes[grant.node]?.leases.append(grant.lease)
      touchedLeases.append(grant.lease)
      touch(grant.node)
      step(.reservation, from: 0, to: 1, row: grant.lease.row)
    }
    charge(price, path)
  }

  /// A claim runs once every lease of it has started.
  private mutating func noteRunning(_ id: LeaseID) throws(Violation) {
    guard let lease = leases[id], isCurrent(id, lease) else { return }
    for member in lease.gang where leases[member]?.started == nil { return }
    guard let state = claims[lease.grant.claim]?.state, state == .starting else { return }
    step(
      .claim, from: state.rawValue, to: ClaimState.running.rawValue, row: lease.grant.claim.row)
    claims[lease.grant.claim]?.state = .running
    touchedClaims.append(lease.grant.claim)
  }

  private mutating func stop(_ id: LeaseID, _ cause: StopCause, _ at: Int64) throws(Violation) {
    try move(id, to: .stopping)
    leases[id]?.stopped = at
    leases[id]?.cause = cause
    if cause == .preempted, let claim = leases[id]?.grant.claim {
      claims[claim]?.preemptions += 1
    }
  }

  private mutating func end(_ id: LeaseID) throws(Violation) {
    guard let lease = leases[id] else {
      throw Violation("J1", "lease \(id.name) ends and is not there")
    }
    step(.lease, from: lease.state.rawValue, to: 4, row: id.row)
    counts.leases -= 1
    let node = lease.grant.node
    nodes[node]?.leases.removeAll { $0 == id }
    // An emptied part of a CPU set may go back to its set, an emptied device may leave.
    spoil(node)
    if nodes[node]?.duty == .draining, nodes[node]?.leases.isEmpty ?? false {
      try move(node, to: .drained)
    }
    leases[id] = nil
    touchedLeases.append(id)
  }

  // MARK: budgets and emergencies

  /// Takes credits from the budgets of a path; gives them back where negative.
  private mutating func charge(_ amount: Int64, _ path: [BucketID]) {
    guard amount != 0 else { return }
    for id in path.reversed() {
      guard let before = buckets[id], before.isBudget else { return }
      buckets[id]?.level -= amount
      noteBudget(id, from: before.state)
    }
  }

  private mutating func noteBudget(_ id: BucketID, from: UInt8) {
    guard let to = buckets[id]?.state, to != from else { return }
    step(.budget, from: from, to: to, row: id.row)
  }

  mutating func foldLimit(
    _ event: Event, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    switch event {
    case .budgetOpened(let id, let fact):
      let spec = log.delegations[Int(fact)]
      guard let tenant = pool.tenant(named: spec.tenant) else {
        throw Violation("S2", "budget \(id.name) is given to a tenant that is not there")
      }
      let parent = spec.parent.flatMap { budgetNames[$0] }
      var budget = KnownBucket(
        key: spec.key, tenant: tenant, parent: parent, isBudget: true, cap: spec.limit.value,
        rate: 0)
      budget.level = spec.limit.value
      budget.ceiling = spec.ceiling
      budget.expires = spec.expires.ns
      budget.depth = (parent.flatMap { buckets[$0]?.depth } ?? 0) + 1
      buckets[id] = budget
      budgetNames[spec.key] = id
      counts.budgets += 1
    case .budgetChanged(let id, let limit, let expires):
      guard let before = buckets[id] else {
        throw Violation("J1", "budget \(id.name) is changed and is not there")
      }
      buckets[id]?.level += limit.value - before.cap
      buckets[id]?.cap = limit.value
      buckets[id]?.expires = expires.ns
      noteBudget(id, from: before.state)
    case .budgetClosed(let id, let because): close(id, because)
    case .budgetForgotten(let id):
      guard let budget = buckets[id] else {
        throw Violation("J1", "budget \(id.name) is forgotten and is not there")
      }
      step(.budget, from: budget.state, to: 4, row: id.row)
      budgetNames[budget.key] = nil
      buckets[id] = nil
      counts.budgets -= 1
    case .emergencyRaised(let id, let fact):
      if buckets[id]?.emergencyUntil == nil { step(.emergency, from: 0, to: 1, row: id.row) }
      buckets[id]?.emergencyUntil = log.emergencies[Int(fact)].until.ns
    case .emergencyEnded(let id):
      step(.emergency, from: buckets[id]?.emergencyUntil == nil ? 0 : 1, to: 0, row: id.row)
      buckets[id]?.emergencyUntil = nil
    default: break
    }
  }

  /// Closes a budget and all below it that are open.
  private mutating func close(_ id: BucketID, _ because: Reason.Code) {
    guard let budget = buckets[id], budget.closed == nil else { return }
    buckets[id]?.closed = because
    noteBudget(id, from: budget.state)
    for heir in buckets.ids where buckets[heir]?.parent == id { close(heir, because) }
  }
}
