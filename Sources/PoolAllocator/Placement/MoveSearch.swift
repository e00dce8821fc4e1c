/// The search for moves that make room, on a copy of the pool.
///
/// The copy is a question and never the pool of anybody: leases are lifted from it and seated
/// elsewhere, without an event, so that each step is judged by the rules that a grant obeys.
struct MoveSearch {
  /// A lane that the claim may use, and what the claim is worth in it, in 10⁻¹² credits.
  struct Target {
    var lane: UInt32
    var worth: Int128
  }

  /// A node on which a set of leases is enough.
  private struct Candidate {
    var cost: EvictionSearch.Cost
    var node: UInt32
    var target: Target
    var search: EvictionSearch
    var set: UInt64
  }

  /// What was found for one claim.
  private struct Found {
    var moves: [DefragmentationPlan.Move] = []
    var places: [DefragmentationPlan.Place] = []
    var rows: [UInt32] = []
    var lost: Int128 = 0
  }

  private var pool: Pool
  /// One member of the claim.
  private let wish: Wish
  private let members: Int
  private let targets: [Target]
  /// Rows of leases that moved already.
  private var moved: [UInt32] = []
  /// What the claims of moved leases pay anew, by tenant: their buckets have to pay all of it.
  private var bills: [(tenant: UInt32, price: Int64)] = []
  /// Leases that each lane lost.
  private var losses = Array(repeating: Int64(0), count: Limits.lanes)
  /// Rows before they changed, so that a trial can be undone.
  private var oldNodes: [(row: UInt32, node: Node)] = []
  private var oldDevices: [(row: UInt32, device: Device)] = []
  /// Kinds that have a place somewhere, as the copy stands.
  private var movable = MoveKinds()

  init(_ pool: Pool, _ wish: Wish, _ targets: [Target]) {
    self.pool = pool
    members = wish.members
    var one = wish
    one.demand.members = 1
    self.wish = one
    self.targets = targets
  }

  // MARK: one claim

  /// Room for one more claim, which is taken from then on; nil where none is found.
  mutating func next() -> DefragmentationPlan.Room? {
    // Members that have to be near to one another, or devices within a node, are not looked for.
    guard wish.demand.isSimple, members == 1 || wish.demand.together == .anywhere else {
      return nil
    }
    var budget = Limits.moveSets
    guard members > 1 else { return room(in: targets, &budget) }
    // All members of a gang are in one lane.
    for target in targets {
      if let found = room(in: [target], &budget) { return found }
    }
    return nil
  }

  private mutating func room(
    in targets: [Target], _ budget: inout Int
  ) -> DefragmentationPlan.Room? {
    let (nodes, devices, before, paid) = (oldNodes.count, oldDevices.count, losses, bills)
    var found = Found()
    var worth = targets.reduce(Int128(0)) { max($0, $1.worth) }
    for _ in 0..<members {
      guard let target = addMember(to: &found, in: targets, &budget) else {
        undo(to: nodes, devices)
        (losses, bills) = (before, paid)
        movable.forget()
        return nil
      }
      worth = target.worth
    }
    moved += found.rows
    guard let cost = Self.credits(found.lost), let value = Self.credits(worth) else { return nil }
    return DefragmentationPlan.Room(
      moves: found.moves, places: found.places, cost: cost, worth: value)
  }

  /// 10⁻¹² credits as credits, rounded up.
  private static func credits(_ amount: Int128) -> Credits? {
    Credits(checked: (amount + 999_999_999_999) / 1_000_000_000_000)
  }

  /// Seats one member: where it has room already, else where the least has to move.
  private mutating func addMember(
    to found: inout Found, in targets: [Target], _ budget: inout Int
  ) -> Target? {
    var lanes = LaneSet.none
    for target in targets { lanes.insert(row: target.lane) }
    if let place = pool.placeNow(wish, in: lanes), let target = targets.first(of: place.lane) {
      take(place, for: wish, &found)
      return target
    }
    var probes = Limits.moveProbes
    for first in candidates(in: targets, beside: found, &budget) where probes > 0 {
      var candidate = first
      while probes > 0 {
        probes -= 1
        switch carry(candidate, beside: found) {
        case .success(let (place, more)):
          found.moves += more.moves
          found.rows += more.rows
          found.lost += more.lost
          for row in more.rows { losses[Int(pool.leases[row: row].lane.row)] += 1 }
          take(place, for: wish, &found)
          movable.forget()
          return candidate.target
        case .failure(let stuck):
          // Without the lease that has no place, others may do.
          guard let row = stuck.row,
            let other = self.candidate(candidate, without: row, &budget),
            found.lost + other.cost.lost <= other.target.worth
          else { break }
          candidate = other
          continue
        }
        break
      }
    }
    return nil
  }

