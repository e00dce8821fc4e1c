extension NodeInventory {
  /// The inventory as a person reads it: a line for the node, a row for every GPU, a line for CPU
  /// and memory, then remarks. Only columns that were measured; no colours.
  ///
  /// - Parameter agentVersion: Shown in the first line; nil leaves it out.
  /// - Returns: Lines, each ended by a newline.
  public func table(agentVersion: String? = nil) -> String {
    var lines = [headline(agentVersion)]
    if gpus.isEmpty {
      lines.append("no GPUs: \(nvml.reason ?? "NVML counts none")")
    } else {
      lines += TextTable.lines(
        header: ["IDX", "PROFILE", "MODEL", "MEM USED/TOTAL", "SOURCE", "STATE"],
        rows: gpus.map(Self.row))
    }
    lines += [cpuLine] + limitLines + numaLines + hints
    lines += notes.map { "note: \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func headline(_ agentVersion: String?) -> String {
    var parts = ["NODE \(Self.known(host.hostname))"]
    if let agentVersion { parts.append("agent \(agentVersion)") }
    parts.append("kernel \(Self.known(host.kernelRelease))")
    var from = sources
    if case .running(_, let driver, _) = nvml {
      from = from.map { $0 == "nvml" ? "nvml \(driver ?? "?") (dlopen)" : $0 }
    }
    parts.append("sources: " + from.joined(separator: ", "))
    let milliseconds = Decimal.ratio(elapsedNanoseconds, over: 1_000_000, digits: 0)
    parts.append("probed in \(milliseconds) ms")
    return parts.joined(separator: "   ")
  }

  private static func row(_ gpu: GPUEntry) -> [String] {
    var memory = "-"
    if let sizes = gpu.memory {
      memory = "\(gibibytes(sizes.usedBytes, 1)) / \(gibibytes(sizes.totalBytes, 1)) GiB"
    }
    let state = gpu.state.reason.map { "\(stateWord(gpu.state)): \($0)" } ?? "usable"
    return [
      "\(gpu.index)", gpu.profile.name ?? "unknown", gpu.name ?? "-", memory, "nvml", state,
    ]
  }

  private static func stateWord(_ state: GPUState) -> String {
    if case .notPermitted = state { "not permitted" } else { state.word }
  }

  private var cpuLine: String {
    let cpus = Decimal.ratio(capacity.cpuMilli, over: 1000, digits: 3)
    var line = "cpu \(Self.known(host.architecture)) \(cpus) cpus"
    line += "  mem \(Self.gibibytes(capacity.memoryBytes, 1)) GiB"
    if let model = [host.cpuModel].first(where: { !$0.isEmpty }) { line += "  \(model)" }
    if !gpus.isEmpty {
      let bad = gpus.count - offerableGPUs.count
      let offer = "\(offerableGPUs.count).000 GPU"
      let fault = "\(bad) of \(gpus.count) devices cannot be offered -> "
      line += "    " + (bad == 0 ? "" : fault) + "to advertise \(offer)"
    }
    return line
  }

  /// Only limits other than the machine itself are worth a line.
  private var limitLines: [String] {
    [("cpu", capacity.cpuLimitedBy), ("mem", capacity.memoryLimitedBy)].compactMap { what, bound in
      bound.limit == .machine ? nil : "\(what) limited by \(bound.limit.words) (\(bound.source))"
    }
  }

  /// One node is the ordinary case and says nothing new.
  private var numaLines: [String] {
    guard capacity.numaNodes.count > 1 else { return [] }
    return TextTable.lines(
      header: ["NUMA", "CPUS", "CPU COUNT", "MEM"],
      rows: capacity.numaNodes.map { node in
        [
          "\(node.numaNode)", node.cpus.isEmpty ? "-" : node.cpus.list, "\(node.cpus.count)",
          Self.gibibytes(node.memoryBytes, 1) + " GiB",
        ]
      })
  }

  private var hints: [String] {
    gpus.compactMap { gpu in
      guard gpu.state == .usable, case .unknown(let reason, let candidates) = gpu.profile else {
        return nil
      }
      let alike = candidates.isEmpty ? "" : " (same memory: \(candidates.joined(separator: ", ")))"
      return "hint: device \(gpu.index) matches no hardware profile: \(reason)\(alike)"
    }
  }

  private static func gibibytes(_ bytes: UInt64, _ digits: Int) -> String {
    Decimal.ratio(bytes, over: 1 << 30, digits: digits)
  }

  private static func known(_ text: String) -> String { text.isEmpty ? "?" : text }
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
