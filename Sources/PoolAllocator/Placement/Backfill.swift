/// EASY backfill: the head of a lane keeps concrete devices with a moment at which it starts, and
/// others run in the gap before it as long as they do not delay it (SEMANTICS 4.4).
///
/// The start is safe: it is the moment by which everything that runs on the devices has reached its
/// hard end and its kill deadline. A pin moves to an earlier start, or is given up with a reason.
extension Pool {
  // MARK: when devices come back

  /// The moment by which a lease has given its devices back, if its agent obeys: fixed when it is
  /// granted, so that an index may rest on it.
  func bound(of id: LeaseID) -> Instant {
    leases[id].startBy + leases[id].runtimeMax + leases[id].terms.killWithin
  }

  /// The same by what is known now: a lease that started early or stops is gone before its bound,
  /// and one that is lent can be told to stop.
  func gone(_ row: UInt32, reclaimFor lane: UInt32?) -> Instant {
    let lease = leases[row: row]
    if lease.lane.row == lane, isReclaimable(lease) { return returns(lease) }
    if lease.state == .stopping { return lease.killBy }
    return (lease.hardEnd ?? lease.startBy + lease.runtimeMax) + lease.terms.killWithin
  }

  /// When a claim that is granted now has given its devices back.
  private func leaves(_ serviceClass: ServiceClass, _ runtimeMax: Span) -> Instant {
    let terms = policy.classes[Int(serviceClass.rank)]
    return now + terms.startWithin + runtimeMax + terms.killWithin
  }

  /// Works out anew when all leases of a node have ended.
  mutating func refreshClears(of node: UInt32) {
    var latest = Instant.origin
    var row = placement.leases.first(of: node)
    while row != RowLists.none {
      if let id = leases.id(at: row) { latest = max(latest, bound(of: id)) }
      row = placement.leases.next(after: row)
    }
    placement.set(clears: latest, on: node)
  }

  // MARK: where a head can start first

  /// A placement that is free by a moment.
  struct Promise {
    var placement: Placement
    var starts: Instant
  }

  /// The earliest start of a head among the nodes of its lane that clear first.
  /// - Returns: nil where no node that may receive a lease can hold it later.
  /// - Parameter moment: with lent devices taken back, as far as that is promised: nodes that lend
  ///   are looked at until one can hold the head by then.
  /// - Complexity: O(`Limits.pinProbes` × leases of a node), and more nodes where some are too
  ///   small, lend nothing, or cannot hold it by the moment.
  func earliestStart(of wish: Wish, lane: UInt32, reclaimingBy moment: Instant? = nil) -> Promise? {
    var best: Promise?
    var looked = 0
    var walk = placement.lanes[Int(lane)].clears.walk(0)
    while looked < Limits.pinProbes || moment.map({ $0 < best?.starts ?? .farFuture }) ?? false,
      let node = walk.next(in: placement.lanes[Int(lane)].clears)?.row
    {
      let reclaiming = moment != nil
      guard !reclaiming || lends(node, of: lane) else { continue }
      guard let promise = start(of: wish, lane: lane, on: node, reclaiming: reclaiming),
        promise.starts > now
      else { continue }
      looked += 1
      if best.map({ promise.starts < $0.starts }) ?? true { best = promise }
    }
    return best
  }

