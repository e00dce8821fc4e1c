/// Placement by score: all places of a claim are compared, in all lanes that cost it the same.
///
/// Most points win; among equals the least row of a node, then of a lane, then of a device. For
/// whole GPUs a node has one place, its first idle ones; for a share each GPU with room is one; for
/// processor time its first part with room.
extension Pool {
  /// Whether a demand is placed by score. MIG instances are not, as they take no share of a GPU,
  /// nor are gangs and devices that have to be near to one another, which few places have.
  func isScored(_ demand: Demand) -> Bool {
    guard policy.placement.score != .bestFit, demand.isSimple else { return false }
    if case .slice = demand.shape { return false }
    return true
  }

  /// Where a claim goes that has room in a lane: there, or to a better place in a lane that it may
  /// enter at once and that costs it the same.
  /// - Parameter left: lanes that come after the first for this claim.
  func best(
    _ opening: Opening, in first: UInt32, at offer: Offer, or left: LaneSet, _ spec: ClaimSpec,
    _ resolved: Resolved
  ) -> Opening {
    guard isScored(spec.demand), opening.over == nil else { return opening }
    let isOwn = lanes[row: first].rule.owner == spec.tenant
    var equals = LaneSet.none
    var rest = left
    while let row = rest.firstRow {
      rest = rest.withoutFirst
      guard let other = self.offer(row, for: spec, resolved), other.rate == offer.rate,
        (lanes[row: row].rule.owner == spec.tenant) == isOwn,
        lendingObstacle(row, to: resolved.tenant, other.billedMilli) == nil
      else { continue }
      let order = orderKey(of: resolved.turn, tenant: resolved.tenant, in: row)
      if let head = head(of: row), precedes(head, order, of: resolved.tenant, in: row) { continue }
      equals.insert(row: row)
    }
    // In the first lane alone this is the best place already.
    guard !equals.isEmpty else { return opening }
    equals.insert(row: first)
    return scoredPlacement(of: resolved.wish, lanes: equals).map { Opening(placement: $0) }
      ?? opening
  }

  /// The place with the most points in some lanes, or nil where none has room.
  /// - Complexity: O(log nodes) where the demand was prepared for (`prepareScores`) and its best
  ///   places are not kept for others; else O(nodes × GPUs × kinds of the mix).
  func scoredPlacement(of wish: Wish, lanes: LaneSet) -> Placement? {
    scoredPlace(of: wish, lanes: lanes)?.placement
  }

  /// The same with its points.
  func scoredPlace(
    of wish: Wish, lanes: LaneSet
  ) -> (placement: Placement, points: Int64)? {
    var search = ScoredSearch()
    guard !follow(wish, lanes, &search) else { return search.best }
    return scannedScore(of: wish, lanes: lanes)
  }

