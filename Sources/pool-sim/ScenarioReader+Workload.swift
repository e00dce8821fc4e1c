import PoolAllocator
import PoolSimulator
import PoolWire
import StrictJSON

/// Streams of claims.
extension ScenarioReader {
  mutating func stream(_ value: JSONValue) throws {
    try value.object { fields in
      let claim = fields.read("claim") { value in
        try ClaimForm.read(value, vocabulary: policy?.vocabulary ?? PolicyVocabulary())
      }
      let isOne = fields.optionalBool("one_workflow")
      let arrivals = fields.object("arrivals") { try self.arrivals(&$0) }
      let runs = fields.object("runs") { try self.runs(&$0) }
      let client = fields.optionalObject("client") { try self.client(&$0) }
      let form = try claim.value
      if streams.contains(where: { $0.name == form.name }) {
        throw value.refuse("the name \"\(form.name)\" is used twice", hint: "rename one claim")
      }
      let outline = form.outline
      let (timing, from, until) = try arrivals.value
      var stream = ScenarioStream(
        name: form.name, claim: outline.spec, lanes: outline.lanes, arrivals: timing,
        runs: try runs.value)
      stream.rungs = outline.rungs
      stream.deadline = outline.deadline
      stream.isOneWorkflow = try isOne.value ?? false
      stream.from = from
      stream.until = until
      stream.client = try client.value ?? ScenarioStream.Client()
      streams.append(stream)
      let service = policy?.policy.services.first { $0.key == outline.spec.service }
      owners.append((form.tenant, service?.serviceClass.rank ?? 0))
    }
  }

  private enum Pattern { case steady, random, burst, ramp }

  private func arrivals(
    _ fields: inout JSONFields
  ) throws -> (ScenarioStream.Arrivals, from: Span, until: Span?) {
    let pattern = try fields.take(
      fields.choice(
        "pattern",
        ["steady": Pattern.steady, "random": .random, "burst": .burst, "ramp": .ramp]))
    let from = fields.optionalSpan("from_seconds")
    let until = fields.optionalSpan("until_seconds")
    let timing: ScenarioStream.Arrivals
    switch pattern {
    case .steady:
      timing = .steady(every: try fields.take(fields.span("every_seconds", atLeast: 1)))
    case .random:
      timing = .random(mean: try fields.take(fields.span("every_seconds", atLeast: 1)))
    case .burst:
      let count = fields.int64("count", in: 1...Int64(ScenarioStream.most))
      let every = fields.optionalSpan("every_seconds", atLeast: 1)
      timing = .burst(count: Int(try fields.take(count)), every: try fields.take(every))
    case .ramp:
      let first = fields.span("every_seconds", atLeast: 1)
      let last = fields.span("to_every_seconds", atLeast: 1)
      timing = .ramp(from: try fields.take(first), to: try fields.take(last))
    }
    return (timing, try from.value ?? .zero, try until.value)
  }

  private func runs(_ fields: inout JSONFields) throws -> ScenarioStream.Runs {
    let least = fields.span("least_seconds", atLeast: 1)
    let most = fields.span("most_seconds", atLeast: 1)
    let percent = fields.optionalInt64("long_percent", in: 0...100)
    let long = fields.optionalSpan("long_seconds", atLeast: 1)
    var runs = ScenarioStream.Runs(least: try least.value, most: try most.value)
    if runs.most < runs.least {
      try fields.fail("most_seconds", "is less than least_seconds", hint: "write the longest run")
    }
    runs.longPercent = UInt64(try percent.value ?? 0)
    runs.long = try long.value ?? runs.most
    return runs
  }

  private func client(_ fields: inout JSONFields) throws -> ScenarioStream.Client {
    let hints = fields.optionalChoice("hints", ["honours": true, "ignores": false])
    let retry = fields.optionalSpan("retry_seconds", atLeast: 1)
    let tries = fields.optionalInt64("tries_max", in: 1...10_000)
    let patience = fields.optionalSpan("patience_seconds", atLeast: 1)
    let saves = fields.optionalBool("saves_work")
    let spawns = fields.optionalInt64("spawns", in: 0...10)
    var client = ScenarioStream.Client()
    client.honoursHints = try hints.value ?? true
    if let span = try retry.value { client.retryAfter = span }
    if let count = try tries.value { client.triesMax = Int(count) }
    client.patience = try patience.value
    client.savesWork = try saves.value ?? false
    client.spawns = Int(try spawns.value ?? 0)
    return client
  }
}
