import Testing

@testable import PoolAllocator

/// Faults of placement and binding, each with the least case that shows it.
/// Each was found by a property test, mended, and stays mended.
struct PlacementOracleRegressionTests {
  /// `FreeGrid` has rows for 0 … 16 idle GPUs; a node may report 136 devices. The 17th idle GPU of
  /// one lane writes past the grid.
  @Test func aNodeOfSeventeenGPUsIsTakenIn() async {
    await #expect(processExitsWith: .success) {
      var rig = PoolRig()
      rig.begin(SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0))
      guard let node = rig.enrol(0, gpus: 17) else { return }
      rig.report(node, devices: SmallNode.gpus(0, 17))
    }
  }

  /// An instance that is no longer advertised leaves without its siblings being placed anew: they
  /// stand in the row for the slots that were free before.
  @Test func siblingsMoveWhenAnInstanceGoes() throws {
    var rig = PoolRig()
    rig.begin(SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0))
    let first = try rig.enrolled(0, gpus: 1)
    let second = try rig.enrolled(1, gpus: 1)
    rig.report(first, devices: SmallNode.partitioned(0, 0, slots: [2, 2]))
    rig.report(second, devices: SmallNode.partitioned(1, 0, slots: [2, 2, 2]))
    // The second node's board now has one free instance of 2 slots, the first one's two.
    rig.report(second, devices: SmallNode.partitioned(1, 0, slots: [2]))
    let tenant = try #require(rig.pool.tenant(named: Name.tenant(0)))
    let lane = try #require(rig.pool.lane(named: Name.lane(0)))
    let wish = Wish(demand: Demand(shape: .slice(Name.quarter)), tenant: tenant.row, slice: 1)
    var fresh = rig.pool
    fresh.reindex()
    let remade = fresh.bestPlacement(of: wish, lane: lane.row)?.node
    #expect(remade == second.row, "the GPU with the fewest free slots")
    #expect(rig.pool.bestPlacement(of: wish, lane: lane.row)?.node == remade)
  }

  /// `reindex` takes the least row of a CPU set for the set itself; a part made later may stand in
  /// a lower row that something else gave back.
  @Test func reindexFindsTheSetsOwnRow() throws {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    rig.begin(policy)
    let first = try rig.enrolled(0, gpus: 1)
    let second = try rig.enrolled(1, gpus: 0)
    rig.report(first, devices: SmallNode.gpus(0, 1))
    rig.report(second, devices: [SmallNode.cpu(1)])
    rig.apply(.forget(first))
    policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 4_000)
    rig.apply(.activate(PolicyGeneration(2), policy))
    var fresh = rig.pool
    fresh.reindex()
    let key = SmallNode.cpu(1).key
    #expect(rig.pool.keys.devices.row(for: key) == 1)
    #expect(fresh.keys.devices.row(for: key) == 1)
  }

  /// A retired lane that a CPU set stood in is kept for one activation more, which `roomObstacle`
  /// does not count: 64 new lanes beside it pass the limit of the table.
  @Test func aFullSetOfLanesReplacesARetiredCPULane() async {
    await #expect(processExitsWith: .success) {
      var rig = PoolRig()
      var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
      rig.begin(policy)
      guard let node = rig.enrol(0, gpus: 0) else { return }
      rig.report(node, devices: [SmallNode.cpu(0)])
      policy.pools = (0..<64).map { PoolRule(key: Name.pool(100 + $0), profile: Name.cpu) }
      policy.lanes = (0..<64).map {
        LaneRule(key: Name.lane(100 + $0), pool: UInt16($0), leaseMax: .seconds(60))
      }
      rig.apply(.activate(PolicyGeneration(2), policy))
    }
  }

  /// The part of a CPU set in a retired reserved lane shrinks to nothing and stays, and so does the
  /// lane: every policy that renames the lane leaves one behind.
  @Test func retiredCPULanesLeave() throws {
    var rig = PoolRig()
    rig.begin(SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 4_000))
    let node = try rig.enrolled(0, gpus: 0)
    rig.report(node, devices: [SmallNode.cpu(0)])
    for number in 0..<5 {
      var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 4_000)
      policy.lanes[2].key = Name.lane(100 + number)
      rig.apply(.activate(PolicyGeneration(UInt32(2 + number)), policy))
    }
    #expect(rig.pool.lanes.count <= 4, "three lanes in force, one that has just retired")
  }

  /// An agent that reports a GPU as partitioned while a lease has it whole: the device turns to
  /// `.mig` under the lease.
  @Test func aLeasedGPUIsNotPartitioned() throws {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 40, to: &policy)
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 1)
    rig.report(node, devices: SmallNode.gpus(0, 1))
    let spec = rig.claim(1, demand: Demand(shape: .whole), lanes: [0], runtime: .seconds(60))
    #expect(rig.apply(.submit(spec)).verdict == .admitted)
    rig.report(node, devices: SmallNode.partitioned(0, 0, slots: [4]))
    let wish = rig.claim(
      2, demand: Demand(shape: .slice(Name.half)), lanes: [0], runtime: .seconds(60))
    #expect(rig.apply(.submit(wish)).verdict != .admitted, "whole and in parts at once")
  }

  /// Only boards and CPU parts count as bound, but an instance that goes takes 1,000 off as well:
  /// the lane then seems short and takes more than its rule asks for.
  @Test func aBoardThatGoesTakesItsOwnShareAlone() throws {
    var rig = PoolRig()
    rig.begin(SmallPolicy.bare(tenants: 1, reserved: 1_000, reservedCPU: 0))
    let first = try rig.enrolled(0, gpus: 1)
    let second = try rig.enrolled(1, gpus: 4)
    rig.report(first, devices: SmallNode.partitioned(0, 0, slots: [4, 4]))
    let id = try #require(rig.pool.lane(named: Name.lane(1)))
    #expect(rig.pool.lane(id)?.bound == 1_000)
    rig.report(first, devices: [])
    rig.report(second, devices: SmallNode.gpus(1, 4))
    var inLane = 0
    rig.pool.forEachDevice { _, device in inLane += device.lane == id.row ? 1 : 0 }
    #expect(inLane == 1, "a guarantee of one GPU binds one GPU")
  }

  /// A stopped lease passes its kill deadline while its node is silent: its device is quarantined
  /// then, so it is not marked dirty. When the node comes back and names the lease as living, the
  /// device turns usable, and the next claim sits beside a process that nobody could kill.
  @Test func aDeviceWithAnOverstayerIsNotUsable() throws {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 40, to: &policy)
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 1)
    rig.report(node, devices: SmallNode.gpus(0, 1))
    let demand = Demand(shape: .fraction(MilliGPU(500), Bytes(1 << 30)))
    let decision = rig.apply(
      .submit(rig.claim(1, demand: demand, lanes: [0], runtime: .seconds(600))))
    let claim = try #require(decision.claim)
    let lease = try #require(decision.lease)
    let fencing = try #require(rig.pool.lease(lease)?.fencing)
    rig.apply(.confirmStarted(lease, fencing))
    rig.apply(.silence(node))
    rig.pass(31_000_000_000)
    rig.apply(.tick)
    rig.apply(.cancel(claim))
    rig.pass(11_000_000_000)
    rig.apply(.tick)
    #expect(rig.pool.lease(lease)?.killBy == .farFuture, "it has overstayed")
    rig.report(node, living: [fencing], devices: SmallNode.gpus(0, 1))
    #expect(rig.pool.lease(lease)?.state == .stopping)
    let next = rig.apply(
      .submit(rig.claim(2, demand: demand, lanes: [0], runtime: .seconds(600))))
    #expect(next.verdict != .admitted, "no lease beside an overstayer")
  }
}
