public import PoolAllocator

/// Time that a caller moves, and what agents do in it that are played: each lease starts at once,
/// is renewed as soon as it may be, and leaves its devices when it is told to.
public enum VirtualTime {
  /// Where to stop next on the way to a moment: where something is due, and at least once an hour.
  /// - Parameter playingAgents: also where a lease may be renewed.
  /// - Complexity: O(1), and O(leases) where agents are played.
  public static func stop(
    towards target: Instant, in pool: borrowing Pool, playingAgents: Bool
  ) -> Instant {
    let now = pool.now
    var next = min(target, now + Limits.clockStepMax)
    if let timer = pool.nextTimer() { next = max(now, min(next, timer)) }
    guard playingAgents else { return next }
    pool.forEachLease { _, lease in
      if mayRenew(lease), lease.renewFrom > now { next = min(next, lease.renewFrom) }
    }
    return next
  }

  /// What agents say now.
  /// - Complexity: O(leases).
  public static func words(ofAgentsIn pool: borrowing Pool) -> [Command] {
    var words: [Command] = []
    let now = pool.now
    pool.forEachLease { id, lease in
      switch lease.state {
      case .granted: words.append(.confirmStarted(id, lease.fencing))
      case .active where mayRenew(lease) && lease.renewFrom <= now:
        words.append(.renew(id, lease.fencing))
      case .stopping: words.append(.confirmEmpty(id, lease.fencing))
      case .active, .quarantined: break
      }
    }
    return words
  }

  private static func mayRenew(_ lease: Lease) -> Bool {
    guard lease.state == .active, lease.nextReserved == nil, !lease.isUnpaid else { return false }
    return lease.hardEnd.map { lease.ends < $0 } ?? false
  }
}
