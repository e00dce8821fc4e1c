import Foundation
import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

/// One mistake each: what is replaced, by what, and a part of the one error that it makes.
struct Mistake: Sendable, CustomTestStringConvertible {
  var kind: String
  var old: String
  var new: String
  var error: String

  init(_ kind: String, _ old: String, _ new: String, _ error: String) {
    self.kind = kind
    self.old = old
    self.new = new
    self.error = error
  }

  var testDescription: String { "\(kind): \(new)" }
}

@Suite("Errors of documents")
struct DocumentErrorTests {
  @Test("the small documents are right", arguments: ["policy", "claims", "node"])
  func right(kind: String) {
    #expect(Documents.errors(kind, Documents.text(kind)) == [])
  }

  static let policyMistakes: [Mistake] = [
    Mistake("policy", "\"generation\": 7", "\"generation\": 0", "2:56: $.generation: 0 is out of"),
    Mistake(
      "policy", "\"generation\": 7", "\"generation\": \"7\"", "write a number without quotes"),
    Mistake("policy", "\"kind\": \"policy\"", "\"kind\": \"claims\"", "expected \"policy\""),
    Mistake("policy", "\"schema_version\": 1", "\"schema_version\": 2", "$.schema_version: 2 is"),
    Mistake("policy", "\"weight\": 0.001", "\"weight\": 0", "$.profiles[0].weight: 0 is out of"),
    Mistake("policy", "\"weight\": 0.001", "\"weight\": 0.0001", "more than 3 decimals"),
    Mistake("policy", "\"weight\": 0.001", "\"weight\": 1e-3", "has an exponent"),
    Mistake("policy", "\"weight\": 0.001", "\"weight\": 100.001", "is out of range"),
    Mistake("policy", "\"weight\": 0.001", "\"wieght\": 0.001", "nearest known key is \"weight\""),
    Mistake("policy", ", \"memory_gib\": 80", "", "missing key \"memory_gib\""),
    Mistake("policy", "\"memory_gib\": 80", "\"memory_gib\": 80, \"memory_bytes\": 9", "keep one"),
    Mistake("policy", "\"memory_gib\": 80", "\"memory_gib\": 1048577", "is out of range"),
    Mistake("policy", "{\"name\": \"h100\",", "{\"name\": \"cpu\",", "is used twice"),
    Mistake("policy", "\"cell_gpus\": 2", "\"cell_gpus\": 3", "a cell has 1, 2, 4 or 8 GPUs"),
    Mistake("policy", "\"cell_gpus\": 2", "\"cell_gpus\": 16", "16 is out of range"),
    Mistake("policy", "\"cell_gpus\": 2", "\"cell_gpu\": 2", "known key is \"cell_gpus\""),
    Mistake("policy", "\"cell_gpus\": 2", "\"cell_gpus\": 4", "no whole number of cells; write 4"),
    Mistake("policy", "\"cpu_milli\": 500", "\"cpu_milli\": 500, \"cell_gpus\": 1", "of kind cpu"),
    Mistake(
      "policy", "{\"name\": \"gpu\", \"lease", "{\"name\": \"gpu\", \"cell_gpus\": 1, \"lease",
      "the shared lane has no cells"),
    Mistake(
      "policy", "\"approvers\": [\"human:ann\", \"human:bob\"]", "\"approvers\": []", "expected"),
    Mistake(
      "policy", "\"lasts_max_seconds\": 3600", "\"lasts_max_seconds\": 0", "is out of range"),
    Mistake("policy", "_milli\": 900}", "_milli\": 1001}", "$.slos[1].completion_rate_milli: 1001"),
    Mistake("policy", ", \"completion_rate_milli\": 900}", "}", "the objectives of P3 say nothing"),
    Mistake("policy", "{\"class\": \"P3\", \"comp", "{\"class\": \"P1\", \"comp", "slos[0] has"),
    Mistake("policy", "\"queue_wait_seconds\"", "\"queue_wait_second\"", "\"queue_wait_seconds\""),
    Mistake("policy", "\"class\": \"P3\", \"comp", "\"comp", "missing key \"class\""),
    Mistake("policy", "\"lasts_seconds\": 45", "\"lasts_seconds\": 901", "raise lasts_max_seconds"),
    Mistake("policy", "\"lasts_seconds\": 45", "\"lasts_second\": 45", "known key is \"lasts_seco"),
    Mistake("policy", "\"per_tenant_max\": 20", "\"per_tenant_max\": 0", "0 is out of range"),
    Mistake(
      "policy", "\"emergency\": {\"approvers\": [\"human:ann\", \"human:bob\"],",
      "\"emergency\": {\"approvers\": [\"human:ann\"],", "2 to 64 elements"),
    Mistake(
      "policy",
      "\"emergency\": {\"approvers\": [\"human:ann\", \"human:bob\"], "
        + "\"lasts_max_seconds\": 3600},",
      "", "nobody may open the bucket's emergency"),
    Mistake(
      "policy", "\"actions\": [\"send\"]", "\"action\": \"send\"",
      "nearest known key is \"actions\""),
    Mistake(
      "policy", "\"lapses_after_seconds\": 900", "\"lapses_after_seconds\": 0", "is out of range"),
    Mistake("policy", "\"kind\": \"gpu\"", "\"kind\": \"slice\"", "unknown value \"slice\""),
    Mistake("policy", "\"billed_milli\": 125", "\"billed_milli\": 1001", "is out of range"),
    Mistake(
      "policy", "\"profile\": \"h100\", \"billed", "\"profile\": \"h10\", \"billed",
      "there is no profile \"h10\"; nearest known profile is \"h100\""),
    Mistake(
      "policy", "\"profile\": \"h100\", \"billed", "\"profile\": \"cpu\", \"billed",
      "is a CPU profile"),
    Mistake(
      "policy", "[{\"name\": \"1g\"",
      "[{\"name\": \"1g\", \"profile\": \"h100\", \"billed_milli\": 1}, {\"name\": \"1g\"",
      "is defined twice"),
    Mistake(
      "policy", "\"reserved_for\": \"acme\"", "\"reserved_for\": \"acm\"", "no tenant \"acm\""),
    Mistake("policy", "\"cpu_milli\": 500", "\"devices\": 1", "write cpu_milli instead"),
    Mistake("policy", "\"cpu_milli\": 500, ", "", "a reserved lane without an amount"),
    Mistake(
      "policy", "\"name\": \"shared\"", "\"cpu_milli\": 5, \"name\": \"shared\"",
      "the shared lane reserves nothing"),
    Mistake(
      "policy", "\"reserved_for\": \"acme\", \"cpu_milli\": 500, ", "",
      "a second shared lane in one pool"),
    Mistake(
      "policy", "{\"name\": \"gpu\", \"lease", "{\"name\": \"own\", \"lease",
      "\"own\" is used twice"),
    Mistake(
      "policy", "{\"name\": \"gpu\", \"lease",
      "{\"name\": \"gpu\", \"devices\": 1, \"reserved_for\": \"docs\", \"lease",
      "the pool has no shared lane"),
    Mistake("policy", "\"P0\", \"P1\"], \"rest", "\"P0\", \"P9\"], \"rest", "unknown value \"P9\""),
    Mistake("policy", "\"egress-none\"", "\"egres-none\"", "is \"egress-none\""),
    Mistake("policy", "3600.5", "31622400.001", "is out of range"),
    Mistake("policy", "3600.5", "0", "$.pools[0].lanes[1].lease_max_seconds: 0 is out of range"),
    Mistake("policy", "3600.5", "NaN", "NaN is not a JSON number"),
    Mistake("policy", "\"P3\": {", "\"P4\": {", "missing key \"P3\""),
    Mistake("policy", "\"overrun\": \"debt\"", "\"overrun\": \"dept\"", "known value is \"debt\""),
    Mistake("policy", "\"queue_max\": 5", "\"queue_max\": -1", "-1 is out of range"),
    Mistake("policy", "\"queue_max\": \"unlimited\"", "\"queue_max\": \"none\"", "\"unlimited\""),
    Mistake("policy", "\"name\": \"docs\"", "\"name\": \"acme\"", "\"acme\" is used twice"),
    Mistake("policy", "\"name\": \"docs\"", "\"name\": \"d s\"", "a character that names may not"),
    Mistake("policy", "1.000001", "1.0000001", "at most 6 decimals"),
    Mistake("policy", "1.000001", "9007199254.740993", "is no amount of GPU-seconds"),
    Mistake("policy", "1.000001", "-1", "is no amount of GPU-seconds"),
    Mistake("policy", "1.000001", "601", "the bucket opens above its burst"),
    Mistake("policy", "\"burst_gpu_seconds\": 600", "\"burst_gpu_seconds\": true", "expected a"),
    Mistake("policy", "_per_hour\": 360", "_per_hour\": 361", "no whole number of credits"),
    Mistake("policy", "\"refill_gpu_seconds_per_hour\": 360,", "", "the bucket has no refill"),
    Mistake(
      "policy", "\"refill_gpu_seconds_per_hour\": 360,",
      "\"refill_gpu_seconds_per_hour\": 360, \"refill_gpu_seconds_per_second\": 1,",
      "the refill is given twice"),
    Mistake("policy", ", \"by\": \"application\"", "", "by and children belong together"),
    Mistake("policy", "{\"P1\": {\"burst", "{\"P7\": {\"burst", "the children are named P0 to P3"),
    Mistake("policy", "{\"chat\": {\"burst", "{\"a b\": {\"burst", "the key is no name"),
    Mistake("policy", "\"tenant\": \"acme\", \"class", "\"tenant\": \"x\", \"class", "no tenant"),
    Mistake("policy", "{\"name\": \"write\"", "{\"name\": \"chat\"", "\"chat\" is used twice"),
    Mistake("policy", "\"weight\": 2.5", "\"weight\": 101", "is out of range"),
    Mistake("policy", ", \"owner\": \"team-a\"", "", "missing key \"owner\""),
    Mistake("policy", "\"retry_factor\": 1.1", "\"retry_factor\": 0.9", "is out of range"),
    Mistake(
      "policy", "[\n    {\"action\"",
      "[{\"action\": \"plan\", \"model_class\": \"large\", \"base_seconds\": 1}, {\"action\"",
      "a second rule for this action"),
  ]

