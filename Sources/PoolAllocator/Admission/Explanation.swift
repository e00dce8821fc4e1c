extension Reason {
  /// The order of an explanation: the last to clear first; before those, what clears at no known
  /// moment, by precedence.
  public static func clearsLater(_ left: Reason, _ right: Reason) -> Bool {
    let (first, second) = (left.clearsAt ?? .farFuture, right.clearsAt ?? .farFuture)
    return first != second ? first > second : EventLog.precedes(left, right)
  }
}

/// Why a claim waits: a query, so that a screen can ask at any moment.
///
/// A claim is served by one lane. In each lane that may serve it, everything that stands in its way
/// there has to go, and any lane from which all is gone will do: the reasons of one lane hold
/// together, those of different lanes are alternatives. A reason that is a cause
/// (`Reason.Code.isCause`) explains the shortage beside it and counts for nothing by itself.
extension Pool {
  /// When a waiting claim starts at the latest, where devices are kept for it.
  ///
  /// It holds unless nodes fail, an operator intervenes or a claim that goes before it takes the
  /// devices; then the event `claimUnpinned` says why.
  public func planned(_ id: ClaimID) -> Instant? { claim(id)?.pin?.starts }

  /// What stands in the way of a waiting claim now, in whatever lane, the last to clear first.
  ///
  /// Nothing is in the way of a claim that the next tick would serve. One that no lane takes any
  /// more, which the next tick ends, has what each lane says.
  /// - Returns: at most `Limits.reasons`; empty where the claim does not wait.
  /// - Complexity: that of `obstacles(of:in:)` for each lane of the claim; changes nothing.
  public func obstacles(of id: ClaimID) -> [Reason] {
    guard let claim = claim(id), claim.isWaiting else { return [] }
    if let reason = delegationObstacle(claim.spec, tenant: claim.tenant, claim.serviceClass) {
      return measures(on: claim) + [reason]
    }
    let measures = measures(on: claim) + missingApproval(of: claim)
    guard let resolved = resolved(claim) else {
      let isRetired = tenants[claim.tenant].isRetired
      return measures
        + [isRetired ? Reason(.tenantUnknown) : Reason(.bucketMissing, .identity(.tenant))]
    }
    let (eligible, _, refusals) = eligibleLanes(claim.spec, resolved)
    var reasons = measures + (eligible.isEmpty ? refusals : [])
    var left = eligible
    while let next = preferred(left, claim.spec, resolved) {
      left.bits &= ~(1 << UInt64(next.row))
      let own = obstacles(of: id, resolved, next, measures)
      if own.isEmpty, measures.isEmpty { return [] }
      reasons += own.filter { !reasons.contains($0) }
    }
    return Array(reasons.sorted(by: Reason.clearsLater).prefix(Limits.reasons))
  }

  /// Everything that stands in the way of a waiting claim in one lane, the last to clear first: the
  /// claim is served there when all of it is gone that is not a cause of a shortage, and not while
  /// any of it is left.
  ///
  /// A shortage is over where room comes free, or is added, that just suffices for the claim.
  /// `behindHead` stands beside it where a claim that goes before this one would take that room,
  /// and `wouldDelayHead` instead of it where there is room that is kept for others.
  /// - Returns: empty where the claim does not wait, or the next tick would serve it there.
  /// - Complexity: that of a submission, and of one for each of the first `Limits.backfillDepth`
  ///   claims of the lane that go before it; changes nothing.
  public func obstacles(of id: ClaimID, in lane: LaneID) -> [Reason] {
    guard let claim = claim(id), claim.isWaiting, lanes.contains(lane),
      claim.spec.lanes.contains(row: lane.row), let resolved = resolved(claim)
    else { return [] }
    if let reason = delegationObstacle(claim.spec, tenant: claim.tenant, claim.serviceClass) {
      return [reason]
    }
    var reasons = measures(on: claim) + missingApproval(of: claim)
    switch lifelongOffer(lane.row, for: claim.spec, resolved) {
    case .failure(let obstacle): reasons.append(obstacle.reason)
    case .success(let offer): reasons += obstacles(of: id, resolved, offer, reasons)
    }
    return reasons.sorted(by: Reason.clearsLater)
  }

