/// The price of time: an integer rate, and a charge whose parts add up exactly.
///
/// A lease costs `rate = Σ billed share (milli) × profile weight (milli) × job weight (milli)` in
/// 10⁻¹² credits per nanosecond (three factors of a thousand for the weights, 10⁶ ns in the
/// millisecond of a credit). The remainder below one credit is carried from charge to charge and
/// rounded up once, at the last one, so any way of cutting an interval gives the same sum.
public enum Price {
  /// What a nanosecond costs.
  /// - Parameters:
  ///   - billedMilli: Σ billed share of all devices, in thousandths.
  ///   - profileMilli: weight of the hardware profile, in thousandths.
  ///   - jobMilli: the job's own weight, in thousandths.
  /// - Returns: 10⁻¹² credits per nanosecond, or nil where it passes 2⁶³.
  public static func rate(billedMilli: Int64, profileMilli: Int32, jobMilli: Int32) -> Int64? {
    let (weighted, first) = billedMilli.multipliedReportingOverflow(by: Int64(profileMilli))
    let (rate, second) = weighted.multipliedReportingOverflow(by: Int64(jobMilli))
    return first || second ? nil : rate
  }

  /// A charge and what it carries on.
  public struct Charge: BitwiseCopyable, Hashable, Sendable {
    /// Whole credits.
    public var credits: Int128
    /// 10⁻¹² credits carried to the next charge.
    public var remainder: Int64
  }

  /// The charge for a part of an interval, rounded down, with the remainder to carry.
  public static func charge(rate: Int64, span: Span, carried: Int64 = 0) -> Charge {
    let (whole, rest) = WideProduct(rate, span.ns, plus: carried).divided(by: 1_000_000_000_000)
    if planted(.roundsEachPart) {
      return Charge(credits: whole + min(1, Int128(rest)), remainder: 0)
    }
    return Charge(credits: whole, remainder: rest)
  }

  /// The charge for the last part: rounded up once.
  public static func lastCharge(rate: Int64, span: Span, carried: Int64 = 0) -> Int128 {
    let charge = charge(rate: rate, span: span, carried: carried)
    return charge.remainder > 0 ? charge.credits + 1 : charge.credits
  }

  /// The whole price of an interval.
  /// - Returns: nil where it passes 2⁵³ credits.
  public static func of(rate: Int64, span: Span) -> Credits? {
    Credits(checked: lastCharge(rate: rate, span: span))
  }
}
