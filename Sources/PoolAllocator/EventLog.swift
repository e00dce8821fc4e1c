/// A device as one advertisement fixed it.
public struct DeviceFact: BitwiseCopyable, Sendable {
  /// The machine.
  public var node: NodeID
  /// The agent's word.
  public var report: DeviceReport
  /// The GPU that an instance is part of.
  public var parent: DeviceID?
  /// Whether the node's approval covers it.
  public var isApproved: Bool
}

/// A claim as it was taken in.
public struct ClaimFact: BitwiseCopyable, Sendable {
  /// What was asked.
  public var spec: ClaimSpec
  /// Who pays.
  public var tenant: TenantID
  /// The class that its service bound.
  public var serviceClass: ServiceClass
  /// The multiplier that its service bound.
  public var weightMilli: Int32
  /// How long it says that it runs, and the correction in force.
  public var plan: RuntimePlan
  /// When it stops waiting for its first lease.
  public var waitEnds: Instant
  /// The last moment to start and still be done by its deadline; waiting past it is in vain.
  public var latestStart: Instant
  /// The quote that it redeems, with its rate.
  public var quoted: RedeemedQuote?
}

/// The quote that a claim redeems.
public struct RedeemedQuote: BitwiseCopyable, Hashable, Sendable {
  /// The quote.
  public var id: QuoteID
  /// What a nanosecond of all members costs at most, in 10⁻¹² credits.
  public var rate: Int64
}

/// What a claim gets on a rung of its service's ladder.
public struct Downgrade: BitwiseCopyable, Sendable {
  /// The claim.
  public var claim: ClaimID
  /// Number of the rung in its ladder, from 1.
  public var rung: UInt8
  /// The rung's outside name.
  public var key: Key
  /// What made it take the rung.
  public var trigger: Trigger
  /// The same as a reason.
  public var code: Reason.Code
  /// When such a claim may be served as asked again; nil where nobody can say.
  public var recovers: Instant?
  /// What it asked for.
  public var asked: ClaimShape
  /// What it gets.
  public var given: ClaimShape
  /// How much goes on without a person.
  public var automation: Automation
  /// What kind of change it is.
  public var mode: DegradationMode
  /// When it stops waiting for its first lease.
  public var waitEnds: Instant
  /// The last moment to start and still be done by its deadline.
  public var latestStart: Instant
  /// What changed, as a run of `EventLog.changes`.
  public var changes: Span32
  /// The lanes in whose order it waits now, where it waited before.
  public var queues: LaneSet?
}

/// What the grant of one member gives and takes.
public struct Grant: BitwiseCopyable, Sendable {
  /// The claim.
  public var claim: ClaimID
  /// The lease that it becomes.
  public var lease: LeaseID
  /// The lane that it is charged to.
  public var lane: LaneID
  /// The machine.
  public var node: NodeID
  /// The lease's fencing number.
  public var fencing: Fencing
  /// Shares of devices, as a run of `EventLog.uses`.
  public var uses: Span32
  /// What the buckets of the path pay for all members, as a run of `EventLog.postings`, root
  /// first; none but with the first member.
  public var postings: Span32
  /// Price of the first quantum of this member.
  public var reserved: Credits
  /// Length of the first quantum.
  public var quantum: Span
  /// What a nanosecond costs, in 10⁻¹² credits.
  public var rate: Int64
  /// Thousandths billed.
  public var billedMilli: Int64
  /// When it must have started.
  public var startBy: Instant
  /// The terms of its class.
  public var terms: ClassRule
  /// The level in the order at which it was granted.
  public var level: UInt8
  /// Whether the lane is another tenant's.
  public var isLent: Bool
}

/// What is kept for a waiting claim.
public struct PinFact: BitwiseCopyable, Sendable {
  /// The lane of the devices.
  public var lane: LaneID
  /// The machine of the first member.
  public var node: NodeID
  /// Shares of devices, member by member, as a run of `EventLog.uses`.
  public var uses: Span32
  /// When the claim can have them at the latest.
  public var starts: Instant
  /// Whether others were stopped for it.
  public var isHeld: Bool
}

