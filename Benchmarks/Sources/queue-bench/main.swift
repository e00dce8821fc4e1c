import PoolAllocator
import PoolInsight
import Workload

// queue-bench [COMMANDS [NODES QUEUED]…]: how long one command takes while every GPU is in use and
// many claims wait: percentiles by kind of command, in one process and one thread. A tick takes one
// step, so that each row is one decision. The rows of `predict` are what folding the events
// of each of these commands into a `WaitPredictor` costs, after it; `likely` is one answer. Of a
// waiting claim among the last, `explain` is what stands in its way, in all and lane by lane, its
// price and its bound; `alternatives` what would be granted instead; `judgement` what it would be
// answered, were it submitted anew.

let oneStepATick = {
  var limits = Limits()
  limits.stepsPerTick = 1
  return limits
}()

/// Nodes of 8 GPUs, 100 tenants, classes P0 to P3 that age, every GPU in use, a long queue.
struct Crowd {
  static let tenants = 100
  var pool = Pool(limits: oneStepATick)
  var log = EventLog()
  var predictor = WaitPredictor()
  var now = Instant(ns: 1_000_000_000)
  var random = Generator(seed: 11)
  var live: [(lease: LeaseID, fencing: Fencing)] = []
  var waiting: [ClaimID] = []
  var claims = 0
  var shared = LaneSet.none
  var times: [String: [Double]] = [:]
  let clock = ContinuousClock()

  init(nodes: Int, queued: Int) {
    apply(.begin(epoch: 1))
    apply(.activate(PolicyGeneration(1), Self.policy()))
    for number in 0..<nodes { addNode(number) }
    shared = pool.laneSet(named: [key(5, 0)])
    while pool.waitingClaims < queued {
      submit()
      if pool.waitingClaims % 1_000 == 0 { tickAll() }
    }
    tickAll()
    times = [:]
  }

