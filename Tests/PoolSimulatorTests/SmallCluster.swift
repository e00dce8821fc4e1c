import PoolAllocator
import PoolSimulator

/// A node of GPUs or several, one lane, a service for each class, and tenants with more credits
/// than they can spend.
struct SmallCluster {
  static func key(_ kind: UInt64, _ number: Int) -> Key {
    Key(high: kind, low: UInt64(number) + 1)
  }

  var nodes = 1
  /// GPUs of each node.
  var gpus = 8
  /// GPUs that each node has less than the one before.
  var falling = 0
  /// Processor cores of each node.
  var hostCores: Int32 = 128
  /// Racks over which the nodes are spread; 0: none is known.
  var racks = 0
  var weights: [Int32]
  /// What the bucket of tenant 0 holds and gets each second; nil: more than it can spend.
  var budget: (cap: Credits, refill: Credits)?
  var order = OrderRule(ageingStep: .seconds(60))
  var quantum = Span.seconds(3_600)
  /// Time to start and to leave the devices.
  var grace = Span.seconds(60)
  /// The longest lease of each lane.
  var leaseMax = Span.seconds(86_400)
  /// GPUs of lane 1, which is tenant 0's; 0: there is no such lane.
  var reserved: Int64 = 0
  var lending = Lending.never
  /// How classes preempt others; nil: none does.
  var preemption: PreemptionRule?
  /// How long P2 and P3 are let alone.
  var shield = Span.zero
  /// Cores of a lane of processor time, which nothing divides among tenants; 0: there is none.
  var cores: Int32 = 0

  init(weights: [Int32]) { self.weights = weights }

  /// Two to four tenants of uneven weights.
  init(tenantsFrom random: inout SeededGenerator) {
    let tenants = Int(random.within(2...4))
    weights = (0..<tenants).map { _ in [1000, 1000, 2000, 4000][Int(random.below(4))] }
  }

  /// Leases of a minute at most, that are paid at once or in parts, and claims that age soon.
  mutating func hurry(using random: inout SeededGenerator) {
    leaseMax = .seconds(60)
    grace = .seconds(random.within(1...10))
    quantum = .seconds([20, 3_600][Int(random.below(2))])
    order = OrderRule(ageingStep: .seconds(random.within(10...90)))
  }

  var policy: CompiledPolicy {
    var policy = CompiledPolicy()
    let profile = Self.key(1, 0)
    policy.profiles = [
      ProfileRule(key: profile, kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: Self.key(2, 0), profile: profile)]
    policy.lanes = [LaneRule(key: Self.key(3, 0), pool: 0, leaseMax: leaseMax)]
    if reserved > 0 {
      var lane = LaneRule(key: Self.key(3, 1), pool: 0, leaseMax: leaseMax)
      lane.owner = Self.key(5, 0)
      lane.reserved = reserved * 1000
      lane.lending = lending
      policy.lanes.append(lane)
    }
    if cores > 0 {
      let cpu = Self.key(1, 1)
      policy.profiles.append(
        ProfileRule(key: cpu, kind: .cpu, weightMilli: 10, memory: Bytes(1 << 30)))
      policy.pools.append(PoolRule(key: Self.key(2, 1), profile: cpu))
      policy.lanes.append(LaneRule(key: Self.key(3, 2), pool: 1, leaseMax: leaseMax))
    }
    policy.order = order
    let rule = ClassRule(
      quantum: quantum, startWithin: grace, killWithin: grace, emptyBucket: .park, overrun: .stop)
    policy.classes = Array(repeating: rule, count: 4)
    policy.preemption = preemption
    for rank in 2..<4 { policy.classes[rank].shield = shield }
    for rank in 0..<4 {
      policy.services.append(
        ServiceRule(
          key: Self.key(4, rank), tenant: nil, serviceClass: ServiceClass(rank: UInt8(rank)) ?? .p3)
      )
    }
    for (number, weight) in weights.enumerated() {
      policy.tenants.append(
        TenantRule(key: Self.key(5, number), queueMax: 100_000, weightMilli: weight))
      policy.buckets.append(
        BucketRule(
          key: Self.key(6, number), tenant: UInt16(number),
          cap: number == 0 ? budget?.cap ?? Credits(1 << 52) : Credits(1 << 52),
          refillPerSecond: number == 0 ? budget?.refill ?? .zero : .zero))
    }
    return policy
  }

  /// The pool with its nodes reported.
  func pool() -> Pool {
    var pool = Pool()
    var log = EventLog()
    _ = pool.apply(.begin(epoch: 1), at: .origin, into: &log)
    _ = pool.apply(.activate(PolicyGeneration(1), policy), at: .origin, into: &log)
    for number in 0..<nodes { addNode(number, to: &pool) }
    return pool
  }

  private func addNode(_ number: Int, to pool: inout Pool) {
    var log = EventLog()
    guard let node = pool.apply(.enrol(enrolment(of: number)), at: .origin, into: &log).0.node
    else { fatalError("a node is enrolled") }
    _ = pool.apply(.advertise(node, advertisement(of: number)), at: .origin, into: &log)
  }

  /// What an operator states of a node.
  func enrolment(of number: Int) -> Enrolment {
    var approved = [ApprovedDevices(profile: Self.key(1, 0), count: UInt16(gpus))]
    if cores > 0 { approved.append(ApprovedDevices(profile: Self.key(1, 1), count: 1)) }
    return Enrolment(
      key: Self.key(7, number), rack: racks > 0 ? Self.key(14, number % racks) : nil,
      approved: approved)
  }

  /// What the agent of a node reports.
  /// - Parameter broken: a GPU that does not work.
  func advertisement(
    of number: Int, sequence: UInt64 = 1, broken: Int? = nil, living: [Fencing] = []
  ) -> Advertisement {
    let report = NodeReport(
      boot: Self.key(8, number), generation: 1, sequence: sequence,
      cpu: MilliCPU(hostCores * 1000), hostMemory: Bytes(1 << 40),
      enforcement: cores > 0 ? .none : .cgroup)
    var devices = (0..<max(1, gpus - falling * number)).map {
      DeviceReport(
        key: Self.key(9, number * 100 + $0), kind: .gpu, profile: Self.key(1, 0),
        memory: Bytes(80 << 30))
    }
    if let broken, broken < devices.count { devices[broken].condition = .failed }
    if cores > 0 {
      devices.append(
        DeviceReport(
          key: Self.key(9, number * 100 + gpus), kind: .cpu, profile: Self.key(1, 1),
          capacity: MilliGPU(cores * 1000), memory: .zero))
    }
    return Advertisement(report: report, devices: devices, living: living)
  }

  /// A claim for whole GPUs.
  static func claim(
    _ number: Int, tenant: Int, rank: Int, gpus: Int = 1, runtime: Span
  ) -> ClaimSpec {
    var lanes = LaneSet.none
    lanes.insert(row: 0)
    var spec = ClaimSpec(
      key: key(10, number), tenant: key(5, tenant), service: key(4, rank), action: key(11, 0),
      modelClass: key(12, 0), demand: Demand(shape: .whole, devices: UInt8(gpus)), lanes: lanes,
      runtimeMax: runtime)
    // Every job is its own workflow, so that none meets the bound on one workflow's claims.
    spec.workflow = key(13, number)
    return spec
  }
}

/// How many cases a property test runs: many in release, few in debug.
enum Scale {
  static func cases(release: Int, debug: Int) -> Int {
    #if DEBUG
      debug
    #else
      release
    #endif
  }
}
