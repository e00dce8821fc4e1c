/// What a caller may look at. Queries change nothing and are no part of a decision.
extension Pool {
  /// A node, or nil where the id is stale.
  public func node(_ id: NodeID) -> Node? { nodes.contains(id) ? nodes[id] : nil }
  /// A device, or nil where the id is stale.
  public func device(_ id: DeviceID) -> Device? { devices.contains(id) ? devices[id] : nil }
  /// A claim, or nil where it ended.
  public func claim(_ id: ClaimID) -> Claim? { claims.contains(id) ? claims[id] : nil }
  /// A lease, or nil where its devices returned.
  public func lease(_ id: LeaseID) -> Lease? { leases.contains(id) ? leases[id] : nil }
  /// A tenant, or nil where the id is stale.
  public func tenant(_ id: TenantID) -> Tenant? { tenants.contains(id) ? tenants[id] : nil }
  /// A bucket, or nil where the id is stale.
  public func bucket(_ id: BucketID) -> Bucket? { buckets.contains(id) ? buckets[id] : nil }
  /// A lane, or nil where the id is stale.
  public func lane(_ id: LaneID) -> Lane? { lanes.contains(id) ? lanes[id] : nil }

  /// The node of an outside name.
  public func node(named key: Key) -> NodeID? { keys.nodes.row(for: key).flatMap(nodes.id(at:)) }
  /// The live claim of an outside name.
  public func claim(named key: Key) -> ClaimID? {
    keys.claims.row(for: key).flatMap(claims.id(at:))
  }
  /// The tenant of an outside name.
  public func tenant(named key: Key) -> TenantID? {
    keys.tenants.row(for: key).flatMap(tenants.id(at:))
  }
  /// The lane of an outside name.
  public func lane(named key: Key) -> LaneID? { keys.lanes.row(for: key).flatMap(lanes.id(at:)) }
  /// The bucket of an outside name.
  public func bucket(named key: Key) -> BucketID? {
    keys.buckets.row(for: key).flatMap(buckets.id(at:))
  }

  /// The lane in a row, as a reason names it; nil where the row is empty.
  public func laneID(atRow row: UInt32) -> LaneID? { lanes.id(at: row) }
  /// The identity in a row, as a held claim names it; nil where the row is empty.
  public func identity(atRow row: UInt32) -> Identity? {
    identities.id(at: row).map { identities[$0] }
  }

  /// Whether new work in the name of a principal is refused now.
  public func isSuspended(principal key: Key) -> Bool {
    if case .suspend = identity(.principal, key)?.restriction?.measure { return true }
    return false
  }
  /// The bucket in a row, as a reason names it; nil where the row is empty.
  public func bucketID(atRow row: UInt32) -> BucketID? { buckets.id(at: row) }

  /// The set of lanes with these names; names that are no lane are left out.
  public func laneSet(named names: [Key]) -> LaneSet {
    names.reduce(into: LaneSet.none) { set, name in
      if let lane = lane(named: name) { set.insert(lane) }
    }
  }

  /// Visits every node in row order.
  public func forEachNode(_ body: (NodeID, Node) -> Void) { nodes.forEach(body) }
  /// Visits every device in row order; a CPU set once for each lane that has a part of it.
  public func forEachDevice(_ body: (DeviceID, Device) -> Void) { devices.forEach(body) }
  /// Visits every lane in row order.
  public func forEachLane(_ body: (LaneID, Lane) -> Void) { lanes.forEach(body) }
  /// Visits every tenant in row order.
  public func forEachTenant(_ body: (TenantID, Tenant) -> Void) { tenants.forEach(body) }
  /// Visits every bucket in row order, budgets of delegations among them.
  public func forEachBucket(_ body: (BucketID, Bucket) -> Void) { buckets.forEach(body) }
  /// Visits every live claim in row order.
  public func forEachClaim(_ body: (ClaimID, Claim) -> Void) { claims.forEach(body) }
  /// Visits every live lease in row order.
  public func forEachLease(_ body: (LeaseID, Lease) -> Void) { leases.forEach(body) }

