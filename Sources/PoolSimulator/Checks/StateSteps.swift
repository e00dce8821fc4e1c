import PoolAllocator

/// J1: every row moves along listed steps alone, and the pool's rows are where the events say.
struct StateSteps {
  /// Devices whose last lease may have ended with the command.
  private var emptied: [DeviceID] = []

  /// Looks at an event before it is folded.
  mutating func note(_ event: Event, _ facts: borrowing Facts) {
    guard case .leaseEnded(let id) = event else { return }
    for use in facts.leases[id]?.uses ?? [] { emptied.append(use.device) }
  }

  /// Compares the steps of the command with the list, and what it touched with the pool.
  /// - Complexity: O(what was touched).
  mutating func close(
    _ facts: inout Facts, _ pool: borrowing Pool, _ coverage: inout Coverage
  ) throws(Violation) {
    let nodes = facts.isAllTouched ? facts.nodes.ids : facts.touchedNodes
    for node in nodes { try compare(node, &facts, pool) }
    emptied.removeAll(keepingCapacity: true)
    for step in facts.steps {
      guard let index = StateEdges.index(step.machine, from: step.from, to: step.to) else {
        throw Violation("J1", "\(step.name) is no listed step")
      }
      coverage.reach(edge: index)
    }
    let claims = facts.isAllTouched ? facts.claims.ids : facts.touchedClaims
    for id in claims { try compare(id, facts, pool) }
    let leases = facts.isAllTouched ? facts.leases.ids : facts.touchedLeases
    for id in leases { try compare(id, facts, pool) }
  }

  private func compare(
    _ id: ClaimID, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    let (known, state) = (facts.claims[id]?.state, pool.claim(id)?.state)
    try must(
      known == state, "J1",
      "claim \(id.name) is \(word(state)), by its events \(word(known))")
    try must(state != .new, "J1", "claim \(id.name) stays at the door")
  }

  private func compare(
    _ id: LeaseID, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    let (known, state) = (facts.leases[id]?.state, pool.lease(id)?.state)
    try must(
      known == state, "J1",
      "lease \(id.name) is \(word(state)), by its events \(word(known))")
  }

  private func compare(
    _ id: NodeID, _ facts: inout Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    let (known, node) = (facts.nodes[id], pool.node(id))
    try must(
      known?.reach == node?.reach && known?.duty == node?.duty, "J1",
      "node \(id.name) is \(word(node?.reach)) and \(word(node?.duty)), by its events "
        + "\(word(known?.reach)) and \(word(known?.duty))")
    for device in known?.devices ?? [] {
      guard let health = pool.device(device)?.health, let before = facts.devices[device]?.health,
        health != before
      else { continue }
      // An emptied device is proven empty: the event that says so names the lease.
      guard before == .dirty, health == .usable, emptied.contains(device) else {
        throw Violation("J1", "device \(device.name) is \(health), by its events \(before)")
      }
      facts.setHealth(device, to: health)
    }
  }
}

/// A state in words.
private func word<State>(_ state: State?) -> String { state.map { "\($0)" } ?? "gone" }
