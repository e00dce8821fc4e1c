import PoolAllocator
import PoolLoop
import PoolRecord

/// The leader's disk: the journal in its production form, and the pool that its records make.
///
/// Batches are written one at a time; a crash leaves any prefix of the bytes that were under way.
struct WorldDisk: Sendable {
  /// What is known of a batch that is being written.
  struct Writing: Sendable {
    var batch: Batch
    /// Digest of the live pool behind the batch.
    var digest: Digest
    /// Its bytes, and where each record ends in them.
    var bytes: [UInt8] = []
    var ends: [Int] = []
    fileprivate var writer: JournalWriter
  }

  /// The pool as the journal has it.
  private(set) var pool: Pool
  /// Records that are whole on the disk, over all parts.
  private(set) var records: UInt64 = 0
  /// What decided the records that are written now.
  private(set) var engine: UInt16 = 1
  private(set) var writing: Writing?

  /// What the present part starts from, and its bytes.
  private var base: Pool
  private var bytes: [UInt8] = []
  private var writer: JournalWriter
  private var recordsOfPart = 0
  private var parts = 0
  private let partMax: Int

  init(limits: Limits, partMax: Int) {
    pool = Pool(limits: limits)
    base = pool
    self.partMax = partMax
    writer = JournalWriter(JournalHeader(identity: Names.journal(0), from: base), into: &bytes)
  }

  /// Begins to write a batch.
  mutating func write(_ batch: consuming Batch, behind digest: Digest) throws(Violation) {
    var next = Writing(batch: batch, digest: digest, writer: writer)
    for record in next.batch.records {
      do throws(RecordTooLong) {
        try next.writer.append(
          PoolRecord.Record(
            sequence: 0, engine: engine, now: record.moment,
            origin: Origin(request: record.request?.ticket), command: record.command,
            decision: record.decision, progress: record.progress, log: record.log),
          to: &next.bytes)
      } catch {
        throw Violation("R1", "a record of \(error.length) bytes")
      }
      next.ends.append(next.bytes.count)
    }
    writing = next
  }

  /// All of a batch is on the disk.
  /// - Returns: it; `fold` its records one by one.
  mutating func finish() -> Writing? {
    guard let done = writing.take() else { return nil }
    bytes += done.bytes
    writer = done.writer
    return done
  }

  /// The pool goes on by one durable record.
  mutating func fold(_ record: borrowing PoolLoop.Record) {
    pool.replay(record.log)
    records += 1
    recordsOfPart += 1
  }

  /// Begins a new part where the present one is long.
  /// - Returns: whether it did.
  mutating func beginPart() -> Bool {
    guard recordsOfPart >= partMax else { return false }
    parts += 1
    base = pool
    bytes.removeAll(keepingCapacity: true)
    writer = JournalWriter(
      JournalHeader(
        identity: Names.journal(parts), firstSequence: records + 1, from: base),
      into: &bytes)
    recordsOfPart = 0
    return true
  }

  /// What a crash leaves of the batch that is being written.
  enum Tail { case lost, torn(at: Int), zeroed(at: Int), whole }

  /// The machine stops: the disk has what it has.
  /// - Returns: the batch that was under way, and how many of its records are whole.
  mutating func crash(_ tail: Tail) -> (writing: Writing, whole: Int)? {
    guard let lost = writing else { return nil }
    writing = nil
    let cut: Int
    switch tail {
    case .lost: cut = 0
    case .torn(let at), .zeroed(let at): cut = at
    case .whole: cut = lost.bytes.count
    }
    bytes += lost.bytes[..<cut]
    var reached = cut
    if case .zeroed = tail {
      // Space that was given to the file before what belongs there was written.
      bytes += Array(repeating: 0, count: lost.bytes.count - cut)
      while reached < lost.bytes.count, lost.bytes[reached] == 0 { reached += 1 }
    }
    return (lost, lost.ends.filter { $0 <= reached }.count)
  }

  /// Reads the journal back, as a leader that starts does.
  mutating func recover() throws(Violation) {
    var reader = JournalReader(bytes)
    var recovered = base
    switch reader.fold(into: &recovered) {
    case .complete: break
    case .torn(let tail): bytes.removeLast(bytes.count - tail.offset)
    case .damaged(let damage):
      throw Violation("A1", "the journal does not read back: \(damage)")
    }
    guard reader.nextSequence == records + 1 else {
      let found = reader.nextSequence - 1
      throw Violation("A3", "\(found) records read back of \(records)")
    }
    guard recovered.digest() == pool.digest() else {
      throw Violation("A1", "what reads back is not the durable pool")
    }
    pool = recovered
    guard let next = JournalWriter(after: reader) else {
      throw Violation("A1", "nobody can go on behind the journal")
    }
    writer = next
  }

  /// Decides what this engine wrote again, as a look through the journal does.
  func decideAgain() throws(Violation) {
    var reader = JournalReader(bytes)
    var again = base
    let found = reader.verify(into: &again, engine: engine)
    if let difference = found.difference {
      throw Violation("A1", "decided again: \(difference)")
    }
  }

  /// Reads the present part back, as it stands now, and decides it again.
  func readBack() throws(Violation) {
    var copy = self
    copy.writing = nil
    try copy.recover()
    try copy.decideAgain()
  }

  /// Another release of the allocator decides from now on.
  mutating func upgrade() { engine += 1 }
}
