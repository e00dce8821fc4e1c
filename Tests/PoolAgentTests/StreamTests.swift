import Foundation
import Testing

@Suite("place --stream")
struct StreamTests {
  private func run(_ input: Data) throws -> Agent.Result {
    try Agent.run(
      "place", "--policy", Agent.policy, "--nodes", Agent.node("cpu-2"), "--stream",
      input: input)
  }

  private func run(_ lines: [String]) throws -> [[String: Any]] {
    let result = try run(Data(lines.map { $0 + "\n" }.joined().utf8))
    #expect(result.code == 0)
    #expect(result.lines.count == lines.count, "one answer for each line")
    return try result.lines.map { line in
      #expect(try SchemaCheck.findings(line, "answer") == [], "\(line)")
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(object as? [String: Any])
    }
  }

  private func claim(_ name: String, at: Int, cpu: Int = 500, more: String = "") -> String {
    """
    {"op":"claim","at_ms":\(at),"claim":{"name":"\(name)","tenant":"fraud","application":"a",\
    "workflow":"w","principal":"p","service":"fraud-analysis","action":"inference",\
    "model_class":"small","lanes":["cpu-fraud"],"demand":{"cpu_milli":\(cpu)},\
    "runtime_max_seconds":120\(more)}}
    """
  }

  private func events(_ answer: [String: Any]) -> [String] {
    (answer["events"] as? [[String: Any]] ?? []).compactMap { $0["event"] as? String }
  }

  @Test("the example session")
  func example() throws {
    let file = Agent.root.appending(path: "examples/stream/requests.jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    for (index, line) in lines.enumerated() where index != 3 {
      #expect(try SchemaCheck.findings(line, "stream-request") == [], "line \(index + 1)")
    }
    let answers = try run(lines)
    #expect(
      answers.map { $0["outcome"] as? String } == [
        "granted", "queued", "done", "error", "done", "done", "done", "done", "done", "done",
        "done", "done",
      ])
    #expect(events(answers[6]) == ["lease_granted"])
  }

  @Test("bad lines have an answer each and change nothing")
  func bad() throws {
    let lines = [
      claim("a", at: 1000), "", "{", "[]", "{\"op\":\"nope\"}", claim("b", at: 500),
      claim("c", at: 1000, more: ",\"x\":1"), claim("a", at: 1000),
      String(repeating: "x", count: 3000), "{\"op\":\"status\",\"at_ms\":1000}",
    ]
    let answers = try run(lines)
    #expect(
      answers.map { $0["outcome"] as? String } == [
        "granted", "error", "error", "error", "error", "error", "error", "rejected", "error",
        "done",
      ])
    let status = try #require(answers[9]["pool"] as? [String: Any])
    #expect(status["at_ms"] as? Int == 1000)
    #expect(status["waiting_claims"] as? Int == 0)
    let errors = try #require(answers[6]["errors"] as? [[String: Any]])
    #expect(errors.first?["line"] as? Int == 7)
    #expect(errors.first?["path"] as? String == "$.claim.x")
  }

  @Test("a line of 10 MB of garbage is one error, and the stream goes on")
  func garbage() throws {
    var input = Data(
      (0..<10_000_000).map { index in
        let byte = UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 7)
        return byte == 10 ? 11 : byte
      })
    input.append(Data("\n{\"op\":\"status\",\"at_ms\":0}".utf8))
    let result = try run(input)
    #expect(result.code == 0 && result.lines.count == 2)
    #expect(result.lines.first?.contains("longer than 1024 KiB") == true)
    #expect(result.lines.last?.contains("\"outcome\":\"done\"") == true)
  }

  @Test("no input, no answers")
  func empty() throws {
    let result = try run(Data())
    #expect(result.code == 0 && result.out.isEmpty)
  }

  @Test("leases that do not start come back; what is due happens on the way")
  func timeouts() throws {
    let answers = try run([
      claim("a", at: 0), "{\"op\":\"tick\",\"at_ms\":9999}", "{\"op\":\"tick\",\"at_ms\":10000}",
      "{\"op\":\"empty\",\"lease\":\"L-0.1\",\"fencing\":\"1.1\",\"at_ms\":10001}",
      "{\"op\":\"tick\",\"at_ms\":31622400000}",
    ])
    #expect(events(answers[1]) == [])
    #expect(events(answers[2]).starts(with: ["lease_stopping", "lease_settled", "claim_queued"]))
    #expect(events(answers[3]) == ["lease_ended"])
    #expect(events(answers[4]).first == "lease_granted")
    #expect(!events(answers[4]).contains("clock_jumped"))
  }

  @Test("an old holder's order is refused with its reason")
  func fencing() throws {
    let answers = try run([
      claim("a", at: 0), "{\"op\":\"started\",\"lease\":\"L-0.1\",\"fencing\":\"1.2\",\"at_ms\":1}",
      "{\"op\":\"started\",\"lease\":\"L-9.1\",\"fencing\":\"1.1\",\"at_ms\":2}",
      "{\"op\":\"cancel\",\"tenant\":\"docs\",\"claim\":\"a\",\"at_ms\":3}",
    ])
    let codes = answers.dropFirst().map { answer in
      (answer["blocking"] as? [[String: Any]])?.first?["code"] as? String
    }
    #expect(codes == ["fencing_stale", "unknown_subject", "unknown_subject"])
  }

  @Test("nodes, restrictions and policies change while it runs")
  func operations() throws {
    let policyText = try String(
      contentsOf: Agent.root.appending(path: Agent.policy), encoding: .utf8
    ).replacing("\n", with: " ")
    let nodeText = try String(
      contentsOf: Agent.root.appending(path: Agent.node("cpu-2")), encoding: .utf8
    ).replacing("\n", with: " ")
    let answers = try run([
      "{\"op\":\"restrict\",\"at_ms\":0,\"identity\":\"principal\",\"name\":\"p\","
        + "\"measure\":\"suspend\",\"for_seconds\":10,\"by\":\"ops\",\"because\":\"a loop\"}",
      claim("a", at: 1), claim("b", at: 10_001),
      "{\"op\":\"policy\",\"at_ms\":10002,\"policy\":\(policyText)}",
      "{\"op\":\"policy\",\"at_ms\":10003,\"policy\":"
        + "\(policyText.replacing("\"generation\": 1", with: "\"generation\": 2"))}",
      "{\"op\":\"advertise\",\"at_ms\":10004,\"node\":\(nodeText)}",
      "{\"op\":\"silence\",\"at_ms\":10005,\"node\":\"cpu-2\"}",
      "{\"op\":\"hear\",\"at_ms\":10006,\"node\":\"cpu-2\"}",
      "{\"op\":\"hear\",\"at_ms\":10007,\"node\":\"cpu-2\"}",
      "{\"op\":\"drain\",\"at_ms\":10008,\"node\":\"cpu-2\",\"grace_seconds\":5}",
      "{\"op\":\"uncordon\",\"at_ms\":10009,\"node\":\"cpu-2\"}",
      "{\"op\":\"fence\",\"at_ms\":10010,\"node\":\"nobody\"}",
    ])
    #expect(
      answers.map { $0["outcome"] as? String } == [
        "done", "rejected", "granted", "rejected", "done", "done", "done", "done", "done", "done",
        "done", "rejected",
      ])
    #expect(answers[1]["retry_after_seconds"] as? Int == 10)
    #expect(answers[4]["policy_generation"] as? Int == 2)
  }
}
