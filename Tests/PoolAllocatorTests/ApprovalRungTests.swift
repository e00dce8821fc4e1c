import Testing

@testable import PoolAllocator

/// A rung lowers what a claim gets, never who has to approve what it does (SEMANTICS 7.4, 9.2).
struct ApprovalRungTests {
  /// A pool whose only gauge pauses P2; rank 2 has a guarded action and a rung of half a GPU in
  /// another pool, which nothing presses.
  private func rig() throws -> PoolRig {
    var rig = PoolRig()
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
    var rule = ApprovalRule(approvers: [Name.key(33, 0)], lasts: .seconds(600))
    rule.actions = [Name.action(1)]
    policy.approvals = [rule]
    policy.services[2].approval = 0
    policy.services[2].complexity = .simple
    var rung = RungRule(key: Name.key(40, 0), service: 2)
    rung.shape = .cpuOnly
    rung.cpu = MilliCPU(500)
    rung.lanes = LaneSet(bits: 0b10)
    policy.rungs = [rung]
    var gauge = GaugeRule(
      key: Name.key(41, 0), pool: 0, source: .dependency(Name.key(42, 0)),
      steps: [GaugeRule.Step(level: .saturated, raise: 2, lower: 1)], dwell: .seconds(1))
    gauge.pauses = ClassSet(bits: 0b100)
    policy.gauges = [gauge]
    rig.begin(policy)
    let node = try rig.enrolled(0, gpus: 2)
    rig.report(node, devices: SmallNode.gpus(0, 2) + [SmallNode.cpu(0)])
    rig.apply(.reportDependency(Name.key(42, 0), .down))
    rig.pass(2_000_000_000)
    rig.apply(.tick)
    return rig
  }

  private func spec(_ rig: PoolRig, action: Int, plan: Key?) throws -> ClaimSpec {
    var spec = rig.claim(
      1, demand: Demand(shape: .whole), lanes: [0], runtime: .seconds(60), action: action)
    spec.plan = plan
    let rungs = rig.pool.rungs(of: Name.service(2), for: Name.tenant(0), named: [Name.key(40, 0)])
    spec.accepts = try #require(rungs)
    return spec
  }

  @Test func aGuardedActionWaitsForItsApprovalOnARung() throws {
    var rig = try rig()
    let plan = Name.key(34, 0)
    let spec = try spec(rig, action: 1, plan: plan)
    let judgement = rig.pool.judgement(on: spec)
    let decision = rig.apply(.submit(spec))
    #expect(decision.verdict == .downgraded && decision.lease == nil)
    let id = try #require(decision.claim)
    #expect(rig.pool.claim(id)?.state == .awaitingApproval)
    let reasons = rig.log.reasons[decision.reasons.indices].map(\.code)
    #expect(reasons.contains(.approvalMissing))
    #expect(judgement.reasons.map(\.code).contains(.approvalMissing))
    rig.apply(.approve(id, by: Name.key(33, 0), plan: plan))
    rig.apply(.tick)
    #expect(rig.pool.claim(id)?.state == .starting)
  }

  @Test func withoutAPlanItTakesNoRung() throws {
    var rig = try rig()
    let decision = rig.apply(.submit(try spec(rig, action: 1, plan: nil)))
    #expect(decision.verdict == .rejected && decision.claim == nil)
  }

  @Test func anotherActionOfTheServiceIsGrantedOnTheRung() throws {
    var rig = try rig()
    let decision = rig.apply(.submit(try spec(rig, action: 0, plan: nil)))
    #expect(decision.verdict == .downgraded && decision.lease != nil)
  }
}
