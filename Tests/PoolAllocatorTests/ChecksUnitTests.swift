import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// Checks that falsified logs of random lives do not reach, each led to what it must refuse.
struct ChecksUnitTests {
  /// What a check throws.
  private func violation(_ body: () throws(Violation) -> Void) -> Violation? {
    do throws(Violation) {
      try body()
      return nil
    } catch { return error }
  }

  private let bucket = BucketID(row: 0, generation: 1)
  private let claim = ClaimID(row: 0, generation: 1)

  // MARK: B3

  /// A log in which a claim is granted a lease that reserves credits.
  private func grant(_ row: UInt32, reserving amount: Int64) -> EventLog {
    var log = EventLog()
    var grant = Grant.blank
    grant.claim = claim
    grant.lease = LeaseID(row: row, generation: 1)
    grant.reserved = Credits(amount)
    log.grants = LogRows([grant])
    return log
  }

  @Test func aBucketPaysNoMoreThanItsBurstAndRefill() {
    var facts = Facts(limits: Limits())
    facts.buckets[bucket] = KnownBucket(
      key: Name.bucket(0), tenant: TenantID(row: 0, generation: 1), cap: 10, rate: 2)
    var windows = SpendWindows()
    windows.note(.policyActivated(PolicyGeneration(1), postings: .none), facts, EventLog())
    #expect(violation { () throws(Violation) in try windows.closeAll(facts) } == nil)
    for row in UInt32(0)..<2 {
      let log = grant(row, reserving: 8)
      facts.leases[LeaseID(row: row, generation: 1)] = KnownLease(
        grant: log.grants[0], tenant: TenantID(row: 0, generation: 1), rank: 2,
        demand: Demand(shape: .whole), runtimeMax: 1, interruption: nil, uses: [],
        path: [bucket], gang: [], paid: 1)
      windows.note(
        .leaseGranted(claim, grants: Span32(first: 0, count: 1)), facts, log)
      // 8 of 10; then 16 where 2 seconds gave 4.
      facts.now += 1_000_000_000
      let broken = violation { () throws(Violation) in try windows.closeAll(facts) }
      #expect(broken?.invariant == (row == 0 ? nil : "B3"))
    }
  }

  // MARK: D1

  /// Two leases of one GPU: both whole, both with more than half of it, or half each.
  @Test(arguments: [(1000, "D1"), (501, "D1"), (500, nil)] as [(Int32, String?)])
  func twoLeasesShareAGPUOnlyWhereItHasEnough(_ milli: Int32, _ invariant: String?) {
    var facts = Facts(limits: Limits())
    let (node, device) = (NodeID(row: 0, generation: 1), DeviceID(row: 0, generation: 1))
    facts.nodes[node] = KnownNode(enrolment: Enrolment(key: Name.node(0), approved: []))
    facts.nodes[node]?.report = NodeReport(
      boot: Name.boot(0), generation: 1, sequence: 1, cpu: MilliCPU(0), hostMemory: .zero,
      enforcement: .cgroup)
    let report = SmallNode.gpu(0, 0)
    facts.devices[device] = KnownDevice(
      node: node, report: report, parent: nil, isApproved: true, capacity: 1_000)
    facts.claims[claim] = KnownClaim(
      fact: .blank, arrival: 0, submitted: 0, named: .none, level: 0)
    var shares = DeviceShares()
    var broken: Violation?
    for row in UInt32(0)..<2 where broken == nil {
      var log = grant(row, reserving: 0)
      log.uses = LogRows([
        DeviceUse(
          device: device, milli: MilliGPU(milli),
          memory: Bytes(report.memory.value * Int64(milli) / 1_000))
      ])
      var member = log.grants[0]
      member.node = node
      member.uses = Span32(first: 0, count: 1)
      log.grants = LogRows([member])
      let event = Event.leaseGranted(claim, grants: Span32(first: 0, count: 1))
      broken = violation { () throws(Violation) in try shares.note(event, facts, log) }
      #expect(row == 1 || broken == nil)
    }
    #expect(broken?.invariant == invariant)
  }

  // MARK: order

  /// A pool of one GPU that the first claim has; the others wait for it.
  private struct Line {
    var rig = PoolRig()
    var watch: Watch
    var ids: [ClaimID] = []
    var lease: (id: LeaseID, fencing: Fencing)?

