import Testing

@testable import PoolAllocator

/// What a rung may never do, checked at each event of random lives (SEMANTICS 7.4 and 7.5).
@Suite struct DegradationPropertyTests {
  #if DEBUG
    static let seeds = 40
    static let steps = 250
  #else
    static let seeds = 300
    static let steps = 500
  #endif

  /// Follows the events of one pool.
  private struct Watch {
    var pool: Pool
    var moves: [Key: Instant] = [:]
    var triggers: [Trigger: Int] = [:]
    var moved = 0
    var paused = 0
    let seed: Int

    mutating func take(_ log: EventLog) {
      pool.now = log.at
      for event in log.events {
        switch event {
        case .claimDowngraded(let id, _, let code, let fact):
          check(id, code, log.downgrades[Int(fact)], log)
        case .pressureMoved(_, let gauge, let level, _): check(gauge: Int(gauge), level, log.at)
        case .claimRefused(_, .classPaused): paused += 1
        default: break
        }
        pool.evolve(event, log)
      }
      pool.refreshCeilings()
    }

    /// No more than one move for each time that a level stays at least.
    private mutating func check(gauge: Int, _ level: Pressure, _ now: Instant) {
      let rule = pool.policy.gauges[gauge]
      moved += 1
      #expect(level != pool.gauges[gauge].level, "seed \(seed): a move leads elsewhere")
      if let last = moves[rule.key] {
        #expect(now >= last + rule.dwell, "seed \(seed): a gauge moves once in its dwell")
      }
      moves[rule.key] = now
    }

    private mutating func check(
      _ id: ClaimID, _ code: Reason.Code, _ fact: Downgrade, _ log: EventLog
    ) {
      triggers[fact.trigger, default: 0] += 1
      let claim = pool.claims[id]
      var after = pool
      after.evolveDowngraded(id, fact)
      let given = after.claims[id]
      #expect(isOn(fact.trigger, claim), "seed \(seed): \(fact.trigger) is on")
      // Whoever asks, for whom, as what.
      #expect(given.tenant == claim.tenant && given.serviceClass == claim.serviceClass)
      #expect(given.weightMilli == claim.weightMilli && given.spec.action == claim.spec.action)
      #expect(given.spec.principal == claim.spec.principal)
      #expect(given.spec.workflow == claim.spec.workflow)
      #expect(given.turn == claim.turn)
      // How it is isolated.
      #expect(given.spec.demand.sharing == claim.spec.demand.sharing)
      #expect(given.spec.demand.enforcement == claim.spec.demand.enforcement)
      checkCost(of: claim, given, fact)
      let changes = fact.changes.indices.map { log.changes[$0] }
      #expect(!changes.isEmpty, "seed \(seed): a rung changes something")
      #expect(changes.allSatisfy { $0.asked != $0.given && $0.why == code })
    }

    /// In each lane that it may get it costs less than in the cheapest that would have served it,
    /// and runs under no fewer restrictions than it would have had in all of them.
    private func checkCost(of claim: Claim, _ given: Claim, _ fact: Downgrade) {
      guard let resolved = pool.resolved(claim) else { return }
      let above = pool.eligibleLanes(claim.spec, resolved).lanes
      #expect(!above.isEmpty, "seed \(seed): what nobody could serve takes no rung")
      var least = Int128.max
      var restrictions = UInt64.max
      for row in rows(above) {
        least = min(least, cost(claim, in: row))
        restrictions &= pool.lanes[row: row].rule.restrictions
      }
      #expect(!given.spec.lanes.isEmpty)
      for row in rows(given.spec.lanes) {
        #expect(cost(given, in: row) < least, "seed \(seed): a rung costs less")
        #expect(pool.lanes[row: row].rule.restrictions & restrictions == restrictions)
      }
    }

    private func rows(_ lanes: LaneSet) -> [UInt32] {
      (0..<UInt32(Limits.lanes)).filter { lanes.contains(row: $0) }
    }

