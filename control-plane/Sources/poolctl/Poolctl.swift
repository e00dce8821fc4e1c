import ArgumentParser
import Foundation
import PoolClient
import PoolConsole

/// What people and scripts ask a pool with.
@main
struct Poolctl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "poolctl",
    abstract: "Places claims in a pool, and shows and changes what is in it.",
    discussion: """
      Exit codes: 0 done or granted · 2 usage · 3 queued · 4 refused, may be asked again · \
      5 can never be granted · 6 granted with less than asked · 7 not authorised · \
      8 the server does not answer · 9 the wait is over · 10 the lease is lost · \
      11 a check failed · 1 anything else.
      """,
    subcommands: [
      Place.self, Run.self, Explain.self, Cancel.self, Top.self, Queue.self, Leases.self,
      Nodes.self, Lanes.self, Usage.self, Renew.self, Complete.self, Policy.self,
      NodeCommands.self, QuoteCommand.self, Approvals.self, Approve.self, Deny.self,
      Delegations.self, Delegate.self, Revoke.self, CredentialCommand.self,
      TokenCommands.self, EmergencyCommands.self, Audit.self,
    ])

  @OptionGroup var common: Common

  /// Runs the command of the command line; one that is wrong ends with 2, as everywhere here.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      note(fullMessage(for: error))
      Foundation.exit(Ending.usage.rawValue)
    }
  }
}

/// Where the server is, and how an answer is shown.
struct Common: ParsableArguments {
  @Option(help: "The client file that the server wrote; else POOLCTL_CONFIG.")
  var config: String?
  @Option(name: .shortAndLong, help: "table, wide, json, jsonl, yaml or name.")
  var output = Format.table
  @Flag(help: "The same as -o json.")
  var json = false

  var format: Format { json ? .json : output }

  func client() throws -> PoolClient {
    let environment = ProcessInfo.processInfo.environment
    guard let file = config ?? environment["POOLCTL_CONFIG"] else {
      throw ValidationError("name the client file that the server wrote: --config FILE")
    }
    return try attempt { () throws(ClientError) in
      PoolClient(try ClientConfiguration(file: file))
    }
  }
}

/// What a command ended with; see the help of `poolctl`.
enum Ending: Int32 {
  case failed = 1
  case usage = 2
  case queued = 3
  case refused = 4
  case infeasible = 5
  case degraded = 6
  case unauthorised = 7
  case unreachable = 8
  case waited = 9
  case lost = 10
  case differs = 11
}

/// Does something with a server; what it refuses is told, and ends the program.
func attempt<T>(_ body: () throws(ClientError) -> T) throws -> T {
  do throws(ClientError) {
    return try body()
  } catch {
    throw told(error)
  }
}

/// Does something with a server; what it refuses is told, and ends the program.
func attempt<T>(_ body: () async throws(ClientError) -> T) async throws -> T {
  do throws(ClientError) {
    return try await body()
  } catch {
    throw told(error)
  }
}

extension PoolClient {
  /// Asks for something to be done, once; what is refused is told, and ends the program.
  func post(_ parts: [String], _ body: Data? = nil) async throws -> Reply {
    try await attempt { () async throws(ClientError) in
      try await ask("POST", parts, body: body, key: UUID().uuidString)
    }
  }
}

private func told(_ error: ClientError) -> ExitCode {
  let (text, ending) = words(of: error)
  note("error: \(text)")
  return ExitCode(ending.rawValue)
}

private func words(of error: ClientError) -> (String, Ending) {
  switch error {
  case .configuration(let what): return (what, .usage)
  case .unreachable(let what): return ("the server does not answer: \(what)", .unreachable)
  case .refused(let reply):
    let problem = reply.object
    var text = problem["detail"] as? String ?? "the server refuses this (\(reply.status))"
    for error in problem["errors"] as? [[String: Any]] ?? [] {
      let parts = ["path", "problem", "hint"].map { error[$0] as? String ?? "" }
      text += "\n  \(parts[0]): \(parts[1]); \(parts[2])"
    }
    for reason in (problem["blocking"] as? [[String: Any]] ?? []).dropFirst() {
      text += "\n  also: \(reason["sentence"] as? String ?? "")"
    }
    if let seconds = reply.retryAfter { text += "\n  ask again in \(seconds) s" }
    if let type = (problem["type"] as? String)?.split(separator: ":").last {
      text += "\n  (code \(type))"
    }
    return (text, ending(of: reply))
  }
}

private func ending(of reply: Reply) -> Ending {
  switch reply.status {
  case 401, 403: .unauthorised
  case 422: .infeasible
  case 429, 503: .refused
  case 400, 413: .usage
  case 404 where reply.object["op"] as? String == "renew": .lost
  default: .refused
  }
}

/// Lines for people, on standard error, without anything that a terminal would obey.
func note(_ text: String) { FileHandle.standardError.write(Data((plain(text) + "\n").utf8)) }

/// Lines for people, on standard output, without anything that a terminal would obey.
func say(_ text: String) { print(plain(text)) }

private func plain(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false)
    .map { Terminal.plain(String($0)) }.joined(separator: "\n")
}
