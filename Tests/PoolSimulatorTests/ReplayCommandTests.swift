import Foundation
import Testing

/// `pool-sim replay` as a person calls it: what it writes, and what it says of wrong files.
struct ReplayCommandTests {
  /// A folder that is there while a body runs, with files in it.
  private func withFiles(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "pool-sim-replay-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    try body(folder)
  }

  private func replay(_ folder: URL, _ words: String...) throws -> ScenarioProgram.Result {
    let full = words.map { word in
      word.contains(".") ? folder.appending(path: word).path : word
    }
    return try ScenarioProgram.call(["replay"] + full)
  }

  private static let files = ["nodes.csv": OpenbFixture.nodes, "pods.csv": OpenbFixture.pods]

  @Test(arguments: [
    ("best-fit", OpenbFixture.bestFit, "96.15 %"), ("fgd", OpenbFixture.fragmentation, "96.92 %"),
    ("offer-value", OpenbFixture.offerValueLearned, "97.69 %"),
  ])
  func placementsAreWritten(policy: String, places: String, allocated: String) throws {
    try withFiles(Self.files) { folder in
      let result = try replay(
        folder, "openb", "--nodes", "nodes.csv", "--pods", "pods.csv", "--out", "out.csv",
        "--policy", policy)
      #expect(result.code == 0 && result.err.isEmpty, "\(result.err)")
      #expect(result.out.hasPrefix("5 nodes, 13 GPUs of 3 models; 40 pods, 38 for GPUs\n"))
      #expect(result.out.contains("allocated  \(allocated) of the GPUs\n"))
      let written = try String(contentsOf: folder.appending(path: "out.csv"), encoding: .utf8)
      #expect(written == OpenbFixture.table(places))
    }
  }

  @Test func jobsOfTenantsAreReplayed() throws {
    let lines = (0..<40).map { "vc\($0 % 2),\($0),\($0 * 10),\([1, 8, 16][$0 % 3]),600" }
    let jobs = (["vc,job,submit_s,gpus,duration_s"] + lines).joined(separator: "\n")
    try withFiles(["jobs.csv": jobs]) { folder in
      let result = try replay(folder, "philly", "--jobs", "jobs.csv", "--nodes", "4")
      #expect(result.code == 0 && result.err.isEmpty, "\(result.err)")
      #expect(result.out.hasPrefix("32 GPUs on 4 nodes, 2 tenants, 40 jobs in "))
      for part in ["WAITS", "GPU-SECONDS", "Jain's index", "utilisation"] {
        #expect(result.out.contains(part), "\(part)")
      }
      let json = try replay(folder, "philly", "--jobs", "jobs.csv", "--nodes", "4", "--json")
      let document = try JSONSerialization.jsonObject(with: Data(json.out.utf8))
      let figures = (document as? [String: Any])?["result"] as? [String: Any]
      #expect((figures?["tenants"] as? [Any])?.count == 2)
    }
  }

  @Test(arguments: [
    ([], "replay needs the kind of the trace, one of: openb, philly"),
    (["opemb"], "replay knows no trace of the kind \"opemb\"; nearest known kind is \"openb\""),
    (["openb"], "replay openb needs --nodes FILE"),
    (["philly"], "replay philly needs --jobs FILE"),
    (["openb", "--jobs", "pods.csv"], "--jobs means nothing for openb; leave it out"),
    (["philly", "--out", "x.csv"], "--out means nothing for philly; leave it out"),
    (["philly", "--jobs", "no.csv"], "no.csv: there is no such file"),
    (["philly", "--jobs", "pods.csv"], "pods.csv:1: the first line must be vc,job,"),
  ])
  func wrongCallsAreToldWhatIsRight(words: [String], message: String) throws {
    try withFiles(Self.files) { folder in
      let full = words.map { $0.contains(".") ? folder.appending(path: $0).path : $0 }
      let result = try ScenarioProgram.call(["replay"] + full)
      #expect(result.code == 2 && result.out.isEmpty)
      #expect(result.err.contains(message), "\(result.err)")
    }
  }

  @Test(arguments: [
    (
      ["--policy", "fdg"], "--policy: there is none called \"fdg\"; nearest known policy is \"fgd\""
    ),
    (
      ["--policy", "fgd", "--mix", "learned"], "--mix: only offer-value learns a mix; use known"
    ),
    (
      ["--policy", "offer-value", "--mix", "knwon"],
      "--mix: there is none called \"knwon\"; nearest known mix is \"known\""
    ),
    (
      ["--policy", "offer-value", "--mix", "learned", "--mix-pods", "pods.csv"],
      "--mix-pods means nothing where the mix is learned"
    ),
    (["--mix", "known"], "--mix means nothing for best-fit, which looks at no mix"),
    (["--node-order", "pods.csv"], "pods.csv:1: there is no node cpu_milli,memory_mib"),
    (["--policy", "fgd", "--mix-pods", "nodes.csv"], "nodes.csv:1: the first line must name each"),
    (["--policy", "fgd", "--mix-pods", "bad.gz"], "bad.gz: cannot be unpacked: byte 2: it is not"),
  ])
  func wrongFlagsAreToldWhatIsRight(words: [String], message: String) throws {
    try withFiles(Self.files) { folder in
      try Data([0x1F, 0x8B] + Array(repeating: 0, count: 20)).write(
        to: folder.appending(path: "bad.gz"))
      let rest = words.map { $0.contains(".") ? folder.appending(path: $0).path : $0 }
      let files = ["nodes", "pods", "out"].flatMap {
        ["--\($0)", folder.appending(path: "\($0).csv").path]
      }
      let result = try ScenarioProgram.call(["replay", "openb"] + files + rest)
      #expect(result.code == 2 && result.out.isEmpty)
      #expect(result.err.contains(message), "\(result.err)")
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out.csv").path))
    }
  }
}
