/// A device's `uevent` file, `KEY=value` lines: all that a text capture may keep of its links.
struct Uevent {
  private var values: [Substring: Substring] = [:]

  /// Reads the lines; others than `KEY=value` are left out, and of two the first counts.
  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline).prefix(64) {
      let halves = line.split(separator: "=", maxSplits: 1)
      guard halves.count == 2, values[halves[0]] == nil else { continue }
      values[halves[0]] = halves[1]
    }
  }

  /// The driver that is bound.
  var driver: String? { values["DRIVER"].map { $0.printable } }

  /// Where the device is on the PCI bus.
  var address: PCIAddress? { values["PCI_SLOT_NAME"].flatMap { PCIAddress($0) } }

  /// Class, subclass and interface: 0x030000 is a VGA controller.
  var classCode: UInt64? { values["PCI_CLASS"].flatMap { Hexadecimal.parse($0, digits: 5...6) } }

  /// Device and board.
  var identity: PCIIdentity? {
    guard let device = values["PCI_ID"].flatMap({ PCIIdentity.Pair($0) }) else { return nil }
    let board = values["PCI_SUBSYS_ID"].flatMap { PCIIdentity.Pair($0) }
    return PCIIdentity(device: device, subsystem: board?.vendor == 0 ? nil : board)
  }
}

/// One directory of `/proc/driver/nvidia/gpus`: what the NVIDIA driver tells the kernel.
struct NVIDIAProcEntry: Equatable {
  static let directory = "/proc/driver/nvidia/gpus"

  var address: PCIAddress
  /// The product name, as NVML would say it.
  var model: String?
  var uuid: String?
  /// The NUMA node that the GPU's memory appears as; nil where it does not.
  var memoryNode: Int?

  /// All entries, in the order of the bus.
  static func readAll(from tree: inout FileTree) -> [NVIDIAProcEntry] {
    var entries: [NVIDIAProcEntry] = []
    for name in tree.names(in: directory).prefix(ProbeLimits.gpus) {
      guard let address = PCIAddress(name) else { continue }
      let information = fields(of: tree.text("\(directory)/\(name)/information"))
      let numa = fields(of: tree.text("\(directory)/\(name)/numa_status"))
      let uuid = information["GPU UUID"]
      entries.append(
        NVIDIAProcEntry(
          address: address, model: information["Model"].flatMap { $0.isEmpty ? nil : $0 },
          // Question marks stand for what a lost GPU does not tell.
          uuid: uuid.flatMap { $0.isEmpty || $0.contains("?") ? nil : $0 },
          memoryNode: numa["Node"].flatMap { Decimal.parse($0) }.flatMap { node in
            node <= UInt64(ProbeLimits.identifier) ? Int(node) : nil
          }))
    }
    return entries.sorted { $0.address < $1.address }
  }

  /// Puts what the driver tells into a device.
  func fill(_ device: inout KernelDevice) {
    device.name = model ?? device.name
    device.uuid = uuid
    device.memoryNode = memoryNode
  }

  /// `Name:  value` lines; of two with one name the first counts.
  private static func fields(of text: String?) -> [String: String] {
    var fields: [String: String] = [:]
    for line in (text ?? "").split(whereSeparator: \.isNewline).prefix(64) {
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2 else { continue }
      let name = halves[0].trimmed
      if fields[name] == nil { fields[name] = halves[1].printable }
    }
    return fields
  }
}

/// AMD's compute topology, `/sys/class/kfd/kfd/topology/nodes/N/properties`.
enum KFDNode {
  static let directory = "/sys/class/kfd/kfd/topology/nodes"

  /// The instruction set of each GPU by its place on the bus, such as `gfx942`.
  static func capabilities(from tree: inout FileTree) -> [PCIAddress: String] {
    var found: [PCIAddress: String] = [:]
    for name in tree.names(in: directory).prefix(ProbeLimits.gpus * 2) {
      guard let text = tree.text("\(directory)/\(name)/properties") else { continue }
      var values: [Substring: UInt64] = [:]
      for line in text.split(whereSeparator: \.isNewline).prefix(128) {
        let halves = line.split(separator: " ")
        guard halves.count == 2, let value = Decimal.parse(halves[1]) else { continue }
        values[halves[0]] = value
      }
      guard let version = values["gfx_target_version"], let capability = capability(version),
        let location = values["location_id"], location <= 0xFFFF
      else { continue }
      let domain = UInt32(truncatingIfNeeded: values["domain"] ?? 0)
      let address = PCIAddress(
        domain: domain, bus: UInt8(location >> 8), device: UInt8(location >> 3 & 0x1F),
        function: UInt8(location & 7))
      found[address] = capability
    }
    return found
  }

  /// 90402 is version 9, 4, 2: `gfx942`; 90010 is `gfx90a`. Zero stands for a CPU.
  static func capability(_ version: UInt64) -> String? {
    guard (10_000..<1_000_000).contains(version) else { return nil }
    let minor = String(version / 100 % 100, radix: 16)
    return "gfx\(version / 10_000)\(minor)\(String(version % 100, radix: 16))"
  }
}
