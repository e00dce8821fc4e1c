import HTTPTypes
import Hummingbird
import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire

extension API {
  /// The metrics, in the form that is asked for.
  func metrics(_ request: Request, _ context: Context) async throws -> Response {
    _ = try await identity(request, context, [.operator])
    let accept = request.headers[.accept] ?? ""
    let isOpen = accept.contains("application/openmetrics-text")
    let (tally, silences) = (try await engine.tally(), await engine.silences())
    let unread = await providers?.unread(at: SystemClock.utc) ?? []
    let shadow = engine.shadow.figures
    let text = try await engine.look { scene in
      Metrics(tally, scene, silences, unread, shadow).text(isOpen: isOpen)
    }
    return .text(
      text,
      type: isOpen
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8")
  }
}

extension Engine {
  /// How long ago each node was heard that was heard in this leadership.
  func silences() async -> [NodeID: Span] {
    await withCheckedContinuation { next in
      enter { [self] state in
        let reading = clock.reading
        var silences: [NodeID: Span] = [:]
        state.loop.pool.forEachNode { id, _ in
          silences[id] = state.loop.silence(of: id, at: reading)
        }
        next.resume(returning: silences)
      }
    }
  }
}

/// What is measured, as Prometheus and OpenMetrics read it.
struct Metrics {
  private struct Family {
    var name: String
    var type: String
    var help: String
    var samples: [(suffix: String, labels: KeyValuePairs<String, String>, value: String)] = []
  }

  /// Tenants with series of their own; those behind them are `other`, or left out of a gauge.
  /// Unit: tenants.
  static let tenantsMax = 100
  /// Nodes with series of their own, those first that are silent longest. Unit: nodes.
  static let nodesMax = 1_000

  private var families: [Family] = []

  /// - Parameters:
  ///   - silences: how long ago nodes were heard.
  ///   - unread: for how long the keys of issuers cannot be read.
  ///   - shadow: what limits would have denied that are only observed.
  init(
    _ tally: Tally, _ scene: Scene, _ silences: [NodeID: Span] = [:],
    _ unread: [(issuer: String, seconds: Int64)] = [], _ shadow: ShadowFigures = ShadowFigures()
  ) {
    addLanes(scene)
    addFragmentation(scene)
    addQueue(scene)
    addBuckets(scene)
    addTally(tally)
    addTargets(scene.book.targets)
    addLives(tally.lives)
    addTenants(tally, scene)
    addNodes(scene, silences)
    addProviders(unread)
    addShadow(shadow, scene.names)
    add("build_info", "gauge", "The version of the server; always 1.")
    sample(["version": "0.1.0"], "1")
  }