    init(waiting: Int) throws {
      watch = Watch(limits: rig.pool.limits, every: 1)
      var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
      SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
      try apply(.begin(epoch: 1))
      try apply(.activate(PolicyGeneration(1), policy))
      let enrolment = Enrolment(
        key: Name.node(0), approved: [ApprovedDevices(profile: Name.gpu, count: 1)])
      let node = try #require(try apply(.enrol(enrolment)).node)
      let report = NodeReport(
        boot: Name.boot(0), generation: 1, sequence: 1, cpu: MilliCPU(1_000), hostMemory: .zero,
        enforcement: .cgroup)
      try apply(
        .advertise(node, Advertisement(report: report, devices: [SmallNode.gpu(0, 0)])))
      for number in 0...waiting {
        let decision = try apply(.submit(claim(number)))
        ids.append(try #require(decision.claim))
        guard let id = decision.lease, let row = rig.pool.lease(id) else { continue }
        lease = (id, row.fencing)
      }
    }

    /// Of the most urgent class, whose waits are bounded.
    func claim(_ number: Int) -> ClaimSpec {
      rig.claim(
        number, rank: 0, demand: Demand(shape: .whole), lanes: [0], runtime: .seconds(60))
    }

    /// Applies a command that the watch sees too.
    @discardableResult
    mutating func apply(_ command: Command) throws -> Decision {
      let decision = rig.apply(command)
      try watch.note(command, at: rig.now, decision, rig.log, rig.pool)
      return decision
    }

    /// Empties the GPU.
    mutating func release() throws {
      let (id, fencing) = try #require(lease)
      try apply(.confirmStarted(id, fencing))
      try apply(.release(id, fencing, .completed))
      try apply(.confirmEmpty(id, fencing))
    }
  }

  @Test func nobodyIsGrantedBeforeTheFirstInLine() throws {
    var line = try Line(waiting: 2)
    try line.release()
    // The first in line leaves, which the watch does not see: the second one is granted.
    var other = line.rig
    other.apply(.cancel(line.ids[1]))
    let decision = other.apply(.tick)
    #expect(other.log.grants.count == 1)
    var watch = line.watch
    let broken = violation { () throws(Violation) in
      try watch.note(.tick, at: other.now, decision, other.log, other.pool)
    }
    #expect(broken?.invariant == "P2", "\(broken?.description ?? "nothing")")
    // What really happens is found right.
    try line.apply(.tick)
    #expect(line.rig.log.grants.first?.claim == line.ids[1])
  }

  @Test func nobodyIsGrantedAtTheDoorBeforeTheFirstInLine() throws {
    var line = try Line(waiting: 1)
    try line.release()
    var other = line.rig
    let waiting = try #require(other.pool.claim(line.ids[1]))
    other.apply(.cancel(line.ids[1]))
    // Its row is not used again.
    other.pool.claims.insert(waiting)
    let command = Command.submit(line.claim(9))
    let decision = other.apply(command)
    #expect(decision.verdict == .admitted)
    let broken = violation { () throws(Violation) in
      try line.watch.note(command, at: other.now, decision, other.log, other.pool)
    }
    #expect(broken?.invariant == "P2", "\(broken?.description ?? "nothing")")
  }

  // MARK: waits

  @Test func aClaimThatWaitsPastWhatItWasToldIsFound() throws {
    let line = try Line(waiting: 1)
    let id = line.ids[1]
    var facts = Facts(limits: line.rig.pool.limits)
    facts.now = line.rig.now.ns
    let spec = try #require(line.rig.pool.claim(id)?.spec)
    var fact = ClaimFact.blank
    fact.spec = spec
    fact.tenant = try #require(line.rig.pool.tenant(named: spec.tenant))
    facts.claims[id] = KnownClaim(
      fact: fact, arrival: 1, submitted: 0, named: spec.lanes, level: 0)
    facts.claims[id]?.state = .queued
    var waits = WaitPromises()
    for _ in 0..<4 {
      try waits.note(
        .claimQueued(id, lanes: spec.lanes, because: nil, widens: nil), facts, line.rig.pool)
    }
    waits.close(.tick, facts, line.rig.pool)
    let told = try line.rig.pool.startBound(of: id).get()
    facts.now = told.by.ns
    #expect(
      violation { () throws(Violation) in try waits.closeAll(facts, line.rig.pool) } == nil)
    facts.now += 1
    let broken = violation { () throws(Violation) in try waits.closeAll(facts, line.rig.pool) }
    #expect(broken?.invariant == "F1")
  }

