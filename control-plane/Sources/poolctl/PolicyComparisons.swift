import ArgumentParser
import Foundation
import PolicyTesting
import PoolConsole

/// `poolctl policy diff`.
struct PolicyDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Says what changes from one policy to another, and which recorded decisions would.",
    discussion: """
      With --journal the recorded commands are given again to a pool under the newer policy: what \
      callers, operators and nodes did stays as it was. With --hours it comes into force that long \
      before the end of the journal; else it is in force from the beginning.
      Exit codes: 0 nothing changes · 11 something does · 2 usage, or a file in error.
      """)
  @Argument(help: "The older policy, in YAML or JSON.")
  var old: String
  @Argument(help: "The newer policy.")
  var new: String
  @Option(help: "What pool-server journal export wrote, or pool-agent place --journal.")
  var journal: String?
  @Option(help: "Hours before the end of the journal from which on the newer policy is in force.")
  var hours: Int64?
  @Option(name: .shortAndLong, help: "table or json.")
  var output = ReportForm.table

  func validate() throws {
    guard let hours else { return }
    guard journal != nil else { throw ValidationError("--hours needs --journal FILE") }
    guard (1...100_000).contains(hours) else {
      throw ValidationError("--hours is a number from 1 to 100000")
    }
  }

  func run() async throws {
    let difference = try PolicyFiles.reading { () throws(SourceErrors) in
      try PolicyDifference(old: old, new: new, journal: journal, hours: hours) {
        ProgressLine.show("giving the commands again", milli: $0)
      }
    }
    try PolicyFiles.show(
      PolicyReport(text: difference.text, json: difference.json, isGood: difference.isEmpty),
      as: output)
  }
}

/// `poolctl policy size`.
struct PolicySizeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "size",
    abstract: "Suggests refill and burst for each bucket, from what recorded claims asked of it.",
    discussion: """
      The refill is what 95 of a hundred recorded hours do not ask more than, at most the tenant's \
      share of the devices of --nodes. The burst pays 95 of a hundred recorded claims within the \
      objective of their class, from slos of the policy or --slo. Too short a record is told.
      """)
  @Argument(help: "The policy, in YAML or JSON.")
  var file: String
  @Option(help: "What pool-server journal export wrote, or pool-agent place --journal.")
  var journal: String
  @Option(parsing: .upToNextOption, help: "Documents of the nodes that it is meant for.")
  var nodes: [String] = []
  @Option(
    parsing: .upToNextOption, help: "How long claims of a class may wait, such as P1=60 seconds.")
  var slo: [String] = []
  @Option(name: .shortAndLong, help: "table or json.")
  var output = ReportForm.table

  func run() async throws {
    let waits = try waits()
    let size = try PolicyFiles.reading { () throws(SourceErrors) in
      try PolicySize(file: file, journal: journal, nodes: nodes, waits: waits) {
        ProgressLine.show("reading the journal", milli: $0)
      }
    }
    try PolicyFiles.show(
      PolicyReport(text: size.text, json: size.json, isGood: true), as: output)
  }

  /// Milliseconds by class.
  private func waits() throws -> [String: Int64] {
    var waits: [String: Int64] = [:]
    for word in slo {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, ["P0", "P1", "P2", "P3"].contains(String(parts[0])),
        let seconds = Int64(parts[1]), (0...31_622_400).contains(seconds)
      else { throw ValidationError("--slo is a class with its seconds, such as P1=60") }
      waits[String(parts[0])] = seconds * 1_000
    }
    return waits
  }
}
