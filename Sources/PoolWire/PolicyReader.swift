internal import PoolAllocator
internal import StrictJSON

/// Reads a policy: every list in the order of its references, so that a reference is judged when it
/// is met. All errors are recorded; the result is used only where there are none.
struct PolicyReader {
  var names = NameTable()
  var policy = CompiledPolicy()
  var vocabulary = PolicyVocabulary()
  var profiles = Declared()
  var pools = Declared()
  var lanes = Declared()
  var tenants = Declared()
  var services = Declared()
  var gauges = Declared()
  var targets: [ServiceTarget] = []
  /// Where the rungs of `policy.rungs` stand.
  var rungValues: [JSONValue] = []
  var profileKinds: [String: DeviceKind] = [:]
  /// What each class says of its shield.
  var shields: [Span?] = []
  /// Which values of limits are taken.
  var taken = Taken.enforced
  /// A limit has a value that is only observed.
  var hasShadow = false
  /// The policy says who may open emergencies, and says it wrongly.
  var hasBadEmergency = false

  /// Most entries of one list. Every list is bounded, so a document's cost is known.
  static let entriesMax = 10_000

  mutating func document(
    _ fields: inout JSONFields, _ root: JSONValue
  ) throws -> PolicyDocument {
    let head = try fields.head("policy")
    let generation = fields.int64("generation", in: 1...Int64(UInt32.max))
    let note = fields.optionalString("note", 0...4096)
    let profiles = fields.array("profiles", min: 1, max: 1000) { try profile($0) }
    if self.profiles.names.isEmpty { self.profiles.miss() }
    let slices = fields.optionalArray("slices", max: Self.entriesMax) { try slice($0) }
    // Buckets have emergencies where somebody may open them.
    let emergency = fields.optional("emergency") { try self.emergency($0) }
    if let rule = try? emergency.value { policy.emergency = rule }
    hasBadEmergency = policy.emergency == nil && fields.contains("emergency")
    // Reserved lanes name their owner, so tenants are read before pools.
    let tenants = fields.array("tenants", min: 1, max: Self.entriesMax) { try tenant($0) }
    if self.tenants.names.isEmpty { self.tenants.miss() }
    let pools = fields.array("pools", min: 1, max: Limits.lanes) { try pool($0) }
    let classes = fields.object("classes") { try self.classes(&$0) }
    let order = fields.optionalObject("order") { try self.order(&$0) }
    let placement = fields.optionalObject("placement") { fields in
      try fields.choice(
        "score", ["best_fit": PlacementRule.Score.bestFit, "offer_value": .offerValue]
      )
      .value
    }
    let preemption = fields.optionalObject("preemption") { try PreemptionForm(&$0) }
    let quotes = fields.optional("quotes") { try self.quotes($0) }
    let services = fields.array("services", min: 1, max: Self.entriesMax) { try service($0) }
    let costs = fields.optionalArray("cost_model", max: Self.entriesMax) { try cost($0) }
    let pressure = fields.optionalArray("pressure", max: Limits.gauges) { try gauge($0) }
    let targets = fields.optionalArray("slos", max: 4) { try target($0) }
    _ = try (
      head.value, note.value, profiles.value, slices.value, pools.value, classes.value
    )
    policy.order = try order.value ?? Self.defaultOrder
    policy.quotes = try quotes.value
    policy.placement.score = try placement.value ?? .bestFit
    try preemption.value?.apply(to: &policy, shields: shields)
    _ = try (
      tenants.value, services.value, costs.value, pressure.value, targets.value,
      emergency.value
    )
    try checkRungs()
    guard policy.lanes.count <= Limits.lanes else {
      throw root.refuse(
        "the policy has \(policy.lanes.count) lanes", hint: "at most \(Limits.lanes)")
    }
    guard policy.buckets.count <= Limits().buckets else {
      throw root.refuse(
        "the policy has \(policy.buckets.count) buckets", hint: "at most \(Limits().buckets)")
    }
    return PolicyDocument(
      generation: PolicyGeneration(UInt32(try generation.value)), reader: self)
  }

