import Foundation
import HTTPTypes
public import Hummingbird
import Logging
import NIOCore
import PoolAllocator
import PoolIdentity
import PoolLoop
import PoolStore
import PoolViews
import PoolWire
import StrictJSON

/// What is known of a request while it is answered.
public struct Context: RequestContext {
  public var coreContext: CoreRequestContextStorage
  /// The connection.
  let channel: any Channel
  /// Who asks, once that is known.
  let asker = Asker()

  public init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Longest body. Unit: bytes.
  public static let bodyMax = 256 << 10
  public var maxUploadSize: Int { Self.bodyMax }
}

/// The HTTP API: who asks, may it, and what of it is put to the pool.
public struct API: Sendable {
  let engine: Engine
  let credentials: Credentials
  let authority: Authority
  /// How policies come into force.
  let policies: PolicyLife
  /// Whether an operator alone may put another policy in force.
  let isPolicyDirect: Bool
  /// Whose tokens are taken beside our own; nil: nobody's.
  let providers: IdentityProviders?
  /// Who the users of this machine are; nil: requests come from elsewhere, too.
  let peers: SocketPeers?

  /// Serves an engine.
  init(
    _ policies: PolicyLife, _ credentials: Credentials, isPolicyDirect: Bool,
    providers: IdentityProviders? = nil, peers: SocketPeers? = nil
  ) {
    engine = policies.engine
    authority = policies.authority
    self.policies = policies
    self.credentials = credentials
    self.isPolicyDirect = isPolicyDirect
    self.providers = providers
    self.peers = peers
  }

  /// All routes, and what is said where a path has no such method.
  public var router: Router<Context> {
    let router = served
    refuseOthers(in: router)
    return router
  }

  /// What is served, each as `GET /v1/queue`.
  var routes: Set<String> {
    Set(served.routes.map { "\($0.method.rawValue) \($0.path.description)" })
  }

