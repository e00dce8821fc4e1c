import PoolAllocator

/// A small cluster that is full of work and in which nothing fails: urgent claims take from less
/// urgent ones, and owners take back what they lent.
///
/// Where machines and agents come and go, there is seldom enough on one node for several leases to
/// give way at once, or for owners and borrowers to wait for one lane. Here there always is.
struct CrowdedLife {
  /// Commands so far.
  private(set) var steps = 0
  /// Of all commands and their answers; equal lives have equal ones.
  private(set) var trace: UInt64 = 0
  /// The last commands in words, where somebody asked for them.
  private(set) var story: Story?
  private var watch = Watch(limits: Limits())
  private var random: SeededGenerator
  private let tenants: Int
  private let nodes: Int
  private let gpus: Int
  private var now = Instant.origin

  /// What was met.
  var coverage: Coverage { watch.coverage }
  /// Virtual time that passed. Unit: nanoseconds.
  var simulated: Int64 { now.ns }

  /// The last arrival. Unit: seconds.
  private static let arrivals: Int64 = 240
  private static let (shared, reserved) = (Names.lane(0), Names.lane(10))

  init(seed: UInt64, tells: Bool = false) {
    random = SeededGenerator(seed: seed ^ 0xC207_D11F_E000_0001)
    tenants = Int(random.within(2...3))
    nodes = Int(random.within(1...3))
    gpus = Int(random.within(3...6))
    if tells { story = Story() }
  }

  /// Lives it to its end.
  mutating func run() throws(Violation) {
    var pool = Pool()
    try setUp(&pool)
    var simulation = Simulation(pool: pool, workload: workload(for: pool))
    simulation.lingers = random.chance(50)
    let end = Instant(ns: 2_000_000_000_000)
    try simulation.run(until: end) { command, decision, pool, log throws(Violation) in
      try note(command, decision, pool, log)
    }
  }

  private mutating func note(
    _ command: Command, _ decision: Decision, _ pool: borrowing Pool, _ log: borrowing EventLog
  ) throws(Violation) {
    steps += 1
    now = max(now, log.at)
    trace.mix(UInt64(bitPattern: now.ns) ^ UInt64(log.events.count))
    story?.note("\(command.word): \(decision.verdict)", step: steps, at: now)
    try watch.note(command, at: log.at, decision, log, pool)
  }

  // MARK: what there is

  private mutating func setUp(_ pool: inout Pool) throws(Violation) {
    var log = EventLog()
    try ask(.begin(epoch: 1), &pool, &log)
    try ask(.activate(PolicyGeneration(1), policy()), &pool, &log)
    for number in 0..<nodes {
      let shape = NodeShape(
        boards: gpus, partitioned: 0, small: 0, cpuSets: 0, island: 0, isLabelled: false,
        rack: nil, enforcement: .cgroup)
      let enrolled = try ask(.enrol(shape.enrolment(number)), &pool, &log)
      guard let node = enrolled.node else { continue }
      let report = NodeReport(
        boot: Names.boot(number, 0), generation: 1, sequence: 1, cpu: NodeShape.cpu,
        hostMemory: NodeShape.hostMemory, enforcement: .cgroup)
      let devices = shape.devices(number, layout: 0)
      try ask(
        .advertise(node, Advertisement(report: report, devices: devices, living: [])), &pool, &log)
    }
  }

  @discardableResult
  private mutating func ask(
    _ command: Command, _ pool: inout Pool, _ log: inout EventLog
  ) throws(Violation) -> Decision {
    let decision = pool.apply(command, at: .origin, into: &log).0
    try note(command, decision, pool, log)
    return decision
  }

