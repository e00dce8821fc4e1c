import Testing

@testable import PoolAllocator

/// SEMANTICS §2.11: settle at the old rate, keep the level, clamp to the new cap; leases keep their
/// terms.
struct NumericsActivationTests {
  private func policy(
    cap: Int64, rate: Int64, weight: Int32 = 1_000, quantum: Int64 = 60, opening: Int64 = 0
  ) -> CompiledPolicy {
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0, gpuWeight: weight)
    SmallPolicy.add(
      .tenant, under: nil, tenant: 0, cap: cap, rate: rate, opening: opening, to: &policy)
    for index in policy.classes.indices { policy.classes[index].quantum = .seconds(quantum) }
    return policy
  }

  private func level(_ rig: PoolRig) throws -> Int64 {
    let id = try #require(rig.pool.bucket(named: Name.bucket(0)))
    return rig.pool.buckets[id].credits.level(at: rig.now)
  }

  @Test func oldRateThenNewCap() throws {
    var rig = PoolRig()
    rig.begin(policy(cap: 1_000_000, rate: 3))
    rig.pass(100_000_000_000)
    rig.apply(.activate(PolicyGeneration(2), policy(cap: 5_000_000, rate: 1_000)))
    #expect(try level(rig) == 300, "a hundred seconds at 3, not at 1,000")
    rig.pass(2_000_000_000)
    #expect(try level(rig) == 2_300)
    rig.apply(.activate(PolicyGeneration(3), policy(cap: 2_000, rate: 1_000)))
    #expect(try level(rig) == 2_000, "clamped to the new cap")
    let id = try #require(rig.pool.bucket(named: Name.bucket(0)))
    #expect(rig.pool.buckets[id].books.forfeited.value == 300)
    #expect(rig.pool.buckets[id].books.balance == 2_000)
    rig.apply(.activate(PolicyGeneration(4), policy(cap: 9_000, rate: 0, opening: 9_000)))
    #expect(try level(rig) == 2_000, "a bucket opens once")
    rig.pool.checkInvariants()
  }

  @Test func aLeaseKeepsItsTerms() throws {
    var rig = PoolRig()
    let cap: Int64 = 1_000_000_000
    rig.begin(policy(cap: cap, rate: 0, opening: cap))
    let node = try rig.enrolled(0, gpus: 1)
    rig.report(node, devices: SmallNode.gpus(0, 1))
    let spec = rig.claim(1, demand: Demand(shape: .whole), lanes: [0], runtime: .seconds(600))
    let decision = rig.apply(.submit(spec))
    let id = try #require(decision.lease)
    let before = try #require(rig.pool.lease(id))
    rig.apply(.confirmStarted(id, before.fencing))
    rig.apply(
      .activate(PolicyGeneration(2), policy(cap: cap, rate: 0, weight: 5_000, quantum: 7)))
    rig.pass(30_000_000_000)
    rig.apply(.renew(id, before.fencing))
    let after = try #require(rig.pool.lease(id))
    #expect(after.rate == before.rate && after.terms == before.terms)
    #expect(after.policy == PolicyGeneration(1))
    #expect(after.nextSpan == .seconds(60), "the quantum of the policy that granted it")
    rig.pass(45_000_000_000)
    rig.apply(.release(id, before.fencing, .completed))
    #expect(try level(rig) == cap - 75_000_000, "75 s at the price of its grant")
    rig.pool.checkInvariants()
  }
}
