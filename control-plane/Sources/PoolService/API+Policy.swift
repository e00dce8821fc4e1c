import HTTPTypes
import Hummingbird
import PoolAllocator
import PoolLoop
import PoolStore
import PoolViews
import PoolWire
import StrictJSON

/// Policies to come, and those that were: for operators.
extension API {
  func addPolicies(to router: Router<Context>) {
    router.post("/v1/policy/proposals") { request, context in
      try await Self.aside {
        try await propose(request, by: try await identity(request, context, [.operator]))
      }
    }
    router.get("/v1/policy/proposals") { request, context in
      try await Self.aside {
        _ = try await identity(request, context, [.operator])
        return try await listProposals()
      }
    }
    router.get("/v1/policy/proposals/:number") { request, context in
      _ = try await identity(request, context, [.operator])
      let number = try Self.subject(context)
      let found = try await engine.look(governing: { $1.changes.proposal(number) })
      guard let found else { throw Problem.unknown }
      return try await Self.aside {
        guard let content = try policies.content(of: found),
          let draft = try policies.draft(of: found)
        else { throw Problem.unknown }
        return try await shown(number, (draft, content))
      }
    }
    router.post("/v1/policy/proposals/:number/approve") { request, context in
      let caller = try await caller(request, context, [.operator])
      let number = try Self.subject(context)
      let body = try await Self.body(request)
      let hash: String
      do throws(JSONErrors) {
        hash = try JSONDocument(body).decode { root in
          try root.object { fields in
            try fields.read("sha256") { try $0.hash() }.value
          }
        }
      } catch {
        throw Problem(error)
      }
      let found = try await engine.look(governing: { $1.changes.proposal(number) })
      try caller.checkIndependence(of: found?.by)
      return try await decide(
        .approve(proposal: number, hash: hash), number, request, body, by: caller.identity)
    }
    router.post("/v1/policy/proposals/:number/withdraw") { request, context in
      let identity = try await identity(request, context, [.operator])
      let number = try Self.subject(context)
      try await Self.hasNoBody(request)
      return try await decide(.withdraw(proposal: number), number, request, [], by: identity)
    }
    router.post("/v1/policy/rollback") { request, context in
      try await Self.aside {
        try await rollBack(request, by: try await identity(request, context, [.operator]))
      }
    }
    router.get("/v1/policy/generations") { request, context in
      try await Self.aside {
        _ = try await identity(request, context, [.operator])
        let limit = try Self.number(request, "limit", 1...1_000, unless: 100)
        return try await listGenerations(atMost: Int(limit))
      }
    }
    router.get("/v1/policy/generations/:number") { request, context in
      _ = try await identity(request, context, [.operator])
      guard let number = UInt32(exactly: try Self.subject(context)) else { throw Problem.unknown }
      return Response.json(try await engine.document(of: Ask.subject(PolicyGeneration(number))))
    }
  }

  /// Sees that somebody may put a policy in force alone, and signs its entry.
  func allow(_ ask: inout Ask, _ policy: PolicyDocument) throws {
    guard try isPolicyDirect || ask.generation.value == 0 || engine.remembers(ask.name) else {
      throw Problem(
        .conflict, "proposal_needed",
        "generation \(ask.generation.value) is in force: propose the next one, and have another"
          + " operator approve it (poolctl policy propose)")
    }
    do {
      try policies.sign(&ask, policy)
    } catch let errors as JSONErrors {
      throw Problem(errors)
    }
  }

  // MARK: acts

  private func propose(_ request: Request, by identity: Identity) async throws -> Response {
    let body = try await Self.body(request)
    let asked: (content: PolicyContent, terms: ProposalTerms, checks: PolicyChecks)
    do throws(JSONErrors) {
      asked = try JSONDocument(body).decode { root in
        try root.object { fields in
          let content = fields.read("policy") { try PolicyContent($0) }
          let checks = fields.read("checks") { try PolicyChecks($0) }
          let terms = try ProposalTerms(&fields)
          return (try content.value, terms, try checks.value)
        }
      }
    } catch {
      throw Problem(error)
    }
    let name = try name(request, Self.named("policy.propose", body, by: identity), of: identity)
    let said = try await policies.propose(
      asked.content, asked.terms, checks: asked.checks, by: identity.name, name)
    return try await proposed(said, name)
  }

  private func rollBack(_ request: Request, by identity: Identity) async throws -> Response {
    let body = try await Self.body(request)
    let asked: (generation: Int64, terms: ProposalTerms)
    do throws(JSONErrors) {
      asked = try JSONDocument(body).decode { root in
        try root.object { fields in
          let to = fields.int64("to", in: 1...Int64(UInt32.max))
          let terms = try ProposalTerms(&fields)
          return (try to.value, terms)
        }
      }
    } catch {
      throw Problem(error)
    }
    let name = try name(
      request, Self.named("policy.rollback", body, by: identity), of: identity)
    let said = try await policies.restore(
      PolicyGeneration(UInt32(asked.generation)), asked.terms, by: identity.name, name)
    return try await proposed(said, name)
  }

