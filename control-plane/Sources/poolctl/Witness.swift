import ArgumentParser
import Foundation
import PoolClient

/// `poolctl audit head`.
struct AuditHead: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "head",
    abstract: "Prints the last link of the journal's chain, for a witness to hold (operators).",
    discussion: "poolctl audit head -o json >checkpoint.json, and keep it on another machine.")
  @OptionGroup var common: Common

  func run() async throws {
    let reply = try await JournalLinks.link(at: nil, try common.client())
    guard common.format == .table || common.format == .wide else {
      return try Output.show(reply, as: common.format)
    }
    print("record \(Output.text(reply.object, "record"))  \(Output.text(reply.object, "link"))")
  }
}

/// `poolctl audit witness`.
struct AuditWitness: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "witness",
    abstract: "Compares a link that was held with that of the journal now (operators).",
    discussion: """
      Ends with 11 where the journal has another link at that record, or no such record: what is \
      before it was altered, or is another journal's.
      """)
  @OptionGroup var common: Common
  @Option(name: .shortAndLong, help: "What poolctl audit head -o json printed once.")
  var file: String

  func run() async throws {
    let data = try Output.document(file)
    let held = (try JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
    guard held["kind"] as? String == "audit_head", held["link"] is String,
      let record = (held["record"] as? NSNumber)?.int64Value, record > 0
    else { throw ValidationError("\(file) is none that poolctl audit head -o json printed") }
    let client = try common.client()
    let now = try await JournalLinks.link(at: nil, client)
    let last = (now.object["record"] as? NSNumber)?.int64Value ?? 0
    guard last >= record else {
      note("error: record \(record) was there; the journal ends at \(last)")
      throw ExitCode(Ending.differs.rawValue)
    }
    let found = try await JournalLinks.link(at: record, client)
    guard found.object["link"] as? String == held["link"] as? String else {
      note("error: record \(record) has another link than was held")
      throw ExitCode(Ending.differs.rawValue)
    }
    say("record \(record) is the one that was held; \(last - record) records came since")
  }
}

/// Links of the journal's chain, as the server has them.
private enum JournalLinks {
  /// The link of a record; nil: of the last.
  static func link(at record: Int64?, _ client: PoolClient) async throws -> Reply {
    try await attempt { () async throws(ClientError) in
      try await client.ask(
        "GET", ["v1", "audit", "head"], query: record.map { ["record": "\($0)"] } ?? [:])
    }
  }
}
