import Glibc
import PoolLoop

/// The machine's clocks: the only door to time of the service.
struct SystemClock: Sendable {
  /// When the journal was made: from then pool time counts. Unit: seconds since 1970.
  let origin: Int64

  /// Both clocks, read together.
  var reading: ClockReading {
    ClockReading(
      elapsed: Self.nanoseconds(CLOCK_BOOTTIME),
      utc: Self.nanoseconds(CLOCK_REALTIME) - origin * 1_000_000_000)
  }

  /// Seconds since 1970.
  static var utc: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000_000 }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // Both clocks are there on every Linux that runs this.
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