  private func missingApproval(of claim: Claim) -> [Reason] {
    guard claim.state == .awaitingApproval, let approval = claim.approval else { return [] }
    return [missingApproval(approval)]
  }

  /// Restrictions that keep a waiting claim out of the order. (A throttle counts claims at the
  /// door.)
  private func measures(on claim: Claim) -> [Reason] {
    restrictions(on: claim.spec, serviceClass: claim.serviceClass)
      .filter { $0.code != .identityThrottled }
  }

  /// What buckets, owners and devices say of a claim in a lane that may serve it.
  private func obstacles(
    of id: ClaimID, _ resolved: Resolved, _ lane: LaneOffer, _ measures: [Reason]
  ) -> [Reason] {
    var reasons = bucketObstacles(
      to: lane.offer.reservation, path: resolved.path, turn: resolved.turn)
    reasons += lendingObstacles(lane.row, to: resolved.tenant, lane.offer.billedMilli)
    let members = resolved.wish.members
    if !leases.hasRoom(for: members) {
      reasons.append(
        Reason(.tableFull, have: Int64(leases.count + members), need: Int64(leases.limit)))
    }
    return reasons
      + placeObstacles(of: id, resolved.wish, lane: lane.row, once: measures + reasons)
  }

  /// Why no other lease is stopped to make room for a claim; none where devices are held for it.
  private func preemptionReasons(_ id: ClaimID, lane: UInt32) -> [Reason] {
    guard claims[id].pin?.isHeld != true,
      let reason = preemptionReason(
        claims[id].serviceClass, of: claims[id].tenant, asking: claims[id].spec.demand, lane: lane)
    else { return [] }
    return [reason]
  }

  // MARK: devices and order

  /// What keeps a claim from the devices of a lane: there are too few, they are kept for others, or
  /// others come first.
  /// - Parameter cleared: what else stands in its way, and of others as well.
  private func placeObstacles(
    of id: ClaimID, _ wish: Wish, lane: UInt32, once cleared: [Reason]
  ) -> [Reason] {
    var asker = asker(id)
    if case .reclaimable(let within, _) = lanes[row: lane].rule.lending,
      !isForeign(lane, to: asker.tenant), let starts = claims[id].pin?.starts,
      starts <= now + within
    {
      // It waits for what is kept for it, and leaves alone what is kept for others of its owner.
      asker.spares = true
    }
    let isOpen = openPlacement(wish, for: asker, lane: lane) != nil
    // Why it may not make room for itself.
    let barrier = isOpen ? [] : preemptionReasons(id, lane: lane)
    if !isOpen, let found = plannedPlacement(of: wish, lane: lane),
      let last = lastStart(on: found.node)
    {
      let delay = delayReason(wish, for: asker, lane: lane)
      return [
        delay ?? Reason(.wouldDelayHead, .lane(lane), have: last.ns, need: asker.leaves.ns)
      ] + barrier
    }
    let room = isOpen ? nil : wish
    let first = goingFirst(before: id, in: lane, once: cleared, room: room)
    let isAfter =
      first.map { first in
        if let room { return first.contains { fits($0, in: room, lane: lane) } }
        return first.contains { isPlaceable($0, in: lane) }
          || nextToPlan(in: lane, among: first)
            .map { isPlanned($0, beside: wish, asker, in: lane) } ?? false
      } ?? true
    // Where the lane is about to be looked at, those before it go first.
    let isPending = stirred.contains(row: lane) && first.map { !$0.isEmpty } ?? true
    let behind = Reason(.behindHead, .lane(lane), have: Int64(waitingClaims))
    return (isPending || isAfter ? [behind] : [])
      + (isOpen ? [] : capacityReasons(wish, lane: lane)) + barrier
  }

