/// How a device stands towards new leases.
enum Standing: Int, CaseIterable {
  /// May receive one, if it has room.
  case offered
  /// On a cordoned or draining node.
  case cordoned
  /// On a suspect or silent node.
  case silent
  /// On a node that has yet to report in full.
  case recovering
  /// Not usable itself.
  case unhealthy
}

/// One lane's part of the index.
struct LaneIndex: Sendable {
  /// Shelves (nodes) with idle GPUs, by how many; the lane's whole devices come from here.
  var idleGrid = FreeGrid()
  var idleShelves = IndexedHeaps<UInt64>()
  /// Idle GPUs per node row.
  var idle: [UInt8] = []
  /// Cell that holds the node, so that it can be cleared; meaningful while the node is placed.
  var cells: [UInt16] = []
  /// Thousandths by standing; the first is split into what is free.
  var census = InlineArray<5, Int64>(repeating: 0)
  /// Free thousandths of offered devices.
  var free: Int64 = 0
  /// What the largest shelf could give if it were empty.
  var ceiling = Ceiling()
  /// Nodes by the moment at which all their leases have ended at the latest.
  var clears = IndexedHeaps<Instant>(heaps: 1)
  /// Demands that its nodes can be relied on to hold.
  var firm = FirmDemands()
  /// What is in the lane's cells, and how it stands.
  var guarantee = GuaranteeIndex()

  /// Puts a node where its number of idle GPUs and its column belong.
  mutating func place(_ node: UInt32, column: Int) {
    guard Int(node) < idle.count else { return }
    let count = min(Int(idle[Int(node)]), FreeGrid.rows - 1)
    if let heap = idleShelves.heap(of: node) {
      let cell = Int(cells[Int(node)])
      if count > 0, cell == count * FreeGrid.columns + column { return }
      idleShelves.remove(node)
      if idleShelves.isEmpty(heap) {
        idleGrid.clear(row: cell / FreeGrid.columns, column: cell % FreeGrid.columns)
      }
    }
    guard count > 0 else { return }
    let heap = idleGrid.heap(row: count, column: column, in: &idleShelves)
    idleShelves.insert(node, UInt64(node), into: heap)
    cells[Int(node)] = UInt16(count * FreeGrid.columns + column)
  }
}

/// Derived from the tables, rebuilt by `reindex()`, not in the digest: where free capacity is.
///
/// Ranks by class of free, not by device: a change of one device moves one heap member (a node
/// that crosses a class of free processor time or memory moves those of all its devices), and a
/// lookup reads a few masks and one heap top, whatever the number of nodes. Among equals the least
/// row wins, so the choice is a function of the tables and a scan of all devices makes the same
/// one.
struct PlacementIndex: Sendable {
  /// Devices of each node, in row order.
  var devices = RowLists()
  /// Leases of each node.
  var leases = RowLists()
  /// Waiting claims for which devices are kept, by the lane of the devices, in row order.
  var pins = RowLists()
  /// Lanes of which devices are kept.
  var pinnedLanes = LaneSet.none
  /// Lanes whose ceiling may be too high since something left.
  var staleCeilings = LaneSet.none
  /// A ceiling rose in the command that is being applied.
  var hasMovedCeiling = false
  /// Leases that may have to give way to more urgent classes.
  var victims = VictimIndex()
  /// By lane row.
  var lanes: [LaneIndex] = Array(repeating: LaneIndex(), count: Limits.lanes)
  /// Cells of partly used GPUs, free instances and CPU parts, for all lanes.
  var spots = IndexedHeaps<UInt64>()
  /// Grids of spots, found by their kind and lane.
  var grids: [FreeGrid] = []
  private var gridRows = KeyIndex()
  /// What each device contributes to its lane's census, so that it can be taken back.
  private var contributions: [Contribution] = []
  /// Column of each node.
  private(set) var columns: [UInt8] = []
  /// Lanes with a device on a node, by node row.
  private(set) var lanesOfNode: [LaneSet] = []

  /// What claims that wait ask of devices.
  var outlooks = Outlooks()
  /// By node row, the moment at which all its leases have ended at the latest.
  private var clearMoments: [Instant] = []

  /// When all leases of a node have ended at the latest; the origin where it has none.
  func clears(_ node: UInt32) -> Instant { clearMoments[Int(node)] }

  /// A lease came that ends by a moment.
  mutating func extend(clears moment: Instant, on node: UInt32) {
    if clearMoments[Int(node)] < moment { set(clears: moment, on: node) }
  }

