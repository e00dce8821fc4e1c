import PoolAllocator

/// The frozen numbers of events: new ones are added at the end, none is used again.
enum EventTag: UInt8, CaseIterable {
  case epochBegun, clockJumped, policyActivated, laneBound, laneUnbound, guaranteeImpaired
  case guaranteeRestored, signalRecorded, correctionRecorded, pressureMoved, dependencyReported
  case nodeEnrolled, nodeAdvertised, deviceAdvertised, deviceShrank, deviceMoved, nodeReached
  case nodeHeard, nodeDuty, nodeDrifted, nodeForgotten, claimSubmitted, claimDowngraded
  case claimQueued, claimParked, claimHeld, approvalRequested, approvalGranted, approvalDenied
  case approvalLapsed, claimAged, waitExceeded, claimEnded, claimRefused, commandRefused
  case laneRested, preemptionDue, turnOverdue, claimPinned, claimUnpinned, budgetOpened
  case budgetChanged, budgetClosed, budgetForgotten, emergencyRaised, emergencyEnded
  case quoteIssued, quoteEnded, quoteForgotten, leaseGranted, leaseStarted, leaseCheckpointed
  case leaseRenewed, leaseUnpaid, debtEntered, settled, leaseStopping, leaseOverstayed
  case leaseResumed, leaseEnded, identityRestricted, restrictionEnded
}

extension EventTag: Recorded {
  static var blank: EventTag { .epochBegun }
}

extension Event: Recorded {
  static var blank: Event { .epochBegun(0) }

