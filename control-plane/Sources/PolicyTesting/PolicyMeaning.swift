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
  var findings: [PolicyFinding] = []

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
    lookAtBuckets()
    if hasNodes {
      lookAtGuarantees()
      lookAtRefills()
    }
    lookForUnlimited(source.tree, [])
  }

  // MARK: who may what

  /// The tenants that may use a service, by index.
  func tenants(of service: ServiceRule) -> [Int] {
    policy.tenants.indices.filter { index in
      let tenant = policy.tenants[index]
      return (service.tenant ?? tenant.key) == tenant.key
        && tenant.classes.contains(service.serviceClass)
    }
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
    for (index, tenant) in policy.tenants.enumerated() {
      let isServed = policy.services.contains { tenants(of: $0).contains(index) }
      if !isServed {
        note(
          "tenant_without_service", .warning, ["tenants", .index(index)],
          "the tenant \"\(names.text(tenant.key))\" has no service it may use",
          "add one, or remove the tenant")
      }
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
          policy.classes[rank].queueWaitMax == nil,
          policy.services.contains(where: {
            $0.serviceClass == serviceClass && tenants(of: $0).contains(index)
          }), let why = unbounded(id, tenant, serviceClass)
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

  /// Why a class of a tenant has no bound in any lane that it may enter; nil where it has one, or
  /// may enter none.
  private func unbounded(
    _ id: TenantID, _ tenant: TenantRule, _ serviceClass: ServiceClass
  ) -> Unbounded? {
    var why: Unbounded?
    for lane in policy.lanes where admits(lane, serviceClass, tenant) {
      guard let row = pool.pool.lane(named: lane.key) else { continue }
      switch pool.pool.waitBound(of: id, serviceClass, in: row) {
      case .success(let bound): if bound.total() != nil { return nil }
      case .failure(let because): why = because
      }
    }
    return why
  }

  // MARK: what is unlimited

  private mutating func lookForUnlimited(_ node: SourceNode, _ steps: [SourceNode.Step]) {
    switch node.kind {
    case .text("unlimited"):
      note(
        "unlimited", .warning, steps, "nothing limits this",
        "write a number, unless it was decided that nothing shall")
    case .list(let elements):
      for (index, element) in elements.enumerated() {
        lookForUnlimited(element, steps + [.index(index)])
      }
    case .map(let members):
      // Names and notes may be any word.
      for member in members where member.key != "note" && member.key != "name" {
        lookForUnlimited(member.value, steps + [.key(member.key)])
      }
    default: break
    }
  }
}
