@testable import PoolAllocator

/// One way to falsify what the watch is shown of a command: its events, its answer, or the pool
/// after it.
struct Falsehood: Sendable, CustomStringConvertible {
  /// The invariant that it breaks; another one may notice first.
  let invariant: String
  let name: String
  /// Both in one line.
  var description: String { "\(invariant): \(name)" }
  /// Falsifies; false where there is nothing of its kind.
  let apply: @Sendable (inout EventLog, inout Decision, inout Pool) -> Bool

  init(
    _ invariant: String, _ name: String,
    _ apply: @escaping @Sendable (inout EventLog, inout Decision, inout Pool) -> Bool
  ) {
    self.invariant = invariant
    self.name = name
    self.apply = apply
  }

  /// Changes a row of one list of the log.
  private static func change<Row>(
    _ rows: inout LogRows<Row>, at index: Int, _ change: (inout Row) -> Void
  ) {
    var all = Array(rows)
    change(&all[index])
    rows = LogRows(all)
  }

  /// Falsifies the first grant of a command.
  static func grant(
    _ invariant: String, _ name: String,
    _ change: @escaping @Sendable (inout Grant, inout EventLog, Pool) -> Bool
  ) -> Falsehood {
    Falsehood(invariant, name) { log, _, pool in
      guard var grant = log.grants.first, change(&grant, &log, pool) else { return false }
      Falsehood.change(&log.grants, at: 0) { $0 = grant }
      return true
    }
  }

  /// Falsifies the first posting of a command.
  static func posting(
    _ invariant: String, _ name: String, _ change: @escaping @Sendable (inout Posting) -> Void
  ) -> Falsehood {
    Falsehood(invariant, name) { log, _, _ in
      guard !log.postings.isEmpty else { return false }
      Falsehood.change(&log.postings, at: 0, change)
      return true
    }
  }

  /// Replaces the first event that a change is made for; by nothing, where it is empty.
  static func event(
    _ invariant: String, _ name: String, _ change: @escaping @Sendable (Event, Pool) -> [Event]?
  ) -> Falsehood {
    Falsehood(invariant, name) { log, _, pool in
      var events = Array(log.events)
      for index in events.indices {
        guard let instead = change(events[index], pool) else { continue }
        events.replaceSubrange(index...index, with: instead)
        log.events = LogRows(events)
        return true
      }
      return false
    }
  }

  /// Falsifies a bucket that the command posted to.
  static func bucket(
    _ invariant: String, _ name: String, _ change: @escaping @Sendable (inout Bucket) -> Void
  ) -> Falsehood {
    Falsehood(invariant, name) { log, _, pool in
      guard let id = log.postings.first?.bucket, pool.buckets.contains(id) else { return false }
      change(&pool.buckets[id])
      return true
    }
  }
}

