@testable import PoolAllocator

func key(_ space: UInt64, _ number: Int) -> Key { Key(high: space, low: UInt64(number) + 1) }

/// A pool under a random life: every command, valid and not, with ground truth for its agents.
struct SwarmDriver {
  var random: SwarmGenerator
  var pool: Pool
  var log = EventLog()
  var logs: [EventLog] = []
  var keepsLogs: Bool
  var now = Instant(ns: 1_000_000_000)
  var generation: UInt32 = 0
  var epoch: UInt32 = 0
  var claimNumber = 0
  var quoteNumber = 0
  /// Claims that were quoted and not yet submitted.
  var quotedClaims: [ClaimSpec] = []
  var nodeKeys: [NodeID] = []
  var boots: [UInt32: Int] = [:]
  var sequences: [UInt32: UInt64] = [:]
  var shrunk: [UInt32: Bool] = [:]
  /// How its policies choose places.
  var score = PlacementRule.Score.bestFit
  /// Nothing that would make a claim take a rung.
  var isQuiet = false
  let nodeCount: Int
  let tenantCount: Int
  /// Whether leases run to their end, so that lanes are full and the urgent meet others.
  let isCrowded: Bool
  var commands = 0
  var verdicts: [Decision.Verdict: Int] = [:]
  /// How often the rarer paths of a waiting claim were taken.
  var coverage = SwarmCoverage()
  /// What budgets of delegations must have spent.
  var trail = DelegationTrail()
  /// Sees every command's events and answer, with the pool after it.
  var watch: (EventLog, Decision, Pool) -> Void = { _, _, _ in }
  /// Sees every command with what came of it, as a journal would.
  var journal: (Command, Instant, Decision, Progress, EventLog) -> Void = { _, _, _, _, _ in }
  /// Sees every command with its answer, its events and the pool after it.
  var check: (Command, Instant, Decision, EventLog, Pool) -> Void = { _, _, _, _, _ in }
  /// Digest of all events, in order.
  var trace = DigestBuilder()

