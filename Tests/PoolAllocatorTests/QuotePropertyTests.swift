import PoolVerifier
import Testing

@testable import PoolAllocator

/// A quote is kept: what is redeemed is granted and charged at no more than was quoted, whatever
/// happens between the two (SEMANTICS 7.3).
@Suite struct QuotePropertyTests {
  #if DEBUG
    static let seeds = 40
    static let steps = 200
    static let redeemedAtLeast = 400
  #else
    static let seeds = 500
    static let steps = 500
    static let redeemedAtLeast = 10_000
  #endif

  /// Books of the quotes of one life, from its events alone.
  private final class Trail {
    private struct Open {
      var rate: Int64
      var started: Int64?
      var held: Int64 = 0
      var charged: Int128 = 0
    }
    private var quotes: [QuoteID: Quote] = [:]
    /// The quote of each claim that redeemed one.
    private var redeemed: [ClaimID: Quote] = [:]
    private var degraded: Set<ClaimID> = []
    private var leases: [LeaseID: Open] = [:]
    private var generation = PolicyGeneration(0)
    var count = 0
    var exact = 0
    var cheaper = 0
    var later = 0
    var settled = 0
    /// Claims that ended rather than pay more.
    var exceeded = 0
    var wrong: [String] = []

    func watch(_ log: EventLog, _ decision: Decision, _ pool: Pool) {
      for event in log.events {
        switch event {
        case .policyActivated(let next, _): generation = next
        case .quoteIssued(let id, let fact): quotes[id] = log.quotes[Int(fact)]
        case .claimSubmitted(let id, let fact):
          redeemed[id] = log.claimFacts[Int(fact)].quoted.flatMap { quotes[$0.id] }
          degraded.remove(id)
          if redeemed[id] != nil { count += 1 }
        case .claimDowngraded(let id, _, _, _): degraded.insert(id)
        case .claimEnded(let id, let end):
          if end == .quoteExceeded { exceeded += 1 }
          redeemed[id] = nil
        case .leaseGranted(let id, let run):
          if let quote = redeemed[id] { grant(id, log.grants[run.indices].map { $0 }, quote) }
        case .leaseStarted(let id, let at): leases[id]?.started = at.ns
        case .leaseResumed(let id):
          if leases[id]?.started == nil { leases[id]?.started = log.at.ns }
        case .leaseStopping(let id, _, let at, _):
          if let started = leases[id]?.started { leases[id]?.held = at.ns - started }
        case .settled(let id, _, let charge, _, _): leases[id]?.charged += Int128(charge.value)
        case .leaseEnded(let id): end(id)
        default: break
        }
      }
    }

    private func grant(_ id: ClaimID, _ grants: [Grant], _ quote: Quote) {
      let rate = grants.reduce(Int128(0)) { $0 + Int128($1.rate) }
      if rate > Int128(quote.rate) { wrong.append("granted at \(rate), quoted \(quote.rate)") }
      if quote.policy != generation { later += 1 }
      if rate < Int128(quote.rate) { cheaper += 1 } else { exact += 1 }
      let isAsQuoted =
        quote.policy == generation && !degraded.contains(id) && grants.first?.lane == quote.lane
      if isAsQuoted, rate != Int128(quote.rate) {
        wrong.append("granted at \(rate) as quoted, which was \(quote.rate)")
      }
      for grant in grants { leases[grant.lease] = Open(rate: grant.rate) }
    }

    /// The time that a lease was held costs what its rate says, to the credit.
    private func end(_ id: LeaseID) {
      guard let lease = leases.removeValue(forKey: id) else { return }
      settled += 1
      let due = Price.lastCharge(rate: lease.rate, span: Span(ns: lease.held))
      if due != lease.charged { wrong.append("charged \(lease.charged), not \(due)") }
    }
  }

  @Test func noClaimIsGrantedOrChargedAboveItsQuote() {
    var (count, exact, cheaper, later, settled, exceeded) = (0, 0, 0, 0, 0, 0)
    for seed in 0..<Self.seeds {
      let trail = Trail()
      var driver = SwarmDriver(seed: UInt64(8_000_000 + seed), quotes: 700)
      driver.watch = trail.watch
      driver.setUp()
      for step in 0..<Self.steps {
        if driver.random.chance(40) {
          driver.quoteAndRedeem()
        } else {
          driver.stepOnce()
        }
        guard let first = trail.wrong.first else { continue }
        Issue.record("seed \(seed), step \(step): \(first)")
        break
      }
      count += trail.count
      exact += trail.exact
      cheaper += trail.cheaper
      later += trail.later
      settled += trail.settled
      exceeded += trail.exceeded
    }
    print(
      "property: quotes: \(count) redeemed, \(exact) grants at the quoted rate, \(cheaper) below,",
      "\(later) under a later policy, \(settled) leases charged to the credit,",
      "\(exceeded) claims ended rather than pay more")
    #expect(count >= Self.redeemedAtLeast)
    #expect(exact > count / 8 && cheaper > 0 && later > 0 && settled > 0 && exceeded > 0)
  }

