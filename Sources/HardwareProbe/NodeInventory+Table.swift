extension NodeInventory {
  /// A piece of what a person reads, for whoever lays it out.
  public enum Block: Sendable, Equatable {
    /// One sentence.
    case line(String)
    /// A table. Where it is too wide, columns under the `optional` headers may be left out, the
    /// first one first.
    case table(header: [String], rows: [[String]], optional: [String])
  }

  /// The inventory as a person reads it: a line for the node, a row for every GPU and every MIG
  /// device, a line for CPU and memory, then remarks. A dash is what is not known; no colours.
  ///
  /// - Parameter agentVersion: Shown in the first line; nil leaves it out.
  public func blocks(agentVersion: String? = nil) -> [Block] {
    var blocks = [Block.line(headline(agentVersion))]
    if gpus.isEmpty {
      blocks.append(.line("no GPUs: \(nvml.reason ?? "NVML counts none")"))
    } else {
      blocks.append(
        .table(
          header: [
            "IDX", "PROFILE", "MODEL", "MEM USED/TOTAL", "UTIL", "TEMP", "POWER", "MIG", "ECC",
            "SOURCE", "STATE",
          ],
          rows: gpus.flatMap { [Self.row($0)] + Self.instanceRows($0) },
          optional: ["SOURCE", "ECC", "TEMP", "POWER", "UTIL", "MODEL"]))
    }
    blocks += ([cpuLine] + limitLines).map { .line($0) } + numaTable
    return blocks + (warningLines + hints + notes.map { "note: \($0)" }).map { .line($0) }
  }

  /// The blocks as text, however wide.
  ///
  /// - Parameter agentVersion: Shown in the first line; nil leaves it out.
  /// - Returns: Lines, each ended by a newline.
  public func table(agentVersion: String? = nil) -> String {
    let lines = blocks(agentVersion: agentVersion).flatMap { block in
      switch block {
      case .line(let line): [line]
      case .table(let header, let rows, _): TextTable.lines(header: header, rows: rows)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func headline(_ agentVersion: String?) -> String {
    var parts = ["NODE \(Self.known(host.hostname))"]
    if let agentVersion { parts.append("agent \(agentVersion)") }
    parts.append("kernel \(Self.known(host.kernelRelease))")
    if platform != .standard { parts.append("platform \(platform.rawValue)") }
    var from = sources
    if case .running(_, let driver, _) = nvml {
      from = from.map { $0 == "nvml" ? "nvml \(driver ?? "-") (dlopen)" : $0 }
    } else if case .described(let driver?, _) = nvml {
      from.append("driver \(driver)")
    }
    parts.append("sources: " + from.joined(separator: ", "))
    let milliseconds = Decimal.ratio(elapsedNanoseconds, over: 1_000_000, digits: 0)
    parts.append("probed in \(milliseconds) ms")
    return parts.joined(separator: "   ")
  }

  private static func row(_ gpu: GPUEntry) -> [String] {
    let state = gpu.state.reason.map { "\(stateWord(gpu.state)): \($0)" } ?? "usable"
    var memory = marked(cell(gpu.memory), gpu.late, .memoryTotal)
    if gpu.sharesHostMemory { memory = "the host's" }
    return [
      "\(gpu.index)", gpu.profile.name ?? "unknown", model(gpu), memory,
      marked(gpu.readings[.utilization].map { "\($0)%" } ?? "-", gpu.late, .utilization),
      marked(gpu.readings[.temperature].map { "\($0)C" } ?? "-", gpu.late, .temperature),
      marked(power(gpu.readings), gpu.late, .power), mig(gpu.mig),
      marked(ecc(gpu.readings), gpu.late, .eccUncorrected), gpu.source.rawValue, state,
    ]
  }

  /// A value that was told before and not now has this before it.
  private static let agedMark = "~"

  private static func marked(
    _ cell: String, _ late: [LateReading], _ number: GPUNumber
  ) -> String {
    late.contains { $0.name == number.rawValue && $0.ageMilliseconds != nil }
      ? agedMark + cell : cell
  }

  private static func model(_ gpu: GPUEntry) -> String {
    gpu.name ?? gpu.pci.map { "PCI \($0.device.text)" } ?? "-"
  }

  private static func cell(_ memory: GPUMemory?) -> String {
    guard let memory else { return "-" }
    let used = memory.usedBytes.map { gibibytes($0, 1) } ?? "-"
    return "\(used) / \(gibibytes(memory.totalBytes, 1)) GiB"
  }

  private static func power(_ readings: GPUReadings) -> String {
    guard let power = readings[.power] else { return "-" }
    let limit = readings[.powerLimit].map { "/\(Decimal.ratio($0, over: 1000, digits: 0))" }
    return Decimal.ratio(power, over: 1000, digits: 0) + (limit ?? "") + "W"
  }

  private static func mig(_ mig: MIGState) -> String {
    guard let isEnabled = mig.isEnabled else { return "-" }
    if mig.isChanging { return isEnabled ? "on>off" : "off>on" }
    return isEnabled ? "on \(mig.instances?.count ?? 0)" : "off"
  }

  private static func ecc(_ readings: GPUReadings) -> String {
    guard let mode = readings[.eccMode] else { return "-" }
    guard mode == 1 else { return "off" }
    guard let errors = readings[.eccUncorrected] else { return "on" }
    return errors == 0 ? "ok" : "\(errors) bad"
  }

  private static func instanceRows(_ gpu: GPUEntry) -> [[String]] {
    (gpu.mig.instances ?? []).map { instance in
      let state: String
      if let fault = instance.fault {
        state = "unusable: \(fault)"
      } else {
        state = instance.isOfferable && gpu.isOfferable ? "usable" : "not offered"
      }
      return [
        "\(gpu.index).\(instance.position)", instance.profile ?? "unknown",
        instance.uuid ?? "-", marked(cell(instance.memory), instance.late, .memoryTotal), "-", "-",
        "-", "-", "-", gpu.source.rawValue,
        state,
      ]
    }
  }

  private static func stateWord(_ state: GPUState) -> String {
    if case .notPermitted = state { "not permitted" } else { state.word }
  }

  private var warningLines: [String] {
    gpus.flatMap { gpu in
      gpu.warnings.map { "warning: device \(gpu.index): \($0)" }
        + Self.lateLines(gpu.late, "device \(gpu.index)")
        + (gpu.mig.instances ?? []).flatMap {
          Self.lateLines($0.late, "device \(gpu.index).\($0.position)")
        }
    }
  }

  /// A line for every reason and age: a driver that is slow is so for many readings at once.
  private static func lateLines(_ late: [LateReading], _ whose: String) -> [String] {
    var lines: [(reason: String, age: UInt64?, names: [String])] = []
    for reading in late {
      let age = reading.ageMilliseconds
      if let index = lines.firstIndex(where: { $0.reason == reading.reason && $0.age == age }) {
        lines[index].names.append(reading.name)
      } else {
        lines.append((reading.reason, age, [reading.name]))
      }
    }
    return lines.map { line in
      let more = line.names.count > 3 ? " and \(line.names.count - 3) more" : ""
      let what = line.names.prefix(3).joined(separator: ", ") + more
      let shown =
        line.age.map { "shown as \(Decimal.ratio($0, over: 1000, digits: 1)) s ago (\(agedMark))" }
        ?? "not known"
      return "late: \(whose): \(what): \(line.reason); \(shown)"
    }
  }

  private var cpuLine: String {
    let cpus = Decimal.ratio(capacity.cpuMilli, over: 1000, digits: 3)
    var line = "cpu \(Self.known(host.architecture)) "
    line += capacity.onlineCPUCount == 0 ? "- cores" : "\(cpus) cores"
    let memory = capacity.memoryTotalBytes == 0 ? "-" : Self.gibibytes(capacity.memoryBytes, 1)
    line += "  mem \(memory) GiB"
    if let model = [host.cpuModel].first(where: { !$0.isEmpty }) { line += "  \(model)" }
    if !gpus.isEmpty { line += "    " + offerWords }
    return line
  }

  private var offerWords: String {
    let bad = gpus.count - offerableGPUs.count
    let milli = advertised.reduce(0) { $0 + ($1.milliGPU ?? 0) * $1.count }
    var words = "advertised \(Decimal.ratio(UInt64(milli), over: 1000, digits: 3)) GPU"
    let unpriced = advertised.filter { $0.milliGPU == nil }.reduce(0) { $0 + $1.count }
    if unpriced > 0 { words += " and \(unpriced) MIG devices without a weight" }
    return bad == 0 ? words : "\(bad) of \(gpus.count) devices cannot be offered -> " + words
  }

  /// Only limits other than the machine itself are worth a line.
  private var limitLines: [String] {
    [("cpu", capacity.cpuLimitedBy), ("mem", capacity.memoryLimitedBy)].compactMap { what, bound in
      bound.limit == .machine ? nil : "\(what) limited by \(bound.limit.words) (\(bound.source))"
    }
  }

  /// One node is the ordinary case and says nothing new.
  private var numaTable: [Block] {
    guard capacity.numaNodes.count > 1 else { return [] }
    let rows = capacity.numaNodes.map { node in
      [
        "\(node.numaNode)", node.cpus.isEmpty ? "none" : node.cpus.list, "\(node.cpus.count)",
        Self.gibibytes(node.memoryBytes, 1) + " GiB",
      ]
    }
    return [.table(header: ["NUMA", "CPUS", "CPU COUNT", "MEM"], rows: rows, optional: [])]
  }

  private var hints: [String] {
    var cpu: [String] = []
    if case .unknown(let reason, _) = cpuProfile, !host.architecture.isEmpty {
      cpu = ["hint: the CPUs match no hardware profile: \(reason)"]
    }
    return cpu
      + gpus.compactMap { gpu in
        guard gpu.state == .usable || gpu.source == .sysfs,
          case .unknown(let reason, let candidates) = gpu.profile
        else { return nil }
        let alike = candidates.isEmpty ? "" : " (alike: \(candidates.joined(separator: ", ")))"
        let what = gpu.pci?.device.text ?? gpu.name.map { "\"\($0)\"" }
        let advice = what.map { "; try: pool-agent profiles explain \($0)" } ?? ""
        return "hint: device \(gpu.index) matches no hardware profile: \(reason)\(alike)\(advice)"
      }
  }

  private static func gibibytes(_ bytes: UInt64, _ digits: Int) -> String {
    Decimal.ratio(bytes, over: 1 << 30, digits: digits)
  }

  private static func known(_ text: String) -> String { text.isEmpty ? "-" : text }
}

extension LimitSource.Limit {
  /// The limit as a person says it.
  fileprivate var words: String {
    switch self {
    case .machine: "the machine"
    case .reserved: "huge pages, memory of GPUs or offline nodes"
    case .cpuset: "a cpuset"
    case .affinity: "the affinity of the process"
    case .cpuQuota: "a cgroup CPU quota"
    case .memoryLimit: "a cgroup memory limit"
    }
  }
}

/// Columns of text, each as wide as its widest cell.
enum TextTable {
  /// The widest a cell may be; longer ones end in `…`. The last column is never cut.
  static let cellCharacters = 48

  /// A line for the header and one for every row, columns two blanks apart.
  static func lines(header: [String], rows: [[String]]) -> [String] {
    let table = ([header] + rows).map { row in
      row.enumerated().map { $0 == row.count - 1 ? $1 : cut($1) }
    }
    let widths = header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    return table.map { row in
      row.enumerated().map { column, cell in
        let isLast = column == row.count - 1
        return isLast ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }.joined(separator: "  ")
    }
  }

  private static func cut(_ cell: String) -> String {
    cell.count <= cellCharacters ? cell : String(cell.prefix(cellCharacters - 1)) + "…"
  }
}
