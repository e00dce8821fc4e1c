/// A smaller life that shows the same thing.
public struct Shrunk: Sendable {
  /// Steps before the faults stop.
  public var steps: Int
  /// Kinds of faults that it does without, by name.
  public var without: [String]
  /// What it shows.
  public var violation: Violation
  /// Lives that were tried.
  public var tries: Int
}

extension Simulated {
  /// Names of the kinds of faults that a life can do without.
  public static let faultNames = Fault.allCases.map { "\($0)" } + WorldFaults.otherNames

  /// Looks for fewer steps and fewer kinds of faults that break the same invariant.
  ///
  /// Greedy: a kind is left out where that keeps the failure, then steps are halved as long as that
  /// does; not the least there is, but found with a few dozen lives.
  /// - Returns: nil where the life shows nothing.
  public static func shrink(seed: UInt64, steps: Int) -> Shrunk? {
    let first = Simulated(seed: seed, steps: steps).run()
    guard let violation = first.violation else { return nil }
    var best = Shrunk(
      steps: min(steps, first.steps), without: [], violation: violation, tries: 1)
    func attempt(_ steps: Int, _ without: [String]) -> Bool {
      best.tries += 1
      let outcome = Simulated(seed: seed, steps: steps, without: without).run()
      guard let found = outcome.violation, found.invariant == violation.invariant else {
        return false
      }
      best.steps = min(steps, outcome.steps)
      (best.without, best.violation) = (without, found)
      return true
    }
    if best.steps < steps { _ = attempt(best.steps, []) }
    for name in faultNames { _ = attempt(best.steps, best.without + [name]) }
    var cut = best.steps / 2
    while cut > 0 {
      if best.steps - cut > 0, attempt(best.steps - cut, best.without) {
        cut = min(cut, best.steps / 2)
      } else {
        cut /= 2
      }
    }
    return best
  }
}