  /// The auditor compares a grant with the quote in its own books: where those say less than the
  /// pool granted, the grant itself is a finding.
  @Test func theAuditorFindsAGrantAboveItsQuote() throws {
    var rig = try QuoteRig()
    rig.run(.quote(key(150, 0), rig.claim(0), lasts: nil)) { log in
      var quotes = LogRows<Quote>()
      for quote in log.quotes { quotes.append(quote.halved) }
      log.quotes = quotes
    }
    #expect(rig.findings.contains { $0.rule == .quote && $0.text.hasPrefix("rate") })
    var spec = rig.claim(0)
    spec.quote = key(150, 0)
    rig.run(.submit(spec)) { log in
      var facts = LogRows<ClaimFact>()
      for var fact in log.claimFacts {
        fact.quoted?.rate /= 2
        facts.append(fact)
      }
      log.claimFacts = facts
    }
    let found = rig.findings.filter { $0.rule == .quote }
    #expect(found.count == 1)
    #expect(found.allSatisfy { $0.text.contains("more than the") }, "\(rig.findings)")
  }
}

/// A pool of one GPU that an auditor follows, with logs that can be falsified on their way to it.
private struct QuoteRig {
  var pool = Pool()
  var log = EventLog()
  var verifier = Verifier()
  var findings: [Finding] = []

  init() throws {
    var policy = CompiledPolicy()
    policy.profiles = [
      ProfileRule(key: key(2, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: key(4, 0), profile: key(2, 0))]
    policy.lanes = [LaneRule(key: key(5, 0), pool: 0, leaseMax: .seconds(3600))]
    policy.classes = Array(
      repeating: ClassRule(
        quantum: .seconds(60), startWithin: .seconds(30), killWithin: .seconds(30),
        emptyBucket: .park, overrun: .stop), count: 4)
    policy.tenants = [TenantRule(key: key(6, 0), queueMax: 10)]
    policy.buckets = [
      BucketRule(
        key: key(11, 0), tenant: 0, cap: Credits(1_000_000_000_000), refillPerSecond: .zero)
    ]
    policy.services = [ServiceRule(key: key(7, 0), tenant: nil, serviceClass: .p2)]
    policy.quotes = QuoteRule(lasts: .seconds(60), lastsMax: .seconds(60), perTenant: 5)
    run(.begin(epoch: 1))
    run(.activate(PolicyGeneration(1), policy))
    let enrolment = Enrolment(
      key: key(1, 0), approved: [ApprovedDevices(profile: key(2, 0), count: 1)])
    run(.enrol(enrolment))
    let node = try #require(pool.node(named: key(1, 0)))
    let report = NodeReport(
      boot: key(80, 0), generation: 1, sequence: 1, cpu: MilliCPU(8000),
      hostMemory: Bytes(64 << 30), enforcement: .none)
    let gpu = DeviceReport(
      key: key(20, 0), kind: .gpu, profile: key(2, 0), memory: Bytes(80 << 30))
    run(.advertise(node, Advertisement(report: report, devices: [gpu])))
    #expect(findings.isEmpty)
  }

  func claim(_ number: Int) -> ClaimSpec {
    ClaimSpec(
      key: key(100, number), tenant: key(6, 0), service: key(7, 0), action: key(8, 0),
      modelClass: key(10, 0), demand: Demand(shape: .whole),
      lanes: pool.laneSet(named: [key(5, 0)]),
      runtimeMax: .seconds(600))
  }

  /// Applies a command, and shows the auditor its log as it was changed.
  mutating func run(_ command: Command, changing change: (inout EventLog) -> Void = { _ in }) {
    let (decision, _) = pool.apply(command, at: Instant(ns: 1_000_000_000), into: &log)
    var shown = log
    change(&shown)
    findings = verifier.check(shown, decision, after: pool)
  }
}

extension Quote {
  /// The same at half the rate.
  fileprivate var halved: Quote {
    Quote(
      key: key, tenant: tenant, spec: spec, lane: lane, rate: rate / 2, plan: plan, price: price,
      reservation: reservation, policy: policy, expires: expires)
  }
}
