internal import StrictJSON

extension NodeShape {
  /// The one version of the file form that this code reads.
  public static let schemaVersion = 1

  /// Reads one node shape.
  ///
  /// - Parameters:
  ///   - json: The text of the file.
  ///   - file: Its path, for messages; the last component must be the shape's name and `.json`.
  /// - Throws: `ProfileErrors` with every error of the file. Names of profiles are not looked up:
  ///   see ``check(against:)``.
  public init(json: String, file: String) throws(ProfileErrors) {
    self = try ProfileFile.decode(json, file: file, Self.read)
  }

  private static func read(_ fields: inout JSONFields, _ stem: String) throws -> NodeShape {
    let version = Int64(schemaVersion)
    let schema = fields.int64("schema_version", in: version...version)
    let kind = fields.choice("kind", ["node_shape": true])
    let name = fields.string("name", 1...64)
    ProfileName.check(&fields, name: try? name.value, stem: stem)
    let description = fields.string("description", 1...256)
    let host = fields.object("host", Host.init(fields:))
    let driver = fields.optionalObject("driver", Driver.init(fields:))
    let groups = fields.array("gpus", max: ProbeLimits.gpus) { value in
      try value.object { try GPUGroup(fields: &$0) }
    }
    let sources = fields.array("sources", min: 1, max: 32) { try $0.string(1...512) }
    _ = try (schema.value, kind.value)
    let shape = try NodeShape(
      name: name.value, description: description.value, host: host.value, driver: driver.value,
      groups: groups.value, sources: sources.value)
    for (key, problem) in shape.faults { fields.record(key, problem) }
    return shape
  }
}

extension NodeShape.Host {
  fileprivate init(fields: inout JSONFields) throws {
    let architecture = fields.string("architecture", 1...32)
    let model = fields.string("cpu_model", 1...96)
    let sockets = fields.int64("sockets", in: 1...64)
    let cores = fields.int64("cores_per_socket", in: 1...1024)
    let threads = fields.int64("threads_per_core", in: 1...8)
    let release = fields.optionalString("kernel_release", 1...64)
    let family = fields.optionalString("soc_family", 1...64)
    let nodes = fields.array("numa_nodes", min: 1, max: 256) { value in
      try value.object { try NodeShape.NUMANode(fields: &$0) }
    }
    self.init(
      architecture: try architecture.value, cpuModel: try model.value,
      sockets: Int(try sockets.value), coresPerSocket: Int(try cores.value),
      threadsPerCore: Int(try threads.value), numaNodes: try nodes.value,
      kernelRelease: try release.value, socFamily: try family.value)
    let together = numaNodes.reduce(0) { $0 + $1.cpus.count }
    if together != logicalCPUs {
      fields.record(
        "numa_nodes", "the nodes hold \(together) CPUs",
        hint: "sockets × cores × threads are \(logicalCPUs)")
    }
    for (before, node) in zip(numaNodes, numaNodes.dropFirst()) where before.id >= node.id {
      fields.record("numa_nodes", "node \(node.id) after node \(before.id)", hint: "sort by id")
    }
    for (index, node) in numaNodes.enumerated() {
      let shared = numaNodes[..<index].filter { !$0.cpus.intersection(node.cpus).isEmpty }
      for other in shared {
        fields.record("numa_nodes", "nodes \(other.id) and \(node.id) share a CPU")
      }
    }
  }
}

extension NodeShape.NUMANode {
  fileprivate init(fields: inout JSONFields) throws {
    let id = fields.int64("id", in: 0...Int64(ProbeLimits.identifier))
    let cpus = fields.optional("cpus") { value in
      guard let set = CPUSet(list: try value.string(0...1024)) else {
        throw value.refuse("not a list of CPUs", hint: "write it as the kernel does: 0-15,32-47")
      }
      return set
    }
    let memory = fields.int64("memory_mib", in: 0...ProfileRange.memoryMiB.upperBound)
    let hugepages = fields.optionalArray("hugepages", min: 1, max: 8) { value in
      try value.object { fields in
        let size = fields.int64("size_kib", in: 4...(1 << 30))
        let count = fields.int64("count", in: 1...(1 << 30))
        return try NodeShape.Hugepage(
          sizeKiB: UInt64(size.value), count: UInt64(count.value))
      }
    }
    let gpu = fields.optionalInt64("gpu", in: 0...Int64(ProbeLimits.gpus))
    let set = try cpus.value ?? CPUSet()
    if try gpu.value != nil, !set.isEmpty { fields.record("gpu", "memory of a GPU has no CPUs") }
    let reserved = (try hugepages.value ?? []).reduce(UInt64(0)) {
      $0 &+ ($1.sizeKiB &* $1.count) >> 10
    }
    if reserved > UInt64(try memory.value) {
      fields.record("hugepages", "\(reserved) MiB of huge pages are more than the node has")
    }
    self.init(
      id: Int(try id.value), cpus: set, memoryMiB: UInt64(try memory.value),
      hugepages: try hugepages.value ?? [], gpuIndex: try gpu.value.map { Int($0) })
  }
}

extension NodeShape.Driver {
  fileprivate init(fields: inout JSONFields) throws {
    let version = fields.string("version", 1...79)
    let nvml = fields.optionalString("nvml_version", 1...79)
    let cuda = fields.read("cuda_version") { value in
      let text = try value.string(3...7)
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ (Decimal.parse($0) ?? .max) < 100 }) else {
        throw value.refuse("not a version of CUDA", hint: "write it as 12.4")
      }
      return text
    }
    self.init(
      version: try version.value, nvmlVersion: try nvml.value, cudaVersion: try cuda.value)
  }
}
