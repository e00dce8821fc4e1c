/// Where all members of a gang go at once, and devices that are near to one another
/// (SEMANTICS 5.3).
///
/// On few nodes: the tightest node that holds all members that are left, else the roomiest takes
/// what it can. Whatever the order, every node with room is looked at before the answer is no.
/// Where a nearness is wished for, it is tried first, then what is less near, down to what is
/// required. Among equals the least row wins, so the choice is a function of the tables.
extension Pool {
  /// Where a demand of any number of members has room now, or nil.
  /// - Parameter wished: whether what it wishes for is tried before what it requires.
  /// - Complexity: of `bestPlacement` for one member; for a gang of whole GPUs O(members) lookups
  ///   and the nodes that have idle GPUs but lack processor time or memory; for any other gang, or
  ///   one that asks for a rack, O(devices of the lane).
  func room(for wish: Wish, lane: UInt32, wished: Bool = true) -> Opening? {
    if wish.demand.isSimple {
      return bestPlacement(of: wish, lane: lane).map { Opening(placement: $0) }
    }
    let required = [Nearness(wish.demand.together)]
    for nearness in wished ? Nearness.attempts(for: wish.demand) : required {
      let found = gangPlacement(wish, lane, nearness)
      if let first = found.first { return Opening(placement: first, others: found.dropFirst()) }
    }
    return nil
  }

  /// Members in a fixed nearness: all, or none.
  private func gangPlacement(_ wish: Wish, _ lane: UInt32, _ nearness: Nearness) -> [Placement] {
    if nearness.isWithinNode, !planted(.ignoresTopology) { return onOneNode(wish, lane, nearness) }
    if nearness.rack, !planted(.ignoresTopology) { return inOneRack(wish, lane) }
    var found = onKeptNodes(wish, lane)
    if wish.demand.shape == .whole {
      spread(wish, lane, &found)
    } else {
      scan(wish, lane, &found)
    }
    return found.count == wish.members || planted(.gangInParts) ? found : []
  }

  /// Members on the nodes of the plans that are open to a wish.
  private func onKeptNodes(_ wish: Wish, _ lane: UInt32) -> [Placement] {
    var found: [Placement] = []
    for node in openNodes(to: wish, lane: lane) {
      found += members(wish, on: node, lane, atMost: wish.members - found.count)
    }
    return found
  }

  /// The nodes of the plan that a wish goes through, then those of other plans that are open to it.
  /// - Complexity: O(`Limits.gangPinProbes` plans).
  private func openNodes(to wish: Wish, lane: UInt32) -> [UInt32] {
    guard wish.through != nil else { return [] }
    var nodes = keptNodes(of: wish.through, lane: lane)
    var row = placement.pins.first(of: lane)
    var looked = 0
    while row != RowLists.none, looked < Limits.gangPinProbes {
      looked += 1
      if row != wish.through, isOpen(row, to: wish) {
        nodes += keptNodes(of: row, lane: lane).filter { !nodes.contains($0) }
      }
      row = placement.pins.next(after: row)
    }
    return nodes
  }

  /// The nodes on which devices are kept for a claim in a lane, in row order.
  func keptNodes(of claim: UInt32?, lane: UInt32) -> [UInt32] {
    guard let claim, let pin = claims[row: claim].pin, pin.lane.row == lane else { return [] }
    if pin.members == 1 { return [pin.node.row] }
    var nodes: [UInt32] = []
    for member in 0..<Int(pin.members) {
      let node = node(of: pin, member: member)
      if !nodes.contains(node) { nodes.append(node) }
    }
    return nodes.sorted()
  }