/// A measure against one identity.
public struct RestrictionFact: BitwiseCopyable, Sendable {
  /// What the identity is.
  public var kind: IdentityKind
  /// Its outside name.
  public var key: Key
  /// The measure; nil lifts the one in force.
  public var restriction: Restriction?
}

/// The events of one command with the rows that they point into; owned by the caller and reused.
///
/// A log is the body of one journal record: `Pool.replay` of the logs in order rebuilds the pool.
/// After warming up, applying a command allocates nothing.
public struct EventLog: Sendable {
  /// Pool time of the command.
  public package(set) var at = Instant.origin
  /// What happened, in order.
  public package(set) var events = LogRows<Event>()
  /// Shares of devices.
  public package(set) var uses = LogRows<DeviceUse>()
  /// Changes of buckets.
  public package(set) var postings = LogRows<Posting>()
  /// Reasons of the decision and of queued claims.
  public package(set) var reasons = LogRows<Reason>()
  /// Claims taken in.
  public package(set) var claimFacts = LogRows<ClaimFact>()
  /// Claims that took a rung.
  public package(set) var downgrades = LogRows<Downgrade>()
  /// What rungs changed.
  public package(set) var changes = LogRows<Change>()
  /// Grants.
  public package(set) var grants = LogRows<Grant>()
  /// Pins.
  public package(set) var pins = LogRows<PinFact>()
  /// Nodes named.
  public package(set) var enrolments = LogRows<Enrolment>()
  /// Nodes reported.
  public package(set) var nodeReports = LogRows<NodeReport>()
  /// Devices reported.
  public package(set) var deviceFacts = LogRows<DeviceFact>()
  /// Restrictions.
  public package(set) var restrictions = LogRows<RestrictionFact>()
  /// Delegations given.
  public package(set) var delegations = LogRows<DelegationSpec>()
  /// Emergencies raised.
  public package(set) var emergencies = LogRows<EmergencyRaise>()
  /// Quotes given.
  public package(set) var quotes = LogRows<Quote>()
  /// Corrections.
  public package(set) var corrections = LogRows<Correction>()
  /// The policy that an activation brings.
  public package(set) var policy: CompiledPolicy?

  /// Makes an empty log.
  public init() {}

  /// Empties the log for the next command and keeps its memory.
  package mutating func begin(at now: Instant) {
    at = now
    events.empty()
    uses.empty()
    postings.empty()
    reasons.empty()
    claimFacts.empty()
    downgrades.empty()
    changes.empty()
    grants.empty()
    pins.empty()
    enrolments.empty()
    nodeReports.empty()
    deviceFacts.empty()
    restrictions.empty()
    corrections.empty()
    delegations.empty()
    emergencies.empty()
    quotes.empty()
    if policy != nil { policy = nil }
  }

  /// Adds reasons, cut to what one decision carries, in order of precedence.
  mutating func append(_ list: [Reason]) -> Span32 {
    guard !list.isEmpty else { return .none }
    let first = UInt32(reasons.count)
    for reason in list.sorted(by: Self.precedes).prefix(Limits.reasons) { reasons.append(reason) }
    return Span32(first: first, count: UInt16(reasons.count) - UInt16(first))
  }

  /// By code, then subject, then figures: a total order, so that logs are equal byte for byte.
  static func precedes(_ left: Reason, _ right: Reason) -> Bool {
    if left.code != right.code { return left.code.rawValue < right.code.rawValue }
    if left.subject != right.subject { return rank(left.subject) < rank(right.subject) }
    return (left.need, left.have) < (right.need, right.have)
  }

  private static func rank(_ subject: Reason.Subject) -> UInt64 {
    switch subject {
    case .request: 0
    case .lane(let row): 1 << 32 | UInt64(row)
    case .bucket(let row): 2 << 32 | UInt64(row)
    case .identity(let kind): 3 << 32 | UInt64(kind.rawValue)
    }
  }
}
