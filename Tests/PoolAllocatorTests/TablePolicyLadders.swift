@testable import PoolAllocator

/// Ladders and gauges of a policy in the making, with the names that they point at.
struct TableLadders {
  private var rungs: [(service: Key, rule: RungRule, lanes: [Key]?)] = []
  private var gauges: [(pool: Key, rule: GaugeRule)] = []

  mutating func drop(_ kind: String, _ keys: [Key]) {
    if kind == "rung" { rungs.removeAll { keys.contains($0.rule.key) } }
    if kind == "gauge" { gauges.removeAll { keys.contains($0.rule.key) } }
  }

  /// Puts the rules into a policy whose other lists are complete.
  func put(into policy: inout CompiledPolicy) {
    let services = policy.services.map(\.key)
    for (service, rule, lanes) in rungs {
      var rung = rule
      rung.service = services.firstIndex(of: service).map { UInt16($0) } ?? .max
      rung.lanes = lanes.map { names in
        var set = LaneSet.none
        for (row, lane) in policy.lanes.enumerated() where names.contains(lane.key) {
          set.insert(row: UInt32(row))
        }
        return set
      }
      policy.rungs.append(rung)
    }
    for (pool, rule) in gauges {
      var gauge = rule
      gauge.pool = policy.pools.firstIndex { $0.key == pool }.map { UInt16($0) } ?? .max
      policy.gauges.append(gauge)
    }
  }

  /// `policy rung SERVICE/NAME milli=500 bytes=40GiB lanes=small triggers=pressure,time`
  mutating func rung(_ name: String, _ options: inout TableOptions) throws {
    let parts = name.split(separator: "/")
    guard parts.count == 2 else { throw TableError("policy rung SERVICE/NAME …") }
    let (service, key) = (try TableValue.key(parts[0]), try TableValue.key(parts[1]))
    let known = rungs.firstIndex { $0.service == service && $0.rule.key == key }
    let actions = try options.take("actions") { text in
      try text.split(separator: ",").map { try TableValue.key($0) }
    }
    var rule =
      known.map { rungs[$0].rule } ?? RungRule(key: key, service: 0, actions: actions ?? [])
    if options.flag("whole") { rule.shape = .whole }
    let milli = try options.take("milli") { text -> Int32 in try TableValue.int(text) }
    if let milli {
      rule.shape = .fraction(
        MilliGPU(milli), try options.take("bytes", TableValue.bytes) ?? .zero)
    }
    try options.set(&rule.shape, "slice") { .slice(try TableValue.key($0)) }
    if let cores = try options.take("cores", TableValue.milli) {
      rule.shape = .cpuOnly
      rule.cpu = MilliCPU(cores)
    }
    try options.set(&rule.devices, "gpus", TableValue.int)
    try options.set(&rule.members, "members", TableValue.int)
    try options.set(&rule.cpu, "cpu") { MilliCPU(try TableValue.milli($0)) }
    try options.set(&rule.hostMemory, "mem", TableValue.bytes)
    try options.set(&rule.modelClass, "model", TableValue.key)
    try options.set(&rule.runtimeMax, "runtime", TableValue.span)
    try options.set(&rule.runtimeMilli, "cut", TableValue.milli)
    try options.set(&rule.automation, "automation") { try Self.word($0, Automation.allCases) }
    if options.flag("async") { rule.isAsynchronous = true }
    try options.set(&rule.waitMax, "wait", TableValue.span)
    try options.set(&rule.classes, "classes", TableValue.classes)
    try options.set(&rule.triggers, "triggers") { text in
      TriggerSet(try text.split(separator: ",").map { try Self.word($0, Trigger.allCases) })
    }
    try options.set(&rule.pressure, "pressure") { try Self.word($0, Pressure.allCases) }
    try options.set(&rule.dependency, "dependency", TableValue.key)
    let lanes = try options.take("lanes") { text in
      try text.split(separator: ",").map { try TableValue.key($0) }
    }
    if let known {
      rungs[known].rule = rule
      if let lanes { rungs[known].lanes = lanes }
    } else {
      rungs.append((service, rule, lanes))
    }
  }

