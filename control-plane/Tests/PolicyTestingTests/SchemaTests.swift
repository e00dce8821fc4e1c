import Foundation
import PoolAllocator
import PoolWire
import Testing

@testable import PolicyTesting

/// The schemas of tests and of teams' files know what their readers know.
@Suite struct SchemaTests {
  private static let stranger = "zq_stranger_qz"

  /// A file of tests with every kind of object; at a `<site>` it may have another key.
  private static let tests = """
    { <root> schema_version: 1, kind: policy_test, policy: policy.yaml,
      given: { <given> nodes: [nodes/gpu-1.yaml] },
      tests: [ { <test> name: all, steps: [
        { claim: { name: a, tenant: assistant, service: chat, lanes: [h100-assistant],
          action: answer, model_class: any, demand: { gpus: 1 }, runtime_max_seconds: 600 } },
        { <step> complete: a, expect: { <expectation> of: a,
          buckets: { assistant: { <level> at_least: 1 } } } } ] } ] }
    """

  /// A team's file, likewise.
  private static let team = """
    { <root> schema_version: 1, kind: policy_team, tenant: research,
      bucket: { <bucket> burst_gpu_seconds: 3000 } }
    """

  // MARK: documents fit

  @Test(arguments: [
    ("reserved.policytest.yaml", "policy_test"), ("throttled.policytest.yaml", "policy_test"),
    ("fallback.policytest.yaml", "policy_test"), ("teams/research.yaml", "policy_team"),
    ("nodes/gpu-1.yaml", "node"),
  ])
  func examplesFit(file: String, schema: String) throws {
    let text = try String(contentsOfFile: ExamplePolicyTests.examples + file, encoding: .utf8)
    #expect(try SchemaCheck.findings(Self.json(text), schema) == [])
  }

  @Test(arguments: [
    ("policy.yaml", "policy"), ("policy.policytest.yaml", "policy_test"),
    ("nodes/gpu-1.yaml", "node"),
  ])
  func theStarterFits(file: String, schema: String) throws {
    #expect(try SchemaCheck.findings(Self.json(Self.starter(file)), schema) == [])
  }

  @Test(arguments: [
    ("times: 2", "times: 0"), ("at: 650", "at: -1"), ("state: parked", "state: parkd"),
    ("[bucket_short]", "[bucket_shrt]"), ("batch: 6", "batch: { at_lest: 6 }"),
    ("lease: false", "leases: false"), ("agents:", "agent:"), ("position: 1", "position: 0"),
  ])
  func whatDoesNotFitIsFound(good: String, wrong: String) throws {
    let text = Self.starter("policy.policytest.yaml")
      .replacing("given:\n", with: "given:\n  agents: play\n")
    let changed = text.replacing(good, with: wrong)
    try #require(changed != text)
    #expect(try SchemaCheck.findings(Self.json(text), "policy_test") == [])
    #expect(try !SchemaCheck.findings(Self.json(changed), "policy_test").isEmpty)
  }

  // MARK: keys and words

  @Test(arguments: ["root", "given", "test", "step", "expectation", "level"])
  func testsHaveTheKeysOfTheirReader(site: String) throws {
    let known = try Self.known(site, in: Self.tests, Self.readTests)
    #expect(try known == Self.keys("policy_test", site))
  }

  @Test(arguments: ["root", "bucket"])
  func teamsHaveTheKeysOfTheirReader(site: String) throws {
    let known = try Self.known(site, in: Self.team, Self.readTeam)
    #expect(try known == Self.keys("policy_team", site))
  }

  @Test func claimsHaveTheKeysOfClaims() throws {
    #expect(try Self.keys("policy_test", "claim") == Self.keys("claims", "claim"))
  }

  @Test func wordsAreThoseOfTheReader() throws {
    func words(_ name: String) throws -> Set<String> {
      let definitions = try SchemaCheck.schema("policy_test")["$defs"] as? [String: [String: Any]]
      let properties = definitions?["expectation"]?["properties"] as? [String: [String: Any]]
      let property = properties?[name] ?? [:]
      let words = (property["items"] as? [String: Any] ?? property)["enum"]
      return Set(words as? [String] ?? [])
    }
    #expect(try words("outcome") == Set(PolicyTesting.Expectation.outcomes))
    #expect(try words("state") == Set(PolicyTesting.Expectation.states))
    #expect(try words("reasons") == Set(Reason.Code.allCases.map(\.wire)))
  }

  // MARK: what the tests share

  private static func starter(_ name: String) -> String {
    PolicyStarter.files.first { $0.name == name }?.text ?? ""
  }

  /// A document in YAML as JSON.
  private static func json(_ text: String) throws(SourceErrors) -> String {
    let tree = try SourceReader.read(Array(text.utf8), file: "document.yaml")
    return String(decoding: MarkedText(tree).bytes, as: UTF8.self)
  }

  private static func readTests(_ text: String) throws(SourceErrors) {
    _ = try PolicyTestFile(file: "a.policytest.yaml") { (name) throws(SourceErrors) in
      Array((name == "a.policytest.yaml" ? text : Self.starter(name)).utf8)
    }
  }

  private static func readTeam(_ text: String) throws(SourceErrors) {
    let root = starter("policy.yaml") + "include: [team.yaml]\n"
    _ = try PolicySource(file: "policy.yaml") { (name) throws(SourceErrors) in
      Array((name == "policy.yaml" ? root : text).utf8)
    }
  }

  /// The keys that a reader knows at a site: it lists them where it is given another one.
  private static func known(
    _ site: String, in text: String, _ read: (String) throws(SourceErrors) -> Void
  ) throws -> Set<String> {
    let changed = text.replacing("<\(site)>", with: "\(stranger): 1,")
      .replacing(/<[a-z]+>/, with: "")
    do throws(SourceErrors) {
      try read(changed)
    } catch {
      let about = error.errors.filter { $0.problem == "unknown key \"\(stranger)\"" }
      #expect(about.count == 1, "\(error)")
      let hint = about.first?.hint ?? ""
      return Set(hint.matches(of: /"([^"]+)"/).map { String($0.1) })
    }
    Issue.record("\(site): the key was taken")
    return []
  }

  /// The keys of an object in a schema: of the document itself, or of a definition.
  private static func keys(_ schema: String, _ site: String) throws -> Set<String> {
    let root = try SchemaCheck.schema(schema)
    let definitions = root["$defs"] as? [String: [String: Any]] ?? [:]
    let object = site == "root" ? root : definitions[site] ?? [:]
    return Set((object["properties"] as? [String: Any] ?? [:]).keys)
  }
}
