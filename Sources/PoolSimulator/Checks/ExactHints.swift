import PoolAllocator

/// The moment to come back is exact (SEMANTICS 2.5): if nobody spends meanwhile, a bucket that is
/// short can pay then, and not a nanosecond before.
enum ExactHints {
  /// Looks at the reasons of one decision.
  static func check(
    _ decision: Decision, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    // What was posted after the decision is in the bucket by now.
    guard log.postings.isEmpty else { return }
    for index in decision.reasons.indices {
      let reason = log.reasons[index]
      guard reason.code == .bucketShort, case .bucket(let row) = reason.subject,
        let clears = reason.clearsAt, let id = pool.bucketID(atRow: row),
        let bucket = pool.bucket(id), bucket.emergencyUntil == nil
      else { continue }
      let (need, credits) = (Int128(reason.need), bucket.credits)
      try must(
        held(credits, at: clears) >= need, "hint",
        "bucket \(row) cannot pay \(need) at \(clears.ns), when it is said to")
      guard clears > log.at else { continue }
      try must(
        held(credits, at: Instant(ns: clears.ns - 1)) < need, "hint",
        "bucket \(row) can pay \(need) before \(clears.ns)")
    }
  }

  /// What a bucket holds at a moment.
  private static func held(_ credits: CreditBucket, at moment: Instant) -> Int128 {
    let passed = Int128(max(0, moment.ns - credits.asOf.ns))
    let gained =
      (passed * Int128(credits.refillPerSecond.value) + Int128(credits.remainder)) / 1_000_000_000
    return min(Int128(credits.cap.value), Int128(credits.level.value) + gained)
  }
}