  static let claimMistakes: [Mistake] = [
    Mistake(
      "claims", "\"service\": \"chat\"", "\"service\": \"chat\", \"class\": \"P0\"",
      "ask its owner \"team-a\" for a service of class P0"),
    Mistake(
      "claims", "\"service\": \"chat\"", "\"service\": \"chat\", \"class\": \"P2\"",
      "leave class out, or name a service of class P2"),
    Mistake("claims", "\"shared\", ", "\"sharde\", ", "nearest known lane is \"shared\""),
    Mistake("claims", "[\"shared\", \"own\"]", "[]", "the array has 0 elements"),
    Mistake("claims", "\"tenant\": \"acme\", ", "", "3:5: $.claims[0]: missing key \"tenant\""),
    Mistake(
      "claims", "\"tenant\": \"acme\"", "\"tenant\": \"amce\"",
      "3:30: $.claims[0].tenant: the policy has no tenant \"amce\"; nearest known tenant is"),
    Mistake(
      "claims", "\"service\": \"chat\"", "\"service\": \"chatt\"",
      "the policy has no service \"chatt\"; nearest known service is \"chat\""),
    Mistake("claims", "\"cpu_milli\": 250, ", "", "the demand asks for nothing"),
    Mistake("claims", "\"cpu_milli\": 250", "\"gpus\": 17", "17 is out of range"),
    Mistake("claims", "\"cpu_milli\": 250", "\"gpus\": 1, \"mig\": \"1g\"", "in 2 forms"),
    Mistake("claims", "\"cpu_milli\": 250", "\"gpu_milli\": 500", "needs its time and its memory"),
    Mistake("claims", "\"cpu_milli\": 250", "\"gpus\": 1, \"count\": 2", "count goes with mig"),
    Mistake("claims", "\"cpu_milli\": 250", "\"mig\": \"2g\"", "the policy has no such slice"),
    Mistake("claims", "\"cpu_milli\": 250", "\"cpu_milli\": 1024001", "is out of range"),
    Mistake("claims", "_seconds\": 600", "_seconds\": 0", "is out of range"),
    Mistake("claims", "_seconds\": 600", "_seconds\": 99999999999999999999", "is out of range"),
    Mistake(
      "claims", "_seconds\": 600", "_seconds\": 600, \"max_wait_seconds\": \"ever\"", "unlim"),
    Mistake("claims", "_seconds\": 600", "_seconds\": 600, \"estimate\": {}", "says nothing"),
    Mistake(
      "claims", "_seconds\": 600",
      "_seconds\": 600, \"estimate\": {\"seconds\": 1, \"tool_calls\": 1}", "are both given"),
    Mistake("claims", "_seconds\": 600", "_seconds\": 600, \"attempt\": 0", "0 is out of range"),
    Mistake("claims", "_seconds\": 600", "_seconds\": 600, \"depth\": 33", "33 is out of range"),
    Mistake("claims", "\"name\": \"c1\"", "\"name\": \"\"", "the string has 0 bytes"),
    Mistake("claims", "\"name\": \"c1\"", "\"name\": null", "found null"),
    Mistake("claims", "\"name\": \"c1\"", "\"name\": \"a\", \"name\": \"b\"", "duplicate key"),
  ]

