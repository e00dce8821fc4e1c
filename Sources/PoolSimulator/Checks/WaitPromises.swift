import PoolAllocator

/// F1, waits: a claim that was told a moment starts by then, unless something was recorded that
/// voids the promise, or ticks did not come when they were due (SEMANTICS 4.6).
struct WaitPromises {
  /// What one claim was told.
  private struct Promise {
    var bound: StartBound
    /// When the bounds of its lane, and of its tenant there, were last voided.
    var voided: Int64
  }

  /// A tick may come so much later than it is due. Unit: nanoseconds.
  private static let slack = Limits.orderDelay.ns

  private var promises = ByID<Claim, Promise>()
  private var queued: [ClaimID] = []
  private var told: UInt64 = 0
  /// When something is due next; nil where more is due at once.
  private var due: Int64?

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    switch event {
    case .claimQueued(let id, _, _, _): queued.append(id)
    case .claimParked(let id, _), .claimHeld(let id, _), .claimEnded(let id, _),
      .approvalRequested(let id, _, _), .claimDowngraded(let id, _, _, _):
      promises[id] = nil
    case .leaseGranted(let id, _):
      guard let promise = promises[id], let claim = facts.claims[id] else { return }
      promises[id] = nil
      let voided = voided(promise.bound.lane, claim.fact.tenant, pool)
      // One that was voided since is told anew with the next full check.
      guard voided <= promise.voided else { return }
      try check(id, promise, facts.now)
    case .policyActivated, .epochBegun: promises = ByID<Claim, Promise>()
    default: break
    }
  }

  private func check(_ id: ClaimID, _ promise: Promise, _ now: Int64) throws(Violation) {
    let by = promise.bound.by.ns
    try must(
      now <= by, "F1",
      "claim \(id.name) waits at \(now) ns and was told to start by \(by) in lane "
        + "\(promise.bound.lane.name)")
  }

  private func voided(
    _ lane: LaneID, _ tenant: TenantID, _ pool: borrowing Pool
  ) -> Int64 {
    let own = pool.turnVoided(of: tenant, in: lane)
    return max(pool.lane(lane)?.voided.ns ?? .max, own.ns)
  }

  /// Asks for the bounds of some claims that came into the order, and watches the ticks.
  /// - Complexity: O(1), and that of `Pool.startBound` for every fourth claim.
  mutating func close(
    _ command: Command, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) {
    let now = facts.now
    if let due, now > due, now - due > Self.slack { promises = ByID<Claim, Promise>() }
    due = pool.nextTimer()?.ns ?? .max
    for id in queued {
      told += 1
      guard told % 4 == 0 else { continue }
      tell(id, facts, pool)
    }
    queued.removeAll(keepingCapacity: true)
  }

  private mutating func tell(
    _ id: ClaimID, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) {
    guard let claim = facts.claims[id], claim.state == .queued,
      case .success(let bound) = pool.startBound(of: id)
    else {
      promises[id] = nil
      return
    }
    promises[id] = Promise(
      bound: bound, voided: voided(bound.lane, claim.fact.tenant, pool))
  }

  /// Looks at every promise: what was voided is told anew, the others still hold.
  /// - Complexity: O(promises).
  mutating func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    for id in promises.ids {
      guard let promise = promises[id], let claim = facts.claims[id] else { continue }
      if voided(promise.bound.lane, claim.fact.tenant, pool) > promise.voided {
        tell(id, facts, pool)
      } else {
        try check(id, promise, facts.now)
      }
    }
  }
}