  private var served: Router<Context> {
    let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: Problems(engine: engine))
    router.get("/healthz") { _, _ in Response.text("ok\n") }
    router.get("/readyz") { _, _ in
      engine.isReady
        ? Response.text("ready\n") : Response.text("not ready\n", status: .serviceUnavailable)
    }
    router.get("/v1/openapi.json") { _, _ in Response.json(OpenAPI.document) }
    router.get("/metrics") { request, context in try await metrics(request, context) }
    for one in Operation.all {
      router.on(RouterPath(one.path), method: one.method) { request, context in
        try await operate(one, request, context)
      }
    }
    router.post("/v1/claims/batch") { request, context in
      try await Self.aside { try await place(request, context) }
    }
    addViews(to: router)
    addEvents(to: router)
    addNodes(to: router)
    addAudit(to: router)
    addPolicies(to: router)
    addEmergencies(to: router)
    addShadow(to: router)
    addTokens(to: router)
    addUsage(to: router)
    return router
  }

  /// Methods that a path does not have are refused as such, with those that it has.
  private func refuseOthers(in router: Router<Context>) {
    let methods: [HTTPRequest.Method] = [
      .get, .head, .post, .put, .delete, .patch, .options, .trace,
    ]
    let known = Dictionary(grouping: router.routes, by: { $0.path.description })
    for routes in known.values {
      var allowed = Set(routes.map(\.method))
      if allowed.contains(.get) { allowed.insert(.head) }
      let list = allowed.map(\.rawValue).sorted().joined(separator: ", ")
      for method in methods where !allowed.contains(method) {
        router.on(routes[0].path, method: method) { _, _ in
          var response = Problem(
            .methodNotAllowed, "method_not_allowed", "this path has the methods \(list)"
          ).response()
          response.headers[.allow] = list
          return response
        }
      }
    }
  }

  /// Answers what takes long away from the event loop, which other connections have too.
  static func aside(
    _ body: () async throws -> Response
  ) async throws -> Response {
    try await withTaskExecutorPreference(globalConcurrentExecutor) { try await body() }
  }

  // MARK: operations

  private func operate(
    _ one: Operation, _ request: Request, _ context: Context
  ) async throws -> Response {
    let identity = try await identity(
      request, context, one.roles, to: Self.action(of: one, request))
    // All of it is read before anything is asked: what is refused has no effect.
    let seconds = try Self.number(request, "wait", 0...20)
    let isDry = try Self.isDry(request, mayBe: one.op == "claim")
    let body = try await Self.body(request)
    let (text, document) = try one.request(body, Parameters(context), by: identity)
    let name = try name(request, text, of: identity)
    let (vocabulary, generation) = engine.vocabulary
    let operation = try Self.read(document, text, vocabulary, by: identity)
    let subject = try await check(operation, name, by: identity)
    if isDry { return .json(try await explain(operation, to: identity.quotaHolder)) }
    var ask = Ask(
      operation, called: one.op, by: identity.name, for: identity.onBehalfOf, under: generation,
      name: name, document: text)
    (ask.subject, ask.quotaHolder) = (subject, identity.quotaHolder)
    if case .policy(let policy) = operation { try allow(&ask, policy) }
    let said: Said
    do throws(Unasked) {
      said = try await engine.ask(ask)
    } catch {
      throw Problem(error)
    }
    if seconds > 0, said.verdict == .queued || said.verdict == .parked,
      case .claim(let form) = operation
    {
      return try await waited(form, by: identity.quotaHolder, seconds)
    }
    return Response(said)
  }

  /// Most claims of one request. Unit: claims.
  static let batchMax = 1_000

  /// Asks for several claims: each is answered by itself, in their order.
  private func place(_ request: Request, _ context: Context) async throws -> Response {
    let identity = try await identity(
      request, context, [.operator, .owner, .workload], to: .execute)
    _ = try Self.isDry(request, mayBe: false)
    let body = try await Self.body(request)
    let name = try name(request, body, of: identity)
    let (all, generation) = engine.vocabulary
    let vocabulary = all.shown(to: identity.tenant)
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
            return (try ClaimForm.read(value, vocabulary: vocabulary), writer.bytes)
          }.value
        }
      }
    } catch {
      throw Self.isForeign(body, to: identity) ? .forbidden : Problem(error)
    }
    try await check(read.map { $0.form }, by: identity)
    let asks = read.enumerated().map { index, one in
      var ask = Ask(
        .claim(one.form), called: "claim", by: identity.name, for: identity.onBehalfOf,
        under: generation, name: name?.part(index), document: one.text)
      ask.quotaHolder = identity.quotaHolder
      return ask
    }
    let answers = try await engine.ask(all: asks)
    // What is true of all of it is said of the request.
    let refusals = answers.compactMap { answer in
      if case .failure(let because) = answer { because } else { nil }
    }
    if refusals.count == answers.count, let first = refusals.first,
      refusals.allSatisfy({ $0 == first })
    {
      throw first
    }
    return .json(Self.list(answers))
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
  private func waited(
    _ form: ClaimForm, by principal: String, _ seconds: Int64
  ) async throws -> Response {
    guard
      let told = try await engine.await(
        form.name, of: form.tenant, by: principal, seconds: seconds)
    else {
      return .json(Array(#"{"state":"ended"}"#.utf8))
    }
    return .json(told.body, status: told.hasLease ? .created : .accepted)
  }

  /// The caller's name of a request: whose it is, its key and its content.
  func name(
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

  // MARK: reading

  static func body(_ request: Request) async throws -> [UInt8] {
    do {
      return Array(buffer: try await request.body.collect(upTo: Context.bodyMax))
    } catch is NIOTooManyBytesError {
      throw Problem(
        .contentTooLarge, "body_too_large", "a body has at most \(Context.bodyMax) bytes")
    } catch {
      throw Problem(.badRequest, "body_in_error", "the body is not all there, or is no HTTP")
    }
  }

  /// Reads a request. Whoever is held to one tenant learns nothing of the names of others: not from
  /// a hint, and not from what is refused first.
  static func read(
    _ document: JSONDocument, _ text: [UInt8], _ vocabulary: PolicyVocabulary, by identity: Identity
  ) throws(Problem) -> StreamRequest.Operation {
    do throws(JSONErrors) {
      return try StreamRequest(
        document, vocabulary: vocabulary.shown(to: identity.tenant)
      ).operation
    } catch {
      throw isForeign(text, to: identity) ? .forbidden : Problem(error)
    }
  }

  /// Whether a document that is in error asks for another tenant: then that is what is said, as of
  /// one that is not in error.
  static func isForeign(_ text: [UInt8], to identity: Identity) -> Bool {
    guard identity.tenant != nil, (try? JSONDocument(text)) != nil else { return false }
    let root = (try? JSONSerialization.jsonObject(with: Data(text))) as? [String: Any]
    let claims = root?["claims"] as? [[String: Any]] ?? []
    return (claims + [root?["claim"] as? [String: Any] ?? [:]]).contains { claim in
      (claim["tenant"] as? String).map { !identity.mayAct(for: $0) } ?? false
    }
  }

  /// What of a chain an operation needs; nil: no chain allows it.
  private static func action(of one: Operation, _ request: Request) -> Mandate.Action? {
    let isDry = request.uri.queryParameters["dry_run"] == "true"
    return one.op == "claim" && isDry ? .prepare : one.action
  }

  /// Whether nothing is to be asked for, only said what would become of it.
  private static func isDry(_ request: Request, mayBe isKnown: Bool) throws(Problem) -> Bool {
    guard let text = request.uri.queryParameters["dry_run"] else { return false }
    guard isKnown, let isDry = Bool(String(text)) else {
      throw Problem(
        .badRequest, "parameter_in_error",
        isKnown ? "dry_run is true or false" : "dry_run is known of a single claim alone")
    }
    return isDry
  }

  static func number(
    _ request: Request, _ name: String, _ range: ClosedRange<Int64>, unless other: Int64 = 0
  ) throws(Problem) -> Int64 {
    guard let text = request.uri.queryParameters[name[...]] else { return other }
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
  let engine: Engine

  func handle(
    _ request: Request, context: Context,
    next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var response = await answer(request, context, next)
    let length = request.headers[.contentLength].flatMap { Int($0) }
    let isLong = request.headers[.transferEncoding] != nil || (length ?? 0) > Context.bodyMax
    if isLong, response.status == .unauthorized || response.status == .contentTooLarge {
      // What nobody reads is not taken to its end, which it may not have.
      response.close(context.channel)
    }
    // An answer to HEAD has no body, or the next answer on the connection is not found.
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(
    _ request: Request, _ context: Context,
    _ next: (Request, Context) async throws -> Response
  ) async -> Response {
    do {
      return try await next(request, context)
    } catch let problem as Problem {
      return refusal(of: request, context, problem)
    } catch let unasked as Unasked {
      return refusal(of: request, context, Problem(unasked))
    } catch let error as StoreError {
      context.logger.error("a request failed", metadata: ["error": "\(error)"])
      return Problem(.serviceUnavailable, "unavailable", "what has to be kept cannot be").response()
    } catch let error as HTTPError {
      return Problem(error.status, "refused", error.body ?? error.status.reasonPhrase).response()
    } catch {
      context.logger.error("a request failed", metadata: ["error": "\(error)"])
      return Problem(.internalServerError, "internal", "the server failed").response()
    }
  }

  /// Says a refusal; one for who asks is written down.
  private func refusal(
    of request: Request, _ context: Context, _ problem: Problem
  ) -> Response {
    if problem.status == .unauthorized || problem.status == .forbidden {
      engine.deny(
        Denials.Denial(
          identity: context.asker.identity, code: problem.code, status: problem.status.code,
          method: request.method.rawValue, path: context.endpointPath ?? ""))
    }
    return problem.response()
  }
}
