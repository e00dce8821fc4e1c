/// A value inside a document: an index into it, cheap to copy.
///
/// The readers (`string`, `int64`, `object` ...) check type and range. A refused value is recorded
/// with its position and the reader throws ``JSONAbandoned``; the reading of its siblings goes on.
public struct JSONValue {
  /// What a value is, for decoders that accept more than one type.
  public enum Kind: Sendable, Equatable {
    /// The literal `null`.
    case null
    /// `true` or `false`.
    case bool
    /// Any number.
    case number
    /// Any string.
    case string
    /// `[...]`.
    case array
    /// `{...}`.
    case object
  }

  let tape: JSONTape
  let log: JSONLog
  let index: Int

  var node: JSONNode { tape.nodes[index] }

  /// The value's type. O(1).
  public var kind: Kind {
    switch node.kind {
    case .null: .null
    case .yes, .no: .bool
    case .number: .number
    case .plain, .escaped: .string
    case .array: .array
    case .object: .object
    }
  }

  /// The number as written, nil for other types.
  ///
  /// - Complexity: O(length).
  public var numberText: String? {
    kind == .number ? tape.string(index) : nil
  }

  /// How many elements or members an array or object has; 0 for other types. O(1).
  public var count: Int {
    node.isContainer ? Int(node.end) : 0
  }

  /// The path of this value, such as `$.tenants[2].weight`.
  ///
  /// - Complexity: O(siblings on the way); for messages, not for loops.
  public var path: String { tape.path(to: index) }

  /// Whether an error was recorded so far in the decoding that this value is part of. O(1).
  public var hasErrors: Bool { !log.failures.isEmpty }

  /// Records an error about this value; the caller decides whether to go on.
  ///
  /// - Parameters:
  ///   - problem: what is wrong, one clause.
  ///   - hint: what to do, one clause, or empty.
  public func record(_ problem: String, hint: String = "") {
    log.append(
      JSONFailure(offset: tape.offset(index), node: index, problem, hint: hint))
  }

  /// Records an error about this value and returns the error to throw.
  public func refuse(_ problem: String, hint: String = "") -> JSONAbandoned {
    record(problem, hint: hint)
    return JSONAbandoned()
  }

  /// Runs part of a decoder on this value; nil when it threw. An error that is not yet recorded is
  /// recorded here.
  @inlinable
  func attempt<T>(_ body: (JSONValue) throws -> T) -> T? {
    do {
      return try body(self)
    } catch is JSONAbandoned {
      return nil
    } catch {
      record("\(error)")
      return nil
    }
  }

  @usableFromInline
  func wrongType(_ expected: String, hint: String = "") -> JSONAbandoned {
    refuse("expected \(expected), found \(found)", hint: hint)
  }

  /// The value in a message.
  private var found: String {
    switch node.kind {
    case .null: "null"
    case .yes: "true"
    case .no: "false"
    case .number: "the number \(JSONText.number(tape.text(index)))"
    case .plain, .escaped: "the string \(JSONText.quoted(tape.string(index)))"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
