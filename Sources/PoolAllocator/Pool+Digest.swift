/// 128 bits that two pools share exactly when their tables are equal, field by field.
public struct Digest: BitwiseCopyable, Hashable, Sendable {
  /// The upper half.
  public let high: UInt64
  /// The lower half.
  public let low: UInt64
}

/// Mixes fields into a digest. Not cryptographic: it finds faults, not forgers.
struct DigestBuilder {
  private var high: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var low: UInt64 = 0xC2B2_AE3D_27D4_EB4F

  mutating func combine(word: UInt64) {
    let product = (low ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    low = product.low ^ high
    high = (high &+ product.high &+ word) &* 0xFF51_AFD7_ED55_8CCD ^ (high >> 29)
  }

  mutating func combine<Value: FixedWidthInteger>(_ value: Value) {
    combine(word: UInt64(truncatingIfNeeded: value))
    if Value.bitWidth > 64 { combine(word: UInt64(truncatingIfNeeded: value >> 64)) }
  }

  mutating func combine(_ value: Bool) { combine(word: value ? 1 : 0) }
  mutating func combine(_ value: Key) {
    combine(word: value.high)
    combine(word: value.low)
  }
  mutating func combine(_ value: Instant) { combine(value.ns) }
  mutating func combine(_ value: Span) { combine(value.ns) }
  mutating func combine(_ value: Credits) { combine(value.value) }
  mutating func combine<Row>(_ value: ID<Row>) {
    combine(value.row)
    combine(value.generation)
  }
  mutating func combine<Value>(_ value: Value?, _ feed: (inout DigestBuilder, Value) -> Void) {
    combine(value != nil)
    if let value { feed(&self, value) }
  }

  var digest: Digest { Digest(high: high, low: low) }
}
