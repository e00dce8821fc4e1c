import PoolAllocator

/// D1: no two leases hold instances of one GPU whose slots overlap: its capacity is the mask, not a
/// sum (SEMANTICS 5.2).
enum SlotShares {
  /// Looks at an instance that is new or reported differently, before that is folded: its slots
  /// are no lease's on another one.
  static func check(
    _ fact: DeviceFact, _ id: DeviceID, _ facts: borrowing Facts
  ) throws(Violation) {
    try checkSlots(of: fact.report, id, on: fact.node, "taken in", facts)
  }

  /// Looks at a grant before it is folded.
  static func check(
    _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    for index in run.indices {
      let grant = log.grants[index]
      for use in grant.uses.indices {
        let id = log.uses[use].device
        guard let taken = facts.devices[id] else { continue }
        try checkSlots(of: taken.report, id, on: grant.node, "granted", facts)
      }
    }
  }

  private static func checkSlots(
    of report: DeviceReport, _ id: DeviceID, on node: NodeID, _ becomes: String,
    _ facts: borrowing Facts
  ) throws(Violation) {
    guard report.kind == .slice else { return }
    for lease in facts.nodes[node]?.leases ?? [] {
      for held in facts.leases[lease]?.uses ?? [] where held.device != id {
        guard let other = facts.devices[held.device], other.report.kind == .slice,
          other.report.parent == report.parent
        else { continue }
        try must(
          other.report.slots.bits & report.slots.bits == 0, "D1",
          "device \(id.row) is \(becomes), and lease \(lease.name) holds some of its slots")
      }
    }
  }
}
