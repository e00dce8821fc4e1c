@testable import PoolAllocator

/// Ladders, gauges and dependencies in the random lives of pools.
extension SwarmDriver {
  /// Names of the rungs that a policy may have.
  static let rungKeys = (0..<4).map { key(140, $0) }
  static let dependencyKey = key(141, 0)

  /// Most policies have ladders for three services, most of these gauges.
  mutating func addLadders(to policy: inout CompiledPolicy) {
    if isQuiet { return addQuietLadder(to: &policy) }
    for rank in 0..<4 {
      if random.chance(50) { policy.services[rank].complexity = .simple }
      if random.chance(50) { policy.services[rank].risk = .low }
      if random.chance(40) {
        policy.classes[rank].waitLimit = .seconds(Int64(random.below(300) + 1))
      }
      if random.chance(50) {
        policy.classes[rank].queueWaitMax = .seconds(Int64(60 + random.below(900)))
      }
      if random.chance(40) { policy.classes[rank].emptyBucket = .downgrade }
    }
    if random.chance(40) {
      for index in policy.tenants.indices { policy.tenants[index].queueMax = 1 }
    }
    guard random.chance(80) else { return }
    for service in [0, 1, 2] where random.chance(80) { addLadder(of: service, to: &policy) }
    for number in 0..<3 where random.chance(70) { addGauge(number, to: &policy) }
  }

  /// A ladder, and nothing that leads to it: it is not for full queues or long waits, which random
  /// lives always have.
  private mutating func addQuietLadder(to policy: inout CompiledPolicy) {
    addLadder(of: 1, to: &policy)
    for index in policy.rungs.indices {
      policy.rungs[index].triggers = TriggerSet([.dependency, .pressure, .bucket, .wait])
      policy.rungs[index].dependency = nil
    }
  }

  private func lanes(_ keys: [Key], of policy: CompiledPolicy) -> LaneSet {
    var set = LaneSet.none
    for (row, lane) in policy.lanes.enumerated() where keys.contains(lane.key) {
      set.insert(row: UInt32(row))
    }
    return set
  }

  private mutating func addLadder(of service: Int, to policy: inout CompiledPolicy) {
    var rungs = Self.rungKeys.map { RungRule(key: $0, service: UInt16(service)) }
    rungs[0].shape = .fraction(MilliGPU(250), Bytes(8 << 30))
    rungs[0].cpu = MilliCPU(400)
    rungs[1].lanes = lanes([key(5, 2), key(5, 1), key(5, 12)], of: policy)
    rungs[1].runtimeMilli = 900
    rungs[2].shape = .cpuOnly
    rungs[2].cpu = MilliCPU(250)
    rungs[2].lanes = lanes([key(5, 1)], of: policy)
    rungs[2].runtimeMax = .seconds(600)
    rungs[3].runtimeMilli = 100
    rungs[3].isAsynchronous = true
    rungs[3].waitMax = .seconds(Int64(1 + random.below(2000)))
    if policy.services[service].approval != nil { rungs[2].automation = .approvalRequired }
    rungs[3].automation = random.chance(50) ? .retrievalOnly : .queued
    for index in rungs.indices {
      if random.chance(20) { rungs[index].dependency = Self.dependencyKey }
      if random.chance(20) { rungs[index].pressure = .saturated }
      if random.chance(20) { rungs[index].limit(to: [key(8, 0)]) }
      if index < 2, random.chance(30), policy.services[service].risk == .low {
        rungs[index].triggers = TriggerSet(Trigger.allCases)
      }
    }
    policy.rungs += rungs.filter { _ in random.chance(85) }
  }

  private mutating func addGauge(_ number: Int, to policy: inout CompiledPolicy) {
    let sources: [GaugeRule.Source] = [
      .queueDepth, .predictedWait, .lostCapacity, .dependency(Self.dependencyKey),
      .signal(measure: key(120, 0), subject: key(4, 0)),
    ]
    let scales: [Int64] = [1, 60_000, 100, 1, 1]
    let pick = random.below(sources.count)
    let scale = scales[pick]
    var gauge = GaugeRule(
      key: key(142, number), pool: UInt16(random.below(3)), source: sources[pick],
      steps: [
        GaugeRule.Step(level: .elevated, raise: scale, lower: scale - 1),
        GaugeRule.Step(level: .saturated, raise: scale * 4, lower: scale * 2),
      ],
      dwell: .seconds(Int64(1 + random.below(60))))
    gauge.classes = ClassSet(bits: UInt8(random.below(16)))
    if random.chance(50) { gauge.pauses = ClassSet(bits: UInt8(random.below(16))) }
    policy.gauges.append(gauge)
  }

  /// Most claims accept some rungs; some those of a ladder that is no longer there.
  mutating func acceptRungs(of spec: inout ClaimSpec) {
    guard random.chance(70) else { return }
    let names = Self.rungKeys.filter { _ in random.chance(70) }
    let known = names.filter { pool.rungs(of: spec.service, for: spec.tenant, named: [$0]) != nil }
    spec.accepts =
      random.chance(2)
      ? AcceptedRungs(bits: 1, ladder: 0)
      : pool.rungs(of: spec.service, for: spec.tenant, named: known) ?? .none
  }

  /// Something that work depends on fails, or works again.
  mutating func reportDependency() {
    let states: [DependencyState] = [.up, .up, .degraded, .down]
    apply(.reportDependency(Self.dependencyKey, states[random.below(4)]))
  }
}
