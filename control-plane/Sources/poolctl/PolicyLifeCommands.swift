import ArgumentParser
import Crypto
import Foundation
import PolicyTesting
import PoolClient

/// What the commands on proposals share.
enum Proposals {
  static let path = ["v1", "policy", "proposals"]

  /// Shows a proposal as it stands.
  static func show(_ reply: Reply, _ common: Common) throws {
    guard common.format == .table || common.format == .wide else {
      return try Output.show(reply, as: common.format)
    }
    say(sentence(reply.object["proposal"] as? [String: Any] ?? [:]))
  }

  /// A proposal in one sentence, with the command that approves it.
  static func sentence(_ row: [String: Any]) -> String {
    let (number, state) = (Output.text(row, "number"), Output.text(row, "state"))
    var text = "proposal \(number) is \(state): \(approvals(row)) approvals"
    if let moment = row["activate_at"] as? String { text += ", to be in force at \(moment)" }
    if let generation = row["generation"] { text += ", generation \(generation)" }
    if let because = row["because"] as? String { text += ": \(because)" }
    guard state == "proposed" else { return text }
    return text + "\n  poolctl policy approve \(number) --hash \(Output.text(row, "sha256"))"
  }

  /// How many approved it, of how many.
  static func approvals(_ row: [String: Any]) -> String {
    "\((row["approvals"] as? [Any] ?? []).count) of \(Output.text(row, "approvals_needed"))"
  }

  /// Does something about a proposal.
  static func decide(
    _ verb: String, _ number: Int, _ body: [String: Any]?, _ common: Common
  ) async throws {
    let client = try common.client()
    let data = try body.map { try JSONSerialization.data(withJSONObject: $0) }
    let reply = try await client.post(path + ["\(number)", verb], data)
    try show(reply, common)
  }
}

/// Why and when a policy is to come into force.
struct ProposalArguments: ParsableArguments {
  @Option(help: "Why.")
  var reason: String?
  @Option(help: "When, in UTC, such as 2026-12-01T15:00:00Z; else once it is approved.")
  var at: String?

  /// The members of a proposal.
  var members: [String: Any] {
    var members: [String: Any] = [:]
    members["reason"] = reason
    members["activate_at"] = at
    return members
  }
}

/// `poolctl policy propose`.
struct PolicyPropose: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "propose",
    abstract: "Checks and tests a policy and proposes it; other operators approve it.",
    discussion: """
      An error of the check or a test that fails ends with 11, and nothing is proposed. Its \
      generation is left out: the server numbers what comes into force. One other operator \
      approves it, two where it touches P0 or a guarantee.
      """)
  @OptionGroup var common: Common
  @Argument(help: "The policy, in YAML or JSON.")
  var file: String
  @OptionGroup var proposal: ProposalArguments
  @Option(parsing: .upToNextOption, help: "Documents of the nodes that it is meant for.")
  var nodes: [String] = []
  @Option(parsing: .upToNextOption, help: "Its tests: files or folders; else the policy's folder.")
  var tests: [String] = []
  @Flag(help: "Propose it without a test.")
  var untested = false

  func run() async throws {
    let client = try common.client()
    let warnings = try check()
    let report = try test()
    var members = proposal.members
    let digest = SHA256.hash(data: Data(report.json.utf8))
    members["checks"] =
      [
        "tests": report.results.count, "warnings": warnings,
        "report_sha256": digest.map { String(format: "%02x", $0) }.joined(),
      ] as [String: Any]
    // The policy goes as it was written, which keeps its numbers.
    var body = try JSONSerialization.data(withJSONObject: members)
    body.removeLast()
    body += Data(",\"policy\":".utf8) + Data(try source()) + Data("}".utf8)
    try Proposals.show(try await client.post(Proposals.path, body), common)
  }

  /// Checks the policy.
  /// - Returns: what the check warns of.
  private func check() throws -> [String] {
    let check = PolicyCheck(file: file, nodes: nodes)
    guard check.isClean else {
      note(check.text)
      throw PolicyFiles.failed
    }
    return check.findings.prefix(200).map { String($0.line.prefix(500)) }
  }

  /// Runs its tests.
  private func test() throws -> PolicyTestReport {
    if untested { return PolicyTestReport(files: []) }
    let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    let paths = tests.isEmpty ? [folder.isEmpty ? "/" : folder] : tests
    let report = PolicyTestReport(files: try paths.flatMap { try PolicyTestCommand.files($0) })
    guard report.isPassed else {
      note(report.text)
      if report.results.isEmpty { note("there is no test; write one, or say --untested") }
      throw PolicyFiles.failed
    }
    return report
  }

  private func source() throws -> [UInt8] {
    do throws(SourceErrors) {
      return try PolicySource(file: file).json
    } catch {
      note(error.description)
      throw PolicyFiles.failed
    }
  }
}

