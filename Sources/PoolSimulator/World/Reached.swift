import PoolAllocator

/// Something rare that a run set has to meet, or it proves less than it says.
package enum Mark: Int, CaseIterable, Sendable {
  // What went wrong; the first are `Fault` in its order.
  case serverCrash, agentCrash, reboot, partition, clockStep, deviceFault, lie, vanish, fencing
  case burst
  /// What a crash left of the batch that was being written.
  case tailLost, tailTorn, tailWhole, tailZeroed
  /// A leader of a later release read the journal.
  case upgrade
  /// A new part of the journal was begun.
  case partBegun
  /// Records were decided again.
  case decidedAgain
  /// The network lost, doubled and reordered messages.
  case messageLost, messageDoubled, heartbeatLate
  /// A request was repeated and answered from memory; its name was used for another one; the
  /// server did not take it.
  case repeated, nameReused, lookupStale
  /// An agent's record was lost; work lived on that no record explained.
  case recordLost, strayWork
  /// Work was ended by its agent alone; work outlived its kill deadline.
  case endedAlone, overstayed
  /// Orders that agents refused.
  case epochOver, replyLate, orderStale, startLate, deviceUnknown, deviceUnfit, deviceOccupied
  // What happened in the pool.
  case debtEntered, debtRepaid, capForfeit, emergencyRaised, emergencyEnded
  case epochWithLeases, policyWithReservations, expiredMidStream, unpaid
  case lent, reclaimed, preempted, preemptedOut, gangGranted, gangEnded, pinned, aged, overdue
  case impaired, restored, cellsRebound, drifted, shrank, clockJumped
  case rung1, rung2, rung3, rung4, rung5, rung6
  case approvalGranted, approvalDenied, approvalLapsed
  case budgetOpened, budgetClosed, budgetForgotten
  case quoteRedeemed, quoteExpired, quoteWithdrawn
  case pressureMoved, restricted, restrictionEnded, checkpointed, resumed
  case nodeForgotten, drained
}

