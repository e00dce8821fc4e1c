import Testing

@testable import PoolAllocator

/// SEMANTICS §2.5 end to end: denied one nanosecond before the hint, affordable at it.
struct NumericsHintTests {
  private func rig(_ random: inout SplitMix64) throws -> PoolRig {
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    let matches: [BucketMatch] = [
      .tenant, .application(Name.application(0)), .serviceClass(.p1), .action(Name.action(0)),
    ]
    for level in 0..<(1 + random.below(4)) {
      let cap = random.within(60_000_000...600_000_000)
      SmallPolicy.add(
        matches[level], under: level == 0 ? nil : level - 1, tenant: 0, cap: cap,
        rate: random.spread(1...3_000_000), opening: random.within(0...cap), to: &policy)
    }
    var rig = PoolRig()
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 8)
    rig.report(node, devices: SmallNode.gpus(0, 8))
    return rig
  }

  private func claim(_ rig: PoolRig, _ number: Int, _ random: inout SplitMix64) -> ClaimSpec {
    let share = MilliGPU(Int32(random.within(1...1_000)))
    return rig.claim(
      number, rank: 1, demand: Demand(shape: .fraction(share, .zero)), lanes: [0],
      runtime: Span(ns: random.within(1...150_000_000_000)))
  }

  @Test func refusalsNameTheExactMomentProperty() throws {
    let start = ContinuousClock.now
    let seeds = Scale.cases(release: 20_000, debug: 60)
    var (exact, open) = (0, 0)
    for seed in 0..<seeds {
      var random = SplitMix64(seed: 0x417 + UInt64(seed))
      var rig = try rig(&random)
      for number in 0..<8 {
        rig.pass(random.within(0...5_000_000_000))
        let spec = claim(rig, number, &random)
        let decision = rig.apply(.submit(spec))
        guard decision.verdict == .rejected else { continue }
        guard let hint = decision.retryAt else {
          open += 1
          continue
        }
        // Steps above an hour are cut by the pool's clock; leases end long before.
        guard hint.ns - rig.now.ns < Limits.clockStepMax.ns else { continue }
        var early = rig
        early.now = Instant(ns: hint.ns - 1)
        if early.now > rig.now {
          try must(
            early.apply(.submit(spec)).verdict == .rejected, "seed \(seed): admitted 1 ns early")
        }
        var late = rig
        late.now = hint
        let answer = late.apply(.submit(spec))
        let credits = late.log.reasons[answer.reasons.indices].filter { $0.code.group == .credits }
        try must(credits.isEmpty, "seed \(seed): short at the hint: \(credits)")
        exact += 1
      }
    }
    #expect(exact > seeds)
    Scale.report("refusals name the exact moment (\(open) without)", exact, since: start)
  }
}
