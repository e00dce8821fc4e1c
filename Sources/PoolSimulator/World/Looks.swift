import PoolAllocator

/// What callers and operators see of the pool before they ask for something.
extension Pool {
  /// One of the leases that somebody would do something with.
  func anyLease(
    _ random: inout SeededGenerator, where isMeant: (Lease) -> Bool = { _ in true }
  ) -> (id: LeaseID, lease: Lease)? {
    var found: (LeaseID, Lease)?
    var count = 0
    forEachLease { id, lease in
      guard isMeant(lease) else { return }
      count += 1
      if random.number(count) == 0 { found = (id, lease) }
    }
    return found
  }

  /// One of the claims that somebody would do something with.
  func anyClaim(
    _ random: inout SeededGenerator, where isMeant: (Claim) -> Bool = { _ in true }
  ) -> (id: ClaimID, claim: Claim)? {
    var found: (ClaimID, Claim)?
    var count = 0
    forEachClaim { id, claim in
      guard isMeant(claim) else { return }
      count += 1
      if random.number(count) == 0 { found = (id, claim) }
    }
    return found
  }

  /// Live claims.
  var claimsAlive: Int {
    var count = 0
    forEachTenant { _, tenant in count += Int(tenant.live) }
    return count
  }

  /// The budgets of delegations that are open, with their tenants.
  func openBudgets() -> [(budget: Key, tenant: Key)] {
    var open: [(budget: Key, tenant: Key)] = []
    forEachBucket { _, bucket in
      guard let delegation = bucket.delegation, delegation.closed == nil,
        let tenant = tenant(bucket.tenant)
      else { return }
      open.append((bucket.rule.key, tenant.key))
    }
    return open
  }

  /// A bucket that may have an emergency; sometimes any.
  func anyBucket(_ random: inout SeededGenerator) -> BucketID? {
    var all: [BucketID] = []
    forEachBucket { id, bucket in
      if bucket.rule.emergency > .zero || random.chance(10) { all.append(id) }
    }
    return random.pick(all)
  }
}
