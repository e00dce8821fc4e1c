public import PoolAllocator

/// Learns how wrong the estimates of each (tenant, service, model class) are: actual / planned.
///
/// It folds the events of a pool and answers with the signals to record in it. It has no clock and
/// no randomness: the same logs give the same signals, so after a restart it is folded over the
/// journal again and its answers are thrown away.
///
///     let signals = learner.fold(log)
///     for signal in signals { pool.apply(.signal(signal), at: now, into: &log); … }
///
/// **What counts.** A claim that ended `completed` and stated an estimate
/// (`RuntimePlan.isEstimate`) counts with the time from the start of its lease to its stop. One
/// that ran to the end of its lease counts too, where that was past its estimate: it would have run
/// longer still, and without it the factor would miss just those that are furthest off. Work that
/// was taken back and begun anew, failed, was withdrawn or took a rung of a ladder does not count.
///
/// **What is learned.** The factor is Σ actual / Σ planned over the last `window` claims of a
/// scope: what the pool's sums of expected time are off by, in which a long claim weighs more than
/// a short one. A single claim is cut to the range of corrections before it is added, so one stuck
/// job cannot carry a scope away for longer than the window.
public struct RuntimeLearner: Sendable {
  /// How much has to be seen before it speaks, and how often it does.
  public struct Terms: Hashable, Sendable {
    /// Claims of a scope that are remembered, 1 or more; older ones are forgotten. Unit: claims.
    public var window = 32
    /// Claims of a scope that must have ended before it speaks of it, at most `window`. Unit:
    /// claims.
    public var samplesMin = 8
    /// Change against the factor in force that is worth a signal, 0 or more. Unit: thousandths of
    /// that factor.
    public var stepMilli: Int64 = 50
    /// Scopes that are remembered; later ones are not learned. Unit: scopes.
    public var scopes = 40_000

    /// The defaults: speaks after 8 claims, of the last 32, when it is off by more than 5 %.
    public init() {}
  }

  /// A live claim that states an estimate.
  private struct Run {
    var scope: Correction.Scope
    var planned: Span
    var started: Instant?
    var held: Span?
    var isBroken = false
  }

  /// The last claims of one scope.
  private struct Window {
    var samples: [(held: Span, planned: Span)] = []
    var next = 0
    var held = Int128(0)
    var planned = Int128(0)

    mutating func add(held: Span, planned: Span, size: Int) {
      if samples.count < size {
        samples.append((held, planned))
      } else {
        self.held -= Int128(samples[next].held.ns)
        self.planned -= Int128(samples[next].planned.ns)
        samples[next] = (held, planned)
      }
      next = (next + 1) % size
      self.held += Int128(held.ns)
      self.planned += Int128(planned.ns)
    }

    /// Rounded to the nearest thousandth.
    var milli: Int32 { Int32(clamping: (held * 1000 + planned / 2) / planned) }
  }

  private let terms: Terms
  private var runs: [ClaimID: Run] = [:]
  private var claims: [LeaseID: ClaimID] = [:]
  private var windows: [Correction.Scope: Window] = [:]
  private var inForce: [Correction.Scope: Int32] = [:]

  /// Makes a learner that has seen nothing.
  /// - Precondition: the terms are in their ranges.
  public init(terms: Terms = Terms()) {
    precondition(terms.window >= 1 && 1...terms.window ~= terms.samplesMin, "samples fit a window")
    precondition(terms.stepMilli >= 0 && terms.scopes >= 0, "no negative terms")
    self.terms = terms
  }

  /// Takes in the events of one command.
  /// - Parameter log: what `Pool.apply` filled; every log of the pool, in order, exactly once,
  ///   those of the signals that it answers with included.
  /// - Returns: the signals that are worth recording now, in the order of the events.
  /// - Complexity: O(events).
  public mutating func fold(_ log: borrowing EventLog) -> [Signal] {
    var signals: [Signal] = []
    for event in log.events {
      switch event {
      case .claimSubmitted(let id, let fact): submitted(id, log.claimFacts[Int(fact)])
      case .leaseGranted(let claim, let grants):
        // The members of a gang run side by side: the first one tells how long.
        if runs[claim] != nil { claims[log.grants[Int(grants.first)].lease] = claim }
      case .leaseStarted(let id, let at): if let claim = claims[id] { runs[claim]?.started = at }
      case .leaseStopping(let id, let cause, let at, _): stopped(id, cause, at)
      case .claimEnded(let id, let end): if let signal = ended(id, end) { signals.append(signal) }
      // What a rung gives is no sample of what was asked.
      case .claimDowngraded(let id, _, _, _): runs[id] = nil
      case .correctionRecorded(let fact):
        let correction = log.corrections[Int(fact)]
        inForce[correction.scope] = correction.milli
      default: break
      }
    }
    return signals
  }

  /// The factor that the claims seen so far speak for, in thousandths; nil before `samplesMin`.
  public func learned(_ scope: Correction.Scope) -> Int32? {
    guard let window = windows[scope], window.samples.count >= terms.samplesMin else { return nil }
    let range = Limits.correctionMilli
    return min(max(window.milli, range.lowerBound), range.upperBound)
  }

  private mutating func submitted(_ id: ClaimID, _ fact: ClaimFact) {
    guard fact.plan.isEstimate else { return }
    let scope = Correction.Scope(
      tenant: fact.spec.tenant, service: fact.spec.service, modelClass: fact.spec.modelClass)
    runs[id] = Run(scope: scope, planned: fact.plan.planned)
  }

  private mutating func stopped(_ lease: LeaseID, _ cause: StopCause, _ at: Instant) {
    guard let id = claims.removeValue(forKey: lease), let started = runs[id]?.started else {
      return
    }
    switch cause {
    case .released, .expired, .unpaid, .cancelled: runs[id]?.held = at - started
    case .startTimeout, .nodeLost, .drained, .reclaimed, .preempted, .gangEnded:
      runs[id]?.isBroken = true
    }
  }

  private mutating func ended(_ id: ClaimID, _ end: ClaimEnd) -> Signal? {
    guard let run = runs.removeValue(forKey: id), !run.isBroken, let held = run.held else {
      return nil
    }
    switch end {
    case .completed: break
    case .expired where held >= run.planned: break
    default: return nil
    }
    guard windows[run.scope] != nil || windows.count < terms.scopes else { return nil }
    windows[run.scope, default: Window()].add(
      held: Self.cut(held, to: run.planned), planned: run.planned, size: terms.window)
    return signal(for: run.scope)
  }

  /// What a claim held, within the range of corrections of what it planned.
  private static func cut(_ held: Span, to planned: Span) -> Span {
    func times(_ milli: Int32) -> Int128 { Int128(planned.ns) * Int128(milli) / 1000 }
    let range = Limits.correctionMilli
    let ns = min(max(Int128(held.ns), times(range.lowerBound)), times(range.upperBound))
    return Span(ns: Int64(clamping: ns))
  }

  private func signal(for scope: Correction.Scope) -> Signal? {
    guard let milli = learned(scope) else { return nil }
    let all = Correction.Scope(tenant: scope.tenant, service: scope.service)
    let known = Int64(inForce[scope] ?? inForce[all] ?? Correction.none)
    guard abs(Int64(milli) - known) * 1000 > terms.stepMilli * known else { return nil }
    return .corrected(Correction(scope: scope, milli: milli))
  }
}
