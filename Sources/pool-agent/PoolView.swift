import PoolAllocator
import PoolWire
import StrictJSON

/// What is in a pool, read once: the one model behind the table and the JSON document.
struct PoolView {
  struct LaneRow {
    var name: String
    var profile: String
    var isCPU: Bool
    var owner: String?
    var admits: String
    var capacity: Int64
    var granted: Int64
    var lent: Int64
    var short: Int64
    var shortBecause: String?
    var free: Int64
    var leases: Int64
  }

  struct NodeRow {
    var name: String
    var reach: String
    var duty: String
    var cpu: Int64
    var cpuFree: Int64
    var memory: Int64
    var memoryFree: Int64
    var devices: Int64
    var leases: Int64
  }

  struct BucketRow {
    var name: String
    var tenant: String
    var level: Credits
    var burst: Credits
    var refillPerSecond: Credits
    var reserved: Credits
    var leases: Int64
    /// When its emergency ends, while it is open.
    var emergencyUntil: Instant?
  }

  struct CorrectionRow {
    var tenant: String
    var service: String
    var modelClass: String?
    var milli: Int32
  }

  var now: Instant
  var generation: PolicyGeneration
  var lanes: [LaneRow] = []
  var nodes: [NodeRow] = []
  var buckets: [BucketRow] = []
  var budgets: [BudgetView] = []
  var corrections: [CorrectionRow] = []
  var waiting: Int

  init(_ session: PlaceSession) {
    let pool = session.pool
    let names = session.names
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
      if let budget = BudgetView(bucket, in: session) { return budgets.append(budget) }
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

  /// The members of an object that is open.
  func write(_ writer: inout JSONWriter) {
    writer.milliseconds("at_ms", now)
    writer.int64("policy_generation", Int64(generation.value))
    writer.int64("waiting_claims", Int64(waiting))
    writer.array("lanes") { writer in for row in lanes { row.write(&writer) } }
    writer.array("nodes") { writer in for row in nodes { row.write(&writer) } }
    writer.array("buckets") { writer in for row in buckets { row.write(&writer) } }
    if !budgets.isEmpty {
      writer.array("budgets") { writer in for budget in budgets { budget.write(&writer) } }
    }
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
