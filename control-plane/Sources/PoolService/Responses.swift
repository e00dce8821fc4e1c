import HTTPTypes
import Hummingbird
import NIOCore
import PoolAllocator
import PoolWire
import StrictJSON

/// A refusal as RFC 9457 says it.
struct Problem: Error, HTTPResponseError {
  let status: HTTPResponse.Status
  let code: String
  let detail: String
  /// Members beside those of the form, as JSON without braces.
  var more: [UInt8] = []
  var retryAfter: Int64?
  var limit: RateLimit?

  init(_ status: HTTPResponse.Status, _ code: String, _ detail: String) {
    self.status = status
    self.code = code
    self.detail = detail
  }

  func response(from request: Request, context: some RequestContext) -> Response { response() }

  /// Its document.
  var document: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("type", "urn:gpupool:problem:\(code)")
      writer.string("title", status.reasonPhrase)
      writer.int64("status", Int64(status.code))
      writer.string("detail", detail)
    }
    var bytes = writer.bytes
    if !more.isEmpty {
      bytes.removeLast()
      bytes += [UInt8(ascii: ",")] + more + [UInt8(ascii: "}")]
    }
    return bytes
  }

  func response() -> Response {
    var headers: HTTPFields = [.contentType: "application/problem+json"]
    if let retryAfter {
      headers[.retryAfter] = "\(retryAfter)"
      limit?.write(to: &headers, retryAfter: retryAfter)
    }
    if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
    return Response(
      status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: document)))
  }

  // MARK: refusals

  static let unauthenticated = Problem(
    .unauthorized, "unauthenticated",
    "the request has no credential that is known and holds; send Authorization: Bearer")
  static let forbidden = Problem(
    .forbidden, "not_authorised", "this principal may not do that, whatever it is about")
  /// A token that does not hold.
  static func unauthenticated(because why: String) -> Problem {
    Problem(.unauthorized, "token_refused", why)
  }

  /// What this principal may not do, in words that are about itself.
  static func forbidden(because why: String) -> Problem {
    Problem(.forbidden, "not_authorised", why)
  }

  static let unknown = Problem(
    .notFound, "unknown_subject", "there is nothing of that name that this principal may see")

  /// Documents with errors.
  init(_ errors: JSONErrors) {
    self.init(
      .badRequest, "document_in_error",
      errors.errors.first.map { "\($0.path): \($0.problem)" } ?? "the document is in error")
    var writer = JSONWriter()
    writer.object { writer in
      writer.array("errors") { writer in
        for error in errors.errors {
          writer.object { writer in
            writer.string("path", error.path)
            writer.string("problem", error.problem)
            writer.string("hint", error.hint)
          }
        }
      }
    }
    more = Array(writer.bytes.dropFirst().dropLast())
  }

  /// What was not put to the pool.
  init(_ because: Unasked) {
    switch because {
    case .busy:
      self.init(.serviceUnavailable, "busy", "too many requests wait; come back in a second")
      retryAfter = 1
    case .diskFull:
      self.init(
        .serviceUnavailable, "disk_nearly_full",
        "the server's disk is nearly full: what runs goes on, and nothing new is taken in")
      retryAfter = 60
    case .ending:
      self.init(.serviceUnavailable, "ending", "the server ends; come back when it is up again")
      retryAfter = 5
    case .nameReused:
      self.init(
        .unprocessableContent, "idempotency_key_reused",
        "the Idempotency-Key was used for another request; give this one its own")
    case .inFlight:
      self.init(
        .conflict, "idempotency_key_in_flight",
        "the request of this Idempotency-Key is being answered; ask again in a moment")
      retryAfter = 1
    case .nameTaken(let why): self.init(.conflict, "name_taken", why)
    case .storeFailed(let what): self.init(.internalServerError, "journal_failed", what)
    case .unknownNode, .gone: self = .unknown
    case .refused(let refusal):
      self = refusal.code.map { Problem(.conflict, $0, refusal.detail) } ?? .unknown
    case .suspended(let name): self = .forbidden(because: "\(name) is suspended")
    case .late:
      self.init(.conflict, "message_late", "a later message of the node was heard")
    case .streamsFull:
      self.init(
        .serviceUnavailable, "streams_full",
        "\(Followers.most) streams of events are open; ask with wait= or come back later")
      retryAfter = 30
    case .streamsOfOneFull:
      self.init(
        .tooManyRequests, "streams_of_principal_full",
        "this principal has \(Followers.mostOfOne) streams of events open; end one of them")
      retryAfter = 5
    case .nothingAsked:
      self.init(.badRequest, "nothing_asked", "this operation is not a single command")
    }
  }
}

extension Response {
  static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// An answer that nobody on the way may keep: it has a secret in it.
  static func secret(_ bytes: [UInt8]) -> Response {
    var response = json(bytes, status: .created)
    response.headers[.cacheControl] = "no-store"
    return response
  }

  static func text(
    _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok
  ) -> Response {
    Response(
      status: status, headers: [.contentType: type],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  /// Has the connection closed once it is written, whatever of the request was not read.
  mutating func close(_ channel: any Channel) {
    headers[.connection] = "close"
    let body = body
    self.body = ResponseBody(contentLength: body.contentLength) { writer in
      try await body.write(writer)
      channel.close(mode: .input, promise: nil)
    }
  }

  /// An answer of the pool.
  init(_ said: Said) {
    switch said.verdict {
    case .admitted, .downgraded, .queued, .parked, .awaitingApproval:
      self = .json(said.body, status: said.hasLease ? .created : .accepted)
    case .done: self = .json(said.body)
    case .rejected, .infeasible: self = Problem(said).response()
    }
  }
}

extension Problem {
  /// A refusal of the pool, with all that it said.
  init(_ said: Said) {
    let code = said.reasons.first?.wire ?? said.verdict.wire
    let status: HTTPResponse.Status
    if said.verdict == .infeasible {
      status = .unprocessableContent
    } else if said.hint != nil {
      status = .tooManyRequests
    } else if said.reasons.first == .unknownSubject {
      status = .notFound
    } else {
      status = .conflict
    }
    self.init(
      status, code,
      said.sentence
        ?? (said.verdict == .infeasible
          ? "this can never be granted as it is asked" : "the pool refuses this now"))
    more = Array(said.body.dropFirst().dropLast())
    retryAfter = said.hint?.retryAfterSeconds
    limit = said.limit
  }
}
