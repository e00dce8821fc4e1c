/// Why a claim waits: a query, so that a screen can ask at any moment.
extension Pool {
  /// When a waiting claim starts at the latest, where devices are kept for it.
  ///
  /// It holds unless nodes fail, an operator intervenes or a claim that goes before it takes the
  /// devices; then the event `claimUnpinned` says why.
  public func planned(_ id: ClaimID) -> Instant? { claim(id)?.pin?.starts }

  /// Everything that stands in the way of a waiting claim now, in order of precedence.
  ///
  /// Nothing is in the way of a claim that the next tick would serve or end.
  /// - Returns: at most `Limits.reasons`; empty where the claim does not wait.
  /// - Complexity: that of a submission; changes nothing.
  public func obstacles(of id: ClaimID) -> [Reason] {
    guard let claim = claim(id), claim.isWaiting else { return [] }
    // A throttle counts claims at the door.
    let measures = restrictions(on: claim.spec, serviceClass: claim.serviceClass)
      .filter { $0.code != .identityThrottled }
    if claim.heldBy != nil { return measures }
    if let reason = delegationObstacle(claim.spec, tenant: claim.tenant, claim.serviceClass) {
      return measures + [reason]
    }
    if claim.state == .awaitingApproval, let approval = claim.approval {
      return measures + [missingApproval(approval)]
    }
    guard let resolved = resolved(claim) else {
      let isRetired = tenants[claim.tenant].isRetired
      return measures
        + [isRetired ? Reason(.tenantUnknown) : Reason(.bucketMissing, .identity(.tenant))]
    }
    let (eligible, _, obstacles) = eligibleLanes(claim.spec, resolved)
    var reasons = measures + (eligible.isEmpty ? obstacles : [])
    var left = eligible
    while let next = preferred(left, claim.spec, resolved) {
      left.bits &= ~(1 << UInt64(next.row))
      switch affordability(next.offer.reservation, path: resolved.path, turn: resolved.turn) {
      case .no(_, let missing):
        reasons += missing.filter { !reasons.contains($0) }
      case .yes:
        if let head = head(of: next.row), head.row != id.row {
          reasons.append(Reason(.behindHead, .lane(next.row), have: Int64(waitingClaims)))
          let delay = delayReason(resolved.wish, for: asker(id), lane: next.row)
          if let delay { reasons.append(delay) }
          reasons += preemptionReasons(resolved, id, lane: next.row)
        } else if let limit = lendingObstacle(
          next.row, to: resolved.tenant, next.offer.billedMilli)
        {
          reasons.append(limit)
        } else if room(for: resolved.wish, lane: next.row) == nil {
          reasons += capacityReasons(resolved.wish, lane: next.row)
          reasons += preemptionReasons(resolved, id, lane: next.row)
        }
      }
    }
    return Array(reasons.sorted(by: EventLog.precedes).prefix(Limits.reasons))
  }

  private func preemptionReasons(_ resolved: Resolved, _ id: ClaimID, lane: UInt32) -> [Reason] {
    guard claims[id].pin?.isHeld != true,
      let reason = preemptionReason(resolved.serviceClass, of: resolved.tenant, lane: lane)
    else { return [] }
    return [reason]
  }
}
