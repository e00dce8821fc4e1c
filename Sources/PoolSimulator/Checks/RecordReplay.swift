import PoolAllocator

/// A1 and A2, sampled: for some commands in every thousand a copy of the pool lives on the records
/// alone, and is the pool. So every change is in exactly one record, and what a record says is all
/// that happened.
struct RecordReplay {
  /// Commands between two samples, and commands of one sample.
  private static let (period, length) = (UInt64(1_024), UInt64(16))

  private var shadow: Pool?
  private var left: UInt64 = 0

  /// Follows one command.
  /// - Complexity: O(pool) for some commands in a thousand; else O(1).
  mutating func close(
    _ commands: UInt64, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    if left > 0 {
      shadow?.replay(log)
      left -= 1
      // What the records of a command gave is compared at once, so that the first one is named.
      if left == 0 || log.events.isEmpty, let digest = shadow?.digest() {
        let own = pool.digest()
        try must(
          digest == own, "A2",
          "the records of the last \(Self.length - left) commands do not make the pool")
      }
      if left == 0 { shadow = nil }
    } else if commands % Self.period == Self.period / 2 {
      shadow = copy pool
      left = Self.length
    }
  }
}
