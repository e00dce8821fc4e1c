import PoolAllocator
import PoolLoop

/// The course of a scenario: machines come up, work arrives, faults strike, and then all ends.
extension ScenarioWorld {
  /// How long everything may take to be ready, and what is late when the faults stop to arrive.
  private static let settling = Span.seconds(70)
  /// How long everything may take to end.
  private static let patience = Span.seconds(40_000)
  /// Three signs of life of every agent.
  private static let threeHeartbeats = Span.seconds(15)
  /// How often holders look after their leases.
  static let holding = Span.seconds(1)

  mutating func runAll() throws(Violation) {
    server.start(at: now, tells: true)
    try run(for: .seconds(1))
    server.ask(.activate(PolicyGeneration(1), scenario.policy))
    for node in nodes { server.ask(.enrol(node.shape.enrolment(node.number))) }
    try run(for: Self.settling)
    guard server.isUp, server.loop.pool.policy.classes.count == 4 else {
      throw Violation("liveness", "the policy of the scenario did not come into force")
    }
    begin()
    for deed in scenario.deeds { timeline.add(deed.kind, at: moment(deed.at)) }
    for stream in scenario.streams.indices { addArrivals(of: stream) }
    clients.agenda.add(.hold, at: now)
    try run(until: moment(scenario.lasts))
    try quieten()
  }

  private mutating func addArrivals(of stream: Int) {
    let moments = scenario.streams[stream].moments(until: scenario.lasts, &random)
    for span in moments { addJob(of: stream, at: span, root: nil, depth: 0) }
  }

  /// Everything is mended; those who were not served give up; all that was taken in ends.
  private mutating func quieten() throws(Violation) {
    clients.close()
    network.faults = WorldFaults.none.network
    network.mend()
    for number in nodes.indices { nodes[number].heal(at: now) }
    server.heal(at: now)
    try run(for: Self.settling)
    for node in nodes {
      if server.isUp, let id = server.loop.pool.node(named: Names.node(node.number)) {
        server.ask(.uncordon(id))
      }
    }
    let end = now + Self.patience
    while now < end, !isDrained { try run(for: .seconds(5)) }
    guard isDrained else { throw leftOver() }
    try run(for: Self.threeHeartbeats)
    let left = server.isUp ? server.loop.pool.leftovers() : ["no leader"]
    if !left.isEmpty {
      throw Liveness.violation(left)
    }
    for node in nodes where !node.processes.isEmpty {
      throw Liveness.violation(["\(node.processes.count) processes on node \(node.number)"])
    }
    try server.disk.readBack()
  }

  private var isDrained: Bool { server.isUp && server.loop.pool.isEmptied }

  private func leftOver() -> Violation {
    Liveness.violation(server.isUp ? server.loop.pool.leftovers() : ["no leader"])
  }

  // MARK: deeds

  mutating func perform(_ deed: ScenarioDeed.Kind) throws(Violation) {
    switch deed {
    case .nodeCrash(let node): crashMachine(node)
    case .nodeReturn(let node): nodes[node].hold(false)
    case .agentCrash(let node): crashAgent(node)
    case .cut(let node, let direction): cut(node, direction, true)
    case .mend(let node, let direction): cut(node, direction, false)
    case .deviceFails(let node, let device): nodes[node].breakDevice(device, at: now)
    case .devicesWork(let node): nodes[node].breakDevice(nil, at: now)
    case .instancesVanish(let node): nodes[node].vanish(at: now)
    case .allocatorRestart: try crashServer()
    case .clockStep(let span): server.stepClock(span)
    case .network(let faults): network.faults = faults
    case .heal:
      network.faults = NetworkFaults()
      network.mend()
    case .activate(let policy):
      generation += 1
      order(.activate(PolicyGeneration(generation), policy), deed)
      if !server.isUp { generation -= 1 }
    default: operate(deed)
    }
  }

  private mutating func operate(_ deed: ScenarioDeed.Kind) {
    switch deed {
    case .dependency(let key, let state): order(.reportDependency(key, state), deed)
    case .measured(let measurement): order(.signal(.measured(measurement)), deed)
    case .restrict(let kind, let key, let measure, let span):
      let restriction = measure.map {
        Restriction(
          measure: $0, until: poolNow + span, by: Names.principal(0), because: Names.text(0))
      }
      order(.restrict(kind, key, restriction), deed)
    case .cordon(let node): orderNode(node, deed) { .cordon($0) }
    case .uncordon(let node): orderNode(node, deed) { .uncordon($0) }
    case .drain(let node, let span):
      let deadline = poolNow + span
      orderNode(node, deed) { .drain($0, deadline: deadline) }
    default: break
    }
  }

  private mutating func orderNode(
    _ node: Int, _ deed: ScenarioDeed.Kind, _ command: (NodeID) -> Command
  ) {
    guard let id = server.disk.pool.node(named: Names.node(node)) else { return }
    order(command(id), deed)
  }

  /// An operator gives an order, again a second later where the allocator is down.
  private mutating func order(_ command: Command, _ deed: ScenarioDeed.Kind) {
    guard server.isUp else { return timeline.add(deed, at: now + .seconds(1)) }
    server.ask(command)
  }

  private mutating func cut(_ node: Int, _ direction: ScenarioDeed.Direction, _ isCut: Bool) {
    if direction != .toNode { network.cut(.init(from: node, to: World.leader), isCut) }
    if direction != .fromNode { network.cut(.init(from: World.leader, to: node), isCut) }
  }
}
