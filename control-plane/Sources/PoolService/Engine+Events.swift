import Dispatch
import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire
import StrictJSON

/// Streams of events: how a claim or a queue stands, told once that is durable.
extension Engine {
  /// Most rows of a queue in one event; those behind them are counted. Unit: claims.
  static let rowsMost = 100

  /// A stream that begins, and how things stand where the caller does not know it.
  private struct Beginning {
    var following: Following
    var word: StreamEvent?
  }

  /// Follows a claim.
  /// - Parameter after: the record behind which the caller knows how it stands; nil: it does not.
  /// - Returns: nil where no such claim lives, nor is known to have ended since.
  /// - Throws: where there are too many streams.
  func follow(
    _ place: Followers.Place, by caller: Caller, after: UInt64?
  ) async throws(Unasked) -> Following? {
    try await begin { (state: inout State) throws(Unasked) -> Beginning? in
      guard let id = state.claim(at: place) else {
        guard let after, let word = state.desk.followers.ending(of: place, after: after) else {
          return nil
        }
        return Self.ended(word)
      }
      let isKnown = after.map { state.desk.followers.isKnown(id, after: $0) } ?? false
      let following = try state.desk.followers.join(
        .claim(id), caller, after: isKnown ? after ?? 0 : 0, leaving: self.leaving)
      if isKnown { return Beginning(following: following) }
      let word = StreamEvent(
        name: .claim, record: state.desk.followers.record,
        data: state.desk.standing(id, in: state.loop.pool))
      return Beginning(following: following, word: word)
    }
  }

  /// Follows what waits.
  /// - Parameters:
  ///   - tenant: whose claims alone; nil: those of all.
  ///   - after: as of a claim.
  /// - Throws: where there are too many streams.
  func follow(
    queueOf tenant: String?, by caller: Caller, after: UInt64?
  ) async throws(Unasked) -> Following? {
    try await begin { (state: inout State) throws(Unasked) -> Beginning? in
      let subject = Followers.Subject.queue(tenant: tenant)
      let isKnown = after.map { state.desk.followers.isQueueKnown(after: $0) } ?? false
      let following = try state.desk.followers.join(
        subject, caller, after: isKnown ? after ?? 0 : 0, leaving: self.leaving)
      if isKnown {
        state.desk.followers.begin(subject, rows: nil)
        return Beginning(following: following)
      }
      let rows = state.waiting(of: tenant)
      state.desk.followers.begin(subject, rows: Digest.key(rows))
      let word = StreamEvent(
        name: .queue, record: state.desk.followers.record,
        data: Self.queue(rows, at: state.loop.pool.now))
      return Beginning(following: following, word: word)
    }
  }

  /// Begins a stream once all that the state has now is durable.
  private func begin(
    _ body: @escaping @Sendable (inout State) throws(Unasked) -> Beginning?
  ) async throws(Unasked) -> Following? {
    let begun: Result<Following?, Unasked> = await withCheckedContinuation { next in
      enter { [self] state in
        guard !state.isEnding, state.isPatient else {
          return next.resume(returning: .failure(.ending))
        }
        let beginning: Beginning?
        do throws(Unasked) {
          beginning = try body(&state)
        } catch {
          return next.resume(returning: .failure(error))
        }
        keepBeat(&state)
        let (following, word) = (beginning?.following, beginning?.word)
        state.desk.hold(after: state.loop.latest, durable: state.loop.durable) { isDurable in
          guard isDurable else { return next.resume(returning: .failure(.ending)) }
          if let word { following?.follower.tell(word) }
          next.resume(returning: .success(following))
        }
      }
    }
    return try begun.get()
  }

  /// A stream of the end alone.
  private static func ended(_ word: StreamEvent) -> Beginning {
    let (pulses, pulse) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let follower = Follower(told: 0, pulse)
    follower.tell(word)
    follower.end()
    return Beginning(following: Following(follower: follower, pulses: pulses))
  }

  /// Lets a follower go.
  private var leaving: @Sendable (UInt64) -> Void {
    { [weak self] number in self?.enter { $0.desk.followers.leave(number) } }
  }

  // MARK: once a second

  /// Has a beat come in a second, as long as somebody follows something.
  private func keepBeat(_ state: inout State) {
    guard !state.desk.followers.isEmpty, !state.desk.followers.isBeating else { return }
    state.desk.followers.isBeating = true
    queue.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in
      guard let self else { return }
      enter { state in
        state.desk.followers.isBeating = false
        self.beat(&state)
        self.keepBeat(&state)
      }
    }
  }

  /// Tells of queues that changed, whatever else is due.
  private func beat(_ state: inout State) {
    for subject in state.desk.followers.beat(utc: SystemClock.utc) {
      guard case .queue(let tenant) = subject else { continue }
      let rows = state.waiting(of: tenant)
      guard state.desk.followers.see(subject, rows: Digest.key(rows)) else { continue }
      let telling = state.desk.followers.telling(
        subject, .queue, Self.queue(rows, at: state.loop.pool.now))
      state.desk.hold(after: state.loop.latest, durable: state.loop.durable, telling)
    }
  }

  /// The text of an event of a queue.
  /// - Parameter rows: an object with its rows.
  private static func queue(_ rows: [UInt8], at now: Instant) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "queue")
      writer.milliseconds("at_ms", now)
    }
    var text = writer.bytes
    text.removeLast()
    text.append(UInt8(ascii: ","))
    return text + rows.dropFirst()
  }
}

extension Engine.State {
  /// The live claim of a tenant and name. A key is a hash that whoever asks may aim: the claim has
  /// to have the names, too.
  func claim(at place: Followers.Place) -> ClaimID? {
    let key = ClaimForm.key(tenant: place.tenant, name: place.claim)
    guard let id = loop.pool.claim(named: key), let form = desk.book.claims[id],
      form.tenant == place.tenant, form.name == place.claim
    else { return nil }
    return id
  }

  /// The claims that wait, as an object that can be written on: the first of them, and how many
  /// there are behind them.
  func waiting(of tenant: String?) -> [UInt8] {
    let scene = Scene(pool: loop.pool, log: EventLog(), book: desk.book)
    var writer = JSONWriter()
    writer.object { writer in
      LiveView(scene, of: tenant).writeWaiting(&writer, atMost: Engine.rowsMost)
    }
    return writer.bytes
  }
}
