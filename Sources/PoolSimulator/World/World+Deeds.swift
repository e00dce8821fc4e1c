import PoolAllocator
import PoolLoop

/// What callers and holders of leases do.
extension World {
  /// Somebody does something, or asks again for what was not answered.
  mutating func act() {
    clients.due = now.ns + max(1, random.exponential(mean: plan.life.pace.ns))
    guard clients.isOpen else {
      clients.due = .max
      return
    }
    for request in clients.repeats(at: now) { send(request) }
    perform(plan.life.deed(&random))
  }

  /// Sends a request on its way.
  mutating func send(_ request: ClientRequest) {
    network.send(.request(request), over: .init(from: Self.callers, to: Self.leader), at: now)
  }

  private mutating func ask(_ command: Command) { send(clients.once(command)) }
  private mutating func insist(_ command: Command) { send(clients.named(command, at: now)) }

  private mutating func perform(_ deed: Deed) {
    switch deed {
    case .submit: if !isCrowded { insist(.submit(anyClaim())) }
    case .quote: quote()
    case .redeem: redeem()
    case .renew, .checkpoint, .release, .cancel, .decide:
      if server.isUp { hold(deed) }
    case .delegate: delegate()
    case .revoke: ask(.revoke(Names.budget(random.number(9))))
    case .restrict: restrict()
    case .signal: signal()
    case .dependency:
      let states: [DependencyState] = [.up, .up, .degraded, .down]
      ask(.reportDependency(Names.dependency(random.number(2)), states[random.number(4)]))
    case .emergency: raiseEmergency()
    case .duty, .forget: operate(isForgetting: deed == .forget)
    case .activate: activate()
    case .repeated, .renamed:
      if let request = clients.afterwards(isOther: deed == .renamed, &random) { send(request) }
    case .odd: if plan.life.isOdd { ask(oddCommand()) }
    }
  }

  private var isCrowded: Bool {
    server.isUp && server.loop.pool.claimsAlive >= plan.life.crowd
  }

  /// Many claims at once.
  mutating func burst() {
    guard clients.isOpen else { return }
    for _ in 0..<random.within(10...60) { insist(.submit(anyClaim())) }
  }

  // MARK: leases and claims

  private mutating func hold(_ deed: Deed) {
    switch deed {
    case .renew:
      let now = server.loop.pool.now
      let due = server.loop.pool.anyLease(&random) {
        $0.state == .active && $0.nextReserved == nil && now >= $0.renewFrom
      }
      let any = random.chance(90) ? due : server.loop.pool.anyLease(&random)
      if let any { ask(.renew(any.id, fencing(of: any.lease))) }
    case .checkpoint:
      let any = server.loop.pool.anyLease(&random) { $0.state == .active }
      if let any { ask(.confirmCheckpoint(any.id, fencing(of: any.lease))) }
    case .release:
      if let any = server.loop.pool.anyLease(&random) {
        ask(.release(any.id, fencing(of: any.lease), random.chance(80) ? .completed : .failed))
      }
    case .cancel:
      if let any = server.loop.pool.anyClaim(&random) { ask(.cancel(any.id)) }
    default: decide()
    }
  }

  private mutating func fencing(of lease: Lease) -> Fencing {
    random.chance(2) ? Fencing(raw: lease.fencing.raw - 1) : lease.fencing
  }

  /// Somebody decides on a claim: mostly one that waits for it, mostly somebody who may.
  private mutating func decide() {
    let kind = random.number(10)
    let soon = server.loop.pool.now + random.seconds(1...4)
    let any = server.loop.pool.anyClaim(&random) {
      switch kind {
      case 0: $0.approval != nil
      // At the last moment, and often too late.
      case 1...4: $0.state == .awaitingApproval && $0.approval.map { $0.lapses <= soon } ?? false
      default: $0.state == .awaitingApproval
      }
    }
    guard let any else { return }
    let by = Names.principal(random.chance(85) ? 4 : random.number(6))
    guard random.chance(75) else { return ask(.deny(any.id, by: by)) }
    let plan = random.chance(90) ? any.claim.spec.plan ?? Names.plan(0) : Names.plan(9)
    ask(.approve(any.id, by: by, plan: plan))
  }