  /// When one node can hold a demand: the devices that come back first, and the moment by which
  /// processor time and host memory are there too.
  private func start(
    of wish: Wish, lane: UInt32, on node: UInt32, reclaiming: Bool
  ) -> Promise? {
    guard nodes[row: node].isOpen, nodes[row: node].report.enforcement >= wish.demand.enforcement
    else { return nil }
    let ends = endsOfLeases(on: node, reclaimFor: reclaiming ? lane : nil)
    guard var starts = hostStart(of: wish, lane: lane, on: node, ends) else { return nil }
    var free: [(row: UInt32, at: Instant)] = []
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if let moment = deviceStart(of: wish, lane: lane, row, ends) { free.append((row, moment)) }
      row = placement.devices.next(after: row)
    }
    let need = Int(wish.demand.devices)
    guard free.count >= need else { return nil }
    free.sort { ($0.at, $0.row) < ($1.at, $1.row) }
    var found = Placement(lane: lane, node: node, device: free[0].row)
    for index in 0..<need {
      found.devices[index] = free[index].row
      starts = max(starts, free[index].at)
    }
    found.count = need
    return Promise(placement: found, starts: starts)
  }

  /// Leases of a node by the moment at which they are gone, first to go first.
  private func endsOfLeases(
    on node: UInt32, reclaimFor lane: UInt32?
  ) -> [(row: UInt32, at: Instant)] {
    var ends: [(row: UInt32, at: Instant)] = []
    var row = placement.leases.first(of: node)
    while row != RowLists.none {
      ends.append((row, gone(row, reclaimFor: lane)))
      row = placement.leases.next(after: row)
    }
    ends.sort { ($0.at, $0.row) < ($1.at, $1.row) }
    return ends
  }

  /// Processor time and host memory that the head of a lane finds free on a node: what is kept for
  /// it counts, what is kept for others does not.
  func hostFree(for lane: UInt32, on row: UInt32) -> (cpu: Int32, memory: Int64) {
    let node = nodes[row: row]
    let kept = lanes[row: lane].pin.flatMap { $0.node.row == row ? $0 : nil }
    return (
      node.cpuFree.value - node.cpuPinned.value + (kept?.cpu.value ?? 0),
      node.hostFree.value - node.hostPinned.value + (kept?.hostMemory.value ?? 0)
    )
  }

  /// When a node has the processor time and host memory for a demand.
  private func hostStart(
    of wish: Wish, lane: UInt32, on node: UInt32, _ ends: [(row: UInt32, at: Instant)]
  ) -> Instant? {
    var (cpu, memory) = hostFree(for: lane, on: node)
    var left = Int(nodes[row: node].leases)
    var moment = now
    var next = 0
    while cpu < wish.demand.cpu.value || memory < wish.demand.hostMemory.value
      || left >= Limits.leasesPerNode
    {
      guard next < ends.count, ends[next].at < .farFuture else { return nil }
      cpu += leases[row: ends[next].row].cpu.value
      memory += leases[row: ends[next].row].hostMemory.value
      left -= 1
      moment = ends[next].at
      next += 1
    }
    return moment
  }

  /// When one device can serve a demand: empty, but for a CPU part, which need only have enough.
  private func deviceStart(
    of wish: Wish, lane: UInt32, _ row: UInt32, _ ends: [(row: UInt32, at: Instant)]
  ) -> Instant? {
    let device = devices[row: row]
    guard device.lane == lane, device.health == .usable, device.pin == nil || device.pin == lane
    else { return nil }
    switch wish.demand.shape {
    case .whole:
      guard device.report.kind == .gpu, device.mode != .mig else { return nil }
    case .fraction(_, let bytes):
      guard device.report.kind == .gpu, device.mode != .mig, device.report.memory >= bytes else {
        return nil
      }
    case .slice:
      guard device.report.kind == .slice, device.slice == wish.slice else { return nil }
    case .cpuOnly:
      guard device.report.kind == .cpu, device.capacity.value >= wish.demand.cpu.value else {
        return nil
      }
    }
    let isCPU = wish.demand.shape == .cpuOnly
    var free = device.milliFree.value
    var moment = now
    for end in ends {
      let isEnough = isCPU ? free >= wish.demand.cpu.value : free >= device.capacity.value
      if isEnough { break }
      for index in leases[row: end.row].uses.indices where uses[index].device.row == row {
        free += uses[index].milli.value
        moment = end.at
      }
    }
    return moment < .farFuture ? moment : nil
  }

  // MARK: the head

  /// Where the head of a lane can go now: anywhere that is free, else on what is kept for it.
  func headPlacement(_ wish: Wish, _ id: ClaimID, lane: UInt32) -> Placement? {
    if let found = bestPlacement(of: wish, lane: lane) { return found }
    guard let pin = lanes[row: lane].pin, pin.claim == id else { return nil }
    return keptPlacement(wish, lane: lane)
  }

  /// A placement on the node that is kept for a lane's head, with the kept devices.
  func keptPlacement(_ wish: Wish, lane: UInt32) -> Placement? {
    guard let pin = lanes[row: lane].pin else { return nil }
    var wish = wish
    wish.through = lane
    guard fitsNode(wish, pin.node.row) else { return nil }
    var row = placement.devices.first(of: pin.node.row)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane), let found = gather(wish, around: row, lane: lane) {
        return found
      }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// Gives up what a lane keeps for a claim that is not its head, or what can no longer be had.
  /// - Returns: whether an event was stepped.
  mutating func unpinStale(lane row: UInt32, head: ClaimID?, _ log: inout EventLog) -> Bool {
    guard pinnedLanes.contains(row: row), let lane = lanes.id(at: row), let pin = lanes[lane].pin
    else { return false }
    let code = pin.claim == head ? lost(pin, lane: row) : .behindHead
    guard let code else { return false }
    step(.headUnpinned(lane, because: code), &log)
    return true
  }

  /// Gives up what a lane keeps where a placement takes of it for a claim before the head.
  mutating func unpin(under placement: Placement, _ log: inout EventLog) {
    guard pinnedLanes.contains(row: placement.lane), let lane = lanes.id(at: placement.lane) else {
      return
    }
    for index in 0..<placement.count where devices[row: placement.devices[index]].pin != nil {
      return step(.headUnpinned(lane, because: .behindHead), &log)
    }
  }

  /// Keeps what a promise gives for a head that has to wait, where it is better than what is kept.
  /// - Returns: whether an event was stepped.
  mutating func pin(
    _ id: ClaimID, _ promise: Promise?, lane row: UInt32, _ log: inout EventLog
  ) -> Bool {
    guard let promise else { return false }
    if let pin = lanes[row: row].pin, pin.starts <= promise.starts { return false }
    keep(promise, for: id, lane: row, &log)
    return true
  }

  /// Keeps what a promise gives for the head of a lane.
  mutating func keep(
    _ promise: Promise, for id: ClaimID, lane row: UInt32, _ log: inout EventLog
  ) {
    guard let lane = lanes.id(at: row), let node = nodes.id(at: promise.placement.node) else {
      broken("a promise names live rows")
    }
    let first = UInt32(log.uses.count)
    let demand = claims[id].spec.demand
    for index in 0..<promise.placement.count {
      log.uses.append(use(of: promise.placement.devices[index], by: demand))
    }
    log.pins.append(
      PinFact(
        claim: id, node: node,
        uses: Span32(first: first, count: UInt16(promise.placement.count)),
        starts: promise.starts))
    step(.headPinned(lane, fact: UInt32(log.pins.count - 1)), &log)
  }

  /// Why what is kept can no longer be had at its moment; nil where it can.
  private func lost(_ pin: Pin, lane: UInt32) -> Reason.Code? {
    let node = nodes[pin.node]
    if node.duty != .open { return .nodeCordoned }
    if node.reach != .ready { return node.reach == .recovering ? .recovering : .nodeSilent }
    for index in pin.uses.indices {
      let device = uses[index].device
      let isThere = devices.contains(device) && devices[device].pin == lane
      if !isThere || devices[device].health != .usable { return .deviceUnhealthy }
    }
    // Something outlived its kill deadline there.
    return pin.starts <= now ? .deviceUnhealthy : nil
  }

  // MARK: the gap

  /// The first claim behind a lane's head that can run without delaying it.
  func backfill(lane: UInt32, behind head: ClaimID) -> (claim: ClaimID, found: Placement)? {
    let first = claims[head].tenant
    // While its owner waits, a lane lends nothing more.
    let owner = lanes[row: lane].rule.owner == nil || isForeign(lane, to: first) ? nil : first
    for row in waiting(for: lane, of: owner, atMost: Limits.backfillDepth + 1)
    where row != head.row {
      guard let id = claims.id(at: row), let found = gapPlacement(of: id, lane: lane) else {
        continue
      }
      return (id, found)
    }
    return nil
  }

  /// Where a claim behind the head can go: on devices that nobody keeps, or on the head's own as
  /// long as it has left them in time.
  private func gapPlacement(of id: ClaimID, lane: UInt32) -> Placement? {
    let claim = claims[id]
    guard holder(of: claim) == nil, let resolved = resolved(claim) else { return nil }
    guard case .success(let offer) = lifelongOffer(lane, for: claim.spec, resolved) else {
      return nil
    }
    guard lendingObstacle(lane, to: claim.tenant, offer.offer.billedMilli) == nil,
      case .yes = affordability(offer.offer.reservation, path: resolved.path, turn: resolved.turn)
    else { return nil }
    if let found = bestPlacement(of: resolved.wish, lane: lane) { return found }
    guard let pin = lanes[row: lane].pin,
      leaves(claim.serviceClass, claim.spec.runtimeMax) <= pin.starts
    else { return nil }
    return keptPlacement(resolved.wish, lane: lane)
  }

  /// Whether only what is kept for a lane's head keeps a claim behind it from running.
  func delayReason(
    _ wish: Wish, _ serviceClass: ServiceClass, _ runtimeMax: Span, lane: UInt32
  ) -> Reason? {
    let leaves = leaves(serviceClass, runtimeMax)
    guard let pin = lanes[row: lane].pin, leaves > pin.starts,
      bestPlacement(of: wish, lane: lane) == nil, keptPlacement(wish, lane: lane) != nil
    else { return nil }
    return Reason(.wouldDelayHead, .lane(lane), have: pin.starts.ns, need: leaves.ns)
  }

  // MARK: folding

  mutating func evolvePinned(_ id: LaneID, _ fact: PinFact, _ log: borrowing EventLog) {
    invariant(claims[fact.claim].state == .queued, "devices are kept for a claim in the order")
    clearPin(id.row)
    let demand = claims[fact.claim].spec.demand
    let isCPU = demand.shape == .cpuOnly
    let run = uses.append(log.uses[fact.uses.indices])
    lanes[id].pin = Pin(
      claim: fact.claim, node: fact.node, uses: run, cpu: demand.cpu,
      hostMemory: demand.hostMemory, starts: fact.starts)
    pinnedLanes.insert(id)
    nodes[fact.node].cpuPinned = MilliCPU(nodes[fact.node].cpuPinned.value + demand.cpu.value)
    nodes[fact.node].hostPinned = Bytes(
      nodes[fact.node].hostPinned.value + demand.hostMemory.value)
    for index in run.indices {
      let use = uses[index]
      invariant(devices[use.device].pin == nil, "a device is kept for one head")
      devices[use.device].pin = id.row
      devices[use.device].pinned = isCPU ? use.milli : MilliGPU(0)
    }
    refreshNode(fact.node.row)
  }

  /// Gives up what is kept for a lane's head, if anything.
  mutating func clearPin(_ row: UInt32) {
    guard pinnedLanes.contains(row: row), let pin = lanes[row: row].pin else { return }
    lanes[row: row].pin = nil
    pinnedLanes.bits &= ~(1 << UInt64(row))
    for index in pin.uses.indices {
      let device = uses[index].device
      guard devices.contains(device), devices[device].pin == row else { continue }
      devices[device].pin = nil
      devices[device].pinned = MilliGPU(0)
    }
    uses.free(pin.uses)
    guard nodes.contains(pin.node) else { return }
    nodes[pin.node].cpuPinned = MilliCPU(nodes[pin.node].cpuPinned.value - pin.cpu.value)
    nodes[pin.node].hostPinned = Bytes(
      nodes[pin.node].hostPinned.value - pin.hostMemory.value)
    refreshNode(pin.node.row)
    // Others may have waited for what was kept.
    stirred.bits |= placement.lanesOfNode[Int(pin.node.row)].bits
  }

  /// Gives up what any lane keeps for a claim that leaves the order.
  mutating func clearPins(of id: ClaimID) {
    var left = pinnedLanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if lanes[row: row].pin?.claim == id {
        clearPin(row)
        stirred.insert(row: row)
      }
    }
  }

  /// Has the lanes looked at that keep devices of a node.
  mutating func stirPins(on node: UInt32) {
    var left = pinnedLanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if lanes[row: row].pin?.node.row == node { stirred.insert(row: row) }
    }
  }

  /// Lanes whose first claim in the order is this one.
  func headed(by id: ClaimID) -> LaneSet {
    var set = LaneSet.none
    var left = groups[Int(claims[id].group)]
    while let row = left.firstRow {
      left = left.withoutFirst
      if head(of: row)?.row == id.row { set.insert(row: row) }
    }
    return set
  }
}
