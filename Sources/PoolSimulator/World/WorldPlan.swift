package import PoolAllocator
package import PoolLoop

/// What one seed's world is: its size, its faults, its bounds, and how lively its callers are.
package struct WorldPlan: Sendable {
  /// The machines.
  package var nodes: [NodeShape]
  /// Tenants.
  package var tenants: Int
  /// What goes wrong.
  package var faults: WorldFaults
  /// Bounds of the pool.
  package var pool: Limits
  /// Bounds of the loop.
  package var loop: LoopLimits
  /// How callers live.
  package var life: WorldLife
  /// Records of one part of the journal. Unit: records.
  package var journalPart: Int
  /// How long a write of its disk may take at most, where it is slow; nil: it is not.
  package var slowDisk: Span?
  /// Whether its policies choose places by the value of offers, most of them.
  package var scoresOffers = false

  /// Draws a world.
  package static func draw(_ random: inout SeededGenerator) -> WorldPlan {
    let count = random.chance(70) ? Int(random.within(1...6)) : Int(random.within(7...16))
    let isSlow = random.chance(15)
    var life = WorldLife.draw(&random)
    if isSlow { life.weights[Deed.decide.rawValue] = 60 + random.number(60) }
    return WorldPlan(
      nodes: (0..<count).map { _ in NodeShape.draw(&random) },
      tenants: Int(random.within(1...4)), faults: .draw(&random), pool: limits(&random),
      loop: loopLimits(isSlow, &random),
      life: life, journalPart: Int(random.within(64...1_024)),
      slowDisk: isSlow ? random.milliseconds(300...1_500) : nil)
  }

  /// Has paths stall now and then; in most of these worlds a node is given up soon, so that what
  /// was held comes out after that.
  mutating func addStalls(_ random: inout SeededGenerator) {
    faults[.stall] = random.seconds(2...30)
    guard random.chance(70) else { return }
    loop.missedAfter = random.seconds(5...8)
    pool.silentAfter = random.seconds(1...4)
  }

  private static func limits(_ random: inout SeededGenerator) -> Limits {
    var limits = Limits()
    limits.queuedClaims = Int(random.within(10...60))
    limits.queuedClaimsPerTenant = Int(random.within(5...40))
    limits.claims = Int(random.within(60...160))
    limits.leases = 300
    limits.liveClaimsPerWorkflow = Int(random.within(4...30))
    limits.budgets = 12
    limits.delegationMemory = random.seconds(20...200)
    limits.quotes = Int(random.within(8...30))
    limits.quoteMemory = random.seconds(5...60)
    limits.silentAfter = random.seconds(2...30)
    limits.stepsPerTick = Int(random.within(1...64))
    if random.chance(20) { limits.identities = Int(random.within(6...12)) }
    return limits
  }

  /// - Parameter isSlow: whether the disk is slow; then batches are small, so that what comes in
  ///   has to wait.
  private static func loopLimits(
    _ isSlow: Bool, _ random: inout SeededGenerator
  ) -> LoopLimits {
    var limits = LoopLimits()
    limits.batchCommands = Int(random.within(8...(isSlow ? 12 : 300)))
    limits.newsPerMessage = Int(random.within(1...8))
    limits.commandsPerTick = Int(random.within(1...16))
    limits.remembered = Int(random.within(1...64))
    limits.idleTick = random.seconds(5...600)
    limits.missedAfter = random.seconds(5...15)
    limits.pollWait = random.seconds(1...4)
    return limits
  }
}

/// How the callers of a world live.
package struct WorldLife: Sendable {
  /// Mean time between two deeds.
  package var pace: Span
  /// How often each kind of deed comes beside the others, by `Deed`.
  package var weights: [Int]
  /// Longest runtime that most claims ask for. Unit: seconds.
  package var runtime: Int64
  /// Longest time that work really takes. Unit: seconds.
  package var works: Int64
  /// Claims alive above which callers hold back.
  package var crowd: Int
  /// Whether delegations are given on one after the other, of little.
  package var isDeep: Bool
  /// Whether some commands are malformed, or name what is not there.
  package var isOdd: Bool
  /// The kind of hardware that most claims ask for, by its place in the list; nil: any.
  package var favours: Int?
  /// Whether claims are short and urgent, or long and may be interrupted.
  package var isPressing = false
  /// How long the work of a claim runs, where that is told: then all of it starts, listens and
  /// ends well. Looked up, never iterated.
  package var spans: [Key: Span]?

  /// How long the work of a claim runs; nil: it is drawn.
  func span(of claim: Key?) -> Span? { claim.flatMap { spans?[$0] } }

  static func draw(_ random: inout SeededGenerator) -> WorldLife {
    var weights = Deed.allCases.map { deed in
      random.chance(70) ? Int(random.within(1...10)) * deed.usual : 0
    }
    weights[Deed.submit.rawValue] = 60 + random.number(300)
    weights[Deed.renew.rawValue] = 60 + random.number(200)
    let themes = Deed.themes
    if random.chance(50) {
      for deed in themes[random.number(themes.count)] {
        weights[deed.rawValue] = 40 + random.number(100)
      }
    }
    var life = WorldLife(
      pace: random.milliseconds(15...400), weights: weights,
      runtime: random.within(20...400),
      works: random.chance(25) ? random.within(90...300) : random.within(5...90),
      crowd: Int(random.within(4...90)), isDeep: random.chance(20), isOdd: random.chance(60),
      favours: random.chance(40) ? random.number(5) : nil, isPressing: random.chance(25))
    guard life.isPressing else { return life }
    // Long work fills what there is, so that the urgent has to take it.
    (life.favours, life.works, life.crowd) = (0, random.within(60...200), 90)
    life.pace = random.milliseconds(15...150)
    return life
  }

  /// Draws what is done next.
  func deed(_ random: inout SeededGenerator) -> Deed {
    var place = random.number(weights.reduce(0, +))
    for deed in Deed.allCases {
      place -= weights[deed.rawValue]
      if place < 0 { return deed }
    }
    return .submit
  }
}

/// What callers and operators do.
package enum Deed: Int, CaseIterable, Sendable {
  case submit, quote, redeem, renew, checkpoint, release, cancel, decide, delegate, revoke
  case restrict, signal, dependency, emergency, duty, activate, forget, repeated, renamed, odd

  /// What some lives are full of: few of these do not lead where many do.
  fileprivate static var themes: [[Deed]] {
    [
      [.quote, .redeem, .activate], [.quote, .redeem, .forget],
      [.decide], [.activate, .checkpoint],
      [.delegate, .revoke],
      [.checkpoint, .release],
      [.duty, .forget], [.restrict, .cancel], [.repeated, .renamed], [.emergency, .signal],
    ]
  }

  /// How often it is done where it is done as often as any.
  fileprivate var usual: Int {
    switch self {
    case .submit, .renew: 1
    case .quote, .redeem, .checkpoint, .release, .decide, .delegate: 3
    case .cancel, .repeated, .duty, .restrict: 2
    case .revoke, .signal, .dependency, .emergency, .activate, .forget, .renamed, .odd: 1
    }
  }
}