  /// The leases that were granted together with one, itself first: those of the members of its
  /// gang, as long as none of them has stopped; else itself alone.
  /// - Complexity: O(members).
  public func gang(of id: LeaseID) -> [LeaseID] {
    guard let lease = lease(id), lease.members > 1, isCurrent(lease) else { return [id] }
    var members: [LeaseID] = []
    members.reserveCapacity(Int(lease.members))
    members.append(id)
    var next = lease.nextMember
    while next != id {
      members.append(next)
      next = leases[next].nextMember
    }
    return members
  }

  /// The leases that hold devices of a node, by fencing number.
  /// - Complexity: O(n log n) in the leases of the node.
  public func leases(on id: NodeID) -> [LeaseID] {
    guard nodes.contains(id) else { return [] }
    var found: [LeaseID] = []
    var row = placement.leases.first(of: id.row)
    while row != RowLists.none {
      if let lease = leases.id(at: row) { found.append(lease) }
      row = placement.leases.next(after: row)
    }
    return found.sorted { leases[$0].fencing < leases[$1].fencing }
  }

  /// The devices of a node, parts of CPU sets apiece, in the order of their rows.
  /// - Complexity: O(devices of the node).
  public func devices(on id: NodeID) -> [DeviceID] {
    guard nodes.contains(id) else { return [] }
    var found: [DeviceID] = []
    var row = placement.devices.first(of: id.row)
    while row != RowLists.none {
      if let device = devices.id(at: row) { found.append(device) }
      row = placement.devices.next(after: row)
    }
    return found
  }

  /// The shares of devices that a lease holds.
  public func uses(of lease: Lease) -> [DeviceUse] { lease.uses.indices.map { uses[$0] } }

  /// Claims before this one in the order of a lane that it waits for, and itself: 1 is the head.
  /// As of now: grants to its own tenant move it back, its wait and grants to others move it up.
  /// - Returns: nil where the claim does not wait in the order.
  /// - Complexity: O(waiting claims of the lane); for screens, not for decisions.
  public func position(of id: ClaimID) -> Int? {
    guard let claim = claim(id), claim.state == .queued,
      let lane = groups[Int(claim.group)].firstRow
    else { return nil }
    let own = orderKey(of: id.row, in: lane)
    var before = 1
    queue.lines.forEachClaim(of: lane) { row in
      if orderKey(of: row, in: lane) < own { before += 1 }
    }
    return before
  }

  /// What a tenant was served in a lane at a level, divided by its weight: what the fair order
  /// compares, in `Tenant.counterScale` units to a credit.
  public func served(_ tenant: TenantID, at level: UInt8, in lane: LaneID) -> CreditTotal {
    service.served(tenant.row, at: level, in: lane.row)
  }

  /// When something of a tenant's own last happened that the bounds of its waits in a lane do not
  /// cover; they count from then, as from `Lane.voided`.
  public func turnVoided(of tenant: TenantID, in lane: LaneID) -> Instant {
    clocks[tenant.row, lane.row].voided
  }

  /// A moment before which no tick has anything to do, if nothing else happens: a lease's timer may
  /// come up early, and is put right by the tick that finds it.
  public func nextTimer() -> Instant? {
    if !stirred.isEmpty || !queue.strays.isEmpty(0) { return now }
    let moments: InlineArray<11, Instant?> = [
      queue.leaseTimers.least(in: 0)?.order, queue.nodeTimers.least(in: 0)?.order,
      queue.claimTimers.least(in: 0)?.order, queue.bucketTimers.least(in: 0)?.order,
      queue.identityTimers.least(in: 0)?.order, queue.lines.timers.least(in: 0)?.order,
      queue.turnTimers.least(in: 0)?.order, queue.limitTimers.least(in: 0)?.order,
      queue.quoteTimers.least(in: 0)?.order,
      nextPreemption(),
      policy.gauges.isEmpty ? nil : nextGauge(),
    ]
    var first: Instant?
    for index in moments.indices {
      if let moment = moments[index] { first = min(first ?? moment, moment) }
    }
    return first.map { max($0, now) }
  }

  /// Thousandths of a lane's devices: all, those that may receive a lease, and what of them is
  /// free.
  public func capacity(of id: LaneID) -> (total: Int64, offered: Int64, free: Int64) {
    let index = placement.lanes[Int(id.row)]
    var total = Int64(0)
    for standing in Standing.allCases { total += index.census[standing.rawValue] }
    return (total, index.census[Standing.offered.rawValue], index.free)
  }
}
