import PoolAllocator
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
    var by: Instant
  }

  private(set) var kept: [Kept: UInt64] = [:]
  private var promises: [ClaimID: Promise] = [:]

  /// Notes what a claim is told that has just been queued.
  mutating func promise(_ id: ClaimID, by moment: Instant, in pool: borrowing Pool) {
    guard let claim = pool.claim(id) else { return }
    promises[id] = Promise(serviceClass: claim.serviceClass, by: moment)
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
