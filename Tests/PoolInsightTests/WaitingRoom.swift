import PoolAllocator
import PoolInsight

/// One lane of a few GPUs with a predictor that sees every command; leases start at once.
struct WaitingRoom {
  static func key(_ kind: UInt64, _ number: Int) -> Key {
    Key(high: kind, low: UInt64(number) + 1)
  }

  private(set) var pool = Pool()
  private(set) var log = EventLog()
  private(set) var logs: [EventLog] = []
  var predictor: WaitPredictor
  private(set) var usage = UsageHours()
  /// Pool time.
  private(set) var now = Instant.origin
  private var running: [(lease: LeaseID, claim: ClaimID)] = []
  private var number = 0
  private var policy: CompiledPolicy

  init(gpus: Int = 1, order: OrderRule = OrderRule(), terms: WaitPredictor.Terms = .init()) {
    predictor = WaitPredictor(terms: terms)
    policy = Self.policy(order)
    apply(.begin(epoch: 1))
    apply(.activate(PolicyGeneration(1), policy))
    let profile = Self.key(1, 0)
    let enrolment = Enrolment(
      key: Self.key(7, 0), approved: [ApprovedDevices(profile: profile, count: UInt16(gpus))])
    guard let node = apply(.enrol(enrolment)).node else { return }
    let report = NodeReport(
      boot: Self.key(8, 0), generation: 1, sequence: 1, cpu: MilliCPU(64_000),
      hostMemory: Bytes(1 << 40), enforcement: .cgroup)
    let devices = (0..<gpus).map {
      DeviceReport(key: Self.key(9, $0), kind: .gpu, profile: profile, memory: Bytes(80 << 30))
    }
    apply(.advertise(node, Advertisement(report: report, devices: devices)))
  }

  private static func policy(_ order: OrderRule) -> CompiledPolicy {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: key(1, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: key(2, 0), profile: key(1, 0))]
    policy.lanes = [LaneRule(key: key(3, 0), pool: 0, leaseMax: .seconds(86_400))]
    policy.order = order
    let minute = Span.seconds(60)
    let rule = ClassRule(
      quantum: .seconds(3_600), startWithin: minute, killWithin: minute, emptyBucket: .park,
      overrun: .stop)
    policy.classes = Array(repeating: rule, count: 4)
    for rank in 0..<4 {
      guard let serviceClass = ServiceClass(rank: UInt8(rank)) else { continue }
      policy.services.append(
        ServiceRule(key: key(4, rank), tenant: nil, serviceClass: serviceClass))
    }
    policy.tenants = [TenantRule(key: key(5, 0), queueMax: 1_000, weightMilli: 1000)]
    policy.buckets = [
      BucketRule(key: key(6, 0), tenant: 0, cap: Credits(1 << 52), refillPerSecond: .zero)
    ]
    return policy
  }

  /// Replaces the only lane by another one; nothing may run or wait in it.
  mutating func replaceLane() {
    policy.lanes[0].key = Self.key(3, 1)
    apply(.activate(PolicyGeneration(2), policy))
    apply(.tick)
  }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    let (decision, _) = pool.apply(command, at: now, into: &log)
    predictor.fold(log, in: pool)
    usage.fold(log, in: pool)
    logs.append(log)
    var started: [Command] = []
    for case .leaseGranted(let claim, let grants) in log.events {
      for grant in log.grants[grants.indices] {
        running.append((grant.lease, claim))
        started.append(.confirmStarted(grant.lease, grant.fencing))
      }
    }
    for command in started { apply(command) }
    return decision
  }

  /// Lets time pass and does what is due.
  mutating func pass(_ span: Span) {
    now = now + span
    apply(.tick)
  }

  /// Asks for GPUs; an id that no claim has where it was refused.
  @discardableResult
  mutating func ask(gpus: Int = 1, rank: Int = 2, runtime: Span = .seconds(100)) -> ClaimID {
    number += 1
    var lanes = LaneSet.none
    if let lane = pool.lane(named: policy.lanes[0].key) { lanes.insert(lane) }
    var spec = ClaimSpec(
      key: Self.key(10, number), tenant: Self.key(5, 0), service: Self.key(4, rank),
      action: Self.key(11, 0), modelClass: Self.key(12, 0),
      demand: Demand(shape: .whole, devices: UInt8(gpus)), lanes: lanes, runtimeMax: runtime)
    spec.workflow = Self.key(13, number)
    return apply(.submit(spec)).claim ?? ClaimID(row: .max, generation: 0)
  }

  /// Ends the lease that runs longest; what waits for its devices gets them.
  mutating func finish() {
    guard !running.isEmpty else { return }
    let (id, _) = running.removeFirst()
    guard let lease = pool.lease(id) else { return }
    apply(.release(id, lease.fencing, .completed))
    apply(.confirmEmpty(id, lease.fencing))
    apply(.tick)
  }

  /// One GPU changes hands so many times; each time the next claim has waited so long.
  mutating func takeTurns(_ count: Int, waiting span: Span, rank: Int = 2) {
    for _ in 0..<count {
      ask(rank: rank)
      pass(span)
      finish()
    }
  }

  func likely(_ claim: ClaimID) -> Prediction? { predictor.likely(claim, in: pool) }

  /// That a claim was told nothing.
  struct Untold: Error {}

  /// What a claim is told that asks now.
  mutating func toldNext(gpus: Int = 1, rank: Int = 2) throws -> Prediction {
    guard let likely = likelyNext(gpus: gpus, rank: rank) else { throw Untold() }
    return likely
  }

  /// What a claim is told that asks now, if anything.
  mutating func likelyNext(gpus: Int = 1, rank: Int = 2) -> Prediction? {
    let claim = ask(gpus: gpus, rank: rank)
    return likely(claim)
  }
}
