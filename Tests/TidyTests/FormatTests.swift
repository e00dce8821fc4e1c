import Foundation
import Testing

@Suite("Format")
struct FormatTests {
  private let repository = Repository.current

  private func rule() throws -> FormatRule {
    FormatRule(
      swift: try #require(FormatRule.swift),
      configuration: repository.root.appending(path: ".swift-format"))
  }

  @Test("the configuration stands at the root")
  func configuration() { #expect(repository.exists(".swift-format")) }

  @Test(
    "swift format lint --strict is clean",
    .enabled(if: FormatRule.isAvailable, "SKIPPED: this toolchain has no `swift format`"))
  func repositoryIsClean() throws {
    let folders = ["Sources", "Tests", "Benchmarks", "control-plane", "examples"]
    let paths = repository.paths(under: folders, suffix: ".swift")
    let report = try rule().lint(paths.map { repository.root.appending(path: $0) })
    if !report.isEmpty { Issue.record("\n\(report)") }
  }

  @Test(
    "checker: format",
    .enabled(if: FormatRule.isAvailable, "SKIPPED: this toolchain has no `swift format`"),
    arguments: [("let a = 1\n", false), ("let a=1;\n", true), ("let A_b = 1\n", true)])
  func snippet(text: String, isFlagged: Bool) throws {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "tidy-\(UUID().uuidString).swift")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try rule().lint([file]).isEmpty == !isFlagged)
  }
}
