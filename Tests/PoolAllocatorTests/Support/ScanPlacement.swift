@testable import PoolAllocator

/// The best placement by looking at every node and device, from the doc comment of `Placement`.
///
/// What devices hold is added up anew from the leases. Only whom an opened GPU is closed to comes
/// from the device itself: that is history, which no table but its own row keeps.
struct ScanPlacement {
  struct Choice: Equatable {
    var node: UInt32
    var devices: [UInt32]
  }

  /// A candidate's rank: the least wins.
  private typealias Rank = (stage: Int, isOpenQuestion: Int, tightness: Int, column: Int, room: Int)

  private struct Held {
    var milli: Int32 = 0
    var memory: Int64 = 0
    var shares = 0
  }

  private var nodes: [(row: UInt32, node: Node)] = []
  private var devices: [(row: UInt32, device: Device)] = []
  private var held: [UInt32: Held] = [:]
  private var cpuUsed: [UInt32: Int32] = [:]
  private var hostUsed: [UInt32: Int64] = [:]
  private var leaseCount: [UInt32: Int] = [:]
  private let sharing: [UInt32: Bool]

  init(_ pool: Pool) {
    var sharing: [UInt32: Bool] = [:]
    pool.forEachLane { id, lane in sharing[id.row] = lane.rule.sharesAcrossTenants }
    self.sharing = sharing
    pool.forEachNode { id, node in nodes.append((id.row, node)) }
    pool.forEachDevice { id, device in devices.append((id.row, device)) }
    pool.forEachLease { _, lease in
      cpuUsed[lease.node.row, default: 0] += lease.cpu.value
      hostUsed[lease.node.row, default: 0] += lease.hostMemory.value
      leaseCount[lease.node.row, default: 0] += 1
      for use in pool.uses(of: lease) {
        held[use.device.row, default: Held()].milli += use.milli.value
        held[use.device.row, default: Held()].memory += use.memory.value
        held[use.device.row, default: Held()].shares += 1
      }
    }
  }

  // MARK: what fits

  /// A node that shrank below what leases hold has nothing left, which serves who needs nothing.
  private func cpuFree(_ row: UInt32, _ node: Node) -> Int32 {
    max(0, node.report.cpu.value - cpuUsed[row, default: 0])
  }

  private func hostFree(_ row: UInt32, _ node: Node) -> Int64 {
    max(0, node.report.hostMemory.value - hostUsed[row, default: 0])
  }

  private func fits(_ demand: Demand, _ row: UInt32, _ node: Node) -> Bool {
    node.reach == .ready && node.duty == .open
      && cpuFree(row, node) >= demand.cpu.value && hostFree(row, node) >= demand.hostMemory.value
      && node.report.enforcement >= demand.enforcement
      && leaseCount[row, default: 0] < Limits.leasesPerNode
  }

  private func isIdle(_ row: UInt32, _ device: Device, lane: UInt32) -> Bool {
    device.report.kind == .gpu && device.lane == lane && device.health == .usable
      && !device.report.isPartitioned && held[row] == nil
  }

  private func opens(_ wish: Wish, lane: UInt32) -> Bool {
    wish.demand.sharing == .anyTenant && sharing[lane, default: false]
  }

  /// Whether a device has room for the wish, and which stage of the order it stands in.
  private func stage(_ wish: Wish, _ row: UInt32, _ device: Device, lane: UInt32) -> Int? {
    guard device.lane == lane, device.health == .usable else { return nil }
    let used = held[row, default: Held()]
    switch wish.demand.shape {
    case .whole: return isIdle(row, device, lane: lane) ? 2 : nil
    case .fraction(let milli, let bytes):
      guard device.report.kind == .gpu, !device.report.isPartitioned,
        device.report.memory.value - used.memory >= bytes.value,
        1_000 - used.milli >= milli.value
      else { return nil }
      if used.shares == 0 { return 2 }
      // A GPU that one lease has to the last byte gives nothing, not even a share of nothing.
      if device.mode == .whole { return nil }
      if device.tenant == wish.tenant { return 0 }
      return device.tenant == nil && opens(wish, lane: lane) ? 1 : nil
    case .slice:
      let isFree = device.report.kind == .slice && used.shares == 0
      return isFree && device.slice != nil && device.slice == wish.slice ? 2 : nil
    case .cpuOnly:
      guard device.report.kind == .cpu,
        device.capacity.value - used.milli >= wish.demand.cpu.value
      else { return nil }
      let enforcement = nodes.first { $0.row == device.node.row }?.node.report.enforcement
      let isAlone = used.shares == 0 || device.tenant == wish.tenant
      let isOpen = device.tenant == nil && opens(wish, lane: lane)
      return isAlone || isOpen || enforcement == .cgroup ? 2 : nil
    }
  }

  private func fitting(_ wish: Wish, on node: UInt32, lane: UInt32) -> [UInt32] {
    devices.filter {
      $0.device.node.row == node && stage(wish, $0.row, $0.device, lane: lane) != nil
    }.map(\.row)
  }

  /// Whether any node has enough devices that fit: the weaker property, no order at all.
  func isFeasible(_ wish: Wish, lane: UInt32) -> Bool {
    nodes.contains { entry in
      fits(wish.demand, entry.row, entry.node)
        && fitting(wish, on: entry.row, lane: lane).count >= Int(wish.demand.devices)
    }
  }

