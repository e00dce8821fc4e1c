import PoolAllocator
import PoolViews
import PoolWire

/// Whether claims start by the bound that they were told when they were queued.
///
/// The bound is the one of that moment: what voids it later, such as a node that fails, does not
/// move it here.
struct WaitPromises: Sendable {
  /// An objective, and whether it was met.
  struct Kept: Hashable {
    var slo: String
    var isGood: Bool
  }

  private struct Promise {
    var serviceClass: ServiceClass
    var told: Instant
    var by: Instant
  }

  private(set) var kept: [Kept: UInt64] = [:]
  private var promises: [ClaimID: Promise] = [:]

  /// Notes what a claim is told that has just been queued.
  mutating func promise(_ id: ClaimID, by moment: Instant, in pool: borrowing Pool) {
    guard let claim = pool.claim(id) else { return }
    promises[id] = Promise(serviceClass: claim.serviceClass, told: pool.now, by: moment)
  }

  /// How much of the time that it was given at most the worst off has waited, of the claims whose
  /// bound nothing has voided since: more than all of it is a defect. Unit: thousandths.
  /// - Complexity: O(claims that wait × lanes).
  func worst(in scene: Scene) -> Int64? {
    var lanes: [String: LaneID] = [:]
    var worst: Int64?
    for (id, promise) in promises {
      guard let claim = scene.pool.claim(id), claim.state == .queued,
        claim.queuedAt <= promise.told, let form = scene.claims[id]
      else { continue }
      let isVoid = form.lanes.contains { name in
        if lanes[name] == nil { lanes[name] = scene.pool.lane(named: NameTable.key(.lane, name)) }
        return lanes[name].map {
          scene.pool.boundsVoided(for: claim.tenant, in: $0) > promise.told
        } ?? true
      }
      if isVoid { continue }
      let (given, waited) = (promise.by - promise.told, scene.pool.now - promise.told)
      let share = Int128(waited.ns) * 1_000 / Int128(max(1, given.ns))
      worst = max(worst ?? 0, Int64(clamping: share))
    }
    return worst
  }

  /// Takes in an event.
  mutating func fold(_ event: Event, at now: Instant) {
    switch event {
    case .leaseGranted(let id, _):
      guard let promise = promises.removeValue(forKey: id) else { return }
      count(promise, isGood: now <= promise.by)
    case .claimEnded(let id, _):
      // One that ended before its time was up was neither kept waiting nor served.
      guard let promise = promises.removeValue(forKey: id), now > promise.by else { return }
      count(promise, isGood: false)
    default: break
    }
  }

  private mutating func count(_ promise: Promise, isGood: Bool) {
    let slo = "\(promise.serviceClass.word.lowercased())-wait"
    kept[Kept(slo: slo, isGood: isGood), default: 0] += 1
  }
}
