import Testing

@testable import PoolAllocator

/// The arithmetic of one bucket against exact rationals (B2, SEMANTICS §2.1, §2.5).
struct NumericsRefillTests {
  /// A bucket at some moment of its life: any cap, rate, level (also debt) and remainder.
  private func bucket(_ random: inout SplitMix64, mostCap: Int64 = 1 << 52) -> CreditBucket {
    let cap = random.spread(0...mostCap)
    let rate = random.spread(0...Credits.limit)
    let level = random.spread(-(1 << 52)...cap)
    let asOf = Instant(ns: random.spread(0...(1 << 61)))
    var bucket = CreditBucket(
      cap: Credits(cap), refillPerSecond: Credits(rate), level: Credits(level), asOf: asOf)
    bucket.remainder = level == cap ? 0 : random.spread(0...999_999_999)
    return bucket
  }

  /// Folds a refill as a posting does.
  private func poll(_ bucket: inout CreditBucket, _ moment: Int64, charge: Int64 = 0) {
    let refill = bucket.refill(at: Instant(ns: moment))
    bucket.level = Credits(bucket.level.value + refill.gained.value - charge)
    bucket.remainder = refill.remainder
    bucket.asOf = max(bucket.asOf, Instant(ns: moment))
  }

  @Test func refillDoesNotDependOnPollsProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 2_000_000, debug: 10_000)
    var random = SplitMix64(seed: 0x4EF1)
    var capped = 0
    for number in 0..<count {
      var polled = bucket(&random)
      if number % 2 == 0 { polled.refillPerSecond = Credits(random.spread(0...5_000)) }
      var rare = polled
      var exact = ExactBucket(
        cap: polled.cap.value, rate: polled.refillPerSecond.value, level: polled.level.value,
        time: polled.asOf.ns)
      exact.billionths += Int128(polled.remainder)
      var moment = polled.asOf.ns
      for _ in 0..<(1 + random.below(8)) {
        moment += random.spread(0...(1 << 50))
        let isCharge = random.chance(40)
        exact.advance(to: moment)
        let most = max(0, Int64(exact.level))
        let charge = isCharge ? random.spread(0...most) : 0
        poll(&polled, moment, charge: charge)
        if isCharge { poll(&rare, moment, charge: charge) }
        exact.take(charge)
      }
      poll(&rare, moment)
      try must(Int128(polled.level.value) == exact.level, "case \(number): level is not exact")
      try must(Int128(polled.remainder) == exact.remainder, "case \(number): remainder differs")
      try must(polled == rare, "case \(number): polls changed the bucket")
      if polled.level == polled.cap { capped += 1 }
    }
    #expect(capped > count / 50, "the cap is met")
    Scale.report("refill poll independence", count, since: start)
  }

  @Test func refillFollowsItsFormulaProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 2_000_000, debug: 20_000)
    var random = SplitMix64(seed: 0xB2B2)
    for _ in 0..<count {
      let bucket = bucket(&random)
      let now = Instant(ns: random.spread((bucket.asOf.ns - min(bucket.asOf.ns, 5))...Int64.max))
      let refill = bucket.refill(at: now)
      let passed = max(0, Int128(now.ns) - Int128(bucket.asOf.ns))
      let sum = passed * Int128(bucket.refillPerSecond.value) + Int128(bucket.remainder)
      let room = Int128(bucket.cap.value) - Int128(bucket.level.value)
      let isFull = passed > 0 && sum / ExactBucket.unit >= room
      let gained = isFull ? room : (passed > 0 ? sum / ExactBucket.unit : 0)
      try must(Int128(refill.gained.value) == gained, "B2: gained \(refill) of \(bucket)")
      let rest = isFull ? 0 : sum % ExactBucket.unit
      try must(Int128(refill.remainder) == rest, "B2: remainder \(refill) of \(bucket)")
      let level = bucket.level(at: now)
      try must(level >= bucket.level.value && level <= bucket.cap.value, "B2: level in bounds")
    }
    Scale.report("refill formula and bounds", count, since: start)
  }

  @Test func hintIsTightProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 2_000_000, debug: 20_000)
    var random = SplitMix64(seed: 0x4147)
    var (finite, never) = (0, 0)
    for _ in 0..<count {
      var bucket = bucket(&random)
      if random.chance(60) { bucket.refillPerSecond = Credits(random.spread(0...1 << 30)) }
      let now = Instant(ns: bucket.asOf.ns + random.spread(0...(1 << 55)))
      let need = Int128(random.spread(0...bucket.cap.value + 3)) - Int128(random.below(3))
      guard let hint = bucket.clears(need, at: now) else {
        never += 1
        try must(Int128(bucket.level(at: .farFuture)) < need, "no hint, but \(bucket) pays \(need)")
        continue
      }
      finite += 1
      try must(hint >= now, "a hint is not in the past")
      try must(Int128(bucket.level(at: hint)) >= need, "at the hint \(bucket) is short of \(need)")
      guard hint > now else { continue }
      let before = Instant(ns: hint.ns - 1)
      try must(Int128(bucket.level(at: before)) < need, "1 ns early \(bucket) pays \(need)")
    }
    #expect(finite > count / 4 && never > count / 50, "both answers are reached")
    Scale.report("hint tightness", count, since: start)
  }

  @Test func gcraEquivalenceForUnitCostsProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 4_000_000, debug: 30_000)
    var random = SplitMix64(seed: 0x6C4A)
    var (seen, admitted) = (0, 0)
    while seen < count {
      let burst = random.spread(1...1_000)
      let rate = random.spread(1...2_000_000_000)
      var bucket = CreditBucket(
        cap: Credits(burst), refillPerSecond: Credits(rate), level: Credits(burst), asOf: .origin)
      // Theoretical arrival time, scaled by the rate so that it is a whole number.
      var arrival: Int128 = 0
      let gap = max(1, min(1 << 40, 2_000_000_000 / rate))
      var moment: Int64 = 0
      for _ in 0..<64 {
        seen += 1
        moment += random.chance(30) ? 0 : random.spread(0...(gap * 2))
        let scaled = Int128(moment) * Int128(rate)
        let conforms = arrival - scaled <= Int128(burst - 1) * ExactBucket.unit
        poll(&bucket, moment)
        try must(
          (bucket.level.value >= 1) == conforms,
          "burst \(burst) rate \(rate) at \(moment): bucket and GCRA disagree")
        guard conforms else { continue }
        admitted += 1
        arrival = max(scaled, arrival) + ExactBucket.unit
        bucket.level = Credits(bucket.level.value - 1)
      }
    }
    #expect(admitted > seen / 10 && admitted < seen, "both answers are reached")
    Scale.report("GCRA equivalence", seen, since: start)
  }
}
