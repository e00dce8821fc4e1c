import ArgumentParser
import Foundation
import PoolClient
import PoolConsole

/// `poolctl top`.
struct Top: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the pool on one screen, again and again: lanes, tenants, who waits first.",
    discussion: "Once with another -o than a table, or where there is no terminal.")
  @OptionGroup var common: Common
  @OptionGroup var pace: Pace

  /// Rows of the tenants and of the queue. Unit: rows.
  private static let rowsMost = 8

  func run() async throws {
    let client = try common.client()
    func ask() async throws -> Reply {
      try await attempt { () async throws(ClientError) in
        try await client.ask("GET", ["v1", "status"])
      }
    }
    guard common.format == .table || common.format == .wide else {
      return try Output.show(try await ask(), as: common.format)
    }
    try await Screen.run(every: pace.seconds) {
      Self.lines(try await ask().object, as: common.format)
    }
  }

  private static func lines(_ status: [String: Any], as format: Format) -> [String] {
    let pool = status["pool"] as? [String: Any] ?? [:]
    let now = (pool["at_ms"] as? NSNumber)?.doubleValue ?? 0
    func rows(_ name: String, _ object: [String: Any]) -> [[String: Any]] {
      object[name] as? [[String: Any]] ?? []
    }
    let (lanes, nodes) = (rows("lanes", pool), rows("nodes", pool))
    let (leases, waiting) = (rows("leases", status), rows("waiting", status))
    let ready = nodes.filter { $0["reach"] as? String == "ready" }.count
    var counts = ["leases \(leases.count)", "waiting \(Output.text(pool, "waiting_claims"))"]
    if !nodes.isEmpty { counts.append("nodes ready \(ready) of \(nodes.count)") }
    counts.append("policy generation \(Output.text(pool, "policy_generation"))")
    let busiest = tenants(leases, waiting, rows("buckets", pool)).prefix(rowsMost)
    var lines = ["POOL  " + counts.joined(separator: "   "), ""]
    lines += Output.table(lanes, Lanes.listing.columns(now), as: format) + [""]
    lines += Output.table(Array(busiest), tenantColumns, as: format) + [""]
    lines += Output.table(
      Array(waiting.prefix(rowsMost)), Queue.listing.columns(now), as: format)
    return lines
  }

  /// Tenants by what they have and ask, the busiest first.
  private static func tenants(
    _ leases: [[String: Any]], _ waiting: [[String: Any]], _ buckets: [[String: Any]]
  ) -> [[String: Any]] {
    func counts(_ rows: [[String: Any]]) -> [String: Int] {
      Dictionary(grouping: rows) { $0["tenant"] as? String ?? "" }.mapValues { $0.count }
    }
    let (running, asking) = (counts(leases), counts(waiting))
    let means = Dictionary(grouping: buckets) { $0["tenant"] as? String ?? "" }
    let names = Set(running.keys).union(asking.keys).union(means.keys).subtracting([""])
    let sorted = names.sorted {
      let left = (running[$0] ?? 0, asking[$0] ?? 0)
      let right = (running[$1] ?? 0, asking[$1] ?? 0)
      return left == right ? $0 < $1 : left > right
    }
    return sorted.map { name in
      var row = means[name]?.first ?? [:]
      row["tenant"] = name
      row["leases"] = running[name] ?? 0
      row["waiting"] = asking[name] ?? 0
      return row
    }
  }

  private static var tenantColumns: Columns {
    Columns(
      header: ["TENANT", "LEASES", "WAITING", "LEVEL GPU-S", "BURST", "RESERVED"], name: "tenant"
    ) { row in
      [
        "tenant", "leases", "waiting", "level_gpu_seconds", "burst_gpu_seconds",
        "reserved_gpu_seconds",
      ].map { Output.text(row, $0) }
    }
  }
}
