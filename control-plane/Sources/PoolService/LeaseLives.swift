import PoolAllocator
import PoolWire

/// What is measured over the life of leases: how long devices that are taken back take to return,
/// and what work is lost where a lease stops by no wish of its holder.
struct LeaseLives: Sendable {
  private struct Life {
    /// What a nanosecond costs, in 10⁻¹² credits.
    var rate: Int64
    /// From when on its work is not saved; nil before its start.
    var unsaved: Instant?
    /// When and why it was told to return what it holds.
    var taken: (at: Instant, cause: StopCause)?
  }

  /// From the order to stop to the return of the devices, by cause.
  private(set) var returns: [String: Tally.Waits] = [:]
  /// What was not saved of leases that others stopped.
  private(set) var lost = CreditTotal.zero
  private var lives: [LeaseID: Life] = [:]

  /// Takes in an event. Leases of an earlier server are known by what the pool has of them.
  mutating func fold(_ event: Event, _ log: borrowing EventLog, in pool: borrowing Pool) {
    switch event {
    case .leaseGranted(_, let grants):
      for grant in log.grants[grants.indices] { lives[grant.lease] = Life(rate: grant.rate) }
    case .leaseStarted(let id, let moment), .leaseCheckpointed(let id, let moment):
      change(id, in: pool) { $0.unsaved = moment }
    case .leaseStopping(let id, let cause, let end, _): stop(id, cause, end, at: log.at, in: pool)
    case .leaseEnded(let id):
      guard let life = lives.removeValue(forKey: id), let taken = life.taken else { return }
      returns[taken.cause.wire, default: Tally.Waits()].add(log.at - taken.at)
    default: break
    }
  }

  private mutating func stop(
    _ id: LeaseID, _ cause: StopCause, _ end: Instant, at now: Instant, in pool: borrowing Pool
  ) {
    switch cause {
    case .reclaimed, .preempted, .nodeLost, .drained: break
    // A gang that ends does so with one of its members, which is counted.
    case .released, .expired, .unpaid, .cancelled, .startTimeout, .gangEnded: return
    }
    var unsaved = Span.zero
    change(id, in: pool) { life in
      if cause == .reclaimed || cause == .preempted { life.taken = (now, cause) }
      // What is preempted is billed to its last checkpoint, and ran on until now.
      guard let since = life.unsaved else { return }
      unsaved = max(.zero, (cause == .preempted ? now : end) - since)
    }
    guard let rate = lives[id]?.rate, let credits = Price.of(rate: rate, span: unsaved) else {
      return
    }
    lost += credits
  }

  private mutating func change(
    _ id: LeaseID, in pool: borrowing Pool, _ body: (inout Life) -> Void
  ) {
    if lives[id] == nil, let lease = pool.lease(id) {
      lives[id] = Life(rate: lease.rate, unsaved: lease.checkpoint ?? lease.started)
    }
    guard var life = lives[id] else { return }
    body(&life)
    lives[id] = life
  }
}
