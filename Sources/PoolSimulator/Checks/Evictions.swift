import PoolAllocator

/// P2, victims: work gives way only to the owner of its lane, or to a class far enough above it
/// that holds its devices for it; never inside its shield, never too often, and within the rate of
/// its lane (SEMANTICS 6).
struct Evictions {
  /// Leases that one lane may still lose, in leases times nanoseconds of an hour.
  private struct Allowance {
    var level: Int128
    var asOf: Int64
  }

  /// For whom devices were kept last in the command.
  private struct Holder {
    var claim: ClaimID
    var rank: UInt8
    var runtimeMax: Int64
    var lane: LaneID
    var tenant: TenantID
    var isHeld: Bool
    /// The devices that are kept, and what its members need of their nodes beside them.
    var devices: [DeviceID]
    var demand: Demand
    /// Whether the lane's rate was looked at for it.
    var isCharged = false
    /// Who was stopped for it: of a gang the member that was named.
    var victims: [LeaseID] = []
  }

  private static let lease: Int128 = 3_600_000_000_000
  private var allowances = ByID<Lane, Allowance>()
  private var rule: PreemptionRule?
  private var holder: Holder?
  /// What ended, or was kept for others no more, in the command: it may have counted when victims
  /// were chosen.
  private var gone: [(node: NodeID, demand: Demand, members: Int64)] = []

