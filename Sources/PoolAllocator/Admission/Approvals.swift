/// Claims that somebody else has to approve before they come into the order (SEMANTICS 9.2,
/// docs/decisions/0022).
///
/// While it waits for an approval a claim holds nothing: it is in no line, so it does not age, and
/// it keeps neither credits nor devices. It counts among its tenant's waiting claims, and its own
/// limits of waiting run.
extension Pool {
  // MARK: the rule

  /// The rule by which a claim has to be approved, as an index of `CompiledPolicy.approvals`; nil
  /// where it does not have to be. The one place where that is decided.
  /// - Parameter demanded: whether the claim's rung asks for an approval, whatever the action.
  func approvalRule(for spec: ClaimSpec, demanded: Bool = false) -> UInt16? {
    guard let index = service(spec.service, for: spec.tenant)?.approval else { return nil }
    let actions = policy.approvals[Int(index)].actions
    return demanded || actions.isEmpty || actions.contains(spec.action) ? index : nil
  }

  /// Why a claim that has to be approved cannot even ask; nil where it can.
  func approvalObstacle(_ spec: ClaimSpec) -> Reason? {
    spec.plan == nil ? Reason(.planMissing) : nil
  }

  /// What is missing while a claim waits for its approval.
  func missingApproval(_ approval: Approval) -> Reason {
    Reason(.approvalMissing, clearsAt: approval.lapses)
  }

  /// What a waiting claim's timer is set to: the end of its wait, or of its request for an
  /// approval; at once where the policy in force asks for none any more, or for one that the claim
  /// does not have.
  func waitTimer(of claim: Claim) -> Instant {
    if claim.approval?.by != nil { return claim.expires }
    let rule = approvalRule(for: claim.spec, demanded: claim.approval?.isDemanded ?? false)
    guard claim.state == .awaitingApproval, let approval = claim.approval else {
      return rule == nil ? claim.expires : .origin
    }
    return rule == nil ? .origin : min(claim.expires, approval.lapses)
  }

  // MARK: asking

  /// Takes in a claim that has to be approved before it comes into the order, or refuses it.
  mutating func submit(
    _ spec: ClaimSpec, _ resolved: Resolved, _ plan: RuntimePlan, quoting offer: Offer,
    approvedBy rule: UInt16, _ log: inout EventLog
  ) -> Decision {
    let obstacles =
      tableObstacles(spec)
      + [approvalObstacle(spec), waitingObstacle(resolved.tenant)]
      .compactMap { $0 }
    guard obstacles.isEmpty else { return refuseClaim(spec, .rejected, obstacles, plan, &log) }
    var decision = Decision(verdict: .awaitingApproval, policy: generation)
    decision.plan = plan
    decision.quote(offer, for: min(plan.expected, spec.runtimeMax))
    let id = take(spec, resolved, plan, &log)
    decision.claim = id
    decision.reasons = log.append([requestApproval(id, by: rule, &log)])
    return decision
  }

  /// Has a claim wait for its approval, out of the order.
  /// - Parameter rule: what `approvalRule` gave.
  /// - Returns: what is missing.
  mutating func requestApproval(
    _ id: ClaimID, by rule: UInt16, demanded: Bool = false, _ log: inout EventLog
  ) -> Reason {
    let approval = Approval(
      asked: now, lapses: now + policy.approvals[Int(rule)].lasts, isDemanded: demanded)
    step(.approvalRequested(id, lapses: approval.lapses, isDemanded: demanded), &log)
    return missingApproval(approval)
  }

  // MARK: commands

  /// Approves what a claim plans; the claim comes into the order.
  mutating func approve(
    _ id: ClaimID, by approver: Key, plan: Key, _ log: inout EventLog
  ) -> Decision {
    guard claims.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard claims[id].state == .awaitingApproval else { return refuse(Reason(.wrongState), &log) }
    if let reason = decisionObstacle(id, approver) { return refuse(reason, &log) }
    guard claims[id].spec.plan == plan else { return refuse(Reason(.planMismatch), &log) }
    step(.approvalGranted(id, by: approver), &log)
    requeue(id, &log)
    var decision = done()
    decision.claim = id
    return decision
  }

  /// Denies what a claim plans, or takes an approval back that no lease rests on yet.
  mutating func deny(_ id: ClaimID, by approver: Key, _ log: inout EventLog) -> Decision {
    guard claims.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard claims[id].isWaiting, claims[id].approval != nil, claims[id].grants == 0 else {
      return refuse(Reason(.wrongState), &log)
    }
    if let reason = decisionObstacle(id, approver) { return refuse(reason, &log) }
    step(.approvalDenied(id, by: approver), &log)
    step(.claimEnded(id, .approvalDenied), &log)
    return done()
  }

  /// Why a principal may not decide on a claim under the policy in force: it asked for it, it is
  /// not in the list, it is suspended, or the request has lapsed.
  private func decisionObstacle(_ id: ClaimID, _ approver: Key) -> Reason? {
    let (spec, approval) = (claims[id].spec, claims[id].approval)
    guard let approval,
      let rule = approvalRule(for: spec, demanded: approval.isDemanded)
    else { return Reason(.wrongState) }
    if spec.principal == approver || spec.onBehalfOf == approver, !planted(.approvesOwnPlan) {
      return Reason(.approverInvolved)
    }
    guard policy.approvals[Int(rule)].approvers.contains(approver) else {
      return Reason(.approverNotAllowed)
    }
    if let reason = suspension(of: approver) { return reason }
    if approval.by == nil, approval.lapses <= now {
      return Reason(.approvalLapsed, have: approval.lapses.ns, need: now.ns)
    }
    return nil
  }

  // MARK: time and policy

  /// The timer of a claim that waits for its approval came up: nobody decided in time, or the
  /// policy in force no longer asks.
  mutating func approvalDue(_ id: ClaimID, _ log: inout EventLog) {
    let spec = claims[id].spec
    guard let approval = claims[id].approval else { broken("a claim that waits for one asked") }
    if approvalRule(for: spec, demanded: approval.isDemanded) != nil {
      step(.approvalLapsed(id), &log)
      return step(.claimEnded(id, .approvalLapsed), &log)
    }
    // Without its service nobody is left to ask.
    guard service(spec.service, for: spec.tenant) != nil else {
      return step(.claimEnded(id, .rejected), &log)
    }
    requeue(id, &log)
  }

  // MARK: folding

  mutating func evolveApprovalRequested(_ id: ClaimID, _ lapses: Instant, _ isDemanded: Bool) {
    invariant(claims[id].lease == nil, "a claim asks for its approval before it has a lease")
    leaveQueue(id)
    claims[id].state = .awaitingApproval
    claims[id].approval = Approval(asked: now, lapses: lapses, isDemanded: isDemanded)
    enterQueue(id)
  }

  mutating func evolveApprovalGranted(_ id: ClaimID, _ by: Key) {
    invariant(claims[id].state == .awaitingApproval, "what waits for an approval is approved")
    claims[id].approval?.by = by
  }

  /// Works out the timers of waiting claims under another policy, which may ask for other
  /// approvals.
  /// - Complexity: O(claims).
  mutating func refreshApprovals() {
    for row in 0..<UInt32(claims.extent) where claims.id(at: row) != nil {
      let claim = claims[row: row]
      guard claim.isWaiting else { continue }
      QueueIndex.set(&queue.claimTimers, row, waitTimer(of: claim))
    }
  }
}
