extension JSONWriter {
  /// Writes a string. Escapes only what JSON demands; other text stays UTF-8.
  public mutating func string(_ value: String) {
    quotedToken(value.utf8)
  }

  /// Writes an integer.
  public mutating func int64(_ value: Int64) {
    token(String(value).utf8)
  }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) {
    token((value ? "true" : "false").utf8)
  }

  /// Writes `null`.
  public mutating func null() {
    token("null".utf8)
  }

  /// Writes thousandths as a decimal number without trailing zeros: 1500 is `1.5`.
  public mutating func milli(_ value: Int64) {
    decimal(value, digits: 3)
  }

  /// Writes an exact decimal number without trailing zeros: `value` × 10^-`digits`.
  /// - Precondition: `digits` is not negative.
  public mutating func decimal(_ value: Int64, digits: Int) {
    beginValue()
    var rest = value.magnitude
    var decimals = digits
    while decimals > 0, rest % 10 == 0 {
      rest /= 10
      decimals -= 1
    }
    if value < 0 { bytes.append(ASCII.minus) }
    let start = bytes.count
    var written = 0
    repeat {
      if decimals > 0, written == decimals { bytes.append(ASCII.dot) }
      bytes.append(ASCII.zero + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
      written += 1
    } while rest > 0 || written <= decimals
    // They came from the last to the first.
    var (low, high) = (start, bytes.count - 1)
    while low < high {
      bytes.swapAt(low, high)
      (low, high) = (low + 1, high - 1)
    }
  }

  /// Writes thousandths as a decimal number with three decimals: 1500 is `1.500`.
  public mutating func milliFixed(_ value: Int64) {
    token(JSONNumber.milliFixedText(value).utf8)
  }

  /// Copies a parsed value: numbers as they were written, strings with the fewest escapes.
  ///
  /// - Complexity: O(size of the value).
  public mutating func value(_ value: JSONValue) {
    let tape = value.tape
    switch value.node.kind {
    case .null: null()
    case .yes: bool(true)
    case .no: bool(false)
    case .number: token(tape.text(value.index))
    case .plain, .escaped: quotedToken(tape.text(value.index))
    case .array:
      array { writer in
        var child = value.index + 1
        while child < tape.after(value.index) {
          writer.value(value.at(child))
          child = tape.after(child)
        }
      }
    case .object:
      object { writer in
        var key = value.index + 1
        while key < tape.after(value.index) {
          writer.key(tape.string(key))
          writer.value(value.at(key + 1))
          key = tape.after(key + 1)
        }
      }
    }
  }

  /// Writes a member that is a string.
  public mutating func string(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  /// Writes a member that is an integer.
  public mutating func int64(_ name: String, _ value: Int64) {
    key(name)
    int64(value)
  }

  /// Writes a member that is `true` or `false`.
  public mutating func bool(_ name: String, _ value: Bool) {
    key(name)
    bool(value)
  }

  /// Writes a member that is `null`.
  public mutating func null(_ name: String) {
    key(name)
    null()
  }

  /// Writes a member that is an exact decimal number: `value` × 10^-`digits`.
  public mutating func decimal(_ name: String, _ value: Int64, digits: Int) {
    key(name)
    decimal(value, digits: digits)
  }

  /// Writes a member in thousandths, without trailing zeros.
  public mutating func milli(_ name: String, _ value: Int64) {
    key(name)
    milli(value)
  }

  /// Writes a member in thousandths, with three decimals.
  public mutating func milliFixed(_ name: String, _ value: Int64) {
    key(name)
    milliFixed(value)
  }

  /// Writes a member that is an object.
  public mutating func object(
    _ name: String, _ body: (inout JSONWriter) throws -> Void
  ) rethrows {
    key(name)
    try object(body)
  }

  /// Writes a member that is an array.
  public mutating func array(
    _ name: String, _ body: (inout JSONWriter) throws -> Void
  ) rethrows {
    key(name)
    try array(body)
  }

  /// Writes a member that copies a parsed value.
  public mutating func value(_ name: String, _ value: JSONValue) {
    key(name)
    self.value(value)
  }
}
