package import PoolAllocator
import PoolLoop

/// The production pool, loop, journal and agents, coupled by a network that fails, on disks that
/// lose what was not written, in virtual time. Ground truth is the processes; nobody but the checks
/// sees it.
///
/// A *step* is one command that was applied, made durable, folded and checked, or one happening of
/// the world: a packet that arrives, a turn of an agent, a leader or a caller, a fault.
package struct World {
  /// Places in the network; nodes are 0 and on.
  static let leader = -1
  static let callers = -2

  package let plan: WorldPlan
  var random: SeededGenerator
  /// True time.
  package private(set) var now = Instant(ns: 1_000_000_000_000)
  private(set) var faults: WorldFaults
  /// Whether nothing is on from the start that may have work outlast its kill deadline.
  private let holdsEnds: Bool
  var network: LossyNetwork<Packet>
  var server: WorldServer
  var nodes: [WorldNode]
  var clients = WorldClients()
  /// Steps so far.
  package private(set) var steps = 0
  /// What was met.
  package var reached = Reached()
  /// Of all happenings in order; equal runs have equal ones.
  package private(set) var trace: UInt64 = 0
  /// The last happenings in words, where somebody asked for them.
  package private(set) var story: Story?

  private var nextFault: [Instant]
  /// The least of those that are on. Unit: nanoseconds.
  private var faultDue = Int64.max
  /// Whether the path of a node is to stall when it is told something.
  var stallIsDue = false
  /// The machine that an operator keeps off.
  var off: Off?
  /// The leadership that was told what there is.
  private var toldEpoch: UInt32 = 0
  /// Turns of the present millisecond, and when it began.
  private var turnsAtOnce = 0
  private var began = Instant.origin

  /// Makes a world.
  /// - Parameter tells: whether the last happenings are kept in words.
  package init(seed: UInt64, plan: WorldPlan, tells: Bool = false) {
    self.plan = plan
    random = SeededGenerator(seed: seed)
    faults = plan.faults
    holdsEnds = plan.faults.holdsEnds
    network = LossyNetwork(seed: seed ^ 0x5EED)
    network.faults = faults.network
    server = WorldServer(plan: plan, random: &random)
    nodes = []
    for (number, shape) in plan.nodes.enumerated() {
      nodes.append(WorldNode(number: number, shape: shape, at: now, random: &random))
    }
    nextFault = Array(repeating: now, count: Fault.allCases.count)
    if tells { story = Story() }
    server.start(at: now, tells: tells)
    for kind in Fault.allCases { schedule(kind) }
  }

  /// Time as the leader has it, which clocks that were set may have moved on.
  var poolTime: Instant { server.isUp ? server.loop.pool.now : now }

  /// Enrols every node and puts a first policy in force, once for each leadership that knows none.
  private mutating func setUp() {
    guard server.loop.epoch != toldEpoch else { return }
    toldEpoch = server.loop.epoch
    // Somebody is too early.
    if random.chance(20) { server.ask(.submit(anyClaim())) }
    server.ask(.activate(PolicyGeneration(1), WorldPolicy.draw(for: plan, &random)))
    for node in nodes { server.ask(.enrol(node.shape.enrolment(node.number))) }
  }

  // MARK: time

  /// The next fault of a kind that is on.
  private mutating func schedule(_ kind: Fault) {
    guard let mean = faults[kind] else { return }
    nextFault[kind.rawValue] = now + Span(ns: max(1, random.exponential(mean: mean.ns)))
    planFaults()
  }

  private mutating func planFaults() {
    faultDue = .max
    for kind in nextFault.indices where faults.means[kind] != nil {
      faultDue = min(faultDue, nextFault[kind].ns)
    }
  }

  /// No fault comes any more.
  mutating func stopFaults() {
    faults = .none
    planFaults()
  }

  private mutating func strikeAll() throws(Violation) {
    for kind in Fault.allCases where faults[kind] != nil && nextFault[kind.rawValue] <= now {
      happened(.fault(kind))
      try strike(kind)
      schedule(kind)
    }
  }

  /// Runs for a span.
  package mutating func run(for span: Span) throws(Violation) {
    let end = now + span
    while let next = nextMoment(), next <= end { try turn(next) }
    now = end
  }

  /// Runs until so many steps were done.
  package mutating func run(steps count: Int) throws(Violation) {
    let end = steps + count
    while steps < end, let next = nextMoment() { try turn(next) }
  }

  private func nextMoment() -> Instant? {
    var next = min(server.due, clients.due, min(faultDue, network.next?.ns ?? .max))
    for index in nodes.indices { next = min(next, nodes[index].due) }
    return next == .max ? nil : Instant(ns: next)
  }

  /// Does everything that is due now, and checks what must hold.
  private mutating func turn(_ next: Instant) throws(Violation) {
    if next >= began + Span(ns: 1_000_000) { (turnsAtOnce, began) = (0, next) }
    turnsAtOnce += 1
    if turnsAtOnce > 2_000 {
      throw Violation("liveness", "somebody wants to be called again and again")
    }
    now = max(now, next)
    while let (link, packet) = network.receive(at: now) { try deliver(packet, link) }
    if faultDue <= now.ns { try strikeAll() }
    if clients.due <= now.ns {
      happened(.callers)
      act()
    }
    var hasStarted = false
    for number in nodes.indices where nodes[number].due <= now.ns {
      happened(.agent(number))
      let message = try nodes[number].act(
        at: now, life: plan.life, stubborn: faults.stubborn, &reached, &random)
      if let message {
        network.send(.message(message), over: .init(from: number, to: Self.leader), at: now)
      }
      if nodes[number].hasStarted {
        hasStarted = true
        nodes[number].hasStarted = false
        try ProcessCheck.check(nodes[number].processes, on: nodes[number].devices)
      }
    }
    var hasRun = false
    if server.due <= now.ns { hasRun = try runServer() }
    if hasStarted || hasRun { try server.checkAreKnown(nodes, holdsEnds: holdsEnds) }
  }

  private mutating func runServer() throws(Violation) -> Bool {
    happened(.leader)
    let output = try server.act(at: now, &reached, &random)
    steps += output.records
    for (number, reply) in output.replies {
      if stallIsDue { stallPath(of: number, before: reply) }
      network.send(.reply(reply), over: .init(from: Self.leader, to: number), at: now)
    }
    for answer in output.answers where answer.number > 0 {
      network.send(.answer(answer), over: .init(from: Self.leader, to: Self.callers), at: now)
    }
    if story != nil { for line in output.told { story?.note(line, step: steps, at: now) } }
    if server.isUp, server.disk.pool.generation.value == 0 { setUp() }
    return output.hasRun
  }

  private mutating func deliver(
    _ packet: Packet, _ link: LossyNetwork<Packet>.Link
  ) throws(Violation) {
    happened(.packet(from: link.from, to: link.to))
    switch packet {
    case .message(let message):
      if server.take(message, from: link.from, at: now) == .messageLate {
        reached.note(.heartbeatLate)
      }
    case .reply(let reply):
      if faults.untimely > 0 { strike(with: reply, link.to) }
      nodes[link.to].take(reply, at: now)
    case .request(let request): server.take(request)
    case .answer(let answer):
      server.checks.promise(record: answer.record)
      let known = server.known[Names.request(answer.number)]
      try clients.take(answer, known: known, &reached)
    }
  }

  /// Puts something into the story, where there is one.
  mutating func tell(_ text: String) { story?.note(text, step: steps, at: now) }

  /// One more step: it goes into the trace.
  private mutating func happened(_ what: Happening) {
    steps += 1
    let word = UInt64(bitPattern: now.ns) ^ what.word
    trace.mix(word)
    if story != nil { story?.note(what, step: steps, at: now) }
  }
}
