import ArgumentParser
import Foundation
import PoolClient

/// `poolctl quote`.
struct QuoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quote",
    abstract: "Asks for a price that holds for a while; a claim that names it pays no more.")
  @OptionGroup var common: Common
  @Argument(help: "The quote's name, which the claim then names.")
  var name: String
  @Option(name: .shortAndLong, help: "The claim; - is standard input.")
  var file: String
  @Option(
    name: .customLong("for"), help: "Seconds for which it holds; else as long as the policy says.")
  var seconds: Int?

  func run() async throws {
    let client = try common.client()
    let claims = try Claims.read(file)
    guard claims.count == 1, let claim = claims.first else {
      throw ValidationError("\(file) has to hold one claim")
    }
    var members: [String: Any] = [
      "quote": name, "claim": try JSONSerialization.jsonObject(with: claim),
    ]
    members["for_seconds"] = seconds
    let body = try JSONSerialization.data(withJSONObject: members)
    let reply = try await client.post(["v1", "quotes"], body)
    guard common.format == .table else { return try Output.show(reply, as: common.format) }
    let (answer, quote) = (reply.object, reply.object["quote"] as? [String: Any] ?? [:])
    let now = (answer["at_ms"] as? NSNumber)?.doubleValue ?? 0
    say(
      "\(name): \(Output.text(quote, "price_gpu_seconds")) GPU-s in \(Output.text(quote, "lane")),"
        + " at most \(Output.text(quote, "rate_gpu_seconds_per_hour")) an hour;"
        + " ends \(Output.ahead(quote, "expires_ms", at: now))")
  }
}

/// `poolctl approvals`.
struct Approvals: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the claims that wait for an approval, each with the command that gives it.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  func run() async throws {
    let client = try common.client()
    func ask() async throws -> Reply {
      let reply = try await attempt { () async throws(ClientError) in
        try await client.ask("GET", ["v1", "queue"])
      }
      return try Self.approvals(of: reply)
    }
    guard watching.watch else {
      let reply = try await ask()
      return try Output.show(
        reply, list: "approvals", Self.columns(reply.poolTime), as: common.format)
    }
    try await watching.run(common) {
      let reply = try await ask()
      return Output.table(
        reply, list: "approvals", Self.columns(reply.poolTime), as: common.format)
    }
  }

  /// The rows of a queue that wait for an approval, as an answer of their own.
  private static func approvals(of reply: Reply) throws -> Reply {
    let queue = reply.object
    let rows = (queue["waiting"] as? [[String: Any]] ?? []).filter {
      $0["state"] as? String == "awaiting_approval"
    }
    var members: [String: Any] = ["schema_version": 1, "kind": "approvals", "approvals": rows]
    members["at_ms"] = queue["at_ms"]
    return Reply(status: reply.status, body: try JSONSerialization.data(withJSONObject: members))
  }

  private static func columns(_ now: Double) -> Columns {
    Columns(
      header: ["CLAIM", "TENANT", "CLASS", "AGE", "LAPSES", "APPROVE WITH"],
      optional: ["AGE", "CLASS"], name: "claim"
    ) { row in
      let approval = row["approval"] as? [String: Any] ?? [:]
      let (tenant, claim) = (Output.text(row, "tenant"), Output.text(row, "claim"))
      return [
        claim, tenant, Output.text(row, "class"), Output.ago(row, "submitted_at_ms", at: now),
        Output.ahead(approval, "lapses_ms", at: now),
        "poolctl approve \(tenant) \(claim) --plan \(Output.text(approval, "plan"))",
      ]
    }
  }
}

/// `poolctl approve`.
struct Approve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Approves what a claim plans, in your name; not what you asked for yourself.")
  @OptionGroup var common: Common
  @OptionGroup var claim: ClaimArguments
  @Option(help: "The plan, as poolctl approvals shows it.")
  var plan: String

  func run() async throws {
    let body = try JSONSerialization.data(withJSONObject: ["plan": plan])
    try await decide("approve", body, claim, common)
  }
}

/// `poolctl deny`.
struct Deny: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Denies what a claim plans, or takes back an approval that nothing rests on yet.")
  @OptionGroup var common: Common
  @OptionGroup var claim: ClaimArguments

  func run() async throws { try await decide("deny", nil, claim, common) }
}

private func decide(
  _ verb: String, _ body: Data?, _ claim: ClaimArguments, _ common: Common
) async throws {
  let client = try common.client()
  let reply = try await attempt { () async throws(ClientError) in
    try await client.ask("POST", claim.path + [verb], body: body)
  }
  if common.format == .table { print("\(verb): done") } else { try Output.show(reply, as: .json) }
}

/// `poolctl delegate`.
struct Delegate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Gives a budget that claims can name, out of the tenant's means or of another one.")
  @OptionGroup var common: Common
  @Argument(help: "The tenant.")
  var tenant: String
  @Argument(help: "The budget.")
  var budget: String
  @Option(help: "GPU-seconds that may be spent under it.")
  var limit: Double
  @Option(name: .customLong("for"), help: "Seconds until it ends.")
  var seconds: Int
  @Option(help: "The most urgent class under it.")
  var classMax = "P3"
  @Option(help: "The budget out of which it is given.")
  var parent: String?

  func run() async throws {
    let client = try common.client()
    var members: [String: Any] = [
      "tenant": tenant, "budget": budget, "limit_gpu_seconds": limit, "for_seconds": seconds,
      "class_max": classMax,
    ]
    members["parent"] = parent
    let body = try JSONSerialization.data(withJSONObject: members)
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("POST", ["v1", "delegations"], body: body)
    }
    if common.format == .table { print("given") } else { try Output.show(reply, as: .json) }
  }
}

/// `poolctl revoke`.
struct Revoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Closes a budget and all that were given out of it.")
  @OptionGroup var common: Common
  @Argument(help: "The tenant.")
  var tenant: String
  @Argument(help: "The budget.")
  var budget: String

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("DELETE", ["v1", "delegations", tenant, budget])
    }
    if common.format == .table { print("closed") } else { try Output.show(reply, as: .json) }
  }
}
