/// Whether a GPU is well, judged over time: one good answer does not make a sick GPU well, and one
/// late answer does not make a well one sick. A pure state machine; time is an argument.
public struct HealthMonitor: Sendable, Equatable {
  /// What is believed of the GPU.
  public enum Health: Sendable, Equatable {
    /// Nothing is known, or no longer: neither well nor dead. It must get no new work, and what
    /// runs on it is left alone.
    case unknown(reason: String)
    case healthy
    /// It must get no new work; the reason in words.
    case unhealthy(reason: String)
    /// As unhealthy, and only a reset or a boot mends it.
    case needsReset(reason: String)

    /// One word for programs.
    public var word: String {
      switch self {
      case .unknown: "unknown"
      case .healthy: "healthy"
      case .unhealthy: "unhealthy"
      case .needsReset: "needs_reset"
      }
    }

    /// Why it is not healthy; nil when it is.
    public var reason: String? {
      switch self {
      case .healthy: nil
      case .unknown(let reason), .unhealthy(let reason), .needsReset(let reason): reason
      }
    }
  }

  /// What was seen of the GPU.
  public enum Observation: Sendable, Equatable {
    /// It answered and nothing speaks against it.
    case good
    /// It answered, or the driver for it, and something speaks against it.
    case bad(reason: String)
    /// The driver reported an error of the GPU. It is no slip of one answer: it counts at once.
    case fault(reason: String)
    /// The driver reported an error that only a reset mends.
    case fatal(reason: String)
    /// There was no answer.
    case silent(reason: String)
    /// The driver was loaded anew, the GPU reset or the machine booted.
    case restarted
  }

  /// How much it takes to change one's mind.
  public struct Rules: Sendable, Equatable {
    /// Good answers in a row that make an unknown GPU healthy. Unit: answers.
    public var goodToTrust = 2
    /// Good answers in a row that make an unhealthy GPU healthy. Unit: answers.
    public var goodToRecover = 5
    /// Time without anything bad that this takes besides. Unit: nanoseconds of the monotonic clock.
    public var calmNanoseconds: UInt64 = 60_000_000_000
    /// Bad answers in a row that make a GPU unhealthy. Unit: answers.
    public var badToDoubt = 2
    /// Missing answers in a row that make a GPU unknown. Unit: answers.
    public var silentToForget = 3

    /// The usual rules.
    public init() {}
  }

  /// What is believed now.
  public private(set) var health = Health.unknown(reason: "not looked at yet")
  private let rules: Rules
  private var good = 0
  private var bad = 0
  private var silent = 0
  private var lastBad: UInt64 = 0

  /// A monitor that knows nothing yet.
  public init(rules: Rules = Rules()) { self.rules = rules }

  /// Takes in what was seen at a moment of the monotonic clock.
  ///
  /// - Returns: What was believed before, when that changed; else nil.
  public mutating func observe(_ observation: Observation, at now: UInt64) -> Health? {
    let before = health
    count(observation, at: now)
    switch observation {
    case .restarted:
      health = .unknown(reason: "restarted, not looked at yet")
    case .fatal(let reason):
      health = .needsReset(reason: reason)
    case .good:
      afterGood(at: now)
    case .bad(let reason), .fault(let reason):
      if bad >= rules.badToDoubt, !needsReset { health = .unhealthy(reason: reason) }
    case .silent(let reason):
      // A GPU that is known to be broken does not become less so by falling silent.
      if silent >= rules.silentToForget, health == .healthy { health = .unknown(reason: reason) }
      if case .unknown = health { health = .unknown(reason: reason) }
    }
    return health.word == before.word ? nil : before
  }

  /// True when only a reset or a boot mends the GPU.
  public var needsReset: Bool {
    if case .needsReset = health { true } else { false }
  }

  private mutating func afterGood(at now: UInt64) {
    switch health {
    case .healthy, .needsReset: break
    case .unknown:
      if good >= rules.goodToTrust { health = .healthy }
    case .unhealthy:
      let isCalm = now >= lastBad && now - lastBad >= rules.calmNanoseconds
      if good >= rules.goodToRecover && isCalm { health = .healthy }
    }
  }

  private mutating func count(_ observation: Observation, at now: UInt64) {
    switch observation {
    case .good: (good, bad, silent) = (min(good + 1, 1 << 20), 0, 0)
    case .bad: (good, bad, silent, lastBad) = (0, min(bad + 1, 1 << 20), 0, now)
    case .fault, .fatal: (good, bad, silent, lastBad) = (0, rules.badToDoubt, 0, now)
    case .silent: (good, silent) = (0, min(silent + 1, 1 << 20))
    case .restarted: (good, bad, silent) = (0, 0, 0)
    }
  }
}

extension HealthMonitor.Observation {
  /// What a probe saw of a GPU.
  public init(_ gpu: GPUEntry) {
    switch gpu.state {
    case .usable: self = .good
    case .unusable(let reason): self = .bad(reason: reason)
    case .unknown(let reason), .notPermitted(let reason): self = .silent(reason: reason)
    }
  }

  /// What an event says of a GPU; nil when it says nothing against it.
  public init?(_ event: DriverEvent) {
    switch event.effect {
    case .application, .warning: return nil
    case .device: self = .fault(reason: event.words)
    case .fatal: self = .fatal(reason: event.words)
    }
  }
}

/// How long to wait after a failure: longer each time, up to a bound. Pure.
public struct Backoff: Sendable, Equatable {
  /// The first wait. Unit: milliseconds.
  public let first: Int
  /// The longest wait. Unit: milliseconds.
  public let longest: Int
  private var next: Int

  /// A backoff that has seen no failure.
  public init(firstMilliseconds: Int = 100, longestMilliseconds: Int = 30_000) {
    first = max(1, firstMilliseconds)
    longest = max(first, longestMilliseconds)
    next = first
  }

  /// Milliseconds to wait after one more failure.
  public mutating func failed() -> Int {
    defer { next = next > longest / 2 ? longest : next * 2 }
    return next
  }

  /// Forgets the failures.
  public mutating func succeeded() { next = first }
}
