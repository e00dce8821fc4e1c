import Foundation
import PoolAllocator
import PoolClient
import PoolViews
import PoolWire
import Testing

@testable import PoolService

/// What is measured, and what rests on it.
@Suite struct MetricsTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every metric that a rule or a panel names.
  private func named(in file: String) throws -> Set<String> {
    let text = try String(
      contentsOf: Self.root.appendingPathComponent(file), encoding: .utf8)
    return Set(text.matches(of: /gpupool_[a-z_]+/).map { String($0.output) })
  }

  @Test func everyMetricOfRulesAndPanelsExists() async throws {
    try await Rig.serving { rig in
      let tally = try await rig.server.decider.tally()
      let names = try await rig.server.decider.look { Metrics(tally, $0).names }
      for file in [
        "packaging/prometheus/alerts.yml", "packaging/prometheus/alerts.test.yml",
        "packaging/grafana/gpupool.json",
      ] {
        let named = try named(in: file)
        #expect(!named.isEmpty)
        #expect(named.subtracting(names) == [], "\(file)")
      }
    }
  }

  @Test func answersAreCounted() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      _ = try await root.send("POST", "v1/nodes", Documents.node())
      for name in ["c-1", "c-2"] {
        _ = try await root.send("POST", "v1/claims", Documents.claim(name))
      }
      let text = String(decoding: try await root.send("GET", "metrics").body, as: UTF8.self)
      let line = try #require(
        text.split(separator: "\n").first { $0.hasPrefix("gpupool_admission_decisions_total{") })
      #expect(line.contains(#"class="P1""#) && line.hasSuffix(" 2"))
    }
  }

  /// The lines of a metric, as they are now.
  private func lines(_ rig: Rig, _ name: String) async throws -> [String] {
    let text = String(decoding: try await rig.root.send("GET", "metrics").body, as: UTF8.self)
    return text.split(separator: "\n").map { String($0) }.filter {
      $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ")
    }
  }

  @Test func whatIsPromisedIsThere() async throws {
    try await Rig.serving { rig in
      let tally = try await rig.server.decider.tally()
      let names = try await rig.server.decider.look { Metrics(tally, $0).names }
      for name in [
        "fragmentation_ratio", "node_heartbeat_age_seconds", "reclaim_seconds_bucket",
        "lost_gpu_seconds_total", "early_retries_total", "privileged_calls_total",
        "slo_events_total", "anomaly_score", "degraded_total", "preemptions_total",
        "fairness_gap_ratio", "identity_keys_unread_seconds",
      ] { #expect(names.contains("gpupool_" + name)) }
    }
  }

  @Test func objectivesOfThePolicyInForceAreShown() async throws {
    try await Rig.serving(isPolicyDirect: true) { rig in
      let name = "gpupool_slo_queue_wait_seconds_target"
      #expect(try await lines(rig, name) == [])
      let policy = Documents.policy
        .replacingOccurrences(of: "\"generation\": 1,", with: "\"generation\": 2,")
        .replacingOccurrences(
          of: "\"order\":",
          with: """
            "slos": [
              {"class": "P3", "queue_wait_seconds": 600},
              {"class": "P1", "queue_wait_seconds": 1.5, "completion_rate_milli": 990,
               "cost_per_success_gpu_seconds": 0.25}],
             "order":
            """)
      _ = try await rig.root.send("PUT", "v1/policy", policy)
      #expect(
        try await lines(rig, name) == [
          name + #"{class="P1"} 1.5"#, name + #"{class="P3"} 600"#,
        ])
      let others =
        try await lines(rig, "gpupool_slo_completion_ratio_target")
        + lines(rig, "gpupool_slo_cost_per_success_gpu_seconds_target")
      #expect(
        others == [
          #"gpupool_slo_completion_ratio_target{class="P1"} 0.99"#,
          #"gpupool_slo_cost_per_success_gpu_seconds_target{class="P1"} 0.25"#,
        ])
    }
  }

  @Test func callsOfOperatorsAreCounted() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      _ = try await root.send("POST", "v1/nodes", Documents.node())
      _ = try await root.send("POST", "v1/nodes/n-1/cordon")
      _ = try await root.send("POST", "v1/claims", Documents.claim("c-1"))
      // The policy, the node, its invitation, and what became of it; nobody has to be asked for a
      // claim, and what is refused or renewed is no such call.
      let calls = try await lines(rig, "gpupool_privileged_calls_total")
      #expect(calls == [#"gpupool_privileged_calls_total{tenant=""} 4"#])
    }
  }

  @Test func workThatIsDrainedIsLost() async throws {
    try await Rig.serving { rig in
      var agent = try await rig.joined()
      let root = try rig.root
      func states() async throws -> [String] {
        let leases = try await root.send("GET", "v1/leases").object["leases"]
        return (leases as? [[String: Any]] ?? []).compactMap { $0["state"] as? String }
      }
      let first = try await root.send("POST", "v1/claims", Documents.claim("c-1", milli: 2000))
      #expect(first.status == 201)
      let second = try await root.send("POST", "v1/claims", Documents.claim("c-2", milli: 2000))
      let isPromised = second.object["starts_by_ms"] != nil
      try await agent.turn { try await states() == ["active"] }
      #expect(try await lines(rig, "gpupool_node_heartbeat_age_seconds").count == 1)
      let before = try await lines(rig, "gpupool_lost_gpu_seconds_total")
      #expect(before == ["gpupool_lost_gpu_seconds_total 0"])
      try await Task.sleep(for: .milliseconds(1_100))
      _ = try await root.send("DELETE", "v1/claims/acme/c-1")
      try await agent.turn {
        try await lines(rig, "gpupool_leases_granted_total") == ["gpupool_leases_granted_total 2"]
      }
      let kept = try await lines(rig, "gpupool_slo_events_total")
      #expect(
        kept == (isPromised ? [#"gpupool_slo_events_total{slo="p1-wait",good="true"} 1"#] : []))
      try await agent.turn { try await states() == ["active"] }
      _ = try await root.send("POST", "v1/nodes/n-1/drain", #"{"grace_seconds": 1}"#)
      try await agent.turn { try await states().isEmpty }
      let lost = try await lines(rig, "gpupool_lost_gpu_seconds_total").first ?? ""
      #expect(Double(lost.split(separator: " ").last ?? "") ?? 0 > 0, "\(lost)")
    }
  }

  @Test func theWorstOffIsMeasuredByWhatItWasTold() async throws {
    try await Rig.serving { rig in
      let root = try await rig.filled()
      let decider = rig.server.decider
      #expect(try await root.send("POST", "v1/claims", Documents.claim("c-1")).status == 202)
      let told = try await decider.look { $0 }
      let id = try #require(
        told.pool.claim(named: ClaimForm.key(tenant: "acme", name: "c-1")))
      var promises = WaitPromises()
      #expect(promises.worst(in: told) == nil)
      promises.promise(id, by: told.pool.now + Span(ns: 1), in: told.pool)
      #expect(promises.worst(in: told) == 0)
      // Whatever comes, pool time goes on.
      _ = try await root.send("DELETE", "v1/claims/acme/none")
      let later = try await decider.look { $0 }
      #expect(promises.worst(in: later) ?? 0 > 1_000)
      // A bound that does not hold any more is none that can be broken.
      #expect(try await root.send("POST", "v1/nodes/n-1/cordon").status == 200)
      let voided = try await decider.look { $0 }
      #expect(promises.worst(in: voided) == nil)
    }
  }

  @Test func whoComesBackTooEarlyIsCounted() {
    var retries = EarlyRetries()
    func at(_ second: Int64) -> Instant { Instant(ns: second * 1_000_000_000) }
    let (one, other) = (Key(high: 0, low: 1), Key(high: 0, low: 2))
    retries.note(one, retryAt: at(10), at: at(0))
    retries.note(other, retryAt: nil, at: at(0))
    #expect(retries.count == 0)
    retries.note(one, retryAt: at(10), at: at(4))
    #expect(retries.count == 1)
    retries.note(one, retryAt: nil, at: at(10))
    retries.note(one, retryAt: nil, at: at(11))
    #expect(retries.count == 1)
    for low in 0..<UInt64(2 * EarlyRetries.most) {
      retries.note(Key(high: 1, low: low), retryAt: at(99), at: at(0))
    }
    // What was told long ago is forgotten.
    retries.note(Key(high: 1, low: 0), retryAt: nil, at: at(0))
    #expect(retries.count == 1)
  }

  @Test func aMinuteIsComparedWithTheHourBefore() {
    var rates = RequestRates()
    func at(_ minute: Int64) -> Instant { Instant(ns: (60 * minute + 30) * 1_000_000_000) }
    for minute in 0..<Int64(90) {
      for _ in 0..<(minute == 89 ? 50 : 10) { rates.count("acme", at: at(minute)) }
      // One that asks seldom, and one that has just begun.
      if minute % 40 == 0 { rates.count("quiet", at: at(minute)) }
      if minute > 84 { rates.count("new", at: at(minute)) }
    }
    #expect(rates.scores(at: at(90)) == ["acme": 5_000, "quiet": 0])
    #expect(rates.scores(at: at(91))["acme"] == 0)
    // After hours of nothing.
    #expect(rates.scores(at: at(400))["acme"] == 0)
    rates.count("acme", at: at(400))
    #expect(rates.scores(at: at(401))["acme"] == 1_000)
    #expect(RequestRates().scores(at: .origin).isEmpty)
  }
}
