import PoolAllocator

/// P1: a claim is put on a rung only where whoever asked for it accepts that rung
/// (SEMANTICS 7.4).
enum RungsTaken {
  /// Looks at an event before it is folded.
  static func check(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    guard case .claimDowngraded(let id, _, _, let fact) = event,
      let accepts = facts.claims[id]?.fact.spec.accepts
    else { return }
    let rung = log.downgrades[Int(fact)].rung
    try must(
      rung >= 1 && accepts.bits & (1 << (rung - 1)) != 0, "P1",
      "claim \(id.name) is put on rung \(rung) and accepts \(accepts.bits)")
  }
}
