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
    guard isDrained else { throw leftOver() }
    try run(for: Self.threeHeartbeats)
    if let left = server.leader.first?.pool.leftovers(), !left.isEmpty {
      throw Liveness.violation(left)
    }
    try checkMachines()
    try server.disk.readBack()
  }

  /// Operators open every node, enrol those that were forgotten, and a policy comes into force
  /// under which every claim can be served.
  private mutating func settle() {
    guard server.isUp else { return }
    for node in nodes {
      if let id = server.leader[0].pool.node(named: Names.node(node.number)) {
        server.ask(.uncordon(id))
      } else {
        server.ask(.enrol(node.shape.enrolment(node.number)))
      }
    }
    let next = server.leader[0].pool.generation.value + 1
    server.ask(
      .activate(PolicyGeneration(next), WorldPolicy.draw(for: plan, isKind: true, &random)))
  }

  private var isDrained: Bool { server.isUp && server.leader[0].pool.isEmptied }

  private func leftOver() -> Violation {
    Liveness.violation(server.leader.first?.pool.leftovers() ?? ["no leader"])
  }

  private func checkMachines() throws(Violation) {
    var left: [String] = []
    for node in nodes {
      for process in node.processes { left.append("process \(process.fencing.raw)") }
      for lease in node.agent?.leases ?? [] {
        left.append("agent \(node.number): \(lease.fencing.raw) \(lease.state)")
      }
      if node.agent == nil { left.append("agent \(node.number) is down") }
    }
    if !left.isEmpty { throw Liveness.violation(left) }
  }
}
