import PoolAllocator
import PoolLoop

/// A server around a loop: clocks, a disk that takes one batch at a time, and the durable table of
/// named answers.
struct WorldServer {
  /// The leader; what is left of the last one while `isUp` is false. (Not an optional: what is in
  /// one is copied before it is asked.)
  private(set) var loop: Loop
  private(set) var isUp = false
  private(set) var disk: WorldDisk
  /// Answers by name, as they stand in the journal. Looked up, never iterated.
  private(set) var known: [Key: KnownAnswer] = [:]
  /// When it is to be called next. Unit: nanoseconds.
  private(set) var due: Int64 = .max

  var checks: DiskChecks
  /// What somebody wants to know of what becomes durable.
  var tally: ScenarioTally?
  /// Records of requests whose reply is not yet out. Looked up, never iterated.
  private var unsaid: [Key: UInt64] = [:]
  private var doneAt: Int64 = .max
  private var wakeAt: Int64 = .max
  private var upAt: Int64 = .max
  private let rate: Int64
  private let utcRate: Int64
  private var utcStep: Int64 = 0
  private var tickets: UInt64 = 0
  private var told: [String]?
  private let limits: LoopLimits
  private var slowDisk: Span?

  init(plan: WorldPlan, random: inout SeededGenerator) {
    rate = random.within(-500...500)
    utcRate = random.within(-500...500)
    limits = plan.loop
    slowDisk = plan.slowDisk
    disk = WorldDisk(limits: plan.pool, partMax: plan.journalPart)
    checks = DiskChecks(limits: plan.pool)
    let origin = ClockReading(elapsed: 0, utc: 0)
    loop = Loop(after: Pool(limits: plan.pool), limits: plan.loop, at: origin)
  }

  private mutating func plan() { due = isUp ? min(doneAt, wakeAt) : upAt }

  private func reading(_ now: Instant) -> ClockReading {
    ClockReading(
      elapsed: now.ns + now.ns / 1_000_000 * rate,
      utc: now.ns + now.ns / 1_000_000 * utcRate + utcStep)
  }

  mutating func stepClock(_ span: Span) { utcStep += span.ns }

  // MARK: what comes in

  /// Asks for something at the machine itself.
  mutating func ask(_ command: Command) { _ = take(number: 0, nil, command) }

  /// Takes a request, after a look into the durable table.
  mutating func take(_ request: ClientRequest) {
    _ = take(number: UInt64(request.number), request.name, request.command)
  }

  private mutating func take(number: UInt64, _ name: RequestName?, _ command: Command) -> Bool {
    guard isUp else { return false }
    tickets += 1
    let request = Request(
      ticket: Key(high: number, low: tickets), name: name, known: name.flatMap { known[$0.key] },
      knownThrough: loop.durable, command: command)
    guard loop.take(request) == nil else { return false }
    wakeAt = 0
    plan()
    return true
  }

  /// Takes a message of an agent.
  /// - Returns: why it was not taken.
  mutating func take(_ message: NodeMessage, from node: Int, at now: Instant) -> LoopRefusal? {
    guard isUp else { return nil }
    let moment = reading(now)
    wakeAt = 0
    plan()
    return loop.take(message, from: Names.node(node), at: moment)
  }

  // MARK: running

  /// What a server has to say.
  struct Output {
    var answers: [ClientAnswer] = []
    var replies: [(node: Int, reply: NodeReply)] = []
    /// Records that became durable.
    var records = 0
    /// Whether its loop ran.
    var hasRun = false
    /// What became durable, in words, where somebody asked for it.
    var told: [String] = []
  }

  mutating func act(
    at now: Instant, _ reached: inout Reached, _ random: inout SeededGenerator
  ) throws(Violation) -> Output {
    var output = Output()
    if upAt <= now.ns { try start(at: now, &reached, &random) }
    if doneAt <= now.ns { output.records = try finish(&reached) }
    if wakeAt <= now.ns, isUp { try run(at: now, &output, &random) }
    plan()
    if let lines = told {
      output.told = lines
      told = []
    }
    return output
  }

  private mutating func run(
    at now: Instant, _ output: inout Output, _ random: inout SeededGenerator
  ) throws(Violation) {
    let said = loop.run(at: reading(now))
    output.hasRun = true
    if let batch = said.batch {
      try disk.write(batch, behind: loop.pool.digest())
      let usual: Int64 = random.chance(80) ? 20_000_000 : 300_000_000
      doneAt = now.ns + random.within(0...(slowDisk?.ns ?? usual))
    }
    for reply in said.replies { output.answers.append(try answer(reply)) }
    for (node, reply) in said.nodeReplies {
      guard let key = loop.pool.node(node)?.enrolment.key else { continue }
      output.replies.append((Names.number(ofNode: key), reply))
    }
    // The world's clock may be slower than the server's.
    wakeAt = said.wakeAfter.map { now.ns + $0.ns + $0.ns / 1_000 + 1 } ?? .max
  }

