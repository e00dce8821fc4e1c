/// Everything derived, made anew from the tables: after loading them, and as the test of the
/// indexes that events keep true.
extension Pool {
  /// Rebuilds every index.
  /// - Complexity: O(rows of all tables).
  public mutating func reindex() {
    placement = PlacementIndex()
    queue = QueueIndex()
    keys = Keys()
    indexNames()
    indexPolicy()
    indexBuckets()
    for (row, lanes) in groups.enumerated() {
      queue.admit(group: UInt16(row), lanes: lanes, before: .none)
    }
    buckets.forEach { id, _ in queue.admit(bucket: id.row) }
    indexHardware()
    indexClaims()
    lanes.forEach { id, _ in queue.stirred.insert(id) }
  }

  private mutating func indexNames() {
    nodes.forEach { id, node in keys.nodes.insert(node.enrolment.key, id.row) }
    lanes.forEach { id, lane in keys.lanes.insert(lane.key, id.row) }
    tenants.forEach { id, tenant in keys.tenants.insert(tenant.key, id.row) }
    buckets.forEach { id, bucket in keys.buckets.insert(bucket.rule.key, id.row) }
    identities.forEach { id, identity in
      keys.identities.insert(Identity.indexKey(identity.kind, identity.key), id.row)
      QueueIndex.set(
        &queue.identityTimers, id.row, identity.restriction?.until ?? .farFuture)
    }
    claims.forEach { id, claim in keys.claims.insert(claim.spec.key, id.row) }
    // A CPU set's own row comes before the parts made from it.
    devices.forEach { id, device in
      if keys.devices.row(for: device.report.key) == nil {
        keys.devices.insert(device.report.key, id.row)
      }
    }
  }

  private mutating func indexHardware() {
    nodes.forEach { id, _ in placement.admit(node: id.row) }
    devices.forEach { id, device in
      placement.devices.insertInOrder(id.row, into: device.node.row)
      if let parent = device.parent { placement.instances.insertInOrder(id.row, into: parent.row) }
    }
    leases.forEach { id, lease in placement.leases.append(id.row, to: lease.node.row) }
    nodes.forEach { id, _ in
      refreshNode(id.row)
      setNodeTimer(id)
    }
    for row in 0..<UInt32(nodes.extent) where nodes.id(at: row) != nil { raiseCeilings(of: row) }
  }

  private mutating func indexClaims() {
    claims.forEach { id, claim in
      switch claim.state {
      case .queued: queue.waiting.insert(id.row, claim.turn, into: UInt32(claim.group))
      case .parked:
        if let on = claim.bucket { queue.parked.insert(id.row, claim.turn, into: on.row) }
      case .new, .starting, .running: return
      }
      if claim.grants == 0 { QueueIndex.set(&queue.claimTimers, id.row, claim.expires) }
    }
    buckets.forEach { id, _ in refreshBucketTimer(id.row) }
    leases.forEach { id, lease in QueueIndex.set(&queue.leaseTimers, id.row, timer(of: lease)) }
  }

  /// The next moment at which a lease needs attention.
  func timer(of lease: Lease) -> Instant {
    switch lease.state {
    case .granted: lease.startBy
    case .active: lease.nextReserved == nil ? lease.ends : lease.quantumEnd
    case .stopping: lease.killBy
    case .quarantined: lease.ends
    }
  }

  // MARK: ceilings

  /// Raises the ceilings of a node's lanes to what the node could give if it were empty.
  mutating func raiseCeilings(of node: UInt32) {
    var left = placement.lanesOfNode[Int(node)]
    while let lane = left.firstRow {
      left = left.withoutFirst
      placement.lanes[Int(lane)].ceiling.absorb(
        shelf(of: node, lane: lane), of: nodes[row: node].report)
    }
  }

  /// Notes that a node's lanes may have lost their largest shelf.
  mutating func markCeilings(of node: UInt32) {
    var left = placement.lanesOfNode[Int(node)]
    while let lane = left.firstRow {
      left = left.withoutFirst
      placement.staleCeilings.insert(row: lane)
    }
  }

  /// Works out the ceilings anew where something left.
  /// - Complexity: O(devices) per lane that lost hardware; nothing otherwise.
  mutating func refreshCeilings() {
    while let row = placement.staleCeilings.firstRow {
      placement.staleCeilings = placement.staleCeilings.withoutFirst
      let lane = Int(row)
      placement.lanes[lane].ceiling = Ceiling()
      for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
        guard placement.lanesOfNode[Int(node)].contains(row: UInt32(lane)) else { continue }
        placement.lanes[lane].ceiling.absorb(
          shelf(of: node, lane: UInt32(lane)), of: nodes[row: node].report)
      }
    }
  }

  /// What a node has in a lane, empty or not.
  private func shelf(of node: UInt32, lane: UInt32) -> Ceiling.Shelf? {
    var shelf = Ceiling.Shelf()
    var isEmpty = true
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      let device = devices[row: row]
      row = placement.devices.next(after: row)
      guard device.lane == lane, device.health != .gone, device.isApproved else { continue }
      isEmpty = false
      switch device.report.kind {
      case .gpu where device.mode != .mig:
        shelf.gpus += 1
        shelf.deviceMemory = max(shelf.deviceMemory, device.report.memory.value)
      case .gpu: break
      case .slice:
        guard let slice = device.slice else { break }
        let known = shelf.slices.firstIndex { $0.slice == slice }
        if let known { shelf.slices[known].count += 1 } else { shelf.slices.append((slice, 1)) }
      case .cpu: shelf.cpuPart = max(shelf.cpuPart, device.capacity.value)
      }
    }
    return isEmpty ? nil : shelf
  }
}
