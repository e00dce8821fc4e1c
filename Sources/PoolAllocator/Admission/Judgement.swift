/// What a claim would be answered, were it submitted now (SEMANTICS 7.2).
public struct Judgement: Sendable {
  /// The verb of the answer.
  public let verdict: Decision.Verdict
  /// As `Decision.plan`.
  public let plan: RuntimePlan?
  /// As `Decision.price`: zero where it would be refused.
  public let price: Credits
  /// As `Decision.reservation`.
  public let reservation: Credits
  /// What stands in the way, the last to clear first; at most `Limits.reasons`.
  public let reasons: [Reason]
  /// The exact moment to come back, or of its grant, where one is known.
  public let retryAt: Instant?

  fileprivate init(_ decision: Decision, _ verdict: Decision.Verdict, _ reasons: [Reason]) {
    self.verdict = verdict
    plan = decision.plan
    price = decision.price
    reservation = decision.reservation
    retryAt = decision.retryAt
    let kept = reasons.sorted(by: EventLog.precedes).prefix(Limits.reasons)
    self.reasons = kept.sorted(by: Reason.clearsLater)
  }
}

/// What one lane would cost a claim.
public struct LanePrice: BitwiseCopyable, Sendable {
  /// For the time that the claim is expected to run.
  public let price: Credits
  /// For the first quantum, which a grant reserves.
  public let reservation: Credits
}

/// Answers to "what if" and "at what price", beside `obstacles(of:)` and `alternatives(to:)`.
extension Pool {
  /// What a claim would be answered, were it submitted now: as `submit`, without taking it in.
  /// - Parameter isNew: whether its own name must be that of no live claim.
  /// - Complexity: that of a submission; changes nothing.
  public func judgement(on spec: ClaimSpec, isNew: Bool = true) -> Judgement {
    switch resolve(spec, isNew: isNew) {
    case .failure(let refusal):
      refused(refusal.verdict, refusal.reasons, refusal.plan, of: spec)
    case .success(let (resolved, plan)): judgement(on: spec, resolved, plan)
    }
  }

  private func judgement(
    on spec: ClaimSpec, _ resolved: Resolved, _ plan: RuntimePlan
  ) -> Judgement {
    let (eligible, first, obstacles) = eligibleLanes(spec, resolved)
    guard let first else { return refused(Self.verdict(of: obstacles), obstacles, plan, of: spec) }
    var answer = done()
    answer.plan = plan
    let expected = min(plan.expected, spec.runtimeMax)
    answer.quote(first.offer, for: expected)
    let paused = pauseObstacles(eligible, resolved.serviceClass)
    if let rule = approvalRule(for: spec), paused == nil {
      let missing =
        tableObstacles(spec)
        + [approvalObstacle(spec), waitingObstacle(resolved.tenant)].compactMap { $0 }
      guard missing.isEmpty else { return refused(.rejected, missing, plan, of: spec) }
      return Judgement(answer, .awaitingApproval, [approvalToCome(by: rule)])
    }
    let asked = Asking(
      spec: spec, resolved: resolved, plan: plan, eligible: eligible, first: first)
    let route = paused.map { .refuse(.rejected, $0) } ?? route(spec, resolved, eligible, first)
    if let (descent, target, cause) = downgrade(asked, route) {
      return judgement(on: descent, target, cause)
    }
    switch route {
    case .refuse(let verdict, let reasons): return refused(verdict, reasons, plan, of: spec)
    case .grant(_, let offer):
      answer.quote(offer, for: expected)
      return Judgement(answer, .admitted, [])
    case .wait(_, _, _, let reasons): return Judgement(answer, .queued, reasons)
    case .park(_, let reasons):
      answer.retryAt = Self.latest(reasons)
      return Judgement(answer, .parked, reasons)
    }
  }

  /// What a claim would be answered, were it submitted now for one lane alone, and under a name
  /// that no live claim has. A quote holds as if the claim named all its lanes.
  /// - Complexity: that of a submission; changes nothing.
  public func judgement(on spec: ClaimSpec, in lane: LaneID) -> Judgement {
    var alone = spec
    alone.lanes = LaneSet.none
    alone.lanes.insert(lane)
    return switch resolve(spec, isNew: false) {
    case .failure(let refusal):
      refused(refusal.verdict, refusal.reasons, refusal.plan, of: spec)
    case .success(let (resolved, plan)): judgement(on: alone, resolved, plan)
    }
  }

