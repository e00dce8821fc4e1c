@testable import PoolAllocator

/// Outside names of the small pools that tests build.
enum Name {
  static func key(_ kind: UInt64, _ number: Int) -> Key {
    Key(high: kind, low: UInt64(number) + 1)
  }

  static let gpu = key(1, 0)
  static let cpu = key(1, 1)
  static let half = key(2, 0)
  static let quarter = key(2, 1)
  static let model = key(3, 0)
  static func pool(_ number: Int) -> Key { key(4, number) }
  static func lane(_ number: Int) -> Key { key(5, number) }
  static func tenant(_ number: Int) -> Key { key(6, number) }
  static func service(_ rank: Int) -> Key { key(7, rank) }
  static func action(_ number: Int) -> Key { key(8, number) }
  static func application(_ number: Int) -> Key { key(9, number) }
  static func bucket(_ number: Int) -> Key { key(10, number) }
  static func node(_ number: Int) -> Key { key(11, number) }
  static func device(_ node: Int, _ number: Int) -> Key { key(12, node * 1_000 + number) }
  static func claim(_ number: Int) -> Key { key(13, number) }
  static func boot(_ number: Int) -> Key { key(14, number) }
  static func rack(_ number: Int) -> Key { key(15, number) }
}

/// A policy of one GPU pool (a shared lane and one reserved for tenant 0) and one CPU pool.
enum SmallPolicy {
  /// Without tenants' buckets.
  static func bare(
    tenants: Int, reserved: Int64 = 2_000, reservedCPU: Int64 = 2_000, sharesAcross: Bool = false,
    gpuWeight: Int32 = 1_000
  ) -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: Name.gpu, kind: .gpu, weightMilli: gpuWeight, memory: Bytes(80 << 30)),
      ProfileRule(key: Name.cpu, kind: .cpu, weightMilli: 7, memory: Bytes(1 << 30)),
    ]
    policy.slices = [
      SliceRule(key: Name.half, profile: Name.gpu, billedMilli: 500),
      SliceRule(key: Name.quarter, profile: Name.gpu, billedMilli: 250),
    ]
    policy.pools = [
      PoolRule(key: Name.pool(0), profile: Name.gpu),
      PoolRule(key: Name.pool(1), profile: Name.cpu),
    ]
    let lease = Span.seconds(7 * 86_400)
    policy.lanes = (0..<4).map {
      LaneRule(key: Name.lane($0), pool: UInt16($0 / 2), leaseMax: lease)
    }
    for (index, amount) in [(1, reserved), (3, reservedCPU)] where amount > 0 {
      policy.lanes[index].owner = Name.tenant(0)
      policy.lanes[index].reserved = amount
    }
    if reservedCPU == 0 { policy.lanes.remove(at: 3) }
    if reserved == 0 { policy.lanes.remove(at: 1) }
    for index in policy.lanes.indices { policy.lanes[index].sharesAcrossTenants = sharesAcross }
    policy.classes = (0..<4).map { rank in
      ClassRule(
        quantum: .seconds(60), startWithin: .seconds(30), killWithin: .seconds(10),
        emptyBucket: rank % 2 == 0 ? .park : .reject, overrun: rank < 2 ? .stop : .debt)
    }
    policy.tenants = (0..<tenants).map { TenantRule(key: Name.tenant($0), queueMax: 10_000) }
    policy.services = (0..<4).map { rank in
      ServiceRule(
        key: Name.service(rank), tenant: nil,
        serviceClass: ServiceClass(rank: UInt8(rank)) ?? .p3)
    }
    return policy
  }

  /// Adds a bucket; its number is its index.
  static func add(
    _ match: BucketMatch, under parent: Int?, tenant: Int, cap: Int64, rate: Int64 = 0,
    opening: Int64? = nil, debt: Int64 = 0, to policy: inout CompiledPolicy
  ) {
    var rule = BucketRule(
      key: Name.bucket(policy.buckets.count), tenant: UInt16(tenant), cap: Credits(cap),
      refillPerSecond: Credits(rate))
    rule.parent = parent.map { UInt16($0) }
    rule.match = match
    rule.opening = Credits(opening ?? cap)
    rule.debtMax = Credits(debt)
    policy.buckets.append(rule)
  }
}

