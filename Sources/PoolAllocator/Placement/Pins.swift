/// What is kept for waiting claims: concrete devices each, and a planned start (SEMANTICS 4.4).
///
/// A claim keeps one pin at most. It moves to an earlier start, or is given up with a reason: a
/// device or node failed, or a claim that goes before it, by level or as the owner of the lane,
/// needs the devices. A claim of the same level never takes it, however its turn stands: what was
/// planned once is kept. What others were stopped for gives way to no level.
extension Pool {
  // MARK: who goes before whom

  /// Who asks for devices.
  struct Asker {
    /// The waiting claim; nil at the door.
    var claim: ClaimID?
    var tenant: TenantID
    var level: UInt8
    /// When it has given its devices back if it is granted now.
    var leaves: Instant
    /// It leaves alone what is kept for others of its kind, whatever their level.
    var spares = false
  }

  /// Where one that asks can go now.
  struct Opening {
    var placement: Placement
    /// Row of the claim that keeps the devices and has to give them up for it.
    var over: UInt32?
  }

  /// A waiting claim as one that asks.
  func asker(_ id: ClaimID) -> Asker {
    Asker(
      claim: id, tenant: claims[id].tenant, level: claims[id].level,
      leaves: leaves(claims[id].serviceClass, claims[id].spec.runtimeMax))
  }

  /// Whether what is kept in a lane for a claim gives way to one that asks.
  func yields(_ row: UInt32, to asker: Asker, lane: UInt32) -> Bool {
    let isHolderForeign = isForeign(lane, to: claims[row: row].tenant)
    if isHolderForeign != isForeign(lane, to: asker.tenant) { return isHolderForeign }
    if claims[row: row].pin?.isHeld == true { return false }
    return !asker.spares && claims[row: row].level > asker.level
  }

  // MARK: placing on what is kept

  /// Thousandths of a CPU part that are kept for one waiting claim; of a GPU or instance, which is
  /// kept whole and counts nothing in `Device.pinned`, 0.
  func kept(of device: UInt32, for claim: UInt32?) -> Int32 {
    guard let claim, let pin = claims[row: claim].pin, devices[row: device].report.kind == .cpu
    else { return 0 }
    return pin.uses.indices.reduce(0) {
      $0 + (uses[$1].device.row == device ? uses[$1].milli.value : 0)
    }
  }

  /// A placement on the node that is kept for a waiting claim, with the kept devices.
  func keptPlacement(_ wish: Wish, lane: UInt32, through claim: UInt32) -> Placement? {
    guard let pin = claims[row: claim].pin, pin.lane.row == lane else { return nil }
    var wish = wish
    wish.through = claim
    var row = placement.devices.first(of: pin.node.row)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane), let found = gather(wish, around: row, lane: lane) {
        // Asked last: it looks at all plans of the lane, and devices are mostly in use.
        return fitsNode(wish, pin.node.row) ? found : nil
      }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// Where one that asks can go now: anywhere that is free, else on what is kept for itself, for
  /// one that yields, or for one that starts later than it leaves.
  /// - Complexity: of `bestPlacement`, and `Limits.pinProbes` nodes: what is kept for others beyond
  ///   that is not looked at.
  func openPlacement(_ wish: Wish, for asker: Asker, lane: UInt32) -> Opening? {
    if let found = bestPlacement(of: wish, lane: lane) { return Opening(placement: found) }
    if let own = asker.claim, let found = keptPlacement(wish, lane: lane, through: own.row) {
      return Opening(placement: found)
    }
    var row = placement.pins.first(of: lane)
    var looked = 0
    while row != RowLists.none, looked < Limits.pinProbes {
      looked += 1
      let isInTime = asker.leaves <= claims[row: row].pin?.starts ?? .origin
      if row != asker.claim?.row, isInTime || yields(row, to: asker, lane: lane),
        let found = keptPlacement(wish, lane: lane, through: row)
      {
        return Opening(placement: found, over: isInTime ? nil : row)
      }
      row = placement.pins.next(after: row)
    }
    return nil
  }

  /// Whether only what is kept for others keeps a claim from running.
  func delayReason(_ wish: Wish, for asker: Asker, lane: UInt32) -> Reason? {
    guard openPlacement(wish, for: asker, lane: lane) == nil,
      let holder = firstPinned(
        lane: lane, where: { keptPlacement(wish, lane: lane, through: $0) != nil }),
      let pin = claims[holder].pin
    else { return nil }
    return Reason(.wouldDelayHead, .lane(lane), have: pin.starts.ns, need: asker.leaves.ns)
  }