  private mutating func take(_ place: Placement, for wish: Wish, _ found: inout Found) {
    found.places.append(named(place))
    seat(place, wish)
  }

  private func named(_ place: Placement) -> DefragmentationPlan.Place {
    guard let node = pool.nodes.id(at: place.node), let lane = pool.lanes.id(at: place.lane) else {
      broken("a placement names live rows")
    }
    let devices = (0..<place.count).compactMap { pool.devices.id(at: place.devices[$0]) }
    return DefragmentationPlan.Place(node: node, lane: lane, devices: devices)
  }

  // MARK: which leases

  /// Nodes on which some leases are enough, those that lose least first.
  private mutating func candidates(
    in targets: [Target], beside found: Found, _ budget: inout Int
  ) -> [Candidate] {
    var all: [Candidate] = []
    for node in 0..<UInt32(pool.nodes.extent) where pool.nodes.id(at: node) != nil {
      guard pool.nodes[row: node].isOpen,
        pool.nodes[row: node].report.enforcement >= wish.demand.enforcement
      else { continue }
      let lanes = pool.placement.lanesOfNode[Int(node)]
      guard targets.contains(where: { lanes.contains(row: $0.lane) }) else { continue }
      let victims = victims(on: node, beside: found)
      guard !victims.isEmpty else { continue }
      for target in targets where lanes.contains(row: target.lane) {
        let search = search(on: node, lane: target.lane, among: victims)
        // Not even if all of them go, or none has to: then something else is in the way.
        guard let search, let set = search.best(&budget), set != 0 else { continue }
        let cost = search.cost(set)
        guard found.lost + cost.lost <= target.worth else { continue }
        all.append(
          Candidate(cost: cost, node: node, target: target, search: search, set: set))
      }
    }
    all.sort {
      if $0.cost.lost != $1.cost.lost { return $0.cost.lost < $1.cost.lost }
      return ($0.node, $0.target.lane) < ($1.node, $1.target.lane)
    }
    return all
  }

  /// The same node without a lease.
  private func candidate(
    _ old: Candidate, without row: UInt32, _ budget: inout Int
  ) -> Candidate? {
    let rest = old.search.victims.filter { $0.row != row }
    guard let search = search(on: old.node, lane: old.target.lane, among: rest),
      let set = search.best(&budget), set != 0
    else { return nil }
    return Candidate(
      cost: search.cost(set), node: old.node, target: old.target, search: search, set: set)
  }

  /// Leases of a node that may move and that some place elsewhere could hold, those that lose least
  /// first.
  private mutating func victims(
    on node: UInt32, beside found: Found
  ) -> [EvictionSearch.Victim] {
    var all: [EvictionSearch.Victim] = []
    var next = pool.placement.leases.first(of: node)
    while next != RowLists.none {
      let row = next
      next = pool.placement.leases.next(after: next)
      guard !moved.contains(row), !found.rows.contains(row), mayMove(row), isMovable(row) else {
        continue
      }
      let lease = pool.leases[row: row]
      all.append(
        EvictionSearch.Victim(
          row: row, lead: lease.lead, leases: 1, lost: pool.lostByMove(lease),
          started: lease.started ?? pool.now, gone: pool.now, cpu: lease.cpu.value,
          memory: lease.hostMemory.value))
    }
    all.sort { ($0.lost, $0.row) < ($1.lost, $1.row) }
    return Array(all.prefix(Limits.preemptionLeases))
  }

  /// Whether the policy and its holder let a lease be moved now, and its work is of use later.
  private func mayMove(_ row: UInt32) -> Bool {
    let lease = pool.leases[row: row]
    guard lease.members == 1, let terms = pool.victimTerms(lease), terms.shieldEnds <= pool.now,
      let rule = pool.policy.preemption, let bucket = pool.lanes[lease.lane].preemptions
    else { return false }
    // What is kept for a waiting claim is promised from the end of this lease on.
    for use in lease.uses.indices where pool.devices[pool.uses[use].device].pin != nil {
      return false
    }
    let left = bucket.level(rule, at: pool.now) / PreemptionBucket.lease
    let claim = pool.claims[lease.claim]
    return losses[Int(lease.lane.row)] < left && claim.spec.demand.isSimple
      && !pool.isTooLate(claim)
  }

