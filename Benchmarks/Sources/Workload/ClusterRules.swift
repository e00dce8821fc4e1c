import PoolAllocator

/// The policy and the machines of every benchmark: one kind of GPU, 100 tenants, classes P0 to P3.
struct ClusterRules {
  static let tenants = 100
  /// One node in so many has its GPUs partitioned: about the share of MIG work in the mix. Unit:
  /// nodes.
  static let partitionedEvery = 16

  /// Thousandths of GPUs in the lane that the first tenant owns; 0: there is no such lane.
  var reserved: Int64 = 0
  /// Eligible wait that lifts a claim by one level; nil: no claim rises.
  var ageing: Span?
  /// Whether some nodes have their GPUs partitioned.
  var isPartitioned = true
  /// Lanes that the nodes are dealt to, each of a profile of its own and all at one price.
  var lanes = 1

  static let gpu = key(2, 0)
  static let slice = key(3, 0)
  static let sharedLane = key(5, 0)
  static let ownedLane = key(5, 1)

  private func policy() -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.slices = [SliceRule(key: Self.slice, profile: Self.gpu, billedMilli: 142)]
    for number in 0..<lanes {
      let profile = profile(number)
      policy.profiles.append(
        ProfileRule(key: profile, kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30)))
      policy.pools.append(PoolRule(key: key(4, number), profile: profile))
      policy.lanes.append(
        LaneRule(key: lane(number), pool: UInt16(number), leaseMax: .seconds(86_400)))
    }
    if reserved > 0 {
      var lane = LaneRule(key: Self.ownedLane, pool: 0, leaseMax: .seconds(86_400))
      lane.owner = key(6, 0)
      lane.reserved = reserved
      policy.lanes.append(lane)
    }
    policy.order = OrderRule(ageingStep: ageing)
    for (rank, serviceClass) in [ServiceClass.p0, .p1, .p2, .p3].enumerated() {
      policy.classes.append(
        ClassRule(
          quantum: .seconds(600), startWithin: .seconds(60), killWithin: .seconds(30),
          emptyBucket: .park, overrun: .stop))
      policy.services.append(
        ServiceRule(key: key(7, rank), tenant: nil, serviceClass: serviceClass))
    }
    for tenant in 0..<Self.tenants { addTenant(tenant, to: &policy) }
    return policy
  }

  /// A tenant with a bucket of its own, and below it one of its application.
  private func addTenant(_ tenant: Int, to policy: inout CompiledPolicy) {
    policy.tenants.append(TenantRule(key: key(6, tenant), queueMax: 10_000))
    let root = UInt16(policy.buckets.count)
    for depth in 0..<2 {
      var rule = BucketRule(
        key: key(11, tenant * 2 + depth), tenant: UInt16(tenant),
        cap: Credits(Credits.limit), refillPerSecond: Credits(1_000_000_000))
      if depth == 1 {
        rule.parent = root
        rule.match = .application(key(103, tenant))
      }
      policy.buckets.append(rule)
    }
  }

  /// The lanes that everybody may use.
  var sharedLanes: [Key] { (0..<lanes).map { lane($0) } }

  private func lane(_ number: Int) -> Key { number == 0 ? Self.sharedLane : key(5, 1 + number) }

  /// The profile of a node, or of a lane.
  private func profile(_ number: Int) -> Key { key(2, number % lanes) }

  /// Begins a cluster of so many nodes: a leader, the policy, and each node with its report.
  func begin(nodes: Int, _ apply: (Command) -> Decision) {
    _ = apply(.begin(epoch: 1))
    _ = apply(.activate(PolicyGeneration(1), policy()))
    for number in 0..<nodes {
      guard let node = apply(.enrol(enrolment(number))).node else {
        fatalError("a node is enrolled")
      }
      _ = apply(.advertise(node, advertisement(number)))
    }
  }

  /// What an operator says of a node with 8 GPUs.
  private func enrolment(_ number: Int) -> Enrolment {
    Enrolment(
      key: key(1, number), approved: [ApprovedDevices(profile: profile(number), count: 8)])
  }

  /// What the agent of a node says: 8 GPUs, or 8 GPUs in 7 instances each.
  private func advertisement(_ number: Int) -> Advertisement {
    let hasInstances =
      isPartitioned && number % Self.partitionedEvery == Self.partitionedEvery - 1
    var devices: [DeviceReport] = []
    for board in 0..<8 {
      var gpu = DeviceReport(
        key: Key(high: 20 << 32 | UInt64(number), low: UInt64(board)), kind: .gpu,
        profile: profile(number), memory: Bytes(80 << 30))
      gpu.isPartitioned = hasInstances
      devices.append(gpu)
      guard hasInstances else { continue }
      for part in 0..<7 {
        var instance = DeviceReport(
          key: Key(high: 21 << 32 | UInt64(number), low: UInt64(board * 8 + part)), kind: .slice,
          profile: Self.gpu, memory: Bytes(10 << 30))
        instance.parent = gpu.key
        instance.slice = Self.slice
        instance.slots = SlotMask(bits: 1 << UInt16(part))
        devices.append(instance)
      }
    }
    let report = NodeReport(
      boot: key(80, number), generation: 1, sequence: 1, cpu: MilliCPU(128_000),
      hostMemory: Bytes(1024 << 30), enforcement: .cgroup)
    return Advertisement(report: report, devices: devices)
  }
}