  private mutating func answer(_ reply: Reply) throws(Violation) -> ClientAnswer {
    var record = unsaid.removeValue(forKey: reply.ticket) ?? 0
    if case .answered(let answer, let isRepeat) = reply.outcome {
      if isRepeat {
        record = 0
      } else if record == 0 {
        throw Violation("A3", "\(answer.decision.verdict) was said before its record is durable")
      }
    }
    return ClientAnswer(
      number: Int(reply.ticket.high), outcome: reply.outcome, record: record)
  }

  /// A batch is on the disk: the journal and its pool go on by it.
  private mutating func finish(_ reached: inout Reached) throws(Violation) -> Int {
    doneAt = .max
    guard let done = disk.finish() else { return 0 }
    for place in done.batch.records.indices {
      try keep(done.batch.records[place], &reached)
    }
    try checks.compare(disk.pool.digest(), with: done.digest)
    if disk.beginPart() { reached.note(.partBegun) }
    loop.batchIsDurable(done.batch.number)
    wakeAt = 0
    return done.batch.records.count
  }

  private mutating func keep(
    _ record: borrowing PoolLoop.Record, _ reached: inout Reached
  ) throws(Violation) {
    disk.fold(record)
    if told != nil {
      let reasons = record.log.reasons.prefix(3).map { " \($0.code)" }.joined()
      told?.append(
        "record \(disk.records): \(record.command.word): \(record.decision.verdict)\(reasons)")
    }
    reached.note(record.log)
    try checks.note(record, disk.pool)
    tally?.note(record, disk.pool)
    guard let mark = record.request else { return }
    unsaid[mark.ticket] = disk.records
    if let name = mark.name, mark.answer.binds {
      if known[name.key] != nil {
        throw Violation("J4", "one name had two effects")
      }
      known[name.key] = KnownAnswer(digest: name.digest, answer: mark.answer)
    }
  }

  // MARK: faults

  private mutating func start(
    at now: Instant, _ reached: inout Reached, _ random: inout SeededGenerator
  ) throws(Violation) {
    upAt = .max
    try disk.recover()
    try checks.recovered(records: disk.records)
    if random.chance(25) {
      disk.upgrade()
      reached.note(.upgrade)
    }
    if random.chance(25) {
      try disk.decideAgain()
      reached.note(.decidedAgain)
    }
    loop = Loop(after: disk.pool, limits: limits, at: reading(now))
    isUp = true
    wakeAt = now.ns
  }

  /// The first start.
  mutating func start(at now: Instant, tells: Bool) {
    if tells { told = [] }
    upAt = now.ns
    plan()
  }

  /// The process ends. What was being written may be on the disk, or a part of it.
  mutating func crash(
    at now: Instant, _ reached: inout Reached, _ random: inout SeededGenerator
  ) throws(Violation) {
    guard isUp else { return }
    let under = disk.writing
    if let under {
      try failAfter(under.batch.number, at: now)
      let tail = Self.tail(of: under.bytes.count, &reached, &random)
      if let (lost, whole) = disk.crash(tail) {
        for record in lost.batch.records.prefix(whole) { try keep(record, &reached) }
      }
    }
    isUp = false
    unsaid = [:]
    (doneAt, wakeAt) = (.max, .max)
    upAt = now.ns + random.within(1_000_000...20_000_000_000)
    plan()
  }

  /// A loop that is told that its batch failed says nothing more.
  private mutating func failAfter(_ batch: UInt64, at now: Instant) throws(Violation) {
    loop.batchFailed(batch)
    let said = loop.run(at: reading(now))
    if said.batch != nil || !said.replies.isEmpty || !said.nodeReplies.isEmpty {
      throw Violation("A3", "a loop went on after a batch failed")
    }
  }

  private static func tail(
    of length: Int, _ reached: inout Reached, _ random: inout SeededGenerator
  ) -> WorldDisk.Tail {
    switch random.below(5) {
    case 0:
      reached.note(.tailLost)
      return .lost
    case 1:
      reached.note(.tailWhole)
      return .whole
    case 2:
      reached.note(.tailZeroed)
      return .zeroed(at: random.number(length + 1))
    default:
      reached.note(.tailTorn)
      return .torn(at: random.number(length + 1))
    }
  }

  /// The faults are over: a leader that is down comes up, and its disk keeps up with it.
  mutating func heal(at now: Instant) {
    slowDisk = nil
    if !isUp { upAt = now.ns }
    plan()
  }
}