  static let nodeMistakes: [Mistake] = [
    Mistake("node", "\"uuid\": \"GPU-2\"", "\"uuid\": \"GPU-1\"", "the uuid \"GPU-1\" is used"),
    Mistake("node", "\"slots\": [2]", "\"slots\": [1]", "the instance overlaps another"),
    Mistake("node", "\"slots\": [2]", "\"slots\": [16]", "16 is out of range"),
    Mistake("node", "\"slots\": [2]", "\"slots\": [2, 2]", "slot 2 stands there twice"),
    Mistake("node", ", \"milli\": 8000", "", "a CPU set without an amount"),
    Mistake("node", "\"milli\": 8000", "\"milli\": 8000, \"mig\": []", "mig does not go with"),
    Mistake("node", "\"h100\", \"memory_gib\": 79.5}", "\"h100\"}", "a GPU without memory"),
    Mistake(
      "node", "\"enforcement\": \"cgroup\"", "\"enforcement\": \"vm\"", "unknown value \"vm\""),
    Mistake("node", "[\"sxm\"]", "[\"a\", \"b\", \"c\", \"d\", \"e\"]", "the array has 5 elements"),
    Mistake("node", "\"host_memory_gib\": 64, ", "", "add host_memory_gib or host_memory_bytes"),
    Mistake("node", "\"numa\": 0", "\"numa\": 0, \"condition\": \"sick\"", "\"sick\""),
  ]

