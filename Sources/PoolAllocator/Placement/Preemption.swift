/// A more urgent class takes devices from a less urgent one (SEMANTICS 6, docs/decisions/0024).
///
/// Only the class that a claim was submitted with counts, never the level to which it aged. Nobody
/// is stopped before the devices are found on which the claim starts then, and they are kept for it
/// until it does or is withdrawn.
extension Pool {
  /// Leases that end for a claim, and what it gets.
  struct Eviction {
    var promise: Promise
    var victims: [LeaseID]
    var cost: EvictionSearch.Cost

    /// Less lost, fewer, newer, then by row.
    func precedes(_ other: Eviction) -> Bool {
      if cost != other.cost { return cost < other.cost }
      return victims.lexicographicallyPrecedes(other.victims) { $0.row < $1.row }
    }
  }

  // MARK: who may

  /// The class of a claim and the rule under which it may preempt in a lane; nil where it may not:
  /// none may, or the lane is another's.
  private func reach(
    of serviceClass: ServiceClass, _ tenant: TenantID, lane row: UInt32
  ) -> (rank: UInt8, rule: PreemptionRule)? {
    guard let rule = policy.preemption, serviceClass < .p3, !isForeign(row, to: tenant),
      placement.victims.lanes.contains(row: row)
    else { return nil }
    return (serviceClass.rank, rule)
  }

  /// Whether a set of leases is searched for on behalf of a demand: not for devices that have to be
  /// near to one another within a node, nor for gangs whose members may share a device.
  private func maySearch(_ demand: Demand) -> Bool {
    guard demand.together <= .node || demand.members == 1 && demand.devices == 1 else {
      return false
    }
    switch demand.shape {
    case .whole, .slice: return true
    case .fraction, .cpuOnly: return demand.members == 1
    }
  }

  /// Whether a class is less urgent by the whole distance; one that is so only in part may be
  /// preempted where it would run on for long.
  private func isFar(_ rank: UInt8, from own: UInt8, _ rule: PreemptionRule) -> Bool {
    Int(rank) >= Int(own) + Int(rule.distance) - (planted(.preemptsTooNear) ? 1 : 0)
  }

  /// Whether a lease runs on for so long that one class of distance is enough.
  private func isLong(_ lease: Lease, beside runtime: Span) -> Bool {
    let left = Int128((lease.hardEnd ?? now).ns) - Int128(now.ns)
    return left >= Int128(runtime.ns) * Int128(Limits.shortJobFactor)
  }

