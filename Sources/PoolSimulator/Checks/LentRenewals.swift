import PoolAllocator

/// L2: a lent lease is renewed only where it can still be gone within the time that the policy in
/// force promises the owner (SEMANTICS 3.3).
enum LentRenewals {
  /// Looks at an event before it is folded.
  static func check(_ event: Event, _ facts: borrowing Facts) throws(Violation) {
    guard case .leaseRenewed(let id, _, _, _) = event, let lease = facts.leases[id],
      lease.grant.isLent, let started = lease.started, let lane = facts.lanes[lease.grant.lane],
      facts.isForeign(lane, to: lease.tenant)
    else { return }
    guard case .reclaimable(let within, _) = lane.rule.lending else {
      throw Violation("L2", "lease \(id.name) is renewed in a lane that is not lent any more")
    }
    let grace = lease.interruption?.grace ?? Limits.spanMax
    let left = started + lease.runtimeMax - facts.now
    let needs = Limits.orderDelay.ns + min(grace.ns, left) + lease.grant.terms.killWithin.ns
    try must(
      needs <= within.ns, "L2",
      "lease \(id.name) is renewed, needs \(needs) ns to be gone and has \(within.ns)")
  }
}
