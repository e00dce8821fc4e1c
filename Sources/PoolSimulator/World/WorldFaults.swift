package import PoolAllocator

/// A kind of thing that goes wrong in a world at drawn moments.
package enum Fault: Int, CaseIterable, Sendable {
  /// The leader's process ends; its disk has some prefix of what was being written.
  case serverCrash
  /// An agent's process ends; its disk has the last record or the one before it, or nothing.
  case agentCrash
  /// A machine starts anew: nothing of before lives.
  case reboot
  /// A direction between the leader and a node is cut, or mended.
  case partition
  /// UTC of the leader's machine is set.
  case clockStep
  /// A device breaks, or works again.
  case deviceFault
  /// An agent says of its node what is not so, or stops doing so.
  case lie
  /// Instances of a partitioned board vanish with what runs on them, or are made anew.
  case vanish
  /// An operator turns a machine off and vouches for it.
  case fencing
  /// Many claims come at once.
  case burst
  /// The path between the leader and a node holds what it carries, and lets it out late and in
  /// order: a segment that was lost, or a deep buffer that is full. Only in worlds that stall.
  case stall

  /// Kinds that are drawn for every world.
  static let usual = allCases.filter { $0 != .stall }
}

/// What goes wrong in a world, drawn per seed.
package struct WorldFaults: Sendable {
  /// What happens to messages.
  package var network = NetworkFaults()
  /// Mean time between two faults of a kind, by `Fault`; nil: never.
  package var means: [Span?]
  /// Work that takes longer to kill than it should. Unit: thousandths.
  package var stubborn: UInt64 = 0
  /// Orders to start work that come in the moment in which what is found of the machine changes.
  /// Unit: thousandths.
  package var untimely: UInt64 = 0

  /// No fault at all, on a network that only delays.
  package static let none = WorldFaults()

  private init() { means = Array(repeating: nil, count: Fault.allCases.count) }

  /// Mean time between two faults of a kind; nil: never.
  package subscript(kind: Fault) -> Span? {
    get { means[kind.rawValue] }
    set { means[kind.rawValue] = newValue }
  }

  /// What else may be left out: what happens to messages, work that is hard to kill, and changes
  /// of a machine just when an order comes.
  static let otherNames = ["lost", "doubled", "late", "stubborn", "untimely"]

  /// Leaves out kinds of faults, by name.
  mutating func leaveOut(_ names: [String]) {
    for kind in Fault.allCases where names.contains("\(kind)") { self[kind] = nil }
    if names.contains("lost") { network.lost = 0 }
    if names.contains("doubled") { network.doubled = 0 }
    if names.contains("late") { network.late = 0 }
    if names.contains("stubborn") { stubborn = 0 }
    if names.contains("untimely") { untimely = 0 }
  }

  /// Whether nothing is on that may have work outlast its kill deadline: the agents are up, work
  /// dies when it is killed, and the clocks drift no more than they may.
  package var holdsEnds: Bool {
    stubborn == 0
      && [Fault.serverCrash, .agentCrash, .reboot, .clockStep, .fencing].allSatisfy {
        self[$0] == nil
      }
  }

  /// Faults of one swarm: each kind is on in two of three worlds.
  package static func draw(_ random: inout SeededGenerator) -> WorldFaults {
    var faults = WorldFaults()
    func isOn(_ random: inout SeededGenerator) -> Bool { random.below(3) > 0 }
    if isOn(&random) { faults.network.lost = random.below(200) }
    if isOn(&random) { faults.network.doubled = random.below(200) }
    let isStorm = random.below(3) == 0
    if isStorm || isOn(&random) { faults.network.late = random.below(isStorm ? 400 : 100) }
    faults.network.delay = random.milliseconds(1...400)
    let calm: Int64 = isStorm ? 30 : 200
    if isStorm || isOn(&random) { faults[.serverCrash] = random.seconds(8...calm) }
    for kind in Fault.usual where kind != .serverCrash && isOn(&random) {
      let range: ClosedRange<Int64> =
        switch kind {
        case .agentCrash: 20...200
        case .partition: 20...100
        case .burst: 30...300
        case .deviceFault, .lie, .vanish: 20...300
        case .serverCrash, .reboot, .clockStep, .fencing, .stall: 60...400
        }
      faults[kind] = random.seconds(range)
    }
    if isOn(&random) { faults.stubborn = random.below(250) }
    if random.below(3) == 0 { faults.untimely = random.below(250) }
    return faults
  }
}
