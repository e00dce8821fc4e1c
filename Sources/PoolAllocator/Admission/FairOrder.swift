/// Whose turn it is: level, then service received, then time (SEMANTICS 4.1 to 4.3).
///
/// A tenant's counter in a lane at a level grows by what its grants reserve there, divided by its
/// weight, and the least counter goes first. A tenant that begins to wait is lifted to the floor of
/// the level, so that nobody saves up turns by staying away; a refund never takes it below that
/// floor.
extension Pool {
  // MARK: keys

  /// The key of a queued claim in a lane, were it the head of its line.
  func orderKey(of row: UInt32, in lane: UInt32) -> OrderKey {
    let tenant = claims[row: row].tenant.row
    let level = claims[row: row].level
    return OrderKey(
      overdue: level == 0 ? clocks[tenant, lane].overdue : .farFuture,
      level: level, served: service.served(tenant, at: level, in: lane),
      submitted: claims[row: row].turn.submitted, arrival: claims[row: row].turn.arrival)
  }

  /// The key of a claim at the door of a lane, which has not waited.
  func orderKey(of turn: TurnKey, tenant: TenantID, in lane: UInt32) -> OrderKey {
    let served = service.served(tenant.row, at: turn.level, in: lane)
    let isBacklogged = queue.lines.isBacklogged(tenant.row, at: turn.level, in: lane)
    return OrderKey(
      level: turn.level,
      served: isBacklogged ? served : .max(served, service.floor(at: turn.level, in: lane)),
      submitted: turn.submitted, arrival: turn.arrival)
  }

  /// The first claims in the order of a lane, as it stands now: of one tenant, or of all.
  /// - Complexity: O(count × (log lines of the lane + count)), and O(lines of the lane) for one
  ///   tenant.
  func waiting(for lane: UInt32, of tenant: TenantID? = nil, atMost count: Int) -> [UInt32] {
    var found: [UInt32] = []
    var walk = queue.lines.walk(lane: lane)
    var lines: [QueueLines.LineWalk] = []
    while found.count < count {
      let line = lines.indices.min { lines[$0].order < lines[$1].order }
      if !walk.isAtEnd, line.map({ walk.order < lines[$0].order }) ?? true {
        // Opens the next line of the lane at its head.
        var opened = queue.lines.walk(line: walk.line)
        guard let head = opened.next(in: queue.lines) else { broken("a ranked line has a head") }
        walk.advance(in: queue.lines)
        if let tenant, claims[row: head].tenant != tenant { continue }
        found.append(head)
        if let next = opened.next(in: queue.lines) {
          opened.stand(at: next, orderKey(of: next, in: lane))
          lines.append(opened)
        }
      } else if let line {
        found.append(lines[line].row)
        if let next = lines[line].next(in: queue.lines) {
          lines[line].stand(at: next, orderKey(of: next, in: lane))
        } else {
          lines.remove(at: line)
        }
      } else {
        break
      }
    }
    return found
  }

  /// Whether a claim, queued or at the door, is the first of all in the order of a lane, whoever
  /// owns it: an owner that goes first out of turn takes nobody's turn away.
  func isFirst(_ id: ClaimID, in lane: UInt32) -> Bool {
    guard let head = queue.lines.head(of: lane) else { return true }
    let claim = claims[id]
    guard claim.state == .new else { return head.row == id.row }
    return orderKey(of: claim.turn, tenant: claim.tenant, in: lane) < head.order
  }

  // MARK: ageing

  /// The level of a queued claim by the time it has waited; never above the one it reached.
  func agedLevel(of row: UInt32) -> UInt8 {
    let level = claims[row: row].level
    guard let step = policy.order.ageingStep, level > policy.order.ceiling else { return level }
    let steps = eligibleWait(of: row).ns / step.ns
    let aged = Int64(claims[row: row].serviceClass.rank) - steps
    return min(level, UInt8(max(Int64(policy.order.ceiling), aged)))
  }

