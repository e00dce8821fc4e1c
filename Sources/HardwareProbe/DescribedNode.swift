extension Probe {
  /// The inventory of a described machine: what a probe of such a machine would say. Nothing on
  /// this machine is asked, and no library is loaded.
  ///
  /// - Parameters:
  ///   - shape: The machine.
  ///   - catalogue: The profiles that its GPUs name. A GPU whose profile is not in it has only what
  ///     the shape itself says.
  ///   - source: Named in the inventory's sources.
  public static func describe(
    _ shape: NodeShape, catalogue: ProfileCatalogue, source: String
  ) -> NodeInventory {
    let start = Syscalls.monotonicNanoseconds()
    let node = DescribedNode(shape: shape, catalogue: catalogue)
    let host = HostIdentity(
      hostname: shape.name.printable, kernelRelease: (shape.host.kernelRelease ?? "").printable,
      bootID: "", architecture: HostProbe.architecture(shape.host.architecture),
      cpuModel: shape.host.cpuModel.printable)
    let record = node.record
    let (told, notes) = GPUFolding.entries(of: record, catalogue: catalogue)
    let isTegra = (shape.host.socFamily ?? "").lowercased().hasPrefix("tegra")
    let platform = isTegra ? HostPlatform.tegra : .standard
    let join = GPUJoin(status: record.status, catalogue: catalogue, platform: platform)
    let gpus = join.joined(told, node.kernelDevices).map { gpu in
      var gpu = gpu
      gpu.source = .described
      return gpu
    }
    var inventory = NodeInventory(
      host: host, capacity: node.capacity(source: source), nvml: record.status, gpus: gpus,
      cpuProfile: cpuProfile(host, catalogue), notes: notes, sources: [source],
      elapsedNanoseconds: 0)
    inventory.cudaVersion = record.cudaVersion
    inventory.platform = platform
    inventory.elapsedNanoseconds = Syscalls.monotonicNanoseconds() &- start
    return inventory
  }
}

/// A described machine in the probe's own terms: what its driver and its kernel would say. Pure.
struct DescribedNode {
  let shape: NodeShape
  let catalogue: ProfileCatalogue

  /// What its NVML would say.
  var record: NVMLRecord {
    guard let driver = shape.driver else {
      return NVMLRecord(status: .noLibrary(reason: "the described machine has no driver"))
    }
    var record = NVMLRecord(
      status: .described(driverVersion: driver.version, nvmlVersion: driver.nvmlVersion))
    record.cudaVersion = driver.cudaNumber > 0 ? driver.cudaNumber : nil
    // On a Tegra the kernel's part of the driver is nvgpu.
    record.gpus = shape.gpus.filter { ["nvidia", "nvgpu"].contains($0.kernelDriver) }.map(gpu)
    record.count = record.gpus.count
    record.isComplete = true
    return record
  }

  /// What its kernel would show.
  var kernelDevices: [KernelDevice] {
    shape.gpus.map { gpu in
      let profile = catalogue.profile(named: gpu.profile)
      let identity = profile?.match.pciDeviceIDs.first.flatMap { PCIIdentity($0) }
      let vendor = profile?.vendor ?? .nvidia
      var device = KernelDevice(
        address: PCIAddress(gpu.pciBusID), vendor: vendor, identity: identity,
        state: KernelDeviceReader.state(vendor, driver: gpu.kernelDriver))
      device.kernelDriver = gpu.kernelDriver
      device.numaNode = gpu.numaNode
      device.memoryNode = shape.host.numaNodes.first { $0.gpuIndex == gpu.index }?.id
      if vendor != .nvidia {
        device.uniqueID = uuid("GPU", gpu.index, 0)
        device.computeCapability = profile?.match.computeCapability
        device.memoryTotalBytes = bytes(gpu.memoryMiB ?? profile?.memoryMiB)
      }
      device.memoryKind = profile?.memoryKind ?? .own
      device.profile =
        profile.map { .matched(profile: $0.name, rule: .pciDevice) }
        ?? .unknown(reason: "no profile \(gpu.profile.printable)", candidates: [])
      return device
    }
  }

  /// All its CPUs and memory: a description has no limits.
  func capacity(source: String) -> HostCapacity {
    let nodes = shape.host.numaNodes.filter { $0.gpuIndex == nil }
    let machine = LimitSource(limit: .machine, source: source)
    func huge(_ node: NodeShape.NUMANode) -> UInt64 {
      CapacityRules.sum(node.hugepages.map { $0.sizeKiB &* 1024 &* $0.count })
    }
    func memory(_ node: NodeShape.NUMANode) -> UInt64 { bytes(node.memoryMiB) ?? 0 }
    let total = CapacityRules.sum(nodes.map(memory))
    let hugepages = CapacityRules.sum(nodes.map(huge))
    let cpus = CPUSet(nodes.flatMap(\.cpus.members))
    return HostCapacity(
      cpuMilli: UInt64(cpus.count) * 1000, cpuLimitedBy: machine, cpus: cpus,
      onlineCPUCount: cpus.count, memoryBytes: total - min(total, hugepages),
      memoryLimitedBy: machine, memoryTotalBytes: total, hugepageBytes: hugepages,
      numaNodes: nodes.filter { !$0.cpus.isEmpty }.map { node in
        NodeCPUs(
          numaNode: node.id, cpus: node.cpus,
          memoryBytes: memory(node) - min(memory(node), huge(node)))
      })
  }

  // MARK: one GPU

