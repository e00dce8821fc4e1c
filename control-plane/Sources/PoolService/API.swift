import Foundation
import HTTPTypes
public import Hummingbird
import Logging
import NIOCore
import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire
import StrictJSON

/// What is known of a request while it is answered.
public struct Context: RequestContext {
  public var coreContext: CoreRequestContextStorage

  public init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
  }

  /// Longest body. Unit: bytes.
  public static let bodyMax = 256 << 10
  public var maxUploadSize: Int { Self.bodyMax }
}

/// The HTTP API: who asks, may it, and what of it is put to the pool.
public struct API: Sendable {
  let engine: Engine
  let credentials: Credentials

  /// Serves an engine.
  public init(_ engine: Engine, _ credentials: Credentials) {
    self.engine = engine
    self.credentials = credentials
  }

  /// All routes.
  public var router: Router<Context> {
    let router = Router(context: Context.self)
    router.add(middleware: Problems())
    router.get("/healthz") { _, _ in Response.text("ok\n") }
    router.get("/readyz") { _, _ in
      engine.isReady
        ? Response.text("ready\n") : Response.text("not ready\n", status: .serviceUnavailable)
    }
    router.get("/v1/openapi.json") { _, _ in Response.json(OpenAPI.document) }
    router.get("/metrics") { request, _ in try await metrics(request) }
    for one in Operation.all {
      router.on(RouterPath(one.path), method: one.method) { request, context in
        try await operate(one, request, context)
      }
    }
    router.post("/v1/claims/batch") { request, _ in try await place(request) }
    addViews(to: router)
    addNodes(to: router)
    addAudit(to: router)
    return router
  }

  // MARK: who asks

  /// The identity behind a request.
  /// - Throws: `Problem` where nobody known is.
  func identity(_ request: Request) throws(Problem) -> Identity {
    let prefix = "Bearer "
    guard let value = request.headers[.authorization], value.hasPrefix(prefix),
      let identity = credentials.identity(of: String(value.dropFirst(prefix.count)))
    else { throw .unauthenticated }
    return identity
  }

  /// The identity, if it has one of some roles.
  func identity(_ request: Request, _ roles: Set<Role>) throws(Problem) -> Identity {
    let identity = try identity(request)
    guard roles.contains(identity.role) else { throw .forbidden }
    return identity
  }

  // MARK: operations

  private func operate(
    _ one: Operation, _ request: Request, _ context: Context
  ) async throws -> Response {
    let identity = try identity(request, one.roles)
    let body = try await Self.body(request)
    let text = try one.request(body, Parameters(context), by: identity)
    let (vocabulary, generation) = engine.vocabulary
    let stream: StreamRequest
    do throws(JSONErrors) {
      stream = try StreamRequest(try JSONDocument(text), vocabulary: vocabulary)
    } catch {
      throw Problem(error)
    }
    try await check(stream.operation, by: identity)
    if one.op == "claim", request.uri.queryParameters["dry_run"] == "true" {
      return .json(try await explain(stream.operation))
    }
    let ask = Ask(
      stream.operation, called: one.op, by: identity.name, under: generation,
      name: try name(request, text, of: identity), document: text)
    let said: Said
    do throws(Unasked) {
      said = try await engine.ask(ask)
    } catch {
      throw Problem(error)
    }
    let seconds = try Self.seconds(request, "wait", 0...20)
    if seconds > 0, said.verdict == .queued || said.verdict == .parked,
      case .claim(let form) = stream.operation
    {
      return try await waited(form, seconds)
    }
    return Response(said)
  }

  /// Most claims of one request. Unit: claims.
  static let batchMax = 1_000

  /// Asks for several claims: each is answered by itself, in their order.
  private func place(_ request: Request) async throws -> Response {
    let identity = try identity(request, [.operator, .owner, .workload])
    let body = try await Self.body(request)
    let (vocabulary, generation) = engine.vocabulary
    let read: [(form: ClaimForm, text: [UInt8])]
    do throws(JSONErrors) {
      read = try JSONDocument(body).decode { root in
        try root.object { fields in
          try fields.array("claims", min: 1, max: Self.batchMax) { value in
            var writer = JSONWriter()
            writer.object { writer in
              writer.string("op", "claim")
              writer.value("claim", value)
            }
            return (try ClaimForm(value, vocabulary: vocabulary), writer.bytes)
          }.value
        }
      }
    } catch {
      throw Problem(error)
    }
    for one in read { try check(one.form, by: identity) }
    let name = try name(request, body, of: identity)
    let asks = read.enumerated().map { index, one in
      Ask(
        .claim(one.form), called: "claim", by: identity.name, under: generation,
        name: name?.part(index), document: one.text)
    }
    return .json(Self.list(await engine.ask(all: asks)))
  }

