/// A moment on pool time, in nanoseconds since an origin that the caller chose.
///
/// Pool time is made by the loop around the pool: last recorded plus elapsed boot-time clock. It
/// never falls; the core reads no clock.
public struct Instant: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Nanoseconds since the origin, not negative.
  public let ns: Int64
  /// Makes a moment.
  public init(ns: Int64) { self.ns = ns }
  /// The origin.
  public static let origin = Instant(ns: 0)
  /// The last moment that can be written; stands for nothing, sorts after everything.
  static let farFuture = Instant(ns: .max)

  /// The moment a span later, held at the last moment instead of wrapping.
  public static func + (left: Instant, right: Span) -> Instant {
    let (sum, overflow) = left.ns.addingReportingOverflow(right.ns)
    return Instant(ns: overflow ? .max : sum)
  }

  /// The span from one moment to another.
  public static func - (left: Instant, right: Instant) -> Span { Span(ns: left.ns - right.ns) }
  /// Orders by time.
  public static func < (left: Self, right: Self) -> Bool { left.ns < right.ns }
}

/// A length of time in nanoseconds.
public struct Span: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Nanoseconds.
  public let ns: Int64
  /// Makes a span.
  public init(ns: Int64) { self.ns = ns }
  /// Makes a span from whole seconds; at most 9.2 × 10⁹ of them.
  public static func seconds(_ count: Int64) -> Span { Span(ns: count * 1_000_000_000) }
  /// No time.
  public static let zero = Span(ns: 0)
  /// Orders by length.
  public static func < (left: Self, right: Self) -> Bool { left.ns < right.ns }
}
