import PoolAllocator

/// What an answer says.
extension Verifier {
  mutating func check(_ decision: Decision, _ log: EventLog) {
    let granted = log.events.flatMap { event -> [Grant] in
      if case .leaseGranted(_, let run) = event { log.grants[run.indices].map { $0 } } else { [] }
    }
    let submitted = log.claimFacts.first
    switch decision.verdict {
    case .admitted:
      let grants = granted.filter { $0.claim == decision.claim }
      must(
        decision.lease != nil && grants.first?.lease == decision.lease, .decision,
        "what is admitted is granted")
      let reserved = grants.reduce(Int64(0)) { $0 + $1.reserved.value }
      must(reserved == decision.reservation.value, .decision, "it states what was reserved")
      if let fact = submitted { checkPrice(decision, grants, fact) }
    case .downgraded:
      must(
        decision.claim.map { claims[$0] != nil } ?? false, .decision, "a claim on a rung lives")
      must(!decision.changes.indices.isEmpty, .decision, "a rung changes something")
      must(!decision.reasons.indices.isEmpty, .decision, "a claim on a rung is told why")
      let grants = granted.filter { $0.claim == decision.claim }
      must(grants.first?.lease == decision.lease, .decision, "its lease is what was granted")
      if let id = decision.claim, let fact = claims[id]?.fact, !grants.isEmpty {
        checkPrice(decision, grants, fact)
      }
      // Its reasons speak of what it asked for, before it got less.
      return
    case .queued, .parked, .awaitingApproval:
      must(
        decision.claim.map { claims[$0] != nil } ?? false, .decision, "a claim that waits lives")
      must(
        granted.isEmpty && decision.lease == nil, .decision, "a claim that waits has no lease")
      must(!decision.reasons.indices.isEmpty, .decision, "a claim that waits is told why")
    case .rejected, .infeasible:
      let isRefused = log.events.contains { event in
        switch event {
        case .claimRefused, .commandRefused: true
        case .leaseUnpaid: true
        default: false
        }
      }
      must(isRefused || decision.lease != nil, .decision, "a refusal is recorded")
      must(submitted == nil, .decision, "a refused claim is not taken in")
    case .done: break
    }
    for index in decision.reasons.indices where index < log.reasons.count {
      check(log.reasons[index], decision, submitted, log)
    }
  }

  private mutating func checkPrice(_ decision: Decision, _ grants: [Grant], _ fact: ClaimFact) {
    let expected = min(fact.plan.expected, fact.spec.runtimeMax)
    let rate = grants.reduce(Int128(0)) { $0 + Int128($1.rate) }
    let reserved = grants.reduce(Int128(0)) { $0 + Int128($1.reserved.value) }
    let price =
      expected == grants.first?.quantum ? reserved : LeaseBook.up(rate * Int128(expected.ns))
    must(Int128(decision.price.value) == price, .decision, "price \(decision.price.value)")
  }

  // MARK: reasons

  private mutating func check(
    _ reason: Reason, _ decision: Decision, _ fact: ClaimFact?, _ log: EventLog
  ) {
    switch (reason.code, reason.subject) {
    case (.bucketShort, .bucket(let row)), (.budgetSpent, .bucket(let row)):
      guard let id = after.bucketIDs[row], let level = levels[id]?.at(log.at.ns) else {
        return must(false, .reason, "bucket \(row) does not exist")
      }
      must(Int128(reason.have) == level.credits, .reason, "it holds \(level.credits)")
      must(reason.have < reason.need, .reason, "a bucket that is short lacks something")
      must(clears(reason, level, log.at.ns), .reason, "it clears otherwise")
      if let fact { checkNeed(reason, id, fact, at: log.at.ns) }
    case (.lendingLimit, .lane(let row)):
      guard let lane = after.laneIDs[row].flatMap({ lane($0) }),
        case .reclaimable(_, let most) = lane.lending
      else { return must(false, .reason, "lane \(row) is not lent") }
      must(reason.have == most && reason.need > most, .reason, "it lends \(most)")
    case (.runtimeTooLong, .lane(let row)):
      let longest = after.laneIDs[row].flatMap { lane($0) }?.leaseMax.ns
      must(reason.have == longest && reason.need > reason.have, .reason, "leases last otherwise")
    default: break
    }
  }

  /// Whether a bucket that is short clears when it is said to: with what its emergency gives, where
  /// that comes before its end, else without.
  private func clears(_ reason: Reason, _ level: Level, _ now: Int64) -> Bool {
    let told = reason.clearsAt.map { Int128($0.ns) }
    guard let until = level.until, now < until else {
      return told == level.moment(of: Int128(reason.need))
    }
    let early = level.moment(of: Int128(reason.need))
    if let early, early < Int128(until) || told == early { return told == early }
    // Who asks is not known of a refused claim: P0 and P1 need less while it is open.
    let late = level.moment(of: Int128(reason.need) + Int128(level.emergency))
    return told == late || told == early
  }

  /// What a bucket must hold: the first quantum in one of the claim's lanes, beside the next one of
  /// every lease that runs.
  private mutating func checkNeed(
    _ reason: Reason, _ id: BucketID, _ fact: ClaimFact, at now: Int64
  ) {
    let kept = leases.values.filter { $0.stopped == nil && $0.path.contains(id) }
      .reduce(Int128(0)) { $0 + ($1.next?.price ?? 0) }
    let prices = after.laneIDs.filter { fact.spec.lanes.contains(row: $0.key) }.values
      .compactMap { lane($0) }.compactMap { price(of: fact, in: $0) }
    let allowed = levels[id]?.allowance(fact.serviceClass.rank, at: now) ?? 0
    must(
      prices.contains { $0 + kept - allowed == Int128(reason.need) }, .reason,
      "it needs what no lane costs: \(reason.need)")
  }

  /// The first quantum of a claim in a lane.
  private func price(of fact: ClaimFact, in lane: LaneRule) -> Int128? {
    guard let profile = profile(of: lane) else { return nil }
    let rate =
      billed(fact.spec.demand, profile) * Int128(profile.weightMilli) * Int128(fact.weightMilli)
    let quantum = min(
      policy.classes[Int(fact.serviceClass.rank)].quantum, fact.spec.runtimeMax)
    return LeaseBook.up(rate * Int128(quantum.ns)) * Int128(fact.spec.demand.members)
  }
}
