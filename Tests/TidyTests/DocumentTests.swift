import Foundation
import Testing

@Suite("Documents and data")
struct DocumentTests {
  private let repository = Repository.current

  @Test("the front page is short")
  func readme() throws {
    guard repository.exists("README.md") else { return }
    expectClean(DocumentRules.longReadme(try repository.text("README.md")))
  }

  @Test("every relative link leads to a file")
  func links() throws {
    let paths = repository.paths.filter { $0.hasSuffix(".md") }
    expectClean(
      try paths.flatMap { path in
        DocumentRules.deadLinks(
          path, text: try repository.text(path), exists: { repository.exists($0) })
      })
  }

  @Test("every JSON file parses")
  func json() throws {
    let folders = ["examples", "schemas", "hardware-profiles"]
    let paths = repository.paths(under: folders, suffix: ".json")
    expectClean(
      try paths.flatMap { path in
        let data = try Data(contentsOf: repository.root.appending(path: path))
        return DocumentRules.unreadableJSON(path, data: data)
      })
  }

  @Test("checker: front page", arguments: [(120, false), (121, true)])
  func frontPage(lines: Int, isFlagged: Bool) {
    let text = String(repeating: "x\n", count: lines)
    #expect(DocumentRules.longReadme(text).isEmpty == !isFlagged)
  }

  @Test(
    "checker: dead links",
    arguments: [
      "[a](missing.md)", "see [a](b.md) and [c](missing.md#part)", "![a](missing.png \"title\")",
      "[a]: missing.md", "[a](../../out.md)", "[a](/etc/passwd)", "[a](docs/b.md)",
    ])
  func dead(text: String) {
    let exists: (String) -> Bool = { ["docs/b.md", "README.md"].contains($0) }
    #expect(DocumentRules.deadLinks("docs/a.md", text: text, exists: exists).count == 1)
  }

  @Test(
    "checker: living links",
    arguments: [
      "[a](b.md)", "[a](./b.md#part)", "[a](../README.md)", "[a](https://example.org/x)",
      "[a](#part)", "[a](mailto:x@example.org)", "`[a](missing.md)`",
      "```\n[a](missing.md)\n```", "[a]: b.md", "text (missing.md)", "[^1]: a note",
      "[a](<b.md>)", "[a](b%2Emd)", "[a](..)",
    ])
  func alive(text: String) {
    let exists: (String) -> Bool = { ["docs/b.md", "README.md"].contains($0) }
    let findings = DocumentRules.deadLinks("docs/a.md", text: text, exists: exists)
    #expect(findings.isEmpty)
  }

  @Test(
    "checker: JSON",
    arguments: [
      ("{\"a\": [1, 2.5, null]}", false), ("3", false), ("{\"a\": 1,,}", true), ("", true),
    ])
  func parse(text: String, isFlagged: Bool) {
    let findings = DocumentRules.unreadableJSON("a.json", data: Data(text.utf8))
    #expect(findings.isEmpty == !isFlagged)
  }
}
