/// Reads the GPUs that the kernel shows: PCI functions of class display or processing accelerator
/// from makers of GPUs, and the GPU of a Tegra.
enum KernelDeviceReader {
  static let pciDirectory = "/sys/bus/pci/devices"

  /// Classes of PCI functions that are GPUs: VGA, 3D, other display, processing accelerator.
  static let classes: Set<UInt64> = [0x0300, 0x0302, 0x0380, 0x1200]

  /// Every GPU, in the order of the PCI bus, then the one of the chip itself.
  ///
  /// - Parameter catalogue: Where to look up profiles; nil leaves every device without one.
  static func readAll(
    from tree: inout FileTree, catalogue: ProfileCatalogue?
  ) -> [KernelDevice] {
    let capabilities = KFDNode.capabilities(from: &tree)
    let drivers = NVIDIAProcEntry.readAll(from: &tree)
    var devices: [KernelDevice] = []
    for name in tree.names(in: pciDirectory) {
      guard let address = PCIAddress(name) else { continue }
      let entry = drivers.first { $0.address == address }
      let path = "\(pciDirectory)/\(name)"
      if let device = read(path, at: address, entry: entry, from: &tree) { devices.append(device) }
    }
    devices += graphicsCards(beside: devices, from: &tree)
    // A container may show the driver's list and hide the bus.
    for entry in drivers where !devices.contains(where: { $0.address == entry.address }) {
      var device = KernelDevice(address: entry.address, vendor: .nvidia, state: .usable)
      device.kernelDriver = "nvidia"
      entry.fill(&device)
      devices.append(device)
    }
    devices.sort { ($0.address ?? .last) < ($1.address ?? .last) }
    if let device = tegra(from: &tree) { devices.append(device) }
    if devices.count > ProbeLimits.gpus {
      tree.note("\(devices.count) GPUs on the PCI bus: only \(ProbeLimits.gpus) are shown")
      devices.removeLast(devices.count - ProbeLimits.gpus)
    }
    for index in devices.indices {
      if let address = devices[index].address, let capability = capabilities[address] {
        devices[index].computeCapability = capability
      }
      guard let catalogue else { continue }
      let match = ProfileMatcher.gpu(devices[index].facts, among: catalogue.profiles)
      devices[index].profile = match
      if let name = match.name, let profile = catalogue.profile(named: name) {
        devices[index].memoryKind = profile.memoryKind
      }
    }
    return devices
  }

  /// One PCI function; nil when it is no GPU.
  private static func read(
    _ path: String, at address: PCIAddress?, entry: NVIDIAProcEntry?, from tree: inout FileTree
  ) -> KernelDevice? {
    let uevent = Uevent(tree.text(path + "/uevent") ?? "")
    let code = tree.line(path + "/class").flatMap { Hexadecimal.parsePrefixed($0, digits: 4...8) }
    guard let code = code ?? uevent.classCode, classes.contains(code >> 8) else { return nil }
    // A virtual function of a GPU that is shared out is no device of its own.
    if tree.exists(path + "/physfn") { return nil }
    let identity = identity(path, from: &tree) ?? uevent.identity
    let known = identity.flatMap { PCIVendor(number: $0.device.vendor) }
    guard let vendor = known ?? (identity == nil && entry != nil ? .nvidia : nil) else {
      return nil
    }
    var device = KernelDevice(
      address: address, vendor: vendor, identity: identity, state: .usable)
    device.kernelDriver =
      tree.linkTarget(path + "/driver") ?? uevent.driver ?? entry.map { _ in "nvidia" }
    device.state = state(vendor, driver: device.kernelDriver)
    device.numaNode = tree.line(path + "/numa_node").flatMap { Decimal.parse($0) }
      .flatMap { $0 <= UInt64(ProbeLimits.identifier) ? Int($0) : nil }
    device.localCPUs = tree.list(path + "/local_cpulist") ?? tree.mask(path + "/local_cpus")
    readMemory(path, into: &device, from: &tree)
    entry?.fill(&device)
    return device
  }

