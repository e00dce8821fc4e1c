/// Asks the kernel what CPU and memory this process may offer.
enum HostProbe {
  /// CPUs, memory and NUMA nodes that this process may use, and what limits them.
  static func capacity(from tree: inout FileTree) -> HostCapacity {
    var limits = CgroupLimits.read(CgroupTree.read(from: &tree), from: &tree)
    let status = "/proc/self/status"
    if let allowed = statusList("Mems_allowed_list:", from: &tree), !allowed.isEmpty {
      limits.allow(memoryNodes: allowed, source: status)
    }
    let nodes = NumaNode.readAll(from: &tree)
    let affinity = affinity(from: &tree)
    let online = onlineCPUs(from: &tree) ?? affinity ?? CPUSet()
    if online.isEmpty { tree.note("no list of CPUs was found") }
    let (cpus, cpuLimit) = CapacityRules.cpus(online: online, affinity: affinity, limits: limits)
    let (milli, quotaLimit) = CapacityRules.milli(cpus: cpus, limits: limits)
    let memory = memory(nodes: nodes, limits: limits, from: &tree)
    let parts = CapacityRules.nodes(
      nodes, cpus: cpus, memoryNodes: limits.memoryNodes?.value, memoryBytes: memory.machine)
    for note in CapacityRules.contradictions(nodes, online: online, totalBytes: memory.meminfo) {
      tree.note(note)
    }
    return HostCapacity(
      cpuMilli: milli, cpuLimitedBy: quotaLimit ?? cpuLimit, cpus: cpus,
      onlineCPUCount: online.count, memoryBytes: memory.bytes, memoryLimitedBy: memory.limitedBy,
      memoryTotalBytes: memory.total, hugepageBytes: memory.hugepages, numaNodes: parts,
      machineNodes: nodes.map { $0.shown(online: online) })
  }

  private struct Memory {
    var bytes: UInt64
    var limitedBy: LimitSource
    /// Of the host, before any limit.
    var total: UInt64
    /// What the kernel says in all.
    var meminfo: UInt64
    var hugepages: UInt64
    /// What the kernel manages for ordinary use: without huge pages and memory of GPUs.
    var machine: UInt64
  }

  private static func memory(
    nodes: [NumaNode], limits: CgroupLimits, from tree: inout FileTree
  ) -> Memory {
    let meminfo = Meminfo(tree.text("/proc/meminfo") ?? "")
    if meminfo.bytes("MemTotal") == nil { tree.note("/proc/meminfo: no MemTotal") }
    // When no node has CPUs the lists are what is broken, not the memory.
    let host = nodes.filter(\.isHost)
    let foreign = nodes.filter { host.isEmpty ? $0.gpu != nil : !$0.isHost }
    if !foreign.isEmpty {
      let ids = CPUSet(foreign.map(\.id)).list
      tree.note("NUMA nodes without CPUs (memory of GPUs or expanders) are left out: \(ids)")
    }
    let inNodes = CapacityRules.sum(host.map(\.memoryBytes))
    let all = meminfo.bytes("MemTotal") ?? CapacityRules.sum(nodes.map(\.memoryBytes))
    var total = all - min(all, CapacityRules.sum(foreign.map(\.memoryBytes)))
    let offline = NumaNode.offline(from: &tree)
    if !host.isEmpty, inNodes < total, !offline.isEmpty {
      // What the kernel counts beyond its online nodes nobody can allocate.
      total = inNodes
    }
    let hugepages = hugepages(host, from: &tree)
    let usable = total - min(total, hugepages)
    let (bytes, limitedBy) = CapacityRules.memory(
      machine: usable, nodes: host, limits: limits, total: all)
    return Memory(
      bytes: bytes, limitedBy: limitedBy, total: total, meminfo: all, hugepages: hugepages,
      machine: usable)
  }

  /// Bytes of huge pages on the nodes of the host, or of the whole machine where the nodes do not
  /// tell.
  private static func hugepages(_ host: [NumaNode], from tree: inout FileTree) -> UInt64 {
    let tell = host.contains { tree.exists("\(NumaNode.directory)/node\($0.id)/hugepages") }
    return tell
      ? CapacityRules.sum(host.map(\.hugepageBytes))
      : Hugepages.bytes(in: "/sys/kernel/mm/hugepages", from: &tree)
  }

  /// CPUs this process may run on: the kernel's answer, or what a captured tree says it was.
  private static func affinity(from tree: inout FileTree) -> CPUSet? {
    if tree.isLive { return Syscalls.affinity() }
    return statusList("Cpus_allowed_list:", from: &tree)
  }

  /// A list of `/proc/self/status`.
  private static func statusList(_ name: String, from tree: inout FileTree) -> CPUSet? {
    guard let status = tree.text("/proc/self/status") else { return nil }
    let line = status.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name) }
    return line.flatMap { CPUSet(list: $0.dropFirst(name.count)) }
  }

  /// CPUs that are online, by the best source there is.
  private static func onlineCPUs(from tree: inout FileTree) -> CPUSet? {
    if let online = tree.list("\(cpuDirectory)/online") { return online }
    // Kernels before 2.6.26 and small containers: one "cpuN" line for every online CPU.
    let stat = (tree.text("/proc/stat") ?? "").split(whereSeparator: \.isNewline)
    let running = stat.compactMap { line -> Int? in
      guard line.hasPrefix("cpu"), let name = line.split(separator: " ").first else { return nil }
      return identifier(name.dropFirst(3))
    }
    if !running.isEmpty { return CPUSet(running.filter { !isOffline($0, in: &tree) }) }
    let cpuinfo = (tree.text("/proc/cpuinfo") ?? "").split(whereSeparator: \.isNewline)
    let listed = cpuinfo.compactMap { line -> Int? in
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2, halves[0].trimmed == "processor" else { return nil }
      return identifier(halves[1].trimmed)
    }
    if !listed.isEmpty { return CPUSet(listed) }
    let present = tree.numbered("cpu", in: cpuDirectory)
    let online = present.filter { !isOffline($0, in: &tree) }
    return online.isEmpty ? nil : CPUSet(online)
  }

  private static let cpuDirectory = "/sys/devices/system/cpu"

  private static func isOffline(_ cpu: Int, in tree: inout FileTree) -> Bool {
    tree.line("\(cpuDirectory)/cpu\(cpu)/online") == "0"
  }

  private static func identifier(_ text: some StringProtocol) -> Int? {
    guard let id = Decimal.parse(text), id <= UInt64(ProbeLimits.identifier) else { return nil }
    return Int(id)
  }
}
