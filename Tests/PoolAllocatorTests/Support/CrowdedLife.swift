@testable import PoolAllocator

/// A small cluster in which claims wait for every reason there is, under leases so long that an
/// hour ends none of them.
///
/// Lane 0 is shared; lane 1 is reserved for tenant 0 and lent, beside the shared lane 2 of its
/// pool; lane 3 is a shared lane of processor time.
struct CrowdedLife {
  static let tenants = 3
  static let day = Int64(86_400)
  /// Who approves what the claims of one service plan, and what that is.
  static let approver = Name.key(33, 0)
  static let plan = Name.key(34, 0)
  /// The devices of lane 0, of lanes 1 and 2, and the sets of processors.
  static let profiles = [Name.key(1, 10), Name.key(1, 11), Name.cpu]

  var random: SwarmGenerator
  var pool: Pool
  var log = EventLog()
  var now = Instant(ns: 1_000_000_000)
  private var nodes: [NodeID] = []
  private var claims = 0
  private var sequence: UInt64 = 0

  init(seed: UInt64) {
    random = SwarmGenerator(seed: seed)
    pool = Pool()
    apply(.begin(epoch: 1))
    let policy = policy()
    apply(.activate(PolicyGeneration(1), policy))
    for tenant in 0..<Self.tenants where random.chance(60) { delegate(tenant) }
    for number in 0..<(2 + random.below(4)) { addNode(number) }
  }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    pool.apply(command, at: now, into: &log).0
  }

  /// Ticks until nothing is due.
  mutating func rest() {
    for _ in 0..<50 where pool.apply(.tick, at: now, into: &log).1 == .complete { return }
    preconditionFailure("a tick ends")
  }

  // MARK: set-up

  private mutating func policy() -> CompiledPolicy {
    var policy = SmallPolicy.bare(tenants: Self.tenants)
    policy.profiles = Self.profiles.map {
      ProfileRule(
        key: $0, kind: $0 == Name.cpu ? .cpu : .gpu, weightMilli: $0 == Name.cpu ? 10 : 1_000,
        memory: Bytes(80 << 30))
    }
    policy.slices = [SliceRule(key: Name.half, profile: Self.profiles[0], billedMilli: 500)]
    policy.pools = Self.profiles.indices.map {
      PoolRule(key: Name.pool($0), profile: Self.profiles[$0])
    }
    policy.lanes = [0, 1, 1, 2].enumerated().map { lane, pool in
      LaneRule(key: Name.lane(lane), pool: UInt16(pool), leaseMax: .seconds(300 * Self.day))
    }
    policy.lanes[1].owner = Name.tenant(0)
    policy.lanes[1].reserved = Int64(1 + random.below(4)) * 1_000
    policy.lanes[1].lending = .reclaimable(
      within: .seconds(200 * Self.day), atMost: Int64(1 + random.below(4)) * 1_000)
    for lane in policy.lanes.indices { policy.lanes[lane].sharesAcrossTenants = random.chance(50) }
    for rank in policy.classes.indices {
      policy.classes[rank] = ClassRule(
        quantum: .seconds(50 * Self.day), startWithin: .seconds(40 * Self.day),
        killWithin: .seconds(3_600), emptyBucket: .park, overrun: .stop)
    }
    if random.chance(50) {
      policy.approvals = [
        ApprovalRule(approvers: [Self.approver], lasts: .seconds(100 * Self.day))
      ]
      policy.services[3].approval = 0
    }
    for tenant in 0..<Self.tenants {
      if random.chance(50) {
        policy.tenants[tenant].borrowingMax = Int64(random.below(3)) * 1_000
      }
      addBuckets(of: tenant, to: &policy)
    }
    return policy
  }

  /// A root and up to two buckets under it, with what some tens of claims cost.
  private mutating func addBuckets(of tenant: Int, to policy: inout CompiledPolicy) {
    let path: [BucketMatch] = [
      .tenant, .application(Name.application(0)), .action(Name.action(0)),
    ]
    var parent: Int?
    for match in path.prefix(1 + random.below(3)) {
      let cap = 40 + random.below(100)
      let row = policy.buckets.count
      let scale: Int64 = 1_000_000_000_000
      SmallPolicy.add(
        match, under: parent, tenant: tenant, cap: Int64(cap) * scale,
        rate: random.chance(30) ? 0 : Int64(random.below(50_000_000)),
        opening: Int64(random.chance(60) ? cap : random.below(cap)) * scale, to: &policy)
      parent = row
    }
  }

  /// A budget of what a few claims cost.
  private mutating func delegate(_ tenant: Int) {
    apply(
      .delegate(
        DelegationSpec(
          key: Name.key(35, tenant), tenant: Name.tenant(tenant),
          limit: Credits(Int64(8 + random.below(30)) * 1_000_000_000_000),
          expires: now + .seconds(300 * Self.day))))
  }

  private mutating func addNode(_ number: Int) {
    let approved = Self.profiles.map { ApprovedDevices(profile: $0, count: 16) }
    let enrolment = Enrolment(key: Name.node(number), approved: approved)
    guard let node = apply(.enrol(enrolment)).node else { return }
    nodes.append(node)
    advertise(number)
  }

  private mutating func advertise(_ number: Int) {
    var devices: [DeviceReport] = []
    let profile = Self.profiles[number % 2]
    for board in 0..<(1 + number % 3) {
      var gpu = SmallNode.gpu(number, board)
      gpu.profile = profile
      devices.append(gpu)
    }
    if number % 2 == 0 {
      for var part in SmallNode.partitioned(number, 20, slots: [4, 4]) {
        part.profile = profile
        devices.append(part)
      }
    }
    devices.append(SmallNode.cpu(number, milli: 8_000))
    for index in devices.indices where random.chance(6) {
      devices[index].condition = random.chance(50) ? .failed : .dirty
    }
    sequence += 1
    var living: [Fencing] = []
    pool.forEachLease { _, lease in
      if lease.node == nodes[number] { living.append(lease.fencing) }
    }
    apply(
      .advertise(
        nodes[number],
        Advertisement(
          report: NodeReport(
            boot: Name.boot(0), generation: 1, sequence: sequence, cpu: MilliCPU(12_000),
            hostMemory: Bytes(64 << 30), enforcement: .cgroup),
          devices: devices, living: living)))
  }

  // MARK: commands

  mutating func stepOnce() {
    now = now + .seconds(Int64(random.below(60)))
    switch random.below(20) {
    case 0..<10: submit()
    case 10..<14: leaseCommand()
    case 14: nodeCommand()
    case 15: if random.chance(50) { advertise(random.below(nodes.count)) }
    case 16: if random.chance(60) { restrict() }
    default: break
    }
  }

  /// No two shares fit one GPU.
  private mutating func demand() -> Demand {
    let host = Bytes(Int64(random.below(7)) * 8 << 30)
    let cpu = MilliCPU(Int32(random.below(4) * 2_000))
    switch random.below(10) {
    case 0..<4:
      var demand = Demand(
        shape: .whole, devices: UInt8(1 + random.below(3)), cpu: cpu, hostMemory: host)
      if random.chance(30) { demand.members = UInt16(2 + random.below(2)) }
      return demand
    case 4..<7:
      let isOfMemory = random.chance(50)
      let share = Demand.Shape.fraction(
        MilliGPU(Int32(isOfMemory ? 100 : 600 + 100 * random.below(4))),
        Bytes(45 << 30))
      let sharing: Sharing = random.chance(50) ? .anyTenant : .ownTenant
      return Demand(shape: share, cpu: cpu, hostMemory: host, sharing: sharing)
    case 7: return Demand(shape: .slice(Name.half), devices: UInt8(1 + random.below(2)))
    default:
      let cores = MilliCPU(Int32(2_000 + 1_000 * random.below(6)))
      return Demand(shape: .cpuOnly, cpu: cores, hostMemory: host, sharing: .anyTenant)
    }
  }

  private mutating func submit() {
    claims += 1
    let lanes = [0, 1, 2, 3].filter { _ in random.chance(60) }
    let demand = demand()
    var spec = ClaimSpec(
      key: Name.claim(claims), tenant: Name.tenant(random.below(Self.tenants)),
      service: Name.service(random.below(4)), action: Name.action(random.below(2)),
      modelClass: Name.model, demand: demand,
      lanes: pool.laneSet(named: lanes.map { Name.lane($0) }),
      runtimeMax: .seconds(Int64(40 + random.below(100)) * Self.day))
    spec.application = Name.application(random.below(2))
    spec.plan = Self.plan
    if random.chance(50) {
      let budget = Name.key(35, Int(spec.tenant.low - Name.tenant(0).low))
      if pool.budget(named: budget) != nil { spec.budget = budget }
    }
    spec.workflow = Name.key(31, random.below(5))
    spec.principal = Name.key(32, random.below(4))
    apply(.submit(spec))
  }

  private mutating func leaseCommand() {
    var all: [(LeaseID, Lease)] = []
    pool.forEachLease { all.append(($0, $1)) }
    guard let (id, lease) = random.pick(all) else { return }
    switch lease.state {
    case .granted: apply(.confirmStarted(id, lease.fencing))
    case .active: apply(.release(id, lease.fencing, .completed))
    case .stopping, .quarantined: apply(.confirmEmpty(id, lease.fencing))
    }
  }

  private mutating func nodeCommand() {
    guard let node = random.pick(nodes) else { return }
    switch random.below(5) {
    case 0: apply(.silence(node))
    case 1: apply(.hear(node))
    case 2: apply(.cordon(node))
    default: apply(.uncordon(node))
    }
  }

  private mutating func restrict() {
    let names = [
      Name.tenant(random.below(Self.tenants)), Name.application(random.below(2)),
      Name.key(31, random.below(5)), Name.key(32, random.below(4)),
    ]
    let kind = IdentityKind.allCases[random.below(4)]
    let measure: Restriction.Measure = random.chance(50) ? .suspend : .ceiling(.p2)
    let restriction = Restriction(
      measure: measure, until: now + .seconds(Int64(30 + random.below(3_000))),
      by: Name.key(30, 0), because: Name.key(30, 1))
    apply(.restrict(kind, names[Int(kind.rawValue)], random.chance(40) ? nil : restriction))
  }
}