  /// What one waiting claim keeps of a node's host, and of a CPU part.
  private struct Plan {
    var starts: Instant
    var cpu: Int32
    var memory: Int64
    var share: Int32
  }

  /// Whether every plan on a node but the one that a demand goes through still finds its processor
  /// time and memory at its moment if the demand takes its own now and never ends.
  ///
  /// A plan of a later moment counts on what ends until then, so what is kept in all may be more
  /// than there is now; an earlier one may start all the same.
  /// - Parameter part: a CPU part that is looked at too.
  /// - Complexity: O(plans of the node × (plans + leases of the node)), and O(plans of its lanes).
  func holdsPlans(beside wish: Wish, on node: UInt32, part: UInt32?) -> Bool {
    let plans = plans(on: node, besides: wish.through, part: part)
    guard !plans.isEmpty else { return true }
    let ends = endsOfLeases(on: node, reclaimFor: nil)
    return plans.allSatisfy { plan in
      var cpu = nodes[row: node].cpuFree.value - wish.demand.cpu.value
      var memory = nodes[row: node].hostFree.value - wish.demand.hostMemory.value
      var share = part.map { devices[row: $0].milliFree.value - wish.demand.cpu.value } ?? 0
      for other in plans where other.starts <= plan.starts {
        cpu -= other.cpu
        memory -= other.memory
        share -= other.share
      }
      for end in ends where end.at <= plan.starts {
        cpu += leases[row: end.row].cpu.value
        memory += leases[row: end.row].hostMemory.value
        for index in leases[row: end.row].uses.indices where uses[index].device.row == part {
          share += uses[index].milli.value
        }
      }
      return cpu >= 0 && memory >= 0 && share >= 0
    }
  }

  private func plans(on node: UInt32, besides claim: UInt32?, part: UInt32?) -> [Plan] {
    var found: [Plan] = []
    var lanes = LaneSet(
      bits: placement.lanesOfNode[Int(node)].bits & placement.pinnedLanes.bits)
    while let lane = lanes.firstRow {
      lanes = lanes.withoutFirst
      var row = placement.pins.first(of: lane)
      while row != RowLists.none {
        if row != claim, let pin = claims[row: row].pin, pin.node.row == node {
          found.append(
            Plan(
              starts: pin.starts, cpu: pin.cpu.value, memory: pin.hostMemory.value,
              share: part.map { kept(of: $0, for: row) } ?? 0))
        }
        row = placement.pins.next(after: row)
      }
    }
    return found
  }

  // MARK: keeping

  /// Keeps what a promise gives for a waiting claim; those whose devices it takes keep nothing.
  /// - Parameter isHeld: whether others are stopped for it; once they were, it holds.
  mutating func keep(
    _ promise: Promise, for id: ClaimID, isHeld: Bool = false, _ log: inout EventLog
  ) {
    guard let lane = lanes.id(at: promise.placement.lane),
      let node = nodes.id(at: promise.placement.node)
    else { broken("a promise names live rows") }
    for index in 0..<promise.placement.count {
      if let holder = devices[row: promise.placement.devices[index]].pin, holder != id.row {
        unpin(holder, because: .behindHead, &log)
      }
    }
    let first = UInt32(log.uses.count)
    let demand = claims[id].spec.demand
    for index in 0..<promise.placement.count {
      log.uses.append(use(of: promise.placement.devices[index], by: demand))
    }
    log.pins.append(
      PinFact(
        lane: lane, node: node,
        uses: Span32(first: first, count: UInt16(promise.placement.count)),
        starts: promise.starts, isHeld: isHeld || claims[id].pin?.isHeld == true))
    step(.claimPinned(id, fact: UInt32(log.pins.count - 1)), &log)
  }

  /// Gives up what is kept for a claim.
  mutating func unpin(_ row: UInt32, because code: Reason.Code, _ log: inout EventLog) {
    guard let id = claims.id(at: row) else { broken("devices are kept for live claims") }
    step(.claimUnpinned(id, because: code), &log)
  }