  @Test("one mistake, one error", arguments: policyMistakes + claimMistakes + nodeMistakes)
  func mistake(_ mistake: Mistake) throws {
    let text = try Documents.changed(mistake.kind, mistake.old, mistake.new)
    let errors = Documents.errors(mistake.kind, text)
    #expect(errors.contains { $0.contains(mistake.error) }, "\(errors)")
    #expect(errors.count <= 3, "one mistake, many errors: \(errors)")
    #expect(errors.allSatisfy { $0.prefixMatch(of: /\d+:\d+: \$/) != nil })
  }

  @Test("a document of another kind is one error, whatever stands in it")
  func otherKind() {
    for (kind, other) in [("policy", "claims"), ("claims", "node"), ("node", "policy")] {
      let errors = Documents.errors(kind, Documents.text(other))
      #expect(errors.count == 1, "\(errors)")
      #expect(
        errors.first?.contains("$.kind: this document is of another kind; expected \"\(kind)\"")
          == true)
    }
  }

  @Test("all errors of a document at once, in its order")
  func together() throws {
    var text = Documents.policy
    for (old, new) in [
      ("\"weight\": 0.001", "\"weight\": 0"), ("\"billed_milli\": 125", "\"billed_milli\": 0"),
      ("\"reserved_for\": \"acme\"", "\"reserved_for\": \"nobody\""),
      ("\"queue_max\": 5", "\"queue_max\": \"many\""), ("1.000001", "601"),
      ("\"class\": \"P3\", \"weight\"", "\"class\": \"P5\", \"weight\""),
      ("\"retry_factor\": 1.1", "\"retry\": 1.1"),
    ] {
      text = text.replacingOccurrences(of: old, with: new)
    }
    let errors = Documents.errors("policy", text)
    let expected = [
      "$.profiles[0].weight", "$.slices[0].billed_milli", "$.pools[0].lanes[0].reserved_for",
      "$.tenants[0].queue_max", "$.tenants[0].bucket.opening_gpu_seconds", "$.services[1].class",
      "$.cost_model[0].retry",
    ]
    #expect(errors.count == expected.count, "\(errors)")
    for (error, path) in zip(errors, expected) { #expect(error.contains(path)) }
  }

  @Test("a bucket tree is at most four levels deep")
  func depth() throws {
    var leaf = "{\"burst_gpu_seconds\": 1, \"refill_gpu_seconds_per_second\": 0}"
    for _ in 0..<4 {
      leaf = """
        {"burst_gpu_seconds": 1, "refill_gpu_seconds_per_second": 0, "by": "action",
         "children": {"a": \(leaf)}}
        """
    }
    let text = try Documents.changed(
      "policy", "{\n      \"burst_gpu_seconds\": 10, \"refill_gpu_seconds_per_hour\": 0}", leaf)
    let errors = Documents.errors("policy", text)
    #expect(errors.count == 1)
    #expect(errors.first?.contains("the bucket is 5 levels deep") == true, "\(errors)")
  }

  @Test("claims stand in the order of their times, with names of their own")
  func claimOrder() throws {
    func claims(_ first: String, _ second: String) throws -> String {
      let one = try #require(
        Documents.claims.firstMatch(of: /(?s)\{"name": "c1".*600\}/).map { String($0.0) })
      let list = [first, second].map { one.replacing(/"name": "c1"/, with: $0) }
      return Documents.claims.replacing(one, with: list.joined(separator: ","))
    }
    let falling = try claims(
      "\"name\": \"a\", \"at_seconds\": 2", "\"name\": \"b\", \"at_seconds\": 1.999")
    #expect(
      Documents.errors("claims", falling).first?.contains("is before that of an earlier") == true)
    let rising = try claims("\"name\": \"a\", \"at_seconds\": 2", "\"name\": \"b\"")
    #expect(Documents.errors("claims", rising) == [])
    let twins = try claims("\"name\": \"a\"", "\"name\": \"a\"")
    #expect(
      Documents.errors("claims", twins).first?.contains("the tenant has a claim \"a\"") == true)
  }

  @Test("an ambiguous slice lists the boards")
  func ambiguousSlice() throws {
    let policy = try Documents.changed(
      "policy", "{\"name\": \"h100\", \"kind\": \"gpu\", \"weight\": 1, \"memory_gib\": 80}",
      """
      {"name": "h100", "kind": "gpu", "weight": 1, "memory_gib": 80},
      {"name": "a100", "kind": "gpu", "weight": 1, "memory_gib": 80}
      """
    ).replacingOccurrences(
      of: "\"slices\": [",
      with: "\"slices\": [{\"name\": \"1g\", \"profile\": \"a100\", "
        + "\"billed_milli\": 142}, ")
    let vocabulary = try Documents.policyDocument(policy).vocabulary
    let claims = try Documents.changed("claims", "\"cpu_milli\": 250", "\"mig\": \"1g\"")
    #expect(throws: (any Error).self) {
      try ClaimsDocument(.init(text: claims), vocabulary: vocabulary)
    }
    let exact = try Documents.changed("claims", "\"cpu_milli\": 250", "\"mig\": \"a100 > 1g\"")
    let form = try ClaimsDocument(.init(text: exact), vocabulary: vocabulary).claims[0]
    #expect(form.demand.shape == .slice(NameTable.key(.slice, "a100 > 1g")))
  }
}
