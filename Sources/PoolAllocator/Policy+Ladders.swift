/// One step of a service's ladder: what it gives less of, and when it is acceptable
/// (SEMANTICS 7.4). What a rung does not name stays as the rung above left it.
///
/// A rung has no word for isolation, identity, class or limits: it cannot change them.
public struct RungRule: BitwiseCopyable, Sendable {
  /// Outside name, unique in its ladder.
  public var key: Key
  /// Index of its service in `CompiledPolicy.services`.
  public var service: UInt16

  // MARK: what it gives

  /// Another form of devices; shares are cut to it, never raised.
  public var shape: Demand.Shape?
  /// At most so many devices of each member.
  public var devices: UInt8?
  /// At most so many members.
  public var members: UInt16?
  /// At most so much processor time; the amount where `shape` leaves GPUs for processors.
  public var cpu: MilliCPU?
  /// At most so much host memory.
  public var hostMemory: Bytes?
  /// Other lanes, as bits by index in `CompiledPolicy.lanes`.
  public var lanes: LaneSet?
  /// Another model class.
  public var modelClass: Key?
  /// At most so long a runtime.
  public var runtimeMax: Span?
  /// Expected runtime beside that of the rung above, in thousandths of it; 1,000: the same.
  public var runtimeMilli: Int32 = 1000
  /// Less automation.
  public var automation: Automation?
  /// The caller gets the result later: the claim may wait `waitMax`, not what its class allows.
  public var isAsynchronous = false
  /// Longest wait for its first lease on this rung; nil: what its class and the claim allow.
  public var waitMax: Span?

  // MARK: when it is acceptable

  /// Actions that it serves; none named: every action.
  public private(set) var actions: Fixed4<Key>
  /// Classes that it serves.
  public var classes = ClassSet.all
  /// What makes a claim take it.
  public var triggers = TriggerSet.usual
  /// Least pressure for which the trigger `pressure` makes a claim take it.
  public var pressure = Pressure.elevated
  /// What has to fail for the trigger `dependency` to make a claim take it.
  public var dependency: Key?

  /// Makes a rung that changes nothing yet.
  public init(key: Key, service: UInt16, actions: [Key] = []) {
    self.key = key
    self.service = service
    self.actions = Fixed4(Array(actions.prefix(4)), filler: key)
  }

  /// Has the rung serve some actions only, four at most.
  public mutating func limit(to actions: [Key]) {
    self.actions = Fixed4(Array(actions.prefix(4)), filler: key)
  }

  /// Whether the rung is for an action.
  func serves(action: Key) -> Bool {
    actions.count == 0 || (0..<actions.count).contains { actions[$0] == action }
  }

  /// Puts less into a claim's form. `lanes` are the rung's, in the rows of whoever asks.
  func lower(_ form: inout ClaimShape, lanes: LaneSet?) {
    let wasCPU = form.demand.shape == .cpuOnly
    // Work for processors never goes to GPUs.
    if let shape, !wasCPU { form.demand.shape = Self.lesser(form.demand.shape, shape) }
    let isCPU = form.demand.shape == .cpuOnly
    if isCPU { form.demand.devices = 1 }
    if let devices { form.demand.devices = min(form.demand.devices, devices) }
    if let members { form.demand.members = min(form.demand.members, members) }
    if let cpu {
      form.demand.cpu = isCPU && !wasCPU ? cpu : min(form.demand.cpu, cpu)
    }
    if let hostMemory { form.demand.hostMemory = min(form.demand.hostMemory, hostMemory) }
    if let lanes { form.lanes = lanes }
    if let modelClass { form.modelClass = modelClass }
    let plan = form.plan
    if let runtimeMax { form.runtimeMax = min(form.runtimeMax, runtimeMax) }
    var planned = plan.planned
    if runtimeMilli < 1000 {
      let whole = Int128(min(planned, plan.runtimeMax).ns) * Int128(runtimeMilli)
      planned = Span(ns: Int64((whole + 999) / 1000))
    }
    form.plan = RuntimePlan(
      planned: planned, correctionMilli: plan.correctionMilli, runtimeMax: form.runtimeMax)
  }

