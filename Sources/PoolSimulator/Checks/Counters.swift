import PoolAllocator

/// X1: what the pool counts for screens and metrics is what the events add up to.
struct Counters {
  /// How often rungs were taken, and what their leases were charged: by service, rung and trigger.
  private struct Rung: Hashable {
    var service: Key
    var rung: Key
    var trigger: UInt8
  }

  private struct Count: Equatable {
    var claims: UInt64 = 0
    var charged: Int128 = 0
  }

  private var rungs: [Rung: Count] = [:]
  /// The rung that a live claim is on.
  private var onRung = ByID<Claim, Rung>()
  /// Leases that were granted on a rung.
  private var leases = ByID<Lease, Bool>()

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) {
    switch event {
    case .claimDowngraded(let id, _, _, let fact):
      guard let spec = facts.claims[id]?.fact.spec else { return }
      let row = log.downgrades[Int(fact)]
      let rung = Rung(service: spec.service, rung: row.key, trigger: row.trigger.rawValue)
      onRung[id] = rung
      if has(rung, facts) { rungs[rung, default: Count()].claims += 1 }
    case .claimEnded(let id, _): onRung[id] = nil
    case .leaseGranted(let id, let run):
      guard onRung[id] != nil else { return }
      for index in run.indices { leases[log.grants[index].lease] = true }
    case .settled(let id, _, let charge, _, _):
      guard leases[id] != nil, let claim = facts.leases[id]?.grant.claim,
        let rung = onRung[claim], has(rung, facts)
      else { return }
      rungs[rung, default: Count()].charged += Int128(charge.value)
    case .leaseEnded(let id): leases[id] = nil
    default: break
    }
  }

  /// Whether the policy in force has a rung.
  private func has(_ rung: Rung, _ facts: borrowing Facts) -> Bool {
    let policy = facts.policy
    return policy.rungs.contains {
      $0.key == rung.rung && policy.services[Int($0.service)].key == rung.service
    }
  }

  /// Counts of rungs that a policy does not have are gone; after it came into force.
  mutating func activate(_ facts: borrowing Facts) {
    for rung in rungs.keys where !has(rung, facts) { rungs[rung] = nil }
  }

  /// Compares every count.
  /// - Complexity: O(tenants + nodes + rungs).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    for id in facts.tenants.ids {
      guard let known = facts.tenants[id], let tenant = pool.tenant(id) else { continue }
      try must(
        tenant.refused == known.refused && Int(tenant.quotes) == known.quotes, "X1",
        "tenant \(id.name) counts \(tenant.refused) refusals and \(tenant.quotes) quotes, had "
          + "\(known.refused) and \(known.quotes)")
    }
    var total = UInt64(0)
    var wrong: String?
    pool.forEachDegradationCount { service, rung, trigger, count in
      let key = Rung(service: service, rung: rung, trigger: trigger.rawValue)
      let own = rungs[key] ?? Count()
      total += 1
      if own.claims != count.claims || own.charged != count.charged.value {
        wrong = "a rung counts \(count), by its events \(own)"
      }
    }
    if let wrong { throw Violation("X1", wrong) }
    let own = UInt64(rungs.count { $0.value.claims > 0 })
    try must(total == own, "X1", "\(total) rungs are counted, \(own) were taken")
    let (epoch, known) = (pool.epoch, facts.epoch)
    try must(epoch == known, "D3", "the pool is in epoch \(epoch), begun was \(known)")
  }
}
