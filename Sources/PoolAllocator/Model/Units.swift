/// Share of one device in thousandths; 1,000 is a whole device. For a CPU set: milli-cores.
public struct MilliGPU: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Thousandths of a device.
  public let value: Int32
  /// Makes a share.
  public init(_ value: Int32) { self.value = value }
  /// A whole device.
  public static let whole = MilliGPU(1000)
  /// Orders by size.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Processor time in thousandths of a core.
public struct MilliCPU: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Thousandths of a core.
  public let value: Int32
  /// Makes an amount.
  public init(_ value: Int32) { self.value = value }
  /// Orders by size.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// An amount of memory in bytes.
public struct Bytes: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Bytes.
  public let value: Int64
  /// Makes an amount.
  public init(_ value: Int64) { self.value = value }
  /// Nothing.
  public static let zero = Bytes(0)
  /// Orders by size.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Memory slices of a MIG device, one bit each; the capacity of a partitioned GPU is its mask.
public struct SlotMask: BitwiseCopyable, Hashable, Sendable {
  /// Bit n stands for slice n.
  public let bits: UInt16
  /// Makes a mask.
  public init(bits: UInt16) { self.bits = bits }
  /// How many slices.
  public var count: Int { bits.nonzeroBitCount }
}

/// Weighted GPU time: one credit is one milli-GPU of weight 1.000 for one millisecond (1 µGPU·s).
///
/// A level or a price; |x| ≤ 2⁵³, so it survives a JSON number. Books that grow for ever are
/// `CreditTotal`. Arithmetic that could pass the limit goes through `Credits(checked:)`.
public struct Credits: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Millionths of a weighted GPU-second.
  public let value: Int64
  /// Greatest magnitude, 2⁵³.
  public static let limit: Int64 = 1 << 53
  /// Nothing.
  public static let zero = Credits(0)

  /// Makes an amount whose magnitude is known to be within the limit.
  public init(_ value: Int64) {
    invariant(value.magnitude <= UInt64(Self.limit), "credits stay within 2^53")
    self.value = value
  }

  /// Makes an amount from a wider result.
  /// - Returns: nil where the magnitude passes 2⁵³: overflow is a refusal, never a wrap.
  public init?(checked value: Int128) {
    guard value.magnitude <= UInt128(UInt64(Self.limit)) else { return nil }
    self.value = Int64(value)
  }

  /// Orders by amount.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Ever-growing sum of credits, for books and fair counters.
///
/// 100,000 nodes × 8 devices at weight 3 would fill an `Int64` in 44 days; 128 bits do not fill.
public struct CreditTotal: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Millionths of a weighted GPU-second.
  public private(set) var value: Int128
  /// Nothing.
  public static let zero = CreditTotal(0)
  /// Makes a sum.
  public init(_ value: Int128) { self.value = value }
  /// Adds an amount.
  public static func += (left: inout CreditTotal, right: Credits) {
    left.value += Int128(right.value)
  }
  /// Adds a change that may be negative.
  static func += (left: inout CreditTotal, right: Int64) { left.value += Int128(right) }
  /// The greater of two sums.
  static func max(_ left: CreditTotal, _ right: CreditTotal) -> CreditTotal {
    left < right ? right : left
  }
  /// Orders by amount.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}
