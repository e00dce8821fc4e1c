/// Why the bytes at a place are not the record that belongs there.
public enum Fault: Error, Hashable, Sendable {
  /// The bytes end before the record does.
  case isCutShort(missing: Int)
  /// They are no header of a record of this journal.
  case isNoRecord
  /// The header is sound, but the body is not what was written.
  case isAltered
  /// Another record stands there, whole.
  case isOutOfOrder(found: UInt64)
  /// A record in a form that this version does not know.
  case isNewer(UInt8)
  /// A record of a kind that this version does not know, or that does not belong there.
  case isOfUnknownKind(UInt8)
  /// The record is as it was written, but this version cannot read it.
  case isUnreadable(Flaw)
  /// The journal starts from another pool than the one at hand.
  case startsElsewhere
}

/// The last write did not come to its end: the record was never acknowledged.
public struct TornTail: Hashable, Sendable {
  /// Where the whole records end. Cutting here repairs the journal. Unit: bytes.
  public let offset: Int
  /// The record that was being written; nil for the header of the journal.
  public let sequence: UInt64?
  /// What stands there instead.
  public let fault: Fault
  /// How much is cut off. Unit: bytes.
  public let length: Int
}

/// A record in the middle is missing, altered or cannot be read: going on would make up history.
public struct Damage: Hashable, Sendable {
  /// Where. Unit: bytes.
  public let offset: Int
  /// The record that belongs there; nil for the header of the journal.
  public let sequence: UInt64?
  /// What stands there instead.
  public let fault: Fault
  /// Where the next whole record begins, if there is one. Unit: bytes.
  public let next: Int?
  /// Its sequence number.
  public let nextSequence: UInt64?
}

/// How reading a journal ended.
public enum JournalEnding: Hashable, Sendable {
  /// Every byte belongs to a record.
  case complete
  /// What follows the records is the rest of a write that did not come to its end.
  case torn(TornTail)
  /// Something is missing or altered; nothing behind it is read.
  case damaged(Damage)
}

extension Fault: CustomStringConvertible {
  /// As the end of a sentence about a record.
  public var description: String {
    switch self {
    case .isCutShort(let missing): "is cut short by \(missing) bytes"
    case .isNoRecord: "has no header of a record of this journal"
    case .isAltered: "does not match its checksum"
    case .isOutOfOrder(let found): "is missing: record \(found) stands in its place"
    case .isNewer(let version):
      "is in form \(version), and this release reads up to \(Frame.version)"
    case .isOfUnknownKind(let kind): "is of kind \(kind), which does not belong there"
    case .isUnreadable(let flaw): "cannot be read: \(flaw)"
    case .startsElsewhere: "starts from another pool than the one at hand"
    }
  }
}

extension Flaw: CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String {
    let what =
      switch kind {
      case .isCutShort: "a field is cut short"
      case .isUnknown(let number): "\(number) has no meaning there"
      case .isTooLong(let count): "a list of \(count) is longer than it may be"
      case .isNotShortest: "a value is not in its shortest form"
      case .repeatsNothing: "a value is said to be the command's, which has none"
      case .pointsOutside: "an event points to rows that are not there"
      case .hasMore: "bytes follow the last field"
      }
    return "\(what), at byte \(offset) of its body"
  }
}

extension TornTail: CustomStringConvertible {
  /// What happened, and what to do.
  public var description: String {
    let subject = sequence.map { "record \($0)" } ?? "the header"
    return "\(subject) at byte \(offset) \(fault), and nothing follows: the write did not come to "
      + "its end; cut the journal at byte \(offset) (\(length) bytes are dropped)"
  }
}

extension Damage: CustomStringConvertible {
  /// What is wrong, and what to do.
  public var description: String {
    let subject = sequence.map { "record \($0)" } ?? "the header"
    let after =
      next.map { ", and record \(nextSequence ?? 0) follows at byte \($0)" } ?? ""
    return "\(subject) at byte \(offset) \(fault)\(after): \(advice)"
  }

  private var advice: String {
    switch fault {
    case .isNewer, .isUnreadable, .isOfUnknownKind:
      "read the journal with the release that wrote it, or a later one"
    case .startsElsewhere: "start from the snapshot that the journal was begun with"
    case .isCutShort, .isNoRecord, .isAltered, .isOutOfOrder:
      "do not start; restore the journal from a copy"
    }
  }
}
