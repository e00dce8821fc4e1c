import PoolAllocator

/// B2: nobody is let in to wait for what no bucket ever holds: a claim whose first quantum costs
/// more than the cap is infeasible at once (SEMANTICS 2.4).
enum CapPrices {
  /// Looks at an event before it is folded.
  static func check(_ event: Event, _ facts: borrowing Facts) throws(Violation) {
    guard case .claimParked(let id, let bucket) = event, let claim = facts.claims[id],
      claim.state == .new, let known = facts.buckets[bucket], !known.isBudget
    else { return }
    var least: Int128?
    var left = claim.fact.spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      guard let lane = facts.lane(row: row), !lane.isRetired,
        (lane.profile.kind == .cpu) == (claim.fact.spec.demand.shape == .cpuOnly)
      else { continue }
      let price = facts.firstPrice(of: claim, in: lane)
      least = min(least ?? price, price)
    }
    guard let least else { return }
    try must(
      least <= Int128(known.cap), "B2",
      "claim \(id.name) costs \(least) and waits for bucket \(bucket.name), whose cap is "
        + "\(known.cap)")
  }
}
