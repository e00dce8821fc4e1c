import Dispatch
import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire

/// Waits for a claim to start or to end.
extension Engine {
  /// Waits until a claim of a tenant runs or is gone, and tells how it stands then.
  /// - Parameters:
  ///   - principal: who waits.
  ///   - seconds: how long at most.
  /// - Returns: nil where no such claim lives.
  public func await(
    _ claim: String, of tenant: String, by principal: String, seconds: Int64
  ) async throws(Unasked) -> Told? {
    let key = ClaimForm.key(tenant: tenant, name: claim)
    let told: Result<Told?, Unasked> = await withCheckedContinuation { next in
      enter { [self] state in
        if state.isEnding { return next.resume(returning: .failure(.ending)) }
        // A key is a hash that whoever asks may aim: the claim has to have the names, too.
        guard let id = state.loop.pool.claim(named: key), let form = state.desk.book.claims[id],
          form.tenant == tenant, form.name == claim
        else { return next.resume(returning: .success(nil)) }
        let number = UInt64.random(in: .min ... .max)
        state.desk.watch(
          id,
          Desk.Watcher(number: number, principal: principal) { told in
            next.resume(returning: told.map { $0 })
          })
        let isWaiting = state.loop.pool.claim(id)?.isWaiting ?? false
        guard isWaiting, seconds > 0, state.isPatient else {
          return state.unwatch(id, number, at: clock.reading)
        }
        queue.asyncAfter(deadline: .now() + .seconds(Int(seconds))) { [weak self] in
          guard let self else { return }
          enter { $0.unwatch(id, number, at: self.clock.reading) }
        }
      }
    }
    return try told.get()
  }

  /// Tells everybody who waits for a claim how it stands, and has nobody wait or follow any more.
  func endWaits() {
    enter { state in
      state.isPatient = false
      for (claim, number) in state.desk.waits {
        state.unwatch(claim, number, at: self.clock.reading)
      }
      state.desk.followers.endAll()
    }
  }
}

extension Engine.State {
  /// Ends a wait for a claim, once how it stands is durable.
  mutating func unwatch(
    _ claim: ClaimID, _ number: UInt64, at reading: ClockReading
  ) {
    let now = loop.now(at: reading)
    if let say = desk.unwatch(claim, number, in: loop.pool, at: now) {
      desk.hold(after: loop.latest, durable: loop.durable, say)
    }
  }
}