/// What a run, or a set of runs, has met: counts alone, so that sets can be added.
package struct Reached: Sendable, Equatable {
  /// How often, by `Mark`.
  package private(set) var marks = Array(repeating: 0, count: Mark.allCases.count)
  /// How often a decision or an event gave a reason, by its place in `Reason.Code.allCases`.
  package private(set) var reasons = Array(repeating: 0, count: Reason.Code.allCases.count)
  /// How often each verdict was given.
  package private(set) var verdicts = Array(repeating: 0, count: Decision.Verdict.allCases.count)
  /// Commands that were applied.
  package private(set) var commands = 0
  /// Buckets below zero.
  private var inDebt: [BucketID] = []

  private static let places: [Int] = {
    var places = Array(repeating: -1, count: 1_000)
    for (place, code) in Reason.Code.allCases.enumerated() { places[Int(code.rawValue)] = place }
    return places
  }()

  package mutating func note(_ mark: Mark) { marks[mark.rawValue] += 1 }

  /// How often something was met.
  package subscript(mark: Mark) -> Int { marks[mark.rawValue] }

  private mutating func note(_ code: Reason.Code) { reasons[Self.places[Int(code.rawValue)]] += 1 }

  /// Notes what one command did.
  mutating func note(_ decision: Decision, _ log: borrowing EventLog, _ pool: borrowing Pool) {
    commands += 1
    verdicts[Int(decision.verdict.rawValue)] += 1
    for index in 0..<log.reasons.count { note(log.reasons[index].code) }
    for index in 0..<log.postings.count where log.postings[index].forfeited > .zero {
      note(.capForfeit)
    }
    for index in 0..<log.events.count { note(log.events[index], log, pool) }
    if !inDebt.isEmpty { settleDebts(pool) }
  }

  private mutating func settleDebts(_ pool: borrowing Pool) {
    for (place, id) in inDebt.enumerated().reversed() {
      guard let bucket = pool.bucket(id) else {
        inDebt.remove(at: place)
        continue
      }
      guard bucket.credits.level >= .zero else { continue }
      note(.debtRepaid)
      inDebt.remove(at: place)
    }
  }

  private mutating func note(_ event: Event, _ log: borrowing EventLog, _ pool: borrowing Pool) {
    switch event {
    case .claimRefused(_, let code), .commandRefused(let code), .claimUnpinned(_, let code),
      .budgetClosed(_, let code):
      note(code)
      if case .budgetClosed = event { note(.budgetClosed) }
    case .claimQueued(_, _, let code, _): if let code { note(code) }
    case .guaranteeImpaired(_, _, let code):
      note(.impaired)
      note(code)
    case .pressureMoved(_, _, _, let code):
      note(.pressureMoved)
      note(code)
    case .claimDowngraded(_, let rung, let code, _):
      note(code)
      if let mark = Mark(rawValue: Mark.rung1.rawValue + Int(rung) - 1) { note(mark) }
    case .debtEntered(_, let bucket, _):
      note(.debtEntered)
      if !inDebt.contains(bucket) { inDebt.append(bucket) }
    case .epochBegun: if pool.hasLeases { note(.epochWithLeases) }
    case .policyActivated: if pool.hasLeases { note(.policyWithReservations) }
    case .leaseGranted(_, let grants):
      if log.grants[Int(grants.first)].isLent { note(.lent) }
      if grants.count > 1 { note(.gangGranted) }
    case .leaseStopping(_, let cause, _, _): note(cause)
    case .claimEnded(_, .preemptedOut): note(.preemptedOut)
    case .quoteEnded(_, let end):
      note(
        end == .redeemed ? Mark.quoteRedeemed : end == .expired ? .quoteExpired : .quoteWithdrawn)
    default: if let mark = Self.mark(of: event) { note(mark) }
    }
  }

  private mutating func note(_ cause: StopCause) {
    switch cause {
    case .expired: note(Mark.expiredMidStream)
    case .unpaid: note(Mark.unpaid)
    case .reclaimed: note(Mark.reclaimed)
    case .preempted: note(Mark.preempted)
    case .gangEnded: note(Mark.gangEnded)
    case .drained: note(Mark.drained)
    case .released, .cancelled, .nodeLost, .startTimeout: break
    }
  }

  /// Events that are marks by themselves.
  private static func mark(of event: Event) -> Mark? {
    switch event {
    case .emergencyRaised: .emergencyRaised
    case .emergencyEnded: .emergencyEnded
    case .claimPinned: .pinned
    case .claimAged: .aged
    case .turnOverdue: .overdue
    case .guaranteeRestored: .restored
    case .laneUnbound: .cellsRebound
    case .nodeDrifted: .drifted
    case .deviceShrank: .shrank
    case .clockJumped: .clockJumped
    case .approvalGranted: .approvalGranted
    case .approvalDenied: .approvalDenied
    case .approvalLapsed: .approvalLapsed
    case .budgetOpened: .budgetOpened
    case .budgetForgotten: .budgetForgotten
    case .identityRestricted: .restricted
    case .restrictionEnded: .restrictionEnded
    case .leaseCheckpointed: .checkpointed
    case .leaseResumed: .resumed
    case .leaseOverstayed: .overstayed
    case .nodeForgotten: .nodeForgotten
    default: nil
    }
  }

  /// Adds what another run met.
  package static func += (left: inout Reached, right: Reached) {
    for place in left.marks.indices { left.marks[place] += right.marks[place] }
    for place in left.reasons.indices { left.reasons[place] += right.reasons[place] }
    for place in left.verdicts.indices { left.verdicts[place] += right.verdicts[place] }
    left.commands += right.commands
  }
}

extension Pool {
  /// Whether any lease holds a device.
  fileprivate var hasLeases: Bool {
    var found = false
    forEachNode { _, node in if node.leases > 0 { found = true } }
    return found
  }
}
