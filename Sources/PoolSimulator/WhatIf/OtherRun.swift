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
  /// The whole recorded run.
  let before: StoryBook
  /// The other run so far; its requests have the numbers of those of the recorded run.
  var after = StoryBook()
  /// By request.
  let work: [ObservedWork]
  /// The request before each that has the same name.
  let earlier: [Int?]
  /// Requests whose runtime is assumed and mattered. Looked up and counted, never iterated.
  var assumed: Set<Int> = []

  /// The policy in place of every one of the journal; nil: as it was.
  let policy: CompiledPolicy?
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
  /// Submissions of the recorded run that were seen.
  var requests = 0
  var agenda = Agenda<Act>()
  var log = EventLog()
  /// Whether the added nodes are there.
  var isExtended = false

  init(
    from pool: Pool, before: StoryBook, horizon: Instant, policy: CompiledPolicy?,
    adding added: [AddedNode]
  ) {
    recorded = pool
    other = pool
    self.before = before
    work = before.stories.map { ObservedWork($0, until: horizon) }
    earlier = Self.earlier(before.stories)
    self.policy = policy
    self.added = added
  }

  private static func earlier(_ stories: [RequestStory]) -> [Int?] {
    var last: [Key: Int] = [:]
    return stories.indices.map { request in
      last.updateValue(request, forKey: stories[request].spec.key)
    }
  }

  // MARK: one record

  /// Repeats a record.
  mutating func follow(_ record: Record) throws(WhatIfProblem) {
    advance(to: record.log.at)
    if case .activate = record.command, !isExtended { try extend(at: record.log.at) }
    var request: Int?
    if case .submit(let spec) = record.command {
      request = requests
      requests += 1
      after.open(spec, at: record.log.at)
    }
    if let command = translate(record, request: request) {
      let decision = apply(command, at: record.log.at, request: request)
      try check(decision, of: record)
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
    note(log)
    return decision
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
