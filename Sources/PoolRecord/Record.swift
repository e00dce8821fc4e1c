public import PoolAllocator

/// Who asked for a command, as keys whose names live outside: the core does not know them.
public struct Origin: Hashable, Sendable {
  /// The principal whose request it was; nil where the service itself asked, as for a `tick`.
  public var principal: Key?
  /// The request by its idempotency key or a hash of it; nil where it had none.
  public var request: Key?

  /// Makes an origin.
  public init(principal: Key? = nil, request: Key? = nil) {
    self.principal = principal
    self.request = request
  }

  /// The service itself.
  public static let service = Origin()
}

/// One command with all that came of it: what a journal holds of a decision.
///
/// The events are what recovery folds, so a later allocator never decides history anew. The command
/// is what `JournalReader.verify` decides again. The decision is what a repeated request is told.
public struct Record: Sendable {
  /// Its place: one more than the record before it.
  public var sequence: UInt64
  /// Which version of the allocator decided it, as whoever writes the journal counts them: the same
  /// number stands for the same decisions.
  public var engine: UInt16
  /// The moment that `Pool.apply` was called with; `log.at` is what the pool made of it.
  public var now: Instant
  /// Who asked for it.
  public var origin: Origin
  /// What was asked.
  public var command: Command
  /// What was answered.
  public var decision: Decision
  /// Whether more was due.
  public var progress: Progress
  /// What happened.
  public var log: EventLog

  /// Makes a record.
  public init(
    sequence: UInt64, engine: UInt16, now: Instant, origin: Origin = .service, command: Command,
    decision: Decision, progress: Progress, log: EventLog
  ) {
    self.sequence = sequence
    self.engine = engine
    self.now = now
    self.origin = origin
    self.command = command
    self.decision = decision
    self.progress = progress
    self.log = log
  }
}

extension Record {
  /// Reads a body.
  init(_ frame: Frame, _ reader: inout ByteReader) {
    self.init(
      sequence: frame.sequence, engine: frame.engine, now: .origin, command: .tick,
      decision: .blank, progress: .complete, log: EventLog())
    body(&reader)
    if reader.position < reader.end { reader.fail(.hasMore) }
    let isClosed =
      log.isClosed && log.reasons.holds(decision.reasons) && log.changes.holds(decision.changes)
    if !isClosed { reader.fail(.pointsOutside) }
  }

  /// All that stands behind the frame's header.
  mutating func body<Coder: FieldCoder>(_ coder: inout Coder) {
    var (ns, at) = (now.ns, log.at)
    coder.base = .origin
    coder.field(&ns)
    now = Instant(ns: ns)
    coder.base = now
    coder.field(&at)
    if Coder.isReading { log.begin(at: at) }
    coder.base = at
    coder.field(&origin.principal)
    coder.field(&origin.request)
    coder.spec = nil
    coder.policy = nil
    coder.field(&command)
    coder.field(&progress)
    coder.field(&decision)
    coder.field(&log)
  }
}
