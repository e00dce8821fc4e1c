internal import PoolAllocator
internal import PoolWire

/// Looks at what a policy that can be read means: who may enter what, pay for what, and wait how
/// long. Every question about waits and devices is put to the core itself.
struct PolicyMeaning {
  let source: PolicySource
  /// The core with the policy in force, and with the nodes where some were named.
  let pool: VirtualPool
  /// Nothing is said of devices where no node was named.
  let hasNodes: Bool
  /// Classes of which a tenant may use a service, by tenant.
  let served: [ClassSet]
  /// What the weights of all tenants that enter a lane are together, by lane. Unit: thousandths.
  let weights: [Int128]
  /// What was asked of the buckets; nil where no journal was named.
  var demand: RecordedDemand?
  var findings: [PolicyFinding] = []

  /// Looks at nothing yet but who may use and enter what.
  /// - Complexity: O(tenants × (services + lanes)).
  init(source: PolicySource, pool: VirtualPool, hasNodes: Bool) {
    self.source = source
    self.pool = pool
    self.hasNodes = hasNodes
    let policy = source.document.policy
    let served = policy.tenants.map { tenant in
      let services = policy.services.filter { Self.isUsable($0, by: tenant) }
      return ClassSet(bits: services.reduce(UInt8(0)) { $0 | 1 << $1.serviceClass.rank })
    }
    weights = policy.lanes.map { lane in
      zip(policy.tenants, served).reduce(Int128(0)) { sum, one in
        Self.enters(lane, one.0, one.1) ? sum + Int128(one.0.weightMilli) : sum
      }
    }
    self.served = served
  }

  var policy: CompiledPolicy { source.document.policy }
  var names: NameTable { source.document.names }

  /// Notes a finding at a place of the document.
  mutating func note(
    _ code: String, _ weight: PolicyFinding.Weight, _ steps: [SourceNode.Step],
    _ problem: String, _ advice: String
  ) {
    findings.append(
      PolicyFinding(
        code: code, weight: weight, place: source.tree.place(of: steps),
        path: SourceNode.path(steps), problem: problem, advice: advice))
  }

  /// Looks at everything, in the order in which it is best mended.
  mutating func look() {
    lookAtServices()
    lookAtLanes()
    lookAtUrgency()
    lookAtWaits()
    lookAtTargets()
    lookAtBuckets()
    if hasNodes {
      lookAtGuarantees()
      lookAtRefills()
      lookAtBursts()
    }
    if let demand { lookAtRecord(demand) }
    lookAtLimits(source.tree, [])
  }

  // MARK: who may what

  /// The tenants that may use a service, by index.
  func tenants(of service: ServiceRule) -> [Int] {
    policy.tenants.indices.filter { Self.isUsable(service, by: policy.tenants[$0]) }
  }

  private static func isUsable(_ service: ServiceRule, by tenant: TenantRule) -> Bool {
    (service.tenant ?? tenant.key) == tenant.key && tenant.classes.contains(service.serviceClass)
  }

  /// Whether claims of a tenant may enter a lane that is its own, or everybody's.
  func enters(_ lane: LaneRule, _ tenant: Int) -> Bool {
    Self.enters(lane, policy.tenants[tenant], served[tenant])
  }

  private static func enters(
    _ lane: LaneRule, _ tenant: TenantRule, _ served: ClassSet
  ) -> Bool {
    (lane.owner ?? tenant.key) == tenant.key && lane.admits.bits & served.bits != 0
  }

  /// Whether claims of a tenant may enter a lane at all.
  func admits(_ lane: LaneRule, _ serviceClass: ServiceClass, _ tenant: TenantRule) -> Bool {
    guard lane.admits.contains(serviceClass) else { return false }
    return (lane.owner ?? tenant.key) == tenant.key || lane.lending != .never
  }

  private mutating func lookAtServices() {
    for (index, service) in policy.services.enumerated() where tenants(of: service).isEmpty {
      note(
        "service_unusable", .error, ["services", .index(index)],
        "no tenant may use the service \"\(names.text(service.key))\""
          + " of class \(service.serviceClass.word)",
        "give its tenant the class, or the service another one")
    }
    for (index, tenant) in policy.tenants.enumerated() where served[index].bits == 0 {
      note(
        "tenant_without_service", .warning, ["tenants", .index(index)],
        "the tenant \"\(names.text(tenant.key))\" has no service it may use",
        "add one, or remove the tenant")
    }
  }

