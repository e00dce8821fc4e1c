import PoolAllocator

/// S2: authority only narrows along a chain of delegations, and nothing is granted past a closed
/// one, a measure against an identity or a missing approval (SEMANTICS 9.2).
struct Authority {
  /// Looks at an event after it was folded.
  func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    switch event {
    case .budgetOpened(let id, _), .budgetChanged(let id, _, _): try checkNarrow(id, facts)
    case .leaseGranted(let id, _): try checkGrant(id, facts)
    case .approvalGranted(let id, let by): try checkApproval(id, by, facts)
    default: break
    }
  }

  private func checkNarrow(_ id: BucketID, _ facts: borrowing Facts) throws(Violation) {
    guard let budget = facts.buckets[id] else { return }
    try must(
      Int(budget.depth) <= Limits.delegationDepth && budget.expires > facts.now
        && budget.level >= 0, "S2",
      "budget \(id.name) has depth \(budget.depth), ends at \(budget.expires) and holds "
        + "\(budget.level)")
    guard let above = budget.parent else { return }
    guard let parent = facts.buckets[above], parent.isBudget else {
      throw Violation("S2", "budget \(id.name) is given out of nothing")
    }
    try must(
      parent.tenant == budget.tenant && budget.depth == parent.depth + 1
        && budget.cap <= parent.cap && budget.expires <= parent.expires
        && budget.ceiling >= parent.ceiling && parent.closed == nil, "S2",
      "budget \(id.name) is wider than \(above.name): limit \(budget.cap) of \(parent.cap), end "
        + "\(budget.expires) of \(parent.expires)")
  }

  private func checkGrant(_ id: ClaimID, _ facts: borrowing Facts) throws(Violation) {
    guard let claim = facts.claims[id] else { return }
    let isHeldBack = facts.isHeldBack(claim.fact)
    try must(
      !isHeldBack, "S2", "claim \(id.name) is granted and an identity of it is restricted")
    var next = claim.fact.spec.budget.flatMap { facts.budgetNames[$0] }
    try must(
      claim.fact.spec.budget == nil || next != nil, "S2",
      "claim \(id.name) is granted under a delegation that is not there")
    while let row = next, let budget = facts.buckets[row] {
      try must(
        budget.closed == nil && budget.expires > facts.now
          && budget.tenant == claim.fact.tenant && claim.fact.serviceClass >= budget.ceiling,
        "S2",
        "claim \(id.name) is granted under budget \(row.name), which is closed or not for it")
      next = budget.parent
    }
    let spec = claim.fact.spec
    guard let rule = rule(for: spec, facts), claim.approval != 6 else { return }
    let isGuarded = rule.actions.isEmpty || rule.actions.contains(spec.action)
    try must(
      !(isGuarded || claim.isDemanded), "S2",
      "claim \(id.name) is granted without the approval that its action needs")
  }

  private func rule(for spec: ClaimSpec, _ facts: borrowing Facts) -> ApprovalRule? {
    let service = facts.policy.services.first {
      $0.key == spec.service && ($0.tenant == nil || $0.tenant == spec.tenant)
    }
    return service?.approval.map { facts.policy.approvals[Int($0)] }
  }

  /// Whoever approves is on the policy's list and asked for nothing itself.
  private func checkApproval(
    _ id: ClaimID, _ by: Key, _ facts: borrowing Facts
  ) throws(Violation) {
    guard let spec = facts.claims[id]?.fact.spec else { return }
    let isListed = rule(for: spec, facts)?.approvers.contains(by) ?? false
    try must(
      isListed && by != spec.principal && by != spec.onBehalfOf, "S2",
      "claim \(id.name) is approved by a principal that may not")
  }
}