  /// Gives up whatever a device is kept for, before it is taken from its lane.
  mutating func unpinAll(on device: DeviceID, because code: Reason.Code, _ log: inout EventLog) {
    if let row = devices[device].pin { unpin(row, because: code, &log) }
    guard let lane = devices[device].lane else { return }
    while devices[device].pinned.value > 0, let row = keeper(of: device.row, lane: lane) {
      unpin(row, because: code, &log)
    }
  }

  private func keeper(of device: UInt32, lane: UInt32) -> UInt32? {
    firstPinned(lane: lane) { kept(of: device, for: $0) > 0 }?.row
  }

  /// The first claim of a lane for which nothing can be kept any more, and why: what was kept can
  /// no longer be had, or the claim would borrow while the owner waits.
  func firstLost(lane: UInt32, head: ClaimID) -> (claim: UInt32, because: Reason.Code)? {
    let isOwnerFirst = !isForeign(lane, to: claims[head].tenant)
    var row = placement.pins.first(of: lane)
    while row != RowLists.none {
      let isDisplaced = isOwnerFirst && isForeign(lane, to: claims[row: row].tenant)
      let code = isDisplaced ? .behindHead : claims[row: row].pin.flatMap { lost($0, of: row) }
      if let code { return (row, code) }
      row = placement.pins.next(after: row)
    }
    return nil
  }

  /// Why what is kept can no longer be had at its moment; nil where it can.
  private func lost(_ pin: Pin, of row: UInt32) -> Reason.Code? {
    let node = nodes[pin.node]
    if node.duty != .open { return .nodeCordoned }
    if node.reach != .ready { return node.reach == .recovering ? .recovering : .nodeSilent }
    for index in pin.uses.indices {
      let device = uses[index].device
      if !devices.contains(device) || devices[device].health != .usable {
        return .deviceUnhealthy
      }
    }
    guard pin.starts <= now else { return nil }
    // Something outlived its kill deadline there, unless all is free and it goes next.
    return isReady(row, lane: pin.lane.row) ? nil : .deviceUnhealthy
  }

  /// The first claim of a lane that can go onto what is kept for it and need not give way to the
  /// head.
  func firstReady(lane: UInt32, before head: ClaimID) -> ClaimID? {
    let head = asker(head)
    return firstPinned(lane: lane) {
      $0 != head.claim?.row && !yields($0, to: head, lane: lane) && isReady($0, lane: lane)
    }
  }

  /// Where the first claim behind a waiting head goes that can start on what is kept for it.
  func firstPlanned(lane: UInt32, behind head: ClaimID) -> (claim: ClaimID, opening: Opening)? {
    let ready = firstPinned(lane: lane) { row in
      guard row != head.row, isReady(row, lane: lane), let id = claims.id(at: row) else {
        return false
      }
      return gapPlacement(of: id, lane: lane) != nil
    }
    return ready.flatMap { id in gapPlacement(of: id, lane: lane).map { (id, $0) } }
  }

  /// Whether the head of a lane may start on what is kept for a claim that is ready: whole devices,
  /// for the same demand, and what the head gives for them is free no later than was planned.
  func canExchange(_ head: ClaimID, _ ready: ClaimID) -> Bool {
    guard let own = claims[head].pin, let other = claims[ready].pin, own.lane == other.lane,
      own.starts <= other.starts, !other.isHeld
    else { return false }
    let demand = claims[head].spec.demand
    guard demand == claims[ready].spec.demand else { return false }
    switch demand.shape {
    case .whole, .slice: return true
    case .fraction, .cpuOnly: return false
    }
  }

  /// What is kept for a claim, as a promise.
  func promise(of id: ClaimID) -> Promise? {
    guard let pin = claims[id].pin, let first = pin.uses.indices.first else { return nil }
    var found = Placement(
      lane: pin.lane.row, node: pin.node.row, device: uses[first].device.row)
    found.count = 0
    for index in pin.uses.indices {
      found.devices[found.count] = uses[index].device.row
      found.count += 1
    }
    return Promise(placement: found, starts: pin.starts)
  }

  private func isReady(_ row: UInt32, lane: UInt32) -> Bool {
    let wish = resolved(claims[row: row])?.wish
    return wish.flatMap { keptPlacement($0, lane: lane, through: row) } != nil
  }

