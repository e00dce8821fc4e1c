/// The mix of work and the values of free GPUs, as the tables of a pool give them.
extension Pool {
  // MARK: the mix

  /// Folds that a claim was taken in: it counts in the mix, and values are worked out where they
  /// are due. Its own grant, if any, is folded behind it.
  /// - Complexity: O(kinds); where values are due O(devices of all nodes + kinds × pools × 30,000).
  mutating func learn(from spec: ClaimSpec) {
    let rule = policy.placement
    guard rule.score == .offerValue else { return }
    if rule.mix.isEmpty, let kind = mixKind(of: spec) { learner.count(kind) }
    if learner.arrive() { valueOffers() }
  }

  /// Begins the mix anew where a policy has another one, or its kinds would mean other pools.
  mutating func installLearner(after old: PlacementRule, _ pools: [PoolRule]) {
    let rule = policy.placement
    let isSame = rule == old
    let hasSamePools = policy.pools == pools
    if rule.score == .offerValue, isSame, hasSamePools { return indexOffers() }
    learner = MixLearner(isKnown: !rule.mix.isEmpty)
    guard rule.score == .offerValue, !rule.mix.isEmpty else { return indexOffers() }
    valueOffers()
  }

  private mutating func valueOffers() {
    let basis = offerBasis()
    learner.basis = basis
    indexOffers()
  }

  /// Works out the values again from what they rest on.
  mutating func indexOffers() { offers = OfferTables(learner.basis) }

