import PoolAllocator

/// Policies of a world, drawn anew for every activation.
struct WorldPolicy {
  /// Pools of it, and lanes at most: a shared and a reserved one each.
  static let pools = 3
  static let lanes = [0, 1, 2, 10, 11, 12].map { Names.lane($0) }
  /// Who may approve work and open emergencies, beside who asks for claims.
  static let approvers = [0, 4, 5].map { Names.principal($0) }
  static let services = 4

  var policy = CompiledPolicy()
  private let plan: WorldPlan
  /// Whether every claim can be served in time: what comes into force when the faults are over.
  let isKind: Bool

  static func draw(
    for plan: borrowing WorldPlan, isKind: Bool = false, _ random: inout SeededGenerator
  ) -> CompiledPolicy {
    var draft = WorldPolicy(plan: copy plan, isKind: isKind)
    draft.addHardware(&random)
    draft.addClasses(&random)
    draft.addTenants(&random)
    draft.addServices(&random)
    draft.addEmergency(&random)
    draft.addQuotes(&random)
    draft.addLadders(&random)
    if plan.scoresOffers, random.chance(80) { draft.policy.placement.score = .offerValue }
    return draft.policy
  }

  private init(plan: WorldPlan, isKind: Bool) {
    self.plan = plan
    self.isKind = isKind
  }

  // MARK: hardware

  private mutating func addHardware(_ random: inout SeededGenerator) {
    policy.profiles = [
      ProfileRule(
        key: Names.profile(0), kind: .gpu, weightMilli: 1_000, memory: Bytes(80 << 30)),
      ProfileRule(key: Names.profile(1), kind: .cpu, weightMilli: 10, memory: Bytes(1)),
      ProfileRule(key: Names.profile(2), kind: .gpu, weightMilli: 300, memory: Bytes(40 << 30)),
    ]
    policy.slices = [
      SliceRule(key: Names.slice(0), profile: Names.profile(0), billedMilli: 142),
      SliceRule(key: Names.slice(1), profile: Names.profile(0), billedMilli: 428),
    ]
    let label = !isKind && random.chance(20) ? Names.label(0) : nil
    policy.pools = [
      PoolRule(key: Names.pool(0), profile: Names.profile(0), label: label),
      PoolRule(key: Names.pool(1), profile: Names.profile(1)),
      PoolRule(key: Names.pool(2), profile: Names.profile(2)),
    ]
    if !isKind, random.chance(5) { policy.pools[2].modelClass = Names.modelClass(1) }
    for pool in 0..<Self.pools { addLanes(of: pool, &random) }
    policy.costs = [
      CostRule(
        action: Names.action(0), modelClass: Names.modelClass(0), base: .seconds(1),
        perThousandPrompt: .seconds(2), perThousandOutput: .seconds(8), perToolCall: .seconds(3),
        retryMilli: 1_200)
    ]
  }

  private mutating func addLanes(of pool: Int, _ random: inout SeededGenerator) {
    var shared = LaneRule(
      key: Names.lane(pool), pool: UInt16(pool),
      leaseMax: .seconds(isKind || random.chance(80) ? 4_000 : 60))
    shared.sharesAcrossTenants = random.chance(50)
    if !isKind, random.chance(10) { shared.admits = ClassSet(bits: UInt8(random.below(16))) }
    policy.lanes.append(shared)
    let boards = plan.nodes.reduce(0) { $0 + $1.boards }
    guard random.chance(70), !isKind || pool == 0 && boards > 1 else { return }
    var reserved = LaneRule(
      key: Names.lane(10 + pool), pool: UInt16(pool), leaseMax: .seconds(4_000))
    reserved.owner = Names.tenant(random.number(plan.tenants))
    // GPUs of the third pool stand alone in their nodes: whole cells of one.
    reserved.cell = pool == 0 && !isKind ? 1 << UInt8(random.below(3)) : 1
    let cellMilli = Int64(reserved.cell) * 1_000
    reserved.reserved =
      pool == 1
      ? 1_500 : Int64(isKind ? 1 : 1 + random.number(6 / Int(reserved.cell))) * cellMilli
    if random.chance(70) {
      reserved.lending = .reclaimable(
        within: random.seconds(random.chance(50) ? 15...40 : 15...300),
        atMost: isKind ? 100_000 : random.within(1...9) * 1_000)
    }
    policy.lanes.append(reserved)
  }

  // MARK: classes