  /// What stands in the way of a waiting claim now, in whatever lane and lane by lane: as
  /// `obstacles(of:)` and `obstacles(of:in:)`, for the work of one of them.
  /// - Returns: all of it; then each lane that the claim names, in row order.
  /// - Complexity: that of `obstacles(of:in:)` for each lane of the claim; changes nothing.
  public func obstaclesByLane(
    of id: ClaimID
  ) -> (all: [Reason], lanes: [(lane: LaneID, reasons: [Reason])]) {
    guard let claim = claim(id), claim.isWaiting else { return ([], []) }
    var lanes: [(lane: LaneID, reasons: [Reason])] = []
    var left = claim.spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if let lane = self.lanes.id(at: row) { lanes.append((lane, obstacles(of: id, in: lane))) }
    }
    guard let resolved = resolved(claim),
      delegationObstacle(claim.spec, tenant: claim.tenant, claim.serviceClass) == nil
    else { return (obstacles(of: id), lanes) }
    let (eligible, _, refusals) = eligibleLanes(claim.spec, resolved)
    let open = lanes.filter { eligible.isEmpty || eligible.contains(row: $0.lane.row) }
    if !eligible.isEmpty, open.contains(where: \.reasons.isEmpty) { return ([], lanes) }
    var all = eligible.isEmpty ? refusals : []
    for lane in open { all += lane.reasons.filter { !all.contains($0) } }
    return (Array(all.sorted(by: Reason.clearsLater).prefix(Limits.reasons)), lanes)
  }

  /// What a lane would cost a live claim; nil where it never serves it, or names none of its lanes.
  /// - Complexity: O(lanes of the claim).
  public func price(of id: ClaimID, in lane: LaneID) -> LanePrice? {
    guard let claim = claim(id), lanes.contains(lane), claim.spec.lanes.contains(row: lane.row),
      let resolved = resolved(claim),
      case .success(let found) = lifelongOffer(lane.row, for: claim.spec, resolved)
    else { return nil }
    var decision = done()
    decision.quote(found.offer, for: min(claim.plan.expected, claim.spec.runtimeMax))
    return LanePrice(price: decision.price, reservation: decision.reservation)
  }

  /// What a lease has cost so far: what its postings come to if it ends now, rounded down. Zero
  /// before it starts, and of a stale id.
  /// - Complexity: O(1).
  public func spent(by id: LeaseID) -> Credits {
    guard let lease = lease(id), let started = lease.started else { return .zero }
    let until = max(started, min(now, lease.ends))
    return Credits(
      Int64(clamping: Price.charge(rate: lease.rate, span: until - started).credits))
  }

  /// Whether another principal has to approve what a claim plans, so that no alternative to it is
  /// offered.
  public func needsApproval(_ spec: ClaimSpec) -> Bool { approvalRule(for: spec) != nil }

  /// Of a claim that takes a rung.
  private func judgement(on descent: Descent, _ route: Route, _ cause: Cause) -> Judgement {
    let asking = descent.asking
    let expected = min(asking.plan.expected, asking.spec.runtimeMax)
    var answer = done()
    answer.plan = asking.plan
    answer.quote(asking.first.offer, for: expected)
    var reasons = cause.reasons
    if let (rule, _) = approvalOnRung(asking.spec, descent.automation) {
      reasons.append(approvalToCome(by: rule))
    } else if case .grant(_, let offer) = route {
      answer.quote(offer, for: expected)
    } else if case .park(_, let missing) = route {
      answer.retryAt = Self.latest(missing)
    }
    return Judgement(answer, .downgraded, reasons)
  }

  /// As `refuseClaim`.
  private func refused(
    _ verdict: Decision.Verdict, _ reasons: [Reason], _ plan: RuntimePlan?, of spec: ClaimSpec
  ) -> Judgement {
    var answer = done()
    answer.plan = plan
    let isRetryable = !reasons.isEmpty && reasons.allSatisfy(\.isRetryable)
    answer.retryAt = isRetryable ? Self.latest(reasons) : nil
    if let at = answer.retryAt, isQuoteOver(spec, by: at) { answer.retryAt = nil }
    return Judgement(answer, verdict, reasons.isEmpty ? [Reason(.laneNotAllowed)] : reasons)
  }

  /// What is missing of a claim that would ask for an approval now.
  private func approvalToCome(by rule: UInt16) -> Reason {
    Reason(.approvalMissing, clearsAt: now + policy.approvals[Int(rule)].lasts)
  }
}
