import AgentCore
import PoolAllocator
import PoolLoop
import PoolSimulator

/// What goes over the network between a leader and the agents.
enum Packet: Sendable {
  case message(NodeMessage)
  case reply(NodeReply)
}

/// What goes wrong in a world, drawn per seed. Mean times between two of a kind; nil: never.
struct WorldFaults {
  var network = NetworkFaults()
  var serverCrash: Span?
  var agentCrash: Span?
  var reboot: Span?
  var partition: Span?
  var clockStep: Span?
  var deviceFault: Span?
  /// Whether nothing is on that may have work outlast its kill deadline: the agents are up, work
  /// dies when it is killed, and the clocks drift no more than they may.
  var holdsEnds: Bool {
    agentCrash == nil && reboot == nil && stubborn == 0 && clockStep == nil && serverCrash == nil
  }
  /// Work that takes longer to kill than it should. Unit: thousandths.
  var stubborn: UInt64 = 0

  /// No fault at all, on a network that only delays.
  static let none = WorldFaults()

  /// Faults of one swarm: each kind is on in two of three worlds.
  static func draw(_ random: inout SeededGenerator) -> WorldFaults {
    var faults = WorldFaults()
    func isOn(_ random: inout SeededGenerator) -> Bool { random.below(3) > 0 }
    if isOn(&random) { faults.network.lost = random.below(200) }
    if isOn(&random) { faults.network.doubled = random.below(200) }
    let isStorm = random.below(3) == 0
    if isStorm || isOn(&random) { faults.network.late = random.below(isStorm ? 400 : 100) }
    faults.network.delay = Span(ns: random.within(1_000_000...400_000_000))
    let calm: Int64 = isStorm ? 30 : 200
    if isStorm || isOn(&random) { faults.serverCrash = .seconds(random.within(8...calm)) }
    if isOn(&random) { faults.agentCrash = .seconds(random.within(20...200)) }
    if isOn(&random) { faults.reboot = .seconds(random.within(60...400)) }
    if isOn(&random) { faults.partition = .seconds(random.within(20...100)) }
    if isOn(&random) { faults.clockStep = .seconds(random.within(60...400)) }
    if isOn(&random) { faults.deviceFault = .seconds(random.within(60...400)) }
    if isOn(&random) { faults.stubborn = random.below(100) }
    return faults
  }
}

/// The production pool, loop and agents, coupled by a network that fails, on disks that lose what
/// was not written, in virtual time. Ground truth is the processes; nobody but the checks sees it.
struct World {
  /// The place of the leader in the network; nodes are 0 and on.
  static let leader = -1

  var random: SeededGenerator
  /// True time.
  var now = Instant(ns: 1_000_000_000_000)
  var faults: WorldFaults
  /// Whether nothing is on from the start that may have work outlast its kill deadline.
  let holdsEnds: Bool
  var network: LossyNetwork<Packet>
  var server: WorldServer
  var nodes: [WorldNode]
  var clients = WorldClients()
  var steps = 0
  /// How often what happened, so that a run can be held to have met it.
  var counts: [String: Int] = [:]
  private var nextFault: [Instant]
  /// Steps of the present millisecond, and when it began.
  private var stepsAtOnce = 0
  private var began = Instant.origin

  init(seed: UInt64, faults: WorldFaults, nodes count: Int, gpus: Int) {
    random = SeededGenerator(seed: seed)
    self.faults = faults
    holdsEnds = faults.holdsEnds
    network = LossyNetwork(seed: seed ^ 0x5EED)
    network.faults = faults.network
    server = WorldServer(random: &random)
    nodes = []
    for number in 0..<count {
      nodes.append(WorldNode(number: number, gpus: gpus, at: now, random: &random))
    }
    nextFault = Array(repeating: now, count: 6)
    setUp(gpus: gpus)
    for kind in nextFault.indices { plan(kind) }
  }

  private mutating func setUp(gpus: Int) {
    server.start(at: now)
    server.ask(.activate(PolicyGeneration(1), SmallFleet.policy))
    for node in nodes { server.ask(.enrol(SmallFleet.enrolment(node.number, gpus: gpus))) }
  }

