/// The life of a lease: started, paid a quantum at a time, stopped, empty.
extension Pool {
  // MARK: commands

  mutating func confirmStarted(
    _ id: LeaseID, _ fencing: Fencing, _ log: inout EventLog
  ) -> Decision {
    if let refusal = mismatch(id, fencing) { return refuse(refusal, &log) }
    let lease = leases[id]
    let isOrphan = isOrphan(lease)
    switch lease.state {
    case .granted where now <= lease.startBy && !isOrphan:
      step(.leaseStarted(id, at: now), &log)
    case .active: break  // said twice
    default: return refuse(Reason(.wrongState), &log)
    }
    return answer(id)
  }

  /// Pays the next quantum; half way through the present one at the earliest.
  mutating func renew(_ id: LeaseID, _ fencing: Fencing, _ log: inout EventLog) -> Decision {
    if let refusal = mismatch(id, fencing) { return refuse(refusal, &log) }
    let before = leases[id]
    guard before.state == .active, now < before.ends, !isOrphan(before) else {
      return refuse(notActive(id), &log)
    }
    settlePassedQuantum(id, &log)
    let lease = leases[id]
    if let reason = renewalObstacle(lease) { return refuse(reason, &log) }
    if let reason = closure(of: lease.path) { return refuse(reason, &log) }
    guard lease.nextReserved == nil, now >= lease.renewFrom, let next = nextQuantum(lease) else {
      return answer(id)
    }
    let short = renewalObstacles(lease, next.price)
    let missing = short.filter { $0.code == .bucketShort || $0.code == .budgetSpent }
    if let least = missing.map({ $0.have - $0.need }).min() {
      if planted(.denialCharges) { post(reserve(next.price, path: lease.path, &log), log) }
      if !lease.isUnpaid { step(.leaseUnpaid(id, short: Credits(-least)), &log) }
      var decision = answer(id)
      decision.verdict = .rejected
      decision.reasons = log.append(short)
      decision.retryAt = Self.latest(short).flatMap { $0 < lease.ends ? $0 : nil }
      return decision
    }
    let postings = reserve(next.price, path: lease.path, &log)
    step(
      .leaseRenewed(id, span: next.span, reserved: next.price, postings: postings), &log)
    noteDebt(id, next.price, path: lease.path, &log)
    return answer(id)
  }

  /// Every bucket of a lease's path that cannot pay its next quantum, down to its debt bound.
  private func renewalObstacles(_ lease: Lease, _ price: Credits) -> [Reason] {
    var short: [Reason] = []
    let rank = claims[lease.claim].serviceClass.rank
    for index in 0..<lease.path.count {
      let id = lease.path[index]
      let bucket = buckets[id]
      let most = planted(.debtUnbounded) ? Credits.limit : bucket.rule.debtMax.value
      let floor = lease.terms.overrun == .debt ? -most : 0
      let level = bucket.credits.level(at: now)
      let without = price.value + floor
      let need = without - allowance(of: bucket, rank: rank, at: now)
      guard level < need else { continue }
      let reason = Reason(
        isBudget(id) ? .budgetSpent : .bucketShort, .bucket(id.row), have: level, need: need,
        clearsAt: clears(Int128(without), in: bucket, rank: rank, at: now))
      short.append(reason)
      short += besideShort(reason, in: id, rank: rank)
    }
    return short
  }

  /// Notes that the work of a lease is saved.
  mutating func confirmCheckpoint(
    _ id: LeaseID, _ fencing: Fencing, _ log: inout EventLog
  ) -> Decision {
    if let refusal = mismatch(id, fencing) { return refuse(refusal, &log) }
    switch leases[id].state {
    case .active where now < leases[id].ends: step(.leaseCheckpointed(id, at: now), &log)
    default: return refuse(notActive(id), &log)
    }
    return answer(id)
  }

  /// Why a lease is not active.
  private func notActive(_ id: LeaseID) -> Reason {
    if leases[id].state == .quarantined { return Reason(.recovering) }
    return Reason(leases[id].cause == .preempted ? .preempted : .wrongState)
  }

  mutating func release(
    _ id: LeaseID, _ fencing: Fencing, _ outcome: Outcome, _ log: inout EventLog
  ) -> Decision {
    if let refusal = mismatch(id, fencing) { return refuse(refusal, &log) }
    switch leases[id].state {
    case .granted, .active:
      stop(id, outcome == .lost ? .nodeLost : .released, outcome: outcome, &log)
    case .stopping: break  // said twice
    case .quarantined: return refuse(Reason(.recovering), &log)
    }
    return answer(id)
  }

