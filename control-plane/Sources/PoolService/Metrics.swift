import HTTPTypes
import Hummingbird
import PoolAllocator
import PoolViews
import PoolWire

extension API {
  /// The metrics, in the form that is asked for.
  func metrics(_ request: Request) async throws -> Response {
    _ = try identity(request, [.operator])
    let accept = request.headers[.accept] ?? ""
    let isOpen = accept.contains("application/openmetrics-text")
    let tally = try await engine.tally()
    let text = try await engine.look { Metrics(tally, $0).text(isOpen: isOpen) }
    return .text(
      text,
      type: isOpen
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8")
  }
}

/// What is measured, as Prometheus and OpenMetrics read it.
struct Metrics {
  private struct Family {
    var name: String
    var type: String
    var help: String
    var samples: [(labels: KeyValuePairs<String, String>, value: String)] = []
  }

  /// Tenants with series of their own; those behind them, by name, are `other`. Unit: tenants.
  static let tenantsMax = 100

  private var families: [Family] = []

  init(_ tally: Tally, _ scene: Scene) {
    addLanes(scene)
    addQueue(scene)
    addBuckets(scene)
    addTally(tally)
    addNodes(scene)
    add("build_info", "gauge", "The version of the server; always 1.")
    sample(["version": "0.1.0"], "1")
  }

  // MARK: what there is

  private mutating func addLanes(_ scene: Scene) {
    let view = PoolView(scene)
    let pools = scene.pool.policy.pools.map { scene.names.text($0.key) }
    var poolOf: [String: String] = [:]
    scene.pool.forEachLane { _, lane in
      let index = Int(lane.rule.pool)
      poolOf[scene.names.text(lane.key)] = index < pools.count ? pools[index] : ""
    }
    let gauges: [(String, String, KeyPath<PoolView.LaneRow, Int64>)] = [
      ("capacity", "Devices of a lane.", \.capacity), ("granted", "Devices in leases.", \.granted),
      ("lent", "Devices of a lane that others have on loan.", \.lent),
      ("free", "Devices that could be granted now.", \.free),
    ]
    for (name, help, path) in gauges {
      add("\(name)_gpus", "gauge", help)
      for lane in view.lanes {
        sample(
          ["pool": poolOf[lane.name] ?? "", "lane": lane.name, "profile": lane.profile],
          Self.milli(lane[keyPath: path]))
      }
    }
  }

  private mutating func addQueue(_ scene: Scene) {
    var depths: [String: [String: Int]] = [:]
    scene.pool.forEachClaim { id, claim in
      guard claim.isWaiting, let form = scene.claims[id] else { return }
      depths[form.lanes.first ?? "", default: [:]][claim.serviceClass.word, default: 0] += 1
    }
    add("queue_depth", "gauge", "Claims that wait, by the first lane that they accept.")
    for (lane, classes) in depths.sorted(by: { $0.key < $1.key }) {
      for (name, count) in classes.sorted(by: { $0.key < $1.key }) {
        sample(["lane": lane, "class": name], "\(count)")
      }
    }
  }

  private mutating func addBuckets(_ scene: Scene) {
    let rows = PoolView(scene).buckets.prefix(Self.tenantsMax)
    add("bucket_level_gpu_seconds", "gauge", "What a bucket can pay now.")
    for row in rows {
      sample(["tenant": row.tenant, "bucket": row.name], Self.micro(row.level.value))
    }
    add("bucket_burst_used_ratio", "gauge", "What of a bucket's burst is used.")
    for row in rows where row.burst.value > 0 {
      let used = Double(row.burst.value - row.level.value) / Double(row.burst.value)
      sample(["tenant": row.tenant, "bucket": row.name], "\(used)")
    }
  }

  private mutating func addNodes(_ scene: Scene) {
    var counts: [String: Int] = [:]
    for node in PoolView(scene).nodes { counts[node.reach, default: 0] += 1 }
    add("nodes", "gauge", "Nodes by whether they are heard.")
    for (reach, count) in counts.sorted(by: { $0.key < $1.key }) {
      sample(["reach": reach], "\(count)")
    }
  }

  // MARK: what was counted

  private mutating func addTally(_ tally: Tally) {
    add("admission_decisions", "counter", "Answers to requests, by the first reason.")
    let answers = tally.answers.sorted {
      ($0.key.outcome, $0.key.reason) < ($1.key.outcome, $1.key.reason)
    }
    for (key, count) in answers {
      sample(["outcome": key.outcome, "reason": key.reason], "\(count)")
    }
    add("leases_granted", "counter", "Claims that were granted devices.")
    sample([:], "\(tally.granted)")
    add("degraded", "counter", "Claims that took a rung of a ladder.")
    sample([:], "\(tally.downgraded)")
    add("leases_stopped", "counter", "Leases that were told to end, by cause.")
    for (cause, count) in tally.preemptions.sorted(by: { $0.key < $1.key }) {
      sample(["cause": cause], "\(count)")
    }
    add("completions", "counter", "Claims that ended, by how.")
    for (end, count) in tally.completions.sorted(by: { $0.key < $1.key }) {
      sample(["outcome": end], "\(count)")
    }
    add("commands", "counter", "Commands that were decided and made durable.")
    sample([:], "\(tally.commands)")
  }

  // MARK: the text

  private mutating func add(_ name: String, _ type: String, _ help: String) {
    families.append(Family(name: "gpupool_\(name)", type: type, help: help))
  }

  private mutating func sample(_ labels: KeyValuePairs<String, String>, _ value: String) {
    families[families.count - 1].samples.append((labels, value))
  }

  /// The text; in OpenMetrics a counter is named without `_total` in its head, and the text has an
  /// end.
  func text(isOpen: Bool) -> String {
    var lines: [String] = []
    for family in families where !family.samples.isEmpty {
      let isCounter = family.type == "counter"
      let name = isCounter ? family.name + "_total" : family.name
      let head = isOpen ? family.name : name
      lines.append("# HELP \(head) \(family.help)")
      lines.append("# TYPE \(head) \(family.type)")
      for (labels, value) in family.samples {
        let words = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        let set = words.isEmpty ? "" : "{\(words.joined(separator: ","))}"
        lines.append("\(name)\(set) \(value)")
      }
    }
    if isOpen { lines.append("# EOF") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.append(character)
      }
    }
    return escaped
  }

  private static func milli(_ value: Int64) -> String { Amounts.text(value, digits: 3) }
  private static func micro(_ value: Int64) -> String { Amounts.text(value, digits: 6) }
}