  /// Notes when all leases of a node have ended.
  mutating func set(clears moment: Instant, on node: UInt32) {
    clearMoments[Int(node)] = moment
    var left = lanesOfNode[Int(node)]
    while let lane = left.firstRow {
      left = left.withoutFirst
      lanes[Int(lane)].clears.insert(node, moment, into: 0)
    }
  }

  /// Instances of each partitioned GPU, by the GPU's row.
  var instances = RowLists()
  /// Slots that the free instances of a partitioned GPU have, by the GPU's row.
  private(set) var freeSlots: [UInt8] = []

  /// Notes how many slots of a partitioned GPU are free.
  /// - Returns: whether that changed.
  mutating func setFreeSlots(_ count: Int, of board: UInt32) -> Bool {
    while freeSlots.count <= Int(board) { freeSlots.append(0) }
    defer { freeSlots[Int(board)] = UInt8(count) }
    return freeSlots[Int(board)] != UInt8(count)
  }

  /// Cells of reserved lanes.
  var cells = CellIndex()
  /// What demands that come again could get where.
  var scores = ScoreIndex()
  /// What of all nodes is free, for the values of offers.
  var supply = OfferSupply()

  private struct Contribution: BitwiseCopyable, Sendable {
    var lane = UInt32.max
    var standing: UInt8 = 0
    var isIdle = false
    var isBound = false
    var capacity: Int32 = 0
    var free: Int32 = 0
    var grid = UInt32.max
    var cell: UInt16 = 0
  }

  /// Which devices a grid holds.
  enum GridKind: BitwiseCopyable {
    /// GPUs opened for fractions and closed to one tenant.
    case openTo(tenant: UInt32)
    /// GPUs opened for fractions of any tenant.
    case openToAny
    /// Free MIG instances of one profile.
    case slice(UInt16)
    /// CPU parts.
    case cpu

    fileprivate var key: (kind: UInt64, value: UInt64) {
      switch self {
      case .openTo(let tenant): (1, UInt64(tenant))
      case .openToAny: (2, 0)
      case .slice(let slice): (3, UInt64(slice))
      case .cpu: (4, 0)
      }
    }
  }

  /// Where the grid of a kind in a lane stands in `grids`, if one was ever needed.
  func gridRow(_ kind: GridKind, lane: UInt32) -> Int? {
    let key = Key(high: UInt64(lane) << 8 | kind.key.kind, low: kind.key.value)
    return gridRows.row(for: key).map { Int($0) }
  }

  private mutating func makeGrid(_ kind: GridKind, lane: UInt32) -> UInt32 {
    let key = Key(high: UInt64(lane) << 8 | kind.key.kind, low: kind.key.value)
    if let row = gridRows.row(for: key) { return row }
    grids.append(FreeGrid())
    gridRows.insert(key, UInt32(grids.count - 1))
    return UInt32(grids.count - 1)
  }

  /// Whether another index has a device in the same place; grids are numbered as they are made, so
  /// their numbers are not compared.
  func agrees(with other: PlacementIndex, on row: UInt32) -> Bool {
    let none = Contribution()
    let left = Int(row) < contributions.count ? contributions[Int(row)] : none
    let right = Int(row) < other.contributions.count ? other.contributions[Int(row)] : none
    return left.lane == right.lane && left.standing == right.standing
      && left.isIdle == right.isIdle && left.capacity == right.capacity && left.free == right.free
      && (left.grid == UInt32.max) == (right.grid == UInt32.max)
      && (left.grid == UInt32.max || left.cell == right.cell)
      && spots.order(of: row) == other.spots.order(of: row)
      && cells.bond(of: row) == other.cells.bond(of: row)
  }

  // MARK: keeping it true

  /// Makes room for a node row.
  mutating func admit(node: UInt32) {
    while columns.count <= Int(node) {
      columns.append(0)
      lanesOfNode.append(.none)
      clearMoments.append(.origin)
    }
  }

  /// Notes a node's class of free processor time and memory.
  /// - Returns: whether it changed, so that its devices must be placed anew.
  mutating func setColumn(_ column: Int, node: UInt32) -> Bool {
    let changed = columns[Int(node)] != UInt8(column)
    columns[Int(node)] = UInt8(column)
    return changed
  }

  /// Notes that a lane has a device on a node.
  mutating func note(lane: UInt32, on node: UInt32) {
    defer { noteChange(of: node) }
    guard !lanesOfNode[Int(node)].contains(row: lane) else { return }
    lanesOfNode[Int(node)].insert(row: lane)
    lanes[Int(lane)].clears.insert(node, clearMoments[Int(node)], into: 0)
  }

  /// Notes that something changed on a node that scores rest on.
  mutating func noteChange(of node: UInt32) {
    outlooks.forget(node: node)
    scores.note(node, lanes: lanesOfNode[Int(node)])
    supply.note(node)
  }

