/// What the policy and the hardware say of a claim, before any bucket or queue is asked.
extension Pool {
  /// A claim with everything that its names resolve to.
  struct Resolved {
    var tenant: TenantID
    var serviceClass: ServiceClass
    var weightMilli: Int32
    var turn: TurnKey
    var path: BucketPath
    var wish: Wish
    /// Whether it may use lanes that others own.
    var mayBorrow = true
    /// What a nanosecond costs at most, as it was quoted, in 10⁻¹² credits.
    var quotedRate: Int64?
    /// The quote that it redeems where it is taken in.
    var quote: QuoteID?
  }

  /// What one lane would cost a claim, all members together.
  struct Offer {
    /// 10⁻¹² credits per nanosecond.
    var rate: Int64
    var billedMilli: Int64
    /// Length and price of the first quantum.
    var quantum: Span
    var reservation: Credits
    var members: UInt16

    /// What one member of it costs.
    var ofMember: Offer {
      guard members > 1 else { return self }
      let parts = Int64(members)
      return Offer(
        rate: rate / parts, billedMilli: billedMilli / parts, quantum: quantum,
        reservation: Credits(reservation.value / parts), members: 1)
    }

    /// The price of so many members that cost this each; nil where it passes what can be counted.
    func times(_ members: UInt16) -> Offer? {
      guard members > 1 else { return self }
      let parts = Int64(members)
      let (rate, overflow) = rate.multipliedReportingOverflow(by: parts)
      guard !overflow, let all = Credits(checked: Int128(reservation.value) * Int128(parts)) else {
        return nil
      }
      return Offer(
        rate: rate, billedMilli: billedMilli * parts, quantum: quantum, reservation: all,
        members: members)
    }
  }

  /// The rule of a service that a tenant may use.
  func service(_ key: Key, for tenant: Key) -> ServiceRule? {
    guard let row = keys.services.row(for: key) else { return nil }
    let rule = policy.services[Int(row)]
    return rule.tenant == nil || rule.tenant == tenant ? rule : nil
  }

  /// Why a lane may not serve a claim under the policy in force; nil where it may.
  func laneObstacle(
    _ row: UInt32, to spec: ClaimSpec, serviceClass: ServiceClass, mayBorrow: Bool
  ) -> Reason? {
    guard lanes.id(at: row) != nil else { return Reason(.laneNotAllowed, .lane(row)) }
    let lane = lanes[row: row]
    if lane.isRetired { return Reason(.laneNotAllowed, .lane(row)) }
    let isOpen = planted(.strangersTakeCells) && lane.rule.lending == .never
    if let owner = lane.rule.owner, owner != spec.tenant, !isOpen {
      guard mayBorrow, case .reclaimable(let within, _) = lane.rule.lending else {
        return Reason(.laneNotAllowed, .lane(row))
      }
      let needs = timeToReturn(spec, serviceClass)
      if needs > within, !planted(.lendsTooLong) {
        return Reason(.lendingRefused, .lane(row), have: within.ns, need: needs.ns)
      }
    }
    if let served = lane.pool.modelClass, served != spec.modelClass {
      return Reason(.laneNotAllowed, .lane(row))
    }
    let isCPU = spec.demand.shape == .cpuOnly
    if isCPU != (lane.profile.kind == .cpu) {
      return Reason(.profileAbsent, .lane(row), have: 0, need: 1)
    }
    if !lane.rule.admits.contains(serviceClass) {
      return Reason(
        .classNotAllowed, .lane(row), have: Int64(lane.rule.admits.bits),
        need: Int64(serviceClass.rank))
    }
    if spec.runtimeMax > lane.rule.leaseMax, !planted(.ignoresLeaseMax) {
      return Reason(
        .runtimeTooLong, .lane(row), have: lane.rule.leaseMax.ns, need: spec.runtimeMax.ns)
    }
    return nil
  }

