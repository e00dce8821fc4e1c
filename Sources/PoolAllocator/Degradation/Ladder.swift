/// Which rung a claim takes, and when: at the door, and where it waited too long (SEMANTICS 7.4).
///
/// Nothing here is looked at for a claim that accepts no rung, which costs one comparison.
extension Pool {
  /// Ladders as the core finds them, derived from the policy.
  struct LadderIndex: Sendable {
    /// The ladder of a service: a run of `CompiledPolicy.rungs`, and a hash of what it says.
    struct Ladder: BitwiseCopyable, Sendable {
      var first = 0
      var count = 0
      var signature: UInt64 = 0
    }
    /// By index of the service.
    var ladders: [Ladder] = []
    /// The lanes of each rung, by lane row; nil where it leaves them.
    var lanes: [LaneSet?] = []
  }

  /// A claim as it goes through the pipeline: what was asked, and where that would go.
  struct Asking {
    var spec: ClaimSpec
    var resolved: Resolved
    var plan: RuntimePlan
    var eligible: LaneSet
    var first: LaneOffer
  }

  /// A claim on a rung.
  struct Descent {
    var asking: Asking
    /// Index in `CompiledPolicy.rungs`, and number in the ladder, from 1.
    var rung: Int
    var number: UInt8
    /// What it may do by itself: what its rung says, or the nearest above that says something.
    var automation: Automation
  }

  // MARK: what a caller may look at

  /// The rungs of these names in the ladder of a service, for a tenant's claim; nil where one of
  /// them is no rung of it, or the tenant has no such service.
  public func rungs(of service: Key, for tenant: Key, named names: [Key]) -> AcceptedRungs? {
    guard let ladder = ladder(of: service, for: tenant) else { return nil }
    var bits: UInt8 = 0
    for name in names {
      guard
        let number = (0..<ladder.count).first(where: {
          policy.rungs[ladder.first + $0].key == name
        })
      else { return nil }
      bits |= 1 << UInt8(number)
    }
    return AcceptedRungs(bits: bits, ladder: ladder.signature)
  }

  /// The names of accepted rungs: what `rungs(of:for:named:)` made them from. Nil where the ladder
  /// is another by now, so that nothing of it is accepted any more.
  package func rungNames(
    _ accepted: AcceptedRungs, of service: Key, for tenant: Key
  ) -> [Key]? {
    guard let ladder = ladder(of: service, for: tenant), ladder.signature == accepted.ladder else {
      return nil
    }
    return (0..<ladder.count).filter { accepted.bits & (1 << UInt8($0)) != 0 }.map {
      policy.rungs[ladder.first + $0].key
    }
  }

  /// What a live claim was given less of; nil where it has what it asked for.
  public func degradation(of id: ClaimID) -> Degradation? {
    claim(id)?.degradation.map { degradations[$0] }
  }

  /// What a live claim was given less of, field by field; empty where it has what it asked for.
  public func changes(of id: ClaimID) -> [Change] {
    guard let claim = claim(id), let row = degradation(of: id) else { return [] }
    return Change.list(
      from: row.asked, to: claim.spec.form(claim.plan), row.automation, row.trigger)
  }

  /// How often claims of a service took a rung for a cause since the policy has that rung.
  public func degradationCount(
    service: Key, rung: Key, trigger: Trigger
  ) -> DegradationCount {
    counterIndex(service: service, rung: rung).map {
      degradationCounts[$0 * Trigger.allCases.count + Int(trigger.rawValue)]
    } ?? DegradationCount()
  }

  /// Visits every count that is not zero, by service, rung and trigger.
  /// - Complexity: O(rungs of the policy).
  public func forEachDegradationCount(
    _ body: (_ service: Key, _ rung: Key, Trigger, DegradationCount) -> Void
  ) {
    for (index, rung) in policy.rungs.enumerated() {
      for trigger in Trigger.allCases {
        let count = degradationCounts[index * Trigger.allCases.count + Int(trigger.rawValue)]
        guard count.claims > 0 else { continue }
        body(policy.services[Int(rung.service)].key, rung.key, trigger, count)
      }
    }
  }

  /// The ladder of a service that a tenant may use.
  func ladder(of service: Key, for tenant: Key) -> LadderIndex.Ladder? {
    guard self.service(service, for: tenant) != nil, let row = keys.services.row(for: service)
    else { return nil }
    return ladders.ladders[Int(row)]
  }

