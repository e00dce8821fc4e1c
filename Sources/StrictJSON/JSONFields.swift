/// The members of one object, asked for by name.
///
/// Ask for every key first, then take the values: a field that is refused does not throw until its
/// ``JSONField/value`` is taken, so the keys after it are still checked, and a key that was never
/// asked for is an error when the object is left. Where one value decides which keys to ask for
/// next, take it with ``take(_:)``.
public struct JSONFields {
  @usableFromInline let object: JSONValue
  /// Keys asked for, for the check at the end.
  private var known: [String] = []
  /// Where the next search starts: fields are mostly asked for in document order.
  private var cursor: Int
  private var ignoresUnknown = false

  @usableFromInline
  init(_ object: JSONValue) {
    self.object = object
    cursor = object.index + 1
    // As many as most decoders ask for, so that the list does not grow by and by.
    known.reserveCapacity(24)
  }

  /// Accepts keys that the decoder does not ask for. For documents of other people's making; ours
  /// have none.
  public mutating func ignoreUnknownKeys() {
    ignoresUnknown = true
  }

  /// Whether the object has `key`. Counts as asking for it.
  ///
  /// - Complexity: O(members), O(1) in document order.
  public mutating func contains(_ key: String) -> Bool {
    find(key) != nil
  }

  /// Takes a value on which the next questions depend. When it was refused the object's remaining
  /// keys are not checked, since the decoder cannot say which are known.
  ///
  /// - Throws: `JSONAbandoned` when the field was refused.
  public mutating func take<T>(_ field: JSONField<T>) throws(JSONAbandoned) -> T {
    if !field.isValid { ignoresUnknown = true }
    return try field.value
  }

  /// Records an error about a member, or about the object when it has no such member; for rules
  /// that span several fields.
  public mutating func record(_ key: String, _ problem: String, hint: String = "") {
    (find(key) ?? object).record(problem, hint: hint)
  }

  /// Reads a required member with a decoder of one's own.
  ///
  /// - Complexity: O(members) to find the key, O(1) in document order.
  @inlinable
  public mutating func read<T>(
    _ key: String, _ body: (JSONValue) throws -> T
  ) -> JSONField<T> {
    required(key, "") { value in value.attempt(body) }
  }

  /// Reads an optional member with a decoder of one's own; nil when the key is absent. An explicit
  /// null goes to the decoder: no reader takes it for an absent key.
  @inlinable
  public mutating func optional<T>(
    _ key: String, _ body: (JSONValue) throws -> T
  ) -> JSONField<T?> {
    guard let value = find(key) else { return JSONField(.some(nil)) }
    return JSONField(value.attempt(body).map { .some($0) })
  }

  /// A required member; when it is missing, `expected` is in the hint.
  @inlinable
  mutating func required<T>(
    _ key: String, _ expected: @autoclosure () -> String, _ body: (JSONValue) -> T?
  ) -> JSONField<T> {
    if let value = find(key) { return JSONField(body(value)) }
    recordMissing(key, expected())
    return JSONField(nil)
  }

  @usableFromInline
  func recordMissing(_ key: String, _ expected: String) {
    let hint = expected.isEmpty ? "add it" : "add \(expected)"
    object.record("missing key \(JSONText.quoted(key))", hint: hint)
  }

  @usableFromInline
  mutating func find(_ key: String) -> JSONValue? {
    known.append(key)
    let tape = object.tape
    let end = tape.after(object.index)
    if let found = search(key, from: cursor, to: end) { return found }
    return search(key, from: object.index + 1, to: cursor)
  }

  private mutating func search(_ key: String, from start: Int, to end: Int) -> JSONValue? {
    let tape = object.tape
    var place = start
    while place < end {
      let value = place + 1
      let next = tape.after(value)
      if tape.isKey(place, key) {
        cursor = next
        return object.at(value)
      }
      place = next
    }
    return nil
  }

  /// Records every key that was not asked for.
  ///
  /// - Complexity: O(members * asked), O(members) when asked in document order.
  @usableFromInline
  mutating func recordUnknownKeys() {
    guard !ignoresUnknown else { return }
    let tape = object.tape
    let end = tape.after(object.index)
    var place = object.index + 1
    var start = 0
    while place < end, !object.log.isFull {
      if let match = match(place, from: start) {
        start = match + 1
      } else {
        let name = tape.string(place)
        object.at(place).record(
          "unknown key \(JSONText.quoted(name))",
          hint: NearestKey.hint(for: name, among: known, called: "key"))
      }
      place = tape.after(place + 1)
    }
    if place < end { object.log.stopEarly() }
  }

  /// Index of the asked key that the key at `place` equals.
  private func match(_ place: Int, from start: Int) -> Int? {
    for index in start..<known.count where object.tape.isKey(place, known[index]) {
      return index
    }
    for index in 0..<min(start, known.count) where object.tape.isKey(place, known[index]) {
      return index
    }
    return nil
  }
}
