import PoolAllocator

/// F1: once nothing is due, the first claim of every line has the level that its wait gives it
/// (SEMANTICS 4.1, 4.3).
enum AgeingDue {
  private struct Line: Hashable {
    var lanes: LaneSet
    var tenant: TenantID
    var rank: UInt8
  }

  /// Looks at all claims in the order.
  /// - Complexity: O(claims).
  static func check(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    guard let step = facts.policy.order.ageingStep else { return }
    if let next = pool.nextTimer(), next <= pool.now { return }
    // Looked up; gone through in the order of claims.
    var heads: [Line: (id: ClaimID, submitted: Int64, arrival: UInt64)] = [:]
    var lines: [Line] = []
    for id in facts.claims.ids {
      guard let claim = facts.claims[id], claim.state == .queued else { continue }
      let line = Line(
        lanes: claim.waitsFor, tenant: claim.fact.tenant, rank: claim.fact.serviceClass.rank)
      let known = heads[line]
      if known == nil { lines.append(line) }
      if let known, (known.submitted, known.arrival) < (claim.submitted, claim.arrival) { continue }
      heads[line] = (id, claim.submitted, claim.arrival)
    }
    let ceiling = Int64(facts.policy.order.ceiling)
    for line in lines {
      guard let head = heads[line], let claim = facts.claims[head.id] else { continue }
      let wait = claim.waited + facts.now - claim.queuedAt
      let rank = Int64(line.rank)
      let due = min(rank, max(ceiling, rank - wait / step.ns))
      try must(
        Int64(claim.level) <= due, "F1",
        "claim \(head.id.name) waited \(wait) ns at level \(claim.level), and level \(due) is due")
    }
  }
}
