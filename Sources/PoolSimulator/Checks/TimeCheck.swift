import PoolAllocator

/// T1: pool time never falls, whatever the clocks of the leaders show.
struct TimeCheck: Sendable {
  private var last = Instant.origin

  mutating func note(_ moment: Instant) throws(Violation) {
    guard moment >= last else {
      throw Violation("T1", "pool time fell from \(last.ns) to \(moment.ns)")
    }
    last = moment
  }
}
