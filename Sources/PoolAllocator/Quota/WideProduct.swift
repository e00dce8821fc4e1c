/// `left × right + plus` of three numbers that are not negative, in 128 bits.
///
/// Prices and refills are one product divided once; nearly always the quotient fits 64 bits, and
/// then one division of 128 by 64 bits does it, several times faster than a general one.
struct WideProduct: BitwiseCopyable {
  private var high: UInt64
  private var low: UInt64

  init(_ left: Int64, _ right: Int64, plus: Int64) {
    invariant(left >= 0 && right >= 0 && plus >= 0, "prices and refills are not negative")
    let product = UInt64(left).multipliedFullWidth(by: UInt64(right))
    let (sum, carry) = product.low.addingReportingOverflow(UInt64(plus))
    high = product.high &+ (carry ? 1 : 0)
    low = sum
  }

  /// Quotient and remainder; the divisor is positive.
  func divided(by divisor: Int64) -> (quotient: Int128, remainder: Int64) {
    let divisor = UInt64(divisor)
    if high < divisor {
      let (quotient, remainder) = divisor.dividingFullWidth((high, low))
      return (Int128(quotient), Int64(remainder))
    }
    let whole = UInt128(high) << 64 | UInt128(low)
    let (quotient, remainder) = whole.quotientAndRemainder(dividingBy: UInt128(divisor))
    return (Int128(quotient), Int64(remainder))
  }
}
