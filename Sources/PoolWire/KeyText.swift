public import PoolAllocator
package import StrictJSON

extension Key {
  /// The key on the wire: 32 lowercase hexadecimal digits.
  public var wire: String {
    var digits: [UInt8] = []
    digits.reserveCapacity(32)
    for half in [high, low] {
      for shift in stride(from: UInt64(60), through: 0, by: -4) {
        digits.append(Self.digit(UInt8(half >> shift & 0xF)))
      }
    }
    return String(decoding: digits, as: UTF8.self)
  }

  /// Reads 32 lowercase hexadecimal digits.
  /// - Returns: nil for anything else, capitals included: one text per key.
  public init?(wire text: String) {
    guard text.utf8.count == 32,
      text.utf8.allSatisfy({ byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}

extension JSONValue {
  /// Reads a key.
  package func key() throws(JSONAbandoned) -> Key {
    guard let key = Key(wire: try string(1...64)) else {
      throw refuse("this is no key", hint: "expected 32 digits of 0-9 and a-f")
    }
    return key
  }

  /// Reads a span of seconds with up to nine decimals, exactly.
  func exactSpan() throws(JSONAbandoned) -> Span {
    guard kind == .number, let written = numberText else {
      // The reader of thousandths says what is expected.
      return Span(ns: try milli(in: 0...Amounts.exactSpanMax / Amounts.nanosecondsPerMilli))
    }
    guard let value = Amounts.scaled(written, digits: 9), value >= 0,
      value <= Amounts.exactSpanMax
    else {
      throw refuse(
        "\(written.prefix(40)) is no span of seconds",
        hint: "expected a number from 0 to \(Amounts.text(Amounts.exactSpanMax, digits: 9))"
          + " with at most 9 decimals")
    }
    return Span(ns: value)
  }
}

extension Amounts {
  /// Longest span between a leader and an agent. What the core counts may pass what a document of
  /// a person may ask for. Unit: nanoseconds.
  static let exactSpanMax = 4 * Limits.spanMax.ns
}
