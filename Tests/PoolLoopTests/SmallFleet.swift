import PoolAllocator
import PoolSimulator

/// Names, a policy of one lane, nodes of a few GPUs, and claims for them.
enum SmallFleet {
  static func key(_ kind: UInt64, _ number: Int) -> Key {
    Key(high: kind, low: UInt64(number) + 1)
  }

  static func node(_ number: Int) -> Key { key(7, number) }
  static func device(_ node: Int, _ number: Int) -> Key { key(9, node * 100 + number) }
  static func boot(_ node: Int, _ number: Int) -> Key { key(8, node * 10_000 + number) }

  static let startWithin = Span.seconds(10)
  static let killWithin = Span.seconds(8)
  static let quantum = Span.seconds(20)

  /// One shared lane whose tenants share GPUs; leases that are paid by the quantum.
  static var policy: CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: key(1, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: key(2, 0), profile: key(1, 0))]
    policy.lanes = [LaneRule(key: key(3, 0), pool: 0, leaseMax: .seconds(600))]
    policy.lanes[0].sharesAcrossTenants = true
    let rule = ClassRule(
      quantum: quantum, startWithin: startWithin, killWithin: killWithin, emptyBucket: .park,
      overrun: .stop)
    policy.classes = Array(repeating: rule, count: 4)
    policy.services = [ServiceRule(key: key(4, 0), tenant: nil, serviceClass: .p1)]
    for tenant in 0..<2 {
      policy.tenants.append(TenantRule(key: key(5, tenant), queueMax: 1_000))
      policy.buckets.append(
        BucketRule(
          key: key(6, tenant), tenant: UInt16(tenant), cap: Credits(1 << 52),
          refillPerSecond: .zero))
    }
    return policy
  }

  static func enrolment(_ number: Int, gpus: Int) -> Enrolment {
    Enrolment(
      key: node(number), approved: [ApprovedDevices(profile: key(1, 0), count: UInt16(gpus))])
  }

  static func devices(_ node: Int, gpus: Int) -> [DeviceReport] {
    (0..<gpus).map {
      DeviceReport(
        key: device(node, $0), kind: .gpu, profile: key(1, 0), memory: Bytes(80 << 30))
    }
  }

  static func claim(
    _ number: Int, tenant: Int = 0, gpus: Int = 1, share: Int32 = 1_000,
    runtime: Span = .seconds(60)
  ) -> ClaimSpec {
    var lanes = LaneSet.none
    lanes.insert(row: 0)
    let shape: Demand.Shape =
      share == 1_000 ? .whole : .fraction(MilliGPU(share), Bytes(Int64(share) << 26))
    var demand = Demand(shape: shape, devices: UInt8(gpus))
    demand.sharing = share == 1_000 ? .ownTenant : .anyTenant
    var spec = ClaimSpec(
      key: key(10, number), tenant: key(5, tenant), service: key(4, 0), action: key(11, 0),
      modelClass: key(12, 0), demand: demand, lanes: lanes, runtimeMax: runtime)
    spec.workflow = key(13, number)
    return spec
  }

  static func advertisement(
    _ node: Int, boot number: Int = 0, generation: UInt64 = 1, sequence: UInt64, gpus: Int = 2,
    living: [Fencing] = []
  ) -> Advertisement {
    Advertisement(
      report: NodeReport(
        boot: boot(node, number), generation: generation, sequence: sequence,
        cpu: MilliCPU(64_000), hostMemory: Bytes(1 << 40), enforcement: .cgroup),
      devices: devices(node, gpus: gpus), living: living)
  }
}

/// How many steps a property test runs: many in release, few in debug.
enum Scale {
  static func cases(release: Int, debug: Int) -> Int {
    #if DEBUG
      debug
    #else
      release
    #endif
  }
}
