import PoolAllocator

/// Everything that both know, side by side.
extension Oracle {
  /// - Parameter isTicked: nothing is due, so levels in the order are as of now.
  func compare(_ pool: Pool, isTicked: Bool) throws {
    try agree(pool.now.ns == now, "pool time \(pool.now), oracle \(now)")
    try compareBuckets(pool)
    try compareClaims(pool, isTicked: isTicked)
    try compareLeases(pool)
    try compareCounters(pool)
  }

  private func compareBuckets(_ pool: Pool) throws {
    for (index, exact) in buckets.enumerated() {
      guard let bucket = pool.bucket(bucketIDs[index]) else {
        throw Disagreement(description: "bucket \(index) is gone")
      }
      for moment in [now, now + 7_654_321, now + 98_765_432_101] {
        let level = Int128(bucket.credits.level(at: Instant(ns: moment)))
        try agree(
          level == exact.level(at: moment).floor,
          "bucket \(index) holds \(level), oracle \(exact.level(at: moment))")
      }
      let books = bucket.books
      try agree(
        books.charged.value == exact.charged,
        "bucket \(index) was charged \(books.charged.value), oracle \(exact.charged)")
      try agree(
        books.refunded.value == exact.refunded,
        "bucket \(index) got back \(books.refunded.value), oracle \(exact.refunded)")
      try agree(
        books.forfeited.value == exact.forfeited,
        "bucket \(index) forfeited \(books.forfeited.value), oracle \(exact.forfeited)")
      try agree(
        books.balance == Int128(bucket.credits.level.value), "the books of bucket \(index)")
      try agree(
        bucket.committed.value == exact.committed,
        "bucket \(index) keeps back \(bucket.committed.value), oracle \(exact.committed)")
      try agree(
        bucket.turn == exact.turn, "the turn at bucket \(index) is \(bucket.turn as Any)")
    }
  }

  private func compareClaims(_ pool: Pool, isTicked: Bool) throws {
    var seen: [(ClaimID, ClaimState, UInt8)] = []
    pool.forEachClaim { id, claim in seen.append((id, claim.state, claim.level)) }
    for (id, state, level) in seen {
      guard let asked = claims[id] else {
        throw Disagreement(description: "a claim is \(state), oracle: it ended")
      }
      try agree(state == asked.state, "\(name(id)) is \(state)")
      if isTicked, state == .queued, isHead(asked) {
        try agree(level == asked.level, "\(name(id)) is at level \(level), oracle \(asked.level)")
      }
      let kept = pool.claim(id)?.pin?.starts.ns
      try agree(kept == asked.kept?.starts, "\(name(id)) is kept devices for \(kept as Any)")
    }
    try agree(seen.count == claims.count, "\(seen.count) claims, oracle \(claims.count)")
  }

  private func compareLeases(_ pool: Pool) throws {
    var seen: [(LeaseID, Lease)] = []
    pool.forEachLease { id, lease in seen.append((id, lease)) }
    for (id, lease) in seen {
      guard let held = leases[id] else {
        throw Disagreement(description: "a lease is \(lease.state), oracle: it ended")
      }
      let what = "a lease of P\(held.level)"
      try agree(lease.state == held.state, "\(what) is \(lease.state), oracle \(held.state)")
      try agree(lease.started?.ns == held.started, "\(what) started \(lease.started as Any)")
      try agree(
        lease.stoppedAt?.ns == held.stoppedAt,
        "\(what) stopped \(lease.stoppedAt as Any), oracle \(held.stoppedAt as Any)")
      guard held.state != .stopping else { continue }
      try agree(lease.ends.ns == held.ends, "\(what) ends \(lease.ends), oracle \(held.ends)")
      try agree(
        Int128(lease.reserved.value) == held.reserved,
        "\(what) reserved \(lease.reserved), oracle \(held.reserved)")
    }
    try agree(seen.count == leases.count, "\(seen.count) leases, oracle \(leases.count)")
  }

  private func compareCounters(_ pool: Pool) throws {
    for lane in policy.lanes.indices {
      guard let laneID = pool.laneID(atRow: laneRows[lane]) else { continue }
      for tenant in policy.tenants.indices {
        for level in UInt8(0)..<4 {
          let counter = Counter(lane: laneRows[lane], tenant: tenant, level: level)
          let ours = counters[counter] ?? .zero
          let served = pool.served(tenantIDs[tenant], at: level, in: laneID).value
          try agree(
            Rational(served) == ours,
            "tenant \(tenant) was served \(served) at level \(level), oracle \(ours)")
        }
      }
    }
  }
}
