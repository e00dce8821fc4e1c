/// Devices: what leases take of them, and where that leaves them in the index.
extension Pool {
  // MARK: shares

  /// Takes a lease's shares from its devices and its node.
  mutating func occupy(_ id: LeaseID, tenant: UInt32, _ opensToAny: Bool) {
    let node = leases[id].node
    let span = leases[id].uses
    for index in span.indices {
      let use = uses[index]
      devices[use.device].take(
        use, for: leases[id].fencing, openedBy: opensToAny ? nil : tenant)
    }
    nodes[node].take(leases[id].cpu, leases[id].hostMemory)
    placement.leases.append(id.row, to: node.row)
    placement.extend(clears: bound(of: id), on: node.row)
    refresh(span, on: node.row)
  }

  /// Gives a lease's shares back.
  mutating func vacate(_ id: LeaseID) {
    let node = leases[id].node
    let span = leases[id].uses
    var maySquat = false
    for index in span.indices {
      let use = uses[index]
      devices[use.device].giveBack(use)
      if devices[use.device].squatters > 0 || devices[use.device].report.kind == .slice {
        maySquat = true
      }
    }
    if maySquat { leaveSquat(id) }
    nodes[node].giveBack(leases[id].cpu, leases[id].hostMemory)
    placement.leases.remove(id.row)
    if placement.clears(node.row) == bound(of: id) { refreshClears(of: node.row) }
    refresh(span, on: node.row)
    for index in span.indices { settleEmptied(uses[index].device) }
    uses.free(span)
    if nodes[node].duty == .draining, nodes[node].leases == 0 {
      evolveDuty(node, .drained, .farFuture)
    }
    stirred.bits |= placement.lanesOfNode[Int(node.row)].bits
    if !impairedLanes.isEmpty { placement.cells.offer(node: node.row) }
  }

  /// What an emptied device does next: a gone one leaves, a dirty one is proven empty.
  private mutating func settleEmptied(_ id: DeviceID) {
    guard devices[id].shares == 0 else { return returnPart(id) }
    if devices[id].health == .gone {
      let device = devices[id]
      // Its board or set stayed a row as long as this one did.
      let whole = device.parent ?? keys.devices.row(for: device.report.key).flatMap(devices.id(at:))
      if !isHeld(id) { removeDevice(id) }
      if let whole, whole != id, devices.contains(whole), devices[whole].health == .gone,
        !isHeld(whole)
      {
        removeDevice(whole)
      }
      return
    }
    if devices[id].health == .dirty, devices[id].report.condition == .healthy,
      nodes[devices[id].node].isHeard
    {
      evolveHealth(id, .usable)
    }
    returnPart(id)
  }

  /// Whether a lease holds a share of a device, of one of its instances, or of a part of it.
  func isHeld(_ id: DeviceID) -> Bool {
    if devices[id].shares > 0 { return true }
    let key = devices[id].report.key
    let isSet = devices[id].report.kind == .cpu && !devices[id].isPart
    var row = placement.devices.first(of: devices[id].node.row)
    while row != RowLists.none {
      let other = devices[row: row]
      if other.shares > 0, other.parent == id || isSet && other.report.key == key { return true }
      row = placement.devices.next(after: row)
    }
    return false
  }

  /// Keeps the index true after a lease came or went.
  private mutating func refresh(_ span: Span32, on node: UInt32) {
    if updateColumn(node) {
      refreshNode(node)
    } else {
      for index in span.indices { refreshDevice(uses[index].device.row) }
    }
    placement.noteChange(of: node)
  }

  // MARK: the index

  /// Notes what a node has left. - Returns: whether its devices must be placed anew.
  mutating func updateColumn(_ row: UInt32) -> Bool {
    placement.setColumn(
      HostClass.column(cpu: nodes[row: row].cpuOpen, memory: nodes[row: row].hostOpen), node: row)
  }

  /// Places all devices of a node anew.
  mutating func refreshNode(_ row: UInt32) {
    _ = updateColumn(row)
    var device = placement.devices.first(of: row)
    while device != RowLists.none {
      refreshDevice(device)
      device = placement.devices.next(after: device)
    }
    var left = placement.lanesOfNode[Int(row)]
    while let lane = left.firstRow {
      placement.placeShelf(lane: Int(lane), node: row)
      left = left.withoutFirst
    }
    placement.noteChange(of: row)
  }

  /// Places one device where its free part belongs; an instance with all of its board's.
  mutating func refreshDevice(_ row: UInt32) {
    placement.outlooks.forget(node: devices[row: row].node.row)
    if devices[row: row].report.kind == .slice, let parent = devices[row: row].parent {
      refreshInstances(of: parent.row, row)
    } else {
      placeDevice(row)
    }
  }

  private mutating func placeDevice(_ row: UInt32) {
    let device = devices[row: row]
    guard let lane = device.lane, device.health != .gone else {
      placement.withdraw(row, node: device.node.row)
      return recountLanes(of: device.node.row)
    }
    let standing = standing(of: device)
    let isKept = device.pin != nil
    let isLendable = standing == .offered && device.mode != .mig
    let isOffered = isLendable && !isKept
    let isIdle = isOffered && device.report.kind == .gpu && device.mode == .idle
    let capacity = thousandths(of: device)
    // What is kept for a head is free until it starts.
    let free = isLendable ? max(0, capacity - thousandths(used: device)) : 0
    let spot = isOffered ? spot(of: device) : nil
    placement.note(lane: lane, on: device.node.row)
    placement.place(
      row, node: device.node.row, lane: lane, standing: standing,
      capacity: capacity, free: free, isIdle: isIdle, bond: bond(of: device), at: spot)
  }

