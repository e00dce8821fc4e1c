import DequeModule
import PoolAllocator
import PoolInsight
import PoolLoop
import PoolStore
import PoolViews
import PoolWire
import StrictJSON

/// What stands between the loop and those who wait for it: requests by ticket, their answers as
/// they were when they were given, and who waits for what.
///
/// Nothing is said before it is durable: what is ready to be said is held until the batch with
/// which it was decided is.
struct Desk {
  /// A request that waits for its answer.
  struct Pending {
    var ask: Ask
    var known: KnownAnswer?
    var knownThrough: UInt64
    /// Pool time before its command.
    var asked = Instant.origin
    var reply: @Sendable (Result<Said, Unasked>) -> Void
    /// Its answer, once it was decided.
    var said: Said?
  }

  /// A message of an agent that waits for its reply.
  struct Listener {
    var generation: UInt64
    var sequence: UInt64
    var reply: @Sendable (Result<[UInt8], Unasked>) -> Void
  }

  /// Somebody who waits until a claim starts or ends.
  struct Watcher {
    var number: UInt64
    var principal: String
    var tell: @Sendable (Result<Told, Unasked>) -> Void
  }

  /// Says something that waited until it was durable, or that it will not be.
  typealias Held = @Sendable (_ isDurable: Bool) -> Void

  var book: Book
  /// What people decided beside the pool.
  var governance: Governance
  /// Requests that the loop did not take yet, oldest first.
  var queue: Deque<Pending> = []
  /// Requests that it has, by ticket.
  private var taken: [Key: Pending] = [:]
  /// Names of requests that are being answered.
  private var inFlight: Set<RequestName.Place> = []
  /// Notes of requests that were decided and not yet given to be written.
  private var notes: [Key: RequestNote] = [:]
  private var listeners: [NodeID: Listener] = [:]
  private var watchers: [ClaimID: [Watcher]] = [:]
  /// What is to be said once a batch is durable.
  private var held: [(after: UInt64, say: Held)] = []
  private var isClosed = false
  private var tickets = UInt64(0)
  /// What is counted.
  var tally = Tally()
  /// What work took in the last hours.
  private(set) var usage: UsageHours
  /// How many explanations are given: each costs as much as many decisions.
  private var explanations = ExplainBudget()
  /// Who follows what.
  var followers: Followers
  /// Limits that are only observed.
  private let shadow: Shadow

  /// Begins behind the records that a journal has.
  init(
    book: Book, usage: UsageHours, governance: Governance, after records: UInt64,
    shadow: Shadow
  ) {
    self.book = book
    self.usage = usage
    self.governance = governance
    self.shadow = shadow
    followers = Followers(after: records)
  }

  // MARK: requests

  /// Takes a request in.
  mutating func admit(_ pending: Pending) {
    if let name = pending.ask.name, !inFlight.insert(name.place).inserted {
      return pending.reply(.failure(.inFlight))
    }
    queue.append(pending)
  }

  /// Whether a request of that name is being answered.
  func isInFlight(_ name: RequestName?) -> Bool {
    name.map { inFlight.contains($0.place) } ?? false
  }

  /// Whether the request that comes next asks for devices.
  var isClaimNext: Bool {
    if case .claim? = queue.first?.ask.operation { true } else { false }
  }

  /// The next request as the loop takes it; nil where none can be made of it.
  mutating func next(for pool: borrowing Pool) -> Request? {
    var pending = queue.removeFirst()
    if let subject = pending.ask.subject, pool.claim(subject) == nil {
      refuse(pending, .gone)
      return nil
    }
    // One that was answered changes nothing.
    if pending.known == nil, let act = pending.ask.act {
      let ask = pending.ask
      let person = NameTable.key(.principal, ask.principal)
      if !act.isOfServer, pool.isSuspended(principal: person) {
        refuse(pending, .suspended(ask.principal))
        return nil
      }
      do throws(ActRefusal) {
        try governance.check(act, by: ask.principal, at: ask.at, in: pool.generation)
      } catch {
        refuse(pending, .refused(error))
        return nil
      }
    }
    let operation = pending.ask.operation
    do throws(NameCollision) {
      var command = pending.ask.command
      if command == nil { command = try operation.command(in: pool, names: book.names) }
      guard let command else {
        refuse(pending, .nothingAsked)
        return nil
      }
      try book.enter(operation)
      tickets += 1
      let ticket = Key(high: 0, low: tickets)
      pending.asked = pool.now
      taken[ticket] = pending
      return Request(
        ticket: ticket, name: pending.ask.name, known: pending.known,
        knownThrough: pending.knownThrough, command: command)
    } catch {
      refuse(pending, .nameTaken(error.description))
      return nil
    }
  }

