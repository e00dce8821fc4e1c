public import PoolAllocator

/// The production allocator under a workload in virtual time: claims arrive, leases start at once,
/// are renewed and save their work while they run, end when it is done, and ticks come when they
/// are due.
///
/// Jobs may fail to start, linger and overstay; nodes fail by the commands of whoever drives it.
/// Same pool, same workload: the same commands, byte for byte.
public struct Simulation: Sendable {
  /// What became of one job.
  public struct Outcome: Sendable, Equatable {
    /// The answer at the door; nil before the job arrived.
    public var verdict: Decision.Verdict?
    /// When its first lease started; nil where none has.
    public var started: Instant?
    /// When it ended, by whatever cause.
    public var ended: Instant?
    /// Leases that it was granted.
    public var grants = 0
  }

  private enum Action: Sendable {
    case arrive(job: Int)
    case renew(LeaseID)
    case save(LeaseID, after: Span)
    case finish(LeaseID)
    case leave(LeaseID, Fencing)
  }

  /// Called with a command, its answer, the pool after it and its events.
  typealias AfterEach<Failure: Error> =
    (Command, Decision, Pool, EventLog) throws(Failure) -> Void

  /// Whether jobs that are stopped stay on their devices to the last moment before they are killed,
  /// instead of leaving at once.
  public var lingers = false

  /// Where every command is written from now on; nil: nowhere.
  public var journal: JournalBytes?

  /// The allocator.
  public private(set) var pool: Pool
  /// Events of the last command.
  public private(set) var log = EventLog()
  /// Virtual time.
  public private(set) var now: Instant
  /// By job.
  public private(set) var outcomes: [Outcome]
  /// Commands applied.
  public private(set) var commands = 0
  /// The jobs.
  public let jobs: [Job]

  private var agenda = Agenda<Action>()
  private var jobOf: [ClaimID: Int] = [:]
  /// Work of each job that is saved.
  private var saved: [Int: Span] = [:]
  private var leases: [LeaseID: (job: Int, fencing: Fencing)] = [:]

  /// Makes a simulation that begins at the pool's time.
  public init(pool: Pool, workload: Workload) {
    self.pool = pool
    self.jobs = workload.jobs
    self.now = pool.now
    outcomes = Array(repeating: Outcome(), count: workload.jobs.count)
    for (number, job) in workload.jobs.enumerated() {
      agenda.add(.arrive(job: number), at: job.arrives)
    }
  }

  /// Runs until nothing is left to do, or until a moment.
  public mutating func run(until end: Instant = Instant(ns: .max)) { run(until: end) { _, _ in } }

  /// Runs until nothing is left to do, or until a moment.
  /// - Parameter afterEach: called after every command, with the pool and the command's events.
  /// - Throws: what `afterEach` throws, which ends the run.
  public mutating func run<Failure: Error>(
    until end: Instant = Instant(ns: .max), afterEach: (Pool, EventLog) throws(Failure) -> Void
  ) throws(Failure) {
    try run(until: end) { _, _, pool, log throws(Failure) in try afterEach(pool, log) }
  }

  /// The same, with the command and its answer.
  mutating func run<Failure: Error>(
    until end: Instant, afterCommand afterEach: AfterEach<Failure>
  ) throws(Failure) {
    while let next = nextMoment(), next <= end {
      // A pool believes no longer step of its clock than `Limits.clockStepMax`.
      while now + Limits.clockStepMax < next {
        now = now + Limits.clockStepMax
        _ = try apply(.tick, afterEach)
      }
      now = max(now, next)
      if let action = agenda.popFirst(at: now) {
        try act(action, afterEach)
      }
      try tickAll(afterEach)
    }
  }

  /// Applies a command at the present moment, as an operator or whoever watches the pool would.
  /// - Returns: the answer; `log` holds the events of the last command, which may be what leases
  ///   did in answer to it.
  @discardableResult
  public mutating func apply(_ command: Command) -> Decision {
    apply(command) { _, _, _, _ in }
  }

  private func nextMoment() -> Instant? {
    switch (agenda.first, pool.nextTimer()) {
    case (let agenda?, let timer?): min(agenda, timer)
    case (let agenda, let timer): agenda ?? timer
    }
  }

  private mutating func tickAll<Failure: Error>(
    _ afterEach: AfterEach<Failure>
  ) throws(Failure) {
    while let timer = pool.nextTimer(), timer <= now {
      _ = try apply(.tick, afterEach)
    }
  }

