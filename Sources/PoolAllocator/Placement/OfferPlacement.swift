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

  // MARK: the score

  /// Works out what the free room of a node is worth, with so much processor time.
  func appraise(_ room: inout NodeRoom, cpu: Int32) {
    room.levels = OfferTables.Levels()
    var gangs: Int64 = 0
    for gpu in room.gpus where gpu.milli < 1_000 {
      offers.add(milli: gpu.milli, of: gpu.pool, times: 1, to: &room.levels)
    }
    for group in room.groups {
      offers.add(whole: group.whole, of: group.pool, times: 1, to: &room.levels)
      gangs += offers.gangs(whole: group.whole, of: group.pool, cpu: cpu)
    }
    room.value = offers.value(room.levels, cpu: cpu) + gangs
  }

  /// Points of a place that takes so much of each of its GPUs, and leaves the node so much
  /// processor time.
  func points(
    of place: Placement, share: Int32, cpu: Int32, in room: NodeRoom
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
}