  /// Answers a request that the loop did not take or did not ask the pool for.
  mutating func refuse(ticket: Key, _ because: LoopRefusal) {
    guard let pending = taken.removeValue(forKey: ticket) else { return }
    book.withdraw(pending.ask.operation)
    refuse(pending, Unasked(because))
  }

  private mutating func refuse(_ pending: Pending, _ because: Unasked) {
    if let name = pending.ask.name { inFlight.remove(name.place) }
    pending.reply(.failure(because))
  }

  // MARK: what was decided

  /// Sees the pool after a step.
  mutating func see(_ pool: borrowing Pool, _ records: ArraySlice<PoolLoop.Record>) {
    for record in records {
      let ticket = record.request?.ticket
      if let ticket, let operation = taken[ticket]?.ask.operation {
        book.settle(operation, record.decision, record.log)
      }
      book.begin(record.log, in: pool)
      if let ticket, let answer = record.request?.answer { answered(ticket, answer, pool) }
      wake(record.log, pool)
      tally.count(record.log, in: pool, book)
      usage.fold(record.log, in: pool)
      followers.note(record.log, in: pool, book)
      book.end(record.log)
    }
    for claim in followers.takeTouched() {
      woken.append(followers.telling(.claim(claim), .claim, standing(claim, in: pool)))
    }
    woken += followers.takeEndings()
    shadow.see(pool, records, book.shadowed)
  }

  private mutating func answered(_ ticket: Key, _ answer: Answer, _ pool: borrowing Pool) {
    guard let pending = taken[ticket] else { return }
    let ask = pending.ask
    notes[ticket] = ask.note(answer.decision)
    if let act = ask.act, answer.decision.verdict == .done {
      governance.apply(act, by: ask.principal, at: ask.at, record: followers.record + 1)
    }
    var instead: ((Scene) -> AlternativesView)?
    switch answer.decision.verdict {
    case .rejected, .infeasible:
      guard case .claim(let form) = ask.operation else { break }
      let refusal = explain(to: ask.quotaHolder, at: pool.now)
      instead = { scene in
        AlternativesView(of: form, submitted: scene.pool.now, in: scene, refusing: refusal)
      }
    default: break
    }
    var said = said(answer, to: pending, in: pool, isRepeat: false, instead: instead)
    said.record = followers.record + 1
    tally.count(ask, answer, startsBy: said.startsBy, in: pool, book)
    taken[ticket]?.said = said
  }

  /// Takes an explanation for somebody.
  /// - Returns: why there is none now.
  mutating func explain(to principal: String, at now: Instant) -> ExplainBudget.Refusal? {
    explanations.take(NameTable.key(.principal, principal), principal, at: now)
  }

