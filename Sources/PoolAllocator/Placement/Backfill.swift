/// EASY backfill: the head of a lane keeps concrete devices with a moment at which it starts, and
/// others run in the gap before it as long as they do not delay it (SEMANTICS 4.4).
///
/// The start is safe: it is the moment by which everything that runs on the devices has reached its
/// hard end and its kill deadline.
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
    if leases[row: row].lane.row == lane, isReclaimable(leases[row: row]) {
      return returns(leases[row: row])
    }
    if leases[row: row].state == .stopping { return leases[row: row].killBy }
    let ends = leases[row: row].hardEnd ?? leases[row: row].startBy + leases[row: row].runtimeMax
    return ends + leases[row: row].terms.killWithin
  }

  /// When a claim that is granted now has given its devices back.
  func leaves(_ serviceClass: ServiceClass, _ runtimeMax: Span) -> Instant {
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
    /// Of the first member.
    var placement: Placement
    /// Of the others.
    var others: ArraySlice<Placement> = []
    var starts: Instant
    /// Whether it rests on every plan of its nodes that gives way being given up.
    var takesPlans = false
  }

  /// The earliest start of a waiting claim among the nodes of its lane that clear first. Devices
  /// that are kept for claims which yield to it count as free; where it has no start beside what is
  /// kept for them of hosts and CPU parts, that does too.
  /// - Returns: nil where no node that may receive a lease can hold it later.
  /// - Parameters:
  ///   - moment: with lent devices taken back, as far as that is promised: nodes that lend are
  ///     looked at until one can hold the claim by then.
  ///   - unknown: gets the nodes of which it had to read all leases.
  /// - Complexity: O(`Limits.pinProbes` × leases of a node), and more nodes where none of these
  ///   can hold it, or not by the moment.
  func earliestStart(
    of wish: Wish, for asker: Asker, lane: UInt32, reclaimingBy moment: Instant? = nil,
    noting unknown: inout [UInt32]
  ) -> Promise? {
    let beside = firstStart(
      of: wish, for: asker, lane: lane, reclaimingBy: moment, noting: &unknown)
    guard beside == nil, moment == nil, !asker.spares,
      firstPinned(lane: lane, where: { yields($0, to: asker, lane: lane) }) != nil
    else { return beside }
    var taker = asker
    taker.takesPlans = lane
    var found = firstStart(
      of: wish, for: taker, lane: lane, reclaimingBy: nil, noting: &unknown)
    found?.takesPlans = true
    return found
  }

  /// The same as a question alone.
  func earliestStart(
    of wish: Wish, for asker: Asker, lane: UInt32, reclaimingBy moment: Instant? = nil
  ) -> Promise? {
    var unknown: [UInt32] = []
    return earliestStart(
      of: wish, for: asker, lane: lane, reclaimingBy: moment, noting: &unknown)
  }

  private func firstStart(
    of wish: Wish, for asker: Asker, lane: UInt32, reclaimingBy moment: Instant?,
    noting unknown: inout [UInt32]
  ) -> Promise? {
    guard wish.demand.isSimple else {
      return gangStart(of: wish, for: asker, lane: lane, reclaimingBy: moment)
    }
    var best: Promise?
    var looked = 0
    var free: [FreeDevice] = []
    var walk = placement.lanes[Int(lane)].clears.walk(0)
    while looked < Limits.pinProbes || best == nil
      || moment.map({ $0 < best?.starts ?? .farFuture }) ?? false,
      let node = walk.next(in: placement.lanes[Int(lane)].clears)?.row
    {
      let reclaiming = moment != nil
      guard !reclaiming || lends(node, of: lane) else { continue }
      looked += 1
      let back = reclaiming ? lane : nil
      guard
        let promise = start(
          of: wish, for: asker, lane: lane, on: node, reclaimFor: back,
          before: best?.starts ?? .farFuture, among: &free, noting: &unknown),
        promise.starts > now || takesKept(promise, for: asker)
      else { continue }
      best = promise
    }
    return best
  }

  /// Whether a promise rests on devices that are kept for another.
  func takesKept(_ promise: Promise, for asker: Asker) -> Bool {
    asker.takesPlans != nil || takesKept(promise.placement, for: asker)
      || promise.others.contains { takesKept($0, for: asker) }
  }

  private func takesKept(_ found: Placement, for asker: Asker) -> Bool {
    (0..<found.count).contains {
      let holder = devices[row: found.devices[$0]].pin
      return holder != nil && holder != asker.claim?.row
    }
  }

  /// A device with the moment from which on it is free.
  private typealias FreeDevice = (row: UInt32, at: Instant)

  /// When one node can hold a demand, if that is before a moment: the devices that come back first,
  /// and the moment by which processor time and host memory are there too.
  private func start(
    of wish: Wish, for asker: Asker, lane: UInt32, on node: UInt32, reclaimFor back: UInt32?,
    before latest: Instant, among free: inout [FreeDevice], noting unknown: inout [UInt32]
  ) -> Promise? {
    guard !placement.outlooks.lacks(node, for: wish.demand), nodes[row: node].isOpen,
      nodes[row: node].report.enforcement >= wish.demand.enforcement
    else { return nil }
    let need = Int(wish.demand.devices)
    emptied(wish, for: asker, lane: lane, on: node, reclaimFor: back, into: &free, &unknown)
    guard free.count >= need else { return nil }
    free.sort { ($0.at, $0.row) < ($1.at, $1.row) }
    let devices = max(now, free[need - 1].at)
    guard devices < latest else { return nil }
    var found = Placement(lane: lane, node: node, device: free[0].row)
    for index in 0..<need { found.devices[index] = free[index].row }
    found.count = need
    let rows = wish.demand.asksHost ? free[..<need].map(\.row) : []
    // Where the host has enough now, who leaves it when does not matter.
    let host =
      hostStart(of: wish, for: asker, on: node, rows, [])
      ?? hostStart(
        of: wish, for: asker, on: node, rows, endsOfLeases(on: node, reclaimFor: back))
    guard let host, host < latest else { return nil }
    return Promise(placement: found, starts: max(devices, host))
  }

  /// The devices of a node that can serve one member of a demand, each with the moment from which
  /// on it can; some or none where too few of them ever can.
  private func emptied(
    _ wish: Wish, for asker: Asker, lane: UInt32, on node: UInt32, reclaimFor back: UInt32?,
    into free: inout [FreeDevice], _ unknown: inout [UInt32]
  ) {
    free.removeAll(keepingCapacity: true)
    let isKnown = back == nil && placement.outlooks.knows(node)
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      // GPUs and instances have to be empty: when the last of their leases is gone.
      let outlook = isKnown ? placement.outlooks[row] : outlook(row)
      if couldServe(wish, row, outlook, lane: lane),
        isGiven(keptFor: outlook.keeper, to: asker, lane: lane)
      {
        free.append((row, outlook.at))
      }
      row = placement.devices.next(after: row)
    }
    if !isKnown, back == nil { unknown.append(node) }
    guard free.count >= Int(wish.demand.devices) else { return }
    if wish.demand.shape == .cpuOnly {
      let ends = endsOfLeases(on: node, reclaimFor: back)
      free = free.compactMap { device in
        deviceStart(of: wish, for: asker, lane: lane, device.row, ends).map { (device.row, $0) }
      }
      return
    }
    if !isKnown { noteEnds(on: node, reclaimFor: back, in: &free) }
    free.removeAll { $0.at == .farFuture }
    for index in free.indices where free[index].at == .origin { free[index].at = now }
  }

  /// Reads when the last lease on each of some devices of a node is gone.
  private func noteEnds(
    on node: UInt32, reclaimFor back: UInt32?, in free: inout [FreeDevice]
  ) {
    var lease = placement.leases.first(of: node)
    while lease != RowLists.none {
      var end: Instant?
      for index in leases[row: lease].uses.indices {
        let device = uses[index].device.row
        guard let place = free.firstIndex(where: { $0.row == device }) else { continue }
        let at = end ?? gone(lease, reclaimFor: back)
        end = at
        free[place].at = max(free[place].at, at)
      }
      lease = placement.leases.next(after: lease)
    }
  }

  /// Leases of a node by the moment at which they are gone, first to go first.
  func endsOfLeases(
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

  /// Processor time and host memory that a waiting claim finds free on a node where it takes some
  /// devices: what is kept for it counts, and what is kept for those whose devices it takes;
  /// nothing else that is kept does.
  func hostFree(
    for asker: Asker, on row: UInt32, taking taken: [UInt32]
  ) -> (cpu: Int32, memory: Int64) {
    let node = nodes[row: row]
    var cpu = node.cpuFree.value - node.cpuPinned.value
    var memory = node.hostFree.value - node.hostPinned.value
    var counted: [UInt32] = []
    func add(_ claim: UInt32) {
      guard let pin = claims[row: claim].pin, !counted.contains(claim) else { return }
      counted.append(claim)
      let count = members(of: pin, on: row)
      cpu += pin.cpu.value * Int32(count)
      memory += pin.hostMemory.value * Int64(count)
    }
    if let own = asker.claim { add(own.row) }
    forEachTaken(by: asker) { add($0) }
    for device in taken {
      if let holder = devices[row: device].pin { add(holder) }
    }
    return (cpu, memory)
  }

  /// Visits the other claims whose plans count as gone for one that asks.
  private func forEachTaken(by asker: Asker, _ body: (UInt32) -> Void) {
    guard let lane = asker.takesPlans else { return }
    var row = placement.pins.first(of: lane)
    while row != RowLists.none {
      if row != asker.claim?.row, yields(row, to: asker, lane: lane) { body(row) }
      row = placement.pins.next(after: row)
    }
  }

  /// When a node has the processor time and host memory for so many members of a demand.
  func hostStart(
    of wish: Wish, for asker: Asker, on node: UInt32, _ taken: [UInt32], members: Int = 1,
    _ ends: [(row: UInt32, at: Instant)]
  ) -> Instant? {
    var (cpu, memory) = hostFree(for: asker, on: node, taking: taken)
    let need = wish.times(members).demand
    var left = Int(nodes[row: node].leases)
    var moment = now
    var next = 0
    while cpu < need.cpu.value || memory < need.hostMemory.value
      || left + members > Limits.leasesPerNode
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

  /// When one device can serve a demand: empty, but for a CPU part, which need only have enough,
  /// for so many members.
  func deviceStart(
    of wish: Wish, for asker: Asker, lane: UInt32, _ row: UInt32, members: Int = 1,
    _ ends: [(row: UInt32, at: Instant)]
  ) -> Instant? {
    guard couldServe(wish, row, lane: lane) else { return nil }
    guard isGiven(row, to: asker, lane: lane) else { return nil }
    if wish.demand.shape == .cpuOnly {
      var wish = wish
      wish.through = asker.claim?.row
      if isKeptFromStrangers(wish, row, lane, for: asker) { return nil }
    }
    let need = milliNeeded(of: row, by: wish, lane: lane, members: members)
    var free = devices[row: row].milliFree.value - devices[row: row].pinned.value
    free += kept(of: row, for: asker.claim?.row)
    forEachTaken(by: asker) { free += kept(of: row, for: $0) }
    var moment = now
    var next = 0
    // A share may be of memory alone: only when all have left the device is empty.
    var others = need == devices[row: row].capacity.value ? devices[row: row].shares : 0
    while free < need || others > 0 {
      guard next < ends.count, ends[next].at < .farFuture else { return nil }
      for index in leases[row: ends[next].row].uses.indices where uses[index].device.row == row {
        free += uses[index].milli.value
        if others > 0 { others -= 1 }
        moment = ends[next].at
      }
      next += 1
    }
    return moment
  }

  /// Thousandths of a device that have to be free for a demand that waits: all, but of a CPU part
  /// that it may share with those on it.
  func milliNeeded(of row: UInt32, by wish: Wish, lane: UInt32, members: Int = 1) -> Int32 {
    wish.demand.shape == .cpuOnly && isOpenBeside(wish, row, lane)
      ? wish.demand.cpu.value * Int32(members) : devices[row: row].capacity.value
  }

  // MARK: the head

  /// The first claim behind a head that no node can be relied on to hold: the head waits for an
  /// operator or for other lanes, and the others do not wait with it. Those behind such a claim in
  /// its own line do.
  /// - Returns: nil where the head can be held, or has a plan in this lane.
  /// - Complexity: O(lines of the lane) at worst.
  mutating func firstFirm(lane: UInt32, behind head: ClaimID) -> ClaimID? {
    guard claims[head].pin?.lane.row != lane, let wish = wish(of: head), !isFirm(wish, lane: lane)
    else { return nil }
    let owner = owner(before: head, lane)
    var walk = queue.lines.walk(lane: lane)
    while !walk.isAtEnd {
      let first = queue.lines.head(line: walk.line)
      walk.advance(in: queue.lines)
      guard let row = first, row != head.row, let id = claims.id(at: row),
        owner == nil || claims[id].tenant == owner
      else { continue }
      guard let wish = self.wish(of: id) else { return id }
      if isFirm(wish, lane: lane) { return id }
    }
    return nil
  }

  /// The owner of a lane where it waits there: it lends nothing more while it does.
  private func owner(before head: ClaimID, _ lane: UInt32) -> TenantID? {
    let first = claims[head].tenant
    return lanes[row: lane].rule.owner == nil || isForeign(lane, to: first) ? nil : first
  }

  /// Keeps what a promise gives for a head that has to wait, where it is better than what is kept.
  /// - Returns: whether an event was stepped.
  mutating func pin(_ id: ClaimID, _ promise: Promise, _ log: inout EventLog) -> Bool {
    if let pin = claims[id].pin {
      let isLater = planted(.pinsMoveLater) && pin.starts < promise.starts
      if pin.starts <= promise.starts, !isLater { return false }
      // An owner would take back where it lends: others were not stopped for that.
      let tenant = claims[id].tenant
      if pin.isHeld, isForeign(promise.placement.lane, to: tenant) { return false }
    }
    keep(promise, for: id, &log)
    return true
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

  // MARK: the gap

  /// The claims behind a lane's head that may run in the gap before it, in their order.
  func gapClaims(lane: UInt32, behind head: ClaimID) -> [ClaimID] {
    let owner = owner(before: head, lane)
    return waiting(for: lane, of: owner, atMost: Limits.backfillDepth + 1).compactMap {
      $0 == head.row ? nil : claims.id(at: $0)
    }
  }

  /// Where a claim can go in a lane before its turn: on devices that nobody keeps, or on those of
  /// another as long as it has left them in time.
  func gapPlacement(of id: ClaimID, lane: UInt32) -> Opening? {
    guard let resolved = admitted(id, lane: lane) else { return nil }
    return openPlacement(resolved.wish, for: asker(id), lane: lane)
  }

  /// The names of a waiting claim, where only devices can keep it from running in a lane: it is not
  /// held, the lane takes it, no limit of lending stands against it, and its buckets can pay.
  func admitted(_ id: ClaimID, lane: UInt32) -> Resolved? {
    if case .admitted(let resolved) = admission(of: id, lane: lane) { return resolved }
    return nil
  }

  /// Whether only devices can keep a claim from running in a lane.
  enum Admission {
    case admitted(Resolved)
    /// Its buckets cannot pay, and nothing else is in the way.
    case short
    case refused
  }

  /// What keeps a waiting claim from running in a lane, beside devices.
  func admission(of id: ClaimID, lane: UInt32) -> Admission {
    let claim = claims[id]
    guard holder(of: claim) == nil, let resolved = resolved(claim),
      leases.hasRoom(for: resolved.wish.members),
      case .success(let found) = lifelongOffer(lane, for: claim.spec, resolved),
      lendingObstacle(lane, to: claim.tenant, found.offer.billedMilli) == nil
    else { return .refused }
    let price = found.offer.reservation
    if case .yes = affordability(price, path: resolved.path, turn: resolved.turn) {
      return .admitted(resolved)
    }
    return .short
  }
}
