import Foundation
import PoolClient
import PoolRecord
import PoolService
import PoolStore
import Testing

/// The server as a process that is killed under load.
@Suite(.serialized) struct KillTests {
  /// How often it is killed; `SERVICE_KILLS` says otherwise.
  private static let kills =
    ProcessInfo.processInfo.environment["SERVICE_KILLS"].flatMap { Int($0) } ?? 10

  /// A server's process.
  private final class Served {
    let process = Process()
    let client: PoolClient

    init(_ folder: String) async throws {
      let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      let program = URL(fileURLWithPath: own).deletingLastPathComponent().path + "/pool-server"
      let policy = folder + "-policy.json"
      try Data(Documents.policy.utf8).write(to: URL(fileURLWithPath: policy))
      try? FileManager.default.removeItem(atPath: folder + "/client.json")
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = [
        "dev", "--state", folder, "--listen", "127.0.0.1:0", "--no-agent", "--policy", policy,
      ]
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      let file = folder + "/client.json"
      for _ in 0..<1_000 where !FileManager.default.fileExists(atPath: file) {
        try await Task.sleep(for: .milliseconds(20))
      }
      client = PoolClient(try ClientConfiguration(file: file))
    }

    func kill() {
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  /// A claim by its number, of one of two tenants.
  private static func claim(_ name: String) -> (tenant: String, document: String) {
    let tenant = (Int(name.split(separator: "-")[1]) ?? 0) % 2 == 0 ? "acme" : "zeta"
    return (tenant, Documents.claim(name, of: tenant))
  }

  /// Asks for a claim under its own name.
  /// - Returns: whether it was answered, and whether that was the earlier answer.
  private static func ask(_ name: String, _ client: PoolClient) async -> (said: Bool, again: Bool) {
    guard
      let reply = try? await client.send("POST", "v1/claims", claim(name).document, key: name)
    else { return (false, false) }
    #expect(reply.status == 202 || reply.status == 201, "\(reply.status)")
    return (true, reply.object["repeated"] as? Bool ?? false)
  }

  /// Asks for claims, one after the other, until the server is gone.
  /// - Returns: the names that were answered, and the one that was not.
  private static func ask(
    _ worker: Int, from first: Int, _ client: PoolClient
  ) async -> (said: [String], open: [String]) {
    var said: [String] = []
    for number in first... {
      let name = "c-\(worker)-\(number)"
      guard await ask(name, client).said else { return (said, [name]) }
      said.append(name)
    }
    return (said, [])
  }

  @Test func whatWasAnsweredIsThereAfterAKill() async throws {
    try await Rig.inFolder { folder in
      var said: Set<String> = []
      var gone: Set<String> = []
      var open: [String] = []
      var durable = 0
      var setUp = false
      for kill in 0..<Self.kills {
        let served = try await Served(folder)
        if !setUp {
          try await Self.begin(served.client)
          setUp = true
        }
        let (client, process) = (served.client, served.process.processIdentifier)
        try await Self.check(said, client)
        try await Self.checkGone(gone, client)
        gone.formUnion(try await Self.withdraw(said.count > 600 ? 300 : 0, of: &said, client))
        // What was asked and not answered is asked again under its name, with one effect.
        for name in open {
          let reply = await Self.ask(name, client)
          #expect(reply.said)
          if reply.again { durable += 1 }
          said.insert(name)
        }
        let answered = await withTaskGroup(of: (said: [String], open: [String]).self) { group in
          for worker in 0..<4 {
            group.addTask { await Self.ask(worker, from: kill * 100_000, client) }
          }
          group.addTask {
            try? await Task.sleep(for: .milliseconds(Int.random(in: 5...400)))
            Foundation.kill(process, SIGKILL)
            return ([], [])
          }
          return await group.reduce(into: ([String](), [String]())) { all, one in
            all.0 += one.said
            all.1 += one.open
          }
        }
        served.process.waitUntilExit()
        said.formUnion(answered.0)
        open = answered.1
        if kill % 4 == 3 { try await Self.verify(folder) }
      }
      let served = try await Served(folder)
      try await Self.check(said, served.client)
      try await Self.checkGone(gone, served.client)
      let again = await Self.ask(try #require(said.first), served.client)
      #expect(again.said && again.again)
      served.kill()
      try await Self.verify(folder)
      print(
        "killed \(Self.kills) times: \(said.count + gone.count) claims were answered, none is lost;"
          + " \(durable) were durable and not yet answered")
      #expect(said.count > Self.kills)
    }
  }

  /// Enrols a node and has it report, so that claims wait for it.
  private static func begin(_ client: PoolClient) async throws {
    let reply = try await client.send("POST", "v1/nodes", Documents.node())
    #expect(reply.status == 201)
    let join = try #require(reply.object["join_credential"] as? String)
    var agent = try await TestAgent("n-1", join: join) { client.with(token: $0) }
    try await agent.turn {
      let nodes = try await client.send("GET", "v1/nodes").object["nodes"] as? [[String: Any]]
      return nodes?.first?["reach"] as? String == "ready"
    }
  }

  /// Every claim that was answered waits or runs, once.
  private static func check(_ said: Set<String>, _ client: PoolClient) async throws {
    for name in said.shuffled().prefix(25) {
      let path = "v1/claims/\(claim(name).tenant)/\(name)"
      let reply = try await client.send("GET", path)
      #expect(reply.status == 200, "\(name) was answered and is not there")
    }
    let status = try await client.send("GET", "v1/status").object
    let pool = status["pool"] as? [String: Any]
    let waiting = pool?["waiting_claims"] as? Int ?? 0
    let leases = (status["leases"] as? [Any])?.count ?? 0
    #expect(waiting + leases >= said.count)
  }

  /// Withdraws some claims, so that as many as a tenant may have are never reached.
  /// - Returns: those of which it was answered that they are withdrawn.
  private static func withdraw(
    _ count: Int, of said: inout Set<String>, _ client: PoolClient
  ) async throws -> [String] {
    let names = Array(said.shuffled().prefix(count))
    for name in names {
      let reply = try await client.send("DELETE", "v1/claims/\(claim(name).tenant)/\(name)")
      #expect(reply.status == 200, "\(name)")
      said.remove(name)
    }
    return names
  }

  /// What was withdrawn stays so.
  private static func checkGone(_ gone: Set<String>, _ client: PoolClient) async throws {
    for name in gone.shuffled().prefix(10) {
      let reply = try await client.send("GET", "v1/claims/\(claim(name).tenant)/\(name)")
      #expect(reply.status == 404, "\(name) was withdrawn and is there")
    }
  }

  /// Deciding the journal again gives the same bytes.
  private static func verify(_ folder: String) async throws {
    let store = try SQLiteStore(at: folder, engine: Server.engine)
    #expect(try store.verify().difference == nil)
    store.close()
  }
}
