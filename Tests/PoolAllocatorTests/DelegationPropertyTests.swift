import Testing

@testable import PoolAllocator

/// What budgets have spent is what was charged, at every step of random lives.
@Suite struct DelegationPropertyTests {
  #if DEBUG
    static let seeds = 24
    static let steps = 250
  #else
    static let seeds = 200
    static let steps = 500
  #endif

  @Test func spentIsWhatLeasesReservedAndSettled() {
    var charges = 0
    var compared = 0
    for seed in 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(6_000_000 + seed))
      driver.setUp()
      for step in 0..<Self.steps {
        driver.stepOnce()
        var count = 0
        driver.pool.forEachBucket { _, bucket in
          guard bucket.delegation != nil else { return }
          count += 1
          #expect(
            bucket.spent.value == driver.trail.spent[bucket.rule.key],
            "seed \(seed), step \(step)")
          #expect(bucket.spent <= bucket.credits.cap, "seed \(seed), step \(step)")
        }
        #expect(count == driver.trail.spent.count)
        compared += count
      }
      charges += driver.trail.charges
    }
    print("delegations: \(charges) charges, \(compared) comparisons")
    #expect(charges > Self.seeds)
  }
}
