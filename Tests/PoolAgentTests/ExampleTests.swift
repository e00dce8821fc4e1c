import Foundation
import Testing

/// Every example with requests shows what it says: the command of its README, run as it stands
/// there, prints `expected.jsonl` byte for byte, and what the README quotes stands in it.
///
/// `make goldens` writes what is printed now into the files of all examples.
@Suite("Examples")
struct ExampleTests {
  private static let folder = Agent.root.appending(path: "examples")

  /// Folders with requests.
  private static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter {
      FileManager.default.fileExists(atPath: folder.appending(path: "\($0)/requests.jsonl").path)
    }
    .sorted()

  private static func text(_ name: String, _ file: String) throws -> String {
    try String(contentsOf: folder.appending(path: "\(name)/\(file)"), encoding: .utf8)
  }

  /// The blocks between fences of a README, with the word that opens each.
  private static func blocks(_ name: String) throws -> [(word: String, text: String)] {
    let parts = try text(name, "README.md").components(separatedBy: "```")
    return stride(from: 1, to: parts.count, by: 2).map { index in
      let lines = parts[index].split(separator: "\n", omittingEmptySubsequences: false)
      return (String(lines[0]), lines.dropFirst().joined(separator: "\n"))
    }
  }

  /// The arguments and the input of the command that a README shows.
  private static func command(_ name: String) throws -> (arguments: [String], input: Data) {
    let block = try #require(
      try blocks(name).first { $0.text.hasPrefix("pool-agent ") && $0.text.contains(" < ") })
    let parts = block.text.replacing("\\\n", with: " ").components(separatedBy: " < ")
    try #require(parts.count == 2)
    let input = Agent.root.appending(path: parts[1].trimmingCharacters(in: .whitespacesAndNewlines))
    return (
      parts[0].split(separator: " ").dropFirst().map(String.init), try Data(contentsOf: input)
    )
  }

  @Test("the examples are there")
  func there() {
    #expect(
      Self.names == [
        "approval", "batch-lane", "degrade-research", "degrade-support", "degrade-workflow",
        "delegation", "emergency", "explain", "flood", "gang", "lending", "multi-node", "parked",
        "preemption", "quote", "stream",
      ],
      "an example that is added here is compared with its golden below")
  }

  @Test("prints what expected.jsonl holds", arguments: names)
  func golden(name: String) throws {
    let (arguments, input) = try Self.command(name)
    let result = try Agent.run(arguments, input: input)
    #expect(result.code == 0 && result.err.isEmpty)
    let file = "examples/\(name)/expected.jsonl"
    let expected = try Agent.golden(file, result.out)
    #expect(result.out == expected, "\(file) differs; after a change that is meant, make goldens")
    let requests = String(decoding: input, as: UTF8.self).split(separator: "\n")
    #expect(result.lines.count == requests.count && result.lines.count <= 60)
    for (request, answer) in zip(requests, result.lines) {
      #expect(try SchemaCheck.findings(answer, "answer") == [], "\(answer)")
      guard !answer.contains("\"outcome\":\"error\"") else { continue }
      #expect(try SchemaCheck.findings(String(request), "stream-request") == [], "\(request)")
    }
  }

  @Test("what the README quotes is printed", arguments: names)
  func quotes(name: String) throws {
    let (arguments, input) = try Self.command(name)
    let printed = try Agent.run(arguments, input: input).lines
    for block in try Self.blocks(name) where block.word == "jsonl" {
      for line in block.text.split(separator: "\n") {
        let pieces = line.components(separatedBy: "…").filter { !$0.isEmpty }
        #expect(
          printed.contains { Self.contains($0, pieces) },
          "examples/\(name)/README.md quotes what is not printed: \(line)")
      }
    }
  }

  /// Whether the pieces stand in a line, one after the other.
  private static func contains(_ line: String, _ pieces: [String]) -> Bool {
    var rest = Substring(line)
    for piece in pieces {
      guard let place = rest.range(of: piece) else { return false }
      rest = rest[place.upperBound...]
    }
    return true
  }
}
