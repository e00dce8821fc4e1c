import Foundation
import Testing

/// What `place` says of claims that have less than they asked for.
@Suite("place: degraded claims")
struct DegradedPlaceTests {
  /// The policy of the example, under which what is cheaper is preferred at any load.
  private func arguments(_ folder: URL) throws -> [String] {
    let example = Agent.root.appending(path: "examples/degrade-support")
    let policy = try String(contentsOf: example.appending(path: "policy.json"), encoding: .utf8)
      .replacing("\"automation\": \"answer_only\"", with: "\"automation\": \"full\"")
      .replacing("\"triggers\": [\"pressure\"]", with: "\"triggers\": [\"preference\"]")
    let claims = """
      {"schema_version": 1, "kind": "claims", "claims": [
        {"name": "t1", "tenant": "shop", "application": "tickets", "workflow": "w1",
         "principal": "agent:desk", "service": "helpdesk", "action": "resolve",
         "model_class": "large", "accept_rungs": ["drafts"], "lanes": ["live"],
         "demand": {"gpus": 1}, "runtime_max_seconds": 600, "estimate": {"seconds": 120}},
        {"name": "t2", "tenant": "shop", "application": "tickets", "workflow": "w2",
         "principal": "agent:desk", "service": "helpdesk", "action": "resolve",
         "model_class": "large", "lanes": ["live"], "demand": {"gpus": 1},
         "runtime_max_seconds": 600}]}
      """
    let files = ["policy.json", "claims.json"].map { folder.appending(path: $0) }
    try Data(policy.utf8).write(to: files[0])
    try Data(claims.utf8).write(to: files[1])
    return [
      "place", "--policy", files[0].path, "--claims", files[1].path, "--nodes",
      example.appending(path: "node.json").path,
    ]
  }

  @Test("text says what was given instead, and JSON field by field")
  func both() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let arguments = try arguments(folder)
    let text = try Agent.run(arguments)
    #expect(text.code == 0, "\(text.err)")
    let words = text.out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      words.contains(
        "DEGRADED t1 of shop (P1): took rung \"drafts\" (rerouted) because of cheaper preferred:"
          + " lanes live to drafts; model class large to small; expected seconds 120 to 60"))
    #expect(words.contains("2 granted, 0 queued") && words.contains("1 degraded"))
    let json = try Agent.run(arguments + ["--json"])
    #expect(try SchemaCheck.findings(json.out, "placement") == [])
    let object = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    let claims = try #require(object?["claims"] as? [[String: Any]])
    let degraded = try #require(claims[0]["degraded"] as? [String: Any])
    #expect(degraded["trigger"] as? String == "cheaper_preferred")
    #expect((degraded["changed"] as? [Any])?.count == 3)
    #expect(claims[1]["degraded"] == nil)
  }
}
