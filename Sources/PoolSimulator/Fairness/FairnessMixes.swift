import PoolAllocator

/// The synthetic mixes. Each is a function of its seed alone.
extension FairnessMix {
  /// Names of the synthetic mixes, in the order in which they are run.
  public static let names = ["steady", "urgent-bursts", "flood", "gangs", "lent", "peak"]

  /// A synthetic mix; nil where none has the name.
  public static func named(_ name: String, seed: UInt64) -> FairnessMix? {
    switch name {
    case "steady": steady(seed: seed)
    case "urgent-bursts": urgentBursts(seed: seed)
    case "flood": flood(seed: seed)
    case "gangs": gangs(seed: seed)
    case "lent": lent(seed: seed)
    case "peak": sustainedPeak(seed: seed)
    default: nil
    }
  }

  private static func moment(hours: Int64) -> Instant { Instant(ns: hours * 3_600_000_000_000) }

  /// A job of a few GPUs that says it may run for half as long again.
  private static func narrow(
    at now: Instant, tenant: Int, rank: Int, seconds: ClosedRange<Int64>, gpus: [Int],
    _ random: inout SeededGenerator
  ) -> FairnessJob {
    let runs = random.within(seconds)
    var job = FairnessJob(arrives: now, tenant: tenant, rank: rank, runs: .seconds(runs))
    job.runtimeMax = .seconds(runs + runs / 2)
    job.gpus = gpus[Int(random.below(UInt64(gpus.count)))]
    return job
  }

  /// Four tenants of weights 1, 1, 2 and 4 each ask for a third more than their share; beside them
  /// a little urgent work and a little batch.
  static func steady(seed: UInt64) -> FairnessMix {
    var mix = FairnessMix(
      name: "steady", summary: "four tenants ask for a third more than their shares",
      nodes: 4, gpusPerNode: 8,
      tenants: [
        FairnessTenant("vision"), FairnessTenant("speech"),
        FairnessTenant("ranking", weightMilli: 2000), FairnessTenant("research", weightMilli: 4000),
        FairnessTenant("serving"), FairnessTenant("reports"),
      ], end: moment(hours: 12), leaseMax: .seconds(900))
    mix.urgentWait = .seconds(120)
    var random = SeededGenerator(seed: seed)
    // A job of 1.8 GPUs and 330 s takes 594 GPU-seconds.
    for (tenant, mean) in [(0, 114_000), (1, 114_000), (2, 57_000), (3, 28_500)] {
      mix.addStream(mean: Span(ns: Int64(mean) * 1_000_000), using: &random) { now, random in
        narrow(
          at: now, tenant: tenant, rank: 2, seconds: 60...600, gpus: [1, 1, 1, 2, 4], &random)
      }
    }
    mix.addStream(mean: .seconds(60), using: &random) { now, random in
      narrow(at: now, tenant: 4, rank: 0, seconds: 20...60, gpus: [1], &random)
    }
    mix.addStream(mean: .seconds(1_200), using: &random) { now, random in
      narrow(at: now, tenant: 5, rank: 3, seconds: 60...600, gpus: [1], &random)
    }
    mix.sortJobs()
    return mix
  }

  /// P0 comes in bursts over batch that fills all GPUs and may be interrupted.
  static func urgentBursts(seed: UInt64) -> FairnessMix {
    var mix = FairnessMix(
      name: "urgent-bursts", summary: "bursts of P0 take GPUs from batch that saves its work",
      nodes: 4, gpusPerNode: 8,
      tenants: [
        FairnessTenant("serving", weightMilli: 4000), FairnessTenant("nightly"),
        FairnessTenant("backfills"),
      ], end: moment(hours: 24), leaseMax: .seconds(3_600))
    mix.preemption = PreemptionRule(burst: 64, perHour: 600)
    mix.urgentWait = .seconds(60)
    var random = SeededGenerator(seed: seed)
    for tenant in [1, 2] {
      // A job of 2 GPUs and 1,500 s takes 3,000 GPU-seconds: 120 % of 32 GPUs.
      mix.addStream(mean: .seconds(156), using: &random) { now, random in
        var job = narrow(
          at: now, tenant: tenant, rank: 3, seconds: 600...2_400, gpus: [1, 1, 2, 4], &random)
        job.grace = .seconds(20)
        return job
      }
    }
    var burst = Instant.origin
    while burst < mix.end {
      burst = burst + .seconds(300 + random.exponential(mean: 900))
      guard burst <= mix.end else { break }
      for _ in 0..<random.within(4...16) {
        mix.jobs.append(
          narrow(at: burst, tenant: 0, rank: 0, seconds: 20...120, gpus: [1], &random))
      }
    }
    mix.sortJobs()
    return mix
  }

  /// One tenant sends half as much again as there is, all of it P0; a light one sends P3 now and
  /// then, others a little P0 and P1. The workload of the reference simulation `levels.py`.
  static func flood(seed: UInt64) -> FairnessMix {
    var mix = FairnessMix(
      name: "flood", summary: "one tenant floods P0 at 1.5 times what there is",
      nodes: 1, gpusPerNode: 8,
      tenants: [
        FairnessTenant("flood", queueMax: 500, staysWithinShare: false),
        FairnessTenant("light"), FairnessTenant("serving"), FairnessTenant("web"),
      ], end: Instant(ns: 60_000_000_000_000), leaseMax: .seconds(60))
    mix.urgentWait = .seconds(60)
    var random = SeededGenerator(seed: seed)
    for (tenant, rank, mean) in [(0, 0, 2_500), (1, 3, 500_000), (2, 0, 75_000), (3, 1, 60_000)] {
      mix.addStream(mean: Span(ns: Int64(mean) * 1_000_000), using: &random) { now, random in
        FairnessJob(
          arrives: now, tenant: tenant, rank: rank, runs: .seconds(random.within(1...59)))
      }
    }
    mix.sortJobs()
    return mix
  }

