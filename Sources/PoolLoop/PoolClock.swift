public import PoolAllocator

/// What a server's two clocks show, read together.
public struct ClockReading: BitwiseCopyable, Hashable, Sendable {
  /// A clock that only counts time that passes, that of suspensions included (the boot-time clock).
  /// Unit: nanoseconds.
  public var elapsed: Int64
  /// UTC since the origin of pool time; may be set at will. Unit: nanoseconds.
  public var utc: Int64

  /// Makes a reading.
  public init(elapsed: Int64, utc: Int64) {
    self.elapsed = elapsed
    self.utc = utc
  }
}

/// Makes the moments that a pool is handed: what was recorded last, plus the time that passed,
/// drawn towards UTC by at most `LoopLimits.slewPerMillion`.
///
/// Moments never fall. At the start of a leadership UTC may be ahead by the time that no leader was
/// there; from then on a step of UTC is followed slowly. What of a step the pool believes is the
/// core's own rule (`Limits.clockStepMax`).
public struct PoolClock: Sendable {
  /// The last moment made, before the pool takes off what it skipped.
  public private(set) var moment: Instant
  private var elapsed: Int64
  /// Millionths of a nanosecond by which UTC may still be approached.
  private var slew: Int64 = 0

  /// Goes on from what a pool recorded last.
  public init(after pool: borrowing Pool, at reading: ClockReading) {
    let recorded = pool.now.ns.addingReportingOverflow(pool.skipped.ns)
    let least = recorded.overflow ? Int64.max : recorded.partialValue
    moment = Instant(ns: max(least, Self.sane(reading.utc)))
    elapsed = reading.elapsed
  }

  /// Takes a reading.
  /// - Returns: the moment; that of the last reading where the clock went backwards.
  public mutating func read(_ reading: ClockReading) -> Instant {
    let (passed, isOff) = reading.elapsed.subtractingReportingOverflow(elapsed)
    guard !isOff, passed > 0 else { return moment }
    elapsed = reading.elapsed
    let reached = moment + Span(ns: passed)
    moment = reached + Span(ns: correction(towards: Self.sane(reading.utc), at: reached, passed))
    return moment
  }

  /// How far UTC is ahead of the moment. Unit: nanoseconds.
  public func lag(behind reading: ClockReading) -> Span {
    Span(ns: Self.sane(reading.utc) - moment.ns)
  }

  /// What to add now; the fraction of a nanosecond that may be added is kept, so that many short
  /// steps come as far as one long one.
  private mutating func correction(
    towards utc: Int64, at reached: Instant, _ passed: Int64
  ) -> Int64 {
    let gain = passed.multipliedReportingOverflow(by: LoopLimits.slewPerMillion)
    let sum = slew.addingReportingOverflow(gain.overflow ? .max / 2 : gain.partialValue)
    slew = sum.overflow ? .max / 2 : sum.partialValue
    let most = slew / 1_000_000
    slew -= most * 1_000_000
    let ahead = utc - min(reached.ns, .max / 2)
    return min(max(ahead, -most), most)
  }

  /// A reading that no clock shows counts as the nearest that one could.
  private static func sane(_ utc: Int64) -> Int64 { min(max(utc, 0), .max / 2) }
}
