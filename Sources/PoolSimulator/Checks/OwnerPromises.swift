import PoolAllocator

/// L2, time: a claim of an owner that its guarantee covers is placed within the promised time, on
/// nodes that answer and with ticks that come when they are due (SEMANTICS 3.2, 3.3).
///
/// Watched are claims for single whole GPUs that wait for the reserved lane alone, while all that
/// the owner holds and wants there fits its guarantee and no shortfall is open.
struct OwnerPromises {
  private struct Promise {
    var lane: LaneID
    var by: Int64
  }

  private var promises = ByID<Claim, Promise>()
  private var queued: [ClaimID] = []
  private var lastTick: Int64?

  /// Looks at an event before it is folded.
  mutating func note(_ event: Event, _ facts: borrowing Facts) throws(Violation) {
    switch event {
    case .claimQueued(let id, _, _, _):
      if facts.claims[id]?.state == .new { queued.append(id) } else { promises[id] = nil }
    case .claimParked(let id, _), .claimHeld(let id, _), .claimEnded(let id, _),
      .approvalRequested(let id, _, _), .claimDowngraded(let id, _, _, _):
      promises[id] = nil
    case .leaseGranted(let id, _):
      guard let promise = promises[id] else { return }
      promises[id] = nil
      try check(id, promise, facts.now)
    case .policyActivated, .epochBegun, .nodeReached, .nodeDuty, .deviceMoved,
      .deviceAdvertised, .leaseOverstayed, .laneBound, .laneUnbound, .clockJumped,
      .guaranteeImpaired:
      promises = ByID<Claim, Promise>()
    default: break
    }
  }

  private func check(_ id: ClaimID, _ promise: Promise, _ now: Int64) throws(Violation) {
    try must(
      now <= promise.by, "L2",
      "claim \(id.name) of the owner of lane \(promise.lane.name) waits at \(now) ns, its "
        + "guarantee promised \(promise.by)")
  }

  /// Looks at claims that came to wait, and at the time between ticks.
  mutating func close(
    _ command: Command, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    if let last = lastTick, facts.now - last > Limits.orderDelay.ns {
      promises = ByID<Claim, Promise>()
    }
    if case .tick = command { lastTick = facts.now }
    guard lastTick != nil else { return queued.removeAll(keepingCapacity: true) }
    for id in queued { watch(id, facts) }
    queued.removeAll(keepingCapacity: true)
    try look(facts)
  }

  private mutating func watch(_ id: ClaimID, _ facts: borrowing Facts) {
    guard let claim = facts.claims[id], claim.state == .queued, isPlain(claim.fact.spec.demand),
      let row = claim.waitsFor.firstRow, claim.waitsFor.count == 1, claim.named.count == 1,
      let lane = facts.lane(row: row), let name = facts.lanes.id(at: Int(row)),
      lane.rule.owner == facts.name(of: claim.fact.tenant), lane.rule.reserved > 0,
      case .reclaimable(let within, _) = lane.rule.lending
    else { return }
    promises[id] = Promise(lane: name, by: facts.now + within.ns)
  }

  private func isPlain(_ demand: Demand) -> Bool {
    demand.shape == .whole && demand.devices == 1 && demand.members == 1
      && demand.cpu.value == 0 && demand.hostMemory == .zero && demand.enforcement == .none
  }

  /// Drops what the guarantee no longer covers, and looks at the rest.
  /// - Complexity: O(claims + leases) where there are promises; else O(1).
  private mutating func look(_ facts: borrowing Facts) throws(Violation) {
    let ids = promises.ids
    guard !ids.isEmpty else { return }
    var wanted = Array(repeating: Int64(0), count: Limits.lanes)
    for id in facts.leases.ids {
      guard let lease = facts.leases[id] else { continue }
      for use in lease.uses {
        // Its owner's work counts with the whole device, work that was there before it too.
        if !lease.grant.isLent, let lane = facts.devices[use.device]?.lane {
          wanted[Int(lane)] += 1000
        }
      }
    }
    for id in facts.claims.ids {
      guard let claim = facts.claims[id], claim.isWaiting else { continue }
      var left = claim.named
      while let row = left.firstRow {
        left = left.withoutFirst
        guard let lane = facts.lane(row: row),
          lane.rule.owner == facts.name(of: claim.fact.tenant)
        else { continue }
        let demand = claim.fact.spec.demand
        wanted[Int(row)] += 1000 * Int64(demand.devices) * Int64(demand.members)
      }
    }
    for id in ids {
      guard let promise = promises[id], let lane = facts.lanes[promise.lane] else { continue }
      let isCovered = wanted[Int(promise.lane.row)] <= lane.rule.reserved && lane.short == 0
      if isCovered { try check(id, promise, facts.now) } else { promises[id] = nil }
    }
  }
}
