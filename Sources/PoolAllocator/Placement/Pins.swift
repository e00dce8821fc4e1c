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
    /// The lane of which every plan that gives way to it counts as gone; nil: those alone whose
    /// GPUs it takes.
    var takesPlans: UInt32?
  }

  /// Where one that asks can go now.
  struct Opening {
    /// Of the first member.
    var placement: Placement
    /// Of the others.
    var others: ArraySlice<Placement> = []
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
    if claims[row: row].pin?.isHeld == true, !planted(.heldGivesWay) { return false }
    return !asker.spares && claims[row: row].level > asker.level
  }

  // MARK: placing on what is kept

  /// Whether what is kept for a claim is no obstacle to a wish: it goes through that, asked for it
  /// itself, or has left by its start.
  func isOpen(_ holder: UInt32, to wish: Wish) -> Bool {
    holder == wish.through || holder == wish.own
      || wish.leaves <= claims[row: holder].pin?.starts ?? .origin
  }

  /// Thousandths of a CPU part that are kept for one waiting claim; of a GPU or instance, which is
  /// kept whole and counts nothing in `Device.pinned`, 0.
  func kept(of device: UInt32, for claim: UInt32?) -> Int32 {
    guard let claim, let pin = claims[row: claim].pin, devices[row: device].report.kind == .cpu
    else { return 0 }
    return pin.uses.indices.reduce(0) {
      $0 + (uses[$1].device.row == device ? uses[$1].milli.value : 0)
    }
  }

  /// Room on the nodes that are kept for a waiting claim, with what is kept: the devices, and, in
  /// another lane of the node, what is kept of the host beside them; a gang may have some of its
  /// members elsewhere.
  func keptRoom(_ wish: Wish, lane: UInt32, through claim: UInt32) -> Opening? {
    guard let pin = claims[row: claim].pin,
      pin.lane.row == lane
        || pin.members == 1 && wish.demand.isSimple
          && placement.lanesOfNode[Int(pin.node.row)].contains(row: lane)
    else { return nil }
    var wish = wish
    if pin.lane.row == lane { wish.through = claim } else { wish.beside = claim }
    guard wish.demand.isSimple else { return room(for: wish, lane: lane, wished: false) }
    guard pin.members > 1 else {
      return keptPlacement(wish, lane: lane, on: pin.node.row).map { Opening(placement: $0) }
    }
    for node in keptNodes(of: claim, lane: lane) {
      if let found = keptPlacement(wish, lane: lane, on: node) { return Opening(placement: found) }
    }
    return nil
  }

  /// Room on one node in a lane, with what the wish goes through.
  func keptPlacement(_ wish: Wish, lane: UInt32, on node: UInt32) -> Placement? {
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane), let found = gather(wish, around: row, lane: lane) {
        // Asked last: it looks at all plans of the lane, and devices are mostly in use.
        return fitsNode(wish, node) ? found : nil
      }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// The node of one member of a plan.
  func node(of pin: Pin, member: Int) -> UInt32 {
    guard pin.members > 1 else { return pin.node.row }
    let each = Int(pin.uses.count) / Int(pin.members)
    return devices[uses[Int(pin.uses.first) + member * each].device].node.row
  }

  /// Members of a plan whose devices are on a node.
  func members(of pin: Pin, on node: UInt32) -> Int {
    guard pin.members > 1 else { return pin.node.row == node ? 1 : 0 }
    return (0..<Int(pin.members)).reduce(0) {
      $0 + (self.node(of: pin, member: $1) == node ? 1 : 0)
    }
  }

  /// Where one that asks can go now: anywhere that is free, else on what is kept for itself, for
  /// one that yields, or for one that starts later than it leaves.
  /// - Complexity: of `bestPlacement`, and `Limits.pinProbes` nodes: what is kept for others beyond
  ///   that is not looked at.
  func openPlacement(_ wish: Wish, for asker: Asker, lane: UInt32) -> Opening? {
    if let found = room(for: wish, lane: lane) { return found }
    var wish = wish
    (wish.own, wish.leaves) = (asker.claim?.row, planted(.skipsAhead) ? .origin : asker.leaves)
    if let own = asker.claim, let found = keptRoom(wish, lane: lane, through: own.row) {
      return found
    }
    var row = placement.pins.first(of: lane)
    var looked = 0
    let most = wish.demand.isSimple ? Limits.pinProbes : Limits.gangPinProbes
    while row != RowLists.none, looked < most {
      looked += 1
      let isInTime = wish.leaves <= claims[row: row].pin?.starts ?? .origin
      if row != asker.claim?.row, isInTime || yields(row, to: asker, lane: lane),
        var found = keptRoom(wish, lane: lane, through: row)
      {
        found.over = isInTime ? nil : row
        return found
      }
      row = placement.pins.next(after: row)
    }
    return nil
  }

  /// What is kept for others and would let a claim run that can go nowhere now.
  func delayReason(_ wish: Wish, for asker: Asker, lane: UInt32) -> Reason? {
    guard
      let holder = firstPinned(
        lane: lane, where: { keptRoom(wish, lane: lane, through: $0) != nil }),
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

  /// Whether every plan on a node that is not open to a demand still finds its processor time and
  /// memory at its moment if the demand takes its own now and never ends.
  ///
  /// A plan of a later moment counts on what ends until then, so what is kept in all may be more
  /// than there is now; an earlier one may start all the same.
  /// - Parameter part: a CPU part that is looked at too.
  /// - Complexity: O(plans of the node × (plans + leases of the node)), and O(plans of its lanes).
  func holdsPlans(beside wish: Wish, on node: UInt32, part: UInt32?) -> Bool {
    let plans = plans(on: node, besides: wish, part: part)
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

  /// Plans on a node to which a wish may be an obstacle.
  private func plans(on node: UInt32, besides wish: Wish, part: UInt32?) -> [Plan] {
    var found: [Plan] = []
    var lanes = LaneSet(
      bits: placement.lanesOfNode[Int(node)].bits & placement.pinnedLanes.bits)
    while let lane = lanes.firstRow {
      lanes = lanes.withoutFirst
      var row = placement.pins.first(of: lane)
      while row != RowLists.none {
        if !isOpen(row, to: wish), let pin = claims[row: row].pin,
          case let count = members(of: pin, on: node), count > 0
        {
          found.append(
            Plan(
              starts: pin.starts, cpu: pin.cpu.value * Int32(count),
              memory: pin.hostMemory.value * Int64(count),
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
    if promise.takesPlans { giveUpPlans(promise, for: id, &log) }
    giveUp(promise.placement, for: id, &log)
    for other in promise.others { giveUp(other, for: id, &log) }
    let demand = claims[id].spec.demand
    var kept = noteUses(of: promise.placement, by: demand, &log)
    for other in promise.others { kept.count += noteUses(of: other, by: demand, &log).count }
    log.pins.append(
      PinFact(
        lane: lane, node: node, uses: kept, starts: promise.starts,
        isHeld: isHeld || claims[id].pin?.isHeld == true))
    step(.claimPinned(id, fact: UInt32(log.pins.count - 1)), &log)
  }

  /// Gives up what others keep of a placement.
  private mutating func giveUp(_ found: Placement, for id: ClaimID, _ log: inout EventLog) {
    for index in 0..<found.count {
      if let holder = devices[row: found.devices[index]].pin, holder != id.row {
        unpin(holder, because: .behindHead, &log)
      }
    }
  }

  /// Gives up all plans on the nodes of a promise that give way to its claim.
  private mutating func giveUpPlans(_ found: Promise, for id: ClaimID, _ log: inout EventLog) {
    let (asker, lane) = (asker(id), found.placement.lane)
    var row = placement.pins.first(of: lane)
    while row != RowLists.none {
      let next = placement.pins.next(after: row)
      if row != id.row, yields(row, to: asker, lane: lane), isPlanned(row, beside: found) {
        unpin(row, because: .behindHead, &log)
      }
      row = next
    }
  }

  private func isPlanned(_ row: UInt32, beside found: Promise) -> Bool {
    guard let pin = claims[row: row].pin else { return false }
    return members(of: pin, on: found.placement.node) > 0
      || found.others.contains { members(of: pin, on: $0.node) > 0 }
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
    for member in 0..<Int(pin.members) {
      let node = nodes[row: self.node(of: pin, member: member)]
      if node.duty != .open { return .nodeCordoned }
      if node.reach != .ready { return node.reach == .recovering ? .recovering : .nodeSilent }
    }
    for index in pin.uses.indices {
      let device = uses[index].device
      if !devices.contains(device) || devices[device].health != .usable {
        return .deviceUnhealthy
      }
    }
    guard pin.starts <= now else { return nil }
    // Something outlived its kill deadline there, unless all is free and it goes next.
    return isReady(row) ? nil : .deviceUnhealthy
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
      lane: fact.lane, node: fact.node, uses: run, members: demand.members, cpu: demand.cpu,
      hostMemory: demand.hostMemory, starts: fact.starts, isHeld: fact.isHeld)
    notePin(id.row, lane: fact.lane)
    for index in run.indices {
      let use = uses[index]
      if devices[use.device].report.kind == .cpu {
        let pinned = devices[use.device].pinned.value + use.milli.value
        devices[use.device].pinned = MilliGPU(pinned)
      } else {
        let holder = devices[use.device].pin
        invariant(holder == nil || holder == id.row, "a device is kept for one claim")
        devices[use.device].pin = id.row
      }
    }
    if let pin = claims[id].pin { keepHosts(of: pin, adding: 1) }
    // In other lanes of the node those behind it may go now on what is not kept for it.
    let others = groups[Int(claims[id].group)].bits & ~(1 << UInt64(fact.lane.row))
    stirred.bits |= placement.lanesOfNode[Int(fact.node.row)].bits & others
  }

  /// Keeps processor time and host memory of the nodes of a plan, or gives them back.
  private mutating func keepHosts(of pin: Pin, adding sign: Int32) {
    for member in 0..<Int(pin.members) {
      let row = node(of: pin, member: member)
      let node = nodes[row: row]
      nodes[row: row].cpuPinned = MilliCPU(node.cpuPinned.value + sign * pin.cpu.value)
      nodes[row: row].hostPinned = Bytes(
        node.hostPinned.value + Int64(sign) * pin.hostMemory.value)
      // All members of a node stand together, and the last one finds what is kept in all.
      let isLast = member + 1 == Int(pin.members) || self.node(of: pin, member: member + 1) != row
      if isLast { refreshNode(row) }
    }
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
    keepHosts(of: pin, adding: -1)
    // Others may have waited for what was kept.
    stirred.insert(pin.lane)
    for member in 0..<Int(pin.members) {
      stirred.bits |= placement.lanesOfNode[Int(node(of: pin, member: member))].bits
    }
    uses.free(pin.uses)
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

  /// The same where a lease of the node ends sooner than was known: beside what is planned with
  /// its processor time and memory, more may fit now.
  mutating func stirHostPlans(on node: UInt32) {
    let host = nodes[row: node]
    if host.cpuPinned.value > 0 || host.hostPinned > .zero { stirPins(on: node) }
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
