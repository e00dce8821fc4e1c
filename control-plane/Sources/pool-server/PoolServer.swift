import ArgumentParser
import Foundation
import Logging
import PoolClient
import PoolService
import PoolStore
import StrictJSON

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
  var isLoopback: Bool { Loopback.has(host) }
}

extension Server {
  /// Begins on a folder; the process ends where nothing more can be made durable.
  static func begun(
    at folder: String, audience: String = Server.audience, checksFirst: Bool
  ) throws(StoreError) -> Server {
    Heap.keep()
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "pool-server")
    logger.logLevel = .warning
    return try Server(
      at: folder, audience: audience, checksFirst: checksFirst, logger: logger
    ) { error in
      // A sync that failed is not tried again: what was not answered may be there or not.
      DevCommand.say("error: \(error)")
      Foundation.exit(1)
    }
  }

  /// Puts the policy of a file in force, if its generation is later than that in force.
  /// - Parameter isFirst: only where none is in force.
  /// - Returns: false where one is, and this one is later.
  @discardableResult
  func activate(
    file: String, by principal: String, onlyFirst isFirst: Bool = false
  ) async throws -> Bool {
    guard let text = FileManager.default.contents(atPath: file) else {
      throw ValidationError("\(file) cannot be read")
    }
    do {
      return try await activate(Array(text), by: principal, onlyFirst: isFirst)
    } catch let errors as JSONErrors {
      throw ValidationError(errors.formatted(file: file))
    }
  }
}

/// Whose tokens are taken beside the server's own.
struct CallerOptions: ParsableArguments {
  @Option(help: "Identity providers whose tokens are taken, and what their claims allow.")
  var identityProviders: String?

  /// The providers with their keys.
  func providers() async throws(StoreError) -> IdentityProviders? {
    guard let identityProviders else { return nil }
    return try await IdentityProviders(file: identityProviders)
  }
}

/// What a server looks at before it serves.
struct CheckOptions: ParsableArguments {
  @Flag(help: "Look at every record of the journal before it serves, not beside the work.")
  var checkFirst = false
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
