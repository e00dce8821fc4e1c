import ArgumentParser
import Foundation
import PoolClient

/// `poolctl queue`.
struct Queue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the claims that wait, in order.")
  @OptionGroup var common: Common

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", ["v1", "queue"])
    }
    let now = (reply.object["at_ms"] as? NSNumber)?.doubleValue ?? 0
    let columns = Columns(
      header: ["POS", "CLAIM", "TENANT", "CLASS", "AGE", "LANES", "STATE", "REASON", "STARTS BY"],
      optional: ["LANES", "AGE"], name: "claim"
    ) { row in
      let first = (row["blocking"] as? [[String: Any]])?.first
      let bound = row["unbounded"] as? String
      return [
        Output.text(row, "position"), Output.text(row, "claim"), Output.text(row, "tenant"),
        Output.text(row, "class"), Output.ago(row, "submitted_at_ms", at: now),
        Output.text(row, "lanes"), Output.text(row, "state"),
        first.map { Output.text($0, "code") } ?? "-",
        bound.map { "unbounded: \($0)" } ?? Output.ahead(row, "starts_by_ms", at: now),
      ]
    }
    try Output.show(reply, list: "waiting", columns, as: common.format)
  }
}

/// `poolctl leases`.
struct Leases: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the leases that live.")
  @OptionGroup var common: Common

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", ["v1", "leases"])
    }
    let now = (reply.object["at_ms"] as? NSNumber)?.doubleValue ?? 0
    let columns = Columns(
      header: ["LEASE", "CLAIM", "TENANT", "STATE", "LANE", "NODE", "DEVICES", "ENDS", "FENCING"],
      optional: ["DEVICES", "LANE"], name: "lease"
    ) { row in
      let devices = (row["devices"] as? [[String: Any]] ?? []).map { Output.text($0, "uuid") }
      return ["lease", "claim", "tenant", "state", "lane", "node"].map { Output.text(row, $0) }
        + [
          devices.joined(separator: " "), Output.ahead(row, "ends_at_ms", at: now),
          Output.text(row, "fencing"),
        ]
    }
    try Output.show(reply, list: "leases", columns, as: common.format)
  }
}

/// `poolctl nodes`.
struct Nodes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the nodes (operators).")
  @OptionGroup var common: Common

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", ["v1", "nodes"])
    }
    let columns = Columns(
      header: ["NODE", "STATE", "DUTY", "DEVICES", "LEASES", "CORES FREE", "CORES", "MEM FREE"],
      optional: ["MEM FREE", "CORES FREE"], name: "node"
    ) { row in
      ["node", "reach", "duty", "devices", "leases"].map { Output.text(row, $0) }
        + [
          Output.milli(row, "cpu_free_milli"), Output.milli(row, "cpu_milli"),
          Output.gibibytes(row, "host_memory_free_bytes"),
        ]
    }
    try Output.show(reply, list: "nodes", columns, as: common.format)
  }
}

/// `poolctl lanes`.
struct Lanes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the lanes of the pools.")
  @OptionGroup var common: Common

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", ["v1", "lanes"])
    }
    let columns = Columns(
      header: ["LANE", "PROFILE", "FOR", "ADMITS", "CAPACITY", "GRANTED", "FREE", "LEASES"],
      optional: ["ADMITS"], name: "lane"
    ) { row in
      [
        Output.text(row, "lane"), Output.text(row, "profile"),
        row["reserved_for"] as? String ?? "shared", Output.text(row, "admits"),
        Output.milli(row, "capacity_milli"), Output.milli(row, "granted_milli"),
        Output.milli(row, "free_milli"), Output.text(row, "leases"),
      ]
    }
    try Output.show(reply, list: "lanes", columns, as: common.format)
  }
}

/// `poolctl usage`.
struct Usage: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the buckets of tenants: what they hold, and what is reserved of it.")
  @OptionGroup var common: Common

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", ["v1", "buckets"])
    }
    let columns = Columns(
      header: ["BUCKET", "TENANT", "LEVEL GPU-S", "BURST", "REFILL/S", "RESERVED", "LEASES"],
      name: "bucket"
    ) { row in
      [
        "bucket", "tenant", "level_gpu_seconds", "burst_gpu_seconds",
        "refill_gpu_seconds_per_second", "reserved_gpu_seconds", "leases",
      ].map { Output.text(row, $0) }
    }
    try Output.show(reply, list: "buckets", columns, as: common.format)
  }
}
