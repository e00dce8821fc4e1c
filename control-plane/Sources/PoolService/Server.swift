import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
import NIOSSL
public import PoolAllocator
public import PoolStore
import PoolViews
import PoolWire
import ServiceLifecycle
import StrictJSON
import UnixSignals

/// Where a server's certificate and its key are, in PEM.
public struct TLSFiles: Sendable {
  private let certificate: String
  private let key: String

  /// Names the files; the certificate's has the chain behind it.
  public init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }

  /// TLS 1.2 or later, as the library has it.
  func configuration() throws -> TLSConfiguration {
    let chain = try NIOSSLCertificate.fromPEMFile(certificate)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
    configuration.minimumTLSVersion = .tlsv12
    return configuration
  }
}

/// A server on one address: the engine, the credentials and the API.
public struct Server: Sendable {
  /// Which allocator decides here: the first.
  public static let engine: UInt16 = 1
  /// How a server is called in delegation tokens, unless it has a name of its own.
  public static let audience = "gpupool"

  /// How long a server that ends waits for requests that are being sent or answered; then they are
  /// cut off. Unit: seconds.
  static let patience = 5

  /// What is decided.
  public let decider: Engine
  /// Who may ask.
  public let credentials: Credentials
  private let policies: PolicyLife
  private let logger: Logger

  /// Begins on a folder: its journal, its credentials and its key.
  /// - Parameters:
  ///   - audience: its name in delegation tokens.
  ///   - limits: bounds of the pool of a new journal; one that is there keeps its own.
  ///   - checksFirst: whether to look at every record of the journal before it begins.
  ///   - failed: is told why nothing more can be made durable.
  /// - Throws: `StoreError` where the folder is another's, open to others, or damaged.
  public init(
    at folder: String, audience: String = Server.audience, limits: Limits = Limits(),
    checksFirst: Bool = false, logger: Logger,
    failed: @escaping @Sendable (StoreError) -> Void
  ) throws(StoreError) {
    self.logger = logger
    let store = try SQLiteStore(
      at: folder, limits: limits, engine: Self.engine, checksFirst: checksFirst)
    decider = try Engine(on: store, failed: failed, noting: { logger.warning("\($0)") })
    credentials = try Credentials(at: folder + "/credentials.json")
    policies = PolicyLife(
      decider, try Authority(at: folder + "/identity.key", audience: audience))
  }

  /// Whether no policy was ever in force.
  public var isNew: Bool { decider.vocabulary.1.value == 0 }

