import ArgumentParser
import Foundation
import PoolClient
import PoolIdentity

/// `poolctl token`.
struct TokenCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Gives, narrows and shows delegation tokens.",
    discussion: """
      A token is a secret: it is read from a file or standard input, and written to standard \
      output alone. Whoever has one can narrow it and hand it on without asking the server.
      """,
    subcommands: [Issue.self, Narrow.self, Show.self])

  /// `poolctl token issue`.
  struct Issue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints a token with which somebody may spend out of a budget.")
    @OptionGroup var common: Common
    @Argument(help: "The tenant.")
    var tenant: String
    @Argument(help: "The budget; poolctl delegate gives one.")
    var budget: String
    @Option(help: "Who it is for, such as agent:planner.")
    var to: String
    @Option(help: "What it is for: look, prepare and execute, with commas between.")
    var actions: String
    @Option(help: "The lanes, with commas between; else all.")
    var lanes: String?
    @Option(help: "The most urgent class; else that of the budget.")
    var classMax: String?
    @Option(name: .customLong("for"), help: "Seconds for which it holds, 3,600 at most.")
    var seconds: Int
    @Flag(help: "Print a client file.")
    var client = false

    func run() async throws {
      let asker = try common.client()
      var members: [String: Any] = [
        "to": to, "actions": words(actions), "for_seconds": seconds,
      ]
      members["lanes"] = lanes.map { words($0) }
      members["class_max"] = classMax
      let body = try JSONSerialization.data(withJSONObject: members)
      let reply = try await attempt { () async throws(ClientError) in
        try await asker.ask("POST", ["v1", "delegations", tenant, budget, "token"], body: body)
      }
      let token = Output.text(reply.object, "token")
      if client {
        print(try Output.clientFile(server: asker.server, token: token))
      } else if common.format == .table {
        print(token)
      } else {
        try Output.show(reply, as: common.format)
      }
    }
  }

  /// `poolctl token narrow`.
  struct Narrow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints a token for somebody else that allows less; no server is asked.",
      discussion: "What no flag names stays as it is. A token is handed on three times at most.")
    @OptionGroup var token: TokenArguments
    @Option(help: "Who it is for, such as agent:planner.")
    var to: String
    @Option(help: "A budget that was given out of that of the token.")
    var budget: String?
    @Option(help: "What it is for: look, prepare and execute, with commas between.")
    var actions: String?
    @Option(help: "The lanes, with commas between.")
    var lanes: String?
    @Option(help: "The most urgent class.")
    var classMax: String?
    @Option(name: .customLong("for"), help: "Seconds for which it holds.")
    var seconds: Int64?

    func run() async throws {
      let chain = try token.chain()
      var link = chain.last
      link.by = nil
      link.to = to
      link.budget = budget ?? link.budget
      if let classMax { link.ceiling = try Self.ceiling(classMax) }
      if let lanes { link.lanes = Set(words(lanes)) }
      if let actions { link.actions = Set(try words(actions).map { try Self.action($0) }) }
      if let seconds {
        guard (1...86_400).contains(seconds) else {
          throw ValidationError("--for is a number of seconds from 1 to 86400")
        }
        link.expires = Int64(Date().timeIntervalSince1970) + seconds
      }
      print(try refusing { () throws(ChainError) in try chain.narrowed(link) }.text)
    }

    private static func action(_ word: String) throws -> Mandate.Action {
      guard let action = Mandate.Action(rawValue: word) else {
        throw ValidationError("an action is look, prepare or execute, not \"\(word)\"")
      }
      return action
    }

    private static func ceiling(_ word: String) throws -> Ceiling {
      guard let ceiling = Ceiling(rawValue: word) else {
        throw ValidationError("a class is P0, P1, P2 or P3, not \"\(word)\"")
      }
      return ceiling
    }
  }

  /// `poolctl token show`.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows what a token says, without its secret; whether it holds knows the server.")
    @OptionGroup var token: TokenArguments
    @Flag(help: "As JSON.")
    var json = false

    func run() async throws {
      let links = try token.chain().links
      guard !json else { return print(try Self.text(links)) }
      for (index, link) in links.enumerated() {
        let ends = Date(timeIntervalSince1970: Double(link.expires)).formatted(.iso8601)
        let giver = link.by.map { $0 + " to " } ?? "to "
        let lanes = link.lanes.map { Self.list($0) } ?? "all"
        say(
          """
          \(index + 1). \(giver)\(link.to), of \(link.tenant), at \(link.audience)
             budget \(link.budget); \(link.ceiling.rawValue) at most; lanes: \(lanes)
             may: \(Self.list(link.actions.map(\.rawValue))); ends \(ends)
          """)
      }
    }

    private static func list(_ names: some Sequence<String>) -> String {
      let sorted = names.sorted()
      return sorted.isEmpty ? "nothing" : sorted.joined(separator: ", ")
    }

    private static func text(_ links: [Link]) throws -> String {
      let list = links.map { link in
        var members: [String: Any] = [
          "audience": link.audience, "tenant": link.tenant, "to": link.to, "budget": link.budget,
          "class_max": link.ceiling.rawValue, "actions": link.actions.map(\.rawValue).sorted(),
          "expires": Int(link.expires),
        ]
        members["by"] = link.by
        members["lanes"] = link.lanes?.sorted()
        return members
      }
      let data = try JSONSerialization.data(
        withJSONObject: ["links": list],
        options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
      return String(decoding: data, as: UTF8.self)
    }
  }
}

/// Where a token is.
struct TokenArguments: ParsableArguments {
  @Option(help: "The file of the token; - is standard input.")
  var tokenFile: String

  /// The token, read and not verified.
  func chain() throws -> Chain {
    let handle =
      tokenFile == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: tokenFile)
    guard let data = try handle?.read(upToCount: Chain.bytesMax + 1) else {
      throw ValidationError("\(tokenFile) cannot be read, or is empty")
    }
    let text = String(decoding: data, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    return try refusing { () throws(ChainError) in try Chain(text: text) }
  }
}

/// The words of a list with commas.
private func words(_ list: String) -> [String] {
  list.split(separator: ",").map { String($0) }
}

/// Does something with a token; what is wrong with it is told, and ends the program.
private func refusing<T>(_ body: () throws(ChainError) -> T) throws -> T {
  do throws(ChainError) {
    return try body()
  } catch {
    note("error: \(error)")
    throw ExitCode(Ending.usage.rawValue)
  }
}
