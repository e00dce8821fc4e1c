import PoolAllocator

/// L1: what a lane is used is the sum of the leases charged to it, and never negative; what tenants
/// borrow is the sum of what they were lent. Nobody is lent more than owner and borrower allow.
struct LaneUse {
  /// What leases are charged to a lane.
  struct Sums {
    var used: Int64 = 0
    var lent: Int64 = 0
    var leases = 0
  }

  private(set) var lanes = ByID<Lane, Sums>()
  private(set) var borrowed = ByID<Tenant, Int64>()
  private var touched: [LaneID] = []

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    switch event {
    case .leaseGranted(let id, let run):
      guard let tenant = facts.claims[id]?.fact.tenant else { return }
      for index in run.indices { add(log.grants[index], of: tenant, 1) }
      let first = log.grants[Int(run.first)]
      if first.isLent { try checkLent(first, to: tenant, facts) }
    case .leaseEnded(let id):
      guard let lease = facts.leases[id] else { return }
      add(lease.grant, of: lease.tenant, -1)
    default: break
    }
  }

  private mutating func add(_ grant: Grant, of tenant: TenantID, _ sign: Int64) {
    var sums = lanes[grant.lane] ?? Sums()
    sums.used += sign * grant.billedMilli
    sums.leases += Int(sign)
    if grant.isLent {
      sums.lent += sign * grant.billedMilli
      borrowed[tenant] = (borrowed[tenant] ?? 0) + sign * grant.billedMilli
    }
    lanes[grant.lane] = sums
    touched.append(grant.lane)
  }

  /// A lender has said how much it lends, a borrower's policy how much it borrows (SEMANTICS 3.3).
  private func checkLent(
    _ grant: Grant, to tenant: TenantID, _ facts: borrowing Facts
  ) throws(Violation) {
    guard let lane = facts.lanes[grant.lane],
      case .reclaimable(_, let most) = lane.rule.lending
    else { throw Violation("L1", "lane \(grant.lane.name) lends nothing and is lent") }
    let lent = lanes[grant.lane]?.lent ?? 0
    try must(lent <= most, "L1", "lane \(grant.lane.name) lends \(lent) of \(most)")
    let (holds, limit) = (borrowed[tenant] ?? 0, facts.tenants[tenant]?.rule.borrowingMax)
    try must(
      holds <= limit ?? .max, "L1",
      "tenant \(tenant.name) borrows \(holds) of \(limit ?? 0)")
  }

  /// Compares the lanes that the command touched.
  /// - Complexity: O(lanes that it touched).
  mutating func close(_ pool: borrowing Pool) throws(Violation) {
    for id in touched { try compare(id, pool) }
    touched.removeAll(keepingCapacity: true)
  }

  /// Compares every lane and tenant.
  /// - Complexity: O(lanes + tenants).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    for id in lanes.ids { try compare(id, pool) }
    for id in facts.tenants.ids {
      guard let tenant = pool.tenant(id) else { continue }
      let sum = borrowed[id] ?? 0
      try must(
        tenant.borrowed == sum && sum >= 0, "L1",
        "tenant \(id.name) counts \(tenant.borrowed) borrowed, its leases have \(sum)")
    }
  }

  private func compare(_ id: LaneID, _ pool: borrowing Pool) throws(Violation) {
    guard let lane = pool.lane(id), let sums = lanes[id] else { return }
    try must(
      lane.used == sums.used && lane.lent == sums.lent && Int(lane.leases) == sums.leases
        && sums.used >= 0 && sums.lent >= 0, "L1",
      "lane \(id.name) counts \(lane.used) used, \(lane.lent) lent and \(lane.leases) leases, its "
        + "leases have \(sums.used), \(sums.lent) and \(sums.leases)")
  }
}
