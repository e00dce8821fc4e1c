internal import PoolAllocator
internal import StrictJSON

/// Ladders of services.
extension PolicyReader {
  /// Words for the least pressure at which something happens.
  static var pressures: KeyValuePairs<String, Pressure> {
    ["elevated": .elevated, "saturated": .saturated, "emergency": .emergency]
  }

  /// Reads the `ladder` of the service that comes next.
  mutating func ladder(_ fields: inout JSONFields) -> JSONField<[RungEntry]?> {
    fields.optionalArray("ladder", min: 1, max: Limits.rungs) { try rung($0) }
  }

  /// A rung as it was read, with its place for what is found later.
  struct RungEntry {
    var name: String
    var rule: RungRule
    var value: JSONValue
  }

  /// Adds the rungs of a service; a second one of the same name is an error.
  mutating func add(_ entries: [RungEntry], to service: String) throws(JSONAbandoned) {
    for (index, entry) in entries.enumerated() {
      if let first = entries[..<index].firstIndex(where: { $0.name == entry.name }) {
        throw entry.value.refuse(
          "the ladder has a rung \"\(entry.name)\" already",
          hint: "ladder[\(first)] has the name; rename one")
      }
      var rule = entry.rule
      rule.service = UInt16(clamping: policy.services.count)
      policy.rungs.append(rule)
      rungValues.append(entry.value)
    }
    vocabulary.add(ladder: entries.map(\.name), of: service)
  }

  /// What the core's check finds wrong with a rung, at its place.
  func checkRungs() throws(JSONAbandoned) {
    guard let obstacle = policy.rungObstacle() else { return }
    let value = rungValues[obstacle.rung]
    switch obstacle.code {
    case .rungNotCheaper:
      throw value.refuse(
        "the rung does not cost less than the one above it",
        hint: "give fewer or cheaper devices, less time, or expected_runtime below 1")
    case .rungRaisesAutomation:
      throw value.refuse(
        "the rung allows more automation than the one above it",
        hint: "name the same level or a lower one")
    case .preferenceTooRisky:
      throw value.refuse(
        "a rung is preferred at normal load",
        hint: "the service needs risk low, and the rung full automation")
    default:
      throw value.refuse(
        "no claim could take the rung",
        hint: "name lanes that have its devices, and an approval of the service for"
          + " approval_required")
    }
  }

  private mutating func rung(_ value: JSONValue) throws -> RungEntry {
    try value.object { fields in
      let name = fields.name("name")
      var rule = RungRule(
        key: try intern(.rung, (try? name.value) ?? "?", at: value), service: 0)
      let given = fields.object("give") { try give(&$0, to: &rule) }
      let when = fields.optionalObject("when") { try self.when(&$0, of: &rule) }
      _ = try (given.value, when.value)
      return RungEntry(name: try name.value, rule: rule, value: value)
    }
  }

  /// What the rung gives, each at most as much as was asked.
  private mutating func give(_ fields: inout JSONFields, to rule: inout RungRule) throws {
    let shape = fields.optionalObject("devices") { try form(&$0) }
    let gpus = fields.optionalInt64("gpus_max", in: 1...Int64(Limits.devicesPerMember))
    let members = fields.optionalInt64("members_max", in: 1...Int64(UInt16.max))
    let cpu = fields.optionalInt64("cpu_milli_max", in: 1...Int64(Limits.deviceMilli))
    let memory = fields.optionalMemory("host_memory")
    let lanes = fields.optionalArray("lanes", min: 1, max: Limits.lanes) { value -> Int in
      let name = try self.lanes.check(try value.name(), at: value, called: "lane")
      return self.lanes.index(of: name) ?? 0
    }
    let model = fields.optionalName("model_class")
    let runtime = fields.optionalSpan("runtime_max_seconds", atLeast: 1)
    let cut = fields.optionalMilli("expected_runtime", in: 1...1000)
    let automation = fields.optionalChoice(
      "automation",
      [
        "full": Automation.full, "approval_required": .approvalRequired,
        "answer_only": .answerOnly, "retrieval_only": .retrievalOnly, "queued": .queued,
      ])
    let later = fields.optionalBool("asynchronous")
    let wait = fields.optionalSpan("wait_max_seconds", atLeast: 1)
    if let shape = try shape.value {
      rule.shape = shape.form
      rule.cpu = shape.cpu
    }
    rule.devices = try gpus.value.map { UInt8($0) }
    rule.members = try members.value.map { UInt16($0) }
    if let most = try cpu.value { rule.cpu = MilliCPU(Int32(most)) }
    rule.hostMemory = try memory.get()
    rule.lanes = try lanes.value.map { rows in
      rows.reduce(into: LaneSet.none) { $0.insert(row: UInt32($1)) }
    }
    if let model = try model.value {
      rule.modelClass = NameTable.key(.modelClass, model)
      _ = try? names.intern(.modelClass, model)
    }
    rule.runtimeMax = try runtime.value
    rule.runtimeMilli = Int32(try cut.value ?? 1000)
    rule.automation = try automation.value
    rule.isAsynchronous = try later.value ?? false
    rule.waitMax = try wait.value
  }

