import PoolAllocator
import PoolRecord

/// A recorded command as the other pool has to be told it.
extension OtherRun {
  /// - Returns: nil where there is nothing to say: a lease is not there or goes its own way, or a
  ///   claim need not be asked for again.
  func translate(_ record: Record, request: Int?) -> Command? {
    switch record.command {
    case .begin, .tick, .signal, .restrict, .reportDependency, .enrol, .delegate, .revoke:
      return record.command
    case .activate(let generation, let old):
      // Until it comes into force the other policy is none.
      if since != nil { return record.command }
      return .activate(self.generation(generation), policy ?? old)
    case .advertise(let node, let account): return advertise(node, account)
    case .hear(let id): return .hear(node(id))
    case .silence(let id): return .silence(node(id))
    case .cordon(let id): return .cordon(node(id))
    case .uncordon(let id): return .uncordon(node(id))
    case .drain(let id, let deadline): return .drain(node(id), deadline: deadline)
    case .fence(let id): return .fence(node(id))
    case .forget(let id): return .forget(node(id))
    case .raiseEmergency(let id, let raise): return .raiseEmergency(bucket(id), raise)
    case .submit(let spec):
      if let request, isServed(request) { return nil }
      return .submit(self.spec(spec))
    case .quote(let key, let spec, let lasts):
      return .quote(key, self.spec(spec), lasts: lasts)
    case .cancel(let id): return claim(id).map { .cancel($0) }
    case .approve(let id, let by, let plan):
      return claim(id).map { .approve($0, by: by, plan: plan) }
    case .deny(let id, let by): return claim(id).map { .deny($0, by: by) }
    case .confirmStarted, .renew, .confirmCheckpoint, .release, .confirmEmpty:
      return order(record.command)
    }
  }

  /// What no row ever answers to.
  private func nobody<Row>() -> ID<Row> { ID(row: .max, generation: 0) }

  private func node(_ id: NodeID) -> NodeID { nodes[id] ?? nobody() }

  private func bucket(_ id: BucketID) -> BucketID {
    let key = recorded.bucket(id)?.rule.key
    return key.flatMap { other.bucket(named: $0) } ?? nobody()
  }

  /// The claim of the same request; nil where that was not taken in here.
  private func claim(_ id: ClaimID) -> ClaimID? {
    guard let request = before.request(of: id), request < after.stories.count else {
      return nobody()
    }
    return after.stories[request].claim
  }

  /// Whether a caller that was refused in the recorded run, and asked again, was not refused here:
  /// then there is nothing to ask again.
  private func isServed(_ request: Int) -> Bool {
    // Those that both refused are not among them.
    guard let last = requests[after.stories[request].spec.key]?.last else { return false }
    return !before.stories[last].isTakenIn
  }

  // MARK: claims

  /// A claim with the lanes and rungs of the other pool that have the same names.
  private func spec(_ spec: ClaimSpec) -> ClaimSpec {
    var other = spec
    other.lanes = lanes(spec.lanes)
    other.accepts = accepts(spec)
    return other
  }

  private func lanes(_ set: LaneSet) -> LaneSet {
    var (result, left) = (LaneSet.none, set)
    while let row = left.firstRow {
      left = left.withoutFirst
      if let lane = recorded.laneID(atRow: row).flatMap({ recorded.lane($0) }) {
        if let same = other.lane(named: lane.key) { result.insert(same) }
      } else if other.laneID(atRow: row) == nil {
        result.insert(row: row)
      }
    }
    return result
  }

  private func accepts(_ spec: ClaimSpec) -> AcceptedRungs {
    guard let names = recorded.rungNames(spec.accepts, of: spec.service, for: spec.tenant) else {
      return spec.accepts
    }
    let kept = names.filter {
      other.rungs(of: spec.service, for: spec.tenant, named: [$0]) != nil
    }
    return other.rungs(of: spec.service, for: spec.tenant, named: kept) ?? .none
  }

  // MARK: nodes and leases

  /// What an agent reports, with the leases that live on its node here: those that it named, and
  /// those that only this run has.
  private func advertise(_ id: NodeID, _ account: Advertisement) -> Command {
    let node = node(id)
    var account = account
    var named: Set<LeaseID> = []
    var known: [Fencing: LeaseID] = [:]
    if !account.living.isEmpty {
      for lease in recorded.leases(on: id) {
        if let fencing = recorded.lease(lease)?.fencing { known[fencing] = lease }
      }
    }
    account.living = account.living.compactMap { fencing in
      guard let lease = known[fencing] else { return fencing }
      guard let place = before.place(of: lease), let story = after.lease(at: place) else {
        return nil
      }
      named.insert(story.lease)
      return other.lease(story.lease)?.node == node ? story.fencing : nil
    }
    for story in living(on: node) where free.contains(story.lease) && !named.contains(story.lease) {
      account.living.append(story.fencing)
    }
    return .advertise(node, account)
  }

  /// What an agent or a holder said of a lease, said of its counterpart.
  private func order(_ command: Command) -> Command? {
    switch command {
    case .confirmStarted(let id, let fencing):
      return counterpart(id, fencing).map { .confirmStarted($0, $1) }
    case .renew(let id, let fencing): return counterpart(id, fencing).map { .renew($0, $1) }
    case .confirmCheckpoint(let id, let fencing):
      return counterpart(id, fencing).map { .confirmCheckpoint($0, $1) }
    case .release(let id, let fencing, let outcome):
      return counterpart(id, fencing).map { .release($0, $1, outcome) }
    case .confirmEmpty(let id, let fencing):
      return counterpart(id, fencing).map { .confirmEmpty($0, $1) }
    default: return nil
    }
  }

  /// A lease that follows the record, with the fencing number that an order for it bears here.
  private func counterpart(_ id: LeaseID, _ fencing: Fencing) -> (LeaseID, Fencing)? {
    guard let place = before.place(of: id), let was = before.lease(at: place) else {
      return (nobody(), fencing)
    }
    guard place.request < after.stories.count, let story = after.lease(at: place),
      !free.contains(story.lease)
    else { return nil }
    return (story.lease, was.fencing == fencing ? story.fencing : fencing)
  }
}