  /// Adds whole GPUs of the nodes with the most idle ones, until one node holds what is left.
  private func spread(_ wish: Wish, _ lane: UInt32, _ found: inout [Placement]) {
    let index = placement.lanes[Int(lane)]
    let each = Int(wish.demand.devices)
    var tried = 0
    for row in stride(from: FreeGrid.rows - 1, through: each, by: -1) {
      let cells = index.idleGrid.heaps(row: row, columns: wish.columns.all)
      for heap in cells {
        var walk = index.idleShelves.walk(heap)
        while found.count < wish.members, let node = walk.next(in: index.idleShelves)?.row {
          let left = wish.members - found.count
          if row >= min(left * each, FreeGrid.rows - 1), tried != left {
            tried = left
            let rest = tightest(wish, lane, holding: left, besides: found)
            if !rest.isEmpty { return found += rest }
          }
          guard !found.contains(where: { $0.node == node }) else { continue }
          found += members(wish, on: node, lane, atMost: left)
        }
      }
    }
  }

  /// All members that are left on the node with the fewest idle GPUs that holds them.
  private func tightest(
    _ wish: Wish, _ lane: UInt32, holding count: Int, besides found: [Placement],
    _ nearness: Nearness = Nearness()
  ) -> [Placement] {
    // The last row holds all nodes that have more idle GPUs than there are rows.
    let idle = min(count * Int(wish.demand.devices), FreeGrid.rows - 1)
    let all = wish.times(count).columns
    for columns in [all.certain, all.possible] where columns != 0 {
      var rest: [Placement] = []
      placement.lanes[Int(lane)].idleGrid.visit(from: idle, columns: columns) { heap in
        let node = first(in: placement.lanes[Int(lane)].idleShelves, heap, bound: .max) { node in
          !found.contains { $0.node == node }
            && members(wish, on: node, lane, atMost: count, nearness).count == count
        }
        if let node { rest = members(wish, on: node, lane, atMost: count, nearness) }
        return node != nil
      }
      if !rest.isEmpty { return rest }
    }
    return []
  }

  /// Adds members node by node: on one that holds all that are left where there is one.
  private func scan(_ wish: Wish, _ lane: UInt32, _ found: inout [Placement]) {
    let missing = wish.members - found.count
    var rooms: [Placement] = []
    for node in nodes(of: lane) where rooms.count < missing {
      guard !found.contains(where: { $0.node == node }) else { continue }
      let room = members(wish, on: node, lane, atMost: missing)
      if room.count == missing { return found += room }
      rooms += room
    }
    found += rooms.prefix(missing)
  }

  /// All members on one node.
  private func onOneNode(_ wish: Wish, _ lane: UInt32, _ nearness: Nearness) -> [Placement] {
    let all = wish.members
    for node in openNodes(to: wish, lane: lane) {
      let room = members(wish, on: node, lane, atMost: all, nearness)
      if room.count == all { return room }
    }
    if wish.demand.shape == .whole {
      return tightest(wish, lane, holding: all, besides: [], nearness)
    }
    for node in nodes(of: lane) {
      let room = members(wish, on: node, lane, atMost: all, nearness)
      if room.count == all { return room }
    }
    return []
  }

  /// All members in one rack: the one with the least room that is enough.
  private func inOneRack(_ wish: Wish, _ lane: UInt32) -> [Placement] {
    var best: (room: Int, found: [Placement])?
    for rack in racks(of: lane) {
      var rooms = rack.map { members(wish, on: $0, lane, atMost: wish.members) }
      let room = rooms.reduce(0) { $0 + $1.count }
      guard room >= wish.members, best.map({ room < $0.room }) ?? true else { continue }
      rooms.sort { $0.count != $1.count ? $0.count > $1.count : rowBefore($0, $1) }
      best = (room, Array(rooms.joined().prefix(wish.members)))
    }
    return best?.found ?? []
  }

  private func rowBefore(_ left: [Placement], _ right: [Placement]) -> Bool {
    (left.first?.node ?? .max) < (right.first?.node ?? .max)
  }

  // MARK: nodes

  /// Nodes with devices of a lane, in row order.
  func nodes(of lane: UInt32) -> [UInt32] {
    (0..<UInt32(nodes.extent)).filter {
      nodes.id(at: $0) != nil && placement.lanesOfNode[Int($0)].contains(row: lane)
    }
  }

