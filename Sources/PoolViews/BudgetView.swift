import PoolAllocator
import PoolWire
import StrictJSON

/// A budget of a delegation, as `status` shows it.
struct BudgetView {
  private var bucket: Bucket
  private var delegation: Delegation
  private var name: String
  let tenant: String
  private var parent: String?

  /// - Returns: nil for a bucket of the policy.
  init?(_ bucket: Bucket, in scene: Scene) {
    guard let delegation = bucket.delegation else { return nil }
    self.bucket = bucket
    self.delegation = delegation
    name = NamePath.last(scene.names.text(bucket.rule.key))
    tenant = scene.pool.tenant(bucket.tenant).map { scene.names.text($0.key) } ?? "?"
    parent = bucket.parent.flatMap { scene.pool.bucket($0) }
      .map { NamePath.last(scene.names.text($0.rule.key)) }
  }

  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("budget", name)
      writer.string("tenant", tenant)
      if let parent { writer.string("parent", parent) }
      writer.gpuSeconds("limit_gpu_seconds", bucket.credits.cap)
      writer.gpuSeconds("spent_gpu_seconds", bucket.spent)
      writer.gpuSeconds(
        "reserved_gpu_seconds", Credits(Int64(clamping: delegation.reserved.value)))
      writer.string("class_max", delegation.ceiling.word)
      writer.milliseconds("expires_ms", delegation.expires)
      if let closed = delegation.closed { writer.string("closed", closed.wire) }
      writer.int64("leases", Int64(bucket.leases))
    }
  }
}
