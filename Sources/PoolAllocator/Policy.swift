/// A policy as the core reads it: names resolved to keys, documents checked, one flat list per
/// kind.
///
/// `PoolWire` compiles documents into this. `Pool.apply(.activate)` checks what the core relies on
/// (`CompiledPolicy.defect`) and refuses a policy that breaks it.
public struct CompiledPolicy: Sendable {
  /// Hardware profiles with their weights.
  public var profiles: [ProfileRule] = []
  /// MIG profiles with their billed shares.
  public var slices: [SliceRule] = []
  /// Pools: which devices belong together.
  public var pools: [PoolRule] = []
  /// Lanes of the pools.
  public var lanes: [LaneRule] = []
  /// One rule per workload class, P0 first.
  public var classes: [ClassRule] = []
  /// How waiting claims rise in the order.
  public var order = OrderRule()
  /// Tenants.
  public var tenants: [TenantRule] = []
  /// Buckets, each after its parent.
  public var buckets: [BucketRule] = []
  /// Service definitions.
  public var services: [ServiceRule] = []
  /// Who may open the emergency of a bucket, and for how long; nil: nobody may.
  public var emergency: EmergencyRule?
  /// How long quotes last; nil: none is given.
  public var quotes: QuoteRule?
  /// What has to be approved, and by whom; services name these by index.
  public var approvals: [ApprovalRule] = []
  /// The linear cost model.
  public var costs: [CostRule] = []
  /// How classes preempt others; nil: none does.
  public var preemption: PreemptionRule?
  /// Ladders of the services: in the order of their services, and from the top down in each.
  public var rungs: [RungRule] = []
  /// Measures of the pools' pressure.
  public var gauges: [GaugeRule] = []
  /// How places are chosen.
  public var placement = PlacementRule()

  /// Makes an empty policy: it denies everything.
  public init() {}
}

/// A hardware profile and what its time is worth.
public struct ProfileRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// `.gpu` or `.cpu`.
  public var kind: DeviceKind
  /// Worth of a device (of 1,000 milli-cores) in thousandths of the reference GPU; ≥ 1.
  public var weightMilli: Int32
  /// Usable memory by which a share's bytes are billed; any positive amount for a CPU profile.
  public var memory: Bytes

  /// Makes a rule.
  public init(key: Key, kind: DeviceKind, weightMilli: Int32, memory: Bytes) {
    self.key = key
    self.kind = kind
    self.weightMilli = weightMilli
    self.memory = memory
  }
}

/// A MIG profile of a hardware profile.
public struct SliceRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// The board's profile.
  public var profile: Key
  /// Billed share of the board in thousandths; any valid set of instances sums to ≤ 1,000.
  public var billedMilli: Int32

  /// Makes a rule.
  public init(key: Key, profile: Key, billedMilli: Int32) {
    self.key = key
    self.profile = profile
    self.billedMilli = billedMilli
  }
}

/// A pool: devices of one profile, chosen by label and model class.
public struct PoolRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// The hardware profile of its devices.
  public var profile: Key
  /// Takes devices only of nodes with this label; nil takes any.
  public var label: Key?
  /// Serves claims of this model class only; nil serves any.
  public var modelClass: Key?

  /// Makes a rule.
  public init(key: Key, profile: Key, label: Key? = nil, modelClass: Key? = nil) {
    self.key = key
    self.profile = profile
    self.label = label
    self.modelClass = modelClass
  }
}

/// A lane of a pool.
public struct LaneRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// Index of its pool in `CompiledPolicy.pools`.
  public var pool: UInt16
  /// Owner of a reserved lane; nil for the shared lane.
  public var owner: Key?
  /// Thousandths of devices bound to a reserved lane, whole devices for GPUs; 0 for the shared
  /// lane.
  public var reserved: Int64
  /// GPUs that the guarantee counts as one: 1, 2, 4 or 8 devices of one island of one node; 1 in
  /// the shared lane and in a pool of a CPU profile. `reserved` is a multiple of it.
  public var cell: UInt8 = 1
  /// Whether others may use what the owner does not.
  public var lending = Lending.never
  /// Classes that may enter.
  public var admits: ClassSet
  /// Longest runtime that may enter.
  public var leaseMax: Span
  /// Restrictions (egress, files, tools) that travel in each lease, as bits whose names live
  /// outside.
  public var restrictions: UInt64
  /// Whether claims of different tenants that accept it may share one device.
  public var sharesAcrossTenants: Bool

  /// Thousandths of devices in one cell.
  var cellMilli: Int64 { Int64(cell) * 1000 }

  /// Makes a shared lane that admits all classes.
  public init(key: Key, pool: UInt16, leaseMax: Span) {
    self.key = key
    self.pool = pool
    self.owner = nil
    self.reserved = 0
    self.admits = .all
    self.leaseMax = leaseMax
    self.restrictions = 0
    self.sharesAcrossTenants = false
  }
}

