import PoolAllocator

/// Prices as SEMANTICS 1 defines them.
enum ExactPrice {
  /// Thousandths that a member is billed for in a lane.
  static func billed(_ demand: Demand, slices: [SliceRule], memory: Bytes) -> Int128 {
    switch demand.shape {
    case .whole: 1000 * Int128(demand.devices)
    case .fraction(let milli, let bytes):
      max(
        Int128(milli.value),
        Rational(1000 * Int128(bytes.value), over: Int128(memory.value)).ceiling)
        * Int128(demand.devices)
    case .slice(let key):
      Int128(slices.first { $0.key == key }?.billedMilli ?? 0) * Int128(demand.devices)
    case .cpuOnly: Int128(demand.cpu.value)
    }
  }

  /// Credits that a nanosecond costs: a credit is a thousandth of weight 1.000 for a millisecond.
  static func perNanosecond(
    billed: Int128, profileMilli: Int32, jobMilli: Int32
  ) -> Rational {
    Rational(billed * Int128(profileMilli) * Int128(jobMilli), over: 1_000_000_000_000)
  }

  /// The whole price of a stretch, its last part of a credit rounded up.
  static func price(_ rate: Rational, _ span: Int64) -> Int128 { (rate * Rational(span)).ceiling }
}
