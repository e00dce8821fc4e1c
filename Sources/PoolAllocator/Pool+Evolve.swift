/// The only writer: folds one event into the tables and keeps the indexes true.
///
/// There is no choice in here: what follows from a fact (a drained node, an emptied device, the
/// lanes of devices under a new policy) is worked out from the tables alone. An edge that
/// docs/STATES.md does not list ends the process. Folding is frozen: a later version adds events,
/// it never folds an old one differently.
extension Pool {
  /// Folds one event.
  mutating func evolve(_ event: Event, _ log: borrowing EventLog) {
    switch event {
    case .epochBegun(let epoch): evolveEpoch(epoch)
    case .clockJumped(let step): skipped = Span(ns: skipped.ns + step.ns)
    case .policyActivated(let generation, let postings):
      evolvePolicy(generation, postings, log)
    case .laneBound(let lane, let uses): evolveBound(lane, uses, log)
    case .laneUnbound(let lane, let uses): evolveUnbound(lane, uses, log)
    case .guaranteeImpaired(let lane, let short, let code): evolveImpaired(lane, short, code)
    case .guaranteeRestored(let lane): evolveImpaired(lane, 0, nil)
    case .signalRecorded(let measurement): evolveMeasurement(measurement)
    case .correctionRecorded(let fact): evolveCorrection(log.corrections[Int(fact)])
    case .pressureMoved(_, let gauge, let level, _): evolvePressure(gauge, level)
    case .dependencyReported(let key, let state): evolveDependency(key, state)
    case .nodeEnrolled(let id, let fact): evolveEnrolled(id, log.enrolments[Int(fact)])
    case .nodeAdvertised(let id, let fact): evolveAdvertised(id, log.nodeReports[Int(fact)])
    case .deviceAdvertised(let id, let fact): evolveDevice(id, log.deviceFacts[Int(fact)])
    case .deviceMoved(let id, let health): evolveHealth(id, health)
    case .nodeReached(let id, let reach): evolveReach(id, reach)
    case .nodeHeard(let id): nodes[id].heard += 1
    case .nodeDuty(let id, let duty, let drainBy): evolveDuty(id, duty, drainBy)
    case .nodeDrifted, .deviceShrank, .commandRefused, .waitExceeded, .approvalDenied,
      .approvalLapsed:
      break
    case .nodeForgotten(let id): evolveForgotten(id)
    case .claimSubmitted(let id, let fact): evolveSubmitted(id, log.claimFacts[Int(fact)])
    case .claimDowngraded(let id, _, _, let fact):
      evolveDowngraded(id, log.downgrades[Int(fact)])
    case .claimQueued(let id, let lanes, _, let widens): evolveQueued(id, lanes, widens)
    case .claimParked(let id, let bucket): evolveParked(id, bucket)
    case .claimAged(let id, let level): evolveAged(id, level)
    case .claimHeld(let id, let row): evolveHeld(id, by: row)
    case .approvalRequested(let id, let lapses, let isDemanded):
      evolveApprovalRequested(id, lapses, isDemanded)
    case .approvalGranted(let id, let by): evolveApprovalGranted(id, by)
    case .claimEnded(let id, let end): evolveClaimEnded(id, end)
    case .claimRefused(let tenant, _): if let tenant { tenants[tenant].refused += 1 }
    case .turnOverdue(let tenant, let lane): evolveOverdue(tenant, lane)
    case .claimPinned(let id, let fact): evolvePinned(id, log.pins[Int(fact)], log)
    case .claimUnpinned(let id, _): clearPin(of: id)
    case .laneRested(let row): stirred.bits &= ~(1 << UInt64(row))
    case .budgetOpened(let id, let fact): evolveBudgetOpened(id, log.delegations[Int(fact)])
    case .budgetChanged(let id, let limit, let expires):
      evolveBudgetChanged(id, limit, expires)
    case .budgetClosed(let id, let because): evolveBudgetClosed(id, because)
    case .budgetForgotten(let id): evolveBudgetForgotten(id)
    case .emergencyRaised(let id, let fact):
      evolveEmergency(id, log.emergencies[Int(fact)].until)
    case .emergencyEnded(let id): evolveEmergency(id, nil)
    case .quoteIssued, .quoteEnded, .quoteForgotten: evolveQuote(event, log)
    case .leaseGranted(let id, let grants): evolveGranted(id, grants, log)
    case .leaseStarted(let id, let at): evolveStarted(id, at)
    case .leaseCheckpointed(let id, let at): evolveCheckpointed(id, at)
    case .preemptionDue(let row): evolvePreemptionDue(row)
    case .leaseRenewed(let id, let span, let reserved, let postings):
      evolveRenewed(id, span, reserved, postings, log)
    case .leaseUnpaid(let id, _): leases[id].isUnpaid = true
    case .debtEntered: break
    case .settled(let id, let quantum, let charge, let remainder, let postings):
      evolveSettled(id, quantum, charge, remainder, postings, log)
    case .leaseStopping(let id, let cause, let at, let killBy):
      evolveStopping(id, cause, at: at, killBy)
    case .leaseOverstayed(let id): evolveOverstayed(id)
    case .leaseResumed(let id): evolveResumed(id)
    case .leaseEnded(let id): evolveLeaseEnded(id)
    case .identityRestricted(let fact): evolveRestriction(log.restrictions[Int(fact)])
    case .restrictionEnded(let row):
      identities[row: row].restriction = nil
      releaseHeld(row)
    }
  }

