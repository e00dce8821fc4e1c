import Foundation
import Testing

/// How many explanations are answered, and what is wrong with those that are not.
@Suite("The budget of explanations, and wrong input")
struct ExplainBudgetTests {
  private func run(_ lines: [String], flags: [String] = []) throws -> [[String: Any]] {
    try Agent.converse(lines, nodes: [Agent.node("cpu-2")], flags: flags)
  }

  private func claim(_ name: String, by principal: String) -> String {
    """
    {"name":"\(name)","tenant":"fraud","application":"a","workflow":"w",\
    "principal":"\(principal)","service":"fraud-analysis","action":"inference",\
    "model_class":"small","lanes":["cpu-fraud"],"demand":{"cpu_milli":500},\
    "runtime_max_seconds":120}
    """
  }

  private func explain(at: String, by principal: String) -> String {
    #"{"op":"explain","at_ms":\#(at),"claim":\#(claim("x", by: principal))}"#
  }

  private func outcomes(_ answers: [[String: Any]]) -> [String?] {
    answers.map { $0["outcome"] as? String }
  }

  @Test("ten at once, one more each tenth of a second, for each principal")
  func each() throws {
    let answers = try run(
      (0..<11).map { _ in explain(at: "1000", by: "p") }
        + [explain(at: "1000", by: "q"), explain(at: "1099.999", by: "p")]
        + [explain(at: "1100", by: "p"), explain(at: "1100", by: "p")])
    #expect(outcomes(Array(answers[..<10])) == Array(repeating: "done", count: 10))
    #expect(
      outcomes(Array(answers[10...])) == ["rejected", "done", "rejected", "done", "rejected"])
    #expect(answers[10]["clears_at_ms"] as? Int == 1100)
    #expect(answers[10]["retry_after_seconds"] as? Int == 1)
    let note = try #require(answers[10]["note"] as? String)
    #expect(note.contains("principal \"p\"") && note.contains("10 a second"), "\(note)")
    #expect(answers[10]["explanation"] == nil)
  }

  @Test("all principals together have ten times as much")
  func all() throws {
    let answers = try run(
      (0..<21).map { explain(at: "5", by: "p\($0)") } + [explain(at: "55", by: "p20")],
      flags: ["--explanations", "2"])
    #expect(outcomes(answers) == Array(repeating: "done", count: 20) + ["rejected", "done"])
    #expect(answers[20]["clears_at_ms"] as? Int == 55)
    #expect((answers[20]["note"] as? String)?.hasPrefix("all principals together") == true)
  }

  @Test("a claim is decided although its alternatives are refused")
  func claims() throws {
    func claim(_ name: String) -> String {
      #"{"op":"claim","at_ms":0,"alternatives":true,"claim":\#(self.claim(name, by: "p"))}"#
    }
    let answers = try run(
      ["a", "b", "c", "d"].map(claim), flags: ["--explanations", "2"])
    #expect(outcomes(answers) == ["granted", "queued", "queued", "queued"])
    #expect(answers[0]["alternatives"] == nil && answers[0]["no_alternatives"] == nil)
    for index in [1, 2] { #expect(answers[index]["alternatives"] != nil, "\(answers[index])") }
    let absent = try #require(answers[3]["no_alternatives"] as? [String: Any])
    #expect(absent["code"] as? String == "budget_spent")
    #expect(absent["clears_at_ms"] as? Int == 500)
  }

  @Test("wrong requests say what is wrong")
  func wrong() throws {
    let whole = claim("x", by: "p")
    let cases = [
      (#"{"op":"explain","claim":"x"}"#, "add tenant, or give the whole claim"),
      (#"{"op":"explain","tenant":"fraud","claim":\#(whole)}"#, "leave tenant to its document"),
      (#"{"op":"explain","tenant":"fraud"}"#, "add it"),
      (#"{"op":"explain","tenant":"fraud","claim":"x","why":1}"#, "known keys are"),
      (#"{"op":"explain","tenant":"fraud","claim":7}"#, "name a live claim"),
      (#"{"op":"explain","claim":{"name":"x"}}"#, "add"),
      (#"{"op":"tick","alternatives":true}"#, "known keys are"),
      (#"{"op":"claim","alternatives":"yes","claim":\#(whole)}"#, "without quotes"),
    ]
    let answers = try run(cases.map(\.0))
    for (answer, (line, hint)) in zip(answers, cases) {
      #expect(answer["outcome"] as? String == "error", "\(line)")
      let errors = try #require(answer["errors"] as? [[String: Any]])
      #expect(errors.contains { ($0["hint"] as? String)?.contains(hint) == true }, "\(errors)")
    }
    for name in ["nobody", "x"] {
      let unknown = try run([#"{"op":"explain","tenant":"fraud","claim":"\#(name)"}"#])[0]
      #expect(unknown["outcome"] as? String == "rejected")
      #expect((unknown["note"] as? String)?.contains("ended") == true)
    }
  }

  @Test("flags that do not go together are usage errors")
  func flags() throws {
    let stream = ["place", "--policy", Agent.policy, "--stream", "--nodes", Agent.node("cpu-2")]
    let once = [
      "place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes", Agent.node("cpu-2"),
    ]
    let cases = [
      (stream + ["--alternatives"], "in a stream a claim asks with \"alternatives\""),
      (once + ["--explanations", "5"], "--explanations is for --stream"),
      (stream + ["--explanations", "0"], "a number from 1 to 1000, not \"0\""),
      (stream + ["--explanations", "x"], "not \"x\""), (stream + ["--explanations"], "needs"),
    ]
    for (arguments, message) in cases {
      let result = try Agent.run(arguments)
      #expect(result.code == 2 && result.err.contains(message), "\(result.err)")
    }
  }

  @Test("place lists alternatives in both forms, and exits as before")
  func place() throws {
    let once = [
      "place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes", Agent.node("cpu-2"),
    ]
    let text = try Agent.run(once + ["--alternatives"])
    #expect(text.code == 0 && text.out.contains("none for index-archive of docs"))
    let lines = text.out.split(separator: "\n").map {
      $0.split(separator: " ").joined(separator: " ")
    }
    #expect(
      lines.contains(
        "borrow-fraud-lane of docs lane cpu-fraud lane cpu-shared cpu-shared 0.006 0.006"))
    #expect(!text.out.contains("BOUNDS"))
    let json = try Agent.run(once + ["--alternatives", "--json"])
    #expect(try json.code == 0 && SchemaCheck.findings(json.out, "placement") == [])
    let object = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    for claim in try #require(object?["claims"] as? [[String: Any]]) {
      let isTold = claim["alternatives"] != nil || claim["no_alternatives"] != nil
      #expect(isTold == (claim["outcome"] as? String != "granted"), "\(claim)")
    }
    let bare = try Agent.run(once + ["--json"])
    #expect(!bare.out.contains("alternatives"))
    for (claim, code) in [("plan-answer", 0), ("index-archive", 3), ("borrow-fraud-lane", 4)] {
      let result = try Agent.place(claim: claim, nodes: ["cpu-2"], files: ["--alternatives"])
      #expect(result.code == Int32(code))
    }
  }
}
