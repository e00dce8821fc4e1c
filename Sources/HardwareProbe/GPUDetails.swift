/// The partitions of a GPU.
public struct MIGState: Sendable, Equatable {
  /// The mode now; nil where there is no such mode, and when the GPU did not answer.
  public var isEnabled: Bool?
  /// The mode after the next reset; nil where there is no such mode.
  public var isPending: Bool?
  /// The partitions that there are; nil when that is not known, empty where there is no such mode.
  /// A GPU that is cut into none has no capacity at all.
  public var instances: [MIGInstance]?
  /// The kinds of partition that it can be cut into.
  public var profiles: [MIGProfile] = []

  /// A state of which nothing is known.
  public init() {}

  /// True when the mode will change at the next reset.
  public var isChanging: Bool { isEnabled != nil && isPending != nil && isEnabled != isPending }
}

/// One MIG device: a compute instance in a GPU instance.
public struct MIGInstance: Sendable, Equatable {
  /// Position among the MIG devices of the GPU; positions may have gaps.
  public var position: Int
  /// `MIG-<uuid>`, or on drivers before R470 `MIG-GPU-<uuid>/<gi>/<ci>`.
  public var uuid: String?
  /// The driver's name for its kind, such as `1g.10gb` or `1c.3g.40gb`; nil when it cannot be told.
  public var profile: String?
  /// Memory of its GPU instance, which it may share with other compute instances, in bytes.
  public var memory: GPUMemory?
  /// Number of its GPU instance.
  public var gpuInstance: UInt32?
  /// Number of its compute instance in that.
  public var computeInstance: UInt32?
  /// Where its GPU instance is; nil without the privilege to ask.
  public var placement: MIGPlacement?
  /// True when another compute instance shares its GPU instance and so its memory.
  public var sharesMemory = false
  /// Streaming multiprocessors.
  public var multiprocessors: UInt64?
  /// Thousandths of its GPU that it is billed as; nil when the GPU's profile does not say.
  public var billedMilli: Int?
  /// The device files that a process needs to use it, that of its GPU instance first; nil when
  /// the driver does not say.
  public var files: [String]?
  /// Why it must not be offered; nil when it may.
  public var fault: String?
  /// What the driver did not tell of it now and may tell later.
  public var late: [LateReading] = []

  /// Makes a partition of which nothing is known yet.
  public init(position: Int) { self.position = position }

  /// True when it can be offered: it answers, says what it is and where, and shares no memory.
  public var isOfferable: Bool {
    fault == nil && uuid != nil && profile != nil && memory != nil && placement != nil
      && !sharesMemory
  }
}

/// Memory slices that a GPU instance takes.
public struct MIGPlacement: Sendable, Equatable {
  /// The first slice, from 0.
  public var start: UInt32
  /// How many; at least 1 on a sound driver.
  public var size: UInt32

  /// Makes a placement.
  public init(start: UInt32, size: UInt32) {
    self.start = start
    self.size = size
  }
}

/// A kind of partition that a GPU can be cut into.
public struct MIGProfile: Sendable, Equatable {
  /// The driver's name for it, such as `1g.10gb`; nil on drivers that have none.
  public var name: String?
  /// NVML's number for it, which means something else on another board.
  public var id: UInt32
  /// Compute slices.
  public var slices: UInt32
  /// How many the GPU can have.
  public var instancesMax: UInt32
  /// How many more it can have now; nil without the privilege to ask.
  public var remaining: UInt32?
  /// Streaming multiprocessors.
  public var multiprocessors: UInt32
  /// Memory in bytes.
  public var memoryBytes: UInt64
  /// Where it can be.
  public var placements: [MIGPlacement]
}

/// What a GPU is linked with.
public struct GPULink: Sendable, Equatable {
  /// What is at the other end.
  public enum Remote: String, Sendable, CaseIterable {
    case gpu, nvswitch, npu, unknown
  }

  /// What is at the other end.
  public var remote: Remote
  /// Index of the other GPU; nil for anything else.
  public var index: Int?
  /// Identifier of the other GPU.
  public var uuid: String?
  /// Active NVLink ports that end there; nil when the driver does not say.
  public var ports: Int?
  /// Generation of NVLink, 1...5; nil without ports.
  public var version: Int?
  /// Errors of all those ports together; nil when the driver does not say.
  public var errors: UInt64?
  /// What the way over PCI Express crosses; nil for anything but a GPU.
  public var path: Path?
  /// Whether one GPU can read the other's memory, and so on; nil when the driver does not say.
  public var canRead: Bool?
  /// Whether it can write it.
  public var canWrite: Bool?
  /// Whether it does so over NVLink, directly or through switches.
  public var overNVLink: Bool?
  /// Whether atomic operations pass.
  public var atomics: Bool?

