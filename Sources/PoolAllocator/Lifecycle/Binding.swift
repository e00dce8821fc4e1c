/// Which lane a device is in: the shared lane of the first pool that takes it, unless it is bound
/// to a reserved one. A CPU set is bound in parts, each a row of its own.
extension Pool {
  // MARK: deciding

  /// Binds parts of CPU sets to a reserved lane that is short: of empty sets first, then by row.
  /// - Parameter node: look at this node's sets alone; nil looks at all.
  mutating func bindParts(to lane: LaneID, on node: NodeID?, _ log: inout EventLog) {
    let first = UInt32(log.uses.count)
    var missing = lanes[lane].rule.reserved - lanes[lane].bound
    for pass in 0..<3 {
      if let node {
        var row = placement.devices.first(of: node.row)
        while row != RowLists.none {
          offer(row, to: lane, in: pass, &missing, &log)
          row = placement.devices.next(after: row)
        }
      } else {
        for row in 0..<UInt32(devices.extent) where devices.id(at: row) != nil {
          offer(row, to: lane, in: pass, &missing, &log)
        }
      }
    }
    let count = log.uses.count - Int(first)
    guard count > 0 else { return }
    for index in Int(first)..<log.uses.count {
      unpinAll(on: log.uses[index].device, because: .laneNotAllowed, &log)
    }
    step(.laneBound(lane, uses: Span32(first: first, count: UInt16(count))), &log)
  }

  /// Takes what a CPU set's own row has free for a reserved lane.
  private func offer(
    _ row: UInt32, to lane: LaneID, in pass: Int, _ missing: inout Int64, _ log: inout EventLog
  ) {
    let device = devices[row: row]
    guard missing > 0, log.uses.count < Int(UInt16.max), let id = devices.id(at: row),
      device.report.kind == .cpu, let from = device.lane,
      lanes[row: from].rule.reserved == 0, lanes[row: from].pool == lanes[lane].pool,
      pass == Self.bindingPass(device)
    else { return }
    let take = min(Int64(max(0, device.milliFree.value)), missing)
    guard take > 0, devices.count + log.uses.count < devices.limit else { return }
    missing -= take
    log.uses.append(DeviceUse(device: id, milli: MilliGPU(Int32(take)), memory: .zero))
  }

  /// Usable and empty, usable, may become usable; anything else is not bound.
  private static func bindingPass(_ device: Device) -> Int? {
    switch device.health {
    case .usable: device.shares == 0 ? 0 : 1
    case .unknown where device.isApproved, .quarantined: 2
    case .unknown, .dirty, .failed, .gone: nil
    }
  }

  // MARK: folding

  /// Row of the shared lane of the first pool of the policy that takes a device.
  func sharedLane(profile: Key, of node: NodeID) -> UInt32? {
    let labels = nodes[node].enrolment.labels
    for (index, pool) in policy.pools.enumerated() where pool.profile == profile {
      if let label = pool.label, !(0..<labels.count).contains(where: { labels[$0] == label }) {
        continue
      }
      let shared = policy.lanes.first { Int($0.pool) == index && $0.reserved == 0 }
      return shared.flatMap { keys.lanes.row(for: $0.key) }
    }
    return nil
  }

  /// Gives every device its lane under a new policy; reserved lanes keep what they may keep.
  mutating func rebindDevices() {
    lanes.forEach { id, lane in self.lanes[id].bound = 0 }
    for row in 0..<UInt32(devices.extent) {
      guard let id = devices.id(at: row), devices[id].health != .gone,
        devices[id].report.kind == .cpu
      else { continue }
      rebindPart(id)
    }
    rebindBoards()
    for row in 0..<UInt32(devices.extent) {
      guard let id = devices.id(at: row), devices[id].report.kind == .slice else { continue }
      followParent(id)
    }
    recountSquatters()
    for row in 0..<UInt32(devices.extent) where devices.id(at: row) != nil { refreshDevice(row) }
    lanes.forEach { id, _ in
      self.placement.staleCeilings.insert(row: id.row)
      self.placement.cells.shaken.insert(id)
    }
  }

  /// A part outside the shared lane shrinks to what leases hold of it; the set's own row has the
  /// rest.
  private mutating func rebindPart(_ id: DeviceID) {
    let device = devices[id]
    if !device.isPart {
      setLane(id, sharedLane(profile: device.report.profile, of: device.node))
    } else if device.shares == 0 {
      removeDevice(id)
    } else {
      setCapacity(id.row, device.used.value)
      if let lane = device.lane, lanes[row: lane].rule.reserved > 0 {
        lanes[row: lane].bound += Int64(device.used.value)
        joinCell(id)
      }
    }
    resizeSet(device.report.key, on: device.node)
  }

