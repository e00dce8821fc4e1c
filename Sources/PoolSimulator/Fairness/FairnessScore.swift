public import PoolAllocator

/// Waits of some jobs, and what they were told.
public struct FairnessWaits: Sendable, Hashable {
  /// Jobs that were let in.
  public var jobs = 0
  /// Half of them waited no longer.
  public var p50 = Span.zero
  /// 95 of 100.
  public var p95 = Span.zero
  /// 99 of 100.
  public var p99 = Span.zero
  /// The longest wait.
  public var most = Span.zero
  /// Jobs that waited and were told by when they start at the latest.
  public var told = 0
  /// Jobs that waited and were told no bound.
  public var untold = 0
  /// Jobs that started later than they were told.
  public var late = 0
  /// The longest time that one was told.
  public var bound: Span?
  /// The most that a job waited of what it was told. Unit: thousandths.
  public var usedMilli: Int64?

  /// Measures the waits of some jobs of a mix.
  init(_ numbers: [Int], _ record: FairnessRecord, _ mix: FairnessMix) {
    var waits: [Span] = []
    for number in numbers {
      let (row, job) = (record.rows[number], mix.jobs[number])
      guard let started = row.started else { continue }
      waits.append(started - job.arrives)
      if row.isUntold { untold += 1 }
      guard let promised = row.promised else { continue }
      told += 1
      if row.isLate { late += 1 }
      let bound = promised - job.arrives
      self.bound = max(self.bound ?? .zero, bound)
      guard bound > .zero else { continue }
      let used = Int128((started - job.arrives).ns) * 1000 / Int128(bound.ns)
      usedMilli = max(usedMilli ?? 0, Int64(clamping: used))
    }
    waits.sort()
    jobs = waits.count
    p50 = FairnessMeasures.percentile(waits, thousandths: 500) ?? .zero
    p95 = FairnessMeasures.percentile(waits, thousandths: 950) ?? .zero
    p99 = FairnessMeasures.percentile(waits, thousandths: 990) ?? .zero
    most = waits.last ?? .zero
  }
}

/// How one scheduler did on one mix.
public struct FairnessScore: Sendable {
  /// One tenant.
  public struct TenantScore: Sendable {
    /// The tenant, as an index into the mix.
    public var tenant: Int
    /// Its waits by class; nil where it has no work of one.
    public var waits: [FairnessWaits?]
    /// Jobs that it asked for.
    public var asked = 0
    /// Jobs that were refused at the door.
    public var denied = 0
    /// Jobs that were given less than they asked for.
    public var degraded = 0
    /// GPU-time that it had up to the mix's end. Unit: GPU-nanoseconds.
    public var work: Int128 = 0
    /// What it was served of what it was entitled to while it waited beside others, in the class
    /// where that is furthest off. Unit: thousandths; nil: too little to tell.
    public var shareMilli: Int64?
    /// The same over all its waits beside others, long or not, where none was long.
    public var shortShareMilli: Int64?
    /// Finish-time fairness ρ. Unit: thousandths.
    public var finishMilli: Int64?
  }

  /// The scheduler.
  public var scheduler: String
  /// By class, P0 first; nil where there is no work of one.
  public var classes: [FairnessWaits?]
  /// By tenant.
  public var tenants: [TenantScore]
  /// Waits of P0 work of tenants that stay within their share; nil where there is none.
  public var urgent: FairnessWaits?
  /// Waits of gangs; nil where there are none.
  public var gangs: FairnessWaits?
  /// Waits of work that the owner's guarantee covers; nil where nothing is reserved.
  public var covered: FairnessWaits?
  /// Jain's index over the shares of tenants. Unit: thousandths.
  public var jainMilli: Int64?
  /// Where the GPU-time went up to the mix's end.
  public var usage: FairnessMeasures.Usage
  /// Times from the order to give a lent device back until it was back, ascending.
  public var reclaims: [Span]
  /// Leases that more urgent classes took.
  public var preemptions: Int
  /// P3 jobs that came in the first half of the peak, and those of them that were done in it.
  public var batch: (came: Int, done: Int)

  /// Scores a run.
  /// - Parameter alone: when each job would be done in its tenant's own cluster
  ///   (`FairnessMix.finishesAlone`).
  public init(_ record: FairnessRecord, of mix: FairnessMix, alone: [Instant?]) {
    scheduler = record.scheduler
    func waits(_ isIn: (Int) -> Bool) -> FairnessWaits? {
      let numbers = mix.jobs.indices.filter(isIn)
      return numbers.isEmpty ? nil : FairnessWaits(numbers, record, mix)
    }
    classes = (0..<4).map { rank in waits { mix.jobs[$0].rank == rank } }
    urgent = waits {
      mix.jobs[$0].rank == 0 && mix.tenants[mix.jobs[$0].tenant].staysWithinShare
    }
    gangs = waits { mix.jobs[$0].members > 1 }
    covered = mix.guarantee.map { guarantee in
      FairnessWaits(
        mix.coveredJobs(record).filter { mix.jobs[$0].tenant == guarantee.owner }, record, mix)
    }
    usage = FairnessMeasures.usage(record.stints, gpus: mix.gpus, until: mix.end)
    reclaims = record.reclaims.sorted()
    preemptions = record.preemptions
    batch = Self.batch(record, mix)
    tenants = Self.tenants(record, mix, alone)
    jainMilli = FairnessMeasures.jainMilli(tenants.compactMap(\.shareMilli))
  }

