import PoolAllocator
public import StrictJSON

extension ExplanationView {
  /// Members of an object that is open: those of `write` without what each lane says and what would
  /// run instead, which cost much more to find out.
  public func writeStanding(_ writer: inout JSONWriter) {
    guard let id, let claim = scene.pool.claim(id), claim.isWaiting else { return write(&writer) }
    writer.waiting(
      LiveView.WaitingRow(id: id, claim: claim, form: form), in: scene,
      isPlaced: scene.pool.waitingClaims <= Self.placedMax)
  }
}
