import PoolAllocator

/// A claim as the events tell it.
struct KnownClaim {
  /// What it was taken in with, in a place of its own: most of who asks for a claim asks for what
  /// stands beside it.
  private final class Taken {
    let fact: ClaimFact
    init(_ fact: ClaimFact) { self.fact = fact }
  }

  private var taken: Taken
  /// What it was taken in with; a rung puts what it gives into the spec.
  var fact: ClaimFact {
    _read { yield taken.fact }
    set { taken = Taken(newValue) }
  }
  /// Where it is in its life.
  var state = ClaimState.new
  /// Number of its submission.
  let arrival: UInt64
  /// When it was submitted.
  let submitted: Int64
  /// Lanes that it named, on any rung.
  var named: LaneSet
  /// Lanes in whose order it waits.
  var waitsFor = LaneSet.none
  /// Its level in the order.
  var level: UInt8
  /// When it was last put into the order, and what it had waited there before.
  var queuedAt: Int64 = 0
  var waited: Int64 = 0
  /// Its current leases: of a gang, of every member; empty once one of them stopped.
  var leases: [LeaseID] = []
  /// Grants so far.
  var grants = 0
  /// Times that a more urgent class took its leases.
  var preemptions = 0
  /// The bucket that it is parked on.
  var parkedOn: BucketID?
  /// Whether it has or had an approval: a state of `StateEdges.Machine.approval`.
  var approval: UInt8 = 0
  /// Whether its rung, not its action, asked for the approval.
  var isDemanded = false
  /// What is kept for it, and on which devices; the list is of the last pin, past its end too.
  var pin: PinFact?
  var kept: [DeviceID] = []

  init(fact: ClaimFact, arrival: UInt64, submitted: Int64, named: LaneSet, level: UInt8) {
    taken = Taken(fact)
    self.arrival = arrival
    self.submitted = submitted
    self.named = named
    self.level = level
  }

  /// Whether it waits anywhere.
  var isWaiting: Bool {
    state == .queued || state == .parked || state == .awaitingApproval
  }
}

/// A lease as the events tell it.
struct KnownLease {
  /// What never changes, in a place of its own.
  private final class Terms {
    let grant: Grant
    let demand: Demand
    let interruption: Interruption?
    let uses: [DeviceUse]
    let path: [BucketID]
    let gang: [LeaseID]

    init(
      _ grant: Grant, _ demand: Demand, _ interruption: Interruption?, _ uses: [DeviceUse],
      _ path: [BucketID], _ gang: [LeaseID]
    ) {
      self.grant = grant
      self.demand = demand
      self.interruption = interruption
      self.uses = uses
      self.path = path
      self.gang = gang
    }
  }

  private let terms: Terms
  /// What it was granted.
  var grant: Grant { _read { yield terms.grant } }
  /// Who pays.
  let tenant: TenantID
  /// The class of its claim.
  let rank: UInt8
  /// What its claim asked for when it was granted.
  var demand: Demand { _read { yield terms.demand } }
  /// Longest runtime from its start.
  let runtimeMax: Int64
  /// Whether and how it may be interrupted.
  var interruption: Interruption? { terms.interruption }
  /// Shares of devices.
  var uses: [DeviceUse] { terms.uses }
  /// What it pays from: buckets, root first, then budgets, the widest first.
  var path: [BucketID] { terms.path }
  /// Leases of its gang, itself among them.
  var gang: [LeaseID] { terms.gang }
  /// Where it is in its life.
  var state = LeaseState.granted
  /// When it started, last saved its work, and stopped being billed.
  var started: Int64?
  var saved: Int64?
  var stopped: Int64?
  /// Why it stopped.
  var cause: StopCause?
  /// Whether it was still there at its kill deadline.
  var overstays = false
  /// Length of all quanta that were reserved.
  var paid: Int64

  init(
    grant: Grant, tenant: TenantID, rank: UInt8, demand: Demand, runtimeMax: Int64,
    interruption: Interruption?, uses: [DeviceUse], path: [BucketID], gang: [LeaseID], paid: Int64
  ) {
    terms = Terms(grant, demand, interruption, uses, path, gang)
    self.tenant = tenant
    self.rank = rank
    self.runtimeMax = runtimeMax
    self.paid = paid
  }

