/// What a claim expects to use.
public enum Estimate: BitwiseCopyable, Hashable, Sendable {
  /// A duration.
  case runtime(Span)
  /// Tokens and tool calls, turned into seconds by the policy's cost model.
  case work(promptTokens: Int64, outputTokens: Int64, toolCalls: Int64, depth: Int64)
}

/// What a claim allows others to do to its lease: an owner to reclaim what it lent, a more urgent
/// class to preempt it. A claim without one is left to run.
public struct Interruption: BitwiseCopyable, Hashable, Sendable {
  /// Time between the order to stop and the kill.
  public var grace: Span
  /// Time between two checkpoints, as the holder means to make them.
  public var checkpointEvery: Span

  /// Makes a permission.
  public init(grace: Span, checkpointEvery: Span) {
    self.grace = grace
    self.checkpointEvery = checkpointEvery
  }
}

/// What a caller asks for.
public struct ClaimSpec: BitwiseCopyable, Sendable {
  /// Outside name, unique among live claims.
  public var key: Key
  /// Who pays.
  public var tenant: Key
  /// The application of the tenant.
  public var application: Key
  /// Root of the work that this claim is part of.
  public var workflow: Key
  /// The machine or person that asks.
  public var principal: Key
  /// On whose behalf, where the principal acts for another.
  public var onBehalfOf: Key?
  /// The service definition, which binds the class and the job's weight.
  public var service: Key
  /// Planning, retrieval, summarization, tool execution, inference, …
  public var action: Key
  /// The model class.
  public var modelClass: Key
  /// The budget of the delegation that it is made under; nil: its tenant's own.
  public var budget: Key?
  /// The quote that it redeems.
  public var quote: Key?
  /// Hash of what it plans to do, to which an approval is bound; an approved claim needs one.
  public var plan: Key?
  /// The claim that caused this one.
  public var parent: Key?
  /// Attempt number as the caller counts, from 1.
  public var attempt: UInt8
  /// Length of the chain of parents, from 0.
  public var depth: UInt8
  /// The hardware.
  public var demand: Demand
  /// Acceptable lanes.
  public var lanes: LaneSet
  /// No lease of this claim lives longer, renewals included.
  public var runtimeMax: Span
  /// What it expects to use; the price it is told rests on this and on what was learned of such
  /// claims, the bill never does.
  public var estimate: Estimate
  /// When the work must be finished.
  public var deadline: Instant?
  /// How long it is willing to wait for its first lease.
  public var maxWait: Span?
  /// Whether and how it may be interrupted.
  public var interruption: Interruption?
  /// Rungs of its service's ladder that the caller takes rather than wait or be refused.
  public var accepts = AcceptedRungs.none

  /// Makes a claim for one tenant; every other identity defaults to the claim's own key.
  public init(
    key: Key, tenant: Key, service: Key, action: Key, modelClass: Key, demand: Demand,
    lanes: LaneSet, runtimeMax: Span
  ) {
    self.key = key
    self.tenant = tenant
    self.application = tenant
    self.workflow = key
    self.principal = tenant
    self.onBehalfOf = nil
    self.service = service
    self.action = action
    self.modelClass = modelClass
    self.budget = nil
    self.quote = nil
    self.plan = nil
    self.parent = nil
    self.attempt = 1
    self.depth = 0
    self.demand = demand
    self.lanes = lanes
    self.runtimeMax = runtimeMax
    self.estimate = .runtime(runtimeMax)
    self.deadline = nil
    self.maxWait = nil
    self.interruption = nil
  }

  /// Whether every field is in its range.
  var isWellFormed: Bool {
    func isSpan(_ span: Span) -> Bool { span >= .zero && span <= Limits.spanMax }
    func isWork(_ amount: Int64) -> Bool { amount >= 0 && amount <= Limits.workMax }
    guard demand.isWellFormed, runtimeMax > .zero, attempt >= 1, Int(attempt) <= Limits.attempts,
      Int(depth) <= Limits.chainDepth, isSpan(runtimeMax), isSpan(maxWait ?? .zero),
      isSpan(interruption?.grace ?? .zero)
    else { return false }
    switch estimate {
    case .runtime(let span): return isSpan(span)
    case .work(let prompt, let output, let calls, let depth):
      return isWork(prompt) && isWork(output) && isWork(calls) && isWork(depth)
        && (calls == 0 || depth <= Limits.workMax / calls)
    }
  }
}

extension ClaimSpec {
  /// What a rung may change of it.
  func form(_ plan: RuntimePlan) -> ClaimShape {
    ClaimShape(
      demand: demand, lanes: lanes, modelClass: modelClass, runtimeMax: runtimeMax, plan: plan)
  }

  /// Puts a form into it; its plan stands beside the claim.
  mutating func put(_ form: ClaimShape) {
    demand = form.demand
    lanes = form.lanes
    modelClass = form.modelClass
    runtimeMax = form.runtimeMax
  }
}

/// Where a claim is in its life.
public enum ClaimState: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Submitted in the command that is being applied; the next step decides.
  case new
  /// In the order of its queue group.
  case queued
  /// Out of the order until its own bucket can pay, or a restriction on it ends.
  case parked
  /// Has a lease that has not started.
  case starting
  /// Has a lease that has started.
  case running
  /// Out of the order until another principal approves what it plans.
  case awaitingApproval
}

