public import PoolAllocator
import PoolRecord

/// The journal of a pool in memory: what a store would hold of it.
public struct JournalBytes: Sendable {
  /// Which allocator decides in simulations.
  public static let engine: UInt16 = 1

  /// The whole journal.
  public private(set) var bytes: [UInt8] = []
  private var writer: JournalWriter

  /// Begins a journal at a pool.
  public init(identity: Key, from pool: Pool) {
    writer = JournalWriter(JournalHeader(identity: identity, from: pool), into: &bytes)
  }

  /// Adds one record.
  public mutating func append(
    _ command: Command, at now: Instant, _ decision: Decision, _ progress: Progress, _ log: EventLog
  ) {
    let record = Record(
      sequence: writer.nextSequence, engine: Self.engine, now: now, command: command,
      decision: decision, progress: progress, log: log)
    do throws(RecordTooLong) {
      try writer.append(record, to: &bytes)
    } catch {
      fatalError("a simulated command brings no \(error.length) bytes")
    }
  }

  /// Applies a command to a pool and adds its record.
  /// - Returns: the answer.
  @discardableResult
  public mutating func apply(_ command: Command, at now: Instant, to pool: inout Pool) -> Decision {
    var log = EventLog()
    let (decision, progress) = pool.apply(command, at: now, into: &log)
    append(command, at: now, decision, progress, log)
    return decision
  }
}
