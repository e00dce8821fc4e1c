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
/// has (`WaitingWork`). The last waits of each scope (lane, class, size) are kept as ratios to
/// those estimates; a quantile of the ratios, times the estimate, is the prediction. Which quantile
/// makes the p90 is tracked, so that nine in ten hold (`WaitSamples`): for the lane and class, and
/// beside that for each size.
///
/// **What is judged.** A prediction is fixed when its claim is queued. It held where the claim was
/// granted at its p90 or before. It did not where the claim waits past it, however it ends then,
/// and that counts at once: who learns only of waits that ended learns of the long ones too late.
/// Each is judged before its wait is learned from. A claim that leaves the order sooner without a
/// grant (withdrawn, given up, parked, held) shows nothing and does not count; where it is queued
/// again, that is another wait. A claim granted at the door does not wait.
public struct WaitPredictor: Sendable {
  /// How much is remembered, and what has to be seen before it speaks.
  public struct Terms: Hashable, Sendable {
    /// Waits of a scope that are remembered, 1 or more; older ones are forgotten. Unit: claims.
    public var window = 96
    /// Waits of a scope that must have ended before it speaks of it, at most `window`. Unit:
    /// claims.
    public var samplesMin = 20
    /// How far a miss moves the levels of the p90 up, 1 … 1,000; one that held moves them back by
    /// a ninth of that. Unit: thousandths.
    public var stepMilli: Int64 = 5
    /// Scopes that are remembered; later ones are not learned until a policy takes lanes away. The
    /// default holds all of 64 lanes. Unit: scopes.
    public var scopes = 2_048

    /// The defaults: speaks after 20 claims, of the last 96.
    public init() {}
  }

  /// The p90 that was told when a claim was queued.
  private struct Guess {
    var due: Instant
    /// What it was learned from: its size as well, or its lane and class alone.
    var scope: Prediction.Scope
    var isMissed = false
  }

  /// A claim in the order.
  private struct Wait {
    var since: Instant
    var estimate: Span
    var scope: Prediction.Scope
    var item: WaitingWork.Item
    /// When it rises by a level.
    var rises: Instant?
    var guess: Guess?
  }

