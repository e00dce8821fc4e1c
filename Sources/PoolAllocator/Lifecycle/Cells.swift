/// Guarantees bound to cells: aligned groups of 1, 2, 4 or 8 GPUs of one island of one node.
///
/// The GPUs of one node, island and profile in row order stand in groups of the cell's size; a lane
/// takes whole groups only. Bound anew only where a lane is short, a cell lost a device for good or
/// its node is drained.
extension Pool {
  /// A whole cell that a lane may take, by the rows of its devices.
  private struct Choice {
    var rows = InlineArray<8, UInt32>(repeating: RowLists.none)
  }

  // MARK: deciding

  /// Binds devices to reserved lanes that are short of what their rule asks for, large cells before
  /// small ones, and gives back cells that cannot serve where better ones are free.
  /// - Parameter node: look at this node's devices alone; nil looks at all.
  mutating func bindShortLanes(_ log: inout EventLog, on node: NodeID?) {
    for size: UInt8 in [8, 4, 2, 1] {
      for row in 0..<UInt32(lanes.extent) {
        guard let lane = lanes.id(at: row), lanes[lane].rule.cell == size, wantsCells(lane) else {
          continue
        }
        if lanes[lane].profile.kind == .cpu {
          bindParts(to: lane, on: node, &log)
        } else {
          mendCells(of: lane, on: node, &log)
          bindCells(to: lane, on: node, &log)
        }
      }
    }
  }

  /// Whether a lane has less than its rule asks for, or something that it would change.
  private func wantsCells(_ lane: LaneID) -> Bool {
    guard !lanes[lane].isRetired, lanes[lane].rule.reserved > 0 else { return false }
    return lanes[lane].bound < lanes[lane].rule.reserved || hasBadCells(lane)
  }

  private func hasBadCells(_ lane: LaneID) -> Bool {
    let guarantee = placement.lanes[Int(lane.row)].guarantee
    return guarantee[.failed] + guarantee[.draining] > 0 || hasBrokenCells(lane)
  }

  /// Whether a cell of the lane lost a device.
  private func hasBrokenCells(_ lane: LaneID) -> Bool {
    let cells = placement.lanes[Int(lane.row)].guarantee.cells
    return lanes[lane].profile.kind == .gpu
      && lanes[lane].bound < cells * lanes[lane].rule.cellMilli
  }

  /// Completes cells that lost a device from their own island.
  private mutating func mendCells(of lane: LaneID, on node: NodeID?, _ log: inout EventLog) {
    guard hasBrokenCells(lane) else { return }
    for cell in cells(of: lane, on: node) {
      let first = devices[row: cell]
      guard openCell(beside: first, lane: lane.row) == cell else { continue }
      let lack = Int(lanes[lane].rule.cell) - Int(placement.cells.count(of: cell))
      var found: [(pass: Int, row: UInt32)] = []
      for row in island(of: first) {
        if let pass = bindingPass(row, to: lane) { found.append((pass, row)) }
      }
      guard lack > 0, found.count >= lack else { continue }
      found.sort { ($0.pass, $0.row) < ($1.pass, $1.row) }
      bind(found.prefix(lack).map(\.row), to: lane, &log)
    }
  }

  /// Takes new cells, then puts good cells in the place of bad ones.
  private mutating func bindCells(to lane: LaneID, on node: NodeID?, _ log: inout EventLog) {
    let size = Int(lanes[lane].rule.cell)
    let held = placement.lanes[Int(lane.row)].guarantee.cells
    var missing = Int(lanes[lane].rule.reserved / lanes[lane].rule.cellMilli - held)
    guard missing > 0 || hasBadCells(lane) else { return }
    let choices = choices(for: lane, on: node)
    var taken: [UInt32] = []
    var good: [Choice] = []
    for (pass, list) in choices.enumerated() {
      let first = min(list.count, max(0, missing))
      missing -= first
      for choice in list[..<first] { for index in 0..<size { taken.append(choice.rows[index]) } }
      // What replaces a bad cell is sound at once.
      if pass < 2 { good += list[first...] }
    }
    bind(taken, to: lane, &log)
    guard !good.isEmpty, hasBadCells(lane) else { return }
    for (bad, choice) in zip(badCells(of: lane), good) {
      unbind(bad, of: lane, &log)
      bind((0..<size).map { choice.rows[$0] }, to: lane, &log)
    }
  }

