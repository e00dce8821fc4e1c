import PoolInsight
import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// Estimates that are wrong by a factor, learned under load (SEMANTICS 0).
struct CorrectionPropertyTests {
  /// Real runtime / estimate of each tenant, in thousandths.
  private static let truth: [Int64] = [1700, 1000, 450, 6000]

  private static func scope(_ tenant: Int) -> Correction.Scope {
    Correction.Scope(
      tenant: SmallCluster.key(5, tenant), service: SmallCluster.key(4, 2),
      modelClass: SmallCluster.key(12, 0))
  }

  /// Jobs of four tenants; each job is off by up to 10 % beside its tenant's factor. Some are in
  /// too little time and are killed; some state no estimate.
  private static func workload(seed: UInt64, jobs: Int) -> Workload {
    var random = SeededGenerator(seed: seed)
    var workload = Workload()
    for tenant in truth.indices {
      workload.addStream(
        mean: .seconds(300), until: Instant(ns: Int64(jobs) * 300_000_000_000), using: &random
      ) { number, random in
        let estimate = Span.seconds(random.within(30...300))
        let milli = truth[tenant] * random.within(900...1100) / 1000
        let runs = Span(ns: estimate.ns / 1000 * milli)
        let room = random.below(20) == 0 ? 1100 : 1500
        var claim = SmallCluster.claim(
          number, tenant: tenant, rank: 2,
          runtime: Span(ns: max(estimate.ns * 2, runs.ns / 1000 * Int64(room))))
        if random.below(10) > 0 { claim.estimate = .runtime(estimate) }
        return (claim, runs)
      }
    }
    workload.sort()
    return workload
  }

  /// A run that records what is learned, and everything that it says of claims.
  private struct Watched {
    var simulation: Simulation
    var learner = RuntimeLearner()
    var logs: [EventLog] = []
    var signals: [Signal] = []
    /// Plans as they were when their claims were submitted.
    var plans: [ClaimID: RuntimePlan] = [:]
    /// Per tenant: expected and real time of the jobs that came after its factor was learned.
    var expected = Array(repeating: Int128(0), count: truth.count)
    var real = Array(repeating: Int128(0), count: truth.count)

    init(seed: UInt64, jobs: Int) {
      simulation = Simulation(
        pool: SmallCluster(weights: [1000, 1000, 1000, 1000]).pool(),
        workload: workload(seed: seed, jobs: jobs))
    }

    mutating func run(jobs: Int) {
      for step in 1...Int64(jobs) {
        run(until: Instant(ns: step * 300_000_000_000))
      }
      run(until: Instant(ns: .max))
    }

    private mutating func run(until end: Instant) {
      var said: [Signal] = []
      var (simulation, watched) = (self.simulation, self)
      simulation.run(until: end) { pool, log in said += watched.note(pool, log) }
      watched.simulation = simulation
      self = watched
      for signal in said {
        #expect(self.simulation.apply(.signal(signal)).verdict == .done)
        signals += note(self.simulation.pool, self.simulation.log)
      }
      signals += said
    }

    private mutating func note(_ pool: Pool, _ log: EventLog) -> [Signal] {
      logs.append(log)
      for case .claimSubmitted(let id, _) in log.events { noteSubmission(pool, id) }
      pool.forEachClaim { id, claim in
        #expect(claim.plan == plans[id], "a claim keeps the factor that it was submitted under")
      }
      return learner.fold(log)
    }

    private mutating func noteSubmission(_ pool: Pool, _ id: ClaimID) {
      guard let claim = pool.claim(id) else { return }
      plans[id] = claim.plan
      guard claim.plan.isEstimate else {
        #expect(claim.plan.correctionMilli == Correction.none)
        return
      }
      let tenant = Int(claim.spec.tenant.low) - 1
      let inForce = pool.correctionMilli(for: scope(tenant))
      #expect(claim.plan.correctionMilli == inForce)
      guard learner.learned(scope(tenant)) != nil, inForce != Correction.none || tenant == 1 else {
        return
      }
      let job = simulation.jobs.first { $0.claim.key == claim.spec.key }
      expected[tenant] += Int128(claim.plan.expected.ns)
      real[tenant] += Int128(job?.runs.ns ?? 0)
    }
  }

  @Test func correctedEstimatesComeWithinATenth() {
    let jobs = Scale.cases(release: 400, debug: 120)
    for seed in 0..<UInt64(Scale.cases(release: 40, debug: 3)) {
      var watched = Watched(seed: 0xC0EE + seed, jobs: jobs)
      watched.run(jobs: jobs)
      for (tenant, truth) in Self.truth.enumerated() {
        let (expected, real) = (watched.expected[tenant], watched.real[tenant])
        #expect(real > 0, "tenant \(tenant) has jobs after it was learned")
        #expect(abs(expected - real) * 10 <= real, "tenant \(tenant): \(expected) of \(real)")
        let learned = Int64(watched.learner.learned(Self.scope(tenant)) ?? 0)
        #expect(abs(learned - truth) * 20 <= truth, "tenant \(tenant): \(learned)")
      }
      // It speaks when there is something to say, not at every end of a claim.
      #expect(watched.signals.count >= 3 && watched.signals.count <= 40)
      // Eight claims that are off by a tenth each may be off by more than the step together; what
      // is right is left alone, or nearly so.
      for case .corrected(let it) in watched.signals where it.scope == Self.scope(1) {
        #expect(it.milli.map { (900...1100).contains($0) } ?? false)
      }
    }
  }

  @Test func whatIsFoldedAgainIsTheSame() {
    let jobs = 60
    var watched = Watched(seed: 0x5EED, jobs: jobs)
    watched.run(jobs: jobs)
    var pool = SmallCluster(weights: [1000, 1000, 1000, 1000]).pool()
    var learner = RuntimeLearner()
    var signals = 0
    for log in watched.logs {
      pool.replay(log)
      signals += learner.fold(log).count
    }
    #expect(pool.digest() == watched.simulation.pool.digest())
    #expect(signals == watched.signals.count && signals > 0)
    for tenant in Self.truth.indices {
      #expect(
        learner.learned(Self.scope(tenant)) == watched.learner.learned(Self.scope(tenant)))
    }
    pool.checkInvariants()
    pool.reindex()
    pool.checkInvariants()
    #expect(pool.digest() == watched.simulation.pool.digest())
    #expect(
      pool.correctionMilli(for: Self.scope(0))
        == watched.simulation.pool.correctionMilli(for: Self.scope(0)))
  }
}
