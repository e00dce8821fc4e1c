public import PoolAllocator

/// What came of a scenario.
public struct ScenarioOutcome: Sendable {
  /// One assertion with its figure.
  public struct Line: Sendable {
    /// What it says.
    public let name: String
    /// The figure's kind.
    public let measure: ScenarioMeasure
    /// The figure, in thousandths; nil: there was nothing to be measured, and it does not hold.
    public let figure: Int64?
    /// The allowed side of the limit.
    public let side: ScenarioAssertion.Side
    /// The limit. Unit: thousandths.
    public let limit: Int64
    /// Whether it holds.
    public let holds: Bool
    /// Of what was lost: how it ended, each end with how often; else nothing.
    public let ends: [(end: ClaimEnd?, count: Int)]
  }

  /// The scenario's name.
  public let name: String
  /// The seed.
  public let seed: UInt64
  /// Steps that were done; a step is as in `Simulated.Outcome`.
  public let steps: Int
  /// Virtual time that passed. Unit: nanoseconds.
  public let simulated: Int64
  /// Claims that arrived.
  public let claims: Int
  /// The assertions; none where something was violated.
  public let lines: [Line]
  /// What must hold always and did not.
  public let violation: Violation?
  /// Of all happenings and of the last draw: equal for equal runs, else most likely not.
  public let unseed: UInt64
  /// The last records in words, oldest first; none unless they were asked for.
  public let story: [String]

  /// Whether nothing was violated and every assertion holds.
  public var holds: Bool { violation == nil && lines.allSatisfy(\.holds) }
}

extension Scenario {
  /// Lets it take its course.
  /// - Parameters:
  ///   - seed: of arrivals, runtimes, messages and clocks. Same seed: the same outcome, in every
  ///     process and every build.
  ///   - tells: whether the last records are kept in words, which takes time.
  public func run(seed: UInt64, tells: Bool = false) -> ScenarioOutcome {
    var world = ScenarioWorld(self, seed: seed, tells: tells)
    let began = world.now
    var found: Violation?
    do throws(Violation) {
      try world.runAll()
    } catch { found = error }
    let tally = world.server.tally ?? ScenarioTally()
    return ScenarioOutcome(
      name: name, seed: seed, steps: world.steps, simulated: world.now.ns - began.ns,
      claims: tally.fates.count,
      lines: found == nil ? assertions.map { $0.check(tally) } : [], violation: found,
      unseed: world.unseed(), story: world.story.suffix(24).map { $0 })
  }
}