  /// What a lane would cost; nil where the price passes 2⁵³ credits.
  func offer(_ row: UInt32, for spec: ClaimSpec, _ resolved: Resolved) -> Offer? {
    let profile = lanes[row: row].profile
    let billed: Int64
    switch spec.demand.shape {
    case .whole: billed = 1000 * Int64(spec.demand.devices)
    case .fraction(let milli, let bytes):
      let byMemory =
        (Int128(bytes.value) * 1000 + Int128(profile.memory.value) - 1)
        / Int128(profile.memory.value)
      let dearest =
        planted(.memoryIsFree) ? Int128(milli.value) : max(Int128(milli.value), byMemory)
      billed = Int64(clamping: dearest * Int128(spec.demand.devices))
    case .slice:
      let share = resolved.wish.slice.map { policy.slices[Int($0)].billedMilli } ?? 1000
      billed = Int64(share) * Int64(spec.demand.devices)
    case .cpuOnly: billed = Int64(spec.demand.cpu.value)
    }
    let quantum = min(spec.runtimeMax, policy.classes[Int(resolved.serviceClass.rank)].quantum)
    guard
      let rate = Price.rate(
        billedMilli: billed, profileMilli: profile.weightMilli, jobMilli: resolved.weightMilli),
      let reservation = Price.of(rate: rate, span: quantum),
      let offer = Offer(
        rate: rate, billedMilli: billed, quantum: quantum, reservation: reservation, members: 1
      ).times(spec.demand.members),
      quantum == spec.runtimeMax || Price.of(rate: offer.rate, span: spec.runtimeMax) != nil
    else { return nil }
    return offer
  }

  /// How long a claim says that it runs, before any correction; nil where the cost model has no
  /// rule or the result is too long.
  func expectedRuntime(_ spec: ClaimSpec) -> Span? {
    switch spec.estimate {
    case .runtime(let span): return span
    case .work(let prompt, let output, let calls, let depth):
      let rule = policy.costs.first {
        $0.action == spec.action && $0.modelClass == spec.modelClass
      }
      return rule?.runtime(prompt: prompt, output: output, toolCalls: calls, depth: depth)
    }
  }

  /// Lanes that can ever serve a claim, and why the others cannot.
  func eligibleLanes(
    _ spec: ClaimSpec, _ resolved: Resolved
  ) -> (lanes: LaneSet, first: LaneOffer?, obstacles: [Reason]) {
    var eligible = LaneSet.none
    var first: LaneOffer?
    var obstacles: [Reason] = []
    var left = spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      switch lifelongOffer(row, for: spec, resolved) {
      case .failure(let obstacle): obstacles.append(obstacle.reason)
      case .success(let offer):
        eligible.insert(row: row)
        if first.map({ offer.precedes($0) }) ?? true { first = offer }
      }
    }
    return (eligible, first, obstacles)
  }

  /// A lane with what it would cost, and whether the claim's tenant owns it.
  struct LaneOffer {
    var row: UInt32
    var isOwn: Bool
    var offer: Offer

    /// The owner's reserved lanes first, then the cheapest, then the least row.
    func precedes(_ other: LaneOffer) -> Bool {
      if isOwn != other.isOwn { return isOwn }
      if offer.rate != other.offer.rate { return offer.rate < other.offer.rate }
      if planted(.tiesByHash) { return salted(row) < salted(other.row) }
      return row < other.row
    }
  }

  struct Obstacle: Error { var reason: Reason }

  /// What a lane would cost a claim that it can serve some day, or why it never can.
  func lifelongOffer(
    _ row: UInt32, for spec: ClaimSpec, _ resolved: Resolved
  ) -> Result<LaneOffer, Obstacle> {
    if let reason = laneObstacle(
      row, to: spec, serviceClass: resolved.serviceClass, mayBorrow: resolved.mayBorrow)
    {
      return .failure(Obstacle(reason: reason))
    }
    if let reason = placement.lanes[Int(row)].ceiling.obstacle(
      to: spec.demand, slice: resolved.wish.slice, lane: row)
    {
      return .failure(Obstacle(reason: reason))
    }
    if let reason = gangObstacle(resolved.wish, lane: row) {
      return .failure(Obstacle(reason: reason))
    }
    guard let offer = offer(row, for: spec, resolved) else {
      return .failure(
        Obstacle(reason: Reason(.arithmeticOverflow, .lane(row), have: Credits.limit)))
    }
    if let reason = quoteObstacle(row, offer, spec, most: resolved.quotedRate) {
      return .failure(Obstacle(reason: reason))
    }
    if let reason = capObstacle(offer.reservation, path: resolved.path) {
      return .failure(Obstacle(reason: reason))
    }
    return .success(
      LaneOffer(row: row, isOwn: lanes[row: row].rule.owner == spec.tenant, offer: offer))
  }

  /// The lane of a set to try first.
  func preferred(_ lanes: LaneSet, _ spec: ClaimSpec, _ resolved: Resolved) -> LaneOffer? {
    var first: LaneOffer?
    var left = lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      guard let offer = offer(row, for: spec, resolved) else { continue }
      let candidate = LaneOffer(
        row: row, isOwn: self.lanes[row: row].rule.owner == spec.tenant, offer: offer)
      if first.map({ candidate.precedes($0) }) ?? true { first = candidate }
    }
    return first
  }
}
