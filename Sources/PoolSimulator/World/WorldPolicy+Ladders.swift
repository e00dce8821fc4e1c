import PoolAllocator

/// Ladders and gauges of a world's policies.
extension WorldPolicy {
  /// Names of the rungs that a ladder may have.
  static let rungs = (0..<Limits.rungs).map { Names.rung($0) }

  mutating func addLadders(_ random: inout SeededGenerator) {
    if random.chance(20) {
      for index in policy.tenants.indices { policy.tenants[index].queueMax = 2 }
    }
    guard random.chance(80) else { return }
    for service in 0..<3 where random.chance(80) { addLadder(of: service, &random) }
    for number in 0..<3 where random.chance(70) { addGauge(number, &random) }
    // A ladder that does not get cheaper step by step is refused as a whole.
    if policy.rungObstacle() != nil, isKind || random.chance(90) { policy.rungs = [] }
  }

  private func lanes(_ numbers: [Int]) -> LaneSet {
    let keys = numbers.map { Names.lane($0) }
    return policy.lanes.indices.reduce(into: LaneSet.none) { set, row in
      if keys.contains(policy.lanes[row].key) { set.insert(row: UInt32(row)) }
    }
  }

  private mutating func addLadder(of service: Int, _ random: inout SeededGenerator) {
    var rungs = Self.rungs.map { RungRule(key: $0, service: UInt16(service)) }
    rungs[0].shape = .fraction(MilliGPU(250), Bytes(8 << 30))
    rungs[0].cpu = MilliCPU(400)
    rungs[1].lanes = lanes([2, 1, 12])
    rungs[1].runtimeMilli = 900
    rungs[2].shape = .cpuOnly
    rungs[2].cpu = MilliCPU(250)
    rungs[2].lanes = lanes([1])
    rungs[2].runtimeMax = .seconds(200)
    rungs[3].runtimeMilli = 500
    rungs[3].isAsynchronous = true
    rungs[3].waitMax = random.seconds(1...300)
    rungs[4].runtimeMilli = 400
    rungs[4].automation = .answerOnly
    rungs[5].runtimeMilli = 100
    if policy.services[service].approval != nil {
      rungs[random.chance(50) ? 1 : 2].automation = .approvalRequired
    }
    rungs[5].automation = random.chance(50) ? .retrievalOnly : .queued
    for index in rungs.indices {
      if random.chance(20) { rungs[index].dependency = Names.dependency(0) }
      if random.chance(20) { rungs[index].pressure = .saturated }
      if random.chance(20) { rungs[index].limit(to: [Names.action(0)]) }
      if index < 2, random.chance(30), policy.services[service].risk == .low,
        rungs[index].automation == nil
      {
        rungs[index].triggers = TriggerSet(Trigger.allCases)
      }
    }
    policy.rungs += rungs.filter { _ in random.chance(85) }
  }

  private mutating func addGauge(_ number: Int, _ random: inout SeededGenerator) {
    let sources: [(source: GaugeRule.Source, scale: Int64)] = [
      (.queueDepth, 1), (.predictedWait, 20_000), (.lostCapacity, 100),
      (.dependency(Names.dependency(0)), 1),
      (.signal(measure: Names.measure(0), subject: Names.pool(0)), 1),
    ]
    let (source, scale) = sources[random.number(sources.count)]
    var gauge = GaugeRule(
      key: Names.gauge(number), pool: UInt16(random.number(Self.pools)), source: source,
      steps: [
        GaugeRule.Step(level: .elevated, raise: scale, lower: scale - 1),
        GaugeRule.Step(level: .saturated, raise: scale * 3, lower: scale * 2),
        GaugeRule.Step(level: .emergency, raise: scale * 6, lower: scale * 4),
      ],
      dwell: random.seconds(1...30))
    gauge.classes = ClassSet(bits: UInt8(random.below(16)))
    if random.chance(50) { gauge.pauses = ClassSet(bits: UInt8(random.below(16))) }
    policy.gauges.append(gauge)
  }
}
