public import PoolAllocator

/// A tenant of a fairness mix.
public struct FairnessTenant: Sendable, Hashable {
  /// Its name, as reports show it.
  public var name: String
  /// Its weight, 1,000 = 1.000: twice the weight, twice the share.
  public var weightMilli: Int32
  /// Claims of it that may wait at once.
  public var queueMax: UInt32
  /// Whether its P0 work fits into its share, so that the stated seconds of P0 are a promise to it.
  /// What a tenant that floods waits for is itself.
  public var staysWithinShare: Bool

  /// Makes a tenant.
  public init(
    _ name: String, weightMilli: Int32 = 1000, queueMax: UInt32 = 50_000,
    staysWithinShare: Bool = true
  ) {
    self.name = name
    self.weightMilli = weightMilli
    self.queueMax = queueMax
    self.staysWithinShare = staysWithinShare
  }
}

/// One piece of work of a mix, in words that every scheduler understands.
public struct FairnessJob: Sendable, Hashable {
  /// Where it may run.
  public enum Lanes: Sendable, Hashable {
    /// On what is shared.
    case shared
    /// On what is reserved for its tenant.
    case reserved
    /// On what is shared, and on what is lent.
    case both
  }

  /// When it arrives.
  public var arrives: Instant
  /// Its tenant, as an index into the mix.
  public var tenant: Int
  /// Its class: 0 for P0 … 3 for P3.
  public var rank: Int
  /// Nodes that it needs at once; more than one is a gang.
  public var members = 1
  /// GPUs of each member.
  public var gpus = 1
  /// How long it runs.
  public var runs: Span
  /// How long it says that it runs at most.
  public var runtimeMax: Span
  /// Where it may run.
  public var lanes = Lanes.shared
  /// Time that it needs to leave when it is interrupted; nil: it may not be.
  public var grace: Span?
  /// Whether it takes a smaller rung where its pool is under pressure.
  public var acceptsLess = false

  /// Makes a job of one GPU that asks for a second more than it runs.
  public init(arrives: Instant, tenant: Int, rank: Int, runs: Span) {
    self.arrives = arrives
    self.tenant = tenant
    self.rank = rank
    self.runs = runs
    self.runtimeMax = Span(ns: runs.ns + 1_000_000_000)
  }

  /// GPUs of all members.
  public var allGPUs: Int { members * gpus }
  /// GPU-time that it needs. Unit: GPU-nanoseconds.
  public var work: Int128 { Int128(allGPUs) * Int128(runs.ns) }
}

/// GPUs that one tenant of a mix owns, and what it was promised when they are lent.
public struct FairnessGuarantee: Sendable, Hashable {
  /// The owner, as an index into the mix.
  public var owner: Int
  /// GPUs.
  public var gpus: Int
  /// R: the time within which the owner has them back.
  public var within: Span

  /// Makes a guarantee.
  public init(owner: Int, gpus: Int, within: Span) {
    self.owner = owner
    self.gpus = gpus
    self.within = within
  }
}

/// A pool of GPUs, its tenants and their work: what every scheduler of a comparison is given.
///
/// A mix states its promises before anything runs: the seconds of P0, R, the peak. The verdict
/// holds a run against them (`FairnessVerdict`).
public struct FairnessMix: Sendable {
  /// Its name on the command line.
  public var name: String
  /// One sentence of what happens in it.
  public var summary: String
  /// Nodes.
  public var nodes: Int
  /// GPUs of each node.
  public var gpusPerNode: Int
  /// Tenants.
  public var tenants: [FairnessTenant]
  /// Jobs in the order of their arrival.
  public var jobs: [FairnessJob] = []
  /// The last moment at which a job arrives: utilisation and shares are measured up to it, and all
  /// that was asked by then is done.
  public var end: Instant
  /// The longest lease.
  public var leaseMax: Span
  /// Eligible wait that lifts a claim by one level.
  public var ageingStep = Span.seconds(60)
  /// Time paid at once.
  public var quantum = Span.seconds(600)
  /// Time to start, and time to leave before the kill.
  public var startWithin = Span.seconds(10)
  /// Time to leave after the grace, before the kill.
  public var killWithin = Span.seconds(10)
  /// How classes preempt others; nil: none does.
  public var preemption: PreemptionRule?
  /// What is reserved; nil: nothing is.
  public var guarantee: FairnessGuarantee?
  /// Claims that wait when jobs that accept less are given less; nil: they never are.
  public var pressureDepth: Int64?
  /// What 99 of 100 P0 claims wait at most, as its operator states; nil: nothing is stated.
  public var urgentWait: Span?
  /// When more is asked than there is, without a pause; nil: never for long.
  public var peak: ClosedRange<Instant>?

  /// Makes a mix without jobs.
  public init(
    name: String, summary: String, nodes: Int, gpusPerNode: Int, tenants: [FairnessTenant],
    end: Instant, leaseMax: Span
  ) {
    self.name = name
    self.summary = summary
    self.nodes = nodes
    self.gpusPerNode = gpusPerNode
    self.tenants = tenants
    self.end = end
    self.leaseMax = leaseMax
  }

  /// GPUs of all nodes.
  public var gpus: Int { nodes * gpusPerNode }

  /// GPUs that a tenant is entitled to: what is reserved for it, else its weight's part of what is
  /// not reserved, rounded down, and one at least.
  public func entitledGPUs(of tenant: Int) -> Int {
    let owner = guarantee?.owner
    if let guarantee, guarantee.owner == tenant { return guarantee.gpus }
    var weights = 0
    for (number, other) in tenants.enumerated() where number != owner {
      weights += Int(other.weightMilli)
    }
    let shared = gpus - (guarantee?.gpus ?? 0)
    return max(1, shared * Int(tenants[tenant].weightMilli) / max(1, weights))
  }

  /// Adds a Poisson stream of jobs that arrive after one moment and up to another.
  /// - Parameter job: gives the job that arrives at a moment.
  mutating func addStream(
    mean: Span, from start: Instant = .origin, until end: Instant? = nil,
    using generator: inout SeededGenerator,
    _ job: (Instant, inout SeededGenerator) -> FairnessJob
  ) {
    var now = start
    while true {
      now = now + Span(ns: max(1, generator.exponential(mean: mean.ns)))
      guard now <= end ?? self.end else { break }
      jobs.append(job(now, &generator))
    }
  }

  /// Sorts the jobs by arrival; those of one moment stay in the order in which they were added.
  mutating func sortJobs() {
    jobs = jobs.enumerated().sorted {
      $0.element.arrives != $1.element.arrives
        ? $0.element.arrives < $1.element.arrives : $0.offset < $1.offset
    }.map(\.element)
  }
}
