public import PoolAllocator
public import PoolInsight
public import PoolLoop

/// Where a leader keeps what it decided: the journal of its pool, and which request got which
/// answer. Nothing above knows what is behind it: one file on one machine, or a database that
/// several servers share, one of which leads.
///
/// A leader opens it, recovers its pool, and hands in one batch after the other. What `append` has
/// returned for is there after any crash; what it threw for may be there or not, and the store
/// takes nothing more: a sync that failed once is not tried again.
public protocol JournalStore: Sendable {
  /// Reads the journal back and makes this leader the only one that may write.
  /// - Returns: the pool behind the last record.
  /// - Throws: where a record is not as it was written; nothing is changed then. Records that are
  ///   in an image are looked at afterwards, and damage among them ends the store.
  /// - Complexity: O(records behind the last image).
  func recover() throws(StoreError) -> Recovered

  /// Makes a batch durable, with the answers that bind the names of its requests, in one step.
  /// - Parameters:
  ///   - notes: what is kept with the records of requests, by their tickets.
  ///   - utc: the wall clock, for the age of answers. Unit: seconds since 1970.
  /// - Throws: where another leader writes since, or the batch could not be made durable; then
  ///   every later call throws too.
  func append(
    _ batch: borrowing Batch, notes: [Key: RequestNote], utc: Int64
  ) throws(StoreError)

  /// The last note about a subject.
  /// - Complexity: O(log records).
  func note(of subject: Key) throws(StoreError) -> RequestNote?

  /// Notes behind a record, in order, with the numbers of their records; fewer than asked for where
  /// they are large, and none only where there is none.
  func notes(
    after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)]

  /// Notes about a subject behind a record, in order, with the numbers of their records; as many as
  /// of all.
  /// - Complexity: O(log records + what is returned).
  func notes(
    of subject: Key, after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)]

  /// The link of a record in the journal's chain, from which whoever holds it sees later that
  /// nothing up to it was altered; nil where there is no such record.
  /// - Parameter record: its number; nil: the last.
  func link(of record: UInt64?) throws(StoreError) -> JournalLink?

  /// What was answered to a request of a name, if it is remembered.
  func answer(to name: RequestName) throws(StoreError) -> KnownAnswer?

  /// The record that answered a request of a name, if it is remembered.
  func record(of name: RequestName) throws(StoreError) -> UInt64?

  /// Forgets answers that were given before a moment, a bounded number at a time.
  /// - Returns: how many.
  func forgetAnswers(before utc: Int64) throws(StoreError) -> Int

  /// Room that is left for the journal; nil where that is not known. Unit: bytes.
  var room: Int64? { get }

  /// Keeps the state behind the last batch, so that the next recovery need not fold what is in it.
  /// It may be lost, and then all is folded.
  /// - Parameters:
  ///   - image: `Pool.image()` of it.
  ///   - usage: `UsageHours.image()` as of then.
  func keep(image: [UInt8], usage: [UInt8])

  /// Ends this leader's writing: another one may begin at once.
  func close()

  /// Visits the bytes of the journal in the form that the root package's tools read: the header,
  /// then records, in parts of a few megabytes.
  func export(_ visit: (borrowing [UInt8]) throws -> Void) throws
}

extension JournalStore {
  /// A store without a place for images does without.
  public func keep(image: [UInt8], usage: [UInt8]) {}

  /// As `append`, without notes.
  public func append(_ batch: borrowing Batch, utc: Int64) throws(StoreError) {
    try append(batch, notes: [:], utc: utc)
  }
}

/// What is kept with the record of a request, in its chain: what it was about, and its text. The
/// core keeps keys alone, so this is where the names behind them, and who asked, are written down.
public struct RequestNote: Hashable, Sendable {
  /// What it was about: a claim, a node, a policy.
  public let subject: Key
  /// The text, opaque to the store.
  public let text: [UInt8]

  /// Makes a note.
  public init(subject: Key, text: [UInt8]) {
    self.subject = subject
    self.text = text
  }

  /// As it is stored: the subject, big end first, then the text.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16 + text.count)
    for half in [subject.high, subject.low] {
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: half >> shift))
      }
    }
    return bytes + text
  }

  /// Reads one.
  /// - Returns: nil for anything that is shorter than a subject.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 16 else { return nil }
    let halves = [bytes[..<8], bytes[8..<16]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    self.init(subject: Key(high: halves[0], low: halves[1]), text: Array(bytes[16...]))
  }
}

/// One link of a journal's chain.
public struct JournalLink: Hashable, Sendable {
  /// Number of its record.
  public let record: UInt64
  /// SHA-256 over the link before it, the number and the bytes of the record, and its note.
  public let bytes: [UInt8]

  /// Makes a link.
  public init(record: UInt64, bytes: [UInt8]) {
    self.record = record
    self.bytes = bytes
  }
}

/// What a store read back.
public struct Recovered: Sendable {
  /// The pool behind the last record.
  public let pool: Pool
  /// What work took in the last hours before it.
  public let usage: UsageHours
  /// Records that were read.
  public let records: UInt64
  /// When the journal was made: from then pool time counts. Unit: seconds since 1970.
  public let origin: Int64
}
