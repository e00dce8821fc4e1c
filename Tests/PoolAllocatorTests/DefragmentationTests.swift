import Testing

@testable import PoolAllocator

/// Moves that make room: which leases, at what cost, and which stay.
struct DefragmentationTests {
  private static let half = Demand(shape: .fraction(MilliGPU(500), .zero))
  private static let whole = Demand(shape: .whole)

  private static func gang(_ devices: UInt8, members: UInt16 = 1) -> Demand {
    var demand = Demand(shape: .whole, devices: devices)
    demand.members = members
    return demand
  }

  /// A pool of nodes with so many GPUs each, where classes may preempt.
  private func rig(
    _ gpus: [Int], shield: Span = .zero, change: (inout CompiledPolicy) -> Void = { _ in }
  ) throws -> (rig: PoolRig, nodes: [NodeID]) {
    var policy = SmallPolicy.bare(tenants: 2, reserved: 0, reservedCPU: 0)
    for tenant in 0..<2 {
      SmallPolicy.add(.tenant, under: nil, tenant: tenant, cap: 1 << 50, to: &policy)
    }
    policy.preemption = PreemptionRule(distance: 1, burst: 100, perHour: 100)
    for rank in policy.classes.indices { policy.classes[rank].shield = shield }
    change(&policy)
    var rig = PoolRig()
    rig.begin(policy)
    var nodes: [NodeID] = []
    for (number, count) in gpus.enumerated() {
      let node = try rig.enrolled(number, gpus: count)
      rig.report(node, devices: SmallNode.gpus(number, count) + [SmallNode.cpu(number)])
      nodes.append(node)
    }
    return (rig, nodes)
  }

  private func spec(
    _ number: Int, _ demand: Demand, in rig: PoolRig, tenant: Int = 0, mayStop: Bool = true
  ) -> ClaimSpec {
    var spec = rig.claim(
      number, tenant: tenant, demand: demand, lanes: [0], runtime: .seconds(3_600))
    if mayStop {
      spec.interruption = Interruption(grace: .seconds(2), checkpointEvery: .seconds(60))
    }
    return spec
  }

  /// Grants and starts a claim on one node.
  @discardableResult
  private func run(
    _ number: Int, _ demand: Demand, on node: NodeID, of nodes: [NodeID], _ rig: inout PoolRig,
    tenant: Int = 0, mayStop: Bool = true
  ) throws -> LeaseID {
    for other in nodes where other != node { rig.apply(.cordon(other)) }
    let spec = spec(number, demand, in: rig, tenant: tenant, mayStop: mayStop)
    let lease = try #require(rig.apply(.submit(spec)).lease)
    let fencing = try #require(rig.pool.lease(lease)?.fencing)
    rig.apply(.confirmStarted(lease, fencing))
    for other in nodes where other != node { rig.apply(.uncordon(other)) }
    return lease
  }

  /// A plan that was carried out on a copy and found to hold.
  private func plan(
    for spec: ClaimSpec, _ claims: Int = 1, in rig: PoolRig
  ) throws -> DefragmentationPlan {
    let before = rig.pool.digest()
    let plan = rig.pool.defragmentation(for: spec, claims: claims)
    #expect(rig.pool.digest() == before, "a question changes nothing")
    var trail = MoveTrail(rig.pool)
    try trail.carryOut(plan, for: spec)
    #expect(trail.granted == plan.rooms.count)
    return plan
  }

  @Test func eightGPUsComeFreeAfterTwoMoves() throws {
    var (rig, nodes) = try rig([8, 8])
    let small = try [0, 1].map {
      try run($0, Self.whole, on: nodes[0], of: nodes, &rig)
    }
    try run(2, Self.gang(6), on: nodes[1], of: nodes, &rig)
    rig.pass(5_000_000_000)
    rig.apply(.tick)
    let plan = try plan(for: spec(9, Self.gang(8), in: rig), in: rig)
    #expect(plan.fitting == 0 && plan.gained == 1 && plan.refusals.isEmpty)
    #expect(plan.moves.map(\.lease) == small)
    #expect(plan.moves.allSatisfy { $0.from == nodes[0] && $0.to == nodes[1] })
    #expect(plan.moves.map(\.gpuMilli) == [1_000, 1_000])
    // 5 s of work, 2 s of grace, 10 s to be killed, 1 s for the order.
    #expect(plan.moves.map(\.cost) == [Credits(18_000_000), Credits(18_000_000)])
    #expect(plan.cost == 36_000_000)
    #expect(plan.rooms.first?.worth == Credits(8 * 3_600 * 1_000_000))
    #expect(plan.rooms.first?.places.first?.devices.count == 8)
  }

