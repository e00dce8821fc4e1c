/// Arithmetic from raw facts to what may be offered. Pure: the same facts give the same capacity.
enum CapacityRules {
  /// The CPUs in every set, and which set took some away last.
  static func cpus(
    online: CPUSet, affinity: CPUSet?, limits: CgroupLimits
  ) -> (cpus: CPUSet, limitedBy: LimitSource) {
    var cpus = online
    var limitedBy = LimitSource(limit: .machine, source: "/sys/devices/system/cpu/online")
    if let bound = limits.cpus {
      let both = cpus.intersection(bound.value)
      if !both.isEmpty && both != cpus {
        cpus = both
        limitedBy = LimitSource(limit: .cpuset, source: bound.source)
      }
    }
    if let affinity {
      let both = cpus.intersection(affinity)
      if !both.isEmpty && both != cpus {
        cpus = both
        limitedBy = LimitSource(limit: .affinity, source: "sched_getaffinity")
      }
    }
    return (cpus, limitedBy)
  }

  /// Thousandths of a CPU, and the quota when it is what binds.
  static func milli(
    cpus: CPUSet, limits: CgroupLimits
  ) -> (milli: UInt64, limitedBy: LimitSource?) {
    let whole = UInt64(cpus.count) * 1000
    guard let quota = limits.cpuMilli, quota.value < whole else { return (whole, nil) }
    return (quota.value, LimitSource(limit: .cpuQuota, source: quota.source))
  }

  /// The smallest of the machine's memory, the allowed nodes' memory and the cgroups' limit.
  static func memory(
    machine: UInt64, nodes: [NumaNode], limits: CgroupLimits, total: UInt64
  ) -> (bytes: UInt64, limitedBy: LimitSource) {
    var bytes = machine
    var limitedBy = LimitSource(limit: .machine, source: "/proc/meminfo")
    if machine < total {
      limitedBy = LimitSource(limit: .reserved, source: NumaNode.directory)
    }
    if let bound = limits.memoryNodes, nodes.contains(where: { !bound.value.contains($0.id) }) {
      let allowed = nodes.filter { bound.value.contains($0.id) }.map(usable)
      if !allowed.isEmpty && sum(allowed) < bytes {
        bytes = sum(allowed)
        limitedBy = LimitSource(limit: .cpuset, source: bound.source)
      }
    }
    if let bound = limits.memoryBytes, bound.value < bytes {
      bytes = bound.value
      limitedBy = LimitSource(limit: .memoryLimit, source: bound.source)
    }
    return (bytes, limitedBy)
  }

  /// The nodes that have something to offer. A machine without a NUMA directory is one node 0.
  /// Where only one node is possible its memory is the machine's, whatever the node's own file
  /// says: that misses memory which was added while the machine ran.
  static func nodes(
    _ nodes: [NumaNode], cpus: CPUSet, memoryNodes: CPUSet?, memoryBytes: UInt64
  ) -> [NodeCPUs] {
    let host = nodes.filter(\.isHost)
    guard !host.isEmpty else {
      return cpus.isEmpty && memoryBytes == 0
        ? [] : [NodeCPUs(numaNode: 0, cpus: cpus, memoryBytes: memoryBytes)]
    }
    return host.compactMap { node in
      let own = node.cpus.intersection(cpus)
      let isAllowed = memoryNodes?.contains(node.id) ?? true
      let memory = !isAllowed ? 0 : node.isOnly ? memoryBytes : usable(node)
      return own.isEmpty && memory == 0
        ? nil : NodeCPUs(numaNode: node.id, cpus: own, memoryBytes: memory)
    }
  }

  /// Where the kernel's files speak against each other, in words.
  static func contradictions(
    _ nodes: [NumaNode], online: CPUSet, totalBytes: UInt64
  ) -> [String] {
    guard !nodes.isEmpty else { return [] }
    var notes: [String] = []
    let homeless = online.members.filter { cpu in !nodes.contains { $0.cpus.contains(cpu) } }
    if !homeless.isEmpty && homeless.count < online.count {
      notes.append("CPUs \(CPUSet(homeless).list) are online but in no online NUMA node")
    }
    let inNodes = sum(nodes.map(\.memoryBytes))
    let difference = max(inNodes, totalBytes) - min(inNodes, totalBytes)
    // Rounding and reserved pages explain a little; an eighth is memory that somebody misplaced.
    if difference > totalBytes / 8 {
      let (own, all) = (inNodes >> 20, totalBytes >> 20)
      notes.append(
        "NUMA nodes report \(own) MiB together, /proc/meminfo \(all) MiB; perhaps memory was "
          + "added, or a node taken offline, while the machine ran")
    }
    return notes
  }

  /// Memory of a node that is not set aside as huge pages, in bytes.
  static func usable(_ node: NumaNode) -> UInt64 {
    node.memoryBytes - min(node.memoryBytes, node.hugepageBytes)
  }

  /// The sum, or the largest number when it does not fit: absurd input stays absurd, not small.
  static func sum(_ values: [UInt64]) -> UInt64 {
    values.reduce(0) { total, value in
      let (sum, overflow) = total.addingReportingOverflow(value)
      return overflow ? .max : sum
    }
  }
}