/// A pool with the log and the clock that a test drives it by.
struct PoolRig {
  var pool: Pool
  var log = EventLog()
  var now = Instant(ns: 1_000_000_000)
  private var sequence: UInt64 = 0

  init(limits: Limits = Limits()) { pool = Pool(limits: limits) }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    let (decision, _) = pool.apply(command, at: now, into: &log)
    return decision
  }

  /// Time in nanoseconds passes without a command.
  mutating func pass(_ ns: Int64) { now = now + Span(ns: ns) }

  /// Begins an epoch and puts a policy in force.
  mutating func begin(_ policy: CompiledPolicy) {
    apply(.begin(epoch: 1))
    apply(.activate(PolicyGeneration(pool.generation.value + 1), policy))
  }

  /// Enrols a node with so many GPUs and CPU sets approved.
  mutating func enrol(
    _ number: Int, gpus: Int, sets: Int = 1, rack: Int? = nil
  ) -> NodeID? {
    apply(
      .enrol(
        Enrolment(
          key: Name.node(number), rack: rack.map { Name.rack($0) },
          approved: [
            ApprovedDevices(profile: Name.gpu, count: UInt16(gpus)),
            ApprovedDevices(profile: Name.cpu, count: UInt16(sets)),
          ]))
    ).node
  }

  /// Enrols a node that must be taken in.
  mutating func enrolled(_ number: Int, gpus: Int) throws -> NodeID {
    guard let node = enrol(number, gpus: gpus) else {
      throw Counterexample(description: "node \(number) is not enrolled")
    }
    return node
  }

  /// Reports a node in full.
  @discardableResult
  mutating func report(
    _ node: NodeID, cpu: Int32 = 64_000, host: Int64 = 256 << 30,
    enforcement: Enforcement = .cgroup, boot: Int = 0, generation: UInt64 = 1,
    living: [Fencing] = [], devices: [DeviceReport]
  ) -> Decision {
    sequence += 1
    return apply(
      .advertise(
        node,
        Advertisement(
          report: NodeReport(
            boot: Name.boot(boot), generation: generation, sequence: sequence, cpu: MilliCPU(cpu),
            hostMemory: Bytes(host), enforcement: enforcement),
          devices: devices, living: living)))
  }

  /// A claim with the fields that tests vary.
  func claim(
    _ number: Int, tenant: Int = 0, rank: Int = 2, demand: Demand, lanes: [Int],
    runtime: Span, application: Int = 0, action: Int = 0
  ) -> ClaimSpec {
    var spec = ClaimSpec(
      key: Name.claim(number), tenant: Name.tenant(tenant), service: Name.service(rank),
      action: Name.action(action), modelClass: Name.model, demand: demand,
      lanes: pool.laneSet(named: lanes.map { Name.lane($0) }), runtimeMax: runtime)
    spec.application = Name.application(application)
    return spec
  }
}

/// Devices as a small node's agent reports them.
enum SmallNode {
  static func gpu(_ node: Int, _ number: Int, memory: Int64 = 80 << 30) -> DeviceReport {
    DeviceReport(
      key: Name.device(node, number), kind: .gpu, profile: Name.gpu, memory: Bytes(memory))
  }

  static func cpu(_ node: Int, _ number: Int = 500, milli: Int32 = 64_000) -> DeviceReport {
    DeviceReport(
      key: Name.device(node, number), kind: .cpu, profile: Name.cpu, capacity: MilliGPU(milli),
      memory: .zero)
  }

  /// A partitioned GPU with instances of so many slots each; 4 slots is a half, 2 a quarter.
  static func partitioned(_ node: Int, _ number: Int, slots: [Int]) -> [DeviceReport] {
    var board = gpu(node, number)
    board.isPartitioned = true
    var reports = [board]
    var first = 0
    for (index, count) in slots.enumerated() {
      var part = DeviceReport(
        key: Name.device(node, 100 + number * 10 + index), kind: .slice, profile: Name.gpu,
        memory: Bytes(Int64(count) * 10 << 30))
      part.parent = board.key
      part.slice = count == 4 ? Name.half : Name.quarter
      part.slots = SlotMask(bits: UInt16((1 << count) - 1) << UInt16(first))
      reports.append(part)
      first += count
    }
    return reports
  }

  static func gpus(_ node: Int, _ count: Int) -> [DeviceReport] {
    (0..<count).map { gpu(node, $0) }
  }
}