  /// The rungs of its ladder that a claim accepts under the policy in force.
  func acceptedRungs(_ spec: ClaimSpec) -> (ladder: LadderIndex.Ladder, bits: UInt8)? {
    guard spec.accepts.bits != 0, let ladder = ladder(of: spec.service, for: spec.tenant),
      ladder.signature == spec.accepts.ladder
    else { return nil }
    return (ladder, planted(.takesUnacceptedRung) ? .max : spec.accepts.bits)
  }

  /// Why what a claim accepts cannot be understood; nil where it can.
  func acceptanceObstacle(_ spec: ClaimSpec) -> Reason? {
    guard spec.accepts.bits != 0, acceptedRungs(spec) == nil else { return nil }
    return Reason(.rungUnknown, have: Int64(spec.accepts.bits))
  }

  // MARK: one rung

  /// A claim on a rung of its ladder, with everything that the rungs above changed too.
  /// - Returns: nil where no lane could serve it so, or not cheaper than above, or under weaker
  ///   restrictions, or where it would be too late.
  func descent(
    of above: Asking, from asked: ClaimShape, to number: Int, in ladder: LadderIndex.Ladder
  ) -> Descent? {
    var form = asked
    for index in ladder.first...(ladder.first + number) {
      policy.rungs[index].lower(&form, lanes: ladders.lanes[index])
    }
    var asking = above
    asking.spec.put(form)
    asking.plan = form.plan
    asking.resolved.wish = Wish(
      demand: form.demand, tenant: above.resolved.tenant.row, slice: slice(of: asking.spec))
    guard asking.spec.isWellFormed, isolationObstacle(form.demand) == nil else { return nil }
    if let deadline = asking.spec.deadline, now + form.plan.expected > deadline { return nil }
    let eligible = eligibleLanes(asking.spec, asking.resolved).lanes
    let bound = Bound(above, in: self)
    asking.eligible = .none
    var left = eligible
    while let row = left.firstRow {
      left = left.withoutFirst
      guard let offer = offer(row, for: asking.spec, asking.resolved),
        bound.admits(offer, form, restrictions: lanes[row: row].rule.restrictions)
      else { continue }
      asking.eligible.insert(row: row)
    }
    asking.spec.lanes = asking.eligible
    guard let first = preferred(asking.eligible, asking.spec, asking.resolved) else { return nil }
    asking.first = first
    return Descent(
      asking: asking, rung: ladder.first + number, number: UInt8(number + 1),
      automation: automation(ladder, number))
  }

  /// What a rung must stay below: what the claim would cost above it in its cheapest lane, for the
  /// time that it is expected to run and at the longest; and the restrictions that it would have
  /// had anywhere.
  private struct Bound {
    var expected = Int128.max
    var longest = Int128.max
    var restrictions = UInt64.max

    init(_ above: Asking, in pool: borrowing Pool) {
      var left = above.eligible
      while let row = left.firstRow {
        left = left.withoutFirst
        guard let offer = pool.offer(row, for: above.spec, above.resolved) else { continue }
        let cost = Self.cost(offer, above.spec.form(above.plan))
        expected = min(expected, cost.expected)
        longest = min(longest, cost.longest)
        restrictions &= pool.lanes[row: row].rule.restrictions
      }
    }

    static func cost(_ offer: Offer, _ form: ClaimShape) -> (expected: Int128, longest: Int128) {
      let expected = min(form.plan.expected, form.runtimeMax)
      return (
        Int128(offer.rate) * Int128(expected.ns), Int128(offer.rate) * Int128(form.runtimeMax.ns)
      )
    }

    func admits(_ offer: Offer, _ form: ClaimShape, restrictions given: UInt64) -> Bool {
      let cost = Self.cost(offer, form)
      return cost.expected < expected && cost.longest <= longest
        && given & restrictions == restrictions
    }
  }

  // MARK: at the door