  /// Whether any place of its lanes has room for a lease beside where it is; it may be refused yet.
  private mutating func isMovable(_ row: UInt32) -> Bool {
    let lease = pool.leases[row: row]
    let spec = pool.claims[lease.claim].spec
    let kind = MoveKinds.Kind(
      demand: spec.demand, tenant: lease.tenant.row, lanes: spec.lanes)
    if let known = movable.hasPlace(kind) { return known }
    let wish = Wish(
      demand: spec.demand, tenant: lease.tenant.row, slice: pool.slice(of: spec))
    var left = spec.lanes
    var hasPlace = false
    while !hasPlace, let lane = left.firstRow {
      left = left.withoutFirst
      guard pool.lanes.id(at: lane) != nil, !pool.lanes[row: lane].isRetired else { continue }
      hasPlace = pool.tightestPlacement(of: wish, lane: lane) != nil
    }
    movable.note(kind, hasPlace: hasPlace)
    return hasPlace
  }

  // MARK: one node

  /// What would have to go of some leases of a node for one member; nil where it has too few
  /// devices. What is kept for waiting claims is left alone, and so is what stops already.
  private func search(
    on node: UInt32, lane: UInt32, among victims: [EvictionSearch.Victim]
  ) -> EvictionSearch? {
    var search = EvictionSearch(need: Int(wish.demand.devices))
    search.victims = victims
    var row = pool.placement.devices.first(of: node)
    while row != RowLists.none {
      if pool.couldServe(wish, row, lane: lane), pool.devices[row: row].pin == nil {
        search.spots.append(pool.spot(row, for: wish, lane: lane, keptFor: nil))
      }
      row = pool.placement.devices.next(after: row)
    }
    guard search.spots.count >= search.need else { return nil }
    var known = Array(repeating: 0, count: search.spots.count)
    for (index, victim) in victims.enumerated() {
      for use in pool.leases[row: victim.row].uses.indices {
        let held = pool.uses[use]
        guard let spot = search.spots.firstIndex(where: { $0.device == held.device.row }) else {
          continue
        }
        known[spot] += 1
        search.spots[spot].members |= 1 << UInt64(index)
        if search.spots[spot].isPart {
          search.spots[spot].parts.append((index, held.milli.value, held.memory.value))
        }
      }
    }
    for spot in search.spots.indices where !search.spots[spot].isPart {
      let shares = Int(pool.devices[row: search.spots[spot].device].shares)
      if shares > known[spot] { search.spots[spot].isBlocked = true }
    }
    pool.addHost(to: &search, wish, keptFor: nil, on: node)
    search.slots = Int(pool.nodes[row: node].leases) + 1 - Limits.leasesPerNode
    return search
  }

  // MARK: a trial

  /// The lease that has no place elsewhere; nil where all have one and the member still has none.
  private struct Stuck: Error { var row: UInt32? }

  /// Moves the leases of a set away, the largest first, each as if it were submitted anew while its
  /// node takes none; undone where one has no place, or the member still has none.
  private mutating func carry(
    _ candidate: Candidate, beside found: Found
  ) -> Result<(Placement, Found), Stuck> {
    let (nodes, devices) = (oldNodes.count, oldDevices.count)
    let chosen = leases(of: candidate)
    let (before, paid) = (losses, bills)
    var more = Found()
    setDuty(.cordoned, of: candidate.node)
    for row in chosen {
      guard mayMove(row), let move = relocate(row) else {
        undo(to: nodes, devices)
        (losses, bills) = (before, paid)
        return .failure(Stuck(row: row))
      }
      losses[Int(pool.leases[row: row].lane.row)] += 1
      more.moves.append(move)
      more.rows.append(row)
      let lease = pool.leases[row: row]
      more.lost += pool.lostByMove(lease)
    }
    losses = before
    setDuty(.open, of: candidate.node)
    guard
      let place = pool.keptPlacement(wish, lane: candidate.target.lane, on: candidate.node)
    else {
      undo(to: nodes, devices)
      bills = paid
      return .failure(Stuck(row: nil))
    }
    return .success((place, more))
  }

