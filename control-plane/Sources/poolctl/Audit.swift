import ArgumentParser
import Foundation
import PoolClient

/// `poolctl credential`.
struct CredentialCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "credential",
    abstract: "Makes a credential for somebody and prints it, once.",
    discussion: """
      An operator or an owner has it for 30 days at most, a workload for an hour. With --client a \
      whole client file is printed, for poolctl --config.
      """)
  @OptionGroup var common: Common
  @Argument(help: "Who it is for, such as human:lead or agent:planner.")
  var principal: String
  @Option(help: "operator, owner or workload.")
  var role: String
  @Option(help: "The tenant of an owner or a workload.")
  var tenant: String?
  @Option(
    name: .customLong("for"), help: "Seconds for which it holds; else as long as the role allows.")
  var seconds: Int?
  @Flag(help: "Print a client file.")
  var client = false

  func run() async throws {
    let asker = try common.client()
    var members: [String: Any] = ["principal": principal, "role": role]
    members["tenant"] = tenant
    members["for_seconds"] = seconds
    let body = try JSONSerialization.data(withJSONObject: members)
    let reply = try await attempt { () async throws(ClientError) in
      try await asker.ask("POST", ["v1", "credentials"], body: body)
    }
    let credential = Output.text(reply.object, "credential")
    if client {
      print(try Output.clientFile(server: asker.server, token: credential))
    } else if common.format == .table {
      print(credential)
    } else {
      try Output.show(reply, as: common.format)
    }
  }
}

/// `poolctl audit`.
struct Audit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Shows who asked what, in the order in which it was decided (operators).",
    discussion: "Whether each record is what was decided says pool-server verify, on its machine.",
    subcommands: [AuditHead.self, AuditWitness.self])
  @OptionGroup var common: Common
  @Option(help: "Show what was decided after this record.")
  var after = 0
  @Option(help: "At most so many.")
  var limit = 100

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask(
        "GET", ["v1", "decisions"], query: ["after": "\(after)", "limit": "\(limit)"])
    }
    let columns = Columns(
      header: ["RECORD", "PRINCIPAL", "POLICY", "OP", "ABOUT"], name: "record"
    ) { row in
      let request = row["request"] as? [String: Any] ?? [:]
      return [
        Output.text(row, "record"), Self.asker(row),
        Output.text(row, "policy_generation"), Output.text(request, "op"), Self.about(request),
      ]
    }
    try Output.show(reply, list: "decisions", columns, as: common.format)
  }

  /// Who asked, and in whose names.
  private static func asker(_ row: [String: Any]) -> String {
    let others = row["on_behalf_of"] as? [String] ?? []
    let own = Output.text(row, "principal")
    return others.isEmpty ? own : "\(own) for \(others.joined(separator: ", "))"
  }

  /// What a request is about, in a few words.
  private static func about(_ request: [String: Any]) -> String {
    for name in ["claim", "node", "policy"] {
      if let inner = request[name] as? [String: Any] {
        return [inner["name"], inner["tenant"]].compactMap { $0 as? String }
          .joined(separator: " of ")
      }
    }
    return ["claim", "lease", "node", "budget", "name", "to", "subject", "tenant", "code", "path"]
      .compactMap { request[$0] as? String }.joined(separator: " ")
  }
}
