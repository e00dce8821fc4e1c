/// How hard each pool is pressed, and which classes feel it (SEMANTICS 7.5).
extension Pool {
  /// The level of one gauge.
  struct Gauge: BitwiseCopyable, Hashable, Sendable {
    /// Outside name.
    var key: Key
    /// The level in force.
    var level = Pressure.normal
    /// When it last moved; nil where it never did.
    var since: Instant?
  }

  /// What classes feel in each pool, derived from the gauges.
  struct PressureIndex: Sendable {
    /// Worst level by class, and the classes of which no new claim is taken.
    struct Felt: BitwiseCopyable, Sendable {
      var levels = InlineArray<4, Pressure>(repeating: .normal)
      var pauses: UInt8 = 0
    }
    /// By index of the pool in the policy.
    var pools: [Felt] = []
    /// Whether no class feels anything anywhere.
    var isQuiet = true
  }

  /// Work that waits for each lane, by class, kept with the lines.
  struct Backlog: BitwiseCopyable, Sendable {
    /// Thousandths of devices × nanoseconds.
    var work = InlineArray<4, Int128>(repeating: 0)
    /// Claims.
    var claims = InlineArray<4, Int32>(repeating: 0)
  }

  // MARK: what a caller may look at

  /// How hard a pool is pressed: the worst level among its gauges; nil for no pool of the policy.
  public func pressure(ofPool key: Key) -> Pressure? {
    guard let pool = policy.pools.firstIndex(where: { $0.key == key }) else { return nil }
    return gauges.indices.reduce(Pressure.normal) { worst, index in
      Int(policy.gauges[index].pool) == pool ? max(worst, gauges[index].level) : worst
    }
  }

  /// The level of a gauge and what it reads now; nil where the policy has none of that name.
  public func gauge(named key: Key) -> (level: Pressure, reading: Int64)? {
    gauges.firstIndex { $0.key == key }.map { (gauges[$0].level, reading($0)) }
  }

  /// What was last reported of a dependency.
  public func dependency(_ key: Key) -> DependencyState {
    dependencies.first { $0.key == key }?.state ?? .up
  }

