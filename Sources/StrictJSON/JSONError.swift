/// One thing wrong with a document: where it is, what it is, and what to do about it.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Line, from 1. Lines end at LF (so CR LF counts once).
  public let line: Int
  /// Column, from 1, in Unicode scalars.
  public let column: Int
  /// The value's place in the document, such as `$.tenants[2].weight`.
  public let path: String
  /// What is wrong, one clause. Text from the document in it is escaped and shortened.
  public let problem: String
  /// What to do, one clause; empty where the problem says it all.
  public let hint: String

  /// Makes an error by hand, for tests and for checks that span several documents.
  public init(line: Int, column: Int, path: String, problem: String, hint: String) {
    self.line = line
    self.column = column
    self.path = path
    self.problem = problem
    self.hint = hint
  }

  /// `line:column: path: problem; hint`.
  public var description: String {
    let place = "\(line):\(column): \(path): \(problem)"
    return hint.isEmpty ? place : "\(place); \(hint)"
  }

  /// `FILE:line:column: path: problem; hint`, the form that editors jump to.
  public func formatted(file: String) -> String {
    "\(file):\(description)"
  }
}

/// All errors of one document in document order; never empty.
public struct JSONErrors: Error, Equatable, Sendable, CustomStringConvertible {
  /// The errors by position; at least one, at most `JSONLimits.errorsMax`.
  public let errors: [JSONError]
  /// True when the document has, or may have, more errors than were collected.
  public let isTruncated: Bool

  /// - Precondition: `errors` is not empty.
  public init(_ errors: [JSONError], isTruncated: Bool = false) {
    precondition(!errors.isEmpty, "JSONErrors without an error")
    self.errors = errors
    self.isTruncated = isTruncated
  }

  /// One error per line, without a file name.
  public var description: String {
    lines { $0.description }
  }

  /// One error per line, each as `FILE:line:column: path: problem; hint`.
  public func formatted(file: String) -> String {
    lines { $0.formatted(file: file) }
  }

  private func lines(_ form: (JSONError) -> String) -> String {
    var text = ""
    for error in errors {
      if !text.isEmpty { text += "\n" }
      text += form(error)
    }
    return isTruncated ? text + "\nonly the first \(errors.count) errors are shown" : text
  }
}

/// Thrown through a decoder when a value was refused. The reasons are already recorded and come out
/// of ``JSONDocument/decode(_:)`` as ``JSONErrors``, so a decoder passes this on and never reports
/// it.
public struct JSONAbandoned: Error, Equatable, Sendable, CustomStringConvertible {
  @usableFromInline
  init() {}

  /// A reminder for whoever prints this instead of the recorded errors.
  public var description: String { "a JSON value was refused; decode(_:) throws the reasons" }
}
