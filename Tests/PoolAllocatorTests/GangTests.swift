import Testing

@testable import PoolAllocator

/// Gangs where the tables of the pool are small.
struct GangTests {
  /// Two leases are left, a gang of two waits behind a head that does not fit, and another lane
  /// takes one of them: the gang stays out of the gap.
  @Test func aGangInTheGapNeedsALeaseForEachMember() throws {
    var limits = Limits()
    limits.leases = 3
    var rig = PoolRig(limits: limits)
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 5)
    rig.report(node, devices: SmallNode.gpus(0, 5) + [SmallNode.cpu(0)])
    func claim(_ number: Int, _ demand: Demand, lane: Int = 0, hours: Int64 = 1) -> ClaimSpec {
      rig.claim(number, demand: demand, lanes: [lane], runtime: .seconds(hours * 3_600))
    }
    let single = Demand(shape: .whole)
    var gang = single
    gang.members = 2
    #expect(rig.apply(.submit(claim(1, single, hours: 9))).verdict == .admitted)
    #expect(rig.apply(.submit(claim(2, Demand(shape: .whole, devices: 5)))).verdict == .queued)
    rig.apply(.tick)
    #expect(rig.apply(.submit(claim(3, gang))).verdict == .queued)
    let cpu = Demand(shape: .cpuOnly, cpu: MilliCPU(1_000))
    #expect(rig.apply(.submit(claim(4, cpu, lane: 2))).verdict == .admitted)
    rig.apply(.tick)
    #expect(rig.pool.leases.count == 2)
    rig.pool.checkInvariants()
  }
}
