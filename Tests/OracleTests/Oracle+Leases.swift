import PoolAllocator

/// Commands about claims and leases.
extension Oracle {
  mutating func cancel(_ id: ClaimID) {
    guard let asked = claims[id] else { return }
    // The others of a gang follow with the next tick.
    if let first = asked.leases.first { stop(first) }
    coverage.saw("cancelled \(asked.state)")
    end(id)
  }

  private mutating func stop(_ id: LeaseID) {
    guard let state = leases[id]?.state, state != .stopping else { return }
    settleAll(id)
  }

  mutating func confirmStarted(_ id: LeaseID) {
    guard let lease = leases[id], lease.state == .granted, !isOrphan(lease) else { return }
    leases[id]?.state = .active
    leases[id]?.started = now
    leases[id]?.quantumStart = now
    let gang = claims[lease.claim]?.leases ?? []
    if gang.allSatisfy({ leases[$0]?.started != nil }), gang.contains(id) {
      claims[lease.claim]?.state = .running
    }
  }

  /// The next quantum is paid, from half of the present one on, and never past the hard end.
  mutating func renew(_ id: LeaseID, _ decision: Decision) throws {
    guard let lease = leases[id], lease.state == .active, !isOrphan(lease),
      now >= lease.renewFrom, lease.nextReserved == nil, lease.following > 0
    else { return }
    let price = nextPrice(lease)
    let isDebtor = lease.terms.overrun == .debt
    let canPay = lease.path.allSatisfy { bucket in
      let floor = isDebtor ? -buckets[bucket].rule.debtMax.value : 0
      return buckets[bucket].level(at: now) - Rational(price) >= Rational(floor)
    }
    try agree(
      canPay == (decision.verdict != .rejected),
      "a renewal for \(price) is \(decision.verdict), oracle \(canPay)")
    guard canPay else {
      leases[id]?.isUnpaid = true
      coverage.saw("renewal refused")
      return
    }
    charge(lease.path, price)
    serve(lease.tenant, lease.lane, lease.level, price)
    leases[id]?.nextReserved = price
    leases[id]?.nextSpan = lease.following
    commit(id, nextPrice(leases[id]!))
    coverage.saw("renewed")
  }

  mutating func release(_ id: LeaseID) {
    guard let lease = leases[id], lease.state == .granted || lease.state == .active else { return }
    let isOurs = claims[lease.claim]?.leases.contains(id) == true
    settleAll(id)
    coverage.saw("released")
    if isOurs { end(lease.claim) }
  }

  mutating func confirmEmpty(_ id: LeaseID) {
    guard let lease = leases[id], lease.state == .stopping else { return }
    leases[id] = nil
    holdAgain()
    for use in lease.place.uses
    where !leases.values.contains(where: { $0.place.uses.contains { $0.device == use.device } }) {
      setUsable(use.device, true)
    }
    coverage.saw("emptied")
  }

  /// Another policy with the same names: levels stay, as far as the new caps hold them.
  mutating func activate(_ policy: CompiledPolicy, _ pool: Pool) {
    self.policy = policy
    buckets = zip(buckets, policy.buckets).map { $0.replaced(by: $1, at: now) }
    for id in claims.keys { claims[id]?.kept = nil }
    learnNames(pool)
    coverage.saw("another policy")
  }

  // MARK: nodes

  mutating func set(_ node: NodeID, isReady: Bool? = nil, isOpen: Bool? = nil) {
    for index in site.machines.indices where site.machines[index].id == node {
      site.machines[index].isReady = isReady ?? site.machines[index].isReady
      site.machines[index].isOpen = isOpen ?? site.machines[index].isOpen
    }
  }

  /// A node was booted anew: nothing of its leases lives, and what they did not use comes back.
  mutating func reboot(_ node: NodeID) {
    for lease in leases.values.filter({ $0.place.node == node })
      .sorted(by: { $0.fencing < $1.fencing })
    {
      if leases[lease.id]?.state != .stopping {
        coverage.saw("lost with its node")
        let isFirst = !isOrphan(lease)
        // Of a gang every member has to start before its claim runs.
        let isStarting = claims[lease.claim]?.state == .starting
        settleAll(lease.id)
        if isFirst { requeue(lease, counts: isStarting) }
      }
      leases[lease.id] = nil
    }
    holdAgain()
    for part in site.parts where part.node == node { setUsable(part.id, true) }
    set(node, isReady: true)
  }
}
