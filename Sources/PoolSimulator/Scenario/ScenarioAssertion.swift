public import PoolAllocator

/// A figure of a scenario.
public enum ScenarioMeasure: Hashable, Sendable {
  /// Time from being taken in to the first lease: what so many of a hundred claims waited at most,
  /// by nearest rank; of one that never had a lease, to its end. Unit: seconds.
  case wait(percent: Int)
  /// The same from the first request, refusals and coming back included.
  case delay(percent: Int)
  /// Claims that started after the moment that they were told when they were queued, though
  /// nothing voided it.
  case overBound
  /// Claims that arrived.
  case arrived
  /// Requests that were sent for them.
  case requests
  /// Answers that refused them.
  case refusals
  /// Claims that were never taken in. Unit: hundredths of those that arrived.
  case refusedPercent
  /// Claims that were done.
  case completed
  /// The same in hundredths of those that arrived.
  case completedPercent
  /// Claims that were taken in and neither done nor withdrawn by who asked.
  case lost
  /// Claims that had a lease, in the lane where one is named.
  case granted
  /// Claims that took a rung. Unit: hundredths of those that were taken in.
  case degradedPercent
  /// The deepest rung that was taken; 0: none was.
  case deepestRung
  /// Leases that a more urgent class took.
  case preempted
  /// Leases that owners of lanes took back.
  case reclaimed
  /// Leases that ended with their node.
  case nodeLost
  /// The longest time from a lane's owner asking for a lease to its end. Unit: seconds.
  case reclaimMax
  /// The longest time for which the guarantee of a lane was short. Unit: seconds.
  case impairedMax
  /// Claims that lived at once.
  case liveMax
  /// What they paid. Unit: GPU-seconds.
  case charged
  /// The strongest pressure of a pool: 0 normal, 1 elevated, 2 saturated, 3 emergency.
  case pressure
}

/// A figure and what it has to be.
public struct ScenarioAssertion: Sendable {
  /// Which side of the limit is allowed.
  public enum Side: Sendable {
    /// At most the limit.
    case atMost
    /// At least the limit.
    case atLeast
  }

  /// What it says, for people.
  public var name: String
  /// The figure.
  public var measure: ScenarioMeasure
  /// Streams whose claims count, by their place in `Scenario.streams`.
  public var streams: [Int]
  /// Claims count that arrived from this moment on.
  public var from = Span.zero
  /// Claims count that arrived before this moment; nil: all.
  public var until: Span?
  /// The lane that is meant, where a measure is of one.
  public var lane: Key?
  /// The pool that is meant, where a measure is of one.
  public var pool: Key?
  /// The allowed side.
  public var side: Side
  /// The limit. Unit: thousandths.
  public var limit: Int64

  /// Makes an assertion on all claims of some streams.
  public init(
    name: String, measure: ScenarioMeasure, streams: [Int], side: Side, limit: Int64
  ) {
    self.name = name
    self.measure = measure
    self.streams = streams
    self.side = side
    self.limit = limit
  }

  /// Compares its figure with its limit.
  func check(_ tally: ScenarioTally) -> ScenarioOutcome.Line {
    let figure = self.figure(tally)
    let holds = figure.map { side == .atMost ? $0 <= limit : $0 >= limit } ?? false
    return ScenarioOutcome.Line(
      name: name, measure: measure, figure: figure, side: side, limit: limit, holds: holds,
      ends: measure == .lost ? ends(tally) : [])
  }

  /// The claims that count.
  private func chosen(_ tally: ScenarioTally) -> [ScenarioFate] {
    tally.fates.filter { fate in
      streams.contains(fate.stream) && fate.arrives >= from
        && (until.map { fate.arrives < $0 } ?? true)
    }
  }

  /// How those ended that were lost; nil: not at all.
  private func ends(_ tally: ScenarioTally) -> [(end: ClaimEnd?, count: Int)] {
    let lost = chosen(tally).filter(\.isLost)
    let kinds: [ClaimEnd?] = ClaimEnd.allCases.map { $0 } + [nil]
    return kinds.map { kind in (kind, lost.filter { $0.end == kind }.count) }
      .filter { $0.1 > 0 }
  }

