/// What the search asks of the pool that it has a copy of.
extension Pool {
  /// Where a demand of one member has room now in some lanes that cost the same: by score, else in
  /// the first of them.
  func placeNow(_ wish: Wish, in lanes: LaneSet) -> Placement? {
    if isScored(wish.demand) { return scoredPlacement(of: wish, lanes: lanes) }
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      if let found = bestPlacement(of: wish, lane: lane) { return found }
    }
    return nil
  }

  /// Lanes that a lease may be moved to: its own, and others of its claim that cost it the same,
  /// are no other tenant's and in which nobody waits; none where its buckets cannot pay it anew,
  /// beside what its tenant owes already.
  /// - Returns: the lanes, and the most that has to be paid in one of them.
  func lanesToMove(
    _ lease: Lease, _ claim: Claim, _ resolved: Resolved, owed: Int64
  ) -> (lanes: LaneSet, price: Int64) {
    var lanes = LaneSet.none
    var most: Int64 = 0
    var left = claim.spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      guard !isForeign(row, to: lease.tenant), row == lease.lane.row || head(of: row) == nil,
        case .success(let found) = lifelongOffer(row, for: claim.spec, resolved),
        found.offer.rate == lease.rate,
        let price = Credits(checked: Int128(found.offer.reservation.value) + Int128(owed)),
        case .yes = affordability(price, path: resolved.path, turn: resolved.turn)
      else { continue }
      lanes.insert(row: row)
      most = max(most, found.offer.reservation.value)
    }
    return (lanes, most)
  }

  /// What a move of a lease loses, in 10⁻¹² credits: what preemption would lose, and the time of
  /// its devices until they have come back at the latest.
  func lostByMove(_ lease: Lease) -> Int128 {
    let away = returns(lease) - now
    return lost(lease) + Int128(lease.rate) * Int128(away.ns + Limits.orderDelay.ns)
  }
}
