import PoolAllocator
import PoolRecord

/// The run that did not happen: the commands of a journal at their times, on another pool.
///
/// Beside it the recorded run is folded, so that rows of the one pool can be told in the other.
/// What agents and holders said of a lease is said of its counterpart as long as the two stand
/// alike; from then on the counterpart lives by what was observed of the work (`ObservedWork`).
struct OtherRun: Sendable {
  /// What agents and holders of leases on their own do.
  enum Act: Sendable {
    case start(LeaseID)
    case renew(LeaseID)
    case save(LeaseID)
    case release(LeaseID)
    case empty(LeaseID)
  }

  /// The recorded run up to the present record.
  var recorded: Pool
  /// The other pool.
  var other: Pool
  /// The recorded run: the whole of it, or what is known of it where it goes on.
  var before: StoryBook
  /// The other run so far; its requests have the numbers of those of the recorded run.
  var after = StoryBook()
  /// The end of the recorded run; nil: it goes on, and each record is followed when it comes.
  let horizon: Instant?
  /// Requests of one name that were taken in by either run, in their order. Looked up, never
  /// iterated.
  var requests: [Key: [Int]] = [:]
  /// Requests whose runtime is assumed and mattered. Looked up and counted, never iterated.
  var assumed: Set<Int> = []

  /// The policy in place of every one of the journal; nil: as it was.
  let policy: CompiledPolicy?
  /// When the other policy comes into force, in the midst of the record; nil: it is in force
  /// wherever a policy is.
  private(set) var since: Instant?
  /// By how much its generations are above those of the record.
  private(set) var generationsAbove: UInt32 = 0
  /// Hardware that the recorded run did not have.
  var added: [AddedNode]
  /// Nodes of the recorded run.
  var nodes: [NodeID: NodeID] = [:]
  /// Leases of the other pool that no longer follow the record. Looked up, never iterated.
  var free: Set<LeaseID> = []
  /// Leases of the other pool that may stand otherwise than in the record by now.
  var touched: [LeaseID] = []
  /// Whether any lease may.
  var isAllTouched = false
  /// What came of a record since the last was looked at, of a run that goes on.
  var news = News()
  var agenda = Agenda<Act>()
  var log = EventLog()
  /// Whether the added nodes are there.
  var isExtended = false

  init(
    from pool: Pool, before: StoryBook, horizon: Instant, policy: CompiledPolicy?,
    since: Instant?, adding added: [AddedNode]
  ) {
    recorded = pool
    other = pool
    self.before = before
    self.horizon = horizon
    self.policy = policy
    self.since = policy == nil ? nil : since
    self.added = added
  }

  /// A run that parts from one that goes on, at a moment of that one.
  /// - Complexity: O(claims + leases + nodes).
  init(partingFrom pool: borrowing Pool) {
    recorded = copy pool
    other = copy pool
    before = StoryBook(seeing: pool)
    after = before
    horizon = nil
    policy = nil
    added = []
    var ids: [NodeID] = []
    pool.forEachNode { id, _ in ids.append(id) }
    for id in ids { nodes[id] = id }
  }

  /// What is known of the work behind a request.
  func work(of request: Int) -> ObservedWork {
    ObservedWork(before.stories[request], until: horizon ?? recorded.now)
  }

  // MARK: one record

  /// Repeats a record.
  mutating func follow(_ record: Record) throws(WhatIfProblem) {
    if let since, since <= record.log.at { try replacePolicy(at: since) }
    advance(to: record.log.at)
    if case .activate = record.command, !isExtended { try extend(at: record.log.at) }
    var request: Int?
    if case .submit(let spec) = record.command {
      request = after.open(spec, at: record.log.at)
    }
    if horizon == nil { learn(record, request: request) }
    if let command = translate(record, request: request) {
      let decision = apply(command, at: record.log.at, request: request)
      try check(decision, of: record)
    }
    if let request, before.stories[request].isTakenIn || after.stories[request].isTakenIn {
      requests[after.stories[request].spec.key, default: []].append(request)
    }
    recorded.replay(record.log)
    if case .tick = record.command { recorded.settleTimers() }
    if case .begin = record.command { advertiseAdded() }
    setFree(after: record)
  }