  private mutating func policy() -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(
        key: Names.profile(0), kind: .gpu, weightMilli: 1_000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: Names.pool(0), profile: Names.profile(0))]
    policy.lanes = [LaneRule(key: Self.shared, pool: 0, leaseMax: .seconds(4_000))]
    if random.chance(70) {
      var lane = LaneRule(key: Self.reserved, pool: 0, leaseMax: .seconds(4_000))
      lane.owner = Names.tenant(0)
      lane.reserved = 1_000 * random.within(1...Int64(nodes * gpus - 1))
      if random.chance(80) {
        lane.lending = .reclaimable(within: random.seconds(20...60), atMost: lane.reserved)
      }
      policy.lanes.append(lane)
    }
    if random.chance(50) { policy.order = OrderRule(ageingStep: random.seconds(20...200)) }
    policy.preemption = PreemptionRule(
      distance: UInt8(random.within(1...2)), burst: UInt32(random.within(4...12)),
      perHour: UInt32(random.within(200...4_000)))
    for rank in 0..<4 {
      var rule = ClassRule(
        quantum: random.seconds(20...120), startWithin: .seconds(30),
        killWithin: random.seconds(5...10), emptyBucket: .park, overrun: .debt)
      rule.shield = random.seconds(0...20)
      policy.classes.append(rule)
      policy.services.append(
        ServiceRule(
          key: Names.service(rank), tenant: nil,
          serviceClass: ServiceClass(rank: UInt8(rank)) ?? .p3))
    }
    for tenant in 0..<tenants {
      policy.tenants.append(
        TenantRule(
          key: Names.tenant(tenant), queueMax: 100,
          weightMilli: Int32(500 * random.within(1...4))))
      policy.buckets.append(
        BucketRule(
          key: Names.bucket(tenant), tenant: UInt16(tenant), cap: Credits(1 << 50),
          refillPerSecond: Credits(1 << 40)))
    }
    return policy
  }

  // MARK: what is asked

  private mutating func workload(for pool: borrowing Pool) -> Workload {
    let lanes = [
      pool.laneSet(named: [Self.shared]), pool.laneSet(named: [Self.reserved]),
      pool.laneSet(named: [Self.shared, Self.reserved]),
    ]
    var workload = Workload()
    let capacity = Int64(nodes * gpus)
    // Long work for one and a half times of what there is, and short urgent work beside it.
    let long = max(1, 100_000_000_000 / capacity)
    for number in 0..<Int(Self.arrivals * 1_000_000_000 / long) {
      let start = Instant(ns: Int64(number) * long + Int64(random.below(UInt64(long))))
      workload.add(job(number, isUrgent: false, at: start, lanes))
    }
    let first = workload.jobs.count
    for number in first..<first + Int(random.within(10...40)) {
      let start = Instant(ns: random.within(20...Self.arrivals) * 1_000_000_000)
      workload.add(job(number, isUrgent: true, at: start, lanes))
    }
    workload.sort()
    return workload
  }

  private mutating func job(
    _ number: Int, isUrgent: Bool, at start: Instant, _ lanes: [LaneSet]
  ) -> Job {
    let rank = isUrgent ? random.number(2) : 2 + random.number(2)
    let devices = UInt8(isUrgent ? 1 + random.number(3) : random.chance(80) ? 1 : 2)
    let runs = random.seconds(isUrgent ? 2...15 : 40...260)
    var spec = ClaimSpec(
      key: Names.claim(number), tenant: Names.tenant(random.number(tenants)),
      service: Names.service(rank), action: Names.action(0), modelClass: Names.modelClass(0),
      demand: Demand(shape: .whole, devices: devices),
      lanes: lanes[random.chance(50) ? 0 : random.number(lanes.count)],
      runtimeMax: Span(ns: runs.ns + random.seconds(0...60).ns))
    spec.workflow = Names.workflow(number)
    if !isUrgent || random.chance(30) {
      spec.interruption = Interruption(
        grace: random.seconds(0...8), checkpointEvery: .seconds(20))
    }
    if !isUrgent, random.chance(10) { spec.demand.members = 2 }
    // Some are too late once they were preempted.
    if !isUrgent, random.chance(40) {
      spec.deadline = start + Span(ns: spec.runtimeMax.ns + random.seconds(1...40).ns)
    }
    var job = Job(arrives: start, claim: spec, runs: runs)
    job.savesWork = random.chance(50)
    return job
  }
}