  /// Time that a queued claim has spent in the order.
  func eligibleWait(of row: UInt32) -> Span {
    let now = claims[row: row].state == .queued ? self.now - claims[row: row].queuedAt : .zero
    return Span(ns: claims[row: row].waited.ns + now.ns)
  }

  /// The moment at which a queued claim rises by one level; nil where it never does.
  private func rises(_ row: UInt32) -> Instant? {
    let level = claims[row: row].level
    guard let step = policy.order.ageingStep, level > policy.order.ceiling else { return nil }
    if planted(.neverAges) { return nil }
    let steps = Int64(claims[row: row].serviceClass.rank - level) + 1
    let (wait, overflow) = step.ns.multipliedReportingOverflow(by: steps)
    guard !overflow else { return nil }
    return claims[row: row].queuedAt + Span(ns: wait - claims[row: row].waited.ns)
  }

  // MARK: folding

  /// Takes claims back from levels that the policy in force lets nobody reach.
  mutating func lowerClaims() {
    for row in 0..<UInt32(claims.extent) {
      guard let id = claims.id(at: row), claims[id].state == .queued else { continue }
      let rank = claims[id].serviceClass.rank
      let best = policy.order.ageingStep == nil ? rank : min(rank, policy.order.ceiling)
      guard claims[id].level < best, let line = queue.lines.line(of: row) else { continue }
      claims[id].level = best
      guard queue.lines.head(line: line) == row else { continue }
      lift(claims[id].tenant, to: best, in: groups[Int(claims[id].group)])
      refreshLine(line)
    }
  }

  /// Puts a claim into its line. A tenant that begins to wait at its level is lifted to the floor.
  mutating func joinLine(_ id: ClaimID) {
    claims[id].queuedAt = now
    if planted(.agesParked) { claims[id].waited = now - claims[id].turn.submitted }
    count(1, workOf: id)
    // What it waited before counts: it may come back at the level that it had reached.
    let level = agedLevel(of: id.row)
    claims[id].level = level
    let tenant = claims[id].tenant
    var turn = claims[id].turn
    if planted(.requeuesAtBack), claims[id].grants > 0 { turn.submitted = now }
    let (group, rank) = (UInt32(claims[id].group), claims[id].serviceClass.rank)
    let lanes = groups[Int(group)]
    let line = queue.lines.insert(
      id.row, turn, group: group, lanes: lanes, tenant: tenant.row, rank: rank)
    if queue.lines.head(line: line) == id.row { lift(tenant, to: level, in: lanes) }
    refreshLine(line)
  }

  /// Takes a claim out of its line and keeps what it waited.
  mutating func leaveLine(_ id: ClaimID) {
    let waited = eligibleWait(of: id.row)
    claims[id].waited = waited
    count(-1, workOf: id)
    guard let line = queue.lines.remove(id.row) else { broken("a queued claim is in a line") }
    if let next = queue.lines.head(line: line) {
      let (tenant, level) = (claims[row: next].tenant, claims[row: next].level)
      let known = queue.lines.lines[Int(line)]
      if known.level != level { lift(tenant, to: level, in: known.lanes) }
    }
    refreshLine(line)
  }

  mutating func evolveAged(_ id: ClaimID, _ level: UInt8) {
    invariant(claims[id].state == .queued && level < claims[id].level, "a claim in the order rises")
    claims[id].level = level
    lift(claims[id].tenant, to: level, in: groups[Int(claims[id].group)])
    guard let line = queue.lines.line(of: id.row) else { broken("a queued claim is in a line") }
    refreshLine(line)
    let group = Int(claims[id].group)
    stirred.bits |= groups[group].bits
  }