  // MARK: claims

  private mutating func evolveSubmitted(_ id: ClaimID, _ fact: ClaimFact) {
    let rows: InlineArray<3, UInt32> = [
      identityRow(.application, fact.spec.application),
      identityRow(.workflow, fact.spec.workflow), identityRow(.principal, fact.spec.principal),
    ]
    for index in rows.indices { identities[row: rows[index]].live += 1 }
    let turn = TurnKey(level: fact.serviceClass.rank, submitted: now, arrival: arrivals)
    let inserted = claims.insert(Claim(fact, turn: turn, identities: rows))
    invariant(inserted == id, "a claim gets the id that its event names")
    arrivals += 1
    if !fact.spec.demand.isSimple { queue.hasGangs = true }
    keys.claims.insert(fact.spec.key, id.row)
    tenants[fact.tenant].live += 1
    learn(from: fact.spec)
  }

  mutating func evolveQueued(_ id: ClaimID, _ lanes: LaneSet, _ widens: BucketID?) {
    let before = claims[id].state
    let bucket = claims[id].bucket
    let keepsTurn = bucket.map { buckets[$0].turn == id } ?? false
    let keepsPin =
      before == .queued && claims[id].pin.map { lanes.contains(row: $0.lane.row) } ?? false
    let turns = turns(of: id)
    leaveQueue(id, keepsPin: keepsPin, waitsFor: lanes)
    guard let group = group(for: lanes) else { broken("a claim queues in a group that exists") }
    if Int(group) == groups.count { groups.append(lanes) } else { groups[Int(group)] = lanes }
    claims[id].group = group
    claims[id].state = .queued
    // The policy in force asks for no approval any more.
    if before == .awaitingApproval, claims[id].approval?.by == nil { claims[id].approval = nil }
    // One that a rung takes out of the parking does not take the turn from who holds it.
    if before == .parked || keepsTurn, let bucket, buckets[bucket].turn == nil,
      pays(id, from: bucket.row)
    {
      claims[id].bucket = bucket
      buckets[bucket].turn = id
    }
    // A lease that its lane's owner took back did not fail to start.
    if let lead = claims[id].lease, leases.contains(lead) {
      if before == .starting, !isReclaimed(lead) { claims[id].failedStarts += 1 }
      let saved = claims[id].saved.ns + self.saved(by: lead).ns
      claims[id].saved = Span(ns: min(saved, Limits.spanMax.ns))
    }
    // It goes before what its tenant submitted after it.
    if before != .new { voidTurns(of: claims[id].tenant, in: lanes) }
    claims[id].lease = nil
    enterQueue(id)
    joinLine(id)
    resume(turns, of: claims[id].tenant)
    if let widens {
      claims[id].widensOn = widens
      narrow(id, on: widens.row)
      refreshBucketTimer(widens.row)
    }
    // A claim from the door was tried where it goes first: devices may be kept for it there, and
    // elsewhere it may run in the gap before another.
    stirred.bits |= lanes.bits
    if let bucket { refreshBucketTimer(bucket.row) }
  }

