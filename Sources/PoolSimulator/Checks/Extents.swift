import PoolAllocator

/// R1: tables, queues, reasons and logs stay within the limits of the pool.
struct Extents {
  /// Looks at what a command added.
  /// - Complexity: O(1), and O(leases that it touched).
  func close(
    _ command: Command, _ decision: Decision, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    let (limits, counts) = (facts.limits, facts.counts)
    try must(
      counts.claims <= limits.claims && counts.leases <= limits.leases
        && counts.nodes <= limits.nodes && counts.quotes <= limits.quotes
        && counts.buckets <= limits.buckets && counts.budgets <= limits.budgets, "R1",
      "a table passes its limit: \(counts)")
    let (events, reasons) = (log.events.count, Int(decision.reasons.count))
    try must(
      events <= Limits.stepsPerCommand && reasons <= Limits.reasons, "R1",
      "a command took \(events) steps and gives \(reasons) reasons")
    if case .submit(let spec) = command, let id = decision.claim {
      try checkDoor(spec, id, facts)
    }
    for id in facts.touchedNodes {
      let leases = facts.nodes[id]?.leases.count ?? 0
      try must(
        leases <= Limits.leasesPerNode, "R1", "node \(id.name) has \(leases) leases")
    }
  }

  /// A claim from the door waits only where the queues have room; what comes back into the order
  /// keeps its place.
  private func checkDoor(
    _ spec: ClaimSpec, _ id: ClaimID, _ facts: borrowing Facts
  ) throws(Violation) {
    let live = facts.liveWorkflows[spec.workflow] ?? 0
    try must(
      live <= facts.limits.liveClaimsPerWorkflow, "R1",
      "a workflow has \(live) live claims of \(facts.limits.liveClaimsPerWorkflow)")
    guard let claim = facts.claims[id], claim.isWaiting,
      let tenant = facts.tenants[claim.fact.tenant]
    else { return }
    let most = min(Int(tenant.rule.queueMax), facts.limits.queuedClaimsPerTenant)
    try must(
      facts.waiting <= facts.limits.queuedClaims && tenant.waiting <= most, "R1",
      "\(facts.waiting) claims wait, \(tenant.waiting) of tenant \(claim.fact.tenant.name), of "
        + "\(facts.limits.queuedClaims) and \(most)")
  }

  /// Looks at the whole pool.
  /// - Complexity: O(devices + leases).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    var devices = 0
    pool.forEachDevice { _, _ in devices += 1 }
    let (signals, dependencies) = (pool.signals.count, pool.dependencies.count)
    try must(
      devices <= facts.limits.devices && signals <= Limits.signals
        && dependencies <= Limits.dependencies, "R1",
      "the pool has \(devices) devices, \(signals) signals and \(dependencies) dependencies")
    for id in facts.claims.ids {
      guard let claim = facts.claims[id] else { continue }
      try must(
        claim.preemptions <= Limits.preemptionsPerClaim, "R1",
        "claim \(id.name) was preempted \(claim.preemptions) times")
    }
  }
}
