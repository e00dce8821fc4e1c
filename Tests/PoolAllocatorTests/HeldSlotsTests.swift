import Testing

@testable import PoolAllocator

/// Instances that were made anew under other names while a lease was on the old ones.
struct HeldSlotsTests {
  @Test func anAccountEndsWhoHeldTheSlots() throws {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 1)
    let before = SmallNode.partitioned(0, 0, slots: [4])
    rig.report(node, devices: before)
    let decision = rig.apply(
      .submit(
        rig.claim(
          1, demand: Demand(shape: .slice(Name.half)), lanes: [0], runtime: .seconds(60))))
    let lease = try #require(decision.lease)
    let fencing = try #require(rig.pool.lease(lease)?.fencing)
    var after = before
    after[1].key = Name.device(0, 190)
    // While the node is heard it is a mistake of its agent.
    #expect(rig.report(node, living: [fencing], devices: after).verdict == .rejected)
    // In the account that a new leadership asks for it is one only where the lease lives.
    rig.apply(.begin(epoch: 2))
    #expect(rig.report(node, living: [fencing], devices: after).verdict == .rejected)
    #expect(rig.report(node, devices: after).verdict == .done)
    #expect(rig.pool.lease(lease) == nil)
    #expect(rig.pool.node(node)?.reach == .ready)
    rig.pool.checkInvariants()
  }
}
