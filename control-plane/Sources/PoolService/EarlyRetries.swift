import DequeModule
import PoolAllocator

/// Claims that were told when to come back, and came sooner.
struct EarlyRetries: Sendable {
  /// Most moments that are remembered, the latest told. Unit: claims.
  static let most = 10_000
  /// How many came sooner.
  private(set) var count = UInt64(0)
  private var hints: [Key: Instant] = [:]
  private var order: Deque<Key> = []

  /// Notes that a claim was asked for.
  /// - Parameter retryAt: when to come back, where that is what was answered.
  mutating func note(_ claim: Key, retryAt: Instant?, at now: Instant) {
    if let hint = hints[claim], now < hint { count += 1 }
    guard let retryAt, retryAt > now else {
      // Its place in the order is left where it is: it stands for nothing.
      hints[claim] = nil
      return
    }
    if hints.updateValue(retryAt, forKey: claim) == nil { order.append(claim) }
    if order.count > Self.most { hints[order.removeFirst()] = nil }
  }
}
