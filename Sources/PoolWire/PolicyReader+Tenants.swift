internal import PoolAllocator
internal import StrictJSON

/// Tenants and their trees of buckets.
extension PolicyReader {
  mutating func tenant(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let classes = fields.optional("classes") { value in
        try self.limit(value) { try $0.classes() }
      }
      let queueMax = fields.read("queue_max") { value in
        try self.limit(value) { value -> UInt32 in
          if value.kind == .string { return try value.choice(["unlimited": UInt32.max]) }
          return UInt32(try value.int64(in: 0...1_000_000))
        }
      }
      let weight = fields.optionalMilli("weight", in: 1...Int64(Limits.tenantWeightMilli))
      let borrow = fields.optional("borrow_max_milli") { value in
        try self.limit(value) { value -> Int64? in
          if value.kind == .string { return try value.choice(["unlimited": nil]) }
          return try value.int64(in: 0...(1 << 40) - 1)
        }
      }
      let index = UInt16(policy.tenants.count)
      let owner = (try? name.value) ?? "?"
      let bucket = fields.read("bucket") { value in
        try self.bucket(
          value, Place(tenant: index, parent: nil, match: .tenant, name: owner, owner: owner))
      }
      guard let word = try? name.value else { return tenants.miss() }
      guard tenants.declare(word, at: value, in: "tenants") else { return }
      vocabulary.add(tenant: word)
      _ = try bucket.value
      var rule = TenantRule(
        key: try intern(.tenant, word, at: value),
        classes: try classes.value ?? .all, queueMax: try queueMax.value,
        weightMilli: Int32(try weight.value ?? 1000))
      if let most = try borrow.value { rule.borrowingMax = most }
      policy.tenants.append(rule)
    }
  }

  /// Where a bucket stands in its tree.
  struct Place {
    var tenant: UInt16
    var parent: UInt16?
    var match: BucketMatch
    var name: String
    var owner: String
    var depth = 1
  }

  private mutating func bucket(_ value: JSONValue, _ place: Place) throws {
    try value.object { fields in
      let burst = fields.read("burst_gpu_seconds") { value in
        try self.limit(value) { try $0.credits() }
      }
      let refill = refill(&fields, value)
      let opening = fields.optionalCredits("opening_gpu_seconds")
      let debt = fields.optional("debt_max_gpu_seconds") { value in
        try self.limit(value) { try $0.credits() }
      }
      let emergency = fields.optionalCredits("emergency_gpu_seconds")
      if let amount = try? emergency.value, amount > .zero, policy.emergency == nil,
        !hasBadEmergency
      {
        fields.record(
          "emergency_gpu_seconds", "nobody may open the bucket's emergency",
          hint: "add emergency with its approvers to the policy")
      }
      if taken == .enforced, let burst = try? burst.value, let level = try? opening.value,
        level > burst
      {
        fields.record(
          "opening_gpu_seconds", "the bucket opens above its burst",
          hint: "at most \(Amounts.gpuSeconds(burst.value))")
      }
      let own = policy.buckets.count
      if own < Int(UInt16.max) {
        var rule = BucketRule(
          key: try intern(.bucket, place.name, at: value), tenant: place.tenant,
          cap: (try? burst.value) ?? .zero,
          refillPerSecond: (try? refill.get()) ?? .zero)
        rule.parent = place.parent
        rule.match = place.match
        // An opening is held against the burst that decides.
        rule.opening = min((try? opening.value) ?? rule.cap, rule.cap)
        rule.debtMax = (try? debt.value) ?? .zero
        rule.emergency = (try? emergency.value) ?? .zero
        policy.buckets.append(rule)
      }
      let children = children(&fields, value, of: own, place)
      _ = try (
        burst.value, refill.get(), opening.value, debt.value, emergency.value, children.get()
      )
    }
  }

  private mutating func refill(
    _ fields: inout JSONFields, _ value: JSONValue
  ) -> Result<Credits, JSONAbandoned> {
    let perSecond = fields.optional("refill_gpu_seconds_per_second") { value in
      try self.limit(value) { try $0.credits() }
    }
    let perHour = fields.optional("refill_gpu_seconds_per_hour") { value in
      try self.limit(value) { value -> Credits in
        let credits = try value.credits()
        guard credits.value % 3600 == 0 else {
          throw value.refuse(
            "the refill is no whole number of credits per second",
            hint: "use a multiple of 0.0036, or refill_gpu_seconds_per_second")
        }
        return Credits(credits.value / 3600)
      }
    }
    let keys = ["refill_gpu_seconds_per_hour", "refill_gpu_seconds_per_second"]
    switch keys.filter({ fields.contains($0) }).count {
    case 0:
      return .failure(
        value.refuse("the bucket has no refill", hint: "add refill_gpu_seconds_per_hour; 0 is one"))
    case 2:
      return Result { () throws(JSONAbandoned) -> Credits in
        try fields.fail(keys[1], "the refill is given twice", hint: "keep one of them")
      }
    default:
      return Result { () throws(JSONAbandoned) -> Credits in
        if let rate = try perSecond.value { return rate }
        return try perHour.value ?? .zero
      }
    }
  }

  private mutating func children(
    _ fields: inout JSONFields, _ value: JSONValue, of own: Int, _ place: Place
  ) -> Result<Void, JSONAbandoned> {
    let by = fields.optionalChoice("by", ["application": 1, "class": 2, "action": 3])
    let field = (try? by.value) ?? nil
    let list = fields.optionalMap("children", max: Self.entriesMax) { name, child in
      guard let field else { return }
      guard NameTable.isName(name) else {
        throw child.refuse("the key is no name", hint: JSONValue.nameRule)
      }
      guard place.depth < Limits.bucketsPerPath else {
        throw child.refuse(
          "the bucket is \(place.depth + 1) levels deep",
          hint: "at most \(Limits.bucketsPerPath), the tenant's own included")
      }
      try self.bucket(
        child,
        Place(
          tenant: place.tenant, parent: UInt16(clamping: own),
          match: try match(field, name, place, at: child),
          name: NamePath.join(place.name, name), owner: place.owner, depth: place.depth + 1))
    }
    if fields.contains("by") != fields.contains("children") {
      return .failure(
        value.refuse(
          "by and children belong together",
          hint: "by says what tells the children apart: application, class or action"))
    }
    return Result { () throws(JSONAbandoned) -> Void in _ = try (by.value, list.value) }
  }

  private mutating func match(
    _ field: Int, _ name: String, _ place: Place, at value: JSONValue
  ) throws(JSONAbandoned) -> BucketMatch {
    switch field {
    case 1:
      return .application(
        try intern(.application, NamePath.join(place.owner, name), at: value))
    case 2:
      let ranks = ["P0": UInt8(0), "P1": 1, "P2": 2, "P3": 3]
      guard let rank = ranks[name], let serviceClass = ServiceClass(rank: rank) else {
        throw value.refuse("\"\(name)\" is no class", hint: "the children are named P0 to P3")
      }
      return .serviceClass(serviceClass)
    default:
      return .action(try intern(.action, name, at: value))
    }
  }
}
