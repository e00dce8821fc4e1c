/// A field that was read, or refused with the reason recorded. Reading goes on after a refused
/// field, so that one run shows all errors; the value is taken when the decoder builds its result.
public struct JSONField<T> {
  @usableFromInline let result: T?

  @inlinable
  init(_ result: T?) {
    self.result = result
  }

  /// The value.
  ///
  /// - Throws: `JSONAbandoned` when the field was refused.
  @inlinable
  public var value: T {
    get throws(JSONAbandoned) {
      guard let result else { throw JSONAbandoned() }
      return result
    }
  }

  /// False when the field was refused.
  @inlinable
  public var isValid: Bool { result != nil }
}

extension JSONField: Sendable where T: Sendable {}
