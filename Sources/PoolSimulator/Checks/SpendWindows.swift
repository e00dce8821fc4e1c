import PoolAllocator

/// B3: in no window does a bucket pay for more than its burst, what dripped in, and its debt.
///
/// Windows are those between samples: every sixty-fourth command adds one for each bucket, of which
/// eight are kept, the newer ones more densely. A change of a bucket's rule begins anew.
struct SpendWindows {
  private struct Sample {
    var time: Int64
    /// Settled so far, and reserved and not settled.
    var settled: Int128
    var outstanding: Int128
  }

  private struct Spending {
    var settled: Int128 = 0
    var outstanding: Int128 = 0
    var samples: [Sample] = []
    /// The furthest below zero that anything was allowed to go.
    var debt: Int64 = 0
    var cap: Int64
    var rate: Int64
  }

  private var buckets = ByID<Bucket, Spending>()
  /// Amounts that are reserved, by quantum.
  private var rounds: UInt64 = 0

  private static let kept = 8

  /// Looks at an event after it was folded; the leases are those before a lease ended.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) {
    switch event {
    case .policyActivated, .budgetChanged, .budgetOpened: renew(facts)
    case .budgetForgotten(let id): buckets[id] = nil
    case .leaseGranted(let claim, let run):
      guard let lease = facts.leases[log.grants[Int(run.first)].lease] else { return }
      let price = run.indices.reduce(Int64(0)) { $0 + log.grants[$1].reserved.value }
      let rank = facts.claims[claim]?.fact.serviceClass.rank ?? 3
      reserve(price, lease.path, rank, .stop, facts)
    case .leaseRenewed(let id, _, let reserved, _):
      guard let lease = facts.leases[id] else { return }
      reserve(reserved.value, lease.path, lease.rank, lease.grant.terms.overrun, facts)
    case .settled(let id, _, let charge, _, let run):
      guard let lease = facts.leases[id], run.count > 0 else { return }
      let back = log.postings[Int(run.first)].refunded.value
      for bucket in lease.path {
        buckets[bucket]?.settled += Int128(charge.value)
        buckets[bucket]?.outstanding -= Int128(charge.value + back)
      }
    default: break
    }
  }

  /// Has windows of buckets whose rule changed begin anew.
  private mutating func renew(_ facts: borrowing Facts) {
    for id in buckets.ids where facts.buckets[id] == nil { buckets[id] = nil }
    for id in facts.buckets.ids {
      guard let bucket = facts.buckets[id] else { continue }
      let known = buckets[id] ?? Spending(cap: bucket.cap, rate: bucket.rate)
      buckets[id] = known
      guard known.cap != bucket.cap || known.rate != bucket.rate else { continue }
      buckets[id]?.cap = bucket.cap
      buckets[id]?.rate = bucket.rate
      buckets[id]?.samples = []
    }
  }

  private mutating func reserve(
    _ amount: Int64, _ path: [BucketID], _ rank: UInt8, _ overrun: ClassRule.Overrun,
    _ facts: borrowing Facts
  ) {
    for id in path {
      buckets[id]?.outstanding += Int128(amount)
      guard let bucket = facts.buckets[id] else { continue }
      let debt = overrun == .debt ? bucket.debtMax : 0
      let allowed = debt + bucket.allowance(rank: rank, at: facts.now)
      let before = buckets[id]?.debt ?? 0
      buckets[id]?.debt = max(before, allowed)
    }
  }

  /// Ends a window of every bucket at each kept sample, and adds one.
  /// - Complexity: O(buckets).
  mutating func closeAll(_ facts: borrowing Facts) throws(Violation) {
    rounds += 1
    for id in buckets.ids {
      guard let now = buckets[id] else { continue }
      for sample in now.samples {
        let paid = now.settled - sample.settled + now.outstanding - sample.outstanding
        let window = facts.now - sample.time
        let most =
          Int128(now.cap + now.debt) * 1_000_000_000 + Int128(now.rate) * Int128(window)
        try must(
          paid * 1_000_000_000 <= most, "B3",
          "bucket \(id.name) paid \(paid) in \(window) ns, with cap \(now.cap), rate \(now.rate) "
            + "and debt \(now.debt)")
      }
      let sample = Sample(
        time: facts.now, settled: now.settled, outstanding: now.outstanding)
      if now.samples.count < Self.kept {
        buckets[id]?.samples.append(sample)
      } else {
        // Round r takes the place that its trailing zeros name: old samples thin out.
        let place = rounds.trailingZeroBitCount
        buckets[id]?.samples[place < Self.kept ? place : Self.kept - 1] = sample
      }
    }
  }
}
