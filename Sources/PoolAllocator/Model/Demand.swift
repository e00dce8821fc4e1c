/// What one claim asks of the hardware.
public struct Demand: BitwiseCopyable, Hashable, Sendable {
  /// The form in which devices are asked for.
  public enum Shape: BitwiseCopyable, Hashable, Sendable {
    /// Whole devices.
    case whole
    /// A share of each device: thousandths of its time **and** bytes of its memory.
    case fraction(MilliGPU, Bytes)
    /// MIG instances of one profile, as advertised.
    case slice(Key)
    /// Processor time only, in a lane of a CPU profile; the amount is `cpu`.
    case cpuOnly
  }

  /// The form in which devices are asked for.
  public var shape: Shape
  /// Devices of that form for each member, on one node, 1 … `Limits.devicesPerMember`; 1 for
  /// `cpuOnly`.
  public var devices: UInt8
  /// Members, each on one node and with a lease of its own, 1 … `Limits.members`. More than one is
  /// a gang: all are granted in one step, and when one stops, all do.
  public var members: UInt16
  /// How near to one another all devices must be.
  public var together = Proximity.anywhere
  /// How near they are put where that can be had at once; a wish, never waited for.
  public var prefer = Proximity.anywhere
  /// Processor time of the node, per member; placed, and priced only in a CPU lane.
  public var cpu: MilliCPU
  /// Host memory of the node, per member; placed, not priced.
  public var hostMemory: Bytes
  /// Who must be kept from opening the device.
  public var enforcement: Enforcement
  /// Who may sit beside this claim on a device.
  public var sharing: Sharing

  /// Makes a demand of one member.
  public init(
    shape: Shape, devices: UInt8 = 1, cpu: MilliCPU = MilliCPU(0), hostMemory: Bytes = .zero,
    enforcement: Enforcement = .none, sharing: Sharing = .ownTenant
  ) {
    self.shape = shape
    self.devices = devices
    self.members = 1
    self.cpu = cpu
    self.hostMemory = hostMemory
    self.enforcement = enforcement
    self.sharing = sharing
  }

  /// Whether it asks for processor time or memory of the host.
  var asksHost: Bool { cpu.value > 0 || hostMemory > .zero }

  /// What fits nothing larger than the types allow.
  var isWellFormed: Bool {
    guard devices >= 1, Int(devices) <= Limits.devicesPerMember, members >= 1,
      Int(members) <= Limits.members,
      cpu.value >= 0, cpu.value <= Limits.deviceMilli,
      hostMemory >= .zero, hostMemory <= Limits.memoryMax
    else { return false }
    switch shape {
    case .whole, .slice: return true
    case .fraction(let milli, let bytes):
      return milli.value >= 0 && milli <= .whole && bytes >= .zero && bytes <= Limits.memoryMax
        && (milli.value > 0 || bytes.value > 0)
    case .cpuOnly: return devices == 1 && cpu.value > 0
    }
  }
}

/// How near devices are to one another.
public enum Proximity: UInt8, BitwiseCopyable, CaseIterable, Comparable, Sendable {
  /// In one lane.
  case anywhere
  /// On nodes of one rack, as their operator names it.
  case rack
  /// On one node.
  case node
  /// On one NUMA node of one machine.
  case numa
  /// In one island of GPUs that are linked directly, of one machine.
  case island

  /// Orders from far to near; a NUMA node and an island are parts of a machine in their own ways.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Who can open a device: a demand names the least it accepts, a node what it enforces and tested.
public enum Enforcement: UInt8, BitwiseCopyable, Comparable, Sendable {
  /// Nobody is kept out.
  case none
  /// The environment names the devices; a program that ignores it gets further.
  case environment
  /// The kernel's device control keeps others out.
  case cgroup

  /// Orders by strength.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Who sits beside a claim on a device: the least isolation that a demand accepts.
public enum Sharing: UInt8, BitwiseCopyable, Comparable, Sendable {
  /// Claims of any tenant, where the lane shares devices across tenants.
  case anyTenant
  /// Claims of the same tenant only.
  case ownTenant
  /// Nobody on the same MIG instance.
  case mig
  /// Nobody on the same device.
  case wholeDevice

  /// Orders by strength.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