  /// Another form of devices: whole ones, a share, a slice, or processors instead.
  private func form(
    _ fields: inout JSONFields
  ) throws -> (form: Demand.Shape, cpu: MilliCPU?) {
    let whole = fields.optionalBool("whole")
    let milli = fields.optionalInt64("gpu_milli", in: 1...1000)
    let memory = fields.optionalMemory("gpu_memory")
    let mig = fields.optional("mig") { try vocabulary.slice($0) }
    let cores = fields.optionalInt64("cpu_milli", in: 1...Int64(Limits.deviceMilli))
    if let share = try milli.value {
      guard let bytes = try memory.get() else {
        try fields.fail(
          "gpu_milli", "a share of a GPU needs its time and its memory",
          hint: "give both gpu_milli and gpu_memory_gib")
      }
      return (.fraction(MilliGPU(Int32(share)), bytes), nil)
    }
    if let slice = try mig.value { return (.slice(slice), nil) }
    if let cores = try cores.value { return (.cpuOnly, MilliCPU(Int32(cores))) }
    guard try whole.value == true else {
      try fields.fail(
        "whole", "the form says nothing",
        hint: "write whole: true, gpu_milli and gpu_memory_gib, mig, or cpu_milli")
    }
    return (.whole, nil)
  }

  /// When the rung is acceptable.
  private mutating func when(_ fields: inout JSONFields, of rule: inout RungRule) throws {
    let actions = fields.optionalArray("actions", min: 1, max: 4) {
      try intern(.action, try $0.name(), at: $0)
    }
    let classes = fields.optionalClasses("classes")
    let triggers = fields.optionalArray("triggers", min: 1, max: Trigger.allCases.count) {
      try $0.choice(Self.triggers)
    }
    let pressure = fields.optionalChoice("pressure", Self.pressures)
    let dependency = dependency(&fields)
    rule.limit(to: try actions.value ?? [])
    rule.classes = try classes.value ?? .all
    if let triggers = try triggers.value { rule.triggers = TriggerSet(triggers) }
    rule.pressure = try pressure.value ?? .elevated
    rule.dependency = try dependency.value
  }

  /// The dependency that a rung or a gauge looks at.
  private mutating func dependency(_ fields: inout JSONFields) -> JSONField<Key?> {
    fields.optional("dependency") { value -> Key in
      let name = try value.name()
      vocabulary.add(dependency: name)
      return try intern(.dependency, name, at: value)
    }
  }

  private static var triggers: KeyValuePairs<String, Trigger> {
    [
      "dependency": .dependency, "pressure": .pressure, "queue": .queue, "bucket": .bucket,
      "wait": .wait, "time": .time, "preference": .preference,
    ]
  }
}