  private static func tenants(
    _ record: FairnessRecord, _ mix: FairnessMix, _ alone: [Instant?]
  ) -> [TenantScore] {
    let shares = (0..<4).map { FairnessShares(record, of: mix, rank: $0) }
    var scores = mix.tenants.indices.map { tenant in
      let waits = (0..<4).map { rank in
        let numbers = mix.jobs.indices.filter {
          mix.jobs[$0].tenant == tenant && mix.jobs[$0].rank == rank
        }
        return numbers.isEmpty ? nil : FairnessWaits(numbers, record, mix)
      }
      var score = TenantScore(tenant: tenant, waits: waits)
      score.shareMilli = shares.compactMap { $0.milli(of: tenant) }
        .max { abs($0 - 1000) < abs($1 - 1000) }
      if score.shareMilli == nil {
        score.shortShareMilli = shares.compactMap { $0.shortMilli(of: tenant) }
          .max { abs($0 - 1000) < abs($1 - 1000) }
      }
      return score
    }
    var pairs: [[(shared: Span, alone: Span)]] = Array(repeating: [], count: scores.count)
    for (number, job) in mix.jobs.enumerated() {
      let row = record.rows[number]
      scores[job.tenant].asked += 1
      if row.isDenied { scores[job.tenant].denied += 1 }
      if row.isDegraded { scores[job.tenant].degraded += 1 }
      if let ended = row.ended, let alone = alone[number] {
        pairs[job.tenant].append((ended - job.arrives, alone - job.arrives))
      }
    }
    for stint in record.stints where stint.from < mix.end {
      let span = Int128((min(stint.to, mix.end) - stint.from).ns)
      scores[mix.jobs[stint.job].tenant].work += span * Int128(stint.gpus)
    }
    for tenant in scores.indices {
      scores[tenant].finishMilli = FairnessMeasures.finishTimeMilli(pairs[tenant])
    }
    return scores
  }

  private static func batch(
    _ record: FairnessRecord, _ mix: FairnessMix
  ) -> (came: Int, done: Int) {
    guard let peak = mix.peak else { return (0, 0) }
    let half = Instant(ns: (peak.lowerBound.ns + peak.upperBound.ns) / 2)
    var batch = (came: 0, done: 0)
    for (number, job) in mix.jobs.enumerated()
    where job.rank == 3 && job.arrives >= peak.lowerBound && job.arrives <= half {
      batch.came += 1
      if let ended = record.rows[number].ended, ended <= peak.upperBound { batch.done += 1 }
    }
    return batch
  }
}

extension FairnessMix {
  /// Jobs of the owner that its guarantee covers. Only the production allocator knows of it: for
  /// others these are all jobs of the owner.
  func coveredJobs(_ record: FairnessRecord) -> [Int] {
    let covered = jobs.indices.filter { record.rows[$0].isCovered }
    return covered.isEmpty ? Array(jobs.indices) : covered
  }

  /// When each job would be done if its tenant had a cluster of its own with as many GPUs as it is
  /// entitled to, on which it runs its work by class and arrival; nil for a job that never would.
  /// A job that is wider than that runs longer by as much.
  public func finishesAlone() -> [Instant?] {
    var finishes: [Instant?] = Array(repeating: nil, count: jobs.count)
    for tenant in tenants.indices {
      let gpus = entitledGPUs(of: tenant)
      var own: [FairnessJob] = []
      var numbers: [Int] = []
      for (number, job) in jobs.enumerated() where job.tenant == tenant {
        var alone = job
        alone.members = 1
        alone.gpus = min(job.allGPUs, gpus)
        let longer = Int128(job.runs.ns) * Int128(job.allGPUs) / Int128(alone.gpus)
        alone.runs = Span(ns: Int64(clamping: longer))
        own.append(alone)
        numbers.append(number)
      }
      // With a step longer than any run, the class decides.
      let record = ReferenceScheduler.run(
        own, nodes: 1, gpusPerNode: gpus, rule: .staticAgeing(step: .seconds(3_000_000_000)))
      for (row, number) in zip(record.rows, numbers) { finishes[number] = row.ended }
    }
    return finishes
  }
}
