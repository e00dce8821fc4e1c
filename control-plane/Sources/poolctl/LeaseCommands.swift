import ArgumentParser
import Foundation
import PoolClient
import PoolConsole
import Synchronization

/// Which lease is meant.
struct LeaseArguments: ParsableArguments {
  @Argument(help: "The lease, such as L-0.1.")
  var lease: String
  @Option(help: "Its fencing number, such as 1.1.")
  var fencing: String

  func ask(
    _ verb: String, _ more: [String: String] = [:], _ client: PoolClient
  ) async throws(ClientError) -> Reply {
    let members = more.merging(["fencing": fencing]) { $1 }
    let body = try? JSONSerialization.data(withJSONObject: members)
    return try await client.ask("POST", ["v1", "leases", lease, verb], body: body)
  }
}

/// `poolctl renew`.
struct Renew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Pays a lease's next quantum.")
  @OptionGroup var common: Common
  @OptionGroup var lease: LeaseArguments

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await lease.ask("renew", [:], client)
    }
    if common.format == .table {
      say(Claims.sentence(reply.object))
    } else {
      try Output.show(reply, as: common.format)
    }
  }
}

/// `poolctl complete`.
struct Complete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Gives a lease back.")
  @OptionGroup var common: Common
  @OptionGroup var lease: LeaseArguments
  @Flag(help: "The work failed.")
  var failed = false

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await lease.ask("complete", ["outcome": failed ? "failed" : "completed"], client)
    }
    if common.format == .table { print("given back") } else { try Output.show(reply, as: .json) }
  }
}

/// `poolctl run`.
struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Places a claim, runs a command under its lease, and gives it back.",
    discussion: """
      The command runs on this machine, which has to be the node of the lease. The lease is \
      renewed while it runs; where that is refused the command is told to end (SIGTERM), and the \
      exit code is 10.
      """)
  @OptionGroup var common: Common
  @Option(name: .shortAndLong, help: "The claim; - is standard input.")
  var file: String
  @Option(help: "Seconds to wait for the lease.")
  var wait = 600
  @Argument(parsing: .postTerminator, help: "The command.")
  var command: [String]

  func run() async throws {
    guard !command.isEmpty else { throw ValidationError("name a command after --") }
    let client = try common.client()
    let claims = try Claims.read(file)
    guard claims.count == 1, let claim = claims.first else {
      throw ValidationError("\(file) has to hold one claim")
    }
    var reply = try await client.post(["v1", "claims"], claim)
    if Claims.lease(reply.object) == nil {
      reply = try await Claims.follow(reply, seconds: wait, client)
    }
    guard let lease = Claims.lease(reply.object) else {
      note("error: the wait is over; the claim goes on waiting: poolctl cancel ends it")
      throw ExitCode(Ending.waited.rawValue)
    }
    note(Claims.sentence(reply.object))
    throw ExitCode(try await hold(lease, client))
  }

  /// Runs the command and keeps the lease.
  /// - Returns: the exit code.
  private func hold(_ lease: [String: Any], _ client: PoolClient) async throws -> Int32 {
    let (id, fencing) = (Output.text(lease, "lease"), Output.text(lease, "fencing"))
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = command
    var environment = ProcessInfo.processInfo.environment
    environment["POOL_LEASE"] = id
    environment["POOL_FENCING"] = fencing
    let devices = (lease["devices"] as? [[String: Any]] ?? []).map { Output.text($0, "uuid") }
      .filter { $0.hasPrefix("GPU-") || $0.hasPrefix("MIG-") }.joined(separator: ",")
    environment["CUDA_VISIBLE_DEVICES"] = devices
    environment["NVIDIA_VISIBLE_DEVICES"] = devices
    child.environment = environment
    try child.run()
    let isLost = await keep(child, id, fencing, client)
    let code = child.terminationStatus
    let outcome = code == 0 ? "completed" : "failed"
    let body = try JSONSerialization.data(
      withJSONObject: ["fencing": fencing, "outcome": outcome])
    if isLost { return Ending.lost.rawValue }
    _ = try await attempt { () async throws(ClientError) in
      try await client.ask("POST", ["v1", "leases", id, "complete"], body: body)
    }
    return code
  }

  /// Renews while the command runs.
  /// - Returns: whether the lease was lost meanwhile.
  private func keep(
    _ child: Process, _ id: String, _ fencing: String, _ client: PoolClient
  ) async -> Bool {
    let body = try? JSONSerialization.data(withJSONObject: ["fencing": fencing])
    var ticks = 0
    while child.isRunning {
      try? await Task.sleep(for: .milliseconds(200))
      ticks += 1
      guard ticks % 25 == 0, child.isRunning else { continue }
      do throws(ClientError) {
        _ = try await client.ask("POST", ["v1", "leases", id, "renew"], body: body)
      } catch {
        guard case .refused(let reply) = error, reply.status == 404 else { continue }
        note("error: the lease \(id) is lost; the command is told to end")
        child.terminate()
        child.waitUntilExit()
        return true
      }
    }
    return false
  }
}