  private mutating func addClasses(_ random: inout SeededGenerator) {
    if random.chance(60) {
      policy.order = OrderRule(
        ageingStep: random.seconds(5...120), ceiling: UInt8(random.below(2)))
    }
    for rank in 0..<4 {
      var rule = ClassRule(
        // No whole seconds: prices have remainders then.
        quantum: Span(ns: random.within(10_000_000_000...90_000_000_000)),
        startWithin: random.seconds(8...30),
        killWithin: random.seconds(5...15), emptyBucket: random.chance(60) ? .park : .reject,
        overrun: random.chance(rank == 0 ? 80 : 30) ? .debt : .stop)
      if !plan.life.isPressing, random.chance(50) { rule.shield = random.seconds(0...60) }
      if random.chance(30) { rule.waitLimit = random.seconds(1...200) }
      if random.chance(50) {
        rule.queueWaitMax = random.seconds(random.chance(30) ? 3...30 : 30...400)
      }
      if random.chance(30) { rule.emptyBucket = .downgrade }
      policy.classes.append(rule)
    }
    if plan.life.isPressing || random.chance(80) {
      policy.preemption = PreemptionRule(
        distance: UInt8(random.within(1...(plan.life.isPressing ? 2 : 3))),
        burst: UInt32(random.chance(40) ? 1 : random.within(1...8)),
        perHour: UInt32(
          random.below(random.chance(40) ? 20 : plan.life.isPressing ? 4_000 : 400)))
    }
  }

  // MARK: tenants

  private mutating func addTenants(_ random: inout SeededGenerator) {
    let count = !isKind && random.chance(10) ? max(1, plan.tenants - 1) : plan.tenants
    for tenant in 0..<count {
      var rule = TenantRule(
        key: Names.tenant(tenant), queueMax: UInt32(random.within(3...25)),
        weightMilli: Int32(500 * random.within(1...6)))
      // What is never lent would wait for ever.
      if !isKind, random.chance(40) { rule.borrowingMax = Int64(random.below(6)) * 1_000 }
      if !isKind, random.chance(5) { rule.classes = ClassSet(bits: UInt8(random.below(16))) }
      policy.tenants.append(rule)
      if !isKind, random.chance(3) { continue }
      addBuckets(of: tenant, &random)
    }
  }

  private mutating func addBuckets(of tenant: Int, _ random: inout SeededGenerator) {
    let root = UInt16(policy.buckets.count)
    let scale = random.within(1...8) * (random.chance(50) ? 20_000_000 : 400_000_000)
    addBucket(tenant * 10, tenant, nil, .tenant, scale, &random)
    guard random.chance(60) else { return }
    let match: BucketMatch =
      random.chance(70) ? .serviceClass(.p3) : .application(Names.application(0))
    addBucket(tenant * 10 + 1, tenant, root, match, scale / 2, &random)
    addBucket(tenant * 10 + 2, tenant, root + 1, .action(Names.action(0)), scale / 4, &random)
  }

  private mutating func addBucket(
    _ number: Int, _ tenant: Int, _ parent: UInt16?, _ match: BucketMatch, _ scale: Int64,
    _ random: inout SeededGenerator
  ) {
    let cap = isKind ? 1 << 50 : scale
    var rule = BucketRule(
      key: Names.bucket(number), tenant: UInt16(tenant), cap: Credits(cap),
      refillPerSecond: Credits(
        isKind ? 1 << 40 : random.chance(20) ? 0 : Int64(random.below(5_000_000))))
    rule.parent = parent
    if random.chance(30) { rule.opening = Credits(cap / random.within(2...22)) }
    rule.match = match
    if random.chance(70) { rule.debtMax = Credits(cap / random.within(2...40)) }
    policy.buckets.append(rule)
  }

  private mutating func addEmergency(_ random: inout SeededGenerator) {
    guard random.chance(60) else { return }
    policy.emergency = EmergencyRule(approvers: Self.approvers, lastsMax: .seconds(300))
    for row in policy.buckets.indices where random.chance(70) {
      policy.buckets[row].emergency = Credits(policy.buckets[row].cap.value / 2)
      if random.chance(40) {
        policy.buckets[row].opening = Credits(policy.buckets[row].cap.value / 50)
      }
    }
  }

  private mutating func addQuotes(_ random: inout SeededGenerator) {
    if random.chance(50) { policy.profiles[0].weightMilli = Int32(700 + random.below(600)) }
    guard random.chance(80) else { return }
    policy.quotes = QuoteRule(
      lasts: random.seconds(5...60), lastsMax: .seconds(90),
      perTenant: UInt32(random.within(1...10)))
  }

  // MARK: services

  private mutating func addServices(_ random: inout SeededGenerator) {
    for rank in 0..<Self.services {
      var service = ServiceRule(
        key: Names.service(rank), tenant: nil,
        serviceClass: [.p0, .p1, .p2, .p3][
          plan.life.isPressing || random.chance(80) ? rank : random.number(4)],
        weightMilli: Int32(500 * random.within(1...4)))
      if random.chance(50) { service.complexity = .simple }
      if random.chance(50) { service.risk = .low }
      if !isKind, random.chance(3) { service.tenant = Names.tenant(0) }
      policy.services.append(service)
    }
    // Where the leader is slow, approvals often come when their request has just lapsed.
    let isSlow = plan.slowDisk != nil
    guard isSlow || random.chance(50) else { return }
    var rule = ApprovalRule(
      approvers: Array(Self.approvers.prefix(2)),
      lasts: isSlow ? random.seconds(3...15) : random.seconds(10...200))
    if random.chance(80) { rule.actions = [Names.action(1)] }
    policy.approvals = [rule]
    policy.services[2].approval = 0
    for service in 0..<2 where random.chance(30) { policy.services[service].approval = 0 }
  }
}
