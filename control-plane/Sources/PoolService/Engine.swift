import Dispatch
public import PoolAllocator
import PoolInsight
import PoolLoop
public import PoolStore
public import PoolViews
public import PoolWire
import StrictJSON
import Synchronization

/// The one place where things are decided: a loop on a store with the machine's clocks.
///
/// Everything that is asked comes in here, is decided in order, and is answered once it is durable;
/// while one batch is being written the next one fills. What can only be looked at is held as long
/// as what it shows is not durable.
public final class Engine: Sendable {
  /// What is decided, and who waits for it.
  struct State {
    var loop: Loop
    var desk: Desk
    var isEnding = false
    /// Whether the disk had room when it was looked at last, and when. Unit: seconds since 1970.
    var hasRoom = true
    var roomSeenAt: Int64 = 0
    /// Whether somebody may wait for a claim; the server is about to end where not.
    var isPatient = true
    /// Records since the state was kept last.
    var sinceImage = 0
    /// When the loop is called next, if nothing comes.
    var wakes: DispatchTime?
  }

  /// What can be known without a turn.
  private struct Published: Sendable {
    var vocabulary: PolicyVocabulary
    var generation: PolicyGeneration
    var durable: UInt64
    var isEnding = false
  }

  private let store: any JournalStore
  /// What stands in the journal beside the records.
  var notes: any JournalStore { store }
  let clock: SystemClock
  private let state: Mutex<State>
  /// Limits that are only observed.
  let shadow: Shadow
  /// What is put to the state on its queue, as it came in.
  private let mail = Mutex<[@Sendable (inout State) -> Void]>([])
  /// What callers need to know before they ask; what the state has says it anew when it changes.
  private let published: Mutex<Published>
  /// Where the loop runs.
  let queue = DispatchQueue(label: "pool.loop")
  /// Where batches are written.
  let writer = DispatchQueue(label: "pool.journal")
  /// When old answers were forgotten last; `.max` while they are. Unit: seconds since 1970.
  let forgotAt = Mutex<Int64>(0)
  private let failed: @Sendable (StoreError) -> Void
  /// Requests that were refused for who asked, and are to be written down.
  let denials = Mutex(Denials())
  /// Room that is kept for what carries on or ends what is there: some hundred thousand records.
  /// Unit: bytes.
  static let roomLeast: Int64 = 128 << 20
  /// Most requests that wait; more are told to come back.
  private let waitingMax = 8_192
  /// Records after which the state is kept, so that a server that begins need not fold more, about.
  private let imageEvery: Int

