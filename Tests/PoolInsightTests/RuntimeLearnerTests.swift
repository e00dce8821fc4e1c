import Testing

@testable import PoolAllocator
@testable import PoolInsight

/// What counts for a learner, on lives of claims written by hand; under load see
/// `CorrectionPropertyTests`.
@Suite("What is learned of estimates")
struct RuntimeLearnerTests {
  private static let scope = Correction.Scope(
    tenant: Key(high: 1, low: 1), service: Key(high: 2, low: 1), modelClass: Key(high: 3, low: 1))

  /// Lives of claims, each with one lease that starts at once.
  private struct Lives {
    var learner: RuntimeLearner
    private var number: UInt32 = 0

    init(_ change: (inout RuntimeLearner.Terms) -> Void = { _ in }) {
      var terms = RuntimeLearner.Terms()
      change(&terms)
      learner = RuntimeLearner(terms: terms)
    }

    /// A claim that plans and holds some seconds; the answer to its end.
    @discardableResult
    mutating func live(
      planned: Int64, held: Int64, most: Int64 = 100_000, scope: Correction.Scope = scope,
      cause: StopCause = .released, end: ClaimEnd = .completed, taken: StopCause? = nil
    ) -> [Signal] {
      let claim = ClaimID(row: number, generation: 1)
      number += 1
      var spec = ClaimSpec(
        key: Key(high: 4, low: UInt64(number)), tenant: scope.tenant, service: scope.service,
        action: Key(high: 5, low: 1), modelClass: scope.modelClass ?? Key(high: 3, low: 9),
        demand: Demand(shape: .whole), lanes: .none, runtimeMax: .seconds(most))
      spec.estimate = .runtime(.seconds(planned))
      var log = EventLog()
      let plan = RuntimePlan(
        planned: .seconds(planned), correctionMilli: 1000, runtimeMax: .seconds(most))
      log.claimFacts.append(
        ClaimFact(
          spec: spec, tenant: TenantID(row: 0, generation: 1), serviceClass: .p2,
          weightMilli: 1000, plan: plan, waitEnds: .farFuture, latestStart: .farFuture))
      log.events.append(.claimSubmitted(claim, fact: 0))
      var signals = learner.fold(log)
      if let taken { signals += learner.fold(lease(of: claim, held: held / 2, taken)) }
      var last = lease(of: claim, held: held, cause)
      last.events.append(.claimEnded(claim, end))
      return signals + learner.fold(last)
    }

    private mutating func lease(of claim: ClaimID, held: Int64, _ cause: StopCause) -> EventLog {
      let lease = LeaseID(row: number, generation: 1)
      number += 1
      let start = Instant(ns: 7_000_000_000)
      let stop = start + .seconds(held)
      var log = EventLog()
      log.grants.append(
        Grant(
          claim: claim, lease: lease, lane: LaneID(row: 0, generation: 1),
          node: NodeID(row: 0, generation: 1),
          fencing: Fencing(raw: 1), uses: .none, postings: .none, reserved: .zero,
          quantum: .seconds(60), rate: 1, billedMilli: 1000, startBy: start,
          terms: ClassRule(
            quantum: .seconds(60), startWithin: .seconds(1), killWithin: .seconds(1),
            emptyBucket: .park, overrun: .stop), level: 2, isLent: false))
      log.events.append(.leaseGranted(claim, grants: Span32(first: 0, count: 1)))
      if cause != .startTimeout { log.events.append(.leaseStarted(lease, at: start)) }
      log.events.append(.leaseStopping(lease, cause, at: stop, killBy: stop))
      return log
    }

    /// As the pool answers to a recorded correction.
    mutating func record(_ milli: Int32?, _ scope: Correction.Scope = scope) {
      var log = EventLog()
      log.corrections.append(Correction(scope: scope, milli: milli))
      log.events.append(.correctionRecorded(fact: 0))
      #expect(learner.fold(log).isEmpty)
    }
  }

  private func corrected(_ milli: Int32, _ scope: Correction.Scope = scope) -> [Signal] {
    [.corrected(Correction(scope: scope, milli: milli))]
  }

