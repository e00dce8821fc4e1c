import PoolAllocator

/// P2: what is kept for a claim is kept. A planned start never moves later (SEMANTICS 4.4), and
/// devices for which others were stopped give way to nobody but the owner of their lane (6.2).
enum PinPromises {
  /// Looks at an event before it is folded.
  static func check(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    switch event {
    case .claimPinned(let id, let fact):
      guard let old = facts.claims[id]?.pin else { return }
      let next = log.pins[Int(fact)].starts
      try must(
        next <= old.starts, "P2",
        "claim \(id.name) was to start at \(old.starts.ns), and is now to start at \(next.ns)")
    case .claimUnpinned(let id, .behindHead):
      guard let claim = facts.claims[id], let pin = claim.pin, pin.isHeld,
        let lane = facts.lanes[pin.lane]
      else { return }
      try must(
        facts.isForeign(lane, to: claim.fact.tenant), "P2",
        "claim \(id.name) loses devices for which others were stopped")
    default: return
    }
  }
}
