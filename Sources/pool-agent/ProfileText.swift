import HardwareProbe
import PoolConsole
import PoolWire

/// Hardware profiles as a person reads them. What is not known is "-".
enum ProfileText {
  /// One line a profile.
  static func table(_ profiles: [HardwareProfile]) -> String {
    let header = [
      "PROFILE", "WEIGHT", "MEMORY MIB", "CC", "SM", "TFLOP/S", "GB/S", "LINKS", "W", "MIG",
    ]
    let rows = profiles.map { profile in
      [
        profile.name, weight(profile),
        profile.memoryKind == .unified ? "unified" : text(profile.memoryMiB),
        profile.match.computeCapability ?? "-", text(profile.multiprocessors),
        milli(profile.bf16GigaflopsDense ?? profile.fp16GigaflopsDense),
        milli(profile.bandwidthMegabytes), links(profile), text(profile.powerWatts),
        profile.migSlices.isEmpty ? "-" : "\(profile.migSlices.count) kinds",
      ]
    }
    let page = Page(width: Terminal.width())
    return page.table(
      header: header, rows: rows, optional: ["LINKS", "W", "SM", "MIG"], indent: ""
    ).map { $0 + "\n" }.joined()
  }

  /// All that is known of one, with its sources.
  static func page(_ profile: HardwareProfile) -> String {
    var rows: [[String]] = [["weight", weight(profile), source(.weight, profile)]]
    let match = profile.match
    if let architecture = match.cpuArchitecture {
      rows.append(["architecture", architecture, "-"])
    }
    if profile.kind == .gpu {
      rows += [
        ["names", match.nvmlNames.joined(separator: ", "), source(.name, profile)],
        ["pci", dash(match.pciDeviceIDs.joined(separator: ", ")), source(.pci, profile)],
        ["capability", match.computeCapability ?? "-", source(.computeCapability, profile)],
        ["memory", memory(profile), source(.memory, profile)],
        ["SMs", text(profile.multiprocessors), source(.multiprocessors, profile)],
        [
          "TFLOP/s",
          "fp16 \(milli(profile.fp16GigaflopsDense)) bf16 "
            + milli(profile.bf16GigaflopsDense), source(.arithmetic, profile),
        ],
        ["GB/s", milli(profile.bandwidthMegabytes), source(.bandwidth, profile)],
        ["links", links(profile), source(.links, profile)],
        ["pcie", text(profile.pcieGeneration), source(.pcie, profile)],
        ["watts", text(profile.powerWatts), source(.power, profile)],
      ]
    }
    let head = [profile.vendor?.rawValue, profile.architecture].compactMap { $0 }
    var lines = ["\(profile.name)  \(([profile.kind.rawValue] + head).joined(separator: ", "))"]
    let page = Page(width: Terminal.width())
    lines += page.table(header: ["WHAT", "VALUE", "SOURCE"], rows: rows, indent: "")
    if let axes = profile.migAxes {
      lines.append("")
      lines += slices(profile)
      lines += page.prose(
        "\(axes.memorySlices) memory and \(axes.computeSlices) compute slices; source: "
          + source(.mig, profile), indent: "")
    }
    lines += profile.notes.flatMap { page.prose("note: \($0)", indent: "") }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func slices(_ profile: HardwareProfile) -> [String] {
    Page(width: Terminal.width()).table(
      header: ["PARTITION", "BILLED", "COMPUTE", "SIZE", "MOST", "SM", "MEMORY MIB", "STARTS"],
      rows: profile.migSlices.map { slice in
        [
          slice.name, Amounts.milli(Int64(slice.billedMilli)), text(slice.computeSlices),
          text(slice.placementSize), text(slice.instancesMax), text(slice.multiprocessors),
          dash(slice.memoryMiBSeen.map(String.init).joined(separator: " or ")),
          dash(slice.placementStarts.map(String.init).joined(separator: ",")),
        ]
      }, indent: "")
  }

  static func memory(_ profile: HardwareProfile) -> String {
    if profile.memoryKind == .unified { return "unified with the host's" }
    guard let memory = profile.memoryMiB else { return "-" }
    let range = profile.match.memoryMiB.map { ", known by \($0.lowerBound)-\($0.upperBound)" } ?? ""
    return "\(memory) MiB\(range)"
  }

  private static func links(_ profile: HardwareProfile) -> String {
    guard let links = profile.links else { return "-" }
    if links.isEmpty { return "none" }
    return links.map { link in
      let version = link.version.map { " \($0)" } ?? ""
      let count = link.count.map { "\($0) x " } ?? ""
      let total = link.totalMegabytes.map { ", \(milli($0)) GB/s" } ?? ""
      return "\(count)\(link.kind.rawValue)\(version)\(total)"
    }.joined(separator: "; ")
  }

  static func weight(_ profile: HardwareProfile) -> String {
    Amounts.milli(Int64(profile.weightMilli))
  }

  private static func source(_ figure: HardwareProfile.Figure, _ profile: HardwareProfile) -> String
  {
    profile.sources[figure] ?? "-"
  }

  /// Thousandths without zeros at the end.
  private static func milli(_ value: UInt64?) -> String {
    guard let value else { return "-" }
    var text = Amounts.milli(Int64(clamping: value))
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  private static func text(_ value: (some BinaryInteger)?) -> String {
    value.map { "\($0)" } ?? "-"
  }

  private static func dash(_ text: String) -> String { text.isEmpty ? "-" : text }
}
