public import PoolAllocator

/// Every invariant of a pool that its commands, events and public reads can show, checked after
/// every command.
///
/// The checks keep books of their own and share no arithmetic with the core. Those that look at
/// what a command touched run at every command; those that go over the whole pool run at every
/// sixty-fourth. A check that fails throws: what it then knows is no longer the pool's.
///
///     var watch = Watch(limits: pool.limits)
///     let (decision, _) = pool.apply(command, at: now, into: &log)
///     try watch.note(command, at: now, decision, log, pool)
/// - Complexity: O(events and what they touch) for a command, O(pool) for every sixty-fourth.
public struct Watch {
  /// What the commands so far went through.
  public private(set) var coverage = Coverage()
  /// Commands that were checked.
  public private(set) var commands: UInt64 = 0

  private var facts: Facts
  private var shares = DeviceShares()
  private var places = PlaceSums()
  private var health = GrantHealth()
  private var books = BucketBooks()
  private var windows = SpendWindows()
  private var postings = PostingSets()
  private var reservations = Reservations()
  private var refused = RefusedUntouched()
  private var steps = StateSteps()
  private var claims = ClaimCounts()
  private var notes = CoverageNotes()
  private var use = LaneUse()
  private var guarantees = Guarantees()
  private var owners = OwnerPromises()
  private var placements = Placements()
  private var evictions = Evictions()
  private var committed = Committed()
  private var turns = TurnBooks()
  private var waits = WaitPromises()
  private var taint = AnswerTaint()
  private var authority = Authority()
  private var citations = PolicyCitations()
  private var extents = Extents()
  private var counters = Counters()
  private var records = RecordReplay()
  private var stale = StaleWords()
  private let every: UInt64

  /// Watches a pool that has seen no command yet.
  /// - Parameters:
  ///   - limits: the bounds that the pool was made with.
  ///   - every: how often the whole pool is checked. Unit: commands.
  public init(limits: Limits, every: UInt64 = 64) {
    facts = Facts(limits: limits)
    self.every = max(1, every)
  }

  /// Checks one command; each round of a tick is one.
  /// - Parameters:
  ///   - command: what was asked.
  ///   - at: the moment at which it was asked.
  ///   - decision: the answer.
  ///   - log: the events.
  ///   - pool: the pool after it.
  /// - Throws: the first invariant that does not hold.
  public mutating func note(
    _ command: Command, at: Instant, _ decision: Decision, _ log: borrowing EventLog,
    _ pool: borrowing Pool
  ) throws(Violation) {
    let (now, before) = (pool.now.ns, facts.now)
    try must(
      now >= before && now == log.at.ns, "T1", "pool time is \(now) ns after \(before)")
    commands += 1
    facts.begin(at: log.at.ns)
    for index in log.events.indices { try note(log.events[index], log, pool) }
    try evictions.close(facts)
    try close(command, decision, log, pool)
    if commands % every == 0 || facts.isAllTouched { try closeAll(pool) }
  }

  private mutating func note(
    _ event: Event, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    notes.note(event, facts, log, &coverage)
    steps.note(event, facts)
    try before(event, log, pool)
    try facts.fold(event, log, pool)
    try books.note(event, facts, log, &coverage)
    try postings.note(event, facts, log, pool)
    windows.note(event, facts, log)
    try committed.note(event, facts, log, books)
    try authority.note(event, facts, log)
    guard case .policyActivated = event else { return }
    evictions.activate(facts)
    counters.activate(facts)
    turns.activate(facts)
  }

  /// Checks that look at an event before it is folded.
  private mutating func before(
    _ event: Event, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    if case .leaseGranted(let id, let run) = event {
      try placements.note(event, facts, log, pool)
      try SlotShares.check(run, facts, log)
      try health.note(event, facts, log)
      let means = TurnBooks.Means(books: books, committed: committed)
      try turns.checkOrder(id, run, facts, log, pool, means)
    }
    if case .leaseEnded(let id) = event { committed.end(id, facts) }
    if case .deviceAdvertised(let id, let fact) = event {
      try SlotShares.check(log.deviceFacts[Int(fact)], id, facts)
    }
    try CapPrices.check(event, facts)
    try RungsTaken.check(event, facts, log)
    try PinPromises.check(event, facts, log)
    try PreemptedBills.check(event, facts)
    try LentRenewals.check(event, facts)
    try shares.note(event, facts, log)
    try reservations.note(event, facts, log)
    try use.note(event, facts, log)
    try evictions.note(event, facts, log)
    try owners.note(event, facts)
    try waits.note(event, facts, pool)
    try taint.note(event, facts, log)
    counters.note(event, facts, log)
    turns.note(event, facts, log)
  }

  private mutating func close(
    _ command: Command, _ decision: Decision, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    try facts.readBindings(pool)
    try CellAlignment.check(log, facts)
    try steps.close(&facts, pool, &coverage)
    try claims.close(facts, pool)
    for node in facts.touchedNodes {
      try shares.close(node, facts, pool)
      try places.close(node, facts, pool)
    }
    try books.close(pool)
    try reservations.close(facts)
    try refused.close(command, decision, log)
    try use.close(pool)
    try guarantees.close(facts, pool)
    try owners.close(command, facts, pool)
    try turns.close(facts, pool)
    waits.close(command, facts, pool)
    try taint.close(command, decision, facts, log, pool)
    try citations.close(decision, facts, pool)
    try extents.close(command, decision, facts, log)
    try records.close(commands, log, pool)
    try stale.note(command, decision, log)
    try ExactHints.check(decision, log, pool)
    notes.close(decision, log, &coverage)
  }

  /// Checks the whole pool.
  /// - Complexity: O(pool).
  private mutating func closeAll(_ pool: borrowing Pool) throws(Violation) {
    for node in facts.nodes.ids {
      try shares.close(node, facts, pool)
      try places.close(node, facts, pool)
    }
    try places.closeAll(facts, pool)
    try claims.closeAll(facts, pool)
    try books.closeAll(pool)
    try windows.closeAll(facts)
    try postings.closeAll(pool)
    try reservations.closeAll(facts, pool)
    try use.closeAll(facts, pool)
    try committed.closeAll(facts, pool)
    try turns.closeAll(facts, pool)
    try AgeingDue.check(facts, pool)
    try ParkedDue.check(facts, pool, books, committed)
    try waits.closeAll(facts, pool)
    try extents.closeAll(facts, pool)
    try counters.closeAll(facts, pool)
  }
}
