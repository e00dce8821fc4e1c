import ArgumentParser
import Foundation
import PoolRecord
import PoolService
import PoolStore

/// `pool-server verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Decides the whole journal again and compares every answer and event.",
    discussion:
      "Exit codes: 0 all the same · 2 not there, or in use · 11 something differs or is damaged.")

  @OptionGroup var state: StateOptions

  func run() async throws {
    do throws(StoreError) {
      let found = try state.journal().verify()
      print(
        "\(found.decided) records decided again, \(found.folded) of other engines folded")
      guard let difference = found.difference else { return }
      FileHandle.standardError.write(Data("error: \(difference)\n".utf8))
    } catch {
      FileHandle.standardError.write(Data("error: \(error)\n".utf8))
      if error.kind == .inUse || error.kind == .unavailable { throw ExitCode(2) }
    }
    throw ExitCode(11)
  }
}

/// `pool-server journal`.
struct JournalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal", abstract: "Reads the journal.", subcommands: [Export.self])

  /// `pool-server journal export`.
  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes the journal in the record form that pool-sim reads.")

    @OptionGroup var state: StateOptions
    @Argument(help: "The file to make; it must not exist.")
    var file: String

    func run() async throws {
      guard !FileManager.default.fileExists(atPath: file) else {
        throw ValidationError("\(file) is there already; name another file")
      }
      do {
        let store = try state.journal()
        guard FileManager.default.createFile(atPath: file, contents: nil),
          let handle = FileHandle(forWritingAtPath: file)
        else { throw ValidationError("\(file) cannot be made") }
        try store.export { bytes in
          let part = (0..<bytes.count).map { bytes[$0] }
          try handle.write(contentsOf: Data(part))
        }
        try handle.close()
      } catch let error as StoreError {
        FileHandle.standardError.write(Data("error: \(error)\n".utf8))
        throw ExitCode(11)
      }
    }
  }
}