  /// Whether a tenant's bucket can pay a claim beside those of its claims for which others were
  /// stopped already: what waits holds no credits.
  private func paysBesideHeld(_ id: ClaimID, _ resolved: Resolved, lane row: UInt32) -> Bool {
    guard let offer = offer(row, for: claims[id].spec, resolved) else { return false }
    var price = Int128(offer.reservation.value)
    var left = placement.pinnedLanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      var other = placement.pins.first(of: lane)
      while other != RowLists.none {
        let claim = claims[row: other]
        if other != id.row, claim.tenant == resolved.tenant, claim.pin?.isHeld == true,
          let names = self.resolved(claim), let held = self.offer(lane, for: claim.spec, names)
        {
          price += Int128(held.reservation.value)
        }
        other = placement.pins.next(after: other)
      }
    }
    guard let sum = Credits(checked: price) else { return false }
    if case .yes = affordability(sum, path: resolved.path, turn: resolved.turn) { return true }
    return false
  }

  // MARK: the steps

  /// Stops leases of less urgent classes for a waiting claim, where it starts sooner so, and keeps
  /// their devices for it.
  /// - Parameter start: when it starts if nobody is stopped; nil where that is not known.
  /// - Returns: whether an event was stepped.
  mutating func preempt(
    _ id: ClaimID, _ resolved: Resolved, as asker: Asker, lane row: UInt32,
    unlessBy start: Instant?, _ log: inout EventLog
  ) -> Bool {
    guard let found = possibleEviction(for: id, resolved, as: asker, lane: row),
      found.promise.starts < start ?? .farFuture
    else { return false }
    carryOut(found, for: id, &log)
    return true
  }

  private mutating func carryOut(
    _ eviction: Eviction, for id: ClaimID, _ log: inout EventLog
  ) {
    keep(eviction.promise, for: id, isHeld: true, &log)
    for victim in eviction.victims {
      let members = gang(of: victim)
      let lease = leases[victim]
      // Another member of its gang may be a victim on another node.
      stop(victim, isOrphan(lease) ? .gangEnded : .preempted, &log)
      // What is held counts on its neighbours on the node; the others follow with the tick.
      for member in members where member != victim && leases[member].node == lease.node {
        stop(member, .gangEnded, &log)
      }
    }
  }

  /// Whom a claim may preempt now, where it starts sooner than planned so: nothing is held for it,
  /// the lane may lose leases, its bucket can pay, and it has no room elsewhere.
  private func possibleEviction(
    for id: ClaimID, _ resolved: Resolved, as asker: Asker, lane row: UInt32
  ) -> Eviction? {
    guard let (_, rule) = reach(of: claims[id].serviceClass, claims[id].tenant, lane: row),
      maySearch(resolved.wish.demand), claims[id].pin?.isHeld != true,
      let bucket = lanes[row: row].preemptions,
      bucket.level(rule, at: now) >= PreemptionBucket.lease,
      paysBesideHeld(id, resolved, lane: row),
      let found = eviction(for: id, resolved.wish, as: asker, lane: row),
      found.promise.starts < claims[id].pin?.starts ?? .farFuture,
      !hasRoomElsewhere(id, besides: row)
    else { return nil }
    return found
  }

  /// The same for claims behind the head of a lane, first in the order first; of each line no claim
  /// before those that precede it. Where devices come back as soon as preemption could give any,
  /// because others were stopped already, they are held instead.
  /// - Complexity: O(`Limits.preemptionLines` + `Limits.preemptionTrials` searches).
  mutating func preemptBehind(
    _ head: ClaimID, lane row: UInt32, _ log: inout EventLog
  ) -> Bool {
    guard mayPreempt(lane: row) else { return false }
    var tried: [(rank: UInt8, demand: Demand, runtime: Span)] = []
    var walk = queue.lines.walk(lane: row)
    var looked = 0
    while !walk.isAtEnd, looked < Limits.preemptionLines, tried.count < Limits.preemptionTrials {
      let line = walk.line
      walk.advance(in: queue.lines)
      looked += 1
      guard let id = firstUnheld(line: line), id != head, claims[id].serviceClass.rank < 3,
        let resolved = admitted(id, lane: row)
      else { continue }
      let (demand, runtime) = (claims[id].spec.demand, claims[id].spec.runtimeMax)
      let rank = claims[id].serviceClass.rank
      // What found nobody finds nobody for another.
      let isKnown = tried.contains {
        $0.rank <= rank && $0.demand == demand && $0.runtime <= runtime
      }
      if isKnown { continue }
      let asker = asker(id)
      if let found = possibleEviction(for: id, resolved, as: asker, lane: row) {
        let promise = earliestStart(of: resolved.wish, for: asker, lane: row)
        if let promise, promise.starts <= found.promise.starts {
          keep(promise, for: id, isHeld: true, &log)
        } else {
          carryOut(found, for: id, &log)
        }
        return true
      }
      tried.append((rank, demand, runtime))
    }
    return false
  }

  /// Whether any claim may preempt anything in a lane now.
  private func mayPreempt(lane row: UInt32) -> Bool {
    guard let rule = policy.preemption, let bucket = lanes[row: row].preemptions,
      placement.victims.lanes.contains(row: row),
      bucket.level(rule, at: now) >= PreemptionBucket.lease,
      let urgent = queue.lines.mostUrgent(in: row), urgent < 3
    else { return false }
    return ((urgent + 1)..<4).contains {
      !placement.victims.open.isEmpty(VictimIndex.heap(row, $0))
    }
  }

  /// The first claim of a line for which nothing is held yet; nil where as much is held for the
  /// line as may be at once.
  private func firstUnheld(line: UInt32) -> ClaimID? {
    var walk = queue.lines.walk(line: line)
    for _ in 0...Limits.preemptionHolds {
      guard let row = walk.next(in: queue.lines) else { return nil }
      if claims[row: row].pin?.isHeld != true { return claims.id(at: row) }
    }
    return nil
  }

  // MARK: whom

  /// Whom a claim may preempt with the least loss, on the nodes whose leases lose least.
  /// - Returns: nil where it finds no node that can hold it then; nobody, where one can that does
  ///   so once those that stop already have gone.
  /// - Complexity: O(`Limits.preemptionLooks` × classes) leases, `Limits.preemptionProbes` nodes,
  ///   `Limits.preemptionSets` sets of leases.
  func eviction(for id: ClaimID, _ wish: Wish, as asker: Asker, lane row: UInt32) -> Eviction? {
    guard let (own, rule) = reach(of: claims[id].serviceClass, claims[id].tenant, lane: row)
    else { return nil }
    let nodes = victimNodes(for: claims[id], lane: row, own, rule)
    if wish.members > 1 { return gangEviction(for: id, wish, as: asker, lane: row, nodes, rule) }
    var best: Eviction?
    var budget = Limits.preemptionSets
    for node in nodes {
      let victims = candidates(for: claims[id], lane: row, on: node, rule)
      let search = evictionSearch(wish, as: asker, lane: row, on: node, among: victims)
      guard let search, let set = search.best(&budget), let outcome = search.outcome(set),
        outcome.at > now
      else { continue }
      let found = eviction(search, set, outcome, lane: row, node: node)
      // What others were stopped for, and left over, is there for nothing.
      if set == 0 { return found }
      if best.map({ found.precedes($0) }) ?? true { best = found }
    }
    return best
  }

  /// The nodes of the leases that a claim may preempt and that lose least.
  private func victimNodes(
    for claim: Claim, lane row: UInt32, _ own: UInt8, _ rule: PreemptionRule
  ) -> [UInt32] {
    let runtime = claim.spec.runtimeMax
    var nodes: [UInt32] = []
    // No lease of the lane runs on for longer than it takes any.
    let isNearEnough =
      Int128(runtime.ns) * Int128(Limits.shortJobFactor) <= Int128(lanes[row: row].rule.leaseMax.ns)
    var walks: [RankWalk] = []
    for rank in (own + 1)..<4 where isNearEnough || isFar(rank, from: own, rule) {
      let heap = VictimIndex.heap(row, rank)
      walks.append(RankWalk(rank: rank, placement.victims.open.walk(heap)))
    }
    for index in walks.indices { walks[index].advance(in: placement.victims.open) }
    while nodes.count < Limits.preemptionProbes,
      let index = walks.indices.min(by: { walks[$0].precedes(walks[$1]) }),
      let lease = walks[index].next?.row
    {
      walks[index].advance(in: placement.victims.open)
      let node = leases[row: lease].node.row
      guard !nodes.contains(node),
        isFar(walks[index].rank, from: own, rule) || isLong(leases[row: lease], beside: runtime)
      else { continue }
      nodes.append(node)
    }
    return nodes
  }

  /// A walk through the leases of one class.
  private struct RankWalk {
    let rank: UInt8
    private var walk: IndexedHeaps<UInt64>.Walk
    private var looked = 0
    private(set) var next: IndexedHeaps<UInt64>.Member?

    init(rank: UInt8, _ walk: IndexedHeaps<UInt64>.Walk) {
      self.rank = rank
      self.walk = walk
    }

    mutating func advance(in heaps: IndexedHeaps<UInt64>) {
      looked += 1
      next = looked > Limits.preemptionLooks ? nil : walk.next(in: heaps)
    }

    func precedes(_ other: RankWalk) -> Bool {
      guard let next else { return false }
      return other.next.map { next.precedes($0) } ?? true
    }
  }

  private func eviction(
    _ search: EvictionSearch, _ set: UInt64, _ outcome: (devices: [UInt32], at: Instant),
    lane row: UInt32, node: UInt32
  ) -> Eviction {
    let found = Placement(lane: row, node: node, devices: outcome.devices[...])
    return Eviction(
      promise: Promise(placement: found, starts: outcome.at), victims: leases(of: search, set),
      cost: search.cost(set))
  }

  /// The first lease of each that ends in a set, by row.
  func leases(of search: EvictionSearch, _ set: UInt64) -> [LeaseID] {
    search.victims.indices.filter { set & 1 << UInt64($0) != 0 }
      .compactMap { leases.id(at: search.victims[$0].row) }.sorted { $0.row < $1.row }
  }

  /// What a lease, and its gang, loses if it is stopped now: work since its last checkpoint, and
  /// all of its run where what it saved is of no use any more.
  func lost(_ lease: Lease) -> Int128 {
    let saved = isTooLate(claims[lease.claim]) ? nil : savedAt(lease)
    return gang(of: lease.lead).reduce(0) { sum, member in
      let since = saved ?? leases[member].started ?? now
      return sum + Int128(lease.rate) * Int128(max(0, now.ns - since.ns))
    }
  }

  // MARK: one node

  /// What would have to go of some leases on a node for so many members; nil where it can receive
  /// no lease, or has too few devices.
  func evictionSearch(
    _ wish: Wish, members: Int = 1, as asker: Asker, lane row: UInt32, on node: UInt32,
    among victims: [EvictionSearch.Victim]
  ) -> EvictionSearch? {
    guard nodes[row: node].isOpen, nodes[row: node].report.enforcement >= wish.demand.enforcement
    else { return nil }
    var search = EvictionSearch(need: Int(wish.demand.devices) * members)
    search.spots.reserveCapacity(Limits.devicesPerMember)
    search.victims = victims
    addSpots(to: &search, wish, asker, lane: row, on: node)
    guard search.spots.count >= search.need else { return nil }
    addHost(to: &search, wish.times(members), keptFor: asker.claim, on: node)
    search.slots = Int(nodes[row: node].leases) + members - Limits.leasesPerNode
    var lease = placement.leases.first(of: node)
    while lease != RowLists.none {
      count(lease, in: &search)
      lease = placement.leases.next(after: lease)
    }
    return search
  }

  /// Leases of a node that a claim may preempt, those that lose least first; the members of a gang
  /// on it are one.
  func candidates(
    for claim: Claim, lane row: UInt32, on node: UInt32, _ rule: PreemptionRule
  ) -> [EvictionSearch.Victim] {
    let own = claim.serviceClass.rank
    var found: [EvictionSearch.Victim] = []
    var next = placement.leases.first(of: node)
    while next != RowLists.none {
      let lease = next
      next = placement.leases.next(after: next)
      guard let heap = placement.victims.open.heap(of: lease), heap / 4 == row,
        UInt8(heap % 4) > own
      else { continue }
      let known = leases[row: lease]
      if let index = found.firstIndex(where: { $0.lead == known.lead }) {
        found[index].add(known, gone: returns(known))
        continue
      }
      guard
        isFar(UInt8(heap % 4), from: own, rule)
          || isLong(known, beside: claim.spec.runtimeMax)
      else { continue }
      found.append(
        EvictionSearch.Victim(
          row: lease, lead: known.lead, leases: Int(known.members), lost: lost(known),
          started: known.started ?? now, gone: returns(known), cpu: known.cpu.value,
          memory: known.hostMemory.value))
    }
    found.sort {
      if $0.lost != $1.lost { return $0.lost < $1.lost }
      return $0.started != $1.started ? $0.started > $1.started : $0.row < $1.row
    }
    return Array(found.prefix(Limits.preemptionLeases))
  }

  /// Devices of a node that would serve a demand, and what each lacks now.
  private func addSpots(
    to search: inout EvictionSearch, _ wish: Wish, _ asker: Asker, lane: UInt32, on node: UInt32
  ) {
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if couldServe(wish, row, lane: lane), isGiven(row, to: asker, lane: lane) {
        search.spots.append(spot(row, for: wish, lane: lane, keptFor: asker.claim?.row))
      }
      row = placement.devices.next(after: row)
    }
  }

  /// Whether a device is kept for nobody, for the one that asks, or for one that yields to it.
  func isGiven(_ row: UInt32, to asker: Asker, lane: UInt32) -> Bool {
    isGiven(keptFor: devices[row: row].pin ?? Outlook.nobody, to: asker, lane: lane)
  }

  func isGiven(keptFor holder: UInt32, to asker: Asker, lane: UInt32) -> Bool {
    holder == Outlook.nobody || holder == asker.claim?.row || yields(holder, to: asker, lane: lane)
  }

  /// Notes what one lease of the node gives back: it may have to go, it stops already, or it stays.
  private func count(_ row: UInt32, in search: inout EvictionSearch) {
    let lease = leases[row: row]
    let victim = search.victims.firstIndex { $0.lead == lease.lead }
    let leaves = lease.state == .stopping && lease.killBy < .farFuture
    if leaves {
      if search.cpu > 0 && lease.cpu.value > 0 || search.memory > 0 && lease.hostMemory.value > 0
        || search.slots > 0
      {
        search.hostFreeAt = max(search.hostFreeAt, lease.killBy)
      }
      search.cpu -= lease.cpu.value
      search.memory -= lease.hostMemory.value
      search.slots -= 1
    }
    for use in lease.uses.indices {
      guard let spot = search.spots.firstIndex(where: { $0.device == uses[use].device.row }) else {
        continue
      }
      if let victim {
        search.spots[spot].members |= 1 << UInt64(victim)
        if search.spots[spot].isPart {
          search.spots[spot].parts.append((victim, uses[use].milli.value, uses[use].memory.value))
        }
      } else if leaves {
        if !search.spots[spot].isPart || search.spots[spot].milli > 0
          || search.spots[spot].memory > 0
        {
          search.spots[spot].freeAt = max(search.spots[spot].freeAt, lease.killBy)
        }
        search.spots[spot].milli -= uses[use].milli.value
        search.spots[spot].memory -= uses[use].memory.value
      } else if !search.spots[spot].isPart {
        search.spots[spot].isBlocked = true
      }
    }
  }

  // MARK: why not

  /// Why a claim preempts nobody in a lane now although it might later; nil where neither the
  /// shield of others nor the lane's rate is in its way, or nobody is stopped for such a demand.
  /// - Complexity: O(classes).
  func preemptionReason(
    _ serviceClass: ServiceClass, of tenant: TenantID, asking demand: Demand, lane row: UInt32
  ) -> Reason? {
    guard maySearch(demand), let (own, rule) = reach(of: serviceClass, tenant, lane: row),
      let bucket = lanes[row: row].preemptions
    else { return nil }
    var shields: Instant?
    for rank in UInt8(0)..<4 where isFar(rank, from: own, rule) {
      let heap = VictimIndex.heap(row, rank)
      let first = placement.victims.shielded.least(in: heap)?.order
      if !placement.victims.open.isEmpty(heap) || first ?? .farFuture <= now {
        let level = bucket.level(rule, at: now)
        guard level < PreemptionBucket.lease else { return nil }
        return Reason(
          .preemptionRateSpent, .lane(row), have: level / PreemptionBucket.lease, need: 1,
          clearsAt: bucket.clears(rule).map { max($0, now) })
      }
      if let first { shields = min(shields ?? first, first) }
    }
    return shields.map { Reason(.victimsShielded, .lane(row), clearsAt: $0) }
  }
}
