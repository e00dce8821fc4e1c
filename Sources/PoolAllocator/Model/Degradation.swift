/// How much of the work goes on without a person; each less than the one before.
public enum Automation: UInt8, BitwiseCopyable, Comparable, CaseIterable, Sendable {
  /// It plans and acts.
  case full
  /// It plans, and acts once a person approved.
  case approvalRequired
  /// It answers and does not act.
  case answerOnly
  /// It finds sources and writes no answer.
  case retrievalOnly
  /// It does nothing now; the request is kept for later.
  case queued

  /// Orders from most to least automation.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What the work of a service needs.
public enum Complexity: UInt8, BitwiseCopyable, Sendable {
  /// A smaller profile or model class can do it.
  case simple
  /// It waits for what it asked for rather than go elsewhere under pressure.
  case complex
}

/// What can go wrong where the work of a service is done worse.
public enum Risk: UInt8, BitwiseCopyable, Comparable, Sendable {
  /// Little: a cheaper model class may be preferred at any time.
  case low
  /// Some.
  case guarded
  /// It acts with rights of its own.
  case privileged

  /// Orders from least to most.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How hard a pool is pressed.
public enum Pressure: UInt8, BitwiseCopyable, Comparable, CaseIterable, Sendable {
  /// It serves what comes.
  case normal
  /// It falls behind.
  case elevated
  /// It is full.
  case saturated
  /// It cannot hold what it promised.
  case emergency

  /// Orders by degree.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What is known of something that work depends on and the pool does not run.
public enum DependencyState: UInt8, BitwiseCopyable, Comparable, Sendable {
  /// It works.
  case up
  /// It works slowly or in part.
  case degraded
  /// It does not work.
  case down

  /// Orders from best to worst.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The last report of a dependency that is not up.
public struct Dependency: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// What was reported.
  public var state: DependencyState
}

/// What makes a claim take a rung; in order of precedence.
public enum Trigger: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// A dependency of the rung is not up.
  case dependency
  /// The pool of the lane that the claim would go to is pressed, or pauses its class.
  case pressure
  /// The queue that the claim would join is full.
  case queue
  /// Its bucket is short, and its class says that it takes a rung then.
  case bucket
  /// The wait that is predicted for it is longer than its class accepts.
  case wait
  /// It waited as long as it or its class allows.
  case time
  /// The load is normal and its service prefers what is cheaper.
  case preference
}

/// A set of triggers.
public struct TriggerSet: BitwiseCopyable, Hashable, Sendable {
  /// Bit r stands for the trigger of raw value r.
  public var bits: UInt8

  /// Makes a set.
  public init(_ triggers: [Trigger]) {
    bits = triggers.reduce(0) { $0 | 1 << $1.rawValue }
  }

  /// All that say something went wrong: every trigger but `preference`.
  public static let usual = TriggerSet(Trigger.allCases.filter { $0 != .preference })
  /// Whether a trigger is in the set.
  public func contains(_ trigger: Trigger) -> Bool { bits & (1 << trigger.rawValue) != 0 }
}

/// Rungs of one ladder that a caller accepts.
///
/// It names the ladder by its content: where a policy changed the ladder since, nothing of it is
/// accepted any more. `Pool.rungs(of:for:named:)` makes one.
public struct AcceptedRungs: BitwiseCopyable, Hashable, Sendable {
  /// Bit n stands for rung n + 1.
  public let bits: UInt8
  /// What the ladder says, as a hash.
  package let ladder: UInt64

  package init(bits: UInt8, ladder: UInt64) {
    self.bits = bits
    self.ladder = ladder
  }

