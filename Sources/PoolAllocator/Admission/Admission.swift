/// The pipeline of a claim: who asks, what the policy allows, whether it can ever fit, whether its
/// buckets can pay, whose turn it is, where it goes.
extension Pool {
  /// Where the pipeline sends a claim.
  enum Route {
    case grant(Opening, Offer)
    case wait(LaneSet, because: Reason.Code?, widens: BucketID?, [Reason])
    case park(on: BucketID, [Reason])
    case refuse(Decision.Verdict, [Reason])

    /// Ranks of the best and of the worst.
    static let (granted, refused) = (0, 3)

    /// How good it is for the claim; the least is best.
    var rank: Int {
      switch self {
      case .grant: Self.granted
      case .wait: 1
      case .park: 2
      case .refuse: Self.refused
      }
    }

    /// What stands in the way.
    var reasons: [Reason] {
      switch self {
      case .grant: []
      case .wait(_, _, _, let reasons), .park(_, let reasons), .refuse(_, let reasons): reasons
      }
    }
  }

  /// Takes a claim in, or refuses it.
  mutating func submit(_ spec: ClaimSpec, _ log: inout EventLog) -> Decision {
    let resolved: Resolved
    let plan: RuntimePlan
    switch resolve(spec) {
    case .failure(let refusal):
      return refuseClaim(spec, refusal.verdict, refusal.reasons, refusal.plan, &log)
    case .success(let (names, runtime)): (resolved, plan) = (names, runtime)
    }
    let (eligible, first, obstacles) = eligibleLanes(spec, resolved)
    guard let first else {
      return refuseClaim(spec, Self.verdict(of: obstacles), obstacles, plan, &log)
    }
    let paused = pauseObstacles(eligible, resolved.serviceClass)
    if let rule = approvalRule(for: spec), paused == nil {
      return submit(spec, resolved, plan, quoting: first.offer, approvedBy: rule, &log)
    }
    prepareScores(of: resolved.wish, lanes: eligible)
    let asked = Asking(
      spec: spec, resolved: resolved, plan: plan, eligible: eligible, first: first)
    let target =
      paused.map { .refuse(.rejected, $0) } ?? route(spec, resolved, eligible, first)
    if let less = downgrade(asked, target) { return submit(asked, less, &log) }
    var decision = Decision(verdict: .rejected, policy: generation)
    decision.plan = plan
    let expected = min(plan.expected, spec.runtimeMax)
    decision.quote(first.offer, for: expected)
    if case .refuse(let verdict, let reasons) = target {
      return refuseClaim(spec, verdict, reasons, plan, &log)
    }
    let id = take(spec, resolved, plan, &log)
    decision.claim = id
    decision.reasons = log.append(target.reasons)
    put(id, target, asked, &decision, &log)
    return decision
  }

  /// Puts a claim that was taken in where its route leads, and says so.
  mutating func put(
    _ id: ClaimID, _ route: Route, _ asking: Asking, _ decision: inout Decision,
    _ log: inout EventLog
  ) {
    switch route {
    case .refuse: broken("a claim that is refused is not taken in")
    case .grant(let opening, let offer):
      decision.verdict = .admitted
      decision.quote(offer, for: min(asking.plan.expected, asking.spec.runtimeMax))
      decision.lease = grant(id, opening, offer, path: asking.resolved.path, &log)
    case .wait(let lanes, let because, let widens, _):
      decision.verdict = .queued
      step(.claimQueued(id, lanes: lanes, because: because, widens: widens), &log)
    case .park(let bucket, let reasons):
      decision.verdict = .parked
      decision.retryAt = Self.latest(reasons)
      step(.claimParked(id, on: bucket), &log)
    }
  }

  /// Withdraws a claim, wherever it is in its life.
  mutating func cancel(_ id: ClaimID, _ log: inout EventLog) -> Decision {
    guard claims.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    if let lease = claims[id].lease {
      stop(lease, .cancelled, &log)
    } else {
      step(.claimEnded(id, .cancelled), &log)
    }
    return done()
  }

  /// The moment at which all of some reasons have cleared, where each says when it does.
  static func latest(_ reasons: [Reason]) -> Instant? {
    var latest: Instant?
    for reason in reasons {
      guard let clears = reason.clearsAt else { return nil }
      latest = max(latest ?? clears, clears)
    }
    return latest
  }

  /// The verb for a claim that no lane takes: infeasible where the hardware or a cap says never.
  static func verdict(of obstacles: [Reason]) -> Decision.Verdict {
    obstacles.contains { $0.code.group == .infeasible } ? .infeasible : .rejected
  }

