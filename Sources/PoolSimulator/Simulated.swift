import PoolAllocator

/// One seed's life of a whole cluster, from its first policy to the quiet time after its faults,
/// and then that of a crowded one in which nothing fails, with everything that must hold checked
/// after every step.
///
///     var life = Simulated(seed: 7, steps: 4_000)
///     let outcome = life.run()
///     if let violation = outcome.violation { … }
///
/// Same seed, same steps: the same outcome, in every process and every build.
public struct Simulated: Sendable {
  /// Steps of a life where nobody says how many.
  public static let usualSteps = 4_000

  /// What came of it.
  public struct Outcome: Sendable {
    /// The seed.
    public let seed: UInt64
    /// Steps that were done, those of the quiet time among them. A step is one command that was
    /// applied, made durable, folded and checked, or one happening of the world.
    public let steps: Int
    /// Virtual time that passed. Unit: nanoseconds.
    public let simulated: Int64
    /// Distinct states of the pool that were seen, one look for each batch that became durable.
    public let digests: Int
    /// What was found; nil: nothing.
    public let violation: Violation?
    /// Of all happenings and of the last draw: equal for equal runs, else most likely not.
    public let unseed: UInt64
    /// The last happenings in words, oldest first; none unless they were asked for.
    public let story: [String]
    /// What was met and how often, in one order for all runs: `Coverage` and the faults.
    public let coverage: [Coverage.Entry]
  }

  /// Names of what `Outcome.coverage` counts, in its order.
  public static let coverageNames = Coverage().entries.map(\.name) + Mark.names

  private let seed: UInt64
  private let steps: Int
  private let tells: Bool
  private let plan: WorldPlan

  /// Makes a life.
  /// - Parameters:
  ///   - steps: steps before the faults stop and the quiet time begins.
  ///   - without: kinds of faults that are left out, of `faultNames`.
  ///   - tells: whether the last happenings are kept in words, which takes time.
  public init(
    seed: UInt64, steps: Int = Simulated.usualSteps, without: [String] = [], tells: Bool = false
  ) {
    var random = SeededGenerator(seed: ~seed)
    var plan = WorldPlan.draw(&random)
    // Drawn for nobody: what the other seeds live stays as it was.
    plan.scoresOffers = seed % 8 == 7
    if seed % 8 == 3 { plan.addStalls(&random) }
    plan.faults.leaveOut(without)
    self.init(seed: seed, steps: steps, plan: plan, tells: tells)
  }

  /// Makes a life of a world that is not drawn.
  package init(seed: UInt64, steps: Int, plan: WorldPlan, tells: Bool = false) {
    self.seed = seed
    self.steps = steps
    self.plan = plan
    self.tells = tells
  }

  /// Lives it to its end, or to the first thing that does not hold.
  public func run() -> Outcome {
    var world = World(seed: seed, plan: plan, tells: tells)
    let began = world.now
    var found: Violation?
    do throws(Violation) {
      try world.run(steps: steps)
      try world.quieten()
    } catch { found = error }
    world.reached.note(
      lost: world.network.lost, doubled: world.network.doubled, held: world.network.held)
    var crowd = CrowdedLife(seed: seed, tells: tells)
    if found == nil { do throws(Violation) { try crowd.run() } catch { found = error } }
    return Outcome(
      seed: seed, steps: world.steps + crowd.steps,
      simulated: world.now.ns - began.ns + crowd.simulated,
      digests: world.digests, violation: found, unseed: world.unseed() ^ crowd.trace,
      story: (crowd.steps > 0 ? crowd.story?.last : world.story?.last) ?? [],
      coverage: world.coverage(beside: crowd.coverage))
  }
}

extension World {
  /// What was met here and in another life, core facts first.
  func coverage(beside other: Coverage) -> [Coverage.Entry] {
    var sum = server.checks.coverage
    sum += other
    return sum.entries
      + zip(Mark.names, reached.counts).map { Coverage.Entry(name: $0, count: UInt64($1)) }
  }

  /// Distinct states of the pool that were seen.
  var digests: Int { server.checks.digests }

  /// The trace with one last draw.
  mutating func unseed() -> UInt64 { trace ^ random.next() }
}
