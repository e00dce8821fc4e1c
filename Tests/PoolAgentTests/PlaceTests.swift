import Foundation
import Testing

@Suite("place")
struct PlaceTests {
  private let nodes = ["cpu-2", "h100-8", "l40s-4"].map(Agent.node)

  private func outcomes(_ text: String) throws -> [String: String] {
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let claims = try #require(object?["claims"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: claims.map {
        ($0["name"] as? String ?? $0["claim"] as? String ?? "", $0["outcome"] as? String ?? "")
      })
  }

  @Test("the example on a machine without GPUs shows every outcome")
  func bare() throws {
    let result = try Agent.run(
      "place", "--policy", Agent.policy, "--claims", Agent.claims, "--json", "--nodes",
      Agent.node("cpu-2"))
    #expect(result.code == 0)
    #expect(try SchemaCheck.findings(result.out, "placement") == [])
    #expect(
      try outcomes(result.out) == [
        "score-transaction": "granted", "plan-answer": "granted", "index-pages": "granted",
        "rescore-day": "queued", "index-archive": "parked", "borrow-fraud-lane": "rejected",
        "chat-answer": "infeasible", "summarize-handbook": "infeasible",
        "train-detector": "infeasible", "distil-assistant": "infeasible",
      ])
  }

  @Test("what is explained names bounds, and what would be granted now instead")
  func explained() throws {
    let arguments = ["place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes"]
    let result = try Agent.run(arguments + nodes + ["--explain"])
    #expect(result.code == 0)
    let lines = result.out.split(separator: "\n").map {
      $0.split(separator: " ").joined(separator: " ")
    }
    #expect(lines.contains("cpu-shared support P1 25890 60 11070 4 x 3690"))
    #expect(
      lines.contains("rescore-day of fraud lane cpu-fraud lane cpu-shared cpu-shared 0.15 0.03"))
    let bare = try Agent.run(arguments + nodes)
    #expect(result.out.hasPrefix(bare.out.prefix(while: { $0 != "\n" })))
    #expect(!bare.out.contains("ALTERNATIVES"))
    let wrong = try Agent.run(arguments + nodes + ["--explain", "--json"])
    #expect(wrong.code == 2)
  }

  @Test("the example on three nodes uses whole GPUs, shares and MIG instances")
  func three() throws {
    let arguments = ["place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes"]
    let result = try Agent.run(arguments + nodes + ["--json"])
    #expect(try SchemaCheck.findings(result.out, "placement") == [])
    let outcomes = try outcomes(result.out)
    #expect(outcomes.values.filter { $0 == "granted" }.count == 6)
    #expect(outcomes["distil-assistant"] == "infeasible")
    let again = try Agent.run(arguments + nodes + ["--json"])
    #expect(again.out == result.out, "the same documents give the same bytes")
  }

  @Test("the table of the example")
  func golden() throws {
    let result = try Agent.run(
      ["place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes"] + nodes)
    let text = result.out.replacing(/decided in [0-9.]+ ms/, with: "decided in - ms")
    let expected = try Agent.golden("examples/agent-platform/expected.txt", text)
    #expect(text == expected, "examples/agent-platform/expected.txt differs:\n\(text)")
    #expect(result.code == 0 && result.err.isEmpty)
  }

  @Test("this machine is probed where no node is named")
  func probed() throws {
    let result = try Agent.run(
      "place", "--policy", Agent.policy, "--claims", Agent.claims, "--json")
    #expect(result.code == 0)
    #expect(try SchemaCheck.findings(result.out, "placement") == [])
  }

  @Test("exit codes of a single claim")
  func codes() throws {
    #expect(try Agent.place(claim: "plan-answer", nodes: ["cpu-2"]).code == 0)
    #expect(try Agent.place(claim: "distil-assistant", nodes: ["cpu-2"]).code == 5)
    #expect(try Agent.place(claim: "borrow-fraud-lane", nodes: ["cpu-2"]).code == 4)
    let parked = try Agent.place(claim: "index-archive", nodes: ["cpu-2"])
    #expect(parked.code == 3 && parked.out.contains("\"outcome\": \"parked\""))
    #expect(parked.out.contains("\"clears_at_ms\": 40000\n") || parked.out.contains("clears_at_ms"))
  }

  @Test("a claim at a later time finds what ended before")
  func later() throws {
    let claim = """
      {"name": "NAME", "tenant": "fraud", "application": "a", "workflow": "w", "principal": "p",
       "service": "fraud-analysis", "action": "inference", "model_class": "small",
       "lanes": ["cpu-fraud"], "demand": {"cpu_milli": 500}, "runtime_max_seconds": 100,
       "at_seconds": AT}
      """
    func claims(_ times: [Int]) -> Data {
      let list = times.enumerated().map { index, at in
        claim.replacing("NAME", with: "c\(index)").replacing("AT", with: "\(at)")
      }
      let text = list.joined(separator: ",")
      return Data("{\"schema_version\":1,\"kind\":\"claims\",\"claims\":[\(text)]}".utf8)
    }
    func run(_ times: [Int]) throws -> [String: String] {
      let result = try Agent.run(
        "place", "--policy", Agent.policy, "--claims", "-", "--json", "--nodes",
        Agent.node("cpu-2"), input: claims(times))
      #expect(try SchemaCheck.findings(result.out, "placement") == [])
      return try outcomes(result.out)
    }
    #expect(try run([0, 99]) == ["c0": "granted", "c1": "queued"])
    #expect(try run([0, 100]) == ["c0": "ended", "c1": "granted"])
    #expect(try run([0, 100_000]) == ["c0": "ended", "c1": "granted"])
  }

  @Test("example documents fit their schemas")
  func examples() throws {
    for (file, schema) in [(Agent.policy, "policy"), (Agent.claims, "claims")]
      + nodes.map({ ($0, "node") })
    {
      let text = try String(contentsOf: Agent.root.appending(path: file), encoding: .utf8)
      #expect(try SchemaCheck.findings(text, schema) == [], "\(file)")
    }
  }
}