  /// The key of a name; a collision of hashes is an error of the value.
  mutating func intern(
    _ kind: NameKind, _ name: String, at value: JSONValue
  ) throws(JSONAbandoned) -> Key {
    do {
      return try names.intern(kind, name)
    } catch {
      throw value.refuse(error.description)
    }
  }

  // MARK: hardware

  private mutating func profile(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let kind = fields.choice("kind", ["gpu": DeviceKind.gpu, "cpu": .cpu])
      let weight = fields.milli("weight", in: 1...Int64(Limits.weightMilli))
      let isCPU = (try? kind.value) == .cpu
      let memory =
        isCPU
        ? fields.optionalMemory("memory", atLeast: 1).map { $0 ?? Bytes(1) }
        : fields.memory("memory", atLeast: 1, in: value)
      guard let word = try? name.value else { return profiles.miss() }
      guard profiles.declare(word, at: value, in: "profiles") else { return }
      if let kind = try? kind.value { profileKinds[word] = kind }
      let key = try intern(.profile, word, at: value)
      policy.profiles.append(
        ProfileRule(
          key: key, kind: try kind.value, weightMilli: Int32(try weight.value),
          memory: try memory.get()))
    }
  }

  private mutating func slice(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let profile = reference(&fields, "profile", to: profiles, called: "profile")
      let billed = fields.int64("billed_milli", in: 1...1000)
      let slice = PolicyVocabulary.Slice(name: try name.value, profile: try profile.value)
      if profileKinds[slice.profile] == .cpu {
        fields.record(
          "profile", "\"\(slice.profile)\" is a CPU profile", hint: "only GPUs have slices")
      }
      if vocabulary.slices.contains(slice) {
        throw value.refuse(
          "the slice \"\(slice.name)\" of \"\(slice.profile)\" is defined twice",
          hint: "remove one")
      }
      vocabulary.slices.append(slice)
      let key = try intern(.slice, slice.qualified, at: value)
      policy.slices.append(
        SliceRule(
          key: key, profile: NameTable.key(.profile, slice.profile),
          billedMilli: Int32(try billed.value)))
    }
  }

  /// A name that must be declared.
  func reference(
    _ fields: inout JSONFields, _ key: String, to known: Declared, called what: String
  ) -> JSONField<String> {
    fields.read(key) { value in
      let name = try value.name()
      return try known.check(name, at: value, called: what)
    }
  }

  /// As `reference`; nil when absent.
  func optionalReference(
    _ fields: inout JSONFields, _ key: String, to known: Declared, called what: String
  ) -> JSONField<String?> {
    fields.optional(key) { value in
      let name = try value.name()
      return try known.check(name, at: value, called: what)
    }
  }

  // MARK: classes

  private mutating func classes(_ fields: inout JSONFields) throws {
    let rules = ["P0", "P1", "P2", "P3"].map { name in
      fields.object(name) { fields in
        let quantum = fields.span("quantum_seconds", atLeast: 1)
        let start = fields.span("start_within_seconds", atLeast: 1)
        let kill = fields.span("kill_within_seconds", atLeast: 1)
        let empty = fields.choice(
          "on_empty_bucket",
          ["park": ClassRule.EmptyBucket.park, "reject": .reject, "downgrade": .downgrade])
        let overrun = fields.choice("overrun", ["stop": ClassRule.Overrun.stop, "debt": .debt])
        let wait = fields.optional("queue_wait_max_seconds") { value in
          try self.limit(value) { try $0.spanOrUnlimited() }
        }
        let limit = fields.optional("predicted_wait_max_seconds") { value in
          try self.limit(value) { try $0.span(atLeast: 1) }
        }
        var rule = try ClassRule(
          quantum: quantum.value, startWithin: start.value, killWithin: kill.value,
          emptyBucket: empty.value, overrun: overrun.value)
        let shield = fields.optionalSpan("shield_seconds")
        if let wait = try wait.value { rule.queueWaitMax = wait }
        rule.waitLimit = try limit.value
        return (rule, try shield.value)
      }
    }
    policy.classes = try rules.map { try $0.value.0 }
    shields = try rules.map { try $0.value.1 }
  }

  /// Where a policy does not say: a level for each minute in the order, up to P0.
  private static let defaultOrder = OrderRule(ageingStep: .seconds(60), ceiling: 0)

  private func order(_ fields: inout JSONFields) throws -> OrderRule {
    let step = fields.optionalSpanOrUnlimited("ageing_step_seconds")
    let ceiling = fields.optionalChoice("ageing_ceiling", ["P0": UInt8(0), "P1": 1])
    var order = Self.defaultOrder
    if let step = try step.value { order.ageingStep = step }
    if let ceiling = try ceiling.value { order.ceiling = ceiling }
    return order
  }

  // MARK: services and costs

  private mutating func service(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let tenant = optionalReference(&fields, "tenant", to: tenants, called: "tenant")
      let serviceClass = fields.serviceClass("class")
      let weight = fields.optionalMilli("weight", in: 1...Int64(Limits.weightMilli))
      let owner = fields.name("owner")
      let approval = fields.optional("approval") { try self.approval($0) }
      let complexity = fields.optionalChoice(
        "complexity", ["simple": Complexity.simple, "complex": .complex])
      let risk = fields.optionalChoice(
        "risk", ["low": Risk.low, "guarded": .guarded, "privileged": .privileged])
      let ladder = self.ladder(&fields)
      guard services.declare(try name.value, at: value, in: "services") else { return }
      if let rungs = try ladder.value { try add(rungs, to: try name.value) }
      let key = try intern(.service, try name.value, at: value)
      vocabulary.add(
        service: try name.value, of: try tenant.value, try serviceClass.value,
        owner: try owner.value)
      var rule = ServiceRule(
        key: key, tenant: try tenant.value.map { NameTable.key(.tenant, $0) },
        serviceClass: try serviceClass.value, weightMilli: Int32(try weight.value ?? 1000))
      rule.approval = try approval.value
      rule.complexity = try complexity.value ?? .complex
      rule.risk = try risk.value ?? .guarded
      policy.services.append(rule)
    }
  }

  private mutating func cost(_ value: JSONValue) throws {
    try value.object { fields in
      let action = fields.name("action")
      let modelClass = fields.name("model_class")
      let base = fields.span("base_seconds")
      let prompt = fields.optionalSpan("per_1000_prompt_tokens_seconds")
      let output = fields.optionalSpan("per_1000_output_tokens_seconds")
      let call = fields.optionalSpan("per_tool_call_seconds")
      let retry = fields.optionalMilli("retry_factor", in: 1000...Int64(Limits.weightMilli))
      let rule = CostRule(
        action: try intern(.action, try action.value, at: value),
        modelClass: try intern(.modelClass, try modelClass.value, at: value),
        base: try base.value, perThousandPrompt: try prompt.value ?? .zero,
        perThousandOutput: try output.value ?? .zero, perToolCall: try call.value ?? .zero,
        retryMilli: Int32(try retry.value ?? 1000))
      let isKnown = policy.costs.contains {
        $0.action == rule.action && $0.modelClass == rule.modelClass
      }
      if isKnown {
        throw value.refuse(
          "a second rule for this action and model class", hint: "keep one of them")
      }
      policy.costs.append(rule)
    }
  }
}

extension JSONFields {
  /// A workload class by its word.
  mutating func serviceClass(_ key: String) -> JSONField<ServiceClass> {
    choice(key, ["P0": .p0, "P1": .p1, "P2": .p2, "P3": .p3])
  }

  /// A set of workload classes, or nil when absent.
  mutating func optionalClasses(_ key: String) -> JSONField<ClassSet?> {
    optional(key) { value in try value.classes() }
  }
}

extension JSONValue {
  /// Reads a set of workload classes.
  func classes() throws(JSONAbandoned) -> ClassSet {
    let ranks = try array(min: 1, max: 4) { element in
      try element.choice(["P0": UInt8(0), "P1": 1, "P2": 2, "P3": 3])
    }
    return ClassSet(bits: ranks.reduce(0) { $0 | 1 << $1 })
  }
}
