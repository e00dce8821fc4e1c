public import PoolAllocator

/// What one call of `Loop.run` gives its caller to do.
public struct LoopOutput: Sendable {
  /// Records to make durable in one step; then `batchIsDurable` or `batchFailed`. nil: nothing new.
  public var batch: Batch?
  /// Replies whose records are durable, in the order of their requests.
  public var replies: [Reply] = []
  /// Replies to agents whose records are durable.
  public var nodeReplies: [(node: NodeID, reply: NodeReply)] = []
  /// How long nothing is to be done, if no input comes; nil: until an input comes.
  public var wakeAfter: Span?
}

/// The pure part of a leader: it owns the pool, takes what comes in, and says what has to be made
/// durable, to whom to reply, and when to call it again.
///
/// A reply is released once everything is durable that was applied before it. One batch is being
/// made durable while the next one fills. It reads no clock and does no I/O: readings are handed
/// in, and the same inputs give the same outputs.
///
///     var loop = Loop(after: recovered, at: reading)
///     let output = loop.run(at: reading)      // its first record begins the epoch
public struct Loop: Sendable {
  private enum Waiting: Sendable {
    case reply(Reply)
    case node(NodeID, NodeReply)
  }

  /// The pool, with what is not yet durable.
  public internal(set) var pool: Pool
  /// The leadership.
  public let epoch: UInt32
  /// Its bounds.
  public let limits: LoopLimits
  /// Number of the last durable batch; 0: none.
  public private(set) var durable: UInt64 = 0
  /// Number of the batch with which everything that the pool holds now is durable.
  public var latest: UInt64 { open.records.isEmpty ? open.number - 1 : open.number }
  /// Requests that were taken and not yet applied.
  public var waiting: Int { inbox.count }
  /// Whether it ended because a batch could not be made durable, or no epoch was left.
  public private(set) var isEnded = false

  var clock: PoolClock
  var contacts = Contacts()
  var asks: UInt64 = 0
  private var memory: ReplyMemory
  private var inbox = Fifo<Request>()
  private var open = Batch(number: 1)
  private var isWriting = false
  private var outbox = Fifo<(after: UInt64, waiting: Waiting)>()
  private var commandsSinceTick = 0
  private var takesRequest = false
  private var appliedAt: Instant
  private var hasBegun = false

  /// Begins a leadership: the epoch after that of the recovered pool, of which the first run makes
  /// the first record.
  public init(
    after recovered: consuming Pool, limits: LoopLimits = LoopLimits(), at reading: ClockReading
  ) {
    clock = PoolClock(after: recovered, at: reading)
    epoch = recovered.epoch + 1
    pool = recovered
    self.limits = limits
    memory = ReplyMemory(limit: limits.remembered)
    appliedAt = clock.moment
  }

  // MARK: inputs

  /// Takes a request.
  /// - Returns: why it is not taken; else nil, and its reply comes with a later run.
  /// - Complexity: O(1).
  public mutating func take(_ request: Request) -> LoopRefusal? {
    if isEnded { return .ended }
    if !Self.isRequest(request.command) { return .notARequest }
    if inbox.count >= limits.inbox { return .inboxFull }
    inbox.append(request)
    return nil
  }

  /// Takes a message of an agent: it counts as a sign of life now, however long it waits then.
  /// - Returns: why it is not taken; else nil, and its reply comes with a later run, or a later
  ///   message of the same node is replied to instead.
  /// - Complexity: O(1).
  public mutating func take(
    _ message: NodeMessage, from key: Key, at reading: ClockReading
  ) -> LoopRefusal? {
    if isEnded { return .ended }
    guard let node = pool.node(named: key), let report = pool.node(node)?.report else {
      return .unknownNode
    }
    let contact = contacts[node]
    let reached = max(contact.generation, report.generation)
    if message.generation < reached {
      correct(message, from: node, reached: reached, heard: 0)
      return .messageLate
    }
    if contact.isCountedAgain(by: message) {
      correct(message, from: node, reached: reached, heard: contact.sequence)
      return .messageLate
    }
    let isNew = (contact.generation, contact.sequence) < (message.generation, message.sequence)
    guard isNew || planted(.takesStaleReport) else { return .messageLate }
    let moment = clock.read(reading)
    contacts.hear(message, from: node, at: moment, pool: believed(moment))
    return nil
  }

