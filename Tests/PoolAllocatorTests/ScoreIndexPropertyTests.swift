import Testing

@testable import PoolAllocator

/// Places by score through kept points against a look at every node, in random lives.
struct ScoreIndexPropertyTests {
  private struct Counts {
    var (found, empty, read, unread) = (0, 0, 0, 0)
  }

  @Test(arguments: [PlacementRule.Score.fragmentation, .offerValue])
  func choicesAreThoseOfAScanProperty(score: PlacementRule.Score) throws {
    let start = ContinuousClock.now
    let seeds = Scale.cases(release: 200, debug: 12)
    var counts = Counts()
    for seed in 0..<seeds {
      var driver = SwarmDriver(seed: 0x5C0_0000 + UInt64(seed))
      driver.score = score
      driver.setUp()
      for step in 0..<250 {
        driver.stepOnce()
        if step % 10 == 0 { driver.pool.checkInvariants() }
        try compare(&driver, &counts, "seed \(seed), step \(step)")
      }
    }
    #expect(counts.found > 0 && counts.empty > 0, "both answers: \(counts)")
    #expect(counts.read > 0 && counts.unread > 0, "both ways: \(counts)")
    Scale.report("points against a scan, \(score)", counts.read + counts.unread, since: start)
  }

  /// Asks for a random claim's place, with its points brought up to date or as they were left.
  private func compare(
    _ driver: inout SwarmDriver, _ counts: inout Counts, _ place: String
  ) throws {
    for _ in 0..<4 {
      let spec = driver.anyClaim()
      guard let tenant = driver.pool.tenant(named: spec.tenant) else { continue }
      let wish = Wish(demand: spec.demand, tenant: tenant.row, slice: nil)
      guard driver.pool.isScored(spec.demand) else { continue }
      let lanes = LaneSet(bits: spec.lanes.bits & ~(1 << UInt64(driver.random.below(4))))
      let isRead = driver.random.chance(50)
      if isRead { driver.pool.prepareScores(of: wish, lanes: lanes) }
      var search = ScoredSearch()
      guard driver.pool.follow(wish, lanes, &search) else {
        try must(!isRead || !driver.pool.isBoarded(spec.demand), "\(place): not followed")
        continue
      }
      let scan = driver.pool.scannedScore(of: wish, lanes: lanes)?.placement
      try must(
        named(search.best?.placement) == named(scan),
        "\(place): \(named(search.best?.placement)), by a scan \(named(scan)), \(spec.demand)")
      if isRead { counts.read += 1 } else { counts.unread += 1 }
      if scan == nil { counts.empty += 1 } else { counts.found += 1 }
    }
  }

  private func named(_ place: Placement?) -> [UInt32] {
    guard let place else { return [] }
    return [place.lane, place.node] + (0..<place.count).map { place.devices[$0] }
  }

  /// A life under a score leaves the same pool when its events are folded again.
  @Test(arguments: [PlacementRule.Score.fragmentation, .offerValue])
  func livesUnderAScoreReplay(score: PlacementRule.Score) {
    for seed in 0..<6 {
      var driver = SwarmDriver(seed: 0x5C1_0000 + UInt64(seed), keepsLogs: true)
      driver.score = score
      driver.setUp()
      for _ in 0..<200 { driver.stepOnce() }
      var folded = Pool(limits: driver.pool.limits)
      for log in driver.logs { folded.replay(log) }
      #expect(folded.digest() == driver.pool.digest())
    }
  }
}
