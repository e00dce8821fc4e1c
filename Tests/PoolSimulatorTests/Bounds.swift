@testable import PoolAllocator

/// What was told to claims as they were queued, and what became of it.
struct Bounds: CustomStringConvertible {
  /// The tenant that is watched; nil: all.
  let tenant: Key?
  private(set) var told = 0
  private(set) var untold = 0
  private(set) var kept = 0
  private(set) var broken: [String] = []
  /// Bounds that began anew, or went, because a void was recorded.
  private(set) var voided = 0
  private(set) var overdue = 0
  /// How long those waited that nothing of their tenant went before.
  private(set) var waits: [Span] = []
  private var promised: [ClaimID: Promise] = [:]

  private struct Promise {
    var bound: StartBound
    var told: Instant
    var void: Instant
  }

  init(of tenant: Key? = nil) { self.tenant = tenant }

  mutating func note(_ pool: Pool, _ log: EventLog) {
    for event in log.events {
      switch event {
      case .claimQueued(let id, _, _, _):
        guard let claim = pool.claim(id), isWatched(claim, pool), promised[id] == nil else {
          continue
        }
        guard claim.state == .queued else { continue }
        if case .success(let bound) = pool.startBound(of: id) {
          promised[id] = Promise(bound: bound, told: pool.now, void: void(bound, claim, pool))
          told += 1
        } else {
          untold += 1
        }
      case .turnOverdue: overdue += 1
      case .leaseGranted(let claim, _): noteGrant(of: claim, pool)
      case .claimEnded(let id, _), .claimParked(let id, _): promised[id] = nil
      default: break
      }
    }
    noteVoids(pool)
  }

  private func isWatched(_ claim: Claim, _ pool: Pool) -> Bool {
    tenant == nil || pool.tenant(claim.tenant)?.key == tenant
  }

  /// When the bound of a claim was last voided.
  private func void(_ bound: StartBound, _ claim: Claim, _ pool: Pool) -> Instant {
    max(
      pool.lane(bound.lane)?.voided ?? .origin,
      pool.clocks[claim.tenant.row, bound.lane.row].voided)
  }

  private mutating func noteGrant(of id: ClaimID, _ pool: Pool) {
    guard let promise = promised.removeValue(forKey: id) else { return }
    if pool.now <= promise.bound.by {
      kept += 1
    } else {
      broken.append("\(id) at \(pool.now.ns), told \(promise.bound)")
    }
    if promise.bound.own == 0 { waits.append(pool.now - promise.told) }
  }

  /// After a void a claim is told anew, or that nothing can be said any more.
  private mutating func noteVoids(_ pool: Pool) {
    for (id, promise) in promised {
      guard let claim = pool.claim(id), claim.state == .queued else { continue }
      let void = void(promise.bound, claim, pool)
      guard void > promise.void else { continue }
      voided += 1
      if case .success(let bound) = pool.startBound(of: id) {
        promised[id]?.bound = bound
        promised[id]?.void = void
      } else {
        promised[id] = nil
      }
    }
  }

  /// Counts those that still wait past what they were told.
  mutating func close(_ pool: Pool) {
    for (id, promise) in promised where promise.bound.by < pool.now {
      broken.append("\(id) waits at \(pool.now.ns), told \(promise.bound)")
    }
  }

  static func += (left: inout Self, right: Self) {
    left.told += right.told
    left.untold += right.untold
    left.kept += right.kept
    left.broken += right.broken
    left.voided += right.voided
    left.overdue += right.overdue
    left.waits += right.waits
  }

  var description: String {
    "\(kept) of \(told) bounds kept, \(broken.count) broken, \(voided) voided, \(untold) claims "
      + "without; \(overdue) turns overdue"
  }
}
