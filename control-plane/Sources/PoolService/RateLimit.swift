import HTTPTypes
import PoolAllocator
import PoolViews
import PoolWire

/// What a bucket holds, as two headers say it beside a refusal for want of it
/// (draft-ietf-httpapi-ratelimit-headers-10).
public struct RateLimit: Sendable, Equatable {
  /// The bucket's name.
  let bucket: String
  /// The most it holds. Unit: GPU-seconds.
  let quota: Int64
  /// How long it takes to fill, rounded up. Unit: seconds.
  let window: Int64
  /// What it has. Unit: GPU-seconds, rounded down.
  let remaining: Int64

  /// The first bucket of the policy that stands in the way.
  /// - Returns: nil where none does, or it does not fill.
  init?(_ reasons: [Reason], in scene: Scene) {
    for reason in reasons {
      guard case .bucket(let row) = reason.subject,
        let bucket = scene.pool.bucketID(atRow: row).flatMap({ scene.pool.bucket($0) }),
        bucket.delegation == nil, bucket.credits.refillPerSecond.value > 0
      else { continue }
      let (cap, refill) = (bucket.credits.cap.value, bucket.credits.refillPerSecond.value)
      self.bucket = scene.names.text(bucket.rule.key)
      quota = cap / Amounts.creditsPerGPUSecond
      window = cap / refill + (cap % refill > 0 ? 1 : 0)
      remaining = max(0, bucket.credits.level(at: scene.pool.now)) / Amounts.creditsPerGPUSecond
      return
    }
    return nil
  }

  /// Puts the headers beside others.
  /// - Parameter seconds: those of `Retry-After`.
  func write(to headers: inout HTTPFields, retryAfter seconds: Int64) {
    guard let policy = HTTPField.Name("RateLimit-Policy"), let limit = HTTPField.Name("RateLimit")
    else { return }
    headers[policy] = "\"\(bucket)\";q=\(quota);w=\(window);qu=\"gpu-seconds\""
    headers[limit] = "\"\(bucket)\";r=\(remaining);t=\(seconds)"
  }
}