  private func gpu(_ gpu: NodeShape.GPU) -> GPURecord {
    let profile = catalogue.profile(named: gpu.profile)
    var record = GPURecord(index: gpu.index, handleCode: 0)
    func set(_ number: GPUNumber, _ value: UInt64?) {
      if let value { record.facts.set(number, Answer(value: value, code: 0)) }
    }
    func set(_ text: GPUText, _ value: String?) {
      if let value { record.facts.set(text, Answer(value: value, code: 0)) }
    }
    set(.name, profile?.match.nvmlNames.first)
    set(.uuid, uuid("GPU", gpu.index, 0))
    set(.busID, gpu.pciBusID)
    if let identity = profile?.match.pciDeviceIDs.first.flatMap({ PCIIdentity($0) }) {
      set(.pciDevice, Self.word(identity.device))
      set(.pciSubsystem, identity.subsystem.map(Self.word) ?? 0)
    }
    let capability = profile?.match.computeCapability?.split(separator: ".") ?? []
    if capability.count == 2 {
      set(.computeMajor, Decimal.parse(capability[0]))
      set(.computeMinor, Decimal.parse(capability[1]))
    }
    if profile?.memoryKind != .unified {
      set(.memoryTotal, bytes(gpu.memoryMiB ?? profile?.memoryMiB))
      set(.memoryReserved, bytes(profile?.reservedMiB))
    }
    if profile?.migAxes != nil || gpu.mig != nil {
      set(.migMode, gpu.mig?.isEnabled == true ? 1 : 0)
      set(.migPending, gpu.mig?.isPending == true ? 1 : 0)
    }
    if let fabric = gpu.fabric {
      set(.cluster, fabric.clusterUUID)
      set(.fabricClique, UInt64(fabric.cliqueID))
      set(.fabricState, 3)
      set(.fabricStatus, 0)
    }
    record.ports = Answer(value: ports(gpu), code: 0)
    if gpu.mig?.isEnabled == true { record.instances = instances(of: gpu, profile) }
    record.profiles = (profile?.migSlices ?? []).compactMap(kind)
    return record
  }

  private func ports(_ gpu: NodeShape.GPU) -> [PortRecord] {
    let codes: [Int: UInt64] = [1: 1, 2: 2, 3: 4, 4: 6, 5: 7]
    let others = shape.gpus
    return gpu.links.enumerated().map { number, end in
      var port = PortRecord(port: number, isActive: true)
      port.versionCode = gpu.nvlinkVersion.flatMap { codes[$0] }
      switch end {
      case .inactive: return PortRecord(port: number, isActive: false)
      case .nvswitch: port.remoteType = 2
      case .gpu(let index):
        port.remoteType = 0
        port.remoteBusID = others.first { $0.index == index }?.pciBusID
      }
      return port
    }
  }

  private func instances(
    of gpu: NodeShape.GPU, _ profile: HardwareProfile?
  ) -> [InstanceRecord] {
    var records: [InstanceRecord] = []
    for (number, instance) in (gpu.mig?.instances ?? []).enumerated() {
      let slice = profile?.migSlices.first { $0.name == instance.profile }
      let whole = instance.computeSlices.isEmpty
      for (compute, slices) in (whole ? [0] : instance.computeSlices).enumerated() {
        var record = InstanceRecord(position: records.count, handleCode: 0)
        func set(_ number: GPUNumber, _ value: UInt64?) {
          if let value { record.facts.set(number, Answer(value: value, code: 0)) }
        }
        let name = whole ? instance.profile : "\(slices)c.\(instance.profile)"
        record.facts.set(.name, Answer(value: "MIG \(name)", code: 0))
        record.facts.set(
          .uuid, Answer(value: uuid("MIG", gpu.index, records.count + 1), code: 0))
        set(.gpuInstance, UInt64(number + 1))
        set(.computeInstance, UInt64(compute))
        set(.placementStart, UInt64(instance.start))
        set(.placementSize, UInt64(instance.size))
        set(.memoryTotal, bytes(slice?.memoryMiB))
        set(.multiprocessors, whole ? slice?.multiprocessors.map { UInt64($0) } : nil)
        records.append(record)
      }
    }
    return records
  }

  private func kind(_ slice: HardwareProfile.MIGSlice) -> InstanceProfileRecord? {
    guard let id = slice.nvmlProfileID, let slices = slice.computeSlices,
      let most = slice.instancesMax, let processors = slice.multiprocessors,
      let memory = slice.memoryMiB
    else { return nil }
    return InstanceProfileRecord(
      id: UInt32(clamping: id), name: "MIG \(slice.name)", slices: UInt32(clamping: slices),
      instances: UInt32(clamping: most), multiprocessors: UInt32(clamping: processors),
      memoryMiB: memory, remaining: nil,
      placements: slice.placementStarts.map { start in
        MIGPlacement(
          start: UInt32(clamping: start), size: UInt32(clamping: slice.placementSize ?? 1))
      })
  }

  private func bytes(_ mebibytes: UInt64?) -> UInt64? {
    mebibytes.map { min($0, UInt64(Int64.max) >> 20) << 20 }
  }

  private static func word(_ pair: PCIIdentity.Pair) -> UInt64 {
    UInt64(pair.device) << 16 | UInt64(pair.vendor)
  }

  /// The same for the same machine, and another for another: from the name, by FNV-1a.
  private func uuid(_ kind: String, _ index: Int, _ part: Int) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in shape.name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = Array(Hexadecimal.text(hash, digits: 16))
    let groups = [digits[0..<8], digits[8..<12]].map { String($0) }
    let rest = String(digits[12..<15])
    let last = Hexadecimal.text(UInt64(index) << 16 | UInt64(part), digits: 12)
    return "\(kind)-\(groups[0])-\(groups[1])-4\(rest)-8000-\(last)"
  }
}
