/// One GPU of the node. A field is nil when nobody says.
public struct GPUEntry: Sendable, Equatable {
  /// Number in the node: NVML's index, and for what NVML does not show the numbers after its last.
  /// It changes with the driver and inside containers: the key is `uuid`.
  public var index: Int
  /// The GPU's own identifier, such as `GPU-5d1c…`.
  public var uuid: String?
  /// The product name, such as `NVIDIA H200`.
  public var name: String?
  /// The serial number that is printed on the board; consumer boards tell none.
  public var serial: String?
  /// The number of the board's kind, such as `900-21001-0000-000`.
  public var boardPartNumber: String?
  /// Who made it, in lower case: `nvidia`, `amd`, `intel`.
  public var vendor: String?
  /// Memory of the whole GPU and what of it is taken; nil for a GPU that shares the host's memory
  /// and for one that did not answer.
  public var memory: GPUMemory?
  /// True when it has no memory of its own but computes in the host's: then both are one pool.
  public var sharesHostMemory = false
  /// Whether it can take work.
  public var state: GPUState
  /// True when the driver says that it lost the GPU, or can do nothing with it before a reset.
  public var isLost = false
  /// What is odd about it without being a reason not to use it, each one clause.
  public var warnings: [String] = []
  /// The hardware profile, and which rule found it.
  public var profile: ProfileMatch
  /// Who told: NVML, the kernel, or a description.
  public var source = GPUSource.nvml
  /// Compute capability, such as `9.0`.
  public var computeCapability: String?
  /// Place on the PCI bus, as NVML writes it: `00000000:1B:00.0`.
  public var pciBusID: String?
  /// What it is on the PCI bus, such as `10de:2335/10de:18be`.
  public var pci: PCIIdentity?
  /// The host's NUMA node that it is near to.
  public var numaNode: Int?
  /// The NUMA node that its own memory is, on machines where the host can address it.
  public var memoryNode: Int?
  /// CPUs that it is near to.
  public var cpus: CPUSet?
  /// Its partitions.
  public var mig = MIGState()
  /// What it is linked with, switches first; nil when the driver does not say.
  public var links: [GPULink]?
  /// Who uses it; nil when the driver does not say.
  public var processes: [GPUProcess]?
  /// Load, power, heat, clocks, faults and modes.
  public var readings = GPUReadings()
  /// What the driver did not tell now and may tell later, in a fixed order.
  public var late: [LateReading] = []

  /// Makes an entry of the given parts; the others are set afterwards.
  public init(
    index: Int, uuid: String?, name: String?, memory: GPUMemory?, state: GPUState,
    profile: ProfileMatch
  ) {
    self.index = index
    self.uuid = uuid
    self.name = name
    self.memory = memory
    self.state = state
    self.profile = profile
  }

  /// True when the GPU answers, says who it is and what memory it has, and has a profile by which
  /// it can be priced.
  public var isOfferable: Bool {
    state == .usable && uuid != nil && profile.name != nil && (memory != nil || sharesHostMemory)
  }
}

/// A question that the driver answered with "not now".
public struct LateReading: Sendable, Equatable {
  /// What was asked: the name of a reading, such as `power_milliwatts`, or `processes`, `links`,
  /// or another of NVML's figures.
  public var name: String
  /// Why there was no answer, with NVML's code.
  public var reason: String
  /// Age of the value that is shown in its place, in milliseconds; nil when there is none, because
  /// it was never told or too long ago.
  public var ageMilliseconds: UInt64?

  /// Makes one.
  public init(name: String, reason: String, ageMilliseconds: UInt64?) {
    self.name = name
    self.reason = reason
    self.ageMilliseconds = ageMilliseconds
  }
}

/// Who told of a GPU.
public enum GPUSource: String, Sendable, CaseIterable {
  /// The NVIDIA driver.
  case nvml
  /// The kernel's files.
  case sysfs
  /// A description of a machine, not a machine.
  case described
}

/// Memory of a GPU, in bytes.
public struct GPUMemory: Sendable, Equatable {
  /// All of it, the driver's own part included.
  public var totalBytes: UInt64
  /// What is taken; nil when nobody says. Without `reservedBytes` this includes the driver's own
  /// part.
  public var usedBytes: UInt64?
  /// The driver's own part; nil when the driver is too old to tell it apart.
  public var reservedBytes: UInt64?

  /// Makes a memory of the given bytes.
  public init(totalBytes: UInt64, usedBytes: UInt64?, reservedBytes: UInt64?) {
    self.totalBytes = totalBytes
    self.usedBytes = usedBytes
    self.reservedBytes = reservedBytes
  }
}

/// Whether a GPU can take work.
public enum GPUState: Sendable, Equatable {
  /// It answers every question that was asked.
  case usable
  /// It exists, but this process may not open it: it is somebody else's.
  case notPermitted(reason: String)
  /// It gave no answer in time: neither known to be well nor to be dead. It must not be offered.
  case unknown(reason: String)
  /// It must not be offered; the reason in words, with NVML's code where one was given.
  case unusable(reason: String)

  /// One word for programs: `usable`, `not_permitted`, `unknown`, `unusable`.
  public var word: String {
    switch self {
    case .usable: "usable"
    case .notPermitted: "not_permitted"
    case .unknown: "unknown"
    case .unusable: "unusable"
    }
  }

  /// Why it is not usable; nil when it is.
  public var reason: String? {
    switch self {
    case .usable: nil
    case .notPermitted(let reason), .unknown(let reason), .unusable(let reason): reason
    }
  }
}