  /// The rung that a claim takes at the door, and where it goes then; nil where it goes as asked.
  func downgrade(
    _ asked: Asking, _ route: Route
  ) -> (descent: Descent, route: Route, cause: Cause)? {
    guard let (ladder, accepted) = acceptedRungs(asked.spec) else { return nil }
    let active = activeTriggers(asked, route)
    for number in 0..<ladder.count where accepted & (1 << UInt8(number)) != 0 {
      let rung = policy.rungs[ladder.first + number]
      guard rung.serves(action: asked.spec.action),
        rung.classes.contains(asked.resolved.serviceClass),
        let trigger = firstTrigger(of: ladder, number, asked, active),
        isApprovable(asked.spec, automation(ladder, number), asked.resolved.tenant),
        let descent = descent(
          of: asked, from: asked.spec.form(asked.plan), to: number, in: ladder)
      else { continue }
      let target = self.route(
        descent.asking.spec, descent.asking.resolved, descent.asking.eligible, descent.asking.first)
      guard isBetter(target, than: route, descent, asked, trigger, rung) else { continue }
      return (descent, target, cause(trigger, rung, asked, route))
    }
    return nil
  }

  /// Takes a claim in on a rung: it is granted, waits, or waits for the approval that its action or
  /// the rung asks for.
  mutating func submit(
    _ asked: Asking, _ less: (descent: Descent, route: Route, cause: Cause), _ log: inout EventLog
  ) -> Decision {
    let asking = less.descent.asking
    let id = take(asked.spec, asked.resolved, asked.plan, &log)
    let form = asked.spec.form(asked.plan)
    let fact = downgradeFact(less.descent, id, asked: form, less.cause, &log)
    stepDowngraded(fact, queues: nil, &log)
    var decision = Decision(verdict: .downgraded, policy: generation)
    decision.claim = id
    decision.plan = asking.plan
    decision.quote(asking.first.offer, for: min(asking.plan.expected, asking.spec.runtimeMax))
    var reasons = less.cause.reasons
    if let (rule, isDemanded) = approvalOnRung(asking.spec, fact.automation) {
      reasons.append(requestApproval(id, by: rule, demanded: isDemanded, &log))
    } else {
      put(id, less.route, asking, &decision, &log)
    }
    decision.verdict = .downgraded
    decision.changes = fact.changes
    decision.reasons = log.append(reasons)
    return decision
  }

  /// The rule by which a claim has to be approved because of its automation; nil where it has not.
  func demandedApproval(_ spec: ClaimSpec, _ automation: Automation) -> UInt16? {
    automation == .approvalRequired ? approvalRule(for: spec, demanded: true) : nil
  }

  /// The rule by which a claim from the door has to be approved on a rung, and whether only the
  /// rung asks for it: what the action itself needs approved stays to be approved on every rung.
  func approvalOnRung(
    _ spec: ClaimSpec, _ automation: Automation
  ) -> (rule: UInt16, isDemanded: Bool)? {
    if let rule = approvalRule(for: spec) { return (rule, false) }
    return demandedApproval(spec, automation).map { ($0, true) }
  }

  /// Whether a claim may have an automation: it can ask for the approval that this, or its action,
  /// takes.
  private func isApprovable(
    _ spec: ClaimSpec, _ automation: Automation, _ tenant: TenantID
  ) -> Bool {
    guard automation == .approvalRequired || approvalRule(for: spec) != nil else { return true }
    return approvalRule(for: spec, demanded: true) != nil && approvalObstacle(spec) == nil
      && waitingObstacle(tenant) == nil
  }

  /// The automation of a rung: its own, or that of the rungs above it.
  private func automation(_ ladder: LadderIndex.Ladder, _ number: Int) -> Automation {
    (ladder.first...(ladder.first + number)).reduce(.full) { policy.rungs[$1].automation ?? $0 }
  }

  /// Everything that may make a claim take some rung.
  private func activeTriggers(_ asked: Asking, _ route: Route) -> TriggerSet {
    var active: [Trigger] = []
    if !dependencies.isEmpty { active.append(.dependency) }
    let felt = pressure(on: asked.eligible, asked.resolved.serviceClass)
    active.append(felt > .normal ? .pressure : .preference)
    switch route {
    case .grant: break
    case .wait(let lanes, _, _, _):
      let rule = policy.classes[Int(asked.resolved.serviceClass.rank)]
      if let limit = rule.waitLimit,
        predictedWait(asked.resolved.serviceClass, in: lanes) > limit
      {
        active.append(.wait)
      }
    case .park: active.append(.bucket)
    case .refuse(_, let reasons):
      if reasons.contains(where: { $0.code == .bucketShort || $0.code == .behindParked }) {
        active.append(.bucket)
      }
      if reasons.contains(where: { $0.code == .queueFull || $0.code == .tenantQueueFull }) {
        active.append(.queue)
      }
      if reasons.contains(where: { $0.code == .classPaused }) { active.append(.pressure) }
    }
    return TriggerSet(active)
  }

