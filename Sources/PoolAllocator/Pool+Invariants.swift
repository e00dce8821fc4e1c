/// What must hold after every command. Tests call it after each; production never does.
extension Pool {
  /// Checks the tables against themselves and the indexes against the tables.
  /// - Complexity: O(everything).
  public func checkInvariants() {
    checkContainers()
    checkDevices()
    checkPins()
    checkLanes()
    checkCells()
    checkBuckets()
    checkDelegations()
    checkClaims()
    checkApprovals()
    checkQuotes()
    checkLeases()
    checkIndexes()
    checkOutlooks()
    checkTurns()
    checkFirmDemands()
    checkPreemption()
    checkDegradation()
  }

  private func checkContainers() {
    nodes.checkInvariants()
    devices.checkInvariants()
    lanes.checkInvariants()
    tenants.checkInvariants()
    buckets.checkInvariants()
    identities.checkInvariants()
    claims.checkInvariants()
    leases.checkInvariants()
    corrections.checkInvariants()
    placement.devices.checkInvariants()
    placement.leases.checkInvariants()
    placement.spots.checkInvariants()
    for lane in placement.lanes { lane.idleShelves.checkInvariants() }
    queue.lines.checkInvariants()
    queue.parked.checkInvariants()
    queue.narrowed.checkInvariants()
    queue.held.checkInvariants()
    queue.delegated.checkInvariants()
    queue.leaseTimers.checkInvariants()
  }

  /// D1: per device Σ shares ≤ capacity, time and memory; whole and instance ⇒ one lease.
  private func checkDevices() {
    var milli = Array(repeating: Int64(0), count: devices.extent)
    var memory = Array(repeating: Int64(0), count: devices.extent)
    var shares = Array(repeating: 0, count: devices.extent)
    var cpu = Array(repeating: Int64(0), count: nodes.extent)
    var host = Array(repeating: Int64(0), count: nodes.extent)
    leases.forEach { _, lease in
      cpu[Int(lease.node.row)] += Int64(lease.cpu.value)
      host[Int(lease.node.row)] += lease.hostMemory.value
      for use in uses(of: lease) {
        invariant(devices.contains(use.device), "a lease holds devices that exist")
        milli[Int(use.device.row)] += Int64(use.milli.value)
        memory[Int(use.device.row)] += use.memory.value
        shares[Int(use.device.row)] += 1
      }
    }
    devices.forEach { id, device in
      let row = Int(id.row)
      invariant(milli[row] == Int64(device.used.value), "D1: shares add up to what is used")
      invariant(memory[row] == device.memoryUsed.value, "D1: memory adds up to what is used")
      invariant(shares[row] == Int(device.shares), "D1: shares are counted")
      let isExclusive = device.mode == .whole || device.report.kind == .slice
      invariant(!isExclusive || shares[row] <= 1, "D1: an exclusive device has one lease")
      invariant(device.mode != .mig || shares[row] == 0, "D1: a partitioned GPU gives nothing")
      invariant(shares[row] == 0 || device.fencing.raw > 0, "D3: a used device was fenced")
      if device.report.kind != .cpu {
        invariant(milli[row] <= Int64(device.capacity.value), "D1: no device gives too much")
      }
    }
    nodes.forEach { id, node in
      invariant(cpu[Int(id.row)] == Int64(node.cpuUsed.value), "D1: processor time adds up")
      invariant(host[Int(id.row)] == node.hostUsed.value, "D1: host memory adds up")
    }
  }

