public import PoolAllocator

/// One piece of work: what is asked, when it arrives, and how long it really runs.
public struct Job: Sendable {
  /// When it arrives.
  public var arrives: Instant
  /// What is asked. Its `runtimeMax` bounds the lease; `runs` may be less.
  public var claim: ClaimSpec
  /// How long it runs once started.
  public var runs: Span
  /// Whether it saves its work as often as its claim says, and goes on from there when it is
  /// stopped and starts again.
  public var savesWork = false
  /// Leases of it that are never started, before one is. Unit: leases.
  public var failedStarts = 0
  /// How long it stays on its devices past the moment at which it should have been killed; nil: it
  /// is gone before.
  public var overstays: Span?

  /// Makes a job.
  public init(arrives: Instant, claim: ClaimSpec, runs: Span) {
    self.arrives = arrives
    self.claim = claim
    self.runs = runs
  }
}

/// Jobs in the order of their arrival, made from a seed.
public struct Workload: Sendable {
  /// The jobs.
  public private(set) var jobs: [Job] = []

  /// Makes an empty workload.
  public init() {}

  /// Adds a Poisson stream of jobs until a moment.
  /// - Parameters:
  ///   - mean: mean time between two arrivals.
  ///   - end: no job arrives after it.
  ///   - generator: where the times come from.
  ///   - job: the claim and the runtime of the job that arrives at a moment; numbers count the
  ///     jobs of the workload so far, and make unique keys.
  public mutating func addStream(
    mean: Span, until end: Instant, using generator: inout SeededGenerator,
    _ job: (_ number: Int, inout SeededGenerator) -> (claim: ClaimSpec, runs: Span)
  ) {
    var now = Instant.origin
    while true {
      now = now + Span(ns: max(1, generator.exponential(mean: mean.ns)))
      guard now <= end else { break }
      let (claim, runs) = job(jobs.count, &generator)
      jobs.append(Job(arrives: now, claim: claim, runs: runs))
    }
  }

  /// Changes a job that was added.
  public mutating func change(_ number: Int, _ body: (inout Job) -> Void) { body(&jobs[number]) }

  /// Adds one job.
  public mutating func add(_ job: Job) { jobs.append(job) }

  /// Sorts the jobs by arrival; those of one moment stay in the order in which they were added.
  public mutating func sort() {
    let sorted = jobs.enumerated().sorted {
      $0.element.arrives != $1.element.arrives
        ? $0.element.arrives < $1.element.arrives : $0.offset < $1.offset
    }
    jobs = sorted.map(\.element)
  }
}
