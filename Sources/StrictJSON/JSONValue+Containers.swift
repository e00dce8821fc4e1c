extension JSONValue {
  /// Reads an object through its fields. Leaving the closure, every key that was not asked for is
  /// recorded as unknown. So ask for every key first and take the values last; see ``JSONFields``.
  ///
  /// - Throws: `JSONAbandoned` when this is no object or the closure threw.
  @inlinable
  public func object<T>(
    _ body: (inout JSONFields) throws -> T
  ) throws(JSONAbandoned) -> T {
    guard kind == .object else { throw wrongType(Expected.object) }
    var fields = JSONFields(self)
    let result = attempt { _ in try body(&fields) }
    fields.recordUnknownKeys()
    guard let result else { throw JSONAbandoned() }
    return result
  }

  /// Reads every element of an array; all are tried even when one is refused.
  ///
  /// - Parameters:
  ///   - min: fewest elements.
  ///   - max: most elements.
  /// - Throws: `JSONAbandoned` when this is no array, has too few or too many elements (none is
  ///   read then), or an element was refused.
  @inlinable
  public func array<T>(
    min: Int = 0, max: Int, _ body: (JSONValue) throws -> T
  ) throws(JSONAbandoned) -> [T] {
    guard kind == .array else { throw wrongType(Expected.array(min...max)) }
    guard (min...max).contains(count) else {
      throw refuse(
        "the array has \(count) elements", hint: "expected \(Expected.array(min...max))")
    }
    var result: [T] = []
    result.reserveCapacity(count)
    var next = firstChild
    for _ in 0..<count {
      guard let child = next else { break }
      try stopWhereFull()
      if let element = child.attempt(body) { result.append(element) }
      next = child.sibling
    }
    guard result.count == count else { throw JSONAbandoned() }
    return result
  }

  /// The first element of an array that has one.
  @usableFromInline
  var firstChild: JSONValue? { count > 0 ? at(index + 1) : nil }

  /// The value behind this one in its array; behind the last one it is none of the array's.
  @usableFromInline
  var sibling: JSONValue? {
    let next = tape.after(index)
    return next < tape.nodes.count ? at(next) : nil
  }

  /// Gives up where one more error would not be shown.
  @usableFromInline
  func stopWhereFull() throws(JSONAbandoned) {
    guard log.isFull else { return }
    log.stopEarly()
    throw JSONAbandoned()
  }

  /// Reads an object whose keys are data, such as `{"acme": 3, "vision": 5}`, in document order.
  ///
  /// - Parameters:
  ///   - max: most members.
  ///   - body: reads one member; the key is unique within the object.
  /// - Throws: as ``array(min:max:_:)``.
  public func map<T>(
    max: Int, _ body: (_ key: String, _ value: JSONValue) throws -> T
  ) throws(JSONAbandoned) -> [T] {
    guard node.kind == .object else { throw wrongType(Expected.object) }
    guard count <= max else {
      throw refuse("the object has \(count) members", hint: "expected at most \(max)")
    }
    var result: [T] = []
    result.reserveCapacity(count)
    var key = index + 1
    for _ in 0..<count {
      if log.isFull {
        log.stopEarly()
        throw JSONAbandoned()
      }
      let name = tape.string(key)
      if let member = at(key + 1).attempt({ try body(name, $0) }) { result.append(member) }
      key = tape.after(key + 1)
    }
    guard result.count == count else { throw JSONAbandoned() }
    return result
  }

  /// The same decoding at another node.
  func at(_ index: Int) -> JSONValue {
    JSONValue(tape: tape, log: log, index: index)
  }
}
