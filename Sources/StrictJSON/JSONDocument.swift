/// A valid JSON document (RFC 8259, and stricter: no duplicate keys, no lone surrogates, bounded).
///
/// Parse once, then read with typed readers that collect every error:
///
///     let document = try JSONDocument(bytes, limits: JSONLimits(documentBytesMax: 256 << 10))
///     let tenant = try document.decode { root in
///       try root.object { fields in
///         let name = fields.string("name", 1...64)
///         let weight = fields.milli("weight", in: 1...1_000_000)
///         let burst = fields.optionalInt64("burst", in: 0...3600)
///         return try Tenant(name: name.value, weight: weight.value, burst: burst.value)
///       }
///     }
///
/// Immutable; may be shared between threads.
public struct JSONDocument: Sendable {
  let tape: JSONTape

  /// Parses `bytes`.
  ///
  /// - Throws: `JSONErrors` with the first syntax error and every duplicate key before it.
  /// - Complexity: O(n), and O(k log k) key comparisons for an object of k members.
  public init(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONErrors) {
    tape = try JSONParser.parse(bytes, limits)
  }

  /// Parses the UTF-8 form of `text`.
  ///
  /// - Throws: as ``init(_:limits:)``.
  public init(text: String, limits: JSONLimits = .standard) throws(JSONErrors) {
    try self.init(Array(text.utf8), limits: limits)
  }

  /// The document's value, to inspect or to copy with ``JSONWriter/value(_:)``. Typed readers
  /// belong inside ``decode(_:)``; on this value they throw ``JSONAbandoned`` and the reasons are
  /// lost.
  public var root: JSONValue {
    JSONValue(tape: tape, log: JSONLog(failuresMax: 1), index: 0)
  }

  /// Runs a decoder over the document's value.
  ///
  /// - Throws: `JSONErrors` with all errors that the decoder's readers found, in document order, at
  ///   most `errorsMax`. An error of another type that the decoder throws is among them, its
  ///   description as the problem, at the innermost value being read.
  public func decode<T>(_ body: (JSONValue) throws -> T) throws(JSONErrors) -> T {
    let log = JSONLog(failuresMax: tape.limits.errorsMax)
    let root = JSONValue(tape: tape, log: log, index: 0)
    let result = root.attempt(body)
    if let result, log.failures.isEmpty { return result }
    if log.failures.isEmpty { root.record("the decoder gave up for a reason of another document") }
    throw JSONErrors(tape.resolve(log.failures), isTruncated: log.isTruncated)
  }
}
