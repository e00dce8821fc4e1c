import PoolAllocator
import PoolSimulator
import Testing

/// Pool, loop and agents together, while the network and the machines fail.
@Suite struct ClosedLoopTests {
  /// A node that hears nothing ends its work before the pool calls the devices dirty, however its
  /// messages are lost and however the clocks drift: all else is quiet, so nothing else ends it.
  @Test func workEndsByItselfBeforeItsKillDeadline() throws {
    let aim = Scale.cases(release: 200_000, debug: 20_000)
    var (steps, seed) = (0, UInt64(1_000_000))
    var ended = UInt64(0)
    while steps < aim {
      seed += 1
      var random = SeededGenerator(seed: seed)
      var plan = WorldPlan.draw(&random)
      for kind in [Fault.serverCrash, .agentCrash, .reboot, .clockStep, .fencing] {
        plan.faults[kind] = nil
      }
      plan.faults.stubborn = 0
      plan.faults[.partition] = .seconds(random.within(10...60))
      #expect(plan.faults.holdsEnds)
      let outcome = Simulated(seed: seed, steps: 1_500, plan: plan).run()
      if let violation = outcome.violation {
        Issue.record("seed \(seed), step \(outcome.steps): \(violation)")
      }
      steps += outcome.steps
      for entry in outcome.coverage {
        if entry.name == "world.endedAlone" { ended += entry.count }
      }
    }
    print("self-stop: \(steps) steps, \(ended) ended alone")
    #expect(ended > 0, "no work was ever ended by its agent alone")
  }
}