  mutating func confirmEmpty(
    _ id: LeaseID, _ fencing: Fencing, _ log: inout EventLog
  ) -> Decision {
    if let refusal = mismatch(id, fencing) { return refuse(refusal, &log) }
    guard leases[id].state == .stopping else { return refuse(Reason(.wrongState), &log) }
    step(.leaseEnded(id), &log)
    return done()
  }

  /// Why an order for a lease is not obeyed: it names nothing, or an older holder.
  private func mismatch(_ id: LeaseID, _ fencing: Fencing) -> Reason? {
    guard leases.contains(id) else { return Reason(.unknownSubject) }
    guard leases[id].fencing == fencing || planted(.obeysOlderHolder) else {
      return Reason(
        .fencingStale, have: Int64(truncatingIfNeeded: leases[id].fencing.raw),
        need: Int64(truncatingIfNeeded: fencing.raw))
    }
    return nil
  }

  private func answer(_ id: LeaseID) -> Decision {
    var decision = done()
    decision.lease = id
    decision.claim = claims.contains(leases[id].claim) ? leases[id].claim : nil
    return decision
  }

  // MARK: money

  /// Length and price of the quantum after the running one; nil where the hard end comes first.
  private func nextQuantum(_ lease: Lease) -> (span: Span, price: Credits)? {
    guard let hardEnd = lease.hardEnd, lease.quantumEnd < hardEnd else { return nil }
    let span = min(lease.terms.quantum, hardEnd - lease.quantumEnd)
    let carried = Price.charge(
      rate: lease.rate, span: lease.quantumSpan, carried: lease.remainder
    ).remainder
    let price = Price.lastCharge(rate: lease.rate, span: span, carried: carried)
    guard let price = Credits(checked: price) else { broken("an admitted claim's price fits") }
    return (span, price)
  }

  /// Settles a quantum that is over and makes the paid one after it the running one.
  private mutating func settlePassedQuantum(_ id: LeaseID, _ log: inout EventLog) {
    let lease = leases[id]
    guard lease.nextReserved != nil, now >= lease.quantumEnd else { return }
    let charge = Price.charge(
      rate: lease.rate, span: lease.quantumSpan, carried: lease.remainder)
    settle(id, charge.credits, charge.remainder, of: lease.reserved, &log)
  }

  /// Posts the one terminal entry of the running quantum.
  private mutating func settle(
    _ id: LeaseID, _ charge: Int128, _ remainder: Int64, of reserved: Credits,
    _ log: inout EventLog
  ) {
    guard let charge = Credits(checked: charge) else { broken("an admitted claim's price fits") }
    invariant(charge <= reserved, "a quantum costs at most what it reserved")
    let unused = Credits(reserved.value - charge.value)
    let back = planted(.refundsTwice) ? Credits(2 * unused.value) : unused
    let path = leases[id].path
    let postings = refund(back, path: path, &log)
    step(
      .settled(
        id, quantum: leases[id].quantum, charge: charge, remainder: remainder,
        postings: postings), &log)
  }

  // MARK: stopping

  /// Ends the right to run: billing stops, every reservation is settled, the claim goes its way.
  /// Of a lease that is preempted, work that is not saved costs nothing, back to the start of the
  /// quantum that is running.
  mutating func stop(
    _ id: LeaseID, _ cause: StopCause, outcome: Outcome = .completed, _ log: inout EventLog
  ) {
    let lease = leases[id]
    let first = cause == .gangEnded ? firstCause(of: lease) : cause
    let isTaken = first == .reclaimed || first == .preempted
    let end = planted(.billsWholeQuantum) ? lease.ends : min(now, lease.ends)
    let at = first == .preempted && !planted(.billsPreempted) ? billedUntil(lease) : end
    let killBy = isTaken ? returns(lease) : now + lease.terms.killWithin
    step(.leaseStopping(id, cause, at: at, killBy: killBy), &log)
    if lease.nextReserved != nil, at > lease.quantumEnd {
      let charge = Price.charge(
        rate: lease.rate, span: lease.quantumSpan, carried: lease.remainder)
      settle(id, charge.credits, charge.remainder, of: lease.reserved, &log)
    }
    let last = leases[id]
    let isFree = last.started == nil && !planted(.billsUnstarted)
    let held = isFree ? Span.zero : at - last.quantumStart
    let charge = Price.lastCharge(rate: last.rate, span: held, carried: last.remainder)
    let isForgotten = planted(.lossUnsettled) && cause == .nodeLost
    if !isForgotten { settle(id, charge, 0, of: last.reserved, &log) }
    if let unused = last.nextReserved, !planted(.keepsUnused) { settle(id, 0, 0, of: unused, &log) }
    if isCurrent(lease) { resolve(lease.claim, after: cause, outcome, &log) }
  }

