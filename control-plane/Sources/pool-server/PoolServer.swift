import ArgumentParser
import Foundation
import PoolService
import PoolStore

/// The service: one leader of one pool.
@main
struct PoolServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pool-server",
    abstract: "Decides which claims get which devices, durably, for agents, schedulers and people.",
    subcommands: [ServeCommand.self, DevCommand.self, VerifyCommand.self, JournalCommand.self])

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
      DevCommand.say(fullMessage(for: error))
      Foundation.exit(2)
    }
  }
}

/// `ADDRESS:PORT`.
struct ListenAddress {
  let host: String
  let port: Int

  init(_ text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65_535).contains(port), colon > text.startIndex
    else { throw ValidationError("--listen is ADDRESS:PORT, not \"\(text)\"") }
    let host = String(text[..<colon])
    self.host =
      host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    self.port = port
  }

  /// Whether nobody on another machine can ask there.
  var isLoopback: Bool {
    // A name that begins like an address may be anywhere.
    var parsed = in_addr()
    let isAddress = inet_pton(AF_INET, host, &parsed) == 1
    return host == "localhost" || host == "::1" || isAddress && host.hasPrefix("127.")
  }
}

/// Where a server keeps its state.
struct StateOptions: ParsableArguments {
  @Option(name: .customLong("state"), help: "The folder of the journal; mode 700.")
  var folder = "pool-state"

  /// The journal in it; none is begun.
  func journal() throws(StoreError) -> SQLiteStore {
    guard FileManager.default.fileExists(atPath: folder + "/journal.sqlite") else {
      throw StoreError(
        .unavailable, "there is no journal in \(folder)", remedy: "name another folder: --state")
    }
    return try SQLiteStore(at: folder, engine: Server.engine)
  }
}
