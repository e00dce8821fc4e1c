/// The points of all nodes for a demand, kept where it comes again (`ScoreIndex`).
extension Pool {
  /// Brings the points of a demand up to date in some lanes, before it is placed.
  /// - Complexity: O(changes in these lanes since the demand came last); O(nodes) the first time
  ///   and after the values of free room have changed.
  mutating func prepareScores(of wish: Wish, lanes: LaneSet) {
    guard placement.scores.isKept, isBoarded(wish.demand) else { return }
    let subject = subject(of: wish)
    placement.scores.admit(nodes: nodes.extent)
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      guard
        let board = placement.scores.makeBoard(of: subject, lane: lane, nodes: nodes.extent)
      else { return }
      guard let stale = placement.scores.stale(board, lane: lane, nodes: nodes.extent)
      else {
        placement.scores.clear(board, nodes: nodes.extent)
        for node in 0..<UInt32(nodes.extent) { appraise(node, for: subject, lane, on: board) }
        continue
      }
      for node in stale { appraise(node, for: subject, lane, on: board) }
    }
  }

  /// Whether points are kept for a demand: for shares of several GPUs they are not, since its
  /// places depend on who asks.
  func isBoarded(_ demand: Demand) -> Bool {
    guard isScored(demand) else { return false }
    if case .fraction = demand.shape { return demand.devices == 1 }
    return true
  }

  private func subject(of wish: Wish) -> ScoreIndex.Subject {
    var (demand, tenant) = (wish.demand, UInt32.max)
    // One device or any of a node are near enough to one another.
    (demand.together, demand.prefer) = (.anywhere, .anywhere)
    if case .fraction = wish.demand.shape, wish.demand.sharing != .anyTenant {
      tenant = wish.tenant
    }
    return ScoreIndex.Subject(demand: demand, tenant: tenant)
  }

  /// Notes what a demand could get on a node in a lane.
  private mutating func appraise(
    _ node: UInt32, for subject: ScoreIndex.Subject, _ lane: UInt32, on board: Int
  ) {
    guard mayHold(subject.demand, node, lane) else {
      return placement.scores.set(ScoreIndex.never, of: node, on: board)
    }
    if !placement.scores.isFresh(node) {
      var room = placement.scores.takeRoom(of: node)
      value(node, in: &room)
      placement.scores.keep(room, of: node)
    }
    let points = mostPoints(of: subject, on: node, lane, in: placement.scores.room(of: node))
    placement.scores.set(points, of: node, on: board)
  }

  /// Whether a node could hold a demand if nothing was kept for others, but for its devices.
  private func mayHold(_ demand: Demand, _ node: UInt32, _ lane: UInt32) -> Bool {
    nodes.id(at: node) != nil && placement.lanesOfNode[Int(node)].contains(row: lane)
      && nodes[row: node].isOpen && nodes[row: node].cpuFree >= demand.cpu
      && nodes[row: node].hostFree >= demand.hostMemory
      && (nodes[row: node].report.enforcement >= demand.enforcement
        || planted(.ignoresEnforcement))
      && Int(nodes[row: node].leases) < Limits.leasesPerNode
  }

  /// The most points that a demand could get on a node in a lane if nothing was kept for others.
  private func mostPoints(
    of subject: ScoreIndex.Subject, on node: UInt32, _ lane: UInt32, in room: NodeRoom
  ) -> Int32 {
    let demand = subject.demand
    let rest = max(0, nodes[row: node].cpuFree.value - demand.cpu.value)
    var most = Int64(ScoreIndex.never)
    func consider(_ place: Placement, _ share: Int32) {
      most = max(most, points(of: place, share: share, cpu: rest, in: room))
    }
    switch demand.shape {
    case .slice: break
    case .cpuOnly:
      if let part = firstPart(of: node, lane, holding: demand.cpu.value) {
        consider(Placement(lane: lane, node: node, device: part), 0)
      }
    case .whole:
      var place = Placement(lane: lane, node: node, device: 0)
      place.count = 0
      for gpu in room.gpus where gpu.lane == lane && gpu.isIdle {
        place.devices[place.count] = gpu.row
        place.count += 1
        if place.count == Int(demand.devices) {
          consider(place, 1_000)
          break
        }
      }
    case .fraction(let share, let memory):
      var tried = Int32(-1)
      for gpu in room.gpus
      where gpu.lane == lane && gpu.milli >= share.value && gpu.milli != tried
        && gpu.isOpen(to: subject.tenant) && gpu.memory >= memory.value
      {
        // Neighbours with equally much left are the same place.
        tried = gpu.milli
        consider(Placement(lane: lane, node: node, device: gpu.row), share.value)
      }
    }
    return Int32(clamping: most)
  }

  /// The first part of a CPU set with enough processor time, whoever uses it.
  private func firstPart(of node: UInt32, _ lane: UInt32, holding cpu: Int32) -> UInt32? {
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if devices[row: row].report.kind == .cpu, devices[row: row].lane == lane,
        devices[row: row].health == .usable, devices[row: row].milliFree.value >= cpu
      {
        return row
      }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// Looks at the nodes with the most points until none can be better.
  /// - Returns: whether the points of the demand were up to date enough to tell.
  func follow(_ wish: Wish, _ lanes: LaneSet, _ search: inout ScoredSearch) -> Bool {
    guard placement.scores.isKept, isBoarded(wish.demand) else { return false }
    let subject = subject(of: wish)
    var walk = ScoreIndex.Walk()
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      guard let board = placement.scores.board(of: subject, lane: lane),
        let unread = placement.scores.unread(board, lane: lane)
      else { return false }
      for node in unread where nodes.id(at: node) != nil {
        look(wish, on: node, .one(lane), &search)
      }
      walk.add(board, lane: lane, in: placement.scores)
    }
    var looked = 0
    while let next = walk.next(in: placement.scores, after: search.bound) {
      guard nodes.id(at: next.node) != nil else { continue }
      look(wish, on: next.node, .one(next.lane), &search)
      looked += 1
      // What is kept for others is in the way almost everywhere: a walk costs more than a scan.
      if looked == Limits.scoreProbes { return false }
    }
    return true
  }
}

extension NodeRoom.GPU {
  /// Whether a tenant may have a share of it; `.max` stands for any tenant.
  fileprivate func isOpen(to asker: UInt32) -> Bool {
    isIdle || isShared && (tenant == nil || tenant == asker || asker == .max)
  }
}
