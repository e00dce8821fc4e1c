/// Joins what NVML says of GPUs with what the kernel shows of them. Pure.
///
/// A GPU that the kernel shows and NVML does not is an entry of its own, present and not usable.
struct GPUJoin {
  let status: NVMLStatus
  let catalogue: ProfileCatalogue?
  let platform: HostPlatform

  /// The GPUs of NVML in their order, completed, then those that only the kernel shows.
  func joined(_ gpus: [GPUEntry], _ kernel: [KernelDevice]) -> [GPUEntry] {
    var gpus = gpus
    var left = kernel
    for index in gpus.indices {
      guard let address = gpus[index].pciBusID.flatMap({ PCIAddress($0) }),
        let position = left.firstIndex(where: { $0.address == address })
      else { continue }
      complete(&gpus[index], left.remove(at: position))
    }
    completeSilent(&gpus, &left)
    for index in gpus.indices { markShared(&gpus[index]) }
    // The GPU of a chip has no place by which it could be recognised.
    if gpus.contains(where: \.sharesHostMemory) {
      left.removeAll { $0.address == nil && $0.vendor == .nvidia }
    }
    var next = (gpus.map(\.index).max() ?? -1) + 1
    for device in left.prefix(max(0, ProbeLimits.gpus - gpus.count)) {
      gpus.append(entry(of: device, index: next))
      next += 1
    }
    return gpus
  }

  /// GPUs that gave NVML no answer, in the kernel's words: NVML counts in the order of the bus, so
  /// where the numbers agree each is known.
  private func completeSilent(_ gpus: inout [GPUEntry], _ left: inout [KernelDevice]) {
    let silent = gpus.indices.filter { gpus[$0].pciBusID == nil && gpus[$0].uuid == nil }
    let unclaimed = left.indices.filter {
      left[$0].vendor == .nvidia && left[$0].kernelDriver == "nvidia" && left[$0].address != nil
    }
    guard !silent.isEmpty, silent.count == unclaimed.count else { return }
    for (index, position) in zip(silent, unclaimed) { complete(&gpus[index], left[position]) }
    for position in unclaimed.reversed() { left.remove(at: position) }
  }

  private func complete(_ gpu: inout GPUEntry, _ device: KernelDevice) {
    gpu.pciBusID = gpu.pciBusID ?? device.address?.nvmlForm
    gpu.pci = gpu.pci ?? device.identity
    gpu.name = gpu.name ?? device.name
    // What the kernel tells here is not late.
    if device.numaNode != nil { gpu.late.removeAll { $0.name == "numa_node" } }
    if gpu.cpus == nil, device.localCPUs != nil { gpu.late.removeAll { $0.name == "cpus" } }
    gpu.numaNode = device.numaNode ?? gpu.numaNode
    gpu.cpus = gpu.cpus ?? device.localCPUs
    gpu.memoryNode = gpu.memoryNode ?? device.memoryNode
    guard gpu.profile.name == nil, let catalogue else { return }
    var facts = device.facts
    facts.name = gpu.name
    facts.computeCapability = gpu.computeCapability ?? facts.computeCapability
    facts.memoryMiB = gpu.memory.map { $0.totalBytes >> 20 } ?? facts.memoryMiB
    gpu.profile = ProfileMatcher.gpu(facts, among: catalogue.profiles)
  }

  private func markShared(_ gpu: inout GPUEntry) {
    let profile = gpu.profile.name.flatMap { catalogue?.profile(named: $0) }
    let isShared = UnifiedMemory.isShared(name: gpu.name, profile: profile, platform: platform)
    guard isShared else {
      // A GPU with memory of its own that does not tell it cannot be offered.
      if profile != nil { gpu.sharesHostMemory = false }
      if gpu.state == .usable, gpu.memory == nil, !gpu.sharesHostMemory {
        gpu.warnings.append("its memory is not told, so it is not offered")
      }
      return
    }
    gpu.sharesHostMemory = true
    gpu.memory = nil
  }

  private func entry(of device: KernelDevice, index: Int) -> GPUEntry {
    var entry = GPUEntry(
      index: index, uuid: device.uuid ?? device.uniqueID, name: device.name, memory: nil,
      state: state(of: device), profile: device.profile)
    if let total = device.memoryTotalBytes {
      entry.memory = GPUMemory(
        totalBytes: total, usedBytes: device.memoryUsedBytes, reservedBytes: nil)
    }
    entry.vendor = device.vendor.rawValue
    entry.source = .sysfs
    entry.computeCapability = device.computeCapability
    entry.pciBusID = device.address?.nvmlForm
    entry.pci = device.identity
    entry.numaNode = device.numaNode
    entry.cpus = device.localCPUs
    entry.memoryNode = device.memoryNode
    entry.sharesHostMemory = device.memoryKind == .unified
    if device.vendor != .nvidia {
      entry.mig.instances = []
    }
    if let busy = device.busyPercent {
      entry.readings.numbers = [(GPUNumber.utilization.rawValue, UInt64(busy))]
    }
    return entry
  }

  /// NVIDIA's GPUs are used through NVML only: without it the kernel's word is not enough.
  private func state(of device: KernelDevice) -> GPUState {
    guard device.vendor == .nvidia, case .usable = device.state else { return device.state }
    switch status {
    case .running: return .notPermitted(reason: "NVML does not show it to this process")
    case .late, .askerFailed: return .unknown(reason: status.reason ?? "the driver is late")
    default: return .unusable(reason: status.reason ?? "NVML does not show it")
    }
  }
}