  private mutating func lookAtLanes() {
    for (index, lane) in policy.lanes.enumerated() {
      let isReached = policy.services.contains { service in
        tenants(of: service).contains { admits(lane, service.serviceClass, policy.tenants[$0]) }
      }
      guard !isReached else { continue }
      note(
        "lane_unreachable", .error, place(ofLane: index),
        "no service of any tenant may enter the lane \"\(names.text(lane.key))\"",
        "admit a class that a tenant of it has, or remove the lane")
    }
  }

  /// Lanes are in the order of their pools.
  func place(ofLane index: Int) -> [SourceNode.Step] {
    let pool = policy.lanes[index].pool
    let first = policy.lanes.firstIndex { $0.pool == pool } ?? index
    return ["pools", .index(Int(pool)), "lanes", .index(index - first)]
  }

  private mutating func lookAtUrgency() {
    let urgent = policy.tenants.indices.filter { policy.tenants[$0].classes.contains(.p0) }
    if urgent.count == policy.tenants.count, urgent.count > 1 {
      note(
        "p0_open", .error, ["tenants"], "every tenant may use P0",
        "name classes for the tenants that need less")
    }
    for (index, service) in policy.services.enumerated()
    where service.serviceClass == .p0 && service.tenant == nil {
      note(
        "p0_open", .error, ["services", .index(index)],
        "the service \"\(names.text(service.key))\" of P0 is any tenant's",
        "name its tenant")
    }
  }

  // MARK: waits

  private mutating func lookAtWaits() {
    for (index, tenant) in policy.tenants.enumerated() {
      guard let id = pool.pool.tenant(named: tenant.key) else { continue }
      for rank in 0..<4 {
        guard let serviceClass = ServiceClass(rank: UInt8(rank)),
          policy.classes[rank].queueWaitMax == nil, served[index].contains(serviceClass),
          case .failure(let why)? = waitBound(id, tenant, serviceClass)
        else { continue }
        let cause =
          switch why {
          case .borrows: "it has no lane but those of others"
          default: "it never reaches the best level of a lane"
          }
        note(
          "wait_unbounded", .error, ["tenants", .index(index)],
          "the wait of \(serviceClass.word) of \"\(names.text(tenant.key))\" has no bound:"
            + " \(cause)",
          "set order.ageing_step_seconds with the ceiling P0, admit it to a shared lane, or give"
            + " the class queue_wait_max_seconds")
      }
    }
  }

  /// The least bound of a class of a tenant among the lanes that it may enter, or why there is
  /// none; nil where it may enter none.
  func waitBound(
    _ id: TenantID, _ tenant: TenantRule, _ serviceClass: ServiceClass
  ) -> Result<Span, Unbounded>? {
    var why: Unbounded?
    var least: Span?
    for lane in policy.lanes where admits(lane, serviceClass, tenant) {
      guard let row = pool.pool.lane(named: lane.key) else { continue }
      switch pool.pool.waitBound(of: id, serviceClass, in: row) {
      case .success(let bound):
        if let total = bound.total() { least = min(least ?? total, total) }
      case .failure(let because): why = because
      }
    }
    if let least { return .success(least) }
    return why.map { .failure($0) }
  }

  /// How long a class of a tenant waits at most: the bound of its wait, or its longest wait where
  /// that is less; nil where it has neither.
  func waitMost(
    _ id: TenantID, _ tenant: TenantRule, _ serviceClass: ServiceClass
  ) -> Span? {
    let most = policy.classes[Int(serviceClass.rank)].queueWaitMax
    guard case .success(let bound)? = waitBound(id, tenant, serviceClass) else { return most }
    return min(bound, most ?? bound)
  }

  // MARK: what is not limited, or not yet

  private mutating func lookAtLimits(_ node: SourceNode, _ steps: [SourceNode.Step]) {
    switch node.kind {
    case .text("unlimited"):
      note(
        "unlimited", .warning, steps, "nothing limits this",
        "write a number, unless it was decided that nothing shall")
    case .list(let elements):
      for (index, element) in elements.enumerated() {
        lookAtLimits(element, steps + [.index(index)])
      }
    case .map(let members):
      if let limit = node.limit {
        note(
          "shadowed", .warning, steps,
          "\(Self.words(limit.shadow)) is only observed, \(Self.words(limit.enforced)) is enforced",
          "write the value alone once it shall hold")
        return lookAtLimits(limit.enforced, steps + ["enforced"])
      }
      // Names and notes may be any word.
      for member in members where member.key != "note" && member.key != "name" {
        lookAtLimits(member.value, steps + [.key(member.key)])
      }
    default: break
    }
  }

  private static func words(_ node: SourceNode) -> String {
    node.number ?? node.text ?? node.elements.compactMap(\.text).joined(separator: " ")
  }
}
