import Foundation
import PolicyTesting
import PoolAllocator
import Testing

/// What changes from one policy to another: in words, and for recorded decisions.
@Suite struct PolicyDifferenceTests {
  private static let starter = PolicyStarter.files.first { $0.name == "policy.yaml" }?.text ?? ""

  /// The starter's policy beside one in which texts are replaced, in a folder with its node.
  private func compared(
    _ replaced: [(old: String, new: String)], _ body: (String) throws -> Void
  ) throws {
    var text = Self.starter
    for (old, new) in replaced {
      #expect(text.contains(old), "\(old)")
      text = text.replacingOccurrences(of: old, with: new)
    }
    try ExamplePolicyTests.inFolder(PolicyStarter.files + [(name: "new.yaml", text: text)], body)
  }

  private static let cases: [(old: String, new: String, expected: [String])] = [
    (
      "burst_gpu_seconds: 150", "burst_gpu_seconds: 300",
      ["tenant batch: burst of bucket batch 150 → 300 GPU-seconds"]
    ),
    (
      "refill_gpu_seconds_per_hour: 360 }", "refill_gpu_seconds_per_second: 0.2 }",
      ["tenant batch: refill of bucket batch 360 → 720 GPU-seconds an hour"]
    ),
    (
      "bucket: { burst_gpu_seconds: 150, refill_gpu_seconds_per_hour: 360 }",
      """
      bucket:
            burst_gpu_seconds: 150
            refill_gpu_seconds_per_hour: 360
            by: action
            children: { answer: { burst_gpu_seconds: 9, refill_gpu_seconds_per_hour: 0 } }
      """,
      [
        "tenant batch: by of bucket batch not set → action",
        "tenant batch: bucket batch > answer added",
      ]
    ),
    (
      "classes: [P2]\n", "classes: [P2, P3]\n    weight: 2\n",
      ["tenant research: classes P2 → P2, P3", "tenant research: weight not set → 2"]
    ),
    (
      "expected_runtime: 0.5", "expected_runtime: 0.4",
      ["service tickets: expected runtime of rung drafts 0.5 → 0.4"]
    ),
    (
      "{ name: reindex, tenant: batch, class: P3, owner: platform-team }",
      """
      name: index
          tenant: batch
          class: P3
          owner: platform-team
          approval: { approvers: [ann], lapses_after_seconds: 60 }
      """, ["service reindex: removed", "service index: added"]
    ),
    (
      "risk: low", "risk: low\n    approval: { approvers: [ann], lapses_after_seconds: 60 }",
      ["service tickets: approval added"]
    ),
    (
      "lease_max_seconds: 1800", "lease_max_seconds: 900",
      ["lane l4-shared: lease max 1800 → 900 s"]
    ),
    ("dwell_seconds: 30", "dwell_seconds: 60", ["gauge h100-queue: dwell 30 → 60 s"]),
    (
      "ageing_step_seconds: 60", "ageing_step_seconds: unlimited",
      ["order: ageing step 60 s → unlimited"]
    ),
    (
      "completion_rate_milli: 995", "completion_rate_milli: 999",
      ["objectives of P0: completion rate 995 → 999 thousandths"]
    ),
    (
      "pressure:\n",
      "cost_model: [{ action: answer, model_class: any, base_seconds: 1 }]\npressure:\n",
      ["cost of answer on any: added"]
    ),
    ("generation: 1", "generation: 2", ["policy: generation 1 → 2"]),
    (
      "burst_gpu_seconds: 150", "burst_gpu_seconds: { shadow: 100, enforced: 150 }",
      ["tenant batch: burst of bucket batch 150 → 150 (100 observed) GPU-seconds"]
    ),
    (
      "refill_gpu_seconds_per_hour: 360 }",
      "refill_gpu_seconds_per_second: { shadow: 0.05, enforced: 0.1 } }",
      ["tenant batch: refill of bucket batch 360 → 360 (180 observed) GPU-seconds an hour"]
    ),
    (
      "classes: [P2]\n", "classes: { shadow: [P2], enforced: [P2, P3] }\n",
      ["tenant research: classes P2 → P2, P3 (P2 observed)"]
    ),
  ]

  @Test("words of a change", arguments: cases)
  func words(old: String, new: String, expected: [String]) throws {
    try compared([(old, new)]) { folder in
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml")
      #expect(difference.changes.map(\.line) == expected)
      #expect(!difference.isEmpty)
      // And back: what was added is removed.
      let back = try PolicyDifference(old: folder + "new.yaml", new: folder + "policy.yaml")
      #expect(back.changes.count == expected.count)
    }
  }

  @Test func theSameInOtherWordsIsNothing() throws {
    try compared([
      ("refill_gpu_seconds_per_hour: 360 }", "refill_gpu_seconds_per_second: 0.100 }"),
      ("weight: 1.0,", "weight: 1,"), ("classes: [P0, P1]", "classes: [P1, P0]"),
    ]) { folder in
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml")
      #expect(difference.isEmpty && difference.isSameToAllocator)
      #expect(difference.text == "nothing changes")
    }
  }