  /// Rows of the leases of a set, the largest first.
  private func leases(of candidate: Candidate) -> [UInt32] {
    let victims = candidate.search.victims
    let rows = victims.indices.filter { candidate.set & 1 << UInt64($0) != 0 }
      .map { victims[$0].row }
    return rows.sorted { left, right in
      let (first, second) = (pool.leases[row: left], pool.leases[row: right])
      if first.billedMilli != second.billedMilli { return first.billedMilli > second.billedMilli }
      return left < right
    }
  }

  /// Ends a lease and grants it again elsewhere.
  private mutating func relocate(_ row: UInt32) -> DefragmentationPlan.Move? {
    let lease = pool.leases[row: row]
    let claim = pool.claims[lease.claim]
    guard let resolved = pool.resolved(claim) else { return nil }
    let owed = bills.reduce(0) { $0 + ($1.tenant == lease.tenant.row ? $1.price : 0) }
    let (lanes, price) = pool.lanesToMove(lease, claim, resolved, owed: owed)
    guard !lanes.isEmpty else { return nil }
    lift(lease)
    pool.prepareScores(of: resolved.wish, lanes: lanes)
    guard let place = pool.placeNow(resolved.wish, in: lanes),
      let move = move(of: row, to: place, resolved.wish)
    else { return nil }
    seat(place, resolved.wish)
    bills.append((lease.tenant.row, price))
    return move
  }

  private func move(
    of row: UInt32, to place: Placement, _ wish: Wish
  ) -> DefragmentationPlan.Move? {
    let lease = pool.leases[row: row]
    guard let id = pool.leases.id(at: row), let to = pool.nodes.id(at: place.node),
      let lane = pool.lanes.id(at: place.lane), let cost = Self.credits(pool.lostByMove(lease))
    else { return nil }
    var milli = Int64(0)
    for use in lease.uses.indices {
      let held = pool.uses[use]
      if pool.devices[held.device].report.kind == .gpu { milli += Int64(held.milli.value) }
    }
    return DefragmentationPlan.Move(
      lease: id, claim: lease.claim, from: lease.node, to: to, lane: lane,
      uses: (0..<place.count).map { pool.use(of: place.devices[$0], by: wish.demand) },
      gpuMilli: milli, cost: cost)
  }

  // MARK: changing the copy

  private mutating func keep(node row: UInt32) { oldNodes.append((row, pool.nodes[row: row])) }

  private mutating func setDuty(_ duty: Duty, of row: UInt32) {
    keep(node: row)
    pool.nodes[row: row].duty = duty
    pool.refreshNode(row)
  }

  private mutating func lift(_ lease: Lease) {
    for index in lease.uses.indices {
      let use = pool.uses[index]
      oldDevices.append((use.device.row, pool.devices[use.device]))
      pool.devices[use.device].giveBack(use)
    }
    keep(node: lease.node.row)
    pool.nodes[lease.node].giveBack(lease.cpu, lease.hostMemory)
    pool.refreshNode(lease.node.row)
  }

  private mutating func seat(_ place: Placement, _ wish: Wish) {
    let fencing = Fencing(epoch: pool.epoch, sequence: pool.nextFencing)
    pool.nextFencing += 1
    let tenant = pool.opensToAny(wish.demand, lane: place.lane) ? nil : wish.tenant
    for index in 0..<place.count {
      let row = place.devices[index]
      let use = pool.use(of: row, by: wish.demand)
      oldDevices.append((row, pool.devices[row: row]))
      pool.devices[row: row].take(use, for: fencing, openedBy: tenant)
    }
    keep(node: place.node)
    pool.nodes[row: place.node].take(wish.demand.cpu, wish.demand.hostMemory)
    pool.refreshNode(place.node)
  }

  /// Puts back what was changed since.
  private mutating func undo(to nodes: Int, _ devices: Int) {
    for (row, device) in oldDevices[devices...].reversed() { pool.devices[row: row] = device }
    oldDevices.removeSubrange(devices...)
    let touched = oldNodes[nodes...]
    for (row, node) in touched.reversed() { pool.nodes[row: row] = node }
    for (row, _) in touched { pool.refreshNode(row) }
    oldNodes.removeSubrange(nodes...)
  }
}

extension [MoveSearch.Target] {
  /// The one of a lane.
  fileprivate func first(of lane: UInt32) -> MoveSearch.Target? { first { $0.lane == lane } }
}