  static func policy() -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: key(2, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: key(4, 0), profile: key(2, 0))]
    policy.lanes = [LaneRule(key: key(5, 0), pool: 0, leaseMax: .seconds(86_400))]
    policy.order = OrderRule(ageingStep: .seconds(60))
    for rank in 0..<4 {
      policy.classes.append(
        ClassRule(
          quantum: .seconds(600), startWithin: .seconds(60), killWithin: .seconds(30),
          emptyBucket: .park, overrun: .stop))
      policy.services.append(
        ServiceRule(key: key(7, rank), tenant: nil, serviceClass: [.p0, .p1, .p2, .p3][rank]))
    }
    for tenant in 0..<tenants {
      policy.tenants.append(TenantRule(key: key(6, tenant), queueMax: 10_000))
      policy.buckets.append(
        BucketRule(
          key: key(11, tenant), tenant: UInt16(tenant), cap: Credits(Credits.limit),
          refillPerSecond: Credits(1_000_000_000)))
    }
    return policy
  }

  mutating func addNode(_ number: Int) {
    let approved = [ApprovedDevices(profile: key(2, 0), count: 8)]
    guard let node = apply(.enrol(Enrolment(key: key(1, number), approved: approved))).node else {
      fatalError("a node is enrolled")
    }
    let devices = (0..<8).map {
      DeviceReport(
        key: Key(high: 20 << 32 | UInt64(number), low: UInt64($0)), kind: .gpu,
        profile: key(2, 0), memory: Bytes(80 << 30))
    }
    let report = NodeReport(
      boot: key(80, number), generation: 1, sequence: 1, cpu: MilliCPU(128_000),
      hostMemory: Bytes(1024 << 30), enforcement: .cgroup)
    apply(.advertise(node, Advertisement(report: report, devices: devices)))
  }

  @discardableResult
  mutating func apply(_ command: Command, as kind: String = "") -> Decision {
    let start = clock.now
    let (decision, _) = pool.apply(command, at: now, into: &log)
    let end = clock.now
    predictor.fold(log, in: pool)
    let folded = clock.now
    if !kind.isEmpty {
      note(kind, end - start)
      note("predict", folded - end)
    }
    for event in log.events {
      if case .leaseGranted(_, let grants) = event {
        for grant in log.grants[grants.indices] { live.append((grant.lease, grant.fencing)) }
      }
    }
    return decision
  }

  mutating func note(_ kind: String, _ time: Duration) {
    let parts = time.components
    times[kind, default: []].append(Double(parts.seconds) * 1e6 + Double(parts.attoseconds) / 1e12)
  }

  mutating func submit() {
    claims += 1
    now = now + Span(ns: 10_000)
    let devices = [1, 1, 1, 2, 4, 8][random.below(6)]
    var spec = ClaimSpec(
      key: key(100, claims), tenant: key(6, random.below(Self.tenants)),
      service: key(7, random.below(4)), action: key(8, 0), modelClass: key(10, 0),
      demand: Demand(
        shape: .whole, devices: UInt8(devices), cpu: MilliCPU(Int32(devices * 8_000)),
        hostMemory: Bytes(Int64(devices) * 64 << 30)),
      lanes: shared, runtimeMax: .seconds(Int64(60 + random.below(7_000))))
    spec.workflow = key(101, random.below(5_000))
    guard let claim = apply(.submit(spec), as: "submit").claim else { return }
    waiting.append(claim)
    let start = clock.now
    _ = predictor.likely(claim, in: pool)
    note("likely", clock.now - start)
  }

  mutating func tickAll() {
    while let due = pool.nextTimer(), due <= now { apply(.tick, as: "tick") }
  }

  /// Asks everything of one of the last claims that wait.
  mutating func explain() {
    guard let id = waiting.dropLast(random.below(min(waiting.count, 100))).last,
      let claim = pool.claim(id), claim.isWaiting
    else { return }
    let start = clock.now
    for (lane, _) in pool.obstaclesByLane(of: id).lanes { _ = pool.price(of: id, in: lane) }
    _ = pool.startBound(of: id)
    let explained = clock.now
    _ = pool.alternatives(to: claim.spec)
    let offered = clock.now
    _ = pool.judgement(on: claim.spec, isNew: false)
    note("judgement", clock.now - offered)
    note("alternatives", offered - explained)
    note("explain", explained - start)
  }

  /// A lease ends, a claim comes, and sometimes one is withdrawn.
  mutating func turn() {
    now = now + Span(ns: 1_000_000)
    let index = random.below(live.count)
    let (lease, fencing) = live[index]
    live.swapAt(index, live.count - 1)
    live.removeLast()
    if pool.lease(lease)?.state == .granted { apply(.confirmStarted(lease, fencing), as: "start") }
    apply(.release(lease, fencing, .completed), as: "release")
    if pool.lease(lease)?.state == .stopping { apply(.confirmEmpty(lease, fencing), as: "empty") }
    tickAll()
    submit()
    tickAll()
    if random.below(16) == 0 { explain() }
    if random.below(4) == 0, !waiting.isEmpty {
      let claim = waiting.remove(at: waiting.count - 1 - random.below(min(waiting.count, 100)))
      if pool.claim(claim)?.state == .queued { apply(.cancel(claim), as: "cancel") }
      tickAll()
    }
  }
}

func text(_ value: Int, _ width: Int) -> String {
  let text = "\(value)"
  return String(repeating: " ", count: max(0, width - text.count)) + text
}

func text(_ value: Double, _ width: Int) -> String {
  let tenths = Int(value * 10 + 0.5)
  let text = "\(tenths / 10).\(tenths % 10)"
  return String(repeating: " ", count: max(0, width - text.count)) + text
}

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let turns = arguments.first ?? 20_000
let pairs = arguments.count > 2 ? Array(arguments.dropFirst()) : [1_000, 10_000, 10_000, 100_000]
print("one command while every GPU is in use, microseconds; \(turns) turns")
print("   nodes    queued  command        count       p50       p99     p99.9       max")
for index in stride(from: 0, to: pairs.count - 1, by: 2) {
  var crowd = Crowd(nodes: pairs[index], queued: pairs[index + 1])
  for _ in 0..<turns { crowd.turn() }
  let kinds = [
    "submit", "start", "release", "empty", "cancel", "tick", "predict", "likely", "explain",
    "alternatives", "judgement",
  ]
  for kind in kinds {
    let sorted = (crowd.times[kind] ?? []).sorted()
    guard let last = sorted.last else { continue }
    func at(_ thousandths: Int) -> String {
      text(sorted[min(sorted.count - 1, sorted.count * thousandths / 1000)], 10)
    }
    let size = text(pairs[index], 8) + text(pairs[index + 1], 10)
    let name = "  " + kind + String(repeating: " ", count: 12 - kind.count)
    print(size + name + text(sorted.count, 8) + at(500) + at(990) + at(999) + text(last, 10))
  }
}
