/// Devices: what leases take of them, and where that leaves them in the index.
extension Pool {
  // MARK: shares

  /// Takes a lease's shares from its devices and its node.
  mutating func occupy(_ id: LeaseID, tenant: UInt32, _ opensToAny: Bool) {
    let lease = leases[id]
    for index in lease.uses.indices {
      let use = uses[index]
      let device = devices[use.device]
      invariant(device.health == .usable, "only usable devices are granted")
      invariant(use.milli <= device.milliFree, "a device never gives more than it has")
      invariant(use.memory <= device.memoryFree, "a device never gives more memory than it has")
      invariant(device.fencing < lease.fencing, "a device's fencing number only rises")
      devices[use.device].used = MilliGPU(device.used.value + use.milli.value)
      devices[use.device].memoryUsed = Bytes(device.memoryUsed.value + use.memory.value)
      devices[use.device].shares += 1
      devices[use.device].fencing = lease.fencing
      if device.report.kind == .gpu {
        let isWhole = use.milli == .whole && use.memory == device.report.memory
        invariant(device.mode != .whole && device.mode != .mig, "modes exclude one another")
        devices[use.device].mode = isWhole && device.mode == .idle ? .whole : .fractions
      }
      if device.shares == 0, !opensToAny { devices[use.device].tenant = tenant }
    }
    let node = nodes[lease.node]
    nodes[lease.node].cpuUsed = MilliCPU(node.cpuUsed.value + lease.cpu.value)
    nodes[lease.node].hostUsed = Bytes(node.hostUsed.value + lease.hostMemory.value)
    nodes[lease.node].leases += 1
    placement.leases.append(id.row, to: lease.node.row)
    refresh(lease)
  }

  /// Gives a lease's shares back.
  mutating func vacate(_ id: LeaseID) {
    let lease = leases[id]
    for index in lease.uses.indices {
      let use = uses[index]
      let device = devices[use.device]
      devices[use.device].used = MilliGPU(device.used.value - use.milli.value)
      devices[use.device].memoryUsed = Bytes(device.memoryUsed.value - use.memory.value)
      devices[use.device].shares -= 1
      guard device.shares == 1 else { continue }
      devices[use.device].tenant = nil
      if device.mode != .mig { devices[use.device].mode = .idle }
    }
    let node = nodes[lease.node]
    nodes[lease.node].cpuUsed = MilliCPU(node.cpuUsed.value - lease.cpu.value)
    nodes[lease.node].hostUsed = Bytes(node.hostUsed.value - lease.hostMemory.value)
    nodes[lease.node].leases -= 1
    placement.leases.remove(id.row)
    refresh(lease)
    for index in lease.uses.indices { settleEmptied(uses[index].device) }
    uses.free(lease.uses)
    if nodes[lease.node].duty == .draining, nodes[lease.node].leases == 0 {
      evolveDuty(lease.node, .drained, .farFuture)
    }
    stirred.bits |= placement.lanesOfNode[Int(lease.node.row)].bits
  }

  /// What an emptied device does next: a gone one leaves, a dirty one is proven empty.
  private mutating func settleEmptied(_ id: DeviceID) {
    guard devices[id].shares == 0 else { return returnPart(id) }
    let device = devices[id]
    if device.health == .gone {
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
    if device.health == .dirty, device.report.condition == .healthy, nodes[device.node].isHeard {
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
  private mutating func refresh(_ lease: Lease) {
    let row = lease.node.row
    if updateColumn(row) {
      refreshNode(row)
    } else {
      for index in lease.uses.indices { refreshDevice(uses[index].device.row) }
    }
  }

  // MARK: the index

  /// Notes what a node has left. - Returns: whether its devices must be placed anew.
  mutating func updateColumn(_ row: UInt32) -> Bool {
    let node = nodes[row: row]
    return placement.setColumn(
      HostClass.column(cpu: node.cpuFree, memory: node.hostFree), node: row)
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
  }

  /// Places one device where its free part belongs; an instance with all of its board's.
  mutating func refreshDevice(_ row: UInt32) {
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
    let isOffered = standing == .offered && device.mode != .mig
    let isIdle = isOffered && device.report.kind == .gpu && device.mode == .idle
    let capacity = thousandths(of: device)
    let free = isOffered ? max(0, capacity - thousandths(used: device)) : 0
    let spot = isOffered ? spot(of: device) : nil
    placement.note(lane: lane, on: device.node.row)
    placement.place(
      row, node: device.node.row, lane: lane, standing: standing,
      capacity: capacity, free: free, isIdle: isIdle, at: spot)
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
    let node = nodes[device.node]
    switch node.reach {
    case .enrolled, .recovering: return .recovering
    case .suspect, .silent: return .silent
    case .ready: break
    }
    if device.health != .usable { return .unhealthy }
    return node.duty == .open ? .offered : .cordoned
  }

  /// The cell that a partly used GPU, a free instance or a CPU part belongs in.
  private func spot(
    of device: Device
  ) -> (kind: PlacementIndex.GridKind, row: Int, order: UInt64)? {
    let free = device.milliFree.value
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
    devices[id].health = health
    if let lane = devices[id].lane {
      if health == .gone {
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
    let device = devices[id]
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
