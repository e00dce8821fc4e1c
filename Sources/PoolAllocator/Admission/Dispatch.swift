/// What a tick does: everything that is due, one thing after the other, in a fixed order.
extension Pool {
  /// Something that is due.
  private enum Due {
    case lease(LeaseID)
    case node(NodeID)
    case restriction(UInt32)
    case limit(UInt32)
    case waited(ClaimID)
    case aged(ClaimID)
    case overdue(TenantID, LaneID)
    case stray(ClaimID)
    case bucket(UInt32)
    case preemption(UInt32)
    case lane(UInt32)
    case gauge(Int)
    case quote(QuoteID)
  }

  /// Does what is due, one step after the other, up to `limits.stepsPerTick`.
  mutating func tick(_ log: inout EventLog) -> (Decision, Progress) {
    while log.events.count < max(1, limits.stepsPerTick) {
      guard let due = nextDue() else { return (done(), .complete) }
      switch due {
      case .lease(let id): leaseDue(id, &log)
      case .node(let id): nodeDue(id, &log)
      case .restriction(let row): endRestriction(row, &log)
      case .limit(let row): limitDue(row, &log)
      case .waited(let id): waitDue(id, &log)
      case .aged(let id):
        let level = agedLevel(of: id.row)
        step(.claimAged(id, level: level), &log)
      case .overdue(let tenant, let lane): step(.turnOverdue(tenant, lane), &log)
      case .stray(let id): requeue(id, &log)
      case .bucket(let row): serve(bucket: row, &log)
      case .preemption(let row): step(.preemptionDue(row: row), &log)
      case .lane(let row): dispatch(lane: row, &log)
      case .gauge(let index): moveGauge(index, &log)
      case .quote(let id): quoteDue(id, &log)
      }
    }
    return (done(), nextDue() == nil ? .complete : .more)
  }

  /// Returns before grants: what ends first frees what others wait for.
  private mutating func nextDue() -> Due? {
    if let id = dueLease() { return .lease(id) }
    if let row = QueueIndex.due(queue.nodeTimers, at: now), let id = nodes.id(at: row) {
      return .node(id)
    }
    if let row = QueueIndex.due(queue.identityTimers, at: now) { return .restriction(row) }
    if let row = QueueIndex.due(queue.limitTimers, at: now) { return .limit(row) }
    if let row = QueueIndex.due(queue.claimTimers, at: now), let id = claims.id(at: row) {
      return .waited(id)
    }
    if let row = QueueIndex.due(queue.lines.timers, at: now), let id = claims.id(at: row) {
      return .aged(id)
    }
    if let row = QueueIndex.due(queue.turnTimers, at: now) {
      let (tenant, lane) = TurnClocks.subject(row)
      guard let tenant = tenants.id(at: tenant), let lane = lanes.id(at: lane) else {
        broken("a clock that runs names a tenant and a lane")
      }
      return .overdue(tenant, lane)
    }
    if let stray = queue.strays.least(in: 0), let id = claims.id(at: stray.row) {
      return .stray(id)
    }
    if let row = QueueIndex.due(queue.bucketTimers, at: now) { return .bucket(row) }
    if let row = duePreemption() { return .preemption(row) }
    if let row = stirred.firstRow { return .lane(row) }
    // Nobody waits for a quote to end: it is not redeemed any more in any case.
    if let row = QueueIndex.due(queue.quoteTimers, at: now), let id = quotes.id(at: row) {
      return .quote(id)
    }
    return policy.gauges.isEmpty ? nil : dueGauge().map { .gauge($0) }
  }

  /// Drops entries of ended leases that came to the top of the heap; those below wait until then,
  /// or until their row is used again.
  mutating func dropEndedTimers() {
    while let first = queue.leaseTimers.least(in: 0), leases.id(at: first.row) == nil {
      queue.leaseTimers.remove(first.row)
    }
  }