  /// Gives a CPU set's own row what the lanes' parts leave; a set that shrank shrinks its parts
  /// too, down to what leases hold.
  mutating func resizeSet(_ key: Key, on node: NodeID) {
    guard let own = keys.devices.row(for: key) else { return }
    var left = devices[row: own].report.capacity.value
    var row = placement.devices.first(of: node.row)
    while row != RowLists.none {
      let device = devices[row: row]
      if device.isPart, device.report.key == key {
        let keeps = max(device.used.value, min(device.capacity.value, left))
        if let lane = device.lane, lanes[row: lane].rule.reserved > 0, device.health != .gone {
          lanes[row: lane].bound += Int64(keeps - device.capacity.value)
        }
        if keeps < device.capacity.value, let lane = device.lane {
          placement.staleCeilings.insert(row: lane)
        }
        setCapacity(row, keeps)
        refreshDevice(row)
        left = max(0, left - keeps)
      }
      row = placement.devices.next(after: row)
    }
    let rest = MilliGPU(max(left, devices[row: own].used.value))
    if rest < devices[row: own].capacity, let lane = devices[row: own].lane {
      placement.staleCeilings.insert(row: lane)
    }
    setCapacity(own, rest.value)
    refreshDevice(own)
    raiseCeilings(of: node.row)
  }

  /// A part gives back what leases no longer hold of it and its lane does not reserve: all of it
  /// where the lane is retired, what is above the guarantee where the part was replaced while its
  /// set was gone.
  mutating func returnPart(_ id: DeviceID) {
    guard devices[id].isPart, let lane = devices[id].lane else { return }
    let device = devices[id]
    if lanes[row: lane].isRetired {
      setCapacity(id.row, device.used.value)
      if device.shares == 0 { removeDevice(id) }
      return resizeSet(device.report.key, on: device.node)
    }
    let excess = lanes[row: lane].bound - lanes[row: lane].rule.reserved
    let back = min(excess, Int64(device.milliFree.value - device.pinned.value))
    guard lanes[row: lane].rule.reserved > 0, device.health != .gone, back > 0 else { return }
    lanes[row: lane].bound -= back
    setCapacity(id.row, device.capacity.value - Int32(back))
    placement.staleCeilings.insert(row: lane)
    refreshDevice(id.row)
    if devices[id].capacity.value == 0 { removeDevice(id) }
    resizeSet(device.report.key, on: device.node)
  }

  mutating func setLane(_ id: DeviceID, _ lane: UInt32?) {
    guard devices[id].lane != lane else { return }
    // Lanes that come to a node, or leave it, change what others can rely on there.
    voidLanes(of: devices[id].node.row)
    if let lane { void(lane: lane, receiving: id) }
    clearPins(on: id)
    leaveCell(id)
    placement.withdraw(id.row, node: devices[id].node.row)
    devices[id].lane = lane
    recountSquatters(of: id)
    recountLanes(of: devices[id].node.row)
  }

  /// An instance is in the lane of its board, under its profile's row in the policy.
  private mutating func followParent(_ id: DeviceID) {
    let lane = devices[id].parent.flatMap { devices.contains($0) ? devices[$0].lane : nil }
    let slice = devices[id].report.slice.flatMap { keys.slices.row(for: $0) }.map { UInt16($0) }
    setLane(id, lane)
    if let lane, devices[id].slice != slice { void(lane: lane) }
    devices[id].slice = slice
  }

  /// Folds the binding of devices, or parts of CPU sets, to a reserved lane.
  mutating func evolveBound(_ lane: LaneID, _ uses: Span32, _ log: borrowing EventLog) {
    for index in uses.indices {
      let use = log.uses[index]
      lanes[lane].bound += Int64(use.milli.value)
      if let from = devices[use.device].lane { placement.staleCeilings.insert(row: from) }
      let node = devices[use.device].node.row
      if devices[use.device].report.kind == .cpu {
        bindPart(of: use.device, use.milli, to: lane.row)
      } else {
        setLane(use.device, lane.row)
        joinCell(use.device)
        refreshDevice(use.device.row)
        followBoard(use.device)
      }
      raiseCeilings(of: node)
    }
    stirred.insert(lane)
  }

  /// Instances go where their board goes.
  mutating func followBoard(_ board: DeviceID) {
    var row = placement.devices.first(of: devices[board].node.row)
    while row != RowLists.none {
      if devices[row: row].parent == board, let id = devices.id(at: row) {
        followParent(id)
        refreshDevice(row)
      }
      row = placement.devices.next(after: row)
    }
  }

