/// A GPU-aware compute pool as one value: commands in, events out, no clock, no I/O, no randomness.
///
/// `apply` answers a command in steps: each step asks the pool a question without changing it,
/// appends one event to the log and folds it at once; `evolve` is the only writer. Everything that
/// can be refused is refused before the first append. Same commands, same events, byte for byte, in
/// every process and in every build configuration.
///
///     var pool = Pool(limits: Limits())
///     var log = EventLog()
///     let (decision, _) = pool.apply(.submit(claim), at: now, into: &log)
public struct Pool: Sendable {
  // MARK: state: what the digest covers

  /// Bounds it was made with.
  public let limits: Limits
  /// Pool time of the last command.
  public internal(set) var now = Instant.origin
  /// Time that was asked for and not believed, in all.
  public internal(set) var skipped = Span.zero
  /// The leadership in force; 0 before the first.
  public internal(set) var epoch: UInt32 = 0
  /// Fencing sequence of the next grant.
  var nextFencing: UInt64 = 1
  /// Claims submitted so far; breaks ties in the order.
  var arrivals: UInt64 = 0
  /// The policy in force; 0 means none.
  public internal(set) var generation = PolicyGeneration(0)
  /// Its rules.
  public internal(set) var policy = CompiledPolicy()
  /// Interned sets of lanes.
  var groups: [LaneSet] = []
  /// What tenants were served, by lane and level.
  var service = ServiceCounters()
  /// How long tenants have waited for a turn, by lane.
  var clocks = TurnClocks()
  /// Lanes where something changed since their head was last looked at.
  var stirred = LaneSet.none
  /// Lanes whose guarantee is impaired.
  var impairedLanes = LaneSet.none
  /// Waiting claims.
  public internal(set) var waitingClaims = 0
  /// Last values of what was measured outside.
  public internal(set) var signals: [Measurement] = []
  /// What was learned of the mix of work; nothing under a policy that does not score by it.
  var learner = MixLearner()

  var nodes: Table<Node>
  var devices: Table<Device>
  var lanes: Table<Lane>
  var tenants: Table<Tenant>
  var buckets: Table<Bucket>
  var identities: Table<Identity>
  var claims: Table<Claim>
  var leases: Table<Lease>
  var corrections: Table<Correction>
  var quotes: Table<Quote>
  /// Live claims that were given less than they asked for.
  var degradations: Table<Degradation>
  /// How often rungs were taken: by rung of the policy, then by trigger.
  var degradationCounts: [DegradationCount] = []
  /// Levels of the policy's gauges, in its order.
  var gauges: [Gauge] = []
  /// Dependencies that are not up, last reported last.
  public internal(set) var dependencies: [Dependency] = []
  var uses = Arena<DeviceUse>()

  // MARK: indexes: derived, rebuilt by `reindex()`, not in the digest

  /// An existential is always passed by its address, and so is what holds one: without it every
  /// question that a step asks would first copy the thousand bytes of this struct.
  private let passedByAddress: any Sendable = 0

  var placement = PlacementIndex()
  /// What the policy says of each lane's waits, by lane row.
  var terms = Array(repeating: LaneTerms(), count: Limits.lanes)
  var queue = QueueIndex()
  var keys = Keys()
  var ladders = LadderIndex()
  /// What the mix of the policy makes of free GPU time.
  var fragmentation = FragmentationIndex()
  /// What free GPUs are worth to the work to come.
  var offers = OfferTables()
  /// The next values, while they are worked out.
  var offerWork: OfferWork?
  var pressures = PressureIndex()

  /// Rows by outside name.
  struct Keys: Sendable {
    var nodes = KeyIndex()
    var devices = KeyIndex()
    var lanes = KeyIndex()
    var tenants = KeyIndex()
    var buckets = KeyIndex()
    /// Child of a bucket by what sends a claim into it.
    var children = KeyIndex()
    /// What a bucket's children are told apart by, by bucket row: 0 none, 1 … 3 as `BucketMatch`.
    var childFields: [UInt8] = []
    var identities = KeyIndex()
    var claims = KeyIndex()
    var services = KeyIndex()
    var slices = KeyIndex()
    var corrections = KeyIndex()
    var quotes = KeyIndex()
    var budgets = KeyIndex()
    /// Budgets that were given out of one, by its row.
    var heirs = RowLists()
    var signals = KeyIndex()
  }

  /// Makes an empty pool: no policy, so it denies everything until one is activated.
  public init(limits: Limits = Limits()) {
    self.limits = limits
    nodes = Table(limit: limits.nodes)
    devices = Table(limit: limits.devices)
    lanes = Table(limit: Limits.lanes)
    tenants = Table(limit: limits.tenants)
    buckets = Table(limit: limits.buckets + limits.budgets)
    identities = Table(limit: limits.identities)
    claims = Table(limit: limits.claims)
    leases = Table(limit: limits.leases)
    corrections = Table(limit: limits.corrections)
    quotes = Table(limit: limits.quotes)
    degradations = Table(limit: limits.claims)
  }