  /// Gangs of all GPUs in a stream of jobs of one. The workload of the reference simulation
  /// `gang.py`.
  static func gangs(seed: UInt64) -> FairnessMix {
    var mix = FairnessMix(
      name: "gangs", summary: "gangs of all GPUs come among small jobs, at nine tenths of the load",
      nodes: 2, gpusPerNode: 4,
      tenants: [FairnessTenant("small"), FairnessTenant("training")],
      end: Instant(ns: 100_000_000_000_000), leaseMax: .seconds(181))
    var random = SeededGenerator(seed: seed)
    mix.addStream(mean: .seconds(14), using: &random) { now, random in
      FairnessJob(arrives: now, tenant: 0, rank: 2, runs: .seconds(random.within(20...180)))
    }
    mix.addStream(mean: .seconds(5_000), using: &random) { now, _ in
      var job = FairnessJob(arrives: now, tenant: 1, rank: 2, runs: .seconds(100))
      job.members = 2
      job.gpus = 4
      return job
    }
    mix.sortJobs()
    return mix
  }

  /// Half of the GPUs belong to a bursty owner and are lent to two tenants that always wait. After
  /// the reference simulation `lend.py`: the owner is busy for 600 s and idle for 1,800 s in the
  /// mean; its lognormal runs are stood in for by powers of two.
  static func lent(seed: UInt64) -> FairnessMix {
    var mix = FairnessMix(
      name: "lent", summary: "a bursty owner takes back what it lends",
      nodes: 2, gpusPerNode: 8,
      tenants: [
        FairnessTenant("fraud"), FairnessTenant("vision"),
        FairnessTenant("research", weightMilli: 2000),
      ], end: moment(hours: 48), leaseMax: .seconds(10_000))
    mix.guarantee = FairnessGuarantee(owner: 0, gpus: 8, within: .seconds(300))
    var random = SeededGenerator(seed: seed)
    // Runs of 1,310 s in the mean on 1.5 GPUs.
    for (tenant, mean) in [(1, 300), (2, 150)] {
      mix.addStream(mean: .seconds(Int64(mean)), using: &random) { now, random in
        let runs = random.within(16...31) << random.below(9)
        var job = FairnessJob(arrives: now, tenant: tenant, rank: 2, runs: .seconds(runs))
        job.gpus = random.below(2) == 0 ? 1 : 2
        job.lanes = .both
        if random.below(4) > 0 { job.grace = .seconds(random.within(10...200)) }
        return job
      }
    }
    var burst = Instant.origin
    while true {
      burst = burst + .seconds(1 + random.exponential(mean: 1_800))
      guard burst <= mix.end else { break }
      var longest: Int64 = 0
      for _ in 0..<random.within(1...8) {
        let runs = min(3_000, 10 + random.exponential(mean: 600))
        var job = FairnessJob(arrives: burst, tenant: 0, rank: 1, runs: .seconds(runs))
        job.lanes = .reserved
        mix.jobs.append(job)
        longest = max(longest, runs)
      }
      burst = burst + .seconds(longest)
    }
    mix.sortJobs()
    return mix
  }

  /// For four hours P1 alone asks for 1.4 times what there is; batch and a little P0 go on. Work of
  /// two GPUs takes one where many wait.
  static func sustainedPeak(seed: UInt64) -> FairnessMix {
    var mix = FairnessMix(
      name: "peak", summary: "P1 asks for 1.4 times what there is, for four hours",
      nodes: 4, gpusPerNode: 8,
      tenants: [
        FairnessTenant("chat", weightMilli: 4000, queueMax: 2_000),
        FairnessTenant("serving", weightMilli: 2000), FairnessTenant("nightly"),
      ], end: moment(hours: 6), leaseMax: .seconds(1_350))
    mix.urgentWait = .seconds(60)
    mix.pressureDepth = 40
    mix.peak = moment(hours: 2)...moment(hours: 6)
    var random = SeededGenerator(seed: seed)
    // Two GPUs for 75 s: one every 10 s is 47 % of 32 GPUs, every 3.35 s is 140 %.
    let hours: [(from: Int64, until: Int64, mean: Int64)] = [(0, 2, 10_000), (2, 6, 3_350)]
    for part in hours {
      mix.addStream(
        mean: Span(ns: part.mean * 1_000_000), from: moment(hours: part.from),
        until: moment(hours: part.until), using: &random
      ) { now, random in
        var job = narrow(at: now, tenant: 0, rank: 1, seconds: 30...120, gpus: [2], &random)
        job.acceptsLess = true
        return job
      }
    }
    mix.addStream(mean: .seconds(15), using: &random) { now, random in
      narrow(at: now, tenant: 1, rank: 0, seconds: 20...60, gpus: [1], &random)
    }
    mix.addStream(mean: .seconds(300), using: &random) { now, random in
      narrow(at: now, tenant: 2, rank: 3, seconds: 300...900, gpus: [1], &random)
    }
    mix.sortJobs()
    return mix
  }
}