  private mutating func act<Failure: Error>(
    _ action: Action, _ afterEach: AfterEach<Failure>
  ) throws(Failure) {
    switch action {
    case .arrive(let job):
      let decision = try apply(.submit(jobs[job].claim), job: job, afterEach)
      outcomes[job].verdict = decision.verdict
      if decision.claim == nil { outcomes[job].ended = now }
    case .renew(let lease):
      guard let held = leases[lease] else { return }
      let decision = try apply(.renew(lease, held.fencing), afterEach)
      if decision.verdict == .done, let known = pool.lease(lease) { plan(lease, known, held.job) }
    case .save(let lease, let span):
      guard let held = leases[lease] else { return }
      let decision = try apply(.confirmCheckpoint(lease, held.fencing), afterEach)
      guard decision.verdict == .done else { return }
      // What a gang has saved is what all its members have.
      if pool.gang(of: lease).allSatisfy({ pool.lease($0)?.checkpoint == now }) {
        saved[held.job] = Span(ns: span.ns + (saved[held.job] ?? .zero).ns)
      }
      agenda.add(.save(lease, after: span), at: now + span)
    case .finish(let lease):
      guard let held = leases[lease] else { return }
      _ = try apply(.release(lease, held.fencing, .completed), afterEach)
    case .leave(let lease, let fencing):
      _ = try apply(.confirmEmpty(lease, fencing), afterEach)
    }
  }

  /// Starts what was granted, and reports empty what stops.
  private mutating func apply<Failure: Error>(
    _ command: Command, job: Int? = nil, _ afterEach: AfterEach<Failure>
  ) throws(Failure) -> Decision {
    let (decision, progress) = pool.apply(command, at: now, into: &log)
    journal?.append(command, at: now, decision, progress, log)
    commands += 1
    try afterEach(command, decision, pool, log)
    var granted: [(lease: LeaseID, job: Int, fencing: Fencing)] = []
    var stopped: [(lease: LeaseID, isKilled: Bool, killBy: Instant)] = []
    for event in log.events {
      switch event {
      case .claimSubmitted(let claim, _): jobOf[claim] = job
      case .leaseGranted(let claim, let grants):
        guard let job = jobOf[claim] else { continue }
        outcomes[job].grants += 1
        for grant in log.grants[grants.indices] {
          granted.append((grant.lease, job, grant.fencing))
        }
      case .leaseStopping(let lease, let cause, _, let killBy):
        stopped.append((lease, cause != .released, killBy))
      case .claimEnded(let claim, _):
        if let job = jobOf.removeValue(forKey: claim) { outcomes[job].ended = now }
      default: break
      }
    }
    for grant in granted { try start(grant.lease, grant.job, grant.fencing, afterEach) }
    for stop in stopped {
      guard let held = leases.removeValue(forKey: stop.lease) else { continue }
      if stop.isKilled, let late = jobs[held.job].overstays {
        agenda.add(.leave(stop.lease, held.fencing), at: stop.killBy + late)
      } else if stop.isKilled, lingers {
        agenda.add(
          .leave(stop.lease, held.fencing), at: Instant(ns: max(now.ns, stop.killBy.ns - 1)))
      } else {
        _ = try apply(.confirmEmpty(stop.lease, held.fencing), afterEach)
      }
    }
    return decision
  }

  private mutating func start<Failure: Error>(
    _ lease: LeaseID, _ job: Int, _ fencing: Fencing,
    _ afterEach: AfterEach<Failure>
  ) throws(Failure) {
    leases[lease] = (job, fencing)
    guard outcomes[job].grants > jobs[job].failedStarts else { return }
    _ = try apply(.confirmStarted(lease, fencing), afterEach)
    outcomes[job].started = outcomes[job].started ?? now
    agenda.add(.finish(lease), at: now + left(of: job))
    if jobs[job].savesWork, let span = jobs[job].claim.interruption?.checkpointEvery {
      agenda.add(.save(lease, after: span), at: now + span)
    }
    if let known = pool.lease(lease) { plan(lease, known, job) }
  }

  /// Work of a job that is not saved.
  private func left(of job: Int) -> Span {
    Span(ns: max(0, jobs[job].runs.ns - (saved[job] ?? .zero).ns))
  }

  /// Plans the next renewal of a lease, where its work outlasts what is paid.
  private mutating func plan(_ lease: LeaseID, _ known: Lease, _ job: Int) {
    // What it saves only shortens later leases: to ask once too often does no harm.
    guard let started = known.started, known.ends < started + jobs[job].runs,
      known.hardEnd.map({ known.ends < $0 }) ?? true
    else { return }
    // The quantum after the running one is paid: the next is due when half of that has passed.
    let from =
      known.nextReserved == nil
      ? known.renewFrom : Instant(ns: known.ends.ns - known.nextSpan.ns / 2)
    agenda.add(.renew(lease), at: max(now, from))
  }
}
