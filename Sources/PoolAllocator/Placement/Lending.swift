/// Reserved lanes lent while their owner does not need them, and taken back within a promised time
/// (SEMANTICS 3.3).
///
/// A claim is lent a device only if it can be gone within the span that its owner was promised: the
/// order to stop reaches its agent, its grace passes (or its whole run, where it may not be
/// interrupted), and it is killed. This is tested at the grant and again at each renewal, so a
/// reclaim is never late on a node that obeys.
extension Pool {
  // MARK: who may borrow

  /// Time from the owner's claim until a borrower has given its devices back, at the longest.
  func timeToReturn(_ spec: ClaimSpec, _ serviceClass: ServiceClass) -> Span {
    let terms = policy.classes[Int(serviceClass.rank)]
    let run = terms.startWithin.ns + spec.runtimeMax.ns
    let leaves = spec.interruption.map { min($0.grace.ns, run) } ?? run
    return Span(ns: Limits.orderDelay.ns + leaves + terms.killWithin.ns)
  }

  /// Whether a lane is another tenant's.
  func isForeign(_ lane: UInt32, to tenant: TenantID) -> Bool {
    if planted(.strangersTakeCells), lanes[row: lane].rule.lending == .never { return false }
    return lanes[row: lane].rule.owner.map { $0 != tenants[tenant].key } ?? false
  }

  /// Which limit keeps a tenant from borrowing more of a lane now; nil where none does.
  func lendingObstacle(_ lane: UInt32, to tenant: TenantID, _ billed: Int64) -> Reason? {
    guard isForeign(lane, to: tenant) else { return nil }
    return lentObstacle(lane, billed) ?? borrowedObstacle(tenant, billed)
  }

  /// Every limit that does.
  func lendingObstacles(_ lane: UInt32, to tenant: TenantID, _ billed: Int64) -> [Reason] {
    guard isForeign(lane, to: tenant) else { return [] }
    return [lentObstacle(lane, billed), borrowedObstacle(tenant, billed)].compactMap { $0 }
  }

  private func lentObstacle(_ lane: UInt32, _ billed: Int64) -> Reason? {
    guard case .reclaimable(_, let most) = lanes[row: lane].rule.lending else {
      return Reason(.laneNotAllowed, .lane(lane))
    }
    let lent = lanes[row: lane].lent + billed
    return lent > most && !planted(.lendsTooMuch)
      ? Reason(.lendingLimit, .lane(lane), have: most, need: lent) : nil
  }

  private func borrowedObstacle(_ tenant: TenantID, _ billed: Int64) -> Reason? {
    let borrowed = tenants[tenant].borrowed + billed
    guard let limit = tenants[tenant].rule.borrowingMax, borrowed > limit else { return nil }
    return Reason(.borrowingLimit, .identity(.tenant), have: limit, need: borrowed)
  }

  /// Why a lent lease may not be renewed under the policy in force; nil where it may.
  func renewalObstacle(_ lease: Lease) -> Reason? {
    guard lease.isLent, isForeign(lease.lane.row, to: lease.tenant) else { return nil }
    guard case .reclaimable(let within, _) = lanes[lease.lane].rule.lending else {
      return Reason(.laneNotAllowed, .lane(lease.lane.row))
    }
    let left = (lease.hardEnd ?? .farFuture) - now
    let needs = Limits.orderDelay.ns + min(lease.grace.ns, left.ns) + lease.terms.killWithin.ns
    guard needs > within.ns, !planted(.renewsLentTooLong) else { return nil }
    return Reason(.lendingRefused, .lane(lease.lane.row), have: within.ns, need: needs)
  }

  // MARK: the owner goes first

  /// The first claim in the order of a lane: in a lane that is lent, the owner's before all others.
  /// - Complexity: O(1), and O(lines of the owner) in a lane that is lent.
  func head(of lane: UInt32) -> QueueLines.Head? {
    if lanes.id(at: lane) != nil, lanes[row: lane].rule.lending != .never, !planted(.ownerWaits),
      let owner = owner(of: lane), let own = queue.lines.head(of: lane, tenant: owner.row)
    {
      return own
    }
    return queue.lines.head(of: lane)
  }

  private func owner(of lane: UInt32) -> TenantID? {
    lanes[row: lane].rule.owner.flatMap { keys.tenants.row(for: $0) }.flatMap(tenants.id(at:))
  }