  /// The same by a look at every node.
  func scannedScore(
    of wish: Wish, lanes: LaneSet
  ) -> (placement: Placement, points: Int64)? {
    var search = ScoredSearch()
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      let here = LaneSet(bits: lanes.bits & placement.lanesOfNode[Int(node)].bits)
      look(wish, on: node, here, &search)
    }
    return search.best
  }

  /// Looks at all places of one node in some lanes.
  func look(_ wish: Wish, on node: UInt32, _ lanes: LaneSet, _ search: inout ScoredSearch) {
    guard !lanes.isEmpty, fitsNode(wish, node) else { return }
    let rest = max(0, nodes[row: node].cpuFree.value - wish.demand.cpu.value)
    let isKnown = placement.scores.isFresh(node)
    if !isKnown { value(node, in: &search.room) }
    let room = isKnown ? placement.scores.room(of: node) : search.room
    var here = lanes
    while let lane = here.firstRow {
      here = here.withoutFirst
      visitPlaces(of: wish, on: node, lane: lane, room) { place, share in
        search.offer(place, points(of: place, share: share, cpu: rest, in: room))
      }
    }
  }

  /// Lists a node's GPUs and works out what is free of them is worth, in the unit of the score.
  func value(_ node: UInt32, in room: inout NodeRoom) {
    list(node, in: &room)
    let cpu = nodes[row: node].cpuFree.value
    if policy.placement.score == .offerValue {
      appraise(&room, cpu: cpu)
    } else {
      room.value = -unusable(of: room, cpu: cpu)
    }
  }

  /// Points of a place that takes so much of each of its GPUs, and leaves the node so much
  /// processor time.
  func points(of place: Placement, share: Int32, cpu: Int32, in room: NodeRoom) -> Int64 {
    policy.placement.score == .offerValue
      ? offered(place, share: share, cpu: cpu, in: room)
      : fragmentation.points(-unusable(of: room, less: place, share, cpu: cpu) - room.value)
  }

  /// Visits the places of one node in one lane, with what is taken of each of their GPUs in
  /// thousandths.
  private func visitPlaces(
    of wish: Wish, on node: UInt32, lane: UInt32, _ room: NodeRoom,
    _ body: (Placement, Int32) -> Void
  ) {
    switch wish.demand.shape {
    case .slice: return
    case .cpuOnly:
      guard let part = firstFitting(wish, on: node, lane: lane) else { return }
      body(Placement(lane: lane, node: node, device: part), 0)
    case .whole:
      guard let place = idleDevices(on: node, lane: lane, wish) else { return }
      body(place, 1_000)
    case .fraction(let share, _):
      var tried: [Int32] = []
      for gpu in room.gpus where gpu.lane == lane && gpu.milli >= share.value {
        // GPUs with equally much left are the same place.
        guard !tried.contains(gpu.milli), fitsDevice(wish, gpu.row, lane),
          let place = gather(wish, around: gpu.row, lane: lane)
        else { continue }
        tried.append(gpu.milli)
        body(place, share.value)
      }
    }
  }

  /// The first device of a node that has room for a demand.
  private func firstFitting(_ wish: Wish, on node: UInt32, lane: UInt32) -> UInt32? {
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane) { return row }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// What the mix could not use of a node's GPUs in all lanes, with so much processor time, where a
  /// place takes a share of each of its own.
  private func unusable(
    of room: NodeRoom, less place: Placement? = nil, _ share: Int32 = 0, cpu: Int32
  ) -> Int64 {
    var total: Int64 = 0
    var free: [Int32] = []
    for group in room.groups {
      free.removeAll(keepingCapacity: true)
      for gpu in room.gpus where gpu.lane == group.lane {
        free.append(gpu.milli - (place?.has(gpu.row) ?? false ? share : 0))
      }
      total += fragmentation.unusable(of: free, cpu: cpu, pool: UInt16(group.pool))
    }
    return total
  }

  /// Lists the GPUs of a node in lanes in force, and how many of each lane are whole and free.
  /// - Parameter all: whether those of a node that is silent or recovering count too.
  func list(_ node: UInt32, in room: inout NodeRoom, all: Bool = false) {
    room.gpus.removeAll(keepingCapacity: true)
    room.groups.removeAll(keepingCapacity: true)
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      let health = devices[row: row].health
      if devices[row: row].report.kind == .gpu,
        health == .usable || all && health == .quarantined,
        devices[row: row].mode != .mig, let lane = devices[row: row].lane,
        !lanes[row: lane].isRetired
      {
        room.add(
          NodeRoom.GPU(
            row: row, lane: lane, pool: Int(lanes[row: lane].rule.pool),
            milli: devices[row: row].milliFree.value, memory: devices[row: row].memoryFree.value,
            isIdle: devices[row: row].mode == .idle,
            isShared: devices[row: row].mode == .fractions, tenant: devices[row: row].tenant))
      }
      row = placement.devices.next(after: row)
    }
  }
}

/// The best of the places that were looked at.
struct ScoredSearch {
  private(set) var best: (placement: Placement, points: Int64)?
  /// What is free on a node of which no room is kept, used again for node after node.
  var room = NodeRoom()
  /// Where the best place is, and its points.
  var bound: (node: UInt32, lane: UInt32, points: Int64)? {
    best.map { ($0.placement.node, $0.placement.lane, $0.points) }
  }

  /// Takes a place that has more points, or as many and comes first.
  mutating func offer(_ place: Placement, _ points: Int64) {
    if let best {
      guard points >= best.points else { return }
      let (old, new) = (best.placement, place)
      if points == best.points, (old.node, old.lane) <= (new.node, new.lane) { return }
    }
    best = (place, points)
  }
}

/// What is free on one node.
struct NodeRoom {
  /// A GPU and what is free of it.
  struct GPU: BitwiseCopyable {
    var row: UInt32
    var lane: UInt32
    var pool: Int
    /// Free thousandths.
    var milli: Int32
    /// Free bytes.
    var memory: Int64
    var isIdle: Bool
    /// Whether it is open to more shares.
    var isShared: Bool
    /// The tenant that it is closed to.
    var tenant: UInt32?
  }

  /// GPUs of the node in one lane.
  struct Group: BitwiseCopyable {
    var lane: UInt32
    var pool: Int
    var gpus = 0
    /// Those of which everything is free.
    var whole = 0
  }

  var gpus: [GPU] = []
  var groups: [Group] = []
  /// What all of it is worth, in the unit of the score.
  var value: Int64 = 0
  /// What the GPUs are worth by price of processor time, where offers are the score.
  var levels = OfferTables.Levels()

  /// Whole free GPUs in one lane.
  func whole(of lane: UInt32) -> Int { groups.first { $0.lane == lane }?.whole ?? 0 }

  mutating func add(_ gpu: GPU) {
    gpus.append(gpu)
    var group = groups.count
    for index in groups.indices where groups[index].lane == gpu.lane { group = index }
    if group == groups.count { groups.append(Group(lane: gpu.lane, pool: gpu.pool)) }
    groups[group].gpus += 1
    if gpu.milli == 1_000 { groups[group].whole += 1 }
  }
}
