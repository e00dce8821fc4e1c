import PoolAllocator

/// What is due, and what must not be left over (decision 0007).
extension Oracle {
  /// - Parameter events: what the core says that it did.
  mutating func tick(_ events: [Event], _ log: EventLog, _ pool: Pool) throws {
    doWhatIsDue()
    age()
    wind()
    for event in events { try follow(event, log, pool) }
    age()
    try checkNothingIsLeft()
  }

  /// Returns and ends, in the order of grants.
  mutating func doWhatIsDue() {
    // Whose gang ended in a command before: its claim is on its way already.
    stopOrphans()
    while let lease = leases.values.filter({ due($0) <= now })
      .min(by: { (due($0), $0.fencing.raw) < (due($1), $1.fencing.raw) })
    {
      turn(lease.id)
      // Of a gang, the first one that stops moves the claim, and the others go with it.
      stopOrphans()
    }
    stopOrphans()
    for asked in claims.values.sorted(by: { $0.arrival < $1.arrival })
    where asked.grants == 0 && asked.waitEnds <= now
      && (asked.state == .queued || asked.state == .parked)
    {
      coverage.saw("waited too long")
      end(asked.id)
    }
  }

  private mutating func stopOrphans() {
    for lease in leases.values where lease.state != .stopping && isOrphan(lease) {
      settleAll(lease.id)
      coverage.saw("stopped with its gang")
    }
  }

  /// Whether another of its gang has stopped.
  func isOrphan(_ lease: Held) -> Bool {
    claims[lease.claim]?.leases.contains(lease.id) != true
  }

  /// When something of a lease is due.
  private func due(_ lease: Held) -> Int64 {
    switch lease.state {
    case .granted: lease.startBy
    case .active, .quarantined:
      lease.nextReserved == nil ? lease.ends : lease.quantumStart + lease.quantumSpan
    case .stopping: lease.killBy
    }
  }

  /// One lease's quantum, end, start or kill deadline.
  private mutating func turn(_ id: LeaseID) {
    guard let lease = leases[id] else { return }
    switch lease.state {
    case .granted:
      coverage.saw("not started in time")
      settleAll(id)
      requeue(lease, counts: true)
    case .active where lease.nextReserved != nil, .quarantined where lease.nextReserved != nil:
      coverage.saw("quantum settled")
      settleQuantum(id)
      commit(id, nextPrice(leases[id]!))
    case .active, .quarantined:
      coverage.saw(lease.state == .active ? "expired" : "expired in quarantine")
      settleAll(id)
      end(lease.claim)
    case .stopping:
      coverage.saw("overstayed")
      leases[id]?.killBy = .max
      for use in lease.place.uses { setUsable(use.device, false) }
    }
  }

  /// A claim whose lease went goes back into the order with its submit time.
  mutating func requeue(_ lease: Held, counts: Bool) {
    guard let asked = claims[lease.claim], asked.leases.contains(lease.id) else { return }
    if counts { claims[lease.claim]?.failedStarts += 1 }
    claims[lease.claim]?.leases = []
    if counts, asked.failedStarts + 1 >= Limits.startAttempts {
      coverage.saw("failed to start")
      end(lease.claim)
    } else {
      enter(lease.claim)
    }
  }

  mutating func setUsable(_ device: DeviceID, _ isUsable: Bool) {
    for index in site.parts.indices where site.parts[index].id == device {
      site.parts[index].isUsable = isUsable
    }
  }

  /// After a tick nothing that is due, could start or could be let back is left.
  private func checkNothingIsLeft() throws {
    for lane in laneRows {
      for asked in queue(lane) where canStart(asked, lane) {
        throw Disagreement(description: "\(name(asked.id)) could start in lane \(lane)")
      }
      for tenant in policy.tenants.indices {
        guard let clock = clocks[Clocked(lane: lane, tenant: tenant)] else { continue }
        try agree(
          clock.overdue != nil || clock.since + interval(tenant) > now,
          "the turn of tenant \(tenant) is overdue")
      }
    }
    for bucket in buckets.indices {
      if let id = released(by: bucket) {
        throw Disagreement(description: "\(name(id)) could leave bucket \(bucket)")
      }
    }
  }
}