  // MARK: the one way in

  /// Applies one command.
  /// - Parameters:
  ///   - command: what is asked.
  ///   - now: pool time; a moment before the last command's counts as the last command's.
  ///   - log: emptied, then filled with the events of this command.
  /// - Returns: the answer, and whether more is due (of `tick` alone).
  /// - Complexity: bounded by `Limits.stepsPerCommand`; `submit` and lease commands do not grow
  ///   with nodes or with the queue, but for the logarithm of a heap. Two lookups do: shares of
  ///   several GPUs (one look at each node of the lane), and a cell of the index whose top does
  ///   not fit (its members).
  public mutating func apply(
    _ command: Command, at now: Instant, into log: inout EventLog
  ) -> (Decision, Progress) {
    advance(to: now, &log)
    var progress = Progress.complete
    let decision: Decision
    switch command {
    case .begin(let epoch): decision = begin(epoch, &log)
    case .tick: (decision, progress) = tick(&log)
    case .activate(let generation, let policy): decision = activate(generation, policy, &log)
    case .signal(let signal): decision = record(signal, &log)
    case .restrict(let kind, let key, let restriction):
      decision = restrict(kind, key, restriction, &log)
    case .delegate(let spec): decision = delegate(spec, &log)
    case .revoke(let key): decision = revoke(key, &log)
    case .reportDependency(let key, let state): decision = report(key, state, &log)
    case .raiseEmergency(let bucket, let raise): decision = raiseEmergency(bucket, raise, &log)
    case .enrol(let enrolment): decision = enrol(enrolment, &log)
    case .advertise(let node, let advertisement): decision = advertise(node, advertisement, &log)
    case .hear(let node): decision = hear(node, &log)
    case .silence(let node): decision = silence(node, &log)
    case .cordon(let node): decision = setDuty(node, .cordoned, &log)
    case .uncordon(let node): decision = setDuty(node, .open, &log)
    case .drain(let node, let deadline): decision = drain(node, deadline, &log)
    case .fence(let node): decision = fence(node, &log)
    case .forget(let node): decision = forget(node, &log)
    case .submit(let spec): decision = submit(spec, &log)
    case .quote(let key, let spec, let lasts): decision = giveQuote(key, spec, lasts: lasts, &log)
    case .cancel(let claim): decision = cancel(claim, &log)
    case .approve(let claim, let by, let plan): decision = approve(claim, by: by, plan: plan, &log)
    case .deny(let claim, let by): decision = deny(claim, by: by, &log)
    case .confirmStarted(let lease, let fencing): decision = confirmStarted(lease, fencing, &log)
    case .renew(let lease, let fencing): decision = renew(lease, fencing, &log)
    case .confirmCheckpoint(let lease, let fencing):
      decision = confirmCheckpoint(lease, fencing, &log)
    case .release(let lease, let fencing, let outcome):
      decision = release(lease, fencing, outcome, &log)
    case .confirmEmpty(let lease, let fencing): decision = confirmEmpty(lease, fencing, &log)
    }
    if !placement.cells.isQuiet { settleGuarantees(&log) }
    refreshCeilings()
    return (decision, progress)
  }

  /// Folds the events of one command again: recovery from a journal.
  /// - Complexity: O(events).
  public mutating func replay(_ log: borrowing EventLog) {
    now = log.at
    for event in log.events { evolve(event, log) }
    placement.cells.forget()
    refreshCeilings()
  }

  /// Appends one event and folds it: the only way in which a decision changes anything.
  mutating func step(_ event: Event, _ log: inout EventLog) {
    log.events.append(event)
    evolve(event, log)
  }

  /// Moves pool time forward; a step that no clock makes is cut and recorded.
  private mutating func advance(to moment: Instant, _ log: inout EventLog) {
    let asked = Instant(ns: max(0, moment.ns - skipped.ns))
    let believed = planted(.believesClockJump) ? asked : min(asked, now + Limits.clockStepMax)
    // The first command sets the clock: there is nothing yet that a jump could harm.
    let isFirst = epoch == 0 && generation.value == 0 && nodes.count == 0
    now = max(now, isFirst ? asked : believed)
    log.begin(at: now)
    if !isFirst, asked > believed { step(.clockJumped(skipped: asked - believed), &log) }
  }

  /// An answer that changed something or had nothing to change.
  func done() -> Decision { Decision(verdict: .done, policy: generation) }

  /// Refuses a command that is not a claim; nothing but the refusal is recorded.
  mutating func refuse(_ reason: Reason, _ log: inout EventLog) -> Decision {
    step(.commandRefused(reason.code), &log)
    var decision = Decision(verdict: .rejected, policy: generation)
    decision.reasons = log.append([reason])
    decision.retryAt = reason.clearsAt
    return decision
  }
}