  /// `policy gauge NAME pool=h100 reads=depth steps=elevated:4:2,saturated:8:4 dwell=1m`
  mutating func gauge(_ key: Key, _ options: inout TableOptions) throws {
    let known = gauges.firstIndex { $0.rule.key == key }
    var rule =
      known.map { gauges[$0].rule }
      ?? GaugeRule(key: key, pool: 0, source: .queueDepth, steps: [], dwell: .seconds(60))
    if let text = options.take("reads") {
      let parts = text.split(separator: ":")
      switch parts[0] {
      case "depth": rule.source = .queueDepth
      case "wait": rule.source = .predictedWait
      case "lost": rule.source = .lostCapacity
      case "signal":
        rule.source = .signal(
          measure: try TableValue.key(parts[1]), subject: try TableValue.key("subject"))
      case "dependency": rule.source = .dependency(try TableValue.key(parts[1]))
      default: throw TableError("a gauge reads depth, wait, lost, signal:M or dependency:D")
      }
    }
    if let text = options.take("steps") {
      let steps = try text.split(separator: ",").map { step in
        let parts = step.split(separator: ":")
        guard parts.count == 3 else { throw TableError("steps=LEVEL:RAISE:LOWER") }
        return GaugeRule.Step(
          level: try Self.word(parts[0], Pressure.allCases), raise: try TableValue.int(parts[1]),
          lower: try TableValue.int(parts[2]))
      }
      rule.steps = Fixed4(steps, filler: GaugeRule.Step(level: .normal, raise: 0, lower: 0))
    }
    try options.set(&rule.dwell, "dwell", TableValue.span)
    try options.set(&rule.classes, "classes", TableValue.classes)
    try options.set(&rule.pauses, "pauses", TableValue.classes)
    try options.set(&rule.pauseFrom, "from") { try Self.word($0, Pressure.allCases) }
    let pool = try options.take("pool", TableValue.key)
    if let known {
      gauges[known].rule = rule
      if let pool { gauges[known].pool = pool }
    } else {
      gauges.append((pool ?? key, rule))
    }
  }

  /// A case by its name.
  static func word<Value>(_ text: some StringProtocol, _ all: [Value]) throws -> Value {
    guard let value = all.first(where: { "\($0)" == text }) else {
      throw TableError("none of \(all): \(text)")
    }
    return value
  }
}

/// What tables see of degraded claims.
extension TableRunner {
  func lookAtRung(_ words: [String]) throws -> TableOutcome {
    guard words.count == 3 else { throw TableError("show rung SERVICE/NAME TRIGGER") }
    let parts = words[1].split(separator: "/")
    let count = pool.degradationCount(
      service: try TableValue.key(parts[0]), rung: try TableValue.key(parts[1]),
      trigger: try TableLadders.word(words[2], Trigger.allCases))
    var outcome = TableOutcome()
    outcome.add("claims", "\(count.claims)")
    outcome.add(
      "charged", TableValue.decimal(Int64(clamping: count.charged.value), scale: 1_000_000))
    return outcome
  }

  func lookAtGauge(_ key: Key) -> TableOutcome {
    var outcome = TableOutcome()
    guard let (level, reading) = pool.gauge(named: key) else {
      outcome.verdict = "gone"
      return outcome
    }
    outcome.add("level", "\(level)")
    outcome.add("reading", "\(reading)")
    return outcome
  }

  /// What a rung changed, in one word.
  static func text(_ changes: [Change]) -> String? {
    guard !changes.isEmpty else { return nil }
    return changes.map { "\($0.field)" }.joined(separator: "+")
  }

  /// `accepts=drafts+excerpts`: rungs of the service's ladder; `accepts=stale` are of another.
  func accepted(_ text: String, by spec: ClaimSpec) throws -> AcceptedRungs {
    if text == "stale" { return AcceptedRungs(bits: 1, ladder: 1) }
    let names = try text.split(separator: "+").map { try TableValue.key($0) }
    guard let rungs = pool.rungs(of: spec.service, for: spec.tenant, named: names) else {
      throw TableError("no such rungs: \(text)")
    }
    return rungs
  }
}
