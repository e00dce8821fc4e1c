@testable import PoolAllocator

/// What a table says that a machine has; each report starts from the one before.
struct TableMachine {
  let name: String
  var approved: [(profile: String, count: UInt16)]?
  var labels: [String] = []
  var rack: String?
  private var boot = 1
  private var generation: UInt64 = 1
  private var sequence: UInt64 = 0
  private var cpu: Int32 = 64_000
  private var memory = Bytes(512 << 30)
  private var enforcement = Enforcement.cgroup
  private var gpus: [Int] = []
  private var profile = "h100"
  private var deviceMemory = Bytes(80 << 30)
  /// Memory by GPU, where it is not that of the others.
  private var memories: [Int: Bytes] = [:]
  private var sets: [Int32] = []
  private var setProfile = "epyc"
  /// Instances by GPU: MIG profile and first slot.
  private var instances: [Int: [(slice: String, start: Int)]] = [:]
  /// Islands by GPU; a GPU that is not named is in island 0.
  private var islands: [Int: UInt8] = [:]
  /// Devices of other machines that this one claims to have.
  private var foreign: [String] = []

  init(name: String) { self.name = name }

  /// What an operator approves: what the options say, else what the machine has.
  func enrolment() throws -> Enrolment {
    var counts: [(profile: String, count: UInt16)] = []
    if !gpus.isEmpty { counts.append((profile, UInt16(gpus.count))) }
    if !sets.isEmpty { counts.append((setProfile, UInt16(sets.count))) }
    return Enrolment(
      key: try TableValue.key(name), labels: try labels.map { try TableValue.key($0) },
      rack: try rack.map { try TableValue.key($0) },
      approved: try (approved ?? counts).map {
        ApprovedDevices(profile: try TableValue.key($0.profile), count: $0.count)
      })
  }

  /// Takes what an operator says of the machine.
  mutating func readEnrolment(_ options: inout TableOptions) throws {
    try options.set(&labels, "labels") { $0.split(separator: ",").map(String.init) }
    try options.set(&rack, "rack") { $0 }
    try options.set(&approved, "approve") { list in
      try list.split(separator: ",").map { entry in
        let parts = entry.split(separator: ":")
        guard parts.count == 2 else { throw TableError("approve=PROFILE:COUNT") }
        return (String(parts[0]), try TableValue.int(parts[1]))
      }
    }
  }

  /// Takes what the agent says, and makes its next message of it.
  /// - Parameter living: fencing numbers that the message names.
  mutating func report(
    _ options: inout TableOptions, living: [Fencing]
  ) throws -> Advertisement {
    sequence += 1
    let oldBoot = boot
    try options.set(&boot, "boot", TableValue.int)
    if boot != oldBoot { (generation, sequence) = (1, 1) }
    try options.set(&generation, "gen", TableValue.int)
    try options.set(&sequence, "seq", TableValue.int)
    try options.set(&cpu, "cpu", TableValue.milli)
    try options.set(&memory, "mem", TableValue.bytes)
    try options.set(&enforcement, "enforce", TableMachine.enforcement)
    try options.set(&gpus, "gpus", TableValue.indices)
    try options.set(&profile, "profile") { $0 }
    try options.set(&deviceMemory, "gpuMem", TableValue.bytes)
    try options.set(&sets, "sets") { list in
      try list == "none" ? [] : list.split(separator: ",").map { try TableValue.milli($0) }
    }
    try options.set(&setProfile, "setProfile") { $0 }
    try options.set(&foreign, "foreign") { $0.split(separator: ",").map(String.init) }
    // islands=0-3,4-7: the GPUs of each island
    try options.set(&islands, "islands") { list in
      var islands: [Int: UInt8] = [:]
      for (number, gpus) in list.split(separator: ",").enumerated() {
        for gpu in try TableValue.indices(String(gpus)) { islands[gpu] = UInt8(number) }
      }
      return islands
    }
    for (gpu, text) in options.takePrefixed("memOf") {
      memories[try TableValue.int(gpu)] = try TableValue.bytes(text)
    }
    for (gpu, list) in options.takePrefixed("mig") {
      instances[try TableValue.int(gpu)] =
        list == "off" ? nil : try list.split(separator: ",").map(TableMachine.instance)
    }
    var devices = try self.devices()
    let conditions: [(String, DeviceReport.Condition)] = [("dirty", .dirty), ("failed", .failed)]
    for (name, condition) in conditions {
      let named = try options.take(name) { list in
        try list.split(separator: ",").map { try TableValue.key($0) }
      }
      for row in devices.indices where named?.contains(devices[row].key) ?? false {
        devices[row].condition = condition
      }
    }
    let report = NodeReport(
      boot: try TableValue.key("boot\(boot)"), generation: generation, sequence: sequence,
      cpu: MilliCPU(cpu), hostMemory: memory, enforcement: enforcement)
    return Advertisement(
      report: report, isComplete: !options.flag("incomplete"), devices: devices, living: living)
  }

  static func enforcement(_ text: String) throws -> Enforcement {
    switch text {
    case "none": .none
    case "env": .environment
    case "cgroup": .cgroup
    default: throw TableError("not an enforcement: \(text)")
    }
  }

  /// `1g@3`: MIG profile and first slot.
  private static func instance(_ text: Substring) throws -> (slice: String, start: Int) {
    let parts = text.split(separator: "@")
    guard parts.count == 2 else { throw TableError("an instance is SLICE@SLOT: \(text)") }
    return (String(parts[0]), try TableValue.int(parts[1]))
  }

  private func devices() throws -> [DeviceReport] {
    let board = try TableValue.key(profile)
    var list: [DeviceReport] = []
    for index in gpus {
      var gpu = DeviceReport(
        key: try TableValue.key("\(name).\(index)"), kind: .gpu, profile: board,
        memory: memories[index] ?? deviceMemory)
      gpu.isPartitioned = instances[index] != nil
      gpu.island = islands[index] ?? 0
      list.append(gpu)
      for (slice, start) in instances[index] ?? [] {
        // As on an H100: 3g takes four memory slots, 7g all eight.
        let size = ["3": 4, "7": 8][slice.first] ?? slice.first?.wholeNumberValue ?? 1
        var part = DeviceReport(
          key: try TableValue.key("\(name).\(index):\(slice)@\(start)"), kind: .slice,
          profile: board, memory: Bytes(Int64(size) * 10 << 30))
        part.slice = try TableValue.key(slice)
        part.parent = gpu.key
        part.slots = SlotMask(bits: (1 << UInt16(size) - 1) << UInt16(start))
        list.append(part)
      }
    }
    for (index, milli) in sets.enumerated() {
      list.append(
        DeviceReport(
          key: try TableValue.key("\(name).c\(index)"), kind: .cpu,
          profile: try TableValue.key(setProfile), capacity: MilliGPU(milli), memory: .zero))
    }
    for other in foreign {
      list.append(
        DeviceReport(
          key: try TableValue.key(other), kind: .gpu, profile: board, memory: deviceMemory))
    }
    return list
  }
}
