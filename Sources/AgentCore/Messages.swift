public import PoolAllocator

/// The node as the caller found it.
public struct Inventory: Sendable {
  /// What is enforced, as it was tested.
  public var enforcement: Enforcement
  /// Processor time that leases may use.
  public var cpu: MilliCPU
  /// Host memory that leases may use.
  public var hostMemory: Bytes
  /// Whether everything could be listed; an incomplete one is not reported.
  public var isComplete: Bool
  /// Every device; one with a process that no lease explains is `dirty`.
  public var devices: [DeviceReport]

  /// Makes an inventory.
  public init(
    enforcement: Enforcement, cpu: MilliCPU, hostMemory: Bytes, isComplete: Bool = true,
    devices: [DeviceReport]
  ) {
    self.enforcement = enforcement
    self.cpu = cpu
    self.hostMemory = hostMemory
    self.isComplete = isComplete
    self.devices = devices
  }

  /// Whether every device of some shares is there.
  func has(_ shares: [DeviceShare]) -> Bool {
    shares.allSatisfy { share in devices.contains { $0.key == share.device } }
  }
}

/// What the caller has to carry out. Each may come again; carrying it out twice must do no harm.
public enum AgentAction: Sendable {
  /// Start a lease, and say `started` or `exited`.
  case start(LeaseOrder)
  /// Ask it to end, and say `exited` when nothing of it lives.
  case stop(Fencing)
  /// Kill it, and say `exited` when nothing of it lives.
  case kill(Fencing)
  /// Look whether it lives, and say `started` or `exited`.
  case inspect(Fencing)
}

/// What the caller saw of a lease: of the work that `start` began or that `inspect` asked after. A
/// number can be started again after a lost record, so what is seen of work that no lease explained
/// is an inventory, never a sight.
public enum LeaseSight: BitwiseCopyable, Hashable, Sendable {
  /// It lives.
  case started
  /// Nothing of it lives: it ended, or could not be started.
  case exited(LeaseEnding)
}

/// Why an agent does not do what a reply says.
public enum OrderRefusal: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// The reply is of a leadership that is over.
  case epochOver
  /// The reply answers an older message than was answered already, or one from before the last full
  /// report.
  case replyLate
  /// The device has seen a higher fencing number, or this one.
  case fencingStale
  /// The time to start is over.
  case startLate
  /// There is no such device.
  case deviceUnknown
  /// The device does not work, or holds a process that no lease explains.
  case deviceUnfit
  /// Something of another lease lives where it would run.
  case deviceOccupied
  /// As many leases are known as can be.
  case tableFull
}

/// What one call of `Agent.run` gives its caller to do.
public struct AgentOutput: Sendable {
  /// To be stored in one step, in place of the last one; then `stored`. nil: nothing changed.
  public var record: AgentRecord?
  /// What has to be carried out, in order.
  public var actions: [AgentAction] = []
  /// To be sent to the leader.
  public var message: NodeMessage?
  /// What was not done since the last call, and why; nil: the whole reply.
  public var refusals: [(fencing: Fencing?, because: OrderRefusal)] = []
  /// When to call again if nothing comes; nil: there is nothing to wait for.
  public var wake: BootTime?
}