  /// Members of one device each, or of several, that each node has room for; on the best part of
  /// the node where its parts count.
  func membersByNode(
    _ wish: Wish, lane: UInt32, parts: Proximity
  ) -> [(node: UInt32, members: Int)] {
    let demand = wish.demand
    return nodes.filter { fits(demand, $0.row, $0.node) }.map { entry in
      var host = Limits.leasesPerNode - leaseCount[entry.row, default: 0]
      if demand.cpu.value > 0 {
        host = min(host, Int(cpuFree(entry.row, entry.node) / demand.cpu.value))
      }
      if demand.hostMemory > .zero {
        host = min(host, Int(hostFree(entry.row, entry.node) / demand.hostMemory.value))
      }
      let rows = fitting(wish, on: entry.row, lane: lane)
      let most = divided(rows, by: parts).map { seats($0, wish) }.max() ?? 0
      return (entry.row, min(host, most))
    }
  }

  /// A node's devices by the parts that count; a GPU whose NUMA node is not known is a part of its
  /// own.
  private func divided(_ rows: [UInt32], by parts: Proximity) -> [[UInt32]] {
    var byPart: [String: [UInt32]] = [:]
    for (row, device) in devices where rows.contains(row) {
      let part =
        switch parts {
        case .numa: device.report.numa.map { "\($0)" } ?? "alone \(row)"
        case .island: "\(device.report.island)"
        default: "node"
        }
      byPart[part, default: []].append(row)
    }
    return Array(byPart.values)
  }

  /// Members that devices have room for: taken one after the other, each on the devices with the
  /// most room left, which seats as many as can be.
  private func seats(_ rows: [UInt32], _ wish: Wish) -> Int {
    var rooms = devices.filter { rows.contains($0.row) }.map { room($0.row, $0.device, wish) }
    let each = Int(wish.demand.devices)
    if each == 1 { return rooms.reduce(0, +) }
    var members = 0
    while rooms.count >= each, members < Limits.members {
      rooms.sort(by: >)
      guard rooms[each - 1] > 0 else { break }
      for index in 0..<each { rooms[index] -= 1 }
      members += 1
    }
    return members
  }

  /// Members that may be on a device that has room for one.
  private func room(_ row: UInt32, _ device: Device, _ wish: Wish) -> Int {
    let used = held[row, default: Held()]
    let milli = device.capacity.value - used.milli
    switch wish.demand.shape {
    case .whole, .slice: return 1
    case .cpuOnly: return Int(milli / wish.demand.cpu.value)
    case .fraction(let share, let bytes):
      let byTime = share.value > 0 ? Int(milli / share.value) : Limits.members
      let memory = device.report.memory.value - used.memory
      let byMemory = bytes > .zero ? Int(memory / bytes.value) : Limits.members
      return min(byTime, byMemory)
    }
  }

  // MARK: what is best

  private func column(_ row: UInt32, _ node: Node) -> Int {
    HostClass.column(
      cpu: MilliCPU(cpuFree(row, node)), memory: Bytes(hostFree(row, node)))
  }

  /// Certain where the least of the node's class is enough already.
  private func isOpenQuestion(_ demand: Demand, _ column: Int) -> Bool {
    HostClass.cpuFloors[column / 8] < demand.cpu.value
      || HostClass.memoryFloors[column % 8] < demand.hostMemory.value
  }

  private func tightness(_ wish: Wish, _ row: UInt32, _ device: Device) -> Int {
    let free = device.capacity.value - held[row, default: Held()].milli
    switch wish.demand.shape {
    case .whole: return 0
    case .fraction: return Int(free) / 64
    case .slice:
      let slots = devices.filter { $0.device.parent == device.parent && held[$0.row] == nil }
        .reduce(0) { $0 + $1.device.report.slots.count }
      return min(16, max(1, slots))
    case .cpuOnly: return max(0, Int32.bitWidth - 4 - free.leadingZeroBitCount)
    }
  }

  func best(_ wish: Wish, lane: UInt32) -> Choice? {
    var best: (rank: Rank, choice: Choice)?
    let need = Int(wish.demand.devices)
    for (row, node) in nodes where fits(wish.demand, row, node) {
      let fitting = fitting(wish, on: row, lane: lane)
      guard fitting.count >= need else { continue }
      if case .fraction = wish.demand.shape, need > 1 {
        // Shares of several GPUs: the least node, its least devices.
        return Choice(node: row, devices: Array(fitting.prefix(need)))
      }
      let column = column(row, node)
      let question = isOpenQuestion(wish.demand, column) ? 1 : 0
      let idle = devices.filter {
        $0.device.node.row == row && isIdle($0.row, $0.device, lane: lane)
      }
      for (candidate, device) in devices where fitting.contains(candidate) {
        guard let stage = stage(wish, candidate, device, lane: lane) else { continue }
        let free = Int(device.capacity.value - held[candidate, default: Held()].milli)
        let isShelf = isIdle(candidate, device, lane: lane)
        let isSlice = device.report.kind == .slice
        let rank = (
          stage, question, isShelf ? idle.count : tightness(wish, candidate, device), column,
          isShelf || isSlice ? 0 : -free
        )
        // Shelves of equal rank: the least node; spots of equal rank: the least device.
        let place = isShelf ? row : candidate
        if let known = best {
          let knownPlace = isShelf ? known.choice.node : known.choice.devices[0]
          if rank > known.rank || rank == known.rank && place >= knownPlace { continue }
        }
        let others = fitting.filter { $0 != candidate }.prefix(need - 1)
        best = (rank, Choice(node: row, devices: [candidate] + others))
      }
    }
    return best?.choice
  }
}