  // MARK: time

  /// Runs for a span.
  mutating func run(for span: Span) throws(Violation) {
    let end = now + span
    while let next = nextMoment(), next <= end {
      try step(next)
    }
    now = end
  }

  /// Runs until so many steps were done.
  mutating func run(steps count: Int) throws(Violation) {
    let end = steps + count
    while steps < end, let next = nextMoment() {
      try step(next)
    }
  }

  private func nextMoment() -> Instant? {
    var next = [network.next, server.next, clients.next].compactMap { $0 }.min()
    for node in nodes { if let due = node.next { next = min(next ?? due, due) } }
    for kind in nextFault.indices where mean(kind) != nil {
      next = min(next ?? nextFault[kind], nextFault[kind])
    }
    return next
  }

  /// Does everything that is due now, and checks what must hold.
  private mutating func step(_ next: Instant) throws(Violation) {
    steps += 1
    if next >= began + Span(ns: 1_000_000) { (stepsAtOnce, began) = (0, next) }
    stepsAtOnce += 1
    if stepsAtOnce > 1_000 { throw Violation("somebody wants to be called again and again") }
    now = max(now, next)
    while let (link, packet) = network.receive(at: now) { deliver(packet, link) }
    for kind in nextFault.indices where mean(kind) != nil && nextFault[kind] <= now {
      try strike(kind)
      plan(kind)
    }
    clients.act(at: now, server: &server, random: &random)
    for number in nodes.indices {
      for message in try nodes[number].act(at: now, faults: faults, random: &random) {
        network.send(
          .message(message), over: .init(from: number, to: Self.leader), at: now)
      }
    }
    try server.act(at: now, random: &random)
    for (number, reply) in server.takeNodeReplies() {
      network.send(.reply(reply), over: .init(from: Self.leader, to: number), at: now)
    }
    for reply in server.takeReplies() { try clients.take(reply, server, at: now) }
    try check()
  }

  private mutating func deliver(_ packet: Packet, _ link: LossyNetwork<Packet>.Link) {
    switch packet {
    case .message(let message): server.take(message, from: SmallFleet.node(link.from), at: now)
    case .reply(let reply): nodes[link.to].take(reply, at: now)
    }
  }

  // MARK: faults

  private func mean(_ kind: Int) -> Span? {
    switch kind {
    case 0: faults.serverCrash
    case 1: faults.agentCrash
    case 2: faults.reboot
    case 3: faults.partition
    case 4: faults.clockStep
    default: faults.deviceFault
    }
  }

  private mutating func plan(_ kind: Int) {
    guard let mean = mean(kind) else { return }
    nextFault[kind] = now + Span(ns: max(1, random.exponential(mean: mean.ns)))
  }

  private mutating func strike(_ kind: Int) throws(Violation) {
    let victim = Int(random.below(UInt64(nodes.count)))
    switch kind {
    case 0:
      count("server crash")
      try server.crash(at: now, random: &random)
    case 1:
      count("agent crash")
      nodes[victim].crashAgent(at: now, random: &random)
    case 2:
      count("reboot")
      nodes[victim].reboot(at: now, random: &random)
    case 3:
      let isOut = random.below(2) == 0
      let link =
        isOut
        ? LossyNetwork<Packet>.Link(from: victim, to: Self.leader)
        : LossyNetwork<Packet>.Link(from: Self.leader, to: victim)
      let isCut = random.below(2) == 0
      count(isCut ? "one-way cut" : "one-way mended")
      network.cut(link, isCut)
    case 4:
      count("clock step")
      server.stepClock(Span(ns: random.within(-7_200_000_000_000...7_200_000_000_000)))
    default:
      count("device fault")
      nodes[victim].breakDevice(random: &random)
    }
  }

  /// Nothing goes wrong any more; what was broken is whole again.
  mutating func heal() {
    faults = .none
    network.faults = faults.network
    network.mend()
    for number in nodes.indices { nodes[number].heal() }
    server.heal(at: now)
  }

  mutating func count(_ what: String) { counts[what, default: 0] += 1 }
}
