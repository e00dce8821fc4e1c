/// What a set of runs must have been through beside every reason and every step of a state machine.
enum Milestone: Int, CaseIterable {
  // Money.
  case debtEntered, debtRepaid, capForfeited, policyForfeited, leaseUnpaid, emergencyUsed
  case quantumRenewed, quantumPassed
  // Policies, leaderships, time.
  case policyWithReservations, policyWithParked, policyWithPins, epochWithLeases, epochWithQueue
  case clockJumped, signalRecorded, correctionRecorded, correctionForgotten
  // Claims that wait.
  case heldByIdentity, aged, narrowed, widened, pinned, pinnedWithHold, turnOverdue, waitExceeded
  case grantedAtDoor, grantedFromQueue, grantedAgain
  // Gangs, lending, preemption.
  case gangGranted, lent, reclaimedUnstarted, gangPreempted, preemptedTwice
  // Guarantees.
  case laneBound, laneUnbound
  // Delegations.
  case delegatedDeep, budgetRaised, budgetLowered, subtreeClosed, budgetPaid
  // Nodes.
  case deviceShrank, nodeDrifted, overstayed, resumedUnstarted
  // What ends before its time, and what ends when it is paid up.
  case endedMidQuantum, endedAtQuantum
  // Restrictions.
  case suspended, throttled, ceilingLowered, restrictionEnded
  // Forms that were granted.
  case wholeGranted, fractionGranted, sliceGranted, processorsGranted
}