  /// A batch is durable: what waited for it may be said.
  public mutating func batchIsDurable(_ number: UInt64) {
    guard !isEnded, isWriting, number == durable + 1 else { return }
    durable = number
    isWriting = false
    memory.forget(durable: durable)
  }

  /// A batch could not be made durable: nothing is said any more, and nothing is taken. What the
  /// journal has may be recovered by another leadership.
  public mutating func batchFailed(_ number: UInt64) {
    guard isWriting, number == durable + 1 else { return }
    end()
  }

  /// How long ago a node was heard in this leadership, as of a reading; nil where it was not.
  /// - Complexity: O(1).
  public func silence(of node: NodeID, at reading: ClockReading) -> Span? {
    let heardAt = contacts[node].heardAt
    guard heardAt > .origin else { return nil }
    var now = clock
    return max(.zero, now.read(reading) - heardAt)
  }

  // MARK: running

  /// Does what is due, as much as one batch holds.
  /// - Parameter each: sees the pool after every step, with the records that the step made; none of
  ///   it is durable yet.
  /// - Complexity: bounded by `LoopLimits.batchCommands` commands.
  public mutating func run(
    at reading: ClockReading, each: (borrowing Pool, ArraySlice<Record>) -> Void = { _, _ in }
  ) -> LoopOutput {
    var output = LoopOutput()
    guard !isEnded else { return output }
    let moment = clock.read(reading)
    if !hasBegun {
      hasBegun = true
      if apply(.begin(epoch: epoch)).decision.verdict != .done { end() }
      each(pool, open.records[...])
    }
    while hasRoom {
      let known = open.records.count
      guard step(at: moment) else { break }
      if open.records.count > known { each(pool, open.records[known...]) }
    }
    if !isWriting, !open.records.isEmpty {
      output.batch = open
      isWriting = true
      open = Batch(number: open.number + 1)
    }
    release(&output)
    output.wakeAfter = isEnded ? nil : wake(after: moment, reading)
    return output
  }

  /// Whether another input may be applied.
  private var hasRoom: Bool {
    if isEnded || !hasRoomForReply { return false }
    if open.records.isEmpty { return true }
    return open.records.count + commandsAtOnce <= limits.batchCommands
      && open.rows < limits.batchRows
  }

  /// Whether another reply may wait for its batch.
  var hasRoomForReply: Bool { outbox.count < limits.outbox }

  /// The most commands that one input gives.
  private var commandsAtOnce: Int { 2 + 3 * limits.newsPerMessage }

  /// Does one thing that is due. Ticks and commands take turns, and so do agents and requests.
  /// - Returns: whether there was one.
  private mutating func step(at moment: Instant) -> Bool {
    var isTickDue = false
    if let timer = pool.nextTimer() { isTickDue = timer <= believed(moment) }
    let isIdle = !hasInput && !contacts.hasStirred
    if isTickDue, isIdle || commandsSinceTick >= limits.commandsPerTick { return tick() }
    if let held = contacts.nextHeld(at: moment) {
      reply(to: held.node, held.sequence, arrived: held.arrived)
      return true
    }
    if let node = contacts.nextSilent(since: Instant(ns: moment.ns - limits.missedAfter.ns)) {
      if pool.node(node)?.reach == .ready { _ = apply(.silence(node)) }
      return true
    }
    takesRequest.toggle()
    if takesRequest || !contacts.hasMessages, let request = inbox.popFirst() {
      serve(request)
      return true
    }
    if let next = contacts.nextMessage() {
      takeIn(next.message, from: next.node, arrived: next.arrived, at: moment)
      return true
    }
    if moment >= appliedAt + limits.idleTick { return tick() }
    return false
  }

  private var hasInput: Bool { !inbox.isEmpty || contacts.hasMessages }

  private mutating func tick() -> Bool {
    _ = apply(.tick)
    commandsSinceTick = 0
    return true
  }

