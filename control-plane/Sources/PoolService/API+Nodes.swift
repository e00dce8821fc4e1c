import HTTPTypes
import Hummingbird
import PoolAllocator
import PoolViews
import PoolWire
import StrictJSON

/// Nodes: who enrols them, how an agent joins, and what it says.
extension API {
  /// How long a join credential holds. Unit: seconds.
  static let joinSpan: Int64 = 3_600
  /// How long the credential of a node holds. Unit: seconds.
  static let nodeSpan: Int64 = 86_400

  func addNodes(to router: Router<Context>) {
    router.post("/v1/nodes") { request, context in
      let identity = try await identity(request, context, [.operator])
      return try await enrol(try await Self.body(request), by: identity)
    }
    router.post("/v1/nodes/:node/join-credential") { request, context in
      let identity = try await identity(request, context, [.operator])
      let node = Parameters(context)["node"]
      let key = NameTable.key(.node, node)
      guard try await engine.look({ $0.pool.node(named: key) != nil }) else {
        throw Problem.unknown
      }
      return try await invited(node, by: identity)
    }
    router.post("/v1/join") { request, context in
      let invited = try await identity(request, context, [.join])
      _ = try await Self.body(request)
      guard let node = invited.subject else { throw Problem.unauthenticated }
      let agent = Identity("node:\(node)", .node, of: node)
      let exchanged = try credentials.exchange(
        Self.credential(of: request), for: agent, seconds: Self.nodeSpan)
      guard let credential = exchanged else { throw Problem.unauthenticated }
      try await engine.record(
        "join", credential, of: agent, for: Self.nodeSpan, by: invited.name)
      return Self.handed(node, "credential", credential, Self.nodeSpan)
    }
    router.post("/v1/nodes/:node/credential") { request, context in
      let identity = try await identity(request, context, [.node])
      guard identity.subject == Parameters(context)["node"], let node = identity.subject else {
        throw Problem.unknown
      }
      let credential = try credentials.renew(
        Self.credential(of: request), of: identity, for: Self.nodeSpan)
      try await engine.record(
        "rotate", credential, of: identity, for: Self.nodeSpan, by: identity.name)
      return Self.handed(node, "credential", credential, Self.nodeSpan)
    }
    router.post("/v1/nodes/:node/messages") { request, context in
      let identity = try await identity(request, context, [.node])
      guard identity.subject == Parameters(context)["node"], let node = identity.subject else {
        throw Problem.unknown
      }
      return try await hear(try await Self.body(request), from: node)
    }
  }

  /// Enrols a node by its document, and invites its agent.
  private func enrol(_ body: [UInt8], by identity: Identity) async throws -> Response {
    let text = Array(#"{"op":"advertise","node":"#.utf8) + body + [UInt8(ascii: "}")]
    let stream: StreamRequest
    do throws(JSONErrors) {
      _ = try JSONDocument(body)
      stream = try StreamRequest(try JSONDocument(text), vocabulary: PolicyVocabulary())
    } catch {
      throw Problem(error)
    }
    guard case .advertise(let document) = stream.operation else { throw Problem.unknown }
    let said = try await engine.ask(
      Ask(
        stream.operation, called: "enrol", by: identity.name, under: engine.vocabulary.1,
        as: .enrol(document.enrolment), document: text))
    guard said.verdict == .done else { return Problem(said).response() }
    return try await invited(document.name, by: identity)
  }

  private func invited(_ node: String, by giver: Identity) async throws -> Response {
    let invited = Identity("join:\(node)", .join, of: node)
    let credential = try credentials.issue(invited, for: Self.joinSpan, by: giver.name)
    try await engine.record(
      "invite", credential, of: invited, for: Self.joinSpan, by: giver.name)
    return Self.handed(node, "join_credential", credential, Self.joinSpan)
  }

  private static func handed(
    _ node: String, _ name: String, _ credential: String, _ seconds: Int64
  ) -> Response {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("node", node)
      writer.string(name, credential)
      writer.int64("expires_in_seconds", seconds)
    }
    return .secret(writer.bytes)
  }

  private func hear(_ body: [UInt8], from node: String) async throws -> Response {
    let form: NodeMessageForm
    do throws(JSONErrors) {
      form = try NodeMessageForm(try JSONDocument(body), node: node)
    } catch {
      throw Problem(error)
    }
    do throws(Unasked) {
      return Response.json(try await engine.hear(form, from: node))
    } catch .late {
      return Response(status: .noContent)
    }
  }
}
