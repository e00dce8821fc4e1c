/// Concrete devices for one member: what a grant takes.
struct Placement: BitwiseCopyable {
  var lane: UInt32
  var node: UInt32
  var devices: InlineArray<16, UInt32>
  var count: Int

  init(lane: UInt32, node: UInt32, device: UInt32) {
    self.lane = lane
    self.node = node
    self.devices = InlineArray(repeating: device)
    self.count = 1
  }

  /// On some devices of a node, one at least and as many as a member may have.
  init(lane: UInt32, node: UInt32, devices rows: ArraySlice<UInt32>) {
    self.init(lane: lane, node: node, device: rows[rows.startIndex])
    for (index, row) in rows.enumerated() { devices[index] = row }
    count = rows.count
  }

  /// Whether it has a device that another one has.
  func shares(deviceWith other: Placement) -> Bool {
    (0..<count).contains { other.has(devices[$0]) }
  }

  /// Whether a device is one of its own.
  func has(_ device: UInt32) -> Bool { (0..<count).contains { devices[$0] == device } }
}

/// What a lookup needs to know of one claim.
struct Wish: BitwiseCopyable {
  var demand: Demand
  var tenant: UInt32
  var slice: UInt16?
  var columns: HostClass.Columns
  /// Row of the waiting claim whose kept devices it may use too; nil for none.
  var through: UInt32?
  /// Row of the waiting claim that asks: what is kept for it is no obstacle to itself.
  var own: UInt32?
  /// Row of the waiting claim for which something is kept in another lane of the node: what is kept
  /// of the host beside it may be used too.
  var beside: UInt32?
  /// When it has left again: what is kept for a later start is no obstacle then. `.farFuture` where
  /// nothing that is kept may be used so.
  var leaves = Instant.farFuture
  /// Whether it looks past whatever is kept for waiting claims: a question, never a grant.
  var ignoresPlans = false

  /// How many members it asks for.
  var members: Int { Int(demand.members) }

  /// One member that needs as much of a host, or of a CPU part, as so many.
  func times(_ count: Int) -> Wish {
    guard count > 1 else { return self }
    var all = demand
    all.cpu = MilliCPU(demand.cpu.value * Int32(count))
    all.hostMemory = Bytes(demand.hostMemory.value * Int64(count))
    var wish = Wish(demand: all, tenant: tenant, slice: slice)
    (wish.through, wish.own, wish.leaves) = (through, own, leaves)
    return wish
  }

  init(demand: Demand, tenant: UInt32, slice: UInt16?) {
    self.demand = demand
    self.tenant = tenant
    self.slice = slice
    self.columns = HostClass.columns(cpu: demand.cpu, memory: demand.hostMemory)
  }
}

/// Best fit through the index.
///
/// Order of preference, the same for a scan of all devices: for a fraction, a GPU that this tenant
/// has opened, then one open to any (where lane and demand agree), then the shelf with the fewest
/// idle GPUs; for whole devices, the shelf with the fewest idle GPUs that has enough; for an
/// instance, the GPU with the fewest free slots; for processor time, the part with the least free.
/// Cells whose node surely has enough beside the device go before those that must be checked; in a
/// cell the roomiest spot first, then the least row.
extension Pool {
  /// The best placement in one lane by the score of the policy, or nil.
  func bestPlacement(of wish: Wish, lane: UInt32) -> Placement? {
    isScored(wish.demand)
      ? scoredPlacement(of: wish, lanes: .one(lane)) : tightestPlacement(of: wish, lane: lane)
  }

  /// The tightest fit in one lane, or nil.
  /// - Complexity: O(rows of the grid) with one heap top each; cells whose class leaves the answer
  ///   open are looked through.
  func tightestPlacement(of wish: Wish, lane: UInt32) -> Placement? {
    switch wish.demand.shape {
    case .whole:
      return shelfPlacement(wish, lane: lane)
    case .fraction(let milli, _):
      guard wish.demand.devices == 1 else { return scannedPlacement(wish, lane: lane) }
      let firstRow = Int(milli.value) / 64
      if let own = spot(wish, .openTo(tenant: wish.tenant), lane: lane, from: firstRow) {
        return own
      }
      if opensToAny(wish.demand, lane: lane),
        let open = spot(wish, .openToAny, lane: lane, from: firstRow)
      {
        return open
      }
      return shelfPlacement(wish, lane: lane)
    case .slice:
      guard let slice = wish.slice else { return nil }
      return spot(wish, .slice(slice), lane: lane, from: 1)
    case .cpuOnly:
      return spot(wish, .cpu, lane: lane, from: Self.cpuRow(wish.demand.cpu.value))
    }
  }

  /// Whether a fraction of this demand opens a GPU to other tenants.
  func opensToAny(_ demand: Demand, lane: UInt32) -> Bool {
    demand.sharing == .anyTenant
      && (lanes[row: lane].rule.sharesAcrossTenants || planted(.sharesDespiteLane))
  }

