/// What must hold of claims that somebody has to approve.
extension Pool {
  /// Who waits for an approval holds nothing, and nobody else's request is open.
  func checkApprovals() {
    claims.forEach { id, claim in
      let isOpen = claim.approval.map { $0.by == nil } ?? false
      invariant(
        isOpen == (claim.state == .awaitingApproval), "a request is open while its claim waits")
      if isOpen {
        invariant(claim.spec.plan != nil, "an approval is bound to a plan")
        invariant(
          claim.lease == nil && claim.bucket == nil && claim.pin == nil && claim.heldBy == nil,
          "a claim that waits for its approval holds nothing")
      }
      if let by = claim.approval?.by {
        invariant(
          by != claim.spec.principal && by != claim.spec.onBehalfOf,
          "nobody approves what was asked on their own behalf")
      }
      let moment = queue.claimTimers.order(of: id.row) ?? .farFuture
      invariant(
        moment == (claim.isWaiting ? waitTimer(of: claim) : .farFuture),
        "a waiting claim is looked at when its wait or its request is over")
    }
  }
}
