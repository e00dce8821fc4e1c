import PoolAllocator

/// How much more than usual tenants ask, by minutes of pool time.
struct RequestRates: Sendable {
  /// Minutes that are compared with. Unit: minutes.
  static let window: Int64 = 60
  /// Fewer known minutes say nothing of what is usual. Unit: minutes.
  static let least: Int64 = 10
  /// The present minute, the last whole one and those that it is compared with.
  private static let kept = window + 2

  /// Requests of one tenant in each of the last minutes.
  private struct Minutes {
    var first: Int64
    var newest: Int64
    /// By minute, modulo their number.
    var counts = [UInt32](repeating: 0, count: Int(RequestRates.kept))

    init(from minute: Int64) { (first, newest) = (minute, minute) }

    mutating func add(in minute: Int64) {
      // Minutes without a request begin anew, too.
      while newest < minute {
        newest = max(newest + 1, minute - RequestRates.kept + 1)
        counts[Int(newest % RequestRates.kept)] = 0
      }
      counts[Int(newest % RequestRates.kept)] += 1
    }

    func count(in minute: Int64) -> UInt32 {
      let isKept = newest - RequestRates.kept < minute && minute <= newest
      return isKept ? counts[Int(minute % RequestRates.kept)] : 0
    }
  }

  private var tenants: [String: Minutes] = [:]

  /// Counts a request of a tenant.
  mutating func count(_ tenant: String, at now: Instant) {
    let minute = Self.minute(of: now)
    tenants[tenant, default: Minutes(from: minute)].add(in: minute)
  }

  /// Requests in the last whole minute over the median of up to 60 minutes before it, at least 1,
  /// of every tenant of which ten are known. Unit: thousandths.
  func scores(at now: Instant) -> [String: Int64] {
    let minute = Self.minute(of: now)
    return tenants.compactMapValues { minutes in
      let last = minute - 1
      let from = max(minutes.first, last - Self.window)
      guard from <= last - Self.least else { return nil }
      let counts = (from..<last).map { minutes.count(in: $0) }.sorted()
      return Int64(minutes.count(in: last)) * 1_000 / Int64(max(counts[counts.count / 2], 1))
    }
  }

  private static func minute(of now: Instant) -> Int64 { now.ns / 60_000_000_000 }
}
