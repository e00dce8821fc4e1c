internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// Reads the tests of a file whose policy and nodes are known.
struct PolicyTestReader {
  let source: PolicySource
  let nodes: [NodeDocument]
  /// The file with claims spelt out, for the places of tests and steps.
  let tree: SourceNode

  private var vocabulary: PolicyVocabulary { source.document.vocabulary }

  /// Reads a document of kind `policy_test`.
  func tests(_ root: JSONValue) throws -> [PolicyTest] {
    try root.object { fields in
      let version = fields.int64("schema_version", in: 1...1)
      let kind = fields.choice("kind", ["policy_test": true])
      let note = fields.optionalString("note", 0...4096)
      let policy = fields.string("policy", 1...1024)
      let given = fields.optionalObject("given") { try self.given(&$0) }
      var known: [String: Int] = [:]
      var index = 0
      let tests = fields.array("tests", min: 1, max: PolicyTestFile.testsMax) { value in
        defer { index += 1 }
        let test = try self.test(value, index, plays: (try? given.value) ?? true)
        if let first = known.updateValue(index, forKey: test.name) {
          throw value.refuse("two tests have one name", hint: "tests[\(first)] has it; rename one")
        }
        return test
      }
      _ = try (version.value, kind.value, note.value, policy.value, given.value)
      return try tests.value
    }
  }

  /// - Returns: whether agents are played. Nodes and the defaults of claims were read before.
  private func given(_ fields: inout JSONFields) throws -> Bool {
    let nodes = fields.optionalArray("nodes", max: 1_000) { value in
      guard value.kind == .string || value.kind == .object else {
        throw value.refuse("expected a node", hint: "name its file, or write its document")
      }
    }
    let claim = fields.optional("claim") { value in
      guard value.kind == .object else {
        throw value.refuse("expected an object", hint: "write what claims have in common")
      }
    }
    let agents = agents(&fields)
    _ = try (nodes.value, claim.value)
    return try agents.value ?? true
  }

  private func agents(_ fields: inout JSONFields) -> JSONField<Bool?> {
    fields.optionalChoice("agents", ["play": true, "silent": false])
  }

  private func test(_ value: JSONValue, _ index: Int, plays: Bool) throws -> PolicyTest {
    try value.object { fields in
      let name = fields.string("name", 1...200)
      let note = fields.optionalString("note", 0...4096)
      let agents = agents(&fields)
      var claims: [ClaimName] = []
      var now = Instant.origin
      var number = 0
      let steps = fields.array("steps", min: 1, max: PolicyTestFile.stepsMax) { value in
        defer { number += 1 }
        var step = try self.step(value, &claims, &now)
        step.place = tree.place(of: ["tests", .index(index), "steps", .index(number)])
        return step
      }
      _ = try note.value
      return PolicyTest(
        name: try name.value, place: tree.place(of: ["tests", .index(index)]),
        playsAgents: try agents.value ?? plays, steps: try steps.value)
    }
  }

  /// The words of what happens, one of which a step may have.
  private static let actions = [
    "claims", "claim", "start", "complete", "cancel", "wait", "advertise", "request",
  ]

  private func step(
    _ value: JSONValue, _ claims: inout [ClaimName], _ now: inout Instant
  ) throws -> PolicyTestStep {
    try value.object { fields in
      let at = fields.optional("at") { try Self.span($0) }
      let present = Self.actions.filter { fields.contains($0) }
      let times = fields.optionalInt64("times", in: 1...PolicyTestFile.timesMax)
      if let span = try? at.value {
        let moment = Instant.origin + span
        if moment < now {
          fields.record(
            "at", "the step is before the one above it", hint: "put steps in the order of time")
        }
        now = max(now, moment)
      }
      let action = JSONResult { try self.action(&fields, present, &claims, &now) }
      if present.count > 1 {
        fields.record(
          present[1], "two things happen in one step", hint: "keep one, or write two steps")
      }
      if fields.contains("times"), !present.contains(where: { $0.hasPrefix("claim") }) {
        fields.record("times", "nothing is repeated", hint: "times goes with claim")
      }
      let expectation = fields.optional("expect") { try self.expectation($0, claims) }
      _ = try times.value
      return PolicyTestStep(
        place: tree.place, at: try at.value.map { Instant.origin + $0 },
        action: try action.get().action, label: try action.get().label,
        expectation: try expectation.value)
    }
  }