  /// How long a claim of a class would wait for the emptiest of some lanes: the work of its class
  /// and of those above it that waits, over what the lane offers. What runs is not counted.
  ///
  /// An estimate by which classes are held to their limits, not a promise; `startBound` is one.
  /// - Complexity: O(lanes of the set).
  public func predictedWait(_ serviceClass: ServiceClass, in lanes: LaneSet) -> Span {
    var least: Int64?
    var left = lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      let wait = predictedWait(row, through: serviceClass)
      least = min(least ?? wait, wait)
    }
    return Span(ns: least ?? 0)
  }

  private func predictedWait(_ row: UInt32, through serviceClass: ServiceClass) -> Int64 {
    let backlog = queue.backlogs[Int(row)]
    var work = Int128(0)
    for rank in 0...Int(serviceClass.rank) { work += backlog.work[rank] }
    let capacity = Int128(max(1, placement.lanes[Int(row)].census[Standing.offered.rawValue]))
    return Int64(clamping: min(work / capacity, Int128(Limits.spanMax.ns)))
  }

  // MARK: what a claim feels

  /// The least level that a class feels in the pools of some lanes.
  func pressure(on lanes: LaneSet, _ serviceClass: ServiceClass) -> Pressure {
    guard !pressures.isQuiet else { return .normal }
    var least: Pressure?
    var left = lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      let level = felt(row).levels[Int(serviceClass.rank)]
      least = min(least ?? level, level)
    }
    return least ?? .normal
  }

  /// Why no new claim of a class is taken for some lanes; nil where one of them takes it. A lane
  /// that admits neither P0 nor P1 is never paused: it is how low classes always get on.
  func pauseObstacles(_ lanes: LaneSet, _ serviceClass: ServiceClass) -> [Reason]? {
    guard !pressures.isQuiet else { return nil }
    var reasons: [Reason] = []
    var left = lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      let isBatch = self.lanes[row: row].rule.admits.bits & 0b11 == 0
      guard !isBatch, felt(row).pauses & (1 << serviceClass.rank) != 0 else { return nil }
      reasons.append(
        Reason(
          .classPaused, .lane(row),
          have: Int64(felt(row).levels[Int(serviceClass.rank)].rawValue)))
    }
    return reasons.isEmpty ? nil : reasons
  }

  private func felt(_ row: UInt32) -> PressureIndex.Felt {
    let lane = lanes[row: row]
    guard !lane.isRetired else { return PressureIndex.Felt() }
    return pressures.pools[Int(lane.rule.pool)]
  }

  /// What presses the pool of a lane for a class, and when the last of it may be over.
  func pressureReasons(
    _ serviceClass: ServiceClass, lane row: UInt32, from least: Pressure
  ) -> (reasons: [Reason], recovers: Instant?) {
    let pool = lanes[row: row].rule.pool
    let level = felt(row).levels[Int(serviceClass.rank)]
    var reasons: [Reason] = []
    var recovers: Instant?
    for (index, rule) in policy.gauges.enumerated() {
      guard rule.pool == pool, gauges[index].level > .normal, rule.classes.contains(serviceClass)
      else { continue }
      let earliest = max(now, (gauges[index].since ?? now) + rule.dwell)
      recovers = max(recovers ?? earliest, earliest)
      reasons.append(
        reason(of: rule, reading(index), stays: rule.stays(gauges[index].level), lane: row))
    }
    let pressed = Reason(
      .poolPressure, .lane(row), have: Int64(level.rawValue), need: Int64(least.rawValue),
      clearsAt: recovers)
    return ([pressed] + reasons, recovers)
  }

  /// What a gauge says, in the units of its code.
  private func reason(
    of rule: GaugeRule, _ reading: Int64, stays: Int64, lane row: UInt32
  ) -> Reason {
    switch rule.source {
    case .predictedWait:
      let (have, need) = (reading * 1_000_000, stays.multipliedReportingOverflow(by: 1_000_000))
      return Reason(.waitPredicted, .lane(row), have: have, need: need.overflow ? .max : need.0)
    case .lostCapacity: return Reason(.nodeSilent, .lane(row), have: capacity(rule.pool).lost)
    case .dependency: return Reason(.dependencyDown, have: reading)
    case .queueDepth, .signal:
      return Reason(rule.cause, .lane(row), have: reading, need: stays)
    }
  }

  // MARK: gauges

  /// What a gauge reads now.
  private func reading(_ index: Int) -> Int64 {
    let rule = policy.gauges[index]
    switch rule.source {
    case .queueDepth: return longestQueue(rule.pool)
    case .predictedWait: return longestWait(rule.pool) / 1_000_000
    case .lostCapacity:
      let (lost, total) = capacity(rule.pool)
      return total == 0 ? 0 : Int64(Int128(lost) * 1000 / Int128(total))
    case .signal(let measure, let subject):
      return keys.signals.row(for: Measurement.indexKey(measure, subject))
        .map { signals[Int($0)].milli } ?? 0
    case .dependency(let key): return Int64(dependency(key).rawValue)
    }
  }

  private func longestQueue(_ pool: UInt16) -> Int64 {
    var most: Int64 = 0
    for row in 0..<UInt32(lanes.extent) where isLane(row, of: pool) {
      let claims = queue.backlogs[Int(row)].claims
      most = max(most, Int64(claims[0] + claims[1] + claims[2] + claims[3]))
    }
    return most
  }

  private func longestWait(_ pool: UInt16) -> Int64 {
    var most: Int64 = 0
    for row in 0..<UInt32(lanes.extent) where isLane(row, of: pool) {
      most = max(most, predictedWait(row, through: .p3))
    }
    return most
  }

  private func isLane(_ row: UInt32, of pool: UInt16) -> Bool {
    lanes.id(at: row) != nil && !lanes[row: row].isRetired && lanes[row: row].rule.pool == pool
  }

  /// Thousandths of a pool's devices that are lost, and all of them.
  private func capacity(_ pool: UInt16) -> (lost: Int64, total: Int64) {
    var (lost, total) = (Int64(0), Int64(0))
    for row in 0..<UInt32(lanes.extent) where isLane(row, of: pool) {
      for standing in Standing.allCases {
        let milli = placement.lanes[Int(row)].census[standing.rawValue]
        total += milli
        if standing != .offered, standing != .cordoned { lost += milli }
      }
    }
    return (lost, total)
  }

  /// The level that a gauge should move to, and when it may; nil where it is right.
  private func move(_ index: Int) -> (level: Pressure, from: Instant)? {
    let (rule, gauge) = (policy.gauges[index], gauges[index])
    let target = rule.level(at: reading(index), from: gauge.level)
    guard target != gauge.level else { return nil }
    return (target, gauge.since.map { max(now, $0 + rule.dwell) } ?? now)
  }

  /// A gauge that is to move now.
  /// - Complexity: O(gauges × lanes); nothing where the policy has none.
  func dueGauge() -> Int? {
    for index in policy.gauges.indices {
      if let move = move(index), move.from <= now { return index }
    }
    return nil
  }

  /// When the next gauge is to move, as things are.
  func nextGauge() -> Instant? { policy.gauges.indices.compactMap { move($0)?.from }.min() }

  /// Moves a gauge.
  mutating func moveGauge(_ index: Int, _ log: inout EventLog) {
    guard let (level, _) = move(index) else { broken("a gauge that is due moves") }
    let rule = policy.gauges[index]
    step(
      .pressureMoved(pool: rule.pool, gauge: UInt16(index), level, because: rule.cause), &log)
  }

  mutating func report(
    _ key: Key, _ state: DependencyState, _ log: inout EventLog
  ) -> Decision {
    guard dependency(key) != state else { return done() }
    let isKnown = dependencies.contains { $0.key == key }
    guard isKnown || dependencies.count < Limits.dependencies else {
      return refuse(
        Reason(.tableFull, have: Int64(dependencies.count), need: Int64(Limits.dependencies)),
        &log)
    }
    step(.dependencyReported(key, state), &log)
    return done()
  }

  // MARK: folding

  mutating func evolvePressure(_ gauge: UInt16, _ level: Pressure) {
    gauges[Int(gauge)].level = level
    gauges[Int(gauge)].since = now
    indexPressures()
  }

  mutating func evolveDependency(_ key: Key, _ state: DependencyState) {
    dependencies.removeAll { $0.key == key }
    if state != .up { dependencies.append(Dependency(key: key, state: state)) }
  }

  /// Gauges of a policy that comes into force: those of the same name keep their level.
  mutating func installGauges() {
    let old = gauges
    gauges = policy.gauges.map { rule in
      var gauge = old.first { $0.key == rule.key } ?? Gauge(key: rule.key)
      // A level that the gauge no longer knows is that of the step below it.
      var known = Pressure.normal
      for index in 0..<rule.steps.count where rule.steps[index].level <= gauge.level {
        known = max(known, rule.steps[index].level)
      }
      gauge.level = known
      return gauge
    }
    indexPressures()
  }

  /// What each class feels in each pool.
  mutating func indexPressures() {
    pressures = PressureIndex(
      pools: Array(repeating: PressureIndex.Felt(), count: policy.pools.count))
    for (index, rule) in policy.gauges.enumerated() where gauges[index].level > .normal {
      pressures.isQuiet = false
      let pool = Int(rule.pool)
      for rank in 0..<4 where rule.classes.bits & (1 << UInt8(rank)) != 0 {
        pressures.pools[pool].levels[rank] = max(
          pressures.pools[pool].levels[rank], gauges[index].level)
      }
      if gauges[index].level >= rule.pauseFrom { pressures.pools[pool].pauses |= rule.pauses.bits }
    }
  }

  /// Adds a claim's work to the lanes that it waits for, or takes it off.
  mutating func count(_ sign: Int8, workOf id: ClaimID) {
    let claim = claims[id]
    let rank = Int(claim.serviceClass.rank)
    let work = work(of: claim) * Int128(sign)
    var left = groups[Int(claim.group)]
    while let row = left.firstRow {
      left = left.withoutFirst
      queue.backlogs[Int(row)].work[rank] += work
      queue.backlogs[Int(row)].claims[rank] += Int32(sign)
    }
  }

  /// Counts all waiting work anew: another policy bills slices otherwise.
  mutating func indexBacklogs() {
    queue.backlogs = Array(repeating: Backlog(), count: Limits.lanes)
    for row in 0..<UInt32(claims.extent) {
      if let id = claims.id(at: row), claims[id].state == .queued { count(1, workOf: id) }
    }
  }

  private func work(of claim: borrowing Claim) -> Int128 {
    let span = min(claim.plan.expected, claim.spec.runtimeMax)
    let wish = Wish(
      demand: claim.spec.demand, tenant: claim.tenant.row, slice: slice(of: claim.spec))
    return Int128(thousandths(wish)) * Int128(span.ns)
  }
}
