import Foundation
import Testing

/// `pool-agent place --journal` writes what `pool-sim what-if` reads.
@Suite("What if")
struct WhatIfCommandTests {
  private static let policy = "examples/parked/policy.json"
  private static let other = "examples/what-if/policy.json"
  private static let node = "examples/parked/node.json"

  /// Runs the session of examples/parked, and hands on the file of its journal.
  private func withJournal(_ body: (URL) throws -> Void) throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let journal = folder.appending(path: "parked.journal")
    let requests = Agent.root.appending(path: "examples/parked/requests.jsonl")
    let result = try Agent.run(
      [
        "place", "--policy", Self.policy, "--nodes", Self.node, "--stream", "--journal",
        journal.path,
      ], input: try Data(contentsOf: requests))
    #expect(result.code == 0 && result.err == "")
    let expected = Agent.root.appending(path: "examples/parked/expected.jsonl")
    #expect(result.out == (try String(contentsOf: expected, encoding: .utf8)))
    try body(journal)
  }

  private func whatIf(_ arguments: String...) throws -> Agent.Result {
    try Agent.run(["what-if"] + arguments, of: "pool-sim")
  }

  @Test("prints what examples/what-if/expected.txt holds")
  func golden() throws {
    try withJournal { journal in
      let result = try whatIf("--journal", journal.path, "--policy", Self.other)
      #expect(result.code == 0 && result.err == "")
      let file = "examples/what-if/expected.txt"
      let expected = try Agent.golden(file, result.out)
      #expect(result.out == expected, "\(file) differs; after a change that is meant, make goldens")
    }
  }

  @Test("under the policy that was in force nothing changes")
  func same() throws {
    try withJournal { journal in
      let result = try whatIf("--journal", journal.path, "--policy", Self.policy, "--json")
      #expect(result.code == 0)
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(result.out.utf8)) as? [String: Any])
      #expect((document["changes"] as? [Any])?.isEmpty == true)
      #expect(document["requests"] as? Int == 3)
    }
  }

  @Test("more hardware, names, and JSON")
  func addition() throws {
    try withJournal { journal in
      let result = try whatIf(
        "--journal", journal.path, "--policy", Self.other, "--add", Agent.node("l40s-4"),
        "--names", Self.policy, "--json")
      #expect(result.code == 0, "\(result.err)")
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(result.out.utf8)) as? [String: Any])
      let changes = try #require(document["changes"] as? [[String: Any]])
      #expect(changes.count == 2)
      #expect(changes.allSatisfy { $0["tenant"] as? String == "docs" })
      let after = try #require(changes[0]["after"] as? [String: Any])
      #expect(after["answer"] as? String == "granted" && after["granted_ms"] as? Int == 0)
    }
  }

  @Test("a file that is no journal, a damaged one, and one of a later release are refused")
  func refusals() throws {
    try withJournal { journal in
      let none = try whatIf("--journal", Self.node, "--policy", Self.other)
      #expect(none.code == 2 && none.err.contains("is no journal"))
      let bytes = try Data(contentsOf: journal)
      var damaged = bytes
      damaged[bytes.count / 2] ^= 1
      try damaged.write(to: journal)
      let refused = try whatIf("--journal", journal.path, "--policy", Self.other)
      #expect(refused.code == 2 && refused.err.contains(" at byte "))
      try bytes.dropLast(3).write(to: journal)
      let torn = try whatIf("--journal", journal.path, "--policy", Self.other)
      #expect(torn.code == 0 && torn.out.contains("note: record"))
      try Data().write(to: journal)
      let empty = try whatIf("--journal", journal.path, "--policy", Self.other)
      #expect(empty.code == 2 && empty.err.contains("is empty"))
      let absent = try whatIf("--journal", "nowhere", "--policy", Self.other)
      #expect(absent.code == 2 && absent.err.contains("there is no such file"))
    }
  }

  @Test("what is missing on the command line is said")
  func usage() throws {
    #expect(try whatIf("--policy", Self.other).err.contains("needs --journal FILE"))
    #expect(try whatIf("--journal", "x").err.contains("needs --policy NEW"))
    let wrong = try whatIf("--journal", "x", "--policy", Self.node)
    #expect(wrong.code == 2 && wrong.err.contains("examples/parked/node.json:"))
    try withJournal { journal in
      let again = try Agent.run(
        "place", "--policy", Self.policy, "--nodes", Self.node, "--stream", "--journal",
        journal.path)
      #expect(again.code == 2 && again.err.contains("is there already"))
    }
  }
}