  /// Row of a CPU part in its grid: a doubling of free milli-cores each.
  static func cpuRow(_ milli: Int32) -> Int {
    max(0, min(16, 32 - milli.leadingZeroBitCount - 4))
  }

  // MARK: shelves

  private func shelfPlacement(_ wish: Wish, lane: UInt32) -> Placement? {
    let need = Int(wish.demand.devices)
    for pass in 0..<HostClass.Columns.passes where wish.columns[pass] != 0 {
      let columns = wish.columns[pass]
      var found: Placement?
      placement.lanes[Int(lane)].idleGrid.visit(from: need, columns: columns) { heap in
        let node = first(in: placement.lanes[Int(lane)].idleShelves, heap, bound: .max) {
          fitsNode(wish, $0) && idleDevices(on: $0, lane: lane, wish) != nil
        }
        found = node.flatMap { idleDevices(on: $0, lane: lane, wish) }
        return found != nil
      }
      if let found { return found }
    }
    return nil
  }

  /// The first idle GPUs of a node in a lane with enough memory, or nil where too few have it.
  func idleDevices(on node: UInt32, lane: UInt32, _ wish: Wish) -> Placement? {
    var memory = Int64(0)
    if case .fraction(_, let bytes) = wish.demand.shape { memory = bytes.value }
    var placement = Placement(lane: lane, node: node, device: 0)
    placement.count = 0
    var row = self.placement.devices.first(of: node)
    while row != RowLists.none, placement.count < Int(wish.demand.devices) {
      if devices[row: row].mode == .idle, devices[row: row].lane == lane,
        devices[row: row].report.kind == .gpu, devices[row: row].health == .usable,
        devices[row: row].pin == nil || devices[row: row].pin == wish.through,
        devices[row: row].report.memory.value >= memory
      {
        placement.devices[placement.count] = row
        placement.count += 1
      }
      row = self.placement.devices.next(after: row)
    }
    return placement.count == Int(wish.demand.devices) ? placement : nil
  }

  // MARK: spots

  private func spot(
    _ wish: Wish, _ kind: PlacementIndex.GridKind, lane: UInt32, from firstRow: Int
  ) -> Placement? {
    guard let grid = placement.gridRow(kind, lane: lane) else { return nil }
    let bound = Self.bound(wish.demand)
    for pass in 0..<HostClass.Columns.passes where wish.columns[pass] != 0 {
      let columns = wish.columns[pass]
      var found: UInt32?
      placement.grids[grid].visit(from: firstRow, columns: columns) { heap in
        found = first(in: placement.spots, heap, bound: bound) { fitsSpot(wish, $0, lane) }
        return found != nil
      }
      if let row = found { return gather(wish, around: row, lane: lane) }
    }
    return nil
  }

  /// Spots are ordered roomiest first: one past this bound is too small, and so is all behind it.
  private static func bound(_ demand: Demand) -> UInt64 {
    switch demand.shape {
    case .fraction(let milli, _): order(free: milli.value)
    case .cpuOnly: order(free: demand.cpu.value)
    case .whole, .slice: .max
    }
  }

  /// Order of a spot within its cell.
  static func order(free milli: Int32) -> UInt64 { UInt64(Limits.deviceMilli - milli) }

  /// The first member of a heap that passes a check: its top, else the least of all that pass.
  func first(
    in family: borrowing IndexedHeaps<UInt64>, _ heap: UInt32, bound: UInt64,
    where passes: (UInt32) -> Bool
  ) -> UInt32? {
    guard let top = family.least(in: heap), top.order <= bound else { return nil }
    if passes(top.row) { return top.row }
    var best: IndexedHeaps<UInt64>.Member?
    for member in family.members(of: heap) where member.order <= bound {
      if best.map({ member.precedes($0) }) ?? true, passes(member.row) { best = member }
    }
    return best?.row
  }

  private func fitsSpot(_ wish: Wish, _ row: UInt32, _ lane: UInt32) -> Bool {
    let node = devices[row: row].node.row
    guard fitsNode(wish, node), fitsDevice(wish, row, lane) else { return false }
    return wish.demand.devices == 1 || gather(wish, around: row, lane: lane) != nil
  }

  /// Whether one device has room for the demand's share.
  func fitsDevice(_ wish: Wish, _ row: UInt32, _ lane: UInt32) -> Bool {
    guard devices[row: row].lane == lane, devices[row: row].health == .usable else { return false }
    let device = devices[row: row]
    if let holder = device.pin, !wish.ignoresPlans, !isOpen(holder, to: wish) { return false }
    switch wish.demand.shape {
    case .whole:
      return device.report.kind == .gpu && device.mode == .idle
    case .fraction(let milli, let bytes):
      let usable = planted(.nominalMemory) ? lanes[row: lane].profile.memory : device.report.memory
      guard device.report.kind == .gpu, usable.value - device.memoryUsed.value >= bytes.value else {
        return false
      }
      if device.mode == .idle { return true }
      return device.mode == .fractions && device.milliFree >= milli
        && (device.tenant == wish.tenant
          || device.tenant == nil && opensToAny(wish.demand, lane: lane))
    case .slice:
      return device.report.kind == .slice && device.slice == wish.slice && device.shares == 0
    case .cpuOnly:
      guard device.report.kind == .cpu, isOpenBeside(wish, row, lane) else { return false }
      if wish.ignoresPlans { return device.milliFree.value >= wish.demand.cpu.value }
      guard !isKeptFromStrangers(wish, row, lane) else { return false }
      if device.milliFree.value - device.pinned.value >= wish.demand.cpu.value { return true }
      // What one keeps of other devices gives it no better right to this one.
      return wish.through.map { kept(of: row, for: $0) > 0 } ?? false
        && device.milliFree.value >= wish.demand.cpu.value
        && holdsPlans(beside: wish, on: device.node.row, part: row)
    }
  }

