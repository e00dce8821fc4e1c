import Foundation
import Testing

@Suite("What the answers of a stream say")
struct StreamAnswerTests {
  private func run(
    _ lines: [String], nodes: [String] = ["cpu-2"], policy: String = Agent.policy
  ) throws -> [[String: Any]] {
    try Agent.converse(lines, policy: policy, nodes: nodes.map(Agent.node))
  }

  private func claim(
    _ name: String, at: Int, cpu: Int = 500, runtime: Int = 120, tenant: String = "fraud",
    more: String = ""
  ) -> String {
    """
    {"op":"claim","at_ms":\(at),"id":"\(name)!","claim":{"name":"\(name)","tenant":"\(tenant)",\
    "application":"a","workflow":"w","principal":"p","service":"fraud-analysis",\
    "action":"inference","model_class":"small","lanes":["cpu-fraud"],\
    "demand":{"cpu_milli":\(cpu)},"runtime_max_seconds":\(runtime)\(more)}}
    """
  }

  private func lease(_ op: String, at: Int, _ row: Int = 0, fencing: Int = 1) -> String {
    #"{"op":"\#(op)","at_ms":\#(at),"lease":"L-\#(row).1","fencing":"1.\#(fencing)"}"#
  }

  @Test("every event carries the time at which it happened")
  func times() throws {
    // Not started by 10 s, not empty by 20 s; the second one's wait ends at 30 s.
    let answers = try run([
      claim("a", at: 0), claim("b", at: 1, more: ",\"max_wait_seconds\":29.999"),
      #"{"op":"tick","at_ms":60000}"#,
    ])
    let events = try #require(answers[2]["events"] as? [[String: Any]])
    func time(_ name: String) -> Double? {
      (events.first { $0["event"] as? String == name }?["at_ms"] as? NSNumber)?.doubleValue
    }
    #expect(time("lease_stopping") == 10_000)
    #expect(time("lease_overstayed") == 20_000)
    #expect(time("claim_ended") == 30_000)
    let times = events.compactMap { ($0["at_ms"] as? NSNumber)?.doubleValue }
    #expect(times.count == events.count && times == times.sorted())
  }

  @Test("a caller that ticks when it is told misses nothing")
  func due() throws {
    func next(_ answer: [String: Any]) -> Int? { answer["next_due_ms"] as? Int }
    let answers = try run([
      #"{"op":"tick","at_ms":0}"#, claim("a", at: 0), claim("b", at: 5),
      #"{"op":"tick","at_ms":9999}"#, #"{"op":"tick","at_ms":10000}"#,
      lease("empty", at: 10_500), #"{"op":"tick","at_ms":10500}"#,
      #"{"op":"cancel","at_ms":10501,"tenant":"fraud","claim":"a"}"#,
    ])
    #expect(next(answers[0]) == nil, "nothing is due in an idle pool")
    #expect(next(answers[1]) == 10_000, "the lease must start by then")
    #expect(next(answers[2]) == 5, "a head that waits is kept devices by a tick")
    #expect(next(answers[3]) == 10_000)
    #expect(next(answers[4]) == 20_000, "and be empty by then")
    #expect(next(answers[5]) == 10_500, "a freed device can be given away at once")
    #expect(next(answers[6]) == 20_500)
  }

  @Test("the example of a lane that is lent, and taken back")
  func lending() throws {
    let file = Agent.root.appending(path: "examples/lending/requests.jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    let answers = try run(lines, nodes: ["h100-8"], policy: "examples/lending/policy.json")
    #expect(
      answers.map { $0["outcome"] as? String } == [
        "rejected", "granted", "queued", "done", "done", "queued", "done", "done", "done",
      ])
    func code(_ index: Int) -> String? {
      (answers[index]["blocking"] as? [[String: Any]])?.first?["code"] as? String
    }
    #expect(code(0) == "lending_refused" && code(2) == "borrowing_limit")
    #expect((answers[1]["lease"] as? [String: Any])?["lent"] as? Bool == true)
    let pool = answers[4]["pool"] as? [String: Any]
    let lent = (pool?["lanes"] as? [[String: Any]])?.map { $0["lent_milli"] as? Int }
    #expect(lent == [1000, nil])
    let events = answers[6]["events"] as? [[String: Any]] ?? []
    #expect(events.contains { $0["cause"] as? String == "reclaimed" })
    #expect(events.first?["planned_ms"] as? Int == 110_000)
    let granted = (answers[8]["events"] as? [[String: Any]])?.first
    #expect(granted?["event"] as? String == "lease_granted")
    #expect(granted?["claim"] as? String == "review")
  }

