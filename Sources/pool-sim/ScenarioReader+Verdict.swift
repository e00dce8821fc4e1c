import PoolAllocator
import PoolSimulator
import PoolWire
import StrictJSON

/// What has to come of it.
extension ScenarioReader {
  mutating func assertion(_ value: JSONValue) throws -> ScenarioAssertion {
    try value.object { fields in
      let name = fields.string("name", 1...200)
      let because = fields.string("because", 1...2_000)
      let word = fields.read("measure") { value in
        let words = ScenarioMeasure.words.map(\.key)
        return ScenarioMeasure.words[try index(value, among: words, called: "measure")].value
      }
      let measure = try fields.take(word)
      let chosen = try chosenStreams(&fields)
      let from = fields.optionalSpan("from_seconds")
      let until = fields.optionalSpan("until_seconds")
      let lane = try measure.isOfLane ? self.lane(&fields, measure) : nil
      let pool = try measure == .pressure ? self.pool(&fields) : nil
      let most = fields.optionalMilli("at_most", in: 0...1_000_000_000_000)
      let least = fields.optionalMilli("at_least", in: 0...1_000_000_000_000)
      _ = try because.value
      let (high, low) = (try most.value, try least.value)
      guard let limit = high ?? low, high == nil || low == nil else {
        throw value.refuse(
          "an assertion has one limit", hint: "write at_most or at_least, not both")
      }
      var assertion = ScenarioAssertion(
        name: try name.value, measure: measure, streams: chosen,
        side: high == nil ? .atLeast : .atMost, limit: limit)
      assertion.from = try from.value ?? .zero
      assertion.until = try until.value
      assertion.lane = lane
      assertion.pool = pool
      return assertion
    }
  }

  /// The streams that are named, and of these the ones of a tenant and a class.
  private func chosenStreams(_ fields: inout JSONFields) throws -> [Int] {
    let named = fields.optionalArray("streams", min: 1, max: 64) { value in
      try index(value, among: streams.map(\.name), called: "stream")
    }
    let tenant = fields.optional("tenant") { value in
      let tenants = owners.map(\.tenant)
      return tenants[try index(value, among: tenants, called: "tenant with a stream")]
    }
    let rank = fields.optionalChoice("class", ["P0": UInt8(0), "P1": 1, "P2": 2, "P3": 3])
    let (names, owner, level) = (
      try fields.take(named), try fields.take(tenant), try fields.take(rank)
    )
    return streams.indices.filter { index in
      names?.contains(index) != false && (owner == nil || owners[index].tenant == owner)
        && (level == nil || owners[index].rank == level)
    }
  }

  private func lane(_ fields: inout JSONFields, _ measure: ScenarioMeasure) throws -> Key? {
    let lanes = policy?.vocabulary.lanes ?? []
    let lane = fields.optional("lane") { value in
      NameTable.key(.lane, lanes[try index(value, among: lanes, called: "lane")])
    }
    let key = try fields.take(lane)
    if key == nil, measure == .impairedMax {
      try fields.fail("measure", "the measure is of a lane", hint: "add lane")
    }
    return key
  }

  private func pool(_ fields: inout JSONFields) throws -> Key {
    let known = policy.map { Set($0.policy.pools.map(\.key)) } ?? []
    let pool = fields.read("pool") { value in
      let key = NameTable.key(.pool, try value.name())
      guard known.contains(key) else {
        throw value.refuse("the policy has no such pool", hint: "write a pool of the policy")
      }
      return key
    }
    return try fields.take(pool)
  }
}

extension ScenarioMeasure {
  /// The words of documents and reports.
  static let words: KeyValuePairs<String, ScenarioMeasure> = [
    "wait_p50_seconds": .wait(percent: 50), "wait_p95_seconds": .wait(percent: 95),
    "wait_p99_seconds": .wait(percent: 99), "wait_max_seconds": .wait(percent: 100),
    "delay_p50_seconds": .delay(percent: 50), "delay_p95_seconds": .delay(percent: 95),
    "delay_p99_seconds": .delay(percent: 99), "delay_max_seconds": .delay(percent: 100),
    "over_bound": .overBound, "arrived": .arrived, "requests": .requests, "refusals": .refusals,
    "refused_percent": .refusedPercent, "completed": .completed,
    "completed_percent": .completedPercent, "lost": .lost, "granted": .granted,
    "degraded_percent": .degradedPercent, "deepest_rung": .deepestRung,
    "preempted_leases": .preempted, "reclaimed_leases": .reclaimed,
    "node_lost_leases": .nodeLost, "reclaim_max_seconds": .reclaimMax,
    "impaired_max_seconds": .impairedMax, "live_max": .liveMax,
    "charged_gpu_seconds": .charged, "pressure_max": .pressure,
  ]

  /// Its word.
  var word: String { Self.words.first { $0.value == self }?.key ?? "?" }

  /// Whether it may be of one lane.
  var isOfLane: Bool { self == .granted || self == .impairedMax }
}
