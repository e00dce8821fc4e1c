// What a leader and the agent of a node say to one another. The core reads the advertisement
// alone; the rest stands here because both sides depend on nothing else.

/// A leader's ask for a full report: only a report that answers it counts as proof of what lives.
///
/// A report that was made before the ask may be late, and would call leases gone that started
/// since.
public struct ReportAsk: BitwiseCopyable, Hashable, Sendable {
  /// The leadership.
  public var epoch: UInt32
  /// Number of the ask in it, from 1.
  public var number: UInt64

  /// Makes an ask.
  public init(epoch: UInt32, number: UInt64) {
    self.epoch = epoch
    self.number = number
  }
}

/// How a lease ended on its node.
public enum LeaseEnding: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Its work is done.
  case completed
  /// Its work failed, or was ended by an order.
  case failed
  /// The agent ended it because no extension came in time.
  case expired
  /// Nothing of it was ever started, nor will be.
  case neverStarted
}

/// What an agent knows of one lease; said again and again until it is taken in.
public struct LeaseNews: BitwiseCopyable, Hashable, Sendable {
  /// The lease.
  public var lease: LeaseID
  /// Its fencing number.
  public var fencing: Fencing
  /// How it ended, with nothing of it alive; nil: it runs.
  public var ending: LeaseEnding?

  /// Makes a piece of news.
  public init(lease: LeaseID, fencing: Fencing, ending: LeaseEnding? = nil) {
    self.lease = lease
    self.fencing = fencing
    self.ending = ending
  }
}

/// A message of an agent: a sign of life that asks for orders.
public struct NodeMessage: Sendable {
  /// Changes with every boot.
  public var boot: Key
  /// Counts the starts of the agent; kept over boots.
  public var generation: UInt64
  /// Counts the messages of one start, from 1.
  public var sequence: UInt64
  /// When the agent started, which tells its starts of one boot apart where it lost its record.
  /// Unit: nanoseconds of its boot-time clock.
  public var started: Int64 = 0
  /// Sequence of the message whose reply was taken in last; 0: none.
  public var seen: UInt64
  /// What it knows of leases and was not yet taken in.
  public var news: [LeaseNews]
  /// Its whole node, where that was asked for or changed.
  public var report: Advertisement?
  /// The ask that the report answers; nil: nobody asked, its hardware changed.
  public var answers: ReportAsk?

  /// Makes a message without a report.
  public init(
    boot: Key, generation: UInt64, sequence: UInt64, seen: UInt64, news: [LeaseNews] = []
  ) {
    self.boot = boot
    self.generation = generation
    self.sequence = sequence
    self.seen = seen
    self.news = news
  }
}

/// A share of a device by its outside name.
public struct DeviceShare: BitwiseCopyable, Hashable, Sendable {
  /// UUID of the device.
  public var device: Key
  /// Thousandths of its time; milli-cores for a CPU set.
  public var milli: MilliGPU
  /// Bytes of its memory.
  public var memory: Bytes

  /// Makes a share.
  public init(device: Key, milli: MilliGPU, memory: Bytes) {
    self.device = device
    self.milli = milli
    self.memory = memory
  }
}

/// What an agent has to do about one lease. Spans count from the arrival of the message that the
/// reply answers, so they are never longer than true when they are counted from its sending.
public struct LeaseOrder: Sendable {
  /// What has to be done.
  public enum Verb: BitwiseCopyable, Hashable, Sendable {
    /// Start it, and have that confirmed within a span; once started it has so much time before it
    /// must be extended.
    case start(within: Span, runs: Span)
    /// Let it run for a span; without a longer one it ends then.
    case run(until: Span)
    /// End it: nothing may live after a span.
    case stop(within: Span)
  }

  /// The lease.
  public var lease: LeaseID
  /// Its fencing number.
  public var fencing: Fencing
  /// What has to be done.
  public var verb: Verb
  /// Time between its end and the moment at which its devices count as dirty.
  public var killWithin: Span
  /// Outside name of its claim; nil where that ended.
  public var claim: Key?
  /// Its devices.
  public var devices: [DeviceShare]
  /// Processor time of the node.
  public var cpu: MilliCPU
  /// Host memory of the node.
  public var hostMemory: Bytes
  /// Restrictions of its lane.
  public var restrictions: UInt64

  /// Makes an order for a lease that needs no more than its devices.
  public init(
    lease: LeaseID, fencing: Fencing, verb: Verb, killWithin: Span, devices: [DeviceShare]
  ) {
    self.lease = lease
    self.fencing = fencing
    self.verb = verb
    self.killWithin = killWithin
    self.devices = devices
    claim = nil
    cpu = MilliCPU(0)
    hostMemory = .zero
    restrictions = 0
  }
}

/// What a leader answers to one message of an agent.
public struct NodeReply: Sendable {
  /// The leadership.
  public var epoch: UInt32
  /// Generation of the message that it answers.
  public var generation: UInt64
  /// Sequence of the message that it answers.
  public var sequence: UInt64
  /// Generation of the report that is in force.
  public var acceptedGeneration: UInt64
  /// Sequence of the report that is in force.
  public var acceptedSequence: UInt64
  /// The boot of the message that it answers: an agent that lost its record counts from 1 after a
  /// boot too. Nil where nothing is said of it.
  public var boot: Key?
  /// The same for the start of the agent within its boot.
  public var started: Int64?
  /// The youngest message that was heard of another start with the same generation: one of the two
  /// lost its record, and the one that is told has to count on. 0: none.
  public var heardSequence: UInt64 = 0
  /// The full report that is wanted before there are orders; nil: none.
  public var ask: ReportAsk?
  /// Every lease of the node: what is not among them must not run. nil: all is as it was said last.
  public var orders: [LeaseOrder]?

  /// Makes a reply that says nothing new.
  public init(
    epoch: UInt32, generation: UInt64, sequence: UInt64, acceptedGeneration: UInt64 = 0,
    acceptedSequence: UInt64 = 0
  ) {
    self.epoch = epoch
    self.generation = generation
    self.sequence = sequence
    self.acceptedGeneration = acceptedGeneration
    self.acceptedSequence = acceptedSequence
  }
}
