public import PoolAllocator
public import StrictJSON

/// A node as its document says it: what an operator approves and what its agent reports.
public struct NodeDocument: Sendable {
  /// Outside name.
  public let name: String
  /// Every name that the node uses, by key.
  public let names: NameTable
  /// What an operator states.
  public let enrolment: Enrolment
  /// What the agent says. Without a sequence in the document it is 0; see `hasSequence`.
  public internal(set) var advertisement: Advertisement
  /// Whether the document orders itself among the node's messages.
  public let hasSequence: Bool

  /// The node's key.
  public var key: Key { enrolment.key }

  /// Reads a document of kind `node`.
  /// - Throws: `JSONErrors` with every error of the document.
  public init(_ document: JSONDocument) throws(JSONErrors) {
    self = try document.decode { root in try NodeDocument(root) }
  }

  /// Reads a node that is part of another document.
  /// - Throws: `JSONAbandoned`; the reasons are with the document being decoded.
  init(_ value: JSONValue) throws(JSONAbandoned) {
    var reader = NodeReader()
    self = try value.object { fields in try reader.node(&fields, value) }
  }

  init(
    name: String, names: NameTable, enrolment: Enrolment, advertisement: Advertisement,
    hasSequence: Bool
  ) {
    self.name = name
    self.names = names
    self.enrolment = enrolment
    self.advertisement = advertisement
    self.hasSequence = hasSequence
  }

  /// The same node with its messages ordered by the receiver.
  public func numbered(_ sequence: UInt64) -> NodeDocument {
    var node = self
    node.advertisement.report.sequence = sequence
    return node
  }
}

/// Reads one node.
struct NodeReader {
  private var names = NameTable()
  private var devices: [DeviceReport] = []
  private var known: [String: String] = [:]

  mutating func node(_ fields: inout JSONFields, _ root: JSONValue) throws -> NodeDocument {
    let head = try fields.head("node")
    let note = fields.optionalString("note", 0...4096)
    let name = fields.name("name")
    let labels = fields.optionalArray("labels", max: Limits.labelsPerNode) { try $0.name() }
    let rack = fields.optionalName("rack")
    let approved = fields.optionalArray("approved", min: 1, max: Limits.profilesPerNode) {
      try approval($0)
    }
    let boot = fields.optionalName("boot_id")
    let generation = fields.optionalInt64("generation", in: 0...Int64.max)
    let sequence = fields.optionalInt64("sequence", in: 0...Int64.max)
    let isComplete = fields.optionalBool("complete")
    let cpu = fields.int64("cpu_milli", in: 0...Int64(Limits.deviceMilli))
    let hostMemory = fields.memory("host_memory", in: root)
    let enforcement = fields.choice("enforcement", ClaimReader.enforcements)
    let list = fields.array("devices", max: Limits.devicesPerNode) { try device($0) }
    let living = fields.optionalArray("living", max: Limits.leasesPerNode) { try $0.fencing() }
    _ = try (head.value, note.value, list.value)
    if devices.count > Limits.devicesPerNode {
      throw root.refuse(
        "the node has \(devices.count) devices and instances",
        hint: "at most \(Limits.devicesPerNode)")
    }
    let word = try name.value
    let report = NodeReport(
      boot: try intern(.boot, NamePath.join(word, try boot.value ?? "1"), at: root),
      generation: UInt64(try generation.value ?? 1), sequence: UInt64(try sequence.value ?? 0),
      cpu: MilliCPU(Int32(try cpu.value)), hostMemory: try hostMemory.get(),
      enforcement: try enforcement.value)
    let enrolment = Enrolment(
      key: try intern(.node, word, at: root),
      labels: try (labels.value ?? []).map { try intern(.label, $0, at: root) },
      rack: try rack.value.map { try intern(.rack, $0, at: root) },
      approved: try approvals(try approved.value, at: root))
    return NodeDocument(
      name: word, names: names, enrolment: enrolment,
      advertisement: Advertisement(
        report: report, isComplete: try isComplete.value ?? true, devices: devices,
        living: try living.value ?? []),
      hasSequence: try sequence.value != nil)
  }

  private mutating func intern(
    _ kind: NameKind, _ name: String, at value: JSONValue
  ) throws(JSONAbandoned) -> Key {
    do {
      return try names.intern(kind, name)
    } catch {
      throw value.refuse(error.description)
    }
  }

  // MARK: what is approved

  private mutating func approval(_ value: JSONValue) throws -> ApprovedDevices {
    try value.object { fields in
      let profile = fields.name("profile")
      let count = fields.int64("count", in: 0...Int64(Limits.devicesPerNode))
      return ApprovedDevices(
        profile: try intern(.profile, try profile.value, at: value),
        count: UInt16(try count.value))
    }
  }

