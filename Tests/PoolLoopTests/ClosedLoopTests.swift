import PoolAllocator
import PoolSimulator
import Testing

/// Pool, loop and agents together, while the network, the disks and the machines fail.
@Suite struct ClosedLoopTests {
  @Test func nothingRunsTwiceAndNothingAcknowledgedIsLost() throws {
    let aim = Scale.cases(release: 200_000, debug: 60_000)
    var steps = 0
    var seed: UInt64 = 0
    var seen: [String: Int] = [:]
    while steps < aim {
      seed += 1
      let world = try Self.live(seed: seed)
      steps += world.steps
      for (what, count) in world.counts { seen[what, default: 0] += count }
      for node in world.nodes {
        for (refusal, count) in node.refusals { seen["\(refusal)", default: 0] += count }
        for (action, count) in node.actions { seen[action, default: 0] += count }
      }
      seen["claim", default: 0] += world.clients.count
      seen["repeat", default: 0] += world.clients.repeats
    }
    print("closed loop: \(steps) steps, \(seed) seeds,", seen.sorted { $0.key < $1.key })
    for what in [
      "server crash", "agent crash", "reboot", "one-way cut", "clock step", "device fault", "start",
      "stop", "kill", "inspect", "claim", "repeat", "replyLate",
    ] {
      #expect(seen[what, default: 0] > 0, "\(what) never happened")
    }
  }

  /// A node that hears nothing ends its work before the pool calls the devices dirty, however its
  /// messages are lost and however the clocks drift: all else is quiet, so nothing else ends it.
  @Test func workEndsByItselfBeforeItsKillDeadline() throws {
    let aim = Scale.cases(release: 100_000, debug: 20_000)
    var (steps, seed, ended, overstayed) = (0, UInt64(1_000_000), 0, 0)
    while steps < aim {
      seed += 1
      var random = SeededGenerator(seed: seed)
      var faults = WorldFaults.draw(&random)
      (faults.agentCrash, faults.reboot, faults.stubborn) = (nil, nil, 0)
      (faults.serverCrash, faults.clockStep) = (nil, nil)
      faults.partition = .seconds(random.within(10...60))
      #expect(faults.holdsEnds)
      let world = try Self.live(seed: seed, faults)
      steps += world.steps
      ended += world.nodes.reduce(0) { $0 + $1.endedAlone }
      overstayed += world.server.overstays
    }
    print("self-stop: \(steps) steps, \(ended) ended alone, \(overstayed) heard of too late")
    #expect(ended > 0, "no work was ever ended by its agent alone")
    #expect(overstayed > 0, "no kill deadline ever passed unheard")
  }

  static func live(seed: UInt64) throws -> World {
    var random = SeededGenerator(seed: seed)
    return try live(seed: seed, WorldFaults.draw(&random))
  }

  /// A work day under faults, then a quiet time in which all has to come to an end.
  static func live(seed: UInt64, _ faults: WorldFaults) throws -> World {
    var random = SeededGenerator(seed: ~seed)
    var world = World(
      seed: seed, faults: faults, nodes: Int(random.within(1...4)), gpus: 2)
    do {
      try world.run(steps: 1_500)
      world.heal()
      world.clients.isOpen = false
      try world.run(for: .seconds(700))
      try world.checkQuiet()
    } catch {
      throw Violation("seed \(seed), step \(world.steps): \(error)")
    }
    return world
  }
}
