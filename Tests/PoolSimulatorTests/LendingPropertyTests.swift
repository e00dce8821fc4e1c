import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// Reserved lanes under load: lent while idle, back in time (SEMANTICS 3.3, INVARIANTS L2).
struct LendingPropertyTests {
  /// The promise to the owner.
  private let within = Span.seconds(300)

  /// Bursts of an owner of 4 GPUs, and borrowers that always wait: some may be interrupted, some
  /// run too long to be lent anything, the rest are short. The lognormal runs of the reference
  /// simulation are stood in for by powers of two of 16 s … 8,192 s.
  private func bursts(seed: UInt64, seconds: Int64) -> Workload {
    var random = SeededGenerator(seed: seed)
    let end = Instant(ns: seconds * 1_000_000_000)
    var workload = Workload()
    workload.addStream(mean: .seconds(300), until: end, using: &random) { number, random in
      let runs = Span.seconds(random.within(30...600))
      let gpus = [1, 1, 2, 4][Int(random.below(4))]
      var claim = SmallCluster.claim(number, tenant: 0, rank: 2, gpus: gpus, runtime: runs)
      claim.lanes = .none
      claim.lanes.insert(row: 1)
      return (claim, runs)
    }
    workload.addStream(mean: .seconds(40), until: end, using: &random) { number, random in
      let runs = Span.seconds(random.within(16...31) << random.below(9))
      var claim = SmallCluster.claim(number, tenant: 1, rank: Int(random.below(4)), runtime: runs)
      claim.lanes.insert(row: 1)
      if random.below(2) == 0 {
        claim.interruption = Interruption(
          grace: .seconds(random.within(0...400)), checkpointEvery: .seconds(60))
      }
      return (claim, runs)
    }
    workload.sort()
    return workload
  }

  private func simulation(seed: UInt64, seconds: Int64) -> Simulation {
    var cluster = SmallCluster(weights: [1000, 1000])
    cluster.reserved = 4
    cluster.lending = .reclaimable(within: within, atMost: 4000)
    cluster.grace = .seconds(5)
    var simulation = Simulation(
      pool: cluster.pool(), workload: bursts(seed: seed, seconds: seconds))
    simulation.lingers = true
    return simulation
  }

  @Test func whatIsLentComesBackInTime() {
    let seconds = Int64(Scale.cases(release: 100_000, debug: 10_000))
    var total = Watch(within: within)
    var owned = 0
    var worst = Span.zero
    for seed in 0..<UInt64(Scale.cases(release: 160, debug: 3)) {
      var simulation = simulation(seed: 0x1E4D + seed, seconds: seconds)
      var watch = Watch(within: within)
      simulation.run(until: Instant(ns: seconds * 1_000_000_000)) { pool, log in
        watch.note(pool, log)
      }
      total += watch
      for (number, job) in simulation.jobs.enumerated()
      where watch.covered.contains(job.claim.key) {
        guard let started = simulation.outcomes[number].started else { continue }
        owned += 1
        worst = max(worst, started - job.arrives)
      }
    }
    let wait = worst.ns / 1_000_000
    print("property: \(total); a claim that the guarantee covers waited \(wait) ms at most")
    #expect(total.late == 0)
    #expect(total.reclaims > 20 && owned > 10)
    #expect(worst <= within)
  }

  @Test func everyInvariantHoldsAfterEveryCommand() {
    var reclaims = 0
    for seed in 0..<UInt64(Scale.cases(release: 40, debug: 2)) {
      var simulation = simulation(seed: seed, seconds: 4_000)
      simulation.run { pool, log in
        pool.checkInvariants()
        for case .leaseStopping(_, .reclaimed, _, _) in log.events { reclaims += 1 }
      }
      #expect(simulation.outcomes.allSatisfy { $0.ended != nil }, "everything ends")
    }
    #expect(reclaims > 0)
  }

  /// Counts what borrowers give back, and how long that takes.
  private struct Watch: CustomStringConvertible {
    let within: Span
    var reclaims = 0
    var late = 0
    var lent = 0
    var worst = Span.zero
    /// Claims of the owner that its guarantee covered when they came, beside all it held and had
    /// waiting.
    var covered: Set<Key> = []
    private var told: [LeaseID: Instant] = [:]

    init(within: Span) { self.within = within }

    mutating func note(_ pool: Pool, _ log: EventLog) {
      for event in log.events {
        switch event {
        case .leaseGranted(_, let grants):
          if log.grants[Int(grants.first)].isLent { lent += 1 }
        case .leaseStopping(let lease, .reclaimed, _, _): told[lease] = pool.now
        case .leaseEnded(let lease):
          guard let since = told.removeValue(forKey: lease) else { continue }
          reclaims += 1
          worst = max(worst, pool.now - since)
          if pool.now - since > within { late += 1 }
        case .claimSubmitted(let claim, _): noteSubmission(pool, claim)
        default: break
        }
      }
    }

    private mutating func noteSubmission(_ pool: Pool, _ id: ClaimID) {
      guard let claim = pool.claim(id), let tenant = pool.tenant(claim.tenant),
        tenant.key == SmallCluster.key(5, 0)
      else { return }
      // What it holds: leases that stop are still on their devices.
      var asked = 0
      pool.forEachLease { _, lease in
        if lease.tenant == claim.tenant { asked += pool.uses(of: lease).count }
      }
      pool.forEachClaim { _, known in
        if known.tenant == claim.tenant, known.lease == nil {
          asked += Int(known.spec.demand.devices)
        }
      }
      if asked <= 4 { covered.insert(claim.spec.key) }
    }

    static func += (left: inout Self, right: Self) {
      left.reclaims += right.reclaims
      left.late += right.late
      left.lent += right.lent
      left.worst = max(left.worst, right.worst)
    }

    var description: String {
      "lending: \(lent) grants lent, \(reclaims) taken back, \(late) late, the slowest "
        + "\(worst.ns / 1_000_000) ms"
    }
  }
}