  /// The first claim with kept devices in a lane that meets a condition. For questions alone: a
  /// closure over the pool in a mutating function copies the pool.
  func firstPinned(lane: UInt32, where isWanted: (UInt32) -> Bool) -> ClaimID? {
    var row = placement.pins.first(of: lane)
    while row != RowLists.none {
      if isWanted(row) { return claims.id(at: row) }
      row = placement.pins.next(after: row)
    }
    return nil
  }

  // MARK: folding

  mutating func evolvePinned(_ id: ClaimID, _ fact: PinFact, _ log: borrowing EventLog) {
    invariant(claims[id].state == .queued, "devices are kept for a claim in the order")
    clearPin(of: id)
    let demand = claims[id].spec.demand
    let run = uses.append(log.uses[fact.uses.indices])
    claims[id].pin = Pin(
      lane: fact.lane, node: fact.node, uses: run, cpu: demand.cpu,
      hostMemory: demand.hostMemory, starts: fact.starts, isHeld: fact.isHeld)
    notePin(id.row, lane: fact.lane)
    let node = nodes[fact.node]
    nodes[fact.node].cpuPinned = MilliCPU(node.cpuPinned.value + demand.cpu.value)
    nodes[fact.node].hostPinned = Bytes(node.hostPinned.value + demand.hostMemory.value)
    for index in run.indices {
      let use = uses[index]
      if devices[use.device].report.kind == .cpu {
        let pinned = devices[use.device].pinned.value + use.milli.value
        devices[use.device].pinned = MilliGPU(pinned)
      } else {
        invariant(devices[use.device].pin == nil, "a device is kept for one claim")
        devices[use.device].pin = id.row
      }
    }
    refreshNode(fact.node.row)
  }

  /// Gives up what is kept for a claim, if anything.
  mutating func clearPin(of id: ClaimID) {
    guard let pin = claims[id].pin else { return }
    claims[id].pin = nil
    placement.pins.remove(id.row)
    if placement.pins.first(of: pin.lane.row) == RowLists.none {
      placement.pinnedLanes.bits &= ~(1 << UInt64(pin.lane.row))
    }
    for index in pin.uses.indices {
      let use = uses[index]
      if devices[use.device].report.kind == .cpu {
        let pinned = devices[use.device].pinned.value - use.milli.value
        devices[use.device].pinned = MilliGPU(pinned)
      } else {
        devices[use.device].pin = nil
      }
    }
    uses.free(pin.uses)
    let node = nodes[pin.node]
    nodes[pin.node].cpuPinned = MilliCPU(node.cpuPinned.value - pin.cpu.value)
    nodes[pin.node].hostPinned = Bytes(node.hostPinned.value - pin.hostMemory.value)
    refreshNode(pin.node.row)
    // Others may have waited for what was kept.
    stirred.insert(pin.lane)
    stirred.bits |= placement.lanesOfNode[Int(pin.node.row)].bits
  }

  /// Gives up everything that is kept.
  mutating func clearPins() {
    for row in 0..<UInt32(claims.extent) {
      if let id = claims.id(at: row) { clearPin(of: id) }
    }
  }

  /// Gives up whatever a device is kept for.
  mutating func clearPins(on device: DeviceID) {
    if let row = devices[device].pin, let id = claims.id(at: row) { clearPin(of: id) }
    guard devices[device].pinned.value > 0, let lane = devices[device].lane else { return }
    var row = placement.pins.first(of: lane)
    while row != RowLists.none {
      let next = placement.pins.next(after: row)
      if kept(of: device.row, for: row) > 0, let id = claims.id(at: row) { clearPin(of: id) }
      row = next
    }
  }

  /// Has the lane looked at in which a claim keeps devices.
  mutating func stirPin(of row: UInt32) {
    if let pin = claims[row: row].pin { stirred.insert(pin.lane) }
  }

  /// Has the lanes looked at that keep devices of a node.
  mutating func stirPins(on node: UInt32) {
    stirred.bits |= placement.lanesOfNode[Int(node)].bits & placement.pinnedLanes.bits
  }

  private mutating func notePin(_ row: UInt32, lane: LaneID) {
    placement.pins.insertInOrder(row, into: lane.row)
    placement.pinnedLanes.insert(lane)
  }

  /// Rebuilds the lists of what is kept.
  mutating func indexPins() {
    claims.forEach { id, claim in
      if let pin = claim.pin { notePin(id.row, lane: pin.lane) }
    }
  }
}
