import Testing

@testable import PoolAllocator

/// Whatever the pool: each move of a plan is possible when its turn comes, afterwards the promised
/// claims fit, and asking changes nothing.
struct DefragmentationPropertyTests {
  #if DEBUG
    static let seeds = 60
  #else
    static let seeds = 600
  #endif

  private static let scores: [PlacementRule.Score] = [.bestFit, .fragmentation, .offerValue]
  private static let mix = [
    MixKind(popularity: 3, devices: 1, share: MilliGPU(300), cpu: MilliCPU(2_000), pools: 1),
    MixKind(popularity: 2, devices: 1, share: .whole, cpu: MilliCPU(4_000), pools: 1),
    MixKind(popularity: 1, devices: 4, share: .whole, cpu: MilliCPU(8_000), pools: 1),
  ]

  private func demand(_ random: inout SplitMix64) -> Demand {
    var demand: Demand
    switch random.below(8) {
    case 0: demand = Demand(shape: .cpuOnly)
    case 1...4:
      let share = MilliGPU(Int32(random.within(1...9)) * 100)
      demand = Demand(shape: .fraction(share, Bytes(random.within(0...30) << 30)))
    default: demand = Demand(shape: .whole, devices: UInt8(random.within(1...4)))
    }
    let least: Int64 = demand.shape == .cpuOnly ? 1 : 0
    demand.cpu = MilliCPU(Int32(random.within(least...8)) * 1_000)
    demand.hostMemory = Bytes(random.within(0...16) << 30)
    if random.chance(30) { demand.sharing = .anyTenant }
    if random.chance(10) { demand.enforcement = .cgroup }
    return demand
  }

  private func spec(_ number: Int, _ rig: PoolRig, _ random: inout SplitMix64) -> ClaimSpec {
    let demand = demand(&random)
    let gpus = random.chance(50) ? [0, 1] : [0]
    var spec = rig.claim(
      number, tenant: random.below(2), demand: demand,
      lanes: demand.shape == .cpuOnly ? [2] : gpus, runtime: .seconds(3_600))
    if random.chance(75) {
      spec.interruption = Interruption(grace: .seconds(2), checkpointEvery: .seconds(60))
    }
    return spec
  }

  /// A small cluster that is full, after some of its leases have gone again.
  private func crowded(_ random: inout SplitMix64) throws -> PoolRig {
    var policy = SmallPolicy.bare(
      tenants: 2, reserved: Int64(random.below(3)) * 1_000, reservedCPU: 0,
      sharesAcross: random.chance(50))
    for tenant in 0..<2 {
      SmallPolicy.add(.tenant, under: nil, tenant: tenant, cap: 1 << 50, to: &policy)
    }
    policy.preemption = PreemptionRule(distance: 1, burst: 100, perHour: 100)
    let score = Self.scores[random.below(3)]
    policy.placement = PlacementRule(score: score, mix: score == .bestFit ? [] : Self.mix)
    // The owner lends its lane to those who can be gone in a minute.
    for lane in policy.lanes.indices where policy.lanes[lane].owner != nil {
      policy.lanes[lane].lending = .reclaimable(within: .seconds(60), atMost: 1_000)
    }
    var rig = PoolRig()
    rig.begin(policy)
    var nodes: [NodeID] = []
    for number in 0..<Int(random.within(2...5)) {
      let gpus = Int(random.within(1...8))
      let node = try rig.enrolled(number, gpus: gpus)
      rig.report(
        node, cpu: Int32(random.within(8...64)) * 1_000, host: random.within(16...256) << 30,
        enforcement: random.chance(80) ? .cgroup : .environment,
        devices: SmallNode.gpus(number, gpus) + [SmallNode.cpu(number, milli: 16_000)])
      nodes.append(node)
    }
    var leases: [LeaseID] = []
    for number in 0..<50 {
      rig.pass(100_000_000)
      let decision = rig.apply(.submit(spec(number, rig, &random)))
      guard let lease = decision.lease, let fencing = rig.pool.lease(lease)?.fencing else {
        // Some wait on, so that devices are kept for them.
        if let claim = decision.claim, random.chance(90) { rig.apply(.cancel(claim)) }
        continue
      }
      if random.chance(95) { rig.apply(.confirmStarted(lease, fencing)) }
      leases.append(lease)
    }
    for lease in leases where random.chance(30) {
      guard let fencing = rig.pool.lease(lease)?.fencing else { continue }
      rig.apply(.release(lease, fencing, .completed))
      if random.chance(80) { rig.apply(.confirmEmpty(lease, fencing)) }
    }
    for node in nodes {
      if random.chance(8) { rig.apply(.cordon(node)) }
      if random.chance(4) { rig.apply(.silence(node)) }
    }
    if random.chance(50) { rig.apply(.tick) }
    return rig
  }

  @Test func eachMoveIsPossibleAndThePromisedClaimsFit() throws {
    var (asked, planned, moves, rooms) = (0, 0, 0, 0)
    for seed in 0..<Self.seeds {
      var random = SplitMix64(seed: UInt64(seed))
      let rig = try crowded(&random)
      let before = rig.pool.digest()
      for _ in 0..<8 {
        var spec = spec(1_000, rig, &random)
        if random.chance(20) { spec.demand.members = UInt16(random.within(2...3)) }
        let plan = rig.pool.defragmentation(for: spec, claims: Int(random.within(1...4)))
        asked += 1
        if plan.gained > 0 { planned += 1 }
        moves += plan.moves.count
        rooms += plan.gained
        do {
          var trail = MoveTrail(rig.pool)
          try trail.carryOut(plan, for: spec)
        } catch {
          Issue.record("seed \(seed): \(error)")
        }
      }
      #expect(rig.pool.digest() == before, "seed \(seed): a question changes nothing")
      rig.pool.checkInvariants()
    }
    print("property: \(asked) plans, \(planned) with moves: \(moves) for \(rooms) claims")
    #expect(planned > asked / 40)
  }

  /// The same in the lives of the swarm, where there is any claim and any state; few of its leases
  /// may be moved, so this is about what is asked and not about what moves.
  @Test func plansHoldInRandomLives() throws {
    var (asked, moves) = (0, 0)
    for seed in 0..<Self.seeds / 3 {
      var driver = SwarmDriver(seed: UInt64(9_000_000 + seed))
      var random = SwarmGenerator(seed: UInt64(seed))
      driver.setUp()
      for turn in 0..<400 {
        driver.stepOnce()
        guard turn % 4 == 0, driver.pool.policy.preemption != nil else { continue }
        var known: [ClaimSpec] = []
        driver.pool.forEachClaim { _, claim in known.append(claim.spec) }
        guard var spec = random.pick(known) else { continue }
        spec.key = Name.key(4_001, 0)
        if random.chance(70) {
          let members = spec.demand.members
          spec.demand = Demand(shape: .whole, devices: UInt8(1 + random.below(3)))
          spec.demand.members = members
        }
        let before = driver.pool.digest()
        let plan = driver.pool.defragmentation(for: spec, claims: 2)
        asked += 1
        moves += plan.moves.count
        if turn % 64 == 0 { #expect(driver.pool.digest() == before, "a question changes nothing") }
        do {
          var trail = MoveTrail(driver.pool)
          try trail.carryOut(plan, for: spec)
        } catch {
          Issue.record("seed \(seed), turn \(turn): \(error)")
        }
      }
    }
    print("property: \(asked) plans in random lives, \(moves) moves")
  }
}