  /// Whether a claim could go somewhere in a lane at once.
  private func isPlaceable(_ row: UInt32, in lane: UInt32) -> Bool {
    guard let id = claims.id(at: row), let wish = resolved(claims[id])?.wish else { return false }
    return openPlacement(wish, for: asker(id), lane: lane) != nil
  }

  /// The claim of some that go first for which devices are kept next: the head of a lane, once all
  /// are in the order.
  private func nextToPlan(in lane: UInt32, among first: [UInt32]) -> UInt32? {
    let next = first.min { place(of: $0, in: lane) < place(of: $1, in: lane) }
    guard let next, let head = head(of: lane), head.row != next else { return next }
    return place(of: next, in: lane) < head.order ? next : nil
  }

  /// Whether devices would be kept for a claim on a node that one who asks goes to, once nothing
  /// else stands in its way.
  private func isPlanned(
    _ row: UInt32, beside wish: Wish, _ asker: Asker, in lane: UInt32
  ) -> Bool {
    guard let id = claims.id(at: row), claims[id].pin == nil,
      let own = resolved(claims[id])?.wish, let room = room(for: wish, lane: lane),
      let promise = earliestStart(of: own, for: self.asker(id), lane: lane),
      promise.starts < asker.leaves
    else { return false }
    let needsHost = own.demand.asksHost && wish.demand.asksHost
    let places = [room.placement] + room.others
    return ([promise.placement] + promise.others).contains { plan in
      places.contains { $0.node == plan.node && (needsHost || $0.shares(deviceWith: plan)) }
    }
  }

  /// The claims that are tried in a lane before one, once what stands in its way is gone, as far as
  /// nothing else stands in theirs; nil where it is not tried at all before they have left.
  /// - Parameter room: what a new node just suffices for; nil for none.
  private func goingFirst(
    before id: ClaimID, in lane: UInt32, once cleared: [Reason], room: Wish?
  ) -> [UInt32]? {
    guard let before = claimsBefore(id, in: lane, once: cleared) else { return nil }
    let first = before.filter { obstacles(to: $0, in: lane, once: cleared, of: id).isEmpty }
    guard let head = before.min(by: { place(of: $0, in: lane) < place(of: $1, in: lane) }),
      !isKept(head, in: lane, isNext: room == nil && first.contains(head)),
      !isHolding(head, room, lane),
      !first.contains(head) || !isPlaceable(head, in: lane)
    else { return first }
    // Behind a head that no node can hold, the first of a line that one can hold goes first.
    let own = place(of: id.row, in: lane)
    let isHeld = isFirstOfLine(id, before) && isHolding(id.row, room, lane)
    for row in firstOfLines(in: lane, and: before) where row != head && row != id.row {
      if isHeld, own < place(of: row, in: lane) { return [] }
      guard isHolding(row, room, lane) else { continue }
      let obstacles = obstacles(to: row, in: lane, once: cleared, of: id)
      if obstacles.isEmpty { return [row] + first }
      // One that its limits stop stays where it is; any other steps aside, and may then go before
      // this one at its bucket.
      if obstacles.contains(where: { $0.code.group == .capacity }) { return first }
      if obstacles.allSatisfy({ $0.code.group == .credits }),
        claims[row: row].turn < claims[id].turn, claims[row: row].tenant == claims[id].tenant
      {
        return nil
      }
    }
    return isHeld ? [] : first
  }

  /// Whether something is kept for a claim in a lane, or is as soon as it is back in the order, or
  /// as nothing else stands in its way.
  private func isKept(_ row: UInt32, in lane: UInt32, isNext: Bool) -> Bool {
    if claims[row: row].pin?.lane.row == lane { return true }
    guard isNext || claims[row: row].state == .parked, let id = claims.id(at: row),
      let wish = resolved(claims[id])?.wish
    else { return false }
    return earliestStart(of: wish, for: asker(id), lane: lane) != nil
  }

