/// What of a lane's guarantee can be had, and the open statement of what cannot (SEMANTICS 3.2).
extension Pool {
  // MARK: figures

  /// Thousandths of a lane's guarantee in cells that its owner can have: every device usable, on an
  /// open node that is ready, and in no lease that was there before it was bound. 0 for a shared
  /// lane.
  /// - Complexity: O(1).
  func soundMilli(row: UInt32) -> Int64 { placement.lanes[Int(row)].guarantee.sound }

  /// What the owner is told beside what every claim is told, and who is still in the lane's cells.
  func guaranteeReasons(_ tenant: UInt32, lane row: UInt32) -> [Reason] {
    let lane = lanes[row: row]
    var reasons: [Reason] = []
    if lane.rule.owner == tenants[row: tenant].key {
      reasons.append(
        Reason(
          .guaranteeImpaired, .lane(row), have: lane.rule.reserved - lane.short,
          need: lane.rule.reserved))
    }
    let squatted = placement.lanes[Int(row)].guarantee[.squatted]
    if squatted > 0 { reasons.append(Reason(.boundInUse, .lane(row), have: squatted)) }
    return reasons
  }

  // MARK: deciding

  /// Looks at what a command did to guarantees: fills cells where that became possible, and states
  /// each shortfall that is new, changed or over.
  /// - Complexity: O(1) where no guarantee is touched or short.
  mutating func settleGuarantees(_ log: inout EventLog) {
    for node in placement.cells.offered {
      if let id = nodes.id(at: node) { bindShortLanes(&log, on: id) }
    }
    var left = placement.cells.shaken
    while let row = left.firstRow {
      left = left.withoutFirst
      guard let id = lanes.id(at: row) else { continue }
      let short = shortfall(of: row)
      let cause = short > 0 ? causeOfShortfall(row) : nil
      guard short != lanes[id].short || cause != lanes[id].shortBecause else { continue }
      if let cause {
        step(.guaranteeImpaired(id, short: short, because: cause), &log)
      } else {
        step(.guaranteeRestored(id), &log)
      }
    }
    placement.cells.forget()
  }

  /// Thousandths of a lane's guarantee that are not sound.
  func shortfall(of row: UInt32) -> Int64 {
    let sound = planted(.guaranteeBySum) ? lanes[row: row].bound : soundMilli(row: row)
    return max(0, lanes[row: row].rule.reserved - sound)
  }

  /// The most telling cause: what is not heard, then what is broken, then what an operator keeps
  /// back, then who is still there; too few devices only where all that there are are sound.
  func causeOfShortfall(_ row: UInt32) -> Reason.Code {
    let guarantee = placement.lanes[Int(row)].guarantee
    if guarantee[.silent] > 0 { return .nodeSilent }
    if guarantee[.recovering] > 0 { return .recovering }
    if guarantee[.failed] + guarantee[.unhealthy] > 0 { return .deviceUnhealthy }
    if guarantee[.draining] + guarantee[.cordoned] > 0 { return .nodeCordoned }
    if guarantee[.squatted] > 0 { return .boundInUse }
    return lanes[row: row].bound > 0 ? .laneFull : .profileAbsent
  }

  // MARK: folding

  /// Folds the statement of a shortfall, or its end (0, nil).
  mutating func evolveImpaired(_ id: LaneID, _ short: Int64, _ because: Reason.Code?) {
    lanes[id].short = short
    lanes[id].shortBecause = because
    if short > 0 { impairedLanes.insert(id) } else { impairedLanes.bits &= ~(1 << UInt64(id.row)) }
  }

  /// What a device adds to its lane's guarantee.
  func bond(of device: Device) -> Bond {
    guard let cell = device.cell, let lane = device.lane else { return Bond() }
    return Bond(
      cell: cell, milli: device.capacity.value, size: lanes[row: lane].rule.cell,
      soundness: soundness(of: device))
  }

  private func soundness(of device: Device) -> Soundness {
    if device.health == .failed { return .failed }
    let node = nodes[device.node]
    switch node.duty {
    case .draining, .drained: return .draining
    case .open, .cordoned: break
    }
    switch node.reach {
    case .suspect, .silent: return .silent
    case .enrolled, .recovering: return .recovering
    case .ready: break
    }
    if device.health != .usable { return .unhealthy }
    if node.duty == .cordoned { return .cordoned }
    return device.squatters > 0 ? .squatted : .sound
  }

  // MARK: squatters

  /// Whether a lease on a device of a lane stands in the way of the lane's guarantee: it was not
  /// granted in this lane to its owner, nor lent.
  func isSquatter(_ lease: Lease, in lane: UInt32?) -> Bool {
    guard lease.lane.row == lane else { return true }
    guard let owner = lanes[lease.lane].rule.owner, !lease.isLent else { return false }
    return tenants[lease.tenant].key != owner
  }

  /// The device that answers for another one's squatters: an instance's board.
  private func answerable(_ id: DeviceID) -> DeviceID {
    guard devices[id].report.kind == .slice, let parent = devices[id].parent else { return id }
    return parent
  }

  /// A lease's shares no longer stand in anybody's way.
  mutating func leaveSquat(_ id: LeaseID) {
    let lease = leases[id]
    for index in lease.uses.indices {
      let used = uses[index].device
      let board = answerable(used)
      let lane = devices[board].lane
      guard isSquatter(lease, in: lane) else { continue }
      devices[board].squatters -= 1
      if board != used { refreshDevice(board.row) }
    }
  }

  /// Shares of a GPU, its instances or a CPU part that would stand in the way of a lane.
  func squatters(on id: DeviceID, in lane: UInt32?) -> UInt16 {
    var count: UInt16 = 0
    var row = placement.leases.first(of: devices[id].node.row)
    while row != RowLists.none {
      let lease = leases[row: row]
      if isSquatter(lease, in: lane) {
        for index in lease.uses.indices where answerable(uses[index].device) == id { count += 1 }
      }
      row = placement.leases.next(after: row)
    }
    return count
  }

  /// Counts a device's squatters anew, after its lane or its board changed.
  mutating func recountSquatters(of id: DeviceID) {
    let board = answerable(id)
    guard devices.contains(board) else { return }
    let isEmpty = devices[board].shares == 0 && placement.instances.first(of: board.row) == .max
    let lane = devices[board].lane
    devices[board].squatters = isEmpty ? 0 : squatters(on: board, in: lane)
  }

  /// Counts all squatters anew: under a new policy owners change as well as lanes.
  mutating func recountSquatters() {
    for row in 0..<UInt32(devices.extent) where devices.id(at: row) != nil {
      devices[row: row].squatters = 0
    }
    for row in 0..<UInt32(leases.extent) where leases.id(at: row) != nil {
      let lease = leases[row: row]
      for index in lease.uses.indices {
        let board = answerable(uses[index].device)
        let lane = devices[board].lane
        if isSquatter(lease, in: lane) { devices[board].squatters += 1 }
      }
    }
  }
}
