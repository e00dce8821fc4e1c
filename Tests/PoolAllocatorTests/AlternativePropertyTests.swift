import Testing

@testable import PoolAllocator

/// What is offered instead is granted at its price (SEMANTICS 7.2).
struct AlternativePropertyTests {
  #if DEBUG
    static let seeds = 40
  #else
    static let seeds = 600
  #endif

  @Test func eachAlternativeIsGrantedAtItsPriceWhenItIsSubmittedAtOnce() {
    var offered: [Alternative.Change: Int] = [:]
    var asked = 0
    for seed in 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(6_000_000 + seed))
      var random = SwarmGenerator(seed: UInt64(seed))
      driver.setUp()
      for _ in 0..<400 {
        driver.stepOnce()
        var waiting: [ClaimSpec] = []
        driver.pool.forEachClaim { _, claim in if claim.isWaiting { waiting.append(claim.spec) } }
        guard let spec = random.pick(waiting) else { continue }
        asked += 1
        let before = driver.pool.digest()
        for alternative in driver.pool.alternatives(to: spec) {
          offered[alternative.change, default: 0] += 1
          check(alternative, of: spec, in: driver.pool, "seed \(seed)")
        }
        if asked % 64 == 0 { #expect(driver.pool.digest() == before, "a question changes nothing") }
      }
    }
    let total = offered.values.reduce(0, +)
    print(
      "property: alternatives: \(total) offered for \(asked) waiting claims, all granted:", offered)
    for change in Alternative.Change.allCases {
      #expect(offered[change, default: 0] > 0, "\(change)")
    }
    #if !DEBUG
      #expect(total >= 10_000)
    #endif
  }

  private func check(
    _ alternative: Alternative, of spec: ClaimSpec, in pool: Pool, _ place: String
  ) {
    var pool = pool
    var log = EventLog()
    var submitted = alternative.spec
    submitted.key = key(999, 0)
    let decision = pool.apply(.submit(submitted), at: pool.now, into: &log).0
    let lane = decision.lease.flatMap { pool.lease($0)?.lane }
    #expect(decision.verdict == .admitted, "\(place): \(alternative.change)")
    #expect(lane == alternative.lane, "\(place)")
    #expect(decision.price == alternative.price, "\(place)")
    #expect(decision.reservation == alternative.reservation, "\(place)")
    // It differs in what it says that it changes, and in nothing else.
    var restored = alternative.spec
    (restored.accepts, restored.quote) = (spec.accepts, spec.quote)
    switch alternative.change {
    case .lane, .profile: restored.lanes = spec.lanes
    case .runtime: restored.runtimeMax = spec.runtimeMax
    case .devices:
      (restored.demand.devices, restored.demand.cpu) = (spec.demand.devices, spec.demand.cpu)
    case .members: restored.demand.members = spec.demand.members
    case .service: restored.service = spec.service
    }
    #expect("\(restored)" == "\(spec)", "\(place)")
  }
}
