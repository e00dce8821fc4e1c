import Glibc

/// A clock that is read in some 25 ns. Unit: nanoseconds.
package func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// What this thread has used of a core: what others do on the machine is not in it, as long as they
/// leave the caches alone. Unit: nanoseconds.
package func processorNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Times of single operations, in memory that was taken beforehand.
package struct Samples: Sendable {
  private var times: [UInt32] = []
  private let limit: Int

  package init(limit: Int) {
    self.limit = limit
    times.reserveCapacity(limit)
  }

  package var count: Int { times.count }

  /// Notes one operation; what comes after `limit` of them is left out.
  package mutating func note(_ ns: UInt64) {
    if times.count < limit { times.append(UInt32(clamping: ns)) }
  }

  /// Times below which so many thousandths of the operations are. Unit: nanoseconds.
  package func quantiles(_ thousandths: [Int]) -> [Double] {
    let sorted = times.sorted()
    return thousandths.map {
      sorted.isEmpty ? 0 : Double(sorted[min(sorted.count - 1, sorted.count * $0 / 1000)])
    }
  }
}

/// Commands that are timed one by one.
package enum CommandName: Int, CaseIterable, Sendable {
  case submit, start, release, empty, renew, tick, other
}

/// Times of single commands, by their name.
package struct Stopwatch: Sendable {
  private var samples: [Samples]

  package init(limit: Int) {
    samples = CommandName.allCases.map { _ in Samples(limit: limit) }
  }

  mutating func note(_ name: CommandName, since start: UInt64) {
    samples[name.rawValue].note(nanoseconds() - start)
  }

  package subscript(name: CommandName) -> Samples { samples[name.rawValue] }
}
