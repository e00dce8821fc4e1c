import Foundation
import PolicyTesting
import Testing

/// The examples and the starter hold, and a test that does not is told so that it can be mended.
@Suite struct ExamplePolicyTests {
  static let examples =
    URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "examples/policy-tests").path + "/"

  /// Writes files into a folder that is gone afterwards.
  static func inFolder(
    _ files: [(name: String, text: String)], _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/policy-\(UUID().uuidString)/"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files {
      let file = URL(filePath: folder + name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try body(folder)
  }

  @Test(arguments: ["reserved", "throttled", "fallback"])
  func examplesPass(name: String) {
    let report = PolicyTestReport(files: [Self.examples + name + ".policytest.yaml"])
    #expect(report.isPassed, "\(report.text)")
  }

  @Test func examplesAreSound() {
    let check = PolicyCheck(
      file: Self.examples + "policy.yaml", nodes: [Self.examples + "nodes/gpu-1.yaml"])
    #expect(check.findings.isEmpty && check.isClean, "\(check.text)")
  }

  @Test func starterPasses() throws {
    try Self.inFolder(PolicyStarter.files) { folder in
      let check = PolicyCheck(
        file: folder + "policy.yaml", nodes: [folder + "nodes/gpu-1.yaml"])
      #expect(check.findings.isEmpty && check.isClean, "\(check.text)")
      let report = PolicyTestReport(files: [folder + "policy.policytest.yaml"])
      #expect(report.isPassed && report.results.count == 3, "\(report.text)")
    }
  }

  @Test func aWrongExpectationIsShown() throws {
    let files = PolicyStarter.files.map { name, text in
      (
        name: name,
        text: text.replacingOccurrences(
          of: "expect: { outcome: parked, reasons: [bucket_short], state: parked, lease: false }",
          with: "expect: { outcome: granted, lane: l4-shared, buckets: { batch: 5 } }")
      )
    }
    try Self.inFolder(files) { folder in
      let report = PolicyTestReport(files: [folder + "policy.policytest.yaml"])
      #expect(!report.isPassed)
      let failures = report.results.flatMap(\.failures)
      #expect(failures.count == 1)
      let text = try #require(failures.first?.text)
      #expect(text.contains("outcome       expected  granted"), "\(text)")
      #expect(text.contains("got       parked"), "\(text)")
      #expect(text.contains("bucket batch  expected  5"), "\(text)")
      #expect(text.contains("because: bucket \"batch\" holds 6 of 72 GPU-seconds"), "\(text)")
      #expect(report.junit.contains("<failure message=\"outcome: expected granted, got parked;"))
      #expect(report.junit.contains("bucket &quot;batch&quot; holds 6"))
      #expect(report.json.contains("\"passed\": false"))
    }
  }

  @Test func coverageNamesWhatNoTestTouched() {
    let report = PolicyTestReport(files: [Self.examples + "throttled.policytest.yaml"])
    let kinds = report.coverage.first?.kinds ?? []
    func untouched(_ kind: String) -> [String] {
      kinds.first { $0.kind == kind }?.untouched ?? []
    }
    #expect(untouched("services") == ["chat", "tickets", "experiments"])
    #expect(untouched("lanes") == ["h100-assistant", "h100-shared"])
    #expect(untouched("rungs") == ["tickets: drafts"])
    #expect(!untouched("buckets").contains("batch"))
    #expect(!untouched("reasons").contains("bucket_short"))
  }

  @Test func silentAgentsStartNothing() throws {
    let files = PolicyStarter.files.map { name, text in
      (name: name, text: name.hasSuffix("test.yaml") ? Self.silent : text)
    }
    try Self.inFolder(files) { folder in
      let report = PolicyTestReport(files: [folder + "policy.policytest.yaml"])
      #expect(report.isPassed, "\(report.text)")
    }
  }

  private static let silent = """
    schema_version: 1
    kind: policy_test
    policy: policy.yaml
    given:
      agents: silent
      nodes: [nodes/gpu-1.yaml]
      claim: { action: answer, model_class: any, demand: { gpus: 1 }, runtime_max_seconds: 600 }
    tests:
      - name: a lease that nobody starts is taken back
        steps:
          - claim: { name: a, tenant: assistant, service: chat, lanes: [h100-assistant] }
            expect: { outcome: granted, state: starting, lease: true }
          - start: a
            expect: { outcome: done, of: a, state: running }
          - complete: a
            outcome: failed
            expect: { outcome: done, state: failed }
    """
}
