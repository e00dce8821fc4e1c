import Foundation
import Testing

/// `pool-agent place --journal` writes what `pool-sim defrag` reads.
@Suite("Moves for a journal")
struct DefragJournalTests {
  private static let policy = "examples/preemption/policy.json"
  private static let node = "examples/agent-platform/nodes/h100-8.json"

  /// Runs the session of examples/preemption up to a line, and asks about its journal.
  private func defrag(lines: Int, _ more: String...) throws -> Agent.Result {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let journal = folder.appending(path: "session.journal")
    let requests = try String(
      contentsOf: Agent.root.appending(path: "examples/preemption/requests.jsonl"),
      encoding: .utf8)
    let first = requests.split(separator: "\n").prefix(lines).joined(separator: "\n") + "\n"
    let result = try Agent.run(
      [
        "place", "--policy", Self.policy, "--nodes", Self.node, "--stream", "--journal",
        journal.path,
      ], input: Data(first.utf8))
    #expect(result.err == "")
    return try Agent.run(["defrag", "--journal", journal.path] + more, of: "pool-sim")
  }

  @Test("claims that wait are told what would have to move")
  func waiting() throws {
    let result = try defrag(lines: 1_000, "--names", Self.policy)
    #expect(result.code == 0 && result.err == "", "\(result.err)")
    #expect(result.out.contains("1 claim for 4 GPUs: 1 found no room"), "\(result.out)")
    #expect(result.out.contains("GPUs are free"))
  }

  @Test("where none waits there is nothing to move")
  func nothing() throws {
    let result = try defrag(lines: 1, "--json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(result.out.utf8)) as? [String: Any])
    #expect((document["plans"] as? [Any])?.isEmpty == true)
    let words = try defrag(lines: 1)
    #expect(words.out.hasPrefix("No claim waits: nothing to make room for."))
  }
}
