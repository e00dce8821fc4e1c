import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire

/// The longest waits that a policy allows, lane by lane: what `place --explain` adds.
struct BoundsPage {
  let session: PlaceSession

  /// A table of every tenant, class and lane with a bound, and what it adds up.
  func lines(_ page: Page) -> [String] {
    let pool = session.pool
    var rows: [[String]] = []
    pool.forEachLane { lane, known in
      guard !known.isRetired else { return }
      pool.forEachTenant { tenant, rule in
        guard !rule.isRetired else { return }
        for serviceClass in [ServiceClass.p0, .p1, .p2, .p3]
        where rule.rule.classes.contains(serviceClass)
          && known.rule.admits.contains(serviceClass)
        {
          rows.append(row(tenant, rule, serviceClass, lane, known))
        }
      }
    }
    let header = ["LANE", "TENANT", "CLASS", "WAITS AT MOST", "RISE", "INTERVAL", "ROUNDS"]
    let why = page.prose(
      "The wait of a tenant's first claim: it rises to the best level, has its turn within the"
        + " tenant's interval or is overdue, and then waits for some rounds, each the longest"
        + " that a lease may hold a device. Each claim of its own before it adds an interval and"
        + " the rounds. A node that fails, is cordoned or drained, and a new policy begin the"
        + " count anew.")
    return ["BOUNDS in seconds"] + page.table(header: header, rows: rows) + why
  }

  private func row(
    _ tenant: TenantID, _ rule: Tenant, _ serviceClass: ServiceClass, _ lane: LaneID, _ known: Lane
  ) -> [String] {
    let names = [
      session.names.text(known.key), session.names.text(rule.key), serviceClass.word,
    ]
    guard case .success(let bound) = session.pool.waitBound(of: tenant, serviceClass, in: lane),
      let total = bound.total()
    else { return names + ["no bound", "-", "-", "-"] }
    return names + [
      Amounts.seconds(total.ns), Amounts.seconds(bound.rise.ns),
      Amounts.seconds(bound.interval.ns), "\(bound.rounds) x \(Amounts.seconds(bound.round.ns))",
    ]
  }
}
