import PoolAllocator
import PoolSimulator
import PoolWire
import StrictJSON

/// Machines.
extension ScenarioReader {
  /// What a kind of machine has.
  private struct Kind {
    var boards: [DeviceReport] = []
    var instances: [DeviceReport] = []
    var approved: [ApprovedDevices] = []

    mutating func approve(_ profile: Key, _ count: Int) {
      approved.append(ApprovedDevices(profile: profile, count: UInt16(count)))
    }
  }

  mutating func machine(_ value: JSONValue) throws {
    try value.object { fields in
      let name = fields.name("name")
      let count = fields.optionalInt64("count", in: 1...100)
      let labels = fields.optionalArray("labels", max: Limits.labelsPerNode) {
        NameTable.key(.label, try $0.name())
      }
      let rack = fields.optionalName("rack")
      let enforcement = fields.optionalChoice(
        "enforcement", ["none": Enforcement.none, "env": .environment, "cgroup": .cgroup])
      let cpu = fields.optionalInt64("cpu_milli", in: 0...Int64(Limits.deviceMilli))
      let hostMemory = fields.optionalMemory("host_memory")
      var kind = Kind()
      let gpus = fields.optional("gpus") { try self.gpus($0, &kind) }
      let mig = fields.optional("mig") { try self.partitioned($0, &kind) }
      let cpus = fields.optional("cpus") { try self.cpus($0, &kind) }
      _ = try (gpus.value, mig.value, cpus.value)
      if kind.boards.isEmpty {
        throw value.refuse("the machine has no device", hint: "add gpus, mig or cpus")
      }
      let copies = Int(try count.value ?? 1)
      for copy in 1...copies {
        let word = copies == 1 ? try name.value : "\(try name.value)-\(copy)"
        if machines.contains(where: { $0.name == word }) {
          throw value.refuse("the name \"\(word)\" is used twice", hint: "rename one")
        }
        let enrolment = Enrolment(
          key: NameTable.key(.node, word), labels: try labels.value ?? [],
          rack: try rack.value.map { NameTable.key(.rack, $0) }, approved: kind.approved)
        machines.append(
          DescribedMachine(
            name: word, enrolment: enrolment, devices: devices(of: kind, word),
            cpu: MilliCPU(Int32(try cpu.value ?? 64_000)),
            hostMemory: try hostMemory.get() ?? Bytes(512 << 30),
            enforcement: try enforcement.value ?? .cgroup))
      }
    }
  }

  /// The devices of one copy, with names of their own. A board's key counts it within its kind.
  private func devices(of kind: Kind, _ name: String) -> [DeviceReport] {
    var all: [DeviceReport] = []
    for (number, board) in kind.boards.enumerated() {
      var device = board
      device.key = NameTable.key(.device, "\(name)/\(number)")
      all.append(device)
      guard device.isPartitioned else { continue }
      for (part, instance) in kind.instances.enumerated() {
        var slice = instance
        slice.key = NameTable.key(.device, "\(name)/\(number)/\(part)")
        slice.parent = device.key
        slice.numa = device.numa
        all.append(slice)
      }
    }
    return all
  }

  private func profile(_ value: JSONValue, _ kind: DeviceKind) throws -> Key {
    let name = try value.name()
    let key = NameTable.key(.profile, name)
    guard policy?.policy.profiles.contains(where: { $0.key == key && $0.kind == kind }) == true
    else {
      throw value.refuse(
        "the policy has no profile \"\(name)\" of kind \(kind == .gpu ? "gpu" : "cpu")",
        hint: "write a profile of the policy")
    }
    return key
  }

  private func gpus(_ value: JSONValue, _ kind: inout Kind) throws {
    try value.object { fields in
      let profile = fields.read("profile") { try self.profile($0, .gpu) }
      let count = fields.int64("count", in: 1...16)
      let memory = fields.memory("memory", atLeast: 1, in: value)
      let island = fields.optionalInt64("island_gpus", in: 1...16)
      for number in 0..<Int(try count.value) {
        var gpu = DeviceReport(
          key: NameTable.key(.device, "gpu"), kind: .gpu, profile: try profile.value,
          memory: try memory.get())
        gpu.island = UInt8(number / Int(try island.value ?? 16))
        gpu.numa = UInt16(gpu.island)
        kind.boards.append(gpu)
      }
      kind.approve(try profile.value, Int(try count.value))
    }
  }

  private func partitioned(_ value: JSONValue, _ kind: inout Kind) throws {
    try value.object { fields in
      let profile = fields.read("profile") { try self.profile($0, .gpu) }
      let count = fields.int64("count", in: 1...16)
      let memory = fields.memory("memory", atLeast: 1, in: value)
      let board = try fields.take(profile)
      let instances = fields.array("instances", min: 1, max: 16) { try instance($0, of: board) }
      kind.instances = try instances.value
      for _ in 0..<Int(try count.value) {
        var gpu = DeviceReport(
          key: NameTable.key(.device, "gpu"), kind: .gpu, profile: board,
          memory: try memory.get())
        gpu.isPartitioned = true
        kind.boards.append(gpu)
      }
      if let index = kind.approved.firstIndex(where: { $0.profile == board }) {
        kind.approved[index].count += UInt16(try count.value)
      } else {
        kind.approve(board, Int(try count.value))
      }
    }
  }

  private func instance(_ value: JSONValue, of board: Key) throws -> DeviceReport {
    try value.object { fields in
      let slice = fields.read("slice") { value in
        let known = policy?.vocabulary.slices ?? []
        let name = known[try index(value, among: known.map(\.name), called: "slice")]
        return NameTable.key(.slice, name.qualified)
      }
      let memory = fields.memory("memory", atLeast: 1, in: value)
      let slots = fields.array("slots", min: 1, max: 16) { try $0.int64(in: 0...15) }
      let mask = try slots.value.reduce(UInt16(0)) { $0 | 1 << UInt16($1) }
      var report = DeviceReport(
        key: NameTable.key(.device, "instance"), kind: .slice, profile: board,
        memory: try memory.get())
      report.slice = try slice.value
      report.slots = SlotMask(bits: mask)
      return report
    }
  }

  private func cpus(_ value: JSONValue, _ kind: inout Kind) throws {
    try value.object { fields in
      let profile = fields.read("profile") { try self.profile($0, .cpu) }
      let milli = fields.int64("milli", in: 1...Int64(Limits.deviceMilli))
      let memory = fields.memory("memory", in: value)
      kind.boards.append(
        DeviceReport(
          key: NameTable.key(.device, "cpu"), kind: .cpu, profile: try profile.value,
          capacity: MilliGPU(Int32(try milli.value)), memory: try memory.get()))
      kind.approve(try profile.value, 1)
    }
  }
}