  /// The first claims of the lines of a lane, and those of others that are in no line yet.
  private func firstOfLines(in lane: UInt32, and others: [UInt32]) -> [UInt32] {
    var found = others.filter { claims[row: $0].state == .parked }
    var walk = queue.lines.walk(lane: lane)
    while !walk.isAtEnd {
      if let row = queue.lines.head(line: walk.line) { found.append(row) }
      walk.advance(in: queue.lines)
    }
    return found.sorted { place(of: $0, in: lane) < place(of: $1, in: lane) }
  }

  /// Whether nobody goes before a claim in its own line, were it in one now.
  private func isFirstOfLine(_ id: ClaimID, _ before: [UInt32]) -> Bool {
    if let line = queue.lines.line(of: id.row) { return queue.lines.head(line: line) == id.row }
    let own = lanesToWaitFor(id.row)
    return !before.contains {
      claims[row: $0].tenant == claims[id].tenant
        && claims[row: $0].serviceClass == claims[id].serviceClass && lanesToWaitFor($0) == own
    }
  }

  /// The lanes that a claim waits for, or would wait for if it could pay all that may serve it.
  private func lanesToWaitFor(_ row: UInt32) -> LaneSet {
    if claims[row: row].state == .queued { return groups[Int(claims[row: row].group)] }
    let claim = claims[row: row]
    return resolved(claim).map { eligibleLanes(claim.spec, $0).lanes } ?? .none
  }

  /// Whether nodes that just suffice for a demand, one for each member, would be taken by a waiting
  /// claim too: by a gang also together with what is free elsewhere, or for what is kept for it.
  private func fits(_ row: UInt32, in room: Wish, lane: UInt32) -> Bool {
    let demand = claims[row: row].spec.demand
    guard room.demand.leavesRoom(for: demand, memory: lanes[row: lane].profile.memory) else {
      return false
    }
    guard demand.members > room.demand.members else { return true }
    if claims[row: row].pin?.lane.row == lane || head(of: lane)?.row == row { return true }
    guard var wish = resolved(claims[row: row])?.wish else { return false }
    wish.through = row
    let missing = Int(demand.members) - Int(room.demand.members)
    var found = 0
    for node in nodes(of: lane) where found < missing {
      found += members(wish, on: node, lane, atMost: missing - found).count
    }
    return found >= missing
  }

  /// Whether some node of a lane can be relied on to hold a waiting claim, where there is one more
  /// that just suffices for another demand.
  private func isHolding(_ row: UInt32, _ room: Wish?, _ lane: UInt32) -> Bool {
    guard let wish = resolved(claims[row: row])?.wish else { return true }
    if let room, fits(row, in: room, lane: lane) { return true }
    return placement.lanes[Int(lane)].firm.answer(wish)
      ?? (firmness(of: wish, lane: lane, probes: .max) == nil)
  }

  /// The claims that go before one in the order of a lane, whether it is in that order by now or
  /// not, and those that come back into it with it; nil where they are so many that it is not tried
  /// in the gap before them, or the lane's owner is among them, which lends nothing while it waits.
  private func claimsBefore(
    _ id: ClaimID, in lane: UInt32, once cleared: [Reason]
  ) -> [UInt32]? {
    let claim = claims[id]
    var owner: TenantID?
    if let head = head(of: lane), lanes[row: lane].rule.owner != nil,
      !isForeign(lane, to: claims[row: head.row].tenant)
    {
      guard !isForeign(lane, to: claim.tenant) else { return nil }
      owner = claim.tenant
    }
    let own = place(of: id.row, in: lane)
    var before = heldBefore(id, in: lane, once: cleared)
    let ownersComeBack =
      isForeign(lane, to: claim.tenant)
      && before.contains {
        !isForeign(lane, to: claims[row: $0].tenant)
          && obstacles(to: $0, in: lane, once: cleared, of: id).isEmpty
      }
    if ownersComeBack { return nil }
    for row in waiting(for: lane, of: owner, atMost: Limits.backfillDepth + 1) {
      if row == id.row || own < orderKey(of: row, in: lane) { return before }
      before.append(row)
    }
    return before.count > Limits.backfillDepth ? nil : before
  }

