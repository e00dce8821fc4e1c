import HTTPTypes
import PoolWire
import StrictJSON

/// One operation of the API: a request of the stream's form, with a path for a part of it.
struct Operation: Sendable {
  /// How the body becomes part of the request.
  enum Body: Sendable, Equatable {
    /// There is none.
    case none
    /// Its members are members of the request.
    case members
    /// It is one member.
    case member(String)
  }

  let method: HTTPRequest.Method
  let path: String
  let op: String
  let body: Body
  /// Parts of the path that are members of the request.
  let parameters: [String]
  /// The member that names who asks.
  let asker: String?
  let roles: Set<Role>
  let summary: String

  private init(
    _ method: HTTPRequest.Method, _ path: String, _ op: String, _ body: Body, asker: String? = nil,
    _ roles: Set<Role>, _ summary: String
  ) {
    self.method = method
    self.path = path
    self.op = op
    self.body = body
    self.asker = asker
    self.roles = roles
    self.summary = summary
    parameters = path.split(separator: "/").filter { $0.first == ":" }.map {
      String($0.dropFirst())
    }
  }

  private static let tenants: Set<Role> = [.operator, .owner, .workload]
  private static let owners: Set<Role> = [.operator, .owner]

  /// Every operation.
  static let all: [Operation] = [
    Operation(.post, "/v1/claims", "claim", .member("claim"), tenants, "asks for devices"),
    Operation(.delete, "/v1/claims/:tenant/:claim", "cancel", .none, tenants, "withdraws a claim"),
    Operation(
      .post, "/v1/claims/:tenant/:claim/approve", "approve", .members, asker: "by", owners,
      "approves what a claim plans"),
    Operation(
      .post, "/v1/claims/:tenant/:claim/deny", "deny", .members, asker: "by", owners,
      "denies what a claim plans"),
    Operation(.post, "/v1/quotes", "quote", .members, tenants, "asks for a price that holds"),
    Operation(.post, "/v1/leases/:lease/renew", "renew", .members, tenants, "pays a quantum"),
    Operation(
      .post, "/v1/leases/:lease/checkpoint", "checkpoint", .members, tenants,
      "says that the work is saved"),
    Operation(
      .post, "/v1/leases/:lease/complete", "complete", .members, tenants, "gives a lease back"),
    Operation(.post, "/v1/delegations", "delegate", .members, owners, "gives a budget"),
    Operation(
      .delete, "/v1/delegations/:tenant/:budget", "revoke", .none, owners,
      "closes a budget and all given out of it"),
    Operation(
      .put, "/v1/policy", "policy", .member("policy"), [.operator], "puts a policy in force"),
    Operation(
      .post, "/v1/restrictions", "restrict", .members, asker: "by", [.operator],
      "restricts an identity, or lifts that"),
    Operation(
      .post, "/v1/corrections", "signal", .members, [.operator], "corrects later estimates"),
    Operation(
      .put, "/v1/dependencies/:name", "dependency", .members, [.operator],
      "says how something does that work depends on"),
    Operation(.post, "/v1/measures", "measure", .members, [.operator], "records a measure"),
    Operation(
      .post, "/v1/nodes/:node/cordon", "cordon", .none, [.operator], "no new lease on a node"),
    Operation(
      .post, "/v1/nodes/:node/uncordon", "uncordon", .none, [.operator], "ends a cordon or drain"),
    Operation(
      .post, "/v1/nodes/:node/drain", "drain", .members, [.operator],
      "no new lease, and running ones end after a grace"),
    Operation(
      .post, "/v1/nodes/:node/fence", "fence", .none, [.operator],
      "vouches that nothing lives on a node that is not ready"),
  ]

  /// The request as one JSON object.
  /// - Throws: `Problem` where the body is no JSON object, or none is expected.
  func request(
    _ body: [UInt8], _ parameters: Parameters, by identity: Identity
  ) throws(Problem) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", op)
      for name in self.parameters { writer.string(name, parameters[name]) }
      if let asker { writer.string(asker, identity.name) }
    }
    var text = writer.bytes
    text.removeLast()
    switch self.body {
    case .none:
      guard body.isEmpty else {
        throw Problem(.badRequest, "body_unexpected", "this operation has no body")
      }
    case .members:
      let isEmpty = try Self.read(body, orNothing: true)
      if !isEmpty, let start = body.firstIndex(of: UInt8(ascii: "{")) {
        let end = body.lastIndex(of: UInt8(ascii: "}")) ?? body.endIndex
        text += [UInt8(ascii: ",")] + body[(start + 1)..<end]
      }
    case .member(let name):
      _ = try Self.read(body, orNothing: false)
      text += Array(",\"\(name)\":".utf8) + body
    }
    return text + [UInt8(ascii: "}")]
  }

  /// Sees that a body is a JSON object.
  /// - Returns: whether it has no members.
  private static func read(_ body: [UInt8], orNothing: Bool) throws(Problem) -> Bool {
    if orNothing, body.isEmpty { return true }
    let document: JSONDocument
    do throws(JSONErrors) {
      document = try JSONDocument(body)
    } catch {
      throw Problem(error)
    }
    guard document.root.kind == .object else {
      throw Problem(.badRequest, "document_in_error", "the body has to be a JSON object")
    }
    return document.root.count == 0
  }
}
