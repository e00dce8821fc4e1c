import PoolAllocator

/// F1: once nothing is due, no bucket holds what each of those that are parked on it needs: the
/// first of them would have left (SEMANTICS 2.9).
enum ParkedDue {
  /// Looks at all parked claims.
  /// - Complexity: O(claims × lanes).
  static func check(
    _ facts: borrowing Facts, _ pool: borrowing Pool, _ books: borrowing BucketBooks,
    _ committed: borrowing Committed
  ) throws(Violation) {
    if let next = pool.nextTimer(), next <= pool.now { return }
    var needs = ByID<Bucket, Int128>()
    for id in facts.claims.ids {
      guard let claim = facts.claims[id], claim.state == .parked, let bucket = claim.parkedOn
      else { continue }
      needs[bucket] = max(needs[bucket] ?? 0, most(claim, on: bucket, facts))
    }
    for id in needs.ids {
      guard let need = needs[id], let known = facts.buckets[id], !known.isBudget,
        !known.isRetired, let row = pool.bucket(id), row.turn == nil
      else { continue }
      let level = Int128(books.credits(of: id, at: facts.now)) - committed.amount(in: id)
      try must(
        level < need, "F1",
        "bucket \(id.name) has \(level) to give, all that are parked on it need \(need) at most")
    }
  }

  /// What a claim costs in the dearest of its lanes; more than anything where that is not known.
  private static func most(
    _ claim: KnownClaim, on bucket: BucketID, _ facts: borrowing Facts
  ) -> Int128 {
    guard facts.path(of: claim).contains(bucket) else { return .max }
    var most: Int128?
    var left = claim.fact.spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      guard let lane = facts.lane(row: row), !lane.isRetired,
        (lane.profile.kind == .cpu) == (claim.fact.spec.demand.shape == .cpuOnly)
      else { continue }
      most = max(most ?? 0, facts.firstPrice(of: claim, in: lane))
    }
    return most ?? .max
  }
}
