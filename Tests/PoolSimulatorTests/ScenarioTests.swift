import Foundation
import Testing

/// The shipped scenarios, and what a wrong one is told.
@Suite("Scenarios")
struct ScenarioTests {
  @Test("the scenarios that the issue names are there")
  func there() {
    let named: Set<String> = [
      "traffic-spike", "queue-build-up", "worker-failures", "slow-downstream",
      "runaway-agent-loop", "tenant-flood", "owner-returns", "gang-among-small-jobs",
      "mig-instances-vanish", "rolling-policy-change", "partition-and-heal",
      "clients-ignore-hints",
    ]
    #expect(named.isSubset(of: ScenarioProgram.shipped))
  }

  @Test("holds, as its file says", arguments: ScenarioProgram.shipped)
  func holds(name: String) throws {
    let result = try ScenarioProgram.run("scenarios/\(name).json")
    #expect(result.code == 0, "\(result.out)\(result.err)")
    #expect(result.out.hasPrefix("\(name): "))
    #expect(!result.out.contains("FAILS"))
  }

  @Test("same seed, same bytes; another seed, others")
  func seeds() throws {
    let file = "scenarios/slow-downstream.json"
    let first = try ScenarioProgram.run(file, "--json", "--seed", "7")
    let second = try ScenarioProgram.run(file, "--json", "--seed", "7")
    let other = try ScenarioProgram.run(file, "--json", "--seed", "8")
    #expect(first.out == second.out)
    #expect(first.out != other.out)
    #expect(first.out.filter { $0 == "\n" }.count == 1)
  }

  @Test("one JSON line for several files, with every figure")
  func json() throws {
    let result = try ScenarioProgram.run(
      "scenarios/slow-downstream.json", "scenarios/mig-instances-vanish.json", "--json")
    let value = try JSONSerialization.jsonObject(with: Data(result.out.utf8))
    let object = try #require(value as? [String: Any])
    let all = try #require(object["scenarios"] as? [[String: Any]])
    #expect(all.map { $0["name"] as? String } == ["slow-downstream", "mig-instances-vanish"])
    for scenario in all {
      let lines = try #require(scenario["assertions"] as? [[String: Any]])
      #expect(!lines.isEmpty)
      #expect(lines.allSatisfy { $0["figure"] is NSNumber })
    }
    #expect(object["exit_code"] as? Int == 0)
  }

  @Test("an assertion that does not hold: exit code 24, and its figure")
  func failing() throws {
    let result = try ScenarioProgram.run(
      "slow-downstream", replacing: "\"at_least\": 100", with: "\"at_least\": 100.001")
    #expect(result.code == 24)
    #expect(result.out.contains("FAILS"))
  }

  @Test("an assertion on nothing does not hold")
  func nothing() throws {
    let result = try ScenarioProgram.run(
      "slow-downstream", replacing: "\"from_seconds\": 1505", with: "\"from_seconds\": 2699.999")
    #expect(result.code == 24)
    #expect(result.out.contains("nothing"))
  }

  @Test("work that never ends: exit code 21")
  func endless() throws {
    // A bucket that opens empty and refills nothing parks for ever what it cannot pay.
    let result = try ScenarioProgram.run(
      "slow-downstream", replacing: "\"refill_gpu_seconds_per_second\": 100",
      with: "\"refill_gpu_seconds_per_second\": 0, \"opening_gpu_seconds\": 0")
    #expect(result.code == 21)
    #expect(result.out.contains("liveness"))
    #expect(result.err.contains("again: pool-sim scenario"))
  }

  @Test(
    "a wrong document is told what, where and what to do",
    arguments: [
      ("\"lasts_seconds\"", "\"last_seconds\"", "unknown key \"last_seconds\""),
      (
        "\"fault\": \"dependency\"", "\"fault\": \"dependancy\"",
        "nearest known fault is \"dependency\""
      ),
      ("\"measure\": \"lost\"", "\"measure\": \"lots\"", "nearest known measure is \"lost\""),
      ("\"pattern\": \"random\"", "\"pattern\": \"often\"", "$.workload[0].arrivals.pattern"),
      ("\"at_most\": 1", "\"at_most\": 1, \"at_least\": 1", "write at_most or at_least"),
      ("\"from-memory\"]", "\"from-memroy\"]", "has no rung \"from-memroy\""),
      (
        "\"count\": 2, \"memory_gib\"", "\"count\": 0, \"memory_gib\"",
        "$.cluster[0].gpus.count"
      ),
    ])
  func wrong(old: String, new: String, says: String) throws {
    let result = try ScenarioProgram.run("slow-downstream", replacing: old, with: new)
    #expect(result.code == 2)
    #expect(result.err.contains(says), "\(result.err)")
    #expect(result.err.contains(/\.json:[0-9]+:[0-9]+:/), "\(result.err)")
    #expect(result.out.isEmpty)
  }

  @Test("a policy by file name, and its errors with their own place")
  func policyFile() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "scenario-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = ScenarioProgram.folder.appending(path: "slow-downstream.json")
    let value = try JSONSerialization.jsonObject(with: Data(contentsOf: source))
    var document = try #require(value as? [String: Any])
    var policy = try #require(document["policy"] as? [String: Any])
    document["policy"] = "policy.json"
    document["verdict"] = [
      ["name": "all", "because": "-", "measure": "arrived", "at_least": 1]
    ]
    func write(_ object: Any, _ name: String) throws {
      try JSONSerialization.data(withJSONObject: object)
        .write(to: folder.appending(path: name))
    }
    try write(document, "scenario.json")
    try write(policy, "policy.json")
    let file = folder.appending(path: "scenario.json").path
    #expect(try ScenarioProgram.run(file).code == 0)
    policy["clases"] = policy.removeValue(forKey: "classes")
    try write(policy, "policy.json")
    let wrong = try ScenarioProgram.run(file)
    #expect(wrong.code == 2)
    #expect(wrong.err.contains("policy.json:1:"), "\(wrong.err)")
    #expect(wrong.err.contains("unknown key \"clases\""), "\(wrong.err)")
  }

  @Test("no file, no folder, no seed")
  func usage() throws {
    #expect(try ScenarioProgram.run().code == 2)
    #expect(try ScenarioProgram.run("scenarios/none.json").code == 2)
    let result = try ScenarioProgram.run("scenarios", "--seed", "x")
    #expect(result.code == 2)
    #expect(result.err.contains("no seed"))
  }
}