  /// - Parameter quotes: how many the pool knows at once.
  init(seed: UInt64, keepsLogs: Bool = false, quotes: Int = 14) {
    random = SwarmGenerator(seed: seed)
    var limits = Limits()
    limits.queuedClaims = 40
    limits.queuedClaimsPerTenant = 25
    limits.claims = 120
    limits.leases = 200
    limits.liveClaimsPerWorkflow = 12
    limits.silentAfter = .seconds(30)
    limits.budgets = 10
    limits.delegationMemory = .seconds(200)
    limits.quotes = quotes
    limits.quoteMemory = .seconds(40)
    pool = Pool(limits: limits)
    self.keepsLogs = keepsLogs
    nodeCount = 2 + random.below(6)
    tenantCount = 1 + random.below(4)
    isCrowded = random.chance(40)
  }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    var last: Decision
    var progress: Progress
    var rounds = 0
    repeat {
      (last, progress) = pool.apply(command, at: now, into: &log)
      commands += 1
      rounds += 1
      precondition(rounds < 1_000, "a tick ends")
      coverage.note(log, pool)
      trail.note(log, pool)
      watch(log, last, pool)
      journal(command, now, last, progress, log)
      check(command, now, last, log, pool)
      verdicts[last.verdict, default: 0] += 1
      trace.combine(log.events.count)
      trace.combine(log.postings.count)
      for posting in log.postings { trace.combine(posting.change) }
      if keepsLogs { logs.append(log) }
    } while progress == .more
    return last
  }

  // MARK: set-up

  mutating func setUp() {
    epoch += 1
    apply(.begin(epoch: epoch))
    for number in 0..<nodeCount {
      let decision = apply(
        .enrol(
          Enrolment(
            key: key(1, number), labels: number % 2 == 0 ? [key(9, 0)] : [],
            approved: [
              ApprovedDevices(profile: key(2, 0), count: 8),
              ApprovedDevices(profile: key(2, 1), count: 2),
              ApprovedDevices(profile: key(2, 2), count: 2),
            ])))
      if let node = decision.node { nodeKeys.append(node) }
    }
    activate()
    for node in nodeKeys where random.chance(90) { advertise(node) }
    for _ in 0..<6 { delegate() }
  }

  mutating func activate() {
    generation += 1
    apply(.activate(PolicyGeneration(generation), swarmPolicy()))
  }

  mutating func swarmPolicy() -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: key(2, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30)),
      ProfileRule(key: key(2, 1), kind: .cpu, weightMilli: 10, memory: Bytes(1)),
      ProfileRule(key: key(2, 2), kind: .gpu, weightMilli: 300, memory: Bytes(40 << 30)),
    ]
    policy.slices = [
      SliceRule(key: key(3, 0), profile: key(2, 0), billedMilli: 142),
      SliceRule(key: key(3, 1), profile: key(2, 0), billedMilli: 428),
    ]
    policy.pools = [
      PoolRule(key: key(4, 0), profile: key(2, 0), label: random.chance(30) ? key(9, 0) : nil),
      PoolRule(key: key(4, 1), profile: key(2, 1)), PoolRule(key: key(4, 2), profile: key(2, 2)),
    ]
    for pool in 0..<3 { addLanes(of: pool, to: &policy) }
    if random.chance(60) {
      policy.order = OrderRule(
        ageingStep: .seconds(Int64(10 + random.below(300))), ceiling: UInt8(random.below(2)))
    }
    for rank in 0..<4 {
      policy.classes.append(
        ClassRule(
          quantum: .seconds(Int64(60 * (1 + random.below(10)))), startWithin: .seconds(30),
          killWithin: .seconds(20), emptyBucket: rank == 1 ? .reject : .park,
          overrun: rank == 0 ? .debt : .stop))
    }
    if random.chance(80) {
      policy.preemption = PreemptionRule(
        distance: UInt8(1 + random.below(3)), burst: UInt32(1 + random.below(8)),
        perHour: UInt32(random.below(400)))
      for rank in 0..<4 where random.chance(50) {
        policy.classes[rank].shield = .seconds(Int64(random.below(100)))
      }
    }
    for tenant in 0..<max(1, tenantCount - (random.chance(10) ? 1 : 0)) {
      var rule = TenantRule(
        key: key(6, tenant), queueMax: UInt32(5 + random.below(20)),
        weightMilli: Int32(500 * (1 + random.below(6))))
      if random.chance(40) { rule.borrowingMax = Int64(random.below(6)) * 1000 }
      policy.tenants.append(rule)
      let root = UInt16(policy.buckets.count)
      let scale = Int64(1 + random.below(8)) * (random.chance(40) ? 40_000_000 : 1_000_000_000)
      policy.buckets.append(bucket(tenant * 10, UInt16(tenant), nil, .tenant, scale))
      guard random.chance(60) else { continue }
      policy.buckets.append(
        bucket(tenant * 10 + 1, UInt16(tenant), root, .serviceClass(.p3), scale / 2))
      policy.buckets.append(
        bucket(tenant * 10 + 2, UInt16(tenant), root + 1, .action(key(8, 0)), scale / 4))
    }
    for rank in 0..<4 {
      policy.services.append(
        ServiceRule(
          key: key(7, rank), tenant: nil, serviceClass: [.p0, .p1, .p2, .p3][rank],
          weightMilli: Int32(500 * (1 + random.below(4)))))
    }
    addApproval(to: &policy)
    addLadders(to: &policy)
    addEmergency(to: &policy)
    addQuotes(to: &policy)
    policy.costs = [
      CostRule(
        action: key(8, 0), modelClass: key(10, 0), base: .seconds(1),
        perThousandPrompt: .seconds(2), perThousandOutput: .seconds(8), perToolCall: .seconds(3),
        retryMilli: 1200)
    ]
    policy.placement = placementRule
    return policy
  }

  /// Whole GPUs, halves and pairs are expected; offers learn what comes.
  private var placementRule: PlacementRule {
    guard score == .fragmentation else { return PlacementRule(score: score, mix: []) }
    func kind(_ popularity: UInt32, _ devices: UInt8, _ share: Int32) -> MixKind {
      MixKind(
        popularity: popularity, devices: devices, share: MilliGPU(share), cpu: MilliCPU(1_000),
        pools: 0b101)
    }
    let mix = [kind(8, 1, 1_000), kind(4, 1, 500), kind(2, 2, 1_000)]
    return PlacementRule(score: score, mix: mix)
  }

  mutating func bucket(
    _ number: Int, _ tenant: UInt16, _ parent: UInt16?, _ match: BucketMatch, _ cap: Int64
  ) -> BucketRule {
    var rule = BucketRule(
      key: key(11, number), tenant: tenant, cap: Credits(cap),
      refillPerSecond: Credits(random.chance(20) ? 0 : Int64(random.below(5_000_000))))
    rule.parent = parent
    if random.chance(30) { rule.opening = Credits(cap / Int64(2 + random.below(20))) }
    rule.match = match
    rule.debtMax = Credits(cap / 4)
    return rule
  }

  private mutating func addLanes(of pool: Int, to policy: inout CompiledPolicy) {
    var shared = LaneRule(key: key(5, pool), pool: UInt16(pool), leaseMax: .seconds(4000))
    shared.sharesAcrossTenants = random.chance(50)
    policy.lanes.append(shared)
    if random.chance(70) {
      var reserved = LaneRule(
        key: key(5, 10 + pool), pool: UInt16(pool), leaseMax: .seconds(9000))
      reserved.owner = key(6, 0)
      // The GPUs of the third pool stand alone in their nodes: whole cells of one.
      reserved.cell = pool == 0 ? 1 << UInt8(random.below(3)) : 1
      reserved.reserved =
        pool == 1 ? 1500 : Int64(1 + random.below(9) / Int(reserved.cell)) * reserved.cellMilli
      if random.chance(60) {
        reserved.lending = .reclaimable(
          within: .seconds(Int64(25 + random.below(400))),
          atMost: Int64(1 + random.below(9)) * 1000)
      }
      policy.lanes.append(reserved)
    }
  }

  // MARK: nodes

  mutating func advertise(_ node: NodeID, reboot: Bool = false) {
    if reboot { boots[node.row, default: 0] += 1 }
    sequences[node.row, default: 0] += 1
    let kind = Int(node.row) % 3
    var devices: [DeviceReport] = []
    let boards = kind == 2 ? 2 : 4 - (shrunk[node.row] == true ? 1 : 0)
    for board in 0..<boards {
      var gpu = DeviceReport(
        key: key(20 + UInt64(node.row), board), kind: .gpu, profile: key(2, 0),
        memory: Bytes(80 << 30))
      gpu.isPartitioned = kind == 2
      // Some agents see pairs, some the whole node, and some change their mind.
      gpu.island = node.row % 2 == 1 && !random.chance(5) ? UInt8(board / 2) : 0
      if random.chance(2) { gpu.condition = random.chance(50) ? .failed : .dirty }
      devices.append(gpu)
      guard kind == 2 else { continue }
      for part in 0..<4 {
        var slice = DeviceReport(
          key: key(40 + UInt64(node.row), board * 8 + part), kind: .slice, profile: key(2, 0),
          memory: Bytes(10 << 30))
        slice.parent = gpu.key
        slice.slice = key(3, part == 3 ? 1 : 0)
        slice.slots = SlotMask(bits: part == 3 ? 0xF0 : 1 << UInt16(part))
        devices.append(slice)
      }
    }
    if kind != 2 {
      devices.append(
        DeviceReport(
          key: key(70 + UInt64(node.row), 0), kind: .gpu, profile: key(2, 2),
          memory: Bytes(40 << 30)))
    }
    devices.append(
      DeviceReport(
        key: key(60 + UInt64(node.row), 0), kind: .cpu, profile: key(2, 1),
        capacity: MilliGPU(8000), memory: Bytes(64 << 30)))
    var living: [Fencing] = []
    pool.forEachLease { _, lease in
      if lease.node == node, random.chance(reboot ? 0 : 85) { living.append(lease.fencing) }
    }
    apply(
      .advertise(
        node,
        Advertisement(
          report: NodeReport(
            boot: key(80, boots[node.row, default: 0]), generation: 1,
            sequence: sequences[node.row, default: 0] - (random.chance(5) ? 1 : 0),
            cpu: MilliCPU(8000), hostMemory: Bytes(64 << 30), enforcement: .environment),
          isComplete: !random.chance(5), devices: devices, living: living)))
  }

  mutating func nodeCommand() {
    guard let node = random.pick(nodeKeys) else { return }
    switch random.below(12) {
    case 0: apply(.silence(node))
    case 1, 2: apply(.hear(node))
    case 3: apply(.cordon(node))
    case 4, 5: apply(.uncordon(node))
    case 6: apply(.drain(node, deadline: now + .seconds(Int64(random.below(120)))))
    case 7: apply(.fence(node))
    case 8: advertise(node, reboot: random.chance(30))
    case 9:
      shrunk[node.row] = random.chance(50)
      advertise(node)
    default: advertise(node)
    }
  }

  // MARK: claims

  mutating func submit() {
    if random.chance(12) { return redeem() }
    let spec = anyClaim()
    if random.chance(12) { return quoteFirst(spec) }
    apply(.submit(spec))
  }

  mutating func anyClaim() -> ClaimSpec {
    claimNumber += 1
    let demands: [Demand] = [
      Demand(shape: .whole, devices: UInt8(1 + random.below(4)), cpu: MilliCPU(1000)),
      Demand(
        shape: .fraction(MilliGPU(Int32(100 * (1 + random.below(9)))), Bytes(8 << 30)),
        cpu: MilliCPU(500), sharing: random.chance(50) ? .anyTenant : .ownTenant),
      Demand(shape: .slice(key(3, random.below(2))), devices: UInt8(1 + random.below(2))),
      Demand(
        shape: .cpuOnly, cpu: MilliCPU(Int32(250 * (1 + random.below(12)))),
        hostMemory: Bytes(Int64(random.below(8)) << 30), sharing: .anyTenant),
      Demand(shape: .fraction(MilliGPU(300), Bytes(4 << 30)), devices: 2),
    ]
    var demand = demands[random.below(demands.count)]
    if random.chance(25) {
      demand.members = UInt16(2 + random.below(4))
      demand.devices = min(demand.devices, 2)
    }
    if random.chance(15) { demand.together = Proximity.allCases[random.below(5)] }
    if random.chance(15) { demand.prefer = Proximity.allCases[random.below(5)] }
    let laneKeys = [0, 1, 2, 10, 11, 12].map { key(5, $0) }
    var lanes = pool.laneSet(named: laneKeys.filter { _ in random.chance(60) })
    if random.chance(50) { lanes = pool.laneSet(named: laneKeys) }
    if random.chance(20) { lanes = pool.laneSet(named: Array(laneKeys.dropFirst(3))) }
    var spec = ClaimSpec(
      key: key(100, random.chance(2) ? claimNumber - 1 : claimNumber),
      tenant: key(6, random.below(tenantCount)), service: key(7, random.below(4)),
      action: key(8, random.below(2)), modelClass: key(10, 0), demand: demand, lanes: lanes,
      runtimeMax: .seconds(Int64(30 + random.below(3000))))
    spec.workflow = key(101, random.below(6))
    spec.principal = key(102, random.below(3))
    spec.application = key(103, random.below(3))
    addPlan(to: &spec)
    addBudget(to: &spec)
    acceptRungs(of: &spec)
    if random.chance(20) { spec.maxWait = .seconds(Int64(random.below(600))) }
    if random.chance(70) {
      spec.interruption = Interruption(
        grace: .seconds(Int64(random.below(100))), checkpointEvery: .seconds(60))
    }
    if random.chance(10) { spec.deadline = now + .seconds(Int64(random.below(6000))) }
    if random.chance(20) {
      spec.estimate = .work(promptTokens: 2000, outputTokens: 500, toolCalls: 3, depth: 1)
    }
    return spec
  }

  mutating func leaseCommand() {
    var all: [(LeaseID, Lease)] = []
    pool.forEachLease { all.append(($0, $1)) }
    guard let (id, lease) = random.pick(all) else { return }
    let fencing = random.chance(3) ? Fencing(raw: lease.fencing.raw - 1) : lease.fencing
    switch lease.state {
    case .granted where random.chance(80): apply(.confirmStarted(id, fencing))
    case .active where random.chance(60): apply(.renew(id, fencing))
    case .active where isCrowded || random.chance(50): apply(.confirmCheckpoint(id, fencing))
    case .stopping: apply(.confirmEmpty(id, fencing))
    default: apply(.release(id, fencing, random.chance(80) ? .completed : .failed))
    }
  }

  mutating func cancel() {
    var all: [ClaimID] = []
    pool.forEachClaim { id, _ in all.append(id) }
    if let id = random.pick(all) { apply(.cancel(id)) }
  }

  mutating func restrict() {
    let kinds = IdentityKind.allCases
    let kind = kinds[random.below(kinds.count)]
    let names = [
      key(6, random.below(tenantCount)), key(103, 1), key(101, 1), key(102, random.below(3)),
    ]
    let measures: [Restriction.Measure] = [
      .suspend, .throttle(liveClaims: 3), .ceiling(.p2),
    ]
    let restriction = Restriction(
      measure: measures[random.below(3)], until: now + .seconds(Int64(random.below(600))),
      by: key(110, 0), because: key(111, 0))
    apply(
      .restrict(kind, names[Int(kind.rawValue)], random.chance(70) ? restriction : nil))
  }

  private mutating func signal() {
    guard random.chance(80) else {
      let measurement = Measurement(
        measure: key(120, 0), subject: key(4, random.below(2)), milli: 5)
      apply(.signal(.measured(measurement)))
      return
    }
    // Some are out of range, of nobody's service, or forget what is not there.
    let scope = Correction.Scope(
      tenant: key(6, random.below(tenantCount)), service: key(7, random.below(5)),
      modelClass: random.chance(50) ? key(10, 0) : nil)
    let milli = random.chance(70) ? Int32(90 + random.below(10_000)) : nil
    apply(.signal(.corrected(Correction(scope: scope, milli: milli))))
  }

  mutating func stepOnce() {
    now = now + Span(ns: Int64(random.below(20_000)) * 1_000_000)
    if random.chance(1) { now = now + .seconds(Int64(random.below(8000))) }
    switch random.below(100) {
    case 0..<35: submit()
    case 35..<70: leaseCommand()
    case 70..<77: apply(.tick)
    case 77: raiseEmergency()
    case 78..<80: decide()
    case 80..<82: delegate()
    case 82..<89: nodeCommand()
    case 89..<91: cancel()
    case 91..<97: restrict()
    case 97: random.chance(50) ? signal() : reportDependency()
    case 98: activate()
    default:
      if random.chance(30) {
        epoch += 1
        apply(.begin(epoch: epoch))
      }
    }
  }
}
