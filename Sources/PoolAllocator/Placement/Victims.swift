/// Leases that may have to give way to a more urgent class, by lane and class.
///
/// Derived from the tables, rebuilt by `reindex()`. A lease is in it while it is active, its holder
/// allows interruption, and its claim may still be preempted; it is behind its shield until its
/// lane has noted that the shield passed (`Lane.opened`).
struct VictimIndex: Sendable {
  /// Those whose shield passed, a heap per lane and class, least time since a checkpoint first.
  private(set) var open = IndexedHeaps<UInt64>(heaps: Limits.lanes * 4)
  /// Those behind their shield, by its end.
  private(set) var shielded = IndexedHeaps<Instant>(heaps: Limits.lanes * 4)
  /// Lanes that have any.
  private(set) var lanes = LaneSet.none

  /// The heap of a class in a lane.
  static func heap(_ lane: UInt32, _ rank: UInt8) -> UInt32 { lane * 4 + UInt32(rank) }

  /// Takes a lease out.
  mutating func remove(_ row: UInt32) {
    guard let heap = open.heap(of: row) ?? shielded.heap(of: row) else { return }
    open.remove(row)
    shielded.remove(row)
    let lane = heap / 4
    let isEmpty = (0..<4).allSatisfy {
      open.isEmpty(lane * 4 + $0) && shielded.isEmpty(lane * 4 + $0)
    }
    if isEmpty { lanes.bits &= ~(1 << UInt64(lane)) }
  }

  /// Puts a lease where it belongs.
  mutating func insert(_ row: UInt32, shieldEnds: Instant?, saved: Instant, into heap: UInt32) {
    if let shieldEnds {
      open.remove(row)
      shielded.insert(row, shieldEnds, into: heap)
    } else {
      shielded.remove(row)
      open.insert(row, UInt64.max - UInt64(saved.ns), into: heap)
    }
    lanes.insert(row: heap / 4)
  }
}

/// Who may be preempted, and when that is noted.
extension Pool {
  /// When a lease may be preempted at the earliest, and up to when its work is saved: it ran as
  /// long as its class is let alone, by the terms that it was granted under and by those in force.
  /// A gang goes whole or not at all, once all its members run. Nil where it never may.
  /// - Complexity: O(members).
  func victimTerms(_ lease: Lease) -> (shieldEnds: Instant, saved: Instant)? {
    guard policy.preemption != nil, lease.state == .active, !lease.isLent, isCurrent(lease),
      var started = lease.started, let saved = savedAt(lease)
    else { return nil }
    let claim = claims[lease.claim]
    guard claim.spec.interruption != nil, Int(claim.preemptions) < Limits.preemptionsPerClaim
    else { return nil }
    if lease.members > 1 {
      for member in gang(of: lease.lead) {
        guard leases[member].state == .active, let own = leases[member].started else { return nil }
        started = max(started, own)
      }
    }
    let own = max(lease.terms.shield, policy.classes[Int(claim.serviceClass.rank)].shield)
    let shield = planted(.ignoresShield) ? Span.zero : own
    return (started + shield, saved)
  }

  /// Puts a lease, and all of its gang, where the index finds them, or takes them out.
  mutating func refreshVictim(_ row: UInt32) {
    let lease = leases[row: row]
    let terms = victimTerms(lease)
    guard lease.members > 1, isCurrent(lease) else { return placeVictim(row, terms) }
    for member in gang(of: lease.lead) { placeVictim(member.row, terms) }
  }

  private mutating func placeVictim(
    _ row: UInt32, _ terms: (shieldEnds: Instant, saved: Instant)?
  ) {
    guard let (ends, saved) = terms else { return placement.victims.remove(row) }
    let lane = leases[row: row].lane
    let rank = claims[leases[row: row].claim].serviceClass.rank
    placement.victims.insert(
      row, shieldEnds: ends <= lanes[lane].opened ? nil : ends, saved: saved,
      into: VictimIndex.heap(lane.row, rank))
  }