  /// Claims that the same restrictions hold out of a lane's order and that go before one in it.
  private func heldBefore(
    _ id: ClaimID, in lane: UInt32, once cleared: [Reason]
  ) -> [UInt32] {
    let own = joiningKey(of: id.row, in: lane)
    var found: [UInt32] = []
    for reason in cleared {
      guard case .identity(let kind) = reason.subject,
        let holder = keys.identities.row(
          for: Identity.indexKey(kind, claims[id].spec.name(of: kind)))
      else { continue }
      var walk = queue.held.walk(holder)
      while found.count <= Limits.backfillDepth, let row = walk.next(in: queue.held)?.row {
        let isOwners =
          isForeign(lane, to: claims[id].tenant) && !isForeign(lane, to: claims[row: row].tenant)
        if row != id.row, claims[row: row].spec.lanes.contains(row: lane), !found.contains(row),
          isOwners || joiningKey(of: row, in: lane) < own
        {
          found.append(row)
        }
      }
    }
    return found
  }

  /// The key of a claim in the order of a lane, or where it would be in it.
  private func place(of row: UInt32, in lane: UInt32) -> OrderKey {
    let isInOrder =
      claims[row: row].state == .queued && groups[Int(claims[row: row].group)].contains(row: lane)
    return isInOrder ? orderKey(of: row, in: lane) : joiningKey(of: row, in: lane)
  }

  /// The key in a lane of a claim that is not in its order, were it put there now.
  private func joiningKey(of row: UInt32, in lane: UInt32) -> OrderKey {
    var turn = claims[row: row].turn
    turn.level = agedLevel(of: row)
    return orderKey(of: turn, tenant: claims[row: row].tenant, in: lane)
  }

  /// What but devices stands in the way of a claim in a lane once what stands in the way of another
  /// is gone.
  private func obstacles(
    to row: UInt32, in lane: UInt32, once cleared: [Reason], of id: ClaimID
  ) -> [Reason] {
    let (claim, other) = (claims[row: row], claims[id])
    var left = measures(on: claim)
    guard let resolved = resolved(claim) else { return [Reason(.tenantUnknown)] }
    switch lifelongOffer(lane, for: claim.spec, resolved) {
    case .failure(let obstacle): return left + [obstacle.reason]
    case .success(let found):
      left += bucketObstacles(
        to: found.offer.reservation, path: resolved.path, turn: resolved.turn)
      left += lendingObstacles(lane, to: claim.tenant, found.offer.billedMilli)
    }
    return left.filter { reason in
      if case .identity(let kind) = reason.subject,
        claim.spec.name(of: kind) != other.spec.name(of: kind)
      {
        return true
      }
      return !cleared.contains {
        $0.code == reason.code && $0.subject == reason.subject && reason.need <= $0.need
      }
    }
  }
}

extension ClaimSpec {
  /// The claim's identity of a kind.
  func name(of kind: IdentityKind) -> Key {
    switch kind {
    case .tenant: tenant
    case .application: application
    case .workflow: workflow
    case .principal: principal
    }
  }
}

extension Demand {
  /// Whether a node that has exactly what a member of this demand asks for would hold a member of
  /// another one too.
  /// - Parameter memory: what a device of the lane's profile has.
  func leavesRoom(for other: Demand, memory: Bytes) -> Bool {
    guard other.devices <= devices, other.cpu <= cpu, other.hostMemory <= hostMemory else {
      return false
    }
    switch (shape, other.shape) {
    case (.cpuOnly, .cpuOnly): return true
    case (.slice(let own), .slice(let asked)): return own == asked
    case (.whole, .whole), (.fraction, .whole): return true
    case (.whole, .fraction(_, let bytes)), (.fraction, .fraction(_, let bytes)):
      return bytes <= memory
    default: return false
    }
  }
}
