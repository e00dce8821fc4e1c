public import Foundation
import FoundationNetworking
import StrictJSON

/// Where a server is, and as whom it is asked: the file that `pool-server` writes.
public struct ClientConfiguration: Sendable {
  /// The server's address, without a path; or `unix:` and the path of its socket on this machine.
  public let server: URL
  /// The credential; in no log and no message. Empty: who is at the socket says enough.
  public let token: String

  /// Makes one.
  public init(server: URL, token: String) {
    self.server = server
    self.token = token
  }

  /// Reads a document of kind `client`.
  /// - Throws: `ClientError.configuration` that says what is wrong with the file.
  public init(file: String) throws(ClientError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw .configuration("\(file) cannot be read; name the file that the server wrote, --config")
    }
    let read: (server: String, token: String)
    do throws(JSONErrors) {
      read = try JSONDocument(Array(data)).decode { root in
        try root.object { fields in
          let version = fields.int64("schema_version", in: 1...1)
          let kind = fields.choice("kind", ["client": true])
          let server = fields.string("server", 1...1024)
          let token = fields.optionalString("token", 1...4096)
          _ = try (version.value, kind.value)
          return (try server.value, try token.value ?? "")
        }
      }
    } catch {
      throw .configuration(error.formatted(file: file))
    }
    if read.server.hasPrefix("unix:/"), let url = URL(string: read.server) {
      self.init(server: url, token: read.token)
      return
    }
    guard !read.token.isEmpty else {
      throw .configuration("\(file): only a server at a socket (unix:/PATH) needs no token")
    }
    guard let url = URL(string: read.server), let host = url.host else {
      throw .configuration("\(file): the server is no address")
    }
    guard url.scheme == "https" || url.scheme == "http" && Loopback.has(host) else {
      throw .configuration("\(file): a server that is not on this machine needs https")
    }
    self.init(server: url, token: read.token)
  }
}

/// This machine, as seen from itself.
public enum Loopback {
  /// Whether nobody on another machine is behind a host; a name that begins like an address may be
  /// anywhere.
  public static func has(_ host: String) -> Bool {
    var parsed = in_addr()
    let isAddress = inet_pton(AF_INET, host, &parsed) == 1
    return host == "localhost" || host == "::1" || isAddress && host.hasPrefix("127.")
  }
}

/// Why a server could not be asked, or what it refused.
public enum ClientError: Error, Sendable {
  /// The file of the client is wrong.
  case configuration(String)
  /// The server does not answer.
  case unreachable(String)
  /// The server refused; its problem document.
  case refused(Reply)
}

/// What a server answered.
public struct Reply: Sendable {
  /// The HTTP status.
  public let status: Int
  /// The body.
  public let body: Data
  /// Seconds after which to come back.
  public let retryAfter: Int?

  /// Makes one.
  public init(status: Int, body: Data, retryAfter: Int? = nil) {
    self.status = status
    self.body = body
    self.retryAfter = retryAfter
  }

  /// The body as one JSON object; empty where it is none.
  public var object: [String: Any] {
    (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:]
  }
}

/// Asks a server, one request at a time.
public struct PoolClient: Sendable {
  /// How long an answer may take at a socket, beside the time that is asked to be waited. Unit:
  /// seconds.
  private static let patience = 30
  private let configuration: ClientConfiguration
  private let session: URLSession

  /// Makes a client.
  public init(_ configuration: ClientConfiguration) {
    self.configuration = configuration
    let settings = URLSessionConfiguration.ephemeral
    settings.timeoutIntervalForRequest = 60
    session = URLSession(configuration: settings)
  }

  /// The server's address.
  public var server: String { configuration.server.absoluteString }

  /// The same server, asked with another credential.
  public func with(token: String) -> PoolClient {
    PoolClient(ClientConfiguration(server: configuration.server, token: token))
  }

  /// Asks.
  /// - Parameters:
  ///   - parts: of the path, as they are: they are encoded here.
  ///   - key: names the request, so that it has one effect however often it is sent.
  /// - Throws: `ClientError`.
  public func ask(
    _ method: String, _ parts: [String], query: [String: String] = [:], body: Data? = nil,
    key: String? = nil
  ) async throws(ClientError) -> Reply {
    var headers: [(String, String)] = []
    if !configuration.token.isEmpty {
      headers.append(("Authorization", "Bearer \(configuration.token)"))
    }
    if body != nil { headers.append(("Content-Type", "application/json")) }
    if let key { headers.append(("Idempotency-Key", key)) }
    let limit = Duration.seconds(Self.patience + (query["wait"].flatMap { Int($0) } ?? 0))
    let reply = try await send(method, url(parts, query), headers, body, within: limit)
    guard (200..<300).contains(reply.status) else { throw .refused(reply) }
    return reply
  }

  private func send(
    _ method: String, _ url: URL, _ headers: [(String, String)], _ body: Data?,
    within limit: Duration
  ) async throws(ClientError) -> Reply {
    if configuration.server.scheme == "unix" {
      let target = url.query(percentEncoded: true).map { "\(url.path(percentEncoded: true))?\($0)" }
      let line = SocketLine(path: configuration.server.path)
      return try await line.ask(
        method, target ?? url.path(percentEncoded: true), headers, body, within: limit)
    }
    var request = URLRequest(url: url)
    request.httpMethod = method
    request.httpBody = body
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let answer: (Data, URLResponse)
    do {
      answer = try await session.data(for: request)
    } catch {
      throw .unreachable("\(configuration.server.absoluteString): \(error.localizedDescription)")
    }
    guard let http = answer.1 as? HTTPURLResponse else {
      throw .unreachable("\(configuration.server.absoluteString) speaks no HTTP")
    }
    return Reply(
      status: http.statusCode, body: answer.0,
      retryAfter: http.value(forHTTPHeaderField: "Retry-After").flatMap { Int($0) })
  }

  private func url(_ parts: [String], _ query: [String: String]) -> URL {
    var allowed = CharacterSet.alphanumerics
    allowed.insert(charactersIn: "-._~")
    let path = parts.map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? $0 }
    var components = URLComponents()
    let isSocket = configuration.server.scheme == "unix"
    components.scheme = isSocket ? "http" : configuration.server.scheme
    components.host = isSocket ? "localhost" : configuration.server.host
    components.port = configuration.server.port
    components.percentEncodedPath = "/" + path.joined(separator: "/")
    if !query.isEmpty {
      components.queryItems = query.sorted { $0.key < $1.key }.map {
        URLQueryItem(name: $0.key, value: $0.value)
      }
    }
    return components.url ?? configuration.server
  }
}
