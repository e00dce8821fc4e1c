import Testing

@testable import PoolAllocator

/// An owner's claims keep their order behind those of others that wait for a lane which is lent no
/// more (SEMANTICS 4.3).
struct OwnTurnTests {
  private func policy(lends: Bool) -> CompiledPolicy {
    var policy = SmallPolicy.bare(tenants: 2, reserved: 1_000, reservedCPU: 0)
    for tenant in 0..<2 {
      SmallPolicy.add(.tenant, under: nil, tenant: tenant, cap: 1 << 50, to: &policy)
    }
    if lends { policy.lanes[1].lending = .reclaimable(within: .seconds(600), atMost: 1_000) }
    return policy
  }

  @Test func aLateClaimOfTheOwnerIsNotGrantedAtTheDoor() throws {
    var rig = PoolRig()
    rig.begin(policy(lends: true))
    let node = try rig.enrolled(0, gpus: 1)
    rig.report(node, devices: SmallNode.gpus(0, 1))
    func claim(_ number: Int, _ tenant: Int, _ rank: Int, _ lanes: [Int]) -> Command {
      .submit(
        rig.claim(
          number, tenant: tenant, rank: rank, demand: Demand(shape: .whole), lanes: lanes,
          runtime: .seconds(60)))
    }
    // The owner has its only GPU; another tenant and the owner itself wait for it.
    let first = rig.apply(claim(0, 0, 2, [1]))
    let lease = try #require(first.lease)
    #expect(rig.apply(claim(1, 1, 0, [0, 1])).verdict == .queued)
    #expect(rig.apply(claim(2, 0, 0, [1])).verdict == .queued)
    rig.apply(.activate(PolicyGeneration(2), policy(lends: false)))
    let fencing = try #require(rig.pool.lease(lease)?.fencing)
    rig.apply(.confirmStarted(lease, fencing))
    rig.apply(.release(lease, fencing, .completed))
    rig.apply(.confirmEmpty(lease, fencing))
    // Nobody has looked at the lane since. Less urgent work comes to the door.
    #expect(rig.apply(claim(3, 0, 2, [1])).verdict == .queued)
    rig.apply(.tick)
    let granted = rig.log.grants.map(\.claim)
    #expect(granted.first == rig.pool.claim(named: Name.claim(2)))
  }
}
