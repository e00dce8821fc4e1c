public import PoolAllocator

/// Predicts when waiting claims start, from how long claims alike waited.
///
/// It folds the events of a pool, each time with the pool after them, and answers for any claim in
/// the order. It has no clock and no randomness: the same logs give the same answers, so after a
/// restart it is folded over the journal again.
///
///     pool.apply(command, at: now, into: &log)
///     predictor.fold(log, in: pool)
///     let likely = predictor.likely(claim, in: pool)
///
/// **How.** When a claim is queued, its wait is estimated from the work before it and what its lane
/// has (`WaitingWork`). Of each scope (lane, class, size) the last waits are kept as ratios to those
/// estimates, and the quantiles of the ratios, times the estimate, are the prediction. Which quantile
/// is the p90 is tracked so that nine in ten hold (`WaitSamples`).
///
/// **What is judged.** A prediction is fixed when its claim is queued. It held where the claim was
/// granted at its p90 or before; it did not as soon as the claim still waits after it, however it
/// ends then: who waits until claims start learns of the long waits too late. Both are counted
/// before the wait is learned from. A claim that leaves the order sooner without a grant (withdrawn,
/// given up, parked, held) says nothing and does not count; where it comes back, it begins anew. A
/// claim granted at the door has not waited.
public struct WaitPredictor: Sendable {
  /// How much is remembered, and what has to be seen before it speaks.
  public struct Terms: Hashable, Sendable {
    /// Waits of a scope that are remembered, 1 or more; older ones are forgotten. Unit: claims.
    public var window = 128
    /// Waits of a scope that must have ended before it speaks of it, at most `window`. Unit:
    /// claims.
    public var samplesMin = 20
    /// How far one miss moves the level of the p90 up, 1 … 1,000; nine that held move it back.
    /// Unit: thousandths.
    public var stepMilli: Int64 = 30
    /// Scopes that are remembered; later ones are not learned before a policy has others' lanes
    /// gone. The default holds every size and class of 64 lanes. Unit: scopes.
    public var scopes = 2_048

    /// The defaults: speaks after 20 claims, of the last 128.
    public init() {}
  }

  /// The p90 that was told, or would have been, by one scope.
  private struct Guess {
    var due: Int64
    var isMissed = false
  }

  /// A claim in the order.
  private struct Wait {
    var since: Instant
    var base: Int64
    var scope: Prediction.Scope
    var item: WaitingWork.Item
    var bySize: Guess?
    var overall: Guess?
    var rises: Int64?
  }

  private let terms: Terms
  /// `stepMilli` in units of a level.
  private let step: Int64
  private var waits: [ClaimID: Wait] = [:]
  private var samples: [Prediction.Scope: WaitSamples] = [:]
  private var work = WaitingWork()
  private var deadlines = Deadlines<ClaimID>()
  private var rises = Deadlines<ClaimID>()

  /// Makes a predictor that has seen nothing.
  /// - Precondition: the terms are in their ranges.
  public init(terms: Terms = Terms()) {
    precondition(terms.window >= 1 && 1...terms.window ~= terms.samplesMin, "samples fit a window")
    precondition(1...1000 ~= terms.stepMilli && terms.scopes >= 0, "terms are in their ranges")
    self.terms = terms
    step = terms.stepMilli * WaitSamples.one / 1000
  }

  // MARK: folding

  /// Takes in the events of one command.
  /// - Parameters:
  ///   - log: what `Pool.apply` filled; every log of the pool, in order, exactly once.
  ///   - pool: the pool after that command.
  /// - Complexity: O(events), and O(log waiting claims + `window`) for each claim that begins or
  ///   ends to wait.
  public mutating func fold(_ log: borrowing EventLog, in pool: borrowing Pool) {
    missOverdue(at: log.at)
    raise(by: pool.policy.order, at: log.at)
    for event in log.events {
      switch event {
      case .claimQueued(let id, let lanes, _, _): queued(id, lanes, pool, at: log.at)
      case .leaseGranted(_, let fact):
        if !waits.isEmpty { granted(log.grants[Int(fact)].claim, at: log.at) }
      case .claimParked(let id, _), .claimHeld(let id, _), .claimEnded(let id, _):
        if !waits.isEmpty { _ = leave(id) }
      case .policyActivated: dropScopes(pool)
      default: break
      }
    }
  }

  /// Predictions whose claims still wait past their p90 did not hold.
  private mutating func missOverdue(at now: Instant) {
    while let (moment, id) = deadlines.popFirst(before: now.ns) {
      guard var wait = waits[id] else { continue }
      if let guess = wait.bySize, guess.due == moment, !guess.isMissed {
        wait.bySize?.isMissed = true
        samples[wait.scope]?.judge(held: false, step: step)
      }
      if let guess = wait.overall, guess.due == moment, !guess.isMissed {
        wait.overall?.isMissed = true
        samples[wait.scope.ofAnySize]?.judge(held: false, step: step)
      }
      waits[id] = wait
    }
  }

  private mutating func raise(by order: OrderRule, at now: Instant) {
    while let (moment, id) = rises.popFirst(before: now.ns + 1) {
      guard var wait = waits[id], wait.rises == moment else { continue }
      work.move(&wait.item, to: wait.item.level - 1)
      wait.rises = nil
      if let step = order.ageingStep, wait.item.level > order.ceiling {
        wait.rises = moment + step.ns
        rises.add(id, at: moment + step.ns)
      }
      waits[id] = wait
    }
  }

