import PoolAllocator
import Testing

/// The oracle can fail: what is spoiled or forged is found.
@Suite struct TamperTests {
  /// Whether any of a few runs disagrees.
  private func isFound(_ prepare: (inout Driver) -> Void) throws -> Bool {
    for seed in 0..<60 {
      var driver = try Driver(
        seed: 0x7A3 + UInt64(seed), theme: World.Theme.allCases[seed % 3], fleet: .gpus)
      prepare(&driver)
      do { for _ in 0..<60 { try driver.step() } } catch { return true }
    }
    return false
  }

  @Test func withoutTamperingTheyAgree() throws { #expect(try !isFound { _ in }) }

  @Test func aHintThatIsANanosecondLateIsFound() throws {
    #expect(
      try isFound { driver in
        driver.spoil = { decision in
          if let moment = decision.retryAt { decision.retryAt = Instant(ns: moment.ns + 1) }
        }
      })
  }

  @Test func aReservationThatIsACreditTooLargeIsFound() throws {
    #expect(
      try isFound { driver in
        driver.spoil = { decision in
          guard decision.verdict == .admitted else { return }
          decision.reservation = Credits(decision.reservation.value + 1)
        }
      })
  }

  @Test func aWrongVerdictIsFound() throws {
    for (wrong, right): (Decision.Verdict, Decision.Verdict) in [
      (.queued, .admitted), (.admitted, .queued), (.queued, .parked), (.queued, .infeasible),
      (.infeasible, .queued),
    ] {
      #expect(
        try isFound { driver in
          driver.spoil = { if $0.verdict == right { $0.verdict = wrong } }
        }, "\(right) as \(wrong)")
    }
  }

  @Test func aStartOutOfTurnIsFound() throws {
    #expect(
      try isFound { driver in
        driver.forge = { event, oracle in
          guard case .leaseGranted(let id, let grants) = event, let asked = oracle.claims[id],
            let other = oracle.claims.values.first(where: {
              $0.id != id && $0.state == .queued && $0.spec.demand == asked.spec.demand
            })
          else { return event }
          return .leaseGranted(other.id, grants: grants)
        }
      })
  }

  @Test func levelsThatNobodyWaitedForAreFound() throws {
    #expect(
      try isFound { driver in
        driver.oracle.floors[Oracle.Floor(lane: 0, level: 2)] = Rational(Int64(1))
      })
  }
}

/// The parts of the oracle by hand.
@Suite struct PartTests {
  @Test func aBucketFillsByExactFractions() {
    var rule = BucketRule(
      key: World.key(6, 0), tenant: 0, cap: Credits(10), refillPerSecond: Credits(3))
    rule.opening = .zero
    var bucket = ExactBucket(rule, at: 0)
    #expect(bucket.holds(1, from: 0) == 333_333_334)
    #expect(bucket.level(at: 333_333_333).floor == 0)
    #expect(bucket.level(at: 333_333_334).floor == 1)
    #expect(bucket.holds(11, from: 0) == nil)
    bucket.charge(2, at: 1_000_000_000)
    bucket.refund(20, at: 1_500_000_000)
    #expect(bucket.level == Rational(Int64(10)))
    #expect(bucket.forfeited == 12)
  }

  @Test func fractionsAreInLowestTerms() {
    #expect(Rational(6, over: -4) == Rational(-3, over: 2))
    #expect(Rational(-3, over: 2).floor == -2)
    #expect(Rational(-3, over: 2).ceiling == -1)
    #expect(Rational(1, over: 3) + Rational(1, over: 6) == Rational(1, over: 2))
    #expect(Rational(1, over: 3) < Rational(34, over: 100))
  }

  /// Two machines with a GPU each.
  private func site() throws -> Site {
    var driver: Driver
    var seed: UInt64 = 0
    repeat {
      driver = try Driver(seed: seed, theme: .hardware, fleet: .gpus)
      seed += 1
    } while driver.oracle.site.machines.count != 2
      || driver.oracle.site.parts.contains { $0.report.island > 0 }
    return driver.oracle.site
  }

  @Test func aPlacementIsOnRealMachinesNotOnSums() throws {
    var site = try site()
    let tenant = TenantID(row: 0, generation: 1)
    for node in site.machines.map(\.id) {
      let first = site.parts.firstIndex { $0.node == node }!
      site.parts = site.parts.enumerated().filter { $0.offset <= first || $0.element.node != node }
        .map(\.element)
    }
    let pair = Wish(demand: Demand(shape: .whole, devices: 2), tenant: tenant, lane: 0)
    #expect(!site.fits(pair))
    var gang = Demand(shape: .whole)
    gang.members = 2
    #expect(site.fits(Wish(demand: gang, tenant: tenant, lane: 0)))
    gang.together = .node
    #expect(!site.fits(Wish(demand: gang, tenant: tenant, lane: 0)))
    let one = Wish(demand: Demand(shape: .whole), tenant: tenant, lane: 0)
    var places: [Place] = []
    site.forEachPlacement(of: one) {
      places += $0
      return true
    }
    #expect(places.count == 2)
    site.put(
      Holding(tenant: tenant, demand: one.demand, place: places[0], isKept: false), lane: 0)
    #expect(!site.allows([places[0]], for: one))
    #expect(site.allows([places[1]], for: one))
  }

  @Test func levelsRiseByWholeStepsDownToTheCeiling() {
    let rule = OrderRule(ageingStep: .seconds(10), ceiling: 1)
    #expect(Standing.level(rank: 3, waited: 9_999_999_999, rule) == 3)
    #expect(Standing.level(rank: 3, waited: 10_000_000_000, rule) == 2)
    #expect(Standing.level(rank: 3, waited: 90_000_000_000, rule) == 1)
    #expect(Standing.level(rank: 0, waited: 90_000_000_000, rule) == 0)
    #expect(Standing.level(rank: 2, waited: .max, OrderRule()) == 2)
  }

  @Test func theOrderIsLevelThenServiceThenSubmission() {
    func one(
      _ level: UInt8, _ served: Int64, _ submitted: Int64, _ overdue: Int64? = nil
    )
      -> Standing
    {
      Standing(
        overdueSince: overdue, level: level, served: Rational(served),
        submitted: submitted, arrival: Int(submitted))
    }
    let sorted = [
      one(3, 9, 9, 1), one(3, 0, 0, 2), one(0, 5, 9), one(0, 6, 1), one(0, 6, 2), one(1, 0, 0),
    ]
    #expect(sorted.shuffled().sorted() == sorted)
  }
}
