public import PoolAllocator
import PoolWire
public import StrictJSON

/// What is in a pool, read once: the one model behind the table and the JSON document.
public struct PoolView: Sendable {
  /// A lane.
  public struct LaneRow: Sendable {
    /// Its name.
    public var name: String
    /// The hardware profile.
    public var profile: String
    /// Whether it is processor time.
    public var isCPU: Bool
    /// For whom it is reserved.
    public var owner: String?
    /// The classes that it admits.
    public var admits: String
    /// What it has. Unit: thousandths of a device.
    public var capacity: Int64
    /// What is granted of it. Unit: thousandths of a device.
    public var granted: Int64
    /// What of that is lent. Unit: thousandths of a device.
    public var lent: Int64
    /// What of a guarantee cannot be had. Unit: thousandths of a device.
    public var short: Int64
    /// Why.
    public var shortBecause: String?
    /// What is free. Unit: thousandths of a device.
    public var free: Int64
    /// Leases that live.
    public var leases: Int64
  }

  /// A node.
  public struct NodeRow: Sendable {
    /// Its name.
    public var name: String
    /// Whether it is heard.
    public var reach: String
    /// Whether it takes leases.
    public var duty: String
    /// Processor time. Unit: thousandths of a core.
    public var cpu: Int64
    /// What of it is free. Unit: thousandths of a core.
    public var cpuFree: Int64
    /// Host memory. Unit: bytes.
    public var memory: Int64
    /// What of it is free. Unit: bytes.
    public var memoryFree: Int64
    /// How many devices it has.
    public var devices: Int64
    /// Leases that live.
    public var leases: Int64
  }

  /// A bucket.
  public struct BucketRow: Sendable {
    /// Its name.
    public var name: String
    /// Whose it is.
    public var tenant: String
    /// What it can pay now.
    public var level: Credits
    /// What it holds at most.
    public var burst: Credits
    /// What it gains a second.
    public var refillPerSecond: Credits
    /// What is reserved of it.
    public var reserved: Credits
    /// Leases that live.
    public var leases: Int64
    /// When its emergency ends, while it is open.
    public var emergencyUntil: Instant?
  }

  /// A correction of estimates.
  public struct CorrectionRow: Sendable {
    /// Whose it is.
    public var tenant: String
    /// The service.
    public var service: String
    /// The class of models; nil: all.
    public var modelClass: String?
    /// The factor. Unit: thousandths.
    public var milli: Int32
  }

  /// Pool time.
  public var now: Instant
  /// The generation of the policy.
  public var generation: PolicyGeneration
  /// The lanes.
  public var lanes: [LaneRow] = []
  /// The nodes.
  public var nodes: [NodeRow] = []
  /// The buckets of the policy.
  public var buckets: [BucketRow] = []
  var budgets: [BudgetView] = []
  /// Corrections in force.
  public var corrections: [CorrectionRow] = []
  /// Claims that wait.
  public var waiting: Int

  /// Reads a scene.
  public init(_ scene: Scene) {
    let pool = scene.pool
    let names = scene.names
    now = pool.now
    generation = pool.generation
    waiting = pool.waitingClaims
    var reserved: [BucketID: Int64] = [:]
    pool.forEachLease { _, lease in
      for index in 0..<lease.path.count {
        reserved[lease.path[index], default: 0] +=
          lease.reserved.value + (lease.nextReserved?.value ?? 0)
      }
    }
    var counts: [NodeID: Int64] = [:]
    // A CPU set has a row for each lane that has a part of it, and is one device all the same.
    var seen: Set<Key> = []
    pool.forEachDevice { _, device in
      if seen.insert(device.report.key).inserted { counts[device.node, default: 0] += 1 }
    }
    var lanes: [LaneRow] = []
    pool.forEachLane { id, lane in
      let capacity = pool.capacity(of: id)
      lanes.append(
        LaneRow(
          name: names.text(lane.key), profile: names.text(lane.profile.key),
          isCPU: lane.profile.kind == .cpu, owner: lane.rule.owner.map { names.text($0) },
          admits: lane.isRetired ? "retired" : lane.rule.admits.words, capacity: capacity.total,
          granted: lane.used, lent: lane.lent, short: lane.short,
          shortBecause: lane.shortBecause?.wire,
          free: capacity.free,
          leases: Int64(lane.leases)))
    }
    var nodes: [NodeRow] = []
    pool.forEachNode { id, node in
      nodes.append(
        NodeRow(
          name: names.text(node.enrolment.key), reach: "\(node.reach)", duty: "\(node.duty)",
          cpu: Int64(node.report.cpu.value), cpuFree: Int64(node.cpuFree.value),
          memory: node.report.hostMemory.value, memoryFree: node.hostFree.value,
          devices: counts[id] ?? 0, leases: Int64(node.leases)))
    }
    var buckets: [BucketRow] = []
    var budgets: [BudgetView] = []
    pool.forEachBucket { id, bucket in
      if let budget = BudgetView(bucket, in: scene) { return budgets.append(budget) }
      buckets.append(
        BucketRow(
          name: names.text(bucket.rule.key),
          tenant: pool.tenant(bucket.tenant).map { names.text($0.key) } ?? "?",
          level: Credits(bucket.credits.level(at: pool.now)), burst: bucket.credits.cap,
          refillPerSecond: bucket.credits.refillPerSecond,
          reserved: Credits(reserved[id] ?? 0), leases: Int64(bucket.leases),
          emergencyUntil: bucket.emergencyUntil))
    }
    var corrections: [CorrectionRow] = []
    pool.forEachCorrection { correction in
      guard let milli = correction.milli else { return }
      corrections.append(
        CorrectionRow(
          tenant: names.text(correction.scope.tenant),
          service: names.text(correction.scope.service),
          modelClass: correction.scope.modelClass.map { names.text($0) }, milli: milli))
    }
    self.budgets = budgets
    self.corrections = corrections
    self.lanes = lanes
    self.nodes = nodes
    self.buckets = buckets
  }