  /// Without a list the document approves what it reports.
  private func approvals(
    _ stated: [ApprovedDevices]?, at root: JSONValue
  ) throws(JSONAbandoned) -> [ApprovedDevices] {
    if let stated { return stated }
    var counted: [ApprovedDevices] = []
    for device in devices where device.kind != .slice {
      if let index = counted.firstIndex(where: { $0.profile == device.profile }) {
        counted[index].count += 1
      } else {
        counted.append(ApprovedDevices(profile: device.profile, count: 1))
      }
    }
    guard counted.count <= Limits.profilesPerNode else {
      throw root.refuse(
        "the node has devices of \(counted.count) profiles",
        hint: "at most \(Limits.profilesPerNode); leave the others out")
    }
    return counted
  }

  // MARK: devices

  private mutating func device(_ value: JSONValue) throws {
    try value.object { fields in
      let uuid = fields.name("uuid")
      let kind = fields.choice("kind", ["gpu": DeviceKind.gpu, "cpu": .cpu])
      let profile = fields.name("profile")
      let memory = fields.optionalMemory("memory")
      let milli = fields.optionalInt64("milli", in: 1...Int64(Limits.deviceMilli))
      let numa = fields.optionalInt64("numa", in: 0...Int64(UInt16.max))
      let island = fields.optionalInt64("island", in: 0...Int64(UInt8.max))
      let condition = fields.optionalChoice("condition", Self.conditions)
      var parts: [DeviceReport] = []
      var taken = UInt16(0)
      let board = (try? profile.value) ?? "?"
      let mig = fields.optionalArray("mig", max: 16) { value in
        let part = try instance(value, of: board)
        if part.slots.bits & taken != 0 {
          throw value.refuse(
            "the instance overlaps another one of its board", hint: "give each slot once")
        }
        taken |= part.slots.bits
        parts.append(part)
      }
      let word = try kind.value
      try checkForm(&fields, word, value)
      let bytes = try memory.get() ?? .zero
      if word == .gpu, bytes == .zero {
        throw value.refuse("a GPU without memory", hint: "add memory_gib as the driver reports it")
      }
      var report = DeviceReport(
        key: try declare(try uuid.value, at: value), kind: word,
        profile: try intern(.profile, try profile.value, at: value),
        capacity: word == .cpu ? MilliGPU(Int32(try milli.value ?? 0)) : .whole, memory: bytes)
      report.numa = try numa.value.map { UInt16($0) }
      report.island = UInt8(try island.value ?? 0)
      report.condition = try condition.value ?? .healthy
      report.isPartitioned = try mig.value != nil
      devices.append(report)
      for var part in parts {
        part.profile = report.profile
        part.parent = report.key
        part.numa = report.numa
        part.island = report.island
        devices.append(part)
      }
    }
  }

  static var conditions: KeyValuePairs<String, DeviceReport.Condition> {
    ["healthy": .healthy, "dirty": .dirty, "failed": .failed]
  }

  private func checkForm(
    _ fields: inout JSONFields, _ kind: DeviceKind, _ value: JSONValue
  ) throws(JSONAbandoned) {
    if kind == .cpu, !fields.contains("milli") {
      throw value.refuse("a CPU set without an amount", hint: "add milli: 1000 for each core")
    }
    let stray = kind == .cpu ? "mig" : "milli"
    if fields.contains(stray) {
      try fields.fail(
        stray, "\(stray) does not go with kind \(kind == .cpu ? "cpu" : "gpu")",
        hint: "remove it")
    }
    if kind == .cpu, fields.contains("island") {
      try fields.fail("island", "island does not go with kind cpu", hint: "remove it")
    }
  }

  private mutating func declare(
    _ uuid: String, at value: JSONValue
  ) throws(JSONAbandoned) -> Key {
    if let first = known[uuid] {
      throw value.refuse("the uuid \"\(uuid)\" is used twice", hint: "\(first) has it")
    }
    known[uuid] = value.path
    return try intern(.device, uuid, at: value)
  }

  private mutating func instance(
    _ value: JSONValue, of board: String
  ) throws -> DeviceReport {
    try value.object { fields in
      let uuid = fields.name("uuid")
      let slice = fields.name("slice")
      let memory = fields.memory("memory", atLeast: 1, in: value)
      let condition = fields.optionalChoice("condition", Self.conditions)
      let slots = fields.array("slots", min: 1, max: 16) { try $0.int64(in: 0...15) }
      var mask = UInt16(0)
      for slot in try slots.value {
        if mask & (1 << UInt16(slot)) != 0 {
          fields.record("slots", "slot \(slot) stands there twice", hint: "remove one")
        }
        mask |= 1 << UInt16(slot)
      }
      let key = try declare(try uuid.value, at: value)
      var report = DeviceReport(
        key: key, kind: .slice, profile: key, memory: try memory.get())
      report.slice = try intern(.slice, NamePath.join(board, try slice.value), at: value)
      report.slots = SlotMask(bits: mask)
      report.condition = try condition.value ?? .healthy
      return report
    }
  }
}
