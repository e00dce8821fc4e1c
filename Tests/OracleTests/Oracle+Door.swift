import PoolAllocator

/// What a claim is answered at the door (SEMANTICS 7.1, decision 0007).
enum Answer: Equatable {
  /// Refused, as it breaks a rule of the policy.
  case refused
  /// It can never be served.
  case infeasible
  /// Its bucket is short or serves others first. The moment at which it could pay, where it is
  /// first.
  case short(clears: Int64?, isFirst: Bool)
  /// It waits for devices.
  case waits
  case starts
  /// What is kept for others could be used, or taken: both are right at the door.
  case waitsOrStarts
}

extension Oracle {
  /// Makes the claim that a submission would be, and answers it.
  func judge(_ spec: ClaimSpec, id: ClaimID) -> (Asked?, Answer) {
    guard let tenant = policy.tenants.firstIndex(where: { $0.key == spec.tenant }),
      let service = policy.services.first(where: { $0.key == spec.service }),
      service.tenant == nil || service.tenant == spec.tenant,
      policy.tenants[tenant].classes.contains(service.serviceClass),
      isIsolating(spec.demand)
    else { return (nil, .refused) }
    let rank = service.serviceClass.rank
    let lanes = laneRows.filter {
      spec.lanes.contains(row: $0) && isAdmitted(spec, rank: rank, lane: $0)
        && isEnforced(spec.demand, lane: $0)
    }
    guard !lanes.isEmpty else { return (nil, .refused) }
    let path = path(of: spec, rank: rank, tenant: tenant)
    guard !path.isEmpty else { return (nil, .refused) }
    let draft = Asked(
      id: id, spec: spec, tenant: tenant, rank: rank, jobMilli: service.weightMilli,
      submitted: now, arrival: arrivals, waitEnds: spec.maxWait.map { now + $0.ns } ?? .max,
      lanes: lanes, path: path, state: .new, level: rank, queuedAt: now)
    let possible = lanes.filter { isPossible(draft, $0) }
    guard !possible.isEmpty else { return (draft, .infeasible) }
    return (draft, answer(draft, possible[0]))
  }

  /// Whether the form of a demand gives the isolation that it asks for.
  private func isIsolating(_ demand: Demand) -> Bool {
    switch demand.shape {
    case .whole: true
    case .slice: demand.sharing <= .mig
    case .fraction, .cpuOnly: demand.sharing <= .ownTenant
    }
  }

  /// Whether any machine of a lane keeps others out as a demand asks.
  private func isEnforced(_ demand: Demand, lane: UInt32) -> Bool {
    site.machines.contains { machine in
      machine.enforcement >= demand.enforcement
        && site.parts.contains { $0.node == machine.id && $0.lane == lane }
    }
  }

  /// Whether it could be served in a lane that is empty, by a bucket that is full.
  func isPossible(_ asked: Asked, _ lane: UInt32) -> Bool {
    isPayable(asked, lane) && site.emptied(repaired: true).fits(wish(asked, lane))
  }

  /// Whether full buckets could pay.
  func isPayable(_ asked: Asked, _ lane: UInt32) -> Bool {
    let price = Rational(price(asked, lane: lane))
    return asked.path.allSatisfy { price <= buckets[$0].cap }
  }

  private func answer(_ draft: Asked, _ lane: UInt32) -> Answer {
    let isFirst = !isBehind(draft)
    guard isFirst, canPay(draft, lane: lane) else {
      return .short(clears: clears(draft, lane: lane), isFirst: isFirst)
    }
    var oracle = self
    oracle.lift(draft, lane)
    var waiting = draft
    waiting.state = .queued
    oracle.claims[draft.id] = waiting
    let own = oracle.standing(waiting, in: lane)
    // Only heads of lines are compared (SEMANTICS 4.3): who waits behind one that came back, and
    // had risen above it, goes before nobody.
    let isPreceded = queue(lane).contains {
      isHead($0) && oracle.standing($0, in: lane) < own
    }
    guard !isPreceded else { return .waits }
    let wish = wish(draft, lane)
    if site(for: draft, .all).fits(wish) { return .starts }
    return site(for: draft, .devices).fits(wish) ? .waitsOrStarts : .waits
  }

  /// Takes a submission's answer in and compares it.
  mutating func submit(
    _ spec: ClaimSpec, _ decision: Decision, _ log: EventLog, _ pool: Pool
  ) throws {
    let id = decision.claim ?? ClaimID(row: .max, generation: .max)
    let (draft, answer) = judge(spec, id: id)
    let codes = decision.reasons.indices.map { log.reasons[$0].code }
    let said = "\(decision.verdict) \(codes) to \(spec.demand.brief), oracle \(answer)"
    switch decision.verdict {
    case .rejected:
      guard case .short(let clears, let isFirst) = answer, let draft else {
        try agree(answer == .refused, said)
        coverage.saw("refused")
        return
      }
      try agree(policy.classes[Int(draft.rank)].emptyBucket == .reject, said)
      if isFirst {
        try agree(decision.retryAt?.ns == clears, "\(said): \(decision.retryAt as Any)")
      }
      coverage.saw("short and refused")
    case .infeasible:
      if answer != .infeasible, let draft {
        // What does not work now is neither there nor gone.
        let sound = reliable
        try agree(!draft.lanes.contains { sound.fits(wish(draft, $0)) }, said)
      }
      coverage.saw("infeasible")
    case .parked, .queued, .admitted:
      guard var draft else { throw Disagreement(description: said) }
      try accept(&draft, answer, decision, said)
      try agree(
        Int128(decision.reservation.value) == price(draft, lane: draft.lanes[0]),
        "\(said): reservation \(decision.reservation), oracle \(price(draft, lane: draft.lanes[0]))"
      )
      claims[id] = draft
      arrivals += 1
      if draft.state == .queued { enter(id) }
      for event in log.events { try follow(event, log, pool, atDoor: true) }
    default: throw Disagreement(description: said)
    }
  }

  private mutating func accept(
    _ draft: inout Asked, _ answer: Answer, _ decision: Decision, _ said: String
  ) throws {
    switch (decision.verdict, answer) {
    case (.parked, .short(let clears, let isFirst)):
      try agree(policy.classes[Int(draft.rank)].emptyBucket == .park, said)
      if isFirst {
        try agree(decision.retryAt?.ns == clears, "\(said): \(decision.retryAt as Any)")
      }
      coverage.saw("parked at the door")
    case (.queued, .waits), (.queued, .waitsOrStarts):
      draft.state = .queued
      coverage.saw("queued at the door")
    case (.admitted, .starts), (.admitted, .waitsOrStarts):
      coverage.saw("admitted at the door")
    default: throw Disagreement(description: said)
    }
  }
}