  @Test func anOwnerThatWaitsPastItsPromiseIsFound() throws {
    let line = try Line(waiting: 0)
    let pool = line.rig.pool
    let (tenant, lane) = (TenantID(row: 0, generation: 1), LaneID(row: 5, generation: 1))
    var facts = Facts(limits: pool.limits)
    var rule = LaneRule(key: Name.lane(5), pool: 0, leaseMax: .seconds(60))
    rule.owner = Name.tenant(0)
    rule.reserved = 2_000
    rule.lending = .reclaimable(within: .seconds(30), atMost: 2_000)
    facts.tenants[tenant] = KnownTenant(rule: TenantRule(key: Name.tenant(0), queueMax: 9))
    facts.lanes[lane] = KnownLane(
      rule: rule, pool: PoolRule(key: Name.pool(0), profile: Name.gpu),
      profile: ProfileRule(key: Name.gpu, kind: .gpu, weightMilli: 1, memory: Bytes(1)))
    var fact = ClaimFact.blank
    fact.tenant = tenant
    fact.spec.lanes.insert(lane)
    let known = KnownClaim(
      fact: fact, arrival: 0, submitted: 0, named: fact.spec.lanes, level: 0)
    facts.claims[claim] = known
    var owners = OwnerPromises()
    try owners.close(.tick, facts, pool)
    let queued = Event.claimQueued(claim, lanes: known.named, because: nil, widens: nil)
    try owners.note(queued, facts)
    facts.claims[claim]?.state = .queued
    facts.claims[claim]?.waitsFor = known.named
    try owners.close(.tick, facts, pool)
    let granted = Event.leaseGranted(claim, grants: .none)
    for (second, isKept) in [(30, true), (31, false)] {
      facts.now = Int64(second) * 1_000_000_000
      var later = owners
      let broken = violation { () throws(Violation) in try later.note(granted, facts) }
      #expect(broken?.invariant == (isKept ? nil : "L2"))
    }
  }

  // MARK: records and limits

  @Test func anEventThatIsNotRecordedIsFound() throws {
    for drops in [false, true] {
      var line = try Line(waiting: 3)
      var records = RecordReplay()
      try records.close(512, line.rig.log, line.rig.pool)
      var broken: Violation?
      for number in 0..<16 {
        line.rig.apply(.submit(line.claim(20 + number)))
        var log = line.rig.log
        if drops, number == 7 { log.events = LogRows(log.events.dropLast().map { $0 }) }
        broken =
          broken
          ?? violation { () throws(Violation) in
            try records.close(513 + UInt64(number), log, line.rig.pool)
          }
        if broken != nil { break }
      }
      #expect(broken?.invariant == (drops ? "A2" : nil))
    }
  }

  @Test func aTableThatPassesItsLimitIsFound() throws {
    var line = try Line(waiting: 0)
    var limits = line.rig.pool.limits
    limits.claims = 0
    line.watch = Watch(limits: limits, every: 1)
    line.rig = PoolRig()
    let broken = #expect(throws: Violation.self) {
      try line.apply(.begin(epoch: 1))
      var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
      SmallPolicy.add(.tenant, under: nil, tenant: 0, cap: 1 << 50, to: &policy)
      try line.apply(.activate(PolicyGeneration(1), policy))
      let node = try #require(
        try line.apply(
          .enrol(
            Enrolment(
              key: Name.node(0), approved: [ApprovedDevices(profile: Name.gpu, count: 1)]))
        ).node)
      let report = NodeReport(
        boot: Name.boot(0), generation: 1, sequence: 1, cpu: MilliCPU(1_000), hostMemory: .zero,
        enforcement: .cgroup)
      try line.apply(
        .advertise(node, Advertisement(report: report, devices: [SmallNode.gpu(0, 0)])))
      try line.apply(.submit(line.claim(0)))
    }
    #expect(broken?.invariant == "R1")
  }

  // MARK: coverage

  @Test func coverageAddsUpAndNamesWhatIsMissing() {
    var one = Coverage()
    #expect(one.missing.count == Coverage.total)
    #expect(Set(one.entries.map(\.name)).count == Coverage.total, "names are unique")
    one.reach(.bucketShort)
    one.reach(edge: 0)
    var both = Coverage()
    both += one
    both += one
    #expect(both.count(of: "reason.bucketShort") == 2)
    #expect(both.count(of: "edge.\(StateEdges.all[0].name)") == 2)
    #expect(both.missing.count == Coverage.total - 2)
    #expect(both.count(of: "reason.none") == nil)
  }
}
