public import PoolAllocator
public import StrictJSON

extension JSONWriter {
  /// Writes credits as GPU-seconds, exactly.
  public mutating func gpuSeconds(_ name: String, _ credits: Credits) {
    decimal(name, credits.value, digits: 6)
  }

  /// Writes a moment of pool time in milliseconds, exactly.
  public mutating func milliseconds(_ name: String, _ moment: Instant) {
    decimal(name, moment.ns, digits: 6)
  }

  /// Writes a reason with its words.
  public mutating func reason(_ text: ReasonText) {
    object { writer in
      writer.string("code", text.reason.code.wire)
      writer.int64("number", Int64(text.reason.code.rawValue))
      writer.string("group", text.reason.code.group.wire)
      writer.string("subject_kind", text.subjectKind)
      if let subject = text.subject { writer.string("subject", subject) }
      if text.unit != .none {
        writer.string("unit", text.unit.rawValue)
        if let have = text.have { writer.int64("have", have) }
        writer.int64("need", text.reason.need)
      }
      writer.bool("retryable", text.reason.code.isRetryable)
      if let moment = text.reason.clearsAt { writer.milliseconds("clears_at_ms", moment) }
      writer.string("sentence", text.sentence)
    }
  }

  /// Writes a hint as two members.
  public mutating func hint(_ hint: RetryHint) {
    int64("retry_after_seconds", hint.retryAfterSeconds)
    milliseconds("clears_at_ms", hint.clearsAt)
  }

  /// Writes the leases that were granted together with one, itself first; nothing where there is
  /// only the one.
  public mutating func gang(of id: LeaseID, in pool: Pool, names: NameTable) {
    let members = pool.gang(of: id)
    guard members.count > 1 else { return }
    array("gang") { writer in
      for member in members {
        if let lease = pool.lease(member) { writer.lease(member, lease, in: pool, names: names) }
      }
    }
  }

  /// Writes a lease: its id, where it is, what it costs and when it ends; in a list also whose it
  /// is.
  public mutating func lease(
    _ id: LeaseID, _ lease: Lease, holder: ClaimForm? = nil, in pool: Pool, names: NameTable
  ) {
    object { writer in
      writer.string("lease", id.wire)
      if let holder {
        writer.string("claim", holder.name)
        writer.string("tenant", holder.tenant)
      }
      writer.string("fencing", lease.fencing.wire)
      writer.string("state", lease.state.wire)
      if let lane = pool.lane(lease.lane) { writer.string("lane", names.text(lane.key)) }
      if let node = pool.node(lease.node) { writer.string("node", names.text(node.enrolment.key)) }
      writer.array("devices") { writer in
        for use in pool.uses(of: lease) { writer.use(use, in: pool, names: names) }
      }
      writer.int64("cpu_milli", Int64(lease.cpu.value))
      writer.int64("host_memory_bytes", lease.hostMemory.value)
      writer.array("restrictions") { writer in
        for word in LeaseRestriction.words(lease.restrictions) { writer.string(word) }
      }
      if lease.isLent { writer.bool("lent", true) }
      if lease.rung > 0 {
        writer.int64("rung", Int64(lease.rung))
        writer.string("automation", lease.automation.wire)
      }
      if let by = pool.claim(lease.claim)?.approval?.by {
        writer.string("approved_by", names.text(by))
      }
      writer.int64("policy_generation", Int64(lease.policy.value))
      writer.gpuSeconds("reserved_gpu_seconds", lease.reserved)
      writer.milliseconds("start_by_ms", lease.startBy)
      writer.decimal("quantum_seconds", lease.quantumSpan.ns, digits: 9)
      if let moment = lease.nextRenewal { writer.milliseconds("renew_from_ms", moment) }
      writer.milliseconds("ends_at_ms", lease.ends)
    }
  }

  private mutating func use(_ use: DeviceUse, in pool: Pool, names: NameTable) {
    object { writer in
      if let device = pool.device(use.device) {
        writer.string("uuid", names.text(device.report.key))
        writer.string("profile", names.text(device.report.profile))
        if let slice = device.report.slice {
          writer.string("slice", NamePath.last(names.text(slice)))
        }
      }
      writer.int64("milli", Int64(use.milli.value))
      writer.int64("memory_bytes", use.memory.value)
    }
  }
}