  private let terms: Terms
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
  }

  // MARK: folding

  /// Takes in the events of one command.
  /// - Parameters:
  ///   - log: what `Pool.apply` filled; every log of the pool, in order, exactly once.
  ///   - pool: the pool after that command.
  /// - Complexity: O(events), and O(log waiting claims + `Terms.window`) for each claim that begins
  ///   or ends to wait, rises by a level or outlives its p90; O(scopes) where a policy comes into
  ///   force.
  public mutating func fold(_ log: borrowing EventLog, in pool: borrowing Pool) {
    missOverdue(at: log.at)
    raise(by: pool.policy.order, at: log.at)
    for event in log.events {
      switch event {
      case .claimQueued(let id, let lanes, _, _): queued(id, lanes, pool, at: log.at)
      case .leaseGranted(let claim, _): if !waits.isEmpty { granted(claim, at: log.at) }
      case .claimParked(let id, _), .claimHeld(let id, _), .claimEnded(let id, _),
        .approvalRequested(let id, _, _):
        if !waits.isEmpty { _ = leave(id) }
      case .policyActivated:
        for scope in samples.keys where pool.lane(scope.lane) == nil { samples[scope] = nil }
      default: break
      }
    }
  }

  /// Predictions whose claims still wait past their p90 did not hold.
  private mutating func missOverdue(at now: Instant) {
    while let (due, id) = deadlines.popFirst(before: now) {
      guard let guess = waits[id]?.guess, guess.due == due, !guess.isMissed else { continue }
      waits[id]?.guess?.isMissed = true
      judge(guess, held: false)
    }
  }

  /// Whatever was told counts for the lane and class too: both levels move.
  private mutating func judge(_ guess: Guess, held: Bool) {
    let stepMilli = terms.stepMilli
    if guess.scope.size != nil { samples[guess.scope]?.judge(held: held, stepMilli: stepMilli) }
    samples[guess.scope.ofAnySize]?.judge(held: held, stepMilli: stepMilli)
  }

  /// Claims that waited long enough compete at a better level.
  private mutating func raise(by order: OrderRule, at now: Instant) {
    while let (moment, id) = rises.popFirst(before: now + Span(ns: 1)) {
      guard var wait = waits[id], wait.rises == moment else { continue }
      work.move(&wait.item, to: wait.item.level - 1)
      wait.rises = order.ageingStep.map { moment + $0 }
      watchRise(of: id, &wait, order)
      waits[id] = wait
    }
  }

  private mutating func watchRise(of id: ClaimID, _ wait: inout Wait, _ order: OrderRule) {
    if wait.item.level <= order.ceiling { wait.rises = nil }
    if let moment = wait.rises { rises.add(id, at: moment) }
  }

  private mutating func queued(
    _ id: ClaimID, _ lanes: LaneSet, _ pool: borrowing Pool, at now: Instant
  ) {
    // One that waits already is queued for other lanes: it is the same wait.
    guard waits[id] == nil, let row = lanes.firstRow, let lane = pool.laneID(atRow: row),
      let claim = pool.claim(id), claim.state == .queued, let tenant = pool.tenant(claim.tenant)
    else { return }
    let order = pool.policy.order
    let item = WaitingWork.Item(
      lane: row, level: claim.level, tenant: claim.tenant.row,
      weight: Int64(tenant.rule.weightMilli), milli: claim.spec.demand.milli,
      expected: claim.plan.expected)
    let estimate = work.wait(of: item, capacity: pool.capacity(of: lane).offered) { level in
      level < order.ceiling ? nil : Self.rise(of: claim, to: level, order)
    }
    let scope = Prediction.Scope(
      lane: lane, serviceClass: claim.serviceClass, size: Prediction.Scope.size(of: item.milli))
    var wait = Wait(since: now, estimate: estimate, scope: scope, item: item)
    wait.guess = basis(of: wait).flatMap { known in
      guard let ratio = known.samples.quantile(known.level) else { return nil }
      let due = now + WaitSamples.wait(ratio, of: estimate)
      return Guess(
        due: Self.earlier(due, claim.pin?.starts, notBefore: now), scope: known.scope)
    }
    if let guess = wait.guess { deadlines.add(id, at: guess.due) }
    work.add(item)
    wait.rises =
      claim.level == 0 ? nil : Self.rise(of: claim, to: claim.level - 1, order).map { now + $0 }
    watchRise(of: id, &wait, order)
    waits[id] = wait
    dropStale()
  }

  /// How long until a claim that is queued now has risen to a level; nil where none rises.
  private static func rise(of claim: Claim, to level: UInt8, _ order: OrderRule) -> Span? {
    guard let step = order.ageingStep else { return nil }
    let steps = Int64(claim.serviceClass.rank) - Int64(level)
    let (span, overflow) = step.ns.multipliedReportingOverflow(by: steps)
    return overflow ? nil : Span(ns: max(0, span - claim.waited.ns))
  }

  /// Keeps what is watched within a multiple of what waits.
  private mutating func dropStale() {
    let (most, waits) = (4 * waits.count + 64, waits)
    if deadlines.count > most {
      deadlines.keep { due, id in waits[id]?.guess?.due == due }
    }
    if rises.count > most { rises.keep { moment, id in waits[id]?.rises == moment } }
  }

  /// The narrowest scope of which enough was seen, with the level of its p90.
  private func basis(
    of wait: Wait
  ) -> (scope: Prediction.Scope, samples: WaitSamples, level: Int64)? {
    guard let all = samples[wait.scope.ofAnySize], all.count >= terms.samplesMin else {
      return nil
    }
    guard let own = samples[wait.scope], own.count >= terms.samplesMin else {
      return (wait.scope.ofAnySize, all, all.level)
    }
    return (wait.scope, own, max(0, own.level + all.level - WaitSamples.levelAtFirst))
  }

  /// A claim for which devices are kept starts when they are free, if not before.
  private static func earlier(
    _ moment: Instant, _ kept: Instant?, notBefore now: Instant
  )
    -> Instant
  {
    guard let kept, kept >= now else { return max(now, moment) }
    return max(now, min(moment, kept))
  }

  private mutating func leave(_ id: ClaimID) -> Wait? {
    guard let wait = waits.removeValue(forKey: id) else { return nil }
    work.remove(wait.item)
    return wait
  }

  private mutating func granted(_ id: ClaimID, at now: Instant) {
    guard let wait = leave(id) else { return }
    let ratio = WaitSamples.ratio(now - wait.since, to: wait.estimate)
    if let guess = wait.guess, !guess.isMissed { judge(guess, held: true) }
    for scope in [wait.scope, wait.scope.ofAnySize]
    where samples[scope] != nil || samples.count < terms.scopes {
      samples[scope, default: WaitSamples()].add(ratio, size: terms.window)
    }
  }

  /// Whether nothing of any waiting claim is remembered.
  var isIdle: Bool { waits.isEmpty && work.isEmpty }

  // MARK: answering

  /// How often the p90 held that were told to claims of a scope; nil where none of it has started.
  public func accuracy(of scope: Prediction.Scope) -> Prediction.Accuracy? {
    samples[scope].map { Prediction.Accuracy(held: $0.held, judged: $0.judged) }
  }

  /// When a waiting claim is likely to start.
  ///
  /// Of a claim that has waited, those waits count that were as long; where too few were, it may
  /// wait as if it had been queued now, or as long again. No answer is later than what is planned.
  /// - Parameter pool: the pool after the command that was folded last.
  /// - Returns: nil where the claim does not wait in the order, or too few claims of its lane and
  ///   class have.
  /// - Complexity: O(log `Terms.window`).
  public func likely(_ id: ClaimID, in pool: borrowing Pool) -> Prediction? {
    guard let wait = waits[id], let claim = pool.claim(id), claim.state == .queued,
      let (scope, known, level) = basis(of: wait)
    else { return nil }
    let (now, kept) = (pool.now, claim.pin?.starts)
    let elapsed = WaitSamples.ratio(now - wait.since, to: wait.estimate)
    let left = Int64(known.count(from: elapsed))
    func moment(_ level: Int64) -> Instant {
      var ratio = known.quantile(level, from: elapsed) ?? 0
      if elapsed > 0, level * (left + 1) > left * WaitSamples.one {
        // Too few were as long to tell: it may wait as if it came now, or as long again.
        let again = max(known.quantile(level) ?? 0, elapsed * level / WaitSamples.one)
        ratio = max(ratio, elapsed + again)
      }
      let moment = wait.since + WaitSamples.wait(ratio, of: wait.estimate)
      return Self.earlier(moment, kept, notBefore: now)
    }
    let (middle, late) = (moment(WaitSamples.one / 2), moment(level))
    return Prediction(
      p50: min(middle, late), p90: late,
      basis: Prediction.Basis(scope: scope, samples: known.count),
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
