public import PoolAllocator

/// A moment on the boot-time clock of a node: it only rises, counts suspensions, and begins anew
/// with every boot. Never compared with pool time.
public struct BootTime: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Nanoseconds since the boot.
  public let ns: Int64
  /// Makes a moment.
  public init(ns: Int64) { self.ns = ns }

  /// The moment a span later, held at the last moment instead of wrapping.
  public static func + (left: BootTime, right: Span) -> BootTime {
    let (sum, overflow) = left.ns.addingReportingOverflow(right.ns)
    return BootTime(ns: overflow ? .max : sum)
  }

  /// Orders by time.
  public static func < (left: Self, right: Self) -> Bool { left.ns < right.ns }
}
