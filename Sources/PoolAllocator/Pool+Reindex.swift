/// Everything derived, made anew from the tables: after loading them, and as the test of the
/// indexes that events keep true.
extension Pool {
  /// Rebuilds every index.
  /// - Complexity: O(rows of all tables).
  public mutating func reindex() {
    placement = PlacementIndex()
    queue = QueueIndex()
    keys = Keys()
    buckets.forEach { id, _ in queue.admit(bucket: id.row) }
    indexNames()
    indexPolicy()
    indexLadders()
    indexPressures()
    indexTerms()
    indexOffers()
    indexBuckets()
    indexBudgets()
    indexQuotes()
    indexPins()
    indexHardware()
    indexClaims()
    placement.cells.forget()
  }

  private mutating func indexNames() {
    nodes.forEach { id, node in keys.nodes.insert(node.enrolment.key, id.row) }
    lanes.forEach { id, lane in keys.lanes.insert(lane.key, id.row) }
    tenants.forEach { id, tenant in keys.tenants.insert(tenant.key, id.row) }
    buckets.forEach { id, bucket in
      guard bucket.delegation == nil else { return }
      keys.buckets.insert(bucket.rule.key, id.row)
      refreshLimitTimer(id.row)
    }
    identities.forEach { id, identity in
      keys.identities.insert(Identity.indexKey(identity.kind, identity.key), id.row)
      queue.admit(identity: id.row)
      refreshIdentityTimer(id.row)
    }
    claims.forEach { id, claim in keys.claims.insert(claim.spec.key, id.row) }
    corrections.forEach { id, it in keys.corrections.insert(it.scope.indexKey, id.row) }
    for (row, signal) in signals.enumerated() {
      keys.signals.insert(Measurement.indexKey(signal.measure, signal.subject), UInt32(row))
    }
    devices.forEach { id, device in
      if !device.isPart { keys.devices.insert(device.report.key, id.row) }
    }
  }

  private mutating func indexBudgets() {
    for row in 0..<UInt32(buckets.extent) {
      if let id = buckets.id(at: row), isBudget(id) { indexBudget(id) }
    }
  }

  private mutating func indexHardware() {
    nodes.forEach { id, _ in placement.admit(node: id.row) }
    devices.forEach { id, device in
      placement.devices.insertInOrder(id.row, into: device.node.row)
      if let parent = device.parent { placement.instances.insertInOrder(id.row, into: parent.row) }
      if let cell = device.cell, let lane = device.lane { noteMember(1, of: cell, lane: lane) }
    }
    leases.forEach { id, lease in placement.leases.append(id.row, to: lease.node.row) }
    nodes.forEach { id, _ in
      refreshClears(of: id.row)
      refreshNode(id.row)
      setNodeTimer(id)
    }
    for row in 0..<UInt32(nodes.extent) where nodes.id(at: row) != nil { raiseCeilings(of: row) }
  }

  private mutating func indexClaims() {
    for row in 0..<UInt32(claims.extent) {
      guard let id = claims.id(at: row) else { continue }
      let claim = claims[id]
      switch claim.state {
      case .queued:
        _ = queue.lines.insert(
          id.row, claim.turn, group: UInt32(claim.group), lanes: groups[Int(claim.group)],
          tenant: claim.tenant.row, rank: claim.serviceClass.rank)
        if let on = claim.widensOn { narrow(id, on: on.row) }
      case .parked:
        if let row = claim.heldBy {
          queue.held.insert(id.row, claim.turn, into: row)
        } else if let on = claim.bucket {
          park(id, on: on)
        }
      case .awaitingApproval: break
      case .new, .starting, .running: continue
      }
      QueueIndex.set(&queue.claimTimers, id.row, waitTimer(of: claim))
      watchDelegation(of: id)
    }
    indexGangs()
    indexLines()
    indexVictims()
    indexBacklogs()
    for row in 0..<UInt32(buckets.extent) where buckets.id(at: row) != nil {
      refreshBucketTimer(row)
    }
    for row in 0..<UInt32(leases.extent) where leases.id(at: row) != nil {
      let lease = leases[row: row]
      QueueIndex.set(&queue.leaseTimers, row, timer(of: lease))
    }
  }

  /// The next moment at which a lease needs attention.
  func timer(of lease: Lease) -> Instant {
    if isOrphan(lease) { return .origin }
    return switch lease.state {
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
      // What a gang can have is no ceiling of one node: any node may complete it.
      if placement.lanes[Int(lane)].ceiling.absorb(top(of: node, lane: lane)) || queue.hasGangs {
        placement.hasMovedCeiling = true
      }
    }
  }

  /// Notes that a node's lanes may have lost their largest shelf.
  mutating func markCeilings(of node: UInt32) {
    placement.staleCeilings.bits |= placement.lanesOfNode[Int(node)].bits
  }

  /// Works out the ceilings anew where something left; what parks is looked at under the new ones.
  /// - Complexity: O(devices) per lane that lost hardware, O(buckets + claims that wait for less
  ///   than all their lanes) where any ceiling moved; nothing otherwise.
  mutating func refreshCeilings() {
    guard placement.hasMovedCeiling || !placement.staleCeilings.isEmpty else { return }
    while let row = placement.staleCeilings.firstRow {
      placement.staleCeilings = placement.staleCeilings.withoutFirst
      var ceiling = Ceiling()
      for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
        guard placement.lanesOfNode[Int(node)].contains(row: row) else { continue }
        _ = ceiling.absorb(top(of: node, lane: row))
      }
      placement.lanes[Int(row)].ceiling = ceiling
    }
    placement.hasMovedCeiling = false
    for row in 0..<UInt32(buckets.extent) where buckets.id(at: row) != nil { repriceBucket(row) }
  }

  /// What a node has in a lane, empty or not.
  private func top(of node: UInt32, lane: UInt32) -> Ceiling.Top? {
    let report = nodes[row: node].report
    var top = Ceiling.Top(
      cpu: report.cpu.value, hostMemory: report.hostMemory.value, enforcement: report.enforcement)
    var isEmpty = true
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      let device = devices[row: row]
      row = placement.devices.next(after: row)
      guard device.lane == lane, device.health != .gone, device.isApproved else { continue }
      isEmpty = false
      switch device.report.kind {
      case .gpu where device.mode != .mig: top.add(gpu: device.report.memory.value)
      case .gpu: break
      case .slice:
        guard let slice = device.slice else { break }
        while top.slices.count <= Int(slice) { top.slices.append(0) }
        top.slices[Int(slice)] += 1
      case .cpu: top.cpuPart = max(top.cpuPart, device.capacity.value)
      }
    }
    return isEmpty ? nil : top
  }
}
