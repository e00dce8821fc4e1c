/// Asks the kernel what CPU and memory this process may offer.
enum HostProbe {
  /// What the machine is called and what runs on it; empty strings where it does not say.
  static func identity(from tree: inout FileTree) -> HostIdentity {
    let system = tree.isLive ? Syscalls.systemName() : nil
    let host = system?.host ?? tree.line("/proc/sys/kernel/hostname") ?? ""
    let release = system?.release ?? tree.line("/proc/sys/kernel/osrelease") ?? ""
    let machine = system?.machine ?? tree.line("/proc/sys/kernel/arch") ?? ""
    let boot = tree.line("/proc/sys/kernel/random/boot_id") ?? ""
    return HostIdentity(
      hostname: host.printable, kernelRelease: release.printable, bootID: boot.printable,
      architecture: architecture(machine), cpuModel: cpuModel(from: &tree))
  }

  /// The names that profiles use: `x86-64` and `arm64`; others stay as the kernel says them.
  static func architecture(_ machine: String) -> String {
    switch machine {
    case "x86_64", "amd64": "x86-64"
    case "aarch64", "arm64": "arm64"
    default: machine.printable
    }
  }

  /// The first CPU's model name. ARM kernels print none, so there it is made of the numbers.
  static func cpuModel(from tree: inout FileTree) -> String {
    guard let text = tree.text("/proc/cpuinfo") else { return "" }
    var fields: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline).prefix(64) {
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2 else { continue }
      let name = halves[0].trimmed
      if fields[name] == nil { fields[name] = halves[1].printable }
    }
    if let model = fields["model name"] ?? fields["cpu"], !model.isEmpty { return model }
    guard let maker = fields["CPU implementer"], let part = fields["CPU part"] else { return "" }
    return "implementer \(maker) part \(part)"
  }

  /// CPUs, memory and NUMA nodes that this process may use, and what limits them.
  static func capacity(from tree: inout FileTree) -> HostCapacity {
    let limits = CgroupLimits.read(CgroupTree.read(from: &tree), from: &tree)
    let nodes = NumaNode.readAll(from: &tree)
    let affinity = affinity(from: &tree)
    let online = onlineCPUs(from: &tree) ?? affinity ?? CPUSet()
    if online.isEmpty { tree.note("no list of CPUs was found") }
    let (cpus, cpuLimit) = CapacityRules.cpus(online: online, affinity: affinity, limits: limits)
    let (milli, quotaLimit) = CapacityRules.milli(cpus: cpus, limits: limits)
    let memory = memory(nodes: nodes, limits: limits, from: &tree)
    let parts = CapacityRules.nodes(
      nodes, cpus: cpus, memoryNodes: limits.memoryNodes?.value, memoryBytes: memory.machine)
    for note in CapacityRules.contradictions(nodes, online: online, totalBytes: memory.total) {
      tree.note(note)
    }
    return HostCapacity(
      cpuMilli: milli, cpuLimitedBy: quotaLimit ?? cpuLimit, cpus: cpus,
      onlineCPUCount: online.count, memoryBytes: memory.bytes, memoryLimitedBy: memory.limitedBy,
      memoryTotalBytes: memory.total, hugepageBytes: memory.hugepages, numaNodes: parts)
  }

  private struct Memory {
    var bytes: UInt64
    var limitedBy: LimitSource
    var total: UInt64
    var hugepages: UInt64
    /// What the kernel manages for ordinary use: without huge pages and memory of GPUs.
    var machine: UInt64
  }

  private static func memory(
    nodes: [NumaNode], limits: CgroupLimits, from tree: inout FileTree
  ) -> Memory {
    let meminfo = Meminfo(tree.text("/proc/meminfo") ?? "")
    if meminfo.bytes("MemTotal") == nil { tree.note("/proc/meminfo: no MemTotal") }
    let host = nodes.filter { !$0.cpus.isEmpty }
    // When no node has CPUs the lists are what is broken, not the memory.
    let foreign = host.isEmpty ? [] : nodes.filter(\.cpus.isEmpty)
    if !foreign.isEmpty {
      let ids = CPUSet(foreign.map(\.id)).list
      tree.note("NUMA nodes without CPUs (memory of GPUs or expanders) are left out: \(ids)")
    }
    let hugepages =
      host.isEmpty
      ? Hugepages.bytes(in: "/sys/kernel/mm/hugepages", from: &tree)
      : CapacityRules.sum(host.map(\.hugepageBytes))
    let total = meminfo.bytes("MemTotal") ?? CapacityRules.sum(nodes.map(\.memoryBytes))
    let foreignBytes = CapacityRules.sum(foreign.map(\.memoryBytes))
    let machine = total - min(total, foreignBytes)
    let usable = machine - min(machine, hugepages)
    let (bytes, limitedBy) = CapacityRules.memory(
      machine: usable, nodes: host, limits: limits, meminfoTotal: total)
    return Memory(
      bytes: bytes, limitedBy: limitedBy, total: total, hugepages: hugepages, machine: usable)
  }

  /// CPUs this process may run on: the kernel's answer, or what a captured tree says it was.
  private static func affinity(from tree: inout FileTree) -> CPUSet? {
    if tree.isLive { return Syscalls.affinity() }
    guard let status = tree.text("/proc/self/status") else { return nil }
    for line in status.split(whereSeparator: \.isNewline) where line.hasPrefix("Cpus_allowed_list:")
    {
      return CPUSet(list: line.dropFirst("Cpus_allowed_list:".count))
    }
    return nil
  }

  /// CPUs that are online, by the best source there is.
  private static func onlineCPUs(from tree: inout FileTree) -> CPUSet? {
    if let online = tree.list("/sys/devices/system/cpu/online") { return online }
    // Kernels before 2.6.26 and small containers: one "cpuN" line for every online CPU.
    guard let stat = tree.text("/proc/stat") else { return nil }
    let ids = stat.split(whereSeparator: \.isNewline).compactMap { line -> Int? in
      guard line.hasPrefix("cpu"), let name = line.split(separator: " ").first,
        let id = Decimal.parse(name.dropFirst(3)), id <= UInt64(ProbeLimits.identifier)
      else { return nil }
      return Int(id)
    }
    return ids.isEmpty ? nil : CPUSet(ids)
  }
}
