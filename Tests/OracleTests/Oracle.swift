import PoolAllocator

/// Where the core and the oracle say different things.
struct Disagreement: Error, CustomStringConvertible {
  let description: String
}

func agree(_ condition: Bool, _ text: @autoclosure () -> String) throws(Disagreement) {
  if !condition { throw Disagreement(description: text()) }
}

/// A slow model of the allocator, written from SEMANTICS, STATES, the glossary and the decision
/// notes alone; it shares no code with the core.
///
/// It is told every command, works out by itself what is due, who may start, what is charged and
/// refunded, and compares. From the core it takes only what the rules leave open: which of the
/// feasible places a claim gets, which devices are kept for whom, which of its short buckets a
/// claim is parked on.
///
/// Covered: buckets and their paths, prices, hints, reservation, settlement, debt, parking and its
/// turns, policies that change, placement (whole GPUs, shares, instances, processor time, host,
/// gangs, enforcement, sharing), levels, fair counters, overdue turns, plans and the gap before
/// them, starts that fail, nodes that are suspect, cordoned or booted anew.
///
/// Left out: reserved lanes with lending and reclaim, claims for several lanes, ladders,
/// preemption, approvals, delegations, quotes, emergencies, restrictions, predicted waits,
/// deadlines, quarantine, drains, cells, and which of several reasons a refusal lists.
///
/// The rules leave open, so both answers are right: whether a claim at the door takes what is kept
/// for a worse level; who goes first behind a head that no machine can be relied on to hold.
struct Oracle {
  var now: Int64 = 0
  var policy: CompiledPolicy
  var site = Site(machines: [], parts: [])
  var buckets: [ExactBucket]
  var claims: [ClaimID: Asked] = [:]
  var leases: [LeaseID: Held] = [:]
  var arrivals = 0
  var counters: [Counter: Rational] = [:]
  var floors: [Floor: Rational] = [:]
  var clocks: [Clocked: TurnClock] = [:]
  /// Ids of the policy's rows, as the core names them.
  var tenantIDs: [TenantID] = []
  var bucketIDs: [BucketID] = []
  var laneRows: [UInt32] = []
  /// Claims that began, by which a run is told to have been worth it.
  var coverage = Coverage()

  /// Fair counter of a tenant.
  struct Counter: Hashable {
    let lane: UInt32
    let tenant: Int
    let level: UInt8
  }

  /// What a level of a lane has been served up to.
  struct Floor: Hashable {
    let lane: UInt32
    let level: UInt8
  }

  /// A tenant in a lane.
  struct Clocked: Hashable {
    let lane: UInt32
    let tenant: Int
  }

  /// How long a tenant's first claim has waited at level 0.
  struct TurnClock: Hashable {
    var since: Int64
    var overdue: Int64?
  }

  init(_ policy: CompiledPolicy, _ pool: Pool) {
    self.policy = policy
    buckets = policy.buckets.map { ExactBucket($0, at: 0) }
    learnNames(pool)
  }

  /// Looks up how the core names what the policy lists.
  mutating func learnNames(_ pool: Pool) {
    tenantIDs = []
    for tenant in policy.tenants { tenantIDs += [pool.tenant(named: tenant.key)!] }
    bucketIDs = []
    for bucket in policy.buckets { bucketIDs += [pool.bucket(named: bucket.key)!] }
    laneRows = []
    for lane in policy.lanes { laneRows += [pool.lane(named: lane.key)!.row] }
    site.openLanes = []
    for (index, lane) in policy.lanes.enumerated() where lane.sharesAcrossTenants {
      site.openLanes.insert(laneRows[index])
    }
  }

  func lane(atRow row: UInt32) -> LaneRule { policy.lanes[laneRows.firstIndex(of: row)!] }

  func profile(ofLane row: UInt32) -> ProfileRule {
    let key = policy.pools[Int(lane(atRow: row).pool)].profile
    return policy.profiles.first { $0.key == key }!
  }
}

/// A claim as the oracle knows it.
struct Asked {
  let id: ClaimID
  let spec: ClaimSpec
  let tenant: Int
  let rank: UInt8
  let jobMilli: Int32
  let submitted: Int64
  let arrival: Int
  let waitEnds: Int64
  /// Lanes that take it, by row.
  let lanes: [UInt32]
  /// Buckets that it pays from, root first.
  let path: [Int]
  var state: ClaimState
  var level: UInt8
  /// Time in the order before it was last put there.
  var waited: Int64 = 0
  var queuedAt: Int64 = 0
  var parkedOn: Int?
  var failedStarts = 0
  var grants = 0
  var kept: Kept?
  var leases: [LeaseID] = []

  /// Whether it comes before another of its tenant where turns are strict.
  func precedes(_ other: Asked) -> Bool {
    if rank != other.rank { return rank < other.rank }
    return isEarlier(than: other)
  }

  func isEarlier(than other: Asked) -> Bool {
    submitted != other.submitted ? submitted < other.submitted : arrival < other.arrival
  }
}

/// What is kept for a claim that waits.
struct Kept {
  let lane: UInt32
  let places: [Place]
  let starts: Int64
}

/// A lease as the oracle knows it.
struct Held {
  let id: LeaseID
  let claim: ClaimID
  let fencing: Fencing
  let tenant: Int
  let lane: UInt32
  let level: UInt8
  let place: Place
  let demand: Demand
  let path: [Int]
  let terms: ClassRule
  let runtimeMax: Int64
  /// Credits per nanosecond.
  let rate: Rational
  let startBy: Int64
  var state = LeaseState.granted
  var started: Int64?
  var quantumStart: Int64
  var quantumSpan: Int64
  var reserved: Int128
  var nextSpan: Int64 = 0
  var nextReserved: Int128?
  /// Credits of settled quanta.
  var charged: Int128 = 0
  /// What its path keeps back for it.
  var committed: Int128 = 0
  var isUnpaid = false
  var stoppedAt: Int64?
  var killBy: Int64 = .max

  /// End of what is paid.
  var ends: Int64 { started == nil ? startBy : quantumStart + quantumSpan + nextSpan }
  var renewFrom: Int64 { quantumStart + quantumSpan / 2 }
  /// By when everything of it has gone, if its node answers.
  var gone: Int64 {
    if state == .stopping { return killBy }
    return (started ?? startBy) + runtimeMax + terms.killWithin.ns
  }
  /// The stretch that is paid, from its start.
  var paid: Int64 { (started == nil ? 0 : quantumStart - started!) + quantumSpan + nextSpan }
  /// The stretch that would be paid next; zero at the hard end.
  var following: Int64 { min(terms.quantum.ns, runtimeMax - paid) }
}

/// What a run met.
struct Coverage {
  var counts: [String: Int] = [:]

  mutating func saw(_ what: String) { counts[what, default: 0] += 1 }
  mutating func add(_ other: Coverage) { counts.merge(other.counts, uniquingKeysWith: +) }
  var text: String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }
}
