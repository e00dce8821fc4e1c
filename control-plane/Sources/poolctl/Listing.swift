import ArgumentParser
import Foundation
import PoolClient
import PoolConsole

/// A list of the server, and how it is shown.
struct Listing: Sendable {
  /// Parts of its path.
  var path: [String]
  /// The member that is the list.
  var list: String
  /// Its columns, at a moment of the answer. Unit: milliseconds of pool time.
  var columns: @Sendable (_ now: Double) -> Columns

  /// Shows it once, or again and again.
  func run(_ common: Common, _ watching: Watching) async throws {
    let client = try common.client()
    func ask() async throws -> Reply {
      try await attempt { () async throws(ClientError) in try await client.ask("GET", path) }
    }
    guard watching.watch else {
      let reply = try await ask()
      return try Output.show(reply, list: list, columns(reply.poolTime), as: common.format)
    }
    try await watching.run(common) {
      let reply = try await ask()
      return Output.table(reply, list: list, columns(reply.poolTime), as: common.format)
    }
  }
}

extension Reply {
  /// Pool time of the answer. Unit: milliseconds.
  var poolTime: Double { (object["at_ms"] as? NSNumber)?.doubleValue ?? 0 }
}

/// Whether a list is shown again and again.
struct Watching: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Show it again and again, until Ctrl-C; once where no terminal.")
  var watch = false
  @OptionGroup var pace: Pace

  /// Draws until the program is ended.
  func run(_ common: Common, _ draw: () async throws -> [String]) async throws {
    guard common.format == .table || common.format == .wide else {
      throw ValidationError("what is watched is a table: leave out -w or -o")
    }
    try await Screen.run(every: pace.seconds, draw)
  }
}

/// How often something is shown.
struct Pace: ParsableArguments {
  @Option(name: [.customShort("n"), .long], help: "Seconds between two looks.")
  var seconds = 2

  func validate() throws {
    guard (1...3_600).contains(seconds) else {
      throw ValidationError("--seconds is a number from 1 to 3600")
    }
  }
}

/// A terminal on which the same thing is drawn in place. Nothing of it has to be put back, so that
/// Ctrl-C may end the program at any moment.
enum Screen {
  private static let home = "\u{1B}[H"
  private static let clearLine = "\u{1B}[K"
  private static let clearBelow = "\u{1B}[J"

  /// Draws until the program is ended; once where standard output is no terminal.
  static func run(every seconds: Int, _ draw: () async throws -> [String]) async throws {
    guard Terminal.height() != nil else {
      let lines = try await draw()
      return print(lines.joined(separator: "\n"))
    }
    write("\u{1B}[2J")
    while true {
      let lines = try await draw()
      let rows = max(1, (Terminal.height() ?? 24) - 1)
      let shown = lines.prefix(rows).map { $0 + clearLine + "\n" }
      write(home + shown.joined() + clearBelow)
      try await Task.sleep(for: .seconds(seconds))
    }
  }

  private static func write(_ text: String) {
    FileHandle.standardOutput.write(Data(text.utf8))
  }
}