  /// The first active trigger for which a claim takes a rung.
  private func firstTrigger(
    of ladder: LadderIndex.Ladder, _ number: Int, _ asked: Asking, _ active: TriggerSet
  ) -> Trigger? {
    let rung = policy.rungs[ladder.first + number]
    let serviceClass = asked.resolved.serviceClass
    let waits = service(asked.spec.service, for: asked.spec.tenant)?.complexity == .complex
    return Trigger.allCases.first { trigger in
      guard active.contains(trigger), rung.triggers.contains(trigger) else { return false }
      switch trigger {
      case .dependency:
        return rung.dependency.map { dependency($0) != .up } ?? false
      case .pressure:
        let isPressed =
          pressure(on: asked.eligible, serviceClass) >= rung.pressure
          || pauseObstacles(asked.eligible, serviceClass) != nil
        return isPressed && !(waits && reroutes(ladder, number))
      case .wait: return !(waits && reroutes(ladder, number))
      case .bucket: return policy.classes[Int(serviceClass.rank)].emptyBucket == .downgrade
      case .queue, .preference: return true
      case .time: return false
      }
    }
  }

  /// Whether a rung, or one above it, takes a claim to another pool, profile or model class.
  private func reroutes(_ ladder: LadderIndex.Ladder, _ number: Int) -> Bool {
    (ladder.first...(ladder.first + number)).contains {
      policy.rungs[$0].lanes != nil || policy.rungs[$0].modelClass != nil
    }
  }

  /// Whether a claim fares better on a rung than as it was asked.
  private func isBetter(
    _ target: Route, than route: Route, _ descent: Descent, _ asked: Asking, _ trigger: Trigger,
    _ rung: RungRule
  ) -> Bool {
    let (new, old) = (target.rank, route.rank)
    if new == Route.refused { return false }
    // What a person has to approve first waits for that, out of everyone's way.
    if trigger == .dependency || descent.automation == .approvalRequired { return true }
    if new == Route.granted {
      return old != Route.granted || trigger == .pressure || trigger == .preference
    }
    if new < old { return true }
    guard case .wait(let lanes, _, _, _) = target, case .wait(let others, _, _, _) = route else {
      return false
    }
    let serviceClass = asked.resolved.serviceClass
    return rung.isAsynchronous
      || predictedWait(serviceClass, in: lanes) < predictedWait(serviceClass, in: others)
  }

  /// What made a claim take a rung, with its reasons and when that may be over.
  struct Cause {
    var trigger: Trigger
    var code: Reason.Code
    var recovers: Instant?
    var reasons: [Reason]
  }

  private func cause(
    _ trigger: Trigger, _ rung: RungRule, _ asked: Asking, _ route: Route
  ) -> Cause {
    let serviceClass = asked.resolved.serviceClass
    let row = asked.first.row
    let others = route.reasons
    switch trigger {
    case .dependency:
      let state = rung.dependency.map { dependency($0) } ?? .up
      let reason = Reason(.dependencyDown, have: Int64(state.rawValue))
      return Cause(
        trigger: trigger, code: .dependencyDown, recovers: nil, reasons: [reason] + others)
    case .pressure:
      let (reasons, recovers) = pressureReasons(serviceClass, lane: row, from: rung.pressure)
      return Cause(
        trigger: trigger, code: .poolPressure, recovers: recovers,
        reasons: reasons + others.filter { !reasons.contains($0) })
    case .queue:
      let code: Reason.Code =
        others.contains { $0.code == .queueFull } ? .queueFull : .tenantQueueFull
      return Cause(
        trigger: trigger, code: code,
        recovers: now + predictedWait(serviceClass, in: asked.eligible), reasons: others)
    case .bucket:
      return Cause(
        trigger: trigger, code: .bucketShort, recovers: Self.latest(others), reasons: others)
    case .wait:
      let wait = predictedWait(serviceClass, in: asked.eligible)
      let limit = policy.classes[Int(serviceClass.rank)].waitLimit ?? .zero
      let recovers = now + Span(ns: max(0, wait.ns - limit.ns))
      let reason = Reason(
        .waitPredicted, .lane(row), have: wait.ns, need: limit.ns, clearsAt: recovers)
      return Cause(
        trigger: trigger, code: .waitPredicted, recovers: recovers, reasons: [reason] + others)
    case .preference:
      return Cause(
        trigger: trigger, code: .cheaperPreferred, recovers: nil,
        reasons: [Reason(.cheaperPreferred)] + others)
    case .time: broken("nobody waited at the door")
    }
  }

