import Testing

@testable import PoolAllocator

/// Random lives of two poor tenants and lanes of several prices: nearly all claims wait for money.
@Suite struct WaitingPropertyTests {
  #if DEBUG
    static let seeds = 150
  #else
    static let seeds = 3_000
  #endif

  @Test func everyTickEndsAndNobodyWaitsForNothing() {
    var coverage = SwarmCoverage()
    var falls = 0
    for seed in 0..<Self.seeds {
      var life = PoorLife(seed: UInt64(5_000_000 + seed))
      var trail = LevelTrail()
      for step in 0..<70 {
        life.stepOnce(step)
        let ends = life.tick()
        #expect(ends, "seed \(seed), step \(step): the tick does not end")
        guard ends else { return }
        life.pool.checkInvariants()
        for id in trail.note(life.pool) {
          Issue.record("seed \(seed), step \(step): \(id) is too low")
        }
        for id in life.pool.idleClaims() {
          Issue.record("seed \(seed), step \(step): nothing is in the way of \(id)")
        }
      }
      coverage += life.coverage
      falls += trail.falls
    }
    print("waiting: \(falls) falls below zero, \(coverage)")
    #expect(falls > Self.seeds / 10)
    #expect(coverage.emergencies.ended > Self.seeds / 4)
    #expect(coverage.budgets.spent > 0)
    #expect(coverage.held > 0)
    #expect(coverage.narrowed > Self.seeds)
    #expect(coverage.widened > Self.seeds)
  }
}

extension Pool {
  /// Waiting claims with nothing in their way, but for those whose lanes changed since they were
  /// looked at: their turn shows it.
  func idleClaims() -> [ClaimID] {
    var idle: [ClaimID] = []
    forEachClaim { id, claim in
      guard claim.isWaiting, obstacles(of: id).isEmpty, !isMisplaced(claim) else { return }
      idle.append(id)
    }
    return idle
  }

  /// Whether a lane that could not serve a queued claim when it was last looked at can do so now.
  private func isMisplaced(_ claim: Claim) -> Bool {
    guard claim.state == .queued, claim.widensOn == nil, let resolved = resolved(claim) else {
      return false
    }
    let eligible = eligibleLanes(claim.spec, resolved).lanes
    return eligible.bits & ~groups[Int(claim.group)].bits != 0
  }
}

/// Four pools of one node each, under policies drawn anew: prices, reserved lanes, buckets.
private struct PoorLife {
  static let pools = 4
  var random: SwarmGenerator
  var pool = Pool()
  var log = EventLog()
  var now = Instant(ns: 1_000_000_000)
  var coverage = SwarmCoverage()

  init(seed: UInt64) {
    random = SwarmGenerator(seed: seed)
    apply(.begin(epoch: 1))
    apply(.activate(PolicyGeneration(1), policy()))
    for number in 0..<Self.pools {
      let profile = Name.key(1, number)
      let approved = [ApprovedDevices(profile: profile, count: 3)]
      let enrolment = Enrolment(key: Name.node(number), approved: approved)
      guard let node = apply(.enrol(enrolment)).node else { continue }
      let devices = (0..<(1 + random.below(3))).map {
        DeviceReport(
          key: Name.device(number, $0), kind: .gpu, profile: profile, memory: Bytes(80 << 30))
      }
      let report = NodeReport(
        boot: Name.boot(0), generation: 1, sequence: 1, cpu: MilliCPU(64_000),
        hostMemory: Bytes(256 << 30), enforcement: .cgroup)
      apply(.advertise(node, Advertisement(report: report, devices: devices)))
    }
  }

  @discardableResult
  mutating func apply(_ command: Command) -> Decision {
    let (decision, _) = pool.apply(command, at: now, into: &log)
    coverage.note(log, pool)
    return decision
  }

  /// Ticks until all is done. - Returns: false where that does not come.
  mutating func tick() -> Bool {
    for _ in 0..<20 {
      let (_, progress) = pool.apply(.tick, at: now, into: &log)
      coverage.note(log, pool)
      if progress == .complete { return true }
    }
    return false
  }

  // MARK: policies

