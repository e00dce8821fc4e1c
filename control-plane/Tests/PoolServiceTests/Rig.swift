import Foundation
import Logging
import PoolClient
import PoolService
import PoolStore
import Testing

/// A server on a free port of this machine with a folder of its own.
final class Rig: Sendable {
  let server: Server
  let folder: String
  let port: Int
  private let task: Task<Void, any Error>

  private init(
    _ server: Server, _ folder: String, _ port: Int, _ task: Task<Void, any Error>
  ) {
    self.server = server
    self.folder = folder
    self.port = port
    self.task = task
  }

  /// A folder that is gone afterwards.
  static func inFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/service-\(UUID().uuidString)"
    defer {
      for name in [folder, folder + "-policy.json"] {
        try? FileManager.default.removeItem(atPath: name)
      }
    }
    try await body(folder)
  }

  /// Serves a folder, with the policy of the tests in force.
  /// - Parameter isPolicyDirect: whether an operator alone may put another one in force.
  static func serving(
    _ folder: String, providers: IdentityProviders? = nil, socket: LocalSocket? = nil,
    isPolicyDirect: Bool = false, _ body: (Rig) async throws -> Void
  ) async throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = try Server(at: folder, logger: logger) { Issue.record("\($0)") }
    try await server.activate(Array(Documents.policy.utf8), by: "test")
    let (ports, next) = AsyncStream.makeStream(of: Int.self)
    let task = Task {
      try await server.run(
        host: "127.0.0.1", port: 0, providers: providers, socket: socket,
        isPolicyDirect: isPolicyDirect
      ) { port in next.yield(port) }
    }
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    let rig = Rig(server, folder, port, task)
    let failure: (any Error)?
    do {
      try await body(rig)
      failure = nil
    } catch {
      failure = error
    }
    task.cancel()
    _ = try? await task.value
    await server.decider.stop()
    if let failure { throw failure }
  }

  /// Enrols a node of two cores, and has its agent report.
  /// - Returns: the agent, once the node is ready.
  func joined() async throws -> TestAgent {
    let root = try root
    let reply = try await root.send("POST", "v1/nodes", Documents.node())
    let join = try #require(reply.object["join_credential"] as? String)
    var agent = try await TestAgent("n-1", join: join) { client(token: $0) }
    try await agent.turn {
      let nodes = try await root.send("GET", "v1/nodes").object["nodes"] as? [[String: Any]]
      return nodes?.first?["reach"] as? String == "ready"
    }
    return agent
  }

  /// Has a claim run in half a core of a node.
  func filledHalf() async throws -> PoolClient {
    _ = try await joined()
    let root = try root
    #expect(try await root.send("POST", "v1/claims", Documents.claim("c-1")).status == 201)
    return root
  }

  /// Has another tenant use all of a node: what is asked for then waits.
  func filled() async throws -> PoolClient {
    _ = try await joined()
    let root = try root
    let full = try await root.send(
      "POST", "v1/claims", Documents.claim("full", of: "zeta", milli: 2000))
    #expect(full.status == 201)
    return root
  }

  /// A server in a folder that is gone afterwards.
  static func serving(
    isPolicyDirect: Bool = false, _ body: (Rig) async throws -> Void
  ) async throws {
    try await inFolder { try await serving($0, isPolicyDirect: isPolicyDirect, body) }
  }

  /// Somebody who asks.
  func client(_ identity: Identity) throws -> PoolClient {
    client(token: try server.credentials.issue(identity, for: 600))
  }

  /// Somebody with a credential.
  func client(token: String) -> PoolClient {
    PoolClient(ClientConfiguration(server: address, token: token))
  }

  /// A stream of events for somebody with a credential.
  /// - Parameter after: the id of the last event that is known.
  func events(_ path: String, token: String, after: String? = nil) throws -> EventReader {
    try EventReader(port: port, token: token, path, after: after)
  }

  private var address: URL {
    URL(string: "http://127.0.0.1:\(port)") ?? URL(fileURLWithPath: "/")
  }

  var root: PoolClient { get throws { try client(Identity("root", .operator)) } }
}

extension Reply {
  /// The code of a refusal.
  var code: String {
    (object["type"] as? String ?? "").replacingOccurrences(of: "urn:gpupool:problem:", with: "")
  }
}

extension PoolClient {
  /// Asks with a document; a refusal is a reply too.
  func send(
    _ method: String, _ path: String, _ body: String? = nil, key: String? = nil,
    query: [String: String] = [:]
  ) async throws -> Reply {
    let parts = path.split(separator: "/").map { String($0).removingPercentEncoding ?? "" }
    do throws(ClientError) {
      return try await ask(method, parts, query: query, body: body.map { Data($0.utf8) }, key: key)
    } catch {
      guard case .refused(let reply) = error else { throw error }
      return reply
    }
  }
}

/// The documents of the tests.
enum Documents {
  static let policy = """
    {"schema_version": 1, "kind": "policy", "generation": 1,
     "profiles": [{"name": "cpu-x86-64", "kind": "cpu", "weight": 0.01}],
     "pools": [{"name": "cpu", "profile": "cpu-x86-64",
       "lanes": [{"name": "shared", "lease_max_seconds": 3600}]}],
     "classes": {
     "P0": {"quantum_seconds": 120, "start_within_seconds": 10, "kill_within_seconds": 10,
       "on_empty_bucket": "park", "overrun": "stop"},
     "P1": {"quantum_seconds": 120, "start_within_seconds": 10, "kill_within_seconds": 10,
       "on_empty_bucket": "park", "overrun": "stop"},
     "P2": {"quantum_seconds": 120, "start_within_seconds": 10, "kill_within_seconds": 10,
       "on_empty_bucket": "park", "overrun": "stop"},
     "P3": {"quantum_seconds": 120, "start_within_seconds": 10, "kill_within_seconds": 10,
       "on_empty_bucket": "park", "overrun": "stop"}},
     "order": {"ageing_step_seconds": 600},
     "tenants": [
       {"name": "acme", "queue_max": 5000,
        "bucket": {"burst_gpu_seconds": 1000, "refill_gpu_seconds_per_hour": 3600}},
       {"name": "zeta", "queue_max": 5000,
        "bucket": {"burst_gpu_seconds": 1000, "refill_gpu_seconds_per_hour": 3600}}],
     "services": [
       {"name": "work", "tenant": "acme", "class": "P1", "owner": "acme-team"},
       {"name": "other", "tenant": "zeta", "class": "P1", "owner": "zeta-team"}]}
    """

  static func node(_ name: String = "n-1", cores: Int = 2) -> String {
    """
    {"schema_version": 1, "kind": "node", "name": "\(name)", "cpu_milli": \(cores * 1000),
     "host_memory_gib": 4, "enforcement": "none", "devices": [{"uuid": "\(name)/cpu0",
     "kind": "cpu", "profile": "cpu-x86-64", "milli": \(cores * 1000)}]}
    """
  }

  static func claim(
    _ name: String, of tenant: String = "acme", by principal: String = "agent:a", milli: Int = 500
  ) -> String {
    """
    {"name": "\(name)", "tenant": "\(tenant)", "application": "app", "workflow": "flow",
     "principal": "\(principal)",
     "service": "\(tenant == "acme" ? "work" : "other")", "action": "run", "model_class": "small",
     "lanes": ["shared"], "demand": {"cpu_milli": \(milli), "sharing": "any-tenant"},
     "runtime_max_seconds": 600}
    """
  }
}