  /// Whether a waiting head goes before a claim of a tenant at the door of a lane.
  func precedes(
    _ head: QueueLines.Head, _ order: OrderKey, of tenant: TenantID, in lane: UInt32
  ) -> Bool {
    let first = claims[row: head.row].tenant
    let isHeadForeign = isForeign(lane, to: first)
    let isForeign = isForeign(lane, to: tenant)
    if isHeadForeign == isForeign { return head.order < order }
    if isForeign { return true }
    // Others may still wait for a lane that is lent no more: behind them the owner's own claims do.
    return queue.lines.head(of: lane, tenant: tenant.row).map { $0.order < order } ?? false
  }

  // MARK: reclaim

  /// The moment by which a lent lease is gone if it is told to stop now.
  func returns(_ lease: Lease) -> Instant {
    let end = lease.hardEnd ?? lease.startBy + lease.runtimeMax
    return min(now + lease.grace, end) + lease.terms.killWithin
  }

  /// Whether the owner of a lease's lane may take back what it holds.
  func isReclaimable(_ lease: Lease) -> Bool {
    lease.isLent && (lease.state == .granted || lease.state == .active)
      && isForeign(lease.lane.row, to: lease.tenant)
  }

  /// Whether a node has devices of a lane that its owner may take back.
  func lends(_ node: UInt32, of lane: UInt32) -> Bool {
    var row = placement.leases.first(of: node)
    while row != RowLists.none {
      let lease = leases[row: row]
      if lease.lane.row == lane, isReclaimable(lease) { return true }
      row = placement.leases.next(after: row)
    }
    return false
  }

  /// Takes lent devices back for a waiting claim of the owner, where it starts sooner so: keeps
  /// them for it, and tells those that hold them to stop.
  /// - Parameter start: when it starts if nothing is taken back; nil where that is not known.
  /// - Returns: whether an event was stepped.
  mutating func reclaim(
    _ id: ClaimID, _ wish: Wish, as asker: Asker, lane row: UInt32, unlessBy start: Instant?,
    _ log: inout EventLog
  ) -> Bool {
    let tenant = claims[id].tenant
    guard lanes[row: row].lent > 0, !isForeign(row, to: tenant),
      case .reclaimable(let within, _) = lanes[row: row].rule.lending,
      let promise = earliestStart(of: wish, for: asker, lane: row, reclaimingBy: now + within),
      promise.starts < claims[id].pin?.starts ?? .farFuture,
      promise.starts < start ?? .farFuture
    else { return false }
    let victims = victims(of: promise, wish, for: asker)
    guard !victims.isEmpty, !hasRoomElsewhere(id, besides: row) else { return false }
    keep(promise, for: id, &log)
    for victim in victims { stop(victim, .reclaimed, &log) }
    return true
  }

  /// Keeps devices for the first claim of the owner behind its head that has none kept, and takes
  /// lent ones back for it: each claim that its guarantee covers has the promised time of its own.
  /// - Returns: whether an event was stepped.
  mutating func reclaimBehind(
    _ head: ClaimID, lane row: UInt32, _ log: inout EventLog
  ) -> Bool {
    let owner = claims[head].tenant
    guard lanes[row: row].lent > 0, !isForeign(row, to: owner),
      case .reclaimable(let within, _) = lanes[row: row].rule.lending
    else { return false }
    let latest = now + within
    var tried = 0
    for claim in waiting(for: row, of: owner, atMost: Limits.reclaimDepth) where claim != head.row {
      if claims[row: claim].pin.map({ $0.starts <= latest }) ?? false { continue }
      guard let id = claims.id(at: claim), let resolved = admitted(id, lane: row) else { continue }
      var asker = asker(id)
      asker.spares = true
      let promise = earliestStart(of: resolved.wish, for: asker, lane: row)
      if reclaim(id, resolved.wish, as: asker, lane: row, unlessBy: promise?.starts, &log) {
        return true
      }
      if let promise {
        // What its guarantee does not cover waits for its turn, and so do those after it.
        guard promise.starts <= latest else { return false }
        if pin(id, promise, &log) { return true }
      }
      // No node can be had for it: others may find one.
      tried += 1
      guard tried < Limits.backfillDepth else { return false }
    }
    return false
  }

