internal import PoolAllocator
internal import StrictJSON

/// Pools and their lanes.
extension PolicyReader {
  mutating func pool(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let profile = reference(&fields, "profile", to: profiles, called: "profile")
      let label = fields.optionalName("node_label")
      let modelClass = fields.optionalName("model_class")
      let kind = (try? profile.value).flatMap { profileKinds[$0] }
      let index = policy.pools.count
      let isNew = (try? name.value).map { pools.declare($0, at: value, in: "pools") }
      var shared: [JSONValue] = []
      let lanes = fields.array("lanes", min: 1, max: Limits.lanes) { lane in
        if try self.lane(lane, pool: UInt16(index), kind: kind) { shared.append(lane) }
      }
      if lanes.isValid { checkShared(shared, of: value) }
      guard isNew != false else { return }
      _ = try lanes.value
      let rule = PoolRule(
        key: try intern(.pool, try name.value, at: value),
        profile: NameTable.key(.profile, try profile.value),
        label: try label.value.map { NameTable.key(.label, $0) },
        modelClass: try modelClass.value.map { NameTable.key(.modelClass, $0) })
      if let label = try label.value { _ = try intern(.label, label, at: value) }
      if let served = try modelClass.value { _ = try intern(.modelClass, served, at: value) }
      policy.pools.append(rule)
    }
  }

  /// Every pool has exactly one shared lane: it holds what no reserved lane has.
  private func checkShared(_ shared: [JSONValue], of pool: JSONValue) {
    if shared.isEmpty {
      pool.record(
        "the pool has no shared lane",
        hint: "add a lane without reserved_for; it takes what the reserved lanes leave")
    }
    for lane in shared.dropFirst() {
      lane.record(
        "a second shared lane in one pool", hint: "add reserved_for, or merge it with the first")
    }
  }

  /// - Returns: whether the lane is the shared one.
  private mutating func lane(
    _ value: JSONValue, pool: UInt16, kind: DeviceKind?
  ) throws -> Bool {
    try value.object { fields in
      let name = fields.name("name")
      let owner = optionalReference(&fields, "reserved_for", to: tenants, called: "tenant")
      let isReserved = fields.contains("reserved_for")
      let reserved = amount(&fields, value, kind: kind, isReserved: isReserved)
      let cell = self.cell(&fields, kind: kind, isReserved: isReserved)
      let lending = fields.optionalObject("lend") { try self.lending(&$0, kind: kind) }
      if !isReserved, fields.contains("lend") {
        fields.record(
          "lend", "the shared lane has no owner who could lend it",
          hint: "add reserved_for with the owner, or remove lend")
      }
      let admits = fields.optional("admits") { value in
        try self.limit(value) { try $0.classes() }
      }
      let leaseMax = fields.read("lease_max_seconds") { value in
        try self.limit(value) { try $0.span(atLeast: 1) }
      }
      let restrictions = fields.optionalArray("restrictions", max: 16) { try restriction($0) }
      let shares = fields.optionalBool("share_across_tenants")
      if let word = try? name.value, lanes.declare(word, at: value, in: "lanes") {
        vocabulary.lanes.append(word)
      }
      var rule = LaneRule(
        key: try intern(.lane, try name.value, at: value), pool: pool,
        leaseMax: try leaseMax.value)
      rule.owner = try owner.value.map { NameTable.key(.tenant, $0) }
      rule.reserved = try reserved.get()
      rule.cell = try cell.get()
      let milli = Int64(rule.cell) * 1000
      if rule.cell > 1, rule.reserved % milli != 0 {
        let whole = rule.reserved / milli
        try fields.fail(
          "devices", "\(rule.reserved / 1000) devices are no whole number of cells",
          hint: "write \(max(1, whole) * Int64(rule.cell)) or \((whole + 1) * Int64(rule.cell))")
      }
      rule.lending = try lending.value ?? .never
      rule.admits = try admits.value ?? .all
      rule.restrictions = (try restrictions.value ?? []).reduce(0) { $0 | $1 }
      rule.sharesAcrossTenants = try shares.value ?? false
      policy.lanes.append(rule)
      return !isReserved
    }
  }

  /// GPUs that a guarantee counts as one.
  private func cell(
    _ fields: inout JSONFields, kind: DeviceKind?, isReserved: Bool
  ) -> Result<UInt8, JSONAbandoned> {
    let gpus = fields.optionalInt64("cell_gpus", in: 1...8)
    return Result { () throws(JSONAbandoned) -> UInt8 in
      guard let value = try gpus.value else { return 1 }
      if !isReserved {
        try fields.fail(
          "cell_gpus", "the shared lane has no cells",
          hint: "add reserved_for with the owner, or remove cell_gpus")
      }
      if kind == .cpu {
        try fields.fail(
          "cell_gpus", "the pool's profile is of kind cpu", hint: "remove cell_gpus")
      }
      guard value.nonzeroBitCount == 1 else {
        try fields.fail("cell_gpus", "a cell has 1, 2, 4 or 8 GPUs", hint: "write one of these")
      }
      return UInt8(value)
    }
  }

  /// What an owner lends: within which time it comes back, and how much at most.
  private func lending(_ fields: inout JSONFields, kind: DeviceKind?) throws -> Lending {
    let within = fields.span("reclaim_within_seconds", atLeast: 1)
    let devices = fields.optionalInt64("devices_max", in: 0...1_000_000)
    let cpu = fields.optionalInt64("cpu_milli_max", in: 0...(1 << 40) - 1)
    let wrong = kind == .cpu ? "devices_max" : "cpu_milli_max"
    if kind != nil, fields.contains(wrong) {
      fields.record(
        wrong, "the pool's profile is of kind \(kind == .cpu ? "cpu" : "gpu")",
        hint: "write \(kind == .cpu ? "cpu_milli_max" : "devices_max") instead")
    }
    let most = try kind == .cpu ? cpu.value : devices.value.map { $0 * 1000 }
    return try .reclaimable(within: within.value, atMost: most ?? .max)
  }

  /// What is bound to a reserved lane: whole devices, or milli-cores in a pool of a CPU profile.
  private func amount(
    _ fields: inout JSONFields, _ value: JSONValue, kind: DeviceKind?, isReserved: Bool
  ) -> Result<Int64, JSONAbandoned> {
    let devices = fields.optionalInt64("devices", in: 1...1_000_000)
    let cpu = fields.optionalInt64("cpu_milli", in: 1...(1 << 40) - 1)
    let right = kind == .cpu ? "cpu_milli" : "devices"
    let wrong = kind == .cpu ? "devices" : "cpu_milli"
    if !isReserved {
      for key in ["devices", "cpu_milli"] where fields.contains(key) {
        fields.record(
          key, "the shared lane reserves nothing",
          hint: "add reserved_for with the owner, or remove \(key)")
      }
      return .success(0)
    }
    if kind != nil, fields.contains(wrong) {
      return Result { () throws(JSONAbandoned) -> Int64 in
        try fields.fail(
          wrong, "the pool's profile is of kind \(kind == .cpu ? "cpu" : "gpu")",
          hint: "write \(right) instead")
      }
    }
    if !fields.contains(right) {
      return .failure(
        value.refuse("a reserved lane without an amount", hint: "add \(right)"))
    }
    return Result { () throws(JSONAbandoned) -> Int64 in
      if kind == .cpu { return try cpu.value ?? 0 }
      return (try devices.value ?? 0) * 1000
    }
  }

  private func restriction(_ value: JSONValue) throws(JSONAbandoned) -> UInt64 {
    let word = try value.string(1...64)
    if let known = LeaseRestriction.allCases.first(where: { $0.word == word }) {
      return 1 << UInt64(known.rawValue)
    }
    let words = LeaseRestriction.allCases.map(\.word)
    throw value.refuse(
      "unknown restriction", hint: NearestName.hint(word, among: words, called: "restriction"))
  }
}
