import ArgumentParser
import Foundation
import PoolClient

/// `poolctl queue`.
struct Queue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the claims that wait, in order.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  static let listing = Listing(path: ["v1", "queue"], list: "waiting") { now in
    Columns(
      header: [
        "POS", "CLAIM", "TENANT", "CLASS", "AGE", "LANES", "STATE", "REASON", "STARTS BY", "LIKELY",
      ], optional: ["LANES", "AGE", "LIKELY"], name: "claim"
    ) { row in
      let first = (row["blocking"] as? [[String: Any]])?.first
      let bound = row["unbounded"] as? String
      return [
        Output.text(row, "position"), Output.text(row, "claim"), Output.text(row, "tenant"),
        Output.text(row, "class"), Output.ago(row, "submitted_at_ms", at: now),
        Output.text(row, "lanes"), Output.text(row, "state"),
        first.map { Output.text($0, "code") } ?? "-",
        bound.map { "unbounded: \($0)" } ?? Output.ahead(row, "starts_by_ms", at: now),
        Output.ahead(row["likely"] as? [String: Any] ?? [:], "p50_ms", at: now),
      ]
    }
  }

  func run() async throws { try await Self.listing.run(common, watching) }
}

/// `poolctl leases`.
struct Leases: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the leases that live.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  private static let listing = Listing(path: ["v1", "leases"], list: "leases") { now in
    Columns(
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
  }

  func run() async throws { try await Self.listing.run(common, watching) }
}

/// `poolctl nodes`.
struct Nodes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the nodes (operators).")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  private static let listing = Listing(path: ["v1", "nodes"], list: "nodes") { _ in
    Columns(
      header: [
        "NODE", "STATE", "DUTY", "DEVICES", "LEASES", "CORES FREE", "CORES", "MEM FREE", "MEM",
      ], optional: ["MEM", "MEM FREE", "CORES FREE"], name: "node"
    ) { row in
      ["node", "reach", "duty", "devices", "leases"].map { Output.text(row, $0) }
        + [
          Output.milli(row, "cpu_free_milli"), Output.milli(row, "cpu_milli"),
          Output.gibibytes(row, "host_memory_free_bytes"),
          Output.gibibytes(row, "host_memory_bytes"),
        ]
    }
  }

  func run() async throws { try await Self.listing.run(common, watching) }
}

/// `poolctl lanes`.
struct Lanes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the lanes of the pools.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  static let listing = Listing(path: ["v1", "lanes"], list: "lanes") { _ in
    Columns(
      header: [
        "LANE", "PROFILE", "FOR", "ADMITS", "CAPACITY", "GRANTED", "LENT", "FREE", "LEASES",
      ], optional: ["ADMITS", "LENT"], name: "lane"
    ) { row in
      [
        Output.text(row, "lane"), Output.text(row, "profile"),
        row["reserved_for"] as? String ?? "shared", Output.text(row, "admits"),
        Output.milli(row, "capacity_milli"), Output.milli(row, "granted_milli"),
        Output.milli(row, "lent_milli"), Output.milli(row, "free_milli"),
        Output.text(row, "leases"),
      ]
    }
  }

  func run() async throws { try await Self.listing.run(common, watching) }
}

/// `poolctl usage`.
struct Usage: AsyncParsableCommand {
  /// What rows of a tenant's usage are of.
  enum Rows: String, CaseIterable, ExpressibleByArgument {
    case `class`, hour
  }

  static let configuration = CommandConfiguration(
    abstract: "Shows the buckets of tenants: what they hold, and what is reserved of it.",
    discussion: """
      With --tenant what its work reserved and was charged in the last 48 hours instead, by class \
      or by class and hour.
      """)
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching
  @Option(help: "The tenant whose work is shown.")
  var tenant: String?
  @Option(help: "class or hour.")
  var by = Rows.class

  private static let listing = Listing(path: ["v1", "buckets"], list: "buckets") { now in
    Columns(
      header: [
        "BUCKET", "TENANT", "LEVEL GPU-S", "BURST", "REFILL/S", "RESERVED", "LEASES", "EMERGENCY",
      ], optional: ["EMERGENCY"], name: "bucket"
    ) { row in
      [
        "bucket", "tenant", "level_gpu_seconds", "burst_gpu_seconds",
        "refill_gpu_seconds_per_second", "reserved_gpu_seconds", "leases",
      ].map { Output.text(row, $0) } + [Output.ahead(row, "emergency_until_ms", at: now)]
    }
  }

  /// What a tenant's work took.
  private static func work(of tenant: String, by rows: Rows) -> Listing {
    let isHourly = rows == .hour
    return Listing(
      path: ["v1", "tenants", tenant, "usage"], list: isHourly ? "hours" : "classes"
    ) { now in
      Columns(
        header: (isHourly ? ["SINCE"] : []) + ["CLASS", "RESERVED GPU-S", "CHARGED GPU-S"],
        name: "class"
      ) { row in
        (isHourly ? [Output.ago(row, "from_ms", at: now)] : [])
          + ["class", "reserved_gpu_seconds", "charged_gpu_seconds"].map { Output.text(row, $0) }
      }
    }
  }

  func run() async throws {
    let listing = tenant.map { Self.work(of: $0, by: by) } ?? Self.listing
    try await listing.run(common, watching)
  }
}

/// `poolctl delegations`.
struct Delegations: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the budgets that were given out: their limits, and what was spent under them.")
  @OptionGroup var common: Common
  @OptionGroup var watching: Watching

  private static let listing = Listing(path: ["v1", "buckets"], list: "budgets") { now in
    Columns(
      header: [
        "BUDGET", "TENANT", "OUT OF", "LIMIT GPU-S", "SPENT", "RESERVED", "CLASS", "ENDS", "LEASES",
        "CLOSED",
      ], optional: ["CLOSED", "CLASS", "RESERVED"], name: "budget"
    ) { row in
      [
        "budget", "tenant", "parent", "limit_gpu_seconds", "spent_gpu_seconds",
        "reserved_gpu_seconds", "class_max",
      ].map { Output.text(row, $0) }
        + [
          Output.ahead(row, "expires_ms", at: now), Output.text(row, "leases"),
          Output.text(row, "closed"),
        ]
    }
  }

  func run() async throws { try await Self.listing.run(common, watching) }
}
