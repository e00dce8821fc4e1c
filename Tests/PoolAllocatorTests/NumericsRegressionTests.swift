import Testing

@testable import PoolAllocator

/// Faults of the core's arithmetic and of its credit rules, each with the least case that shows it.
/// Each was found by a property test, mended, and stays mended.
struct NumericsRegressionTests {
  /// `CostRule.runtime` multiplies calls × depth × span in 128 bits: 2⁴⁰ · 2⁴⁰ · 2³⁰ · 10³ · 10³
  /// passes 2¹²⁷, although `ClaimSpec.isWellFormed` admits each factor. One claim stops the pool.
  @Test func costModelSurvivesTheLargestWellFormedClaim() async {
    await #expect(processExitsWith: .success) {
      var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
      SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 40, to: &policy)
      policy.costs = [
        CostRule(
          action: Name.action(0), modelClass: Name.model, base: .zero, perThousandPrompt: .zero,
          perThousandOutput: .zero, perToolCall: .seconds(1), retryMilli: 1_000)
      ]
      var rig = PoolRig()
      rig.begin(policy)
      var spec = rig.claim(
        1, demand: Demand(shape: .whole), lanes: [0], runtime: .seconds(60))
      let most = Int64(1) << 40
      spec.estimate = .work(promptTokens: 0, outputTokens: 0, toolCalls: most, depth: 1)
      #expect(spec.isWellFormed)
      #expect(rig.apply(.submit(spec)).verdict == .rejected)
    }
  }

  /// A bucket in debt whose cap is 2⁵³ has more than 2⁵³ of room: `Credits(Int64(room))` stops the
  /// process when it refills at once. The same holds wherever cap + debt > 2⁵³.
  @Test func aDeeplyIndebtedBucketRefills() async {
    await #expect(processExitsWith: .success) {
      var bucket = CreditBucket(
        cap: Credits(Credits.limit), refillPerSecond: Credits(Credits.limit), level: .zero,
        asOf: .origin)
      bucket.level = Credits(-1)
      _ = bucket.refill(at: Instant(ns: 2_000_000_000))
    }
  }

  /// A claim names a cheap lane that can never serve it and a dear one that can. Its bucket holds
  /// the cheap price only, so it parks; `leastReservation` asks for the cheap price, so the timer
  /// is due at once; the tick lets the claim out, dispatch parks it again, for ever.
  @Test func ticksAtOneMomentEnd() throws {
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    let dear = Key(high: 99, low: 1)
    policy.profiles.append(
      ProfileRule(key: dear, kind: .gpu, weightMilli: 3_000, memory: Bytes(80 << 30)))
    policy.pools.append(PoolRule(key: Name.pool(2), profile: dear))
    policy.lanes.append(LaneRule(key: Name.lane(9), pool: 2, leaseMax: .seconds(3_600)))
    SmallPolicy.add(
      .tenant, under: nil, tenant: 0, cap: 200_000_000, rate: 1, opening: 100_000_000, to: &policy)
    var rig = PoolRig()
    rig.begin(policy)
    let approved = [ApprovedDevices(profile: dear, count: 1)]
    let enrolment = rig.apply(.enrol(Enrolment(key: Name.node(0), approved: approved)))
    let node = try #require(enrolment.node)
    rig.report(
      node,
      devices: [
        DeviceReport(
          key: Name.device(0, 0), kind: .gpu, profile: dear, memory: Bytes(80 << 30))
      ])
    let spec = rig.claim(
      1, demand: Demand(shape: .whole), lanes: [0, 9], runtime: .seconds(60))
    #expect(rig.apply(.submit(spec)).verdict == .parked)
    var rounds = 0
    while rounds < 100, rig.pool.apply(.tick, at: rig.now, into: &rig.log).1 == .more {
      rounds += 1
    }
    #expect(rounds < 100, "ticks at one moment come to an end")
  }

  /// A parked claim of 60 million credits and how its pool looks after another policy.
  private func parked(
    then change: (inout CompiledPolicy) -> Void
  ) throws -> (rig: PoolRig, claim: ClaimID) {
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(
      .tenant, under: nil, tenant: 0, cap: 100_000_000, rate: 1_000_000, opening: 0, to: &policy)
    var rig = PoolRig()
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 1)
    rig.report(node, devices: SmallNode.gpus(0, 1))
    let spec = rig.claim(1, demand: Demand(shape: .whole), lanes: [0], runtime: .seconds(60))
    let decision = rig.apply(.submit(spec))
    let claim = try #require(decision.claim)
    #expect(rig.pool.claim(claim)?.state == .parked)
    change(&policy)
    rig.apply(.activate(PolicyGeneration(2), policy))
    for _ in 0..<100 {
      rig.pass(3_000_000_000_000)
      while rig.pool.apply(.tick, at: rig.now, into: &rig.log).1 == .more {}
    }
    return (rig, claim)
  }

  /// The bucket's timer is cleared because no refill reaches the price, and nobody looks again.
  @Test func aParkedClaimEndsWhenTheCapFallsBelowItsPrice() throws {
    let (rig, claim) = try parked { $0.buckets[0].cap = Credits(10_000_000) }
    #expect(rig.pool.claim(claim) == nil, "every admitted claim ends")
  }

  /// No lane is left, so the least reservation is 2⁵³, which no bucket ever holds.
  @Test func aParkedClaimEndsWhenItsLaneNoLongerAdmitsIt() throws {
    let (rig, claim) = try parked { $0.lanes[0].admits = ClassSet(bits: 1) }
    #expect(rig.pool.claim(claim) == nil, "every admitted claim ends")
  }

  /// `roomObstacle` counts the rows of the policy in force and those of the next one twice.
  @Test func aPolicyThatFillsATableIsReplaced() {
    var limits = Limits()
    limits.tenants = 3
    limits.buckets = 3
    var policy = SmallPolicy.bare(tenants: 2, reserved: 0, reservedCPU: 0)
    for tenant in 0..<2 {
      SmallPolicy.add(.tenant, under: nil, tenant: tenant, cap: 1, to: &policy)
    }
    var rig = PoolRig(limits: limits)
    rig.begin(policy)
    #expect(rig.pool.generation == PolicyGeneration(1))
    #expect(rig.apply(.activate(PolicyGeneration(2), policy)).verdict == .done)
  }
}
