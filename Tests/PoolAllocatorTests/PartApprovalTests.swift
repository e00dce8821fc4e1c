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
}