  /// Works out anew which lanes have devices on a node, after one left.
  mutating func recountLanes(of node: UInt32) {
    placement.forget(node: node)
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if devices[row: row].health != .gone, let lane = devices[row: row].lane {
        placement.note(lane: lane, on: node)
      }
      row = placement.devices.next(after: row)
    }
  }

  /// What a device counts for in its lane: an instance its billed share, its board nothing.
  private func thousandths(of device: Device) -> Int32 {
    if device.mode == .mig { return 0 }
    guard device.report.kind == .slice else { return device.capacity.value }
    return device.slice.map { policy.slices[Int($0)].billedMilli } ?? 0
  }

  private func thousandths(used device: Device) -> Int32 {
    guard device.report.kind == .slice else { return device.used.value }
    return device.shares == 0 ? 0 : thousandths(of: device)
  }

  private func standing(of device: Device) -> Standing {
    switch nodes[device.node].reach {
    case .enrolled, .recovering: return .recovering
    case .suspect, .silent: return .silent
    case .ready: break
    }
    if device.health != .usable { return .unhealthy }
    return nodes[device.node].duty == .open ? .offered : .cordoned
  }

  /// The cell that a partly used GPU, a free instance or a CPU part belongs in.
  private func spot(
    of device: Device
  ) -> (kind: PlacementIndex.GridKind, row: Int, order: UInt64)? {
    let free = device.milliFree.value - device.pinned.value
    switch device.report.kind {
    case .gpu:
      guard device.mode == .fractions, free > 0 || device.memoryFree > .zero else { return nil }
      let kind: PlacementIndex.GridKind =
        device.tenant.map { .openTo(tenant: $0) } ?? .openToAny
      return (kind, Int(max(0, free)) / 64, Self.order(free: max(0, free)))
    case .slice:
      guard device.shares == 0, let slice = device.slice, let parent = device.parent else {
        return nil
      }
      let slots = Int(placement.freeSlots[Int(parent.row)])
      return (.slice(slice), min(16, max(1, slots)), 0)
    case .cpu:
      guard free > 0 else { return nil }
      return (.cpu, Self.cpuRow(free), Self.order(free: free))
    }
  }

  /// Counts the slots that the free instances of a partitioned GPU have, and places them anew:
  /// beside one that came or went they stand tighter or looser now.
  private mutating func refreshInstances(of board: UInt32, _ changed: UInt32?) {
    var free = 0
    var row = placement.instances.first(of: board)
    while row != RowLists.none {
      if devices[row: row].shares == 0 { free += devices[row: row].report.slots.count }
      row = placement.instances.next(after: row)
    }
    let isChanged = placement.setFreeSlots(free, of: board)
    if let changed { placeDevice(changed) }
    guard isChanged else { return }
    row = placement.instances.first(of: board)
    while row != RowLists.none {
      if row != changed, devices[row: row].shares == 0 { placeDevice(row) }
      row = placement.instances.next(after: row)
    }
  }

  // MARK: health

  /// Whether a device may move from one health to another (docs/STATES.md).
  static func isEdge(_ from: Health, _ to: Health) -> Bool {
    switch (from, to) {
    case (.unknown, .usable), (.usable, .quarantined), (.quarantined, .usable),
      (.quarantined, .dirty), (.usable, .dirty), (.dirty, .usable), (.failed, .unknown),
      (.gone, .unknown):
      true
    case (let old, .failed): old != .failed && old != .gone
    case (let old, .gone): old != .gone
    default: false
    }
  }

  /// Folds a change of health.
  mutating func evolveHealth(_ id: DeviceID, _ health: Health) {
    invariant(Self.isEdge(devices[id].health, health), "health moves along listed edges")
    if let lane = devices[id].lane, devices[id].health == .usable || health == .usable {
      void(lane: lane)
    }
    // Its lane may leave the node with it, which is then another for those that share it.
    if health == .gone { voidLanes(of: devices[id].node.row) }
    devices[id].health = health
    if let kept = devices[id].pin { stirPin(of: kept) }
    if let lane = devices[id].lane {
      if health == .gone {
        leaveCell(id)
        placement.staleCeilings.insert(row: lane)
        if lanes[row: lane].rule.reserved > 0, devices[id].report.kind != .slice {
          lanes[row: lane].bound -= Int64(devices[id].capacity.value)
        }
      }
      if health == .usable { stirred.insert(row: lane) }
    }
    refreshDevice(id.row)
    if health == .gone, !isHeld(id) { removeDevice(id) }
  }

  /// Takes the row of a gone device without shares out of the tables.
  mutating func removeDevice(_ id: DeviceID) {
    clearPins(on: id)
    leaveCell(id)
    let device = devices[id]
    voidLanes(of: device.node.row)
    placement.withdraw(id.row, node: device.node.row)
    placement.devices.remove(id.row)
    placement.instances.remove(id.row)
    if let parent = device.parent { refreshInstances(of: parent.row, nil) }
    while placement.instances.first(of: id.row) != RowLists.none {
      let instance = placement.instances.first(of: id.row)
      placement.instances.remove(instance)
      devices[row: instance].parent = nil
    }
    if !device.isPart { keys.devices.remove(device.report.key) }
    devices.remove(id)
    recountLanes(of: device.node.row)
  }
}
