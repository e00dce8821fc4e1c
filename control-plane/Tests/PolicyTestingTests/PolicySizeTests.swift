import Foundation
import PolicyTesting
import Testing

/// Refill and burst from recorded claims, with figures that were worked out by hand.
@Suite struct PolicySizeTests {
  /// A day and a bit: four claims an hour, ten minutes apart, of 100 s on an L4 at 0.12: 12
  /// GPU-seconds each; once, four of them at one moment.
  private func record(_ folder: String, hours: Int64 = 25) throws -> String {
    var scene = try RecordedScene(folder)
    for hour in 0..<hours {
      for (index, second) in [Int64(1), 601, 1_201, 1_801].enumerated() {
        for number in 0..<(hour == 10 && index == 3 ? 4 : 1) {
          scene.ask(
            "c-\(hour)-\(index)-\(number)", of: "batch", "reindex", in: "l4-shared",
            at: hour * 3_600 + second, runtime: 100, runs: 100)
        }
      }
    }
    try scene.write(to: folder + "journal")
    return folder + "journal"
  }

  /// The starter, with a text of its policy replaced after the journal was recorded.
  private func sized(
    _ old: String = "", _ new: String = "", hours: Int64 = 25,
    _ body: (_ folder: String, _ journal: String) throws -> Void
  ) throws {
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { folder in
      let journal = try record(folder, hours: hours)
      let policy = try String(contentsOfFile: folder + "policy.yaml", encoding: .utf8)
      let text = old.isEmpty ? policy : policy.replacingOccurrences(of: old, with: new)
      #expect(old.isEmpty || text != policy)
      try Data(text.utf8).write(to: URL(filePath: folder + "policy.yaml"))
      try body(folder, journal)
    }
  }

  @Test func figuresAreThoseWorkedOutByHand() throws {
    try sized { folder, journal in
      let nodes = [folder + "nodes/gpu-1.yaml"]
      let size = try PolicySize(file: folder + "policy.yaml", journal: journal, nodes: nodes)
      let batch = try #require(size.suggestions.first { $0.bucket == "batch" })
      #expect(size.hours == 24 && batch.claims == 103)
      #expect(batch.price95 == 12_000_000)
      // 48 GPU-seconds an hour, 13 333.3 credits a second, rounded up. 360 000 credits a second of
      // three L4 are shared by three tenants, so nothing bounds it.
      #expect(batch.suggestedRefill == 13_334 && !batch.isBounded)
      // The sixth greatest of 103: what is owed after the four at one moment and the hours behind.
      #expect(batch.suggestedBurst == 59_986_800)
      // Ten minutes of waiting are worth ten minutes of refill.
      let later = try PolicySize(
        file: folder + "policy.yaml", journal: journal, nodes: nodes, waits: ["P3": 600_000])
      #expect(later.suggestions.map(\.suggestedBurst).last == 51_986_400)
      #expect(size.text.contains("refill 360 → 48.0024 GPU-seconds an hour"), "\(size.text)")
      #expect(size.text.contains("burst 150 → 59.9868 GPU-seconds"), "\(size.text)")
      // Nobody asked anything of the others.
      #expect(size.suggestions.filter { $0.suggestedBurst == nil }.count == 2)
      #expect(size.text.contains("bucket research: nothing is suggested: 0 claims in 24 whole"))
      #expect(size.json.contains(#""suggested_burst_gpu_seconds": 59.9868"#), "\(size.json)")
    }
  }

  @Test func aClaimThatIsRefusedFirstCountsWhenItIsTakenIn() throws {
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { folder in
      var scene = try RecordedScene(folder)
      // P3 may not enter the H100: both are refused, and one names another lane then.
      for name in ["once", "never"] {
        scene.ask(
          name, of: "batch", "reindex", in: "h100-shared", at: 1, runtime: 100, runs: 100)
      }
      scene.ask("once", of: "batch", "reindex", in: "l4-shared", at: 2, runtime: 100, runs: 100)
      try scene.write(to: folder + "journal")
      let size = try PolicySize(file: folder + "policy.yaml", journal: folder + "journal")
      let batch = try #require(size.suggestions.first { $0.bucket == "batch" })
      #expect(batch.claims == 1 && batch.price95 == 12_000_000)
    }
  }

  @Test func theShareOfTheDevicesBoundsTheRefill() throws {
    // 360 000 × 50 ∕ 2 050 credits a second, of which 31.608 GPU-seconds come in an hour.
    try sized("queue_max: 200", "queue_max: 200\n    weight: 0.05") { folder, journal in
      let size = try PolicySize(
        file: folder + "policy.yaml", journal: journal, nodes: [folder + "nodes/gpu-1.yaml"])
      let batch = try #require(size.suggestions.first { $0.bucket == "batch" })
      #expect(batch.isBounded && batch.suggestedRefill == 8_780)
      #expect(batch.suggestedBurst == 438_480_000)
    }
  }

  @Test func aShortRecordSuggestsNothing() throws {
    try sized(hours: 2) { folder, journal in
      let size = try PolicySize(file: folder + "policy.yaml", journal: journal)
      #expect(size.suggestions.allSatisfy { $0.suggestedRefill == nil })
      #expect(
        size.text.contains("bucket batch: nothing is suggested: 8 claims in 1 whole hours"),
        "\(size.text)")
      let check = PolicyCheck(file: folder + "policy.yaml", journal: journal)
      #expect(check.findings.map(\.code) == ["record_too_short"] && check.isClean)
    }
  }

  @Test func theCheckKnowsWhatClaimsCost() throws {
    let burst = "burst_gpu_seconds: 150"
    try sized(burst, "burst_gpu_seconds: 10") { folder, journal in
      let check = PolicyCheck(file: folder + "policy.yaml", journal: journal)
      let finding = try #require(
        check.findings.first { $0.code == "burst_below_recorded_p95" }, "\(check.text)")
      #expect(
        finding.problem
          == "of 103 recorded claims 95 of a hundred cost at most 12 GPU-seconds, and \"batch\""
          + " never holds more than 10")
    }
    try sized { folder, journal in
      let check = PolicyCheck(file: folder + "policy.yaml", journal: journal)
      #expect(check.findings.isEmpty, "\(check.text)")
    }
  }
}
