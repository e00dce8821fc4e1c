@testable import PoolAllocator

/// `name=value` words of a line; a word that nobody asked for is an error.
struct TableOptions {
  private var values: [String: String] = [:]
  private(set) var flags: [String] = []

  init(_ words: some Sequence<String>) {
    for word in words {
      if let equals = word.firstIndex(of: "=") {
        values[String(word[..<equals])] = String(word[word.index(after: equals)...])
      } else {
        flags.append(word)
      }
    }
  }

  mutating func take(_ name: String) -> String? { values.removeValue(forKey: name) }

  mutating func take<Value>(_ name: String, _ read: (String) throws -> Value) throws -> Value? {
    try take(name).map(read)
  }

  /// Reads an option into a place that has a default.
  mutating func set<Value>(
    _ place: inout Value, _ name: String, _ read: (String) throws -> Value
  ) throws {
    if let value = try take(name, read) { place = value }
  }

  mutating func flag(_ name: String) -> Bool {
    guard let index = flags.firstIndex(of: name) else { return false }
    flags.remove(at: index)
    return true
  }

  mutating func takePrefixed(_ prefix: String) -> [(rest: String, value: String)] {
    let names = values.keys.filter { $0.hasPrefix(prefix) && $0 != prefix }.sorted()
    return names.map { (String($0.dropFirst(prefix.count)), values.removeValue(forKey: $0) ?? "") }
  }

  func finish() throws {
    guard values.isEmpty, flags.isEmpty else {
      throw TableError("unknown: \((values.keys.sorted() + flags).joined(separator: " "))")
    }
  }
}

/// A policy in the making: `policy KIND NAME …` adds or changes a rule, `policy drop KIND NAME`
/// takes one out, `activate` puts it in force.
struct TablePolicy {
  private var policy = CompiledPolicy()
  /// Names of the pools, tenants and parents that rules point at; indices are made at the end.
  private var poolOfLane: [Key: Key] = [:]
  private var tenantOfBucket: [Key: Key] = [:]
  private var parentOfBucket: [Key: Key] = [:]
  private var ladders = TableLadders()

  init() {
    let rule = ClassRule(
      quantum: .seconds(3600), startWithin: .seconds(60), killWithin: .seconds(30),
      emptyBucket: .park, overrun: .stop)
    policy.classes = Array(repeating: rule, count: 4)
  }

  mutating func change(_ words: [String]) throws {
    guard words.count >= 2 else { throw TableError("policy KIND NAME …") }
    if words[0] == "drop" { return try drop(words[1], Array(words[2...])) }
    var options = TableOptions(words.dropFirst(2))
    let name = words[1]
    switch words[0] {
    case "profile": try profile(TableValue.key(name), &options)
    case "slice": try slice(TableValue.key(name), &options)
    case "pool": try pool(TableValue.key(name), &options)
    case "lane": try lane(TableValue.key(name), &options)
    case "class": try classRule(name, &options)
    case "tenant": try tenant(TableValue.key(name), &options)
    case "bucket": try bucket(TableValue.key(name), &options)
    case "service": try service(TableValue.key(name), &options)
    case "cost": try cost(name, &options)
    case "rung": try ladders.rung(name, &options)
    case "gauge": try ladders.gauge(TableValue.key(name), &options)
    case "emergency": try emergency(name, &options)
    case "order":
      try options.set(&policy.order.ageingStep, "step") {
        $0 == "none" ? nil : try TableValue.span($0)
      }
      try options.set(&policy.order.ceiling, "ceiling") { try TableValue.rank($0).rank }
    case "preemption": try preemption(name, &options)
    case "quotes": try quotes(name, &options)
    default: throw TableError("unknown kind of rule: \(words[0])")
    }
    try options.finish()
  }

  /// The rules with their names resolved; a name that leads nowhere makes an index that does too.
  func compiled() -> CompiledPolicy {
    var result = policy
    func index(_ key: Key?, _ keys: [Key]) -> UInt16 {
      keys.firstIndex { $0 == key }.map { UInt16($0) } ?? .max
    }
    for row in result.lanes.indices {
      result.lanes[row].pool = index(poolOfLane[result.lanes[row].key], result.pools.map(\.key))
    }
    let buckets = result.buckets.map(\.key)
    for row in result.buckets.indices {
      let key = result.buckets[row].key
      result.buckets[row].tenant = index(tenantOfBucket[key], result.tenants.map(\.key))
      result.buckets[row].parent = parentOfBucket[key].map { index($0, buckets) }
    }
    ladders.put(into: &result)
    return result
  }

  private mutating func drop(_ kind: String, _ names: [String]) throws {
    let keys = try names.map { try TableValue.key($0) }
    switch kind {
    case "rung", "gauge": ladders.drop(kind, keys)
    case "profile": policy.profiles.removeAll { keys.contains($0.key) }
    case "slice": policy.slices.removeAll { keys.contains($0.key) }
    case "pool": policy.pools.removeAll { keys.contains($0.key) }
    case "lane": policy.lanes.removeAll { keys.contains($0.key) }
    case "tenant": policy.tenants.removeAll { keys.contains($0.key) }
    case "bucket": policy.buckets.removeAll { keys.contains($0.key) }
    case "service": policy.services.removeAll { keys.contains($0.key) }
    case "class": policy.classes.removeLast()
    default: throw TableError("unknown kind of rule: \(kind)")
    }
  }

