import PoolAllocator
import Workload

/// A pool of nodes with 8 GPUs each, one in ten partitioned; 100 tenants; one reserved lane.
struct Fleet {
  static let tenants = 100
  var pool = Pool()
  var log = EventLog()
  var now = Instant(ns: 1_000_000_000)
  var random = Generator(seed: 7)
  var live: [(lease: LeaseID, fencing: Fencing)] = []
  var claims = 0
  var shared = LaneSet.none
  var owned = LaneSet.none
  var events = 0
  var admitted = 0
  var refused = 0

  init(nodes: Int) {
    apply(.begin(epoch: 1))
    apply(.activate(PolicyGeneration(1), Self.policy()))
    for number in 0..<nodes { addNode(number) }
    shared = pool.laneSet(named: [key(5, 0)])
    owned = pool.laneSet(named: [key(5, 0), key(5, 1)])
  }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    let (decision, _) = pool.apply(command, at: now, into: &log)
    events += log.events.count
    return decision
  }

  static func policy() -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: key(2, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.slices = [SliceRule(key: key(3, 0), profile: key(2, 0), billedMilli: 142)]
    policy.pools = [PoolRule(key: key(4, 0), profile: key(2, 0))]
    policy.lanes = [LaneRule(key: key(5, 0), pool: 0, leaseMax: .seconds(86_400))]
    var reserved = LaneRule(key: key(5, 1), pool: 0, leaseMax: .seconds(86_400))
    reserved.owner = key(6, 0)
    reserved.reserved = 64_000
    policy.lanes.append(reserved)
    for rank in 0..<4 {
      policy.classes.append(
        ClassRule(
          quantum: .seconds(600), startWithin: .seconds(60), killWithin: .seconds(30),
          emptyBucket: .park, overrun: .stop))
      policy.services.append(
        ServiceRule(key: key(7, rank), tenant: nil, serviceClass: [.p0, .p1, .p2, .p3][rank]))
    }
    for tenant in 0..<tenants {
      policy.tenants.append(TenantRule(key: key(6, tenant), queueMax: 1000))
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
    return policy
  }

  mutating func addNode(_ number: Int) {
    let decision = apply(
      .enrol(
        Enrolment(
          key: key(1, number), approved: [ApprovedDevices(profile: key(2, 0), count: 8)])))
    guard let node = decision.node else { fatalError("a node is enrolled") }
    var devices: [DeviceReport] = []
    for board in 0..<8 {
      var gpu = DeviceReport(
        key: Key(high: 20 << 32 | UInt64(number), low: UInt64(board)), kind: .gpu,
        profile: key(2, 0), memory: Bytes(80 << 30))
      gpu.isPartitioned = number % 10 == 9
      devices.append(gpu)
      guard gpu.isPartitioned else { continue }
      for part in 0..<7 {
        var slice = DeviceReport(
          key: Key(high: 21 << 32 | UInt64(number), low: UInt64(board * 8 + part)), kind: .slice,
          profile: key(2, 0), memory: Bytes(10 << 30))
        slice.parent = gpu.key
        slice.slice = key(3, 0)
        slice.slots = SlotMask(bits: 1 << UInt16(part))
        devices.append(slice)
      }
    }
    let report = NodeReport(
      boot: key(80, number), generation: 1, sequence: 1, cpu: MilliCPU(128_000),
      hostMemory: Bytes(1024 << 30), enforcement: .cgroup)
    apply(.advertise(node, Advertisement(report: report, devices: devices)))
  }

  /// Whole GPUs, fractions and MIG instances in the proportions of a shared cluster.
  mutating func spec() -> ClaimSpec {
    claims += 1
    let tenant = random.below(Self.tenants)
    let roll = random.below(100)
    let demand: Demand
    switch roll {
    case 0..<30: demand = Demand(shape: .whole, cpu: MilliCPU(8_000), hostMemory: Bytes(64 << 30))
    case 30..<35:
      let devices = [2, 2, 4][random.below(3)]
      demand = Demand(
        shape: .whole, devices: UInt8(devices), cpu: MilliCPU(Int32(devices * 8_000)),
        hostMemory: Bytes(Int64(devices) * 64 << 30))
    case 35..<85:
      let share = [100, 200, 250, 300, 500, 700][random.below(6)]
      demand = Demand(
        shape: .fraction(MilliGPU(Int32(share)), Bytes(Int64(share) * (80 << 20))),
        cpu: MilliCPU(Int32(share * 8)), hostMemory: Bytes(8 << 30))
    default:
      demand = Demand(shape: .slice(key(3, 0)), cpu: MilliCPU(1_000), hostMemory: Bytes(4 << 30))
    }
    var spec = ClaimSpec(
      key: key(100, claims), tenant: key(6, tenant), service: key(7, claims & 3),
      action: key(8, 0), modelClass: key(10, 0), demand: demand,
      lanes: tenant == 0 ? owned : shared,
      runtimeMax: .seconds(3_600))
    spec.application = key(103, tenant)
    spec.workflow = key(101, random.below(5_000))
    return spec
  }

  /// Submits one claim; a claim that does not fit at once is withdrawn.
  mutating func place() -> Bool {
    now = now + Span(ns: 1_000_000)
    let decision = apply(.submit(spec()))
    guard let lease = decision.lease, let fencing = log.grants.first?.fencing else {
      refused += 1
      if let claim = decision.claim { apply(.cancel(claim)) }
      return false
    }
    apply(.confirmStarted(lease, fencing))
    live.append((lease, fencing))
    admitted += 1
    return true
  }

  /// Releases one lease and has its agent report it empty.
  mutating func release(_ index: Int) {
    let (lease, fencing) = live[index]
    live.swapAt(index, live.count - 1)
    live.removeLast()
    apply(.release(lease, fencing, .completed))
    apply(.confirmEmpty(lease, fencing))
  }

  /// Thousandths in use of all that is offered.
  func fullness() -> Int {
    var offered: Int64 = 0
    var free: Int64 = 0
    pool.forEachLane { id, _ in
      let capacity = pool.capacity(of: id)
      offered += capacity.offered
      free += capacity.free
    }
    return Int((offered - free) * 1000 / max(1, offered))
  }
}
