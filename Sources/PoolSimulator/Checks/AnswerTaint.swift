import PoolAllocator

/// S1: no answer for one tenant carries a row of another's: every claim, lease, quote and bucket in
/// a decision and its reasons is followed back to the tenant that asked.
struct AnswerTaint {
  /// Looks at the answer to a command; the claims are those after it.
  func close(
    _ command: Command, _ decision: Decision, _ facts: borrowing Facts,
    _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    guard let asker = asker(command, decision, facts, pool) else { return }
    try checkRows(decision, asker, facts, pool)
    var lanes = asker.lanes
    if let id = decision.claim, let claim = facts.claims[id] { lanes.bits |= claim.named.bits }
    for index in decision.reasons.indices {
      try check(log.reasons[index], asker, lanes, facts)
    }
  }

  /// Looks at what stood in the way of a claim that waited too long, before it is folded.
  func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    guard case .waitExceeded(let id, let run) = event, let claim = facts.claims[id] else { return }
    let asker = Asker(
      tenant: claim.fact.tenant, lanes: claim.named, budget: claim.fact.spec.budget)
    for index in run.indices { try check(log.reasons[index], asker, asker.lanes, facts) }
  }

  /// For whom an answer is.
  private struct Asker {
    var tenant: TenantID
    var lanes: LaneSet
    var budget: Key?
  }

  private func asker(
    _ command: Command, _ decision: Decision, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) -> Asker? {
    switch command {
    case .submit(let spec), .quote(_, let spec, _):
      return pool.tenant(named: spec.tenant).map {
        Asker(tenant: $0, lanes: spec.lanes, budget: spec.budget)
      }
    case .renew(let id, _), .release(let id, _, _), .confirmStarted(let id, _),
      .confirmCheckpoint(let id, _):
      guard let lease = facts.leases[id] else { return nil }
      var lanes = facts.claims[lease.grant.claim]?.named ?? .none
      lanes.insert(lease.grant.lane)
      return Asker(tenant: lease.tenant, lanes: lanes, budget: nil)
    case .cancel(let id), .approve(let id, _, _), .deny(let id, _):
      guard let claim = facts.claims[id] else { return nil }
      return Asker(tenant: claim.fact.tenant, lanes: claim.named, budget: nil)
    default: return nil
    }
  }

  private func checkRows(
    _ decision: Decision, _ asker: Asker, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    if let id = decision.claim, let claim = facts.claims[id] {
      try must(
        claim.fact.tenant == asker.tenant, "S1",
        "an answer to tenant \(asker.tenant.name) names claim \(id.name) of another")
    }
    if let id = decision.lease, let lease = facts.leases[id] {
      try must(
        lease.tenant == asker.tenant, "S1",
        "an answer to tenant \(asker.tenant.name) names lease \(id.name) of another")
    }
    if let id = decision.quote, let quote = facts.quotes[id] {
      try must(
        quote.tenant == asker.tenant, "S1",
        "an answer to tenant \(asker.tenant.name) names quote \(id.name) of another")
    }
    try must(
      decision.node == nil, "S1", "an answer to tenant \(asker.tenant.name) names a node")
  }

  private func check(
    _ reason: Reason, _ asker: Asker, _ lanes: LaneSet, _ facts: borrowing Facts
  ) throws(Violation) {
    switch reason.subject {
    case .request, .identity: break
    case .lane(let row):
      try must(
        lanes.contains(row: row), "S1",
        "tenant \(asker.tenant.name) is told \(reason.code) of lane \(row), which it did not name")
    case .bucket(let row):
      let owner = facts.buckets.id(at: Int(row)).flatMap { facts.buckets[$0]?.tenant }
      try must(
        owner == nil || owner == asker.tenant, "S1",
        "tenant \(asker.tenant.name) is told \(reason.code) of bucket \(row) of another")
    }
  }
}
