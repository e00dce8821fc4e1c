@testable import PoolAllocator

/// What a waiting claim went through besides waiting, parking and being served.
struct SwarmCoverage {
  /// Claims held out of the order by a restriction.
  var held = 0
  /// Restrictions that changed while they held claims.
  var releasing = 0
  /// Claims that wait for fewer lanes than a bucket would let them.
  var narrowed = 0
  /// Claims that a bucket let wait for more lanes.
  var widened = 0
  /// Plans for heads of lanes.
  var planned = 0
  /// Claims that rose by waiting.
  var aged = 0
  /// Grants in lanes of other owners.
  var lent = 0
  var gangs = 0
  var gangEnds = 0
  /// Leases that owners took back.
  var reclaimed = 0
  /// Leases that more urgent classes took.
  var preempted = 0
  /// Claims that were preempted and cannot be done any more.
  var preemptedOut = 0
  /// Shortfalls of guarantees, by their cause.
  var impaired: [Reason.Code: Int] = [:]
  /// Guarantees that were whole again.
  var restored = 0
  /// Cells given back for others.
  var swapped = 0
  /// Emergencies of buckets.
  var emergencies = (raised: 0, ended: 0)
  /// Budgets of delegations: opened, changed, closed, forgotten; waiting claims that ended with
  /// their delegation, or for want of credits.
  var budgets = (opened: 0, changed: 0, closed: 0, forgotten: 0, ended: 0, spent: 0)
  /// Quotes: given, ended in each way, forgotten; claims that ended rather than pay more.
  var quotes = (issued: 0, redeemed: 0, expired: 0, withdrawn: 0, forgotten: 0, exceeded: 0)
  /// Approvals that were asked for, given, denied or not decided in time.
  var approvals = (asked: 0, granted: 0, denied: 0, lapsed: 0)
  private var narrow: [ClaimID: LaneSet] = [:]

  mutating func note(_ log: borrowing EventLog, _ pool: borrowing Pool) {
    for event in log.events {
      switch event {
      case .claimHeld: held += 1
      case .claimPinned: planned += 1
      case .claimAged: aged += 1
      case .leaseGranted(_, let grants):
        if log.grants[Int(grants.first)].isLent { lent += 1 }
        if grants.count > 1 { gangs += 1 }
      case .leaseStopping(_, .gangEnded, _, _): gangEnds += 1
      case .leaseStopping(_, .reclaimed, _, _): reclaimed += 1
      case .leaseStopping(_, .preempted, _, _): preempted += 1
      case .claimEnded(_, .preemptedOut): preemptedOut += 1
      case .guaranteeImpaired(_, _, let code): impaired[code, default: 0] += 1
      case .guaranteeRestored: restored += 1
      case .emergencyRaised: emergencies.raised += 1
      case .emergencyEnded: emergencies.ended += 1
      case .budgetOpened: budgets.opened += 1
      case .budgetChanged: budgets.changed += 1
      case .budgetClosed: budgets.closed += 1
      case .budgetForgotten: budgets.forgotten += 1
      case .quoteIssued: quotes.issued += 1
      case .quoteEnded(_, .redeemed): quotes.redeemed += 1
      case .quoteEnded(_, .expired): quotes.expired += 1
      case .quoteEnded(_, .withdrawn): quotes.withdrawn += 1
      case .quoteForgotten: quotes.forgotten += 1
      case .claimEnded(_, .quoteExceeded): quotes.exceeded += 1
      case .claimEnded(_, .delegationEnded): budgets.ended += 1
      case .claimEnded(_, .budgetSpent): budgets.spent += 1
      case .approvalRequested: approvals.asked += 1
      case .approvalGranted: approvals.granted += 1
      case .approvalDenied: approvals.denied += 1
      case .approvalLapsed: approvals.lapsed += 1
      case .laneUnbound(_, let uses): if uses.count > 0 { swapped += 1 }
      case .claimQueued(let id, let lanes, _, let widens):
        if let before = narrow[id], before != lanes, before.bits & ~lanes.bits == 0 { widened += 1 }
        narrow[id] = widens == nil ? nil : lanes
        if widens != nil { narrowed += 1 }
      case .identityRestricted, .restrictionEnded:
        pool.identities.forEach { _, identity in if identity.isReleasing { releasing += 1 } }
      default: break
      }
    }
  }

  static func += (left: inout Self, right: Self) {
    left.held += right.held
    left.releasing += right.releasing
    left.narrowed += right.narrowed
    left.widened += right.widened
    left.planned += right.planned
    left.aged += right.aged
    left.lent += right.lent
    left.gangs += right.gangs
    left.gangEnds += right.gangEnds
    left.reclaimed += right.reclaimed
    left.preempted += right.preempted
    left.preemptedOut += right.preemptedOut
    left.impaired.merge(right.impaired, uniquingKeysWith: +)
    left.restored += right.restored
    left.swapped += right.swapped
    left.emergencies.raised += right.emergencies.raised
    left.emergencies.ended += right.emergencies.ended
    left.budgets.opened += right.budgets.opened
    left.budgets.changed += right.budgets.changed
    left.budgets.closed += right.budgets.closed
    left.budgets.forgotten += right.budgets.forgotten
    left.budgets.ended += right.budgets.ended
    left.budgets.spent += right.budgets.spent
    left.quotes.issued += right.quotes.issued
    left.quotes.redeemed += right.quotes.redeemed
    left.quotes.expired += right.quotes.expired
    left.quotes.withdrawn += right.quotes.withdrawn
    left.quotes.forgotten += right.quotes.forgotten
    left.quotes.exceeded += right.quotes.exceeded
    left.approvals.asked += right.approvals.asked
    left.approvals.granted += right.approvals.granted
    left.approvals.denied += right.approvals.denied
    left.approvals.lapsed += right.approvals.lapsed
  }
}
