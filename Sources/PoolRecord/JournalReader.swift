import PoolAllocator

/// Reads the records of a journal one after the other, and says how it ended.
///
///     var reader = JournalReader(bytes)
///     while let record = reader.next() { pool.replay(record.log) }
///     switch reader.ending { … }
///
/// Whatever the bytes are, it neither crashes nor yields a record that was not written: each is
/// whole, follows the one before it, and holds nothing that this version does not know.
public struct JournalReader: Sendable {
  /// The journal's header; nil where it could not be read.
  public private(set) var header: JournalHeader?
  /// How reading ended; nil while `next` may yield more.
  public private(set) var ending: JournalEnding?
  /// Where the next record begins. Unit: bytes.
  public private(set) var offset = 0
  /// Where the record begins that `next` yielded last. Unit: bytes.
  public private(set) var recordOffset = 0
  /// Sequence number of the next record.
  public private(set) var nextSequence: UInt64 = 0
  let bytes: [UInt8]
  /// With what the checksums of records begin; nil where the header could not be read.
  private(set) var seed: UInt32?

  /// Reads the header of a journal.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    switch Frame.read(bytes, at: 0, seed: 0) {
    case .failure(let fault):
      // With a whole header missing there was no record yet: making the journal was interrupted.
      let isTorn = if case .isCutShort = fault { true } else { false }
      isTorn ? tear(fault, nil) : damage(fault, nil)
    case .success(let frame):
      guard frame.kind == .header else {
        damage(.isOfUnknownKind(frame.kind.rawValue), nil)
        return
      }
      var reader = ByteReader(bytes, frame.body)
      let header: JournalHeader = reader.take()
      if reader.position < reader.end { reader.fail(.hasMore) }
      if let flaw = reader.flaw {
        damage(.isUnreadable(flaw), nil)
        return
      }
      self.header = header
      self.header?.firstSequence = frame.sequence
      nextSequence = frame.sequence
      seed = frame.checksum
      offset = frame.body.upperBound
    }
  }

  /// Reads a later part of a journal, from the beginning of a record on: journals may be larger
  /// than memory, and stores may keep each record in a row of its own.
  /// - Parameters:
  ///   - bytes: whole records; where they end within one, that is told as a torn tail, which is
  ///     none unless the journal ends there.
  ///   - reader: one that read the part before.
  public init(_ bytes: [UInt8], after reader: JournalReader) {
    self.init(bytes, of: reader, from: reader.nextSequence)
    if case .damaged = reader.ending { ending = reader.ending }
  }

  /// Reads a part of a journal that begins with a record whose number is known.
  /// - Parameters:
  ///   - bytes: the part, from the beginning of that record on.
  ///   - journal: a reader of the journal's beginning, for its header.
  ///   - sequence: the number of the record.
  public init(_ bytes: [UInt8], of journal: JournalReader, from sequence: UInt64) {
    self.bytes = bytes
    header = journal.header
    seed = journal.seed
    nextSequence = sequence
    if journal.seed == nil { ending = journal.ending }
  }

  /// The next record; nil where `ending` says why there is none.
  /// - Complexity: O(bytes of the record); O(bytes left) once, where it is not whole.
  public mutating func next() -> Record? {
    guard ending == nil, let seed else { return nil }
    guard offset < bytes.count else {
      ending = .complete
      return nil
    }
    switch Frame.read(bytes, at: offset, seed: seed) {
    case .failure(let fault):
      stop(fault, seed)
      return nil
    case .success(let frame):
      guard frame.kind == .command else {
        damage(.isOfUnknownKind(frame.kind.rawValue), nextSequence)
        return nil
      }
      guard frame.sequence == nextSequence else {
        damage(.isOutOfOrder(found: frame.sequence), nextSequence)
        return nil
      }
      var reader = ByteReader(bytes, frame.body)
      let record = Record(frame, &reader)
      if let flaw = reader.flaw {
        damage(.isUnreadable(flaw), nextSequence)
        return nil
      }
      recordOffset = offset
      offset = frame.body.upperBound
      nextSequence &+= 1
      return record
    }
  }

  /// A record that is not whole: torn if none follows, else damage.
  private mutating func stop(_ fault: Fault, _ seed: UInt32) {
    switch fault {
    case .isCutShort, .isNoRecord, .isAltered:
      if let next = Frame.first(in: bytes, from: offset + 1, seed: seed) {
        damage(fault, nextSequence, next: next)
      } else {
        tear(fault, nextSequence)
      }
    case .isOutOfOrder, .isNewer, .isOfUnknownKind, .isUnreadable, .startsElsewhere:
      damage(fault, nextSequence)
    }
  }

  private mutating func tear(_ fault: Fault, _ sequence: UInt64?) {
    ending = .torn(
      TornTail(offset: offset, sequence: sequence, fault: fault, length: bytes.count - offset))
  }

  mutating func damage(_ fault: Fault, _ sequence: UInt64?, next: (Int, Frame)? = nil) {
    ending = .damaged(
      Damage(
        offset: offset, sequence: sequence, fault: fault, next: next?.0,
        nextSequence: next?.1.sequence))
  }
}