  /// Puts timers of leases right that came up early, as a tick does that finds them: what folds a
  /// recorded tick has `nextTimer` say the same as the pool that decided it.
  package mutating func settleTimers() { _ = dueLease() }

  /// The lease that needs attention first; entries that came up early are put right on the way.
  private mutating func dueLease() -> LeaseID? {
    while let first = queue.leaseTimers.least(in: 0), first.order <= now {
      guard let id = leases.id(at: first.row) else {
        dropEndedTimers()
        continue
      }
      let lease = leases[id]
      let moment = timer(of: lease)
      if moment == first.order { return id }
      QueueIndex.set(&queue.leaseTimers, first.row, moment)
    }
    return nil
  }

  /// Names of a waiting claim resolved again, under the policy in force.
  func resolved(_ claim: Claim) -> Resolved? {
    guard !tenants[claim.tenant].isRetired, let root = tenants[claim.tenant].bucket,
      let path = payingPath(root, claim.spec, claim.serviceClass)
    else { return nil }
    return Resolved(
      tenant: claim.tenant, serviceClass: claim.serviceClass,
      weightMilli: claim.weightMilli, turn: claim.turn, path: path,
      wish: Wish(demand: claim.spec.demand, tenant: claim.tenant.row, slice: slice(of: claim.spec)),
      mayBorrow: claim.mayBorrow, quotedRate: claim.quotedRate)
  }

  /// What a waiting claim asks for under the policy in force; nil where its names are gone.
  func wish(of id: ClaimID) -> Wish? { resolved(claims[id])?.wish }

  /// Lets the first parked claim of a bucket back into the order; else the one that waits for less
  /// than all its lanes, and lacks least for the next, is looked at again.
  private mutating func serve(bucket row: UInt32, _ log: inout EventLog) {
    if let moment = parkingClears(row), moment <= now {
      guard let member = queue.parked.least(in: row), let id = claims.id(at: member.row) else {
        broken("a parking that clears has a claim")
      }
      if isHopeless(id, on: row) { return step(.claimEnded(id, .budgetSpent), &log) }
      // It precedes whoever holds the turn, who parks again and follows it.
      if let bucket = buckets.id(at: row), let holder = buckets[bucket].turn {
        return step(.claimParked(holder, on: bucket), &log)
      }
      return requeue(id, &log)
    }
    guard let member = queue.narrowed.least(in: row), let id = claims.id(at: member.row) else {
      // What it waits for became dearer since the timer was set.
      return refreshBucketTimer(row)
    }
    let claim = claims[id]
    guard let resolved = resolved(claim) else {
      return step(.claimEnded(id, .rejected), &log)
    }
    let (eligible, _, obstacles) = eligibleLanes(claim.spec, resolved)
    guard !eligible.isEmpty else {
      return step(.claimEnded(id, Self.end(of: obstacles)), &log)
    }
    let (payable, short) = payableLanes(eligible, claim.spec, resolved)
    if let short, payable.isEmpty { return step(.claimParked(id, on: short), &log) }
    enqueue(id, for: payable, widens: short, &log)
  }

  /// Steps the event that puts a claim into the order. Where no group is left for the lanes it
  /// waits for one of them, and for no other.
  private mutating func enqueue(
    _ id: ClaimID, for lanes: LaneSet, widens: BucketID?, _ log: inout EventLog
  ) {
    let group = groupable(lanes)
    if let pin = claims[id].pin, !group.contains(row: pin.lane.row) {
      unpin(id.row, because: .bucketShort, &log)
    }
    step(
      .claimQueued(id, lanes: group, because: nil, widens: group == lanes ? widens : nil), &log)
  }

