/// Place among the claims that a bucket may let wait for more lanes: what it can pay first.
struct WideningKey: BitwiseCopyable, Comparable {
  /// First reservation of the cheapest lane that the claim does not wait for yet.
  var price: Credits
  var turn: TurnKey

  static func < (left: Self, right: Self) -> Bool {
    left.price != right.price ? left.price < right.price : left.turn < right.turn
  }
}

/// Derived from the tables: who waits where, and whose timer is next.
///
/// A claim is in one line of a queue group (an interned set of lanes), in the parking of one
/// bucket, or held by one identity, never in two of them. Timers are heaps by moment; a `tick`
/// looks at their tops only.
struct QueueIndex: Sendable {
  /// Claims in the order, by queue group, tenant and class.
  var lines = QueueLines()
  /// Parked claims, a heap per bucket row.
  var parked = IndexedHeaps<TurnKey>()
  /// Parked claims that pay from other buckets under the policy in force: looked at at once.
  var strays = IndexedHeaps<TurnKey>(heaps: 1)
  /// Queued claims that a dearer lane could serve too, a heap per bucket that is short for it.
  var narrowed = IndexedHeaps<WideningKey>()
  /// Waiting claims that are made under a delegation, a heap per row of its budget.
  var delegated = IndexedHeaps<TurnKey>()
  /// Work that waits for each lane, by lane row.
  var backlogs = Array(repeating: Pool.Backlog(), count: Limits.lanes)
  /// Claims held by a restriction, a heap per identity row.
  var held = IndexedHeaps<TurnKey>()

  /// Leases by what is due next: start, quantum, end, kill.
  var leaseTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Nodes by the end of their silence or drain.
  var nodeTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Waiting claims by the moment they give up.
  var claimTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Clocks of turns by the moment they are overdue.
  var turnTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Buckets by the moment the first claim that waits for them can be paid.
  var bucketTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Budgets by their end, and closed ones by what is left to do.
  var limitTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Quotes by their end, and ended ones by when they are forgotten.
  var quoteTimers = IndexedHeaps<Instant>(heaps: 1)
  /// Restrictions by their end, and at once those that let go of claims.
  var identityTimers = IndexedHeaps<Instant>(heaps: 1)

  /// Whether a gang was submitted since the indexes were made.
  var hasGangs = false

  /// Makes room for a bucket row.
  mutating func admit(bucket: UInt32) {
    while parked.heapCount <= Int(bucket) {
      _ = parked.addHeap()
      _ = narrowed.addHeap()
      _ = delegated.addHeap()
    }
  }

  /// Makes room for an identity row.
  mutating func admit(identity: UInt32) {
    while held.heapCount <= Int(identity) { _ = held.addHeap() }
  }

  /// Sets or clears a timer.
  static func set(_ timers: inout IndexedHeaps<Instant>, _ row: UInt32, _ moment: Instant) {
    if moment == .farFuture { timers.remove(row) } else { timers.insert(row, moment, into: 0) }
  }

  /// Sets a lease's timer to be looked at no later than a moment: an earlier entry stays and is
  /// put right when it comes up, so a lease's heap entry moves once or twice in its life.
  mutating func watch(lease row: UInt32, no later: Instant) {
    if let known = leaseTimers.order(of: row), known <= later { return }
    Self.set(&leaseTimers, row, later)
  }

  /// The row whose timer is due, if any.
  static func due(_ timers: borrowing IndexedHeaps<Instant>, at now: Instant) -> UInt32? {
    guard let first = timers.least(in: 0), first.order <= now else { return nil }
    return first.row
  }
}
