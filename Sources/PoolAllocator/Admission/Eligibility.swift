/// What the policy and the hardware say of a claim, before any bucket or queue is asked.
extension Pool {
  /// A claim with everything that its names resolve to.
  struct Resolved {
    var spec: ClaimSpec
    var tenant: TenantID
    var serviceClass: ServiceClass
    var weightMilli: Int32
    var turn: TurnKey
    var path: BucketPath
    var wish: Wish
  }

  /// What one lane would cost a claim.
  struct Offer {
    /// 10⁻¹² credits per nanosecond.
    var rate: Int64
    var billedMilli: Int64
    /// Length and price of the first quantum.
    var quantum: Span
    var reservation: Credits
  }

  /// The rule of a service that a tenant may use.
  func service(_ key: Key, for tenant: Key) -> ServiceRule? {
    guard let row = keys.services.row(for: key) else { return nil }
    let rule = policy.services[Int(row)]
    return rule.tenant == nil || rule.tenant == tenant ? rule : nil
  }

  /// Why a lane may not serve a claim under the policy in force; nil where it may.
  func laneObstacle(
    _ row: UInt32, to spec: ClaimSpec, serviceClass: ServiceClass
  ) -> Reason? {
    guard lanes.id(at: row) != nil else { return Reason(.laneNotAllowed, .lane(row)) }
    let lane = lanes[row: row]
    if lane.isRetired { return Reason(.laneNotAllowed, .lane(row)) }
    if let owner = lane.rule.owner, owner != spec.tenant {
      return Reason(.laneNotAllowed, .lane(row))
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
    if spec.runtimeMax > lane.rule.leaseMax {
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
      billed = max(Int64(milli.value), Int64(clamping: byMemory)) * Int64(spec.demand.devices)
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
      Price.of(rate: rate, span: spec.runtimeMax) != nil
    else { return nil }
    return Offer(rate: rate, billedMilli: billed, quantum: quantum, reservation: reservation)
  }

  /// How long a claim expects to run; nil where the cost model has no rule or the result is too long.
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
  ) -> (lanes: LaneSet, obstacles: [Reason]) {
    var eligible = LaneSet.none
    var obstacles: [Reason] = []
    var left = spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if let obstacle = lifelongObstacle(row, to: spec, resolved) {
        obstacles.append(obstacle)
      } else {
        eligible.insert(row: row)
      }
    }
    return (eligible, obstacles)
  }

  private func lifelongObstacle(
    _ row: UInt32, to spec: ClaimSpec, _ resolved: Resolved
  ) -> Reason? {
    if let reason = laneObstacle(row, to: spec, serviceClass: resolved.serviceClass) {
      return reason
    }
    if let reason = placement.lanes[Int(row)].ceiling.obstacle(
      to: spec.demand, slice: resolved.wish.slice, lane: row)
    {
      return reason
    }
    guard let offer = offer(row, for: spec, resolved) else {
      return Reason(.arithmeticOverflow, .lane(row), have: Credits.limit)
    }
    return capObstacle(offer.reservation, path: resolved.path)
  }

  /// The next lane to try: the owner's reserved lanes first, then the cheapest, then the least row.
  func preferred(_ lanes: LaneSet, _ spec: ClaimSpec, _ resolved: Resolved) -> UInt32? {
    guard lanes.count > 1 else { return lanes.firstRow }
    var best: (isOwn: Bool, rate: Int64, row: UInt32)?
    var left = lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      let isOwn = self.lanes[row: row].rule.owner != nil
      let rate = offer(row, for: spec, resolved)?.rate ?? .max
      if let known = best {
        let wins = isOwn != known.isOwn ? isOwn : rate < known.rate
        if !wins { continue }
      }
      best = (isOwn, rate, row)
    }
    return best?.row
  }
}
