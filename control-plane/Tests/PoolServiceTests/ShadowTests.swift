import Foundation
import PoolAllocator
import PoolClient
import PoolLoop
import PoolWire
import StrictJSON
import Synchronization
import Testing

@testable import PoolService

/// Limits that the policy in force only observes.
@Suite struct ShadowTests {
  /// The allocator has identities of its own.
  private typealias Identity = PoolService.Identity

  /// The policy of the tests with buckets that are only observed to hold no more than one claim
  /// needs.
  private static let policy = Documents.policy
    .replacingOccurrences(of: #""generation": 1"#, with: #""generation": 2"#)
    .replacingOccurrences(
      of: #""burst_gpu_seconds": 1000"#,
      with: #""burst_gpu_seconds": {"shadow": 1, "enforced": 1000}"#
    )
    .replacingOccurrences(
      of: #""refill_gpu_seconds_per_hour": 3600"#,
      with: #""refill_gpu_seconds_per_hour": {"shadow": 0, "enforced": 3600}"#)

  /// What is said of them once all that was answered is followed.
  private static func shadow(_ rig: Rig) async throws -> [String: Any] {
    await withCheckedContinuation { next in
      rig.server.decider.shadow.queue.async { next.resume() }
    }
    let reply = try await rig.root.send("GET", "v1/policy/shadow")
    #expect(reply.status == 200)
    return reply.object
  }

  private static func metrics(_ rig: Rig) async throws -> [String] {
    let text = String(decoding: try await rig.root.send("GET", "metrics").body, as: UTF8.self)
    return text.split(separator: "\n").map { String($0) }.filter {
      $0.hasPrefix("gpupool_shadow_")
    }
  }

  @Test func aClaimThatIsGrantedAndWouldNotBeIsCounted() async throws {
    try await Rig.serving(isPolicyDirect: true) { rig in
      _ = try await rig.joined()
      let root = try rig.root
      #expect(try await root.send("PUT", "v1/policy", Self.policy).status == 200)
      for name in ["c-1", "c-2"] {
        #expect(try await root.send("POST", "v1/claims", Documents.claim(name)).status == 201)
      }
      let answer = try await Self.shadow(rig)
      #expect(answer["state"] as? String == "running")
      #expect(answer["policy_generation"] as? Int == 2)
      #expect(answer["commands"] as? Int ?? 0 >= 2)
      let counts = answer["counts"] as? [[String: Any]] ?? []
      #expect(counts.count == 1)
      #expect(counts.first?["tenant"] as? String == "acme")
      #expect(counts.first?["would_be"] as? String == "parked")
      #expect(counts.first?["reason"] as? String == "bucket_short")
      #expect(counts.first?["claims"] as? Int == 1)
      let difference = (answer["differences"] as? [[String: Any]])?.first ?? [:]
      #expect(difference["claim"] as? String == "c-2")
      #expect(difference["decided"] as? String == "granted")
      let sentence = difference["sentence"] as? String ?? ""
      #expect(sentence.hasPrefix("bucket \"acme\" holds 0.4 of 1.2"), "\(sentence)")
      let lines = try await Self.metrics(rig)
      #expect(lines.contains("gpupool_shadow_running 1"))
      #expect(
        lines.contains(
          #"gpupool_shadow_denied_total{tenant="acme",class="P1",outcome="parked","#
            + #"reason="bucket_short"} 1"#), "\(lines)")
    }
  }

  @Test func nothingIsObservedWhereNothingIsMarked() async throws {
    try await Rig.serving(isPolicyDirect: true) { rig in
      _ = try await rig.root.send("POST", "v1/claims", Documents.claim("c-1"))
      let answer = try await Self.shadow(rig)
      #expect(answer["state"] as? String == "off")
      #expect(answer["commands"] as? Int == 0)
      #expect(try await Self.metrics(rig).isEmpty)
    }
  }

  @Test func tenantsDoNotSeeIt() async throws {
    try await Rig.serving(isPolicyDirect: true) { rig in
      let owner = try rig.client(Identity("human:lead", .owner, of: "acme"))
      #expect(try await owner.send("GET", "v1/policy/shadow").status == 403)
      // What is only observed is nowhere in what a tenant sees of its bucket.
      #expect(try await rig.root.send("PUT", "v1/policy", Self.policy).status == 200)
      let buckets = try await owner.send("GET", "v1/buckets").object["buckets"] as? [[String: Any]]
      #expect(buckets?.first?["burst_gpu_seconds"] as? Int == 1000)
    }
  }

  @Test func aServerThatBeginsObservesAnewAndAPolicyWithoutMarksEndsIt() async throws {
    try await Rig.inFolder { folder in
      try await Rig.serving(folder, isPolicyDirect: true) { rig in
        _ = try await rig.joined()
        let root = try rig.root
        #expect(try await root.send("PUT", "v1/policy", Self.policy).status == 200)
        for name in ["c-1", "c-2"] {
          #expect(try await root.send("POST", "v1/claims", Documents.claim(name)).status == 201)
        }
        let counts = try await Self.shadow(rig)["counts"] as? [Any]
        #expect(counts?.count == 1)
      }
      try await Rig.serving(folder, isPolicyDirect: true) { rig in
        let begun = try await Self.shadow(rig)
        #expect(begun["state"] as? String == "running")
        #expect(begun["policy_generation"] as? Int == 2)
        #expect((begun["counts"] as? [Any])?.isEmpty == true)
        let later = Documents.policy.replacingOccurrences(
          of: #""generation": 1"#, with: #""generation": 3"#)
        #expect(try await rig.root.send("PUT", "v1/policy", later).status == 200)
        let ended = try await Self.shadow(rig)
        #expect(ended["state"] as? String == "off")
      }
    }
  }

  @Test func whatCannotKeepUpGivesUpAndSaysSo() async throws {
    let document = try PolicyDocument(try JSONDocument(text: Self.policy))
    var pool = Pool()
    var log = EventLog()
    _ = pool.apply(.activate(document.generation, document.policy), at: .origin, into: &log)
    let notes = Mutex<[String]>([])
    let shadow = Shadow(backlogMost: 1) { note in notes.withLock { $0.append(note) } }
    shadow.queue.suspend()
    shadow.begin(pool, document)
    var loop = Loop(after: pool, at: ClockReading(elapsed: 0, utc: 0))
    for round in 0..<3 {
      let reading = ClockReading(elapsed: Int64(round) * 1_000_000_000_000, utc: 0)
      guard let batch = loop.run(at: reading).batch else { continue }
      shadow.follow(batch)
      loop.batchIsDurable(batch.number)
    }
    #expect(shadow.figures.standing == .stopped)
    #expect(shadow.figures.because == "more than 1 commands wait to be followed")
    #expect(notes.withLock { $0.count } == 1)
    shadow.queue.resume()
    await withCheckedContinuation { next in shadow.queue.async { next.resume() } }
    #expect(shadow.figures.commands == 0)
    // The next policy is observed again.
    shadow.begin(loop.pool, document, after: .max)
    #expect(shadow.figures.standing == .running)
  }
}
