import PoolAllocator
import PoolLoop
import PoolSimulator

/// A server around a loop: clocks, a disk that takes one batch at a time, and the durable table of
/// named answers.
struct WorldServer {
  private(set) var loop: Loop?
  /// The pool as the journal has it.
  private(set) var durablePool: Pool
  private(set) var records = 0
  private(set) var crashes = 0
  /// Answers by name, as they stand in the journal.
  private(set) var known: [RequestName: Answer] = [:]
  /// Tickets of requests whose record is in the journal.
  private(set) var durableTickets: Set<Key> = []
  private(set) var lastTime = Instant.origin
  /// Told to clients.
  private(set) var answers = 0
  /// Leases that were not reported empty by their kill deadline.
  private(set) var overstays = 0

  private var writing: (batch: Batch, digest: Digest, done: Instant)?
  private var downUntil: Instant?
  private var wakeAt: Instant?
  private var rate: Int64
  private var utcStep: Int64 = 0
  private var utcRate: Int64
  private var replies: [Reply] = []
  private var nodeReplies: [(Int, NodeReply)] = []
  private var tickets = 0
  private var limits = LoopLimits()
  private var isHealed = false

  init(random: inout SeededGenerator) {
    rate = random.within(-500...500)
    utcRate = random.within(-500...500)
    limits.batchCommands = Int(random.within(8...300))
    limits.newsPerMessage = Int(random.within(1...8))
    limits.commandsPerTick = Int(random.within(1...16))
    limits.remembered = Int(random.within(1...64))
    limits.idleTick = .seconds(random.within(5...600))
    limits.missedAfter = .seconds(random.within(5...15))
    limits.pollWait = .seconds(random.within(1...4))
    var bounds = Limits()
    bounds.silentAfter = .seconds(random.within(2...30))
    durablePool = Pool(limits: bounds)
  }

  var next: Instant? {
    if let downUntil { return downUntil }
    return [writing?.done, wakeAt].compactMap { $0 }.min()
  }

  private func reading(_ now: Instant) -> ClockReading {
    ClockReading(
      elapsed: now.ns + now.ns / 1_000_000 * rate,
      utc: now.ns + now.ns / 1_000_000 * utcRate + utcStep)
  }

  mutating func stepClock(_ span: Span) { utcStep += span.ns }

  mutating func heal(at now: Instant) {
    isHealed = true
    if loop == nil { start(at: now) }
  }

  mutating func start(at now: Instant) {
    downUntil = nil
    loop = Loop(after: durablePool, limits: limits, at: reading(now))
    wakeAt = now
  }

  /// Asks for something without a name.
  mutating func ask(_ command: Command) {
    tickets += 1
    take(Request(ticket: SmallFleet.key(21, tickets), command: command))
  }

  /// Asks under a name, after a look into the durable table.
  /// - Returns: the ticket; nil where it was not taken.
  mutating func ask(_ command: Command, named name: RequestName) -> Key? {
    tickets += 1
    let ticket = SmallFleet.key(21, tickets)
    let request = Request(
      ticket: ticket, name: name,
      known: known[name].map { KnownAnswer(digest: name.digest, answer: $0) },
      knownThrough: loop?.durable ?? 0, command: command)
    return take(request) ? ticket : nil
  }

  @discardableResult
  private mutating func take(_ request: Request) -> Bool {
    guard loop != nil, loop?.take(request) == nil else { return false }
    wakeAt = .origin
    return true
  }

  mutating func take(_ message: NodeMessage, from node: Key, at now: Instant) {
    let reading = reading(now)
    guard loop != nil else { return }
    _ = loop?.take(message, from: node, at: reading)
    wakeAt = .origin
  }

  mutating func act(at now: Instant, random: inout SeededGenerator) throws(Violation) {
    if let until = downUntil, until <= now { start(at: now) }
    if let done = writing?.done, done <= now { try finish(now) }
    guard let due = wakeAt, due <= now, loop != nil else { return }
    let reading = reading(now)
    guard let output = loop?.run(at: reading) else { return }
    if let batch = output.batch, let pool = loop?.pool {
      let digest = pool.digest()
      writing = (batch, digest, now + Span(ns: random.within(0...300_000_000)))
    }
    try release(output)
    // The world's clock may be slower than the server's.
    wakeAt = output.wakeAfter.map { now + Span(ns: $0.ns + $0.ns / 1_000 + 1) }
  }

  private mutating func release(_ output: LoopOutput) throws(Violation) {
    for reply in output.replies {
      if case .answered(_, let isRepeat) = reply.outcome, !isRepeat,
        !durableTickets.contains(reply.ticket)
      {
        throw Violation("a reply was said before its record is durable")
      }
      answers += 1
    }
    replies += output.replies
    for (node, reply) in output.nodeReplies {
      guard let key = loop?.pool.node(node)?.enrolment.key else { continue }
      nodeReplies.append((Int(key.low) - 1, reply))
    }
  }

  /// A batch is on the disk: the journal and its pool go on by it.
  private mutating func finish(_ now: Instant) throws(Violation) {
    guard let (batch, digest, _) = writing else { return }
    writing = nil
    try keep(batch, digest)
    loop?.batchIsDurable(batch.number)
    wakeAt = now
  }

  private mutating func keep(_ batch: Batch, _ digest: Digest) throws(Violation) {
    for record in batch.records {
      guard record.log.at >= lastTime else { throw Violation("pool time fell") }
      lastTime = record.log.at
      durablePool.replay(record.log)
      for case .leaseOverstayed in record.log.events { overstays += 1 }
      records += 1
      guard let mark = record.request else { continue }
      durableTickets.insert(mark.ticket)
      if let name = mark.name, mark.answer.binds {
        guard known[name] == nil else { throw Violation("one name had two effects") }
        known[name] = mark.answer
      }
    }
    guard durablePool.digest() == digest else { throw Violation("replay is not what was live") }
  }

  /// The process ends. What was being written may be on the disk, or not.
  mutating func crash(at now: Instant, random: inout SeededGenerator) throws(Violation) {
    guard loop != nil else { return }
    crashes += 1
    if let (batch, digest, _) = writing {
      if random.below(2) == 0 {
        try keep(batch, digest)
      } else {
        let reading = reading(now)
        loop?.batchFailed(batch.number)
        if let output = loop?.run(at: reading),
          output.batch != nil || !output.replies.isEmpty || !output.nodeReplies.isEmpty
        {
          throw Violation("a loop went on after a batch failed")
        }
      }
    }
    writing = nil
    loop = nil
    wakeAt = nil
    downUntil = now + Span(ns: random.within(1_000_000...20_000_000_000))
  }

  mutating func takeReplies() -> [Reply] {
    defer { replies = [] }
    return replies
  }

  mutating func takeNodeReplies() -> [(Int, NodeReply)] {
    defer { nodeReplies = [] }
    return nodeReplies
  }
}