  /// Both moves are paid anew by one bucket; two leases have paid two quanta each.
  @Test(arguments: [(quanta: Int64(5), moves: 0), (6, 2)])
  func movesArePaidTogether(quanta: Int64, moves: Int) throws {
    var (rig, nodes) = try rig([8, 8]) { policy in
      let price = policy.classes[0].quantum.ns / 1_000
      policy.buckets[0].cap = Credits(quanta * price)
      policy.buckets[0].refillPerSecond = .zero
      policy.buckets[0].opening = policy.buckets[0].cap
    }
    for number in 0..<2 { try run(number, Self.whole, on: nodes[0], of: nodes, &rig) }
    try run(2, Self.gang(6), on: nodes[1], of: nodes, &rig, tenant: 1, mayStop: false)
    rig.pass(5_000_000_000)
    rig.apply(.tick)
    let plan = try plan(for: spec(9, Self.gang(8), in: rig, tenant: 1), in: rig)
    #expect(plan.moves.count == moves)
  }

  @Test func aCheckpointMakesAMoveCheaper() throws {
    var (rig, nodes) = try rig([2, 2])
    let saved = try run(0, Self.whole, on: nodes[0], of: nodes, &rig)
    try run(1, Self.whole, on: nodes[1], of: nodes, &rig)
    rig.pass(9_000_000_000)
    rig.apply(.confirmCheckpoint(saved, try #require(rig.pool.lease(saved)?.fencing)))
    rig.pass(1_000_000_000)
    rig.apply(.tick)
    let plan = try plan(for: spec(9, Self.gang(2), in: rig), in: rig)
    #expect(plan.moves.map(\.lease) == [saved])
    #expect(plan.moves.map(\.cost) == [Credits(14_000_000)])
  }

  @Test func sharesCloseUp() throws {
    var (rig, nodes) = try rig([1, 1, 1])
    for node in 0..<3 { try run(node, Self.half, on: nodes[node], of: nodes, &rig) }
    let plan = try plan(for: spec(9, Self.whole, in: rig), 3, in: rig)
    #expect(plan.gained == 1 && plan.moves.count == 1, "one half is left over")
  }

  @Test func whatHasRoomNeedsNoMove() throws {
    var (rig, nodes) = try rig([2, 2])
    for node in 0..<2 { try run(node, Self.whole, on: nodes[node], of: nodes, &rig) }
    let plan = try plan(for: spec(9, Self.whole, in: rig), 5, in: rig)
    #expect(plan.fitting == 2 && plan.gained == 0 && plan.moves.isEmpty)
  }

  @Test func aGangFindsRoomForAllOfItsMembersOrNone() throws {
    var (rig, nodes) = try rig([4, 4, 4])
    for node in 0..<2 { try run(node, Self.whole, on: nodes[node], of: nodes, &rig) }
    let two = try plan(for: spec(9, Self.gang(4, members: 2), in: rig), in: rig)
    #expect(two.gained == 1 && two.moves.count == 1)
    #expect(two.rooms.first?.places.count == 2)
    let three = try plan(for: spec(9, Self.gang(4, members: 3), in: rig), in: rig)
    #expect(three.rooms.isEmpty)
  }

  @Test func whatMayNotBeInterruptedStays() throws {
    var (rig, nodes) = try rig([2, 2])
    for node in 0..<2 {
      try run(node, Self.whole, on: nodes[node], of: nodes, &rig, mayStop: false)
    }
    #expect(try plan(for: spec(9, Self.gang(2), in: rig), in: rig).rooms.isEmpty)
  }

  @Test func whatIsBehindItsShieldStays() throws {
    var (rig, nodes) = try rig([2, 2], shield: .seconds(60))
    for node in 0..<2 { try run(node, Self.whole, on: nodes[node], of: nodes, &rig) }
    #expect(try plan(for: spec(9, Self.gang(2), in: rig), in: rig).rooms.isEmpty)
    rig.pass(40_000_000_000)
    for lease in nodes.flatMap({ rig.pool.leases(on: $0) }) {
      rig.apply(.renew(lease, try #require(rig.pool.lease(lease)?.fencing)))
    }
    rig.pass(20_000_000_000)
    rig.apply(.tick)
    #expect(try plan(for: spec(9, Self.gang(2), in: rig), in: rig).gained == 1)
  }

  @Test func withoutARuleOfPreemptionNothingMoves() throws {
    var (rig, nodes) = try rig([2, 2]) { $0.preemption = nil }
    for node in 0..<2 { try run(node, Self.whole, on: nodes[node], of: nodes, &rig) }
    #expect(try plan(for: spec(9, Self.gang(2), in: rig), in: rig).rooms.isEmpty)
  }

  @Test func aLaneLosesNoMoreLeasesThanItMay() throws {
    var (rig, nodes) = try rig([3, 4]) {
      $0.preemption = PreemptionRule(distance: 1, burst: 1, perHour: 1)
    }
    for number in 0..<2 { try run(number, Self.whole, on: nodes[0], of: nodes, &rig) }
    try run(2, Self.gang(2), on: nodes[1], of: nodes, &rig, mayStop: false)
    #expect(try plan(for: spec(9, Self.gang(3), in: rig), in: rig).rooms.isEmpty)
  }

  @Test func whereThereIsNoPlaceThereIsNoPlan() throws {
    var (rig, nodes) = try rig([2, 2])
    try run(0, Self.whole, on: nodes[0], of: nodes, &rig)
    try run(1, Self.gang(2), on: nodes[1], of: nodes, &rig)
    #expect(try plan(for: spec(9, Self.gang(2), in: rig), in: rig).rooms.isEmpty)
  }

  @Test func whatIsKeptForAWaitingClaimStaysKept() throws {
    var (rig, nodes) = try rig([2, 3])
    try run(0, Self.whole, on: nodes[0], of: nodes, &rig)
    try run(1, Self.whole, on: nodes[1], of: nodes, &rig, mayStop: false)
    let asked = spec(9, Self.gang(2), in: rig)
    #expect(try plan(for: asked, in: rig).fitting == 1)
    // A claim for three waits: the third node alone can hold it, and what is free there is kept.
    let waits = rig.apply(.submit(spec(2, Self.gang(3), in: rig, mayStop: false)))
    #expect(waits.verdict == .queued)
    rig.apply(.tick)
    let kept = rig.pool.devices(on: nodes[1]).count { rig.pool.device($0)?.pin != nil }
    #expect(kept > 0)
    let plan = try plan(for: asked, in: rig)
    #expect(plan.rooms.isEmpty, "the one place for the small lease is kept")
  }

  @Test func aPlanCostsNoMoreThanTheClaimIsWorth() throws {
    var (rig, nodes) = try rig([2, 2])
    for node in 0..<2 { try run(node, Self.whole, on: nodes[node], of: nodes, &rig) }
    rig.pass(20_000_000_000)
    rig.apply(.tick)
    // 33 GPU-seconds are lost: 20 of work and 13 until the lease has left.
    var short = spec(9, Self.gang(2), in: rig)
    short.runtimeMax = .seconds(16)
    short.estimate = .runtime(.seconds(16))
    #expect(try plan(for: short, in: rig).rooms.isEmpty)
    short.runtimeMax = .seconds(17)
    short.estimate = .runtime(.seconds(17))
    #expect(try plan(for: short, in: rig).gained == 1)
  }

  @Test func whatNoLaneServesIsToldSo() throws {
    let (rig, _) = try rig([2, 2])
    let plan = try plan(for: spec(9, Self.gang(4), in: rig), in: rig)
    #expect(plan.rooms.isEmpty && !plan.refusals.isEmpty)
  }

  @Test func fragmentationIsWhatNobodyCouldUse() throws {
    var (rig, nodes) = try rig([2, 3])
    #expect(rig.pool.fragmentation() == Fragmentation(free: 5_000, useless: 0))
    try run(0, Self.half, on: nodes[0], of: nodes, &rig)
    let lane = try #require(rig.pool.lane(named: Name.lane(0)))
    let part = rig.pool.fragmentation(of: lane)
    #expect(part.free == 4_500 && part.useless == 500, "half a GPU is no whole one")
    #expect(part.share == 111)
    let cpu = try #require(rig.pool.lane(named: Name.lane(2)))
    #expect(rig.pool.fragmentation(of: cpu).free == 0)
    #expect(rig.pool.fragmentation(of: cpu).share == 0)
  }

  @Test func fragmentationGoesByTheMixOfThePolicy() throws {
    let mix = [
      MixKind(popularity: 1, devices: 1, share: MilliGPU(500), cpu: MilliCPU(0), pools: 1),
      MixKind(popularity: 9, devices: 2, share: .whole, cpu: MilliCPU(0), pools: 1),
    ]
    var (rig, nodes) = try rig([2, 3]) {
      $0.placement = PlacementRule(score: .fragmentation, mix: mix)
    }
    try run(0, Demand(shape: .fraction(MilliGPU(600), .zero)), on: nodes[0], of: nodes, &rig)
    #expect(rig.pool.fragmentation() == Fragmentation(free: 4_400, useless: 400))
  }
}
