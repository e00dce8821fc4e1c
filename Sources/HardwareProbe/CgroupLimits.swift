/// What the cgroups of this process allow, over all ancestors that can be seen.
struct CgroupLimits: Equatable {
  /// A number and the file that set it.
  struct Bound<Value: Equatable>: Equatable {
    var value: Value
    var source: String
  }

  /// The smallest CPU quota, in thousandths of a CPU.
  var cpuMilli: Bound<UInt64>?
  /// The CPUs in every cpuset.
  var cpus: Bound<CPUSet>?
  /// The NUMA nodes whose memory every cpuset allows.
  var memoryNodes: Bound<CPUSet>?
  /// The smallest memory limit, in bytes.
  var memoryBytes: Bound<UInt64>?
}

extension CgroupLimits {
  /// Reads every level of every place. Malformed files leave a note and no limit.
  static func read(
    _ places: [CgroupController: CgroupPlace], from tree: inout FileTree
  ) -> CgroupLimits {
    var limits = CgroupLimits()
    for controller in CgroupController.allCases {
      guard let place = places[controller] else { continue }
      if place.isPartial {
        let mount = place.levels.last ?? "/"
        tree.note("own \(controller.rawValue) cgroup is not below \(mount): limits may be missing")
      }
      for level in place.levels {
        let directory = level == "/" ? "" : level
        switch (controller, place.version) {
        case (.cpu, .v1): limits.readQuotaV1(directory, from: &tree)
        case (.cpu, .v2): limits.readQuotaV2(directory, from: &tree)
        case (.cpuset, .v1):
          let prefix = place.isBare ? "" : "cpuset."
          // What a cpuset says is what it has, but for CPUs that are offline, which are left out
          // anyway; only with v2 behaviour may it say more.
          let order =
            place.isEffectiveOnly ? ["effective_cpus", "cpus"] : ["cpus", "effective_cpus"]
          limits.readCPUs(
            directory, cpus: order.map { prefix + $0 },
            nodes: order.map { prefix + $0.replacing("cpus", with: "mems") }, from: &tree)
        case (.cpuset, .v2):
          limits.readCPUs(
            directory, cpus: ["cpuset.cpus.effective"], nodes: ["cpuset.mems.effective"],
            from: &tree)
        case (.memory, .v1): limits.readMemoryV1(directory, from: &tree)
        case (.memory, .v2): limits.readMemoryV2(directory, from: &tree)
        }
      }
    }
    return limits
  }

  /// Takes in the NUMA nodes that the kernel lets this process have memory of.
  mutating func allow(memoryNodes nodes: CPUSet, source: String) {
    Self.narrow(&memoryNodes, to: nodes, source: source)
  }

  private mutating func readQuotaV1(_ directory: String, from tree: inout FileTree) {
    let path = directory + "/cpu.cfs_quota_us"
    guard let quota = tree.line(path), quota != "-1" else { return }
    guard let period = tree.line(directory + "/cpu.cfs_period_us"),
      let milli = Self.milli(quota: quota, period: period)
    else {
      tree.note("\(path): not a quota and a period")
      return
    }
    Self.lower(&cpuMilli, to: milli, source: path)
  }

  private mutating func readQuotaV2(_ directory: String, from tree: inout FileTree) {
    let path = directory + "/cpu.max"
    guard let line = tree.line(path) else { return }
    let fields = line.split(separator: " ")
    if fields.first == "max" { return }
    guard let quota = fields.first,
      let milli = Self.milli(quota: quota, period: fields.count > 1 ? fields[1] : "100000")
    else {
      tree.note("\(path): not a quota and a period")
      return
    }
    Self.lower(&cpuMilli, to: milli, source: path)
  }

  /// Thousandths of a CPU that `quota` microseconds in every `period` microseconds are, rounded up.
  /// Nil when either is malformed or zero.
  static func milli(quota: some StringProtocol, period: some StringProtocol) -> UInt64? {
    guard let quota = Decimal.parse(quota), let period = Decimal.parse(period),
      quota > 0, period > 0
    else { return nil }
    let (scaled, overflow) = quota.multipliedReportingOverflow(by: 1000)
    guard !overflow else { return nil }
    let (quotient, rest) = scaled.quotientAndRemainder(dividingBy: period)
    return rest == 0 ? quotient : quotient + 1
  }

  private mutating func readCPUs(
    _ directory: String, cpus cpuFiles: [String], nodes nodeFiles: [String],
    from tree: inout FileTree
  ) {
    // The first file that says something: older v1 kernels have no effective sets.
    for file in cpuFiles {
      guard let set = tree.list(directory + "/" + file) else { continue }
      Self.narrow(&cpus, to: set, source: directory + "/" + file)
      break
    }
    for file in nodeFiles {
      guard let set = tree.list(directory + "/" + file) else { continue }
      Self.narrow(&memoryNodes, to: set, source: directory + "/" + file)
      break
    }
  }

  private mutating func readMemoryV1(_ directory: String, from tree: inout FileTree) {
    readBytes(directory + "/memory.limit_in_bytes", from: &tree)
    // Says what ancestors allow that are not visible from here, as in a container.
    let path = directory + "/memory.stat"
    guard let stat = tree.text(path) else { return }
    for line in stat.split(whereSeparator: \.isNewline) {
      let fields = line.split(separator: " ")
      guard fields.count == 2, fields[0] == "hierarchical_memory_limit",
        let bytes = Decimal.parse(fields[1])
      else { continue }
      Self.lower(&memoryBytes, to: bytes, source: path)
    }
  }

  private mutating func readMemoryV2(_ directory: String, from tree: inout FileTree) {
    readBytes(directory + "/memory.max", from: &tree)
  }

  private mutating func readBytes(_ path: String, from tree: inout FileTree) {
    guard let line = tree.line(path), line != "max" else { return }
    guard let bytes = Decimal.parse(line) else {
      tree.note("\(path): not a number of bytes")
      return
    }
    Self.lower(&memoryBytes, to: bytes, source: path)
  }

  /// Keeps the smaller bound; of equal ones the first read, which is the process's own cgroup.
  private static func lower(_ bound: inout Bound<UInt64>?, to value: UInt64, source: String) {
    if let known = bound, known.value <= value { return }
    bound = Bound(value: value, source: source)
  }

  /// Keeps the numbers in both sets. Disjoint sets would leave nothing to run on, which the
  /// running probe disproves, so such a level is left out.
  private static func narrow(_ bound: inout Bound<CPUSet>?, to set: CPUSet, source: String) {
    guard let known = bound else {
      bound = Bound(value: set, source: source)
      return
    }
    let both = known.value.intersection(set)
    if !both.isEmpty && both != known.value { bound = Bound(value: both, source: source) }
  }
}
