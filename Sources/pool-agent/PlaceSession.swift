import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire

/// One pool in this process, with the names of what is in it.
struct PlaceSession {
  private(set) var pool = Pool()
  private(set) var log = EventLog()
  /// The names of what is in the pool.
  private(set) var book = Book()
  /// How many explanations are left.
  var explanations = ExplainBudget()
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

  /// The pool as it is shown: the one place that copies it, for a look at what nobody changes
  /// meanwhile.
  @inline(never) func look() -> Scene { Scene(pool: pool, log: log, book: book) }
  var names: NameTable { book.names }
  var vocabulary: PolicyVocabulary { book.vocabulary }

  // MARK: commands

  /// Does what is asked with one command.
  /// - Returns: nil for a look, and for a node's account.
  mutating func decide(
    _ operation: StreamRequest.Operation
  ) throws(NameCollision) -> Decision? {
    guard let command = try operation.command(in: pool, names: book.names) else { return nil }
    try book.enter(operation)
    let (decision, _) = decide(command, at: pool.now)
    book.settle(operation, decision, log)
    noteEvents()
    return decision
  }

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
      tick(at: VirtualTime.stop(towards: target, in: pool, playingAgents: false))
      steps += 1
    }
  }

  /// As `advance`, playing the agents.
  mutating func advancePlayingAgents(to target: Instant) {
    var steps = 0
    while steps < Self.stepsMax {
      playAgents()
      guard pool.now < target else { return }
      tick(at: VirtualTime.stop(towards: target, in: pool, playingAgents: true))
      steps += 1
    }
  }

  /// Does what agents would do now.
  mutating func playAgents() {
    let words = VirtualTime.words(ofAgentsIn: pool)
    for word in words { apply(word, at: pool.now) }
    if !words.isEmpty { tick(at: pool.now) }
  }

  // MARK: documents

  /// Puts a policy in force.
  mutating func activate(_ document: PolicyDocument) throws(NameCollision) -> Decision {
    try decide(.policy(document)) ?? apply(.tick, at: pool.now)
  }

  /// Enrols a node that is new and takes its account. A node whose first account is refused is
  /// forgotten again.
  mutating func advertise(_ document: NodeDocument) throws(NameCollision) -> Decision {
    try book.enter(.advertise(document))
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
    let decision = apply(.advertise(id, message.advertisement), at: pool.now)
    if decision.verdict == .done {
      sequences[document.key] = document.hasSequence ? max(last, report.sequence) : last + 1
    } else if known == nil {
      // With a log of its own: the reasons of the refusal stay readable.
      var scratch = EventLog()
      let now = pool.now
      let (forgotten, progress) = pool.apply(.forget(id), at: now, into: &scratch)
      journal?.append(.forget(id), at: now, forgotten, progress, scratch)
      book.begin(scratch, in: pool)
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
  @discardableResult
  mutating func submit(_ form: ClaimForm) throws(NameCollision) -> Decision {
    try decide(.claim(form)) ?? apply(.tick, at: pool.now)
  }

  // MARK: words

  /// Looks while the names of a claim can be read, whether or not it was submitted.
  mutating func withNames<T>(
    of form: ClaimForm, _ body: (Scene) -> T
  ) throws(NameCollision) -> T {
    let (pool, log) = (pool, log)
    return try book.withNames(of: form) { body(Scene(pool: pool, log: log, book: $0)) }
  }

  /// The reasons of the last decision, in words.
  func reasons(of decision: Decision, claim: ClaimForm? = nil) -> [ReasonText] {
    look().reasons(of: decision, claim: claim)
  }

  /// What would be granted now instead of a claim that was just answered, within the budget.
  mutating func alternatives(to form: ClaimForm) -> AlternativesView {
    let spec = form.spec(in: pool, at: pool.now)
    if let refusal = explanations.take(spec.principal, form.principal, at: pool.now) {
      return AlternativesView(of: form, absent: .budgetSpent(refusal))
    }
    return AlternativesView(of: form, submitted: pool.now, in: look())
  }

  /// What happened since the last call.
  mutating func takeHappenings() -> [Happening] {
    defer { happenings = [] }
    return happenings
  }

  /// Takes in the events of the command that was just applied.
  private mutating func noteEvents() {
    book.begin(log, in: pool)
    if !log.events.isEmpty { happenings += look().happenings() }
    book.end(log)
  }
}