  /// What lanes keep for their heads agrees with what devices and nodes say.
  private func checkPins() {
    var kept = Array(repeating: UInt32?.none, count: devices.extent)
    var cpu = Array(repeating: Int64(0), count: nodes.extent)
    var pinned = Array(repeating: Int32(0), count: devices.extent)
    var lanes = LaneSet.none
    claims.forEach { id, claim in
      guard let pin = claim.pin else { return }
      invariant(claim.state == .queued, "devices are kept for a claim that waits")
      lanes.insert(pin.lane)
      for member in 0..<Int(pin.members) {
        cpu[Int(node(of: pin, member: member))] += Int64(pin.cpu.value)
      }
      for index in pin.uses.indices {
        let use = uses[index]
        invariant(devices.contains(use.device), "kept devices are there")
        if devices[use.device].report.kind == .cpu {
          pinned[Int(use.device.row)] += use.milli.value
        } else {
          kept[Int(use.device.row)] = id.row
        }
      }
    }
    invariant(placement.pinnedLanes == lanes, "lanes with kept devices are noted")
    placement.pins.checkInvariants()
    devices.forEach { id, device in
      invariant(device.pin == kept[Int(id.row)], "a kept device is kept for its claim")
      invariant(device.pinned.value == pinned[Int(id.row)], "what is kept of a part adds up")
    }
    nodes.forEach { id, node in
      invariant(cpu[Int(id.row)] == Int64(node.cpuPinned.value), "what is kept of a node adds up")
    }
  }

  /// L1: a lane's use is the sum of its leases; reserved lanes hold what is bound to them.
  private func checkLanes() {
    var used = Array(repeating: Int64(0), count: Limits.lanes)
    var count = Array(repeating: 0, count: Limits.lanes)
    var lent = Array(repeating: Int64(0), count: Limits.lanes)
    var borrowed = Array(repeating: Int64(0), count: tenants.extent)
    leases.forEach { _, lease in
      if lease.isLent {
        lent[Int(lease.lane.row)] += lease.billedMilli
        borrowed[Int(lease.tenant.row)] += lease.billedMilli
      }
      used[Int(lease.lane.row)] += lease.billedMilli
      count[Int(lease.lane.row)] += 1
    }
    var bound = Array(repeating: Int64(0), count: Limits.lanes)
    devices.forEach { _, device in
      guard let lane = device.lane, device.health != .gone, device.report.kind != .slice else {
        return
      }
      bound[Int(lane)] += Int64(device.capacity.value)
    }
    lanes.forEach { id, lane in
      let row = Int(id.row)
      invariant(lane.used == used[row] && lane.used >= 0, "L1: a lane's use is its leases'")
      invariant(Int(lane.leases) == count[row], "L1: a lane's leases are counted")
      invariant(lane.lent == lent[row], "L2: what a lane lends adds up")
      if !lane.isRetired, lane.rule.reserved > 0 {
        invariant(lane.bound == bound[row], "a reserved lane has what is bound to it")
      }
    }
    tenants.forEach { id, tenant in
      invariant(tenant.borrowed == borrowed[Int(id.row)], "L2: what a tenant borrows adds up")
    }
  }

  /// B1, B2: the books balance exactly, and levels stay between debt bound and cap.
  private func checkBuckets() {
    var leasesOf = Array(repeating: 0, count: buckets.extent)
    var committed = Array(repeating: Int128(0), count: buckets.extent)
    leases.forEach { _, lease in
      for index in 0..<lease.path.count {
        leasesOf[Int(lease.path[index].row)] += 1
        committed[Int(lease.path[index].row)] += Int128(lease.committed.value)
      }
    }
    buckets.forEach { id, bucket in
      let credits = bucket.credits
      invariant(bucket.books.balance == Int128(credits.level.value), "B1: the books balance")
      invariant(credits.level <= credits.cap, "B2: a level stays below its cap")
      invariant(
        credits.remainder >= 0 && credits.remainder < 1_000_000_000, "B2: remainder in range")
      invariant(Int(bucket.leases) == leasesOf[Int(id.row)], "a bucket knows its leases")
      invariant(bucket.committed.value == committed[Int(id.row)], "what is kept back adds up")
      if let turn = bucket.turn {
        invariant(claims.contains(turn), "a turn is held by a live claim")
        invariant(claims[turn].state == .queued, "a turn is held in the order")
      }
    }
  }