  /// Applies one command and keeps its record.
  @discardableResult
  mutating func apply(_ command: Command) -> Answer {
    apply(command, for: nil)
  }

  private mutating func apply(_ command: Command, for request: Request?) -> Answer {
    var log = EventLog()
    let moment = clock.moment
    let (decision, progress) = pool.apply(command, at: moment, into: &log)
    let answer = Answer(decision, log)
    appliedAt = moment
    commandsSinceTick += 1
    stirNodes(log)
    let mark = request.map { RequestMark(ticket: $0.ticket, name: $0.name, answer: answer) }
    open.append(
      Record(
        command: command, moment: moment, decision: decision, progress: progress, log: log,
        request: mark))
    return answer
  }

  private mutating func serve(_ request: Request) {
    let outcome = self.outcome(of: request)
    wait(.reply(Reply(ticket: request.ticket, outcome: outcome)))
  }

  private mutating func outcome(of request: Request) -> Reply.Outcome {
    guard let name = request.name else {
      return .answered(apply(request.command, for: request), isRepeat: false)
    }
    if let known = request.known ?? memory.known(name) {
      let isSame = known.digest == name.digest || planted(.oneNameTwoRequests)
      guard isSame else { return .refused(.nameReused) }
      return .answered(known.answer, isRepeat: true)
    }
    guard request.knownThrough >= memory.forgottenThrough else { return .refused(.lookupStale) }
    let batch = open.number
    let answer = apply(request.command, for: request)
    if answer.binds, !planted(.forgetsAnswers) { memory.remember(name, answer, batch: batch) }
    return .answered(answer, isRepeat: false)
  }

  /// Queues what may be said once all that was applied is durable.
  private mutating func wait(_ waiting: Waiting) {
    outbox.append((open.records.isEmpty ? open.number - 1 : open.number, waiting))
  }

  /// Queues a reply to a node.
  mutating func wait(_ node: NodeID, _ reply: NodeReply) { wait(.node(node, reply)) }

  private mutating func release(_ output: inout LoopOutput) {
    while let first = outbox.first, first.after <= durable || planted(.repliesBeforeDurable) {
      _ = outbox.popFirst()
      switch first.waiting {
      case .reply(let reply): output.replies.append(reply)
      case .node(let node, let reply): output.nodeReplies.append((node, reply))
      }
    }
  }

  private mutating func end() {
    isEnded = true
    inbox.removeAll()
    outbox.removeAll()
  }

  // MARK: time

  /// Pool time that a command would have now.
  public mutating func now(at reading: ClockReading) -> Instant { believed(clock.read(reading)) }

  /// Pool time that a command would have at a moment.
  func believed(_ moment: Instant) -> Instant {
    let asked = Instant(ns: max(0, moment.ns - pool.skipped.ns))
    return max(pool.now, min(asked, pool.now + Limits.clockStepMax))
  }

  /// How long nothing is due, on the clock of the reading: early by what pool time may be drawn
  /// towards UTC meanwhile, never late.
  private func wake(after moment: Instant, _ reading: ClockReading) -> Span? {
    guard hasRoom else { return nil }
    if hasInput || contacts.hasStirred { return .zero }
    var next = appliedAt + limits.idleTick
    if let timer = pool.nextTimer() { next = min(next, timer + pool.skipped) }
    if let row = contacts.heard.first, let contact = contacts.contact(row: row) {
      next = min(next, contact.heardAt + limits.missedAfter)
    }
    if let row = contacts.holding.first, let held = contacts.contact(row: row)?.held {
      next = min(next, held.until)
    }
    let span = max(0, next.ns - moment.ns)
    let isDrawn = clock.lag(behind: reading) > .zero
    return Span(ns: isDrawn ? span - span / 1_000_000 * LoopLimits.slewPerMillion : span)
  }

  /// Whether a command may come from outside: what begins a leadership may not, nor what only an
  /// agent can know. A tick may: it does what is due anyhow, and its record can have a note.
  private static func isRequest(_ command: Command) -> Bool {
    switch command {
    case .begin, .advertise, .hear, .silence, .confirmStarted, .confirmEmpty,
      .release(_, _, .lost):
      false
    default: true
    }
  }
}
