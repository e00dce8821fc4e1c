public import PoolAllocator

/// A course of events in a cluster of known machines, and what has to come of it: machines, a
/// policy, streams of work, faults at stated moments, and named assertions with figures.
///
/// The production pool, loop, journal and agents take part, under all checks of `World`. Moments
/// and spans count from second 0, at which every machine is ready and the policy in force.
public struct Scenario: Sendable {
  /// Its name.
  public var name: String
  /// Bounds of the pool.
  public var limits = Limits()
  /// The machines.
  public var machines: [DescribedMachine]
  /// The policy of the beginning.
  public var policy: CompiledPolicy
  /// What is asked.
  public var streams: [ScenarioStream]
  /// What goes wrong, and what operators do, in any order.
  public var deeds: [ScenarioDeed]
  /// How long work arrives and faults last. Then everything is mended, and all has to end.
  public var lasts: Span
  /// What has to come of it.
  public var assertions: [ScenarioAssertion]

  /// Makes a scenario.
  public init(
    name: String, machines: [DescribedMachine], policy: CompiledPolicy,
    streams: [ScenarioStream], deeds: [ScenarioDeed] = [], lasts: Span,
    assertions: [ScenarioAssertion]
  ) {
    self.name = name
    self.machines = machines
    self.policy = policy
    self.streams = streams
    self.deeds = deeds
    self.lasts = lasts
    self.assertions = assertions
  }
}

/// Something that goes wrong, or that an operator does, at a moment.
public struct ScenarioDeed: Sendable {
  /// A direction between the leader and a machine.
  public enum Direction: Sendable {
    /// What the machine says is not heard.
    case fromNode
    /// What the leader says is not heard.
    case toNode
    /// Neither hears the other.
    case both
  }

  /// What is done. Machines are named by their place in `Scenario.machines`.
  public enum Kind: Sendable {
    /// A machine loses power with all that runs on it, and gets it back.
    case nodeCrash(Int)
    /// A machine has power again.
    case nodeReturn(Int)
    /// The agent's process ends; its supervisor starts it again within 30 s.
    case agentCrash(Int)
    /// A direction is cut.
    case cut(Int, Direction)
    /// A direction is mended.
    case mend(Int, Direction)
    /// A device breaks, by its place in the machine.
    case deviceFails(Int, device: Int)
    /// All devices of a machine work.
    case devicesWork(Int)
    /// The MIG instances of a machine vanish with what runs on them, or are there again.
    case instancesVanish(Int)
    /// The allocator's process ends in the middle of what it writes, and starts again.
    case allocatorRestart
    /// UTC of the allocator's machine is set.
    case clockStep(Span)
    /// What becomes of messages from now on.
    case network(NetworkFaults)
    /// All directions are mended, and the network only delays.
    case heal
    /// A dependency is reported.
    case dependency(Key, DependencyState)
    /// A figure is measured outside.
    case measured(Measurement)
    /// An identity is restricted for a span, or, with nil, free again.
    case restrict(IdentityKind, Key, Restriction.Measure?, Span)
    /// Another policy comes into force.
    case activate(CompiledPolicy)
    /// A machine receives no new lease.
    case cordon(Int)
    /// A machine receives leases again.
    case uncordon(Int)
    /// A machine receives no new lease, and its leases end within a span.
    case drain(Int, Span)
  }

  /// When.
  public var at: Span
  /// What.
  public var kind: Kind

  /// Makes a deed.
  public init(at: Span, _ kind: Kind) {
    self.at = at
    self.kind = kind
  }

  /// Whether work may outlast its kill deadline by it.
  var mayOutlast: Bool {
    switch kind {
    case .nodeCrash, .agentCrash, .allocatorRestart, .clockStep: true
    default: false
    }
  }
}
