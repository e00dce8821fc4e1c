extension JSONValue {
  /// Reads a string.
  ///
  /// - Parameter length: allowed length in UTF-8 bytes.
  public func string(_ length: ClosedRange<Int> = 0...Int.max) throws(JSONAbandoned) -> String {
    guard node.isString else { throw wrongType(Expected.string(length)) }
    let count = tape.textCount(index)
    guard length.contains(count) else {
      throw refuse("the string has \(count) bytes", hint: "expected \(Expected.string(length))")
    }
    return tape.string(index)
  }

  /// Reads `true` or `false`.
  public func bool() throws(JSONAbandoned) -> Bool {
    switch node.kind {
    case .yes: return true
    case .no: return false
    default:
      throw wrongType(Expected.bool, hint: node.isString ? "write it without quotes" : "")
    }
  }

  /// Reads an integer, exactly. `1.0` and `1e3` are not integers.
  public func int64(
    in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(JSONAbandoned) -> Int64 {
    try number(range, Expected.integer(range), decimals: 0)
  }

  /// Reads a decimal number as thousandths, exactly: `0.125` is 125.
  ///
  /// - Parameter range: allowed values in thousandths.
  public func milli(
    in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(JSONAbandoned) -> Int64 {
    try number(range, Expected.milli(range), decimals: 3)
  }

  /// Reads one of the strings of `table` and returns what it stands for.
  ///
  /// - Complexity: O(table).
  @inlinable
  public func choice<T>(_ table: KeyValuePairs<String, T>) throws(JSONAbandoned) -> T {
    for index in 0..<table.count where isText(table[index].key) { return table[index].value }
    throw noChoice(among: table.map { $0.key })
  }

  /// Whether it is a string, and this one.
  @usableFromInline
  func isText(_ text: String) -> Bool { node.isString && tape.isKey(index, text) }

  /// Why it is none of the strings that may stand there.
  @usableFromInline
  func noChoice(among names: [String]) -> JSONAbandoned {
    guard node.isString else { return wrongType(Expected.choice(names)) }
    let text = tape.string(index)
    let known = NearestKey.hint(for: text, among: names, called: "value")
    return refuse("unknown value \(JSONText.quoted(text))", hint: known)
  }

  private func number(
    _ range: ClosedRange<Int64>, _ expected: @autoclosure () -> String, decimals: Int
  ) throws(JSONAbandoned) -> Int64 {
    guard node.kind == .number else {
      let hint = node.isString ? "write a number without quotes" : ""
      throw wrongType(expected(), hint: hint)
    }
    switch JSONNumber.scaled(tape.text(index), decimals: decimals) {
    case .value(let value) where range.contains(value):
      return value
    case .value, .overflow:
      throw refuse(
        "\(JSONText.number(tape.text(index))) is out of range", hint: "expected \(expected())")
    case .exponent:
      throw refuse(
        "\(JSONText.number(tape.text(index))) has an exponent",
        hint: "expected \(expected()), written out")
    case .decimals:
      let rule = decimals == 0 ? "is not an integer" : "has more than \(decimals) decimals"
      throw refuse(
        "\(JSONText.number(tape.text(index))) \(rule)", hint: "expected \(expected())")
    }
  }
}

/// Exact conversion of a valid number's text.
enum JSONNumber {
  enum Scaled: Equatable {
    case value(Int64)
    case overflow
    case exponent
    case decimals
  }

  /// The number times ten to the `decimals`; refused when that is not an `Int64`.
  static func scaled(_ text: ArraySlice<UInt8>, decimals: Int) -> Scaled {
    var magnitude: UInt64 = 0
    var isNegative = false
    var decimalsSeen = -1
    var overflows = false
    for byte in text {
      switch byte {
      case ASCII.minus where magnitude == 0 && decimalsSeen < 0: isNegative = true
      case ASCII.dot: decimalsSeen = 0
      case ASCII.zero...ASCII.nine:
        if decimalsSeen >= 0 { decimalsSeen += 1 }
        overflows = !append(byte - ASCII.zero, to: &magnitude) || overflows
      default: return .exponent
      }
    }
    if decimalsSeen > decimals || (decimals == 0 && decimalsSeen >= 0) { return .decimals }
    for _ in max(decimalsSeen, 0)..<decimals {
      overflows = !append(0, to: &magnitude) || overflows
    }
    let limit = Int64.max.magnitude + (isNegative ? 1 : 0)
    guard !overflows, magnitude <= limit else { return .overflow }
    return .value(isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude))
  }

  /// False when the digit does not fit; the number stays then.
  private static func append(_ digit: UInt8, to magnitude: inout UInt64) -> Bool {
    let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
    let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
    if overflow || carry { return false }
    magnitude = sum
    return true
  }

  /// Thousandths as a decimal number without trailing zeros: 1500 is `1.5`.
  static func milliText(_ value: Int64) -> String {
    var text = milliFixedText(value)
    while text.utf8.last == ASCII.zero { text.removeLast() }
    if text.utf8.last == ASCII.dot { text.removeLast() }
    return text
  }

  /// Thousandths as a decimal number with three decimals: 1500 is `1.500`.
  static func milliFixedText(_ value: Int64) -> String {
    let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: 1000)
    let zeros = rest < 10 ? "00" : rest < 100 ? "0" : ""
    return "\(value < 0 ? "-" : "")\(whole).\(zeros)\(rest)"
  }
}

/// What a reader wants, for messages.
@usableFromInline
enum Expected {
  static let bool = "true or false"

  static func integer(_ range: ClosedRange<Int64>) -> String {
    "an integer from \(range.lowerBound) to \(range.upperBound)"
  }

  static func milli(_ range: ClosedRange<Int64>) -> String {
    let (low, high) = (range.lowerBound, range.upperBound)
    return "a number from \(JSONNumber.milliText(low)) to \(JSONNumber.milliText(high))"
      + " with at most 3 decimals"
  }

  static func string(_ length: ClosedRange<Int>) -> String {
    let (low, high) = (length.lowerBound, length.upperBound)
    if high == Int.max { return low == 0 ? "a string" : "a string of at least \(low) bytes" }
    if low == high { return "a string of \(low) bytes" }
    return "a string of \(low) to \(high) bytes"
  }

  @usableFromInline
  static func choice(_ names: [String]) -> String {
    "one of " + JSONText.list(names)
  }

  @usableFromInline
  static func array(_ count: ClosedRange<Int>) -> String {
    let (low, high) = (count.lowerBound, count.upperBound)
    if high == Int.max { return low == 0 ? "an array" : "an array of at least \(low) elements" }
    if low == high { return "an array of \(low) elements" }
    return "an array of \(low) to \(high) elements"
  }

  @usableFromInline static let object = "an object"
}
