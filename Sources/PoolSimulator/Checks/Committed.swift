import PoolAllocator

/// What buckets keep back for the next quantum of their leases: no grant takes it (SEMANTICS 2.8),
/// and the pool counts the same (X1).
struct Committed {
  /// Of one bucket.
  private struct Kept {
    var amount: Int128 = 0
    var leases = 0
  }

  private var buckets = ByID<Bucket, Kept>()
  /// What each lease has kept back.
  private var leases = ByID<Lease, Int128>()

  /// What is kept back of a bucket.
  func amount(in id: BucketID) -> Int128 { buckets[id]?.amount ?? 0 }

  /// Looks at an event after it was folded, but for the end of a lease, which it sees before.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog, _ books: BucketBooks
  ) throws(Violation) {
    switch event {
    case .leaseGranted(let claim, let run):
      guard let path = facts.leases[log.grants[Int(run.first)].lease]?.path else { return }
      try checkGrant(claim, path, facts, books)
      for index in run.indices {
        let id = log.grants[index].lease
        for bucket in path {
          var kept = buckets[bucket] ?? Kept()
          kept.leases += 1
          buckets[bucket] = kept
        }
        keep(facts.leases[id]?.next?.price ?? 0, for: id, facts)
      }
    case .leaseRenewed(let id, _, _, _): keep(facts.leases[id]?.next?.price ?? 0, for: id, facts)
    case .leaseStopping(let id, _, _, _): keep(0, for: id, facts)
    case .budgetForgotten(let id): buckets[id] = nil
    default: break
    }
  }

  /// A lease ends: looked at before it is folded.
  mutating func end(_ id: LeaseID, _ facts: borrowing Facts) {
    for bucket in facts.leases[id]?.path ?? [] { buckets[bucket]?.leases -= 1 }
    leases[id] = nil
  }

  private mutating func keep(_ amount: Int128, for id: LeaseID, _ facts: borrowing Facts) {
    let change = amount - (leases[id] ?? 0)
    leases[id] = amount
    guard change != 0 else { return }
    for bucket in facts.leases[id]?.path ?? [] { buckets[bucket]?.amount += change }
  }

  private func checkGrant(
    _ claim: ClaimID, _ path: [BucketID], _ facts: borrowing Facts, _ books: BucketBooks
  ) throws(Violation) {
    let rank = facts.claims[claim]?.fact.serviceClass.rank ?? 3
    for id in path {
      let allowed = facts.buckets[id]?.allowance(rank: rank, at: facts.now) ?? 0
      let (level, kept) = (books.credits(of: id, at: facts.now), amount(in: id))
      try must(
        Int128(level) >= kept - Int128(allowed), "B2",
        "a grant to claim \(claim.name) leaves \(level) in bucket \(id.name), \(kept) are kept "
          + "back")
    }
  }

  /// Compares every bucket.
  /// - Complexity: O(buckets).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    for id in facts.buckets.ids {
      guard let row = pool.bucket(id) else { continue }
      let kept = buckets[id] ?? Kept()
      try must(
        row.committed.value == kept.amount && Int(row.leases) == kept.leases, "X1",
        "bucket \(id.name) counts \(row.committed.value) kept back for \(row.leases) leases, has "
          + "\(kept.amount) for \(kept.leases)")
    }
  }
}
