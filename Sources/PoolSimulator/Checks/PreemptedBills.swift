import PoolAllocator

/// B5: a preempted lease pays for what is saved, or is of quanta that are over, and for no more of
/// its time (SEMANTICS 2.7).
enum PreemptedBills {
  /// Looks at an event before it is folded.
  static func check(_ event: Event, _ facts: borrowing Facts) throws(Violation) {
    guard case .leaseStopping(let id, .preempted, let at, _) = event,
      let lease = facts.leases[id], lease.gang.count == 1, let started = lease.started
    else { return }
    let quantum = lease.grant.terms.quantum.ns
    let over = min((facts.now - started) / quantum, (lease.paid - 1) / quantum)
    let begins = started + over * quantum
    let due = min(facts.now, lease.ends, max(begins, lease.saved ?? begins))
    try must(
      at.ns == due, "B5", "lease \(id.name) is preempted and pays up to \(at.ns), not \(due)")
  }
}
