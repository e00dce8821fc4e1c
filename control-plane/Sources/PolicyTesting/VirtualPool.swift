internal import PoolAllocator
internal import PoolViews
internal import PoolWire

/// One pool on the production core in virtual time, with the names of what is in it.
struct VirtualPool {
  private(set) var pool = Pool()
  private(set) var log = EventLog()
  /// The names of what is in the pool.
  private(set) var book = Book()
  /// What of its policy was used.
  var usage = PolicyUsage()
  /// The lane of the last lease of each claim.
  private(set) var lanes: [ClaimID: String] = [:]
  /// The rung that each claim took last.
  private(set) var rungs: [ClaimID: String] = [:]
  /// How claims ended.
  private(set) var ends: [ClaimID: ClaimEnd] = [:]
  private var sequences: [Key: UInt64] = [:]

  /// Commands that a jump of time may cost at most before the rest is left to the next one.
  /// Unit: commands.
  private static let stepsMax = 1_000_000

  /// Begins with an empty pool.
  init() { apply(.begin(epoch: 1)) }

  var now: Instant { pool.now }
  var names: NameTable { book.names }

  // MARK: commands

  /// Does what is asked with one command.
  /// - Returns: nil for a look, and for a node's account.
  mutating func decide(
    _ operation: StreamRequest.Operation
  ) throws(NameCollision) -> Decision? {
    guard let command = try operation.command(in: pool, names: book.names) else { return nil }
    try book.enter(operation)
    let (decision, _) = pool.apply(command, at: pool.now, into: &log)
    book.settle(operation, decision, log)
    noteEvents(decision)
    return decision
  }

  /// Applies one command.
  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    let (decision, _) = pool.apply(command, at: pool.now, into: &log)
    noteEvents(decision)
    return decision
  }

  /// Ticks until nothing more is due.
  mutating func tick(at now: Instant) {
    var progress = Progress.more
    var steps = 0
    while progress == .more, steps < Self.stepsMax {
      let decision: Decision
      (decision, progress) = pool.apply(.tick, at: now, into: &log)
      noteEvents(decision)
      steps += 1
    }
  }

  /// Does what is due now, and what agents do about it where they are played.
  mutating func settle(playingAgents: Bool) {
    tick(at: pool.now)
    if playingAgents { playAgents() }
  }

  /// Moves pool time forward, stopping wherever something is due.
  mutating func advance(to target: Instant, playingAgents: Bool) {
    var steps = 0
    while steps < Self.stepsMax {
      if playingAgents { playAgents() }
      guard pool.now < target else { return }
      tick(at: VirtualTime.stop(towards: target, in: pool, playingAgents: playingAgents))
      steps += 1
    }
  }

  /// Does what agents would do now.
  private mutating func playAgents() {
    let words = VirtualTime.words(ofAgentsIn: pool)
    for word in words { apply(word) }
    if !words.isEmpty { tick(at: pool.now) }
  }

  // MARK: nodes

  /// Enrols a node that is new and takes its account.
  mutating func advertise(_ document: NodeDocument) throws(NameCollision) -> Decision {
    try book.enter(.advertise(document))
    var node = pool.node(named: document.key)
    if node == nil {
      let decision = apply(.enrol(document.enrolment))
      guard decision.node != nil else { return decision }
      node = decision.node
    }
    guard let node else { return apply(.tick) }
    let last = sequences[document.key] ?? 0
    let message = document.hasSequence ? document : document.numbered(last + 1)
    sequences[document.key] = max(last + 1, message.advertisement.report.sequence)
    return apply(.advertise(node, message.advertisement))
  }

  // MARK: looks

  /// The reasons of the command that was just applied.
  func reasons(of decision: Decision) -> [Reason] {
    decision.reasons.indices.map { log.reasons[$0] }
  }

  /// A reason in words.
  func text(_ reason: Reason, of claim: ClaimForm?) -> ReasonText {
    ReasonText(reason, in: pool, names: book.names, claim: claim)
  }

  /// The leases of a claim.
  func leases(of id: ClaimID) -> [LeaseID] {
    pool.claim(id)?.lease.map { pool.gang(of: $0) } ?? []
  }

  // MARK: events

  /// Takes in what came of the command that was just applied.
  private mutating func noteEvents(_ decision: Decision) {
    book.begin(log, in: pool)
    for index in decision.reasons.indices { note(log.reasons[index]) }
    for event in log.events {
      switch event {
      case .leaseGranted(let claim, let grants):
        for grant in log.grants[grants.indices] { note(grant, of: claim) }
      case .claimDowngraded(let claim, _, _, let fact):
        let rung = book.names.text(log.downgrades[Int(fact)].key)
        rungs[claim] = rung
        if let service = book.claims[claim]?.service {
          usage.rungs.insert(PolicyUsage.rung(rung, of: service))
        }
      case .claimEnded(let claim, let end): ends[claim] = end
      default: break
      }
    }
    book.end(log)
  }

  private mutating func note(_ grant: Grant, of claim: ClaimID) {
    guard let lane = pool.lane(grant.lane) else { return }
    let name = book.names.text(lane.key)
    lanes[claim] = name
    usage.lanes.insert(name)
    guard let path = pool.lease(grant.lease)?.path else { return }
    for index in 0..<path.count {
      if let bucket = pool.bucket(path[index]) {
        usage.buckets.insert(book.names.text(bucket.rule.key))
      }
    }
  }

  /// Notes a reason that was told.
  mutating func note(_ reason: Reason) {
    usage.codes.insert(reason.code)
    guard case .bucket(let row) = reason.subject,
      let bucket = pool.bucketID(atRow: row).flatMap({ pool.bucket($0) })
    else { return }
    usage.buckets.insert(book.names.text(bucket.rule.key))
  }
}