  /// What was made of a proposal, now or when it was asked for first.
  private func proposed(_ said: Said, _ name: RequestName?) async throws -> Response {
    guard let record = try engine.record(of: said, name) else { throw Problem.unknown }
    let found = try await engine.look(governing: { $1.changes.proposal(ofRecord: record) })
    guard let found else { throw Problem.unknown }
    return try await shown(found.number, isRepeat: said.isRepeat, status: .created)
  }

  private func decide(
    _ act: PolicyAct, _ number: Int64, _ request: Request, _ body: [UInt8], by identity: Identity
  ) async throws -> Response {
    let text = Self.named("\(Act.policy(act).word) \(number)", body, by: identity)
    let name = try name(request, text, of: identity)
    return try await Self.aside {
      let said = try await policies.decide(act, by: identity.name, name)
      return try await shown(number, isRepeat: said.isRepeat)
    }
  }

  /// What a request's name stands for: the operation, who does it, and its body. All owners of a
  /// tenant have the same names, and one of them does not do what another one did.
  static func named(_ operation: String, _ body: [UInt8], by identity: Identity) -> [UInt8] {
    let name = Array(identity.name.utf8)
    return Array("\(operation) \(name.count) ".utf8) + name + body
  }

  /// The number in a path.
  static func subject(_ context: Context) throws(Problem) -> Int64 {
    guard let number = Int64(Parameters(context)["number"]), number > 0 else {
      throw Problem.unknown
    }
    return number
  }

  static func hasNoBody(_ request: Request) async throws {
    guard try await Self.body(request).isEmpty else {
      throw Problem(.badRequest, "body_unexpected", "this operation has no body")
    }
  }

  // MARK: what is shown

  /// A proposal as it stands now.
  /// - Parameter asked: it as it was made, and its content, where these are asked for.
  private func shown(
    _ number: Int64, _ asked: (draft: PolicyDraft, content: PolicyContent)? = nil,
    isRepeat: Bool = false, status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let now = SystemClock.utc
    let (found, force) = try await engine.look(governing: { scene, governance in
      (governance.changes.proposal(number), scene.pool.generation)
    })
    guard var proposal = found else { throw Problem.unknown }
    if let asked { proposal.draft = asked.draft }
    let shown = proposal
    var writer = JSONWriter()
    writer.object { writer in
      Self.head("policy_proposal", force, at: now, &writer)
      if isRepeat { writer.bool("repeated", true) }
      writer.object("proposal") { shown.write(&$0, in: force, at: now) }
    }
    guard let asked else { return .json(writer.bytes, status: status) }
    return .json(
      Array(writer.bytes.dropLast()) + Array(",\"policy\":".utf8) + asked.content.text
        + [UInt8(ascii: "}")], status: status)
  }

  private func listProposals() async throws -> Response {
    let now = SystemClock.utc
    let (proposals, force) = try await engine.look(governing: { scene, governance in
      (governance.changes.proposals, scene.pool.generation)
    })
    var writer = JSONWriter()
    writer.object { writer in
      Self.head("policy_proposals", force, at: now, &writer)
      writer.array("proposals") { writer in
        for proposal in proposals {
          writer.object { proposal.write(&$0, in: force, at: now) }
        }
      }
    }
    return .json(writer.bytes)
  }

  private func listGenerations(atMost limit: Int) async throws -> Response {
    let force = try await engine.look { $0.pool.generation }
    let generations = try policies.generations(through: force, atMost: limit)
    var writer = JSONWriter()
    writer.object { writer in
      Self.head("policy_generations", force, at: SystemClock.utc, &writer)
      writer.string("public_key_pem", authority.publicKeyPEM)
      writer.array("generations") { writer in
        for (record, signed) in generations {
          writer.object { writer in
            signed.entry.write(&writer)
            writer.int64("record", Int64(clamping: record))
            writer.bool("signed", signed.isSigned(by: authority))
            signed.write(&writer)
          }
        }
      }
    }
    return .json(writer.bytes)
  }

  /// What every answer begins with.
  /// - Parameter force: the generation in force; nil: nothing is said of it.
  static func head(
    _ kind: String, _ force: PolicyGeneration? = nil, at now: Int64, _ writer: inout JSONWriter
  ) {
    writer.int64("schema_version", 1)
    writer.string("kind", kind)
    writer.string("at", UTC.text(now))
    if let force { writer.int64("policy_generation", Int64(force.value)) }
  }
}

extension PolicyChanges.Proposal {
  /// Writes its members.
  /// - Parameters:
  ///   - force: the generation in force.
  ///   - now: seconds since 1970.
  func write(_ writer: inout JSONWriter, in force: PolicyGeneration, at now: Int64) {
    writer.int64("number", number)
    writer.string("state", state(in: force, at: now).rawValue)
    writer.string("by", by)
    writer.string("at", UTC.text(at))
    writer.int64("record", Int64(clamping: record))
    draft.write(&writer)
    writer.array("approvals") { writer in
      for approval in approvals {
        writer.object { writer in
          writer.string("by", approval.by)
          writer.string("at", UTC.text(approval.at))
        }
      }
    }
    switch ending {
    case .active(let generation): writer.int64("generation", Int64(generation.value))
    case .refused(let why): writer.string("because", why)
    case .withdrawn(let principal): writer.string("withdrawn_by", principal)
    case nil: break
    }
  }
}