  mutating func refuseClaim(
    _ spec: ClaimSpec, _ verdict: Decision.Verdict, _ reasons: [Reason], _ plan: RuntimePlan?,
    _ log: inout EventLog
  ) -> Decision {
    let first = reasons.min { $0.code.rawValue < $1.code.rawValue }
    step(
      .claimRefused(tenant: tenant(named: spec.tenant), first?.code ?? .laneNotAllowed), &log)
    var decision = Decision(verdict: verdict, policy: generation)
    decision.plan = plan
    decision.reasons = log.append(reasons.isEmpty ? [Reason(.laneNotAllowed)] : reasons)
    let isRetryable = !reasons.isEmpty && reasons.allSatisfy(\.isRetryable)
    decision.retryAt = isRetryable ? Self.latest(reasons) : nil
    if let at = decision.retryAt, isQuoteOver(spec, by: at) { decision.retryAt = nil }
    return decision
  }

  // MARK: identity and policy

  struct Refusal: Error {
    var verdict: Decision.Verdict
    var reasons: [Reason]
    var plan: RuntimePlan?
  }

  /// Resolves a claim's names and checks what does not depend on the lane.
  /// - Parameter isNew: whether its own name must be that of no live claim.
  func resolve(
    _ spec: ClaimSpec, isNew: Bool = true
  ) -> Result<(Resolved, RuntimePlan), Refusal> {
    func refuse(
      _ verdict: Decision.Verdict, _ reasons: [Reason]
    ) -> Result<(Resolved, RuntimePlan), Refusal> {
      .failure(Refusal(verdict: verdict, reasons: reasons))
    }
    guard generation.value > 0 else { return refuse(.rejected, [Reason(.policyMissing)]) }
    guard spec.isWellFormed else { return refuse(.infeasible, [Reason(.fieldOutOfRange)]) }
    guard !isNew || keys.claims.row(for: spec.key) == nil else {
      return refuse(.rejected, [Reason(.duplicateKey)])
    }
    guard let tenant = tenant(named: spec.tenant), !tenants[tenant].isRetired else {
      return refuse(.rejected, [Reason(.tenantUnknown)])
    }
    guard let service = service(spec.service, for: spec.tenant) else {
      return refuse(.rejected, [Reason(.serviceUnknown)])
    }
    // Nothing is unlimited by omission.
    guard let root = tenants[tenant].bucket else {
      return refuse(.rejected, [Reason(.bucketMissing, .identity(.tenant))])
    }
    let serviceClass = service.serviceClass
    var reasons = restrictions(on: spec, serviceClass: serviceClass)
    if let reason = delegationObstacle(spec, tenant: tenant, serviceClass) {
      reasons.append(reason)
    }
    if !tenants[tenant].rule.classes.contains(serviceClass) {
      reasons.append(
        Reason(
          .classNotAllowed, .identity(.tenant), have: Int64(tenants[tenant].rule.classes.bits),
          need: Int64(serviceClass.rank)))
    }
    if let obstacle = isolationObstacle(spec.demand) { reasons.append(obstacle) }
    if let obstacle = acceptanceObstacle(spec) { reasons.append(obstacle) }
    var quote: Quoted?
    switch quoted(spec, tenant) {
    case .failure(let obstacle): reasons.append(obstacle.reason)
    case .success(let found): quote = found
    }
    guard reasons.isEmpty, let path = payingPath(root, spec, serviceClass) else {
      return refuse(.rejected, reasons)
    }
    guard let plan = quote?.plan ?? runtimePlan(spec) else {
      return refuse(.rejected, [Reason(.costUnknown)])
    }
    let earliest = now + plan.expected
    if let deadline = spec.deadline, earliest > deadline {
      let reason = Reason(.deadlineImpossible, have: deadline.ns, need: earliest.ns)
      return .failure(Refusal(verdict: .infeasible, reasons: [reason], plan: plan))
    }
    let resolved = Resolved(
      tenant: tenant, serviceClass: serviceClass, weightMilli: service.weightMilli,
      turn: TurnKey(level: serviceClass.rank, submitted: now, arrival: arrivals), path: path,
      wish: Wish(demand: spec.demand, tenant: tenant.row, slice: slice(of: spec)),
      quotedRate: quote?.rate, quote: quote?.id)
    return .success((resolved, plan))
  }

  /// Why a demand's own form cannot give the isolation that it asks for; nil where it can.
  func isolationObstacle(_ demand: Demand) -> Reason? {
    let most: Sharing =
      switch demand.shape {
      case .whole: .wholeDevice
      case .slice: .mig
      case .fraction, .cpuOnly: .ownTenant
      }
    return demand.sharing > most ? Reason(.isolationTooWeak) : nil
  }

  // MARK: credits, order, placement