  /// A share is cut to the rung's, in time and in memory; any other form is replaced.
  private static func lesser(_ asked: Demand.Shape, _ given: Demand.Shape) -> Demand.Shape {
    guard case .fraction(let milli, let bytes) = asked,
      case .fraction(let milliMax, let bytesMax) = given
    else { return given }
    return .fraction(min(milli, milliMax), min(bytes, bytesMax))
  }
}

/// One measure of a pool's pressure, with what it means for whom (SEMANTICS 7.5).
///
/// Each gauge has a level of its own. What a class feels is the worst level among the gauges of the
/// pool that are bound to it.
public struct GaugeRule: BitwiseCopyable, Sendable {
  /// What is read.
  public enum Source: BitwiseCopyable, Hashable, Sendable {
    /// Claims in the longest queue of the pool's lanes. Unit: claims.
    case queueDepth
    /// The longest predicted wait of the pool's lanes. Unit: milliseconds.
    case predictedWait
    /// What of the pool's hardware is lost: on silent or recovering nodes, or unhealthy. Unit:
    /// thousandths.
    case lostCapacity
    /// The last recorded value of one measure of one subject. Unit: thousandths of the measure's.
    case signal(measure: Key, subject: Key)
    /// The state of a dependency: 0 up, 1 degraded, 2 down.
    case dependency(Key)
  }

  /// When one level is reached and left.
  public struct Step: BitwiseCopyable, Hashable, Sendable {
    /// The level.
    public var level: Pressure
    /// It is reached at this reading.
    public var raise: Int64
    /// It is left below this reading, which is less than `raise`.
    public var lower: Int64

    /// Makes a step.
    public init(level: Pressure, raise: Int64, lower: Int64) {
      self.level = level
      self.raise = raise
      self.lower = lower
    }
  }

  /// Outside name; a gauge keeps its level across generations by it.
  public var key: Key
  /// Index of its pool in `CompiledPolicy.pools`.
  public var pool: UInt16
  /// What is read.
  public var source: Source
  /// Levels that it knows, least first, one to three of them.
  public var steps: Fixed4<Step>
  /// Time between two moves of its level at least.
  public var dwell: Span
  /// Classes that feel it.
  public var classes = ClassSet.all
  /// Classes of which no new claim is taken while it pauses.
  public var pauses = ClassSet(bits: 0)
  /// Level from which it pauses them.
  public var pauseFrom = Pressure.saturated

  /// Makes a gauge; one to three steps.
  public init(key: Key, pool: UInt16, source: Source, steps: [Step], dwell: Span) {
    self.key = key
    self.pool = pool
    self.source = source
    self.dwell = dwell
    self.steps = Fixed4(
      Array(steps.prefix(3)), filler: Step(level: .normal, raise: 0, lower: 0))
  }

  /// The level that a reading asks for, from the one that is in force.
  func level(at reading: Int64, from level: Pressure) -> Pressure {
    var target = Pressure.normal
    for index in 0..<steps.count {
      let step = steps[index]
      // What is in force stays until the reading falls below its lower threshold.
      let threshold = step.level <= level ? step.lower : step.raise
      if reading >= threshold { target = max(target, step.level) }
    }
    return target
  }

  /// The least reading at which a level, once reached, stays.
  func stays(_ level: Pressure) -> Int64 {
    for index in 0..<steps.count where steps[index].level == level { return steps[index].lower }
    return 0
  }

  /// What a level of this gauge is told to be caused by.
  var cause: Reason.Code {
    switch source {
    case .queueDepth: .queueDeep
    case .predictedWait: .waitPredicted
    case .lostCapacity: .nodeSilent
    case .signal: .signalRaised
    case .dependency: .dependencyDown
    }
  }
}
