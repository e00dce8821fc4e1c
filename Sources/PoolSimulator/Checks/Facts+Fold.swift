import PoolAllocator

/// Folding of events.
extension Facts {
  /// Folds one event.
  /// - Parameter pool: the pool after the command, for the ids that no event names.
  mutating func fold(
    _ event: Event, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    switch event {
    case .epochBegun(let next): beginEpoch(next)
    case .policyActivated(let next, _): try activate(next, log, pool)
    case .laneBound(_, let uses), .laneUnbound(_, let uses):
      for index in uses.indices {
        if let node = devices[log.uses[index].device]?.node { spoil(node) }
      }
    case .guaranteeImpaired(let id, let short, _): impair(id, short)
    case .guaranteeRestored(let id): impair(id, 0)
    case .nodeEnrolled(let id, let fact):
      nodes[id] = KnownNode(enrolment: log.enrolments[Int(fact)])
      counts.nodes += 1
      touchedNodes.append(id)
    case .nodeAdvertised(let id, let fact):
      nodes[id]?.report = log.nodeReports[Int(fact)]
      touch(id)
    case .deviceAdvertised(let id, let fact): advertise(id, log.deviceFacts[Int(fact)])
    case .deviceMoved(let id, let health): try move(id, to: health)
    case .nodeReached(let id, let reach): try move(id, to: reach)
    case .nodeDuty(let id, let duty, _): try move(id, to: duty)
    case .nodeForgotten(let id): try forget(id)
    case .claimSubmitted, .claimDowngraded, .claimQueued, .claimParked, .claimHeld,
      .approvalRequested, .approvalGranted, .approvalDenied, .approvalLapsed, .claimAged,
      .claimEnded, .claimPinned, .claimUnpinned:
      try foldClaim(event, log)
    case .leaseGranted, .leaseStarted, .leaseCheckpointed, .leaseRenewed, .settled,
      .leaseStopping, .leaseOverstayed, .leaseResumed, .leaseEnded:
      try foldLease(event, log)
    case .budgetOpened, .budgetChanged, .budgetClosed, .budgetForgotten, .emergencyRaised,
      .emergencyEnded:
      try foldLimit(event, log, pool)
    case .quoteIssued, .quoteEnded, .quoteForgotten: foldQuote(event, log)
    case .claimRefused(let tenant, _): if let tenant { tenants[tenant]?.refused += 1 }
    case .identityRestricted(let fact):
      let row = log.restrictions[Int(fact)]
      restrictions.removeAll { $0.kind == row.kind && $0.key == row.key }
      if row.restriction != nil { restrictions.append(row) }
    case .clockJumped, .signalRecorded, .correctionRecorded, .pressureMoved, .dependencyReported,
      .deviceShrank, .nodeHeard, .nodeDrifted, .waitExceeded, .commandRefused,
      .laneRested, .preemptionDue, .turnOverdue, .leaseUnpaid, .debtEntered,
      .restrictionEnded:
      break
    }
  }

  private mutating func foldQuote(_ event: Event, _ log: borrowing EventLog) {
    switch event {
    case .quoteIssued(let id, let fact):
      let tenant = log.quotes[Int(fact)].tenant
      quotes[id] = KnownQuote(tenant: tenant)
      tenants[tenant]?.quotes += 1
      counts.quotes += 1
    case .quoteEnded(let id, let end):
      let to = 1 + end.rawValue
      step(.quote, from: quotes[id]?.state ?? 4, to: to, row: id.row)
      quotes[id]?.state = to
    case .quoteForgotten(let id):
      step(.quote, from: quotes[id]?.state ?? 4, to: 4, row: id.row)
      if let tenant = quotes[id]?.tenant { tenants[tenant]?.quotes -= 1 }
      quotes[id] = nil
      counts.quotes -= 1
    default: break
    }
  }

  // MARK: the policy

  private mutating func beginEpoch(_ next: UInt32) {
    epoch = next
    for id in nodes.ids {
      guard let reach = nodes[id]?.reach, reach == .ready || reach == .suspect else { continue }
      setReach(id, from: reach, to: .recovering)
    }
  }

