/// What is heard of a node.
public enum Reach: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Named by an operator, never heard.
  case enrolled
  /// Its advertisement fits; its leases are not yet all accounted for.
  case recovering
  /// Reported in full: may receive leases.
  case ready
  /// Silent for a moment: receives no lease.
  case suspect
  /// Silent for long: its devices are quarantined, not free.
  case silent
}

/// What an operator wants of a node; independent of its reach.
public enum Duty: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Receives leases.
  case open
  /// Receives none; running ones stay.
  case cordoned
  /// Receives none; running ones end at the deadline.
  case draining
  /// Receives none and has none left.
  case drained
}

/// How many devices of one profile an operator approved for a node.
public struct ApprovedDevices: BitwiseCopyable, Hashable, Sendable {
  /// The hardware profile.
  public var profile: Key
  /// Devices of it; CPU sets count apiece.
  public var count: UInt16

  /// Makes an approval.
  public init(profile: Key, count: UInt16) {
    self.profile = profile
    self.count = count
  }
}

/// What an operator states when a node is enrolled.
public struct Enrolment: BitwiseCopyable, Sendable {
  /// The node's outside name.
  public var key: Key
  /// Labels by which pools choose nodes.
  public var labels: Fixed4<Key>
  /// The rack it stands in; nil where that is not known: then it is near to no other node.
  public var rack: Key?
  /// Devices approved for it; what an agent claims beyond this gets no lease.
  public var approved: Fixed4<ApprovedDevices>

  /// Makes an enrolment; entries beyond four are a programming error.
  public init(
    key: Key, labels: [Key] = [], rack: Key? = nil, approved: [ApprovedDevices]
  ) {
    self.key = key
    self.rack = rack
    self.labels = Fixed4(labels, filler: Key(high: 0, low: 0))
    self.approved = Fixed4(approved, filler: ApprovedDevices(profile: key, count: 0))
  }
}

/// What an agent says of its node as a whole.
public struct NodeReport: BitwiseCopyable, Sendable {
  /// What the agent enforces, as it tested.
  public var enforcement: Enforcement
  /// Processor time that leases may use.
  public var cpu: MilliCPU
  /// Host memory that leases may use.
  public var hostMemory: Bytes
  /// Rises with every start of the agent, over boots too.
  public var generation: UInt64
  /// Counts its messages; with `generation` it orders them.
  public var sequence: UInt64
  /// Changes with every boot; a new one proves that no old process lives.
  public var boot: Key

  /// Makes a report.
  public init(
    boot: Key, generation: UInt64, sequence: UInt64, cpu: MilliCPU, hostMemory: Bytes,
    enforcement: Enforcement
  ) {
    self.boot = boot
    self.generation = generation
    self.sequence = sequence
    self.cpu = cpu
    self.hostMemory = hostMemory
    self.enforcement = enforcement
  }
}

/// A machine.
public struct Node: BitwiseCopyable, Sendable {
  /// What is heard of it.
  public internal(set) var reach = Reach.enrolled
  /// What an operator wants of it.
  public internal(set) var duty = Duty.open
  /// Its last accepted report; zeros before the first.
  public internal(set) var report = NodeReport(
    boot: Key(high: 0, low: 0), generation: 0, sequence: 0, cpu: MilliCPU(0), hostMemory: .zero,
    enforcement: .none)
  /// The boot before the reported one: a late message from it is no reboot.
  var lastBoot: Key?
  /// Processor time in leases.
  public internal(set) var cpuUsed = MilliCPU(0)
  /// Host memory in leases.
  public internal(set) var hostUsed = Bytes.zero
  /// When a suspect node becomes silent, or a draining one ends its leases.
  var timer = Instant.farFuture
  /// End of the grace that a drain gives.
  var drainBy = Instant.farFuture
  /// Signs of life in a row while suspect.
  var heard: UInt8 = 0
  /// Processor time and host memory kept for the pinned heads of lanes, beside what leases hold.
  var cpuPinned = MilliCPU(0)
  var hostPinned = Bytes.zero
  /// Leases that hold a share of it.
  public internal(set) var leases: UInt32 = 0
  /// Outside name, labels and approved devices; read rarely, so last.
  public var enrolment: Enrolment

  /// Processor time that is free.
  public var cpuFree: MilliCPU { MilliCPU(max(0, report.cpu.value - cpuUsed.value)) }
  /// Host memory that is free.
  public var hostFree: Bytes { Bytes(max(0, report.hostMemory.value - hostUsed.value)) }
  /// Processor time that a claim may take which is no pinned head.
  var cpuOpen: MilliCPU { MilliCPU(max(0, cpuFree.value - cpuPinned.value)) }
  /// Host memory that a claim may take which is no pinned head.
  var hostOpen: Bytes { Bytes(max(0, hostFree.value - hostPinned.value)) }
  /// Whether it may receive a lease at all.
  public var isOpen: Bool { reach == .ready && (duty == .open || planted(.cordonIgnored)) }

  /// Takes what a lease needs beside its devices.
  mutating func take(_ cpu: MilliCPU, _ memory: Bytes) {
    cpuUsed = MilliCPU(cpuUsed.value + cpu.value)
    hostUsed = Bytes(hostUsed.value + memory.value)
    leases += 1
  }

  /// Gets back what a lease had beside its devices.
  mutating func giveBack(_ cpu: MilliCPU, _ memory: Bytes) {
    cpuUsed = MilliCPU(cpuUsed.value - cpu.value)
    hostUsed = Bytes(hostUsed.value - memory.value)
    leases -= 1
  }
}
