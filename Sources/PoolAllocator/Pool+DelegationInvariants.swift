/// What must hold of the budgets of delegations.
extension Pool {
  /// B1: what a budget has spent is what its leases reserved and settled, never above its limit,
  /// and never above what the budget that it was given out of has spent.
  func checkDelegations() {
    var reserved = Array(repeating: Int128(0), count: buckets.extent)
    leases.forEach { _, lease in
      let open = Int128(lease.reserved.value) + Int128(lease.nextReserved?.value ?? 0)
      for index in 0..<lease.path.count { reserved[Int(lease.path[index].row)] += open }
    }
    var children = Array(repeating: 0, count: buckets.extent)
    var count = 0
    buckets.forEach { id, bucket in
      invariant(
        (queue.limitTimers.order(of: id.row) ?? .farFuture) == limitTimer(of: id.row),
        "a limit is looked at in time")
      guard let delegation = bucket.delegation else { return }
      invariant(bucket.emergencyUntil == nil, "a budget has no emergency")
      count += 1
      invariant(keys.budgets.row(for: bucket.rule.key) == id.row, "a budget is found by its key")
      let books = bucket.books
      invariant(
        Int128(bucket.spent.value) == books.charged.value - books.refunded.value,
        "B1: what is spent is what was charged and not given back")
      invariant(
        bucket.credits.level >= .zero && books.refilled == .zero && books.forfeited == .zero,
        "B1: a budget is never passed, and never refills")
      invariant(delegation.reserved.value == reserved[Int(id.row)], "B1: what is reserved adds up")
      invariant(bucket.settled >= 0, "B1: what is settled is spent")
      invariant(Int(delegation.depth) <= Limits.delegationDepth, "delegations end somewhere")
      invariant(
        (delegation.closed == nil) == (delegation.closedAt == .farFuture), "a closure has a time")
      if let parent = bucket.parent {
        children[Int(parent.row)] += 1
        guard let above = buckets[parent].delegation else { broken("a budget stands below one") }
        invariant(delegation.depth == above.depth + 1, "depth counts from the tenant")
        invariant(delegation.ceiling >= above.ceiling, "a delegation only narrows")
        invariant(buckets[parent].tenant == bucket.tenant, "a delegation stays with its tenant")
        invariant(bucket.spent <= buckets[parent].spent, "B1: every ancestor is charged")
        invariant(above.closed == nil || delegation.closed != nil, "a closure takes all below it")
      } else {
        invariant(delegation.depth == 1, "what a tenant gives itself is the first")
      }
    }
    invariant(keys.budgets.count == count, "every budget has its key")
    buckets.forEach { id, bucket in
      guard let delegation = bucket.delegation else { return }
      invariant(Int(delegation.children) == children[Int(id.row)], "what was given on is counted")
    }
    claims.forEach { id, claim in
      let row = claim.isWaiting ? claim.spec.budget.flatMap { keys.budgets.row(for: $0) } : nil
      invariant(queue.delegated.heap(of: id.row) == row, "who waits for a budget is in its heap")
      invariant(
        claim.spec.budget == nil
          || keys.budgets.row(for: claim.spec.budget ?? claim.spec.key) != nil,
        "a live claim's budget is known")
    }
    keys.heirs.checkInvariants()
  }
}
