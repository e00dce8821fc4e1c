import ArgumentParser
import Foundation
import PoolClient
import PoolConsole

/// `poolctl policy`.
struct Policy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks, tests, proposes, approves and shows policies.",
    subcommands: [
      Apply.self, Show.self, PolicyInit.self, PolicyCheckCommand.self, PolicyTestCommand.self,
      PolicyCompile.self, PolicyDiffCommand.self, PolicySizeCommand.self, PolicyPropose.self,
      PolicyProposals.self, PolicyApprove.self, PolicyWithdraw.self, PolicyRollback.self,
      PolicyHistory.self, PolicyShadow.self,
    ])

  /// `poolctl policy show`.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the policy in force, or one that is proposed, with its members in order.")
    @OptionGroup var common: Common
    @Argument(help: "A proposal; else the policy in force.")
    var number: Int?

    func run() async throws {
      let client = try common.client()
      let path = number.map { Proposals.path + ["\($0)"] } ?? ["v1", "policy"]
      let reply = try await attempt { () async throws(ClientError) in
        try await client.ask("GET", path)
      }
      var policy = (reply.object["request"] as? [String: Any])?["policy"]
      if let proposal = reply.object["proposal"] as? [String: Any] {
        note(Proposals.sentence(proposal))
        note(Self.checks(proposal))
        policy = reply.object["policy"]
      }
      let text = try JSONSerialization.data(
        withJSONObject: policy ?? [:], options: [.prettyPrinted, .sortedKeys])
      try Output.show(
        Reply(status: reply.status, body: text), as: common.format == .yaml ? .yaml : .json)
    }

    /// What its proposer says of checks and tests.
    private static func checks(_ proposal: [String: Any]) -> String {
      guard let checks = proposal["checks"] as? [String: Any] else {
        return "  its content was in force as generation "
          + Output.text(proposal, "restores_generation")
      }
      let warnings = (checks["warnings"] as? [String] ?? []).map { "\n  \($0)" }
      return "  tests that passed: \(Output.text(checks, "tests"))" + warnings.joined()
    }
  }

  /// `poolctl policy apply`.
  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts a policy document in force at once, where the server allows that.",
      discussion: """
        The first policy of a pool; later ones where the server is pool-server dev, or has \
        --direct-policy. Else poolctl policy propose.
        """)
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
