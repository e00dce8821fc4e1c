// One required and one optional form of each reader of JSONValue. Optional forms give nil when the
// key is absent; an explicit null is an error.
extension JSONFields {
  /// A string of `length` UTF-8 bytes.
  public mutating func string(
    _ key: String, _ length: ClosedRange<Int> = 0...Int.max
  ) -> JSONField<String> {
    required(key, Expected.string(length)) { $0.attempt { try $0.string(length) } }
  }

  /// A string of `length` UTF-8 bytes, or nil when absent.
  public mutating func optionalString(
    _ key: String, _ length: ClosedRange<Int> = 0...Int.max
  ) -> JSONField<String?> {
    optional(key) { try $0.string(length) }
  }

  /// `true` or `false`.
  public mutating func bool(_ key: String) -> JSONField<Bool> {
    required(key, Expected.bool) { $0.attempt { try $0.bool() } }
  }

  /// `true` or `false`, or nil when absent.
  public mutating func optionalBool(_ key: String) -> JSONField<Bool?> {
    optional(key) { try $0.bool() }
  }

  /// An integer in `range`, exactly.
  public mutating func int64(
    _ key: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) -> JSONField<Int64> {
    required(key, Expected.integer(range)) { $0.attempt { try $0.int64(in: range) } }
  }

  /// An integer in `range`, exactly, or nil when absent.
  public mutating func optionalInt64(
    _ key: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) -> JSONField<Int64?> {
    optional(key) { try $0.int64(in: range) }
  }

  /// A decimal number as thousandths; `range` is in thousandths too.
  public mutating func milli(
    _ key: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) -> JSONField<Int64> {
    required(key, Expected.milli(range)) { $0.attempt { try $0.milli(in: range) } }
  }

  /// A decimal number as thousandths, or nil when absent; `range` is in thousandths too.
  public mutating func optionalMilli(
    _ key: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) -> JSONField<Int64?> {
    optional(key) { try $0.milli(in: range) }
  }

  /// One of the strings of `table`, as what it stands for.
  @inlinable
  public mutating func choice<T>(
    _ key: String, _ table: KeyValuePairs<String, T>
  ) -> JSONField<T> {
    required(key, Expected.choice(table.map { $0.key })) { $0.attempt { try $0.choice(table) } }
  }

  /// One of the strings of `table`, as what it stands for, or nil when absent.
  @inlinable
  public mutating func optionalChoice<T>(
    _ key: String, _ table: KeyValuePairs<String, T>
  ) -> JSONField<T?> {
    optional(key) { try $0.choice(table) }
  }

  /// An object, read through its own fields.
  @inlinable
  public mutating func object<T>(
    _ key: String, _ body: (inout JSONFields) throws -> T
  ) -> JSONField<T> {
    required(key, Expected.object) { $0.attempt { try $0.object(body) } }
  }

  /// An object, read through its own fields, or nil when absent.
  @inlinable
  public mutating func optionalObject<T>(
    _ key: String, _ body: (inout JSONFields) throws -> T
  ) -> JSONField<T?> {
    optional(key) { try $0.object(body) }
  }

  /// An array of `min` to `max` elements.
  @inlinable
  public mutating func array<T>(
    _ key: String, min: Int = 0, max: Int, _ body: (JSONValue) throws -> T
  ) -> JSONField<[T]> {
    required(key, Expected.array(min...max)) {
      $0.attempt { try $0.array(min: min, max: max, body) }
    }
  }

  /// An array of `min` to `max` elements, or nil when absent.
  @inlinable
  public mutating func optionalArray<T>(
    _ key: String, min: Int = 0, max: Int, _ body: (JSONValue) throws -> T
  ) -> JSONField<[T]?> {
    optional(key) { try $0.array(min: min, max: max, body) }
  }

  /// An object whose keys are data, of at most `max` members, in document order.
  public mutating func map<T>(
    _ key: String, max: Int, _ body: (_ key: String, _ value: JSONValue) throws -> T
  ) -> JSONField<[T]> {
    required(key, Expected.object) { $0.attempt { try $0.map(max: max, body) } }
  }

  /// An object whose keys are data, of at most `max` members, or nil when absent.
  public mutating func optionalMap<T>(
    _ key: String, max: Int, _ body: (_ key: String, _ value: JSONValue) throws -> T
  ) -> JSONField<[T]?> {
    optional(key) { try $0.map(max: max, body) }
  }
}
