/// The answer to one command: a view of its events.
public struct Decision: BitwiseCopyable, Sendable {
  /// The verb of the answer.
  public enum Verdict: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// A lease is granted.
    case admitted
    /// The claim waits for capacity, in order; `Pool.startBound` says for how long at most.
    case queued
    /// The claim waits for its own bucket, out of the order.
    case parked
    /// The claim took a rung of its service's ladder, and is granted or waits on it.
    case downgraded
    /// Refused; `retryAt` says when to come back, where that is known.
    case rejected
    /// Can never be granted as asked, however long it waits.
    case infeasible
    /// The command took effect.
    case done
    /// The claim waits for another principal's approval, out of the order.
    case awaitingApproval
  }

  /// The verb of the answer.
  public package(set) var verdict: Verdict
  /// The claim it is about.
  public package(set) var claim: ClaimID?
  /// The lease it is about.
  public package(set) var lease: LeaseID?
  /// The quote that was given; `Pool.quote` has its figures.
  public package(set) var quote: QuoteID?
  /// The node that an enrolment named.
  public package(set) var node: NodeID?
  /// How long a claim says that it runs, and the correction that was applied to it; nil where none
  /// was asked, or the claim was refused before its runtime was looked at.
  public package(set) var plan: RuntimePlan?
  /// Planned price of the whole claim by its corrected estimate; zero where none was asked.
  public package(set) var price = Credits.zero
  /// Price of the first quantum, which a grant reserves.
  public package(set) var reservation = Credits.zero
  /// The exact moment to come back, where one is known.
  public package(set) var retryAt: Instant?
  /// What stands in the way, as a run of `EventLog.reasons`, by precedence.
  public package(set) var reasons = Span32.none
  /// The policy generation that decided.
  public package(set) var policy: PolicyGeneration
  /// What the claim was given less of, as a run of `EventLog.changes`; none where it has what it
  /// asked for. `Pool.degradation(of:)` says the rest.
  public package(set) var changes = Span32.none
}

extension Decision {
  /// States what an offer would reserve at once and cost in all.
  mutating func quote(_ offer: Pool.Offer, for expected: Span) {
    reservation = offer.reservation
    price =
      expected == offer.quantum
      ? offer.reservation : Price.of(rate: offer.rate, span: expected) ?? offer.reservation
  }
}

/// Whether a command did all that was due.
public enum Progress: BitwiseCopyable, Sendable {
  /// Nothing is left.
  case complete
  /// More is due: tick again at once.
  case more
}