  /// What two GPUs have in common on the way between them, nearest first.
  public enum Path: String, Sendable, CaseIterable {
    /// They are on one board.
    case board
    /// One PCI Express switch.
    case single
    /// Several switches.
    case multiple
    /// The host bridge.
    case hostbridge
    /// The NUMA node.
    case node
    /// Nothing but the machine.
    case system
  }

  /// Makes a link of which only the other end is known.
  public init(remote: Remote, index: Int? = nil, uuid: String? = nil) {
    self.remote = remote
    self.index = index
    self.uuid = uuid
  }
}

/// A process on a GPU.
public struct GPUProcess: Sendable, Equatable {
  /// `compute`, `graphics` or `mps`; several joined by `+`, in this order.
  public var kind: String
  /// Its number where the driver counts, which inside a container may be another one; nil when the
  /// driver hides it.
  public var pid: UInt32?
  /// GPU memory that it holds, in bytes.
  public var usedBytes: UInt64?
  /// The GPU instance that it runs in.
  public var gpuInstance: UInt32?
  /// The compute instance that it runs in.
  public var computeInstance: UInt32?
  /// Time that its kernels ran, in percent of the driver's newest sample period; nil when the
  /// driver has no sample of it, as under MIG.
  public var utilizationPercent: UInt64?
  /// Time that memory was read or written for it, in percent.
  public var memoryUtilizationPercent: UInt64?
  /// Load of the video encoder, in percent.
  public var encoderPercent: UInt64?
  /// Load of the video decoder, in percent.
  public var decoderPercent: UInt64?
}

/// What a GPU measures of itself. Everything is nil when the driver does not say.
public struct GPUReadings: Sendable, Equatable {
  /// Plain numbers by the name that the JSON form gives them, ascending by name. Units stand in the
  /// names: `power_milliwatts`, `ecc_uncorrected_volatile`.
  public var numbers: [(name: String, value: UInt64)] = []
  /// The generation of the chip in the driver's numbers, in words: `hopper`.
  public var architecture: String?
  /// Why clocks are lower than they could be, in words; nil when the driver does not say.
  public var clockReasons: [String]?
  /// What the driver asks for to mend the GPU; `none`, or nil when it does not say.
  public var recoveryAction: String?
  /// Identifier of the NVLink fabric's cluster, in the form of 36 characters.
  public var fabricCluster: String?
  /// State of the NVLink fabric: `not_supported`, `not_started`, `in_progress`, `completed`.
  public var fabricState: String?
  /// Mode of computing: `default`, `exclusive_thread`, `prohibited`, `exclusive_process`.
  public var computeMode: String?
  /// What the driver remembers of processes that ran; nil when it does not.
  public var accounting: [GPUAccounting]?

  /// Readings of which nothing is known.
  public init() {}

  /// The number of that name; nil when it is not known.
  ///
  /// - Complexity: O(numbers).
  public subscript(name: String) -> UInt64? { numbers.first { $0.name == name }?.value }

  subscript(number: GPUNumber) -> UInt64? { self[number.rawValue] }

  /// Equal when all readings are.
  public static func == (left: GPUReadings, right: GPUReadings) -> Bool {
    left.numbers.elementsEqual(right.numbers) { $0.name == $1.name && $0.value == $1.value }
      && left.architecture == right.architecture && left.clockReasons == right.clockReasons
      && left.recoveryAction == right.recoveryAction && left.fabricCluster == right.fabricCluster
      && left.fabricState == right.fabricState && left.computeMode == right.computeMode
      && left.accounting == right.accounting
  }
}

/// What the driver remembers of a process.
public struct GPUAccounting: Sendable, Equatable {
  /// Its number where the driver counts.
  public var pid: UInt32
  /// Time of the GPU that it took, in percent of its life.
  public var utilizationPercent: UInt64?
  /// The most memory that it held, in bytes.
  public var memoryMaxBytes: UInt64?
  /// How long it ran, in milliseconds.
  public var milliseconds: UInt64?
  /// True while it runs.
  public var isRunning: Bool
}