  /// The moment up to which a lease is billed that is preempted now.
  private func billedUntil(_ lease: Lease) -> Instant {
    let isPassed = lease.nextReserved != nil && now >= lease.quantumEnd
    let begins = isPassed ? lease.quantumEnd : lease.quantumStart
    return min(now, lease.ends, max(begins, savedAt(lease) ?? begins))
  }

  /// Where a claim goes when a lease of it stopped.
  private mutating func resolve(
    _ id: ClaimID, after cause: StopCause, _ outcome: Outcome, _ log: inout EventLog
  ) {
    let claim = claims[id]
    switch cause {
    case .released: step(.claimEnded(id, outcome == .completed ? .completed : .failed), &log)
    case .expired, .unpaid: step(.claimEnded(id, .expired), &log)
    case .cancelled: step(.claimEnded(id, .cancelled), &log)
    case .gangEnded: broken("a gang ends with the first of its members")
    case .startTimeout, .nodeLost, .drained, .reclaimed, .preempted:
      let tried = Int(claim.failedStarts) + 1
      if cause != .reclaimed, claim.state == .starting, tried >= Limits.startAttempts {
        return step(.claimEnded(id, .failedToStart), &log)
      }
      let lanes = LaneSet(bits: claim.spec.lanes.bits & liveLanes().bits)
      if cause == .preempted, lanes.isEmpty || isTooLate(claim) {
        return step(.claimEnded(id, .preemptedOut), &log)
      }
      guard !lanes.isEmpty else { return step(.claimEnded(id, .rejected), &log) }
      let because: Reason.Code? =
        switch cause {
        case .drained: .nodeCordoned
        case .nodeLost: .nodeSilent
        case .reclaimed: .behindHead
        case .preempted: .preempted
        default: nil
        }
      step(
        .claimQueued(id, lanes: groupable(lanes), because: because, widens: nil), &log)
    }
  }

  /// Whether a claim that is stopped now can no longer be done by its deadline, with what its
  /// checkpoints saved.
  func isTooLate(_ claim: Claim) -> Bool {
    let saved = claim.lease.map { self.saved(by: $0) } ?? .zero
    return claim.latestStart + claim.saved + saved < now
  }

  private func liveLanes() -> LaneSet {
    var set = LaneSet.none
    lanes.forEach { id, lane in if !lane.isRetired { set.insert(id) } }
    return set
  }

  /// What a lease's timer asks for.
  mutating func leaseDue(_ id: LeaseID, _ log: inout EventLog) {
    let lease = leases[id]
    if isOrphan(lease) { return stop(id, .gangEnded, &log) }
    switch lease.state {
    case .granted: stop(id, .startTimeout, &log)
    case .active where lease.nextReserved != nil: settlePassedQuantum(id, &log)
    case .active:
      stop(id, lease.isUnpaid ? .unpaid : .expired, &log)
    case .quarantined:
      stop(id, .nodeLost, &log)
      if planted(.silenceProvesEmpty) { step(.leaseEnded(id), &log) }
    case .stopping:
      step(planted(.deadlineProvesEmpty) ? .leaseEnded(id) : .leaseOverstayed(id), &log)
    }
  }

  // MARK: folding

  mutating func evolveGranted(_ id: ClaimID, _ grants: Span32, _ log: borrowing EventLog) {
    let first = log.grants[Int(grants.first)]
    let claim = claims[id]
    let (lane, tenant) = (first.lane.row, claim.tenant)
    let fromDoor = claim.state == .new
    let isTurn = isFirst(id, in: lane)
    leaveQueue(id, grantedIn: lane)
    guard let root = tenants[tenant].bucket,
      let path = payingPath(root, claim.spec, claim.serviceClass)
    else { broken("a granted claim has a path") }
    noteReserved(
      log.grants[Int(grants.first)].reserved.value * Int64(grants.count), path: path)
    post(first.postings, log)
    claims[id].begin(first.lease)
    var reserved = Int64(0)
    for offset in 0..<Int(grants.count) {
      let row = Int(grants.first) + offset
      let isLast = offset + 1 == Int(grants.count)
      let grant = log.grants[row]
      let next = isLast ? first.lease : log.grants[row + 1].lease
      take(grant, path: path, lead: first.lease, next: next, members: grants.count, log)
      reserved += grant.reserved.value
    }
    serve(
      tenant, at: first.level, in: lane, Credits(reserved), fromDoor: fromDoor, isTurn: isTurn)
    stirHeads(of: tenant)
  }