  /// The nodes of a lane rack by rack, in the order of their names; one whose rack is not known
  /// stands alone.
  func racks(of lane: UInt32) -> [[UInt32]] {
    var named: [(rack: Key, node: UInt32)] = []
    var racks: [[UInt32]] = []
    for node in nodes(of: lane) {
      if let rack = nodes[row: node].enrolment.rack {
        named.append((rack, node))
      } else {
        racks.append([node])
      }
    }
    named.sort {
      ($0.rack.high, $0.rack.low, $0.node) < ($1.rack.high, $1.rack.low, $1.node)
    }
    for (index, entry) in named.enumerated() {
      if index > 0, named[index - 1].rack == entry.rack {
        racks[racks.count - 1].append(entry.node)
      } else {
        racks.append([entry.node])
      }
    }
    return racks
  }

  // MARK: one node

  /// Members that a node has room for now.
  func members(
    _ wish: Wish, on node: UInt32, _ lane: UInt32, atMost most: Int,
    _ nearness: Nearness = Nearness()
  ) -> [Placement] {
    guard most > 0, fitsNode(wish, node) else { return [] }
    var host = most
    while host > 1, !fitsNode(wish, node, members: host) {
      host = wish.through == nil ? min(host - 1, hostRoom(wish, node)) : host - 1
    }
    guard host > 0 else { return [] }
    var seats: [Seat] = []
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane) {
        seats.append(Seat(row: row, members: room(wish, row, lane, atMost: host), from: now))
      }
      row = placement.devices.next(after: row)
    }
    return seated(wish, seats, on: node, lane, atMost: host, nearness).map(\.placement)
  }

  /// How many members a node has processor time and memory for, if nothing is kept for them.
  private func hostRoom(_ wish: Wish, _ node: UInt32) -> Int {
    let (demand, free) = (wish.demand, nodes[row: node])
    var room = Limits.leasesPerNode - Int(free.leases)
    if demand.cpu.value > 0 { room = min(room, Int(free.cpuOpen.value / demand.cpu.value)) }
    if demand.hostMemory > .zero {
      room = min(room, Int(free.hostOpen.value / demand.hostMemory.value))
    }
    return max(room, 0)
  }

  /// How many members may share a device that takes one.
  func room(_ wish: Wish, _ row: UInt32, _ lane: UInt32, atMost most: Int) -> Int {
    let device = devices[row: row]
    switch wish.demand.shape {
    case .cpuOnly:
      var count = 1
      while count < most, fitsDevice(wish.times(count + 1), row, lane) { count += 1 }
      return count
    default:
      return shared(wish.demand, milli: device.milliFree, memory: device.memoryFree)
    }
  }

  /// How many members may share a device with so much free.
  func shared(_ demand: Demand, milli: MilliGPU, memory: Bytes) -> Int {
    switch demand.shape {
    case .whole, .slice: return 1
    case .cpuOnly: return Int(milli.value / demand.cpu.value)
    case .fraction(let share, let bytes):
      var count = Limits.members
      if share.value > 0 { count = min(count, Int(milli.value / share.value)) }
      if bytes > .zero { count = min(count, Int(memory.value / bytes.value)) }
      return count
    }
  }

  // MARK: what could ever be

  /// Why a lane can never hold a gang, though it has nodes that hold a member; nil where it can.
  /// - Complexity: O(1) for one member; else O(devices of the nodes that are looked at), few where
  ///   the lane has enough.
  func gangObstacle(_ wish: Wish, lane: UInt32) -> Reason? {
    guard !wish.demand.isSimple else { return nil }
    let most = heldMembers(wish, lane: lane, beside: .nothing) { node, row in
      devices[row: row].lane == lane && devices[row: row].health != .gone
        && devices[row: row].isApproved && isOfForm(wish, row) && node == devices[row: row].node.row
    }
    guard most < wish.members else { return nil }
    return Reason(.gangTooLarge, .lane(lane), have: Int64(most), need: Int64(wish.members))
  }

  /// What stays on a node for which it is asked what it could hold.
  enum Remainder {
    case nothing
    /// Leases that overstay: nobody knows when they go.
    case overstays
  }

  /// Most members, up to all of them, that the nodes of a lane hold as near as required, were they
  /// empty but for what remains, on devices that meet a condition.
  func heldMembers(
    _ wish: Wish, lane: UInt32, beside rest: Remainder,
    where serves: (_ node: UInt32, _ device: UInt32) -> Bool
  ) -> Int {
    let nearness = Nearness(wish.demand.together)
    var most = 0
    func note(_ count: Int) { most = max(most, min(count, wish.members)) }
    if nearness.rack, !nearness.isWithinNode {
      for rack in racks(of: lane) where most < wish.members {
        note(rack.reduce(0) { $0 + heldMembers(wish, on: $1, lane, nearness, rest, where: serves) })
      }
      return most
    }
    var sum = 0
    for row in 0..<UInt32(nodes.extent) where most < wish.members {
      guard nodes.id(at: row) != nil, placement.lanesOfNode[Int(row)].contains(row: lane) else {
        continue
      }
      let held = heldMembers(wish, on: row, lane, nearness, rest, where: serves)
      sum += held
      note(nearness.isWithinNode ? held : sum)
    }
    return most
  }

  private func heldMembers(
    _ wish: Wish, on node: UInt32, _ lane: UInt32, _ nearness: Nearness, _ rest: Remainder,
    where serves: (_ node: UInt32, _ device: UInt32) -> Bool
  ) -> Int {
    let (demand, report) = (wish.demand, nodes[row: node].report)
    guard report.enforcement >= demand.enforcement else { return 0 }
    var (cpu, memory) = (report.cpu, report.hostMemory)
    if rest == .overstays, demand.asksHost { (cpu, memory) = hostBesideOverstays(node) }
    var host = min(wish.members, Limits.leasesPerNode)
    if demand.cpu.value > 0 { host = min(host, Int(cpu.value / demand.cpu.value)) }
    if demand.hostMemory > .zero {
      host = min(host, Int(memory.value / demand.hostMemory.value))
    }
    guard host > 0 else { return 0 }
    var seats: [Seat] = []
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if serves(node, row) {
        let device = devices[row: row]
        let members = shared(demand, milli: device.capacity, memory: device.report.memory)
        if members > 0 { seats.append(Seat(row: row, members: members, from: .origin)) }
      }
      row = placement.devices.next(after: row)
    }
    return seated(wish, seats, on: node, lane, atMost: host, nearness).count
  }
}

