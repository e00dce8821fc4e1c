import Foundation
import Testing

/// The shipped scenarios are as their schema says, and it refuses keys that nobody knows.
@Suite("Schema of scenarios")
struct ScenarioSchemaTests {
  private static let folder = Agent.root.appending(path: "scenarios")
  static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".json") }.sorted()

  @Test("fits", arguments: names)
  func fits(name: String) throws {
    let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
    #expect(try SchemaCheck.findings(text, "scenario") == [])
    let strange = text.replacing("\"verdict\"", with: "\"verdikt\"")
    #expect(try SchemaCheck.findings(strange, "scenario").count == 2)
  }
}
