public import HardwareProbe

extension FakeFile {
  /// What the NVML of a described machine says.
  ///
  /// Only GPUs of NVIDIA that the driver has bound are in it. Without a driver every init answers
  /// that none is loaded.
  public init(_ shape: NodeShape, catalogue: ProfileCatalogue, hostname: String) {
    self.init()
    guard let driver = shape.driver else {
      set("driver", ["init": "DRIVER_NOT_LOADED"])
      return
    }
    set(
      "driver",
      [
        "driver_version": driver.version, "nvml_version": driver.nvmlVersion,
        "cuda_version": driver.cudaVersion,
      ])
    let bound = shape.gpus.filter { gpu in
      gpu.kernelDriver == "nvidia" || gpu.kernelDriver == "nvgpu"
    }
    // NVML numbers what it sees: GPUs without its driver leave no gap.
    var numbers: [Int: Int] = [:]
    for gpu in bound where catalogue.profile(named: gpu.profile)?.vendor == .nvidia {
      numbers[gpu.index] = numbers.count
    }
    for gpu in bound {
      guard let profile = catalogue.profile(named: gpu.profile), let number = numbers[gpu.index]
      else { continue }
      let section = "gpu \(number)"
      addIdentity(gpu, profile, to: section, hostname: hostname)
      addPlace(gpu, in: shape, to: section)
      addLinks(gpu, profile, to: section, numbers: numbers)
      addMIG(gpu, profile, number: number, hostname: hostname)
    }
  }

  private mutating func addIdentity(
    _ gpu: NodeShape.GPU, _ profile: HardwareProfile, to section: String, hostname: String
  ) {
    let total = profile.memoryKind == .unified ? nil : gpu.memoryMiB ?? profile.memoryMiB
    let watts = profile.powerWatts.map { "\($0 * 1000)" }
    set(
      section,
      [
        "name": profile.match.nvmlNames.first ?? profile.name,
        "uuid": "GPU-\(FakeIdentifier.uuid("\(hostname)/gpu \(gpu.index)"))",
        "serial": "16500\(gpu.index)", "minor_number": "\(gpu.index)",
        "architecture": profile.architecture?.split(separator: " ").first?.lowercased(),
        "compute_capability": profile.match.computeCapability,
        "memory_total": total.map { "\($0) MiB" },
        "memory_reserved": total.map { _ in "\(profile.reservedMiB ?? 0) MiB" },
        "memory_used": total.map { _ in "0" },
        "bar1_total": total.map { "\($0) MiB" }, "bar1_used": total.map { _ in "0" },
        "gpu_utilization": "0", "memory_utilization": "0", "temperature_c": "30",
        "power_usage_mw": profile.powerWatts.map { "\($0 * 100)" }, "power_limit_mw": watts,
        "power_enforced_limit_mw": watts, "power_default_limit_mw": watts,
        "performance_state": "0", "persistence_mode": "1", "compute_mode": "0",
        "clocks_event_reasons": "idle", "accounting_mode": "0", "event_types": "0xE1F",
      ])
    if let id = FakePCI(profile.match.pciDeviceIDs) {
      self[section, "pci_device_id"] = id.device
      self[section, "pci_subsystem_id"] = id.subsystem
    }
  }

  private mutating func addPlace(
    _ gpu: NodeShape.GPU, in shape: NodeShape, to section: String
  ) {
    self[section, "bus_id"] = gpu.pciBusID
    if let id = gpu.numaNode, let node = shape.host.numaNodes.first(where: { $0.id == id }) {
      self[section, "cpu_affinity"] = node.cpus.list
      self[section, "memory_affinity"] = "\(id)"
    }
    if let own = shape.host.numaNodes.first(where: { $0.gpuIndex == gpu.index }) {
      self[section, "numa_node_id"] = "\(own.id)"
    }
  }

  private mutating func addLinks(
    _ gpu: NodeShape.GPU, _ profile: HardwareProfile, to section: String, numbers: [Int: Int]
  ) {
    if let generation = profile.pcieGeneration {
      for which in ["current", "max", "gpu_max"] {
        self[section, "pcie_gen_\(which)"] = "\(generation)"
      }
      self[section, "pcie_width_current"] = "16"
      self[section, "pcie_width_max"] = "16"
    }
    if let fabric = gpu.fabric {
      set(
        section,
        [
          "fabric_state": "3", "fabric_status": "0", "fabric_clique": "\(fabric.cliqueID)",
          "fabric_cluster": fabric.clusterUUID,
        ])
    }
    guard !gpu.links.isEmpty else { return }
    self[section, "nvlinks"] = "\(gpu.links.count)"
    // NVML numbers the versions in its own way.
    let versions = [1: 1, 2: 2, 3: 4, 4: 6, 5: 7]
    self[section, "nvlink_version"] = gpu.nvlinkVersion.flatMap { versions[$0] }.map { "\($0)" }
    let links = profile.links?.first { $0.kind == .nvlink }
    if let total = links?.totalMegabytes, let count = links?.count, count > 0 {
      self[section, "nvlink_speed_mbps"] = "\(total / UInt64(count) / 2)"
    }
    if gpu.links.allSatisfy({ $0 == .nvswitch }) {
      self[section, "nvlink_remote"] = "switch"
      return
    }
    for (link, end) in gpu.links.enumerated() {
      switch end {
      case .nvswitch: self["\(section) link \(link)", "remote"] = "switch"
      case .gpu(let other):
        self["\(section) link \(link)", "remote"] = numbers[other].map { "gpu \($0)" }
      case .inactive: self["\(section) link \(link)", "state"] = "0"
      }
    }
  }
}

/// NVML's form of a PCI identity: device and vendor in one number.
struct FakePCI {
  var device: String
  var subsystem: String?

  /// Of ids such as `10de:2330/10de:16c1`, the most exact.
  init?(_ ids: [String]) {
    guard let id = ids.max(by: { $0.count < $1.count }) else { return nil }
    let pairs = id.split(separator: "/").map { $0.split(separator: ":") }
    guard let first = pairs.first, first.count == 2 else { return nil }
    device = "0x\(first[1].uppercased())\(first[0].uppercased())"
    if pairs.count == 2, pairs[1].count == 2 {
      subsystem = "0x\(pairs[1][1].uppercased())\(pairs[1][0].uppercased())"
    }
  }
}
