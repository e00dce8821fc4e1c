/// What kind of hardware a device is.
public enum DeviceKind: UInt8, BitwiseCopyable, Sendable {
  /// A GPU.
  case gpu
  /// A MIG instance: a device with a parent and slots.
  case slice
  /// The processors of one NUMA node, or a lane's part of them.
  case cpu
}

/// How a GPU is in use; the modes exclude one another.
public enum DeviceMode: UInt8, BitwiseCopyable, Sendable {
  /// Nobody uses it.
  case idle
  /// One lease has all of it.
  case whole
  /// Leases have shares of it.
  case fractions
  /// It is partitioned, as advertised; its instances are devices of their own.
  case mig
}

/// Whether a device can be trusted with a lease.
public enum Health: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Not yet known to be empty, or of a profile that nobody approved.
  case unknown
  /// May receive a lease.
  case usable
  /// Its node is silent or recovering: not free, not dead.
  case quarantined
  /// A process without a lease lives there, or one outlived its kill deadline.
  case dirty
  /// Reported broken.
  case failed
  /// No longer advertised.
  case gone
}

/// What an agent says of one device.
public struct DeviceReport: BitwiseCopyable, Hashable, Sendable {
  /// What the agent knows of a device's condition.
  public enum Condition: UInt8, BitwiseCopyable, Sendable {
    /// Works, and holds no process but those of leases.
    case healthy
    /// Works, but holds a process without a lease.
    case dirty
    /// Does not work.
    case failed
  }

  /// What it is.
  public var kind: DeviceKind
  /// What the agent knows of its condition.
  public var condition: Condition
  /// For a GPU: it is partitioned into instances and offers nothing itself.
  public var isPartitioned: Bool
  /// Memory slices of its parent that an instance occupies.
  public var slots: SlotMask
  /// 1,000 for a GPU or instance; milli-cores for a CPU set.
  public var capacity: MilliGPU
  /// Memory that the driver reports usable.
  public var memory: Bytes
  /// NUMA node, or nil where the machine does not say.
  public var numa: UInt16?
  /// Which GPUs of the node are linked with each other: those with the same number. 0 throughout
  /// where the node is one island.
  public var island: UInt8 = 0
  /// UUID of the device.
  public var key: Key
  /// Hardware profile; for an instance, the profile of its board.
  public var profile: Key
  /// MIG profile, for an instance.
  public var slice: Key?
  /// UUID of the GPU that an instance is part of.
  public var parent: Key?

  /// Whether it would serve the same demands as another if both were empty.
  func servesLike(_ other: Self) -> Bool {
    kind == other.kind && isPartitioned == other.isPartitioned && capacity == other.capacity
      && memory == other.memory && profile == other.profile && slice == other.slice
      && numa == other.numa && island == other.island
  }

  /// Makes a report of a healthy device.
  public init(
    key: Key, kind: DeviceKind, profile: Key, capacity: MilliGPU = .whole, memory: Bytes
  ) {
    self.key = key
    self.kind = kind
    self.profile = profile
    self.slice = nil
    self.parent = nil
    self.slots = SlotMask(bits: 0)
    self.isPartitioned = false
    self.capacity = capacity
    self.memory = memory
    self.numa = nil
    self.condition = .healthy
  }
}

/// A GPU, a MIG instance, or one lane's part of a CPU set: what a lease holds shares of.
///
/// What leases change stands first, names last: a lookup touches few cache lines.
public struct Device: BitwiseCopyable, Sendable {
  /// The machine it is in.
  public let node: NodeID
  /// Whether it can be trusted with a lease.
  public internal(set) var health = Health.unknown
  /// How it is in use.
  public internal(set) var mode = DeviceMode.idle
  /// Row of the lane it is bound to; nil where no pool of the policy takes it.
  public internal(set) var lane: UInt32?
  /// The cell of its reserved lane that it belongs to, as the row of one of the cell's devices; nil
  /// in a shared lane.
  public internal(set) var cell: UInt32?
  /// Shares of it, or of its instances, that leases hold which its lane did not grant to its owner
  /// or lend: they were there before it was bound.
  public internal(set) var squatters: UInt16 = 0
  /// What the lane may give away: `report.capacity`, or the lane's part of it.
  public internal(set) var capacity: MilliGPU
  /// What leases hold of `capacity`.
  public internal(set) var used = MilliGPU(0)
  /// What leases hold of the memory.
  public internal(set) var memoryUsed = Bytes.zero
  /// Leases that hold a share.
  public internal(set) var shares: UInt16 = 0
  /// The tenant that an opened device is closed to, as row; nil while idle or open to any.
  public internal(set) var tenant: UInt32?
  /// The GPU that an instance is part of.
  public internal(set) var parent: DeviceID?
  /// Row in the policy's table of slices, for an instance.
  public internal(set) var slice: UInt16?
  /// The highest fencing number ever issued for it.
  public internal(set) var fencing = Fencing(raw: 0)
  /// Row of the waiting claim that a GPU or instance is kept for, whole; nil where it is not.
  public internal(set) var pin: UInt32?
  /// What is kept of a CPU part for waiting claims.
  var pinned = MilliGPU(0)
  /// Whether the node's approval covers it.
  public internal(set) var isApproved: Bool
  /// A reserved lane's part of a CPU set; the set's own row is the shared lane's part.
  public internal(set) var isPart = false
  /// The agent's last word on it. For a part of a CPU set `capacity` is that of the whole set.
  public internal(set) var report: DeviceReport

  /// Time share that is free.
  public var milliFree: MilliGPU { MilliGPU(capacity.value - used.value) }
  /// Memory that is free.
  public var memoryFree: Bytes { Bytes(report.memory.value - memoryUsed.value) }

  /// Takes a lease's share.
  /// - Parameter tenant: the tenant's row that opens it; nil where it opens to any.
  mutating func take(_ use: DeviceUse, for fencing: Fencing, openedBy tenant: UInt32?) {
    invariant(health == .usable, "only usable devices are granted")
    invariant(use.milli <= milliFree, "a device never gives more than it has")
    invariant(use.memory <= memoryFree, "a device never gives more memory than it has")
    invariant(self.fencing < fencing, "a device's fencing number only rises")
    if report.kind == .gpu {
      invariant(mode != .whole && mode != .mig, "modes exclude one another")
      let isWhole = use.milli == .whole && use.memory == report.memory
      mode = isWhole && mode == .idle ? .whole : .fractions
    }
    if shares == 0, let tenant { self.tenant = tenant }
    used = MilliGPU(used.value + use.milli.value)
    memoryUsed = Bytes(memoryUsed.value + use.memory.value)
    shares += 1
    self.fencing = fencing
  }

  /// Gets a lease's share back; an emptied device is closed to nobody.
  mutating func giveBack(_ use: DeviceUse) {
    used = MilliGPU(used.value - use.milli.value)
    memoryUsed = Bytes(memoryUsed.value - use.memory.value)
    shares -= 1
    guard shares == 0 else { return }
    tenant = nil
    if mode != .mig { mode = .idle }
  }
}

/// One lease's part of one device.
public struct DeviceUse: BitwiseCopyable, Hashable, Sendable {
  /// The device.
  public var device: DeviceID
  /// Thousandths of its time; milli-cores for a CPU set.
  public var milli: MilliGPU
  /// Bytes of its memory.
  public var memory: Bytes
}
