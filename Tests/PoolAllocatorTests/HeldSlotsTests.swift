import Testing

@testable import PoolAllocator

/// Instances that were made anew under other names while a lease was on the old ones.
struct HeldSlotsTests {
  /// A node with one lease on an instance of its only GPU.
  private struct Held {
    var rig = PoolRig()
    let node: NodeID
    let lease: LeaseID
    let fencing: Fencing
    let before = SmallNode.partitioned(0, 0, slots: [4])

    init() throws {
      var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
      SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
      rig.begin(policy)
      node = try rig.enrolled(0, gpus: 1)
      rig.report(node, devices: before)
      let decision = rig.apply(
        .submit(
          rig.claim(
            1, demand: Demand(shape: .slice(Name.half)), lanes: [0], runtime: .seconds(60))))
      lease = try #require(decision.lease)
      fencing = try #require(rig.pool.lease(lease)?.fencing)
    }
  }

  @Test func anAccountEndsWhoHeldTheSlots() throws {
    var held = try Held()
    let (node, fencing) = (held.node, held.fencing)
    var after = held.before
    after[1].key = Name.device(0, 190)
    // While the node is heard it is a mistake of its agent.
    #expect(held.rig.report(node, living: [fencing], devices: after).verdict == .rejected)
    #expect(held.rig.report(node, devices: after).verdict == .rejected)
    // In the account that a new leadership asks for it is one only where the lease lives.
    held.rig.apply(.begin(epoch: 2))
    #expect(held.rig.report(node, living: [fencing], devices: after).verdict == .rejected)
    #expect(held.rig.report(node, devices: after).verdict == .done)
    try expectEnded(held)
  }

  @Test func soDoesTheFirstReportOfANewStartOfTheAgent() throws {
    var held = try Held()
    let (node, fencing) = (held.node, held.fencing)
    var after = held.before
    after[1].key = Name.device(0, 190)
    let isRefused = held.rig.report(node, generation: 2, living: [fencing], devices: after)
    #expect(isRefused.verdict == .rejected)
    #expect(held.rig.report(node, generation: 2, devices: after).verdict == .done)
    try expectEnded(held)
  }

  @Test func aBoardThatIsWholeAgainEndsWhoHeldAnInstance() throws {
    var held = try Held()
    let (node, fencing) = (held.node, held.fencing)
    var after = [held.before[0]]
    after[0].isPartitioned = false
    #expect(held.rig.report(node, devices: after).verdict == .rejected)
    let isRefused = held.rig.report(node, generation: 2, living: [fencing], devices: after)
    #expect(isRefused.verdict == .rejected)
    #expect(held.rig.report(node, generation: 2, devices: after).verdict == .done)
    try expectEnded(held)
  }

  /// Where nothing was made anew, a restart of the agent ends nothing: its news tell what became of
  /// each lease.
  @Test func aNewStartAloneEndsNothing() throws {
    var held = try Held()
    #expect(held.rig.report(held.node, generation: 2, devices: held.before).verdict == .done)
    #expect(held.rig.pool.lease(held.lease)?.state == .granted)
  }

  private func expectEnded(_ held: borrowing Held) throws {
    #expect(held.rig.pool.lease(held.lease) == nil)
    #expect(held.rig.pool.node(held.node)?.reach == .ready)
    held.rig.pool.checkInvariants()
  }
}
