import Testing

@testable import PoolAllocator

/// A pool that learns what free room is worth: as state, by its events alone.
struct OfferPlacementTests {
  private static let tenants = 1

  private func policy(_ mix: [MixKind] = []) -> CompiledPolicy {
    var policy = SmallPolicy.bare(tenants: Self.tenants, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    policy.placement = PlacementRule(score: .offerValue, mix: mix)
    return policy
  }

  /// The next of many claims: shares, whole GPUs, pairs and processor time.
  private func claim(_ number: Int, _ rig: PoolRig) -> ClaimSpec {
    var demand: Demand
    switch number % 5 {
    case 0, 1: demand = Demand(shape: .fraction(MilliGPU(300), Bytes(1 << 30)))
    case 2: demand = Demand(shape: .whole)
    case 3: demand = Demand(shape: .whole, devices: 2)
    default: demand = Demand(shape: .cpuOnly)
    }
    demand.cpu = MilliCPU(Int32(500 + 500 * (number % 3)))
    return rig.claim(
      number, demand: demand, lanes: demand.shape == .cpuOnly ? [2] : [0], runtime: .seconds(60))
  }

  @Test func whatWasLearnedIsStateAndItsValuesFollow() throws {
    var rig = PoolRig()
    var logs: [EventLog] = []
    func note(_ rig: PoolRig) { logs.append(rig.log) }
    rig.apply(.begin(epoch: 1))
    note(rig)
    rig.apply(.activate(PolicyGeneration(1), policy()))
    note(rig)
    for number in 0..<3 {
      let node = try rig.enrolled(number, gpus: 8)
      note(rig)
      rig.report(node, devices: SmallNode.gpus(number, 8) + [SmallNode.cpu(number)])
      note(rig)
    }
    for number in 0..<40 {
      rig.apply(.submit(claim(number, rig)))
      note(rig)
      rig.pool.checkInvariants()
    }
    #expect(rig.pool.learner.seen == 40 && rig.pool.learner.total == 40)
    #expect(rig.pool.learner.kinds.count == 12, "the order of what was asked and its cores")
    #expect(rig.pool.learner.basis.seen == 32, "values are due with claims 16 and 32")
    #expect(!rig.pool.offers.isEmpty)

    var folded = Pool()
    for log in logs { folded.replay(log) }
    #expect(folded.digest() == rig.pool.digest() && folded.offers == rig.pool.offers)
    var fresh = rig.pool
    fresh.reindex()
    #expect(fresh.offers == rig.pool.offers)
    fresh.learner.basis.seen += 1
    #expect(fresh.digest() != rig.pool.digest(), "what values rest on is in the digest")
  }

  @Test func anotherScoreForgetsTheMix() throws {
    var rig = PoolRig()
    rig.begin(policy())
    let node = try rig.enrolled(0, gpus: 4)
    rig.report(node, devices: SmallNode.gpus(0, 4) + [SmallNode.cpu(0)])
    for number in 0..<20 { rig.apply(.submit(claim(number, rig))) }
    let learned = rig.pool.learner
    #expect(learned.seen == 20)
    rig.apply(.activate(PolicyGeneration(2), policy()))
    #expect(rig.pool.learner == learned, "the same policy goes on with what it knows")
    var other = policy()
    other.placement = PlacementRule()
    rig.apply(.activate(PolicyGeneration(3), other))
    #expect(rig.pool.learner == MixLearner() && rig.pool.offers.isEmpty)
    rig.apply(.submit(claim(20, rig)))
    #expect(rig.pool.learner.seen == 0, "nothing is learned that is not used")
  }

  @Test func aKnownMixIsValuedAtOnce() throws {
    let kind = MixKind(
      popularity: 10, devices: 1, share: .whole, cpu: MilliCPU(1_000), pools: 0b1)
    var rig = PoolRig()
    rig.begin(policy([kind]))
    let node = try rig.enrolled(0, gpus: 4)
    rig.report(node, devices: SmallNode.gpus(0, 4) + [SmallNode.cpu(0)])
    #expect(rig.pool.offers.isEmpty, "there was nothing to value yet")
    rig.apply(.submit(claim(0, rig)))
    #expect(!rig.pool.offers.isEmpty && rig.pool.learner.kinds.isEmpty)
    #expect(rig.pool.learner.basis.kinds == [kind])
    rig.pool.checkInvariants()
  }

  /// A share goes where it leaves whole GPUs to work that wants them.
  @Test func aShareStandsBesideAnother() throws {
    let kinds = [
      MixKind(popularity: 10, devices: 1, share: .whole, cpu: MilliCPU(1_000), pools: 0b1),
      MixKind(popularity: 5, devices: 1, share: MilliGPU(300), cpu: MilliCPU(1_000), pools: 0b1),
    ]
    var rig = PoolRig()
    rig.begin(policy(kinds))
    for number in 0..<2 {
      let node = try rig.enrolled(number, gpus: 2)
      rig.report(node, devices: SmallNode.gpus(number, 2) + [SmallNode.cpu(number)])
    }
    let share = Demand(shape: .fraction(MilliGPU(300), Bytes(1 << 30)), cpu: MilliCPU(1_000))
    var used: [DeviceID] = []
    for number in 0..<3 {
      let spec = rig.claim(number, demand: share, lanes: [0], runtime: .seconds(60))
      let lease = try #require(rig.apply(.submit(spec)).lease)
      used += rig.pool.uses(of: try #require(rig.pool.lease(lease))).map(\.device)
    }
    #expect(used[1] == used[0] && used[2] == used[0])
  }
}
