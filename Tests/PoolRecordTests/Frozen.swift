/// What journals rest on, written down once.
enum Frozen {
  /// Cases in the order of their numbers, from 0 on.
  static let cases: [String: String] = [
    "Automation": "full, approvalRequired, answerOnly, retrievalOnly, queued",
    "Change.Field":
      "shape, devices, members, cpu, hostMemory, lanes, modelClass, runtimeMax, expected, "
      + "automation",
    "ClaimEnd":
      "completed, failed, cancelled, rejected, infeasible, expired, queueTimeExceeded, "
      + "failedToStart, approvalDenied, approvalLapsed, delegationEnded, budgetSpent, "
      + "preemptedOut, quoteExceeded",
    "ClassRule.EmptyBucket": "park, reject, downgrade",
    "ClassRule.Overrun": "stop, debt",
    "CommandTag":
      "begin, tick, activate, signal, restrict, reportDependency, enrol, advertise, hear, "
      + "silence, cordon, uncordon, drain, fence, forget, delegate, revoke, raiseEmergency, "
      + "submit, quote, cancel, approve, deny, confirmStarted, renew, confirmCheckpoint, "
      + "release, confirmEmpty",
    "Complexity": "simple, complex",
    "Decision.Verdict":
      "admitted, queued, parked, downgraded, rejected, infeasible, done, awaitingApproval",
    "DegradationMode": "reduced, rerouted, asynchronous",
    "DependencyState": "up, degraded, down",
    "DeviceKind": "gpu, slice, cpu",
    "DeviceReport.Condition": "healthy, dirty, failed",
    "Duty": "open, cordoned, draining, drained",
    "Enforcement": "none, environment, cgroup",
    "EventTag":
      "epochBegun, clockJumped, policyActivated, laneBound, laneUnbound, guaranteeImpaired, "
      + "guaranteeRestored, signalRecorded, correctionRecorded, pressureMoved, "
      + "dependencyReported, nodeEnrolled, nodeAdvertised, deviceAdvertised, deviceShrank, "
      + "deviceMoved, nodeReached, nodeHeard, nodeDuty, nodeDrifted, nodeForgotten, "
      + "claimSubmitted, claimDowngraded, claimQueued, claimParked, claimHeld, "
      + "approvalRequested, approvalGranted, approvalDenied, approvalLapsed, claimAged, "
      + "waitExceeded, claimEnded, claimRefused, commandRefused, laneRested, preemptionDue, "
      + "turnOverdue, claimPinned, claimUnpinned, budgetOpened, budgetChanged, budgetClosed, "
      + "budgetForgotten, emergencyRaised, emergencyEnded, quoteIssued, quoteEnded, "
      + "quoteForgotten, leaseGranted, leaseStarted, leaseCheckpointed, leaseRenewed, "
      + "leaseUnpaid, debtEntered, settled, leaseStopping, leaseOverstayed, leaseResumed, "
      + "leaseEnded, identityRestricted, restrictionEnded",
    "Frame.Kind": "1 header, command",
    "Health": "unknown, usable, quarantined, dirty, failed, gone",
    "IdentityKind": "tenant, application, workflow, principal",
    "Outcome": "completed, failed, lost",
    "PlacementRule.Score": "bestFit, fragmentation, offerValue",
    "Pressure": "normal, elevated, saturated, emergency",
    "Proximity": "anywhere, rack, node, numa, island",
    "QuoteEnd": "redeemed, expired, withdrawn",
    "Reach": "enrolled, recovering, ready, suspect, silent",
    "Risk": "low, guarded, privileged",
    "Sharing": "anyTenant, ownTenant, mig, wholeDevice",
    "StopCause":
      "released, expired, unpaid, cancelled, drained, nodeLost, startTimeout, reclaimed, "
      + "preempted, gangEnded",
    "Trigger": "dependency, pressure, queue, bucket, wait, time, preference",
  ]

  /// Stored properties, all of which are written or made from what is.
  static let fields: [String: Int] = [
    "AcceptedRungs": 2, "Advertisement": 4, "ApprovalRule": 3, "ApprovedDevices": 2,
    "BucketRule": 9, "Change": 4, "ClaimFact": 8, "ClaimShape": 5, "ClaimSpec": 23,
    "ClassRule": 8, "CompiledPolicy": 17, "Correction": 2, "CostRule": 7, "Decision": 12,
    "DelegationSpec": 6, "Demand": 9, "DeviceFact": 4, "DeviceReport": 12, "DeviceUse": 3,
    "Digest": 2, "Downgrade": 14, "EmergencyRaise": 3, "EmergencyRule": 2, "Enrolment": 4,
    "EventLog": 19, "Fencing": 1, "GaugeRule": 8, "Grant": 15, "ID<Claim>": 2, "Interruption": 2,
    "Key": 2, "LaneRule": 10, "Limits": 17, "Measurement": 3, "MixKind": 5, "NodeReport": 6,
    "OrderRule": 2,
    "PinFact": 5, "PlacementRule": 2, "PoolRule": 4, "Posting": 6, "PreemptionRule": 3,
    "ProfileRule": 4, "Quote": 12,
    "QuoteRule": 3, "Reason": 5, "RedeemedQuote": 2, "Restriction": 4, "RestrictionFact": 3,
    "RungRule": 19, "RuntimePlan": 3, "Scope": 3, "ServiceRule": 7, "SliceRule": 3, "Span32": 2,
    "Step": 3, "TenantRule": 5,
  ]
}
