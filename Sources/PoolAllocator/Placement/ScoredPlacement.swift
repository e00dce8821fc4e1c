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
  /// - Complexity: O(nodes × GPUs × kinds of the mix): every node is looked at.
  func scoredPlacement(of wish: Wish, lanes: LaneSet) -> Placement? {
    scoredPlace(of: wish, lanes: lanes)?.placement
  }

  /// The same with its points.
  func scoredPlace(
    of wish: Wish, lanes: LaneSet
  ) -> (placement: Placement, points: Int64)? {
    var best: (placement: Placement, points: Int64)?
    var room = NodeRoom()
    var tried: [Int32] = []
    var free: [Int32] = []
    let isOffered = policy.placement.score == .offerValue
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      var here = LaneSet(bits: lanes.bits & placement.lanesOfNode[Int(node)].bits)
      guard !here.isEmpty, fitsNode(wish, node) else { continue }
      let cpu = nodes[row: node].cpuFree.value
      let rest = max(0, cpu - wish.demand.cpu.value)
      list(node, in: &room)
      if isOffered {
        appraise(&room, cpu: cpu)
      } else {
        room.value = -unusable(of: room, cpu: cpu, &free)
      }
      while let lane = here.firstRow {
        here = here.withoutFirst
        visitPlaces(of: wish, on: node, lane: lane, room, &tried) { place, share in
          let points =
            isOffered
            ? points(of: place, share: share, cpu: rest, in: room)
            : fragmentation.points(
              -unusable(of: room, less: place, share, cpu: rest, &free) - room.value)
          if best.map({ points > $0.points }) ?? true { best = (place, points) }
        }
      }
    }
    return best
  }

  /// Visits the places of one node in one lane, with what is taken of each of their GPUs in
  /// thousandths.
  /// - Parameter tried: room for free thousandths of GPUs that were places already.
  private func visitPlaces(
    of wish: Wish, on node: UInt32, lane: UInt32, _ room: NodeRoom, _ tried: inout [Int32],
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
      tried.removeAll(keepingCapacity: true)
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
  /// - Parameter free: room for the free thousandths of the GPUs of one lane.
  private func unusable(
    of room: NodeRoom, less place: Placement? = nil, _ share: Int32 = 0, cpu: Int32,
    _ free: inout [Int32]
  ) -> Int64 {
    var total: Int64 = 0
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
  func list(_ node: UInt32, in room: inout NodeRoom) {
    room.gpus.removeAll(keepingCapacity: true)
    room.groups.removeAll(keepingCapacity: true)
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if devices[row: row].report.kind == .gpu, devices[row: row].health == .usable,
        devices[row: row].mode != .mig, let lane = devices[row: row].lane,
        !lanes[row: lane].isRetired
      {
        room.add(
          row, lane: lane, pool: Int(lanes[row: lane].rule.pool),
          milli: devices[row: row].milliFree.value)
      }
      row = placement.devices.next(after: row)
    }
  }
}

/// What is free on one node, used again for node after node.
struct NodeRoom {
  /// A GPU and what is free of it.
  struct GPU: BitwiseCopyable {
    var row: UInt32
    var lane: UInt32
    var pool: Int
    /// Free thousandths.
    var milli: Int32
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

  mutating func add(_ row: UInt32, lane: UInt32, pool: Int, milli: Int32) {
    gpus.append(GPU(row: row, lane: lane, pool: pool, milli: milli))
    var group = groups.count
    for index in groups.indices where groups[index].lane == lane { group = index }
    if group == groups.count { groups.append(Group(lane: lane, pool: pool)) }
    groups[group].gpus += 1
    if milli == 1_000 { groups[group].whole += 1 }
  }
}
