public import PoolAllocator
import PoolWire
public import StrictJSON

extension JSONWriter {
  /// Most quotes of one status. Unit: quotes.
  private static var quotesMax: Int { 1_000 }

  /// Writes the quote of an answer: what it fixes, and until when.
  public mutating func quote(_ id: QuoteID, in scene: Scene) {
    guard let quote = scene.pool.quote(id) else { return }
    object("quote") { writer in writer.members(of: quote, in: scene) }
  }

  /// Writes every quote that the pool knows, in row order; nothing where it knows none.
  public mutating func quotes(in scene: Scene) {
    var known: [Quote] = []
    scene.pool.forEachQuote { _, quote in known.append(quote) }
    guard !known.isEmpty else { return }
    array("quotes") { writer in
      for quote in known.prefix(Self.quotesMax) {
        writer.object { writer in
          if let tenant = scene.pool.tenant(quote.tenant) {
            writer.string("tenant", scene.names.text(tenant.key))
          }
          writer.string("state", quote.end.map { "\($0)" } ?? "open")
          writer.members(of: quote, in: scene)
        }
      }
    }
    if known.count > Self.quotesMax {
      int64("quotes_left_out", Int64(known.count - Self.quotesMax))
    }
  }

  private mutating func members(of quote: Quote, in scene: Scene) {
    let ms = Amounts.nanosecondsPerMilli
    string("quote", NamePath.last(scene.names.text(quote.key)))
    if let lane = scene.pool.lane(quote.lane) { string("lane", scene.names.text(lane.key)) }
    gpuSeconds("rate_gpu_seconds_per_hour", quote.perHour)
    gpuSeconds("price_gpu_seconds", quote.price)
    milli(
      "expected_seconds", (min(quote.plan.expected, quote.spec.runtimeMax).ns + ms - 1) / ms)
    gpuSeconds("reservation_gpu_seconds", quote.reservation)
    int64("policy_generation", Int64(quote.policy.value))
    milliseconds("expires_ms", quote.expires)
  }
}

extension Quote {
  /// What an hour costs at most, rounded up.
  fileprivate var perHour: Credits {
    Credits(Int64(clamping: Price.lastCharge(rate: rate, span: .seconds(3600))))
  }
}
