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
    subcommands: [DevCommand.self, VerifyCommand.self, JournalCommand.self])
}

/// Where a server keeps its state.
struct StateOptions: ParsableArguments {
  @Option(name: .customLong("state"), help: "The folder of the journal; mode 700.")
  var folder = "pool-state"

  /// The journal that is there; none is made.
  func journal() throws(StoreError) -> SQLiteStore {
    guard FileManager.default.fileExists(atPath: folder + "/journal.sqlite") else {
      throw StoreError(
        .unavailable, "\(folder) has no journal", remedy: "name the folder of a server")
    }
    return try SQLiteStore(at: folder, engine: Server.engine)
  }
}