  private mutating func evolveParked(_ id: ClaimID, _ bucket: BucketID) {
    invariant(
      claims[id].state == .new || claims[id].state == .queued,
      "a claim parks from the door or from the order")
    leaveQueue(id)
    claims[id].state = .parked
    claims[id].bucket = bucket
    enterQueue(id)
    park(id, on: bucket)
    refreshBucketTimer(bucket.row)
    if queue.parked.least(in: bucket.row)?.row == id.row { stirHeads(of: claims[id].tenant) }
  }

  private mutating func evolveHeld(_ id: ClaimID, by row: UInt32) {
    invariant(claims[id].state == .queued, "a claim is held out of the order")
    leaveQueue(id)
    claims[id].state = .parked
    claims[id].heldBy = row
    enterQueue(id)
    queue.admit(identity: row)
    queue.held.insert(id.row, claims[id].turn, into: row)
  }

  /// Counts a claim among those that wait, and starts the timer that ends its wait.
  mutating func enterQueue(_ id: ClaimID) {
    let claim = claims[id]
    waitingClaims += 1
    tenants[claim.tenant].waiting += 1
    QueueIndex.set(&queue.claimTimers, id.row, waitTimer(of: claim))
    watchDelegation(of: id)
  }

  /// Takes a claim out of wherever it waits; gives up the turn that it holds, at its bucket and in
  /// the lanes that it waits for, but for those that it waits for afterwards.
  mutating func leaveQueue(
    _ id: ClaimID, keepsPin: Bool = false, waitsFor kept: LaneSet = .none,
    grantedIn granted: UInt32? = nil
  ) {
    let state = claims[id].state
    guard claims[id].isWaiting else { return }
    let tenant = claims[id].tenant
    let isPlanned = claims[id].pin != nil
    let turns = turnLanes(of: id, grantedIn: granted)
    if !keepsPin { clearPin(of: id) }
    waitingClaims -= 1
    tenants[tenant].waiting -= 1
    queue.claimTimers.remove(id.row)
    unwatchDelegation(of: id)
    if state == .queued {
      leaveLine(id)
      endTurns(of: tenant, turns, kept: kept, grantedIn: granted, isPlanned: isPlanned)
      stirred.bits |= groups[Int(claims[id].group)].bits
      if let bucket = claims[id].widensOn {
        claims[id].widensOn = nil
        queue.narrowed.remove(id.row)
        refreshBucketTimer(bucket.row)
      }
    } else if let row = claims[id].heldBy {
      claims[id].heldBy = nil
      queue.held.remove(id.row)
      if queue.held.isEmpty(row) { stopReleasing(row) }
    } else {
      queue.parked.remove(id.row)
      queue.strays.remove(id.row)
    }
    guard let bucket = claims[id].bucket else { return }
    claims[id].bucket = nil
    if buckets[bucket].turn == id { buckets[bucket].turn = nil }
    refreshBucketTimer(bucket.row)
    // Those that were behind it at the bucket may pay now.
    stirLanes(of: tenant)
  }

  private mutating func evolveClaimEnded(_ id: ClaimID, _ end: ClaimEnd) {
    leaveQueue(id)
    let rows = claims[id].identities
    for index in rows.indices {
      identities[row: rows[index]].live -= 1
      dropIdentityIfIdle(rows[index])
    }
    let tenant = claims[id].tenant
    tenants[tenant].live -= 1
    let name = claims[id].spec.key
    keys.claims.remove(name)
    if let degradation = claims[id].degradation { degradations.remove(degradation) }
    claims.remove(id)
  }

  // MARK: timers of buckets

  /// Sets the moment at which a bucket can pay the first claim that waits for it.
  mutating func refreshBucketTimer(_ row: UInt32) {
    let isWaitedFor = !queue.parked.isEmpty(row) || !queue.narrowed.isEmpty(row)
    guard isWaitedFor || queue.bucketTimers.heap(of: row) != nil else { return }
    let moment = min(parkingClears(row) ?? .farFuture, wideningClears(row) ?? .farFuture)
    QueueIndex.set(&queue.bucketTimers, row, moment)
  }

  /// When a bucket can pay its first parked claim; nil where none is parked or none may leave. At
  /// once where a budget never can.
  ///
  /// While a claim that left the parking has not been served, only one that precedes it may leave.
  func parkingClears(_ row: UInt32) -> Instant? {
    guard let first = queue.parked.least(in: row), let id = claims.id(at: first.row) else {
      return nil
    }
    if isHopeless(id, on: row) { return .origin }
    if let turn = buckets[row: row].turn, claims[turn].turn < first.order { return nil }
    let lanes = claims[id].spec.lanes
    return clears(lanes, for: id, on: row)
  }