  // MARK: where it waited too long

  /// Has a claim that waited as long as it may take its next rung.
  /// - Returns: whether it did; nothing happened where it did not.
  mutating func descendWaiting(_ id: ClaimID, _ log: inout EventLog) -> Bool {
    let claim = claims[id]
    // What the action itself needs approved stays to be approved.
    let isPending = claim.state == .awaitingApproval && claim.approval?.isDemanded == false
    guard claim.heldBy == nil, !isPending, let (ladder, accepted) = acceptedRungs(claim.spec),
      let resolved = resolved(claim), holder(of: claim) == nil
    else { return false }
    let (eligible, first, _) = eligibleLanes(claim.spec, resolved)
    guard let first else { return false }
    let above = Asking(
      spec: claim.spec, resolved: resolved, plan: claim.plan, eligible: eligible, first: first)
    var (next, asked) = (0, claim.spec.form(claim.plan))
    if let degradation = claim.degradation {
      next = Int(degradations[degradation].rung)
      asked = degradations[degradation].asked
    }
    for number in next..<max(next, ladder.count) where accepted & (1 << UInt8(number)) != 0 {
      let rung = policy.rungs[ladder.first + number]
      guard rung.serves(action: claim.spec.action), rung.classes.contains(claim.serviceClass),
        rung.triggers.contains(.time),
        claim.approval?.by != nil
          || isApprovable(claim.spec, automation(ladder, number), claim.tenant),
        let descent = descent(of: above, from: asked, to: number, in: ladder)
      else { continue }
      let cause = Cause(trigger: .time, code: .queueTimeOver, recovers: nil, reasons: [])
      let fact = downgradeFact(descent, id, asked: asked, cause, &log)
      guard min(fact.waitEnds, fact.latestStart) > now else { continue }
      if claim.pin != nil { unpin(id.row, because: .queueTimeOver, &log) }
      stepDowngraded(fact, queues: groupable(descent.asking.eligible), &log)
      let given = claims[id]
      if given.approval?.by == nil, let rule = demandedApproval(given.spec, fact.automation) {
        _ = requestApproval(id, by: rule, demanded: true, &log)
      }
      return true
    }
    return false
  }

  // MARK: the event

  /// Everything that the event of a downgrade states.
  func downgradeFact(
    _ descent: Descent, _ id: ClaimID, asked before: ClaimShape, _ cause: Cause,
    _ log: inout EventLog
  ) -> Downgrade {
    let rule = policy.rungs[descent.rung]
    let (spec, plan) = (descent.asking.spec, descent.asking.plan)
    let form = spec.form(plan)
    let list = Change.list(from: before, to: form, descent.automation, cause.code)
    let changes = Span32(first: UInt32(log.changes.count), count: UInt16(list.count))
    for change in list { log.changes.append(change) }
    let isRerouted = list.contains(where: \.isReroute)
    let most = policy.classes[Int(descent.asking.resolved.serviceClass.rank)].queueWaitMax
    let limit = [spec.maxWait, most].compactMap { $0 }.min()
    let wait = rule.isAsynchronous ? rule.waitMax : rule.waitMax ?? limit
    let deadline = spec.deadline.map { Instant(ns: $0.ns - form.plan.expected.ns) }
    return Downgrade(
      claim: id, rung: descent.number, key: rule.key, trigger: cause.trigger, code: cause.code,
      recovers: cause.recovers, asked: before, given: form, automation: descent.automation,
      mode: rule.isAsynchronous || descent.automation == .queued
        ? .asynchronous : isRerouted ? .rerouted : .reduced,
      waitEnds: wait.map { now + $0 } ?? .farFuture, latestStart: deadline ?? .farFuture,
      changes: changes)
  }

  /// Records that a claim takes a rung: at the door, or back into the order for some lanes.
  mutating func stepDowngraded(_ fact: Downgrade, queues lanes: LaneSet?, _ log: inout EventLog) {
    var fact = fact
    fact.queues = lanes
    log.downgrades.append(fact)
    step(
      .claimDowngraded(
        fact.claim, rung: fact.rung, trigger: fact.code, fact: UInt32(log.downgrades.count - 1)),
      &log)
  }
}
