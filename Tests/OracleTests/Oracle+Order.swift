import PoolAllocator

/// Whose turn it is (SEMANTICS 4, decisions 0012, 0017, 0019, 0021).
extension Oracle {
  /// Waiting claims of a lane.
  func queue(_ lane: UInt32) -> [Asked] {
    claims.values.filter { $0.state == .queued && $0.lanes.contains(lane) }
  }

  /// Whether no earlier claim of its tenant and class waits for the same lanes.
  func isHead(_ asked: Asked) -> Bool {
    !claims.values.contains {
      $0.state == .queued && $0.tenant == asked.tenant && $0.rank == asked.rank
        && $0.lanes == asked.lanes && $0.isEarlier(than: asked)
    }
  }

  func served(_ asked: Asked, _ lane: UInt32) -> Rational {
    counters[Counter(lane: lane, tenant: asked.tenant, level: asked.level)] ?? .zero
  }

  /// A waiting claim's place in the order of a lane.
  func standing(_ asked: Asked, in lane: UInt32) -> Standing {
    let clock = clocks[Clocked(lane: lane, tenant: asked.tenant)]
    var overdue: Int64?
    if let since = clock?.overdue, isFirst(asked, in: lane) { overdue = since }
    return standing(asked, in: lane, served: served(asked, lane), overdue: overdue)
  }

  func standing(
    _ asked: Asked, in lane: UInt32, served: Rational, overdue: Int64?
  ) -> Standing {
    Standing(
      overdueSince: overdue, level: asked.level, served: served,
      submitted: asked.submitted, arrival: asked.arrival)
  }

  /// Where a waiting claim is served in a lane: never before those that come before it in its line,
  /// whatever its own level.
  func turn(_ asked: Asked, in lane: UInt32) -> Standing {
    let line = queue(lane).filter {
      $0.tenant == asked.tenant && $0.rank == asked.rank && $0.lanes == asked.lanes
        && $0.isEarlier(than: asked)
    }
    return line.map { standing($0, in: lane) }.reduce(standing(asked, in: lane), max)
  }

  /// Whether a claim is the first of its tenant in a lane.
  func isFirst(_ asked: Asked, in lane: UInt32) -> Bool {
    let own = standing(asked, in: lane, served: served(asked, lane), overdue: nil)
    return !queue(lane).contains {
      $0.tenant == asked.tenant && $0.id != asked.id
        && standing($0, in: lane, served: served($0, lane), overdue: nil) < own
    }
  }

  /// Heads of lines rise by the time that they waited in the order; who comes to a level is lifted
  /// to its floor.
  mutating func age() {
    for asked in claims.values where asked.state == .queued && isHead(asked) {
      let level = Standing.level(
        rank: asked.rank, waited: asked.waited + now - asked.queuedAt, policy.order)
      guard level < asked.level else { continue }
      coverage.saw("aged")
      claims[asked.id]?.level = level
    }
    liftAll()
  }

  /// Who waits at the head of its line stands at the floor of its level at least.
  mutating func liftAll() {
    for asked in claims.values where asked.state == .queued && isHead(asked) {
      for lane in asked.lanes { lift(asked, lane) }
    }
  }

  mutating func lift(_ asked: Asked, _ lane: UInt32) {
    let counter = Counter(lane: lane, tenant: asked.tenant, level: asked.level)
    let floor = floors[Floor(lane: lane, level: asked.level)] ?? .zero
    counters[counter] = max(counters[counter] ?? .zero, floor)
  }

  /// A tenant is served: what is reserved counts, divided by its weight.
  mutating func serve(_ tenant: Int, _ lane: UInt32, _ level: UInt8, _ credits: Int128) {
    let counter = Counter(lane: lane, tenant: tenant, level: level)
    counters[counter] = (counters[counter] ?? .zero) + weighted(credits, tenant)
  }

  /// What comes back counts too, down to the floor at most.
  mutating func correct(_ lease: Held, by credits: Int128) {
    let counter = Counter(lane: lease.lane, tenant: lease.tenant, level: lease.level)
    let floor = floors[Floor(lane: lease.lane, level: lease.level)] ?? .zero
    let before = counters[counter] ?? .zero
    let after = before - weighted(credits, lease.tenant)
    counters[counter] = max(after, min(floor, before))
  }

  /// Millionths, divided by a weight in thousandths.
  func weighted(_ credits: Int128, _ tenant: Int) -> Rational {
    Rational(credits * 1_000_000, over: Int128(policy.tenants[tenant].weightMilli))
  }

  // MARK: overdue turns

  /// The longest time between a grant and the return of its devices.
  var round: Int64 {
    let runs = policy.lanes.map(\.leaseMax.ns).max() ?? 0
    return runs + (policy.classes.map { $0.startWithin.ns + $0.killWithin.ns }.max() ?? 0)
  }

  /// Time at level 0 after which a tenant's turn is overdue.
  func interval(_ tenant: Int) -> Int64 {
    let all = policy.tenants.reduce(Int128(0)) { $0 + Int128($1.weightMilli) }
    let shares = Rational(all, over: Int128(policy.tenants[tenant].weightMilli)).ceiling
    return round * Int64(shares)
  }

  /// Starts the clocks of tenants that wait at level 0 and stops those of tenants that do not.
  mutating func wind() {
    for lane in laneRows {
      for tenant in policy.tenants.indices {
        let waits = queue(lane).contains {
          $0.tenant == tenant && $0.level == 0 && isHead($0)
        }
        let clocked = Clocked(lane: lane, tenant: tenant)
        if !waits {
          clocks[clocked] = nil
        } else if clocks[clocked] == nil {
          clocks[clocked] = TurnClock(since: now, overdue: nil)
        }
      }
    }
  }

  /// A tenant had its turn in these lanes.
  mutating func tookTurn(_ tenant: Int, _ lanes: [UInt32]) {
    for lane in lanes where clocks[Clocked(lane: lane, tenant: tenant)] != nil {
      clocks[Clocked(lane: lane, tenant: tenant)] = TurnClock(since: now, overdue: nil)
    }
  }
}
