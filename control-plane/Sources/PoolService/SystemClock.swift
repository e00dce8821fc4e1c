import Foundation
import PoolLoop

/// The machine's clocks: the only door to time of the service.
struct SystemClock: Sendable {
  /// When the journal was made: from then pool time counts. Unit: seconds since 1970.
  let origin: Int64
  /// From when elapsed time counts; this clock goes on while the machine sleeps.
  private let start = ContinuousClock.now

  init(origin: Int64) { self.origin = origin }

  /// Both clocks, read together.
  var reading: ClockReading {
    let passed = start.duration(to: ContinuousClock.now).components
    return ClockReading(
      elapsed: passed.seconds * 1_000_000_000 + passed.attoseconds / 1_000_000_000,
      utc: Self.nanoseconds - origin * 1_000_000_000)
  }

  /// Seconds since 1970.
  static var utc: Int64 { nanoseconds / 1_000_000_000 }

  /// Nanoseconds since 1970, as exact as a number of seconds with a fraction is: some hundred.
  private static var nanoseconds: Int64 {
    Int64(Date().timeIntervalSince1970 * 1_000_000_000)
  }
}