  /// Where a claim that is allowed and feasible goes now.
  func route(
    _ spec: ClaimSpec, _ resolved: Resolved, _ eligible: LaneSet, _ first: LaneOffer
  ) -> Route {
    let overload = tableObstacles(spec)
    guard overload.isEmpty else { return .refuse(.rejected, overload) }
    var reasons: [Reason] = []
    var short: (bucket: BucketID, price: Credits, reasons: [Reason])?
    var payable = LaneSet.none
    let asker = Asker(
      claim: nil, tenant: resolved.tenant, level: resolved.turn.level,
      leaves: leaves(resolved.serviceClass, spec.runtimeMax))
    var left = eligible
    var next: LaneOffer? = first
    while let (row, offer) = next.map({ ($0.row, $0.offer) }) {
      left.bits &= ~(1 << UInt64(row))
      defer { next = left.isEmpty ? nil : preferred(left, spec, resolved) }
      let price = offer.reservation
      switch affordability(price, path: resolved.path, turn: resolved.turn) {
      case .no(let bucket, let missing):
        // Wait for the lane that can be paid first: the cheapest.
        if short.map({ price < $0.price }) ?? true { short = (bucket, price, missing) }
        continue
      case .yes: payable.insert(row: row)
      }
      let order = orderKey(of: resolved.turn, tenant: resolved.tenant, in: row)
      if let head = head(of: row), precedes(head, order, of: resolved.tenant, in: row) {
        reasons.append(Reason(.behindHead, .lane(row), have: Int64(waitingClaims), need: 0))
        if openPlacement(resolved.wish, for: asker, lane: row) == nil,
          let delay = delayReason(resolved.wish, for: asker, lane: row)
        {
          reasons.append(delay)
        }
      } else if let limit = lendingObstacle(row, to: resolved.tenant, offer.billedMilli) {
        reasons.append(limit)
      } else if let opening = openPlacement(resolved.wish, for: asker, lane: row) {
        return .grant(
          best(opening, in: row, at: offer, or: left, spec, resolved),
          planted(.untypedRequest) ? first.offer : offer)
      } else if let delay = delayReason(resolved.wish, for: asker, lane: row) {
        reasons.append(delay)
      } else {
        reasons += capacityReasons(resolved.wish, lane: row)
      }
      let barrier = preemptionReason(
        resolved.serviceClass, of: resolved.tenant, asking: spec.demand, lane: row)
      if let barrier { reasons.append(barrier) }
    }
    if !payable.isEmpty {
      if let full = queueObstacle(resolved, payable) { return .refuse(.rejected, [full]) }
      return .wait(
        payable, because: reasons.first?.code, widens: short?.bucket,
        reasons + (short?.reasons ?? []))
    }
    guard let short else { return .refuse(.rejected, [Reason(.arithmeticOverflow)]) }
    if policy.classes[Int(resolved.serviceClass.rank)].emptyBucket == .reject
      || isExhausted(for: short.price, path: resolved.path)
    {
      return .refuse(.rejected, short.reasons)
    }
    if let full = queueObstacle(resolved, eligible) { return .refuse(.rejected, [full]) }
    return .park(on: short.bucket, short.reasons)
  }

  /// Bounds that hold for every claim, granted or waiting.
  func tableObstacles(_ spec: ClaimSpec) -> [Reason] {
    var reasons: [Reason] = []
    let workflow = identity(.workflow, spec.workflow)?.live ?? 0
    if Int(workflow) >= limits.liveClaimsPerWorkflow {
      reasons.append(
        Reason(
          .workflowFull, .identity(.workflow), have: Int64(workflow),
          need: Int64(limits.liveClaimsPerWorkflow)))
    }
    func check(_ count: Int, _ new: Int, _ limit: Int) {
      guard count + new > limit else { return }
      reasons.append(Reason(.tableFull, have: Int64(count), need: Int64(limit)))
    }
    check(claims.count, 1, claims.limit)
    check(leases.count, Int(spec.demand.members), leases.limit)
    check(identities.count, 3, identities.limit)
    return reasons
  }

  /// Bounds of the queues.
  private func queueObstacle(_ resolved: Resolved, _ lanes: LaneSet) -> Reason? {
    if group(for: lanes) == nil {
      return Reason(.tableFull, have: Int64(groups.count), need: Int64(Limits.queueGroups))
    }
    return waitingObstacle(resolved.tenant)
  }

  /// Bounds on how many claims wait.
  func waitingObstacle(_ id: TenantID) -> Reason? {
    if planted(.queueWithoutBound) { return nil }
    if waitingClaims >= limits.queuedClaims {
      return Reason(.queueFull, have: Int64(waitingClaims), need: Int64(limits.queuedClaims))
    }
    let tenant = tenants[id]
    let most = min(Int(tenant.rule.queueMax), limits.queuedClaimsPerTenant)
    if Int(tenant.waiting) >= most {
      return Reason(
        .tenantQueueFull, .identity(.tenant), have: Int64(tenant.waiting), need: Int64(most))
    }
    return nil
  }

