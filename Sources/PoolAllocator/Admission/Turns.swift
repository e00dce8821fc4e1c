/// Whose turn is overdue, and what makes the bounds of waits count anew (docs/decisions/0019).
extension Pool {
  // MARK: turns

  /// Starts or stops a tenant's clock in a lane as work of it comes to wait at the best level, or
  /// none is left.
  mutating func followTurn(of tenant: UInt32, in lane: UInt32) {
    let waits = queue.lines.isBacklogged(tenant, at: 0, in: lane)
    guard waits != clocks[tenant, lane].runs else { return }
    startTurn(of: tenant, in: lane, since: waits ? now : .farFuture)
  }

  /// A tenant's first claim in a lane had its turn: the next one waits anew.
  mutating func renewTurn(of tenant: UInt32, in lane: UInt32) {
    guard clocks[tenant, lane].runs else { return }
    let wasOverdue = clocks[tenant, lane].overdue < .farFuture
    startTurn(of: tenant, in: lane, since: now)
    if wasOverdue, let id = tenants.id(at: tenant) { refreshLines(of: id, at: 0, in: lane) }
  }

  private mutating func startTurn(of tenant: UInt32, in lane: UInt32, since: Instant) {
    clocks[tenant, lane].since = since
    clocks[tenant, lane].overdue = .farFuture
    setTurnTimer(tenant, lane)
  }

  /// Whether a queued claim is the one whose grant is its tenant's turn in a lane: the first at the
  /// best level, but for those that no node can be relied on to hold.
  mutating func isTurn(_ id: ClaimID, in lane: UInt32) -> Bool {
    let claim = claims[id]
    guard claim.state == .queued, claim.level == 0 else { return false }
    for line in queue.lines.lines(of: claim.tenant.row, at: 0, in: lane) {
      guard let head = queue.lines.head(line: line), head != id.row else { continue }
      let first = claims[row: head]
      guard first.turn.isEarlier(than: claim.turn), let wish = resolved(first)?.wish else {
        continue
      }
      if isFirm(wish, lane: lane) { return false }
    }
    return true
  }

  /// Folds that a tenant's turn in a lane is overdue.
  mutating func evolveOverdue(_ tenant: TenantID, _ lane: LaneID) {
    clocks[tenant.row, lane.row].overdue = now
    setTurnTimer(tenant.row, lane.row)
    refreshLines(of: tenant, at: 0, in: lane.row)
    stirred.insert(lane)
  }

  mutating func setTurnTimer(_ tenant: UInt32, _ lane: UInt32) {
    let clock = clocks[tenant, lane]
    var moment = Instant.farFuture
    if clock.runs, clock.overdue == .farFuture, let id = tenants.id(at: tenant) {
      let (ns, overflow) = clock.since.ns.addingReportingOverflow(interval(of: id, in: lane).ns)
      if !overflow { moment = Instant(ns: ns) }
    }
    QueueIndex.set(&queue.turnTimers, TurnClocks.row(tenant, lane), moment)
  }

  // MARK: a claim that changes its lanes

  /// The clocks of a queued claim's tenant in the lanes that it waits for, before it waits for
  /// others.
  func turns(of id: ClaimID) -> [(lane: UInt32, clock: TurnClocks.Clock)] {
    guard claims[id].state == .queued else { return [] }
    var turns: [(lane: UInt32, clock: TurnClocks.Clock)] = []
    var left = groups[Int(claims[id].group)]
    while let lane = left.firstRow {
      left = left.withoutFirst
      turns.append((lane, clocks[claims[id].tenant.row, lane]))
    }
    return turns
  }

  /// Lets clocks go on that stopped only while a claim changed its lanes.
  mutating func resume(_ turns: [(lane: UInt32, clock: TurnClocks.Clock)], of tenant: TenantID) {
    for (lane, clock) in turns where clock.runs && clocks[tenant.row, lane].runs {
      clocks[tenant.row, lane].since = clock.since
      clocks[tenant.row, lane].overdue = clock.overdue
      setTurnTimer(tenant.row, lane)
      refreshLines(of: tenant, at: 0, in: lane)
    }
  }

  // MARK: voids of one tenant