  private mutating func quote() {
    clients.quotes += 1
    var spec = anyClaim()
    if server.isUp, random.chance(50) {
      // Of two lanes the cheaper one may be gone when the quote is redeemed.
      spec.demand = Demand(shape: .whole)
      spec.lanes = server.loop.pool.laneSet(named: [Names.lane(0), Names.lane(2)])
    }
    let name = Names.quote(random.chance(3) ? max(0, clients.quotes - 2) : clients.quotes)
    let lasts: Span? = random.chance(30) ? random.seconds(1...100) : nil
    ask(.quote(name, spec, lasts: lasts))
    spec.quote = name
    clients.quoted.append(spec)
    if clients.quoted.count > 12 { clients.quoted.removeFirst() }
  }

  /// Has a claim redeem a quote that was asked for, mostly as it was.
  private mutating func redeem() {
    guard !clients.quoted.isEmpty else { return }
    let index = random.number(clients.quoted.count)
    var spec = clients.quoted[index]
    if random.chance(85) { clients.quoted.remove(at: index) }
    clients.claims += 1
    spec.key = Names.claim(clients.claims)
    if random.chance(4) { spec.principal = Names.principal(random.number(3)) }
    if random.chance(4) { spec.runtimeMax = Span(ns: spec.runtimeMax.ns + 1) }
    if random.chance(2) { spec.tenant = Names.tenant(random.number(plan.tenants)) }
    if random.chance(2) { spec.quote = Names.quote(1_000_000) }
    insist(.submit(spec))
  }

  // MARK: who may do what

  private mutating func delegate() {
    // A tree of three roots with two heirs each; sometimes a name is tried elsewhere.
    // In some lives each is given out of the one before it, deeper than may be.
    let number = plan.life.isDeep && random.chance(60) ? firstUnknownHeir() : random.number(9)
    let usual = plan.life.isDeep ? number - 1 : number < 3 ? -1 : (number - 3) / 2
    let parent = random.chance(95) ? (usual < 0 ? nil : usual) : random.number(9)
    var spec = DelegationSpec(
      key: Names.budget(number),
      tenant: Names.tenant(plan.life.isDeep ? 0 : number % 3 % plan.tenants),
      parent: parent.map { Names.budget($0) },
      limit: Credits(
        random.within(2...30) * (plan.life.isDeep ? 100_000 : 20_000_000) / (number < 3 ? 1 : 3)),
      expires: poolTime + random.seconds(5...(number < 3 ? 600 : 300)))
    if server.isUp, let given = server.loop.pool.delegation(named: spec.key),
      random.chance(90)
    {
      (spec.tenant, spec.ceiling) = (given.tenant, given.ceiling)
      // Some are cut down to what is spent already: nothing is left of them.
      if random.chance(20) { spec.limit = given.spent }
    } else if server.isUp, let above = spec.parent,
      let giver = server.loop.pool.delegation(named: above)
    {
      spec.tenant = giver.tenant
      if random.chance(80) {
        spec.limit = min(spec.limit, giver.limit)
        spec.expires = min(spec.expires, giver.expires)
      }
    }
    if random.chance(5) { spec.ceiling = .p2 }
    insist(.delegate(spec))
  }

  /// The first of the chain of delegations that is not given.
  private func firstUnknownHeir() -> Int {
    guard server.isUp else { return 0 }
    return (0..<9).first { server.loop.pool.delegation(named: Names.budget($0)) == nil } ?? 0
  }

  private mutating func restrict() {
    let kind = IdentityKind.allCases[random.number(4)]
    let names = [
      Names.tenant(random.number(plan.tenants)), Names.application(1), Names.workflow(1),
      Names.principal(random.number(3)),
    ]
    let measures: [Restriction.Measure] = [.suspend, .throttle(liveClaims: 3), .ceiling(.p2)]
    let restriction = Restriction(
      measure: measures[random.number(3)], until: poolTime + random.seconds(0...120),
      by: Names.principal(9), because: Names.text(0))
    ask(.restrict(kind, names[Int(kind.rawValue)], random.chance(70) ? restriction : nil))
  }

  private mutating func signal() {
    guard random.chance(70) else {
      let measurement = Measurement(
        measure: Names.measure(0), subject: Names.pool(random.number(2)),
        milli: Int64(random.below(6)))
      return ask(.signal(.measured(measurement)))
    }
    // Some are out of range, of nobody's service, or forget what is not there.
    let scope = Correction.Scope(
      tenant: Names.tenant(random.number(plan.tenants)), service: Names.service(random.number(5)),
      modelClass: random.chance(50) ? Names.modelClass(0) : nil)
    let milli = random.chance(70) ? Int32(90 + random.below(10_000)) : nil
    ask(.signal(.corrected(Correction(scope: scope, milli: milli))))
  }