/// `poolctl policy proposals`.
struct PolicyProposals: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proposals", abstract: "Shows the proposals, and how far each came.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  func run() async throws {
    let listing = Listing(path: Proposals.path, list: "proposals") { _ in
      Columns(
        header: ["NUMBER", "STATE", "APPROVALS", "BY", "AT", "IN FORCE", "SHA256", "REASON"],
        optional: ["SHA256", "AT", "REASON", "BY"], name: "number"
      ) { row in
        [
          Output.text(row, "number"), Output.text(row, "state"), Proposals.approvals(row),
          Output.text(row, "by"), Output.text(row, "at"), Output.text(row, "activate_at"),
          Output.text(row, "sha256"), Output.text(row, "reason"),
        ]
      }
    }
    try await listing.run(common, watching)
  }
}

/// `poolctl policy approve`.
struct PolicyApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Approves what another operator proposed; not what you proposed yourself.",
    discussion: "diff <(poolctl policy show) <(poolctl policy show NUMBER) shows what changes.")
  @OptionGroup var common: Common
  @Argument(help: "The proposal.")
  var number: Int
  @Option(help: "Its hash, all 64 digits, as poolctl policy show prints it.")
  var hash: String

  func run() async throws {
    try await Proposals.decide("approve", number, ["sha256": hash], common)
  }
}

/// `poolctl policy withdraw`.
struct PolicyWithdraw: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "withdraw", abstract: "Takes a proposal out, also one that is approved.")
  @OptionGroup var common: Common
  @Argument(help: "The proposal.")
  var number: Int

  func run() async throws { try await Proposals.decide("withdraw", number, nil, common) }
}

/// `poolctl policy rollback`.
struct PolicyRollback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback",
    abstract: "Proposes the content of a generation that was in force, as a new generation.")
  @OptionGroup var common: Common
  @Argument(help: "The generation whose content is to be in force again.")
  var generation: Int
  @OptionGroup var proposal: ProposalArguments

  func run() async throws {
    let client = try common.client()
    var members = proposal.members
    members["to"] = generation
    let body = try JSONSerialization.data(withJSONObject: members)
    try Proposals.show(try await client.post(["v1", "policy", "rollback"], body), common)
  }
}

/// `poolctl policy history`.
struct PolicyHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Shows the generations of the policy: content, proposer and approvers of each.",
    discussion: "With -o json each has its entry as the server signed it, and the public key.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  func run() async throws {
    let listing = Listing(path: ["v1", "policy", "generations"], list: "generations") { _ in
      Columns(
        header: ["GENERATION", "AT", "PROPOSED BY", "APPROVED BY", "SHA256", "RECORD", "SIGNED"],
        optional: ["SHA256", "RECORD", "SIGNED"], name: "generation"
      ) { row in
        [
          Output.text(row, "generation"), Output.text(row, "at"), Output.text(row, "proposer"),
          Output.text(row, "approvers"), Output.text(row, "sha256"), Output.text(row, "record"),
          row["signed"] as? Bool == true ? "yes" : "no",
        ]
      }
    }
    try await listing.run(common, watching)
  }
}
