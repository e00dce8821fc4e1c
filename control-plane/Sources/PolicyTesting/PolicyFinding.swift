public import StrictJSON

/// One thing that a check found in a policy that can be read: where it is, what it means, and what
/// to change.
public struct PolicyFinding: Sendable, Equatable {
  /// How much it matters.
  public enum Weight: String, Sendable, CaseIterable {
    /// The policy does not do what it says; a check fails.
    case error
    /// It may be meant.
    case warning
  }

  /// The rule, in a word that stays.
  public let code: String
  /// How much it matters.
  public let weight: Weight
  /// Where it is written.
  public let place: SourcePlace
  /// The value's place in the document.
  public let path: String
  /// What is so.
  public let problem: String
  /// What to change.
  public let advice: String

  /// `FILE:line:column: error: path: problem; advice (code)`.
  public var line: String {
    "\(place): \(weight.rawValue): \(path): \(problem); \(advice) (\(code))"
  }

  /// Writes it as an object.
  public func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("code", code)
      writer.string("weight", weight.rawValue)
      writer.string("file", place.file)
      writer.int64("line", Int64(place.line))
      writer.int64("column", Int64(place.column))
      writer.string("path", path)
      writer.string("problem", problem)
      writer.string("advice", advice)
    }
  }
}

extension SourceError {
  /// Writes it as an object, as findings are.
  public func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("code", "malformed")
      writer.string("weight", PolicyFinding.Weight.error.rawValue)
      writer.string("file", place.file)
      writer.int64("line", Int64(place.line))
      writer.int64("column", Int64(place.column))
      writer.string("path", path)
      writer.string("problem", problem)
      writer.string("advice", hint)
    }
  }
}