  /// Whether a budget has nothing left for a claim that is parked on it, and nothing comes back.
  func isHopeless(_ id: ClaimID, on row: UInt32) -> Bool {
    guard buckets[row: row].delegation != nil else { return false }
    let lanes = claims[id].spec.lanes
    return leastReservation(claims[id], among: lanes).map { isExhausted(row, for: $0) } ?? false
  }

  /// When a bucket can pay the next dearer lane of a claim that waits for fewer lanes than it
  /// might: of the one whose next lane is the cheapest. Nil where no claim does; at once where
  /// another that precedes it waits for the bucket, for then it has to park behind that one.
  private func wideningClears(_ row: UInt32) -> Instant? {
    guard let first = queue.narrowed.least(in: row), let id = claims.id(at: first.row) else {
      return nil
    }
    if let parked = queue.parked.least(in: row), parked.order < first.order.turn { return .origin }
    if let turn = buckets[row: row].turn, claims[turn].turn < first.order.turn { return .origin }
    return clears(lanesBeside(id), for: id, on: row)
  }

  /// The lanes that a queued claim named and does not wait for.
  private func lanesBeside(_ id: ClaimID) -> LaneSet {
    LaneSet(bits: claims[id].spec.lanes.bits & ~groups[Int(claims[id].group)].bits)
  }

  /// Notes that a queued claim would wait for more lanes if a bucket could pay for them.
  mutating func narrow(_ id: ClaimID, on row: UInt32) {
    let bucket = buckets[row: row]
    let claim = claims[id]
    var price = leastReservation(claim, among: lanesBeside(id)) ?? .zero
    // What an open emergency gives comes first.
    if bucket.emergencyUntil != nil, claim.serviceClass.rank <= Self.emergencyRank {
      price = Credits(price.value - bucket.rule.emergency.value)
    }
    queue.narrowed.insert(id.row, WideningKey(price: price, turn: claim.turn), into: row)
  }

  /// Works out a bucket's timer, and what its claims wait for, under another policy or ceiling.
  mutating func repriceBucket(_ row: UInt32) {
    for member in queue.narrowed.members(of: row) {
      if let id = claims.id(at: member.row) { narrow(id, on: row) }
    }
    refreshBucketTimer(row)
  }

  /// When a bucket can pay the cheapest of some lanes for a claim. What can never be paid or placed
  /// any more, or pays from other buckets under the policy in force, is looked at at once.
  private func clears(_ lanes: LaneSet, for id: ClaimID, on row: UInt32) -> Instant? {
    let bucket = buckets[row: row]
    guard pays(id, from: row), let price = leastReservation(claims[id], among: lanes) else {
      return .origin
    }
    return self.clears(
      need(price, in: bucket), in: bucket, rank: claims[id].serviceClass.rank,
      at: bucket.credits.asOf)
  }

  /// Puts a parked claim where its bucket finds it, or among the strays where the policy in force
  /// has it pay from others.
  mutating func park(_ id: ClaimID, on bucket: BucketID) {
    let turn = claims[id].turn
    if pays(id, from: bucket.row) {
      queue.strays.remove(id.row)
      queue.parked.insert(id.row, turn, into: bucket.row)
    } else {
      queue.parked.remove(id.row)
      queue.strays.insert(id.row, turn, into: 0)
    }
  }

  /// Whether a claim pays from a bucket under the policy in force.
  func pays(_ id: ClaimID, from row: UInt32) -> Bool {
    guard let path = resolved(claims[id])?.path else { return false }
    return (0..<path.count).contains { path[$0].row == row }
  }

  /// The least first reservation among those of some lanes that can ever serve a claim; nil where
  /// none can.
  private func leastReservation(_ claim: Claim, among lanes: LaneSet) -> Credits? {
    guard let resolved = resolved(claim) else { return nil }
    var least: Credits?
    var left = lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      guard case .success(let lane) = lifelongOffer(row, for: claim.spec, resolved) else {
        continue
      }
      least = min(least ?? lane.offer.reservation, lane.offer.reservation)
    }
    return least
  }

  /// The policy's row of the MIG profile that a claim asks for.
  func slice(of spec: ClaimSpec) -> UInt16? {
    guard case .slice(let key) = spec.demand.shape else { return nil }
    return keys.slices.row(for: key).map { UInt16($0) }
  }
}