  /// The timer of a waiting claim came up: it waited long enough, its request for an approval is
  /// over, or the policy in force asks for an approval that it does not have.
  private mutating func waitDue(_ id: ClaimID, _ log: inout EventLog) {
    if claims[id].expires <= now {
      if descendWaiting(id, &log) { return }
      let reasons = log.append(obstacles(of: id))
      step(.waitExceeded(id, reasons: reasons), &log)
      step(.claimEnded(id, .queueTimeExceeded), &log)
    } else if claims[id].state == .awaitingApproval {
      approvalDue(id, &log)
    } else {
      step(.claimEnded(id, .rejected), &log)
    }
  }

  /// Puts a claim back into the order for every lane that can ever serve it, or ends it.
  mutating func requeue(_ id: ClaimID, _ log: inout EventLog) {
    let claim = claims[id]
    guard let resolved = resolved(claim) else {
      return step(.claimEnded(id, .rejected), &log)
    }
    let (eligible, _, obstacles) = eligibleLanes(claim.spec, resolved)
    guard !eligible.isEmpty else {
      return step(.claimEnded(id, Self.end(of: obstacles)), &log)
    }
    enqueue(id, for: eligible, widens: nil, &log)
  }

  /// Ends a restriction whose time has come; then lets those it held back into the order, all of
  /// them before any lane is looked at again.
  private mutating func endRestriction(_ row: UInt32, _ log: inout EventLog) {
    guard identities[row: row].isReleasing else {
      return step(.restrictionEnded(row: row), &log)
    }
    guard let member = queue.held.least(in: row), let id = claims.id(at: member.row) else {
      broken("an identity that releases holds a claim")
    }
    requeue(id, &log)
  }

  /// How a waiting claim ends that no lane takes any more.
  private static func end(of obstacles: [Reason]) -> ClaimEnd {
    if obstacles.contains(where: { $0.code == .quoteExceeded }) { return .quoteExceeded }
    return verdict(of: obstacles) == .infeasible ? .infeasible : .rejected
  }

  /// Looks at a lane: at a claim whose kept devices are free, else at its head. Grants it, moves it
  /// aside, ends it, keeps devices for it, fills the gap before it, stops less urgent work for
  /// those behind it, or lets the lane rest.
  private mutating func dispatch(lane row: UInt32, _ log: inout EventLog) {
    guard let first = head(of: row), let head = claims.id(at: first.row) else {
      return step(.laneRested(row: row), &log)
    }
    if let (lost, code) = firstLost(lane: row, head: head) {
      return unpin(lost, because: code, &log)
    }
    let ready = firstReady(lane: row, before: head)
    let isExchange = if let ready { canExchange(head, ready) } else { false }
    let id = isExchange ? head : ready ?? head
    guard let (resolved, payable) = keepInOrder(id, &log) else { return }
    let (spec, tenant) = (claims[id].spec, claims[id].tenant)
    guard leases.hasRoom(for: resolved.wish.members), payable.contains(row: row),
      let offer = offer(row, for: spec, resolved)
    else { return step(.laneRested(row: row), &log) }
    if lendingObstacle(row, to: tenant, offer.billedMilli) == nil {
      if isExchange, let ready { return exchange(id, ready, resolved, offer, lane: row, &log) }
      if ready != nil, let opening = plannedOpening(of: id.row) {
        _ = grant(id, opening, offer, path: resolved.path, &log)
        return
      }
      if serve(id, resolved, offer, lane: row, &log) { return }
    } else if claims[id].pin?.lane.row == row {
      // What it would borrow is no longer lent to it.
      return unpin(id.row, because: .lendingLimit, &log)
    }
    if !reclaimBehind(id, lane: row, &log), !serveBehind(head, lane: row, &log),
      !fillGap(lane: row, behind: id, &log), !preemptBehind(head, lane: row, &log)
    {
      if planted(.changesUnrecorded) { return stirred.bits &= ~(1 << UInt64(row)) }
      step(.laneRested(row: row), &log)
    }
  }

