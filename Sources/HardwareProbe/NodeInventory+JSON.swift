internal import StrictJSON

extension NodeInventory {
  /// The version of the JSON form that `json()` writes.
  public static let schemaVersion = 1

  /// The inventory as one JSON object, `kind` "node_inventory" (schemas/probe.schema.json):
  /// snake_case keys with their units, nulls for what is not known, so that the set of keys is
  /// always the same.
  ///
  /// - Returns: Text of several lines without a newline at its end.
  public func json() -> String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", Int64(Self.schemaVersion))
      writer.string("kind", "node_inventory")
      writer.known("node", host.hostname)
      writer.known("boot_id", host.bootID)
      writer.known("kernel_release", host.kernelRelease)
      writer.string("platform", platform.rawValue)
      writer.strings("sources", sources)
      writer.object("cpu") { write(cpu: &$0) }
      writer.object("memory") { write(memory: &$0) }
      writer.object("nvml") { write(nvml: &$0) }
      writer.array("devices") { writer in
        for gpu in gpus { writer.object { gpu.write(to: &$0) } }
      }
      writer.array("advertised") { writer in
        for kind in advertised {
          writer.object { writer in
            writer.string("profile", kind.profile)
            writer.optional("milli_gpu", kind.milliGPU.map { UInt64($0) })
            writer.int64("count", Int64(kind.count))
            writer.unsigned("memory_bytes", kind.memoryBytes)
          }
        }
      }
      writer.strings("notes", notes)
      writer.milli("elapsed_ms", Int64(clamping: elapsedNanoseconds / 1000))
    }
    return writer.text
  }

  private func write(cpu writer: inout JSONWriter) {
    writer.known("architecture", host.architecture)
    writer.known("model", host.cpuModel)
    cpuProfile.write(to: &writer)
    writer.optional("logical", capacity.onlineCPUCount > 0 ? UInt64(capacity.onlineCPUCount) : nil)
    writer.optional("usable_milli", capacity.cpuMilli > 0 ? capacity.cpuMilli : nil)
    writer.known("cpus", capacity.cpus.list)
    writer.object("limited_by") { capacity.cpuLimitedBy.write(to: &$0) }
    writer.array("numa") { writer in
      for node in capacity.numaNodes { writer.object { node.write(to: &$0) } }
    }
  }

  private func write(memory writer: inout JSONWriter) {
    let total = capacity.memoryTotalBytes
    writer.optional("total_bytes", total > 0 ? total : nil)
    writer.optional("usable_bytes", capacity.memoryBytes > 0 ? capacity.memoryBytes : nil)
    writer.unsigned("hugepage_bytes", capacity.hugepageBytes)
    writer.object("limited_by") { capacity.memoryLimitedBy.write(to: &$0) }
  }

  private func write(nvml writer: inout JSONWriter) {
    writer.string("status", nvml.word)
    writer.optional("path", nvml.path)
    writer.optional("reason", nvml.reason)
    if case .driverFailed(_, let code, _) = nvml {
      writer.int64("code", Int64(code))
    } else {
      writer.null("code")
    }
    let versions = nvml.versions
    writer.optional("driver_version", versions.driver)
    writer.optional("nvml_version", versions.library)
    writer.optional("cuda_version", cudaVersion.map { "\($0 / 1000).\($0 % 1000 / 10)" })
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
    writer.int64("id", Int64(numaNode))
    writer.string("cpus", cpus.list)
    writer.unsigned("usable_milli", cpuMilli)
    writer.unsigned("usable_bytes", memoryBytes)
  }
}

extension NVMLStatus {
  /// Versions of driver and library; nil when they are not told.
  var versions: (driver: String?, library: String?) {
    switch self {
    case .running(_, let driver, let library), .described(let driver, let library):
      (driver, library)
    default: (nil, nil)
    }
  }
}

extension ProfileMatch {
  /// Members `profile`, `matched_by`, `profile_reason` and `profile_candidates`.
  func write(to writer: inout JSONWriter) {
    var rule: String?
    var reason: String?
    var candidates: [String] = []
    switch self {
    case .matched(_, let found): rule = found.rawValue
    case .unknown(let why, let others): (reason, candidates) = (why, others)
    case .notChecked: reason = "no profiles were given"
    }
    writer.optional("profile", name)
    writer.optional("matched_by", rule)
    writer.optional("profile_reason", reason)
    writer.strings("profile_candidates", candidates)
  }
}

extension JSONWriter {
  /// A member that may be absent, as null.
  mutating func optional(_ name: String, _ value: String?) {
    if let value { string(name, value) } else { null(name) }
  }

  /// A member that may be absent, as null.
  mutating func optional(_ name: String, _ value: UInt64?) {
    if let value { unsigned(name, value) } else { null(name) }
  }

  /// A member that may be absent, as null.
  mutating func optional(_ name: String, _ value: Bool?) {
    if let value { bool(name, value) } else { null(name) }
  }

  /// A text in which nothing stands for "not known".
  mutating func known(_ name: String, _ value: String) {
    optional(name, value.isEmpty ? nil : value)
  }

  /// An array of strings.
  mutating func strings(_ name: String, _ values: [String]) {
    array(name) { writer in for value in values { writer.string(value) } }
  }

  /// Numbers above the largest signed one are not sizes of anything: they are written as that.
  mutating func unsigned(_ name: String, _ value: UInt64) {
    int64(name, Int64(clamping: value))
  }
}
