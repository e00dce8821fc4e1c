/// Where a lease is in its life.
public enum LeaseState: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// Devices taken, credits reserved; the agent has not acknowledged.
  case granted
  /// The agent runs it: time is billed.
  case active
  /// Told to end: no longer billed, devices not yet free.
  case stopping
  /// Its node is silent or recovering: neither alive nor dead.
  case quarantined
}

/// Why a lease stopped.
public enum StopCause: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// The holder gave it back.
  case released
  /// It reached its end without renewal.
  case expired
  /// Its bucket could not pay the next quantum.
  case unpaid
  /// Its claim was cancelled.
  case cancelled
  /// Its node was drained.
  case drained
  /// Its node was lost.
  case nodeLost
  /// It was not started in time.
  case startTimeout
  /// The owner of its lane needed what it had lent.
  case reclaimed
  /// A claim of a more urgent class needed its devices.
  case preempted
  /// Another member of its gang stopped, and a gang runs whole or not at all.
  case gangEnded
}

/// What a claim pays from: buckets, root first, then budgets of delegations, the widest first.
public struct BucketPath: BitwiseCopyable, Sendable {
  var rows: InlineArray<8, BucketID>
  /// How many buckets.
  public internal(set) var count: Int

  init(root: BucketID) {
    rows = InlineArray(repeating: root)
    count = 1
  }

  /// One bucket of the path; the index must be below `count`.
  public subscript(index: Int) -> BucketID { rows[index] }

  mutating func append(_ bucket: BucketID) {
    rows[count] = bucket
    count += 1
  }
}

/// The granted right of one member of a claim to devices, with an end.
public struct Lease: BitwiseCopyable, Sendable {
  /// The claim it serves; stale once the claim ended.
  public let claim: ClaimID
  /// Who pays.
  public let tenant: TenantID
  /// The machine.
  public let node: NodeID
  /// The lane that it is charged to.
  public let lane: LaneID
  /// Makes an old holder's order refused.
  public let fencing: Fencing
  /// The policy generation that granted it; its terms stay.
  public let policy: PolicyGeneration
  /// Restrictions of its lane, which travel with it.
  public let restrictions: UInt64
  /// The devices, as a run of the pool's arena.
  let uses: Span32
  /// The buckets that it pays from.
  public let path: BucketPath
  /// What a nanosecond costs, in 10⁻¹² credits.
  public let rate: Int64
  /// Processor time of the node.
  public let cpu: MilliCPU
  /// Host memory of the node.
  public let hostMemory: Bytes
  /// Thousandths billed, charged to the lane.
  public let billedMilli: Int64
  /// Longest runtime from its start.
  public let runtimeMax: Span
  /// Its class's terms when it was granted.
  public let terms: ClassRule
  /// Whether its lane is another's, who may ask for it back.
  public let isLent: Bool
  /// Time that its holder is given before the kill deadline when it is reclaimed or preempted.
  public let grace: Span
  /// The level in the order at which it was granted, and at which its tenant is charged.
  public let level: UInt8
  /// Number of the rung that its claim was on when it was granted; 0 where it has what it asked.
  public let rung: UInt8
  /// How much of the work goes on without a person.
  public let automation: Automation

  /// Leases that were granted with it, itself among them: one for each member of its claim.
  public let members: UInt16
  /// The first of them, by which the claim names them all.
  public let lead: LeaseID
  /// The next of them; the last one names the first. Meaningful until one of them stops.
  let nextMember: LeaseID

  /// Where it is in its life.
  public internal(set) var state = LeaseState.granted
  /// When it must have started.
  public let startBy: Instant
  /// When the agent started it.
  public internal(set) var started: Instant?
  /// When its holder last saved its work.
  public internal(set) var checkpoint: Instant?
  /// Start of the quantum that is running.
  public internal(set) var quantumStart: Instant
  /// Number of the quantum that is running, from 1.
  public internal(set) var quantum: UInt32 = 1
  /// Length of the quantum that is running.
  public internal(set) var quantumSpan: Span
  /// Credits reserved for it.
  public internal(set) var reserved: Credits
  /// Length and reservation of the quantum after it, once renewed.
  public internal(set) var nextSpan = Span.zero
  public internal(set) var nextReserved: Credits?
  /// 10⁻¹² credits carried from settled quanta.
  public internal(set) var remainder: Int64 = 0
  /// What its path keeps back for its next quantum.
  public internal(set) var committed = Credits.zero
  /// Its bucket refused the next quantum.
  public internal(set) var isUnpaid = false
  /// Why it stopped.
  public internal(set) var cause: StopCause?
  /// When billing ended, once it stopped.
  public internal(set) var stoppedAt: Instant?
  /// When its devices count as dirty unless reported empty.
  public internal(set) var killBy = Instant.farFuture

  /// End of what is paid: it must be renewed before, and never runs on.
  public var ends: Instant {
    if let stoppedAt { return stoppedAt }
    guard started != nil else { return startBy }
    return quantumStart + quantumSpan + nextSpan
  }

  /// The end that no renewal passes; nil before the start.
  public var hardEnd: Instant? { started.map { $0 + runtimeMax } }
  /// When the next quantum may be paid: half way through the present one.
  public var renewFrom: Instant { quantumStart + Span(ns: quantumSpan.ns / 2) }
  /// When the running quantum is over.
  var quantumEnd: Instant { quantumStart + quantumSpan }
  /// Work since then is lost when it stops; nil before the start.
  public var savedAt: Instant? { checkpoint ?? started }
  /// Work that its holder has saved.
  var saved: Span {
    guard let checkpoint, let started else { return .zero }
    return Span(ns: max(0, checkpoint.ns - started.ns))
  }

  /// The agent acknowledged it: billing begins.
  mutating func start(at moment: Instant) {
    invariant(state == .granted, "a lease starts once, after its grant")
    state = .active
    started = moment
    quantumStart = moment
  }

  /// The running quantum is settled; the one paid after it, if any, runs.
  mutating func settle(_ quantum: UInt32, remainder: Int64) {
    invariant(self.quantum == quantum, "quanta are settled in order, each once")
    self.remainder = remainder
    quantumStart = quantumEnd
    quantumSpan = nextSpan
    reserved = nextReserved ?? .zero
    nextSpan = .zero
    nextReserved = nil
    self.quantum += 1
  }

  /// Whether it was still there at its kill deadline: nothing says when it ends.
  var overstays: Bool { state == .stopping && killBy == .farFuture }

  /// It must end; billing ended at `moment`.
  mutating func stop(_ cause: StopCause, at moment: Instant, killBy: Instant) {
    invariant(state != .stopping, "a lease stops once")
    state = .stopping
    self.cause = cause
    stoppedAt = moment
    self.killBy = killBy
  }
}