  /// The same for a lease that runs from now on: where it may be preempted at once, whoever waits
  /// for it is looked at.
  mutating func noteVictim(_ row: UInt32) {
    refreshVictim(row)
    if placement.victims.open.heap(of: row) != nil { stirred.insert(leases[row: row].lane) }
  }

  /// Rebuilds the index.
  mutating func indexVictims() {
    placement.victims = VictimIndex()
    guard policy.preemption != nil else { return }
    leases.forEach { id, _ in refreshVictim(id.row) }
  }

  // MARK: what is due

  /// The moment at which the claims that wait for a lane may preempt what they could not before: a
  /// lease has run for long enough, or the lane may lose another one.
  func preemptionMoment(lane row: UInt32) -> Instant? {
    guard let rule = policy.preemption, let urgent = queue.lines.mostUrgent(in: row), urgent < 3
    else { return nil }
    var moment: Instant?
    var hasOpen = false
    for rank in (urgent + 1)..<4 {
      let heap = VictimIndex.heap(row, rank)
      hasOpen = hasOpen || !placement.victims.open.isEmpty(heap)
      if let first = placement.victims.shielded.least(in: heap) {
        moment = min(moment ?? first.order, first.order)
      }
    }
    guard hasOpen, let bucket = lanes[row: row].preemptions,
      bucket.level < PreemptionBucket.lease, let clears = bucket.clears(rule)
    else { return moment }
    return min(moment ?? clears, clears)
  }

  /// The first lane for which such a moment has come.
  func duePreemption() -> UInt32? {
    var left = placement.victims.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if let moment = preemptionMoment(lane: row), moment <= now { return row }
    }
    return nil
  }

  /// The next such moment in any lane.
  func nextPreemption() -> Instant? {
    var next: Instant?
    var left = placement.victims.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if let moment = preemptionMoment(lane: row) { next = min(next ?? moment, moment) }
    }
    return next
  }

  // MARK: folding

  /// Notes whose shield has passed, and has the lane looked at.
  mutating func evolvePreemptionDue(_ row: UInt32) {
    lanes[row: row].opened = now
    if let rule = policy.preemption { lanes[row: row].preemptions?.settle(rule, at: now) }
    for rank in UInt8(0)..<4 {
      let heap = VictimIndex.heap(row, rank)
      while let first = placement.victims.shielded.least(in: heap), first.order <= now {
        refreshVictim(first.row)
      }
    }
    stirred.insert(row: row)
  }

  /// A lease was preempted, and its gang goes with it: its claim and its lane count that.
  mutating func countPreemption(of id: LeaseID) {
    let (claim, lane) = (leases[id].claim, leases[id].lane)
    invariant(claims[claim].mayBorrow, "a claim is preempted so often and no more")
    claims[claim].preemptions += 1
    let members = Int64(leases[id].members)
    if let rule = policy.preemption { lanes[lane].preemptions?.take(members, rule, at: now) }
  }

  /// Its holder saved its work.
  mutating func evolveCheckpointed(_ id: LeaseID, _ at: Instant) {
    invariant(leases[id].state == .active, "only what runs saves its work")
    leases[id].checkpoint = at
    refreshVictim(id.row)
  }

  /// Brings every lane under the rule of the policy in force.
  mutating func installPreemption(after old: PreemptionRule?) {
    for row in 0..<UInt32(lanes.extent) where lanes.id(at: row) != nil {
      guard let rule = policy.preemption else {
        lanes[row: row].preemptions = nil
        continue
      }
      if let old, lanes[row: row].preemptions != nil {
        lanes[row: row].preemptions?.settle(old, at: now, next: rule)
      } else {
        lanes[row: row].preemptions = PreemptionBucket(rule, at: now)
      }
    }
    indexVictims()
  }
}