  /// Whether a demand may sit beside those that use a CPU part now: where nothing holds them apart,
  /// only with its own tenant, or where all of them agree.
  func isOpenBeside(_ wish: Wish, _ row: UInt32, _ lane: UInt32) -> Bool {
    let device = devices[row: row]
    return device.shares == 0 || nodes[device.node].report.enforcement == .cgroup
      || device.tenant == wish.tenant
      || device.tenant == nil && opensToAny(wish.demand, lane: lane)
  }

  /// Whether a CPU part where nothing holds tenants apart is kept for a claim of another one.
  /// - Complexity: O(plans of the lane) where something of the part is kept; else O(1).
  func isKeptFromStrangers(
    _ wish: Wish, _ row: UInt32, _ lane: UInt32, for taker: Asker? = nil
  ) -> Bool {
    let device = devices[row: row]
    guard device.pinned.value > 0, nodes[device.node].report.enforcement != .cgroup else {
      return false
    }
    return firstPinned(lane: lane) {
      guard !isOpen($0, to: wish), claims[row: $0].tenant.row != wish.tenant,
        kept(of: row, for: $0) > 0
      else { return false }
      guard let taker, taker.takesPlans != nil else { return true }
      return !yields($0, to: taker, lane: lane)
    } != nil
  }

  /// Whether a node has processor time, memory, lease slots and enforcement for so many members of
  /// a demand.
  func fitsNode(_ wish: Wish, _ row: UInt32, members: Int = 1) -> Bool {
    let enforced = planted(.ignoresEnforcement) ? .cgroup : nodes[row: row].report.enforcement
    guard nodes[row: row].isOpen, enforced >= wish.demand.enforcement,
      Int(nodes[row: row].leases) + members <= Limits.leasesPerNode
    else { return false }
    if planted(.fitsOnSums) { return true }
    if members > 1 { return fitsNode(wish.times(members), row) }
    if nodes[row: row].cpuOpen >= wish.demand.cpu,
      nodes[row: row].hostOpen >= wish.demand.hostMemory
    {
      return true
    }
    if let beside = wish.beside, let pin = claims[row: beside].pin {
      // What one keeps in another lane gives it no better right to the rest of the node.
      let (cpu, memory) = (nodes[row: row].cpuFree.value, nodes[row: row].hostFree.value)
      let others = (
        cpu: nodes[row: row].cpuPinned.value - pin.cpu.value,
        memory: nodes[row: row].hostPinned.value - pin.hostMemory.value
      )
      return cpu - others.cpu >= wish.demand.cpu.value
        && memory - others.memory >= wish.demand.hostMemory.value
    }
    guard wish.through != nil || wish.ignoresPlans, nodes[row: row].cpuFree >= wish.demand.cpu,
      nodes[row: row].hostFree >= wish.demand.hostMemory
    else { return false }
    return wish.ignoresPlans || holdsPlans(beside: wish, on: row, part: nil)
  }

  /// All devices of a placement around one of them: itself first, then the node's least rows.
  func gather(_ wish: Wish, around row: UInt32, lane: UInt32) -> Placement? {
    var placement = Placement(lane: lane, node: devices[row: row].node.row, device: row)
    guard wish.demand.devices > 1 else { return placement }
    var other = self.placement.devices.first(of: placement.node)
    while other != RowLists.none, placement.count < Int(wish.demand.devices) {
      if other != row, fitsDevice(wish, other, lane) {
        placement.devices[placement.count] = other
        placement.count += 1
      }
      other = self.placement.devices.next(after: other)
    }
    return placement.count == Int(wish.demand.devices) ? placement : nil
  }

  // MARK: the exact scan

  /// Shares of several GPUs of one node: rare, so every node of the lane is looked at, least row
  /// first.
  private func scannedPlacement(_ wish: Wish, lane: UInt32) -> Placement? {
    var found: Placement?
    nodes.forEach { id, _ in
      guard found == nil, placement.lanesOfNode[Int(id.row)].contains(row: lane),
        fitsNode(wish, id.row)
      else { return }
      var row = placement.devices.first(of: id.row)
      while row != RowLists.none, !fitsDevice(wish, row, lane) {
        row = placement.devices.next(after: row)
      }
      if row != RowLists.none { found = gather(wish, around: row, lane: lane) }
    }
    return found
  }
}