/// How near all devices of a claim are to be: every part that is set.
struct Nearness: BitwiseCopyable, Equatable {
  var rack = false
  var node = false
  var numa = false
  var island = false

  /// No nearness at all.
  init() {}

  init(_ levels: Proximity...) {
    for level in levels {
      switch level {
      case .anywhere: break
      case .rack: rack = true
      case .node: node = true
      case .numa: numa = true
      case .island: island = true
      }
    }
  }

  var isWithinNode: Bool { node || numa || island }

  /// What is tried for a demand: what it wishes for, then what is less near, then what it requires.
  static func attempts(for demand: Demand) -> [Nearness] {
    let required = Nearness(demand.together)
    var attempts = [Nearness(demand.together, demand.prefer)]
    if demand.prefer > .node { attempts.append(Nearness(demand.together, .node)) }
    if demand.prefer > .rack { attempts.append(Nearness(demand.together, .rack)) }
    attempts.append(required)
    return attempts.enumerated().filter { index, attempt in
      !attempts[..<index].contains { $0.covers(attempt) }
    }.map(\.element)
  }

  /// Whether it leaves no choice that another does not leave too, and the reverse.
  private func covers(_ other: Nearness) -> Bool {
    isWithinNode == other.isWithinNode && numa == other.numa && island == other.island
      && (isWithinNode || rack == other.rack)
  }
}

extension Demand {
  /// Whether it asks for one member whose devices may be any of its node: the usual case, which has
  /// an index of its own.
  var isSimple: Bool {
    members == 1 && (devices == 1 || (together <= .node && prefer <= .node))
  }
}