  private typealias JSONResult = Result<(action: PolicyTestStep.Action, label: String), any Error>

  private func action(
    _ fields: inout JSONFields, _ present: [String], _ claims: inout [ClaimName],
    _ now: inout Instant
  ) throws -> (action: PolicyTestStep.Action, label: String) {
    switch present.first {
    case "claims":
      let forms = fields.array("claims", min: 1, max: Int(PolicyTestFile.timesMax)) {
        try ClaimForm.read($0, vocabulary: vocabulary)
      }
      let submitted = try forms.value
      claims += submitted.map { ClaimName(tenant: $0.tenant, name: $0.name) }
      let last = claims.last.map { "\($0)" } ?? ""
      return (.claim(submitted), "claim \(last)")
    case "claim":
      // One that can be read stands in `claims` by now; what is wrong with this is recorded.
      let claim = fields.read("claim") { value in
        guard value.kind == .object else {
          throw value.refuse("expected an object", hint: "write what the claim says")
        }
      }
      try claim.value
      return (.look, "claim")
    case "start":
      let name = fields.read("start") { try self.claim($0, claims) }
      return (.start(try name.value), "start \(try name.value)")
    case "complete":
      let name = fields.read("complete") { try self.claim($0, claims) }
      let outcome = fields.optionalChoice(
        "outcome", ["completed": Outcome.completed, "failed": .failed])
      return (
        .complete(try name.value, try outcome.value ?? .completed), "complete \(try name.value)"
      )
    case "cancel":
      let name = fields.read("cancel") { try self.claim($0, claims) }
      return (.cancel(try name.value), "cancel \(try name.value)")
    case "wait":
      let span = try fields.read("wait") { try Self.span($0) }.value
      now = now + span
      return (.wait(span), "wait \(Amounts.seconds(span.ns)) s")
    case "advertise":
      let node = try fields.read("advertise") { try self.node($0) }.value
      return (.advertise(node), "advertise \(node.name)")
    case "request":
      let request = try fields.read("request") { value in
        let request = try StreamRequest(value, vocabulary: vocabulary)
        if request.at != nil {
          throw value.refuse("the step says when it happens", hint: "write at beside request")
        }
        return request
      }.value
      return (.request(request.operation), "request \(request.op)")
    default: return (.look, "look")
    }
  }

  // MARK: names

  /// A claim that an earlier step submits: by its name, or as `TENANT/NAME`.
  private func claim(_ value: JSONValue, _ known: [ClaimName]) throws -> ClaimName {
    let word = try value.string(1...300)
    var found: [ClaimName] = []
    for claim in known where claim.name == word || "\(claim.tenant)/\(claim.name)" == word {
      if !found.contains(claim) { found.append(claim) }
    }
    if let claim = found.first, found.count == 1 { return claim }
    if found.isEmpty {
      throw value.refuse(
        "no step above submits \"\(word)\"",
        hint: NearestName.hint(word, among: known.map(\.name), called: "claim"))
    }
    let choices = found.map { "\"\($0.tenant)/\($0.name)\"" }.joined(separator: ", ")
    throw value.refuse("several tenants have such a claim", hint: "write one of \(choices)")
  }

  /// A node that the file has, or another account of one.
  private func node(_ value: JSONValue) throws -> NodeDocument {
    if value.kind == .string {
      let name = try value.string(1...128)
      if let node = nodes.first(where: { $0.name == name }) { return node }
      throw value.refuse(
        "no node of the file is called \"\(name)\"",
        hint: NearestName.hint(name, among: nodes.map(\.name), called: "node"))
    }
    var writer = JSONWriter()
    writer.value(value)
    do throws(JSONErrors) {
      return try NodeDocument(try JSONDocument(writer.bytes))
    } catch {
      for error in error.errors.dropLast() {
        value.record("the node at \(error.path): \(error.problem)", hint: error.hint)
      }
      let last = error.errors[error.errors.count - 1]
      throw value.refuse("the node at \(last.path): \(last.problem)", hint: last.hint)
    }
  }