  /// The figure in thousandths; nil where nothing is there to be measured.
  private func figure(_ tally: ScenarioTally) -> Int64? {
    let chosen = self.chosen(tally)
    func count(_ number: Int) -> Int64 { Int64(number) * 1_000 }
    func sum(_ part: (ScenarioFate) -> Int) -> Int64 { count(chosen.reduce(0) { $0 + part($1) }) }
    func percent(_ part: Int, of whole: Int) -> Int64? {
      whole == 0 ? nil : Int64(part) * 100_000 / Int64(whole)
    }
    func taken() -> [ScenarioFate] { chosen.filter { $0.submitted != nil } }
    switch measure {
    case .wait(let percent): return rank(percent, taken().map { wait($0, tally) })
    case .delay(let percent): return rank(percent, chosen.map { delay($0, tally) })
    case .overBound:
      guard chosen.contains(where: { $0.bound != nil }) else { return nil }
      return count(chosen.filter(\.isOverBound).count)
    case .arrived: return count(chosen.count)
    case .requests: return sum(\.requests)
    case .refusals: return sum(\.refusals)
    case .refusedPercent: return percent(chosen.filter(\.isRefused).count, of: chosen.count)
    case .completed: return count(chosen.filter { $0.end == .completed }.count)
    case .completedPercent:
      return percent(chosen.filter { $0.end == .completed }.count, of: chosen.count)
    case .lost: return count(chosen.filter(\.isLost).count)
    case .granted:
      return count(
        chosen.filter { fate in
          lane.map { fate.lanes.contains($0) } ?? (fate.granted != nil)
        }.count)
    case .degradedPercent:
      return percent(taken().filter { $0.rung > 0 }.count, of: taken().count)
    case .deepestRung: return count(Int(chosen.map(\.rung).max() ?? 0))
    case .preempted: return sum(\.preempted)
    case .reclaimed: return sum(\.reclaimed)
    case .nodeLost: return sum(\.nodeLost)
    case .reclaimMax:
      return chosen.contains { $0.reclaimed > 0 }
        ? milliUp(chosen.map(\.longestReclaim).max() ?? 0) : nil
    case .impairedMax: return lane.map { milliUp(tally.impaired($0)) }
    case .liveMax: return count(Self.mostAtOnce(chosen, tally.now))
    case .charged: return chosen.reduce(0) { $0 + $1.charged } / 1_000
    case .pressure:
      return count(Int(tally.pressures.first { $0.pool == pool }?.level.rawValue ?? 0))
    }
  }

  /// Nanoseconds in thousandths of a second, rounded up.
  private func milliUp(_ ns: Int64) -> Int64 { (ns + 999_999) / 1_000_000 }

  private func rank(_ percent: Int, _ values: [Int64]) -> Int64? {
    guard !values.isEmpty else { return nil }
    let place = (values.count * percent + 99) / 100
    return milliUp(values.sorted()[max(0, place - 1)])
  }

  private func wait(_ fate: ScenarioFate, _ tally: ScenarioTally) -> Int64 {
    let end = fate.granted ?? fate.ended ?? tally.now
    return max(0, end.ns - (fate.submitted ?? end).ns)
  }

  private func delay(_ fate: ScenarioFate, _ tally: ScenarioTally) -> Int64 {
    let end = fate.granted ?? fate.ended ?? tally.now
    return max(0, end.ns - (tally.began + fate.arrives).ns)
  }

  private static func mostAtOnce(_ fates: [ScenarioFate], _ now: Instant) -> Int {
    var steps: [(at: Int64, change: Int)] = []
    for fate in fates {
      guard let submitted = fate.submitted else { continue }
      steps.append((submitted.ns, 1))
      steps.append(((fate.ended ?? now).ns, -1))
    }
    // Who leaves at a moment makes room for who comes then.
    steps.sort { ($0.at, $0.change) < ($1.at, $1.change) }
    var (live, most) = (0, 0)
    for step in steps {
      live += step.change
      most = max(most, live)
    }
    return most
  }
}
