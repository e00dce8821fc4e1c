import Foundation
import Testing

@Suite("Quotes in a stream")
struct StreamQuoteTests {
  private static let folder = "examples/quote"

  private func run(_ lines: [String]) throws -> [[String: Any]] {
    try Agent.converse(
      lines, policy: "\(Self.folder)/policy.json", nodes: ["\(Self.folder)/node.json"])
  }

  private func claim(_ name: String, more: String = "") -> String {
    """
    {"name":"\(name)","tenant":"legal","application":"contracts","workflow":"w",\
    "principal":"p","service":"review","action":"inference","model_class":"large",\
    "lanes":["h100-shared","l40s-shared"],"demand":{"gpus":1},"runtime_max_seconds":600\(more)}
    """
  }

  private func quote(_ name: String, at: Int, _ claim: String, more: String = "") -> String {
    #"{"op":"quote","at_ms":\#(at),"quote":"\#(name)"\#(more),"claim":\#(claim)}"#
  }

  private func code(_ answer: [String: Any]) -> String? {
    (answer["blocking"] as? [[String: Any]])?.first?["code"] as? String
  }

  @Test("a quote says what it fixes, and until when")
  func given() throws {
    let answers = try run([
      quote("q", at: 5000, claim("a", more: #","estimate":{"seconds":1}"#)),
      quote("r", at: 5000, claim("a"), more: #","for_seconds":120"#),
    ])
    let first = try #require(answers[0]["quote"] as? [String: Any])
    #expect(first["lane"] as? String == "l40s-shared")
    #expect(first["rate_gpu_seconds_per_hour"] as? Double == 900)
    #expect(first["price_gpu_seconds"] as? Double == 0.25)
    #expect(first["expected_seconds"] as? Double == 1)
    #expect(first["reservation_gpu_seconds"] as? Double == 75)
    #expect(first["expires_ms"] as? Double == 65_000)
    #expect(answers[0]["next_due_ms"] as? Double == 65_000, "its end is a timer")
    let second = try #require(answers[1]["quote"] as? [String: Any])
    #expect(second["expires_ms"] as? Double == 125_000)
  }

  @Test("its name is the tenant's while it is known, and free afterwards")
  func names() throws {
    let redeeming = #"{"op":"claim","at_ms":1000,"claim":\#(claim("a", more: #","quote":"q""#))}"#
    let answers = try run([
      quote("q", at: 0, claim("a")), quote("q", at: 0, claim("b")), redeeming,
      quote("q", at: 60_999, claim("b")), quote("q", at: 61_000, claim("b")),
      #"{"op":"claim","at_ms":61000,"claim":\#(claim("b", more: #","quote":"nobodys""#))}"#,
    ])
    #expect(code(answers[1]) == "duplicate_key")
    #expect(answers[2]["outcome"] as? String == "granted")
    #expect(code(answers[3]) == "duplicate_key")
    #expect(answers[4]["outcome"] as? String == "done")
    #expect((answers[4]["quote"] as? [String: Any])?["quote"] as? String == "q")
    #expect(code(answers[5]) == "quote_unknown")
  }

  @Test("a status lists what is known, and how it ended")
  func status() throws {
    let answers = try run([
      #"{"op":"status","at_ms":0}"#, quote("q", at: 0, claim("a")), quote("r", at: 0, claim("b")),
      #"{"op":"claim","at_ms":1000,"claim":\#(claim("a", more: #","quote":"q""#))}"#,
      #"{"op":"status","at_ms":60000}"#,
    ])
    #expect(answers[0]["quotes"] == nil)
    let known = try #require(answers[4]["quotes"] as? [[String: Any]])
    #expect(known.map { $0["quote"] as? String } == ["q", "r"])
    #expect(known.map { $0["state"] as? String } == ["redeemed", "expired"])
    #expect(known.allSatisfy { $0["tenant"] as? String == "legal" })
  }

  @Test("an alternative to a claim with a quote leaves the quote out")
  func alternatives() throws {
    func asking(_ name: String, _ more: String = "", lane: String = "l40s-shared") -> String {
      let claim = claim(name, more: more)
        .replacing(#""h100-shared","l40s-shared""#, with: "\"\(lane)\"")
      return #"{"op":"claim","at_ms":0,"alternatives":true,"claim":\#(claim)}"#
    }
    let given = quote("q", at: 0, claim("b").replacing(#""h100-shared","#, with: ""))
    let answers = try run([
      asking("a"), given, asking("b", #","quote":"q""#), asking("c"),
      asking("d", lane: "h100-shared"),
    ])
    #expect(answers[2]["outcome"] as? String == "queued")
    let changed = try #require((answers[2]["alternatives"] as? [[String: Any]])?.first)
    let patch = try #require(changed["claim_patch"] as? [String: Any])
    #expect(patch["lanes"] as? [String] == ["h100-shared"])
    #expect(patch["quote"] is NSNull)
    let unquoted = try #require((answers[3]["alternatives"] as? [[String: Any]])?.first)
    #expect((unquoted["claim_patch"] as? [String: Any])?.keys.sorted() == ["lanes"])
    #expect(answers[4]["outcome"] as? String == "granted")
    #expect(answers[4]["price_gpu_seconds"] as? Double == changed["price_gpu_seconds"] as? Double)
  }

  @Test("a quote is not given out of another, and mistakes say where they are")
  func mistakes() throws {
    let answers = try run([
      quote("q", at: 0, claim("a", more: #","quote":"q0""#)),
      quote("q", at: 0, claim("a"), more: #","for_second":120"#),
      quote("q", at: 0, claim("a").replacing("legal", with: "legals")),
      #"{"op":"quote","at_ms":0,"quote":"q"}"#,
    ])
    func error(_ index: Int) -> [String: Any] {
      (answers[index]["errors"] as? [[String: Any]])?.first ?? [:]
    }
    #expect(error(0)["path"] as? String == "$.claim")
    #expect((error(0)["hint"] as? String)?.hasPrefix("leave quote out of the claim") == true)
    #expect((error(1)["problem"] as? String)?.contains("unknown key \"for_second\"") == true)
    #expect(error(2)["hint"] as? String == "nearest known tenant is \"legal\"")
    #expect((error(3)["problem"] as? String)?.contains("missing key \"claim\"") == true)
  }
}
