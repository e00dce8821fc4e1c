import PoolAllocator

/// What the core says that it did, looked at in order: what the rules leave open is taken over, the
/// rest must be what they say.
extension Oracle {
  mutating func follow(
    _ event: Event, _ log: EventLog, _ pool: Pool, atDoor: Bool = false
  ) throws {
    switch event {
    case .leaseGranted(let id, let grants):
      let rows = grants.indices.map { log.grants[$0] }
      let uses = rows.flatMap { grant in grant.uses.indices.map { Share(log.uses[$0]) } }
      try grant(id, rows, uses, atDoor: atDoor)
    case .claimPinned(let id, let fact):
      let pin = log.pins[Int(fact)]
      try keep(id, pin, pin.uses.indices.map { Share(log.uses[$0]) })
    case .claimUnpinned(let id, _):
      claims[id]?.kept = nil
    case .claimParked(let id, let bucket): try park(id, bucket)
    case .claimQueued(let id, _, _, _) where claims[id]?.state == .parked: try unpark(id)
    case .turnOverdue(let tenant, let lane): try beOverdue(tenant, lane)
    case .claimEnded(let id, .infeasible):
      guard let asked = claims[id] else { return }
      let isNever = asked.lanes.allSatisfy { lane in
        !isPossible(asked, lane)
      }
      try agree(isNever, "\(name(id)) is not infeasible")
      coverage.saw("infeasible while waiting")
      end(id)
    case .leaseStopping(let id, _, _, let killBy): leases[id]?.killBy = killBy.ns
    default: break
    }
  }

  func name(_ id: ClaimID) -> String {
    guard let asked = claims[id] else { return "unknown claim \(id)" }
    return "claim \(asked.arrival) (\(asked.state), P\(asked.rank), \(asked.spec.demand.brief))"
  }

  // MARK: grants

  private mutating func grant(
    _ id: ClaimID, _ grants: [Grant], _ uses: [Share], atDoor: Bool
  ) throws {
    if !atDoor { age() }
    guard let asked = claims[id], let first = grants.first else {
      throw Disagreement(description: "unknown claim \(id) is granted")
    }
    let lane = first.lane.row
    try agree(
      asked.state == (atDoor ? .new : .queued) && asked.lanes.contains(lane),
      "\(name(id)) is granted in lane \(lane)")
    let places = try places(uses, asked.spec.demand)
    try agree(canPay(asked, lane: lane), "\(name(id)) cannot pay")
    try agree(!isBehind(asked), "\(name(id)) goes before others of its bucket")
    try agree(
      site(for: asked, .devices).allows(places, for: wish(asked, lane)),
      "\(name(id)) cannot be at \(places)")
    try agree(!delays(asked, at: places), "\(name(id)) at \(places) delays others")
    let own = atDoor ? standing(asked, in: lane) : turn(asked, in: lane)
    let earlier = queue(lane).filter { $0.id != id && turn($0, in: lane) < own }
    // What is kept for a claim is its own, wherever its turn stands (decision 0018): those devices,
    // and no others.
    let isKept = asked.kept?.lane == lane && Set(asked.kept!.places) == Set(places)
    if !atDoor, !isKept, isHeadReliable(lane) {
      for other in earlier where canStart(other, lane) && !isBehindUnplanned(other) {
        throw Disagreement(
          description: "\(name(id)) \(own) starts before \(name(other.id)) "
            + "\(turn(other, in: lane)), which could start")
      }
    }
    coverage.saw(earlier.isEmpty ? "granted first" : "granted in the gap")
    try begin(asked, grants, places, isFirst: earlier.isEmpty, lane)
  }

  private mutating func begin(
    _ asked: Asked, _ grants: [Grant], _ places: [Place], isFirst: Bool, _ lane: UInt32
  ) throws {
    let terms = policy.classes[Int(asked.rank)]
    let rate = rate(asked.spec.demand, asked.jobMilli, lane: lane)
    let quantum = min(asked.spec.runtimeMax.ns, terms.quantum.ns)
    let price = ExactPrice.price(rate, quantum)
    takeTurn(asked, isFirst: isFirst, lane)
    charge(asked.path, price * Int128(grants.count))
    serve(asked.tenant, lane, asked.level, price * Int128(grants.count))
    claims[asked.id]?.state = .starting
    claims[asked.id]?.grants += 1
    claims[asked.id]?.kept = nil
    claims[asked.id]?.leases = grants.map(\.lease)
    claims[asked.id]?.waited = asked.state == .queued ? asked.waited + now - asked.queuedAt : 0
    for bucket in asked.path where buckets[bucket].turn == asked.id { buckets[bucket].turn = nil }
    for (grant, place) in zip(grants, places) {
      try agree(
        Int128(grant.reserved.value) == price && grant.quantum.ns == quantum,
        "\(name(asked.id)) reserves \(grant.reserved) for \(grant.quantum), oracle \(price)")
      let lease = Held(
        id: grant.lease, claim: asked.id, fencing: grant.fencing, tenant: asked.tenant, lane: lane,
        level: asked.level, place: place, demand: asked.spec.demand, path: asked.path,
        terms: terms, runtimeMax: asked.spec.runtimeMax.ns, rate: rate,
        startBy: now + terms.startWithin.ns,
        quantumStart: 0, quantumSpan: quantum, reserved: price)
      leases[grant.lease] = lease
      commit(grant.lease, nextPrice(lease))
      site.put(
        Holding(
          tenant: tenantIDs[asked.tenant], demand: asked.spec.demand, place: place, isKept: false),
        lane: lane)
    }
    settleOrder()
  }

