public import PoolAllocator

/// Claims of one kind: what each asks, when they arrive, how long they run, and how those who ask
/// behave.
public struct ScenarioStream: Sendable {
  /// When claims arrive, from `from` until `until` at the latest.
  public enum Arrivals: Sendable {
    /// One after each span.
    case steady(every: Span)
    /// One after each exponentially distributed span.
    case random(mean: Span)
    /// So many at once, and again after each span.
    case burst(count: Int, every: Span?)
    /// One after another; the span between two goes from the first to the last in equal steps of
    /// time.
    case ramp(from: Span, to: Span)
  }

  /// How long work runs.
  public struct Runs: Sendable {
    /// Each span of whole milliseconds from the shortest to the longest is as likely.
    public var least: Span
    /// The longest.
    public var most: Span
    /// How many of a hundred run for `long` instead.
    public var longPercent: UInt64 = 0
    /// How long those run.
    public var long = Span.zero

    /// Makes spans without a long tail.
    public init(least: Span, most: Span) {
      self.least = least
      self.most = most
    }

    func draw(_ random: inout SeededGenerator) -> Span {
      if longPercent > 0, random.chance(longPercent) { return long }
      return Span(ns: random.within(least.ns / 1_000_000...most.ns / 1_000_000) * 1_000_000)
    }
  }

  /// What those who ask do.
  public struct Client: Sendable {
    /// Whether they come back when a refusal says, and not before.
    public var honoursHints = true
    /// Span after which they come back where they do not, or where no moment was given.
    public var retryAfter = Span.seconds(30)
    /// How often one asks, then it gives up.
    public var triesMax = 20
    /// How long one waits for its first lease, then it withdraws; nil: as long as it takes.
    public var patience: Span?
    /// Whether it saves its work as often as its claim says, and goes on from there.
    public var savesWork = false
    /// Claims that it asks for once it started, of the same workflow and one level deeper: an agent
    /// that calls agents.
    public var spawns = 0

    /// Makes a patient client that honours hints.
    public init() {}
  }

  /// Its name.
  public var name: String
  /// What each asks; keys, workflow and lanes are filled in.
  public var claim: ClaimSpec
  /// Names of the lanes.
  public var lanes: [Key]
  /// Names of the rungs that it accepts.
  public var rungs: [Key] = []
  /// How long after its arrival the work must be finished.
  public var deadline: Span?
  /// Whether all are of the workflow of `claim`, instead of one each.
  public var isOneWorkflow = false
  /// When the first may arrive.
  public var from = Span.zero
  /// When the last may arrive; nil: at the end.
  public var until: Span?
  /// When they arrive.
  public var arrivals: Arrivals
  /// How long they run.
  public var runs: Runs
  /// What those who ask do.
  public var client = Client()

  /// Makes a stream.
  public init(name: String, claim: ClaimSpec, lanes: [Key], arrivals: Arrivals, runs: Runs) {
    self.name = name
    self.claim = claim
    self.lanes = lanes
    self.arrivals = arrivals
    self.runs = runs
  }

  /// The moments of all arrivals, counted from second 0.
  func moments(until end: Span, _ random: inout SeededGenerator) -> [Span] {
    let end = min(end, until ?? end)
    var moments: [Span] = []
    var next = from
    while next < end, moments.count < Self.most {
      switch arrivals {
      case .steady(let every):
        moments.append(next)
        next = Span(ns: next.ns + max(1, every.ns))
      case .random(let mean):
        next = Span(ns: next.ns + max(1, random.exponential(mean: mean.ns)))
        if next < end { moments.append(next) }
      case .burst(let count, let every):
        moments += Array(repeating: next, count: min(count, Self.most - moments.count))
        guard let every else { return moments }
        next = Span(ns: next.ns + max(1, every.ns))
      case .ramp(let first, let last):
        moments.append(next)
        let (passed, whole) = (next.ns - from.ns, max(1, end.ns - from.ns))
        let gap = Int128(first.ns) + Int128(last.ns - first.ns) * Int128(passed) / Int128(whole)
        next = Span(ns: next.ns + max(1, Int64(gap)))
      }
    }
    return moments
  }

  /// Most claims of one stream. Unit: claims.
  public static let most = 20_000
}
