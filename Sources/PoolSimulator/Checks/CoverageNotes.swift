import PoolAllocator

/// Reads off the events what they reach.
struct CoverageNotes {
  /// Looks at an event before it is folded.
  func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) {
    switch event {
    case .policyActivated, .epochBegun, .clockJumped, .laneBound, .laneUnbound,
      .guaranteeImpaired, .signalRecorded, .correctionRecorded, .pressureMoved,
      .identityRestricted, .restrictionEnded:
      notePool(event, facts, log, &coverage)
    case .deviceShrank: coverage.reach(.deviceShrank)
    case .nodeDrifted: coverage.reach(.nodeDrifted)
    case .claimDowngraded(_, _, let code, let fact):
      let row = log.downgrades[Int(fact)]
      coverage.reach(code)
      coverage.reach(row.trigger, row.mode, row.automation)
    case .claimQueued, .claimHeld, .claimAged, .waitExceeded, .claimEnded, .claimRefused,
      .commandRefused, .turnOverdue, .claimPinned, .claimUnpinned, .leaseGranted:
      noteClaim(event, facts, log, &coverage)
    case .leaseRenewed, .leaseUnpaid, .settled, .leaseStopping, .leaseOverstayed, .leaseResumed:
      noteLease(event, facts, &coverage)
    case .budgetOpened, .budgetChanged, .budgetClosed:
      noteBudget(event, facts, log, &coverage)
    default: break
    }
  }

  /// Looks at the answer to a command.
  func close(
    _ decision: Decision, _ log: borrowing EventLog, _ coverage: inout Coverage
  ) {
    coverage.reach(decision.verdict)
    for reason in log.reasons { coverage.reach(reason.code) }
  }

  private func notePool(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) {
    switch event {
    case .policyActivated:
      let isBusy = facts.leases.ids.contains { facts.leases[$0]?.stopped == nil }
      if isBusy { coverage.reach(.policyWithReservations) }
      for id in facts.claims.ids {
        if facts.claims[id]?.parkedOn != nil { coverage.reach(.policyWithParked) }
        if facts.claims[id]?.pin != nil { coverage.reach(.policyWithPins) }
      }
    case .epochBegun:
      if facts.counts.leases > 0 { coverage.reach(.epochWithLeases) }
      if facts.waiting > 0 { coverage.reach(.epochWithQueue) }
    case .clockJumped: coverage.reach(.clockJumped)
    case .laneBound(_, let uses): if uses.count > 0 { coverage.reach(.laneBound) }
    case .laneUnbound(_, let uses): if uses.count > 0 { coverage.reach(.laneUnbound) }
    case .guaranteeImpaired(_, _, let code): coverage.reach(code)
    case .signalRecorded: coverage.reach(.signalRecorded)
    case .correctionRecorded(let fact):
      let isKept = log.corrections[Int(fact)].milli != nil
      coverage.reach(isKept ? .correctionRecorded : .correctionForgotten)
    case .pressureMoved(_, _, let level, let code):
      coverage.reach(level)
      coverage.reach(code)
    case .identityRestricted(let fact):
      switch log.restrictions[Int(fact)].restriction?.measure {
      case .suspend: coverage.reach(.suspended)
      case .throttle: coverage.reach(.throttled)
      case .ceiling: coverage.reach(.ceilingLowered)
      case nil: coverage.reach(.restrictionEnded)
      }
    case .restrictionEnded: coverage.reach(.restrictionEnded)
    default: break
    }
  }

  private func noteClaim(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) {
    switch event {
    case .claimQueued(let id, let lanes, let because, let widens):
      if let because { coverage.reach(because) }
      if widens != nil { coverage.reach(.narrowed) }
      let before = facts.claims[id]?.waitsFor ?? .none
      if facts.claims[id]?.state == .queued, lanes != before, before.bits & ~lanes.bits == 0 {
        coverage.reach(.widened)
      }
    case .claimHeld: coverage.reach(.heldByIdentity)
    case .claimAged: coverage.reach(.aged)
    case .waitExceeded: coverage.reach(.waitExceeded)
    case .claimEnded(_, let end): coverage.reach(end)
    case .claimRefused(_, let code), .commandRefused(let code): coverage.reach(code)
    case .turnOverdue: coverage.reach(.turnOverdue)
    case .claimPinned(_, let fact):
      coverage.reach(.pinned)
      if log.pins[Int(fact)].isHeld { coverage.reach(.pinnedWithHold) }
    case .claimUnpinned(_, let code): coverage.reach(code)
    case .leaseGranted(let id, let run): noteGrant(id, run, facts, log, &coverage)
    default: break
    }
  }

  private func noteGrant(
    _ id: ClaimID, _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) {
    guard let claim = facts.claims[id] else { return }
    if run.count > 1 { coverage.reach(.gangGranted) }
    if log.grants[Int(run.first)].isLent { coverage.reach(.lent) }
    coverage.reach(claim.state == .new ? .grantedAtDoor : .grantedFromQueue)
    if claim.grants > 0 { coverage.reach(.grantedAgain) }
    if claim.fact.spec.budget != nil { coverage.reach(.budgetPaid) }
    switch claim.fact.spec.demand.shape {
    case .whole: coverage.reach(.wholeGranted)
    case .fraction: coverage.reach(.fractionGranted)
    case .slice: coverage.reach(.sliceGranted)
    case .cpuOnly: coverage.reach(.processorsGranted)
    }
    let path = facts.path(of: claim)
    let rank = claim.fact.serviceClass.rank
    let isUrgent = path.contains {
      (facts.buckets[$0]?.allowance(rank: rank, at: facts.now) ?? 0) > 0
    }
    if isUrgent { coverage.reach(.emergencyUsed) }
  }

  private func noteLease(
    _ event: Event, _ facts: borrowing Facts, _ coverage: inout Coverage
  ) {
    switch event {
    case .leaseRenewed: coverage.reach(.quantumRenewed)
    case .leaseUnpaid: coverage.reach(.leaseUnpaid)
    case .settled(let id, _, _, _, _):
      if facts.leases[id]?.stopped == nil { coverage.reach(.quantumPassed) }
    case .leaseStopping(let id, let cause, let at, _):
      coverage.reach(cause)
      guard let lease = facts.leases[id] else { return }
      if cause == .reclaimed, lease.started == nil { coverage.reach(.reclaimedUnstarted) }
      if cause == .preempted {
        if lease.gang.count > 1 { coverage.reach(.gangPreempted) }
        if facts.claims[lease.grant.claim]?.preemptions == 1 { coverage.reach(.preemptedTwice) }
      }
      guard lease.started != nil else { return }
      coverage.reach(at.ns < lease.ends ? .endedMidQuantum : .endedAtQuantum)
    case .leaseOverstayed: coverage.reach(.overstayed)
    case .leaseResumed(let id):
      if facts.leases[id]?.started == nil { coverage.reach(.resumedUnstarted) }
    default: break
    }
  }

  private func noteBudget(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) {
    switch event {
    case .budgetOpened(_, let fact):
      if log.delegations[Int(fact)].parent != nil { coverage.reach(.delegatedDeep) }
    case .budgetChanged(let id, let limit, _):
      let before = facts.buckets[id]?.cap ?? 0
      if limit.value > before { coverage.reach(.budgetRaised) }
      if limit.value < before { coverage.reach(.budgetLowered) }
    case .budgetClosed(let id, let code):
      coverage.reach(code)
      let heirs = facts.buckets.ids.filter { heir in
        facts.buckets[heir].map { $0.parent == id && $0.isBudget && $0.closed == nil } ?? false
      }
      if !heirs.isEmpty { coverage.reach(.subtreeClosed) }
    default: break
    }
  }
}
