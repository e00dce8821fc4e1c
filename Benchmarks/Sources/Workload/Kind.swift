import PoolAllocator

/// What a claim of the mix asks for.
package enum Kind: Int, CaseIterable, Sendable {
  /// One whole GPU.
  case whole
  /// Two or four whole GPUs of one node.
  case several
  /// A share of a GPU: time and memory.
  case fraction
  /// A MIG instance.
  case slice
  /// A gang of eight members with one whole GPU each, wherever they are.
  case gang
  /// One member with all eight GPUs of a node.
  case board

  /// Members, a lease each. Unit: leases.
  package var members: Int { self == .gang ? Self.gangMembers : 1 }
  static let gangMembers = 8
  /// All cases, in an array that is made once.
  static let all = allCases

  /// How many of a hundred claims are of this kind.
  private var share: Int {
    switch self {
    case .whole: 25
    case .several: 3
    case .fraction: 40
    case .slice: 30
    case .gang, .board: 1
    }
  }

  /// Whether it waits for room in a full pool: eight GPUs at once are rarely free.
  var isLarge: Bool { self == .gang || self == .board }

  static func drawnLarge(_ random: inout Generator) -> Kind {
    random.below(2) == 0 ? .gang : .board
  }

  static func drawn(_ random: inout Generator) -> Kind {
    var roll = random.below(100)
    for kind in all {
      if roll < kind.share { return kind }
      roll -= kind.share
    }
    return .fraction
  }

  /// The kind of a demand that was drawn from the mix.
  init(of demand: Demand) {
    switch demand.shape {
    case .fraction, .cpuOnly: self = .fraction
    case .slice: self = .slice
    case .whole where demand.members > 1: self = .gang
    case .whole where demand.devices == 8: self = .board
    case .whole: self = demand.devices > 1 ? .several : .whole
    }
  }

  func demand(_ random: inout Generator) -> Demand {
    func whole(_ devices: Int, members: Int = 1) -> Demand {
      var demand = Demand(
        shape: .whole, devices: UInt8(devices), cpu: MilliCPU(Int32(devices * 8_000)),
        hostMemory: Bytes(Int64(devices) * 64 << 30))
      demand.members = UInt16(members)
      return demand
    }
    switch self {
    case .whole: return whole(1)
    case .several: return whole([2, 2, 4][random.below(3)])
    case .gang: return whole(1, members: Self.gangMembers)
    case .board: return whole(8)
    case .slice:
      return Demand(
        shape: .slice(ClusterRules.slice), cpu: MilliCPU(1_000), hostMemory: Bytes(4 << 30))
    case .fraction:
      let share = [100, 200, 250, 300, 500, 700][random.below(6)]
      return Demand(
        shape: .fraction(MilliGPU(Int32(share)), Bytes(Int64(share) * (80 << 20))),
        cpu: MilliCPU(Int32(share * 8)), hostMemory: Bytes(8 << 30))
    }
  }
}
