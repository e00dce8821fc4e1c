internal import StrictJSON

/// A place in a file that somebody wrote.
public struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
  /// The file as it was named.
  public let file: String
  /// Line, from 1.
  public let line: Int
  /// Column, from 1, in Unicode scalars.
  public let column: Int

  /// Makes a place.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `FILE:line:column`, the form that editors jump to.
  public var description: String { "\(file):\(line):\(column)" }
}

/// One thing wrong with a file: where it is, what it is, and what to do about it.
public struct SourceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where it is.
  public let place: SourcePlace
  /// The value's place in the document, such as `$.tenants[2].weight`.
  public let path: String
  /// What is wrong, one clause.
  public let problem: String
  /// What to do, one clause; empty where the problem says it all.
  public let hint: String

  /// Makes an error.
  public init(_ place: SourcePlace, path: String = "$", _ problem: String, hint: String = "") {
    self.place = place
    self.path = path
    self.problem = problem
    self.hint = hint
  }

  /// `FILE:line:column: path: problem; hint`.
  public var description: String {
    let text = "\(place): \(path): \(problem)"
    return hint.isEmpty ? text : "\(text); \(hint)"
  }
}

/// Everything wrong with a document and what it includes; never empty.
public struct SourceErrors: Error, Equatable, Sendable, CustomStringConvertible {
  /// The errors: those of the document's own file first, each file's in the order of the file.
  public let errors: [SourceError]
  /// True where there are, or may be, more errors than were collected.
  public let isTruncated: Bool

  /// - Precondition: `errors` is not empty.
  public init(_ errors: [SourceError], isTruncated: Bool = false) {
    precondition(!errors.isEmpty, "SourceErrors without an error")
    self.errors = errors
    self.isTruncated = isTruncated
  }

  /// The errors of a JSON file at their own places.
  init(_ errors: JSONErrors, in file: String) {
    self.init(
      errors.errors.map { error in
        SourceError(
          SourcePlace(file: file, line: error.line, column: error.column), path: error.path,
          error.problem, hint: error.hint)
      }, isTruncated: errors.isTruncated)
  }

  /// One error per line.
  public var description: String {
    let lines = errors.map(\.description)
    let more = isTruncated ? ["only the first \(errors.count) errors are shown"] : []
    return (lines + more).joined(separator: "\n")
  }
}