  private mutating func bind(_ rows: [UInt32], to lane: LaneID, _ log: inout EventLog) {
    // A run of the log holds less than 65,536 rows; 65,528 are whole cells of every size.
    unpinAll(on: rows, &log)
    for start in stride(from: 0, to: rows.count, by: 65_528) {
      let run = append(rows[start..<min(rows.count, start + 65_528)], &log)
      step(.laneBound(lane, uses: run), &log)
    }
  }

  private mutating func unbind(_ cell: UInt32, of lane: LaneID, _ log: inout EventLog) {
    let members = members(of: cell)
    unpinAll(on: members, &log)
    step(.laneUnbound(lane, uses: append(members[...], &log)), &log)
  }

  /// Nothing is kept any more on GPUs that change their lane, nor on instances of theirs.
  private mutating func unpinAll(on rows: [UInt32], _ log: inout EventLog) {
    for row in rows {
      guard let id = devices.id(at: row) else { broken("a cell has live devices") }
      unpinAll(on: id, because: .laneNotAllowed, &log)
      var instance = placement.instances.first(of: row)
      while instance != RowLists.none {
        if let id = devices.id(at: instance) { unpinAll(on: id, because: .laneNotAllowed, &log) }
        instance = placement.instances.next(after: instance)
      }
    }
  }

  private func append(_ rows: ArraySlice<UInt32>, _ log: inout EventLog) -> Span32 {
    let first = UInt32(log.uses.count)
    for row in rows {
      guard let id = devices.id(at: row) else { broken("a cell has live devices") }
      log.uses.append(DeviceUse(device: id, milli: devices[id].capacity, memory: .zero))
    }
    return Span32(first: first, count: UInt16(rows.count))
  }

  /// The cells of a lane by name, in row order: on one node, or all.
  private func cells(of lane: LaneID, on node: NodeID?) -> [UInt32] {
    func isCell(_ row: UInt32) -> Bool {
      devices[row: row].cell == row && devices[row: row].lane == lane.row
    }
    guard let node else {
      return (0..<UInt32(devices.extent)).filter { devices.id(at: $0) != nil && isCell($0) }
    }
    var found: [UInt32] = []
    var row = placement.devices.first(of: node.row)
    while row != RowLists.none {
      if isCell(row) { found.append(row) }
      row = placement.devices.next(after: row)
    }
    return found
  }

  /// The devices of a cell, in row order.
  private func members(of cell: UInt32) -> [UInt32] {
    island(of: devices[row: cell]).filter { devices[row: $0].cell == cell }
  }

  private func badCells(of lane: LaneID) -> [UInt32] {
    cells(of: lane, on: nil).filter { isBad($0) }
  }

  /// Whether a cell waits for what may never come: a device is lost or broken, or its node is being
  /// emptied. Silence, a cordon and a process without a lease may pass.
  private func isBad(_ cell: UInt32) -> Bool {
    guard let lane = devices[row: cell].lane else { return false }
    if placement.cells.count(of: cell) < lanes[row: lane].rule.cell { return true }
    return members(of: cell).contains { row in
      let soundness = bond(of: devices[row: row]).soundness
      return soundness == .failed || soundness == .draining
    }
  }

  // MARK: what there is

  /// The GPUs that are linked with one, itself included, of its profile, in row order.
  private func island(of device: Device) -> [UInt32] {
    var rows: [UInt32] = []
    var row = placement.devices.first(of: device.node.row)
    while row != RowLists.none {
      let other = devices[row: row]
      if other.report.kind == .gpu, other.health != .gone,
        other.report.profile == device.report.profile, other.report.island == device.report.island
      {
        rows.append(row)
      }
      row = placement.devices.next(after: row)
    }
    return rows
  }

  /// Whole cells that a lane may take, by preference: in use by the lane's own leases, empty, in
  /// use, may become usable. Within each by node, island and position.
  private func choices(for lane: LaneID, on node: NodeID?) -> [[Choice]] {
    var choices: [[Choice]] = [[], [], [], []]
    var rows: [(island: UInt8, row: UInt32)] = []
    let nodeRows = node.map { $0.row..<($0.row + 1) } ?? 0..<UInt32(nodes.extent)
    for node in nodeRows where nodes.id(at: node) != nil {
      rows.removeAll(keepingCapacity: true)
      var row = placement.devices.first(of: node)
      while row != RowLists.none {
        let device = devices[row: row]
        if device.report.kind == .gpu, device.health != .gone,
          device.report.profile == lanes[lane].pool.profile
        {
          rows.append((device.report.island, row))
        }
        row = placement.devices.next(after: row)
      }
      if rows.contains(where: { $0.island != rows[0].island }) {
        rows.sort { ($0.island, $0.row) < ($1.island, $1.row) }
      }
      choose(from: rows, for: lane, &choices)
    }
    return choices
  }