extension Falsehood {
  static let places: [Falsehood] = [
    Falsehood("D1", "a device counts a share more") { log, _, pool in
      guard let use = log.uses.first, !log.grants.isEmpty else { return false }
      pool.devices[use.device].shares += 1
      return true
    },
    Falsehood("D1", "a node counts less processor time") { log, _, pool in
      guard let node = log.grants.first?.node else { return false }
      let used = pool.nodes[node].cpuUsed.value
      pool.nodes[node].cpuUsed = MilliCPU(used + 1)
      return true
    },
    Falsehood("D5", "a part of a CPU set is larger") { log, _, pool in
      guard let use = log.uses.first, !log.grants.isEmpty,
        pool.devices[use.device].report.kind == .cpu
      else { return false }
      let capacity = pool.devices[use.device].capacity.value
      pool.devices[use.device].capacity = MilliGPU(capacity + 1)
      return true
    },
    .event("D6", "a device fails before it is granted") { event, pool in
      guard case .leaseGranted(let claim, _) = event, let lead = pool.claim(claim)?.lease,
        let lease = pool.lease(lead), let use = pool.uses(of: lease).first
      else { return nil }
      return [.deviceMoved(use.device, .failed), event]
    },
    .event("D6", "a node is cordoned before it is granted") { event, pool in
      guard case .leaseGranted(let claim, _) = event, let lead = pool.claim(claim)?.lease,
        let node = pool.lease(lead)?.node
      else { return nil }
      return [.nodeDuty(node, .cordoned, drainBy: .farFuture), event]
    },
    .grant("D3", "a fencing number is used again") { grant, _, _ in
      guard grant.fencing.sequence > 1 else { return false }
      grant.fencing = Fencing(raw: grant.fencing.raw - 1)
      return true
    },
    Falsehood("L1", "a lane counts more than its leases") { log, _, pool in
      guard let lane = log.grants.first?.lane else { return false }
      pool.lanes[lane].used += 1
      return true
    },
    .event("L2", "a shortfall is not said") { event, _ in
      guard case .guaranteeImpaired = event else { return nil }
      return []
    },
    .event("L2", "a shortfall is said smaller") { event, _ in
      guard case .guaranteeImpaired(let lane, let short, let code) = event, short > 1 else {
        return nil
      }
      return [.guaranteeImpaired(lane, short: short - 1, because: code)]
    },
    .grant("P1", "a grant in a lane that was not named") { grant, _, pool in
      guard let named = pool.claim(grant.claim)?.spec.lanes else { return false }
      for row in UInt32(0)..<64 where !named.contains(row: row) {
        guard let lane = pool.laneID(atRow: row) else { continue }
        grant.lane = lane
        return true
      }
      return false
    },
    .grant("P1", "a grant at half the price") { grant, _, _ in
      grant.rate /= 2
      return true
    },
    .grant("P1", "a device that was not asked for") { grant, log, _ in
      guard grant.uses.count > 1 else { return false }
      grant.uses.count -= 1
      return true
    },
    Falsehood("P1", "half the memory that was asked for") { log, _, _ in
      guard !log.grants.isEmpty, let use = log.uses.first, use.memory > .zero else { return false }
      Falsehood.change(&log.uses, at: 0) { $0.memory = Bytes(use.memory.value / 2) }
      return true
    },
    .event("P2", "what its holder released is preempted") { event, _ in
      guard case .leaseStopping(let id, .released, let at, let killBy) = event else { return nil }
      return [.leaseStopping(id, .preempted, at: at, killBy: killBy)]
    },
    .event("P2", "what was not lent is reclaimed") { event, pool in
      guard case .leaseStopping(let id, .released, let at, let killBy) = event else { return nil }
      return [.leaseStopping(id, .reclaimed, at: at, killBy: killBy)]
    },
  ]

  static let money: [Falsehood] = [
    .bucket("B1", "a book counts a credit more") { $0.books.charged += Credits(1) },
    .bucket("B1", "a bucket holds a credit less") {
      $0.credits.level = Credits($0.credits.level.value - 1)
    },
    .posting("B2", "a refill of a credit more") {
      $0.refilled = Credits($0.refilled.value + 1)
    },
    .posting("B2", "a remainder that is not carried") {
      $0.remainder = $0.remainder == 0 ? 1 : 0
    },
    .posting("B2", "a credit is forfeited for nothing") {
      $0.forfeited = Credits($0.forfeited.value + 1)
    },
    .grant("B4", "the last bucket of a path pays nothing") { grant, _, _ in
      grant.postings.count -= 1
      return true
    },
    .posting("B2", "one bucket of a path pays a credit more") {
      $0.charged = Credits($0.charged.value + 1)
    },
    Falsehood("B4", "two buckets of a path change places") { log, _, _ in
      guard let run = log.grants.first?.postings, run.count > 1 else { return false }
      var all = Array(log.postings)
      all.swapAt(Int(run.first), Int(run.first) + 1)
      log.postings = LogRows(all)
      return true
    },
    .event("B5", "a quantum is settled twice") { event, _ in
      guard case .settled = event else { return nil }
      return [event, event]
    },
    .event("B5", "a quantum is not settled") { event, _ in
      guard case .settled = event else { return nil }
      return []
    },
    .event("B5", "a quantum costs a credit more") { event, _ in
      guard case .settled(let id, let number, let charge, let rest, let run) = event else {
        return nil
      }
      let more = Credits(charge.value + 1)
      return [.settled(id, quantum: number, charge: more, remainder: rest, postings: run)]
    },
    .event("B5", "a lease is billed longer") { event, _ in
      guard case .leaseStopping(let id, let cause, let at, let killBy) = event else { return nil }
      let later = at + .seconds(1)
      return [.leaseStopping(id, cause, at: later, killBy: killBy)]
    },
    .event("J3", "an attempt stops twice") { event, _ in
      guard case .leaseStopping = event else { return nil }
      return [event, event]
    },
    Falsehood("B6", "what is granted is said to wait") { _, decision, _ in
      guard decision.verdict == .admitted else { return false }
      decision.verdict = .queued
      return true
    },
    Falsehood("B6", "what is refused takes a claim in") { log, decision, pool in
      guard decision.verdict == .queued else { return false }
      decision.verdict = .rejected
      return true
    },
  ]

