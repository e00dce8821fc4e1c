import AgentCore
import PoolAllocator
import PoolLoop

/// The quiet time after the faults, in which what was promised has to come about.
extension World {
  /// How long messages that are under way when the faults stop may take to arrive, and some.
  private static let stragglers = Span.seconds(70)
  /// How long everything may take to end.
  private static let patience = Span.seconds(12_000)
  /// Three signs of life of every agent.
  private static let threeHeartbeats = Span.seconds(15)

  /// Stops faults and callers, waits until all has ended, and checks that nothing is left.
  package mutating func quieten() throws(Violation) {
    clients.isOpen = false
    heal()
    try run(for: Self.stragglers)
    settle()
    let end = now + Self.patience
    while now < end, !isDrained { try run(for: .seconds(5)) }
    guard isDrained else { throw Liveness.violation(leftovers()) }
    try run(for: Self.threeHeartbeats)
    let left = leftovers()
    if !left.isEmpty { throw Liveness.violation(left) }
    try server.disk.readBack()
  }

  /// Operators open every node, enrol those that were forgotten, and a policy comes into force
  /// under which every claim can be served.
  private mutating func settle() {
    guard server.isUp else { return }
    for node in nodes {
      if let id = server.loop.pool.node(named: Names.node(node.number)) {
        server.ask(.uncordon(id))
      } else {
        server.ask(.enrol(node.shape.enrolment(node.number)))
      }
    }
    let next = server.loop.pool.generation.value + 1
    server.ask(
      .activate(PolicyGeneration(next), WorldPolicy.draw(for: plan, isKind: true, &random)))
  }

  private var isDrained: Bool {
    guard server.isUp, server.loop.waiting == 0, server.loop.pool.isEmptied else { return false }
    // Work that no record explains ends by itself.
    return nodes.allSatisfy { !$0.processes.contains(where: \.isStray) }
  }

  /// What should not be there any more, in the pool and on the machines, in words.
  private func leftovers() -> [String] {
    guard server.isUp else { return ["no leader"] }
    var left = server.loop.pool.leftovers()
    for number in nodes.indices {
      for process in nodes[number].processes { left.append("process \(process.fencing.raw)") }
      guard let agent = nodes[number].agent else {
        left.append("agent \(number) is down")
        continue
      }
      for lease in agent.leases {
        left.append("agent \(number): \(lease.fencing.raw) \(lease.state)")
      }
    }
    return left
  }
}