  /// Cuts the GPUs of one node, sorted by island and row, into cells.
  private func choose(
    from rows: [(island: UInt8, row: UInt32)], for lane: LaneID, _ choices: inout [[Choice]]
  ) {
    let size = Int(lanes[lane].rule.cell)
    var start = 0
    while start + size <= rows.count {
      let last = start + size - 1
      if rows[last].island != rows[start].island {
        let island = rows[start].island
        while rows[start].island == island { start += 1 }
        continue
      }
      var choice = Choice()
      var passes: [Int] = []
      for index in 0..<size {
        choice.rows[index] = rows[start + index].row
        if let pass = bindingPass(choice.rows[index], to: lane) { passes.append(pass) }
      }
      if passes.count == size, let worst = passes.max() {
        // Empty devices beside the lane's own leases count as its own.
        choices[worst == 1 && passes.contains(0) ? 0 : worst].append(choice)
      }
      start += planted(.unalignedCells) && passes.count < size ? 1 : size
    }
  }

  /// How willingly a lane takes a device of its pool's shared lane: 0 holds the lane's own leases
  /// alone, 1 is empty, 2 is in use, 3 may become usable; nil is not bound.
  private func bindingPass(_ row: UInt32, to lane: LaneID) -> Int? {
    let device = devices[row: row]
    guard let id = devices.id(at: row), let from = device.lane, lanes[row: from].rule.reserved == 0,
      lanes[row: from].pool == lanes[lane].pool
    else { return nil }
    let node = nodes[device.node]
    guard node.duty == .open || node.duty == .cordoned else { return nil }
    switch device.health {
    case .usable where node.isOpen:
      if !isHeld(id) { return 1 }
      return squatters(on: id, in: lane.row) == 0 ? 0 : 2
    case .usable, .quarantined: return 3
    case .unknown: return device.isApproved ? 3 : nil
    case .dirty, .failed, .gone: return nil
    }
  }

  // MARK: folding

  /// A cell of a lane on a device's island that lacks a device: the one with the least row.
  private func openCell(beside device: Device, lane: UInt32) -> UInt32? {
    for row in island(of: device) where devices[row: row].lane == lane {
      if let cell = devices[row: row].cell,
        placement.cells.count(of: cell) < lanes[row: lane].rule.cell
      {
        return cell
      }
    }
    return nil
  }

  /// Puts a device of a reserved lane in the open cell of its island, or begins a cell with it.
  mutating func joinCell(_ id: DeviceID) {
    let device = devices[id]
    guard let lane = device.lane, device.cell == nil else { return }
    var cell = id.row
    if lanes[row: lane].rule.cell != 1, let open = openCell(beside: device, lane: lane) {
      cell = open
    }
    enter(cell, id.row, lane: lane)
  }

  private mutating func enter(_ cell: UInt32, _ row: UInt32, lane: UInt32) {
    devices[row: row].cell = cell
    noteMember(1, of: cell, lane: lane)
  }

  /// Counts a device that joins a cell (1) or leaves it (-1).
  mutating func noteMember(_ change: Int, of cell: UInt32, lane: UInt32) {
    let count = placement.cells.note(change, of: cell)
    if change > 0, count == 1 { placement.lanes[Int(lane)].guarantee.cells += 1 }
    if change < 0, count == 0 { placement.lanes[Int(lane)].guarantee.cells -= 1 }
  }

  /// Takes a device out of its cell; where the cell had its name from it, another one gives its.
  /// The device has to be placed anew.
  mutating func leaveCell(_ id: DeviceID) {
    guard let cell = devices[id].cell, let lane = devices[id].lane else { return }
    exit(id.row, lane: lane)
    guard cell == id.row, placement.cells.count(of: cell) > 0 else { return }
    var rest: [UInt32] = []
    var row = placement.devices.first(of: devices[id].node.row)
    while row != RowLists.none {
      if devices[row: row].cell == cell { rest.append(row) }
      row = placement.devices.next(after: row)
    }
    for row in rest { exit(row, lane: lane) }
    for row in rest { enter(rest[0], row, lane: lane) }
    for row in rest { refreshDevice(row) }
  }

