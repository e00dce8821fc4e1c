import Foundation
import PolicyTesting
import Testing

/// What is said of files that are wrong: each in `Wrong/` has beside it what is said of it.
@Suite struct WrongFileTests {
  static let folder =
    URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Wrong").path + "/"
  static let files =
    (try? FileManager.default.contentsOfDirectory(atPath: folder))?
    .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

  @Test(arguments: files)
  func saysWhatIsWrong(file: String) throws {
    let expected = "\(Self.folder)\(file.dropLast(".yaml".count)).expected"
    let said = try Self.report(file).replacingOccurrences(of: Self.folder, with: "") + "\n"
    if ProcessInfo.processInfo.environment["EXAMPLES_UPDATE"] == "1" {
      try Data(said.utf8).write(to: URL(filePath: expected))
    }
    let text = try String(contentsOfFile: expected, encoding: .utf8)
    #expect(said == text)
  }

  @Test func thereAreFiles() { #expect(Self.files.count > 60) }

  private static func report(_ file: String) throws -> String {
    if file.hasSuffix(".policytest.yaml") {
      return PolicyTestReport(files: [folder + file]).text
    }
    if file == "large.yaml" { return try reportOnLarge(file) }
    if file.hasPrefix("journal-") { return try reportWithJournal(file) }
    let nodes = file.hasPrefix("nodes-") ? [folder + "node.json"] : []
    return PolicyCheck(file: folder + file, nodes: nodes).text
  }

  /// The file with more spaces behind it than any file may have.
  private static func reportOnLarge(_ file: String) throws -> String {
    var said = ""
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { temporary in
      let spaces = Data(repeating: UInt8(ascii: " "), count: 32 << 20)
      try (try Data(contentsOf: URL(filePath: folder + file)) + spaces)
        .write(to: URL(filePath: temporary + file))
      said = PolicyCheck(file: temporary + file).text
        .replacingOccurrences(of: temporary, with: "")
    }
    return said
  }

  /// A policy `journal-KIND.yaml` is checked with a journal of the kind.
  private static func reportWithJournal(_ file: String) throws -> String {
    var said = ""
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { temporary in
      let journal = temporary + "journal"
      switch file.dropFirst("journal-".count).dropLast(".yaml".count) {
      case "none": break
      case "empty": try Data().write(to: URL(filePath: journal))
      case "text": try Data("no journal\n".utf8).write(to: URL(filePath: journal))
      case "short": try record(4, in: temporary)
      default: try record(104, in: temporary)
      }
      said = PolicyCheck(file: folder + file, journal: journal).text
        .replacingOccurrences(of: temporary, with: "")
    }
    return said
  }

  /// Claims of ten minutes on an L4 at 0.12, four in an hour: 72 GPU-seconds each.
  private static func record(_ claims: Int64, in folder: String) throws {
    var scene = try RecordedScene(folder)
    for number in 0..<claims {
      scene.ask(
        "c-\(number)", of: "batch", "reindex", in: "l4-shared", at: number * 900 + 1,
        runtime: 600, runs: 600)
    }
    try scene.write(to: folder + "journal")
  }
}
