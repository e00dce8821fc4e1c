/// What happened to a pool: facts in the past tense, folded by `evolve`, the only writer.
///
/// The layout is trivial; longer facts are rows of the `EventLog` that carries the events of one
/// command. Folding the log again, by any later version, gives the same pool.
public enum Event: BitwiseCopyable, Sendable {
  // MARK: the pool
  /// A new leadership began; every node has to report anew.
  case epochBegun(UInt32)
  /// Pool time was asked to jump forward; so much of the step was not believed.
  case clockJumped(skipped: Span)
  /// A policy is in force; postings settle every bucket under the old one.
  case policyActivated(PolicyGeneration, postings: Span32)
  /// Thousandths of devices are bound to a reserved lane.
  case laneBound(LaneID, uses: Span32)
  /// Devices of a reserved lane go back to the shared lane of its pool; leases on them go on.
  case laneUnbound(LaneID, uses: Span32)
  /// So many thousandths of a lane's guarantee cannot be had now. Replaces the last such statement
  /// on the lane.
  case guaranteeImpaired(LaneID, short: Int64, because: Reason.Code)
  /// The whole guarantee of a lane can be had again.
  case guaranteeRestored(LaneID)
  /// A measured value was recorded.
  case signalRecorded(Measurement)
  /// A correction of estimates is in force, or is forgotten; `EventLog.corrections[fact]`.
  case correctionRecorded(fact: UInt32)

  /// A gauge of a pool moved to another level, by its index in the policy.
  case pressureMoved(pool: UInt16, gauge: UInt16, Pressure, because: Reason.Code)
  /// A dependency is as it was reported.
  case dependencyReported(Key, DependencyState)

  // MARK: nodes
  /// An operator named a node; its facts are `EventLog.enrolments[fact]`.
  case nodeEnrolled(NodeID, fact: UInt32)
  /// An agent reported its node; `EventLog.nodeReports[fact]`.
  case nodeAdvertised(NodeID, fact: UInt32)
  /// A device is new or reported differently; `EventLog.deviceFacts[fact]`.
  case deviceAdvertised(DeviceID, fact: UInt32)
  /// A device reports less memory than before.
  case deviceShrank(DeviceID, from: Bytes, to: Bytes)
  /// A device changed its health.
  case deviceMoved(DeviceID, Health)
  /// What is heard of a node changed.
  case nodeReached(NodeID, Reach)
  /// A sign of life of a suspect node.
  case nodeHeard(NodeID)
  /// What an operator wants of a node changed.
  case nodeDuty(NodeID, Duty, drainBy: Instant)
  /// A node reports other devices of a profile than were approved.
  case nodeDrifted(NodeID, profile: Key, reported: UInt16, approved: UInt16)
  /// A node is forgotten.
  case nodeForgotten(NodeID)

  // MARK: claims
  /// A claim was taken in; `EventLog.claimFacts[fact]`.
  case claimSubmitted(ClaimID, fact: UInt32)
  /// A claim took a rung of its service's ladder, at the door or where it waited too long;
  /// `EventLog.downgrades[fact]`.
  case claimDowngraded(ClaimID, rung: UInt8, trigger: Reason.Code, fact: UInt32)
  /// A claim waits in the order of the queue group for these lanes. `widens` is the bucket that is
  /// short for the next dearer lane: when it can pay, the claim is looked at again.
  case claimQueued(ClaimID, lanes: LaneSet, because: Reason.Code?, widens: BucketID?)
  /// A claim waits out of the order until a bucket can pay.
  case claimParked(ClaimID, on: BucketID)
  /// A claim waits out of the order until the restriction on this identity ends.
  case claimHeld(ClaimID, by: UInt32)
  /// A claim waits out of the order for another principal's approval, which lapses by itself.
  /// `isDemanded`: its rung asks for it, whatever the action.
  case approvalRequested(ClaimID, lapses: Instant, isDemanded: Bool)
  /// What a claim plans was approved.
  case approvalGranted(ClaimID, by: Key)
  /// What a claim plans was denied, or an approval taken back; the claim ends.
  case approvalDenied(ClaimID, by: Key)
  /// Nobody decided in time; the claim ends.
  case approvalLapsed(ClaimID)
  /// A claim at the head of its line waited long enough to rise to this level.
  case claimAged(ClaimID, level: UInt8)
  /// A claim waited as long as it or its class allows; the reasons are what stood in its way.
  case waitExceeded(ClaimID, reasons: Span32)
  /// A claim ended.
  case claimEnded(ClaimID, ClaimEnd)
  /// A claim was refused at the door; nothing else changed.
  case claimRefused(tenant: TenantID?, Reason.Code)
  /// A command was refused; nothing else changed.
  case commandRefused(Reason.Code)

