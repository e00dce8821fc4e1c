import Testing

@testable import PoolAllocator

/// A lane's part of a CPU set is approved with its set.
struct PartApprovalTests {
  @Test func aPartFallsAndRisesWithItsSet() throws {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 2_000)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 0)
    let (first, other) = (SmallNode.cpu(0, 500), SmallNode.cpu(0, 400))
    rig.report(node, devices: [first])
    let part = try #require(
      rig.pool.devices(on: node).first { rig.pool.device($0)?.isPart == true })
    #expect(rig.pool.device(part)?.health == .usable)
    func submit(_ number: Int) -> Decision {
      rig.apply(
        .submit(
          rig.claim(
            number, demand: Demand(shape: .cpuOnly, cpu: MilliCPU(1_000)), lanes: [3],
            runtime: .seconds(60))))
    }
    // One set is approved, and the agent names another one first.
    rig.report(node, devices: [other, first])
    #expect(rig.pool.device(part)?.health != .usable)
    #expect(submit(1).lease == nil)
    rig.report(node, devices: [first])
    #expect(rig.pool.device(part)?.health == .usable)
    rig.apply(.tick)
    #expect(rig.log.grants.count == 1)
  }

  /// What was bound elsewhere while a set was gone is bound once: the part that comes back keeps
  /// what a lease holds of it, and gives that to its set when the lease has ended.
  @Test func aPartThatWasReplacedGoesBackToItsSet() throws {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 2_000)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    rig.begin(policy)
    let first = try rig.enrolled(0, gpus: 0)
    rig.report(first, devices: [SmallNode.cpu(0)])
    let demand = Demand(shape: .cpuOnly, cpu: MilliCPU(500))
    let decision = rig.apply(
      .submit(rig.claim(1, demand: demand, lanes: [3], runtime: .seconds(60))))
    let lease = try #require(decision.lease)
    let fencing = try #require(rig.pool.lease(lease)?.fencing)
    let second = try rig.enrolled(1, gpus: 0)
    rig.report(second, devices: [SmallNode.cpu(1)])
    let lane = try #require(rig.pool.lane(named: Name.lane(3)))
    rig.report(first, living: [fencing], devices: [])
    #expect(rig.pool.lane(lane)?.bound == 2_000)
    rig.report(first, living: [fencing], devices: [SmallNode.cpu(0)])
    #expect(rig.pool.lane(lane)?.bound == 2_500)
    rig.apply(.release(lease, fencing, .completed))
    rig.apply(.confirmEmpty(lease, fencing))
    #expect(rig.pool.lane(lane)?.bound == 2_000)
    #expect(rig.pool.devices(on: first).count == 1)
    rig.pool.checkInvariants()
  }
}