  /// Forgets for whom devices were kept; after a command.
  mutating func close(_ facts: borrowing Facts) throws(Violation) {
    try checkNeed(facts)
    holder = nil
    gone.removeAll(keepingCapacity: true)
  }

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    switch event {
    case .claimPinned(let id, let fact):
      guard let claim = facts.claims[id] else { return }
      try checkNeed(facts)
      let pin = log.pins[Int(fact)]
      holder = Holder(
        claim: id, rank: claim.fact.serviceClass.rank,
        runtimeMax: claim.fact.spec.runtimeMax.ns, lane: pin.lane, tenant: claim.fact.tenant,
        isHeld: pin.isHeld, devices: pin.uses.indices.map { log.uses[$0].device },
        demand: claim.fact.spec.demand)
    case .leaseEnded(let id):
      guard let lease = facts.leases[id] else { return }
      gone.append((lease.grant.node, lease.demand, 1))
    case .claimUnpinned(let id, _):
      guard let claim = facts.claims[id] else { return }
      let demand = claim.fact.spec.demand
      for device in claim.kept {
        guard let node = facts.devices[device]?.node else { continue }
        gone.append((node, demand, Int64(demand.members)))
      }
    case .leaseStopping(let id, .preempted, _, _): try preempt(id, facts)
    case .leaseStopping(let id, .reclaimed, _, _): try reclaim(id, facts)
    default: break
    }
  }

  /// Puts the lanes under the rule of the policy in force; after the event was folded.
  mutating func activate(_ facts: borrowing Facts) {
    let old = rule
    rule = facts.policy.preemption
    for id in allowances.ids where facts.lanes[id] == nil { allowances[id] = nil }
    for id in facts.lanes.ids {
      guard let rule else {
        allowances[id] = nil
        continue
      }
      let most = Int128(rule.burst) * Self.lease
      if let old, allowances[id] != nil {
        refill(id, old, facts.now)
        let level = allowances[id]?.level ?? 0
        allowances[id]?.level = min(level, most)
      } else {
        allowances[id] = Allowance(level: most, asOf: facts.now)
      }
    }
  }

  private mutating func refill(_ id: LaneID, _ rule: PreemptionRule, _ now: Int64) {
    guard var allowance = allowances[id] else { return }
    allowance.level = min(
      Int128(rule.burst) * Self.lease,
      allowance.level + Int128(now - allowance.asOf) * Int128(rule.perHour))
    allowance.asOf = now
    allowances[id] = allowance
  }

  private mutating func preempt(_ id: LeaseID, _ facts: borrowing Facts) throws(Violation) {
    guard let lease = facts.leases[id], let rule else {
      throw Violation("P2", "lease \(id.name) is preempted and no class may preempt")
    }
    guard let holder, holder.isHeld, holder.lane == lease.grant.lane else {
      throw Violation("P2", "lease \(id.name) is preempted for nobody")
    }
    try checkLane(holder, facts)
    self.holder?.victims.append(id)
    let claim = facts.claims[lease.grant.claim]
    try must(
      lease.interruption != nil && !lease.grant.isLent
        && claim?.preemptions ?? 0 < Limits.preemptionsPerClaim, "P2",
      "lease \(id.name) is preempted and may not be: lent \(lease.grant.isLent), "
        + "\(claim?.preemptions ?? 0) times before")
    var shieldEnds = Int64(0)
    let shield = max(
      lease.grant.terms.shield.ns, facts.policy.classes[Int(lease.rank)].shield.ns)
    for member in lease.gang {
      let known = facts.leases[member]
      guard let started = known?.started, known?.state == .active else {
        throw Violation(
          "P2", "lease \(id.name) is preempted while member \(member.name) does not run")
      }
      shieldEnds = max(shieldEnds, started + shield)
    }
    try must(
      facts.now >= shieldEnds, "P2",
      "lease \(id.name) is preempted at \(facts.now), shielded until \(shieldEnds)")
    let left = (lease.started ?? facts.now) + lease.runtimeMax - facts.now
    let isLong =
      Int128(left) >= Int128(holder.runtimeMax) * Int128(Limits.shortJobFactor)
    let distance = Int(lease.rank) - Int(holder.rank)
    try must(
      distance >= Int(rule.distance) || distance >= 1 && isLong, "P2",
      "lease \(id.name) of class \(lease.rank) is preempted for class \(holder.rank)")
    try spend(lease, rule, facts)
  }

  /// Everybody who was stopped gives something that is needed, though all the others went: one of
  /// the devices that are kept, or processor time or memory of a node that would lack them
  /// (SEMANTICS 6.2: the final set is re-checked).
  private func checkNeed(_ facts: borrowing Facts) throws(Violation) {
    guard let holder else { return }
    for victim in holder.victims {
      try must(
        isNeeded(victim, holder, facts), "P2",
        "lease \(victim.name) is preempted for claim \(holder.claim.name), which has enough")
    }
  }

  private func isNeeded(
    _ victim: LeaseID, _ holder: Holder, _ facts: borrowing Facts
  ) -> Bool {
    var leaving: [LeaseID] = []
    for other in holder.victims where other != victim {
      leaving += facts.leases[other]?.gang ?? []
    }
    for member in facts.leases[victim]?.gang ?? [] {
      guard let known = facts.leases[member] else { return true }
      if known.uses.contains(where: { holder.devices.contains($0.device) })
        || lacksHost(known.grant.node, without: leaving, holder, facts)
      {
        return true
      }
    }
    return false
  }

  /// Whether a node may lack processor time or memory for the members, where leases are gone: for
  /// each claim that something else is kept for there, all that its members need counts as kept.
  private func lacksHost(
    _ id: NodeID, without leaving: [LeaseID], _ holder: Holder, _ facts: borrowing Facts
  ) -> Bool {
    guard let node = facts.nodes[id], let report = node.report else { return true }
    var cpu = Int64(report.cpu.value)
    var memory = report.hostMemory.value
    func take(_ demand: Demand, members: Int64) {
      cpu -= Int64(demand.cpu.value) * members
      memory -= demand.hostMemory.value * members
    }
    for claim in facts.claims.ids where claim != holder.claim {
      guard let known = facts.claims[claim], known.pin != nil,
        known.kept.contains(where: { facts.devices[$0]?.node == id })
      else { continue }
      take(known.fact.spec.demand, members: Int64(known.fact.spec.demand.members))
    }
    for lease in node.leases where !leaving.contains(lease) {
      if let demand = facts.leases[lease]?.demand { take(demand, members: 1) }
    }
    for other in gone where other.node == id { take(other.demand, members: other.members) }
    take(holder.demand, members: Int64(holder.demand.members))
    return cpu < 0 || memory < 0
  }

  private func checkLane(_ holder: Holder, _ facts: borrowing Facts) throws(Violation) {
    guard let lane = facts.lanes[holder.lane] else { return }
    let isForeign = facts.isForeign(lane, to: holder.tenant)
    try must(
      !isForeign, "P2", "claim \(holder.claim.name) preempts in a lane of another")
  }

  /// Takes what a lane may lose; there has to be a lease's worth when the first one goes.
  private mutating func spend(
    _ lease: KnownLease, _ rule: PreemptionRule, _ facts: borrowing Facts
  ) throws(Violation) {
    let lane = lease.grant.lane
    refill(lane, rule, facts.now)
    let level = allowances[lane]?.level ?? 0
    try must(
      level >= Self.lease || holder?.isCharged ?? false, "P2",
      "lane \(lane.name) loses a lease with \(level) of \(Self.lease) left")
    holder?.isCharged = true
    allowances[lane]?.level = level - Int128(lease.gang.count) * Self.lease
  }

  /// An owner takes back what it lent, for a claim of its own for which the devices are kept.
  private func reclaim(_ id: LeaseID, _ facts: borrowing Facts) throws(Violation) {
    guard let lease = facts.leases[id], let lane = facts.lanes[lease.grant.lane] else { return }
    let owner = lane.rule.owner
    try must(
      lease.grant.isLent && owner != nil && owner != facts.name(of: lease.tenant), "P2",
      "lease \(id.name) is reclaimed and was not lent")
    guard let holder, holder.lane == lease.grant.lane, facts.name(of: holder.tenant) == owner
    else { throw Violation("P2", "lease \(id.name) is reclaimed for nobody") }
  }
}