  /// Whether a claim can start at once in another of its lanes, where it is the first.
  func hasRoomElsewhere(_ id: ClaimID, besides lane: UInt32) -> Bool {
    var left = headed(by: id)
    while let row = left.firstRow {
      left = left.withoutFirst
      if row != lane, gapPlacement(of: id, lane: row) != nil { return true }
    }
    return false
  }

  /// Lent leases that have to stop for a promise, and no others: those that are gone first, as long
  /// as a device or the host lacks something that they hold.
  private func victims(of promise: Promise, _ wish: Wish, for asker: Asker) -> [LeaseID] {
    var victims: [LeaseID] = []
    var first = 0
    let members = [promise.placement] + promise.others
    while first < members.count {
      // All members of a node stand together.
      let here = members[first...].prefix { $0.node == members[first].node }
      victims += self.victims(here, by: promise.starts, wish, for: asker)
      first = here.endIndex
    }
    return victims
  }

  /// The same on one node.
  private func victims(
    _ members: ArraySlice<Placement>, by starts: Instant, _ wish: Wish, for asker: Asker
  ) -> [LeaseID] {
    guard let (node, lane) = members.first.map({ ($0.node, $0.lane) }) else { return [] }
    var lack = lack(of: members, on: node, wish, for: asker)
    var lent: [(at: Instant, row: UInt32)] = []
    var row = placement.leases.first(of: node)
    while row != RowLists.none {
      if gone(row, reclaimFor: nil) <= starts {
        fill(&lack, from: row)
      } else if gone(row, reclaimFor: lane) <= starts {
        lent.append((gone(row, reclaimFor: lane), row))
      }
      row = placement.leases.next(after: row)
    }
    lent.sort { ($0.at, $0.row) < ($1.at, $1.row) }
    var victims: [LeaseID] = []
    for isForDevices in [true, false] {
      for (_, row) in lent {
        guard let id = leases.id(at: row), !victims.contains(id),
          isForDevices ? holds(leases[row: row], lack) : lack.isOfHost(leases[row: row])
        else { continue }
        fill(&lack, from: row)
        victims.append(id)
      }
    }
    return victims
  }

  /// What a node lacks for the members that it is to take; not positive: nothing.
  private struct Lack {
    var devices: [(row: UInt32, milli: Int32)] = []
    var cpu: Int32
    var memory: Int64
    var leases: Int

    func isOfHost(_ lease: Lease) -> Bool {
      leases > 0 || (cpu > 0 && lease.cpu.value > 0)
        || (memory > 0 && lease.hostMemory.value > 0)
    }
  }

  private func lack(
    of members: ArraySlice<Placement>, on node: UInt32, _ wish: Wish, for asker: Asker
  ) -> Lack {
    var needs: [(row: UInt32, members: Int)] = []
    for member in members {
      for index in 0..<member.count {
        let row = member.devices[index]
        if let known = needs.firstIndex(where: { $0.row == row }) {
          needs[known].members += 1
        } else {
          needs.append((row, 1))
        }
      }
    }
    let lane = members.first.map(\.lane) ?? 0
    let need = wish.times(members.count).demand
    let (cpu, memory) = hostFree(for: asker, on: node, taking: needs.map(\.row))
    var lack = Lack(
      cpu: need.cpu.value - cpu, memory: need.hostMemory.value - memory,
      leases: Int(nodes[row: node].leases) + members.count - Limits.leasesPerNode)
    for (row, count) in needs {
      let device = devices[row: row]
      let milli = milliNeeded(of: row, by: wish, lane: lane, members: count)
      let own = kept(of: row, for: asker.claim?.row)
      lack.devices.append((row, milli - device.milliFree.value + device.pinned.value - own))
    }
    return lack
  }

  private func fill(_ lack: inout Lack, from row: UInt32) {
    let lease = leases[row: row]
    lack.cpu -= lease.cpu.value
    lack.memory -= lease.hostMemory.value
    lack.leases -= 1
    for use in lease.uses.indices {
      for index in lack.devices.indices where lack.devices[index].row == uses[use].device.row {
        lack.devices[index].milli -= uses[use].milli.value
      }
    }
  }

  private func holds(_ lease: Lease, _ lack: Lack) -> Bool {
    lease.uses.indices.contains { use in
      lack.devices.contains { $0.milli > 0 && $0.row == uses[use].device.row }
    }
  }
}
