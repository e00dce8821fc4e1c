import PoolAllocator

/// S3: every answer and every lease cites the generation of policy that was in force.
struct PolicyCitations {
  /// Looks at the answer to a command.
  func close(
    _ decision: Decision, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    let (cited, own) = (decision.policy.value, facts.generation.value)
    let current = pool.generation.value
    try must(
      cited == own && current == own, "S3",
      "an answer cites generation \(cited), the pool has \(current), in force is \(own)")
    for id in facts.touchedLeases {
      guard let lease = pool.lease(id), let known = facts.leases[id] else { continue }
      try must(
        lease.policy <= facts.generation && lease.policy.value > 0
          && (known.state != .granted || known.paid != known.grant.quantum.ns
            || lease.rate == known.grant.rate),
        "S3",
        "lease \(id.name) cites generation \(lease.policy.value) of \(own)")
    }
  }
}