  /// J2: each claim in one state and one place; counters agree with what they count.
  private func checkClaims() {
    var waiting = 0
    var waitingOf = Array(repeating: 0, count: tenants.extent)
    var liveOf = Array(repeating: 0, count: tenants.extent)
    var liveIdentity = Array(repeating: 0, count: identities.extent)
    claims.forEach { id, claim in
      liveOf[Int(claim.tenant.row)] += 1
      for index in claim.identities.indices { liveIdentity[Int(claim.identities[index])] += 1 }
      invariant(claim.state != .new, "no claim stays at the door")
      if claim.isWaiting {
        waiting += 1
        waitingOf[Int(claim.tenant.row)] += 1
        invariant(claim.lease == nil, "a waiting claim has no lease")
      }
      checkLine(id, claim)
      let waitsFor = claim.state == .parked && claim.heldBy == nil ? claim.bucket?.row : nil
      let isStray = waitsFor.map { !pays(id, from: $0) } ?? false
      invariant(
        queue.parked.heap(of: id.row) == (isStray ? nil : waitsFor),
        "a parked claim is in its bucket's heap")
      invariant(
        (queue.strays.heap(of: id.row) != nil) == isStray,
        "a parked claim that pays from elsewhere is a stray")
      invariant(
        queue.held.heap(of: id.row) == claim.heldBy, "a held claim is in its identity's heap")
      invariant(
        queue.narrowed.heap(of: id.row) == claim.widensOn?.row,
        "a narrowed claim is in its bucket's heap")
      if claim.state == .queued, let bucket = claim.bucket {
        invariant(
          buckets.contains(bucket) && buckets[bucket].turn == id,
          "a queued claim that names a bucket holds the turn there")
      }
      invariant(claim.heldBy == nil || claim.state == .parked, "only a parked claim is held")
      invariant(claim.widensOn == nil || claim.state == .queued, "only a queued claim is narrowed")
      guard claim.state == .starting || claim.state == .running else { return }
      guard let lease = claim.lease, leases.contains(lease) else {
        broken("a running claim has a lease")
      }
      for member in gang(of: lease) {
        invariant(leases[member].claim == id, "claim and lease name each other")
        invariant(leases[member].lead == lease, "a gang has one lead")
        invariant(leases[member].state != .stopping, "a stopped lease has let its claim go")
      }
      invariant(
        gang(of: lease).count == Int(claim.spec.demand.members), "each member has a lease")
    }
    invariant(waiting == waitingClaims, "the queue length is its claims")
    invariant(waiting <= limits.queuedClaims + claims.count, "the queue is bounded")
    tenants.forEach { id, tenant in
      invariant(Int(tenant.waiting) == waitingOf[Int(id.row)], "a tenant's queue is counted")
      invariant(Int(tenant.live) == liveOf[Int(id.row)], "a tenant's claims are counted")
    }
    identities.forEach { id, identity in
      invariant(Int(identity.live) == liveIdentity[Int(id.row)], "an identity's claims are counted")
      invariant(
        identity.live > 0 || identity.restriction != nil || identity.isReleasing,
        "idle identities leave")
      invariant(
        !identity.isReleasing || !queue.held.isEmpty(id.row), "who lets go holds something")
    }
  }

  /// A queued claim is in the line of its group, tenant and class, and heads are ranked by the
  /// tables as they are.
  private func checkLine(_ id: ClaimID, _ claim: Claim) {
    let line = queue.lines.line(of: id.row)
    invariant((line != nil) == (claim.state == .queued), "a queued claim is in a line")
    guard let line else { return }
    let place = queue.lines.lines[Int(line)]
    invariant(
      place.group == UInt32(claim.group) && place.tenant == claim.tenant.row
        && place.rank == claim.serviceClass.rank, "a claim is in its own line")
    invariant(claim.level <= claim.serviceClass.rank, "ageing lifts, it never lowers")
    guard queue.lines.head(line: line) == id.row else { return }
    var left = groups[Int(claim.group)]
    invariant(place.lanes == left, "a line waits for the lanes of its group")
    while let lane = left.firstRow {
      left = left.withoutFirst
      let order = orderKey(of: id.row, in: lane)
      invariant(queue.lines.order(of: line, in: lane) == order, "a head is ranked by the tables")
    }
  }

