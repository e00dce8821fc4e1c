package import PoolAllocator
import PoolRecord

/// The bytes of a journal as they are written.
package struct Journal: Sendable {
  package private(set) var bytes: [UInt8] = []
  package private(set) var records = 0
  private var writer: JournalWriter
  /// Bytes after which it begins to write over what it has; nil: it keeps everything.
  package var wrapsAt: Int?
  /// Bytes written in all. Unit: bytes.
  package private(set) var written = 0

  package init(_ identity: Key, from pool: borrowing Pool) {
    writer = JournalWriter(JournalHeader(identity: identity, from: pool), into: &bytes)
  }

  mutating func append(
    _ command: Command, _ decision: Decision, _ progress: Progress, _ log: EventLog,
    at now: Instant
  ) {
    records += 1
    append(
      Record(
        sequence: UInt64(records), engine: 1, now: now,
        origin: Origin(principal: key(102, 0), request: key(201, records)),
        command: command, decision: decision, progress: progress, log: log))
  }

  mutating func append(_ record: consuming Record) {
    if let wrapsAt, bytes.count > wrapsAt { bytes.removeAll(keepingCapacity: true) }
    let before = bytes.count
    do { try writer.append(record, to: &bytes) } catch { fatalError("\(error)") }
    written += bytes.count - before
  }
}
