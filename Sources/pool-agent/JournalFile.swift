import PoolAllocator
import PoolConsole
import PoolRecord

/// The journal of one call in a file: every command with its answer and its events, as they come.
///
/// It is for looking at afterwards, with `pool-sim what-if`; nothing is read back, and nobody waits
/// until it is on the disk.
struct JournalFile {
  /// Which allocator decides here: the first.
  static let engine: UInt16 = 1

  private let file: NewFile
  private var writer: JournalWriter
  private var bytes: [UInt8] = []

  /// Begins a journal at a pool to which nothing happened yet.
  init(_ path: String, from pool: borrowing Pool) throws(UsageError) {
    file = try NewFile(path)
    var random = SystemRandomNumberGenerator()
    let identity = Key(high: random.next(), low: random.next())
    writer = JournalWriter(JournalHeader(identity: identity, from: pool), into: &bytes)
    file.append(bytes)
  }

  /// Adds one record.
  mutating func append(
    _ command: Command, at now: Instant, _ decision: Decision, _ progress: Progress, _ log: EventLog
  ) {
    bytes.removeAll(keepingCapacity: true)
    let record = Record(
      sequence: writer.nextSequence, engine: Self.engine, now: now, command: command,
      decision: decision, progress: progress, log: log)
    do throws(RecordTooLong) {
      try writer.append(record, to: &bytes)
    } catch {
      // No document that is read can bring as much.
      fatalError("a record of \(error.length) bytes is longer than a journal holds")
    }
    file.append(bytes)
  }
}
