import PoolAllocator

/// B4: what a decision does to buckets it does to every bucket of the path, once and by the same
/// amount, so that a parent pays what its children pay.
struct PostingSets {
  /// Charged to one bucket since the last policy: by leases that end at it, and through children.
  private struct Debits {
    var own: Int128 = 0
    var children: Int128 = 0
    /// What its books said that it was charged when that began.
    var before: Int128
  }

  private var debits = ByID<Bucket, Debits>()

  /// Looks at an event after it was folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    switch event {
    case .policyActivated(_, let run): begin(run, facts, log)
    case .budgetOpened(let id, _): debits[id] = Debits(before: 0)
    case .budgetForgotten(let id): debits[id] = nil
    case .leaseGranted(_, let run):
      let first = log.grants[Int(run.first)]
      guard let lease = facts.leases[first.lease] else { return }
      for index in run.indices.dropFirst() {
        try must(
          log.grants[index].postings.count == 0, "B4",
          "member \(log.grants[index].lease.name) of a gang pays apart")
      }
      let price = run.indices.reduce(Int64(0)) { $0 + log.grants[$1].reserved.value }
      try match(first.postings, lease.path, charged: price, refunded: 0, first.lease, log)
      add(price, lease.path)
    case .leaseRenewed(let id, _, let reserved, let run):
      guard let lease = facts.leases[id] else { return }
      try match(run, lease.path, charged: reserved.value, refunded: 0, id, log)
      add(reserved.value, lease.path)
    case .settled(let id, _, _, _, let run):
      guard let lease = facts.leases[id] else { return }
      let back = run.count == 0 ? 0 : log.postings[Int(run.first)].refunded.value
      try match(run, lease.path, charged: 0, refunded: back, id, log)
    default: break
    }
  }

  private func match(
    _ run: Span32, _ path: [BucketID], charged: Int64, refunded: Int64, _ lease: LeaseID,
    _ log: borrowing EventLog
  ) throws(Violation) {
    try must(
      Int(run.count) == path.count && !path.isEmpty, "B4",
      "\(run.count) of the \(path.count) buckets of lease \(lease.name) are posted to")
    for (index, bucket) in zip(run.indices, path) {
      let posting = log.postings[index]
      try must(
        posting.bucket == bucket, "B4",
        "lease \(lease.name) pays from bucket \(posting.bucket.name), its path has \(bucket.name)")
      try must(
        posting.charged.value == charged && posting.refunded.value == refunded, "B4",
        "bucket \(bucket.name) of lease \(lease.name) is charged \(posting.charged.value) and gets "
          + "back \(posting.refunded.value), others \(charged) and \(refunded)")
    }
  }

  private mutating func add(_ amount: Int64, _ path: [BucketID]) {
    for (place, bucket) in path.enumerated() {
      if place + 1 == path.count {
        debits[bucket]?.own += Int128(amount)
      } else {
        debits[bucket]?.children += Int128(amount)
      }
    }
  }

  /// Another policy may hang buckets elsewhere: sums begin anew.
  private mutating func begin(
    _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) {
    for id in debits.ids where !(facts.buckets[id]?.isBudget ?? false) {
      guard let known = debits[id], facts.buckets[id] != nil else {
        debits[id] = nil
        continue
      }
      debits[id] = Debits(before: known.before + known.own + known.children)
    }
    for id in facts.buckets.ids where debits[id] == nil { debits[id] = Debits(before: 0) }
  }

  /// Compares what every bucket was charged with what its children and its own leases were.
  /// - Complexity: O(buckets).
  func closeAll(_ pool: borrowing Pool) throws(Violation) {
    for id in debits.ids {
      guard let known = debits[id], let row = pool.bucket(id) else { continue }
      let sum = known.before + known.own + known.children
      try must(
        row.books.charged.value == sum, "B4",
        "bucket \(id.name) was charged \(row.books.charged.value), its children and leases \(sum)")
    }
  }
}
