public import PoolAllocator

/// An auditor of a pool: keeps its own books from the events alone and re-checks every grant,
/// payment and decision by them, with no code of the pool's own admission (SEMANTICS 7.2).
///
/// The books are dictionaries, the arithmetic is that of whole costs, and every sum is worked out
/// anew: it is meant to be obviously right, not fast. From the pool it takes what `evolve` made of
/// the events: the names of rows, which lane a device is in and whether it is sound.
///
///     var verifier = Verifier()
///     let (decision, _) = pool.apply(command, at: now, into: &log)
///     let findings = verifier.check(log, decision, after: pool)
public struct Verifier {
  var policy = CompiledPolicy()
  var generation = PolicyGeneration(0)
  var epoch: UInt32 = 0
  var lastFencing: UInt64 = 0
  var claims: [ClaimID: ClaimBook] = [:]
  var leases: [LeaseID: LeaseBook] = [:]
  var levels: [BucketID: Level] = [:]
  var nodes: [NodeID: NodeBook] = [:]
  var quotes: [QuoteID: QuoteBook] = [:]
  var before = Directory()
  var after = Directory()
  var findings: [Finding] = []
  var index: Int?

  /// Makes an auditor of a pool that has seen no command yet.
  public init() {}

  /// Follows the events of one command and checks what they, and its answer, say.
  /// - Parameters:
  ///   - log: all events of one command, in the order of the commands.
  ///   - decision: the answer to it.
  ///   - pool: the pool after it.
  /// - Returns: nothing where all is as it must be. After a finding the books follow the log, so
  ///   what comes later may be found again.
  /// - Complexity: O(rows of all tables of the pool) for each command.
  public mutating func check(
    _ log: EventLog, _ decision: Decision, after pool: Pool
  ) -> [Finding] {
    findings = []
    after = Directory(pool)
    for position in log.events.indices {
      index = position
      follow(log.events[position], log)
    }
    index = nil
    checkSettled()
    checkRedeemed(log)
    checkLevels(log.at, pool)
    check(decision, log)
    before = after
    return findings
  }

  mutating func must(_ holds: Bool, _ rule: Finding.Rule, _ text: String) {
    if !holds { findings.append(Finding(rule: rule, event: index, text: text)) }
  }

  // MARK: events

  private mutating func follow(_ event: Event, _ log: EventLog) {
    switch event {
    case .epochBegun(let epoch):
      must(epoch > self.epoch, .fencing, "epoch \(epoch) after \(self.epoch)")
      self.epoch = epoch
      for (id, node) in nodes where node.reach == .ready || node.reach == .suspect {
        move(id, to: .recovering)
      }
    case .policyActivated(let next, let postings):
      generation = next
      activate(log, postings)
    case .nodeEnrolled(let id, _): nodes[id] = NodeBook()
    case .nodeAdvertised(let id, let fact): nodes[id]?.report = log.nodeReports[Int(fact)]
    case .nodeReached(let id, let reach): move(id, to: reach)
    case .nodeDuty(let id, let duty, _): nodes[id]?.duty = duty
    case .nodeForgotten(let id): nodes[id] = nil
    case .deviceMoved(let id, let health): before.devices[id]?.health = health
    case .claimSubmitted(let id, let fact): submit(id, log.claimFacts[Int(fact)], log.at)
    case .quoteIssued(let id, let fact): issue(id, log.quotes[Int(fact)], log.at)
    case .quoteEnded(let id, let end): self.end(id, end, log)
    case .quoteForgotten(let id): forget(id)
    case .claimEnded(let id, _):
      must(claims[id] != nil, .subject, "claim \(id.row) ends and never lived")
      claims[id] = nil
    case .claimQueued(let id, _, _, _): wait(id)
    case .claimDowngraded(let id, _, _, let fact): degrade(id, log.downgrades[Int(fact)])
    case .claimParked(let id, let bucket):
      wait(id)
      must(levels[bucket] != nil, .subject, "a claim is parked on no bucket")
    case .claimHeld(let id, _), .claimAged(let id, _), .waitExceeded(let id, _),
      .claimPinned(let id, _), .claimUnpinned(let id, _), .approvalRequested(let id, _, _),
      .approvalGranted(let id, _), .approvalDenied(let id, _), .approvalLapsed(let id):
      must(claims[id] != nil, .subject, "claim \(id.row) does not live")
    case .budgetOpened(let id, let fact): open(id, log.delegations[Int(fact)], log.at)
    case .budgetChanged(let id, let limit, _):
      guard let level = levels[id] else { return must(false, .subject, "no budget") }
      let change = Int128(limit.value) - level.cap
      levels[id]?.cap = Int128(limit.value)
      levels[id]?.billionths += change * 1_000_000_000
    case .budgetForgotten(let id): levels[id] = nil
    case .emergencyRaised(let id, let fact): raise(id, log.emergencies[Int(fact)], log.at)
    case .emergencyEnded(let id): endEmergency(id, log.at)
    case .leaseGranted(let id, let grants): grant(id, grants, log)
    case .leaseStarted(let id, let at): start(id, at, log)
    case .leaseResumed(let id): resume(id, log)
    case .leaseRenewed(let id, let span, let reserved, let postings):
      renew(id, span, reserved, postings, log)
    case .settled(let id, let quantum, let charge, let rest, let postings):
      settle(id, quantum, charge, rest, postings, log)
    case .leaseStopping(let id, let cause, let at, let killBy):
      stop(id, cause, at, killBy, log)
    case .leaseCheckpointed(let id, let at):
      must(leases[id]?.started != nil && at == log.at, .time, "what runs is saved, now")
      leases[id]?.checkpoint = at.ns
    case .leaseEnded(let id):
      must(leases[id]?.stopped != nil, .subject, "lease \(id.row) ends and was not stopped")
      must(leases[id]?.open.isEmpty ?? false, .settlement, "a lease ends with a quantum open")
      leases[id] = nil
    case .leaseUnpaid(let id, _), .debtEntered(let id, _, _), .leaseOverstayed(let id):
      must(leases[id] != nil, .subject, "lease \(id.row) does not live")
    case .clockJumped, .laneBound, .laneUnbound, .guaranteeImpaired, .guaranteeRestored,
      .signalRecorded, .correctionRecorded, .deviceAdvertised, .deviceShrank, .nodeHeard,
      .nodeDrifted, .claimRefused, .commandRefused, .laneRested, .turnOverdue, .preemptionDue,
      .budgetClosed, .identityRestricted, .restrictionEnded,
      .pressureMoved, .dependencyReported:
      break
    }
  }