/// How a claim ended.
public enum ClaimEnd: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// The holder said that the work is done.
  case completed
  /// The holder said that the work failed.
  case failed
  /// The caller withdrew it.
  case cancelled
  /// The policy in force no longer allows it.
  case rejected
  /// The policy or hardware now in force can never serve it.
  case infeasible
  /// It ran to the end of its lease.
  case expired
  /// It waited as long as it, its class or its deadline allows.
  case queueTimeExceeded
  /// Its grants did not start.
  case failedToStart
  /// What it plans was denied.
  case approvalDenied
  /// Nobody approved in time what it plans.
  case approvalLapsed
  /// The delegation that it is made under was revoked, or has expired.
  case delegationEnded
  /// A budget of its delegation has too little left, and nothing that could come back.
  case budgetSpent
  /// It was preempted, and what is left of it cannot be done by its deadline, or no lane takes it.
  case preemptedOut
  /// Every lane that could serve it costs more by now than it was quoted.
  case quoteExceeded
}

/// Place of a claim among those of its own tenant: in its line, and at a bucket; the least goes
/// first. (`OrderKey` compares the lines of different tenants.)
public struct TurnKey: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Class rank as submitted.
  public var level: UInt8
  /// When the claim was first submitted.
  public var submitted: Instant
  /// Number of the submission, which breaks ties.
  public var arrival: UInt64

  /// Whether it was submitted before another, whatever their classes.
  func isEarlier(than other: TurnKey) -> Bool {
    submitted != other.submitted ? submitted < other.submitted : arrival < other.arrival
  }

  /// Orders by level, then time, then arrival.
  public static func < (left: TurnKey, right: TurnKey) -> Bool {
    if left.level != right.level { return left.level < right.level }
    if planted(.lastComeFirst) { return left.arrival > right.arrival }
    if left.submitted != right.submitted { return left.submitted < right.submitted }
    return left.arrival < right.arrival
  }
}

/// The request at the door, from submission to end.
///
/// What changes stands first and what was asked last: the end of a claim touches two cache lines.
public struct Claim: BitwiseCopyable, Sendable {
  /// Where it is in its life.
  public internal(set) var state = ClaimState.new
  /// Its class, as its service bound it at submission.
  public let serviceClass: ServiceClass
  /// Grants that did not start or lost their node before they did.
  public internal(set) var failedStarts: UInt8 = 0
  /// Its queue group.
  public internal(set) var group: UInt16 = 0
  /// The job's multiplier of the price, bound likewise.
  public let weightMilli: Int32
  /// Its level in the order: its class, or less once it aged. Meaningful while queued.
  public internal(set) var level: UInt8
  /// Leases so far.
  public internal(set) var grants: UInt32 = 0
  /// Leases that more urgent classes took from it.
  public internal(set) var preemptions: UInt8 = 0
  /// Its tenant.
  public let tenant: TenantID
  /// The bucket it is parked on, or whose turn it holds.
  public internal(set) var bucket: BucketID?
  /// The bucket that is short for a dearer lane than those it waits for.
  public internal(set) var widensOn: BucketID?
  /// Row of the restricted identity that holds it out of the order.
  public internal(set) var heldBy: UInt32?
  /// What had to be approved, and who did; nil where nothing had to.
  public internal(set) var approval: Approval?
  /// What is kept for it while it waits, and when it starts at the latest.
  public internal(set) var pin: Pin?
  /// What it was given less of; nil where it has what it asked for.
  var degradation: ID<Degradation>?
  /// Its lease, while starting or running.
  public internal(set) var lease: LeaseID?
  /// Time it was in the order before it was last put there: the wait that ages it.
  public internal(set) var waited = Span.zero
  /// Work that checkpoints saved in leases that stopped: it has that much less to do.
  public internal(set) var saved = Span.zero
  /// When it was last put into the order.
  public internal(set) var queuedAt = Instant.origin
  /// Rows of its application, workflow and principal.
  let identities: InlineArray<3, UInt32>
  /// Its place in the order.
  public let turn: TurnKey
  /// When it stops waiting for its first lease; `.farFuture` where it never does.
  var waitEnds: Instant
  /// The last moment to start and still be done by its deadline; `.farFuture` without one.
  var latestStart: Instant
  /// What a nanosecond of it costs at most, in 10⁻¹² credits, as it was quoted; nil where it
  /// redeemed no quote.
  public let quotedRate: Int64?
  /// How long it says that it runs, and the correction that it was submitted under: a later one
  /// does not change it.
  public internal(set) var plan: RuntimePlan
  /// What was asked, or what a rung gives instead: `Pool.degradation(of:)` has what it was before.
  public internal(set) var spec: ClaimSpec

  init(_ fact: borrowing ClaimFact, turn: TurnKey, identities: InlineArray<3, UInt32>) {
    self.serviceClass = fact.serviceClass
    self.level = fact.serviceClass.rank
    self.weightMilli = fact.weightMilli
    self.tenant = fact.tenant
    self.identities = identities
    self.turn = turn
    self.waitEnds = fact.waitEnds
    self.latestStart = fact.latestStart
    self.plan = fact.plan
    self.quotedRate = fact.quoted?.rate
    self.spec = fact.spec
  }

  /// Whether it waits: in the order, parked, or for an approval.
  public var isWaiting: Bool {
    state == .queued || state == .parked || state == .awaitingApproval
  }

  /// Whether it was given less than it asked for.
  public var isDegraded: Bool { degradation != nil }

  /// When it gives up waiting: a claim that ran before has only its deadline to mind.
  var expires: Instant { grants == 0 ? min(waitEnds, latestStart) : latestStart + saved }

  /// Whether it may still use lanes that others own.
  var mayBorrow: Bool { Int(preemptions) < Limits.preemptionsPerClaim }

  /// A lease serves it.
  mutating func begin(_ lease: LeaseID) {
    invariant(state == .new || state == .queued, "a claim is granted from the order")
    state = .starting
    self.lease = lease
    grants += 1
  }
}
