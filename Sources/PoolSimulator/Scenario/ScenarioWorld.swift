import PoolAllocator
import PoolLoop

/// The parts of `World` on a stated course: the leader with its disk, a network, agents with their
/// machines, and callers that ask for what a scenario says.
struct ScenarioWorld {
  let scenario: Scenario
  var random: SeededGenerator
  /// True time.
  private(set) var now = Instant(ns: 1_000_000_000_000)
  /// When second 0 is.
  private(set) var began = Instant.origin
  var network: LossyNetwork<Packet>
  var server: WorldServer
  var nodes: [WorldNode]
  var clients = ScenarioClients()
  var life: WorldLife
  var timeline = Agenda<ScenarioDeed.Kind>()
  /// Steps so far.
  private(set) var steps = 0
  /// The last records in words, where somebody asked for them.
  private(set) var story: [String] = []
  /// The generation of the policy that has to be in force.
  var generation: UInt32 = 1
  private var trace: UInt64 = 0
  private var reached = Reached()
  private let tells: Bool
  private let holdsEnds: Bool
  /// Pool time of the last command, and when that was.
  private var poolSeen = (pool: Instant.origin, at: Instant.origin)
  private var turnsAtOnce = (from: Instant.origin, count: 0)

  init(_ scenario: Scenario, seed: UInt64, tells: Bool) {
    self.scenario = scenario
    self.tells = tells
    random = SeededGenerator(seed: seed)
    network = LossyNetwork(seed: seed ^ 0x5EED)
    let plan = Self.plan(of: scenario)
    life = plan.life
    server = WorldServer(plan: plan, random: &random)
    server.tally = ScenarioTally()
    nodes = []
    for (number, shape) in plan.nodes.enumerated() {
      nodes.append(WorldNode(number: number, shape: shape, at: now, random: &random))
    }
    holdsEnds = !scenario.deeds.contains(where: \.mayOutlast)
  }

  private static func plan(of scenario: Scenario) -> WorldPlan {
    WorldPlan(
      nodes: scenario.machines.map(\.shape), tenants: scenario.policy.tenants.count,
      faults: .none, pool: scenario.limits, loop: LoopLimits(),
      life: WorldLife(
        pace: .seconds(1), weights: [], runtime: 0, works: 0, crowd: 0, isDeep: false,
        isOdd: false, spans: [:]),
      journalPart: 1_024)
  }

  /// The moment of a span from second 0.
  func moment(_ span: Span) -> Instant { began + span }

  /// Whether work still arrives.
  var isOpen: Bool { began != .origin && now < moment(scenario.lasts) }

  /// Pool time now, as the leader would have it.
  var poolNow: Instant { poolSeen.pool + (now - poolSeen.at) }

  // MARK: time

  /// Runs for a span.
  mutating func run(for span: Span) throws(Violation) { try run(until: now + span) }

  /// Runs until a moment.
  mutating func run(until end: Instant) throws(Violation) {
    while let next = nextMoment(), next <= end { try turn(next) }
    now = max(now, end)
  }

  private func nextMoment() -> Instant? {
    var next = min(server.due, network.next?.ns ?? .max)
    next = min(next, clients.agenda.first?.ns ?? .max, timeline.first?.ns ?? .max)
    for index in nodes.indices { next = min(next, nodes[index].due) }
    return next == .max ? nil : Instant(ns: next)
  }

  private mutating func turn(_ next: Instant) throws(Violation) {
    if next >= turnsAtOnce.from + Span(ns: 1_000_000) { turnsAtOnce = (next, 0) }
    turnsAtOnce.count += 1
    if turnsAtOnce.count > 5_000 {
      throw Violation("liveness", "somebody wants to be called again and again")
    }
    now = max(now, next)
    while let deed = timeline.popFirst(at: now) {
      happened(.callers)
      try perform(deed)
    }
    while let (link, packet) = network.receive(at: now) { try deliver(packet, link) }
    while let act = clients.agenda.popFirst(at: now) {
      happened(.callers)
      perform(act)
    }
    let hasStarted = try runNodes()
    var hasRun = false
    if server.due <= now.ns { hasRun = try runServer() }
    if hasStarted || hasRun { try server.checkAreKnown(nodes, holdsEnds: holdsEnds) }
  }

  // MARK: who acts

  private mutating func runNodes() throws(Violation) -> Bool {
    var hasStarted = false
    for number in nodes.indices where nodes[number].due <= now.ns {
      happened(.agent(number))
      let message = try nodes[number].act(
        at: now, life: life, stubborn: 0, &reached, &random)
      if let message {
        network.send(.message(message), over: .init(from: number, to: World.leader), at: now)
      }
      guard nodes[number].hasStarted else { continue }
      hasStarted = true
      nodes[number].hasStarted = false
      try ProcessCheck.check(nodes[number].processes, on: nodes[number].devices)
    }
    return hasStarted
  }

  private mutating func runServer() throws(Violation) -> Bool {
    happened(.leader)
    let output = try server.act(at: now, &reached, &random)
    steps += output.records
    for (number, reply) in output.replies {
      network.send(.reply(reply), over: .init(from: World.leader, to: number), at: now)
    }
    for answer in output.answers where answer.number > 0 {
      network.send(.answer(answer), over: .init(from: World.leader, to: World.callers), at: now)
    }
    if tells { tell(output.told) }
    if server.isUp {
      let pool = server.loop.pool.now
      if pool != poolSeen.pool { poolSeen = (pool, now) }
    }
    noteGrants()
    return output.hasRun
  }

  private mutating func tell(_ lines: [String]) {
    story += lines.map { "\((now - began).ns / 1_000_000_000) s: \($0)" }
    if story.count > 200 { story.removeFirst(100) }
  }

  /// Work that is granted runs for what of it is not saved; an agent's work calls others.
  private mutating func noteGrants() {
    guard let granted = server.tally?.granted, !granted.isEmpty else { return }
    server.tally?.granted = []
    for (number, saved) in granted {
      let job = clients.jobs[number]
      let isSaving = scenario.streams[job.stream].client.savesWork
      let left = isSaving ? max(1_000_000, job.runs.ns - saved.ns) : job.runs.ns
      life.spans?[Names.claim(number)] = Span(ns: left)
      if !job.hasStarted {
        clients.jobs[number].hasStarted = true
        spawn(from: number)
      }
    }
  }

  private mutating func deliver(
    _ packet: Packet, _ link: LossyNetwork<Packet>.Link
  ) throws(Violation) {
    happened(.packet(from: link.from, to: link.to))
    switch packet {
    case .message(let message): _ = server.take(message, from: link.from, at: now)
    case .reply(let reply): nodes[link.to].take(reply, at: now)
    case .request(let request): server.take(request)
    case .answer(let answer):
      server.checks.promise(record: answer.record)
      try take(answer)
    }
  }

  private mutating func happened(_ what: Happening) {
    steps += 1
    trace.mix(UInt64(bitPattern: now.ns) ^ what.word)
  }

  /// The trace with one last draw.
  mutating func unseed() -> UInt64 { trace ^ random.next() }

  // MARK: faults that need what only this file may touch

  mutating func crashServer() throws(Violation) { try server.crash(at: now, &reached, &random) }

  mutating func crashAgent(_ number: Int) {
    nodes[number].crashAgent(at: now, &reached, &random)
  }

  mutating func crashMachine(_ number: Int) {
    nodes[number].reboot(at: now, &reached, &random)
    nodes[number].hold(true)
  }

  /// Second 0 is now.
  mutating func begin() {
    began = now
    let moment = poolNow
    server.tally?.begin(at: moment)
    if tells { story = [] }
  }
}
