import PoolAllocator

/// P2, order: what is granted is the first in the one total order among those that could have been.
extension TurnBooks {
  /// Place of the first claim of a line in the order of a lane; the least goes first.
  struct Key {
    var level: UInt8
    var served: Int128
    var submitted: Int64
    var arrival: UInt64

    static func < (left: Key, right: Key) -> Bool {
      if left.level != right.level { return left.level < right.level }
      if left.served != right.served { return left.served < right.served }
      return (left.submitted, left.arrival) < (right.submitted, right.arrival)
    }
  }

  /// The key of a claim that waits; nil where it rests on what is not known: its turn may be
  /// overdue, or its counter be another.
  private func key(_ entry: Entry, _ lane: UInt32) -> Key? {
    let own = served(entry.tenant, lane, entry.level)
    guard own.isKnown else { return nil }
    if entry.level == 0, overdue[Int(lane)].contains(entry.tenant) { return nil }
    return Key(
      level: entry.level, served: own.least, submitted: entry.submitted, arrival: entry.arrival)
  }

  /// The key of a claim at the door, which has not waited.
  private func key(_ claim: KnownClaim, _ lane: UInt32) -> Key? {
    let level = claim.fact.serviceClass.rank
    var own = served(claim.fact.tenant, lane, level)
    if !isBacklogged(claim.fact.tenant, level, lane) { own = own.raised(to: floor(lane, level)) }
    guard own.isKnown else { return nil }
    return Key(
      level: level, served: own.least, submitted: claim.submitted, arrival: claim.arrival)
  }

  /// Whether a claim is the first of all in a lane, whoever owns it; nil where that is not known.
  func isFirst(_ id: ClaimID, _ claim: KnownClaim, _ lane: UInt32) -> Bool? {
    let heads = heads(of: lane)
    guard !heads.isEmpty else { return true }
    if claim.state == .queued, !heads.contains(where: { $0.id == id }) { return false }
    let entry = heads.first { $0.id == id }
    guard let own = entry.map({ key($0, lane) }) ?? key(claim, lane) else { return nil }
    var isKnown = true
    for head in heads where head.id != id {
      guard let other = key(head, lane) else {
        // Whatever is overdue is at the best level.
        isKnown = false
        continue
      }
      if other < own { return false }
    }
    return isKnown ? true : nil
  }

  /// What the order rests on beside itself.
  struct Means: ~Copyable {
    let books: BucketBooks
    let committed: Committed
  }

  /// Looks at a grant before it is folded.
  func checkOrder(
    _ id: ClaimID, _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ pool: borrowing Pool, _ means: borrowing Means
  ) throws(Violation) {
    guard !isClosed, let claim = facts.claims[id] else { return }
    let grant = log.grants[Int(run.first)]
    let row = grant.lane.row
    guard let lane = facts.lanes[grant.lane] else { return }
    let isForeign = facts.isForeign(lane, to: claim.fact.tenant)
    let isQueued = claim.state == .queued
    // On what was kept for it a claim starts whatever came before it since.
    if isQueued, claim.pin?.lane == grant.lane { return }
    let entry = queue.first { $0.id == id }
    guard let own = entry.map({ key($0, row) }) ?? key(claim, row) else { return }
    for head in heads(of: row) where head.id != id {
      guard let other = facts.claims[head.id] else { continue }
      let isOtherForeign = facts.isForeign(lane, to: head.tenant)
      // The owner of a lane goes before all others; among them the least key does.
      let goesBefore: Bool
      if isOtherForeign != isForeign {
        goesBefore = isForeign && lane.rule.lending != .never
      } else {
        guard let key = key(head, row) else { continue }
        goesBefore = key < own
      }
      guard goesBefore else { continue }
      if isQueued, !couldStart(head, other, instead: claim, grant, facts, pool, means) { continue }
      throw Violation(
        "P2",
        "claim \(id.name) is granted in lane \(row) \(isQueued ? "" : "at the door ")before claim "
          + "\(head.id.name), whose turn is before its")
    }
  }

  /// Whether a waiting claim could have had what another one is granted: it asks for the same, for
  /// no longer, nothing but the devices keeps it waiting, and it can pay.
  private func couldStart(
    _ entry: Entry, _ claim: KnownClaim, instead other: KnownClaim, _ grant: Grant,
    _ facts: borrowing Facts, _ pool: borrowing Pool, _ means: borrowing Means
  ) -> Bool {
    let (spec, fact) = (claim.fact.spec, claim.fact)
    guard claim.pin == nil, spec.demand == other.fact.spec.demand,
      let lane = facts.lanes[grant.lane], lane.rule.admits.contains(fact.serviceClass),
      spec.runtimeMax <= lane.rule.leaseMax,
      lane.pool.modelClass == nil || lane.pool.modelClass == spec.modelClass,
      !facts.isHeldBack(fact), spec.budget == nil, spec.quote == nil
    else { return false }
    switch spec.demand.shape {
    case .whole, .slice: break
    case .fraction, .cpuOnly: guard fact.tenant == other.fact.tenant else { return false }
    }
    let terms = facts.policy.classes[Int(entry.rank)]
    let stays = terms.startWithin.ns + spec.runtimeMax.ns + terms.killWithin.ns
    let most =
      grant.terms.startWithin.ns + other.fact.spec.runtimeMax.ns + grant.terms.killWithin.ns
    guard stays <= most else { return false }
    if facts.isForeign(lane, to: fact.tenant) {
      guard fact.tenant == other.fact.tenant,
        claim.preemptions < Limits.preemptionsPerClaim,
        case .reclaimable(let within, _) = lane.rule.lending
      else { return false }
      let leaves = spec.interruption.map { min($0.grace.ns, stays) } ?? stays
      guard Limits.orderDelay.ns + leaves + terms.killWithin.ns <= within.ns else { return false }
    }
    guard needsNoApproval(spec, facts) else { return false }
    return canPay(claim, lane, facts, pool, means)
  }

  private func needsNoApproval(_ spec: ClaimSpec, _ facts: borrowing Facts) -> Bool {
    let service = facts.policy.services.first {
      $0.key == spec.service && ($0.tenant == nil || $0.tenant == spec.tenant)
    }
    return service.map { $0.approval == nil } ?? false
  }

  /// Whether every bucket of a claim's path pays its first quantum, beside what it keeps back, and
  /// nobody waits for one of them.
  private func canPay(
    _ claim: KnownClaim, _ lane: KnownLane, _ facts: borrowing Facts, _ pool: borrowing Pool,
    _ means: borrowing Means
  ) -> Bool {
    let path = facts.path(of: claim)
    // A policy may have left its tenant without a bucket.
    if path.isEmpty { return false }
    let price = facts.firstPrice(of: claim, in: lane)
    for id in path {
      let level = Int128(means.books.credits(of: id, at: facts.now))
      guard level >= price + means.committed.amount(in: id), pool.bucket(id)?.turn == nil else {
        return false
      }
      let isWaitedFor = facts.claims.ids.contains { facts.claims[$0]?.parkedOn == id }
      if isWaitedFor { return false }
    }
    return true
  }
}
