import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// Checks that planted mistakes asked for, each led to what it must refuse and to what it must not.
struct LaterChecksTests {
  private let claim = ClaimID(row: 0, generation: 1)
  private let lease = LeaseID(row: 0, generation: 1)
  private let lane = LaneID(row: 0, generation: 1)
  private let node = NodeID(row: 0, generation: 1)
  private let owner = TenantID(row: 0, generation: 1)
  private let other = TenantID(row: 1, generation: 1)

  /// The invariant that a check finds broken.
  private func broken(_ body: () throws(Violation) -> Void) -> String? {
    do throws(Violation) {
      try body()
      return nil
    } catch { return error.invariant }
  }

  /// A lane of the first tenant, lent to the second one.
  private func facts(within: Span = .seconds(60)) -> Facts {
    var facts = Facts(limits: Limits())
    for (number, id) in [owner, other].enumerated() {
      facts.tenants[id] = KnownTenant(rule: TenantRule(key: Name.tenant(number), queueMax: 9))
    }
    var rule = LaneRule(key: Name.lane(0), pool: 0, leaseMax: .seconds(1_000))
    rule.owner = Name.tenant(0)
    rule.reserved = 2_000
    rule.cell = 2
    rule.lending = .reclaimable(within: within, atMost: 9_000)
    facts.lanes[lane] = KnownLane(
      rule: rule, pool: PoolRule(key: Name.pool(0), profile: Name.gpu),
      profile: ProfileRule(
        key: Name.gpu, kind: .gpu, weightMilli: 1_000, memory: Bytes(80 << 30)))
    facts.claims[claim] = KnownClaim(fact: .blank, arrival: 0, submitted: 0, named: .none, level: 3)
    facts.nodes[node] = KnownNode(enrolment: Enrolment(key: Name.node(0), approved: []))
    return facts
  }

  /// A lease of the second tenant that started at 0 and has quanta of 10 seconds.
  private func lent(_ uses: [DeviceUse] = []) -> KnownLease {
    var grant = Grant.blank
    (grant.claim, grant.lease, grant.lane, grant.node) = (claim, lease, lane, node)
    grant.isLent = true
    grant.terms.quantum = .seconds(10)
    grant.terms.killWithin = .seconds(10)
    var known = KnownLease(
      grant: grant, tenant: other, rank: 2, demand: Demand(shape: .whole),
      runtimeMax: 100_000_000_000,
      interruption: Interruption(grace: .seconds(30), checkpointEvery: .seconds(5)), uses: uses,
      path: [], gang: [lease], paid: 20_000_000_000)
    known.started = 0
    return known
  }

  // MARK: P2

  private func pin(_ seconds: Int64, isHeld: Bool = false) -> PinFact {
    PinFact(
      lane: lane, node: node, uses: .none, starts: Instant(ns: seconds * 1_000_000_000),
      isHeld: isHeld)
  }