  /// The names of all series, whether or not one has a value now; of a histogram also its parts.
  var names: Set<String> {
    Set(
      families.flatMap { family in
        switch family.type {
        case "counter": [family.name + "_total"]
        case "histogram": ["_bucket", "_sum", "_count"].map { family.name + $0 }
        default: [family.name]
        }
      })
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

  /// By pool, for all that its lanes have of one profile lies on the same nodes.
  private mutating func addFragmentation(_ scene: Scene) {
    var found: [Int: (free: Int64, useless: Int64)] = [:]
    scene.pool.forEachLane { id, lane in
      guard lane.profile.kind != .cpu else { return }
      let part = scene.pool.fragmentation(of: id)
      found[Int(lane.rule.pool), default: (0, 0)].free += part.free
      found[Int(lane.rule.pool), default: (0, 0)].useless += part.useless
    }
    add(
      "fragmentation_ratio", "gauge",
      "Free GPUs that no kind of the expected work can use now, over all free GPUs.")
    let pools = scene.pool.policy.pools
    for (index, sum) in found.sorted(by: { $0.key < $1.key }) where index < pools.count {
      let share = sum.free == 0 ? 0 : sum.useless * 1_000 / sum.free
      sample(["pool": scene.names.text(pools[index].key)], Self.milli(share))
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

  private mutating func addNodes(_ scene: Scene, _ silences: [NodeID: Span]) {
    var counts: [String: Int] = [:]
    for node in PoolView(scene).nodes { counts[node.reach, default: 0] += 1 }
    add("nodes", "gauge", "Nodes by whether they are heard.")
    for (reach, count) in counts.sorted(by: { $0.key < $1.key }) {
      sample(["reach": reach], "\(count)")
    }
    add(
      "node_heartbeat_age_seconds", "gauge",
      "Since the last message of a node's agent to this server, of the 1,000 silent longest.")
    let ages = silences.compactMap { id, span in
      scene.pool.node(id).map { (scene.names.text($0.enrolment.key), span) }
    }
    for (name, span) in ages.sorted(by: { ($1.1, $0.0) < ($0.1, $1.0) }).prefix(Self.nodesMax) {
      sample(["node": name], Self.milli(span.ns / 1_000_000))
    }
  }

  private mutating func addProviders(_ unread: [(issuer: String, seconds: Int64)]) {
    add(
      "identity_keys_unread_seconds", "gauge",
      "For how long the keys of an identity provider cannot be read; after an hour its tokens are"
        + " refused.")
    for one in unread { sample(["issuer": one.issuer], "\(one.seconds)") }
  }

  // MARK: what was counted

  private mutating func addTally(_ tally: Tally) {
    add("admission_decisions", "counter", "Answers to claims, by the first reason.")
    for (key, count) in Self.sorted(tally.answers) {
      sample(
        ["class": key.serviceClass, "outcome": key.outcome, "reason": key.reason], "\(count)")
    }
    addHistogram(
      "queue_wait_seconds", "From a claim's submission to its grant.", "class", tally.waits)
    add("gpu_seconds", "counter", "Weighted GPU-seconds: reserved with grants, or charged.")
    let spent = Self.capped(tally.spent).sorted {
      ($0.key.tenant, $0.key.serviceClass, $0.key.kind)
        < ($1.key.tenant, $1.key.serviceClass, $1.key.kind)
    }
    for (key, value) in spent {
      sample(
        ["tenant": key.tenant, "class": key.serviceClass, "kind": key.kind], Self.micro(value))
    }
    add("leases_granted", "counter", "Claims that were granted devices.")
    sample([:], "\(tally.granted)")
    add("degraded", "counter", "Claims that took a rung of a ladder.")
    let degraded = tally.downgraded.sorted {
      ($0.key.serviceClass, $0.key.rung) < ($1.key.serviceClass, $1.key.rung)
    }
    for (key, count) in degraded {
      sample(["class": key.serviceClass, "rung": key.rung], "\(count)")
    }
    add("preemptions", "counter", "Leases that gave way to other work.")
    for (cause, count) in tally.preempted.sorted(by: { $0.key < $1.key }) {
      sample(["reason": cause], "\(count)")
    }
    add("leases_stopped", "counter", "Leases that were told to end, by cause.")
    for (cause, count) in tally.stopped.sorted(by: { $0.key < $1.key }) {
      sample(["cause": cause], "\(count)")
    }
    add("completions", "counter", "Claims that ended, by how.")
    for (key, count) in Self.sorted(tally.completions) {
      sample(["class": key.serviceClass, "outcome": key.outcome], "\(count)")
    }
    add("commands", "counter", "Commands that were decided and made durable.")
    sample([:], "\(tally.commands)")
  }

  /// The objectives of the policy in force, which rules compare with what is counted.
  private mutating func addTargets(_ targets: [ServiceTarget]) {
    let sorted = targets.sorted { $0.serviceClass < $1.serviceClass }
    let gauges: [(String, String, (ServiceTarget) -> String?)] = [
      (
        "queue_wait_seconds", "95 of a hundred granted claims wait at most so long.",
        { $0.queueWait.map { Self.milli($0.ns / 1_000_000) } }
      ),
      (
        "completion_ratio", "The share of ended claims that are completed, at least.",
        { $0.completionMilli.map { Self.milli($0) } }
      ),
      (
        "cost_per_success_gpu_seconds", "What a completed claim costs on average, at most.",
        { $0.costPerSuccess.map { Self.micro($0.value) } }
      ),
    ]
    for (name, help, read) in gauges {
      add("slo_\(name)_target", "gauge", "\(help) From slos of the policy.")
      for target in sorted {
        if let value = read(target) { sample(["class": target.serviceClass.word], value) }
      }
    }
  }

  /// The greatest spenders by themselves, all others together as `other`.
  private static func capped(_ spent: [Tally.Spent: Int64]) -> [Tally.Spent: Int64] {
    var sums: [String: Int64] = [:]
    for (key, value) in spent { sums[key.tenant, default: 0] += value }
    let first = sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(tenantsMax)
    let kept = Set(first.map(\.key))
    var all: [Tally.Spent: Int64] = [:]
    for (key, value) in spent {
      var shown = key
      if !kept.contains(key.tenant) { shown.tenant = "other" }
      all[shown, default: 0] += value
    }
    return all
  }

  private static func sorted(
    _ counts: [Tally.Answered: UInt64]
  ) -> [(key: Tally.Answered, value: UInt64)] {
    counts.sorted {
      ($0.key.serviceClass, $0.key.outcome, $0.key.reason)
        < ($1.key.serviceClass, $1.key.outcome, $1.key.reason)
    }
  }

  private mutating func addLives(_ lives: LeaseLives) {
    addHistogram(
      "reclaim_seconds",
      "From the order to give devices back, to an owner or to more urgent work, to their return.",
      "reason", lives.returns)
    add(
      "lost_gpu_seconds", "counter",
      "Weighted GPU-seconds of work that no checkpoint saved, of leases that were taken back,"
        + " preempted, drained or lost with their node; of a gang, of the member that was hit.")
    sample([:], Amounts.text(lives.lost.value, digits: 6))
  }

  /// What tenants do, and what they were promised.
  private mutating func addTenants(_ tally: Tally, _ scene: Scene) {
    add(
      "slo_events", "counter",
      "Claims that were told by when they start at the latest when they were queued, by whether"
        + " they did; p1-wait is that of class P1.")
    let kept = tally.promises.kept.sorted {
      ($0.key.slo, $0.key.isGood ? 1 : 0) < ($1.key.slo, $1.key.isGood ? 1 : 0)
    }
    for (key, count) in kept { sample(["slo": key.slo, "good": "\(key.isGood)"], "\(count)") }
    add(
      "fairness_gap_ratio", "gauge",
      "Of the wait that claims were told at most, what the worst off has waited, of those whose"
        + " bound nothing has voided since; above 1 is a defect.")
    sample([:], Self.milli(tally.promises.worst(in: scene) ?? 0))
    add(
      "early_retries", "counter",
      "Claims that were refused with a moment to come back, and were asked again before it.")
    sample([:], "\(tally.retries.count)")
    add(
      "privileged_calls", "counter",
      "Requests that operators alone may make, approvals and denials, and claims that need one,"
        + " by the tenant whose matter they are; without one: the pool's.")
    for (tenant, count) in Self.capped(tally.privileged).sorted(by: { $0.key < $1.key }) {
      sample(["tenant": tenant], "\(count)")
    }
    add(
      "anomaly_score", "gauge",
      "Requests of a tenant in the last whole minute over the median of up to 60 minutes before it,"
        + " at least 1; none of a tenant of which fewer than ten minutes are known.")
    let scores = tally.rates.scores(at: scene.pool.now)
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    for (tenant, score) in scores.prefix(Self.tenantsMax) {
      sample(["tenant": tenant], Self.milli(score))
    }
  }

  /// What limits would have denied that are only observed; nothing where there is none.
  private mutating func addShadow(_ shadow: ShadowFigures, _ names: NameTable) {
    add(
      "shadow_denied", "counter",
      "Claims that fared better than they would have under limits that the policy only observes, by"
        + " what would have become of them.")
    for sum in shadow.sums(names, tenants: Self.tenantsMax) {
      sample(
        [
          "tenant": sum.tenant, "class": sum.kind.serviceClass, "outcome": sum.kind.outcome,
          "reason": sum.kind.reason,
        ], "\(sum.count)")
    }
    let isOff = shadow.standing == .off
    add("shadow_commands", "counter", "Commands that were followed with these limits.")
    if !isOff || shadow.commands > 0 { sample([:], "\(shadow.commands)") }
    add(
      "shadow_running", "gauge",
      "Whether limits that are only observed are looked at: 0 where that was given up.")
    if !isOff { sample([:], shadow.standing == .running ? "1" : "0") }
  }

  /// The greatest counts by themselves, all others together as `other`.
  private static func capped(_ counts: [String: UInt64]) -> [String: UInt64] {
    var all: [String: UInt64] = [:]
    let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    for (index, one) in sorted.enumerated() {
      all[index < tenantsMax ? one.key : "other", default: 0] += one.value
    }
    return all
  }

  private mutating func addHistogram(
    _ name: String, _ help: String, _ label: String, _ waits: [String: Tally.Waits]
  ) {
    add(name, "histogram", help)
    for (value, wait) in waits.sorted(by: { $0.key < $1.key }) {
      var sum = UInt64(0)
      for (index, count) in wait.counts.enumerated() {
        sum += count
        let bound = index < Tally.Waits.bounds.count ? "\(Tally.Waits.bounds[index])" : "+Inf"
        sample([label: value, "le": bound], "\(sum)", suffix: "_bucket")
      }
      sample([label: value], Self.milli(wait.milliseconds), suffix: "_sum")
      sample([label: value], "\(sum)", suffix: "_count")
    }
  }

  // MARK: the text

  private mutating func add(_ name: String, _ type: String, _ help: String) {
    families.append(Family(name: "gpupool_\(name)", type: type, help: help))
  }

  private mutating func sample(
    _ labels: KeyValuePairs<String, String>, _ value: String, suffix: String = ""
  ) {
    families[families.count - 1].samples.append((suffix, labels, value))
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
      for (suffix, labels, value) in family.samples {
        let words = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        let set = words.isEmpty ? "" : "{\(words.joined(separator: ","))}"
        lines.append("\(name)\(suffix)\(set) \(value)")
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