  @Test("an impaired guarantee is told, and that it is whole again")
  func guarantees() throws {
    let answers = try run(
      [
        #"{"op":"cordon","at_ms":1,"node":"h100-8"}"#, #"{"op":"status","at_ms":2}"#,
        #"{"op":"uncordon","at_ms":3,"node":"h100-8"}"#, #"{"op":"status","at_ms":4}"#,
      ], nodes: ["h100-8"], policy: "examples/lending/policy.json")
    func events(_ index: Int) -> [[String: Any]] {
      answers[index]["events"] as? [[String: Any]] ?? []
    }
    func short(_ index: Int) -> [Int?] {
      let pool = answers[index]["pool"] as? [String: Any]
      return (pool?["lanes"] as? [[String: Any]] ?? []).map { $0["short_milli"] as? Int }
    }
    #expect(events(0).map { $0["event"] as? String } == ["node_duty", "guarantee_impaired"])
    #expect(events(0).last?["lane"] as? String == "h100-fraud")
    #expect(events(0).last?["short_milli"] as? Int == 2000)
    #expect(events(0).last?["because"] as? String == "node_cordoned")
    #expect(short(1) == [2000, nil])
    #expect(events(2).map { $0["event"] as? String } == ["node_duty", "guarantee_restored"])
    #expect(short(3) == [nil, nil])
  }

  @Test("a renewal says when the next one pays something, and the last one that none does")
  func renewals() throws {
    let answers = try run([
      claim("a", at: 0, runtime: 150), lease("started", at: 1000), lease("renew", at: 31_000),
      lease("renew", at: 31_001), lease("renew", at: 91_000), lease("renew", at: 121_500),
    ])
    func member(_ index: Int, _ name: String) -> Int? {
      (answers[index]["lease"] as? [String: Any])?[name] as? Int
    }
    #expect((1...4).map { member($0, "renew_from_ms") } == [31_000, 91_000, 91_000, nil])
    #expect((1...4).map { member($0, "ends_at_ms") } == [61_000, 121_000, 121_000, 151_000])
    let events = try #require(answers[3]["events"] as? [Any])
    #expect(events.isEmpty, "a renewal before its time changes nothing")
    #expect(answers[5]["outcome"] as? String == "done")
  }

  @Test("status lists what lives: leases and waiting claims with what blocks them")
  func status() throws {
    let parked = """
      {"op":"claim","at_ms":3,"claim":{"name":"p","tenant":"docs","application":"a",\
      "workflow":"w","principal":"p","service":"documentation","action":"retrieval",\
      "model_class":"small","lanes":["cpu-shared"],"demand":{"cpu_milli":1500},\
      "runtime_max_seconds":600}}
      """
    let answers = try run([
      claim("a", at: 0), claim("b", at: 1, cpu: 250), claim("c", at: 2), parked,
      lease("started", at: 4), #"{"op":"status","at_ms":5}"#,
      #"{"op":"complete","at_ms":6,"lease":"L-0.1","fencing":"1.1","outcome":"failed"}"#,
      #"{"op":"status","at_ms":6}"#, #"{"op":"tick","at_ms":1}"#,
    ])
    let leases = try #require(answers[5]["leases"] as? [[String: Any]])
    #expect(leases.count == 1)
    let one = try #require(leases.first)
    #expect(one["claim"] as? String == "a" && one["tenant"] as? String == "fraud")
    #expect(one["state"] as? String == "active" && one["fencing"] as? String == "1.1")
    #expect(one["node"] as? String == "cpu-2" && one["ends_at_ms"] as? Int == 60_004)
    let waiting = try #require(answers[5]["waiting"] as? [[String: Any]])
    #expect(waiting.compactMap { $0["claim"] as? String } == ["b", "c", "p"])
    #expect(waiting.compactMap { $0["state"] as? String } == ["queued", "queued", "parked"])
    #expect(waiting.map { $0["position"] as? Int } == [1, 2, nil])
    #expect(waiting.map { $0["level"] as? Int } == [0, 0, nil])
    let planned = try #require(waiting[0]["planned"] as? [String: Any])
    #expect(planned["lane"] as? String == "cpu-fraud")
    #expect(planned["node"] as? String == "cpu-2")
    // Start deadline, runtime and kill deadline of the lease before it bound the wait.
    let starts = try #require(planned["at_ms"] as? Int)
    #expect((120_000...140_000).contains(starts))
    #expect(waiting[1]["planned"] == nil && waiting[2]["planned"] == nil)
    #expect(waiting[2]["bucket"] as? String == "docs > retrieval")
    let codes = waiting.map { row in
      ((row["blocking"] as? [[String: Any]]) ?? []).compactMap { $0["code"] as? String }
    }
    // All of it, what clears at a known moment last.
    #expect(codes[0] == ["lane_full"] && codes[1] == ["lane_full", "behind_head"])
    #expect(codes[2].last == "bucket_short")
    // Its claim has ended, its devices have not returned: it is still told whose they are.
    let stopping = try #require((answers[7]["leases"] as? [[String: Any]])?.first)
    #expect(stopping["state"] as? String == "stopping" && stopping["claim"] as? String == "a")
    #expect(answers[8]["outcome"] as? String == "error", "time does not go back")
  }