  /// Takes the devices of one member.
  private mutating func take(
    _ grant: Grant, path: BucketPath, lead: LeaseID, next: LeaseID, members: UInt16,
    _ log: borrowing EventLog
  ) {
    let (spec, tenant) = (claims[grant.claim].spec, claims[grant.claim].tenant)
    let id = grant.lease
    var (rung, automation) = (UInt8(0), Automation.full)
    if let degradation = claims[grant.claim].degradation {
      (rung, automation) = (degradations[degradation].rung, degradations[degradation].automation)
    }
    let inserted = leases.insert(
      Lease(
        claim: grant.claim, tenant: tenant, node: grant.node, lane: grant.lane,
        fencing: grant.fencing, policy: generation,
        restrictions: lanes[grant.lane].rule.restrictions,
        uses: uses.append(log.uses[grant.uses.indices]), path: path, rate: grant.rate,
        cpu: spec.demand.cpu, hostMemory: spec.demand.hostMemory, billedMilli: grant.billedMilli,
        runtimeMax: spec.runtimeMax, terms: grant.terms, isLent: grant.isLent,
        grace: spec.interruption?.grace ?? Limits.spanMax, level: grant.level,
        rung: rung, automation: automation, members: members, lead: lead, nextMember: next,
        startBy: grant.startBy, quantumStart: now,
        quantumSpan: grant.quantum, reserved: grant.reserved))
    invariant(inserted == id, "a lease gets the id that its event names")
    invariant(grant.fencing.sequence == nextFencing, "a fencing number is issued once")
    nextFencing += 1
    for index in 0..<path.count { buckets[path[index]].leases += 1 }
    lanes[grant.lane].charge(grant.billedMilli, isLent: grant.isLent)
    if grant.isLent { tenants[tenant].borrowed += grant.billedMilli }
    let lease = leases[id]
    if let next = committedQuantum(lease, from: now) { commit(next, for: id) }
    occupy(id, tenant: tenant.row, opensToAny(spec.demand, lane: grant.lane.row))
    voidWithoutRoom(on: grant.node)
    queue.watch(lease: id.row, no: grant.startBy)
  }

  /// Has the lanes looked at again whose head waits on buckets that were just charged, or that now
  /// serve another first: a head that can no longer pay must not hold others back.
  /// - Complexity: O(lanes), for a tenant with waiting claims; else O(1).
  mutating func stirHeads(of tenant: TenantID) {
    guard tenants[tenant].waiting > 0 else { return }
    for row in 0..<UInt32(lanes.extent) {
      if let head = head(of: row), claims[row: head.row].tenant == tenant {
        stirred.insert(row: row)
      }
    }
  }

  /// Has the lanes looked at again that a tenant's claims wait for: one behind the heads may be
  /// able to pay now.
  /// - Complexity: O(lines of the tenant).
  mutating func stirLanes(of tenant: TenantID) {
    stirred.bits |= queue.lines.lanes(of: tenant.row).bits
  }

  /// What a path keeps back: the price of the quantum after the last one that is reserved.
  private func committedQuantum(_ lease: Lease, from start: Instant) -> Credits? {
    var ahead = lease
    if ahead.started == nil { ahead.started = start }
    if let next = ahead.nextReserved {
      let charge = Price.charge(
        rate: lease.rate, span: lease.quantumSpan, carried: lease.remainder)
      ahead.remainder = charge.remainder
      ahead.quantumStart = lease.quantumEnd
      ahead.quantumSpan = lease.nextSpan
      ahead.reserved = next
    }
    return nextQuantum(ahead)?.price ?? .zero
  }

  mutating func evolveStarted(_ id: LeaseID, _ at: Instant) {
    leases[id].start(at: at)
    noteRunning(leases[id])
    queue.watch(lease: id.row, no: leases[id].ends)
    noteVictim(id.row)
    placement.outlooks.forget(node: leases[id].node.row)
    stirHostPlans(on: leases[id].node.row)
  }

