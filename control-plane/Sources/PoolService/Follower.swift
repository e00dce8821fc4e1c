import Synchronization

/// One word of a stream: how something stands, or that nothing more is said.
struct StreamEvent: Sendable {
  /// What a word is about.
  enum Name: String, Sendable {
    case claim, queue, ended, expired
  }

  var name: Name
  /// Number of the journal's record behind which it is so; nil: where the caller stands in the
  /// journal stays as it is.
  var record: UInt64?
  /// One JSON text without a line break.
  var data: [UInt8]

  /// It as it is sent.
  var bytes: [UInt8] {
    let id = record.map { "id: \($0)\n" } ?? ""
    return Array("\(id)event: \(name.rawValue)\ndata: ".utf8) + data + Array("\n\n".utf8)
  }

  /// The word after which a credential holds no more.
  static let expired = StreamEvent(
    name: .expired, record: nil,
    data: Array(#"{"detail":"the credential has expired; come back with another one"}"#.utf8))
}

/// Somebody to whom it is told how a claim or a queue stands.
///
/// What is to be sent is one state, the newest: a slow reader misses states, never the last one,
/// and takes no room. A pulse says that there is something to take.
final class Follower: Sendable {
  private struct State {
    /// The newest word that was not taken.
    var word: StreamEvent?
    /// The last word of all, sent behind the newest.
    var last: StreamEvent?
    var isCommentDue = false
    var isOver = false
    /// What is done once it is over.
    var afterwards: (@Sendable () -> Void)?
    /// Number of the record behind which it stood as it was told last.
    var told: UInt64
  }

  private let state: Mutex<State>
  private let pulse: AsyncStream<Void>.Continuation

  /// Makes one.
  /// - Parameters:
  ///   - told: the record behind which the caller knows how it stands; 0: it knows nothing.
  ///   - pulse: a stream that keeps one element.
  init(told: UInt64, _ pulse: AsyncStream<Void>.Continuation) {
    state = Mutex(State(told: told))
    self.pulse = pulse
  }

  /// Tells how it stands. What stood earlier than what was told last is not said.
  func tell(_ word: StreamEvent) {
    let isNew = state.withLock { state in
      guard !state.isOver, let record = word.record, record > state.told else { return false }
      state.told = record
      state.word = word
      return true
    }
    if isNew { pulse.yield() }
  }

  /// Says nothing, so that both sides see that the other one is there.
  func comment() {
    state.withLock { $0.isCommentDue = true }
    pulse.yield()
  }

  /// Ends the stream, behind what was told.
  /// - Parameter word: what is said last; nil: nothing.
  func end(_ word: StreamEvent? = nil) {
    let afterwards = state.withLock { state -> (@Sendable () -> Void)? in
      guard !state.isOver else { return nil }
      state.isOver = true
      state.last = word
      return state.afterwards
    }
    pulse.finish()
    afterwards?()
  }

  /// Notes what is done once it is over, at once where it is.
  func whenOver(_ body: @escaping @Sendable () -> Void) {
    let isOver = state.withLock { state in
      state.afterwards = body
      return state.isOver
    }
    if isOver { body() }
  }

  /// Takes what is to be sent now; empty where that is nothing.
  func take() -> [UInt8] {
    state.withLock { state in
      let words = [state.word, state.last].compactMap { $0 }
      let isComment = words.isEmpty && state.isCommentDue
      (state.word, state.last, state.isCommentDue) = (nil, nil, false)
      return isComment ? Array(":\n\n".utf8) : words.flatMap(\.bytes)
    }
  }
}

/// A stream that was begun: it ends when nobody holds its pulses any more.
struct Following: Sendable {
  let follower: Follower
  let pulses: AsyncStream<Void>
}
