import PoolAllocator
import PoolConsole
import PoolInsight
import PoolWire

/// One pool in this process, with the names of what is in it.
struct PlaceSession {
  private(set) var pool = Pool()
  private(set) var log = EventLog()
  private(set) var names = NameTable()
  private(set) var vocabulary = PolicyVocabulary()
  /// What was learned of waits from every command so far.
  private(set) var predictor = WaitPredictor()
  /// Live claims by id, for their names.
  private(set) var claims: [ClaimID: ClaimForm] = [:]
  /// Claims of leases whose devices have not returned.
  private(set) var holders: [LeaseID: ClaimForm] = [:]
  /// How many explanations are left.
  var explanations = ExplainBudget()
  /// Keys of the budgets of delegations, for their names.
  private var budgets: [BucketID: Key] = [:]
  /// Keys of the quotes that are known, for their names.
  private var quotes: [QuoteID: Key] = [:]
  /// What happened since the last look, oldest first.
  private(set) var happenings: [Happening] = []
  /// The last sequence of each node whose documents have none of their own.
  private var sequences: [Key: UInt64] = [:]

  /// Commands that a jump of time may cost at most before the rest is left to the next one.
  /// Unit: commands.
  private static let stepsMax = 1_000_000

  /// Where every command is written; nil: nowhere.
  private var journal: JournalFile?

  /// Begins with an empty pool.
  /// - Parameter journal: a new file that gets every command with what came of it.
  init(journal: String? = nil) throws(UsageError) {
    if let journal { self.journal = try JournalFile(journal, from: pool) }
    apply(.begin(epoch: 1), at: .origin)
  }

  // MARK: commands

  /// Applies one command and notes what happened.
  @discardableResult
  mutating func apply(_ command: Command, at now: Instant) -> Decision {
    let (decision, _) = decide(command, at: now)
    noteEvents()
    return decision
  }

  /// Applies one command and writes it down.
  private mutating func decide(_ command: Command, at now: Instant) -> (Decision, Progress) {
    let (decision, progress) = pool.apply(command, at: now, into: &log)
    journal?.append(command, at: now, decision, progress, log)
    return (decision, progress)
  }

  /// Ticks until nothing more is due.
  mutating func tick(at now: Instant) {
    var progress = Progress.more
    var steps = 0
    while progress == .more, steps < Self.stepsMax {
      (_, progress) = decide(.tick, at: now)
      noteEvents()
      steps += 1
    }
  }

  /// Moves pool time forward, stopping wherever something is due and at least once an hour.
  mutating func advance(to target: Instant) {
    var steps = 0
    while pool.now < target, steps < Self.stepsMax {
      var next = min(target, pool.now + Limits.clockStepMax)
      if let timer = pool.nextTimer() { next = max(pool.now, min(next, timer)) }
      tick(at: next)
      steps += 1
    }
  }

  /// As `advance`, playing the agents: every lease starts at once, is renewed as soon as it may be,
  /// and leaves its devices when it is told to.
  mutating func advancePlayingAgents(to target: Instant) {
    var steps = 0
    while steps < Self.stepsMax {
      playAgents()
      guard pool.now < target else { return }
      var next = min(target, pool.now + Limits.clockStepMax)
      if let timer = pool.nextTimer() { next = max(pool.now, min(next, timer)) }
      let now = pool.now
      pool.forEachLease { _, lease in
        if Self.mayRenew(lease), lease.renewFrom > now { next = min(next, lease.renewFrom) }
      }
      tick(at: next)
      steps += 1
    }
  }

  private static func mayRenew(_ lease: Lease) -> Bool {
    guard lease.state == .active, lease.nextReserved == nil, !lease.isUnpaid else { return false }
    return lease.hardEnd.map { lease.ends < $0 } ?? false
  }

  /// Does what agents would do now.
  mutating func playAgents() {
    var orders: [Command] = []
    let now = pool.now
    pool.forEachLease { id, lease in
      switch lease.state {
      case .granted: orders.append(.confirmStarted(id, lease.fencing))
      case .active where Self.mayRenew(lease) && lease.renewFrom <= now:
        orders.append(.renew(id, lease.fencing))
      case .stopping: orders.append(.confirmEmpty(id, lease.fencing))
      case .active, .quarantined: break
      }
    }
    for order in orders { apply(order, at: pool.now) }
    if !orders.isEmpty { tick(at: pool.now) }
  }

  // MARK: documents

  /// Puts a policy in force; its names count once it is.
  mutating func activate(_ document: PolicyDocument) throws(NameCollision) -> Decision {
    var merged = names
    try merged.merge(document.names)
    let decision = apply(.activate(document.generation, document.policy), at: pool.now)
    if decision.verdict == .done {
      names = merged
      vocabulary = document.vocabulary
    }
    return decision
  }

