import Foundation
import Testing

@Suite("What is explained, and what would run instead")
struct ExplainTests {
  private func run(
    _ lines: [String], nodes: [String] = ["cpu-2"], flags: [String] = []
  ) throws -> [[String: Any]] {
    try Agent.converse(lines, nodes: nodes.map(Agent.node), flags: flags)
  }

  private func claim(
    _ name: String, cpu: Int = 500, by principal: String = "p", more: String = ""
  ) -> String {
    """
    {"name":"\(name)","tenant":"fraud","application":"a","workflow":"w",\
    "principal":"\(principal)","service":"fraud-analysis","action":"inference",\
    "model_class":"small","lanes":["cpu-fraud"],"demand":{"cpu_milli":\(cpu)},\
    "runtime_max_seconds":120\(more)}
    """
  }

  private func line(_ op: String, at: Double, _ claim: String, more: String = "") -> String {
    #"{"op":"\#(op)","at_ms":\#(at),"claim":\#(claim)\#(more)}"#
  }

  private func explain(_ name: String, at: Double) -> String {
    #"{"op":"explain","at_ms":\#(at),"tenant":"fraud","claim":"\#(name)"}"#
  }

  private func explanation(_ answer: [String: Any]) throws -> [String: Any] {
    try #require(answer["explanation"] as? [String: Any], "\(answer)")
  }

  private func codes(_ object: [String: Any]) -> [String] {
    (object["blocking"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
  }

  private func code(absent object: [String: Any]) -> String? {
    (object["no_alternatives"] as? [String: Any])?["code"] as? String
  }

  @Test("each alternative, submitted with its patch, is granted at its price in its lane")
  func alternatives() throws {
    let nodes = ["cpu-2", "h100-8", "l40s-4"]
    let data = try Data(contentsOf: Agent.root.appending(path: Agent.claims))
    let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let claims = try #require(document["claims"] as? [[String: Any]]).map { claim in
      var claim = claim
      claim["at_seconds"] = nil
      return claim
    }
    func request(_ claim: [String: Any]) throws -> String {
      let object: [String: Any] = ["op": "claim", "at_ms": 0, "alternatives": true, "claim": claim]
      return String(
        decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }
    // Every claim twice, so that more of them meet a full lane.
    let all =
      claims
      + claims.map { claim in
        claim.merging(["name": "\(claim["name"] as? String ?? "")-2"]) { $1 }
      }
    let lines = try all.map(request)
    let answers = try run(lines, nodes: nodes, flags: ["--explanations", "1000"])
    var seen: Set<String> = []
    for (index, answer) in answers.enumerated() {
      let offered = answer["alternatives"] as? [[String: Any]] ?? []
      let isGranted = answer["lease"] != nil
      #expect(isGranted == (answer["alternatives"] == nil && answer["no_alternatives"] == nil))
      for alternative in offered {
        let change = try #require(alternative["change"] as? String)
        let patch = try #require(alternative["claim_patch"] as? [String: Any])
        seen.insert(change)
        var changed = Self.merged(all[index], patch)
        changed["name"] = "instead"
        let last = try #require(
          try run(Array(lines[...index]) + [request(changed)], nodes: nodes).last)
        #expect(last["outcome"] as? String == "granted", "\(alternative) \(last)")
        for key in ["price_gpu_seconds", "reservation_gpu_seconds"] {
          #expect(last[key] as? NSNumber == alternative[key] as? NSNumber, "\(alternative)")
        }
        let lease = last["lease"] as? [String: Any]
        #expect(lease?["lane"] as? String == alternative["lane"] as? String)
      }
    }
    #expect(seen.isSuperset(of: ["lane", "devices"]), "\(seen)")
  }

  /// RFC 7396.
  private static func merged(_ object: [String: Any], _ patch: [String: Any]) -> [String: Any] {
    var result = object
    for (key, value) in patch {
      if value is NSNull {
        result[key] = nil
      } else if let inner = value as? [String: Any] {
        result[key] = merged(object[key] as? [String: Any] ?? [:], inner)
      } else {
        result[key] = value
      }
    }
    return result
  }

  @Test("a claim that nobody submitted is told what its submission is answered")
  func unsubmitted() throws {
    for cpu in [250, 500, 501] {
      let answers = try run([
        line("claim", at: 0, claim("a", cpu: 250)), line("explain", at: 1, claim("b", cpu: cpu)),
        line("claim", at: 1, claim("b", cpu: cpu)),
      ])
      let told = try explanation(answers[1])
      #expect(told["state"] as? String == "not_submitted")
      #expect(told["would_be"] as? String == answers[2]["outcome"] as? String)
      #expect(codes(told) == codes(answers[2]))
      if cpu <= 500 {
        #expect(
          told["price_gpu_seconds"] as? NSNumber == answers[2]["price_gpu_seconds"] as? NSNumber)
      }
      let lanes = try #require(told["by_lane"] as? [[String: Any]])
      #expect(lanes.compactMap { $0["lane"] as? String } == ["cpu-fraud"])
      #expect(code(absent: told) == (cpu == 250 ? "granted_as_asked" : nil))
    }
    let again = try run([
      line("claim", at: 0, claim("a")), line("explain", at: 1, claim("a")),
    ])
    let told = try explanation(again[1])
    #expect(told["would_be"] as? String == "rejected" && codes(told) == ["duplicate_key"])
    let lanes = try #require(told["by_lane"] as? [[String: Any]])
    #expect(lanes.first?["would_be"] as? String == "queued", "under another name")
  }

