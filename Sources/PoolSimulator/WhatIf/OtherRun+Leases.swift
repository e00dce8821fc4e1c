import PoolAllocator
import PoolRecord

/// Leases of the other pool that stand otherwise than in the record, and what they do then.
extension OtherRun {
  /// Takes in what came of a command to the other pool.
  mutating func note(_ log: EventLog) {
    for event in log.events {
      switch event {
      case .leaseGranted(let claim, let grants):
        touched += log.grants[grants.indices].map(\.lease)
        if let request = after.request(of: claim) {
          after.place(request, in: Self.lane(of: grants, log, other))
        }
      case .leaseStarted(let lease, _), .leaseResumed(let lease),
        .leaseStopping(let lease, _, _, _):
        if free.contains(lease) { plan(lease) } else { touched.append(lease) }
      case .leaseRenewed(let lease, _, _, _), .settled(let lease, _, _, _, _),
        .leaseOverstayed(let lease), .leaseEnded(let lease):
        touched.append(lease)
      case .nodeReached(let node, let reach):
        isAllTouched = true
        guard reach == .ready else { continue }
        for lease in other.leases(on: node) where free.contains(lease) { plan(lease) }
      case .epochBegun: isAllTouched = true
      default: break
      }
    }
  }

  /// Takes in what the record says of leases and nodes.
  private mutating func note(_ record: Record) {
    for event in record.log.events {
      switch event {
      case .nodeEnrolled(let id, _):
        if let key = recorded.node(id)?.enrolment.key { nodes[id] = other.node(named: key) }
      case .nodeForgotten(let id): nodes[id] = nil
      case .leaseGranted(let claim, let grants):
        for grant in record.log.grants[grants.indices] { touch(grant.lease) }
        if let request = before.request(of: claim) {
          before.place(request, in: Self.lane(of: grants, record.log, recorded))
        }
      case .leaseStarted(let lease, _), .leaseResumed(let lease),
        .leaseStopping(let lease, _, _, _), .leaseRenewed(let lease, _, _, _),
        .settled(let lease, _, _, _, _), .leaseOverstayed(let lease), .leaseEnded(let lease):
        touch(lease)
      case .nodeReached, .epochBegun: isAllTouched = true
      default: break
      }
    }
  }

  private static func lane(of grants: Span32, _ log: EventLog, _ pool: borrowing Pool) -> Key? {
    guard let first = log.grants[grants.indices].first else { return nil }
    return pool.lane(first.lane)?.key
  }

  private mutating func touch(_ lease: LeaseID) {
    guard let place = before.place(of: lease), place.request < after.stories.count,
      let story = after.lease(at: place)
    else { return }
    touched.append(story.lease)
  }

  /// Sets those leases on their own that no longer stand as in the record, behind a record.
  mutating func setFree(after record: Record) {
    note(record)
    if isAllTouched {
      var all: [LeaseID] = []
      other.forEachLease { id, _ in all.append(id) }
      touched = all
    }
    let now = record.log.at
    for lease in touched where !free.contains(lease) && other.lease(lease) != nil {
      if follows(lease, at: now) { continue }
      free.insert(lease)
      plan(lease)
    }
    touched = []
    isAllTouched = false
  }

  /// Whether a lease stands as the one of the same place in the record.
  private func follows(_ id: LeaseID, at now: Instant) -> Bool {
    guard let place = after.place(of: id), let lease = other.lease(id),
      let was = before.lease(at: place), let mine = after.lease(at: place),
      was.granted == mine.granted,
      before.stories[place.request].grants[place.grant].count
        == after.stories[place.request].grants[place.grant].count
    else { return false }
    guard let known = recorded.lease(was.lease) else {
      // Not granted there yet, at the same moment; or it ended there and lives on here.
      return was.granted == now && was.emptied.map { $0 > now } ?? true
    }
    return known.state == lease.state && known.started == lease.started
      && known.ends == lease.ends && known.cause == lease.cause && known.killBy == lease.killBy
  }