  /// B5 while it lives: a lease that may run has a reservation; one that stopped has none.
  private func checkLeases() {
    leases.forEach { id, lease in
      invariant(lease.fencing.epoch <= epoch, "D3: no number of a later epoch")
      if lease.state == .stopping {
        invariant(
          lease.reserved == .zero && lease.nextReserved == nil, "B5: a stopped lease is settled")
        invariant(lease.committed == .zero, "a stopped lease keeps nothing back")
      }
      if lease.state == .active {
        invariant(lease.started != nil, "an active lease has started")
        if let hardEnd = lease.hardEnd { invariant(lease.ends <= hardEnd, "no lease outlives") }
      }
      let timer = timer(of: lease)
      let watched = queue.leaseTimers.order(of: id.row) ?? .farFuture
      invariant(watched <= timer, "a lease is looked at in time")
    }
  }

  /// A clock runs while its tenant waits at the best level; only who waits is overdue.
  private func checkTurns() {
    lanes.forEach { lane, _ in
      tenants.forEach { tenant, _ in
        let clock = clocks[tenant.row, lane.row]
        let waits = queue.lines.isBacklogged(tenant.row, at: 0, in: lane.row)
        invariant(waits == clock.runs, "F: a clock runs while its tenant waits")
        invariant(waits || clock.overdue == .farFuture, "F: only who waits is overdue")
      }
    }
  }

  /// What is remembered of a lane's nodes is true: whatever changes it voids the lane's bounds.
  private func checkFirmDemands() {
    lanes.forEach { lane, _ in
      placement.lanes[Int(lane.row)].firm.forEach { demand, slice, isFirm in
        let wish = Wish(demand: demand, tenant: 0, slice: slice)
        invariant(
          isFirm == (firmness(of: wish, lane: lane.row, probes: .max) == nil),
          "F: no bound rests on a node that changed without a void")
      }
    }
  }

  /// The indexes that events kept true equal those made anew.
  private func checkIndexes() {
    var fresh = self
    fresh.reindex()
    fresh.refreshCeilings()
    for lane in 0..<Limits.lanes {
      for standing in Standing.allCases {
        invariant(
          fresh.placement.lanes[lane].census[standing.rawValue]
            == placement.lanes[lane].census[standing.rawValue], "the census is kept true")
      }
      invariant(
        fresh.placement.lanes[lane].free == placement.lanes[lane].free, "free is kept true")
      for node in 0..<UInt32(nodes.extent) {
        let heap = placement.lanes[lane].idleShelves.heap(of: node)
        let other = fresh.placement.lanes[lane].idleShelves.heap(of: node)
        invariant((heap == nil) == (other == nil), "idle shelves are kept true")
      }
    }
    nodes.forEach { id, _ in
      invariant(
        placement.lanesOfNode[Int(id.row)] == fresh.placement.lanesOfNode[Int(id.row)],
        "the lanes of a node are kept true")
    }
    for row in 0..<UInt32(devices.extent) {
      invariant(
        placement.agrees(with: fresh.placement, on: row), "devices stand where they belong")
      guard devices.id(at: row) != nil else { continue }
      let key = devices[row: row].report.key
      invariant(
        keys.devices.row(for: key) == fresh.keys.devices.row(for: key), "names are kept true")
    }
    for row in 0..<UInt32(buckets.extent) where buckets.id(at: row) != nil {
      invariant(
        queue.bucketTimers.order(of: row) == fresh.queue.bucketTimers.order(of: row),
        "bucket timers are kept true")
    }
    invariant(fresh.offers == offers, "what free GPUs are worth is kept true")
    invariant(fresh.offerWork == offerWork, "what is worked out goes on where it was")
    if placement.supply.isKept {
      var (counted, remade) = (self, fresh)
      counted.countSupply()
      remade.countSupply()
      invariant(
        counted.placement.supply.agrees(with: remade.placement.supply),
        "what there is for offers is kept true")
    }
    invariant(keys.corrections.count == corrections.count, "every correction has its key")
    corrections.forEach { id, correction in
      let row = keys.corrections.row(for: correction.scope.indexKey)
      invariant(row == id.row, "a correction is found by its scope")
      invariant(
        correction.milli.map { Limits.correctionMilli.contains($0) } ?? false,
        "a correction in force is in its range")
    }
    claims.forEach { id, _ in
      invariant(
        queue.narrowed.order(of: id.row) == fresh.queue.narrowed.order(of: id.row),
        "what narrowed claims wait for is kept true")
    }
  }
}