  /// Moves milli-cores from a CPU set's own row to a lane's part, made where it is new.
  private mutating func bindPart(of set: DeviceID, _ milli: MilliGPU, to lane: UInt32) {
    let whole = devices[set]
    setCapacity(set.row, whole.capacity.value - milli.value)
    var row = placement.devices.first(of: whole.node.row)
    while row != RowLists.none {
      let device = devices[row: row]
      if device.report.key == whole.report.key, device.lane == lane { break }
      row = placement.devices.next(after: row)
    }
    if row == RowLists.none {
      var part = whole
      part.lane = lane
      part.cell = nil
      part.squatters = 0
      part.isPart = true
      part.capacity = MilliGPU(0)
      part.used = MilliGPU(0)
      part.memoryUsed = .zero
      part.shares = 0
      part.tenant = nil
      part.pin = nil
      part.pinned = MilliGPU(0)
      part.mode = .idle
      row = devices.insert(part).row
      placement.devices.insertInOrder(row, into: whole.node.row)
    }
    if let part = devices.id(at: row) { joinCell(part) }
    setCapacity(row, devices[row: row].capacity.value + milli.value)
    refreshDevice(set.row)
    refreshDevice(row)
    voidLanes(of: whole.node.row)
  }

  private mutating func setCapacity(_ row: UInt32, _ milli: Int32) {
    if let lane = devices[row: row].lane, devices[row: row].capacity.value != milli {
      void(lane: lane)
    }
    devices[row: row].capacity = MilliGPU(milli)
  }

  /// Folds a new or changed device.
  mutating func evolveDevice(_ id: DeviceID, _ fact: DeviceFact) {
    if devices.contains(id) {
      if let lane = devices[id].lane {
        placement.staleCeilings.insert(row: lane)
        if !fact.report.servesLike(devices[id].report) { void(lane: lane) }
      }
      if devices[id].report.island != fact.report.island { leaveIsland(id) }
      devices[id].report = fact.report
      devices[id].isApproved = fact.isApproved
      devices[id].parent = fact.parent
      if devices[id].health == .gone {
        devices[id].health = .unknown
        setLane(id, nil)
      }
    } else {
      let inserted = devices.insert(
        Device(
          node: fact.node, lane: nil, capacity: fact.report.capacity, parent: fact.parent,
          isApproved: fact.isApproved, report: fact.report))
      invariant(inserted == id, "a device gets the id that its event names")
      keys.devices.insert(fact.report.key, id.row)
      placement.devices.insertInOrder(id.row, into: fact.node.row)
    }
    if !fact.isApproved, [.usable, .quarantined, .dirty].contains(devices[id].health) {
      evolveHealth(id, .failed)
    }
    switch fact.report.kind {
    case .gpu:
      if fact.report.isPartitioned { devices[id].mode = .mig }
      if !fact.report.isPartitioned, devices[id].mode == .mig { devices[id].mode = .idle }
      if devices[id].lane == nil {
        setLane(id, sharedLane(profile: fact.report.profile, of: fact.node))
      }
    case .cpu:
      if devices[id].lane == nil {
        setLane(id, sharedLane(profile: fact.report.profile, of: fact.node))
      }
      followSet(id)
    case .slice:
      placement.instances.remove(id.row)
      if let parent = fact.parent { placement.instances.insertInOrder(id.row, into: parent.row) }
      followParent(id)
      recountSquatters(of: id)
    }
    refreshDevice(id.row)
    raiseCeilings(of: fact.node.row)
    stirred.bits |= placement.lanesOfNode[Int(fact.node.row)].bits
  }

  /// A part is there again with its set; what replaced it meanwhile stays.
  private mutating func revive(_ part: DeviceID) {
    devices[part].health = .unknown
    guard let lane = devices[part].lane, lanes[row: lane].rule.reserved > 0 else { return }
    lanes[row: lane].bound += Int64(devices[part].capacity.value)
    joinCell(part)
    returnPart(part)
  }

  /// Parts of a CPU set share its report.
  private mutating func followSet(_ set: DeviceID) {
    let report = devices[set].report
    var row = placement.devices.first(of: devices[set].node.row)
    while row != RowLists.none {
      let next = placement.devices.next(after: row)
      if row != set.row, devices[row: row].report.key == report.key {
        devices[row: row].report = report
        if devices[row: row].health == .gone, let part = devices.id(at: row) { revive(part) }
      }
      row = next
    }
    resizeSet(report.key, on: devices[set].node)
  }
}