  @Test("it speaks once enough claims ended, and again when it is off by more than a step")
  func speaks() {
    var lives = Lives()
    for _ in 0..<7 { #expect(lives.live(planned: 100, held: 170).isEmpty) }
    #expect(lives.live(planned: 100, held: 170) == corrected(1700))
    // Nobody recorded it: it is said again.
    #expect(lives.live(planned: 100, held: 170) == corrected(1700))
    lives.record(1700)
    #expect(lives.live(planned: 100, held: 170).isEmpty)
    // 1,785 is 5 % off, which is not more than 5 %; 1,786 is.
    lives.record(1785)
    #expect(lives.live(planned: 100, held: 170).isEmpty)
    lives.record(1790)
    #expect(lives.live(planned: 100, held: 170) == corrected(1700))
    // What an operator forgets is learned anew.
    lives.record(nil)
    #expect(lives.live(planned: 100, held: 170) == corrected(1700))
  }

  @Test("estimates that are right need no correction")
  func right() {
    var lives = Lives()
    for _ in 0..<40 { #expect(lives.live(planned: 100, held: 104).isEmpty) }
    #expect(lives.learner.learned(Self.scope) == 1040)
  }

  @Test("a factor for all model classes counts where there is none of their own")
  func fallback() {
    var lives = Lives { $0.samplesMin = 1 }
    lives.record(1700, Correction.Scope(tenant: Self.scope.tenant, service: Self.scope.service))
    #expect(lives.live(planned: 100, held: 170).isEmpty)
    lives.record(1000)
    #expect(lives.live(planned: 100, held: 170) == corrected(1700))
  }

  @Test("long claims weigh more than short ones; only the last ones count")
  func window() {
    var lives = Lives {
      $0.window = 4
      $0.samplesMin = 1
    }
    lives.live(planned: 900, held: 1800)
    lives.live(planned: 100, held: 100)
    #expect(lives.learner.learned(Self.scope) == 1900)
    for _ in 0..<3 { lives.live(planned: 100, held: 100) }
    #expect(lives.learner.learned(Self.scope) == 1000)
    lives.live(planned: 100, held: 300)
    #expect(lives.learner.learned(Self.scope) == 1500)
  }

  @Test("one stuck claim is cut to the range, and so is the factor")
  func range() {
    var lives = Lives { $0.samplesMin = 1 }
    #expect(lives.live(planned: 1, held: 90_000) == corrected(10_000))
    lives.live(planned: 9, held: 9)
    #expect(lives.learner.learned(Self.scope) == 1900)
    var idle = Lives { $0.samplesMin = 1 }
    #expect(idle.live(planned: 1000, held: 0) == corrected(100))
  }

  @Test("scopes are learned apart, and only so many")
  func scopes() {
    var lives = Lives {
      $0.samplesMin = 1
      $0.scopes = 2
    }
    var other = Self.scope
    other.modelClass = Key(high: 3, low: 2)
    var third = Self.scope
    third.tenant = Key(high: 1, low: 2)
    #expect(lives.live(planned: 100, held: 200) == corrected(2000))
    #expect(lives.live(planned: 100, held: 300, scope: other) == corrected(3000, other))
    #expect(lives.live(planned: 100, held: 300, scope: third).isEmpty)
    #expect(lives.learner.learned(third) == nil)
    #expect(lives.learner.learned(Self.scope) == 2000)
  }

  @Test("what says nothing of the runtime does not count")
  func ignored() {
    var lives = Lives { $0.samplesMin = 1 }
    // A bound is no estimate.
    lives.live(planned: 100, held: 50, most: 100)
    lives.live(planned: 100, held: 50, end: .failed)
    lives.live(planned: 100, held: 50, cause: .cancelled, end: .cancelled)
    lives.live(planned: 100, held: 50, cause: .unpaid, end: .expired)
    // Taken back in between: what it held last is not all that it needed.
    for cause in [StopCause.reclaimed, .drained, .nodeLost] {
      lives.live(planned: 100, held: 50, taken: cause)
    }
    #expect(lives.learner.learned(Self.scope) == nil)
    // A grant that did not start took nothing from it.
    #expect(lives.live(planned: 100, held: 50, taken: .startTimeout) == corrected(500))
  }

  @Test("a claim that ran to the end of its lease counts where that was past its estimate")
  func expired() {
    var lives = Lives { $0.samplesMin = 1 }
    #expect(
      lives.live(planned: 100, held: 200, most: 200, cause: .expired, end: .expired)
        == corrected(2000))
    #expect(lives.live(planned: 100, held: 99, cause: .unpaid, end: .expired).isEmpty)
    #expect(lives.learner.learned(Self.scope) == 2000)
  }
}