  private mutating func activate(
    _ next: PolicyGeneration, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    try must(
      next > generation, "S3", "generation \(next.value) follows \(generation.value)")
    guard let rules = log.policy else {
      throw Violation("S3", "generation \(next.value) came into force without a policy")
    }
    generation = next
    policy = rules
    isAllTouched = true
    for id in nodes.ids { spoil(id) }
    for id in claims.ids { enterPolicy(id) }
    installLanes(pool)
    noteReserved()
    try installTenants(pool)
    installBuckets(pool)
  }

  /// What was kept for a claim is worked out anew, and it leaves levels that nobody reaches now.
  private mutating func enterPolicy(_ id: ClaimID) {
    claims[id]?.pin = nil
    guard let claim = claims[id], claim.state == .queued else { return }
    let rank = claim.fact.serviceClass.rank
    let best = policy.order.ageingStep == nil ? rank : min(rank, policy.order.ceiling)
    claims[id]?.level = max(claim.level, best)
  }

  private mutating func installLanes(_ pool: borrowing Pool) {
    for id in lanes.ids {
      let isNamed = lanes[id].map { lane in policy.lanes.contains { $0.key == lane.rule.key } }
      if isNamed ?? false { continue }
      if let short = lanes[id]?.short, short > 0 {
        step(.guarantee, from: 1, to: 0, row: id.row)
      }
      lanes[id]?.isRetired = true
      lanes[id]?.short = 0
      lanes[id]?.rule.reserved = 0
      if pool.lane(id) == nil { lanes[id] = nil }
    }
    for rule in policy.lanes {
      let rules = policy.pools[Int(rule.pool)]
      guard let id = pool.lane(named: rule.key),
        let profile = policy.profiles.first(where: { $0.key == rules.profile })
      else { continue }
      let short = lanes[id]?.short ?? 0
      lanes[id] = KnownLane(rule: rule, pool: rules, profile: profile, short: short)
    }
  }

  private mutating func noteReserved() {
    reserved = .none
    for id in lanes.ids where lanes[id]?.rule.reserved ?? 0 > 0 { reserved.insert(id) }
  }

  private mutating func installTenants(_ pool: borrowing Pool) throws(Violation) {
    for id in tenants.ids where pool.tenant(id) == nil { tenants[id] = nil }
    for rule in policy.tenants {
      guard let id = pool.tenant(named: rule.key) else {
        throw Violation("S3", "the policy in force names a tenant that the pool does not know")
      }
      if tenants[id] == nil { tenants[id] = KnownTenant(rule: rule) }
      tenants[id]?.rule = rule
    }
  }

  private mutating func installBuckets(_ pool: borrowing Pool) {
    roots = [:]
    children = Array(repeating: [], count: policy.buckets.count)
    for id in buckets.ids {
      guard let bucket = buckets[id], !bucket.isBudget else { continue }
      buckets[id]?.isRetired = true
      if pool.bucket(id) == nil {
        buckets[id] = nil
        bucketNames[bucket.key] = nil
        counts.buckets -= 1
      }
    }
    for (row, rule) in policy.buckets.enumerated() {
      if let parent = rule.parent {
        children[Int(parent)].append(row)
      } else {
        roots[policy.tenants[Int(rule.tenant)].key] = row
      }
      guard let id = pool.bucket(named: rule.key),
        let tenant = pool.tenant(named: policy.tenants[Int(rule.tenant)].key)
      else { continue }
      var bucket =
        buckets[id]
        ?? KnownBucket(key: rule.key, tenant: tenant, cap: 0, rate: 0)
      if buckets[id] == nil { counts.buckets += 1 }
      bucket.cap = rule.cap.value
      bucket.rate = rule.refillPerSecond.value
      bucket.debtMax = rule.debtMax.value
      bucket.emergency = rule.emergency.value
      bucket.isRetired = false
      buckets[id] = bucket
      bucketNames[rule.key] = id
    }
  }

  private mutating func impair(_ id: LaneID, _ short: Int64) {
    let before = lanes[id]?.short ?? 0
    if before == 0, short > 0 { step(.guarantee, from: 0, to: 1, row: id.row) }
    if before > 0, short == 0 { step(.guarantee, from: 1, to: 0, row: id.row) }
    lanes[id]?.short = short
  }
}
