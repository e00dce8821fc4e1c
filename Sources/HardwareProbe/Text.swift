/// Plain decimal numbers, as /proc and /sys print them.
enum Decimal {
  /// Digits only: no sign, no blank, no prefix. Nil when empty, too big or anything else.
  static func parse(_ text: some StringProtocol) -> UInt64? {
    guard !text.isEmpty else { return nil }
    var value: UInt64 = 0
    for digit in text.utf8 {
      guard (48...57).contains(digit) else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit - 48))
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }

  /// `numerator / denominator` rounded half up to `digits` decimals, as text: `18.2`.
  static func ratio(_ numerator: UInt64, over denominator: UInt64, digits: Int) -> String {
    var scale: UInt64 = 1
    for _ in 0..<digits { scale *= 10 }
    let whole = numerator / denominator
    let (rest, overflow) = (numerator % denominator).multipliedReportingOverflow(by: scale)
    let fraction = overflow ? 0 : (rest + denominator / 2) / denominator
    let carried = whole + fraction / scale
    guard digits > 0 else { return "\(carried)" }
    let decimals = String(fraction % scale)
    let zeros = String(repeating: "0", count: digits - decimals.count)
    return "\(carried).\(zeros)\(decimals)"
  }
}

extension StringProtocol {
  /// Without blanks at both ends.
  var trimmed: String {
    var rest = Substring(self)
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }

  /// One line that a terminal may show: control characters become `?`, length is bounded.
  ///
  /// Names come from drivers and kernels; an escape sequence in one must not reach an operator's
  /// screen, and a name of a megabyte must not reach the wire.
  var printable: String {
    let scalars = trimmed.unicodeScalars.prefix(ProbeLimits.nameCharacters)
    let safe = scalars.map { scalar -> Character in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: "?"
      default: Character(scalar)
      }
    }
    return String(safe)
  }
}
