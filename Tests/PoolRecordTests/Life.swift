import PoolAllocator

@testable import PoolRecord

/// A small pool's life with its journal: random commands, some of them refused.
struct Life {
  private var random: Draws
  private(set) var pool = Pool(limits: Self.limits)
  private(set) var bytes: [UInt8] = []
  private(set) var writer: JournalWriter
  private(set) var records: [Record] = []
  /// Where each record begins, and where the last one ends.
  private(set) var offsets: [Int] = []
  /// The pool before each record, and after the last one.
  private(set) var digests: [Digest] = []
  private var now = Instant(ns: 5_000_000_000)
  private var number = 0
  private var epoch: UInt32 = 0
  private var nodes: [NodeID] = []
  private var boots = 0
  private var sequence: UInt64 = 0

  static var limits: Limits {
    var limits = Limits()
    limits.claims = 40
    limits.leases = 40
    limits.quotes = 10
    limits.budgets = 10
    limits.stepsPerTick = 3
    return limits
  }

  static func key(_ space: UInt64, _ number: Int) -> Key {
    Key(high: space, low: UInt64(number) + 1)
  }

  init(seed: UInt64, steps: Int) {
    random = Draws(seed: seed)
    let header = JournalHeader(identity: Self.key(seed, 99), firstSequence: 7, from: pool)
    writer = JournalWriter(header, into: &bytes)
    offsets.append(bytes.count)
    digests.append(pool.digest())
    begin()
    for _ in 0..<steps { step() }
  }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    while true {
      var log = EventLog()
      let (decision, progress) = pool.apply(command, at: now, into: &log)
      number += 1
      let origin = Origin(
        principal: number % 3 == 0 ? nil : Self.key(90, number % 5),
        request: number % 2 == 0 ? nil : Self.key(91, number))
      let record = Record(
        sequence: writer.nextSequence, engine: 3, now: now, origin: origin, command: command,
        decision: decision, progress: progress, log: log)
      records.append(record)
      do { try writer.append(record, to: &bytes) } catch { fatalError("\(error)") }
      offsets.append(bytes.count)
      digests.append(pool.digest())
      if progress == .complete { return decision }
    }
  }

  // MARK: commands

  private mutating func begin() {
    epoch += 1
    apply(.begin(epoch: epoch))
    for place in 0..<3 {
      let enrolment = Enrolment(
        key: Self.key(1, place), labels: [Self.key(9, 0)], rack: Self.key(10, 0),
        approved: [
          ApprovedDevices(profile: Self.key(2, 0), count: 2),
          ApprovedDevices(profile: Self.key(2, 1), count: 1),
        ])
      if let node = apply(.enrol(enrolment)).node { nodes.append(node) }
    }
    apply(.activate(PolicyGeneration(1), policy()))
    advertise(0)
    advertise(1)
  }

  private mutating func step() {
    now = now + Span(ns: Int64(random.below(20_000_000_000)))
    switch random.below(26) {
    case 0..<6: apply(.submit(claim()))
    case 6..<11: lease()
    case 11..<14: apply(.tick)
    case 14: quote()
    case 15: node()
    case 16: approve()
    case 17:
      let spec = DelegationSpec(
        key: Self.key(20, random.below(4)), tenant: Self.key(6, 0),
        parent: random.chance(40) ? Self.key(20, random.below(4)) : nil,
        limit: Credits(Int64(random.below(9_000_000_000))), expires: now + .seconds(200))
      apply(.delegate(spec))
    case 18: apply(.revoke(Self.key(20, random.below(4))))
    case 19: restrict()
    case 20:
      let measurement = Measurement(
        measure: Self.key(30, 0), subject: Self.key(4, 0), milli: Int64(random.below(3_000)))
      apply(.signal(.measured(measurement)))
    case 21:
      let scope = Correction.Scope(tenant: Self.key(6, 0), service: Self.key(7, random.below(4)))
      apply(.signal(.corrected(Correction(scope: scope, milli: Int32(random.below(3_000))))))
    case 22:
      let state = DependencyState(rawValue: UInt8(random.below(3))) ?? .up
      apply(.reportDependency(Self.key(31, 0), state))
    case 23: emergency()
    case 24: cancel()
    default: random.chance(30) ? restart() : advertise(random.below(3))
    }
  }

  private mutating func restart() {
    epoch += 1
    apply(.begin(epoch: epoch))
    if random.chance(60) { apply(.activate(PolicyGeneration(epoch), policy())) }
  }

  private mutating func claim() -> ClaimSpec {
    number += 1
    let shapes: [Demand.Shape] = [.whole, .fraction(MilliGPU(500), Bytes(8 << 30)), .cpuOnly]
    var demand = Demand(
      shape: shapes[random.below(3)], cpu: MilliCPU(500), sharing: .anyTenant)
    if random.chance(20) { demand.members = 2 }
    let lanes = pool.laneSet(named: [Self.key(5, 0), Self.key(5, 1), Self.key(5, 2)])
    var spec = ClaimSpec(
      key: Self.key(100, number), tenant: Self.key(6, random.below(2)),
      service: Self.key(7, random.below(4)), action: Self.key(8, random.below(2)),
      modelClass: Self.key(11, 0), demand: demand, lanes: lanes,
      runtimeMax: .seconds(Int64(30 + random.below(600))))
    spec.principal = Self.key(90, random.below(3))
    if random.chance(20) { spec.budget = Self.key(20, random.below(4)) }
    if random.chance(30) { spec.plan = Self.key(40, number) }
    if random.chance(30) { spec.maxWait = .seconds(Int64(random.below(300))) }
    if random.chance(30) { spec.deadline = now + .seconds(Int64(random.below(2_000))) }
    if random.chance(60) {
      spec.interruption = Interruption(grace: .seconds(20), checkpointEvery: .seconds(60))
    }
    if random.chance(20) {
      spec.estimate = .work(promptTokens: 1_000, outputTokens: 200, toolCalls: 1, depth: 1)
    }
    if random.chance(50) {
      let rungs = pool.rungs(of: spec.service, for: spec.tenant, named: [Self.key(50, 0)])
      spec.accepts = rungs ?? .none
    }
    return spec
  }

  private mutating func quote() {
    var spec = claim()
    let name = Self.key(60, random.below(20))
    let lasts: Span? = random.chance(50) ? .seconds(Int64(random.below(90))) : nil
    guard apply(.quote(name, spec, lasts: lasts)).quote != nil, random.chance(60) else { return }
    spec.quote = name
    apply(.submit(spec))
  }

  private mutating func lease() {
    var all: [(LeaseID, Lease)] = []
    pool.forEachLease { all.append(($0, $1)) }
    guard !all.isEmpty else { return }
    let (id, lease) = all[random.below(all.count)]
    let fencing = random.chance(4) ? Fencing(raw: 1) : lease.fencing
    switch lease.state {
    case .granted: apply(.confirmStarted(id, fencing))
    case .active where random.chance(60): apply(.renew(id, fencing))
    case .active where random.chance(50): apply(.confirmCheckpoint(id, fencing))
    case .stopping: apply(.confirmEmpty(id, fencing))
    default: apply(.release(id, fencing, random.chance(70) ? .completed : .failed))
    }
  }

  private mutating func node() {
    let node = nodes[random.below(nodes.count)]
    switch random.below(8) {
    case 0: apply(.silence(node))
    case 1, 2: apply(.hear(node))
    case 3: apply(.cordon(node))
    case 4: apply(.uncordon(node))
    case 5: apply(.drain(node, deadline: now + .seconds(Int64(random.below(90)))))
    case 6: apply(.fence(node))
    default: apply(.forget(nodes[2]))
    }
  }

  private mutating func advertise(_ place: Int) {
    sequence += 1
    if random.chance(20) { boots += 1 }
    var gpus = (0..<2).map {
      DeviceReport(
        key: Self.key(70 + UInt64(place), $0), kind: .gpu, profile: Self.key(2, 0),
        memory: Bytes(80 << 30))
    }
    if random.chance(10) { gpus[0].condition = .failed }
    let cpu = DeviceReport(
      key: Self.key(80 + UInt64(place), 0), kind: .cpu, profile: Self.key(2, 1),
      capacity: MilliGPU(8000), memory: Bytes(64 << 30))
    var living: [Fencing] = []
    pool.forEachLease { _, lease in
      if lease.node == nodes[place] { living.append(lease.fencing) }
    }
    let report = NodeReport(
      boot: Self.key(89, boots), generation: 1, sequence: sequence, cpu: MilliCPU(8000),
      hostMemory: Bytes(64 << 30), enforcement: .cgroup)
    apply(
      .advertise(
        nodes[place],
        Advertisement(
          report: report, isComplete: random.chance(95), devices: gpus + [cpu], living: living)))
  }

  private mutating func approve() {
    var waiting: [(ClaimID, Claim)] = []
    pool.forEachClaim { if $1.state == .awaitingApproval { waiting.append(($0, $1)) } }
    guard let (id, claim) = waiting.first else { return }
    if random.chance(60), let plan = claim.spec.plan {
      apply(.approve(id, by: Self.key(95, 0), plan: plan))
    } else {
      apply(.deny(id, by: Self.key(95, 0)))
    }
  }

  private mutating func restrict() {
    let measures: [Restriction.Measure] = [.suspend, .throttle(liveClaims: 2), .ceiling(.p2)]
    let restriction = Restriction(
      measure: measures[random.below(3)], until: now + .seconds(60), by: Self.key(95, 0),
      because: Self.key(96, 0))
    apply(
      .restrict(
        .principal, Self.key(90, random.below(3)), random.chance(70) ? restriction : nil))
  }

  private mutating func emergency() {
    guard let bucket = pool.bucket(named: Self.key(12, 0)) else { return }
    let raise = EmergencyRaise(
      by: Self.key(95, 0), and: Self.key(95, random.below(2)), until: now + .seconds(60))
    apply(.raiseEmergency(bucket, raise))
  }

  private mutating func cancel() {
    var all: [ClaimID] = []
    pool.forEachClaim { id, _ in all.append(id) }
    if !all.isEmpty { apply(.cancel(all[random.below(all.count)])) }
  }
}