  /// The fair order moves on: the floor rises to a winner's counter, and a turn is used up.
  private mutating func takeTurn(_ asked: Asked, isFirst: Bool, _ lane: UInt32) {
    if asked.state == .new || isHead(asked) { lift(asked, lane) }
    if isFirst {
      let floor = Floor(lane: lane, level: asked.level)
      floors[floor] = max(floors[floor] ?? .zero, served(asked, lane))
    }
    let hadFirst = asked.state == .queued && asked.lanes.contains { self.isFirst(asked, in: $0) }
    if asked.level == 0, hadFirst || asked.kept != nil { tookTurn(asked.tenant, asked.lanes) }
  }

  // MARK: plans

  private mutating func keep(_ id: ClaimID, _ pin: PinFact, _ uses: [Share]) throws {
    guard let asked = claims[id], asked.state == .queued else {
      throw Disagreement(description: "devices are kept for \(name(id))")
    }
    let places = try places(uses, asked.spec.demand)
    try agree(canPay(asked, lane: pin.lane.row), "\(name(id)) is kept devices and cannot pay")
    try agree(
      reliable.allows(places, for: wish(asked, pin.lane.row)),
      "\(name(id)) is kept what it cannot use")
    if let kept = asked.kept {
      try agree(pin.starts.ns <= kept.starts, "the start of \(name(id)) moves to a later moment")
    }
    for other in claims.values where other.id != id && other.kept != nil {
      let isTwice =
        asked.spec.demand.shape != .cpuOnly
        && other.kept!.places.contains {
          $0.uses.contains { use in uses.contains { $0.device == use.device } }
        }
      try agree(!isTwice, "\(name(id)) and \(name(other.id)) are kept the same device")
    }
    if asked.spec.demand.shape == .whole {
      for lease in leases.values
      where uses.contains(where: { use in
        lease.place.uses.contains { $0.device == use.device }
      }) {
        try agree(lease.gone <= pin.starts.ns, "\(name(id)) is promised what is not back by then")
      }
    }
    claims[id]?.kept = Kept(lane: pin.lane.row, places: places, starts: pin.starts.ns)
    coverage.saw("kept")
  }

  private mutating func beOverdue(_ tenant: TenantID, _ lane: LaneID) throws {
    guard let index = tenantIDs.firstIndex(of: tenant) else { return }
    let clocked = Clocked(lane: lane.row, tenant: index)
    guard let clock = clocks[clocked] else {
      throw Disagreement(description: "tenant \(index) is overdue and nothing of it waits")
    }
    let due = clock.since + interval(index)
    try agree(due <= now, "tenant \(index) is overdue \(due - now) ns early")
    clocks[clocked]?.overdue = due
    coverage.saw("overdue")
  }

  // MARK: parking

  private mutating func park(_ id: ClaimID, _ bucket: BucketID) throws {
    guard let asked = claims[id], let index = bucketIDs.firstIndex(of: bucket),
      asked.path.contains(index), asked.state == .queued || asked.state == .new
    else { throw Disagreement(description: "\(name(id)) is parked on \(bucket)") }
    let need = price(asked, lane: asked.lanes[0]) + buckets[index].committed
    let isShort = buckets[index].level(at: now) < Rational(need)
    try agree(
      isShort || isBehind(asked, on: index), "\(name(id)) is parked on a bucket that can pay")
    for held in asked.path where buckets[held].turn == id { buckets[held].turn = nil }
    if asked.state == .queued { claims[id]?.waited += now - asked.queuedAt }
    claims[id]?.state = .parked
    claims[id]?.parkedOn = index
    claims[id]?.kept = nil
    coverage.saw("parked")
    settleOrder()
  }

  /// The claim that a bucket can let go now, if any.
  func released(by bucket: Int) -> ClaimID? {
    guard buckets[bucket].turn == nil else { return nil }
    let parked = claims.values.filter { $0.parkedOn == bucket }
    guard let first = parked.min(by: { $0.precedes($1) }) else { return nil }
    let need = price(first, lane: first.lanes[0]) + buckets[bucket].committed
    return buckets[bucket].level(at: now) >= Rational(need) ? first.id : nil
  }

  private mutating func unpark(_ id: ClaimID) throws {
    guard let bucket = claims[id]?.parkedOn else { return }
    try agree(
      released(by: bucket) == id, "\(name(id)) leaves bucket \(bucket) out of turn or too early")
    claims[id]?.parkedOn = nil
    buckets[bucket].turn = id
    coverage.saw("let back")
    enter(id)
  }

  /// A claim comes into the order.
  mutating func enter(_ id: ClaimID) {
    guard let asked = claims[id] else { return }
    claims[id]?.state = .queued
    claims[id]?.queuedAt = now
    claims[id]?.level = Standing.level(rank: asked.rank, waited: asked.waited, policy.order)
    settleOrder()
  }

  mutating func end(_ id: ClaimID) {
    for bucket in buckets.indices where buckets[bucket].turn == id { buckets[bucket].turn = nil }
    claims[id] = nil
    settleOrder()
  }

  /// Counters and clocks follow those who wait.
  mutating func settleOrder() {
    liftAll()
    wind()
  }
}

extension Demand {
  /// What is asked, in few words.
  var brief: String {
    var text = "\(members) × \(devices)"
    switch shape {
    case .whole: text += " whole"
    case .fraction(let milli, let bytes):
      text += " × \(milli.value) milli, \(bytes.value >> 30) GiB"
    case .slice(let key): text += " slice \(key.low)"
    case .cpuOnly: text += " CPU"
    }
    text += ", cpu \(cpu.value), host \(hostMemory.value >> 30) GiB"
    return text + ", together \(together), \(enforcement), \(sharing)"
  }
}