  /// A look at a lane found nothing to start; it is not looked at again before something changes.
  case laneRested(row: UInt32)

  /// Work in a lane ran as long as it may without being preempted, or its rate allows another
  /// preemption: it is looked at again.
  case preemptionDue(row: UInt32)

  /// The first claim of a tenant waits at the best level of a lane for longer than the tenant's
  /// interval there: it goes before all whose turn is not overdue.
  case turnOverdue(TenantID, LaneID)
  /// Devices are kept for a waiting claim; `EventLog.pins[fact]`. Replaces what was kept for it.
  case claimPinned(ClaimID, fact: UInt32)
  /// Nothing is kept for a waiting claim any more. Not told where another event says as much: the
  /// claim leaves the order (`leaseGranted`, `claimParked`, `claimHeld`, `claimEnded`), or
  /// `policyActivated`, with which everything that is kept is given up.
  case claimUnpinned(ClaimID, because: Reason.Code)

  // MARK: limits
  /// A delegation has a budget; `EventLog.delegations[fact]`.
  case budgetOpened(BucketID, fact: UInt32)
  /// A budget has another limit or end.
  case budgetChanged(BucketID, limit: Credits, expires: Instant)
  /// A budget and all that were given out of it are closed: `delegationExpired` or
  /// `delegationRevoked`.
  case budgetClosed(BucketID, because: Reason.Code)
  /// Nothing rests on a closed budget any more, and its name is free.
  case budgetForgotten(BucketID)
  /// The emergency of a bucket is open, or has another end; `EventLog.emergencies[fact]`.
  case emergencyRaised(BucketID, fact: UInt32)
  /// The emergency of a bucket is over.
  case emergencyEnded(BucketID)

  // MARK: quotes
  /// A price was given for a while; `EventLog.quotes[fact]`.
  case quoteIssued(QuoteID, fact: UInt32)
  /// A quote was redeemed by the claim that was taken in before, or can not be any more.
  case quoteEnded(QuoteID, QuoteEnd)
  /// A quote that ended is not remembered any more, and its name is free.
  case quoteForgotten(QuoteID)

  // MARK: leases
  /// Devices were taken for every member of a claim, a lease each, and the first quantum of all
  /// reserved, in one step; rows of `EventLog.grants`.
  case leaseGranted(ClaimID, grants: Span32)
  /// The agent started it; billing begins.
  case leaseStarted(LeaseID, at: Instant)
  /// Its holder saved its work.
  case leaseCheckpointed(LeaseID, at: Instant)
  /// The next quantum was reserved.
  case leaseRenewed(LeaseID, span: Span, reserved: Credits, postings: Span32)
  /// A policy event: its bucket cannot pay the next quantum.
  case leaseUnpaid(LeaseID, short: Credits)
  /// A policy event: a bucket of its path went below zero for its first or next quantum.
  case debtEntered(LeaseID, BucketID, Credits)
  /// The one terminal posting of a reserved quantum.
  case settled(LeaseID, quantum: UInt32, charge: Credits, remainder: Int64, postings: Span32)
  /// It must end; billing ended at `at`.
  case leaseStopping(LeaseID, StopCause, at: Instant, killBy: Instant)
  /// It was not reported empty by its kill deadline: its devices are dirty.
  case leaseOverstayed(LeaseID)
  /// Its agent named it before its end: it runs on.
  case leaseResumed(LeaseID)
  /// Nothing of it lives: its devices return.
  case leaseEnded(LeaseID)

  // MARK: identities
  /// A restriction is in force, or replaces one; `EventLog.restrictions[fact]`.
  case identityRestricted(fact: UInt32)
  /// A restriction ended by itself or was lifted.
  case restrictionEnded(row: UInt32)
}