  private mutating func exit(_ row: UInt32, lane: UInt32) {
    guard let cell = devices[row: row].cell else { return }
    placement.withdraw(row, node: devices[row: row].node.row)
    devices[row: row].cell = nil
    noteMember(-1, of: cell, lane: lane)
  }

  /// Folds the return of a lane's devices to the shared lane of its pool.
  mutating func evolveUnbound(_ lane: LaneID, _ uses: Span32, _ log: borrowing EventLog) {
    for index in uses.indices { returnBoard(log.uses[index].device) }
  }

  /// A GPU that is linked otherwise now is no part of its cell any more.
  mutating func leaveIsland(_ id: DeviceID) {
    guard devices[id].report.kind == .gpu, devices[id].health != .gone, devices[id].cell != nil,
      let lane = devices[id].lane, lanes[row: lane].rule.cell > 1
    else { return }
    returnBoard(id)
  }

  /// Gives a GPU of a reserved lane back to the shared lane that takes it.
  mutating func returnBoard(_ id: DeviceID) {
    let device = devices[id]
    guard let lane = device.lane else { return }
    lanes[row: lane].bound -= Int64(device.capacity.value)
    placement.staleCeilings.insert(row: lane)
    let shared = sharedLane(profile: device.report.profile, of: device.node)
    setLane(id, shared)
    refreshDevice(id.row)
    followBoard(id)
    raiseCeilings(of: device.node.row)
    if let shared = devices[id].lane { stirred.insert(row: shared) }
  }

  // MARK: another policy

  /// Gives every GPU its lane under a new policy. A lane keeps cells up to what it reserves now,
  /// whole ones before those that lost a device; larger cells are cut into smaller ones, smaller
  /// ones are not joined.
  mutating func rebindBoards() {
    var old: [(cell: UInt32, row: UInt32, size: UInt8)] = []
    for row in 0..<UInt32(devices.extent) {
      guard devices.id(at: row) != nil, devices[row: row].report.kind == .gpu,
        let cell = devices[row: row].cell, let lane = devices[row: row].lane
      else { continue }
      old.append((cell, row, placement.cells.bond(of: row).size))
      exit(row, lane: lane)
    }
    old.sort { ($0.cell, $0.row) < ($1.cell, $1.row) }
    for isWhole in [true, false] {
      var start = 0
      while start < old.count {
        let end = old[start...].firstIndex { $0.cell != old[start].cell } ?? old.count
        keepCells(old[start..<end].map(\.row), size: old[start].size, isWhole: isWhole)
        start = end
      }
    }
    for row in 0..<UInt32(devices.extent) {
      guard let id = devices.id(at: row) else { continue }
      let device = devices[id]
      guard device.report.kind == .gpu, device.cell == nil, device.health != .gone else {
        continue
      }
      let shared = sharedLane(profile: device.report.profile, of: device.node)
      setLane(id, shared)
    }
  }

  /// Keeps of one former cell what still fits: as it is, or in smaller cells.
  private mutating func keepCells(_ rows: [UInt32], size: UInt8, isWhole: Bool) {
    guard let lane = devices[row: rows[0]].lane, !lanes[row: lane].isRetired else { return }
    let rule = lanes[row: lane].rule
    let first = devices[row: rows[0]]
    guard let shared = sharedLane(profile: first.report.profile, of: first.node),
      lanes[row: lane].pool == lanes[row: shared].pool, rule.cell <= size
    else { return }
    for start in stride(from: 0, to: rows.count, by: Int(rule.cell)) {
      let part = rows[start..<min(rows.count, start + Int(rule.cell))]
      let cells = placement.lanes[Int(lane)].guarantee.cells
      guard (part.count == Int(rule.cell)) == isWhole, isWhole || rule.cell == size,
        (cells + 1) * rule.cellMilli <= rule.reserved
      else { continue }
      for row in part {
        enter(rows[start], row, lane: lane)
        lanes[row: lane].bound += Int64(devices[row: row].capacity.value)
      }
    }
  }
}
