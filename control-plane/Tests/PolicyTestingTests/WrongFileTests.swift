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
    let said = Self.report(file).replacingOccurrences(of: Self.folder, with: "") + "\n"
    if ProcessInfo.processInfo.environment["EXAMPLES_UPDATE"] == "1" {
      try Data(said.utf8).write(to: URL(filePath: expected))
    }
    let text = try String(contentsOfFile: expected, encoding: .utf8)
    #expect(said == text)
  }

  @Test func thereAreFiles() { #expect(Self.files.count > 25) }

  private static func report(_ file: String) -> String {
    if file.hasSuffix(".policytest.yaml") {
      return PolicyTestReport(files: [folder + file]).text
    }
    let nodes = file.hasPrefix("nodes-") ? [folder + "node.json"] : []
    return PolicyCheck(file: folder + file, nodes: nodes).text
  }
}
