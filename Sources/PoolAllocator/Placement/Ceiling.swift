/// What the shelves of one lane could give if they were empty: tells *never* from *not now*.
///
/// Keeps the nodes that no other node of the lane outdoes in everything; a fleet of a few hardware
/// types has a few. Past `mostTops` two are merged figure by figure, which can only call a demand
/// possible that no single node serves, never the reverse.
struct Ceiling: Sendable, Equatable {
  private static let mostTops = 256

  /// What one node has for the lane.
  struct Top: Sendable, Equatable {
    var gpus = 0
    /// Memory of its GPUs, most first: as many as one member may have.
    private var memories: [Int64] = []
    var cpuPart: Int32 = -1
    var cpu: Int32 = 0
    var hostMemory: Int64 = 0
    var enforcement = Enforcement.none
    /// Instances, by row of the policy's slices.
    var slices: [UInt8] = []

    init(cpu: Int32, hostMemory: Int64, enforcement: Enforcement) {
      self.cpu = cpu
      self.hostMemory = hostMemory
      self.enforcement = enforcement
    }

    /// Adds a GPU with so much memory.
    mutating func add(gpu memory: Int64) {
      gpus += 1
      memories.insert(memory, at: memories.firstIndex { $0 < memory } ?? memories.count)
      if memories.count > Limits.devicesPerMember { memories.removeLast() }
    }

    /// Memory that so many of its GPUs have each, at most; -1 where it has fewer.
    func memory(ofEach count: Int) -> Int64 {
      count <= memories.count ? memories[count - 1] : -1
    }

    func slices(_ row: UInt16?) -> Int {
      row.map { Int($0) < slices.count ? Int(slices[Int($0)]) : 0 } ?? 0
    }

    /// Whether this node has at least as much of everything.
    func outdoes(_ other: Top) -> Bool {
      gpus >= other.gpus && cpuPart >= other.cpuPart && cpu >= other.cpu
        && hostMemory >= other.hostMemory && enforcement >= other.enforcement
        && other.memories.indices.allSatisfy { memory(ofEach: $0 + 1) >= other.memories[$0] }
        && other.slices.indices.allSatisfy { slices(UInt16($0)) >= Int(other.slices[$0]) }
    }

    mutating func merge(_ other: Top) {
      gpus = max(gpus, other.gpus)
      for index in other.memories.indices {
        if index == memories.count { memories.append(-1) }
        memories[index] = max(memories[index], other.memories[index])
      }
      cpuPart = max(cpuPart, other.cpuPart)
      cpu = max(cpu, other.cpu)
      hostMemory = max(hostMemory, other.hostMemory)
      enforcement = max(enforcement, other.enforcement)
      while slices.count < other.slices.count { slices.append(0) }
      for index in other.slices.indices { slices[index] = max(slices[index], other.slices[index]) }
    }
  }

  private var tops: [Top] = []

  /// Raises the ceiling to what a node could give.
  /// - Returns: whether that changed it.
  mutating func absorb(_ top: Top?) -> Bool {
    guard let top, !tops.contains(where: { $0.outdoes(top) }) else { return false }
    tops.removeAll { top.outdoes($0) }
    if tops.count < Self.mostTops { tops.append(top) } else { tops[0].merge(top) }
    return true
  }

  /// Why a demand can never be met; nil where it can.
  func obstacle(to demand: Demand, slice: UInt16?, lane: UInt32) -> Reason? {
    if tops.contains(where: { Self.serves($0, demand, slice) }) { return nil }
    var reason = Reason(.profileAbsent, .lane(lane), have: 0, need: 1)
    let formed = tops.filter { Self.form($0, demand, slice).have > 0 }
    guard !formed.isEmpty else { return reason }
    let enforced = formed.filter { $0.enforcement >= demand.enforcement }
    guard !enforced.isEmpty else {
      reason.code = .isolationTooWeak
      reason.have = Int64(formed.map(\.enforcement.rawValue).max() ?? 0)
      reason.need = Int64(demand.enforcement.rawValue)
      return reason
    }
    var left = enforced
    let figures: [(Top) -> Figure] = [
      { Self.form($0, demand, slice) },
      { Figure(.hostTooSmall, have: Int64($0.cpu), need: Int64(demand.cpu.value)) },
      { Figure(.hostMemoryTooSmall, have: $0.hostMemory, need: demand.hostMemory.value) },
    ]
    // The first figure that no node still in question has enough of.
    for figure in figures {
      let enough = left.filter { figure($0).isEnough }
      if enough.isEmpty, let best = left.max(by: { figure($0).have < figure($1).have }) {
        let short = figure(best)
        (reason.code, reason.have, reason.need) = (short.code, short.have, short.need)
        return reason
      }
      left = enough
    }
    reason.code = .noNodeLargeEnough
    return reason
  }

  private static func serves(_ top: Top, _ demand: Demand, _ slice: UInt16?) -> Bool {
    let form = form(top, demand, slice)
    return form.isEnough && top.cpu >= demand.cpu.value
      && top.hostMemory >= demand.hostMemory.value && top.enforcement >= demand.enforcement
  }

  /// What a node has of one thing, what is needed of it, and the code that says it is too little.
  private struct Figure {
    var code: Reason.Code
    var have: Int64
    var need: Int64

    init(_ code: Reason.Code, have: Int64, need: Int64) {
      (self.code, self.have, self.need) = (code, have, need)
    }

    var isEnough: Bool { have >= need }
  }

  /// What a node has of the form asked for, and what is needed of it.
  private static func form(_ top: Top, _ demand: Demand, _ slice: UInt16?) -> Figure {
    let devices = Int64(demand.devices)
    switch demand.shape {
    case .whole: return Figure(.noNodeLargeEnough, have: Int64(top.gpus), need: devices)
    case .fraction(_, let bytes):
      let memory = top.memory(ofEach: Int(devices))
      if top.gpus >= Int(devices), memory < bytes.value {
        return Figure(.deviceTooSmall, have: memory, need: bytes.value)
      }
      return Figure(.noNodeLargeEnough, have: Int64(top.gpus), need: devices)
    case .slice:
      return Figure(.noNodeLargeEnough, have: Int64(top.slices(slice)), need: devices)
    case .cpuOnly:
      return Figure(
        .hostTooSmall, have: max(0, Int64(top.cpuPart)), need: Int64(demand.cpu.value))
    }
  }
}