  /// Puts a policy in force, if its generation is later than that of the one in force.
  /// - Parameters:
  ///   - text: its document.
  ///   - isFirst: only where none is in force.
  /// - Returns: false where one is, and this one is later.
  /// - Throws: `JSONErrors` or a refusal, in words.
  @discardableResult
  public func activate(
    _ text: [UInt8], by principal: String, onlyFirst isFirst: Bool = false
  ) async throws -> Bool {
    let document = try PolicyDocument(try JSONDocument(text))
    let (_, generation) = decider.vocabulary
    guard document.generation > generation else { return true }
    guard isNew || !isFirst else { return false }
    var ask = Ask(
      .policy(document), called: "policy", by: principal, under: generation,
      document: Array(#"{"op":"policy","policy":"#.utf8) + text + [UInt8(ascii: "}")])
    try policies.sign(&ask, document)
    let said = try await decider.ask(ask)
    guard said.verdict == .done else {
      throw StoreError(
        .unavailable, "the policy is refused: \(String(decoding: said.body, as: UTF8.self))",
        remedy: "change the document")
    }
    return true
  }

  /// Enrols a node by its document; one that is enrolled stays as it is.
  /// - Returns: its name.
  /// - Throws: `JSONErrors` or a refusal, in words.
  public func enrol(_ text: [UInt8], by principal: String) async throws -> String {
    let document = try NodeDocument(try JSONDocument(text))
    let key = document.key
    if try await decider.look({ $0.pool.node(named: key) != nil }) { return document.name }
    let said = try await decider.ask(
      Ask(
        .advertise(document), called: "enrol", by: principal, under: decider.vocabulary.1,
        as: .enrol(document.enrolment),
        document: Array(#"{"op":"advertise","node":"#.utf8) + text + [UInt8(ascii: "}")]))
    guard said.verdict == .done else {
      throw StoreError(
        .unavailable, "the node is refused: \(String(decoding: said.body, as: UTF8.self))",
        remedy: "change the document")
    }
    return document.name
  }

  /// Makes a credential, and has it be known who made it for whom.
  /// - Returns: its text, which is nowhere else.
  /// - Throws: `StoreError` where the name is the server's own, or it cannot be kept.
  public func issue(
    _ identity: Identity, for seconds: Int64, by principal: String
  ) async throws -> String {
    guard !Identity.isReserved(identity.name) else {
      throw StoreError(
        .unavailable, "\(identity.name) is a name of the server", remedy: "choose another name")
    }
    let credential = try credentials.issue(identity, for: seconds, by: principal)
    try await decider.record(
      "credential", credential, of: identity, for: seconds, by: principal)
    return credential
  }

  /// Writes a client file, mode 600, with a new credential.
  public func writeClient(
    _ file: String, address: String, for identity: Identity, seconds: Int64, by principal: String
  ) async throws {
    let token = try await issue(identity, for: seconds, by: principal)
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "client")
      writer.string("server", address)
      writer.string("token", token)
    }
    try PrivateFile.replace(file, with: writer.bytes + [UInt8(ascii: "\n")])
  }

  /// Places the claims of a document, once a node is ready or 20 seconds have passed.
  /// - Returns: a line for each claim.
  /// - Throws: `JSONErrors`.
  public func place(_ text: [UInt8], by principal: String) async throws -> [String] {
    let (vocabulary, generation) = decider.vocabulary
    let claims = try ClaimsDocument(try JSONDocument(text), vocabulary: vocabulary).claims
    for _ in 0..<200 {
      let isReady = try await decider.look { scene in
        var isReady = false
        scene.pool.forEachNode { _, node in isReady = isReady || node.reach == .ready }
        return isReady
      }
      if isReady { break }
      try await Task.sleep(for: .milliseconds(100))
    }
    let asks = try Self.documents(text).enumerated().map { index, document in
      Ask(
        .claim(claims[index]), called: "claim", by: principal, under: generation,
        document: document)
    }
    return try await decider.ask(all: asks).enumerated().map { index, result in
      let who = "\(claims[index].name) of \(claims[index].tenant)"
      switch result {
      case .success(let said): return "\(who): \(said.summary)"
      case .failure(let because): return "\(who): \(because)"
      }
    }
  }

  /// The claims of a document that was read, each as a request: without the times of a play.
  private static func documents(_ text: [UInt8]) throws -> [[UInt8]] {
    let object = try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any]
    return try (object?["claims"] as? [[String: Any]] ?? []).map { claim in
      let request: [String: Any] = [
        "op": "claim", "claim": claim.filter { $0.key != "at_seconds" },
      ]
      return Array(try JSONSerialization.data(withJSONObject: request, options: .sortedKeys))
    }
  }

  /// Serves until it is told to end.
  /// - Parameters:
  ///   - tls: the certificate and its key; nil: plain HTTP, for a loopback address alone.
  ///   - providers: those whose tokens are taken beside its own.
  ///   - socket: where users of this machine may ask without a credential.
  ///   - isPolicyDirect: whether an operator alone may put another policy in force.
  ///   - running: is told the port.
  /// - Throws: where the address or the socket cannot be had, or the files of `tls` cannot be read.
  public func run(
    host: String, port: Int, tls: TLSFiles? = nil, providers: IdentityProviders? = nil,
    socket: LocalSocket? = nil, isPolicyDirect: Bool = false,
    running: @escaping @Sendable (Int) async -> Void
  ) async throws {
    let plain = HTTPServerBuilder { PacedChannel($0) }
    let application = Application(
      router: API(
        policies, credentials, isPolicyDirect: isPolicyDirect, providers: providers
      ).router,
      server: try tls.map { try .tls(plain, tlsConfiguration: $0.configuration()) } ?? plain,
      configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
      onServerRunning: { channel in await running(channel.localAddress?.port ?? port) },
      logger: logger)
    var services: [any Service] = [application, Waits(decider: decider), policies]
    if let socket {
      services.append(try listening(at: socket, plain, providers, isPolicyDirect))
    }
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(Self.patience)
    try await ServiceGroup(configuration: configuration).run()
  }

  /// The same API at a Unix socket; the library removes the file when it ends.
  private func listening(
    at socket: LocalSocket, _ plain: HTTPServerBuilder, _ providers: IdentityProviders?,
    _ isPolicyDirect: Bool
  ) throws(StoreError) -> any Service {
    try socket.clear()
    let logger = logger
    return Application(
      router: API(
        policies, credentials, isPolicyDirect: isPolicyDirect, providers: providers,
        peers: socket.peers
      ).router,
      server: plain,
      configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket.path)),
      onServerRunning: { _ in
        if !socket.restrict() { logger.error("\(socket.path) cannot be closed to others") }
      },
      logger: logger)
  }
}

/// Has nobody wait for a claim while the server ends.
private struct Waits: Service {
  let decider: Engine

  func run() async throws {
    try? await gracefulShutdown()
    decider.endWaits()
  }
}