/// Gauges of the pools' pressure.
extension PolicyReader {
  mutating func gauge(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let pool = reference(&fields, "pool", to: pools, called: "pool")
      let source = source(&fields)
      let steps = Self.pressures.map { word, level in
        (level, fields.optionalObject(word) { try Self.thresholds(&$0) })
      }
      let dwell = fields.span("dwell_seconds", atLeast: 1)
      let classes = fields.optionalClasses("classes")
      let pauses = fields.optionalClasses("pauses")
      let from = fields.optionalChoice("pause_from", Self.pressures)
      guard gauges.declare((try? name.value) ?? "?", at: value, in: "pressure") else { return }
      let (reads, unit) = try source.get()
      var list: [GaugeRule.Step] = []
      for (level, thresholds) in steps {
        guard let (raise, lower) = try thresholds.value else { continue }
        guard raise % unit == 0, lower % unit == 0 else {
          throw value.refuse(
            "a threshold is no whole number", hint: "claims and states are counted whole")
        }
        list.append(GaugeRule.Step(level: level, raise: raise / unit, lower: lower / unit))
      }
      try check(list, at: value)
      var rule = GaugeRule(
        key: try intern(.gauge, try name.value, at: value),
        pool: UInt16(pools.index(of: try pool.value) ?? 0), source: reads, steps: list,
        dwell: try dwell.value)
      rule.classes = try classes.value ?? .all
      rule.pauses = try pauses.value ?? ClassSet(bits: 0)
      rule.pauseFrom = try from.value ?? .saturated
      policy.gauges.append(rule)
    }
  }

  private func check(
    _ steps: [GaugeRule.Step], at value: JSONValue
  ) throws(JSONAbandoned) {
    if steps.isEmpty {
      throw value.refuse(
        "the gauge has no level", hint: "add elevated, saturated or emergency")
    }
    for (step, next) in zip(steps, steps.dropFirst())
    where next.raise < step.raise || next.lower < step.lower {
      throw value.refuse(
        "the thresholds of \(next.level) are below those of \(step.level)",
        hint: "a worse level is reached later, and left first")
    }
  }

  private static func thresholds(
    _ fields: inout JSONFields
  ) throws -> (raise: Int64, lower: Int64) {
    let most = Int64(1) << 50
    let raise = fields.milli("raise", in: 1...most)
    let lower = fields.milli("lower", in: 0...most)
    if let high = try? raise.value, let low = try? lower.value, low >= high {
      fields.record(
        "lower", "the level would be left where it is reached",
        hint: "lower is less than raise")
    }
    return (try raise.value, try lower.value)
  }

  /// The kinds of what a gauge may read.
  private enum Reading { case queueDepth, predictedWait, lostCapacity, signal, dependency }

  /// What a gauge reads, and thousandths of a threshold in one unit of its reading.
  private mutating func source(
    _ fields: inout JSONFields
  ) -> Result<(GaugeRule.Source, Int64), any Error> {
    let reads = fields.choice(
      "reads",
      [
        "queue_depth": Reading.queueDepth, "predicted_wait": .predictedWait,
        "lost_capacity": .lostCapacity, "signal": .signal, "dependency": .dependency,
      ])
    let measure = fields.optional("measure") { value -> (name: String, key: Key) in
      let name = try value.name()
      return (name, try intern(.measure, name, at: value))
    }
    let subject = fields.optional("subject") { value -> (name: String, key: Key) in
      let name = try value.name()
      return (name, try intern(.subject, name, at: value))
    }
    let dependency = dependency(&fields)
    return Result { () throws -> (GaugeRule.Source, Int64) in
      let reading = try reads.value
      if reading != .signal, fields.contains("measure") || fields.contains("subject") {
        try fields.fail("reads", "only a signal has a measure", hint: "remove measure and subject")
      }
      if reading != .dependency, fields.contains("dependency") {
        try fields.fail("reads", "the gauge reads no dependency", hint: "remove dependency")
      }
      switch reading {
      case .queueDepth: return (.queueDepth, 1000)
      case .predictedWait: return (.predictedWait, 1)
      case .lostCapacity: return (.lostCapacity, 1)
      case .signal:
        guard let measure = try measure.value, let subject = try subject.value else {
          try fields.fail("reads", "a signal needs its name", hint: "add measure and subject")
        }
        vocabulary.add(measure: measure.name, of: subject.name)
        return (.signal(measure: measure.key, subject: subject.key), 1)
      case .dependency:
        guard let key = try dependency.value else {
          try fields.fail("reads", "which dependency", hint: "add dependency")
        }
        return (.dependency(key), 1000)
      }
    }
  }
}