  /// Takes a claim in; the step that follows says where it goes.
  mutating func take(
    _ spec: ClaimSpec, _ resolved: Resolved, _ plan: RuntimePlan, _ log: inout EventLog
  ) -> ClaimID {
    let id = claims.nextID
    let most = policy.classes[Int(resolved.serviceClass.rank)].queueWaitMax
    var waitEnds = spec.maxWait.map { now + $0 } ?? .farFuture
    if let most { waitEnds = min(waitEnds, now + most) }
    var latestStart = Instant.farFuture
    if let deadline = spec.deadline {
      latestStart = Instant(ns: deadline.ns - plan.expected.ns)
    }
    log.claimFacts.append(
      ClaimFact(
        spec: spec, tenant: resolved.tenant, serviceClass: resolved.serviceClass,
        weightMilli: resolved.weightMilli, plan: plan, waitEnds: waitEnds,
        latestStart: latestStart, quoted: redeemed(by: resolved)))
    step(.claimSubmitted(id, fact: UInt32(log.claimFacts.count - 1)), &log)
    if let quote = resolved.quote { step(.quoteEnded(quote, .redeemed), &log) }
    return id
  }

  /// Grants devices for every member and reserves their first quantum, in one event; who kept the
  /// devices keeps nothing any more.
  /// - Returns: the lease of the first member.
  mutating func grant(
    _ id: ClaimID, _ opening: Opening, _ offer: Offer, path: BucketPath, _ log: inout EventLog
  ) -> LeaseID {
    if let over = opening.over { unpin(over, because: .behindHead, &log) }
    let first = UInt32(log.grants.count)
    let lead = leases.nextID
    var grant = template(of: id, opening.placement, offer)
    grant.lease = lead
    let price = planted(.reservesLater) ? .zero : offer.reservation
    grant.postings = reserve(price, path: path, &log)
    noteUses(of: opening.placement, in: &grant, &log)
    log.grants.append(grant)
    if !opening.others.isEmpty {
      let ids = leases.nextIDs(1 + opening.others.count)
      grant.postings = .none
      for (index, other) in opening.others.enumerated() {
        grant.lease = ids[index + 1]
        grant.fencing = Fencing(epoch: epoch, sequence: nextFencing + UInt64(index) + 1)
        noteUses(of: other, in: &grant, &log)
        log.grants.append(grant)
      }
    }
    let count = UInt16(1 + opening.others.count)
    step(.leaseGranted(id, grants: Span32(first: first, count: count)), &log)
    noteDebt(lead, offer.reservation, path: path, &log)
    return lead
  }

  /// What the grants of all members have in common, and the first one's fencing number.
  private func template(of id: ClaimID, _ placement: Placement, _ offer: Offer) -> Grant {
    let claim = claims[id]
    guard let node = nodes.id(at: placement.node), let lane = lanes.id(at: placement.lane) else {
      broken("a placement names live rows")
    }
    let terms = policy.classes[Int(claim.serviceClass.rank)]
    let each = offer.ofMember
    return Grant(
      claim: id, lease: leases.nextID, lane: lane, node: node,
      fencing: Fencing(epoch: epoch, sequence: nextFencing), uses: .none, postings: .none,
      reserved: each.reservation, quantum: offer.quantum, rate: each.rate,
      billedMilli: each.billedMilli, startBy: now + terms.startWithin, terms: terms,
      level: claim.level, isLent: isForeign(placement.lane, to: claim.tenant))
  }

  /// Notes the devices of one member in its grant.
  private func noteUses(of placement: Placement, in grant: inout Grant, _ log: inout EventLog) {
    guard let node = nodes.id(at: placement.node) else { broken("a placement names live rows") }
    grant.node = node
    grant.uses = noteUses(of: placement, by: claims[grant.claim].spec.demand, &log)
  }

  /// Notes the devices of one member.
  func noteUses(of placement: Placement, by demand: Demand, _ log: inout EventLog) -> Span32 {
    let first = UInt32(log.uses.count)
    for index in 0..<placement.count {
      log.uses.append(use(of: placement.devices[index], by: demand))
    }
    return Span32(first: first, count: UInt16(placement.count))
  }

  /// One device's part of a grant.
  func use(of row: UInt32, by demand: Demand) -> DeviceUse {
    guard let id = devices.id(at: row) else { broken("a placement names live rows") }
    switch demand.shape {
    case .whole, .slice:
      return DeviceUse(device: id, milli: devices[id].capacity, memory: devices[id].report.memory)
    case .fraction(let milli, let bytes):
      return DeviceUse(device: id, milli: milli, memory: bytes)
    case .cpuOnly:
      return DeviceUse(device: id, milli: MilliGPU(demand.cpu.value), memory: .zero)
    }
  }
}
