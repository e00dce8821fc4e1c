import PoolAllocator
import PoolLoop

/// What goes wrong, and how it stops.
extension World {
  mutating func strike(_ kind: Fault) throws(Violation) {
    if let mark = Mark(rawValue: kind.rawValue) { reached.note(mark) }
    let victim = random.number(nodes.count)
    switch kind {
    case .serverCrash: try server.crash(at: now, &reached, &random)
    case .agentCrash: nodes[victim].crashAgent(at: now, &reached, &random)
    case .reboot: nodes[victim].reboot(at: now, &reached, &random)
    case .partition:
      let isOut = random.chance(50)
      let link =
        isOut
        ? LossyNetwork<Packet>.Link(from: victim, to: Self.leader)
        : LossyNetwork<Packet>.Link(from: Self.leader, to: victim)
      network.cut(link, random.chance(50))
    case .clockStep:
      server.stepClock(Span(ns: random.within(-7_200_000_000_000...7_200_000_000_000)))
    case .deviceFault: nodes[victim].breakDevice(at: now, &random)
    case .lie:
      nodes[victim].bendAccount(at: now, &random)
      nodes[victim].seeTruthSoon(at: now, &random)
    case .vanish:
      nodes[victim].vanish(at: now)
      nodes[victim].seeTruthSoon(at: now, &random)
    case .fencing: vouch(victim)
    case .burst: burst()
    }
  }

  /// What is found of a machine changes in the moment in which work is to start there.
  mutating func strike(with reply: NodeReply, _ number: Int) {
    let starts = (reply.orders ?? []).filter { order in
      if case .start = order.verb { return true }
      return false
    }
    guard let order = random.pick(starts), random.below(1_000) < faults.untimely else { return }
    if random.chance(50) {
      nodes[number].breakDevice(named: order.devices.last?.device, at: now)
    } else {
      nodes[number].bendAccount(at: now, &random)
      // Often the device that is to be used has less memory than was thought.
      if random.chance(50) { nodes[number].halve(order.devices.last?.device, at: now) }
      nodes[number].seeTruthSoon(at: now, &random)
    }
  }

  /// An operator turns a machine off, vouches that nothing lives on it, and turns it on once that
  /// is taken in: the machine stays off for as long as the word may be under way.
  private mutating func vouch(_ victim: Int) {
    guard var held = off else {
      nodes[victim].reboot(at: now, &reached, &random)
      nodes[victim].hold(true)
      off = Off(node: victim)
      return
    }
    if let asked = held.asked {
      guard asked + .seconds(30) <= now else { return }
      nodes[held.node].hold(false)
      off = nil
    } else if server.isUp,
      let id = server.loop.pool.node(named: Names.node(held.node))
    {
      server.ask(.fence(id))
      held.asked = now
      off = held
    }
  }

  /// A machine that an operator keeps off.
  struct Off: Sendable {
    var node: Int
    /// When it was vouched for.
    var asked: Instant?
  }

  /// Nothing goes wrong any more; what was broken is whole again.
  package mutating func heal() {
    stopFaults()
    network.faults = WorldFaults.none.network
    network.mend()
    for number in nodes.indices { nodes[number].heal(at: now) }
    off = nil
    server.heal(at: now)
  }
}
