import Hummingbird
import PoolAllocator
import PoolIdentity
import PoolInsight
import PoolViews
import PoolWire
import StrictJSON

/// What work took.
extension API {
  func addUsage(to router: Router<Context>) {
    router.get("/v1/tenants/:tenant/usage") { request, context in
      let identity = try await identity(
        request, context, [.operator, .owner, .workload], to: .look)
      let tenant = Parameters(context)["tenant"]
      guard identity.mayAct(for: tenant) else { throw Problem.unknown }
      let key = NameTable.key(.tenant, tenant)
      let (rows, now) = try await engine.usage(of: key)
      // One that the policy has no more still has what it took.
      if rows.isEmpty, try await engine.look({ $0.pool.tenant(named: key) == nil }) {
        throw Problem.unknown
      }
      return Response.json(Self.usage(of: tenant, rows, at: now))
    }
  }

  /// Hours with work, and the sums of them by class.
  private static func usage(
    of tenant: String, _ rows: [UsageHours.Row], at now: Instant
  ) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "usage")
      writer.milliseconds("at_ms", now)
      writer.string("tenant", tenant)
      writer.int64("hours_kept", UsageHours.kept)
      writer.array("classes") { writer in
        for rank in 0..<4 {
          guard let serviceClass = ServiceClass(rank: UInt8(rank)) else { continue }
          let own = rows.filter { $0.serviceClass == serviceClass }
          if own.isEmpty { continue }
          writer.object { writer in
            writer.string("class", serviceClass.word)
            writer.gpuSeconds("reserved_gpu_seconds", sum(own.map(\.reserved)))
            writer.gpuSeconds("charged_gpu_seconds", sum(own.map(\.charged)))
          }
        }
      }
      writer.array("hours") { writer in
        for row in rows {
          writer.object { writer in
            writer.milliseconds("from_ms", row.from)
            writer.string("class", row.serviceClass.word)
            writer.gpuSeconds("reserved_gpu_seconds", row.reserved)
            writer.gpuSeconds("charged_gpu_seconds", row.charged)
          }
        }
      }
    }
    return writer.bytes
  }

  /// A sum; one that passes the limit of credits stays there.
  private static func sum(_ credits: [Credits]) -> Credits {
    let sum = credits.reduce(Int128(0)) { $0 + Int128($1.value) }
    return Credits(checked: sum) ?? Credits(Credits.limit)
  }
}
