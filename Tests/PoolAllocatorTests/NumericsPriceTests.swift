import Testing

@testable import PoolAllocator

/// Prices, charges, the cost model, fencing numbers and moments, against wider arithmetic.
struct NumericsPriceTests {
  private let unit: Int128 = 1_000_000_000_000

  private func ceiling(_ value: Int128, _ divisor: Int128) -> Int128 {
    let (whole, rest) = value.quotientAndRemainder(dividingBy: divisor)
    return rest > 0 ? whole + 1 : whole
  }

  @Test func chargesAddUpProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 1_500_000, debug: 10_000)
    var random = SplitMix64(seed: 0xADD)
    for _ in 0..<count {
      let rate = random.spread(0...Int64.max)
      var carried: Int64 = 0
      var (held, sum): (Int128, Int128) = (0, 0)
      for _ in 0..<random.below(7) {
        let span = Span(ns: random.spread(0...Limits.spanMax.ns))
        let reservation = Price.lastCharge(rate: rate, span: span, carried: carried)
        let charge = Price.charge(rate: rate, span: span, carried: carried)
        try must(charge.remainder >= 0 && Int128(charge.remainder) < unit, "remainder in range")
        try must(charge.credits <= reservation, "a full quantum costs at most its reservation")
        let part = Span(ns: random.spread(0...span.ns))
        try must(
          Price.lastCharge(rate: rate, span: part, carried: carried) <= reservation,
          "a part of a quantum costs at most its reservation")
        held += Int128(span.ns)
        sum += charge.credits
        carried = charge.remainder
        try must(sum == Int128(rate) * held / unit, "parts so far sum to the floor of the whole")
      }
      let last = Span(ns: random.spread(0...Limits.spanMax.ns))
      held += Int128(last.ns)
      sum += Price.lastCharge(rate: rate, span: last, carried: carried)
      try must(
        sum == ceiling(Int128(rate) * held, unit), "rate \(rate), \(held) ns: sum is \(sum)")
    }
    Scale.report("price additivity", count, since: start)
  }

  @Test func wholePriceIsTheLimitedCeilingProperty() throws {
    var random = SplitMix64(seed: 0x0F)
    var refused = 0
    let count = Scale.cases(release: 1_000_000, debug: 20_000)
    for _ in 0..<count {
      let rate = random.spread(0...Int64.max)
      let span = Span(ns: random.spread(0...Limits.spanMax.ns))
      let exact = ceiling(Int128(rate) * Int128(span.ns), unit)
      let price = Price.of(rate: rate, span: span)
      if price == nil { refused += 1 }
      try must(
        price.map { Int128($0.value) } == (exact <= 1 << 53 ? exact : nil), "price of \(exact)")
    }
    #expect(refused > count / 100)
  }

  @Test func rateIsExactOrRefusedProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 2_000_000, debug: 20_000)
    var random = SplitMix64(seed: 0x4A7E)
    var refused = 0
    for _ in 0..<count {
      let billed = random.spread(0...(1 << 50))
      let profile = Int32(random.spread(1...Int64(Limits.weightMilli)))
      let job = Int32(random.spread(1...Int64(Limits.weightMilli)))
      let exact = Int128(billed) * Int128(profile) * Int128(job)
      let rate = Price.rate(billedMilli: billed, profileMilli: profile, jobMilli: job)
      if rate == nil { refused += 1 }
      try must(
        rate.map { Int128($0) } == (exact <= Int128(Int64.max) ? exact : nil), "rate \(exact)")
    }
    #expect(refused > count / 100)
    Scale.report("rate exact or refused", count, since: start)
  }

  // MARK: the cost model

  private struct Work {
    var amounts: [Int64]

    func runtime(_ rule: CostRule) -> Span? {
      rule.runtime(
        prompt: amounts[0], output: amounts[1], toolCalls: amounts[2], depth: amounts[3])
    }
  }

  @Test func costModelIsExactAndMonotoneProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 2_000_000, debug: 20_000)
    var random = SplitMix64(seed: 0xC057)
    var refused = 0
    for _ in 0..<count {
      func span() -> Span { Span(ns: random.spread(0...(random.chance(70) ? 1 << 40 : 1 << 54))) }
      let key = Key(high: 1, low: 1)
      let rule = CostRule(
        action: key, modelClass: key, base: span(), perThousandPrompt: span(),
        perThousandOutput: span(), perToolCall: span(),
        retryMilli: Int32(random.spread(1_000...Int64(Limits.weightMilli))))
      let work = Work(amounts: (0..<4).map { _ in random.spread(0...(1 << 14)) })
      let thousandths =
        Int128(rule.base.ns) * 1_000
        + Int128(work.amounts[0]) * Int128(rule.perThousandPrompt.ns)
        + Int128(work.amounts[1]) * Int128(rule.perThousandOutput.ns)
        + Int128(work.amounts[2]) * Int128(work.amounts[3]) * Int128(rule.perToolCall.ns) * 1_000
      let exact = ceiling(thousandths * Int128(rule.retryMilli), 1_000_000)
      let runtime = work.runtime(rule)
      if runtime == nil { refused += 1 }
      try must(
        runtime.map { Int128($0.ns) } == (exact <= Int128(Limits.spanMax.ns) ? exact : nil),
        "\(rule) of \(work): \(exact)")
      var more = work
      more.amounts[random.below(4)] += 1 + random.spread(0...(1 << 10))
      let longer = more.runtime(rule) ?? .seconds(9_000_000_000)
      try must(longer >= runtime ?? .seconds(9_000_000_000), "more work is never shorter")
    }
    #expect(refused > count / 100 && refused < count * 3 / 4)
    Scale.report("cost model exact and monotone", count, since: start)
  }

  // MARK: fencing, time

  @Test func fencingOrdersByEpochThenSequenceProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 2_000_000, debug: 20_000)
    var random = SplitMix64(seed: 0xFE4C)
    for _ in 0..<count {
      let epochs = (0..<2).map { _ in UInt32(random.spread(0...(1 << 24) - 1)) }
      let pair = (0..<2).map { index in
        (
          epoch: random.chance(50) ? epochs[0] : epochs[index],
          sequence: UInt64(random.spread(0...(1 << 40) - 1))
        )
      }
      let numbers = pair.map { Fencing(epoch: $0.epoch, sequence: $0.sequence) }
      try must(
        numbers[0].epoch == pair[0].epoch && numbers[0].sequence == pair[0].sequence,
        "both parts come back")
      try must((numbers[0] < numbers[1]) == (pair[0] < pair[1]), "\(pair) are out of order")
      try must((numbers[0] == numbers[1]) == (pair[0] == pair[1]), "\(pair) are told apart")
    }
    Scale.report("fencing order", count, since: start)
  }

  @Test func momentsSaturateProperty() throws {
    var random = SplitMix64(seed: 0x71AE)
    for _ in 0..<Scale.cases(release: 1_000_000, debug: 20_000) {
      let moment = Instant(ns: random.spread(0...Int64.max))
      let span = Span(ns: random.spread(-1...Int64.max))
      let exact = Int128(moment.ns) + Int128(span.ns)
      let later = moment + span
      try must(Int128(later.ns) == min(exact, Int128(Int64.max)), "\(moment) + \(span) wraps")
      let other = Instant(ns: random.spread(0...Int64.max))
      try must((other - moment).ns == other.ns - moment.ns, "spans are differences")
      if later != .farFuture { try must(later - moment == span, "a sum comes apart again") }
    }
  }
}
