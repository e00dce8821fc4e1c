import Testing

@testable import PoolAllocator

/// Every queue group in use: larger sets of lanes are refused, a single lane always has one.
@Suite struct QueueGroupTests {
  private static let lanes = 9

  /// A pool, a lane and a node with one GPU for each number; tenant 1 is paid as time goes by.
  private static func rig() throws -> PoolRig {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 2)
    policy.pools = (0..<lanes).map {
      PoolRule(key: Name.pool($0), profile: Name.gpu, label: Name.key(20, $0))
    }
    policy.lanes = (0..<lanes).map {
      LaneRule(key: Name.lane($0), pool: UInt16($0), leaseMax: .seconds(1_000))
    }
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    SmallPolicy.add(
      .tenant, under: nil, tenant: 1, cap: 1 << 50, rate: 1_000_000, opening: 0, to: &policy)
    rig.begin(policy)
    for number in 0..<lanes {
      let enrolment = Enrolment(
        key: Name.node(number), labels: [Name.key(20, number)],
        approved: [ApprovedDevices(profile: Name.gpu, count: 1)])
      let node = try #require(rig.apply(.enrol(enrolment)).node)
      rig.report(node, devices: SmallNode.gpus(number, 1))
    }
    return rig
  }

  @Test func aSingleLaneAlwaysHasAGroup() throws {
    var rig = try Self.rig()
    var number = 0
    func submit(_ lanes: [Int], tenant: Int = 0, seconds: Int64 = 600) -> Decision {
      number += 1
      return rig.apply(
        .submit(
          rig.claim(
            number, tenant: tenant, demand: Demand(shape: .whole), lanes: lanes,
            runtime: .seconds(seconds))))
    }
    for lane in 0..<Self.lanes { #expect(submit([lane]).verdict == .admitted) }
    // One that parks and will ask for the group of lane 5 later.
    let parked = try #require(submit([5], tenant: 1, seconds: 1).claim)
    var sets = (1..<(1 << Self.lanes)).map { bits in
      (0..<Self.lanes).filter { bits >> $0 & 1 == 1 }
    }
    sets.removeAll { $0.count == 1 }

    // Groups of single lanes that nobody waits in must not all go to larger sets.
    for round in 0..<400 {
      if let claim = submit([round % Self.lanes]).claim { rig.apply(.cancel(claim)) }
      if let set = sets.last, submit(set).verdict == .queued { sets.removeLast() }
    }
    let refused = submit(try #require(sets.last))
    #expect(refused.verdict == .rejected)
    #expect(rig.log.reasons.map(\.code) == [.tableFull])
    rig.pass(2_000_000_000)
    rig.apply(.tick)
    #expect(rig.pool.claim(parked)?.state == .queued)
    rig.pool.checkInvariants()
  }
}