/// What an owner allows others to do with its reserved lane (SEMANTICS 3.3).
public enum Lending: BitwiseCopyable, Hashable, Sendable {
  /// Nothing.
  case never
  /// They may use up to so many billed thousandths at once, if each can be gone within a span once
  /// the owner asks.
  case reclaimable(within: Span, atMost: Int64)
}

/// How waiting claims rise in the order (SEMANTICS 4.1).
public struct OrderRule: BitwiseCopyable, Hashable, Sendable {
  /// Eligible wait that lifts a claim by one level; nil: no claim rises.
  public var ageingStep: Span?
  /// The level that ageing never passes: 0, or 1 where aged work stays below P0.
  public var ceiling: UInt8

  /// Makes a rule; without arguments, one under which no claim rises.
  public init(ageingStep: Span? = nil, ceiling: UInt8 = 0) {
    self.ageingStep = ageingStep
    self.ceiling = ceiling
  }
}

/// How a workload class is treated.
public struct ClassRule: BitwiseCopyable, Hashable, Sendable {
  /// What happens to a claim whose bucket is short.
  public enum EmptyBucket: UInt8, BitwiseCopyable, Sendable {
    /// It waits out of the order until the bucket can pay.
    case park
    /// It is refused with the exact moment to come back.
    case reject
    /// It takes an accepted rung that the bucket can pay, else it waits as with `park`.
    case downgrade
  }

  /// What happens to a lease whose bucket cannot pay the next quantum.
  public enum Overrun: UInt8, BitwiseCopyable, Sendable {
    /// It stops at the end of the quantum that is paid.
    case stop
    /// The bucket goes into debt, up to its bound.
    case debt
  }

  /// Time paid for at once.
  public var quantum: Span
  /// Time that a granted lease has to start.
  public var startWithin: Span
  /// Time that a stopping lease has to leave its devices before they count as dirty.
  public var killWithin: Span
  /// What happens to a claim whose bucket is short.
  public var emptyBucket: EmptyBucket
  /// What happens to a lease whose bucket cannot pay.
  public var overrun: Overrun
  /// Longest wait for a first lease; nil: no limit but the claim's own.
  public var queueWaitMax: Span?
  /// Time that a lease runs before another class may preempt it.
  public var shield = Span.zero
  /// Longest predicted wait at the door before a claim takes an accepted rung; nil: no limit.
  public var waitLimit: Span?

  /// Makes a rule without a limit of waiting.
  public init(
    quantum: Span, startWithin: Span, killWithin: Span, emptyBucket: EmptyBucket, overrun: Overrun
  ) {
    self.quantum = quantum
    self.startWithin = startWithin
    self.killWithin = killWithin
    self.emptyBucket = emptyBucket
    self.overrun = overrun
    self.queueWaitMax = nil
  }
}

/// A tenant.
public struct TenantRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// Classes that its services may use.
  public var classes: ClassSet
  /// Claims that may wait at once.
  public var queueMax: UInt32
  /// Share of service while others wait too, 1,000 = 1.000; ≥ 1. Twice the weight, twice as much.
  public var weightMilli: Int32
  /// Billed thousandths that it may hold at once in lanes of other owners; nil: no limit.
  public var borrowingMax: Int64?

  /// Makes a rule without a limit of borrowing.
  public init(key: Key, classes: ClassSet = .all, queueMax: UInt32, weightMilli: Int32 = 1000) {
    self.key = key
    self.classes = classes
    self.queueMax = queueMax
    self.weightMilli = weightMilli
  }
}

/// What sends a claim into a child bucket.
public enum BucketMatch: BitwiseCopyable, Hashable, Sendable {
  /// Every claim of the tenant: the root of its path.
  case tenant
  /// Claims of one application.
  case application(Key)
  /// Claims of one class.
  case serviceClass(ServiceClass)
  /// Claims of one action.
  case action(Key)
}

