@testable import PoolAllocator

/// A bucket in exact arithmetic: its level is a whole number of 10⁻⁹ credits, nothing is rounded.
///
/// Written from SEMANTICS §2 without a look at `CreditBucket`: credits drip in at `rate` per second
/// and run over at the cap. A level of L billionths reads as ⌊L / 10⁹⌋ credits.
struct ExactBucket {
  static let unit: Int128 = 1_000_000_000

  var cap: Int64
  /// Credits per second, which is billionths per nanosecond.
  var rate: Int64
  var billionths: Int128
  var time: Int64

  init(cap: Int64, rate: Int64, level: Int64, time: Int64) {
    self.cap = cap
    self.rate = rate
    self.billionths = Int128(level) * Self.unit
    self.time = time
  }

  private var full: Int128 { Int128(cap) * Self.unit }

  /// Lets time pass.
  mutating func advance(to moment: Int64) {
    guard moment > time else { return }
    billionths = min(full, billionths + Int128(moment - time) * Int128(rate))
    time = moment
  }

  /// Takes credits out; puts them back where negative, losing what passes the cap.
  mutating func take(_ credits: Int64) {
    billionths = min(full, billionths - Int128(credits) * Self.unit)
  }

  /// Whole credits, rounded down also below zero.
  var level: Int128 {
    let (whole, rest) = billionths.quotientAndRemainder(dividingBy: Self.unit)
    return rest < 0 ? whole - 1 : whole
  }

  /// What is left beside the whole credits.
  var remainder: Int128 { billionths - level * Self.unit }
}