  /// Keeps a claim that came first in the order, or moves it out of the way where it cannot be
  /// served: it is held, no lane takes it any more, its buckets are short, or it waits for other
  /// lanes than it can pay.
  /// - Returns: its names and the lanes that it can pay; nil where an event was stepped.
  private mutating func keepInOrder(
    _ id: ClaimID, _ log: inout EventLog
  ) -> (resolved: Resolved, payable: LaneSet)? {
    let claim = claims[id]
    if let holder = holder(of: claim) {
      step(.claimHeld(id, by: holder), &log)
      return nil
    }
    guard let resolved = resolved(claim) else {
      step(.claimEnded(id, .rejected), &log)
      return nil
    }
    let (eligible, _, obstacles) = eligibleLanes(claim.spec, resolved)
    guard !eligible.isEmpty else {
      step(.claimEnded(id, Self.end(of: obstacles)), &log)
      return nil
    }
    // It waits for the lanes that it can pay, no less and no more.
    let (payable, short) = payableLanes(eligible, claim.spec, resolved)
    if let short, payable.isEmpty {
      step(.claimParked(id, on: short), &log)
      return nil
    }
    if groupable(payable) != groups[Int(claim.group)] {
      enqueue(id, for: payable, widens: short, &log)
      return nil
    }
    return (resolved, payable)
  }

  /// Serves the first claim behind a head that no node can be relied on to hold, as if it were the
  /// head.
  /// - Returns: whether an event was stepped.
  private mutating func serveBehind(
    _ head: ClaimID, lane row: UInt32, _ log: inout EventLog
  ) -> Bool {
    guard let id = firstFirm(lane: row, behind: head) else { return false }
    guard let (resolved, payable) = keepInOrder(id, &log) else { return true }
    let (spec, tenant) = (claims[id].spec, claims[id].tenant)
    guard payable.contains(row: row), let offer = offer(row, for: spec, resolved),
      leases.hasRoom(for: resolved.wish.members),
      lendingObstacle(row, to: tenant, offer.billedMilli) == nil
    else { return false }
    return serve(id, resolved, offer, lane: row, &log)
  }

  /// Starts a head on what is kept for another claim, which keeps what was kept for the head.
  private mutating func exchange(
    _ id: ClaimID, _ other: ClaimID, _ resolved: Resolved, _ offer: Offer, lane row: UInt32,
    _ log: inout EventLog
  ) {
    guard let promise = promise(of: id),
      var opening = plannedOpening(of: other.row, for: resolved.wish)
    else { broken("claims that exchange keep devices") }
    opening.over = other.row
    _ = grant(id, opening, offer, path: resolved.path, &log)
    keep(promise, for: other, &log)
  }

  /// Starts a claim, or does what can be done for one that has to wait: lent devices come back for
  /// their owner, less urgent work gives way, others are kept. What is kept for others of the
  /// owner's claims stays theirs, whatever their level, as long as this one has a start within the
  /// promised time.
  /// - Returns: whether an event was stepped.
  private mutating func serve(
    _ id: ClaimID, _ resolved: Resolved, _ offer: Offer, lane row: UInt32,
    _ log: inout EventLog
  ) -> Bool {
    var asker = asker(id)
    let tenant = claims[id].tenant
    if case .reclaimable(let within, _) = lanes[row: row].rule.lending,
      !isForeign(row, to: tenant)
    {
      asker.spares = true
      let latest = now + within
      if serve(id, as: asker, by: latest, resolved, offer, lane: row, &log) { return true }
      if claims[id].pin.map({ $0.starts <= latest }) ?? false { return false }
      asker.spares = false
    }
    return serve(id, as: asker, by: .farFuture, resolved, offer, lane: row, &log)
  }