  /// A tenant without a head at a level of a lane begins to wait there.
  private mutating func lift(_ tenant: TenantID, to level: UInt8, in lanes: LaneSet) {
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      guard !queue.lines.isBacklogged(tenant.row, at: level, in: lane) else { continue }
      let served = service.served(tenant.row, at: level, in: lane)
      let floor = service.floor(at: level, in: lane)
      if served < floor, !planted(.savesTurns) {
        service.set(tenant.row, at: level, in: lane, floor)
      }
    }
  }

  /// Charges a grant to a tenant's counter. From the door it is lifted first, as one that waits is.
  /// - Parameter isTurn: whether it was the first in the order of the lane: a grant in the gap
  ///   before another lifts nobody.
  mutating func serve(
    _ tenant: TenantID, at level: UInt8, in lane: UInt32, _ amount: Credits, fromDoor: Bool,
    isTurn: Bool
  ) {
    if fromDoor { lift(tenant, to: level, in: LaneSet(bits: 1 << UInt64(lane))) }
    if isTurn {
      let before = service.served(tenant.row, at: level, in: lane)
      service.raise(at: level, in: lane, to: before)
    }
    charge(tenant, at: level, in: lane, amount)
  }

  /// Charges a quantum to a tenant's counter.
  mutating func charge(_ tenant: TenantID, at level: UInt8, in lane: UInt32, _ amount: Credits) {
    let weighted = tenants[tenant].weighted(amount)
    let served = service.served(tenant.row, at: level, in: lane).value + weighted
    service.set(tenant.row, at: level, in: lane, CreditTotal(served))
    refreshLines(of: tenant, at: level, in: lane)
  }

  /// Gives back what a quantum did not use, down to the floor at most.
  mutating func giveBack(
    _ tenant: TenantID, at level: UInt8, in lane: UInt32, _ amount: Credits
  ) {
    guard amount > .zero else { return }
    let served = service.served(tenant.row, at: level, in: lane).value
    let floor = planted(.refundBelowFloor) ? 0 : service.floor(at: level, in: lane).value
    let least = min(served, floor)
    let corrected = max(served - tenants[tenant].weighted(amount), least)
    service.set(tenant.row, at: level, in: lane, CreditTotal(corrected))
    refreshLines(of: tenant, at: level, in: lane)
  }

  // MARK: the index

  /// Ranks a line by its head, and follows what its tenant waits for.
  mutating func refreshLine(_ line: UInt32) {
    let known = queue.lines.lines[Int(line)]
    let head = queue.lines.head(line: line)
    queue.lines.stand(line, at: head.map { claims[row: $0].level })
    var left = known.lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      followTurn(of: known.tenant, in: lane)
    }
    if head != nil { rankLine(line) }
  }

  /// Ranks every line anew.
  mutating func indexLines() {
    let all = queue.lines.lines.indices.map { UInt32($0) }
      .filter { queue.lines.head(line: $0) != nil }
    for line in all {
      queue.lines.stand(line, at: queue.lines.head(line: line).map { claims[row: $0].level })
    }
    for line in all { rankLine(line) }
    let running = clocks
    running.forEach { tenant, lane, _ in setTurnTimer(tenant, lane) }
  }

  /// Ranks a line by its head, and watches when the head rises.
  private mutating func rankLine(_ line: UInt32) {
    guard let row = queue.lines.head(line: line) else { return }
    var left = queue.lines.lines[Int(line)].lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      queue.lines.rank(line, in: lane, orderKey(of: row, in: lane))
    }
    let moment = rises(row) ?? .farFuture
    QueueIndex.set(&queue.lines.timers, row, moment)
  }

  mutating func refreshLines(of tenant: TenantID, at level: UInt8, in lane: UInt32) {
    guard queue.lines.isBacklogged(tenant.row, at: level, in: lane) else { return }
    for line in queue.lines.lines(of: tenant.row, at: level, in: lane) {
      guard let row = queue.lines.head(line: line) else { continue }
      queue.lines.rank(line, in: lane, orderKey(of: row, in: lane))
    }
  }
}
