import PoolAllocator

/// Folding of what happens to claims.
extension Facts {
  mutating func foldClaim(_ event: Event, _ log: borrowing EventLog) throws(Violation) {
    switch event {
    case .claimSubmitted(let id, let fact): submit(id, log.claimFacts[Int(fact)])
    case .claimDowngraded(let id, _, _, let fact):
      let row = log.downgrades[Int(fact)]
      try change(id, to: row)
      if let lanes = row.queues { try queue(id, lanes) }
    case .claimQueued(let id, let lanes, _, _): try queue(id, lanes)
    case .claimParked(let id, let bucket):
      try move(id, to: .parked)
      claims[id]?.parkedOn = bucket
    case .claimHeld(let id, _): try move(id, to: .parked)
    case .approvalRequested(let id, _, let isDemanded):
      try move(id, to: .awaitingApproval)
      try approve(id, to: 1)
      claims[id]?.isDemanded = isDemanded
    case .approvalGranted(let id, _): try approve(id, to: 2)
    case .approvalDenied(let id, _):
      try approve(id, to: claims[id]?.approval == 2 ? 7 : 3)
    case .approvalLapsed(let id): try approve(id, to: 4)
    case .claimAged(let id, let level): claims[id]?.level = level
    case .claimPinned(let id, let fact):
      let pin = log.pins[Int(fact)]
      claims[id]?.pin = pin
      claims[id]?.kept = pin.uses.indices.map { log.uses[$0].device }
    case .claimUnpinned(let id, _): claims[id]?.pin = nil
    case .claimEnded(let id, _): try end(id)
    default: break
    }
  }

  private mutating func submit(_ id: ClaimID, _ fact: ClaimFact) {
    claims[id] = KnownClaim(
      fact: fact, arrival: arrivals, submitted: now, named: fact.spec.lanes,
      level: fact.serviceClass.rank)
    arrivals += 1
    counts.claims += 1
    tenants[fact.tenant]?.live += 1
    touchedTenants.append(fact.tenant)
    liveWorkflows[fact.spec.workflow, default: 0] += 1
    touchedClaims.append(id)
  }

  /// Puts what a rung gives in the place of what was asked.
  private mutating func change(_ id: ClaimID, to row: Downgrade) throws(Violation) {
    guard claims[id] != nil else {
      throw Violation("J1", "claim \(id.name) takes rung \(row.rung) and does not live")
    }
    if var fact = claims[id]?.fact {
      fact.spec.demand = row.given.demand
      fact.spec.lanes = row.given.lanes
      fact.spec.modelClass = row.given.modelClass
      fact.spec.runtimeMax = row.given.runtimeMax
      fact.plan = row.given.plan
      fact.waitEnds = row.waitEnds
      fact.latestStart = row.latestStart
      claims[id]?.fact = fact
    }
    claims[id]?.named.bits |= row.given.lanes.bits
    touchedClaims.append(id)
    // A rung that does not act needs no approval that only the one above it asked for.
    guard let claim = claims[id], claim.isDemanded, claim.approval == 1,
      row.automation != .approvalRequired
    else { return }
    try approve(id, to: 5)
    claims[id]?.isDemanded = false
  }

  private mutating func queue(_ id: ClaimID, _ lanes: LaneSet) throws(Violation) {
    let keeps =
      claims[id].map { claim in
        claim.state == .queued && claim.pin.map { lanes.contains(row: $0.lane.row) } ?? false
      } ?? false
    let pin = claims[id]?.pin
    try move(id, to: .queued)
    // The policy in force asks for no approval any more.
    if claims[id]?.approval == 1 {
      try approve(id, to: 5)
      claims[id]?.isDemanded = false
    }
    claims[id]?.waitsFor = lanes
    claims[id]?.pin = keeps ? pin : nil
    // It comes in at the level that what it waited before gives it.
    guard let claim = claims[id] else { return }
    claims[id]?.level = TurnBooks.aged(
      claim.level, claim.fact.serviceClass.rank, claim.waited, policy.order)
  }

  /// Moves a claim to another state, and out of wherever it was.
  mutating func move(_ id: ClaimID, to state: ClaimState) throws(Violation) {
    guard let before = claims[id]?.state else {
      throw Violation("J1", "claim \(id.name) becomes \(state) and does not live")
    }
    if before != state {
      step(.claim, from: before.rawValue, to: state.rawValue, row: id.row)
    }
    leave(id, before)
    claims[id]?.state = state
    if let claim = claims[id], claim.isWaiting { count(1, of: claim.fact.tenant) }
    if state == .queued { claims[id]?.queuedAt = now }
    touchedClaims.append(id)
  }

  private mutating func leave(_ id: ClaimID, _ before: ClaimState) {
    if let claim = claims[id], claim.isWaiting { count(-1, of: claim.fact.tenant) }
    if before == .queued, let since = claims[id]?.queuedAt {
      claims[id]?.waited += now - since
    }
    if before == .starting || before == .running { claims[id]?.leases.removeAll() }
    claims[id]?.waitsFor = .none
    claims[id]?.parkedOn = nil
    claims[id]?.pin = nil
  }

  private mutating func count(_ change: Int, of tenant: TenantID) {
    waiting += change
    tenants[tenant]?.waiting += change
    touchedTenants.append(tenant)
  }

  /// Moves the approval of a claim: a state of `StateEdges.Machine.approval`.
  mutating func approve(_ id: ClaimID, to: UInt8) throws(Violation) {
    guard let from = claims[id]?.approval else {
      throw Violation("J1", "an approval of claim \(id.name), which does not live")
    }
    step(.approval, from: from, to: to, row: id.row)
    // What was withdrawn may be asked for again.
    claims[id]?.approval = to == 5 ? 0 : to
  }

  private mutating func end(_ id: ClaimID) throws(Violation) {
    guard let claim = claims[id] else {
      throw Violation("J1", "claim \(id.name) ends and does not live")
    }
    if claim.approval == 1 || claim.approval == 2 { try approve(id, to: 5) }
    step(.claim, from: claim.state.rawValue, to: 6, row: id.row)
    if claim.isWaiting { count(-1, of: claim.fact.tenant) }
    tenants[claim.fact.tenant]?.live -= 1
    touchedTenants.append(claim.fact.tenant)
    counts.claims -= 1
    let workflow = claim.fact.spec.workflow
    let left = (liveWorkflows[workflow] ?? 0) - 1
    liveWorkflows[workflow] = left > 0 ? left : nil
    claims[id] = nil
    touchedClaims.append(id)
  }
}
