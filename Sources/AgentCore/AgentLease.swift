public import PoolAllocator

/// Where a lease is in its life on its node (docs/STATES.md).
public enum AgentLeaseState: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Accepted; started once that is stored.
  case preparing
  /// The caller was told to start it and did not say what came of it.
  case starting
  /// It was there before the agent was started anew; the caller looks whether it lives.
  case unsure
  /// It lives.
  case running
  /// The caller was told to end it.
  case stopping
  /// Its time to end is over: the caller was told to kill it.
  case killing
  /// Nothing of it lives, nor will; kept until the leader took that in.
  case gone
}

/// One lease as its agent knows it.
public struct AgentLease: Hashable, Sendable {
  /// The lease.
  public let lease: LeaseID
  /// Its fencing number.
  public let fencing: Fencing
  /// Its devices.
  public let devices: [DeviceShare]
  /// Where it is in its life.
  public internal(set) var state: AgentLeaseState
  /// When it is ended by its agent if it is not extended.
  public internal(set) var ends: BootTime
  /// Time from its end to the moment at which nothing of it may live.
  public let killWithin: Span
  /// When it is killed, once it has to end.
  public internal(set) var killAt = BootTime(ns: .max)
  /// How it ended, or will have ended.
  public internal(set) var ending: LeaseEnding?
  /// Whether the leader has taken in that it started.
  var isAcknowledged = false
  /// Whether what became of it was said in a message.
  var isSaid = false
  /// When the caller is told again what it did not carry out.
  var repeatAt = BootTime(ns: .max)
  /// Number of the record that must be stored before its state is acted upon or told.
  var needs: UInt64 = 0

  /// Makes a lease, as it was stored.
  public init(
    lease: LeaseID, fencing: Fencing, devices: [DeviceShare], state: AgentLeaseState,
    ends: BootTime, killWithin: Span, killAt: BootTime = BootTime(ns: .max),
    ending: LeaseEnding? = nil
  ) {
    self.lease = lease
    self.fencing = fencing
    self.devices = devices
    self.state = state
    self.ends = ends
    self.killWithin = killWithin
    self.killAt = killAt
    self.ending = ending
  }

  /// Whether something of it lives or may live.
  public var mayLive: Bool { state != .gone }

  /// Whether its work came to an end that counts, done or failed; a lease that is not in its node's
  /// report counts as lost, and its claim runs again.
  var hasOutcome: Bool { state == .gone && (ending == .completed || ending == .failed) }

  /// Whether a lease may move from one state to another (docs/STATES.md).
  public static func isEdge(_ from: AgentLeaseState, _ to: AgentLeaseState) -> Bool {
    switch (from, to) {
    case (.preparing, .starting), (.preparing, .gone), (.starting, .running),
      (.starting, .stopping),
      (.starting, .gone), (.unsure, .running), (.unsure, .stopping), (.unsure, .gone),
      (.running, .stopping), (.running, .gone), (.stopping, .killing), (.stopping, .gone),
      (.killing, .gone):
      true
    default: false
    }
  }
}

/// What an agent keeps on disk; written as a whole, in one step.
public struct AgentRecord: Hashable, Sendable {
  /// Counts the records of one start of the agent.
  public var number: UInt64
  /// The boot during which it was written.
  public var boot: Key
  /// Counts the starts of the agent.
  public var generation: UInt64
  /// The highest leadership that was heard.
  public var epoch: UInt32
  /// The highest fencing numbers.
  public var fences: FencingTable
  /// The leases, by fencing number.
  public var leases: [AgentLease]

  /// Makes a record.
  public init(
    number: UInt64, boot: Key, generation: UInt64, epoch: UInt32, fences: FencingTable,
    leases: [AgentLease]
  ) {
    self.number = number
    self.boot = boot
    self.generation = generation
    self.epoch = epoch
    self.fences = fences
    self.leases = leases
  }
}