  @Test("a correction is recorded, used, shown and forgotten")
  func correction() throws {
    func signal(_ factor: String, at: Int, tenant: String = "fraud") -> String {
      #"{"op":"signal","at_ms":\#(at),"tenant":"\#(tenant)","service":"fraud-analysis","#
        + #""model_class":"small","correction":\#(factor)}"#
    }
    let guess = #","estimate":{"seconds":40}"#
    let late = guess + #","deadline_seconds":60"#
    let status = #"{"op":"status","at_ms":9}"#
    let answers = try run([
      claim("a", at: 0, cpu: 100, more: guess), signal("1.7", at: 1),
      claim("b", at: 2, cpu: 100, more: guess), claim("c", at: 3, cpu: 100, more: late),
      signal("1.5", at: 4, tenant: "docs"), status, signal(#""none""#, at: 10),
      claim("d", at: 11, cpu: 100, more: guess), signal(#""none""#, at: 12),
      status.replacing("9", with: "13"),
    ])
    #expect(
      answers.map { $0["outcome"] as? String } == [
        "granted", "done", "granted", "infeasible", "rejected", "done", "done", "granted",
        "rejected", "done",
      ])
    #expect(
      answers.map { $0["correction"] as? Double } == [
        nil, nil, 1.7, 1.7, nil, nil, nil, nil, nil, nil,
      ])
    #expect(answers[2]["expected_seconds"] as? Int == 68)
    func price(_ index: Int) -> Double? { answers[index]["price_gpu_seconds"] as? Double }
    #expect(try abs(#require(price(2)) - 1.7 * #require(price(0))) < 0.000_001)
    #expect(price(7) == price(0))
    let reservations = answers.compactMap { $0["reservation_gpu_seconds"] as? Double }
    #expect(Set(reservations.filter { $0 > 0 }).count == 1, "what is reserved is not corrected")
    func events(_ index: Int) -> [[String: Any]] {
      answers[index]["events"] as? [[String: Any]] ?? []
    }
    #expect(events(1).first?["event"] as? String == "correction_recorded")
    #expect(events(1).first?["correction"] as? Double == 1.7)
    #expect(events(1).first?["model_class"] as? String == "small")
    #expect(events(6).first?["event"] as? String == "correction_forgotten")
    func codes(_ index: Int) -> [String] {
      (answers[index]["blocking"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }
    #expect(codes(3) == ["deadline_impossible"])
    #expect(codes(4) == ["service_unknown"] && codes(8) == ["unknown_subject"])
    func corrections(_ index: Int) -> [[String: Any]]? {
      (answers[index]["pool"] as? [String: Any])?["corrections"] as? [[String: Any]]
    }
    let shown = try #require(corrections(5))
    #expect(shown.count == 1 && shown.first?["tenant"] as? String == "fraud")
    #expect(shown.first?["service"] as? String == "fraud-analysis")
    #expect(shown.first?["correction"] as? Double == 1.7)
    #expect(corrections(9) == nil)
  }

  @Test("a claim that waits is told when claims alike started, and how often that held")
  func likely() throws {
    // Each claim waits for 10 s until the one before it ends.
    var lines = [claim("c0", at: 0)]
    for turn in 0..<22 {
      let (now, lease) = (turn * 10_000, "\"L-0.\(2 * turn + 1)\",\"fencing\":\"1.\(turn + 1)\"")
      lines += [
        #"{"op":"started","at_ms":\#(now),"lease":\#(lease)}"#,
        claim("c\(turn + 1)", at: now),
        #"{"op":"complete","at_ms":\#(now + 10_000),"outcome":"completed","empty":true,"#
          + #""lease":\#(lease)}"#,
        #"{"op":"tick","at_ms":\#(now + 10_000)}"#,
      ]
    }
    lines += [claim("last", at: 220_000), #"{"op":"status","at_ms":224000}"#]
    lines += [#"{"op":"explain","at_ms":224000,"tenant":"fraud","claim":"last"}"#]
    lines += [#"{"op":"status","at_ms":300000}"#]
    let answers = try run(lines)
    func likely(_ answer: [String: Any]) -> [String: Any]? { answer["likely"] as? [String: Any] }
    let told = answers.filter { $0["outcome"] as? String == "queued" }
    #expect(told.count == 23 && told.prefix(20).allSatisfy { likely($0) == nil })
    let last = try #require(likely(told[22]))
    #expect(last["p50_ms"] as? Double ?? 0 >= 230_000)
    #expect(last["p90_ms"] as? Double ?? 0 < 230_500)
    #expect(last["samples"] as? Int == 22)
    #expect(last["held_milli"] as? Int == 1000 && last["held_of"] as? Int == 2)
    let scope = try #require(last["scope"] as? [String: Any])
    #expect(scope["lane"] as? String == "cpu-fraud" && scope["class"] as? String == "P0")
    #expect(scope["milli_max"] as? Int == 999)
    func waiting(_ answer: [String: Any]) throws -> [String: Any] {
      let rows = try #require(answer["waiting"] as? [[String: Any]])
      return try #require(rows.first { $0["claim"] as? String == "last" }.flatMap(likely))
    }
    let soon = try waiting(answers[answers.count - 3])
    let explained = answers[answers.count - 2]["explanation"] as? [String: Any]
    #expect(explained.flatMap(likely)?["p90_ms"] as? Double == soon["p90_ms"] as? Double)
    #expect(explained?["position"] as? Int == 1)
    #expect(soon["p90_ms"] as? Double == last["p90_ms"] as? Double)
    // A lease did not start. Its claim and this one wait past what they were told.
    let late = try waiting(answers[answers.count - 1])
    #expect(late["p50_ms"] as? Double ?? 0 >= 300_000)
    #expect(late["held_milli"] as? Int == 500 && late["held_of"] as? Int == 4)
    #expect(late["p90_ms"] as? Double ?? 0 >= 300_000, "what it was told has passed")
  }

  @Test("a line that is refused keeps its id, and says where its mistake is")
  func refused() throws {
    let answers = try run([
      claim("a", at: 10), claim("b", at: 10, tenant: "frauds"),
      #"{"op":"tick","at_ms":9,"id":"late"}"#, #"{"op":"tick","id":"broken""#,
      #"{"op":"tick","id":7}"#,
      claim("d", at: 11).replacing("fraud-analysis", with: "fraud-analisys"),
    ])
    #expect(answers.map { $0["id"] as? String } == ["a!", "b!", "late", nil, nil, "d!"])
    func error(_ index: Int) -> [String: Any] {
      (answers[index]["errors"] as? [[String: Any]])?.first ?? [:]
    }
    #expect(error(1)["path"] as? String == "$.claim.tenant")
    #expect(error(1)["hint"] as? String == "nearest known tenant is \"fraud\"")
    #expect(error(2)["path"] as? String == "$.at_ms" && error(2)["column"] as? Int == 22)
    #expect(error(3)["hint"] as? String == "it was opened at column 1")
    #expect(error(5)["hint"] as? String == "nearest known service is \"fraud-analysis\"")
  }

  @Test("the help shows every request; what it shows can be sent")
  func help() throws {
    let help = try Agent.run("place", "--stream", "--help")
    #expect(help.code == 0 && help.err.isEmpty)
    #expect(help.lines.allSatisfy { $0.count <= 100 })
    var examples: [String] = []
    for line in help.lines {
      if line.hasPrefix("             {") {
        examples.append(line.trimmingCharacters(in: .whitespaces))
      } else if line.hasPrefix("               "), let last = examples.popLast() {
        examples.append(last + " " + line.trimmingCharacters(in: .whitespaces))
      }
    }
    let operations = examples.compactMap { $0.firstMatch(of: /"op": "(\w+)"/)?.1 }.map(String.init)
    #expect(
      Set(operations) == [
        "claim", "quote", "started", "renew", "complete", "empty", "cancel", "approve", "deny",
        "delegate",
        "revoke", "emergency", "tick", "advertise", "silence", "hear", "cordon", "uncordon",
        "drain", "fence",
        "restrict", "signal", "policy", "status", "explain",
      ])
    #expect(operations.count == 25)
    // The policy is too long for a help; all others are sent as they stand.
    for (line, operation) in zip(examples, operations) where operation != "policy" {
      #expect(try SchemaCheck.findings(line, "stream-request") == [], "\(line)")
      let answer = try run([line])[0]
      #expect(answer["outcome"] as? String != "error", "\(answer)")
    }
  }

  @Test("an input that cannot be read is an error, not an end")
  func unreadable() throws {
    let result = try Agent.run(
      ["place", "--policy", Agent.policy, "--nodes", Agent.node("cpu-2"), "--stream"],
      input: nil)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err == "error: standard input cannot be read: is a directory; name a file\n")
  }
}