  private mutating func serve(
    _ id: ClaimID, as asker: Asker, by latest: Instant, _ resolved: Resolved, _ offer: Offer,
    lane row: UInt32, _ log: inout EventLog
  ) -> Bool {
    let wish = resolved.wish
    prepareScores(of: wish, lanes: .one(row))
    if let opening = openPlacement(wish, for: asker, lane: row) {
      _ = grant(id, opening, offer, path: resolved.path, &log)
      return true
    }
    var unknown: [UInt32] = []
    let promise = earliestStart(of: wish, for: asker, lane: row, noting: &unknown)
    learnOutlooks(of: unknown)
    let start = promise?.starts
    if reclaim(id, wish, as: asker, lane: row, unlessBy: start, &log) { return true }
    if preempt(id, resolved, as: asker, lane: row, unlessBy: start, &log) { return true }
    guard let promise, promise.starts <= latest else { return false }
    return pin(id, promise, &log)
  }

  /// Grants the first claim behind a lane's head that does not delay what is planned. One that
  /// comes before it and cannot pay is moved out of the way, as a head is: its bucket's timer has
  /// it looked at again.
  /// - Returns: whether an event was stepped.
  private mutating func fillGap(
    lane row: UInt32, behind head: ClaimID, _ log: inout EventLog
  ) -> Bool {
    if let (id, opening) = firstPlanned(lane: row, behind: head) {
      grantInGap(id, opening, lane: row, &log)
      return true
    }
    for id in gapClaims(lane: row, behind: head) {
      switch admission(of: id, lane: row) {
      case .refused: continue
      case .short:
        if keepInOrder(id, &log) == nil { return true }
      case .admitted(let resolved):
        let asker = asker(id)
        prepareScores(of: resolved.wish, lanes: .one(row))
        if let opening = openPlacement(resolved.wish, for: asker, lane: row) {
          grantInGap(id, opening, lane: row, &log)
          return true
        }
      }
    }
    return false
  }

  private mutating func grantInGap(
    _ id: ClaimID, _ opening: Opening, lane row: UInt32, _ log: inout EventLog
  ) {
    let claim = claims[id]
    guard let resolved = resolved(claim), let offer = offer(row, for: claim.spec, resolved) else {
      broken("a claim that fits the gap has an offer")
    }
    _ = grant(id, opening, offer, path: resolved.path, &log)
  }

  /// The lanes whose price a claim can pay now, and the bucket that is in the way of the next one:
  /// of the cheapest, whose price is what that bucket's timer asks for.
  private func payableLanes(
    _ lanes: LaneSet, _ spec: ClaimSpec, _ resolved: Resolved
  ) -> (payable: LaneSet, short: BucketID?) {
    var payable = LaneSet.none
    var short: (bucket: BucketID, price: Credits)?
    var left = lanes
    while let next = preferred(left, spec, resolved) {
      left.bits &= ~(1 << UInt64(next.row))
      let price = next.offer.reservation
      switch affordability(price, path: resolved.path, turn: resolved.turn) {
      case .yes: payable.insert(row: next.row)
      case .no(let bucket, _):
        if short.map({ price < $0.price }) ?? true { short = (bucket, price) }
      }
    }
    return (payable, short?.bucket)
  }

  /// The queue group of a set of lanes: the interned one, else a new number, else that of a group
  /// in which nobody waits; nil where every group is in use. So many are kept free of larger sets
  /// that a single lane always has one.
  /// - Complexity: O(queue groups).
  func group(for lanes: LaneSet) -> UInt16? {
    if let known = groups.firstIndex(of: lanes) { return UInt16(known) }
    let most = Limits.queueGroups - (lanes.count > 1 ? Limits.lanes : 0)
    if groups.count < most { return UInt16(groups.count) }
    return groups.indices.prefix(most).first { queue.lines.isEmpty(group: UInt32($0)) }
      .map { UInt16($0) }
  }

  /// A set of lanes that has a queue group: the set itself, else its first lane alone, so that a
  /// claim which waits already never loses its place for want of a group.
  func groupable(_ lanes: LaneSet) -> LaneSet {
    guard group(for: lanes) == nil, let first = lanes.firstRow else { return lanes }
    var single = LaneSet.none
    single.insert(row: first)
    return single
  }
}
