import ArgumentParser
import Foundation
import PoolClient
import PoolConsole

/// `poolctl policy`.
struct Policy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the policy in force, or puts another one there.",
    subcommands: [
      Apply.self, Show.self, PolicyInit.self, PolicyCheckCommand.self, PolicyTestCommand.self,
      PolicyCompile.self,
    ])

  /// `poolctl policy show`.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the policy in force as it was written.")
    @OptionGroup var common: Common

    func run() async throws {
      let client = try common.client()
      let reply = try await attempt { () async throws(ClientError) in
        try await client.ask("GET", ["v1", "policy"])
      }
      let request = reply.object["request"] as? [String: Any]
      let text = try JSONSerialization.data(
        withJSONObject: request?["policy"] ?? [:], options: [.prettyPrinted, .sortedKeys])
      try Output.show(
        Reply(status: reply.status, body: text), as: common.format == .yaml ? .yaml : .json)
    }
  }

  /// `poolctl policy apply`.
  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts a policy document of a higher generation in force.")
    @OptionGroup var common: Common
    @Option(name: .shortAndLong, help: "The policy, in YAML or JSON; - is standard input.")
    var file: String

    func run() async throws {
      let client = try common.client()
      let document = try Output.document(file)
      let reply = try await attempt { () async throws(ClientError) in
        try await client.ask("PUT", ["v1", "policy"], body: document)
      }
      guard common.format == .table else { return try Output.show(reply, as: common.format) }
      print("policy generation \(Output.text(reply.object, "policy_generation")) is in force")
    }
  }
}

/// `poolctl node`.
struct NodeCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "Enrols a node, or changes what it is for.",
    subcommands: [
      Enrol.self, Invite.self, Cordon.self, Uncordon.self, Drain.self, Fence.self,
    ])

  /// `poolctl node enrol`.
  struct Enrol: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Enrols a node by its document and prints a join credential for its agent.",
      discussion: "The document is what pool-agent advertise --once prints on the node.")
    @OptionGroup var common: Common
    @Option(name: .shortAndLong, help: "The node's document; - is standard input.")
    var file: String

    func run() async throws {
      let client = try common.client()
      let document = try Output.document(file)
      try show(
        try await attempt { () async throws(ClientError) in
          try await client.ask("POST", ["v1", "nodes"], body: document)
        }, common)
    }
  }

  /// `poolctl node invite`.
  struct Invite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints a new join credential for the agent of an enrolled node.")
    @OptionGroup var common: Common
    @Argument(help: "The node.")
    var node: String

    func run() async throws {
      let client = try common.client()
      try show(
        try await attempt { () async throws(ClientError) in
          try await client.ask("POST", ["v1", "nodes", node, "join-credential"])
        }, common)
    }
  }

  /// `poolctl node cordon`.
  struct Cordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "No new lease on a node.")
    @OptionGroup var common: Common
    @Argument(help: "The node.")
    var node: String

    func run() async throws { try await NodeCommands.say("cordon", node, nil, common) }
  }

  /// `poolctl node uncordon`.
  struct Uncordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ends a cordon or a drain.")
    @OptionGroup var common: Common
    @Argument(help: "The node.")
    var node: String

    func run() async throws { try await NodeCommands.say("uncordon", node, nil, common) }
  }

  /// `poolctl node drain`.
  struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "No new lease on a node; running ones end after a grace.")
    @OptionGroup var common: Common
    @Argument(help: "The node.")
    var node: String
    @Option(help: "Seconds until running leases end.")
    var grace = 300

    func run() async throws {
      let body = try JSONSerialization.data(withJSONObject: ["grace_seconds": grace])
      try await NodeCommands.say("drain", node, body, common)
    }
  }

  /// `poolctl node fence`.
  struct Fence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Vouches that nothing lives on a node that does not answer.",
      discussion: "Its devices are granted again at once. Switch the machine off first.")
    @OptionGroup var common: Common
    @Argument(help: "The node.")
    var node: String
    @Flag(help: "Nothing lives on it: I looked.")
    var iVouch = false

    func run() async throws {
      guard iVouch else {
        throw ValidationError("fencing needs --i-vouch: devices are granted again at once")
      }
      try await NodeCommands.say("fence", node, nil, common)
    }
  }

  private static func say(
    _ verb: String, _ node: String, _ body: Data?, _ common: Common
  ) async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("POST", ["v1", "nodes", node, verb], body: body)
    }
    if common.format == .table { print("\(verb): done") } else { try Output.show(reply, as: .json) }
  }
}

/// The credential alone, so that it can go into a file.
private func show(_ reply: Reply, _ common: Common) throws {
  guard common.format == .table else { return try Output.show(reply, as: common.format) }
  print(Output.text(reply.object, "join_credential"))
}