  mutating func evolveRenewed(
    _ id: LeaseID, _ span: Span, _ reserved: Credits, _ postings: Span32,
    _ log: borrowing EventLog
  ) {
    invariant(leases[id].nextReserved == nil, "one quantum ahead at most")
    noteReserved(reserved.value, path: leases[id].path)
    post(postings, log)
    leases[id].nextSpan = span
    leases[id].nextReserved = reserved
    leases[id].isUnpaid = false
    let lease = leases[id]
    commit(committedQuantum(lease, from: now) ?? .zero, for: id)
    charge(lease.tenant, at: lease.level, in: lease.lane.row, reserved)
    stirHeads(of: lease.tenant)
    queue.watch(lease: id.row, no: lease.quantumEnd)
  }

  mutating func evolveSettled(
    _ id: LeaseID, _ quantum: UInt32, _ charge: Credits, _ remainder: Int64, _ postings: Span32,
    _ log: borrowing EventLog
  ) {
    let path = leases[id].path
    noteReserved(-leases[id].reserved.value, path: path)
    post(postings, log)
    countCharge(charge, of: id)
    let back = Credits(leases[id].reserved.value - charge.value)
    let (tenant, level) = (leases[id].tenant, leases[id].level)
    giveBack(tenant, at: level, in: leases[id].lane.row, back)
    if back > .zero { stirLanes(of: tenant) }
    leases[id].settle(quantum, remainder: remainder)
    if leases[id].state == .active {
      queue.watch(lease: id.row, no: leases[id].ends)
    }
  }

  mutating func evolveStopping(
    _ id: LeaseID, _ cause: StopCause, at: Instant, _ killBy: Instant
  ) {
    // The others stop with the next tick.
    if leases[id].members > 1, !planted(.gangOutlivesMember) {
      for member in gang(of: id) where member != id { queue.watch(lease: member.row, no: .origin) }
    }
    leases[id].stop(cause, at: at, killBy: killBy)
    if cause == .preempted { countPreemption(of: id) }
    refreshVictim(id.row)
    commit(.zero, for: id)
    queue.watch(lease: id.row, no: killBy)
    placement.outlooks.forget(node: leases[id].node.row)
    stirHostPlans(on: leases[id].node.row)
  }

  /// Alive past its kill deadline: its devices are dirty until proven empty.
  mutating func evolveOverstayed(_ id: LeaseID) {
    leases[id].killBy = .farFuture
    queue.leaseTimers.remove(id.row)
    for index in leases[id].uses.indices {
      let device = uses[index].device
      if devices[device].health == .usable { evolveHealth(device, .dirty) }
    }
    voidLanes(of: leases[id].node.row)
    placement.outlooks.forget(node: leases[id].node.row)
    // What the host lacks too may have been planned with.
    stirPins(on: leases[id].node.row)
  }

  mutating func evolveResumed(_ id: LeaseID) {
    invariant(leases[id].state == .quarantined, "only a quarantined lease resumes")
    leases[id].state = .active
    if leases[id].started == nil {
      leases[id].started = now
      leases[id].quantumStart = now
    }
    noteRunning(leases[id])
    let lease = leases[id]
    queue.watch(lease: id.row, no: timer(of: lease))
    noteVictim(id.row)
    placement.outlooks.forget(node: lease.node.row)
    stirHostPlans(on: lease.node.row)
  }

  mutating func evolveLeaseEnded(_ id: LeaseID) {
    invariant(leases[id].state == .stopping, "a lease ends after it stopped")
    if leases[id].overstays { voidLanes(of: leases[id].node.row) }
    vacate(id)
    let path = leases[id].path
    for index in 0..<path.count {
      buckets[path[index]].leases -= 1
      if isBudget(path[index]) { refreshLimitTimer(path[index].row) }
    }
    let (tenant, isLent) = (leases[id].tenant, leases[id].isLent)
    lanes[leases[id].lane].discharge(leases[id].billedMilli, isLent: isLent)
    if isLent {
      tenants[tenant].borrowed -= leases[id].billedMilli
      // Whoever met a limit of lending or of borrowing may go now, in whatever lane.
      lanes.forEach { lane, known in if known.rule.lending != .never { stirred.insert(lane) } }
    }
    // Where the table was full, any lane may have waited for the room.
    if !leases.hasRoom(for: Limits.members) { lanes.forEach { lane, _ in stirred.insert(lane) } }
    leases.remove(id)
    dropEndedTimers()
  }
}