  private mutating func policy() -> CompiledPolicy {
    var policy = SmallPolicy.bare(tenants: 2)
    policy.slices = []
    policy.profiles = (0..<Self.pools).map {
      ProfileRule(
        key: Name.key(1, $0), kind: .gpu, weightMilli: Int32(100 * (1 + random.below(12))),
        memory: Bytes(80 << 30))
    }
    policy.pools = (0..<Self.pools).map {
      PoolRule(key: Name.pool($0), profile: Name.key(1, $0))
    }
    policy.lanes = []
    for pool in 0..<Self.pools {
      var lane = LaneRule(key: Name.lane(pool), pool: UInt16(pool), leaseMax: .seconds(10_000))
      policy.lanes.append(lane)
      guard random.chance(50) else { continue }
      lane.key = Name.lane(pool + 10)
      lane.owner = Name.tenant(random.below(2))
      lane.reserved = 1_000
      policy.lanes.append(lane)
    }
    for row in policy.classes.indices {
      policy.classes[row].emptyBucket = .park
      policy.classes[row].quantum = .seconds(100)
    }
    for tenant in 0..<2 { addBuckets(of: tenant, to: &policy) }
    policy.emergency = EmergencyRule(
      approvers: [Name.key(32, 0), Name.key(32, 1)], lastsMax: .seconds(100))
    for row in policy.buckets.indices where random.chance(60) {
      policy.buckets[row].emergency = Credits(Int64(random.below(100)) * 1_000_000)
    }
    return policy
  }

  /// A root, and often a child and a grandchild; many never refill.
  private mutating func addBuckets(of tenant: Int, to policy: inout CompiledPolicy) {
    let child: BucketMatch =
      random.chance(70) ? .application(Name.application(0)) : .serviceClass(.p2)
    let path: [BucketMatch] = [.tenant, child, .action(Name.action(0))]
    let depth = random.chance(20) ? 1 : random.chance(40) ? 2 : 3
    var parent: Int?
    for (level, match) in path.prefix(depth).enumerated() {
      let cap = (1 + random.below(300)) * 1_000_000
      let row = policy.buckets.count
      SmallPolicy.add(
        match, under: parent, tenant: tenant, cap: Int64(cap),
        rate: random.chance(40) ? 0 : Int64(random.below(2_000_000)),
        opening: Int64(random.below(cap)), to: &policy)
      policy.buckets[row].key = Name.bucket(tenant * 10 + level)
      parent = row
    }
  }

  // MARK: commands

  mutating func stepOnce(_ step: Int) {
    now = now + Span(ns: Int64(random.below(8_000)) * 1_000_000)
    switch random.below(20) {
    case 0..<9: submit(step)
    case 9..<14: leaseCommand()
    case 14 where random.chance(30):
      let generation = PolicyGeneration(pool.generation.value + 1)
      let policy = policy()
      apply(.activate(generation, policy))
    case 15: restrict()
    case 16: raiseEmergency()
    case 17 where random.chance(50): delegate()
    default: break
    }
  }

  private mutating func submit(_ number: Int) {
    let lanes = [0, 1, 2, 3, 10, 11, 12, 13].filter { _ in random.chance(60) }
    var spec = ClaimSpec(
      key: Name.claim(number), tenant: Name.tenant(random.below(2)),
      service: Name.service(random.below(4)), action: Name.action(random.below(2)),
      modelClass: Name.model, demand: Demand(shape: .whole),
      lanes: pool.laneSet(named: lanes.map { Name.lane($0) }),
      runtimeMax: .seconds(Int64(1 + random.below(200))))
    spec.application = Name.application(random.below(2))
    if random.chance(40) { spec.budget = Name.key(31, random.below(2)) }
    apply(.submit(spec))
  }

  private mutating func raiseEmergency() {
    var all: [BucketID] = []
    pool.forEachBucket { id, _ in all.append(id) }
    guard let id = random.pick(all) else { return }
    let raise = EmergencyRaise(
      by: Name.key(32, 0), and: Name.key(32, 1),
      until: now + .seconds(Int64(1 + random.below(60))))
    apply(.raiseEmergency(id, raise))
  }

  /// A small budget of one of the tenants, given again and again.
  private mutating func delegate() {
    let number = random.below(2)
    apply(
      .delegate(
        DelegationSpec(
          key: Name.key(31, number), tenant: Name.tenant(number),
          limit: Credits(Int64(random.below(160)) * 1_000_000),
          expires: now + .seconds(Int64(200 + random.below(400))))))
  }

  private mutating func leaseCommand() {
    var all: [(LeaseID, Lease)] = []
    pool.forEachLease { all.append(($0, $1)) }
    guard let (id, lease) = random.pick(all) else { return }
    switch lease.state {
    case .granted: apply(.confirmStarted(id, lease.fencing))
    case .active where random.chance(60): apply(.renew(id, lease.fencing))
    case .active: apply(.release(id, lease.fencing, .completed))
    case .stopping, .quarantined: apply(.confirmEmpty(id, lease.fencing))
    }
  }

  private mutating func restrict() {
    let isTenant = random.chance(50)
    let restriction = Restriction(
      measure: random.chance(50) ? .suspend : .ceiling(.p2),
      until: now + .seconds(Int64(1 + random.below(60))), by: Name.key(30, 0),
      because: Name.key(30, 1))
    apply(
      .restrict(
        isTenant ? .tenant : .application,
        isTenant ? Name.tenant(random.below(2)) : Name.application(0),
        random.chance(30) ? nil : restriction))
  }
}
