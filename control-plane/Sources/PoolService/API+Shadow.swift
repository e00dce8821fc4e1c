import DequeModule
import Hummingbird
import PoolAllocator
import PoolStore
import PoolViews
import PoolWire
import StrictJSON

/// What limits would have denied that are only observed: for operators.
extension API {
  func addShadow(to router: Router<Context>) {
    router.get("/v1/policy/shadow") { request, context in
      _ = try await identity(request, context, [.operator])
      let figures = engine.shadow.figures
      var claims: [Key: String] = [:]
      for row in figures.rows where claims[row.claim] == nil {
        claims[row.claim] = try engine.name(ofClaim: row.claim)
      }
      let named = claims
      return Response.json(try await engine.look { Self.shadow(figures, named, in: $0) })
    }
  }

  /// A document of kind `policy_shadow`.
  private static func shadow(
    _ figures: ShadowFigures, _ claims: [Key: String], in scene: Scene
  ) -> [UInt8] {
    let names = scene.names
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "policy_shadow")
      writer.milliseconds("at_ms", scene.pool.now)
      writer.string("state", figures.standing.rawValue)
      if let because = figures.because { writer.string("because", because) }
      if figures.standing != .off {
        writer.int64("policy_generation", Int64(figures.generation.value))
        writer.milliseconds("since_ms", figures.since)
      }
      writer.int64("commands", Int64(clamping: figures.commands))
      writer.array("counts") { writer in
        for sum in figures.sums(names, tenants: Metrics.tenantsMax) {
          writer.object { writer in
            writer.string("tenant", sum.tenant)
            write(sum.kind, &writer)
            writer.int64("claims", Int64(clamping: sum.count))
          }
        }
      }
      writer.array("differences") { writer in
        for row in figures.rows {
          writer.object { writer in
            writer.milliseconds("seen_at_ms", row.at)
            writer.string("claim", claims[row.claim] ?? names.text(row.claim))
            writer.string("tenant", row.kind.tenant.map { names.text($0) } ?? "other")
            writer.string("decided", row.decided)
            write(row.kind, &writer)
            writer.string("sentence", row.sentence)
          }
        }
      }
    }
    return writer.bytes
  }

  private static func write(_ kind: ShadowFigures.Kind, _ writer: inout JSONWriter) {
    writer.string("class", kind.serviceClass)
    writer.string("would_be", kind.outcome)
    writer.string("reason", kind.reason)
  }
}

extension Engine {
  /// The name of a claim, as the last request of it in the journal has it.
  /// - Returns: nil where there is none.
  fileprivate func name(ofClaim key: Key) throws(StoreError) -> String? {
    guard let note = try notes.note(of: key) else { return nil }
    return try? JSONDocument(note.text).decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        return try fields.read("request") { request in
          try request.object { fields in
            fields.ignoreUnknownKeys()
            return try fields.read("claim") { claim in
              try claim.object { fields in
                fields.ignoreUnknownKeys()
                return try fields.string("name", 1...128).value
              }
            }.value
          }
        }.value
      }
    }
  }
}
