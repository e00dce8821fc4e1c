import PoolAllocator

/// D6: nothing that is quarantined, unhealthy, not approved or kept back receives a lease. And the
/// allocator's part of D3: fencing numbers only rise, over restarts too.
struct GrantHealth {
  /// The last fencing number that was issued.
  private var last: UInt64 = 0

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    guard case .leaseGranted(_, let run) = event else { return }
    for index in run.indices {
      let grant = log.grants[index]
      try must(
        grant.fencing.raw > last && grant.fencing.epoch == facts.epoch, "D3",
        "lease \(grant.lease.name) has number \(grant.fencing.raw) after \(last) in epoch "
          + "\(facts.epoch)")
      last = grant.fencing.raw
      try check(grant, facts, log)
    }
  }

  private func check(
    _ grant: Grant, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    guard let node = facts.nodes[grant.node] else {
      throw Violation("D6", "lease \(grant.lease.name) is on a node that is not there")
    }
    try must(
      node.isOpen, "D6",
      "lease \(grant.lease.name) is on node \(grant.node.name), which is \(node.reach) and "
        + "\(node.duty)")
    for index in grant.uses.indices {
      let id = log.uses[index].device
      guard let device = facts.devices[id] else {
        throw Violation("D6", "lease \(grant.lease.name) has a device that is not there")
      }
      try must(
        device.health == .usable && device.isApproved && device.report.condition != .failed,
        "D6",
        "lease \(grant.lease.name) has device \(id.name), which is \(device.health), "
          + "\(device.isApproved ? "" : "not ")approved and reported \(device.report.condition)")
    }
  }
}