  static let states: [Falsehood] = [
    .event("J1", "a lease starts twice") { event, _ in
      guard case .leaseStarted = event else { return nil }
      return [event, event]
    },
    .event("J1", "what runs is said to run again") { event, _ in
      guard case .leaseCheckpointed(let id, _) = event else { return nil }
      return [.leaseResumed(id)]
    },
    Falsehood("J1", "a claim is elsewhere than its events say") { log, decision, pool in
      guard let id = decision.claim, pool.claim(id)?.state == .queued else { return false }
      pool.claims[id].state = .parked
      return true
    },
    .event("J1", "a silent node is ready at once") { event, _ in
      guard case .nodeReached(let id, .recovering) = event else { return nil }
      return [event, .nodeReached(id, .silent)]
    },
    Falsehood("J2", "a claim is counted twice") { log, decision, pool in
      pool.waitingClaims += 1
      return true
    },
    Falsehood("J2", "a tenant counts a claim more") { log, decision, pool in
      guard let id = decision.claim, let tenant = pool.claim(id)?.tenant, !log.claimFacts.isEmpty
      else { return false }
      pool.tenants[tenant].live += 1
      return true
    },
    Falsehood("F1", "a tenant is charged a unit more") { log, _, pool in
      guard let grant = log.grants.first, let tenant = pool.lease(grant.lease)?.tenant else {
        return false
      }
      let (row, lane) = (tenant.row, grant.lane.row)
      let served = pool.service.served(row, at: grant.level, in: lane)
      pool.service.set(row, at: grant.level, in: lane, CreditTotal(served.value + 1))
      return true
    },
    Falsehood("S1", "an answer names another tenant's claim") { log, decision, pool in
      guard let own = decision.claim, let tenant = pool.claim(own)?.tenant, !log.claimFacts.isEmpty
      else { return false }
      var other: ClaimID?
      pool.forEachClaim { id, claim in if claim.tenant != tenant { other = id } }
      guard let other else { return false }
      decision.claim = other
      return true
    },
    Falsehood("S1", "a reason names another tenant's bucket") { log, decision, pool in
      guard let own = decision.claim, let tenant = pool.claim(own)?.tenant,
        let place = decision.reasons.indices.first, !log.claimFacts.isEmpty
      else { return false }
      var other: BucketID?
      pool.forEachBucket { id, bucket in if bucket.tenant != tenant { other = id } }
      guard let other else { return false }
      Falsehood.change(&log.reasons, at: place) { $0.subject = .bucket(other.row) }
      return true
    },
    Falsehood("S1", "a reason names a lane that was not named") { log, decision, pool in
      guard let own = decision.claim, let claim = pool.claim(own), !claim.isDegraded,
        let place = decision.reasons.indices.first, !log.claimFacts.isEmpty
      else { return false }
      for row in UInt32(0)..<64 where !claim.spec.lanes.contains(row: row) {
        Falsehood.change(&log.reasons, at: place) { $0.subject = .lane(row) }
        return true
      }
      return false
    },
    Falsehood("S2", "a budget outlives the one above it") { log, _, _ in
      guard let spec = log.delegations.first, spec.parent != nil else { return false }
      Falsehood.change(&log.delegations, at: 0) { $0.expires = $0.expires + .seconds(100_000) }
      return true
    },
    .event("S2", "a budget is closed before it pays") { event, pool in
      guard case .leaseGranted(let id, _) = event,
        let budget = pool.claim(id)?.spec.budget.flatMap({ pool.budget(named: $0) })
      else { return nil }
      return [.budgetClosed(budget, because: .delegationRevoked), event]
    },
    Falsehood("S3", "an answer cites another policy") { _, decision, _ in
      decision.policy = PolicyGeneration(decision.policy.value + 1)
      return true
    },
    .bucket("X1", "a bucket keeps more back") { $0.committed += Credits(1) },
    Falsehood("X1", "a tenant counts a refusal more") { _, _, pool in
      guard let id = pool.tenants.id(at: 0) else { return false }
      pool.tenants[id].refused += 1
      return true
    },
    Falsehood("T1", "the pool is ahead of its record") { _, _, pool in
      pool.now = pool.now + Span(ns: 1)
      return true
    },
  ]
}