  /// Does what leases on their own and the timers of the other pool ask for up to a moment.
  ///
  /// The recorded run may have left a timer waiting; where it did, so does this one. So it ticks
  /// by itself only for what is due here and was not due there.
  mutating func advance(to end: Instant) {
    let lazy = recorded.nextTimer()
    while true {
      let act = agenda.first.flatMap { $0 <= end ? $0 : nil }
      if let timer = other.nextTimer(), timer <= end, timer < lazy ?? Instant(ns: .max),
        timer < act ?? Instant(ns: .max)
      {
        apply(.tick, at: timer)
      } else if let act, let next = agenda.popFirst(at: act) {
        perform(next, at: act)
      } else {
        return
      }
    }
  }

  /// Applies a command to the other pool, at pool time.
  @discardableResult
  mutating func apply(_ command: Command, at now: Instant, request: Int? = nil) -> Decision {
    let moment = Instant(ns: now.ns + other.skipped.ns)
    let decision = other.apply(command, at: moment, into: &log).0
    after.fold(command, decision, log, request: request)
    if horizon == nil { learn(log) }
    note(log)
    return decision
  }

  /// Puts the other policy in force where the record goes on with its own.
  private mutating func replacePolicy(at moment: Instant) throws(WhatIfProblem) {
    since = nil
    guard let policy, recorded.generation.value > 0 else { return }
    advance(to: moment)
    generationsAbove = 1
    let decision = apply(.activate(generation(recorded.generation), policy), at: moment)
    if decision.verdict != .done { throw .policyRefused(refusal(decision)) }
    isAllTouched = true
  }

  /// The generation under which the other policy takes the place of one of the record.
  func generation(_ recorded: PolicyGeneration) -> PolicyGeneration {
    let (value, overflow) = recorded.value.addingReportingOverflow(generationsAbove)
    return overflow ? recorded : PolicyGeneration(value)
  }

  /// A command that was obeyed and is refused now, without which nothing that follows makes sense.
  private func check(_ decision: Decision, of record: Record) throws(WhatIfProblem) {
    guard case .activate = record.command, record.decision.verdict == .done,
      decision.verdict != .done
    else { return }
    throw .policyRefused(refusal(decision))
  }

  func refusal(_ decision: Decision) -> WhatIfRefusal {
    WhatIfRefusal(reasons: decision.reasons.indices.map { log.reasons[$0] }, pool: other)
  }

  // MARK: added hardware

  private mutating func extend(at now: Instant) throws(WhatIfProblem) {
    isExtended = true
    for index in added.indices {
      var decision = apply(.enrol(added[index].enrolment), at: now)
      if let node = decision.node {
        added[index].node = node
        decision = apply(.advertise(node, added[index].advertisement), at: now)
      }
      if decision.verdict != .done { throw .nodeRefused(index, refusal(decision)) }
    }
  }

  /// A new leadership asks every node to report anew.
  private mutating func advertiseAdded() {
    for index in added.indices {
      guard let node = added[index].node else { continue }
      added[index].advertisement.report.sequence += 1
      added[index].advertisement.living = living(on: node).map(\.fencing)
      apply(.advertise(node, added[index].advertisement), at: other.now)
    }
  }

  /// Leases of the other pool of which processes live on a node.
  func living(on node: NodeID) -> [LeaseStory] {
    other.leases(on: node).compactMap { id in
      guard let lease = other.lease(id), lease.started != nil, lease.state != .stopping,
        let place = after.place(of: id)
      else { return nil }
      return after.lease(at: place)
    }
  }
}