  /// Price of an interval from its start in 10⁻¹² credits (SEMANTICS 1.1).
  func cost(_ ns: Int64) -> Int128 { Int128(grant.rate) * Int128(ns) }

  /// Whole credits of such a price, rounded up once.
  static func up(_ cost: Int128) -> Int128 {
    (cost + 999_999_999_999) / 1_000_000_000_000
  }

  /// Whole credits of such a price, rounded down.
  static func down(_ cost: Int128) -> Int128 { cost / 1_000_000_000_000 }

  /// Length and price of the quantum after the last one that is reserved; nil past the hard end.
  /// Its price is that of all time so far, rounded up, less what was already rounded down.
  var next: (span: Int64, price: Int128)? {
    let span = min(grant.terms.quantum.ns, runtimeMax - paid)
    guard span > 0 else { return nil }
    return (span, Self.up(cost(paid + span)) - Self.down(cost(paid)))
  }

  /// End of what is paid.
  var ends: Int64 { started.map { $0 + paid } ?? grant.startBy.ns }
}

/// A machine as the events tell it.
struct KnownNode {
  var enrolment: Enrolment
  var report: NodeReport?
  var reach = Reach.enrolled
  var duty = Duty.open
  /// Its devices, parts of CPU sets apiece.
  var devices: [DeviceID] = []
  /// Leases that hold a share of it.
  var leases: [LeaseID] = []
  /// Whether its devices or their lanes may be others since they were last read.
  var isStale = true
  /// Whether the command that is looked at touched it.
  var isTouched = true

  /// Whether it may receive a lease.
  var isOpen: Bool { reach == .ready && duty == .open }
}

/// A GPU, an instance or a lane's part of a CPU set.
struct KnownDevice {
  let node: NodeID
  var report: DeviceReport
  var parent: DeviceID?
  var isApproved: Bool
  /// By the events.
  var health = Health.unknown
  /// As the pool has it bound: its lane, the cell it is in, and what the lane may give away.
  var lane: UInt32?
  var cell: UInt32?
  var capacity: Int32
  var isPart = false
}

/// A lane under the policy in force.
struct KnownLane {
  var rule: LaneRule
  var pool: PoolRule
  var profile: ProfileRule
  var isRetired = false
  /// What of its guarantee was last said to be short.
  var short: Int64 = 0
}

/// A tenant under the policy in force, or the last one that named it.
struct KnownTenant {
  var rule: TenantRule
  /// Claims that live, and of them those that wait.
  var live = 0
  var waiting = 0
  /// Claims that were refused.
  var refused: UInt64 = 0
  /// Quotes that are known.
  var quotes = 0
}

/// A quote.
struct KnownQuote {
  let tenant: TenantID
  /// A state of `StateEdges.Machine.quote`.
  var state: UInt8 = 0
}

/// A bucket, or the budget of a delegation.
struct KnownBucket {
  /// Outside name.
  let key: Key
  let tenant: TenantID
  /// The budget above a budget.
  var parent: BucketID?
  var isBudget = false
  /// Burst; of a budget, its limit.
  var cap: Int64
  /// Credits per second.
  var rate: Int64
  /// How far below zero renewals may take it, and urgent work in an emergency.
  var debtMax: Int64 = 0
  var emergency: Int64 = 0
  /// When its emergency ends.
  var emergencyUntil: Int64?
  /// Of a delegation: how often it was given on, who may spend it, until when, why it is closed.
  var depth: UInt8 = 0
  var ceiling = ServiceClass.p0
  var expires: Int64 = .max
  var closed: Reason.Code?
  /// Of a budget: what it holds.
  var level: Int64 = 0
  /// No longer in the policy.
  var isRetired = false

  /// Of a budget: its state in `StateEdges.Machine.budget`.
  var state: UInt8 {
    switch closed {
    case .delegationExpired: 2
    case .delegationRevoked: 3
    default: level > 0 ? 0 : 1
    }
  }

  /// How far below zero a class may take it at a moment by its emergency.
  func allowance(rank: UInt8, at moment: Int64) -> Int64 {
    guard rank <= 1, let until = emergencyUntil, moment < until else { return 0 }
    return emergency
  }
}