  /// The bounds of a tenant's waits in some lanes count anew from now: a claim of its own came
  /// before others there.
  mutating func voidTurns(of tenant: TenantID, in lanes: LaneSet) {
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      clocks[tenant.row, lane].voided = now
    }
  }

  /// The lanes in which a claim that leaves the order has its tenant's turn. One that is granted on
  /// devices that were kept for it has it in their lane, whatever has risen before it since, which
  /// then counts anew.
  mutating func turnLanes(of id: ClaimID, grantedIn granted: UInt32?) -> LaneSet {
    guard claims[id].state == .queued else { return .none }
    var turns = LaneSet.none
    var left = groups[Int(claims[id].group)]
    while let lane = left.firstRow {
      left = left.withoutFirst
      if isTurn(id, in: lane) {
        turns.insert(row: lane)
      } else if lane == granted, claims[id].level == 0, claims[id].pin?.lane.row == lane,
        lanes[row: lane].rule.owner == nil
      {
        turns.insert(row: lane)
        clocks[claims[id].tenant.row, lane].voided = now
      }
    }
    return turns
  }

  /// Ends the turns of a claim that left the order. Granted in one lane, or withdrawn from a plan,
  /// it had them in all, or others would wait for one claim of its tenant after another. Without
  /// either its tenant keeps its place, and the bounds of its next claim count anew.
  mutating func endTurns(
    of tenant: TenantID, _ turns: LaneSet, kept: LaneSet, grantedIn granted: UInt32?,
    isPlanned: Bool
  ) {
    var left = LaneSet(bits: turns.bits & ~kept.bits)
    while let lane = left.firstRow {
      left = left.withoutFirst
      if lane != granted { clocks[tenant.row, lane].voided = now }
      if granted != nil || isPlanned { renewTurn(of: tenant.row, in: lane) }
    }
  }

  // MARK: voids of lanes

  /// Bounds of a lane count anew from now: something happened that they do not cover.
  mutating func void(lane: UInt32) { void(lane: lane, until: now) }

  private mutating func void(lane: UInt32, until moment: Instant) {
    lanes[row: lane].voided = max(lanes[row: lane].voided, now, moment)
    placement.lanes[Int(lane)].firm.forget()
  }

  /// The same for every lane with devices of a node.
  mutating func voidLanes(of node: UInt32) {
    var left = placement.lanesOfNode[Int(node)]
    while let row = left.firstRow {
      left = left.withoutFirst
      void(lane: row)
    }
  }

  /// The same for a lane that gets a device with leases: they may stay longer than a round of it.
  mutating func void(lane: UInt32, receiving id: DeviceID) {
    void(lane: lane)
    guard devices[id].shares > 0 else { return }
    var row = placement.leases.first(of: devices[id].node.row)
    while row != RowLists.none {
      for index in leases[row: row].uses.indices where uses[index].device == id {
        if let lease = leases.id(at: row) { void(lane: lane, until: outlasts(lease, lane)) }
      }
      row = placement.leases.next(after: row)
    }
  }

  /// The same for all lanes as a policy comes into force.
  mutating func voidAllLanes() {
    for row in 0..<UInt32(lanes.extent) where lanes.id(at: row) != nil { void(lane: row) }
    for row in 0..<UInt32(leases.extent) {
      guard let id = leases.id(at: row) else { continue }
      var left = placement.lanesOfNode[Int(leases[id].node.row)]
      while let lane = left.firstRow {
        left = left.withoutFirst
        void(lane: lane, until: outlasts(id, lane))
      }
    }
  }

  /// The moment from which a lease lasts no longer than a round of a lane.
  private func outlasts(_ id: LeaseID, _ lane: UInt32) -> Instant {
    Instant(ns: max(0, bound(of: id).ns - terms[Int(lane)].round.ns))
  }

  /// The same where a grant took the last room for leases of a node, or of the pool: who waits may
  /// wait for room, not for devices.
  mutating func voidWithoutRoom(on node: NodeID) {
    var full = LaneSet.none
    if Int(nodes[node].leases) >= Limits.leasesPerNode {
      full = placement.lanesOfNode[Int(node.row)]
    }
    if !leases.hasRoom(for: Limits.members) { lanes.forEach { lane, _ in full.insert(lane) } }
    while let lane = full.firstRow {
      full = full.withoutFirst
      lanes[row: lane].voided = max(lanes[row: lane].voided, now)
    }
  }

  // MARK: what nodes can be relied on to hold

  /// Whether some node of a lane can be relied on to hold a demand; remembered until the lane's
  /// bounds are voided, since only then that changes.
  /// - Complexity: O(1), or O(devices of the lane) after a void.
  mutating func isFirm(_ wish: Wish, lane: UInt32) -> Bool {
    if let known = placement.lanes[Int(lane)].firm.answer(wish) { return known }
    let isFirm = firmness(of: wish, lane: lane, probes: .max) == nil
    placement.lanes[Int(lane)].firm.note(wish, isFirm)
    return isFirm
  }
}
