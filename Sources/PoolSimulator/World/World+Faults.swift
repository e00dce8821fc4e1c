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
    case .stall: stallIsDue = true
    }
  }

  /// Stalls the path of a node when it is told something, where a path is to stall: mostly a word
  /// by which work starts, which so is under way for as long.
  ///
  /// Often for as long as the leader takes to give a node up, what the node says coming out first:
  /// then the leader asks for a report and hears words of before, while an old order may still
  /// arrive. Often the agent looks at its machine meanwhile, and reports what it found unasked.
  mutating func stallPath(of number: Int, before reply: NodeReply) {
    guard stallIsDue, !starts(reply).isEmpty || random.chance(2) else { return }
    stallIsDue = false
    var (up, down) = (random.milliseconds(0...20_000), random.milliseconds(0...20_000))
    if random.chance(70) {
      let silence = Span(ns: plan.loop.missedAfter.ns + plan.pool.silentAfter.ns)
      up = Span(ns: silence.ns + random.milliseconds(-2_000...6_000).ns)
      down = Span(ns: up.ns + random.milliseconds(0...5_000).ns)
    }
    (up, down) = (min(up, Self.longestStall), min(down, Self.longestStall))
    let gap = random.milliseconds(1...200)
    network.stall(.init(from: number, to: Self.leader), until: now + up, gap: gap)
    network.stall(.init(from: Self.leader, to: number), until: now + down, gap: gap)
    tell("the path from node \(number) stalls for \(up.ns) ns, that to it for \(down.ns) ns")
    if random.chance(70) {
      nodes[number].seeTruth(by: now + Span(ns: up.ns - random.milliseconds(0...6_000).ns))
    }
  }

  /// With the time that what is held takes to come out, it is over before the quiet time is.
  private static let longestStall = Span.seconds(40)

  /// The orders of a reply to start work.
  private func starts(_ reply: NodeReply) -> [LeaseOrder] {
    (reply.orders ?? []).filter { order in
      if case .start = order.verb { return true }
      return false
    }
  }

  /// What is found of a machine changes in the moment in which work is to start there.
  mutating func strike(with reply: NodeReply, _ number: Int) {
    guard let order = random.pick(starts(reply)), random.below(1_000) < faults.untimely else {
      return
    }
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
    stallIsDue = false
    network.faults = WorldFaults.none.network
    network.mend()
    for number in nodes.indices { nodes[number].heal(at: now) }
    off = nil
    server.heal(at: now)
  }
}