  @Test("an explanation changes nothing")
  func pure() throws {
    let lines = [
      line("claim", at: 0, claim("a")), line("claim", at: 1, claim("b")),
      #"{"op":"tick","at_ms":1}"#, line("claim", at: 2, claim("c", cpu: 250)),
      #"{"op":"complete","at_ms":3,"lease":"L-0.1","fencing":"1.1","outcome":"failed"}"#,
      #"{"op":"empty","at_ms":3,"lease":"L-0.1","fencing":"1.1"}"#,
      #"{"op":"tick","at_ms":4}"#, #"{"op":"status","at_ms":5}"#,
    ]
    let times = [0.0, 1, 1, 2, 3, 3, 4, 5]
    let asked = zip(lines, times).flatMap { line, at in
      [line, explain("b", at: at), self.line("explain", at: at, claim("d"))]
    }
    func text(_ answers: [[String: Any]]) throws -> [String] {
      try answers.map { answer in
        var answer = answer
        answer["line"] = nil
        let data = try JSONSerialization.data(withJSONObject: answer, options: .sortedKeys)
        return String(decoding: data, as: UTF8.self)
      }
    }
    let answers = try run(asked).enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
    #expect(try text(answers) == text(run(lines)))
  }

  @Test("a gang that runs has a run for each member, and one that is too large fewer of them")
  func gangs() throws {
    func gang(_ name: String, _ members: Int) -> String {
      claim(name, cpu: 100, more: "").replacing(
        "\"cpu_milli\":100", with: "\"cpu_milli\":100,\"members\":\(members)")
    }
    let answers = try run([
      line("claim", at: 0, gang("g", 3)), explain("g", at: 1),
      line("explain", at: 2, gang("h", 4)),
    ])
    let told = try explanation(answers[1])
    #expect(told["state"] as? String == "starting")
    let runs = try #require(told["runs"] as? [[String: Any]])
    let leases = runs.compactMap { ($0["lease"] as? [String: Any])?["lease"] as? String }
    #expect(leases == ["L-0.1", "L-1.1", "L-2.1"])
    let instead = try #require(
      try explanation(answers[2])["alternatives"] as? [[String: Any]])
    let fewer = try #require(instead.first { $0["change"] as? String == "members" })
    #expect(fewer["from"] as? String == "4" && fewer["to"] as? String == "2")
    let patch = fewer["claim_patch"] as? [String: [String: Int]]
    #expect(patch == ["demand": ["members": 2]])
  }

  @Test("a parked claim is told the exact moment, a running one what it has cost")
  func moments() throws {
    let parked = """
      {"name":"p","tenant":"docs","application":"a","workflow":"w","principal":"p",\
      "service":"documentation","action":"retrieval","model_class":"small",\
      "lanes":["cpu-shared"],"demand":{"cpu_milli":1500},"runtime_max_seconds":600}
      """
    let answers = try run([
      line("claim", at: 0, parked.replacing("\"p\",\"tenant", with: "\"o\",\"tenant")),
      line("claim", at: 0, parked),
      #"{"op":"explain","at_ms":7,"tenant":"docs","claim":"p"}"#,
    ])
    #expect(answers[1]["outcome"] as? String == "parked")
    let told = try explanation(answers[2])
    #expect(told["state"] as? String == "parked" && told["bucket"] as? String != nil)
    #expect(told["clears_at_ms"] as? NSNumber == answers[1]["clears_at_ms"] as? NSNumber)
    #expect(Set(codes(told)).isSuperset(of: codes(answers[1])), "as many, or more")
    // 333 thousandths of a core for 12.345 s: rounded down before the end, and up once at it.
    let spent = try run([
      line("claim", at: 0, claim("a", cpu: 333)), explain("a", at: 1),
      #"{"op":"started","at_ms":1000,"lease":"L-0.1","fencing":"1.1"}"#, explain("a", at: 13_345),
      #"{"op":"complete","at_ms":13345,"lease":"L-0.1","fencing":"1.1","outcome":"completed"}"#,
      explain("a", at: 13_346),
    ])
    func runs(_ index: Int) throws -> [[String: Any]] {
      try #require(try explanation(spent[index])["runs"] as? [[String: Any]])
    }
    let first = try #require(try runs(1).first)
    #expect(first["spent_gpu_seconds"] as? Int == 0 && first["started_ms"] == nil)
    let second = try #require(try runs(3).first)
    #expect(second["started_ms"] as? Int == 1000)
    let events = try #require(spent[4]["events"] as? [[String: Any]])
    let settled = try #require(events.first { $0["event"] as? String == "lease_settled" })
    let charged = try #require(settled["charged_gpu_seconds"] as? Double)
    let told2 = try #require(second["spent_gpu_seconds"] as? Double)
    #expect(charged - told2 >= 0 && charged - told2 < 0.000_001_5, "\(charged) \(told2)")
    #expect(charged > 0.004)
    #expect(spent[5]["outcome"] as? String == "rejected" && codes(spent[5]) == ["unknown_subject"])
  }
}