  @Test(arguments: [(5, nil), (7, nil), (8, "P2")] as [(Int64, String?)])
  func aPlannedStartMovesOnlyEarlier(_ seconds: Int64, _ invariant: String?) {
    var facts = facts()
    var log = EventLog()
    log.pins = LogRows([pin(seconds)])
    let event = Event.claimPinned(claim, fact: 0)
    #expect(broken { () throws(Violation) in try PinPromises.check(event, facts, log) } == nil)
    facts.claims[claim]?.pin = pin(7)
    #expect(
      broken { () throws(Violation) in try PinPromises.check(event, facts, log) } == invariant)
  }

  @Test func heldDevicesGiveWayToTheOwnerAlone() {
    var facts = facts()
    let event = Event.claimUnpinned(claim, because: .behindHead)
    for (isHeld, tenant, invariant) in [
      (false, owner, nil), (true, owner, "P2"), (true, other, nil),
    ] as [(Bool, TenantID, String?)] {
      var fact = ClaimFact.blank
      fact.tenant = tenant
      facts.claims[claim]?.fact = fact
      facts.claims[claim]?.pin = pin(7, isHeld: isHeld)
      let found = broken { () throws(Violation) in
        try PinPromises.check(event, facts, EventLog())
      }
      #expect(found == invariant, "held \(isHeld), tenant \(tenant.row)")
    }
  }

  // MARK: B5

  @Test func aPreemptedLeasePaysForWhatIsSavedOrOver() {
    var facts = facts()
    facts.leases[lease] = lent()
    facts.now = 17_000_000_000
    func stopping(_ seconds: Int64) -> Event {
      .leaseStopping(
        lease, .preempted, at: Instant(ns: seconds * 1_000_000_000), killBy: Instant(ns: 0))
    }
    func check(_ seconds: Int64) -> String? {
      broken { () throws(Violation) in try PreemptedBills.check(stopping(seconds), facts) }
    }
    #expect(check(10) == nil && check(17) == "B5" && check(9) == "B5")
    facts.leases[lease]?.saved = 15_000_000_000
    #expect(check(15) == nil && check(10) == "B5")
  }

  // MARK: L2

  @Test(arguments: [(41, "L2"), (42, nil)] as [(Int64, String?)])
  func aLentLeaseIsRenewedOnlyWhereItCanBeGoneInTime(_ seconds: Int64, _ invariant: String?) {
    var facts = facts(within: Span(ns: Limits.orderDelay.ns + (seconds - 2) * 1_000_000_000))
    facts.leases[lease] = lent()
    let event = Event.leaseRenewed(lease, span: .seconds(10), reserved: .zero, postings: .none)
    let found = broken { () throws(Violation) in try LentRenewals.check(event, facts) }
    #expect(found == (seconds == 42 ? nil : "L2"))
    facts.leases[lease]?.started = nil
    #expect(broken { () throws(Violation) in try LentRenewals.check(event, facts) } == nil)
  }

  @Test(arguments: [(0, nil), (1, "L2"), (2, nil)] as [(UInt32, String?)])
  func aNewCellBeginsAtAMultipleOfItsSize(_ first: UInt32, _ invariant: String?) {
    var facts = facts()
    var uses: [DeviceUse] = []
    for row in UInt32(0)..<4 {
      let id = DeviceID(row: row, generation: 1)
      facts.nodes[node]?.devices.append(id)
      facts.devices[id] = KnownDevice(
        node: node, report: SmallNode.gpu(0, Int(row)), parent: nil, isApproved: true,
        capacity: 1_000)
      guard row == first || row == first + 1 else { continue }
      facts.devices[id]?.lane = lane.row
      facts.devices[id]?.cell = first
      uses.append(DeviceUse(device: id, milli: .whole, memory: .zero))
    }
    var log = EventLog()
    log.uses = LogRows(uses)
    log.events = LogRows([.laneBound(lane, uses: Span32(first: 0, count: 2))])
    #expect(
      broken { () throws(Violation) in try CellAlignment.check(log, facts) } == invariant)
  }

  // MARK: D1

  @Test(arguments: [(0b0010, nil), (0b0011, "D1")] as [(UInt16, String?)])
  func slotsAreHeldOnce(_ bits: UInt16, _ invariant: String?) {
    var facts = facts()
    for (row, slots) in [(UInt32(0), UInt16(0b0001)), (1, bits)] {
      var report = SmallNode.gpu(0, Int(row))
      report.kind = .slice
      report.parent = SmallNode.gpu(0, 9).key
      report.slots = SlotMask(bits: slots)
      facts.devices[DeviceID(row: row, generation: 1)] = KnownDevice(
        node: node, report: report, parent: nil, isApproved: true, capacity: 1_000)
    }
    let use = { (row: UInt32) in
      DeviceUse(device: DeviceID(row: row, generation: 1), milli: .whole, memory: .zero)
    }
    facts.leases[lease] = lent([use(0)])
    facts.nodes[node]?.leases = [lease]
    var grant = lent().grant
    grant.uses = Span32(first: 0, count: 1)
    var log = EventLog()
    log.uses = LogRows([use(1)])
    log.grants = LogRows([grant])
    let found = broken { () throws(Violation) in
      try SlotShares.check(Span32(first: 0, count: 1), facts, log)
    }
    #expect(found == invariant)
  }

  // MARK: F1

  @Test(arguments: [(3, "F1"), (2, nil), (1, nil)] as [(UInt8, String?)])
  func theFirstOfALineHasTheLevelOfItsWait(_ level: UInt8, _ invariant: String?) {
    var facts = facts()
    facts.policy.order = OrderRule(ageingStep: .seconds(10))
    facts.now = 15_000_000_000
    var fact = ClaimFact.blank
    fact.serviceClass = .p3
    facts.claims[claim]?.fact = fact
    facts.claims[claim]?.state = .queued
    facts.claims[claim]?.level = level
    // The next of the line does not age.
    let next = ClaimID(row: 1, generation: 1)
    facts.claims[next] = KnownClaim(fact: fact, arrival: 1, submitted: 0, named: .none, level: 3)
    facts.claims[next]?.state = .queued
    let pool = Pool()
    #expect(
      broken { () throws(Violation) in try AgeingDue.check(facts, pool) } == invariant)
  }

  /// What a node added to the sums of its lanes is taken out with it.
  @Test func aForgottenNodeIsLookedAtOnceMore() throws {
    var facts = facts()
    facts.nodes[node]?.isTouched = false
    try facts.forget(node)
    #expect(facts.touchedNodes == [node])
    #expect(facts.nodes[node] == nil)
  }

  // MARK: what later mutants asked for

  /// A claim for one whole GPU in the lane, whose first quantum costs 60,000,000.
  private func priced() -> Facts {
    var facts = facts()
    var fact = ClaimFact.blank
    fact.weightMilli = 1_000
    fact.spec.lanes = LaneSet(bits: 1)
    fact.spec.runtimeMax = .seconds(60)
    facts.claims[claim]?.fact = fact
    var terms = ClassRule.blank
    terms.quantum = .seconds(90)
    facts.policy.classes = Array(repeating: terms, count: 4)
    return facts
  }

  @Test(arguments: [(59_999_999, "B2"), (60_000_000, nil)] as [(Int64, String?)])
  func nobodyWaitsForWhatNoBucketHolds(_ cap: Int64, _ invariant: String?) {
    var facts = priced()
    let bucket = BucketID(row: 0, generation: 1)
    facts.buckets[bucket] = KnownBucket(key: Name.bucket(0), tenant: owner, cap: cap, rate: 1)
    let event = Event.claimParked(claim, on: bucket)
    #expect(broken { () throws(Violation) in try CapPrices.check(event, facts) } == invariant)
    facts.claims[claim]?.state = .queued
    #expect(broken { () throws(Violation) in try CapPrices.check(event, facts) } == nil)
  }

  @Test(arguments: [(80, nil), (79, "P2")] as [(Int64, String?)])
  func othersLeaveWhatIsKeptBeforeThePlannedStart(_ starts: Int64, _ invariant: String?) {
    var facts = priced()
    let device = DeviceID(row: 0, generation: 1)
    facts.devices[device] = KnownDevice(
      node: node, report: SmallNode.gpu(0, 0), parent: nil, isApproved: true, capacity: 1_000)
    let other = ClaimID(row: 1, generation: 1)
    facts.claims[other] = KnownClaim(
      fact: .blank, arrival: 1, submitted: 0, named: .none, level: 3)
    facts.claims[other]?.pin = pin(starts)
    facts.claims[other]?.kept = [device]
    var grant = lent().grant
    grant.startBy = Instant(ns: 10_000_000_000)
    grant.uses = Span32(first: 0, count: 1)
    var log = EventLog()
    log.uses = LogRows([DeviceUse(device: device, milli: .whole, memory: .zero)])
    log.grants = LogRows([grant])
    let event = Event.leaseGranted(claim, grants: Span32(first: 0, count: 1))
    #expect(
      broken { () throws(Violation) in try PinPromises.check(event, facts, log) } == invariant)
    facts.claims[other]?.kept = []
    #expect(broken { () throws(Violation) in try PinPromises.check(event, facts, log) } == nil)
  }

  @Test(arguments: [(1, nil), (2, "P1"), (3, nil)] as [(UInt8, String?)])
  func aRungIsTakenOnlyWhereItIsAccepted(_ rung: UInt8, _ invariant: String?) {
    var facts = facts()
    var fact = ClaimFact.blank
    fact.spec.accepts = AcceptedRungs(bits: 0b101, ladder: 1)
    facts.claims[claim]?.fact = fact
    var row = Downgrade.blank
    row.rung = rung
    var log = EventLog()
    log.downgrades = LogRows([row])
    let event = Event.claimDowngraded(claim, rung: rung, trigger: .queueDeep, fact: 0)
    #expect(
      broken { () throws(Violation) in try RungsTaken.check(event, facts, log) } == invariant)
  }

  @Test(arguments: [(0b0010, nil), (0b0011, "D1")] as [(UInt16, String?)])
  func anInstanceIsNotTakenInOnSlotsThatAreHeld(_ bits: UInt16, _ invariant: String?) {
    var facts = facts()
    var report = SmallNode.gpu(0, 0)
    report.kind = .slice
    report.parent = SmallNode.gpu(0, 9).key
    report.slots = SlotMask(bits: 0b0001)
    let held = DeviceID(row: 0, generation: 1)
    facts.devices[held] = KnownDevice(
      node: node, report: report, parent: nil, isApproved: true, capacity: 1_000)
    facts.leases[lease] = lent([DeviceUse(device: held, milli: .whole, memory: .zero)])
    facts.nodes[node]?.leases = [lease]
    report.slots = SlotMask(bits: bits)
    let fact = DeviceFact(node: node, report: report, parent: nil, isApproved: true)
    let found = broken { () throws(Violation) in
      try SlotShares.check(fact, DeviceID(row: 1, generation: 1), facts)
    }
    #expect(found == invariant)
  }
}
