import AgentCore
import PoolAllocator

/// D3, the allocator's half: no fencing number is issued twice, and each is above all before it,
/// whoever leads.
struct FencingCheck: Sendable {
  private var last = Fencing(raw: 0)

  mutating func note(_ log: borrowing EventLog) throws(Violation) {
    for index in 0..<log.grants.count {
      let fencing = log.grants[index].fencing
      guard fencing > last else {
        throw Violation("D3", "fencing number \(fencing.raw) was issued after \(last.raw)")
      }
      last = fencing
    }
  }
}

/// D3, the agent's half: what it stored of a device never falls.
enum StoredFencesCheck {
  static func compare(_ old: FencingTable, with new: FencingTable) throws(Violation) {
    for row in old.rows where new.highest(of: row.device) < row.highest {
      throw Violation(
        "D3",
        "a stored fencing number fell from \(row.highest.raw) to "
          + "\(new.highest(of: row.device).raw)")
    }
  }
}