  /// - Parameter instead: what would be granted instead; nil: nothing is said of that.
  private func said(
    _ answer: Answer, to pending: Pending, in pool: borrowing Pool, isRepeat: Bool,
    instead: ((Scene) -> AlternativesView)? = nil
  ) -> Said {
    let (ask, decision) = (pending.ask, answer.decision)
    let scene = Scene(pool: copy pool, log: EventLog(), book: book)
    let view = AnswerView(
      decision, answer.reasons, to: ask.operation, called: ask.op, asked: pending.asked, in: scene)
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", ask.op)
      writer.string("outcome", decision.verdict.wire)
      writer.milliseconds("at_ms", answer.at)
      writer.int64("policy_generation", Int64(scene.pool.generation.value))
      if isRepeat { writer.bool("repeated", true) }
      view.write(&writer)
      if let instead { writer.alternatives(instead(scene), at: scene.pool.now) }
    }
    return Said(
      body: writer.bytes, verdict: decision.verdict, isRepeat: isRepeat,
      hasLease: view.hasLease, hint: view.hint,
      startsBy: try? view.bound?.get().by,
      limit: view.hint == nil ? nil : RateLimit(answer.reasons, in: scene),
      sentence: view.sentence, reasons: answer.reasons.map(\.code))
  }

  /// Takes the notes of a batch; the next one may have begun to fill.
  mutating func takeNotes(of batch: Batch) -> [Key: RequestNote] {
    var taken: [Key: RequestNote] = [:]
    for record in batch.records {
      guard let ticket = record.request?.ticket else { continue }
      taken[ticket] = notes.removeValue(forKey: ticket)
    }
    return taken
  }

  // MARK: what is said

  /// Says a reply of the loop, whose record is durable.
  mutating func say(_ reply: Reply, in loop: borrowing Loop) {
    guard case .answered(let answer, let isRepeat) = reply.outcome else {
      if case .refused(let because) = reply.outcome { refuse(ticket: reply.ticket, because) }
      return
    }
    guard let pending = taken.removeValue(forKey: reply.ticket) else { return }
    if let name = pending.ask.name { inFlight.remove(name.place) }
    if isRepeat {
      // Its names were taken a second time; what it made has them once.
      book.withdraw(pending.ask.operation)
      // It is written down as things stand now, of which not all is durable.
      let said = said(answer, to: pending, in: loop.pool, isRepeat: true)
      hold(after: loop.latest, durable: loop.durable) { isDurable in
        pending.reply(isDurable ? .success(said) : .failure(.ending))
      }
    } else if let said = pending.said {
      pending.reply(.success(said))
    }
  }

  /// Says something once a batch is durable.
  mutating func hold(after batch: UInt64, durable: UInt64, _ say: @escaping Held) {
    if batch <= durable || isClosed { return say(batch <= durable) }
    held.append((batch, say))
  }

  /// Says what waited for a batch that is durable now.
  mutating func release(durable: UInt64) {
    guard held.contains(where: { $0.after <= durable }) else { return }
    let due = held.filter { $0.after <= durable }
    held.removeAll { $0.after <= durable }
    for one in due { one.say(true) }
  }

  // MARK: agents

  /// Notes who waits for the reply to a message; an earlier one of the same node is told that a
  /// later one is replied to instead.
  mutating func listen(_ node: NodeID, _ listener: Listener) {
    listeners.updateValue(listener, forKey: node)?.reply(.failure(.late))
  }

  /// Replies to an agent.
  mutating func say(_ reply: NodeReply, to node: NodeID) {
    guard let listener = listeners[node], listener.sequence == reply.sequence,
      listener.generation == reply.generation
    else { return }
    listeners[node] = nil
    var writer = JSONWriter()
    writer.nodeReply(reply, names: book.names)
    listener.reply(.success(writer.bytes))
  }

  /// Tells an agent that it is not replied to.
  mutating func forget(_ node: NodeID, sequence: UInt64) {
    guard let listener = listeners[node], listener.sequence == sequence else { return }
    listeners[node] = nil
    listener.reply(.failure(.late))
  }

  // MARK: claims that are waited for

  /// Waits until a claim starts or ends.
  mutating func watch(_ claim: ClaimID, _ watcher: Watcher) {
    watchers[claim, default: []].append(watcher)
  }

  /// Everybody who waits, with the claim and the number of the wait.
  var waits: [(claim: ClaimID, number: UInt64)] {
    watchers.flatMap { claim, waiting in waiting.map { (claim, $0.number) } }
  }

  /// Ends a wait.
  /// - Returns: tells how the claim stands now; nil where nobody waits under the number.
  mutating func unwatch(
    _ claim: ClaimID, _ number: UInt64, in pool: borrowing Pool, at now: Instant
  ) -> Held? {
    guard let index = watchers[claim]?.firstIndex(where: { $0.number == number }),
      let watcher = watchers[claim]?.remove(at: index)
    else { return nil }
    if watchers[claim]?.isEmpty == true { watchers[claim] = nil }
    // How a claim stands that runs costs no more than a look.
    let isWaiting = pool.claim(claim)?.isWaiting ?? false
    let refusal = isWaiting ? explain(to: watcher.principal, at: now) : nil
    return Self.telling(watcher, explained(claim, in: pool, refusing: refusal))
  }

  private mutating func wake(_ log: borrowing EventLog, _ pool: borrowing Pool) {
    guard !watchers.isEmpty else { return }
    for event in log.events {
      let claim: ClaimID
      switch event {
      case .leaseGranted(let id, _), .claimEnded(let id, _): claim = id
      default: continue
      }
      guard let waiting = watchers.removeValue(forKey: claim) else { continue }
      let told = explained(claim, in: pool)
      woken += waiting.map { Self.telling($0, told) }
    }
  }

  private static func telling(_ watcher: Watcher, _ told: Told) -> Held {
    { isDurable in watcher.tell(isDurable ? .success(told) : .failure(.ending)) }
  }

  /// Those whose claim started or ended, to be told once that is durable.
  private var woken: [Held] = []

  /// Takes those who are to be told.
  mutating func takeWoken() -> [Held] {
    defer { woken = [] }
    return woken
  }

  private func explained(
    _ id: ClaimID, in pool: borrowing Pool, refusing refusal: ExplainBudget.Refusal? = nil
  ) -> Told {
    var writer = JSONWriter()
    let hasLease = pool.claim(id)?.lease != nil
    let scene = Scene(pool: copy pool, log: EventLog(), book: book)
    writer.object { writer in
      writer.milliseconds("at_ms", scene.pool.now)
      guard let form = scene.claims[id], scene.pool.claim(id) != nil else {
        return writer.string("state", "ended")
      }
      ExplanationView(of: form, id, in: scene, refusing: refusal).write(&writer)
    }
    return Told(body: writer.bytes, hasLease: hasLease)
  }

  /// How a claim that lives stands, for those who follow it.
  func standing(_ id: ClaimID, in pool: borrowing Pool) -> [UInt8] {
    let scene = Scene(pool: copy pool, log: EventLog(), book: book)
    var writer = JSONWriter()
    writer.object { writer in
      writer.milliseconds("at_ms", scene.pool.now)
      guard let form = scene.claims[id] else { return }
      ExplanationView(of: form, id, in: scene).writeStanding(&writer)
    }
    return writer.bytes
  }

  /// Ends everything that waits.
  mutating func close() {
    let pending = Array(queue) + taken.values
    queue = []
    taken = [:]
    for one in pending { one.reply(.failure(.ending)) }
    for listener in listeners.values { listener.reply(.failure(.ending)) }
    listeners = [:]
    for watcher in watchers.values.joined() { watcher.tell(.failure(.ending)) }
    watchers = [:]
    for one in held { one.say(false) }
    held = []
    followers.endAll()
    isClosed = true
  }
}

extension RequestName {
  /// Whose name it is, whatever was asked.
  struct Place: Hashable {
    var scope: Key
    var key: Key
  }

  var place: Place { Place(scope: scope, key: key) }

  /// The name of a part of the request. The first has the name of all, so that no other request can
  /// have it.
  func part(_ index: Int) -> RequestName {
    if index == 0 { return self }
    return RequestName(
      scope: scope, key: Digest.key("part \(index)", "\(key.high) \(key.low)"), digest: digest)
  }
}

extension Unasked {
  init(_ because: LoopRefusal) {
    switch because {
    case .inboxFull, .lookupStale: self = .busy
    case .ended: self = .ending
    case .nameReused: self = .nameReused
    case .unknownNode, .notARequest: self = .unknownNode
    case .messageLate: self = .late
    }
  }
}
