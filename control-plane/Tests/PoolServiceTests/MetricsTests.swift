import Foundation
import PoolClient
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
}