  /// No rung: the claim is served as it was asked, or not.
  public static let none = AcceptedRungs(bits: 0, ladder: 0)
}

/// What kind of change a rung made, by the most telling of its changes.
public enum DegradationMode: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Less of the same: devices, share, time or automation.
  case reduced
  /// Another pool, profile or model class.
  case rerouted
  /// The caller gets the result later.
  case asynchronous
}

/// The form of a claim that a rung may change. All else stays as it was asked: who asks, for whom,
/// under which service, class, action and limits.
public struct ClaimShape: BitwiseCopyable, Hashable, Sendable {
  /// The hardware; enforcement and sharing never change.
  public var demand: Demand
  /// Acceptable lanes.
  public var lanes: LaneSet
  /// The model class.
  public var modelClass: Key
  /// No lease lives longer.
  public var runtimeMax: Span
  /// How long it is expected to run.
  public var plan: RuntimePlan
}

/// A claim that was given less than it asked for.
public struct Degradation: BitwiseCopyable, Sendable {
  /// What it asked for.
  public let asked: ClaimShape
  /// The rung's outside name.
  public let key: Key
  /// Number of the rung in its ladder, from 1.
  public let rung: UInt8
  /// What made it take the rung.
  public let trigger: Reason.Code
  /// What kind of change it was.
  public let mode: DegradationMode
  /// How much of the work goes on without a person.
  public let automation: Automation
  /// When it took the rung.
  public let since: Instant
  /// When such a claim may be served as asked again; nil where nobody can say.
  public let recovers: Instant?
}

/// One thing that a rung changed.
public struct Change: BitwiseCopyable, Hashable, Sendable {
  /// What it is.
  public enum Field: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// The form of the devices.
    case shape
    /// Devices of each member.
    case devices
    /// Members of a gang.
    case members
    /// Processor time of each member.
    case cpu
    /// Host memory of each member.
    case hostMemory
    /// Acceptable lanes, and with them pool and profile.
    case lanes
    /// The model class.
    case modelClass
    /// The longest runtime.
    case runtimeMax
    /// The expected runtime.
    case expected
    /// How much goes on without a person.
    case automation
  }

  /// What it was or is.
  public enum Value: BitwiseCopyable, Hashable, Sendable {
    /// A form of devices.
    case shape(Demand.Shape)
    /// A number of devices, members, milli-cores, bytes or nanoseconds, by the field.
    case amount(Int64)
    /// Lanes.
    case lanes(LaneSet)
    /// An outside name.
    case name(Key)
    /// A level of automation.
    case automation(Automation)
  }

  /// What was changed.
  public let field: Field
  /// What was asked.
  public let asked: Value
  /// What is given.
  public let given: Value
  /// The trigger.
  public let why: Reason.Code

  package init(field: Field, asked: Value, given: Value, why: Reason.Code) {
    self.field = field
    self.asked = asked
    self.given = given
    self.why = why
  }

  /// Whether the change takes the claim elsewhere.
  public var isReroute: Bool { field == .lanes || field == .modelClass }

  /// What is different between what was asked and what is given.
  static func list(
    from asked: ClaimShape, to given: ClaimShape, _ automation: Automation, _ why: Reason.Code
  ) -> [Change] {
    var list: [Change] = []
    func note(_ field: Field, _ old: Value, _ new: Value) {
      if old != new { list.append(Change(field: field, asked: old, given: new, why: why)) }
    }
    func note(_ field: Field, _ old: some BinaryInteger, _ new: some BinaryInteger) {
      note(field, .amount(Int64(old)), .amount(Int64(new)))
    }
    note(.shape, .shape(asked.demand.shape), .shape(given.demand.shape))
    note(.devices, asked.demand.devices, given.demand.devices)
    note(.members, asked.demand.members, given.demand.members)
    note(.cpu, asked.demand.cpu.value, given.demand.cpu.value)
    note(.hostMemory, asked.demand.hostMemory.value, given.demand.hostMemory.value)
    note(.lanes, .lanes(asked.lanes), .lanes(given.lanes))
    note(.modelClass, .name(asked.modelClass), .name(given.modelClass))
    note(.runtimeMax, asked.runtimeMax.ns, given.runtimeMax.ns)
    note(
      .expected, min(asked.plan.expected, asked.runtimeMax).ns,
      min(given.plan.expected, given.runtimeMax).ns)
    note(.automation, .automation(.full), .automation(automation))
    return list
  }
}

/// How often claims of one service took one rung for one cause.
public struct DegradationCount: BitwiseCopyable, Hashable, Sendable {
  /// Claims that took it.
  public internal(set) var claims: UInt64 = 0
  /// Credits that their leases were charged so far.
  public internal(set) var charged = CreditTotal(0)
}
