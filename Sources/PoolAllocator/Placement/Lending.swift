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
    lanes[row: lane].rule.owner.map { $0 != tenants[tenant].key } ?? false
  }

  /// Which limit keeps a tenant from borrowing more of a lane now; nil where none does.
  func lendingObstacle(_ lane: UInt32, to tenant: TenantID, _ billed: Int64) -> Reason? {
    guard isForeign(lane, to: tenant) else { return nil }
    guard case .reclaimable(_, let most) = lanes[row: lane].rule.lending else {
      return Reason(.laneNotAllowed, .lane(lane))
    }
    let lent = lanes[row: lane].lent + billed
    if lent > most { return Reason(.lendingLimit, .lane(lane), have: most, need: lent) }
    let borrowed = tenants[tenant].borrowed + billed
    if let limit = tenants[tenant].rule.borrowingMax, borrowed > limit {
      return Reason(.borrowingLimit, .identity(.tenant), have: limit, need: borrowed)
    }
    return nil
  }

  /// Why a lent lease may not be renewed under the policy in force; nil where it may.
  func renewalObstacle(_ lease: Lease) -> Reason? {
    guard lease.isLent, isForeign(lease.lane.row, to: lease.tenant) else { return nil }
    guard case .reclaimable(let within, _) = lanes[lease.lane].rule.lending else {
      return Reason(.laneNotAllowed, .lane(lease.lane.row))
    }
    let left = (lease.hardEnd ?? .farFuture) - now
    let needs = Limits.orderDelay.ns + min(lease.grace.ns, left.ns) + lease.terms.killWithin.ns
    guard needs > within.ns else { return nil }
    return Reason(.lendingRefused, .lane(lease.lane.row), have: within.ns, need: needs)
  }

  // MARK: the owner goes first

  /// The first claim in the order of a lane: in a lane that is lent, the owner's before all others.
  /// - Complexity: O(queue groups of the lane), and O(lines of the owner) in a lane that is lent.
  func head(of lane: UInt32) -> QueueLines.Head? {
    if lanes.id(at: lane) != nil, lanes[row: lane].rule.lending != .never,
      let owner = owner(of: lane)
    {
      if let own = queue.lines.head(of: owner.row, in: { groups[Int($0)].contains(row: lane) }) {
        return own
      }
    }
    return queue.head(of: lane)
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
    return isHeadForeign == isForeign ? head.order < order : isForeign
  }

  // MARK: reclaim

  /// The moment by which a lent lease is gone if it is told to stop now.
  func returns(_ lease: Lease) -> Instant {
    if lease.state == .stopping { return lease.killBy }
    let end = lease.hardEnd ?? lease.startBy + lease.runtimeMax
    return min(now + lease.grace, end) + lease.terms.killWithin
  }

  /// Takes lent devices back for the owner's head, where it starts sooner so: keeps them for it,
  /// and tells those that hold them to stop.
  /// - Returns: whether an event was stepped.
  mutating func reclaim(
    _ id: ClaimID, _ wish: Wish, lane row: UInt32, _ log: inout EventLog
  ) -> Bool {
    guard lanes[row: row].lent > 0,
      let promise = earliestStart(of: wish, lane: row, reclaiming: true)
    else { return false }
    let planned = lanes[row: row].pin?.starts ?? .farFuture
    let victims = victims(of: promise, wish, lane: row)
    guard !victims.isEmpty, promise.starts < planned,
      earliestStart(of: wish, lane: row).map({ promise.starts < $0.starts }) ?? true
    else { return false }
    keep(promise, for: id, lane: row, &log)
    for victim in victims { stop(victim, .reclaimed, &log) }
    return true
  }

  /// Lent leases that hold what a promise gives, or host resources that it lacks now.
  private func victims(of promise: Promise, _ wish: Wish, lane: UInt32) -> [LeaseID] {
    let node = promise.placement.node
    let isHostShort = !hasRoom(for: wish, lane: lane, on: node)
    var victims: [LeaseID] = []
    var row = placement.leases.first(of: node)
    while row != RowLists.none {
      let lease = leases[row: row]
      let isLive = lease.state == .granted || lease.state == .active
      if isLive, lease.isLent, lease.lane.row == lane, returns(lease) <= promise.starts,
        isHostShort || holds(lease, promise.placement), let id = leases.id(at: row)
      {
        victims.append(id)
      }
      row = placement.leases.next(after: row)
    }
    return victims
  }

  private func holds(_ lease: Lease, _ placement: Placement) -> Bool {
    lease.uses.indices.contains { index in
      (0..<placement.count).contains { placement.devices[$0] == uses[index].device.row }
    }
  }
}