  /// Leaves out what is not a tenant's own: nodes, and the buckets and corrections of others. Of
  /// lanes the totals stay.
  public mutating func keep(tenant: String) {
    nodes = []
    buckets.removeAll { $0.tenant != tenant }
    budgets.removeAll { $0.tenant != tenant }
    corrections.removeAll { $0.tenant != tenant }
    lanes.removeAll { $0.owner != nil && $0.owner != tenant }
  }

  /// A part that can be shown alone.
  public enum Part: String, CaseIterable, Sendable {
    /// The lanes.
    case lanes
    /// The nodes.
    case nodes
    /// The buckets of the policy, and the budgets of delegations.
    case buckets
  }

  /// One part, as members of an object that is open.
  public func write(_ part: Part, _ writer: inout JSONWriter) {
    writer.array(part.rawValue) { writer in
      switch part {
      case .lanes: for row in lanes { row.write(&writer) }
      case .nodes: for row in nodes { row.write(&writer) }
      case .buckets: for row in buckets { row.write(&writer) }
      }
    }
    guard part == .buckets, !budgets.isEmpty else { return }
    writer.array("budgets") { writer in for budget in budgets { budget.write(&writer) } }
  }

  /// The members of an object that is open.
  public func write(_ writer: inout JSONWriter) {
    writer.milliseconds("at_ms", now)
    writer.int64("policy_generation", Int64(generation.value))
    writer.int64("waiting_claims", Int64(waiting))
    for part in Part.allCases { write(part, &writer) }
    guard !corrections.isEmpty else { return }
    writer.array("corrections") { writer in for row in corrections { row.write(&writer) } }
  }
}

extension PoolView.LaneRow {
  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("lane", name)
      writer.string("profile", profile)
      if let owner { writer.string("reserved_for", owner) }
      writer.string("admits", admits)
      writer.int64("capacity_milli", capacity)
      writer.int64("granted_milli", granted)
      if lent > 0 { writer.int64("lent_milli", lent) }
      if short > 0 { writer.int64("short_milli", short) }
      if let shortBecause { writer.string("short_because", shortBecause) }
      writer.int64("free_milli", free)
      writer.int64("leases", leases)
    }
  }
}

extension PoolView.CorrectionRow {
  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("tenant", tenant)
      writer.string("service", service)
      if let modelClass { writer.string("model_class", modelClass) }
      writer.milli("correction", Int64(milli))
    }
  }
}

extension PoolView.NodeRow {
  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("node", name)
      writer.string("reach", reach)
      writer.string("duty", duty)
      writer.int64("cpu_milli", cpu)
      writer.int64("cpu_free_milli", cpuFree)
      writer.int64("host_memory_bytes", memory)
      writer.int64("host_memory_free_bytes", memoryFree)
      writer.int64("devices", devices)
      writer.int64("leases", leases)
    }
  }
}

extension PoolView.BucketRow {
  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("bucket", name)
      writer.string("tenant", tenant)
      writer.gpuSeconds("level_gpu_seconds", level)
      writer.gpuSeconds("burst_gpu_seconds", burst)
      writer.gpuSeconds("refill_gpu_seconds_per_second", refillPerSecond)
      writer.gpuSeconds("reserved_gpu_seconds", reserved)
      writer.int64("leases", leases)
      if let emergencyUntil { writer.milliseconds("emergency_until_ms", emergencyUntil) }
    }
  }
}