  /// Enrols a node that is new and takes its account. A node whose first account is refused is
  /// forgotten again.
  mutating func advertise(_ document: NodeDocument) throws(NameCollision) -> Decision {
    var merged = names
    try merged.merge(document.names)
    let known = pool.node(named: document.key)
    var node = known
    if node == nil {
      let decision = apply(.enrol(document.enrolment), at: pool.now)
      guard let id = decision.node else { return decision }
      node = id
    }
    guard let id = node else { return apply(.tick, at: pool.now) }
    let last = sequences[document.key] ?? 0
    let report = document.advertisement.report
    let message = document.hasSequence ? document : document.numbered(last + 1)
    names = merged
    let decision = apply(.advertise(id, message.advertisement), at: pool.now)
    if decision.verdict == .done {
      sequences[document.key] = document.hasSequence ? max(last, report.sequence) : last + 1
    } else if known == nil {
      // With a log of its own: the reasons of the refusal stay readable.
      var scratch = EventLog()
      let now = pool.now
      let (forgotten, progress) = pool.apply(.forget(id), at: now, into: &scratch)
      journal?.append(.forget(id), at: now, forgotten, progress, scratch)
      predictor.fold(scratch, in: pool)
    }
    return decision
  }

  /// Whether a known node's document states other labels or approvals than it was enrolled with:
  /// they do not change by an advertisement.
  func restatesEnrolment(_ document: NodeDocument) -> Bool {
    guard let id = pool.node(named: document.key), let node = pool.node(id) else { return false }
    let (old, new) = (node.enrolment, document.enrolment)
    return (0..<old.labels.count).map { old.labels[$0] }
      != (0..<new.labels.count).map { new.labels[$0] }
      || (0..<old.approved.count).map { old.approved[$0] }
        != (0..<new.approved.count).map { new.approved[$0] }
  }

  /// Submits a claim.
  mutating func submit(_ form: ClaimForm) throws(NameCollision) -> Decision {
    try form.intern(into: &names)
    let (decision, _) = decide(.submit(form.spec(in: pool, at: pool.now)), at: pool.now)
    if let id = decision.claim {
      claims[id] = form
    } else {
      form.release(from: &names)
    }
    noteEvents()
    return decision
  }

  /// Records a correction, or forgets it. The names of those in force are held once each.
  mutating func correct(_ form: CorrectionForm) throws(NameCollision) -> Decision {
    try form.intern(into: &names)
    let scope = form.correction.scope
    let wasKnown = pool.correction(scope) != nil
    let decision = apply(.signal(.corrected(form.correction)), at: pool.now)
    let isKnown = pool.correction(scope) != nil
    if wasKnown || !isKnown { form.release(from: &names) }
    if wasKnown, !isKnown { form.release(from: &names) }
    return decision
  }

  /// Gives a delegation, or gives one anew. The name of a budget is held once, while the pool
  /// knows it.
  mutating func delegate(_ form: DelegationForm) throws(NameCollision) -> Decision {
    try form.intern(into: &names)
    let wasKnown = pool.budget(named: form.key) != nil
    let decision = apply(.delegate(form.spec(at: pool.now)), at: pool.now)
    if wasKnown || pool.budget(named: form.key) == nil { names.release(form.key) }
    return decision
  }

  /// Gives a quote. Its name is held once, while the pool knows it.
  mutating func quote(_ form: QuoteForm) throws(NameCollision) -> Decision {
    try form.intern(into: &names)
    let spec = form.claim.spec(in: pool, at: pool.now)
    let decision = apply(.quote(form.key, spec, lasts: form.lasts), at: pool.now)
    if decision.quote == nil { names.release(form.key) }
    return decision
  }

  /// When a waiting claim is likely to start; nil where it does not wait in the order, or too
  /// little was seen.
  func likely(_ claim: ClaimID) -> Prediction? { predictor.likely(claim, in: pool) }

  // MARK: words

  /// Looks while the names of a claim can be read, whether or not it was submitted.
  mutating func withNames<T>(
    of form: ClaimForm, _ body: (inout PlaceSession) -> T
  ) throws(NameCollision) -> T {
    try form.intern(into: &names)
    defer { form.release(from: &names) }
    return body(&self)
  }

  /// The reasons of the last decision, in words.
  func reasons(of decision: Decision, claim: ClaimForm? = nil) -> [ReasonText] {
    decision.reasons.indices.map {
      ReasonText(log.reasons[$0], in: pool, names: names, claim: claim)
    }
  }

  /// What happened since the last call.
  mutating func takeHappenings() -> [Happening] {
    defer { happenings = [] }
    return happenings
  }

  /// Takes in the events of the command that was just applied.
  private mutating func noteEvents() {
    predictor.fold(log, in: pool)
    for event in log.events {
      if case .leaseGranted(let claim, let grants) = event {
        for grant in log.grants[grants.indices] {
          holders[grant.lease] = claims[claim]
          happenings.append(Happening(grant, in: self))
        }
      }
      if let happening = Happening(event, in: self) { happenings.append(happening) }
      switch event {
      case .budgetOpened(let id, _): budgets[id] = pool.bucket(id)?.rule.key
      case .budgetForgotten(let id):
        if let key = budgets.removeValue(forKey: id) { names.release(key) }
      case .quoteIssued(let id, _): quotes[id] = pool.quote(id)?.key
      case .quoteForgotten(let id):
        if let key = quotes.removeValue(forKey: id) { names.release(key) }
      case .claimEnded(let id, _):
        claims.removeValue(forKey: id)?.release(from: &names)
      case .leaseEnded(let id): holders[id] = nil
      default: break
      }
    }
  }
}
