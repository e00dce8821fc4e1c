import ArgumentParser
import Foundation
import PoolClient

/// `poolctl emergency`.
struct EmergencyCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "emergency",
    abstract: "Lets P0 and P1 take a bucket below zero for a while: two approvers, and audited.",
    discussion: """
      The policy names the approvers, the longest time, and how far below zero each bucket may go. \
      It ends by itself.
      """,
    subcommands: [EmergencyOpen.self, EmergencyApprove.self, EmergencyList.self])

  /// Shows one as it stands.
  static func show(_ reply: Reply, _ common: Common) throws {
    guard common.format == .table || common.format == .wide else {
      return try Output.show(reply, as: common.format)
    }
    let row = reply.object["emergency"] as? [String: Any] ?? [:]
    let (number, state) = (Output.text(row, "number"), Output.text(row, "state"))
    var text = "emergency \(number) of \(Output.text(row, "bucket")) is \(state)"
    if let ends = row["ends_at"] as? String { text += "; it ends at \(ends)" }
    if state == "asked" {
      text +=
        "; another approver, before \(Output.text(row, "lapses_at")):"
        + "\n  poolctl emergency approve \(number)"
    }
    say(text)
  }
}

/// `poolctl emergency open`.
struct EmergencyOpen: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open", abstract: "Asks for an emergency; it opens once another approver agrees.")
  @OptionGroup var common: Common
  @Argument(help: "The bucket.")
  var bucket: String
  @Option(help: "Why, in 10 characters or more.")
  var reason: String
  @Option(name: .customLong("for"), help: "Seconds for which it is to be open.")
  var seconds: Int

  func run() async throws {
    let client = try common.client()
    let body = try JSONSerialization.data(
      withJSONObject: ["bucket": bucket, "reason": reason, "for_seconds": seconds])
    let reply = try await client.post(["v1", "emergencies"], body)
    try EmergencyCommands.show(reply, common)
  }
}

/// `poolctl emergency approve`.
struct EmergencyApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Opens an emergency that another approver asked for.")
  @OptionGroup var common: Common
  @Argument(help: "The emergency.")
  var number: Int

  func run() async throws {
    let client = try common.client()
    let reply = try await client.post(["v1", "emergencies", "\(number)", "approve"])
    try EmergencyCommands.show(reply, common)
  }
}

/// `poolctl emergency list`.
struct EmergencyList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows the emergencies that were asked for.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  func run() async throws {
    let listing = Listing(path: ["v1", "emergencies"], list: "emergencies") { _ in
      Columns(
        header: ["NUMBER", "STATE", "BUCKET", "BY", "APPROVED BY", "ENDS", "REASON"],
        optional: ["BY", "APPROVED BY"], name: "number"
      ) { row in
        [
          Output.text(row, "number"), Output.text(row, "state"), Output.text(row, "bucket"),
          Output.text(row, "by"), Output.text(row, "approved_by"), Output.text(row, "ends_at"),
          Output.text(row, "reason"),
        ]
      }
    }
    try await listing.run(common, watching)
  }
}
