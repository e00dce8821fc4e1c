import PoolAllocator

/// Folding of what happens to nodes and devices.
extension Facts {
  /// Has what of a node no event says read anew once the command is over.
  mutating func spoil(_ id: NodeID) {
    nodes[id]?.isStale = true
    touch(id)
  }

  // MARK: nodes

  mutating func move(_ id: NodeID, to reach: Reach) throws(Violation) {
    guard let before = nodes[id]?.reach else {
      throw Violation("J1", "node \(id.name) becomes \(reach) and is not there")
    }
    setReach(id, from: before, to: reach)
  }

  /// What is silent or recovering is neither free nor dead: its devices and leases are quarantined.
  mutating func setReach(_ id: NodeID, from: Reach, to reach: Reach) {
    step(.reach, from: from.rawValue, to: reach.rawValue, row: id.row)
    nodes[id]?.reach = reach
    touch(id)
    guard reach == .silent || reach == .recovering else { return }
    for device in nodes[id]?.devices ?? [] where devices[device]?.health == .usable {
      setHealth(device, to: .quarantined)
    }
    for lease in nodes[id]?.leases ?? [] {
      guard let state = leases[lease]?.state, state == .granted || state == .active else {
        continue
      }
      step(
        .lease, from: state.rawValue, to: LeaseState.quarantined.rawValue, row: lease.row)
      leases[lease]?.state = .quarantined
      touchedLeases.append(lease)
    }
  }

  mutating func move(_ id: NodeID, to duty: Duty) throws(Violation) {
    guard let node = nodes[id] else {
      throw Violation("J1", "node \(id.name) becomes \(duty) and is not there")
    }
    // A node without leases has nothing to wait for.
    let next = duty == .draining && node.leases.isEmpty ? .drained : duty
    if node.duty != next {
      step(.duty, from: node.duty.rawValue, to: next.rawValue, row: id.row)
    }
    nodes[id]?.duty = next
    touch(id)
  }

  mutating func forget(_ id: NodeID) throws(Violation) {
    guard let node = nodes[id] else {
      throw Violation("J1", "node \(id.name) is forgotten and is not there")
    }
    try must(
      node.leases.isEmpty, "J1", "node \(id.name) is forgotten with \(node.leases.count) leases")
    for device in node.devices {
      guard let health = devices[device]?.health else { continue }
      if health != .gone { setHealth(device, to: .gone) }
      devices[device] = nil
    }
    step(.reach, from: node.reach.rawValue, to: 5, row: id.row)
    // Who adds up by node takes out what it added.
    touch(id)
    nodes[id] = nil
    counts.nodes -= 1
  }

  // MARK: devices

  mutating func setHealth(_ id: DeviceID, to health: Health) {
    guard let before = devices[id]?.health else { return }
    step(.health, from: before.rawValue, to: health.rawValue, row: id.row)
    devices[id]?.health = health
  }

  mutating func move(_ id: DeviceID, to health: Health) throws(Violation) {
    guard let node = devices[id]?.node else {
      throw Violation("J1", "device \(id.name) becomes \(health) and is not there")
    }
    setHealth(id, to: health)
    spoil(node)
  }

  /// A device is new or reported differently; parts of a CPU set are reported with their set.
  mutating func advertise(_ id: DeviceID, _ fact: DeviceFact) {
    spoil(fact.node)
    guard devices[id] != nil else {
      devices[id] = KnownDevice(
        node: fact.node, report: fact.report, parent: fact.parent, isApproved: fact.isApproved,
        capacity: fact.report.capacity.value)
      nodes[fact.node]?.devices.append(id)
      return
    }
    report(id, fact)
    fall(id)
    let parts = fact.report.kind == .cpu ? nodes[fact.node]?.devices ?? [] : []
    for part in parts where part != id && devices[part]?.report.key == fact.report.key {
      report(part, fact)
    }
  }

  private mutating func report(_ id: DeviceID, _ fact: DeviceFact) {
    devices[id]?.report = fact.report
    devices[id]?.parent = fact.parent
    devices[id]?.isApproved = fact.isApproved
    if devices[id]?.health == .gone { setHealth(id, to: .unknown) }
  }

  /// What is no longer approved fails; of a part of a CPU set an event of its own says so.
  private mutating func fall(_ id: DeviceID) {
    guard devices[id]?.isApproved == false else { return }
    switch devices[id]?.health {
    case .usable, .quarantined, .dirty: setHealth(id, to: .failed)
    default: break
    }
  }

  /// Reads what no event says of the devices of touched nodes: their lanes, cells and capacities,
  /// and which parts of CPU sets there are.
  /// - Complexity: O(devices of those nodes).
  mutating func readBindings(_ pool: borrowing Pool) throws(Violation) {
    for id in touchedNodes where nodes[id]?.isStale ?? false {
      nodes[id]?.isStale = false
      let before = nodes[id]?.devices ?? []
      let after = pool.devices(on: id)
      for device in before where pool.device(device) == nil {
        let known = devices[device]
        try must(
          known.map { $0.health == .gone || $0.isPart } ?? true, "J1",
          "device \(device.name) left and was \(known.map { "\($0.health)" } ?? "unknown")")
        devices[device] = nil
      }
      for device in after {
        guard let row = pool.device(device) else { continue }
        if devices[device] == nil {
          // A lane's part of a CPU set begins with the health of its set.
          devices[device] = KnownDevice(
            node: id, report: row.report, parent: row.parent, isApproved: row.isApproved,
            health: row.health, capacity: row.capacity.value)
        }
        devices[device]?.lane = row.lane
        devices[device]?.cell = row.cell
        devices[device]?.capacity = row.capacity.value
        devices[device]?.isPart = row.isPart
      }
      nodes[id]?.devices = after
    }
  }
}
