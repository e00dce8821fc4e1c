import PoolAllocator
import PoolWire
import StrictJSON

extension JSONWriter {
  /// Writes what a claim had to have approved, and who did.
  mutating func approval(_ claim: Claim, in session: PlaceSession) {
    guard let approval = claim.approval else { return }
    object("approval") { writer in
      if let plan = claim.spec.plan { writer.string("plan", session.names.text(plan)) }
      if let by = approval.by {
        writer.string("approver", session.names.text(by))
      } else {
        writer.milliseconds("lapses_ms", approval.lapses)
      }
    }
  }
}
