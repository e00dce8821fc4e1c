import Hummingbird
import PoolAllocator
import PoolIdentity
import PoolViews
import PoolWire
import StrictJSON

/// Looks: what there is, and why.
extension API {
  func addViews(to router: Router<Context>) {
    let readers: Set<Role> = [.operator, .owner, .workload]
    router.get("/v1/status") { request, context in
      let identity = try await identity(request, context, readers, to: .look)
      return Response.json(try await engine.look { Self.status($0, for: identity.tenant) })
    }
    for part in PoolView.Part.allCases {
      router.get(RouterPath("/v1/\(part.rawValue)")) { request, context in
        let tenant = try await identity(request, context, readers, to: .look).tenant
        return Response.json(
          try await engine.look { scene in
            var view = PoolView(scene)
            if let tenant { view.keep(tenant: tenant) }
            return Self.list(part.rawValue, scene) { view.write(part, &$0) }
          })
      }
    }
    router.get("/v1/leases") { request, context in
      let tenant = try await identity(request, context, readers, to: .look).tenant
      return Response.json(
        try await engine.look { scene in
          Self.list("leases", scene) { LiveView(scene, of: tenant).writeLeases(&$0) }
        })
    }
    router.get("/v1/queue") { request, context in
      let tenant = try await identity(request, context, readers, to: .look).tenant
      return Response.json(
        try await engine.look { scene in
          Self.list("queue", scene) { LiveView(scene, of: tenant).writeWaiting(&$0) }
        })
    }
    router.get("/v1/claims/:tenant/:claim") { request, context in
      let parameters = Parameters(context)
      let tenant = parameters["tenant"]
      let identity = try await identity(request, context, readers, to: .look)
      guard identity.mayAct(for: tenant) else { throw Problem.unknown }
      let seconds = try Self.number(request, "wait", 0...20)
      let told = try await engine.await(
        parameters["claim"], of: tenant, by: identity.quotaHolder, seconds: seconds)
      guard let told else { throw Problem.unknown }
      return Response.json(told.body)
    }
    router.post("/v1/explain") { request, context in
      let identity = try await identity(request, context, readers, to: .prepare)
      let body = try await Self.body(request)
      let (text, document) = try Operation.explain.request(
        body, Parameters(context), by: identity)
      let operation = try Self.read(document, text, engine.vocabulary.0, by: identity)
      if case .explain(.document(let form)) = operation {
        guard identity.mayAct(for: form.tenant) else { throw Problem.forbidden }
        // An owner's and a workload's questions go further than what they may claim.
        if identity.scope != nil { try await check([form], by: identity) }
      }
      return Response.json(try await explain(operation, to: identity.quotaHolder))
    }
  }

  /// What would become of a claim that nobody submits.
  func explain(
    _ operation: StreamRequest.Operation, to principal: String
  ) async throws(Unasked) -> [UInt8] {
    let form: ClaimForm
    switch operation {
    case .claim(let claim), .explain(.document(let claim)): form = claim
    default: throw .nothingAsked
    }
    return try await engine.look(explainingTo: principal) { scene, refusal in
      var book = scene.book
      var writer = JSONWriter()
      writer.object { writer in
        writer.milliseconds("at_ms", scene.pool.now)
        let isNamed: Void? = try? book.withNames(of: form) { book in
          let named = Scene(pool: scene.pool, log: scene.log, book: book)
          let view = ExplanationView(of: form, nil, in: named, refusing: refusal)
          writer.object("explanation") { view.write(&$0) }
        }
        if isNamed == nil { writer.string("note", "a name has the hash of another one") }
      }
      return writer.bytes
    }
  }

  private static func list(
    _ kind: String, _ scene: Scene, _ body: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", kind)
      writer.milliseconds("at_ms", scene.pool.now)
      body(&writer)
    }
    return writer.bytes
  }

  /// Lanes, nodes, buckets, leases and waiting claims; for a tenant its own, and the totals of
  /// lanes.
  static func status(_ scene: Scene, for tenant: String?) -> [UInt8] {
    var view = PoolView(scene)
    if let tenant { view.keep(tenant: tenant) }
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "status")
      writer.object("pool") { view.write(&$0) }
      LiveView(scene, of: tenant).write(&writer)
      if tenant == nil {
        writer.quotes(in: scene)
        PressureView(scene).write(&writer)
      }
    }
    return writer.bytes
  }
}
