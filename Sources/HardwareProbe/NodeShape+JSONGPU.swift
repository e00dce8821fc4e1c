internal import StrictJSON

extension NodeShape.GPUGroup {
  init(fields: inout JSONFields) throws {
    let profile = fields.string("profile", 1...64)
    let count = fields.int64("count", in: 1...Int64(ProbeLimits.gpus))
    let buses = fields.optionalArray("pci_bus_ids", min: 1, max: ProbeLimits.gpus) { value in
      let text = try value.string(16...16)
      guard PCIAddress(text) != nil, text == text.uppercased() else {
        throw value.refuse("not a place on the PCI bus", hint: "write it as 00000000:1B:00.0")
      }
      return text
    }
    let nodes = fields.optionalArray("numa_nodes", min: 1, max: ProbeLimits.gpus) { value in
      Int(try value.int64(in: 0...Int64(ProbeLimits.identifier)))
    }
    let memory = fields.optionalInt64("memory_mib", in: ProfileRange.memoryMiB)
    let driver = fields.optionalString("kernel_driver", 1...32)
    let nvlink = fields.optionalObject("nvlink", NodeShape.NVLink.init(fields:))
    let mig = fields.optionalObject("mig", NodeShape.MIG.init(fields:))
    self.init(
      profile: try profile.value, count: Int(try count.value), pciBusIDs: try buses.value,
      numaNodes: try nodes.value, memoryMiB: try memory.value.map { UInt64($0) },
      kernelDriver: try driver.value, nvlink: try nvlink.value, mig: try mig.value)
    for (key, found) in [("pci_bus_ids", pciBusIDs?.count), ("numa_nodes", numaNodes?.count)] {
      guard let found, found != self.count else { continue }
      fields.record(key, "\(found) entries for \(self.count) GPUs", hint: "write one for each")
    }
  }
}

extension NodeShape.NVLink {
  fileprivate init(fields: inout JSONFields) throws {
    let version = fields.int64("version", in: 1...16)
    let links = fields.int64("links", in: 1...Int64(ProfileRange.links))
    let isSwitched = fields.choice("remote", ["switch": true, "peers": false])
    let pairs = fields.optionalArray("pairs", min: 1, max: 1024) { value in
      try value.object { try NodeShape.Pair(fields: &$0) }
    }
    let fabric = fields.optionalObject("fabric") { fields in
      let cluster = fields.string("cluster_uuid", 36...36)
      let clique = fields.int64("clique_id", in: 0...Int64(UInt32.max))
      return try NodeShape.Fabric(clusterUUID: cluster.value, cliqueID: Int(clique.value))
    }
    let found = try pairs.value
    if try isSwitched.value, found != nil {
      fields.record("pairs", "links to a switch have no pairs", hint: "remove it")
    }
    if try !isSwitched.value, found == nil {
      fields.record("remote", "links to peers need pairs", hint: "add pairs")
    }
    self.init(
      version: Int(try version.value), links: Int(try links.value),
      remote: try isSwitched.value ? .switches : .peers(found ?? []), fabric: try fabric.value)
  }
}

extension NodeShape.Pair {
  fileprivate init(fields: inout JSONFields) throws {
    let gpus = fields.array("gpus", min: 2, max: 2) { value in
      Int(try value.int64(in: 0...Int64(ProbeLimits.gpus)))
    }
    let links = fields.int64("links", in: 1...Int64(ProfileRange.links))
    let ends = try gpus.value
    if ends[0] >= ends[1] { fields.record("gpus", "not in ascending order") }
    self.init(first: ends[0], second: ends[1], links: Int(try links.value))
  }
}

extension NodeShape.MIG {
  fileprivate init(fields: inout JSONFields) throws {
    let enabled = fields.bool("enabled")
    let pending = fields.optionalBool("pending")
    let instances = fields.optionalArray("instances", max: 1024) { value in
      try value.object { try NodeShape.Instance(fields: &$0) }
    }
    let isEnabled = try enabled.value
    let found = try instances.value ?? []
    if !isEnabled, !found.isEmpty {
      fields.record("instances", "instances while MIG is off", hint: "remove them")
    }
    self.init(isEnabled: isEnabled, isPending: try pending.value ?? isEnabled, instances: found)
  }
}

extension NodeShape.Instance {
  fileprivate init(fields: inout JSONFields) throws {
    let gpu = fields.int64("gpu", in: 0...Int64(ProbeLimits.gpus))
    let profile = fields.string("profile", 1...32)
    let start = fields.int64("start", in: 0...63)
    let size = fields.int64("size", in: 1...64)
    let slices = fields.optionalArray("compute_slices", min: 1, max: 16) { value in
      Int(try value.int64(in: 1...16))
    }
    self.init(
      gpuIndex: Int(try gpu.value), profile: try profile.value, start: Int(try start.value),
      size: Int(try size.value), computeSlices: try slices.value ?? [])
  }
}

/// Bounds that profiles and shapes have in common.
enum ProfileRange {
  /// MiB of a GPU or a NUMA node: up to 16 TiB, a hundred times what there is.
  static let memoryMiB: ClosedRange<Int64> = 1...(16 << 20)

  /// Links of one GPU: NVML 13 knows 36.
  static let links = 36
}
