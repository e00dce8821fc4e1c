public import PoolAllocator

/// Where deciding a command again came to something else than the journal holds.
public struct Difference: Hashable, Sendable, CustomStringConvertible {
  /// The record.
  public let sequence: UInt64
  /// Where it begins. Unit: bytes.
  public let offset: Int
  /// What is different, in words.
  public let description: String
}

/// What `JournalReader.verify` found.
public struct Verification: Hashable, Sendable {
  /// Records whose commands were decided again.
  public internal(set) var decided = 0
  /// Records of other engines, whose events were folded.
  public internal(set) var folded = 0
  /// The first difference; nothing behind it was looked at.
  public internal(set) var difference: Difference?
  /// How the journal ended; nil behind a difference.
  public internal(set) var ending: JournalEnding?

  /// What was found in a journal of which nothing is read yet.
  public init() {}

  /// Goes on with what was found in the next part of the same journal.
  public mutating func add(_ later: Verification) {
    decided += later.decided
    folded += later.folded
    difference = later.difference
    ending = later.ending
  }
}

extension JournalReader {
  /// The pool that the journal starts from, where that is an empty one.
  public var emptyPool: Pool? {
    guard let header else { return nil }
    let pool = Pool(limits: header.limits)
    return pool.digest() == header.state ? pool : nil
  }

  /// Folds the events of all records that follow: recovery. Nothing is decided anew, so a later
  /// allocator gives the same pool.
  /// - Parameters:
  ///   - pool: what the journal starts from, or what the part before left.
  ///   - each: sees what each record did, and the pool behind it.
  /// - Returns: how the journal ended; the pool has every whole record before that.
  /// - Complexity: O(bytes), and a digest of the pool at the journal's beginning.
  public mutating func fold(
    into pool: inout Pool, each: (borrowing EventLog, borrowing Pool) -> Void = { _, _ in }
  ) -> JournalEnding {
    checkStart(pool)
    while let record = next() {
      pool.replay(record.log)
      each(record.log, pool)
    }
    return ending ?? .complete
  }

  /// Decides every command that follows again, and compares answer and events byte by byte.
  /// - Parameters:
  ///   - pool: what the journal starts from, or what the part before left.
  ///   - engine: the version of this allocator; records of others are folded, for another version
  ///     may decide differently and still be right.
  public mutating func verify(into pool: inout Pool, engine: UInt16) -> Verification {
    checkStart(pool)
    var found = Verification()
    var log = EventLog()
    while let record = next() {
      guard record.engine == engine else {
        pool.replay(record.log)
        found.folded += 1
        continue
      }
      let (decision, progress) = pool.apply(record.command, at: record.now, into: &log)
      found.decided += 1
      var again = record
      again.decision = decision
      again.progress = progress
      again.log = log
      guard let text = record.difference(from: again) else { continue }
      found.difference = Difference(
        sequence: record.sequence, offset: recordOffset,
        description: "record \(record.sequence) at byte \(recordOffset): \(text)")
      return found
    }
    found.ending = ending
    return found
  }

  /// A journal that is read from its beginning goes on from one pool alone.
  private mutating func checkStart(_ pool: Pool) {
    guard let header, ending == nil, nextSequence == header.firstSequence else { return }
    if pool.digest() != header.state { damage(.startsElsewhere, nextSequence) }
  }
}

extension Record {
  /// What is different when a command was decided again; nil where every byte is the same.
  func difference(from again: Record) -> String? {
    if encoded({ $0.body(&$1) }) == again.encoded({ $0.body(&$1) }) { return nil }
    for index in 0..<max(log.events.count, again.log.events.count) {
      let was = index < log.events.count ? log.events[index] : nil
      let now = index < again.log.events.count ? again.log.events[index] : nil
      if encoded({ $1.put(was) }) == encoded({ $1.put(now) }) { continue }
      return "event \(index + 1) was \(Self.text(was)), decided again it is \(Self.text(now))"
    }
    if encoded({ $1.put($0.decision) }) != again.encoded({ $1.put($0.decision) }) {
      return "the answer was \(decision), decided again it is \(again.decision)"
    }
    if (progress == .more) != (again.progress == .more) {
      return "\(progress == .more ? "more" : "nothing") was due, decided again it is not so"
    }
    if log.at != again.log.at {
      return "pool time was \(log.at.ns) ns, decided again it is \(again.log.at.ns) ns"
    }
    return "the events are the same, the rows that they point to are not"
  }

  private func encoded(_ write: (inout Record, inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    writer.base = log.at
    var record = self
    write(&record, &writer)
    return writer.bytes
  }

  private static func text(_ event: Event?) -> String { event.map { "\($0)" } ?? "nothing" }
}