  private typealias Tag = EventTag

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else { return write(&coder) }
    let tag: EventTag = coder.take()
    self = .read(tag, &coder)
  }

  fileprivate func write<Coder: FieldCoder>(_ coder: inout Coder) {
    switch self {
    case .epochBegun(let number): coder.put(Tag.epochBegun, number)
    case .clockJumped(let skipped): coder.put(Tag.clockJumped, skipped)
    case .policyActivated(let generation, let postings):
      coder.put(Tag.policyActivated, generation, postings)
    case .laneBound(let lane, let uses): coder.put(Tag.laneBound, lane, uses)
    case .laneUnbound(let lane, let uses): coder.put(Tag.laneUnbound, lane, uses)
    case .guaranteeImpaired(let lane, let short, let code):
      coder.put(Tag.guaranteeImpaired, lane, short, code)
    case .guaranteeRestored(let lane): coder.put(Tag.guaranteeRestored, lane)
    case .signalRecorded(let measurement): coder.put(Tag.signalRecorded, measurement)
    case .correctionRecorded(let fact): coder.put(Tag.correctionRecorded, fact)
    case .pressureMoved(let pool, let gauge, let level, let code):
      coder.put(Tag.pressureMoved, pool, gauge, level, code)
    case .dependencyReported(let key, let state): coder.put(Tag.dependencyReported, key, state)
    case .nodeEnrolled(let node, let fact): coder.put(Tag.nodeEnrolled, node, fact)
    case .nodeAdvertised(let node, let fact): coder.put(Tag.nodeAdvertised, node, fact)
    case .deviceAdvertised(let device, let fact): coder.put(Tag.deviceAdvertised, device, fact)
    case .deviceShrank(let device, let old, let new): coder.put(Tag.deviceShrank, device, old, new)
    case .deviceMoved(let device, let health): coder.put(Tag.deviceMoved, device, health)
    case .nodeReached(let node, let reach): coder.put(Tag.nodeReached, node, reach)
    case .nodeHeard(let node): coder.put(Tag.nodeHeard, node)
    case .nodeDuty(let node, let duty, let drainBy): coder.put(Tag.nodeDuty, node, duty, drainBy)
    case .nodeDrifted(let node, let profile, let reported, let approved):
      coder.put(Tag.nodeDrifted, node, profile, reported, approved)
    case .nodeForgotten(let node): coder.put(Tag.nodeForgotten, node)
    case .claimSubmitted(let claim, let fact): coder.put(Tag.claimSubmitted, claim, fact)
    case .claimDowngraded(let claim, let rung, let trigger, let fact):
      coder.put(Tag.claimDowngraded, claim, rung, trigger, fact)
    case .claimQueued(let claim, let lanes, let code, let widens):
      coder.put(Tag.claimQueued, claim, lanes, code, widens)
    case .claimParked(let claim, let bucket): coder.put(Tag.claimParked, claim, bucket)
    case .claimHeld(let claim, let who): coder.put(Tag.claimHeld, claim, who)
    case .approvalRequested(let claim, let lapses, let isDemanded):
      coder.put(Tag.approvalRequested, claim, lapses, isDemanded)
    case .approvalGranted(let claim, let who): coder.put(Tag.approvalGranted, claim, who)
    case .approvalDenied(let claim, let who): coder.put(Tag.approvalDenied, claim, who)
    case .approvalLapsed(let claim): coder.put(Tag.approvalLapsed, claim)
    case .claimAged(let claim, let level): coder.put(Tag.claimAged, claim, level)
    case .waitExceeded(let claim, let reasons): coder.put(Tag.waitExceeded, claim, reasons)
    case .claimEnded(let claim, let end): coder.put(Tag.claimEnded, claim, end)
    case .claimRefused(let tenant, let code): coder.put(Tag.claimRefused, tenant, code)
    case .commandRefused(let code): coder.put(Tag.commandRefused, code)
    case .laneRested(let row): coder.put(Tag.laneRested, row)
    case .preemptionDue(let row): coder.put(Tag.preemptionDue, row)
    case .turnOverdue(let tenant, let lane): coder.put(Tag.turnOverdue, tenant, lane)
    case .claimPinned(let claim, let fact): coder.put(Tag.claimPinned, claim, fact)
    case .claimUnpinned(let claim, let code): coder.put(Tag.claimUnpinned, claim, code)
    case .budgetOpened(let bucket, let fact): coder.put(Tag.budgetOpened, bucket, fact)
    case .budgetChanged(let bucket, let limit, let expires):
      coder.put(Tag.budgetChanged, bucket, limit, expires)
    case .budgetClosed(let bucket, let code): coder.put(Tag.budgetClosed, bucket, code)
    case .budgetForgotten(let bucket): coder.put(Tag.budgetForgotten, bucket)
    case .emergencyRaised(let bucket, let fact): coder.put(Tag.emergencyRaised, bucket, fact)
    case .emergencyEnded(let bucket): coder.put(Tag.emergencyEnded, bucket)
    case .quoteIssued(let quote, let fact): coder.put(Tag.quoteIssued, quote, fact)
    case .quoteEnded(let quote, let end): coder.put(Tag.quoteEnded, quote, end)
    case .quoteForgotten(let quote): coder.put(Tag.quoteForgotten, quote)
    case .leaseGranted(let claim, let grants): coder.put(Tag.leaseGranted, claim, grants)
    case .leaseStarted(let lease, let moment): coder.put(Tag.leaseStarted, lease, moment)
    case .leaseCheckpointed(let lease, let moment): coder.put(Tag.leaseCheckpointed, lease, moment)
    case .leaseRenewed(let lease, let span, let reserved, let postings):
      coder.put(Tag.leaseRenewed, lease, span, reserved, postings)
    case .leaseUnpaid(let lease, let short): coder.put(Tag.leaseUnpaid, lease, short)
    case .debtEntered(let lease, let bucket, let credits):
      coder.put(Tag.debtEntered, lease, bucket, credits)
    case .settled(let lease, let quantum, let charge, let remainder, let postings):
      let kept = planted(.journalForgetsRest) ? 0 : remainder
      coder.put(Tag.settled, lease, quantum, charge, kept, postings)
    case .leaseStopping(let lease, let cause, let moment, let killBy):
      coder.put(Tag.leaseStopping, lease, cause, moment, killBy)
    case .leaseOverstayed(let lease): coder.put(Tag.leaseOverstayed, lease)
    case .leaseResumed(let lease): coder.put(Tag.leaseResumed, lease)
    case .leaseEnded(let lease): coder.put(Tag.leaseEnded, lease)
    case .identityRestricted(let fact): coder.put(Tag.identityRestricted, fact)
    case .restrictionEnded(let row): coder.put(Tag.restrictionEnded, row)
    }
  }

  fileprivate static func read<Coder: FieldCoder>(_ tag: EventTag, _ coder: inout Coder) -> Event {
    switch tag {
    case .epochBegun: .epochBegun(coder.take())
    case .clockJumped: .clockJumped(skipped: coder.take())
    case .policyActivated: .policyActivated(coder.take(), postings: coder.take())
    case .laneBound: .laneBound(coder.take(), uses: coder.take())
    case .laneUnbound: .laneUnbound(coder.take(), uses: coder.take())
    case .guaranteeImpaired:
      .guaranteeImpaired(coder.take(), short: coder.take(), because: coder.take())
    case .guaranteeRestored: .guaranteeRestored(coder.take())
    case .signalRecorded: .signalRecorded(coder.take())
    case .correctionRecorded: .correctionRecorded(fact: coder.take())
    case .pressureMoved:
      .pressureMoved(pool: coder.take(), gauge: coder.take(), coder.take(), because: coder.take())
    case .dependencyReported: .dependencyReported(coder.take(), coder.take())
    case .nodeEnrolled: .nodeEnrolled(coder.take(), fact: coder.take())
    case .nodeAdvertised: .nodeAdvertised(coder.take(), fact: coder.take())
    case .deviceAdvertised: .deviceAdvertised(coder.take(), fact: coder.take())
    case .deviceShrank: .deviceShrank(coder.take(), from: coder.take(), to: coder.take())
    case .deviceMoved: .deviceMoved(coder.take(), coder.take())
    case .nodeReached: .nodeReached(coder.take(), coder.take())
    case .nodeHeard: .nodeHeard(coder.take())
    case .nodeDuty: .nodeDuty(coder.take(), coder.take(), drainBy: coder.take())
    case .nodeDrifted:
      .nodeDrifted(
        coder.take(), profile: coder.take(), reported: coder.take(), approved: coder.take())
    case .nodeForgotten: .nodeForgotten(coder.take())
    case .claimSubmitted: .claimSubmitted(coder.take(), fact: coder.take())
    case .claimDowngraded:
      .claimDowngraded(coder.take(), rung: coder.take(), trigger: coder.take(), fact: coder.take())
    case .claimQueued:
      .claimQueued(coder.take(), lanes: coder.take(), because: coder.take(), widens: coder.take())
    case .claimParked: .claimParked(coder.take(), on: coder.take())
    case .claimHeld: .claimHeld(coder.take(), by: coder.take())
    case .approvalRequested:
      .approvalRequested(coder.take(), lapses: coder.take(), isDemanded: coder.take())
    case .approvalGranted: .approvalGranted(coder.take(), by: coder.take())
    case .approvalDenied: .approvalDenied(coder.take(), by: coder.take())
    case .approvalLapsed: .approvalLapsed(coder.take())
    case .claimAged: .claimAged(coder.take(), level: coder.take())
    case .waitExceeded: .waitExceeded(coder.take(), reasons: coder.take())
    case .claimEnded: .claimEnded(coder.take(), coder.take())
    case .claimRefused: .claimRefused(tenant: coder.take(), coder.take())
    case .commandRefused: .commandRefused(coder.take())
    case .laneRested: .laneRested(row: coder.take())
    case .preemptionDue: .preemptionDue(row: coder.take())
    case .turnOverdue: .turnOverdue(coder.take(), coder.take())
    case .claimPinned: .claimPinned(coder.take(), fact: coder.take())
    case .claimUnpinned: .claimUnpinned(coder.take(), because: coder.take())
    case .budgetOpened: .budgetOpened(coder.take(), fact: coder.take())
    case .budgetChanged: .budgetChanged(coder.take(), limit: coder.take(), expires: coder.take())
    case .budgetClosed: .budgetClosed(coder.take(), because: coder.take())
    case .budgetForgotten: .budgetForgotten(coder.take())
    case .emergencyRaised: .emergencyRaised(coder.take(), fact: coder.take())
    case .emergencyEnded: .emergencyEnded(coder.take())
    case .quoteIssued: .quoteIssued(coder.take(), fact: coder.take())
    case .quoteEnded: .quoteEnded(coder.take(), coder.take())
    case .quoteForgotten: .quoteForgotten(coder.take())
    case .leaseGranted: .leaseGranted(coder.take(), grants: coder.take())
    case .leaseStarted: .leaseStarted(coder.take(), at: coder.take())
    case .leaseCheckpointed: .leaseCheckpointed(coder.take(), at: coder.take())
    case .leaseRenewed:
      .leaseRenewed(
        coder.take(), span: coder.take(), reserved: coder.take(), postings: coder.take())
    case .leaseUnpaid: .leaseUnpaid(coder.take(), short: coder.take())
    case .debtEntered: .debtEntered(coder.take(), coder.take(), coder.take())
    case .settled:
      .settled(
        coder.take(), quantum: coder.take(), charge: coder.take(), remainder: coder.take(),
        postings: coder.take())
    case .leaseStopping:
      .leaseStopping(coder.take(), coder.take(), at: coder.take(), killBy: coder.take())
    case .leaseOverstayed: .leaseOverstayed(coder.take())
    case .leaseResumed: .leaseResumed(coder.take())
    case .leaseEnded: .leaseEnded(coder.take())
    case .identityRestricted: .identityRestricted(fact: coder.take())
    case .restrictionEnded: .restrictionEnded(row: coder.take())
    }
  }
}
