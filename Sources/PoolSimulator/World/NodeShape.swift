package import PoolAllocator

/// The hardware of a machine as it really is.
package struct NodeShape: Sendable {
  /// GPUs of the first profile.
  package var boards: Int
  /// How many of them are partitioned.
  package var partitioned: Int
  /// GPUs of the second profile.
  package var small: Int
  /// CPU sets.
  package var cpuSets: Int
  /// GPUs of one island; 0: one island.
  package var island: Int
  /// Whether it has the label that pools choose nodes by.
  package var isLabelled: Bool
  /// Its rack; nil: not known.
  package var rack: Int?
  /// What it enforces.
  package var enforcement: Enforcement
  /// A machine that somebody describes; nil: one of the kind above.
  package var described: DescribedMachine?

  static func draw(_ random: inout SeededGenerator) -> NodeShape {
    let isMIG = random.chance(25)
    let boards = random.chance(90) ? Int(random.within(1...(isMIG ? 2 : 6))) : 0
    let kinds: [Enforcement] = [.none, .environment, .cgroup, .cgroup]
    return NodeShape(
      boards: boards, partitioned: isMIG ? 1 + random.number(boards) : 0,
      small: random.chance(50) ? 1 : 0, cpuSets: random.chance(70) ? 1 : 0,
      island: random.chance(50) ? 2 : 0, isLabelled: random.chance(60),
      rack: random.chance(70) ? random.number(2) : nil, enforcement: kinds[random.number(4)])
  }

  /// Processor time that leases may use.
  package static let cpu = MilliCPU(16_000)
  /// Host memory that leases may use.
  package static let hostMemory = Bytes(128 << 30)
  private static let boardMemory = Bytes(80 << 30)

  /// What an operator approves for it.
  func enrolment(_ number: Int) -> Enrolment {
    if var stated = described?.enrolment {
      stated.key = Names.node(number)
      return stated
    }
    var approved: [ApprovedDevices] = []
    for (profile, count) in [(0, boards), (1, cpuSets), (2, small)] where count > 0 {
      approved.append(ApprovedDevices(profile: Names.profile(profile), count: UInt16(count)))
    }
    return Enrolment(
      key: Names.node(number), labels: isLabelled ? [Names.label(0)] : [],
      rack: rack.map { Names.rack($0) }, approved: approved)
  }

  /// Every device of it, instances after their board.
  /// - Parameter layout: counts how often its boards were partitioned anew: instances have other
  ///   names then.
  func devices(_ node: Int, layout: Int) -> [DeviceReport] {
    if let described { return described.devices }
    var devices: [DeviceReport] = []
    for board in 0..<boards {
      var gpu = DeviceReport(
        key: Names.device(node, board), kind: .gpu, profile: Names.profile(0),
        memory: Self.boardMemory)
      gpu.isPartitioned = board < partitioned
      gpu.island = island == 0 ? 0 : UInt8(board / island)
      gpu.numa = UInt16(board % 2)
      devices.append(gpu)
      if gpu.isPartitioned { devices += instances(of: gpu, node, board, layout) }
    }
    for card in 0..<small {
      devices.append(
        DeviceReport(
          key: Names.device(node, 50 + card), kind: .gpu, profile: Names.profile(2),
          memory: Bytes(40 << 30)))
    }
    for set in 0..<cpuSets {
      devices.append(
        DeviceReport(
          key: Names.device(node, 60 + set), kind: .cpu, profile: Names.profile(1),
          capacity: MilliGPU(8_000), memory: Bytes(64 << 30)))
    }
    return devices
  }

  /// Three small instances and a large one, or seven small ones.
  private func instances(
    of board: DeviceReport, _ node: Int, _ number: Int, _ layout: Int
  ) -> [DeviceReport] {
    let isMixed = (number + layout) % 2 == 0
    return (0..<(isMixed ? 4 : 7)).map { part in
      let isLarge = isMixed && part == 3
      var slice = DeviceReport(
        key: Names.device(node, 100 + layout * 100 + number * 8 + part), kind: .slice,
        profile: Names.profile(0), memory: Bytes(isLarge ? 40 << 30 : 10 << 30))
      slice.parent = board.key
      slice.slice = Names.slice(isLarge ? 1 : 0)
      slice.slots = SlotMask(bits: isLarge ? 0xF0 : 1 << UInt16(part))
      slice.numa = board.numa
      return slice
    }
  }
}

/// What an agent says of its node that is not so.
struct NodeLie: Sendable {
  /// Devices that it leaves out, from the last on.
  var hidden = 0
  /// GPUs that it makes up.
  var madeUp = 0
  /// The device of which it names half the memory.
  var halved: Int?
  /// Whether it names an instance whose slots another one has.
  var overlaps = false
  /// Whether it names an instance otherwise, and which, though work may run on it under its name.
  var isRenamed = false
  var renamed: Key?

  static func draw(_ random: inout SeededGenerator, devices: Int) -> NodeLie {
    var lie = NodeLie()
    switch random.number(5) {
    case 0: lie.hidden = 1 + random.number(3)
    case 1: lie.madeUp = 1 + random.number(2)
    case 2: lie.overlaps = true
    case 3: lie.isRenamed = true
    default: lie.halved = random.number(devices)
    }
    return lie
  }

  /// Changes an account of a node.
  func bend(_ devices: inout [DeviceReport], _ node: Int) {
    if let halved, halved < devices.count {
      devices[halved].memory = Bytes(devices[halved].memory.value / 2)
    }
    devices.removeLast(min(hidden, devices.count))
    if overlaps, let real = devices.last(where: { $0.kind == .slice }) {
      var double = real
      double.key = Names.device(node, 95)
      devices.append(double)
    }
    let slice = devices.lastIndex { $0.key == renamed } ?? devices.lastIndex { $0.kind == .slice }
    if isRenamed, let place = slice, devices[place].kind == .slice {
      devices[place].key = Names.device(node, 96)
    }
    for number in 0..<madeUp {
      devices.append(
        DeviceReport(
          key: Names.device(node, 90 + number), kind: .gpu, profile: Names.profile(0),
          memory: Bytes(80 << 30)))
    }
  }
}