  // MARK: amounts

  /// Seconds with up to three decimals.
  private static func span(_ value: JSONValue) throws -> Span {
    Span(ns: try value.milli(in: 0...Limits.spanMax.ns / 1_000_000) * 1_000_000)
  }

  /// GPU-seconds as credits.
  private static func credits(_ value: JSONValue) throws -> Int64 {
    if let text = value.numberText, let credits = Amounts.scaled(text, digits: 6) {
      return credits
    }
    throw value.refuse(
      "expected an amount of GPU-seconds", hint: "write a number with at most 6 decimals")
  }

  // MARK: expectations

  private func expectation(_ value: JSONValue, _ claims: [ClaimName]) throws -> Expectation {
    try value.object { fields in
      let of = fields.optional("of") { try self.claim($0, claims) }
      let outcome = fields.optional("outcome") {
        try Self.word($0, among: Expectation.outcomes, called: "outcome")
      }
      let state = fields.optional("state") {
        try Self.word($0, among: Expectation.states, called: "state")
      }
      let reasons = fields.optionalArray("reasons", max: Limits.reasons) { try Self.code($0) }
      let lane = fields.optional("lane") {
        try Self.word($0, among: vocabulary.lanes, called: "lane")
      }
      let position = fields.optionalInt64("position", in: 1...1_000_000)
      let wait = fields.optional("wait_max_seconds") { try Self.span($0) }
      let buckets = fields.optionalMap("buckets", max: 100) { try self.bucket($0, $1) }
      let rung = fields.optional("rung") {
        let rungs = vocabulary.services.flatMap { vocabulary.ladders[$0] ?? [] }
        return try Self.word($0, among: rungs + [Expectation.none], called: "rung")
      }
      let lease = fields.optionalBool("lease")
      var expectation = Expectation(claim: try of.value)
      expectation.outcome = try outcome.value
      expectation.state = try state.value
      expectation.reasons = try reasons.value
      expectation.lane = try lane.value
      expectation.position = try position.value
      expectation.waitMax = try wait.value
      expectation.buckets = try buckets.value ?? []
      expectation.rung = try rung.value
      expectation.hasLease = try lease.value
      return expectation
    }
  }

  private static func word(
    _ value: JSONValue, among known: [String], called what: String
  ) throws -> String {
    let word = try value.string(1...300)
    if known.contains(word) { return word }
    throw value.refuse(
      "there is no \(what) \"\(word)\"",
      hint: NearestName.hint(word, among: known, called: what))
  }

  private static func code(_ value: JSONValue) throws -> Reason.Code {
    let word = try Self.word(
      value, among: Reason.Code.allCases.map(\.wire), called: "reason")
    guard let code = Reason.Code.allCases.first(where: { $0.wire == word }) else {
      throw value.refuse("there is no reason \"\(word)\"")
    }
    return code
  }

  /// A level: a number, or `at_least` and `at_most`.
  private func bucket(
    _ name: String, _ value: JSONValue
  ) throws -> (name: String, range: ClosedRange<Int64>) {
    let names = source.document.policy.buckets.map { source.document.names.text($0.key) }
    guard names.contains(name) else {
      throw value.refuse(
        "the policy has no bucket \"\(name)\"",
        hint: NearestName.hint(name, among: names, called: "bucket"))
    }
    if value.kind == .number {
      let level = try Self.credits(value)
      return (name, level...level)
    }
    return try value.object { fields in
      let least = fields.optional("at_least") { try Self.credits($0) }
      let most = fields.optional("at_most") { try Self.credits($0) }
      let (low, high) = (try least.value ?? .min, try most.value ?? .max)
      guard low <= high else {
        throw value.refuse("at_least is more than at_most", hint: "swap them")
      }
      return (name, low...high)
    }
  }
}

extension Expectation {
  /// What stands for no rung.
  static let none = "none"
  /// Answers to a step.
  static let outcomes = Decision.Verdict.allCases.map(\.wire)
  /// Where a claim stands: refused at the door, in the pool, or ended in some way.
  static let states =
    ["refused"] + ClaimState.allCases.filter { $0 != .new }.map(\.wire)
    + ClaimEnd.allCases.map(\.wire)
}
