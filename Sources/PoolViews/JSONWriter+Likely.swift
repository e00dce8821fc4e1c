public import PoolAllocator
import PoolInsight
import PoolWire
public import StrictJSON

extension JSONWriter {
  /// Writes when a waiting claim is likely to start, with what that rests on and how often such
  /// answers held, as `likely`; nothing where that is not known.
  public mutating func likely(_ claim: ClaimID, in scene: Scene) {
    guard let likely = scene.likely(claim) else { return }
    object("likely") { writer in
      writer.milliseconds("p50_ms", likely.p50)
      writer.milliseconds("p90_ms", likely.p90)
      let scope = likely.basis.scope
      writer.object("scope") { writer in
        if let lane = scene.pool.lane(scope.lane) {
          writer.string("lane", scene.names.text(lane.key))
        }
        writer.string("class", scope.serviceClass.word)
        if let most = scope.milliMax { writer.int64("milli_max", most) }
      }
      writer.int64("samples", Int64(likely.basis.samples))
      if let held = likely.accuracy.heldMilli { writer.int64("held_milli", held) }
      writer.int64("held_of", Int64(likely.accuracy.judged))
    }
  }
}
