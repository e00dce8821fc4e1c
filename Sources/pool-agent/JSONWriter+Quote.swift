import PoolAllocator
import PoolWire
import StrictJSON

extension JSONWriter {
  /// Writes a quote: what it fixes, and until when.
  mutating func quote(_ id: QuoteID, in session: PlaceSession) {
    guard let quote = session.pool.quote(id) else { return }
    let ms = Amounts.nanosecondsPerMilli
    object("quote") { writer in
      writer.string("quote", NamePath.last(session.names.text(quote.key)))
      if let lane = session.pool.lane(quote.lane) {
        writer.string("lane", session.names.text(lane.key))
      }
      writer.gpuSeconds("rate_gpu_seconds_per_hour", quote.perHour)
      writer.gpuSeconds("price_gpu_seconds", quote.price)
      writer.milli(
        "expected_seconds",
        (min(quote.plan.expected, quote.spec.runtimeMax).ns + ms - 1) / ms)
      writer.gpuSeconds("reservation_gpu_seconds", quote.reservation)
      writer.int64("policy_generation", Int64(quote.policy.value))
      writer.milliseconds("expires_ms", quote.expires)
    }
  }
}

extension Quote {
  /// What an hour costs at most, rounded up.
  var perHour: Credits {
    Credits(Int64(clamping: Price.lastCharge(rate: rate, span: .seconds(3600))))
  }
}
