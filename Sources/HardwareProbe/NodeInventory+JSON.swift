internal import StrictJSON

extension NodeInventory {
  /// The version of the JSON form that `json()` writes.
  public static let schemaVersion = 1

  /// The inventory as one JSON object, `kind` "node_inventory": snake_case keys with their units,
  /// nulls for what is not known, so that the set of keys is always the same.
  ///
  /// - Returns: Text of several lines without a newline at its end.
  public func json() -> String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", Int64(Self.schemaVersion))
      writer.string("kind", "node_inventory")
      writer.string("hostname", host.hostname)
      writer.string("kernel_release", host.kernelRelease)
      writer.string("boot_id", host.bootID)
      writer.object("cpu") { write(cpu: &$0) }
      writer.object("memory") { write(memory: &$0) }
      writer.array("numa_nodes") { writer in
        for node in capacity.numaNodes { writer.object { node.write(to: &$0) } }
      }
      writer.object("nvml") { nvml.write(to: &$0) }
      writer.array("gpus") { writer in
        for gpu in gpus { writer.object { gpu.write(to: &$0) } }
      }
      writer.array("notes") { writer in for note in notes { writer.string(note) } }
      writer.array("sources") { writer in for source in sources { writer.string(source) } }
      writer.unsigned("elapsed_ns", elapsedNanoseconds)
    }
    return writer.text
  }

  private func write(cpu writer: inout JSONWriter) {
    writer.string("architecture", host.architecture)
    writer.string("model", host.cpuModel)
    writer.object("profile") { cpuProfile.write(to: &$0) }
    writer.unsigned("cpu_milli", capacity.cpuMilli)
    writer.string("cpus", capacity.cpus.list)
    writer.int64("online_cpus", Int64(capacity.onlineCPUCount))
    writer.object("limited_by") { capacity.cpuLimitedBy.write(to: &$0) }
  }

  private func write(memory writer: inout JSONWriter) {
    writer.unsigned("memory_bytes", capacity.memoryBytes)
    writer.unsigned("memory_total_bytes", capacity.memoryTotalBytes)
    writer.unsigned("hugepage_bytes", capacity.hugepageBytes)
    writer.object("limited_by") { capacity.memoryLimitedBy.write(to: &$0) }
  }
}

extension LimitSource {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.string("limit", limit.rawValue)
    writer.string("source", source)
  }
}

extension NodeCPUs {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.int64("numa_node", Int64(numaNode))
    writer.string("cpus", cpus.list)
    writer.unsigned("cpu_milli", cpuMilli)
    writer.unsigned("memory_bytes", memoryBytes)
  }
}

extension NVMLStatus {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.string("status", word)
    writer.optional("path", path)
    writer.optional("reason", reason)
    if case .driverFailed(_, let code, _) = self {
      writer.int64("nvml_code", Int64(code))
    } else {
      writer.null("nvml_code")
    }
    if case .running(_, let driver, let library) = self {
      writer.optional("driver_version", driver)
      writer.optional("nvml_version", library)
    } else {
      writer.null("driver_version")
      writer.null("nvml_version")
    }
  }
}

extension GPUEntry {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.int64("index", Int64(index))
    writer.optional("uuid", uuid)
    writer.optional("name", name)
    writer.string("state", state.word)
    writer.optional("reason", state.reason)
    writer.object("profile") { profile.write(to: &$0) }
    writer.optional("memory_total_bytes", memory?.totalBytes)
    writer.optional("memory_used_bytes", memory?.usedBytes)
    writer.optional("memory_reserved_bytes", memory?.reservedBytes)
  }
}

extension ProfileMatch {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.optional("name", name)
    switch self {
    case .matched(_, let rule):
      writer.string("rule", rule.rawValue)
      writer.null("reason")
      writer.array("candidates") { _ in }
    case .unknown(let reason, let candidates):
      writer.null("rule")
      writer.string("reason", reason)
      writer.array("candidates") { writer in for name in candidates { writer.string(name) } }
    case .notChecked:
      writer.null("rule")
      writer.string("reason", "no profiles were given")
      writer.array("candidates") { _ in }
    }
  }
}

extension JSONWriter {
  /// A member that may be absent, as null.
  fileprivate mutating func optional(_ name: String, _ value: String?) {
    if let value { string(name, value) } else { null(name) }
  }

  /// A member that may be absent, as null.
  fileprivate mutating func optional(_ name: String, _ value: UInt64?) {
    if let value { unsigned(name, value) } else { null(name) }
  }

  /// Numbers above the largest signed one are not sizes of anything: they are written as that.
  fileprivate mutating func unsigned(_ name: String, _ value: UInt64) {
    int64(name, Int64(clamping: value))
  }
}
