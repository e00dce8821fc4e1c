/// The mix of work and the values of free GPUs, as the tables of a pool give them.
extension Pool {
  // MARK: the mix

  /// Folds that a claim was taken in: it counts in the mix, and values that are due are worked on.
  /// Its own grant, if any, is folded behind it.
  /// - Complexity: O(kinds + `OfferRule.entriesPerClaim` + nodes that changed since the last one).
  mutating func learn(from spec: ClaimSpec) {
    let rule = policy.placement
    guard rule.score == .offerValue else { return }
    if rule.mix.isEmpty, let kind = mixKind(of: spec) { learner.count(kind) }
    countSupply()
    if learner.arrive() { beginDraft() }
    if learner.draft != nil { workOnDraft() }
  }

  /// Begins the mix anew where a policy has another one, or its kinds would mean other pools.
  mutating func installLearner(after old: PlacementRule, _ pools: [PoolRule]) {
    let rule = policy.placement
    if rule.score != .offerValue || rule != old || policy.pools != pools {
      learner = MixLearner(isKnown: !rule.mix.isEmpty)
    }
    indexOffers()
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      placement.noteChange(of: node)
    }
  }

  /// Works out values again from what they rest on.
  mutating func indexOffers() {
    offers = OfferTables(learner.basis)
    offerWork = nil
    if let draft = learner.draft, draft.isComplete {
      var work = OfferWork(draft)
      for _ in 0..<learner.turns { work.work(OfferRule.entriesPerClaim) }
      offerWork = work
    }
    let isKept = policy.placement.score == .offerValue
    placement.supply = isKept ? OfferSupply(pools: policy.pools.count) : OfferSupply()
    placement.scores.renew(isKept: policy.placement.score != .bestFit)
  }

  // MARK: the draft

  /// Notes the mix and what there is of GPUs and processors; what could still be held of each kind
  /// is counted later.
  private mutating func beginDraft() {
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
    basis.coresMax = placement.supply.coresMax
    basis.cpuMilli = placement.supply.cpuMilli
    basis.gpuMilli = placement.supply.gpuMilli
    basis.free = placement.supply.free
    basis.shapes = placement.supply.nodeShapes
    learner.draft = basis
    learner.turns = 0
  }

  /// Does a bounded part of what is to be worked out.
  private mutating func workOnDraft() {
    guard var draft = learner.draft else { return }
    if !draft.isComplete {
      draft = counted(draft)
      learner.draft = draft
      guard draft.isComplete else { return }
    }
    var work = offerWork ?? OfferWork(draft)
    offerWork = nil
    work.work(OfferRule.entriesPerClaim)
    learner.turns += 1
    guard work.isDone else { return offerWork = work }
    learner.basis = draft
    learner.draft = nil
    offers = work.tables
    placement.scores.renew(isKept: true)
  }

  /// A draft with the supply of some more kinds, then of all sizes of nodes.
  private func counted(_ draft: OfferBasis) -> OfferBasis {
    var draft = draft
    for _ in 0..<OfferRule.suppliesPerClaim where draft.supply.count < draft.kinds.count {
      draft.supply.append(placement.supply.supply(of: draft.kinds[draft.supply.count]))
    }
    guard draft.isComplete else { return draft }
    for row in draft.shapes.indices {
      let gang = draft.shapes[row].gang(pools: draft.pools)
      draft.shapes[row].supply = placement.supply.supply(of: gang)
    }
    return draft
  }

  /// Counts what nodes have, where it changed.
  mutating func countSupply() {
    var room = NodeRoom()
    while let node = placement.supply.nextChanged() {
      guard nodes.id(at: node) != nil else {
        placement.supply.count(node, as: nil)
        continue
      }
      list(node, in: &room, all: true)
      let share = share(of: node, room)
      let isEmpty = share.cpu == 0 && share.gpus.isEmpty
      placement.supply.count(node, as: isEmpty ? nil : share)
    }
  }

  private func share(of node: UInt32, _ room: NodeRoom) -> OfferSupply.Share {
    let cpu = nodes[row: node].report.cpu.value
    let free = min(max(nodes[row: node].cpuFree.value, 0), cpu)
    return OfferSupply.Share(
      cores: Int(free) / 1_000, cpu: cpu,
      gpus: room.gpus.map { OfferSupply.Share.GPU(pool: $0.pool, milli: $0.milli) },
      groups: room.groups.map {
        OfferSupply.Share.Group(pool: $0.pool, gpus: Int32($0.gpus), whole: $0.whole)
      })
  }

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

  // MARK: the score

  /// Works out what the free room of a node is worth, with so much processor time.
  func appraise(_ room: inout NodeRoom, cpu: Int32) {
    room.levels = OfferTables.Levels()
    for gpu in room.gpus where gpu.milli < 1_000 {
      offers.add(milli: gpu.milli, of: gpu.pool, to: &room.levels)
    }
    for group in room.groups { offers.add(whole: group.whole, of: group.pool, to: &room.levels) }
    room.value = offers.value(room.levels, cpu: cpu) + gangs(in: room, cpu: cpu)
  }

  /// What the whole free GPUs of a node are worth to gangs, with so much processor time, where so
  /// many of one lane are taken.
  private func gangs(
    in room: NodeRoom, less opened: Int = 0, of lane: UInt32 = 0, cpu: Int32
  ) -> Int64 {
    var worth: Int64 = 0
    for group in room.groups where group.whole >= OfferRule.gangFrom {
      let whole = group.whole - (group.lane == lane ? opened : 0)
      worth += offers.gangs(whole: whole, of: group.pool, cpu: cpu)
    }
    return worth
  }

  /// Points of a place by what is left to the work to come.
  func offered(_ place: Placement, share: Int32, cpu: Int32, in room: NodeRoom) -> Int64 {
    guard !offers.isEmpty else {
      return OfferTables.points(milli: Int64(place.count) * Int64(share), loss: 0)
    }
    guard share > 0 else { return points(of: OfferTables.Change(), 0, cpu, in: room) }
    if place.count > 1, share < 1_000 { return offeredShares(place, share, cpu, in: room) }
    guard let gpu = room.gpus.first(where: { $0.row == place.devices[0] }) else {
      broken("a place is on GPUs of its node")
    }
    var change = OfferTables.Change()
    var opened = 0
    if gpu.milli == 1_000 {
      opened = place.count
      let whole = room.whole(of: place.lane)
      change.gone = offers.shelf(whole, gpu.pool)
      change.come = offers.shelf(whole - opened, gpu.pool)
      change.part = offers.rest(1_000 - share, gpu.pool)
      change.scarce =
        offers.scarcity(1_000 - share, gpu.pool) - Int64(opened) * offers.scarcity(1_000, gpu.pool)
    } else {
      change.gone = offers.rest(gpu.milli, gpu.pool)
      change.come = offers.rest(gpu.milli - share, gpu.pool)
      change.scarce =
        offers.scarcity(gpu.milli - share, gpu.pool) - offers.scarcity(gpu.milli, gpu.pool)
    }
    return points(
      of: change, Int64(place.count) * Int64(share), cpu, in: room, opened, of: place.lane)
  }

  private func points(
    of change: OfferTables.Change, _ milli: Int64, _ cpu: Int32, in room: NodeRoom,
    _ opened: Int = 0, of lane: UInt32 = 0
  ) -> Int64 {
    let after =
      offers.value(room.levels, change, cpu: cpu)
      + gangs(in: room, less: opened, of: lane, cpu: cpu)
    return OfferTables.points(milli: milli, loss: room.value - after)
  }

  /// Points of shares of several GPUs: the node is valued as it would be left.
  private func offeredShares(
    _ place: Placement, _ share: Int32, _ cpu: Int32, in room: NodeRoom
  ) -> Int64 {
    var after = NodeRoom()
    for var gpu in room.gpus {
      if place.has(gpu.row) { gpu.milli -= share }
      after.add(gpu)
    }
    appraise(&after, cpu: cpu)
    return OfferTables.points(
      milli: Int64(place.count) * Int64(share), loss: room.value - after.value)
  }
}