  /// AMD's driver tells memory and load; others tell neither, which is not guessed.
  private static func readMemory(
    _ path: String, into device: inout KernelDevice, from tree: inout FileTree
  ) {
    guard device.vendor == .amd else { return }
    device.name = tree.line(path + "/product_name")?.printable
    device.uniqueID = tree.line(path + "/unique_id")?.printable
    let total = tree.line(path + "/mem_info_vram_total").flatMap { Decimal.parse($0) }
    let used = tree.line(path + "/mem_info_vram_used").flatMap { Decimal.parse($0) }
    if let total, total > 0 { device.memoryTotalBytes = total }
    if let used, let total, used <= total { device.memoryUsedBytes = used }
    if let busy = tree.line(path + "/gpu_busy_percent").flatMap({ Decimal.parse($0) }), busy <= 100
    {
      device.busyPercent = Int(busy)
    }
    if total == nil, case .usable = device.state {
      device.state = .unusable(reason: "amdgpu tells no memory (mem_info_vram_total)")
    }
  }

  /// Graphics cards below /sys/class/drm that the PCI directory does not show, as in trees that
  /// were captured without it.
  private static func graphicsCards(
    beside known: [KernelDevice], from tree: inout FileTree
  ) -> [KernelDevice] {
    var found: [KernelDevice] = []
    for number in tree.numbered("card", in: "/sys/class/drm") {
      let path = "/sys/class/drm/card\(number)/device"
      let uevent = Uevent(tree.text(path + "/uevent") ?? "")
      let address = uevent.address ?? tree.linkTarget(path).flatMap { PCIAddress($0) }
      let isKnown = (known + found).contains { $0.address != nil && $0.address == address }
      // Without an address it cannot be told apart from what the bus shows.
      if isKnown || (address == nil && !known.isEmpty) { continue }
      if let device = read(path, at: address, entry: nil, from: &tree) { found.append(device) }
    }
    return found
  }

  private static func identity(_ path: String, from tree: inout FileTree) -> PCIIdentity? {
    func number(_ file: String) -> UInt16? {
      tree.line("\(path)/\(file)").flatMap { Hexadecimal.parsePrefixed($0, digits: 1...4) }
        .map { UInt16($0) }
    }
    guard let vendor = number("vendor"), let device = number("device") else { return nil }
    var identity = PCIIdentity(device: PCIIdentity.Pair(vendor: vendor, device: device))
    if let vendor = number("subsystem_vendor"), let device = number("subsystem_device"),
      vendor != 0
    {
      identity.subsystem = PCIIdentity.Pair(vendor: vendor, device: device)
    }
    return identity
  }

  /// Whether a bound driver can compute.
  static func state(_ vendor: PCIVendor, driver: String?) -> GPUState {
    guard let driver else { return .unusable(reason: "no kernel driver is bound to it") }
    switch (vendor, driver) {
    case (.nvidia, "nvidia"), (.amd, "amdgpu"), (.intel, "i915"), (.intel, "xe"): return .usable
    case (_, "vfio-pci"), (_, "pci-stub"), (_, "xen-pciback"):
      return .unusable(reason: "bound to \(driver): it is set aside for a virtual machine")
    default: return .unusable(reason: "bound to \(driver.printable), which cannot compute")
    }
  }

  /// The GPU of a Tegra, which is on no bus; NVML, where there is one, knows more.
  private static func tegra(from tree: inout FileTree) -> KernelDevice? {
    guard HostPlatform.isTegra(&tree) else { return nil }
    let model =
      tree.line("/proc/device-tree/model") ?? tree.line("/sys/firmware/devicetree/base/model")
    var device = KernelDevice(
      address: nil, vendor: .nvidia,
      state: .unusable(reason: "the GPU of a Tegra: only NVML can tell its state"))
    device.name = model?.printable
    device.memoryKind = .unified
    return device
  }
}

extension PCIAddress {
  /// Sorts after every place that there is.
  fileprivate static let last = PCIAddress(
    domain: .max, bus: .max, device: .max, function: .max)
}
