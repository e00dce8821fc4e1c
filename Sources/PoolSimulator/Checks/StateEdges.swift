/// The steps that docs/STATES.md allows, as a table; a test compares it with the page.
enum StateEdges {
  /// A state machine; its states are numbered as `states` lists them, which is the order of the
  /// core's own cases where it has an enumeration.
  enum Machine: UInt8, CaseIterable, Sendable {
    case reach, duty, health, guarantee, lease, claim, approval, quote, budget, emergency
    case reservation

    /// The names of its states.
    var states: [String] {
      switch self {
      case .reach: ["enrolled", "recovering", "ready", "suspect", "silent", "gone"]
      case .duty: ["open", "cordoned", "draining", "drained"]
      case .health: ["unknown", "usable", "quarantined", "dirty", "failed", "gone"]
      case .guarantee: ["bound", "impaired"]
      case .lease: ["granted", "active", "stopping", "quarantined", "ended"]
      case .claim: ["new", "queued", "parked", "starting", "running", "awaitingApproval", "ended"]
      case .approval:
        ["none", "requested", "granted", "denied", "lapsed", "withdrawn", "used", "revoked"]
      case .quote: ["open", "redeemed", "expired", "withdrawn", "gone"]
      case .budget: ["open", "spent", "expired", "revoked", "gone"]
      case .emergency: ["closed", "open"]
      case .reservation: ["none", "reserved", "settled"]
      }
    }
  }

  /// One allowed step.
  struct Edge: Hashable, Sendable {
    let machine: Machine
    let from: UInt8
    let to: UInt8

    /// The step as it is printed.
    var name: String {
      "\(machine).\(machine.states[Int(from)]).\(machine.states[Int(to)])"
    }
  }

  /// Rows of docs/STATES.md, without their causes.
  private static let page: [(Machine, from: String, to: String)] = [
    (.reach, "enrolled", "recovering"),
    (.reach, "recovering", "ready"),
    (.reach, "ready", "suspect"),
    (.reach, "suspect", "ready silent"),
    (.reach, "silent", "recovering"),
    (.reach, "ready suspect", "recovering"),
    (.reach, "enrolled recovering ready suspect silent", "gone"),
    (.duty, "open", "cordoned"),
    (.duty, "cordoned", "open"),
    (.duty, "open cordoned", "draining drained"),
    (.duty, "draining", "drained"),
    (.duty, "draining drained", "open"),
    (.health, "unknown", "usable"),
    (.health, "usable", "quarantined"),
    (.health, "quarantined", "usable"),
    (.health, "usable quarantined", "dirty"),
    (.health, "dirty", "usable"),
    (.health, "unknown usable quarantined dirty", "failed"),
    (.health, "failed", "unknown"),
    (.health, "unknown usable quarantined dirty failed", "gone"),
    (.health, "gone", "unknown"),
    (.guarantee, "bound", "impaired"),
    (.guarantee, "impaired", "bound"),
    (.lease, "granted", "active"),
    (.lease, "granted active", "stopping quarantined"),
    (.lease, "quarantined", "active stopping"),
    (.lease, "stopping", "ended"),
    (.claim, "new", "starting queued parked awaitingApproval"),
    (.claim, "queued", "awaitingApproval"),
    (.claim, "awaitingApproval", "queued ended"),
    (.claim, "queued", "parked starting"),
    (.claim, "parked", "queued"),
    (.claim, "queued parked", "ended"),
    (.claim, "starting", "running queued ended"),
    (.claim, "running", "queued ended"),
    (.approval, "none", "requested"),
    (.approval, "requested", "granted denied lapsed withdrawn"),
    (.approval, "granted", "used revoked withdrawn"),
    (.quote, "open", "redeemed expired withdrawn"),
    (.quote, "redeemed expired withdrawn", "gone"),
    (.budget, "open", "spent"),
    (.budget, "spent", "open"),
    (.budget, "open spent", "expired revoked"),
    (.budget, "expired revoked", "gone"),
    (.emergency, "closed", "open"),
    (.emergency, "open", "closed"),
    (.reservation, "none", "reserved"),
    (.reservation, "reserved", "settled"),
  ]

  /// Every allowed step, in the order of the page.
  static let all: [Edge] = page.flatMap { machine, from, to in
    from.split(separator: " ").flatMap { from in
      to.split(separator: " ").map { to in
        Edge(machine: machine, from: number(of: from, machine), to: number(of: to, machine))
      }
    }
  }

  /// Indexes of `all` by machine, from and to; -1 where there is no such step.
  private static let indexes: [Int16] = {
    var indexes = Array(repeating: Int16(-1), count: Machine.allCases.count * 64)
    for (index, edge) in all.enumerated() {
      indexes[place(edge.machine, edge.from, edge.to)] = Int16(index)
    }
    return indexes
  }()

  private static func place(_ machine: Machine, _ from: UInt8, _ to: UInt8) -> Int {
    Int(machine.rawValue) * 64 + Int(from) * 8 + Int(to)
  }

  private static func number(of state: Substring, _ machine: Machine) -> UInt8 {
    guard let number = machine.states.firstIndex(of: String(state)) else {
      fatalError("\(machine) has no state \(state)")
    }
    return UInt8(number)
  }

  /// Index of a step in `all`; nil where the page does not list it.
  static func index(_ machine: Machine, from: UInt8, to: UInt8) -> Int? {
    let index = indexes[place(machine, from, to)]
    return index < 0 ? nil : Int(index)
  }
}

/// One step of one row, as the events tell it.
struct StateStep {
  var machine: StateEdges.Machine
  var from: UInt8
  var to: UInt8
  /// The row that took it.
  var row: UInt32

  /// The step in words.
  var name: String {
    "\(machine) of \(row): \(machine.states[Int(from)]) to \(machine.states[Int(to)])"
  }
}
