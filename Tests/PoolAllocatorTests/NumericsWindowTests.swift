import Testing

@testable import PoolAllocator

/// B3: in no window is more charged than the cap and what the window refills.
struct NumericsWindowTests {
  private struct Traffic {
    var bucket: CreditBucket
    var debtMax: Int64
    var moments: [Int64] = []
    var charges: [Int64] = []

    /// Admits a charge whenever the bucket holds it, or may owe it.
    mutating func arrive(at moment: Int64, price: Int64) {
      let refill = bucket.refill(at: Instant(ns: moment))
      let level = bucket.level.value + refill.gained.value
      guard level - price >= -debtMax else { return }
      bucket.level = Credits(level - price)
      bucket.remainder = refill.remainder
      bucket.asOf = Instant(ns: moment)
      moments.append(moment)
      charges.append(price)
    }
  }

  private func traffic(_ random: inout SplitMix64, debt: Bool) -> Traffic {
    let cap = random.spread(1...(1 << 50))
    let rate = random.spread(0...(1 << 50))
    var traffic = Traffic(
      bucket: CreditBucket(
        cap: Credits(cap), refillPerSecond: Credits(rate),
        level: Credits(random.spread(0...cap)), asOf: .origin),
      debtMax: debt ? random.spread(0...cap) : 0)
    // Gaps around the time that refills a twentieth of the cap keep the bucket busy.
    let gap =
      rate == 0 ? 1 << 30 : max(1, min(1 << 45, cap / 20 * 1_000 / max(1, rate / 1_000_000)))
    var moment: Int64 = 0
    for _ in 0..<48 {
      moment += random.spread(0...gap)
      traffic.arrive(at: moment, price: random.spread(0...max(1, cap / 4)))
    }
    return traffic
  }

  private func checkWindows(_ traffic: Traffic) throws -> (windows: Int, tight: Int) {
    let cap = Int128(traffic.bucket.cap.value) + Int128(traffic.debtMax)
    let rate = Int128(traffic.bucket.refillPerSecond.value)
    var (windows, tight) = (0, 0)
    for first in traffic.moments.indices {
      var charged: Int128 = 0
      for last in first..<traffic.moments.count {
        charged += Int128(traffic.charges[last])
        let span = Int128(traffic.moments[last] - traffic.moments[first])
        let bound = cap * ExactBucket.unit + rate * span
        windows += 1
        try must(
          charged * ExactBucket.unit <= bound,
          "B3: \(charged) charged in \(span) ns of \(traffic.bucket)")
        if charged * ExactBucket.unit * 2 > bound { tight += 1 }
      }
    }
    return (windows, tight)
  }

  @Test(arguments: [false, true])
  func windowBoundProperty(debt: Bool) throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 4_000_000, debug: 40_000)
    var random = SplitMix64(seed: debt ? 0xB3D : 0xB3)
    var (windows, tight) = (0, 0)
    while windows < count {
      let reached = try checkWindows(traffic(&random, debt: debt))
      windows += reached.windows
      tight += reached.tight
    }
    #expect(tight > windows / 100, "windows come near their bound: \(tight) of \(windows)")
    Scale.report("window bound, debt \(debt)", windows, since: start)
  }
}
