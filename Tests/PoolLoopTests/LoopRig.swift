import PoolAllocator

@testable import PoolLoop

/// A loop with the clock, the disk and the agents of a test.
struct LoopRig {
  var loop: Loop
  var now: Int64 = 1_000_000_000_000
  var replies: [Reply] = []
  var nodeReplies: [NodeReply] = []
  var records: [Record] = []
  /// The batch that is to be made durable.
  var batch: Batch?
  var wakeAfter: Span?
  /// How far UTC is ahead of the clock that counts.
  var utcAhead: Int64 = 0
  private var tickets = 0
  private var sequences: [Int: UInt64] = [:]

  /// Begins on an empty pool; with nodes, they are enrolled, and a policy is in force.
  init(limits: LoopLimits = LoopLimits(), nodes: Int = 0) {
    loop = Loop(
      after: Pool(), limits: limits,
      at: ClockReading(elapsed: 1_000_000_000_000, utc: 1_000_000_000_000))
    guard nodes > 0 else { return }
    ask(.activate(PolicyGeneration(1), SmallFleet.policy))
    for node in 0..<nodes { ask(.enrol(SmallFleet.enrolment(node, gpus: 2))) }
    settle()
    replies = []
  }

  var reading: ClockReading { ClockReading(elapsed: now, utc: now + utcAhead) }

  mutating func pass(_ seconds: Int64) { now += seconds * 1_000_000_000 }

  /// One run, of which the batch is not yet durable.
  mutating func run() {
    let output = loop.run(at: reading)
    if let new = output.batch {
      batch = new
      records += new.records
    }
    replies += output.replies
    nodeReplies += output.nodeReplies.map(\.reply)
    wakeAfter = output.wakeAfter
  }

  /// The batch under way is durable.
  mutating func write() {
    guard let batch else { return }
    loop.batchIsDurable(batch.number)
    self.batch = nil
    run()
  }

  /// Runs and writes until nothing is left to be done now.
  mutating func settle() {
    run()
    while batch != nil || wakeAfter == .zero {
      write()
      if batch == nil { run() }
    }
  }

  @discardableResult
  mutating func ask(
    _ command: Command, named name: RequestName? = nil, known: KnownAnswer? = nil,
    knownThrough: UInt64 = 0
  ) -> LoopRefusal? {
    let refusal = loop.take(
      Request(
        ticket: SmallFleet.key(21, tickets), name: name, known: known,
        knownThrough: knownThrough, command: command))
    if refusal == nil { tickets += 1 }
    return refusal
  }

  /// Tickets of the replies so far, by their number.
  var answered: [Int] { replies.map { Int($0.ticket.low) - 1 } }

  static func name(_ number: Int, digest: Int = 0) -> RequestName {
    RequestName(
      scope: SmallFleet.key(5, 0), key: SmallFleet.key(22, number),
      digest: SmallFleet.key(23, digest))
  }

  // MARK: agents

  /// A message of a node; `seen`: it took in the reply to its last one.
  func message(
    _ node: Int, boot: Int = 0, started: Int64 = 0, generation: UInt64 = 1, sequence: UInt64,
    seen: UInt64? = nil, news: [LeaseNews] = [], answers: ReportAsk? = nil, living: [Fencing] = []
  ) -> NodeMessage {
    var message = NodeMessage(
      boot: SmallFleet.boot(node, boot), generation: generation, sequence: sequence,
      seen: seen ?? sequence - 1, news: news)
    message.started = started
    if let answers {
      message.answers = answers
      message.report = SmallFleet.advertisement(
        node, boot: boot, generation: generation, sequence: sequence, living: living)
    }
    return message
  }

  @discardableResult
  mutating func hear(_ message: NodeMessage, from node: Int = 0) -> LoopRefusal? {
    loop.take(message, from: SmallFleet.node(node), at: reading)
  }

  /// A node says who it is, and reports in full: messages 1 and 2.
  mutating func join(_ node: Int = 0) {
    hear(message(node, sequence: 1), from: node)
    settle()
    guard let ask = nodeReplies.last?.ask else { return }
    hear(message(node, sequence: 2, answers: ask), from: node)
    settle()
    nodeReplies = []
  }

  var node: Node? { loop.pool.node(named: SmallFleet.node(0)).flatMap { loop.pool.node($0) } }

  /// Of every device, in the order of their rows.
  var health: [Health] {
    var found: [Health] = []
    loop.pool.forEachDevice { found.append($1.health) }
    return found
  }

  var leases: [(id: LeaseID, lease: Lease)] {
    var found: [(LeaseID, Lease)] = []
    loop.pool.forEachLease { found.append(($0, $1)) }
    return found
  }

  func news(_ index: Int, _ ending: LeaseEnding? = nil) -> LeaseNews {
    LeaseNews(lease: leases[index].id, fencing: leases[index].lease.fencing, ending: ending)
  }
}

extension Reply {
  /// The answer, if it was answered, and whether by an earlier answer.
  var answer: (decision: Decision, isRepeat: Bool)? {
    guard case .answered(let answer, let isRepeat) = outcome else { return nil }
    return (answer.decision, isRepeat)
  }

  /// Why it was refused without asking the pool.
  var refusal: LoopRefusal? {
    guard case .refused(let refusal) = outcome else { return nil }
    return refusal
  }
}
