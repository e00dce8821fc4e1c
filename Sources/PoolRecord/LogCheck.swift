import PoolAllocator

extension EventLog {
  /// Whether every event and every row points to rows that the log has: else folding it would read
  /// what is not there.
  /// - Complexity: O(events + rows).
  var isClosed: Bool {
    events.allSatisfy(pointsInside)
      && grants.allSatisfy { uses.holds($0.uses) && postings.holds($0.postings) }
      && pins.allSatisfy { uses.holds($0.uses) }
      && downgrades.allSatisfy { changes.holds($0.changes) }
  }

  private func pointsInside(_ event: Event) -> Bool {
    switch event {
    case .policyActivated(_, let rows): policy != nil && postings.holds(rows)
    case .laneBound(_, let rows), .laneUnbound(_, let rows): uses.holds(rows)
    case .waitExceeded(_, let rows): reasons.holds(rows)
    // The first member has the postings of all.
    case .leaseGranted(_, let rows): rows.count > 0 && grants.holds(rows)
    case .leaseRenewed(_, _, _, let rows), .settled(_, _, _, _, let rows): postings.holds(rows)
    case .correctionRecorded(let row): corrections.holds(row)
    case .nodeEnrolled(_, let row): enrolments.holds(row)
    case .nodeAdvertised(_, let row): nodeReports.holds(row)
    case .deviceAdvertised(_, let row): deviceFacts.holds(row)
    case .claimSubmitted(_, let row): claimFacts.holds(row)
    case .claimDowngraded(_, _, _, let row): downgrades.holds(row)
    case .claimPinned(_, let row): pins.holds(row)
    case .budgetOpened(_, let row): delegations.holds(row)
    case .emergencyRaised(_, let row): emergencies.holds(row)
    case .quoteIssued(_, let row): quotes.holds(row)
    case .identityRestricted(let row): restrictions.holds(row)
    case .epochBegun, .clockJumped, .guaranteeImpaired, .guaranteeRestored, .signalRecorded,
      .pressureMoved, .dependencyReported, .deviceShrank, .deviceMoved, .nodeReached, .nodeHeard,
      .nodeDuty, .nodeDrifted, .nodeForgotten, .claimQueued, .claimParked, .claimHeld,
      .approvalRequested, .approvalGranted, .approvalDenied, .approvalLapsed, .claimAged,
      .claimEnded, .claimRefused, .commandRefused, .laneRested, .preemptionDue, .turnOverdue,
      .claimUnpinned, .budgetChanged, .budgetClosed, .budgetForgotten, .emergencyEnded, .quoteEnded,
      .quoteForgotten, .leaseStarted, .leaseCheckpointed, .leaseUnpaid, .debtEntered,
      .leaseStopping, .leaseOverstayed, .leaseResumed, .leaseEnded, .restrictionEnded:
      true
    }
  }
}

extension LogRows {
  fileprivate func holds(_ row: UInt32) -> Bool { Int(row) < count }
  func holds(_ rows: Span32) -> Bool { Int(rows.first) + Int(rows.count) <= count }
}
