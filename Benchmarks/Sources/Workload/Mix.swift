import CAllocations
import PoolAllocator

/// The whole mix in a pool that is kept nearly full.
package enum Mix {
  /// What came of some rounds.
  package struct Result: Sendable {
    /// Claims that were granted in one second of a core. Unit: pairs per second, one a round.
    package var rates: [Double] = []
    /// The bare index in the same rounds. Unit: nanoseconds a pair.
    package var floors: [Double] = []
    /// Calls of the C library's allocation functions. Unit: calls a pair.
    package var allocations = 0.0
    /// Claims that were not granted at once. Unit: claims a pair.
    package var refused = 0.0
    /// Leases at the end.
    package var leases = 0
    /// Claims that wait at the end.
    package var waiting = 0
    /// Thousandths in use at the end.
    package var full = 0
    /// Times of single commands, of rounds of their own.
    package var stopwatch = Stopwatch(limit: 0)
  }

  /// Rounds of turns; each round is followed by one of the floor.
  /// - Parameter waiting: claims for eight GPUs that wait all the while.
  package static func run(
    on stage: FleetStage, waiting: Int, pairs: Int, rounds: Int, beside floors: Floors
  ) -> Result {
    var result = Result()
    stage.fleet.journal = nil
    stage.fleet.queue(waiting)
    // Who waits takes nodes over first; then it goes on as it will.
    turns(waiting > 0 ? 2 * pairs : pairs / 4, on: stage)
    for _ in 0..<rounds {
      let before = (stage.fleet.admitted, stage.fleet.refused, allocations_made())
      let start = processorNanoseconds()
      let done = turns(pairs, on: stage)
      result.rates.append(Double(done) * 1e9 / Double(processorNanoseconds() - start))
      result.allocations = Double(allocations_made() - before.2) / Double(done)
      result.refused = Double(stage.fleet.refused - before.1) / Double(done)
      result.floors.append(floors.run(.bareIndex, operations: pairs))
    }
    stage.fleet.stopwatch = Stopwatch(limit: 1_000_000)
    turns(pairs, on: stage)
    if let stopwatch = stage.fleet.stopwatch { result.stopwatch = stopwatch }
    stage.fleet.stopwatch = nil
    result.leases = stage.fleet.leases
    result.waiting = stage.fleet.pool.waitingClaims
    result.full = stage.fleet.fullness()
    return result
  }

  /// Turns until so many claims were granted.
  @discardableResult
  private static func turns(_ pairs: Int, on stage: FleetStage) -> Int {
    let before = stage.fleet.admitted
    while stage.fleet.admitted - before < pairs { stage.fleet.turn() }
    return stage.fleet.admitted - before
  }
}
