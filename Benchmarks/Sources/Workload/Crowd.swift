package import PoolAllocator
import PoolInsight

/// A cluster of nodes with 8 GPUs, every one of them in use, and a long queue; classes age.
package struct Crowd: Sendable {
  /// What is timed of it, in the order in which it is printed: commands, and questions about one of
  /// the last claims that wait.
  ///
  /// `predict` is what folding the events of one command into a `WaitPredictor` costs after it, and
  /// `likely` is one answer of it. `explain` is what stands in the way of a claim, in all and lane
  /// by lane, its price and its bound; `alternatives` what would be granted instead; `judgement`
  /// what it would be answered, were it submitted anew.
  package enum Subject: Int, CaseIterable, Sendable {
    case submit, start, release, empty, cancel, tick, predict, likely, explain, alternatives
    case judgement
  }

  package private(set) var pool: Pool
  private var log = EventLog()
  private var predictor = WaitPredictor()
  private var now = Instant(ns: 1_000_000_000)
  private var random = Generator(seed: 11)
  private var live: [(lease: LeaseID, fencing: Fencing)] = []
  private var waiting: [ClaimID] = []
  private var claims = 0
  private var shared = LaneSet.none
  private var times: [Samples] = []

  /// - Parameters:
  ///   - lanes: lanes that the nodes are dealt to, and that each claim names.
  ///   - samples: times that are kept of each subject.
  package init(nodes: Int, queued: Int, lanes: Int = 1, samples: Int) {
    var limits = Limits()
    // A tick takes one step, so that each time is that of one decision.
    limits.stepsPerTick = 1
    pool = Pool(limits: limits)
    let rules = ClusterRules(ageing: .seconds(60), isPartitioned: false, lanes: lanes)
    rules.begin(nodes: nodes) { apply($0) }
    shared = pool.laneSet(named: rules.sharedLanes)
    while pool.waitingClaims < queued {
      submit()
      if pool.waitingClaims % 1_000 == 0 { tickAll() }
    }
    tickAll()
    times = Subject.allCases.map { _ in Samples(limit: samples) }
  }

  package subscript(subject: Subject) -> Samples { times[subject.rawValue] }

  @discardableResult
  private mutating func apply(_ command: Command, as subject: Subject? = nil) -> Decision {
    let start = nanoseconds()
    let (decision, _) = pool.apply(command, at: now, into: &log)
    let end = nanoseconds()
    predictor.fold(log, in: pool)
    let folded = nanoseconds()
    if let subject {
      note(subject, end - start)
      note(.predict, folded - end)
    }
    for index in 0..<log.events.count {
      guard case .leaseGranted(_, let grants) = log.events[index] else { continue }
      for grant in log.grants[grants.indices] { live.append((grant.lease, grant.fencing)) }
    }
    return decision
  }

  private mutating func note(_ subject: Subject, _ ns: UInt64) {
    if !times.isEmpty { times[subject.rawValue].note(ns) }
  }

  private mutating func submit() {
    claims += 1
    now = now + Span(ns: 10_000)
    let devices = [1, 1, 1, 2, 4, 8][random.below(6)]
    let tenant = random.below(ClusterRules.tenants)
    var spec = ClaimSpec(
      key: key(100, claims), tenant: key(6, tenant), service: key(7, random.below(4)),
      action: key(8, 0), modelClass: key(10, 0),
      demand: Demand(
        shape: .whole, devices: UInt8(devices), cpu: MilliCPU(Int32(devices * 8_000)),
        hostMemory: Bytes(Int64(devices) * 64 << 30)),
      lanes: shared, runtimeMax: .seconds(Int64(60 + random.below(7_000))))
    spec.application = key(103, tenant)
    spec.workflow = key(101, random.below(5_000))
    guard let claim = apply(.submit(spec), as: .submit).claim else { return }
    waiting.append(claim)
    let start = nanoseconds()
    _ = predictor.likely(claim, in: pool)
    note(.likely, nanoseconds() - start)
  }

  private mutating func tickAll() {
    while let due = pool.nextTimer(), due <= now { apply(.tick, as: .tick) }
  }

  /// One of the last claims that wait, with what it asks for.
  package mutating func drawWaiting() -> (ClaimID, Claim)? {
    for _ in 0..<100 {
      let id = waiting[waiting.count - 1 - random.below(min(waiting.count, 100))]
      if let claim = pool.claim(id), claim.isWaiting { return (id, claim) }
    }
    return nil
  }

  /// Answers what stands in the way of a waiting claim, in all and lane by lane, its price in each
  /// and its bound.
  package func explain(_ id: ClaimID) {
    for (lane, _) in pool.obstaclesByLane(of: id).lanes { _ = pool.price(of: id, in: lane) }
    _ = pool.startBound(of: id)
  }

  private mutating func askAll() {
    guard let (id, claim) = drawWaiting() else { return }
    let start = nanoseconds()
    explain(id)
    let explained = nanoseconds()
    _ = pool.alternatives(to: claim.spec)
    let offered = nanoseconds()
    _ = pool.judgement(on: claim.spec, isNew: false)
    note(.judgement, nanoseconds() - offered)
    note(.alternatives, offered - explained)
    note(.explain, explained - start)
  }

  /// A lease ends, a claim comes, and sometimes one is withdrawn.
  package mutating func turn() {
    now = now + Span(ns: 1_000_000)
    let index = random.below(live.count)
    let (lease, fencing) = live[index]
    live.swapAt(index, live.count - 1)
    live.removeLast()
    if pool.lease(lease)?.state == .granted { apply(.confirmStarted(lease, fencing), as: .start) }
    apply(.release(lease, fencing, .completed), as: .release)
    if pool.lease(lease)?.state == .stopping { apply(.confirmEmpty(lease, fencing), as: .empty) }
    tickAll()
    submit()
    tickAll()
    if random.below(16) == 0 { askAll() }
    if random.below(4) == 0, !waiting.isEmpty {
      let claim = waiting.remove(at: waiting.count - 1 - random.below(min(waiting.count, 100)))
      if pool.claim(claim)?.state == .queued { apply(.cancel(claim), as: .cancel) }
      tickAll()
    }
  }
}
