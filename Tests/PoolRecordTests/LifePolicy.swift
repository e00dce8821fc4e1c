import PoolAllocator

extension Life {
  /// A policy that has something of every kind of rule.
  func policy() -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: Self.key(2, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30)),
      ProfileRule(key: Self.key(2, 1), kind: .cpu, weightMilli: 10, memory: Bytes(1)),
    ]
    policy.slices = [
      SliceRule(key: Self.key(3, 0), profile: Self.key(2, 0), billedMilli: 142)
    ]
    policy.pools = [
      PoolRule(key: Self.key(4, 0), profile: Self.key(2, 0), label: Self.key(9, 0)),
      PoolRule(key: Self.key(4, 1), profile: Self.key(2, 1)),
    ]
    var shared = LaneRule(key: Self.key(5, 0), pool: 0, leaseMax: .seconds(4_000))
    shared.sharesAcrossTenants = true
    var reserved = LaneRule(key: Self.key(5, 1), pool: 0, leaseMax: .seconds(4_000))
    reserved.owner = Self.key(6, 0)
    reserved.reserved = 2_000
    reserved.lending = .reclaimable(within: .seconds(60), atMost: 1_000)
    policy.lanes = [
      shared, reserved, LaneRule(key: Self.key(5, 2), pool: 1, leaseMax: .seconds(4_000)),
    ]
    policy.order = OrderRule(ageingStep: .seconds(60), ceiling: 1)
    policy.classes = (0..<4).map { rank in
      var rule = ClassRule(
        quantum: .seconds(60), startWithin: .seconds(30), killWithin: .seconds(20),
        emptyBucket: [.park, .reject, .downgrade, .park][rank], overrun: rank == 0 ? .debt : .stop)
      rule.queueWaitMax = rank == 3 ? .seconds(300) : nil
      rule.waitLimit = .seconds(120)
      return rule
    }
    addTenants(to: &policy)
    policy.costs = [
      CostRule(
        action: Self.key(8, 0), modelClass: Self.key(11, 0), base: .seconds(1),
        perThousandPrompt: .seconds(2), perThousandOutput: .seconds(8), perToolCall: .seconds(3),
        retryMilli: 1_200)
    ]
    policy.quotes = QuoteRule(lasts: .seconds(40), lastsMax: .seconds(80), perTenant: 4)
    policy.preemption = PreemptionRule(distance: 2, burst: 3, perHour: 60)
    addPressure(to: &policy)
    policy.placement.mix = [
      MixKind(popularity: 3, devices: 2, share: .whole, cpu: MilliCPU(4_000), pools: 1)
    ]
    return policy
  }

  private func addTenants(to policy: inout CompiledPolicy) {
    for tenant in 0..<2 {
      policy.tenants.append(TenantRule(key: Self.key(6, tenant), queueMax: 10))
      var root = BucketRule(
        key: Self.key(12, tenant), tenant: UInt16(tenant), cap: Credits(200_000_000),
        refillPerSecond: Credits(900_000))
      root.debtMax = Credits(20_000_000)
      root.emergency = Credits(100_000_000)
      policy.buckets.append(root)
      var leaf = BucketRule(
        key: Self.key(13, tenant), tenant: UInt16(tenant), cap: Credits(80_000_000),
        refillPerSecond: Credits(200_000))
      leaf.parent = UInt16(policy.buckets.count - 1)
      leaf.match = .serviceClass(.p3)
      policy.buckets.append(leaf)
    }
    let ranks: [ServiceClass] = [.p0, .p1, .p2, .p3]
    policy.services = ranks.indices.map {
      ServiceRule(key: Self.key(7, $0), tenant: nil, serviceClass: ranks[$0])
    }
    policy.services[1].approval = 0
    policy.approvals = [ApprovalRule(approvers: [Self.key(95, 0)], lasts: .seconds(90))]
    policy.emergency = EmergencyRule(
      approvers: [Self.key(95, 0), Self.key(95, 1)], lastsMax: .seconds(600))
  }

  private func addPressure(to policy: inout CompiledPolicy) {
    var rung = RungRule(key: Self.key(50, 0), service: 2)
    rung.shape = .fraction(MilliGPU(250), Bytes(4 << 30))
    rung.members = 1
    policy.rungs = [rung]
    policy.gauges = [
      GaugeRule(
        key: Self.key(51, 0), pool: 0, source: .queueDepth,
        steps: [GaugeRule.Step(level: .elevated, raise: 3, lower: 1)], dwell: .seconds(5))
    ]
  }
}