  private mutating func move(_ id: NodeID, to reach: Reach) {
    nodes[id]?.reach = reach
    guard reach == .silent || reach == .recovering else { return }
    for lease in leases.keys where leases[lease]?.grant.node == id {
      if leases[lease]?.stopped == nil { leases[lease]?.isAway = true }
    }
  }

  private mutating func submit(_ id: ClaimID, _ fact: ClaimFact, _ at: Instant) {
    must(claims[id] == nil, .subject, "claim \(id.row) is submitted twice")
    must(
      !claims.values.contains { $0.fact.spec.key == fact.spec.key }, .identity,
      "two live claims of one name")
    let service = policy.services.first {
      $0.key == fact.spec.service && ($0.tenant == nil || $0.tenant == fact.spec.tenant)
    }
    must(
      service?.serviceClass == fact.serviceClass && service?.weightMilli == fact.weightMilli,
      .identity, "class and weight are those of the service")
    must(after.tenants[fact.tenant] == fact.spec.tenant, .identity, "the tenant is who asks")
    let rule = policy.tenants.first { $0.key == fact.spec.tenant }
    must(
      rule?.classes.contains(fact.serviceClass) ?? false, .identity, "the tenant has the class")
    let most = quotedRate(of: fact, at: at)
    claims[id] = ClaimBook(fact: fact, quotedRate: most)
  }

  /// From now on the claim is what its rung gives: less, isolated as it was asked.
  private mutating func degrade(_ id: ClaimID, _ fact: Downgrade) {
    guard let spec = claims[id]?.fact.spec else {
      return must(false, .subject, "claim \(id.row) takes a rung and does not live")
    }
    let given = fact.given
    must(
      given.demand.sharing == spec.demand.sharing
        && given.demand.enforcement == spec.demand.enforcement, .identity,
      "a rung keeps the isolation")
    must(given.runtimeMax <= spec.runtimeMax, .time, "a rung is no longer")
    claims[id]?.fact.spec.demand = given.demand
    claims[id]?.fact.spec.lanes = given.lanes
    claims[id]?.fact.spec.modelClass = given.modelClass
    claims[id]?.fact.spec.runtimeMax = given.runtimeMax
    claims[id]?.fact.plan = given.plan
    if fact.queues != nil { wait(id) }
  }

  private mutating func wait(_ id: ClaimID) {
    must(claims[id] != nil, .subject, "claim \(id.row) does not live")
    if let lease = claims[id]?.lease, claims[id]?.fact.spec.demand.members == 1 {
      must(leases[lease]?.stopped != nil, .subject, "a claim waits while its lease runs")
    }
    claims[id]?.lease = nil
  }
}
