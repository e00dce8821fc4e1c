/// An exact fraction in lowest terms.
///
/// Every operation traps where 128 bits do not hold its result, so a result is exact or there is
/// none. Levels are whole billionths below 2⁵³ credits (83 bits), counters have denominators that
/// divide a million; both leave room for the products of a comparison.
struct Rational: Comparable, Hashable, Sendable, CustomStringConvertible {
  let numerator: Int128
  /// Greater than zero.
  let denominator: Int128

  init(_ whole: Int128) {
    numerator = whole
    denominator = 1
  }

  init(_ whole: Int64) { self.init(Int128(whole)) }

  /// The divisor must not be zero.
  init(_ numerator: Int128, over denominator: Int128) {
    precondition(denominator != 0, "nothing is divided by zero")
    let common = Self.greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
    let sign: Int128 = denominator < 0 ? -1 : 1
    self.numerator = sign * numerator / Int128(common)
    self.denominator = sign * denominator / Int128(common)
  }

  static let zero = Rational(Int128(0))

  /// The greatest whole number that is not above it.
  var floor: Int128 {
    let (whole, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
    return rest < 0 ? whole - 1 : whole
  }

  /// The least whole number that is not below it.
  var ceiling: Int128 { -(-self).floor }

  var description: String { denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)" }

  static prefix func - (one: Rational) -> Rational {
    Rational(-one.numerator, over: one.denominator)
  }

  static func + (left: Rational, right: Rational) -> Rational {
    if left.denominator == right.denominator {
      return Rational(left.numerator + right.numerator, over: left.denominator)
    }
    return Rational(
      left.numerator * right.denominator + right.numerator * left.denominator,
      over: left.denominator * right.denominator)
  }

  static func - (left: Rational, right: Rational) -> Rational { left + -right }

  static func * (left: Rational, right: Rational) -> Rational {
    Rational(left.numerator * right.numerator, over: left.denominator * right.denominator)
  }

  static func / (left: Rational, right: Rational) -> Rational {
    Rational(left.numerator * right.denominator, over: left.denominator * right.numerator)
  }

  static func < (left: Rational, right: Rational) -> Bool {
    left.numerator * right.denominator < right.numerator * left.denominator
  }

  /// Euclid.
  private static func greatestCommonDivisor(_ left: UInt128, _ right: UInt128) -> UInt128 {
    var (greater, less) = (left, right)
    while less != 0 { (greater, less) = (less, greater % less) }
    return greater
  }
}