  private static func list(_ answers: [Result<Said, Unasked>]) -> [UInt8] {
    var text = Array(#"{"answers":["#.utf8)
    for (index, answer) in answers.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      switch answer {
      case .success(let said): text += said.body
      case .failure(let because): text += Problem(because).document
      }
    }
    return text + Array("]}".utf8)
  }

  /// How a claim stands after a wait.
  private func waited(_ form: ClaimForm, _ seconds: Int64) async throws -> Response {
    guard let told = try await engine.await(form.key, seconds: seconds) else {
      return .json(Array(#"{"state":"ended"}"#.utf8))
    }
    return .json(told, status: .accepted)
  }

  /// The caller's name of a request: whose it is, its key and its content.
  private func name(
    _ request: Request, _ text: [UInt8], of identity: Identity
  ) throws(Problem) -> RequestName? {
    guard let field = HTTPField.Name("Idempotency-Key"), let key = request.headers[field] else {
      return nil
    }
    guard (1...128).contains(key.utf8.count) else {
      throw Problem(
        .badRequest, "idempotency_key_length", "an Idempotency-Key has 1 to 128 bytes")
    }
    return RequestName(
      scope: Digest.key("scope", identity.subject ?? identity.name),
      key: Digest.key("key", key), digest: Digest.key(text))
  }

  /// Whether somebody may ask this: of its own tenant, and a workload in its own name.
  private func check(
    _ operation: StreamRequest.Operation, by identity: Identity
  ) async throws {
    guard identity.role != .operator else { return }
    switch operation {
    case .claim(let form): try check(form, by: identity)
    case .quote(let form): try check(form.claim, by: identity)
    case .explain(.document(let form)): try check(form, by: identity)
    case .cancel(let tenant, _), .decide(let tenant, _, _, _), .revoke(let tenant, _):
      guard identity.mayAct(for: tenant) else { throw Problem.unknown }
    case .delegate(let form):
      guard identity.mayAct(for: form.tenant) else { throw Problem.unknown }
    case .renew(let lease, _), .checkpoint(let lease, _), .complete(let lease, _, _, _):
      let tenant = try await engine.look { $0.holders[lease]?.tenant }
      guard let tenant, identity.mayAct(for: tenant) else { throw Problem.unknown }
    default: throw Problem.forbidden
    }
  }

  private func check(_ form: ClaimForm, by identity: Identity) throws(Problem) {
    guard identity.mayAct(for: form.tenant) else { throw .forbidden }
    guard identity.role != .workload || form.principal == identity.name else {
      throw Problem(
        .forbidden, "not_authorised",
        "a workload asks in its own name: principal has to be \"\(identity.name)\"")
    }
  }

  // MARK: reading

  static func body(_ request: Request) async throws -> [UInt8] {
    do {
      return Array(buffer: try await request.body.collect(upTo: Context.bodyMax))
    } catch {
      throw Problem(
        .contentTooLarge, "body_too_large", "a body has at most \(Context.bodyMax) bytes")
    }
  }

  static func seconds(
    _ request: Request, _ name: String, _ range: ClosedRange<Int64>
  ) throws(Problem) -> Int64 {
    guard let text = request.uri.queryParameters[name[...]] else { return range.lowerBound }
    guard let value = Int64(text), range.contains(value) else {
      throw Problem(
        .badRequest, "parameter_in_error",
        "\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}

/// Parts of a path by name, as they were before they were encoded.
struct Parameters {
  private let context: Context

  init(_ context: Context) { self.context = context }

  subscript(name: String) -> String {
    let raw = context.parameters.get(name).map { String($0) } ?? ""
    return raw.removingPercentEncoding ?? raw
  }
}

/// What is thrown becomes a problem document, whatever it is.
struct Problems: RouterMiddleware {
  func handle(
    _ request: Request, context: Context,
    next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let problem as Problem {
      return problem.response()
    } catch let unasked as Unasked {
      return Problem(unasked).response()
    } catch let error as HTTPError {
      return Problem(error.status, "refused", error.body ?? error.status.reasonPhrase).response()
    } catch {
      context.logger.error("a request failed", metadata: ["error": "\(error)"])
      return Problem(.internalServerError, "internal", "the server failed").response()
    }
  }
}