  /// Plans what becomes of a lease on its own, as it stands.
  mutating func plan(_ id: LeaseID) {
    guard let place = after.place(of: id), let lease = other.lease(id) else { return }
    let story = before.stories[place.request]
    switch lease.state {
    case .granted:
      if let latency = story.startLatency(of: place), let granted = after.lease(at: place)?.granted
      {
        agenda.add(.start(id), at: max(other.now, granted + latency))
      }
    case .active:
      if horizon != nil, work(of: place.request).isAssumed { assumed.insert(place.request) }
      planRelease(id, lease, place)
      planSave(id, lease, place)
      planRenewal(id, lease, place)
    case .stopping:
      guard isReachable(lease.node), let stopped = after.lease(at: place)?.stopped else { return }
      agenda.add(.empty(id), at: max(other.now, stopped + story.leavingTime(of: place)))
    case .quarantined: break
    }
  }

  /// Plans that a lease is given back when its work is done, if its holder does that.
  mutating func planRelease(_ id: LeaseID, _ lease: Lease, _ place: LeasePlace) {
    guard let end = workEnds(lease, place), lease.lead == id,
      case .releases = work(of: place.request).ending
    else { return }
    agenda.add(.release(id), at: max(other.now, end))
  }

  /// When the work of a lease is done, with what earlier leases of its claim saved.
  private func workEnds(_ lease: Lease, _ place: LeasePlace) -> Instant? {
    guard let started = lease.started, let claim = other.claim(lease.claim) else { return nil }
    return started + Span(ns: max(0, work(of: place.request).needed.ns - claim.saved.ns))
  }

  /// Plans the next renewal of a lease, where its work outlasts what is paid.
  private mutating func planRenewal(_ id: LeaseID, _ lease: Lease, _ place: LeasePlace) {
    guard let end = workEnds(lease, place), lease.ends < end, let hardEnd = lease.hardEnd,
      lease.ends < hardEnd
    else { return }
    let from =
      lease.nextReserved == nil
      ? lease.renewFrom
      : lease.quantumStart + lease.quantumSpan + Span(ns: lease.nextSpan.ns / 2)
    agenda.add(.renew(id), at: max(other.now, from))
  }

  private mutating func planSave(_ id: LeaseID, _ lease: Lease, _ place: LeasePlace) {
    guard work(of: place.request).savesWork, let started = lease.savedAt,
      let every = other.claim(lease.claim)?.spec.interruption?.checkpointEvery, every > .zero
    else { return }
    agenda.add(.save(id), at: max(other.now, started + every))
  }

  private func isReachable(_ node: NodeID) -> Bool { other.node(node)?.reach == .ready }

  /// Does what was planned, where it still makes sense.
  mutating func perform(_ act: Act, at now: Instant) {
    switch act {
    case .start(let id):
      guard let lease = other.lease(id), lease.state == .granted, isReachable(lease.node) else {
        return
      }
      apply(.confirmStarted(id, lease.fencing), at: now)
    case .renew(let id):
      guard let lease = other.lease(id), lease.state == .active, isReachable(lease.node) else {
        return
      }
      let decision = apply(.renew(id, lease.fencing), at: now)
      guard let known = other.lease(id), known.state == .active, let place = after.place(of: id)
      else { return }
      if decision.verdict == .done {
        planRenewal(id, known, place)
      } else if let again = decision.retryAt, again > now, again < known.ends {
        agenda.add(.renew(id), at: again)
      }
    case .save(let id):
      guard let lease = other.lease(id), lease.state == .active, isReachable(lease.node),
        let place = after.place(of: id)
      else { return }
      apply(.confirmCheckpoint(id, lease.fencing), at: now)
      if let known = other.lease(id), known.state == .active, known.checkpoint == now {
        planSave(id, known, place)
      }
    case .release(let id):
      guard let lease = other.lease(id), lease.state == .active, isReachable(lease.node),
        let place = after.place(of: id), let end = workEnds(lease, place), end <= now,
        case .releases(let outcome) = work(of: place.request).ending
      else { return }
      apply(.release(id, lease.fencing, outcome), at: now)
    case .empty(let id):
      guard let lease = other.lease(id), lease.state == .stopping, isReachable(lease.node) else {
        return
      }
      apply(.confirmEmpty(id, lease.fencing), at: now)
    }
  }
}
