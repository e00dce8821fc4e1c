import HTTPTypes
import Hummingbird
import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire
import StrictJSON

/// Emergencies of buckets: one approver of the policy asks, another one opens.
extension API {
  func addEmergencies(to router: Router<Context>) {
    let roles: Set<Role> = [.operator, .owner]
    router.get("/v1/emergencies") { request, context in
      let identity = try await identity(request, context, roles)
      return try await listEmergencies(for: identity)
    }
    router.post("/v1/emergencies") { request, context in
      let identity = try await identity(request, context, roles)
      return try await askEmergency(request, by: identity)
    }
    router.post("/v1/emergencies/:number/approve") { request, context in
      let caller = try await caller(request, context, roles)
      let number = try Self.subject(context)
      try await Self.hasNoBody(request)
      return try await openEmergency(number, request, by: caller)
    }
  }

  private func askEmergency(_ request: Request, by identity: Identity) async throws -> Response {
    let body = try await Self.body(request)
    let asked: (bucket: String, reason: String, seconds: Int64)
    do throws(JSONErrors) {
      asked = try JSONDocument(body).decode { root in
        try root.object { fields in
          let bucket = fields.string("bucket", 1...1_024)
          let reason = fields.string("reason", 10...1_000)
          let seconds = fields.int64("for_seconds", in: 1...EmergencyForm.longest)
          return (try bucket.value, try reason.value, try seconds.value)
        }
      }
    } catch {
      throw Problem(error)
    }
    let tenant = try await engine.look { scene in
      Self.tenant(of: asked.bucket, for: identity, seconds: asked.seconds, in: scene)
    }.get()
    let form = EmergencyForm(
      bucket: asked.bucket, tenant: tenant, reason: asked.reason, seconds: asked.seconds)
    let act = Act.emergency(.ask(form))
    let name = try name(request, Self.named(act.word, body, by: identity), of: identity)
    let said = try await engine.ask(
      Ask(act, by: identity.name, under: engine.vocabulary.1, name: name))
    guard let record = try engine.record(of: said, name) else { throw Problem.unknown }
    let found = try await engine.look(governing: { $1.emergencies.emergency(ofRecord: record) })
    guard let found else { throw Problem.unknown }
    return try await shown(found.number, isRepeat: said.isRepeat, status: .created)
  }

  private func openEmergency(
    _ number: Int64, _ request: Request, by caller: Caller
  ) async throws -> Response {
    let identity = caller.identity
    let key = NameTable.key(.principal, identity.name)
    let (found, isNamed) = try await engine.look(governing: { scene, governance in
      (
        governance.emergencies.emergency(number),
        scene.pool.policy.emergency?.approvers.contains(key) ?? false
      )
    })
    guard let found, identity.mayAct(for: found.form.tenant) else { throw Problem.unknown }
    try caller.checkIndependence(of: found.by)
    let act = Act.emergency(.agree(emergency: number))
    let text = Self.named("\(act.word) \(number)", [], by: identity)
    let name = try name(request, text, of: identity)
    guard try isNamed || engine.remembers(name) else { throw Self.notAnApprover }
    let said = try await engine.ask(
      Ask(
        act, by: identity.name, under: engine.vocabulary.1, name: name,
        operation: .raiseEmergency(
          bucket: found.form.bucket, by: found.by, and: identity.name,
          .seconds(found.form.seconds))))
    guard said.verdict == .done else { return Problem(said).response() }
    return try await shown(number, isRepeat: said.isRepeat)
  }

  private static var notAnApprover: Problem {
    .forbidden(because: "the policy does not name you under emergency.approvers")
  }

  /// The tenant of a bucket whose emergency somebody may ask for; the pool looks again when it is
  /// opened.
  private static func tenant(
    of bucket: String, for identity: Identity, seconds: Int64, in scene: Scene
  ) -> Result<String, Problem> {
    let key = NameTable.key(.bucket, bucket)
    guard (try? scene.names.check(.bucket, bucket)) != nil, let id = scene.pool.bucket(named: key),
      let found = scene.pool.bucket(id), found.delegation == nil, !found.isRetired,
      let tenant = scene.pool.tenant(found.tenant).map({ scene.names.text($0.key) }),
      identity.mayAct(for: tenant)
    else { return .failure(.unknown) }
    guard let rule = scene.pool.policy.emergency, found.rule.emergency > .zero else {
      return .failure(
        Problem(
          .conflict, "emergency_unknown",
          "the bucket has no emergency: the policy gives it no emergency_gpu_seconds"))
    }
    guard rule.approvers.contains(NameTable.key(.principal, identity.name)) else {
      return .failure(notAnApprover)
    }
    guard Span.seconds(seconds) <= rule.lastsMax else {
      return .failure(
        Problem(
          .badRequest, "emergency_too_long",
          "an emergency lasts \(rule.lastsMax.ns / 1_000_000_000) seconds at most"))
    }
    return .success(tenant)
  }

  // MARK: what is shown

  private func shown(
    _ number: Int64, isRepeat: Bool, status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let now = SystemClock.utc
    let found = try await engine.look(governing: { $1.emergencies.emergency(number) })
    guard let found else { throw Problem.unknown }
    var writer = JSONWriter()
    writer.object { writer in
      Self.head("emergency", at: now, &writer)
      if isRepeat { writer.bool("repeated", true) }
      writer.object("emergency") { found.write(&$0, at: now) }
    }
    return .json(writer.bytes, status: status)
  }

  private func listEmergencies(for identity: Identity) async throws -> Response {
    let now = SystemClock.utc
    let all = try await engine.look(governing: { $1.emergencies.all })
    var writer = JSONWriter()
    writer.object { writer in
      Self.head("emergencies", at: now, &writer)
      writer.array("emergencies") { writer in
        for one in all where identity.mayAct(for: one.form.tenant) {
          writer.object { one.write(&$0, at: now) }
        }
      }
    }
    return .json(writer.bytes)
  }
}

extension Emergencies.Emergency {
  /// Writes its members.
  /// - Parameter now: seconds since 1970.
  func write(_ writer: inout JSONWriter, at now: Int64) {
    writer.int64("number", number)
    writer.string("state", state(at: now).rawValue)
    form.write(&writer)
    writer.string("by", by)
    writer.string("at", UTC.text(at))
    if let agreed {
      writer.string("approved_by", agreed.by)
      writer.string("approved_at", UTC.text(agreed.at))
    } else {
      writer.string("lapses_at", UTC.text(lapses))
    }
    if let ends { writer.string("ends_at", UTC.text(ends)) }
  }
}
