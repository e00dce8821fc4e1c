import PoolAllocator
import PoolSimulator
import Testing

/// Pool, loop and agents together, while the network, the disks and the machines fail.
@Suite struct ClosedLoopTests {
  @Test func nothingRunsTwiceAndNothingAcknowledgedIsLost() throws {
    let aim = Scale.cases(release: 200_000, debug: 24_000)
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

  /// A work day under faults, then a quiet time in which all has to come to an end.
  static func live(seed: UInt64) throws -> World {
    var random = SeededGenerator(seed: seed)
    let faults = WorldFaults.draw(&random)
    var world = World(
      seed: seed, faults: faults, nodes: Int(random.within(1...4)), gpus: 2)
    do {
      try world.run(steps: 2_500)
      world.heal()
      world.clients.isOpen = false
      try world.run(for: .seconds(900))
      try world.checkQuiet()
    } catch {
      throw Violation("seed \(seed), step \(world.steps): \(error)")
    }
    return world
  }
}
