import HTTPTypes
import PoolIdentity
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

  /// A look at what would become of a claim; it asks the pool for nothing.
  static let explain = Operation(
    .post, "/v1/explain", "explain", .member("claim"), tenants,
    "what would become of a claim that nobody submits")

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
      .put, "/v1/policy", "policy", .member("policy"), [.operator],
      "puts the first policy in force; a later one only where the server allows it"),
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

  /// What of a chain it needs; nil: no chain allows it.
  var action: Mandate.Action? {
    switch op {
    case "quote": .prepare
    case "claim", "cancel", "renew", "checkpoint", "complete": .execute
    default: nil
    }
  }

  /// The request as one JSON object, as text and as it was read: a body is read once.
  /// - Throws: `Problem` where the body is no JSON object, or none is expected.
  func request(
    _ body: [UInt8], _ parameters: Parameters, by identity: Identity
  ) throws(Problem) -> (text: [UInt8], document: JSONDocument) {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", op)
      for name in self.parameters { writer.string(name, parameters[name]) }
      if let asker { writer.string(asker, identity.name) }
    }
    var text = writer.bytes
    text.removeLast()
    let own = 1 + self.parameters.count + (asker == nil ? 0 : 1)
    switch self.body {
    case .none:
      guard body.isEmpty else {
        throw Problem(.badRequest, "body_unexpected", "this operation has no body")
      }
    case .members:
      guard let inner = Self.members(of: body) else { throw Self.refusal(of: body) }
      if !inner.isEmpty {
        text.append(UInt8(ascii: ","))
        text += inner
      }
    case .member(let name):
      text += Array(",\"\(name)\":".utf8)
      text += body
    }
    text.append(UInt8(ascii: "}"))
    let document = try Self.read(text, insteadOf: body)
    if case .member = self.body {
      // A body that ends its member and adds others is no JSON by itself.
      let isObject = body.first(where: { !Self.isSpace($0) }) == Self.brace
      guard isObject, document.root.count == own + 1 else { throw Self.refusal(of: body) }
    }
    return (text, document)
  }

  private static let brace = UInt8(ascii: "{")

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// What stands between the braces of an object; empty where nothing does, or the body is empty,
  /// and nil for anything else. Whether these are members is seen once they are read.
  private static func members(of body: [UInt8]) -> ArraySlice<UInt8>? {
    guard let first = body.firstIndex(where: { !isSpace($0) }),
      let last = body.lastIndex(where: { !isSpace($0) })
    else { return [] }
    guard first < last, body[first] == brace, body[last] == UInt8(ascii: "}") else { return nil }
    let inner = body[(first + 1)..<last]
    return inner.allSatisfy(isSpace) ? [] : inner
  }

  /// Reads the request; errors are told as those of the body where it has them by itself.
  private static func read(
    _ text: [UInt8], insteadOf body: [UInt8]
  ) throws(Problem) -> JSONDocument {
    do throws(JSONErrors) {
      return try JSONDocument(text)
    } catch {
      if !body.isEmpty, let own = errors(of: body) { throw Problem(own) }
      throw Problem(error)
    }
  }

  private static func errors(of body: [UInt8]) -> JSONErrors? {
    do throws(JSONErrors) {
      _ = try JSONDocument(body)
      return nil
    } catch {
      return error
    }
  }

  /// Why a body is none.
  private static func refusal(of body: [UInt8]) -> Problem {
    errors(of: body).map { Problem($0) }
      ?? Problem(.badRequest, "document_in_error", "the body has to be a JSON object")
  }
}