  private mutating func raiseEmergency() {
    guard server.isUp, let bucket = server.loop.pool.anyBucket(&random) else { return }
    let raise = EmergencyRaise(
      by: Names.principal(random.chance(90) ? 4 : 0),
      and: Names.principal(random.chance(90) ? 5 : 4),
      until: poolTime + random.seconds(0...400))
    ask(.raiseEmergency(bucket, raise))
  }

  // MARK: operators

  private mutating func operate(isForgetting: Bool) {
    let key = Names.node(random.number(nodes.count))
    guard server.isUp, let node = server.loop.pool.node(named: key) else {
      return ask(
        .enrol(nodes[Names.number(ofNode: key)].shape.enrolment(Names.number(ofNode: key))))
    }
    if isForgetting { return ask(.forget(node)) }
    switch random.number(8) {
    case 0, 1: ask(.cordon(node))
    case 2: ask(.drain(node, deadline: poolTime + random.seconds(0...60)))
    default: ask(.uncordon(node))
    }
  }

  private mutating func activate() {
    guard server.isUp else { return }
    let generation = server.loop.pool.generation.value + (random.chance(95) ? 1 : 0)
    let policy = WorldPolicy.draw(for: plan, &random)
    if policy.placement.score == .offerValue { reached.note(.offersScored) }
    ask(.activate(PolicyGeneration(generation), policy))
  }

  /// Commands that name what is not there, or break a rule of the core.
  private mutating func oddCommand() -> Command {
    switch random.number(9) {
    case 7, 8: return .activate(PolicyGeneration(.max - 1), oddLadder())
    case 0: return .cancel(ClaimID(row: UInt32(random.below(20)), generation: 1))
    case 1:
      var policy = WorldPolicy.draw(for: plan, &random)
      policy.classes.removeLast()
      return .activate(PolicyGeneration(.max - 1), policy)
    case 2:
      var spec = anyClaim()
      spec.demand.members = 0
      return .submit(spec)
    case 3:
      var spec = anyClaim()
      spec.runtimeMax = Limits.spanMax
      spec.estimate = .work(
        promptTokens: Limits.workMax, outputTokens: Limits.workMax, toolCalls: 1, depth: 1)
      return .submit(spec)
    case 4:
      var spec = anyClaim()
      spec.demand.shape = .fraction(MilliGPU(500), Bytes(100 << 30))
      return .submit(spec)
    case 5:
      var spec = anyClaim()
      spec.demand.cpu = MilliCPU(500_000)
      return .submit(spec)
    default:
      var spec = anyClaim()
      spec.demand.hostMemory = Bytes(500 << 30)
      return .submit(spec)
    }
  }
}

extension World {
  /// A policy with a rung that costs no less, raises automation, or is preferred where that is too
  /// risky: refused, so that nothing of it comes into force.
  private mutating func oddLadder() -> CompiledPolicy {
    var policy = WorldPolicy.draw(for: plan, &random)
    var rungs = (0..<2).map { RungRule(key: Names.rung($0), service: 0) }
    rungs[0].runtimeMilli = 900
    rungs[1].runtimeMilli = 900
    policy.services[0].risk = .guarded
    switch random.number(3) {
    case 0: rungs[1].runtimeMilli = 1_000
    case 1: (rungs[0].automation, rungs[1].automation) = (.answerOnly, .full)
    default: rungs[0].triggers = TriggerSet(Trigger.allCases)
    }
    policy.rungs = rungs
    return policy
  }
}

extension Pool {
  /// What stands in a delegation that is known.
  fileprivate func delegation(
    named key: Key
  ) -> (tenant: Key, limit: Credits, expires: Instant, ceiling: ServiceClass, spent: Credits)? {
    guard let bucket = budget(named: key).flatMap({ bucket($0) }),
      let delegation = bucket.delegation, let tenant = tenant(bucket.tenant)
    else { return nil }
    return (
      tenant.key, bucket.credits.cap, delegation.expires, delegation.ceiling, bucket.spent
    )
  }
}