  /// Forgets which lanes had devices on a node.
  mutating func forget(node: UInt32) {
    noteChange(of: node)
    var left = lanesOfNode[Int(node)]
    while let lane = left.firstRow {
      left = left.withoutFirst
      lanes[Int(lane)].clears.remove(node)
    }
    lanesOfNode[Int(node)] = .none
  }

  /// Takes a device out of all counts, before its row goes or its lane changes.
  mutating func withdraw(_ row: UInt32, node: UInt32) {
    outlooks.forget(node: node)
    guard Int(row) < contributions.count else { return }
    let old = contributions[Int(row)]
    guard old.lane != UInt32.max else { return }
    let lane = Int(old.lane)
    lanes[lane].census[Int(old.standing)] -= Int64(old.capacity)
    lanes[lane].free -= Int64(old.free)
    if old.isIdle { addIdle(-1, lane: lane, node: node) }
    if old.isBound { rebond(row, Bond(), lane: lane) }
    if old.grid != UInt32.max { unplace(row, old.grid, old.cell) }
    contributions[Int(row)] = Contribution()
  }

  /// Puts a device where its free part now belongs.
  /// - Parameter place: the grid kind, the row in it and the order in the cell, where the device
  ///   offers a part of itself; nil otherwise.
  mutating func place(
    _ row: UInt32, node: UInt32, lane: UInt32, standing: Standing, capacity: Int32, free: Int32,
    isIdle: Bool, bond: Bond, at spot: (kind: GridKind, row: Int, order: UInt64)?
  ) {
    while contributions.count <= Int(row) { contributions.append(Contribution()) }
    let old = contributions[Int(row)]
    if old.lane != UInt32.max, old.lane != lane { withdraw(row, node: node) }
    let before = contributions[Int(row)]
    let index = Int(lane)
    if before.capacity != capacity || before.standing != UInt8(standing.rawValue) {
      lanes[index].census[Int(before.standing)] -= Int64(before.capacity)
      lanes[index].census[standing.rawValue] += Int64(capacity)
    }
    if before.free != free { lanes[index].free += Int64(free) - Int64(before.free) }
    if before.isIdle != isIdle { addIdle(isIdle ? 1 : -1, lane: index, node: node) }
    let isBound = bond.soundness != .loose
    if isBound || before.isBound { rebond(row, bond, lane: index) }
    var now = Contribution(
      lane: lane, standing: UInt8(standing.rawValue), isIdle: isIdle, isBound: isBound,
      capacity: capacity, free: free)
    if let spot {
      now.grid = makeGrid(spot.kind, lane: lane)
      now.cell = UInt16(spot.row * FreeGrid.columns) + UInt16(columns[Int(node)])
    }
    if before.grid != UInt32.max, before.grid != now.grid || before.cell != now.cell {
      unplace(row, before.grid, before.cell)
    }
    if let spot {
      let heap = grids[Int(now.grid)].heap(
        row: spot.row, column: Int(columns[Int(node)]), in: &spots)
      spots.insert(row, spot.order, into: heap)
    }
    contributions[Int(row)] = now
  }

  /// Counts a device of a reserved lane under its new soundness.
  private mutating func rebond(_ row: UInt32, _ new: Bond, lane: Int) {
    guard let (old, change) = cells.replace(row, by: new) else { return }
    lanes[lane].guarantee.milli[Int(old.soundness.rawValue)] -= Int64(old.milli)
    lanes[lane].guarantee.milli[Int(new.soundness.rawValue)] += Int64(new.milli)
    lanes[lane].guarantee.sound += change
    cells.shaken.insert(row: UInt32(lane))
  }

  private mutating func unplace(_ row: UInt32, _ grid: UInt32, _ cell: UInt16) {
    guard let heap = spots.heap(of: row) else { return }
    spots.remove(row)
    if spots.isEmpty(heap) {
      grids[Int(grid)].clear(
        row: Int(cell) / FreeGrid.columns, column: Int(cell) % FreeGrid.columns)
    }
  }

  private mutating func addIdle(_ change: Int, lane: Int, node: UInt32) {
    while lanes[lane].idle.count <= Int(node) {
      lanes[lane].idle.append(0)
      lanes[lane].cells.append(0)
    }
    lanes[lane].idle[Int(node)] = UInt8(Int(lanes[lane].idle[Int(node)]) + change)
    placeShelf(lane: lane, node: node)
  }

  /// Puts a node where its number of idle GPUs and its column belong.
  mutating func placeShelf(lane: Int, node: UInt32) {
    lanes[lane].place(node, column: Int(columns[Int(node)]))
  }
}
