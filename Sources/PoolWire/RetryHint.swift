public import PoolAllocator

/// When to come back: exact for programs that count, rounded and spread for those that retry.
public struct RetryHint: Equatable, Sendable {
  /// The exact moment.
  public let clearsAt: Instant
  /// Whole seconds from now, rounded up, plus 0 to 9 % and at most 30 s of jitter.
  public let retryAfterSeconds: Int64

  /// Most jitter. Unit: seconds.
  static let jitterMax: Int64 = 30

  /// Makes a hint. The jitter depends on the claim's key alone, so the same refusal gives the same
  /// answer, and a thousand claims refused together do not come back together.
  public init(_ moment: Instant, now: Instant, key: Key) {
    clearsAt = moment
    let wait = max(0, (moment - now).ns)
    let seconds = wait / 1_000_000_000 + (wait % 1_000_000_000 > 0 ? 1 : 0)
    let most = min(Self.jitterMax, seconds / 11)
    retryAfterSeconds = seconds + Int64(key.low % UInt64(most + 1))
  }
}
