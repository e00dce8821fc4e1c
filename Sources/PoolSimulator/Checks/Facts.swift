import PoolAllocator

/// What the events told so far: who is where, with what, under which rules.
///
/// The checks share it as their memory. It is folded from the events alone; of the pool it reads
/// what no event says: the ids of lanes, tenants and buckets of a policy, and to which lane and
/// cell a device is bound. Every step of a state machine is noted for the check of steps.
struct Facts {
  /// Bounds of the pool.
  let limits: Limits
  /// Pool time of the command.
  var now: Int64 = 0
  /// The leadership in force.
  var epoch: UInt32 = 0
  var generation = PolicyGeneration(0)
  var policy = CompiledPolicy()
  /// Claims submitted so far.
  var arrivals: UInt64 = 0
  /// Claims that wait.
  var waiting = 0

  var claims = ByID<Claim, KnownClaim>()
  var leases = ByID<Lease, KnownLease>()
  var nodes = ByID<Node, KnownNode>()
  var devices = ByID<Device, KnownDevice>()
  var lanes = ByID<Lane, KnownLane>()
  var tenants = ByID<Tenant, KnownTenant>()
  var buckets = ByID<Bucket, KnownBucket>()
  var quotes = ByID<Quote, KnownQuote>()

  /// Rows of lanes that reserve devices.
  var reserved = LaneSet.none

  /// Live rows by kind.
  var counts = Counts()
  /// Rows by outside name; looked up, never gone through.
  var budgetNames: [Key: BucketID] = [:]
  var bucketNames: [Key: BucketID] = [:]
  var liveWorkflows: [Key: Int] = [:]
  /// Indexes into the policy: the root bucket of a tenant, the children of a bucket.
  var roots: [Key: Int] = [:]
  var children: [[Int]] = []

  /// What the command did, for those that look at it when it is over.
  var steps: [StateStep] = []
  var touchedNodes: [NodeID] = []
  var touchedClaims: [ClaimID] = []
  var touchedLeases: [LeaseID] = []
  var touchedTenants: [TenantID] = []
  /// Whether all rows may have changed.
  var isAllTouched = false

  /// Measures against identities, ended ones included until they are replaced.
  var restrictions: [RestrictionFact] = []

  /// How many rows of each kind live.
  struct Counts {
    var claims = 0
    var leases = 0
    var nodes = 0
    var quotes = 0
    var buckets = 0
    var budgets = 0
  }

  init(limits: Limits) { self.limits = limits }

  // MARK: a command

  /// Forgets what the last command did.
  mutating func begin(at moment: Int64) {
    now = moment
    steps.removeAll(keepingCapacity: true)
    for id in touchedNodes { nodes[id]?.isTouched = false }
    touchedNodes.removeAll(keepingCapacity: true)
    touchedClaims.removeAll(keepingCapacity: true)
    touchedLeases.removeAll(keepingCapacity: true)
    touchedTenants.removeAll(keepingCapacity: true)
    isAllTouched = false
  }

  /// Notes a step of a state machine.
  mutating func step(
    _ machine: StateEdges.Machine, from: UInt8, to: UInt8, row: UInt32
  ) {
    steps.append(StateStep(machine: machine, from: from, to: to, row: row))
  }

  /// Notes that a node is another.
  mutating func touch(_ id: NodeID) {
    guard let isTouched = nodes[id]?.isTouched, !isTouched else { return }
    nodes[id]?.isTouched = true
    touchedNodes.append(id)
  }

  // MARK: questions

  /// What a claim pays from under the policy in force: at each level the bucket that matches it,
  /// then the budgets of its delegation, the widest first (SEMANTICS 2.2).
  /// - Complexity: O(children of the buckets on the path).
  func path(of claim: borrowing KnownClaim) -> [BucketID] {
    let spec = claim.fact.spec
    var path: [BucketID] = []
    var row = roots[spec.tenant]
    while let known = row, let id = bucketNames[policy.buckets[known].key] {
      path.append(id)
      guard path.count < Limits.bucketsPerPath else { break }
      let serviceClass = claim.fact.serviceClass
      row = children[known].first { child in
        switch policy.buckets[child].match {
        case .tenant: true
        case .application(let key): key == spec.application
        case .serviceClass(let it): it == serviceClass
        case .action(let key): key == spec.action
        }
      }
    }
    var budgets: [BucketID] = []
    var budget = spec.budget.flatMap { budgetNames[$0] }
    while let id = budget {
      budgets.append(id)
      budget = buckets[id]?.parent
    }
    return path + budgets.reversed()
  }

  /// What the first quantum of a claim costs in a lane, all its members together
  /// (SEMANTICS 1.1, 2.4).
  func firstPrice(of claim: borrowing KnownClaim, in lane: borrowing KnownLane) -> Int128 {
    let demand = claim.fact.spec.demand
    let billed: Int64
    switch demand.shape {
    case .whole: billed = 1000 * Int64(demand.devices)
    case .slice(let key):
      let rule = policy.slices.first { $0.key == key }
      billed = Int64(rule?.billedMilli ?? 0) * Int64(demand.devices)
    case .cpuOnly: billed = Int64(demand.cpu.value)
    case .fraction(let milli, let bytes):
      let whole = Int128(lane.profile.memory.value)
      let part = (Int128(bytes.value) * 1000 + whole - 1) / whole
      billed = max(Int64(milli.value), Int64(part)) * Int64(demand.devices)
    }
    let rate =
      Int128(billed) * Int128(lane.profile.weightMilli) * Int128(claim.fact.weightMilli)
    let terms = policy.classes[Int(claim.fact.serviceClass.rank)]
    let span = min(terms.quantum.ns, claim.fact.spec.runtimeMax.ns)
    return KnownLease.up(rate * Int128(span)) * Int128(demand.members)
  }

  /// The outside name of a tenant.
  func name(of tenant: TenantID) -> Key? { tenants[tenant]?.rule.key }

  /// The lane in a row.
  func lane(row: UInt32) -> KnownLane? { lanes.id(at: Int(row)).flatMap { lanes[$0] } }

  /// Whether a lane is reserved for another than a tenant.
  func isForeign(_ lane: borrowing KnownLane, to tenant: TenantID) -> Bool {
    lane.rule.owner.map { $0 != name(of: tenant) } ?? false
  }

  /// Whether a measure in force keeps a claim from being served: it is suspended, or above its
  /// ceiling.
  func isHeldBack(_ fact: borrowing ClaimFact) -> Bool {
    let spec = fact.spec
    let rank = fact.serviceClass
    return restrictions.contains { row in
      guard let restriction = row.restriction, restriction.until.ns > now else { return false }
      let isMeant =
        switch row.kind {
        case .tenant: row.key == spec.tenant
        case .application: row.key == spec.application
        case .workflow: row.key == spec.workflow
        case .principal: row.key == spec.principal
        }
      guard isMeant else { return false }
      switch restriction.measure {
      case .suspend: return true
      case .ceiling(let most): return rank < most
      case .throttle: return false
      }
    }
  }

  /// Whether a lease serves its claim still.
  func isCurrent(_ id: LeaseID, _ lease: borrowing KnownLease) -> Bool {
    claims[lease.grant.claim]?.leases.contains(id) ?? false
  }
}