  private mutating func queued(
    _ id: ClaimID, _ lanes: LaneSet, _ pool: borrowing Pool, at now: Instant
  ) {
    // For other lanes than before: it is the same wait.
    guard waits[id] == nil, let row = lanes.firstRow, let lane = pool.laneID(atRow: row),
      let claim = pool.claim(id), claim.state == .queued, let tenant = pool.tenant(claim.tenant)
    else { return }
    let milli = claim.spec.demand.milli
    let item = WaitingWork.Item(
      lane: row, level: claim.level, tenant: claim.tenant.row,
      weight: Int64(tenant.rule.weightMilli), milli: milli, expected: claim.plan.expected)
    let order = pool.policy.order
    let base = work.wait(of: item, capacity: pool.capacity(of: lane).offered) { level in
      guard let step = order.ageingStep, level >= order.ceiling else { return nil }
      return Span(ns: step.ns * Int64(claim.serviceClass.rank - level) - claim.waited.ns)
    }
    let scope = Prediction.Scope(
      lane: lane, serviceClass: claim.serviceClass, size: Prediction.Scope.size(of: milli))
    var wait = Wait(since: now, base: base.ns, scope: scope, item: item)
    wait.bySize = guess(scope, wait)
    wait.overall = guess(scope.ofAnySize, wait)
    for guess in [wait.bySize, wait.overall] {
      if let guess { deadlines.add(id, at: guess.due) }
    }
    work.add(item)
    if let step = pool.policy.order.ageingStep, claim.level > pool.policy.order.ceiling {
      let steps = Int64(claim.serviceClass.rank - claim.level + 1)
      wait.rises = (now + Span(ns: step.ns * steps - claim.waited.ns)).ns
      rises.add(id, at: wait.rises!)
    }
    waits[id] = wait
    if deadlines.count > 4 * waits.count + 64 { deadlines.keep { waits[$0] != nil } }
  }

  private func guess(_ scope: Prediction.Scope, _ wait: Wait) -> Guess? {
    guard let known = samples[scope], known.count >= terms.samplesMin,
      let ratio = known.quantile(known.level)
    else { return nil }
    return Guess(due: (wait.since + Span(ns: WaitSamples.wait(ratio, of: wait.base))).ns)
  }

  private mutating func leave(_ id: ClaimID) -> Wait? {
    guard let wait = waits.removeValue(forKey: id) else { return nil }
    work.remove(wait.item)
    return wait
  }

  private mutating func granted(_ id: ClaimID, at now: Instant) {
    guard let wait = leave(id) else { return }
    let ratio = WaitSamples.ratio((now - wait.since).ns, to: wait.base)
    learn(ratio, wait.bySize, wait.scope)
    learn(ratio, wait.overall, wait.scope.ofAnySize)
  }

  private mutating func learn(_ ratio: Int64, _ guess: Guess?, _ scope: Prediction.Scope) {
    guard samples[scope] != nil || samples.count < terms.scopes else { return }
    if let guess, !guess.isMissed { samples[scope]?.judge(held: true, step: step) }
    samples[scope, default: WaitSamples()].add(ratio, size: terms.window)
  }

  private mutating func dropScopes(_ pool: borrowing Pool) {
    for scope in samples.keys where pool.lane(scope.lane) == nil { samples[scope] = nil }
  }

  func baseOf(_ id: ClaimID) -> Int64 { waits[id]?.base ?? 0 }
  // MARK: answering

  /// When a waiting claim is likely to start.
  ///
  /// For a claim that has waited, the waits count that were no shorter by then. One that has
  /// outlived them all is answered as if it had been queued now.
  /// - Parameter pool: the pool after the command that was folded last.
  /// - Returns: nil where the claim does not wait in the order, or too little was seen of its scope
  ///   and of its lane and class.
  /// - Complexity: O(log window).
  public func likely(_ id: ClaimID, in pool: borrowing Pool) -> Prediction? {
    guard let wait = waits[id], pool.claim(id)?.state == .queued else { return nil }
    for scope in [wait.scope, wait.scope.ofAnySize] {
      guard let known = samples[scope], known.count >= terms.samplesMin else { continue }
      return prediction(wait, scope, known, now: pool.now)
    }
    return nil
  }

  private func prediction(
    _ wait: Wait, _ scope: Prediction.Scope, _ known: WaitSamples, now: Instant
  ) -> Prediction? {
    let elapsed = WaitSamples.ratio((now - wait.since).ns, to: wait.base)
    let half = WaitSamples.one / 2
    var start = wait.since
    var (middle, late) = (
      known.quantile(half, from: elapsed), known.quantile(known.level, from: elapsed)
    )
    if middle == nil {
      start = now
      (middle, late) = (known.quantile(half), known.quantile(known.level))
    }
    guard let middle, let late else { return nil }
    let p50 = max(now, start + Span(ns: WaitSamples.wait(middle, of: wait.base)))
    let p90 = max(p50, start + Span(ns: WaitSamples.wait(late, of: wait.base)))
    return Prediction(
      p50: p50, p90: p90, basis: Prediction.Basis(scope: scope, samples: known.count),
      accuracy: Prediction.Accuracy(held: known.held, judged: known.judged))
  }
}

extension Prediction.Scope {
  /// The same without a size.
  fileprivate var ofAnySize: Prediction.Scope {
    Prediction.Scope(lane: lane, serviceClass: serviceClass)
  }

  /// The size of a demand in thousandths of devices.
  fileprivate static func size(of milli: Int64) -> UInt8 {
    guard milli >= 1000 else { return 0 }
    let devices = (milli + 999) / 1000
    return UInt8(1 + Int64.bitWidth - (devices - 1).leadingZeroBitCount)
  }
}

extension Demand {
  /// What is asked, in thousandths of devices; an instance counts as a device.
  fileprivate var milli: Int64 {
    switch shape {
    case .whole, .slice: Int64(devices) * 1000
    case .fraction(let share, _): max(1, Int64(devices) * Int64(share.value))
    case .cpuOnly: max(1, Int64(cpu.value))
    }
  }
}