    /// Billed share × weights × expected time, worked out here once more.
    private func cost(_ claim: Claim, in row: UInt32) -> Int128 {
      let (demand, profile) = (claim.spec.demand, pool.lanes[row: row].profile)
      var share: Int128
      switch demand.shape {
      case .whole: share = 1000
      case .slice(let key):
        share = Int128(pool.policy.slices.first { $0.key == key }?.billedMilli ?? 0)
      case .cpuOnly: share = Int128(demand.cpu.value)
      case .fraction(let milli, let bytes):
        let (whole, rest) = (bytes.value * 1000).quotientAndRemainder(
          dividingBy: profile.memory.value)
        share = max(Int128(milli.value), Int128(whole) + (rest > 0 ? 1 : 0))
      }
      let devices = demand.shape == .cpuOnly ? 1 : Int128(demand.devices)
      let count = devices * Int128(demand.members)
      let span = min(claim.plan.expected.ns, claim.spec.runtimeMax.ns)
      return share * count * Int128(profile.weightMilli) * Int128(claim.weightMilli)
        * Int128(span)
    }

    /// Whether what made a claim take a rung is so.
    private func isOn(_ trigger: Trigger, _ claim: Claim) -> Bool {
      let rule = pool.policy.classes[Int(claim.serviceClass.rank)]
      let eligible =
        pool.resolved(claim).map { pool.eligibleLanes(claim.spec, $0).lanes } ?? .none
      let pressure = pool.pressure(on: eligible, claim.serviceClass)
      switch trigger {
      case .dependency: return !pool.dependencies.isEmpty
      case .pressure:
        return pressure > .normal || pool.pauseObstacles(eligible, claim.serviceClass) != nil
      case .queue:
        let tenant = pool.tenants[claim.tenant]
        return pool.waitingClaims >= pool.limits.queuedClaims
          || tenant.waiting >= tenant.rule.queueMax
          || Int(tenant.waiting) >= pool.limits.queuedClaimsPerTenant
      case .bucket: return rule.emptyBucket == .downgrade
      case .wait:
        return rule.waitLimit.map {
          pool.predictedWait(claim.serviceClass, in: eligible) > $0
        } ?? false
      case .time: return claim.expires <= pool.now
      case .preference:
        let service = pool.service(claim.spec.service, for: claim.spec.tenant)
        return pressure == .normal && service?.risk == .low
      }
    }
  }

  @Test func aRungGivesLessAndNothingElse() {
    var triggers: [Trigger: Int] = [:]
    var (moved, paused) = (0, 0)
    for seed in 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(5_000_000 + seed), keepsLogs: true)
      driver.setUp()
      for _ in 0..<Self.steps { driver.stepOnce() }
      var watch = Watch(pool: Pool(limits: driver.pool.limits), seed: seed)
      for log in driver.logs { watch.take(log) }
      #expect(watch.pool.digest() == driver.pool.digest())
      triggers.merge(watch.triggers, uniquingKeysWith: +)
      moved += watch.moved
      paused += watch.paused
    }
    let seen = Trigger.allCases.map { "\($0) \(triggers[$0, default: 0])" }
    print("degradation: \(seen.joined(separator: ", ")); gauges moved \(moved), paused \(paused)")
    for trigger in Trigger.allCases { #expect(triggers[trigger, default: 0] > 0, "\(trigger)") }
    #expect(moved > 0)
    #expect(paused > 0)
  }

  /// Without gauges, dependencies, limits and preferences nothing makes a claim take a rung but its
  /// own bucket or queue.
  @Test func aQuietPoolGivesWhatIsAsked() {
    var policy = CompiledPolicy()
    for seed in 0..<Self.seeds / 4 {
      var driver = SwarmDriver(seed: UInt64(6_000_000 + seed), keepsLogs: true)
      driver.isQuiet = true
      driver.setUp()
      for _ in 0..<Self.steps { driver.stepOnce() }
      policy = driver.pool.policy
      for log in driver.logs {
        for event in log.events {
          if case .claimDowngraded = event { Issue.record("seed \(seed): \(event)") }
        }
      }
    }
    #expect(policy.gauges.isEmpty)
  }
}
