extension HostProbe {
  /// What the machine is called and what runs on it; empty strings where it does not say.
  static func identity(from tree: inout FileTree) -> HostIdentity {
    let system = tree.isLive ? Syscalls.systemName() : capturedName(from: &tree)
    let boot = tree.line("/proc/sys/kernel/random/boot_id") ?? ""
    let cpu = CPUInfo(tree.text("/proc/cpuinfo") ?? "")
    let machine = system.machine.isEmpty ? cpu.machine : system.machine
    return HostIdentity(
      hostname: system.host.printable, kernelRelease: system.release.printable,
      bootID: boot.printable, architecture: architecture(machine), cpuModel: cpu.model)
  }

  /// What a captured tree says of itself: the kernel's own files, else those that hwloc's captures
  /// add.
  private static func capturedName(from tree: inout FileTree) -> Syscalls.SystemName {
    var captured: [Substring: String] = [:]
    let added = tree.text("/proc/hwloc-nofile-info") ?? ""
    for line in added.split(whereSeparator: \.isNewline).prefix(64) {
      let halves = line.split(separator: ":", maxSplits: 1)
      if halves.count == 2 { captured[halves[0]] = halves[1].trimmed }
    }
    // "Linux version 6.1.0-18-amd64 (…"
    let words = tree.line("/proc/version")?.split(separator: " ") ?? []
    let version = words.count > 2 && words[1] == "version" ? String(words[2]) : nil
    return Syscalls.SystemName(
      host: tree.line("/proc/sys/kernel/hostname") ?? captured["HostName"] ?? "",
      release: tree.line("/proc/sys/kernel/osrelease") ?? version ?? captured["OSRelease"] ?? "",
      machine: tree.line("/proc/sys/kernel/arch") ?? captured["Architecture"] ?? "")
  }

  /// The names that profiles use: `x86-64` and `arm64`; others stay as the kernel says them.
  static func architecture(_ machine: String) -> String {
    switch machine {
    case "x86_64", "amd64": "x86-64"
    case "aarch64", "arm64": "arm64"
    default: machine.printable
    }
  }
}

/// What `/proc/cpuinfo` says of the first CPU.
struct CPUInfo {
  private var fields: [String: String] = [:]

  /// Reads the first lines; every CPU repeats them.
  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline).prefix(64) {
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2 else { continue }
      let name = halves[0].trimmed
      if fields[name] == nil { fields[name] = halves[1].trimmed }
    }
  }

  /// The model name. ARM kernels print none, so there it is made of the numbers. Empty when the
  /// text has neither.
  var model: String {
    if let model = fields["model name"] ?? fields["cpu"], !model.isEmpty { return model.printable }
    guard let maker = fields["CPU implementer"], let part = fields["CPU part"] else { return "" }
    return "implementer \(maker) part \(part)".printable
  }

  /// The kernel's word for the architecture where the text gives it away, for captured trees that
  /// hold nothing better; else empty.
  var machine: String {
    // "lm" is long mode: 64 bits on x86.
    if let flags = fields["flags"] {
      return flags.split(separator: " ").contains("lm") ? "x86_64" : "i686"
    }
    if fields["CPU implementer"] != nil {
      return fields["CPU architecture"] == "8" ? "aarch64" : ""
    }
    return ""
  }
}
