/// Gangs: the leases of a claim with several members live and end together.
///
/// A member is a lease of its own, on its own node, with its own fencing number and quanta, so an
/// agent knows nothing of the others. When one stops, its claim goes its way at once, and the tick
/// stops the others: no report of one node causes more work than its own leases.
extension Pool {
  /// Whether a lease serves its claim still: no member of its gang has stopped.
  func isCurrent(_ lease: Lease) -> Bool {
    claims.contains(lease.claim) && claims[lease.claim].lease == lease.lead
  }

  /// Whether a lease runs that has to stop, since another member of its gang did.
  func isOrphan(_ lease: Lease) -> Bool {
    lease.members > 1 && lease.state != .stopping && !isCurrent(lease)
  }

  /// Why the first member stopped of a gang that ends, as long as that is known.
  func firstCause(of lease: Lease) -> StopCause? {
    var next = lease.nextMember
    for _ in 1..<max(2, Int(lease.members)) where leases.contains(next) {
      if let cause = leases[next].cause, cause != .gangEnded { return cause }
      next = leases[next].nextMember
    }
    return nil
  }

  /// Notes whether there are gangs.
  mutating func indexGangs() {
    claims.forEach { _, claim in if !claim.spec.demand.isSimple { queue.hasGangs = true } }
  }

  /// Whether the owner of a lane took back what a claim had; that is no start which failed.
  func isReclaimed(_ lead: LeaseID) -> Bool {
    gang(of: lead).contains { leases[$0].cause == .reclaimed }
  }

  /// Work since then is lost when a lease stops: of a gang, since the first of its members saved
  /// any, as long as they are known. Nil before the start.
  func savedAt(_ lease: Lease) -> Instant? {
    guard var saved = lease.savedAt else { return nil }
    var next = lease.nextMember
    for _ in 1..<max(2, Int(lease.members)) where leases.contains(next) {
      saved = min(saved, leases[next].savedAt ?? saved)
      next = leases[next].nextMember
    }
    return saved
  }

  /// Work that a claim's leases have saved: of a gang, what all its members have.
  func saved(by lead: LeaseID) -> Span {
    if leases[lead].members == 1 { return leases[lead].saved }
    return gang(of: lead).reduce(Limits.spanMax) { min($0, leases[$1].saved) }
  }

  /// Notes that a lease started: its claim runs once all its members do.
  mutating func noteRunning(_ lease: Lease) {
    guard isCurrent(lease) else { return }
    if lease.members > 1 {
      for member in gang(of: lease.lead) where leases[member].started == nil { return }
    }
    claims[lease.claim].state = .running
  }
}
