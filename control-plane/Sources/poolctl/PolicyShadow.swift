import ArgumentParser
import Foundation
import PoolClient

/// `poolctl policy shadow`.
struct PolicyShadow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shadow",
    abstract: "Shows what limits would have denied that the policy in force only observes.")
  @OptionGroup var common: Common

  private static var counts: Columns {
    Columns(header: ["TENANT", "CLASS", "WOULD BE", "REASON", "CLAIMS"], name: "tenant") { row in
      ["tenant", "class", "would_be", "reason", "claims"].map { Output.text(row, $0) }
    }
  }

  private static func differences(at now: Double) -> Columns {
    Columns(
      header: ["AGE", "CLAIM", "TENANT", "DECIDED", "WOULD BE", "WHY"], optional: ["AGE"],
      name: "claim"
    ) { row in
      [Output.ago(row, "seen_at_ms", at: now)]
        + ["claim", "tenant", "decided", "would_be", "sentence"].map { Output.text(row, $0) }
    }
  }

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", ["v1", "policy", "shadow"])
    }
    let differences = Self.differences(at: reply.poolTime)
    guard common.format == .table || common.format == .wide else {
      return try Output.show(reply, list: "differences", differences, as: common.format)
    }
    say(Self.standing(reply.object))
    for (list, columns) in [("counts", Self.counts), ("differences", differences)] {
      let lines = Output.table(reply, list: list, columns, as: common.format)
      print("\n" + lines.joined(separator: "\n"))
    }
  }

  private static func standing(_ answer: [String: Any]) -> String {
    switch answer["state"] as? String {
    case "running":
      "limits of policy generation \(Output.text(answer, "policy_generation")) are observed;"
        + " \(Output.text(answer, "commands")) commands were followed"
    case "stopped": "given up until the next policy: \(Output.text(answer, "because"))"
    default: "the policy in force enforces all of its limits"
    }
  }
}