  /// What a claim counts as in the mix; nil for instances, shares of memory alone, and where no
  /// lane in force has the GPUs. Each member counts.
  func mixKind(of spec: ClaimSpec) -> MixKind? {
    let demand = spec.demand
    var kind = MixKind(
      popularity: UInt32(demand.members), devices: demand.devices, share: .whole, cpu: demand.cpu,
      pools: 0)
    switch demand.shape {
    case .slice: return nil
    case .whole: break
    case .fraction(let share, _): kind.share = share
    case .cpuOnly:
      kind.devices = 0
      kind.share = MilliGPU(0)
      return kind
    }
    var left = spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      guard lanes.id(at: row) != nil, !lanes[row: row].isRetired,
        lanes[row: row].profile.kind == .gpu
      else { continue }
      kind.pools |= 1 << UInt64(lanes[row: row].rule.pool)
    }
    return kind.pools == 0 || kind.share.value == 0 ? nil : kind.inParts
  }

  /// What values would rest on now. All nodes count, also those that are silent: they come back.
  private func offerBasis() -> OfferBasis {
    let known = policy.placement.mix
    var basis = OfferBasis()
    basis.kinds = known.isEmpty ? learner.kinds : MixLearner.kinds(of: known)
    basis.seen = learner.seen
    if !known.isEmpty {
      basis.seen = max(basis.seen, basis.kinds.reduce(0) { $0 + Int64($1.popularity) })
    }
    for (number, pool) in policy.pools.enumerated()
    where policy.profiles.contains(where: { $0.key == pool.profile && $0.kind == .gpu }) {
      basis.pools |= 1 << UInt64(number)
    }
    nodes.forEach { _, node in
      basis.coresMax = max(basis.coresMax, Int(node.report.cpu.value) / 1_000)
      basis.cpuMilli += Int64(node.report.cpu.value)
    }
    var supply = OfferSupply(pools: policy.pools.count, coresMax: basis.coresMax)
    var room = NodeRoom()
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      let (cpu, all) = (nodes[row: node].cpuFree.value, nodes[row: node].report.cpu.value)
      supply.add(cpu: cpu)
      list(node, in: &room)
      for gpu in room.gpus { supply.add(milli: gpu.milli, pool: gpu.pool) }
      basis.gpuMilli += Int64(room.gpus.count) * 1_000
      for group in room.groups {
        supply.add(whole: group.whole, cpu: cpu, pool: group.pool)
        let shape = OfferBasis.NodeShape(cpu: all, gpus: Int32(group.gpus))
        guard OfferRule.gangFrom...OfferTables.shelfMax ~= group.gpus,
          basis.shapes.count < Limits.nodeShapes, !basis.shapes.contains(shape)
        else { continue }
        basis.shapes.append(shape)
      }
    }
    basis.free = supply.free
    basis.supply = basis.kinds.map { supply.supply(of: $0) }
    for row in basis.shapes.indices {
      let gang = basis.shapes[row].gang(pools: basis.pools)
      basis.shapes[row].supply = supply.supply(of: gang)
    }
    return basis
  }

  // MARK: places

  /// Reads what is free on a node, and what that is worth.
  func value(_ node: UInt32, in room: inout NodeRoom) {
    list(node, in: &room)
    room.levels = OfferTables.Levels()
    var gangs: Int64 = 0
    let cpu = nodes[row: node].cpuFree.value
    for gpu in room.gpus where gpu.milli < 1_000 {
      offers.add(milli: gpu.milli, of: gpu.pool, times: 1, to: &room.levels)
    }
    for group in room.groups {
      offers.add(whole: group.whole, of: group.pool, times: 1, to: &room.levels)
      gangs += offers.gangs(whole: group.whole, of: group.pool, cpu: cpu)
    }
    room.value = offers.value(room.levels, cpu: cpu) + gangs
  }

  /// Visits the places of one node in one lane with their points.
  func visitOffered(
    of wish: Wish, on node: UInt32, lane: UInt32, _ room: inout NodeRoom,
    _ body: (Placement, Int64) -> Void
  ) {
    let rest = max(0, nodes[row: node].cpuFree.value - wish.demand.cpu.value)
    switch wish.demand.shape {
    case .slice: return
    case .cpuOnly:
      guard let part = firstFitting(wish, on: node, lane: lane) else { return }
      let place = Placement(lane: lane, node: node, device: part)
      body(place, points(of: place, share: 0, cpu: rest, in: room))
    case .whole:
      guard let place = idleDevices(on: node, lane: lane, wish) else { return }
      body(place, points(of: place, share: 1_000, cpu: rest, in: room))
    case .fraction(let share, _):
      room.tried.removeAll(keepingCapacity: true)
      for gpu in room.gpus where gpu.lane == lane && gpu.milli >= share.value {
        // GPUs with equally much left are the same place.
        guard !room.tried.contains(gpu.milli), fitsDevice(wish, gpu.row, lane),
          let place = gather(wish, around: gpu.row, lane: lane)
        else { continue }
        room.tried.append(gpu.milli)
        body(place, points(of: place, share: share.value, cpu: rest, in: room))
      }
    }
  }

  /// Points of a place that takes so much of each of its GPUs, and leaves the node so much
  /// processor time.
  private func points(
    of place: Placement, share: Int32, cpu: Int32, in room: borrowing NodeRoom
  ) -> Int64 {
    var levels = room.levels
    var opened = 0
    var milli: Int64 = 0
    for row in room.gpus.indices where place.has(room.gpus[row].row) {
      let (gpu, left) = (room.gpus[row], room.gpus[row].milli - share)
      milli += Int64(share)
      guard share > 0 else { continue }
      if gpu.milli == 1_000 {
        opened += 1
      } else {
        offers.add(milli: gpu.milli, of: gpu.pool, times: -1, to: &levels)
      }
      offers.add(milli: left, of: gpu.pool, times: 1, to: &levels)
    }
    var gangs: Int64 = 0
    for row in room.groups.indices {
      let group = room.groups[row]
      var whole = group.whole
      if group.lane == place.lane, opened > 0 {
        whole -= opened
        offers.add(whole: group.whole, of: group.pool, times: -1, to: &levels)
        offers.add(whole: whole, of: group.pool, times: 1, to: &levels)
      }
      gangs += offers.gangs(whole: whole, of: group.pool, cpu: cpu)
    }
    let after = offers.value(levels, cpu: cpu) + gangs
    return OfferTables.points(milli: milli, loss: room.value - after)
  }

  /// Lists the GPUs of a node in lanes in force, and how many of each lane are whole and free.
  private func list(_ node: UInt32, in room: inout NodeRoom) {
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
  /// Free thousandths of GPUs that were places already.
  var tried: [Int32] = []
  /// What the GPUs are worth by price, and the whole node.
  var levels = OfferTables.Levels()
  var value: Int64 = 0

  mutating func add(_ row: UInt32, lane: UInt32, pool: Int, milli: Int32) {
    gpus.append(GPU(row: row, lane: lane, pool: pool, milli: milli))
    var group = groups.count
    for index in groups.indices where groups[index].lane == lane { group = index }
    if group == groups.count { groups.append(Group(lane: lane, pool: pool)) }
    groups[group].gpus += 1
    if milli == 1_000 { groups[group].whole += 1 }
  }
}