/// A bucket of a tenant's tree.
public struct BucketRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name; a bucket keeps its level across generations by it.
  public var key: Key
  /// Index of its tenant in `CompiledPolicy.tenants`.
  public var tenant: UInt16
  /// Index of its parent in `CompiledPolicy.buckets`, below its own; nil for a tenant's root.
  public var parent: UInt16?
  /// What sends a claim into it.
  public var match: BucketMatch
  /// Burst: the most it holds.
  public var cap: Credits
  /// Credits per second.
  public var refillPerSecond: Credits
  /// Level when it first exists.
  public var opening: Credits
  /// How far below zero running leases may take it, where their class says so.
  public var debtMax: Credits
  /// How far below zero P0 and P1 may take it while its emergency is open; 0: it has none.
  public var emergency = Credits.zero

  /// Makes a root bucket that opens full and takes no debt.
  public init(key: Key, tenant: UInt16, cap: Credits, refillPerSecond: Credits) {
    self.key = key
    self.tenant = tenant
    self.parent = nil
    self.match = .tenant
    self.cap = cap
    self.refillPerSecond = refillPerSecond
    self.opening = cap
    self.debtMax = .zero
  }
}

/// Who may open the emergencies of buckets.
public struct EmergencyRule: Hashable, Sendable {
  /// Principals, of whom two must agree.
  public var approvers: [Key]
  /// The longest time for which one is opened.
  public var lastsMax: Span

  /// Makes a rule.
  public init(approvers: [Key], lastsMax: Span) {
    self.approvers = approvers
    self.lastsMax = lastsMax
  }
}

/// Two principals open the emergency of a bucket.
public struct EmergencyRaise: BitwiseCopyable, Hashable, Sendable {
  /// Who asks for it.
  public var by: Key
  /// Who agrees: another.
  public var and: Key
  /// When it ends by itself.
  public var until: Instant

  /// Makes a raise.
  public init(by: Key, and: Key, until: Instant) {
    self.by = by
    self.and = and
    self.until = until
  }
}

/// A service definition: what binds a claim's class.
public struct ServiceRule: BitwiseCopyable, Hashable, Sendable {
  /// Outside name.
  public var key: Key
  /// The tenant that may use it; nil for any.
  public var tenant: Key?
  /// The class of its claims.
  public var serviceClass: ServiceClass
  /// The job's own multiplier of the price, 1,000 = 1.000; ≥ 1.
  public var weightMilli: Int32
  /// Index in `CompiledPolicy.approvals`; nil: nothing has to be approved.
  public var approval: UInt16?
  /// What its work needs.
  public var complexity = Complexity.complex
  /// What can go wrong where its work is done worse.
  public var risk = Risk.guarded

  /// Makes a rule under which nothing has to be approved.
  public init(key: Key, tenant: Key?, serviceClass: ServiceClass, weightMilli: Int32 = 1000) {
    self.key = key
    self.tenant = tenant
    self.serviceClass = serviceClass
    self.weightMilli = weightMilli
    self.approval = nil
  }
}

/// Seconds from tokens and tool calls, for one (action, model class).
public struct CostRule: BitwiseCopyable, Hashable, Sendable {
  /// The action.
  public var action: Key
  /// The model class.
  public var modelClass: Key
  /// Time of a call that does nothing.
  public var base: Span
  /// Time per 1,000 prompt tokens.
  public var perThousandPrompt: Span
  /// Time per 1,000 output tokens.
  public var perThousandOutput: Span
  /// Time per tool call and level of depth.
  public var perToolCall: Span
  /// Multiplier for expected retries, 1,000 = none.
  public var retryMilli: Int32

  /// Makes a rule.
  public init(
    action: Key, modelClass: Key, base: Span, perThousandPrompt: Span, perThousandOutput: Span,
    perToolCall: Span, retryMilli: Int32
  ) {
    self.action = action
    self.modelClass = modelClass
    self.base = base
    self.perThousandPrompt = perThousandPrompt
    self.perThousandOutput = perThousandOutput
    self.perToolCall = perToolCall
    self.retryMilli = retryMilli
  }

  /// Runtime that the model expects, rounded up to a nanosecond.
  /// - Returns: nil where it passes `Limits.spanMax`, or a figure passes `Limits.workMax`.
  public func runtime(prompt: Int64, output: Int64, toolCalls: Int64, depth: Int64) -> Span? {
    guard [prompt, output, toolCalls, depth].allSatisfy({ 0...Limits.workMax ~= $0 }),
      toolCalls == 0 || depth <= Limits.workMax / toolCalls
    else { return nil }
    let thousandths =
      Int128(base.ns) * 1000
      + Int128(perThousandPrompt.ns) * Int128(prompt)
      + Int128(perThousandOutput.ns) * Int128(output)
      + Int128(perToolCall.ns) * Int128(toolCalls) * Int128(depth) * 1000
    let ns = (thousandths * Int128(retryMilli) + 999_999) / 1_000_000
    return ns <= Int128(Limits.spanMax.ns) ? Span(ns: Int64(ns)) : nil
  }
}
