import PoolAllocator

/// P2: what is kept for a claim is kept. A planned start never moves later, others take the devices
/// only where they leave them in time (SEMANTICS 4.4), and devices for which others were stopped
/// give way to nobody but the owner of their lane (6.2).
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
    case .leaseGranted(let id, let run): try checkGap(id, run, facts, log)
    default: return
    }
  }

  /// Who takes a device that is kept for another leaves it before the planned start (4.4).
  private static func checkGap(
    _ id: ClaimID, _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    guard let claim = facts.claims[id] else { return }
    for index in run.indices {
      let grant = log.grants[index]
      let leaves = grant.startBy + claim.fact.spec.runtimeMax + grant.terms.killWithin
      for other in facts.claims.ids where other != id {
        guard let pin = facts.claims[other]?.pin, leaves > pin.starts,
          let kept = facts.claims[other]?.kept
        else { continue }
        // Processors are kept in parts: there may be room beside.
        let taken = grant.uses.indices.first { place in
          let device = log.uses[place].device
          return kept.contains(device) && facts.devices[device]?.report.kind != .cpu
        }
        try must(
          taken == nil, "P2",
          "claim \(id.name) takes until \(leaves.ns) what claim \(other.name) was to have at "
            + "\(pin.starts.ns)")
      }
    }
  }
}
