import PoolAllocator

/// J2: each claim is in one state, and the queues are as long as their counters say.
struct ClaimCounts {
  /// Compares the counters that the command touched.
  /// - Complexity: O(claims that it touched).
  func close(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    let (counted, waiting) = (pool.waitingClaims, facts.waiting)
    try must(
      counted == waiting, "J2", "\(counted) claims are counted as waiting, \(waiting) wait")
    for id in facts.touchedTenants { try compare(id, facts, pool) }
  }

  /// Compares every counter, and every claim's state with where it stands.
  /// - Complexity: O(claims + tenants).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    for id in facts.tenants.ids { try compare(id, facts, pool) }
    var waiting = 0
    var live = 0
    for id in facts.claims.ids {
      guard let claim = facts.claims[id], let row = pool.claim(id) else {
        throw Violation("J2", "claim \(id.name) lives by its events alone")
      }
      live += 1
      if claim.isWaiting { waiting += 1 }
      try must(
        claim.state == row.state && claim.isWaiting == row.isWaiting, "J2",
        "claim \(id.name) is \(row.state), by its events \(claim.state)")
      let holds = claim.state == .starting || claim.state == .running
      try must(
        holds == (row.lease != nil) && row.lease == claim.leases.first, "J2",
        "claim \(id.name) is \(row.state) with lease \(row.lease?.name ?? "none")")
    }
    try must(
      waiting == facts.waiting && live == facts.counts.claims, "J2",
      "\(waiting) claims wait and \(live) live")
    var rows = 0
    pool.forEachClaim { _, _ in rows += 1 }
    try must(rows == live, "J2", "the pool has \(rows) claims, \(live) live by their events")
  }

  private func compare(
    _ id: TenantID, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    guard let known = facts.tenants[id], let tenant = pool.tenant(id) else { return }
    try must(
      Int(tenant.live) == known.live && Int(tenant.waiting) == known.waiting, "J2",
      "tenant \(id.name) counts \(tenant.live) live and \(tenant.waiting) waiting claims, has "
        + "\(known.live) and \(known.waiting)")
  }
}
