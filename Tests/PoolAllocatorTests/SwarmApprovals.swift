@testable import PoolAllocator

/// Claims that have to be approved, and the principals that decide on them.
extension SwarmDriver {
  /// In half of the policies one action of one service needs an approval. The first approver asks
  /// for claims itself.
  mutating func addApproval(to policy: inout CompiledPolicy) {
    guard random.chance(50) else { return }
    var rule = ApprovalRule(
      approvers: [key(102, 0), key(102, 4)], lasts: .seconds(Int64(20 + random.below(600))))
    if random.chance(80) { rule.actions = [key(8, 1)] }
    policy.approvals = [rule]
    policy.services[2].approval = 0
  }

  /// Names a plan, sometimes somebody else on whose behalf the claim is made.
  mutating func addPlan(to spec: inout ClaimSpec) {
    if random.chance(90) { spec.plan = key(130, random.below(2)) }
    if random.chance(20) { spec.onBehalfOf = key(102, 4 * random.below(2)) }
  }

  /// Somebody decides on a claim: mostly one that waits for it, mostly somebody who may.
  mutating func decide() {
    var open: [(id: ClaimID, plan: Key?)] = []
    var others: [(id: ClaimID, plan: Key?)] = []
    pool.forEachClaim { id, claim in
      if claim.state == .awaitingApproval {
        open.append((id, claim.spec.plan))
      } else if claim.approval != nil || random.chance(5) {
        others.append((id, claim.spec.plan))
      }
    }
    guard let (id, plan) = random.pick(random.chance(80) ? open : others) else { return }
    let by = key(102, random.chance(85) ? 4 : random.below(6))
    if random.chance(25) {
      apply(.deny(id, by: by))
    } else {
      apply(.approve(id, by: by, plan: random.chance(90) ? plan ?? key(130, 0) : key(130, 9)))
    }
  }
}
