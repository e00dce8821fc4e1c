import Testing

@testable import PoolAllocator

/// Places by score: over all lanes that cost the same, and never against what a claim asks for.
struct ScoredPlacementTests {
  private static let other = Name.key(1, 9)

  /// A node of 4 GPUs, two on each NUMA node, and one of another profile with 2. The mix wants the
  /// first alone.
  private func rig(
    _ score: PlacementRule.Score = .fragmentation, otherWeight: Int32 = 1_000
  ) throws -> PoolRig {
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    policy.profiles.append(
      ProfileRule(
        key: Self.other, kind: .gpu, weightMilli: otherWeight, memory: Bytes(80 << 30)))
    policy.pools.append(PoolRule(key: Name.pool(2), profile: Self.other))
    policy.lanes.append(LaneRule(key: Name.lane(4), pool: 2, leaseMax: .seconds(7 * 86_400)))
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    policy.placement = PlacementRule(
      score: score,
      mix: [MixKind(popularity: 10, devices: 1, share: .whole, cpu: MilliCPU(0), pools: 0b1)])
    var rig = PoolRig()
    rig.begin(policy)
    let first = try rig.enrolled(0, gpus: 4)
    let gpus = SmallNode.gpus(0, 4).enumerated().map { number, gpu in
      var gpu = gpu
      gpu.numa = UInt16(number / 2)
      return gpu
    }
    rig.report(first, devices: gpus + [SmallNode.cpu(0)])
    let enrolment = Enrolment(
      key: Name.node(1), approved: [ApprovedDevices(profile: Self.other, count: 2)])
    let second = try #require(rig.apply(.enrol(enrolment)).node)
    let others = (0..<2).map { number in
      var gpu = DeviceReport(
        key: Name.device(1, number), kind: .gpu, profile: Self.other, memory: Bytes(80 << 30))
      gpu.numa = 0
      return gpu
    }
    rig.report(second, devices: others)
    return rig
  }

  /// Keys of the devices that a claim is granted.
  private func granted(_ demand: Demand, _ number: Int, _ rig: inout PoolRig) throws -> [Key] {
    let spec = rig.claim(number, demand: demand, lanes: [0, 4], runtime: .seconds(60))
    let lease = try #require(rig.apply(.submit(spec)).lease)
    rig.pool.checkInvariants()
    let uses = rig.pool.uses(of: try #require(rig.pool.lease(lease)))
    return uses.compactMap { rig.pool.device($0.device)?.report.key }
  }

  @Test func theBestOfAllLanesIsTaken() throws {
    let whole = Demand(shape: .whole)
    var plain = try rig(.bestFit)
    #expect(try granted(whole, 0, &plain) == [Name.device(0, 0)], "the first lane")
    var scored = try rig()
    #expect(try granted(whole, 0, &scored) == [Name.device(1, 0)], "what the mix cannot use")
    #expect(try granted(whole, 1, &scored) == [Name.device(1, 1)])
    #expect(try granted(whole, 2, &scored) == [Name.device(0, 0)])
  }

  @Test func aShareStandsWhereOneStandsAlready() throws {
    var rig = try rig()
    let half = Demand(shape: .fraction(MilliGPU(500), Bytes(1 << 30)), devices: 1)
    let pair = Demand(shape: .whole, devices: 2)
    #expect(try granted(pair, 0, &rig) == [Name.device(1, 0), Name.device(1, 1)])
    #expect(try granted(half, 1, &rig) == [Name.device(0, 0)])
    #expect(try granted(half, 2, &rig) == [Name.device(0, 0)])
    #expect(try granted(half, 3, &rig) == [Name.device(0, 1)])
  }

  @Test func aDearerLaneIsNotChosenForItsScore() throws {
    var rig = try rig(otherWeight: 1_001)
    #expect(try granted(Demand(shape: .whole), 0, &rig) == [Name.device(0, 0)])
  }

  /// The score prefers nothing that is not together: found by random lives under such a policy.
  @Test func whatHasToBeTogetherIs() throws {
    var rig = try rig()
    var pair = Demand(shape: .whole, devices: 2)
    pair.together = .numa
    #expect(try granted(Demand(shape: .whole), 0, &rig) == [Name.device(1, 0)])
    #expect(try granted(Demand(shape: .whole), 1, &rig) == [Name.device(1, 1)])
    #expect(try granted(Demand(shape: .whole), 2, &rig) == [Name.device(0, 0)])
    #expect(try granted(pair, 3, &rig) == [Name.device(0, 2), Name.device(0, 3)])
  }

  /// A demand comes again and again while nodes join: what is kept of it grows with them.
  @Test(arguments: [PlacementRule.Score.fragmentation, .offerValue])
  func aPoolMayGrow(score: PlacementRule.Score) throws {
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    policy.placement = PlacementRule(
      score: score,
      mix: [MixKind(popularity: 1, devices: 1, share: .whole, cpu: MilliCPU(0), pools: 0b1)])
    var rig = PoolRig()
    rig.begin(policy)
    let half = Demand(shape: .fraction(MilliGPU(500), Bytes(1 << 30)))
    for number in 0..<70 {
      let node = try rig.enrolled(number, gpus: 1)
      rig.report(node, devices: SmallNode.gpus(number, 1))
      #expect(try granted(half, number, &rig).count == 1)
      let tenant = try #require(rig.pool.tenant(named: Name.tenant(0)))
      let wish = Wish(demand: half, tenant: tenant.row, slice: nil)
      rig.pool.prepareScores(of: wish, lanes: .one(0))
      var search = ScoredSearch()
      #expect(rig.pool.follow(wish, .one(0), &search))
      let scan = rig.pool.scannedScore(of: wish, lanes: .one(0))
      #expect(search.best?.placement.node == scan?.placement.node)
    }
  }

  /// The last node is forgotten and everything derived made anew: another policy meets fewer rows.
  @Test func aPolicyAfterTheLastNodeIsForgotten() throws {
    var rig = try rig()
    let last = try rig.enrolled(2, gpus: 1)
    rig.apply(.forget(last))
    rig.pool.reindex()
    let policy = rig.pool.policy
    rig.apply(.activate(PolicyGeneration(rig.pool.generation.value + 1), policy))
    rig.pool.checkInvariants()
  }
}