  // MARK: rules

  private mutating func profile(_ key: Key, _ options: inout TableOptions) throws {
    var rule =
      policy.profiles.first { $0.key == key }
      ?? ProfileRule(key: key, kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    try options.set(&rule.kind, "kind") { $0 == "cpu" ? .cpu : $0 == "slice" ? .slice : .gpu }
    try options.set(&rule.weightMilli, "weight", TableValue.milli)
    try options.set(&rule.memory, "memory", TableValue.bytes)
    policy.profiles.upsert(rule) { $0.key == key }
  }

  private mutating func slice(_ key: Key, _ options: inout TableOptions) throws {
    let board = try TableValue.key("h100")
    var rule =
      policy.slices.first { $0.key == key }
      ?? SliceRule(key: key, profile: board, billedMilli: 142)
    try options.set(&rule.profile, "of", TableValue.key)
    try options.set(&rule.billedMilli, "billed", TableValue.int)
    policy.slices.upsert(rule) { $0.key == key }
  }

  private mutating func pool(_ key: Key, _ options: inout TableOptions) throws {
    var rule = policy.pools.first { $0.key == key } ?? PoolRule(key: key, profile: key)
    try options.set(&rule.profile, "profile", TableValue.key)
    try options.set(&rule.label, "label", TableValue.key)
    try options.set(&rule.modelClass, "model", TableValue.key)
    policy.pools.upsert(rule) { $0.key == key }
  }

  private mutating func lane(_ key: Key, _ options: inout TableOptions) throws {
    var rule =
      policy.lanes.first { $0.key == key }
      ?? LaneRule(key: key, pool: 0, leaseMax: .seconds(86_400))
    try options.set(&poolOfLane[key], "pool", TableValue.key)
    try options.set(&rule.owner, "owner", TableValue.key)
    try options.set(&rule.reserved, "reserved", TableValue.int)
    try options.set(&rule.cell, "cell", TableValue.int)
    // lend=SPAN:THOUSANDTHS
    try options.set(&rule.lending, "lend") { text in
      let parts = text.split(separator: ":")
      guard parts.count == 2 else { return .never }
      return .reclaimable(
        within: try TableValue.span(String(parts[0])), atMost: try TableValue.int(String(parts[1])))
    }
    try options.set(&rule.admits, "admits", TableValue.classes)
    try options.set(&rule.leaseMax, "leaseMax", TableValue.span)
    try options.set(&rule.restrictions, "restrictions", TableValue.int)
    try options.set(&rule.sharesAcrossTenants, "shares") { $0 == "any" }
    if options.flag("unowned") { rule.owner = nil }
    policy.lanes.upsert(rule) { $0.key == key }
  }

  /// `all` stands for the four classes.
  private mutating func classRule(_ name: String, _ options: inout TableOptions) throws {
    let ranks = name == "all" ? Array(0..<4) : [Int(try TableValue.rank(name).rank)]
    for rank in ranks {
      var left = options
      var rule = policy.classes[rank]
      try left.set(&rule.quantum, "quantum", TableValue.span)
      try left.set(&rule.startWithin, "start", TableValue.span)
      try left.set(&rule.killWithin, "kill", TableValue.span)
      try left.set(&rule.emptyBucket, "empty") {
        $0 == "reject" ? .reject : $0 == "downgrade" ? .downgrade : .park
      }
      try left.set(&rule.waitLimit, "limit", TableValue.span)
      try left.set(&rule.overrun, "overrun") { $0 == "debt" ? .debt : .stop }
      try left.set(&rule.shield, "shield", TableValue.span)
      try left.set(&rule.queueWaitMax, "wait") { $0 == "none" ? nil : try TableValue.span($0) }
      policy.classes[rank] = rule
      if rank == ranks.last { options = left }
    }
  }

  /// `policy preemption on distance=2 burst=4 hour=60`, `policy preemption off`.
  private mutating func preemption(_ name: String, _ options: inout TableOptions) throws {
    guard name != "off" else { return policy.preemption = nil }
    var rule = policy.preemption ?? PreemptionRule(burst: 100, perHour: 100)
    try options.set(&rule.distance, "distance", TableValue.int)
    try options.set(&rule.burst, "burst", TableValue.int)
    try options.set(&rule.perHour, "hour", TableValue.int)
    policy.preemption = rule
  }

  /// `policy quotes on lasts=60s max=600s per=10`, `policy quotes off`.
  private mutating func quotes(_ name: String, _ options: inout TableOptions) throws {
    guard name != "off" else { return policy.quotes = nil }
    var rule =
      policy.quotes
      ?? QuoteRule(lasts: .seconds(60), lastsMax: .seconds(600), perTenant: 10)
    try options.set(&rule.lasts, "lasts", TableValue.span)
    try options.set(&rule.lastsMax, "max", TableValue.span)
    try options.set(&rule.perTenant, "per", TableValue.int)
    policy.quotes = rule
  }

  private mutating func tenant(_ key: Key, _ options: inout TableOptions) throws {
    var rule = policy.tenants.first { $0.key == key } ?? TenantRule(key: key, queueMax: 100)
    try options.set(&rule.classes, "classes", TableValue.classes)
    try options.set(&rule.queueMax, "queue", TableValue.int)
    try options.set(&rule.weightMilli, "weight", TableValue.milli)
    try options.set(&rule.borrowingMax, "borrow") {
      $0 == "none" ? nil : try TableValue.int($0)
    }
    policy.tenants.upsert(rule) { $0.key == key }
  }

  private mutating func bucket(_ key: Key, _ options: inout TableOptions) throws {
    let isNew = !policy.buckets.contains { $0.key == key }
    var rule =
      policy.buckets.first { $0.key == key }
      ?? BucketRule(key: key, tenant: 0, cap: .zero, refillPerSecond: .zero)
    if isNew { tenantOfBucket[key] = key }
    try options.set(&tenantOfBucket[key], "tenant", TableValue.key)
    try options.set(&parentOfBucket[key], "parent", TableValue.key)
    if let cap = try options.take("cap", TableValue.credits) {
      rule.cap = cap
      if isNew || rule.opening > cap { rule.opening = cap }
    }
    try options.set(&rule.refillPerSecond, "refill", TableValue.credits)
    try options.set(&rule.opening, "opening", TableValue.credits)
    try options.set(&rule.debtMax, "debt", TableValue.credits)
    try options.set(&rule.emergency, "emergency", TableValue.credits)
    try options.set(&rule.match, "application") { .application(try TableValue.key($0)) }
    try options.set(&rule.match, "class") { .serviceClass(try TableValue.rank($0)) }
    try options.set(&rule.match, "action") { .action(try TableValue.key($0)) }
    policy.buckets.upsert(rule) { $0.key == key }
  }

  private mutating func service(_ key: Key, _ options: inout TableOptions) throws {
    var rule =
      policy.services.first { $0.key == key }
      ?? ServiceRule(key: key, tenant: nil, serviceClass: .p2)
    try options.set(&rule.tenant, "tenant", TableValue.key)
    try options.set(&rule.serviceClass, "class", TableValue.rank)
    try options.set(&rule.weightMilli, "weight", TableValue.milli)
    try options.set(&rule.complexity, "complexity") { $0 == "simple" ? .simple : .complex }
    try options.set(&rule.risk, "risk") { $0 == "low" ? .low : .guarded }
    try approval(of: &rule, &options)
    policy.services.upsert(rule) { $0.key == key }
  }

  /// `approval=ann,bob actions=pay,send lapse=60s`; `approval=none` takes it away.
  private mutating func approval(
    of service: inout ServiceRule, _ options: inout TableOptions
  ) throws {
    guard let approvers = options.take("approval") else { return }
    guard approvers != "none" else { return service.approval = nil }
    func keys(_ list: String) throws -> [Key] {
      try list.split(separator: ",").map { try TableValue.key(String($0)) }
    }
    var rule = ApprovalRule(approvers: try keys(approvers), lasts: .seconds(60))
    try options.set(&rule.actions, "actions", keys)
    try options.set(&rule.lasts, "lapse", TableValue.span)
    policy.approvals.append(rule)
    service.approval = UInt16(policy.approvals.count - 1)
  }

  /// `policy emergency ann,bob max=1h`
  private mutating func emergency(_ names: String, _ options: inout TableOptions) throws {
    var rule = EmergencyRule(
      approvers: try names.split(separator: ",").map { try TableValue.key(String($0)) },
      lastsMax: .seconds(3600))
    try options.set(&rule.lastsMax, "max", TableValue.span)
    policy.emergency = rule
  }

  /// `policy cost ACTION/MODEL base=1s prompt=2s output=10s call=3s retry=1.5`
  private mutating func cost(_ name: String, _ options: inout TableOptions) throws {
    let parts = name.split(separator: "/")
    guard parts.count == 2 else { throw TableError("policy cost ACTION/MODEL …") }
    var rule = CostRule(
      action: try TableValue.key(parts[0]), modelClass: try TableValue.key(parts[1]), base: .zero,
      perThousandPrompt: .zero, perThousandOutput: .zero, perToolCall: .zero, retryMilli: 1000)
    try options.set(&rule.base, "base", TableValue.span)
    try options.set(&rule.perThousandPrompt, "prompt", TableValue.span)
    try options.set(&rule.perThousandOutput, "output", TableValue.span)
    try options.set(&rule.perToolCall, "call", TableValue.span)
    try options.set(&rule.retryMilli, "retry", TableValue.milli)
    policy.costs.upsert(rule) { $0.action == rule.action && $0.modelClass == rule.modelClass }
  }
}

extension Array {
  /// Replaces the element that matches, or adds one.
  fileprivate mutating func upsert(_ element: Element, where matches: (Element) -> Bool) {
    if let index = firstIndex(where: matches) { self[index] = element } else { append(element) }
  }
}