  @Test func aLimitThatIsObservedIsOneValue() throws {
    try compared([
      ("burst_gpu_seconds: 150", "burst_gpu_seconds: { shadow: 100, enforced: 150 }"),
      ("classes: [P2]\n", "classes: { shadow: [P2], enforced: [P2, P3] }\n"),
    ]) { folder in
      let new = folder + "new.yaml"
      #expect(try PolicyDifference(old: new, new: new).text == "nothing changes")
      let text = try String(contentsOfFile: new, encoding: .utf8)
        .replacingOccurrences(of: "shadow: 100", with: "shadow: 90")
      try Data(text.utf8).write(to: URL(filePath: folder + "tighter.yaml"))
      let difference = try PolicyDifference(old: new, new: folder + "tighter.yaml")
      #expect(
        difference.changes.map(\.line) == [
          "tenant batch: burst of bucket batch 150 (100 observed) → 150 (90 observed) GPU-seconds"
        ])
      #expect(difference.isSameToAllocator)
    }
  }

  @Test func aDefaultThatIsWrittenOutIsAChangeOfWordsAlone() throws {
    try compared([("queue_max: 200", "queue_max: 200\n    weight: 1")]) { folder in
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml")
      #expect(difference.changes.map(\.line) == ["tenant batch: weight not set → 1"])
      #expect(difference.isSameToAllocator)
      #expect(difference.text.hasSuffix("the allocator reads the same out of both"))
    }
  }

  // MARK: a journal

  /// Three claims of ten minutes on an L4: the bucket pays two, and the third waits until they give
  /// back what they did not use.
  private func record(_ folder: String) throws -> String {
    var scene = try RecordedScene(folder)
    for name in ["one", "two", "three"] {
      scene.ask(name, of: "batch", "reindex", in: "l4-shared", at: 1, runtime: 600, runs: 300)
    }
    scene.ask("run", of: "research", "experiments", in: "h100-shared", at: 1, runtime: 60, runs: 9)
    try scene.write(to: folder + "journal")
    return folder + "journal"
  }

  @Test func aGreaterBurstLetsTheThirdClaimThrough() throws {
    try compared([("burst_gpu_seconds: 150", "burst_gpu_seconds: 300")]) { folder in
      let journal = try record(folder)
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml", journal: journal)
      let found = try #require(difference.journal)
      #expect(found.requests == 4 && found.changed == 1 && found.isUnderOld)
      let batch = try #require(found.tenants.first { $0.name == "batch" })
      #expect(batch.requests == 3 && batch.counts.map(\.kind) == [.waitsLess])
      #expect(batch.counts.first?.examples.map(\.now) == ["after 0 s"])
      #expect(difference.text.contains("1 of 4 requests of "), "\(difference.text)")
      #expect(difference.json.contains(#""change": "waits_less""#))
    }
  }

  @Test func aBurstBelowTheFirstReservationRefusesAll() throws {
    try compared([("burst_gpu_seconds: 150", "burst_gpu_seconds: 50")]) { folder in
      let journal = try record(folder)
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml", journal: journal, hours: 24)
      let batch = try #require(difference.journal?.tenants.first { $0.name == "batch" })
      #expect(batch.counts.map(\.kind) == [.refused] && batch.changed == 3)
      let examples = batch.counts.first?.examples ?? []
      #expect(examples.map(\.was) == ["granted", "granted", "parked"])
      #expect(examples.allSatisfy { $0.now == "infeasible (price_exceeds_cap)" })
    }
  }

  @Test func theRecordedPolicyChangesNothing() throws {
    try compared([]) { folder in
      let journal = try record(folder)
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml", journal: journal)
      #expect(difference.isEmpty && difference.journal?.isUnderOld == true)
    }
  }

  @Test func aClaimThatLivedWhenThePolicyCameIsOneOfTheRequests() throws {
    let bucket = "bucket: { burst_gpu_seconds: 3600, refill_gpu_seconds_per_hour: 3600 }"
    try compared([
      (bucket, "bucket: { burst_gpu_seconds: 120, refill_gpu_seconds_per_hour: 0 }")
    ]) { folder in
      var scene = try RecordedScene(folder)
      scene.ask(
        "long", of: "research", "experiments", in: "h100-shared", at: 1, runtime: 7_200,
        runs: 7_000)
      try scene.write(to: folder + "journal")
      // It began an hour before the other policy, which pays two minutes more.
      let difference = try PolicyDifference(
        old: folder + "policy.yaml", new: folder + "new.yaml", journal: folder + "journal",
        hours: 1)
      let found = try #require(difference.journal)
      #expect(found.requests == 1 && found.changed == 1)
      #expect(difference.text.contains("tenant research: 1 of 1 requests change"))
    }
  }

  @Test func aPolicyThatTheRecordedPoolRefusesIsTold() throws {
    let bucket = "bucket: { burst_gpu_seconds: 150, refill_gpu_seconds_per_hour: 360 }"
    let divided = """
      bucket:
            burst_gpu_seconds: 150
            refill_gpu_seconds_per_hour: 360
            by: action
            children: { answer: { burst_gpu_seconds: 9, refill_gpu_seconds_per_hour: 0 } }
      """
    try compared([(bucket, divided)]) { folder in
      // As many buckets as the recorded policy has.
      var limits = Limits()
      limits.buckets = 3
      try RecordedScene(folder, limits: limits).write(to: folder + "journal")
      do throws(SourceErrors) {
        _ = try PolicyDifference(
          old: folder + "policy.yaml", new: folder + "new.yaml", journal: folder + "journal")
        Issue.record("the policy was taken")
      } catch {
        let said = "the pool that recorded \(folder)journal refuses the policy; a table of the pool"
        #expect(error.description.contains(said), "\(error)")
      }
    }
  }

  @Test func aJournalThatIsNoneIsTold() throws {
    try compared([]) { folder in
      for (name, said) in [("README.md", "is no journal"), ("none", "cannot be read")] {
        do throws(SourceErrors) {
          _ = try PolicyDifference(
            old: folder + "policy.yaml", new: folder + "new.yaml", journal: folder + name)
          Issue.record("\(name) was read")
        } catch {
          #expect(error.description.contains(said), "\(error)")
        }
      }
    }
  }
}
