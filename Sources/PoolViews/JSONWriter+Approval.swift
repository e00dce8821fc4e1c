public import PoolAllocator
import PoolWire
public import StrictJSON

extension JSONWriter {
  /// Writes what a claim had to have approved, and who did.
  public mutating func approval(_ claim: Claim, in scene: Scene) {
    guard let approval = claim.approval else { return }
    object("approval") { writer in
      if let plan = claim.spec.plan { writer.string("plan", scene.names.text(plan)) }
      if let by = approval.by {
        writer.string("approver", scene.names.text(by))
      } else {
        writer.milliseconds("lapses_ms", approval.lapses)
      }
    }
  }
}
