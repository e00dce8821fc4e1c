public import PoolAllocator

/// What became of the jobs of a mix under one scheduler: all that scores are computed from.
public struct FairnessRecord: Sendable, Hashable {
  /// One time on GPUs.
  public struct Stint: Sendable, Hashable {
    /// The job.
    public var job: Int
    /// When it began to run.
    public var from: Instant
    /// When it ceased to run.
    public var to: Instant
    /// When its GPUs were free again.
    public var left: Instant
    /// Work of it that was done in vain, because it was stopped before it was saved.
    public var lost: Span
    /// GPUs that it held.
    public var gpus: Int
  }

  /// What became of one job.
  public struct Row: Sendable, Hashable {
    /// Whether it was refused at the door.
    public var isDenied = false
    /// Whether it was given less than it asked for.
    public var isDegraded = false
    /// When it began to run; nil: it never did.
    public var started: Instant?
    /// When it was done; nil: it never was.
    public var ended: Instant?
    /// By when it was told to start, as last told; nil: it was told nothing, or did not wait.
    public var promised: Instant?
    /// Whether it came into the order and was told no bound.
    public var isUntold = false
    /// Whether its tenant's guarantee covered it when it came.
    public var isCovered = false
    /// Whether it started later than told.
    public var isLate: Bool {
      guard let promised, let started else { return false }
      return started > promised
    }
  }

  /// The scheduler.
  public let scheduler: String
  /// By job.
  public internal(set) var rows: [Row]
  /// In the order in which their GPUs were free again.
  public internal(set) var stints: [Stint] = []
  /// How long each lent lease took from the order to leave until its devices were back.
  public internal(set) var reclaims: [Span] = []
  /// Leases that a more urgent class took.
  public internal(set) var preemptions = 0

  init(scheduler: String, jobs: Int) {
    self.scheduler = scheduler
    rows = Array(repeating: Row(), count: jobs)
  }
}
