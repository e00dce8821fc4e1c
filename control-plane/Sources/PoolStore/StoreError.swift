/// Why a store cannot do what it was asked: what, where, and what to do.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of trouble it is.
  public enum Kind: Hashable, Sendable {
    /// Another process has the folder.
    case inUse
    /// The file is none of ours, or of a later version.
    case foreign
    /// A record, or the file itself, is not as it was written; the sequence number where it is
    /// known.
    case damaged(record: UInt64?)
    /// Another leader writes since.
    case overtaken
    /// A batch could not be made durable: nothing more is taken.
    case ended
    /// A folder or a file cannot be made, opened or read.
    case unavailable
    /// A record is longer than the form allows.
    case tooLong
  }

  /// What kind of trouble it is.
  public let kind: Kind
  /// What is wrong and where, in words.
  public let what: String
  /// What to do about it.
  public let remedy: String

  /// Makes an error.
  public init(_ kind: Kind, _ what: String, remedy: String) {
    self.kind = kind
    self.what = what
    self.remedy = remedy
  }

  public var description: String { "\(what); \(remedy)" }
}