  /// Begins a leadership on what a store has.
  /// - Parameters:
  ///   - imageEvery: records after which the state is kept beside the journal.
  ///   - failed: is told why nothing more can be made durable; nothing is answered any more.
  ///   - noting: is told what an operator should know, and nothing fails for.
  /// - Throws: `StoreError` where the journal, or what stands beside it, cannot be read.
  public init(
    on store: any JournalStore, imageEvery: Int = 250_000,
    failed: @escaping @Sendable (StoreError) -> Void,
    noting: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(StoreError) {
    self.imageEvery = imageEvery
    let recovered = try store.recover()
    let book = try Self.book(of: recovered.pool, store)
    let governance = try Governance(store, in: recovered.pool.generation)
    let last = try store.link(of: nil)?.record ?? 0
    clock = SystemClock(origin: recovered.origin)
    shadow = Shadow(noting: noting)
    shadow.begin(recovered.pool, book.shadowed)
    published = Mutex(
      Published(
        vocabulary: book.vocabulary, generation: recovered.pool.generation, durable: 0))
    state = Mutex(
      State(
        loop: Loop(after: recovered.pool, at: clock.reading),
        desk: Desk(
          book: book, usage: recovered.usage, governance: governance, after: last,
          shadow: shadow)))
    self.store = store
    self.failed = failed
    queue.async { [self] in turn() }
  }

  private static func book(
    of pool: Pool, _ store: any JournalStore
  ) throws(StoreError) -> Book {
    var restoring = Restoring(store)
    return try restoring.book(of: pool)
  }

  /// The names of the policy in force, and its generation.
  public var vocabulary: (PolicyVocabulary, PolicyGeneration) {
    published.withLock { ($0.vocabulary, $0.generation) }
  }

  // MARK: what comes in

  /// Asks the pool.
  /// - Throws: why it was not asked.
  public func ask(_ ask: Ask) async throws(Unasked) -> Said {
    do throws(Unasked) {
      return try await asked(ask)
    } catch {
      guard ask.name != nil, error.isOfAct else { throw error }
      // The same request may have been answered after it was looked up, and have changed what this
      // one was refused for. No two of a name are answered at once, so that is durable by now.
      guard case .success(.some) = remembered(ask) else { throw error }
      return try await asked(ask)
    }
  }

  private func asked(_ ask: Ask) async throws(Unasked) -> Said {
    let through = published.withLock { $0.durable }
    let known = remembered(ask)
    return try await Self.wait { [self] reply in
      enter { state in self.admit(ask, known, through, reply, to: &state) }
    }
  }

  /// Asks the pool several things, which are decided in their order and durable in one batch where
  /// it holds them.
  /// - Returns: what was said to each, or why it was not asked.
  /// - Throws: where the name of one was used for another request; then none is asked.
  public func ask(all asks: [Ask]) async throws(Unasked) -> [Result<Said, Unasked>] {
    let through = published.withLock { $0.durable }
    var known: [Result<KnownAnswer?, Unasked>] = []
    for ask in asks {
      let answer = remembered(ask)
      if case .success(let answer?) = answer, answer.digest != ask.name?.digest {
        throw .nameReused
      }
      known.append(answer)
    }
    let found = known
    guard !asks.isEmpty else { return [] }
    return await withCheckedContinuation { next in
      let answers = Answers(to: asks.count) { next.resume(returning: $0) }
      enter { state in
        if asks.contains(where: { state.desk.isInFlight($0.name) }) {
          for index in asks.indices { answers.take(.failure(.inFlight), to: index) }
          return
        }
        for (index, ask) in asks.enumerated() {
          self.admit(ask, found[index], through, { answers.take($0, to: index) }, to: &state)
        }
      }
    }
  }

  /// What the store remembers of a request's name.
  private func remembered(_ ask: Ask) -> Result<KnownAnswer?, Unasked> {
    guard let name = ask.name else { return .success(nil) }
    do throws(StoreError) {
      return .success(try store.answer(to: name))
    } catch {
      return .failure(.storeFailed(error.what))
    }
  }

  /// Whether a request was answered before, under its name.
  func remembers(_ name: RequestName?) throws(Unasked) -> Bool {
    guard let name else { return false }
    do throws(StoreError) {
      return try store.answer(to: name)?.digest == name.digest
    } catch {
      throw .storeFailed(error.what)
    }
  }

  /// Who asked for a claim that lives, and in whose names.
  /// - Returns: nil where none lives.
  func askers(of claim: Key) async throws -> (claim: ClaimID, names: [String])? {
    // What is shown is durable, and so is what is noted of it.
    guard let id = try await look({ $0.pool.claim(named: claim) }) else { return nil }
    return (id, try store.note(of: claim).map { try Ask.askers(in: $0) } ?? [])
  }

  private func admit(
    _ ask: Ask, _ known: Result<KnownAnswer?, Unasked>, _ through: UInt64,
    _ reply: @escaping @Sendable (Result<Said, Unasked>) -> Void, to state: inout State
  ) {
    guard !state.isEnding else { return reply(.failure(.ending)) }
    guard !ask.isNew || hasRoom(&state) else { return reply(.failure(.diskFull)) }
    guard state.desk.queue.count < waitingMax else { return reply(.failure(.busy)) }
    switch known {
    case .failure(let because): reply(.failure(because))
    case .success(let answer):
      state.desk.admit(
        Desk.Pending(ask: ask, known: answer, knownThrough: through, reply: reply))
    }
  }

  /// Whether the disk has room for what is new; looked at once a second.
  func hasRoom(_ state: inout State) -> Bool {
    let now = SystemClock.utc
    if state.roomSeenAt != now {
      state.roomSeenAt = now
      state.hasRoom = store.room.map { $0 >= Self.roomLeast } ?? true
    }
    return state.hasRoom
  }

  /// Takes a message of an agent, and waits for what is to be said to it.
  /// - Throws: why nothing is said.
  public func hear(_ form: NodeMessageForm, from node: String) async throws(Unasked) -> [UInt8] {
    let (key, message) = (NameTable.key(.node, node), form.message)
    let reading = clock.reading
    return try await Self.wait { [self] reply in
      enter { state in
        guard let id = state.loop.pool.node(named: key) else {
          return reply(.failure(.unknownNode))
        }
        do throws(NameCollision) {
          try state.desk.book.learn(form.names, from: id)
        } catch {
          return reply(.failure(.nameTaken(error.description)))
        }
        state.desk.listen(
          id,
          Desk.Listener(
            generation: message.generation, sequence: message.sequence, reply: reply))
        let refusal = state.loop.take(message, from: key, at: reading)
        if let refusal, refusal != .messageLate {
          return state.desk.forget(id, sequence: message.sequence)
        }
        // One that is late may be told from where to count, or not be replied to.
        self.queue.asyncAfter(deadline: .now() + .seconds(10)) { [weak self] in
          self?.enter { $0.desk.forget(id, sequence: message.sequence) }
        }
      }
    }
  }

  /// Looks at the pool, and shows it once what was seen is durable.
  public func look<T: Sendable>(
    _ body: @escaping @Sendable (Scene) -> T
  ) async throws(Unasked) -> T {
    try await lookInside { scene, _ in body(scene) }
  }

  /// As `look`, with an explanation for somebody, or why there is none now.
  func look<T: Sendable>(
    explainingTo principal: String,
    _ body: @escaping @Sendable (Scene, ExplainBudget.Refusal?) -> T
  ) async throws(Unasked) -> T {
    try await lookInside { scene, state in
      let now = state.loop.now(at: self.clock.reading)
      return body(scene, state.desk.explain(to: principal, at: now))
    }
  }

  /// As `look`, with what people decided beside the pool.
  func look<T: Sendable>(
    governing body: @escaping @Sendable (Scene, Governance) -> T
  ) async throws(Unasked) -> T {
    try await lookInside { scene, state in body(scene, state.desk.governance) }
  }

  private func lookInside<T: Sendable>(
    _ body: @escaping @Sendable (Scene, inout State) -> T
  ) async throws(Unasked) -> T {
    try await Self.wait { [self] reply in
      enter { state in
        if state.isEnding { return reply(.failure(.ending)) }
        let scene = Scene(pool: state.loop.pool, log: EventLog(), book: state.desk.book)
        let seen = body(scene, &state)
        state.desk.hold(after: state.loop.latest, durable: state.loop.durable) { isDurable in
          reply(isDurable ? .success(seen) : .failure(.ending))
        }
      }
    }
  }

  /// What is counted.
  func tally() async throws(Unasked) -> Tally {
    try await Self.wait { [self] reply in enter { reply(.success($0.desk.tally)) } }
  }

  /// What the work of a tenant took in the last hours, and pool time.
  func usage(of tenant: Key) async throws(Unasked) -> (rows: [UsageHours.Row], now: Instant) {
    try await lookInside { scene, state in
      (state.desk.usage.rows(of: tenant, at: scene.pool.now), scene.pool.now)
    }
  }

  /// Whether it decides.
  public var isReady: Bool { published.withLock { !$0.isEnding && $0.durable > 0 } }

  /// Takes nothing more, makes durable what was decided, and answers that.
  public func stop() async {
    await withCheckedContinuation { next in
      queue.async { [self] in
        state.withLock { recordDenials(&$0) }
        while step() {}
        state.withLock { $0.isEnding = true }
        // What is being written is answered when it is; then nothing is left to write.
        drain { next.resume() }
      }
    }
  }

  private func drain(_ done: @escaping @Sendable () -> Void) {
    let (isDone, image) = state.withLock { state -> (Bool, Image?) in
      let isDurable = state.loop.latest <= state.loop.durable
      guard state.loop.isEnded || isDurable else { return (false, nil) }
      state.desk.close()
      return (true, state.loop.isEnded || !isDurable ? nil : Image(of: state))
    }
    if isDone {
      image?.keep(in: store)
      store.close()
      return done()
    }
    writer.async { [self] in queue.async { [self] in drain(done) } }
  }

  // MARK: running

  private static func wait<T: Sendable>(
    _ body: (@escaping @Sendable (Result<T, Unasked>) -> Void) -> Void
  ) async throws(Unasked) -> T {
    let result: Result<T, Unasked> = await withCheckedContinuation { next in
      body { next.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Puts something to the state, and has the loop do what is due then; what comes at the same time
  /// is put to it in one turn.
  func enter(_ body: @escaping @Sendable (inout State) -> Void) {
    let isFirst = mail.withLock { mail in
      mail.append(body)
      return mail.count == 1
    }
    if isFirst { queue.async { [self] in turn() } }
  }

  /// Does what is due, on the loop's queue; where more waits it goes on behind what came to the
  /// queue meanwhile, such as that a batch is durable.
  private func turn() {
    if step() { queue.async { [self] in turn() } }
  }

  /// Does a part of what is due: some requests at most.
  /// - Returns: whether more waits.
  private func step() -> Bool {
    let mail = mail.withLock { mail in
      defer { mail = [] }
      return mail
    }
    let (isMore, wake) = state.withLock { step(&$0, mail) }
    if let wake { call(at: .now() + .nanoseconds(Int(clamping: wake.ns))) }
    return isMore
  }

  /// What is kept beside the journal.
  private struct Image: Sendable {
    let pool: [UInt8]
    let usage: [UInt8]

    init(of state: State) {
      pool = state.loop.pool.image()
      usage = state.desk.usage.image()
    }

    func keep(in store: any JournalStore) { store.keep(image: pool, usage: usage) }
  }

  private func step(
    _ state: inout State, _ mail: [@Sendable (inout State) -> Void]
  ) -> (isMore: Bool, wake: Span?) {
    for body in mail { body(&state) }
    if !state.isEnding, state.loop.waiting == 0 { Self.feed(&state.loop, &state.desk) }
    let output = Self.run(&state.loop, &state.desk, at: clock.reading)
    // The disk takes longest, so it begins before anything is said.
    if let batch = output.batch {
      write(batch, state.desk.takeNotes(of: batch), image(after: batch, &state))
    }
    Self.say(output, &state.loop, &state.desk)
    publish(&state)
    let isMore = !state.isEnding && state.loop.waiting == 0 && !state.desk.queue.isEmpty
    return (isMore, output.wakeAfter)
  }

  /// Most claims that the loop is given at once: the time of one turn. Unit: claims.
  private static let fedAtOnce = 64

  /// Gives the loop what waits: one request, or several claims, as none of them changes what the
  /// names of the next one stand for.
  private static func feed(_ loop: inout Loop, _ desk: inout Desk) {
    var fed = 0
    while fed < fedAtOnce, !desk.queue.isEmpty {
      let isClaim = desk.isClaimNext
      guard fed == 0 || isClaim else { return }
      if let request = desk.next(for: loop.pool), let refusal = loop.take(request) {
        desk.refuse(ticket: request.ticket, refusal)
      }
      guard isClaim else { return }
      fed += 1
    }
  }

  /// The state behind a batch that was made just now, if it is time to keep it and nobody waits, or
  /// it has been for long.
  private func image(after batch: Batch, _ state: inout State) -> Image? {
    state.sinceImage += batch.records.count
    let isLate = state.sinceImage / 4 >= imageEvery
    guard state.sinceImage >= imageEvery, isLate || state.desk.queue.isEmpty else { return nil }
    state.sinceImage = 0
    return Image(of: state)
  }

  /// Has the loop called at a moment, unless it is called before.
  private func call(at moment: DispatchTime) {
    let isNew = state.withLock { state in
      if let known = state.wakes, known <= moment { return false }
      state.wakes = moment
      return true
    }
    guard isNew else { return }
    queue.asyncAfter(deadline: moment) { [weak self] in
      self?.state.withLock { if $0.wakes == moment { $0.wakes = nil } }
      self?.turn()
    }
  }

  private func publish(_ state: inout State) {
    published.withLock {
      $0.durable = state.loop.durable
      $0.isEnding = state.isEnding
      guard $0.generation != state.loop.pool.generation else { return }
      $0.generation = state.loop.pool.generation
      $0.vocabulary = state.desk.book.vocabulary
    }
  }

  private static func run(
    _ loop: inout Loop, _ desk: inout Desk, at reading: ClockReading
  ) -> LoopOutput {
    loop.run(at: reading) { pool, records in desk.see(pool, records) }
  }

  private static func say(_ output: LoopOutput, _ loop: inout Loop, _ desk: inout Desk) {
    for reply in output.replies { desk.say(reply, in: loop) }
    for (node, reply) in output.nodeReplies { desk.say(reply, to: node) }
    for one in desk.takeWoken() { desk.hold(after: loop.latest, durable: loop.durable, one) }
    desk.release(durable: loop.durable)
  }

  private func write(_ batch: Batch, _ notes: [Key: RequestNote], _ image: Image?) {
    writer.async { [self] in
      do throws(StoreError) {
        try store.append(batch, notes: notes, utc: SystemClock.utc)
      } catch {
        queue.async { [self] in
          state.withLock {
            $0.loop.batchFailed(batch.number)
            $0.isEnding = true
            $0.desk.close()
          }
          failed(error)
        }
        return
      }
      shadow.follow(batch)
      image?.keep(in: store)
      queue.async { [self] in
        state.withLock { $0.loop.batchIsDurable(batch.number) }
        turn()
      }
      forgetOldAnswers()
    }
  }
}
