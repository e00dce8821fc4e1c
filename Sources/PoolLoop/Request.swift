public import PoolAllocator

/// What the service keeps of an answered request, handed in again when the request comes again.
public struct KnownAnswer: Sendable {
  /// Hash of the request that was answered.
  public var digest: Key
  /// The answer.
  public var answer: Answer

  /// Makes what is known.
  public init(digest: Key, answer: Answer) {
    self.digest = digest
    self.answer = answer
  }
}

/// A name that a caller gave a request, so that it can ask again without asking twice.
public struct RequestName: BitwiseCopyable, Hashable, Sendable {
  /// Whose names these are: the tenant.
  public var scope: Key
  /// The caller's idempotency key.
  public var key: Key
  /// Hash of the request: the same name with another request is refused.
  public var digest: Key

  /// Makes a name.
  public init(scope: Key, key: Key, digest: Key) {
    self.scope = scope
    self.key = key
    self.digest = digest
  }
}

/// One command that somebody asks for.
public struct Request: Sendable {
  /// Names the reply; chosen by the caller of the loop, never interpreted.
  public var ticket: Key
  /// The caller's name of the request; nil: a repetition is another request.
  public var name: RequestName?
  /// What the table of the service said of the name.
  public var known: KnownAnswer?
  /// Number of the last durable batch when that table was asked.
  public var knownThrough: UInt64
  /// What is asked.
  public var command: Command

  /// Makes a request.
  public init(
    ticket: Key, name: RequestName? = nil, known: KnownAnswer? = nil, knownThrough: UInt64 = 0,
    command: Command
  ) {
    self.ticket = ticket
    self.name = name
    self.known = known
    self.knownThrough = knownThrough
    self.command = command
  }
}

/// What the pool said to a request.
public struct Answer: Sendable {
  /// The decision; its runs of reasons and changes are spelt out beside it.
  public var decision: Decision
  /// What stands in the way, by precedence.
  public var reasons: [Reason]
  /// What the claim was given less of.
  public var changes: [Change]
  /// Pool time of the decision.
  public var at: Instant

  /// Whether the name of the request stays bound to this answer. What was refused may be asked
  /// again under the same name.
  public var binds: Bool { decision.verdict != .rejected }

  /// Takes the answer out of what a command left, now or in its record.
  public init(_ decision: Decision, _ log: borrowing EventLog) {
    self.decision = decision
    reasons = decision.reasons.indices.map { log.reasons[$0] }
    changes = decision.changes.indices.map { log.changes[$0] }
    at = log.at
  }
}

/// Why a loop does not take an input, or does not ask the pool.
public enum LoopRefusal: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Too many requests wait: come back later.
  case inboxFull
  /// The loop ended because a batch could not be made durable.
  case ended
  /// The command begins a leadership, or follows from what an agent says.
  case notARequest
  /// The name was used for another request.
  case nameReused
  /// The table of known answers was asked too long ago: ask it again.
  case lookupStale
  /// No such node is enrolled.
  case unknownNode
  /// A message that is older than one that was heard.
  case messageLate
}

/// What becomes of a request.
public struct Reply: Sendable {
  /// How a request was answered.
  public enum Outcome: Sendable {
    /// By the pool; `isRepeat`: by an earlier answer to the same request.
    case answered(Answer, isRepeat: Bool)
    /// Without asking the pool.
    case refused(LoopRefusal)
  }

  /// The request's ticket.
  public var ticket: Key
  /// How it was answered.
  public var outcome: Outcome
}
