internal import PoolAllocator
internal import PoolWire

/// One test being run: its pool, and what became of its claims.
struct PolicyTestRun {
  private var pool: VirtualPool
  private let test: PolicyTest
  /// What is known of a claim that was submitted.
  private struct Known {
    var form: ClaimForm
    var id: ClaimID?
  }
  private var claims: [ClaimName: Known] = [:]

  /// What came of one step before anything else happened.
  private struct Answer {
    var outcome: String?
    var reasons: [ReasonText] = []
    var claim: ClaimName?
  }

  /// Makes a pool with the nodes and the policy of a file.
  init(_ test: PolicyTest, in file: PolicyTestFile) throws(SourceErrors) {
    self.test = test
    pool = VirtualPool()
    try pool.begin(file.source, file.nodes)
  }

  /// Runs a test.
  /// - Returns: what was not as expected, and what of the policy was used.
  static func result(
    of test: PolicyTest, in file: PolicyTestFile
  ) -> (failures: [PolicyTestFailure], usage: PolicyUsage) {
    do throws(SourceErrors) {
      var run = try PolicyTestRun(test, in: file)
      return (run.failures(), run.pool.usage)
    } catch {
      let failure = PolicyTestFailure(
        place: test.place, step: 0, label: "given", at: "0",
        lines: [.init(field: "given", expected: "a pool", got: error.description)], sentence: nil)
      return ([failure], PolicyUsage())
    }
  }

  private mutating func failures() -> [PolicyTestFailure] {
    var failures: [PolicyTestFailure] = []
    for (index, step) in test.steps.enumerated() {
      if let at = step.at { pool.advance(to: at, playingAgents: test.playsAgents) }
      var lines: [PolicyTestFailure.Line] = []
      var answer = Answer()
      do throws(NameCollision) {
        answer = try take(step.action, &lines)
      } catch {
        lines.append(.init(field: "step", expected: "done", got: error.description))
      }
      pool.settle(playingAgents: test.playsAgents)
      var sentence = answer.reasons.first?.sentence
      if let expectation = step.expectation {
        lines += differences(expectation, answer, &sentence)
      }
      guard !lines.isEmpty else { continue }
      failures.append(
        PolicyTestFailure(
          place: step.place, step: index + 1, label: step.label,
          at: Amounts.seconds(pool.now.ns), lines: lines, sentence: sentence))
      // What follows rests on this step: one failure says more than ten.
      break
    }
    return failures
  }

  // MARK: what happens

  private mutating func take(
    _ action: PolicyTestStep.Action, _ lines: inout [PolicyTestFailure.Line]
  ) throws(NameCollision) -> Answer {
    switch action {
    case .look: return Answer()
    case .wait(let span):
      pool.advance(to: pool.now + span, playingAgents: test.playsAgents)
      return Answer()
    case .claim(let forms):
      var answer = Answer()
      for form in forms { answer = try submit(form) }
      return answer
    case .start(let name):
      return command(name, &lines) { .confirmStarted($0, $1) }
    case .complete(let name, let outcome):
      return command(name, &lines) { .release($0, $1, outcome) }
    case .cancel(let name):
      let operation = StreamRequest.Operation.cancel(tenant: name.tenant, claim: name.name)
      let decision = try pool.decide(operation)
      return answer(decision, about: name)
    case .advertise(let node), .request(.advertise(let node)):
      let decision = try pool.advertise(node)
      return answer(decision, about: nil)
    case .request(.claim(let form)): return try submit(form)
    case .request(let operation):
      let decision = try pool.decide(operation)
      return answer(decision, about: nil)
    }
  }

  private mutating func submit(_ form: ClaimForm) throws(NameCollision) -> Answer {
    let name = ClaimName(tenant: form.tenant, name: form.name)
    let decision = try pool.decide(.claim(form))
    claims[name] = Known(form: form, id: decision?.claim)
    pool.usage.services.insert(form.service)
    return answer(decision, about: name)
  }

  private func answer(_ decision: Decision?, about name: ClaimName?) -> Answer {
    guard let decision else { return Answer(claim: name) }
    let form = name.flatMap { claims[$0]?.form }
    let reasons = pool.reasons(of: decision).map { pool.text($0, of: form) }
    return Answer(outcome: decision.verdict.wire, reasons: reasons, claim: name)
  }

  /// Gives a command for every lease of a claim.
  private mutating func command(
    _ name: ClaimName, _ lines: inout [PolicyTestFailure.Line],
    _ command: (LeaseID, Fencing) -> Command
  ) -> Answer {
    let leases = claims[name]?.id.map { pool.leases(of: $0) } ?? []
    guard !leases.isEmpty else {
      lines.append(.init(field: "lease", expected: "\(name) has one", got: state(of: name)))
      return Answer(claim: name)
    }
    var last: Decision?
    for id in leases {
      guard let lease = pool.pool.lease(id) else { continue }
      last = pool.apply(command(id, lease.fencing))
    }
    return answer(last, about: name)
  }

  // MARK: what is so

  private func state(of name: ClaimName) -> String {
    guard let id = claims[name]?.id else { return "refused" }
    if let claim = pool.pool.claim(id) { return claim.state.wire }
    return pool.ends[id]?.wire ?? "ended"
  }

  /// What of an expectation is not so.
  private mutating func differences(
    _ expected: Expectation, _ answer: Answer, _ sentence: inout String?
  ) -> [PolicyTestFailure.Line] {
    var lines: [PolicyTestFailure.Line] = []
    func compare(_ field: String, _ expected: String?, _ got: @autoclosure () -> String) {
      guard let expected else { return }
      let found = got()
      if found != expected { lines.append(.init(field: field, expected: expected, got: found)) }
    }
    let name = expected.claim ?? answer.claim
    let id = name.flatMap { claims[$0]?.id }
    compare("outcome", expected.outcome, answer.outcome ?? "no answer")
    compare("state", expected.state, name.map { state(of: $0) } ?? "no claim")
    compare("lane", expected.lane, id.flatMap { pool.lanes[$0] } ?? "no lease")
    compare("rung", expected.rung, id.flatMap { pool.rungs[$0] } ?? Expectation.none)
    let position = id.flatMap { pool.pool.position(of: $0) }.map { "\($0)" }
    compare("position", expected.position.map { "\($0)" }, position ?? "not in the order")
    let hasLease = id.map { !pool.leases(of: $0).isEmpty } ?? false
    compare("lease", expected.hasLease.map { "\($0)" }, "\(hasLease)")
    if let codes = expected.reasons {
      let isOld = expected.claim != nil && expected.claim != answer.claim
      let texts = isOld ? obstacles(of: name) : answer.reasons
      lines += Self.difference(codes, texts)
      sentence = texts.first?.sentence ?? sentence
    }
    if let most = expected.waitMax { lines += wait(of: id, atMost: most) }
    for (bucket, range) in expected.buckets { lines += level(of: bucket, range) }
    if sentence == nil, !lines.isEmpty { sentence = obstacles(of: name).first?.sentence }
    return lines
  }

  /// What stands in the way of a claim that waits.
  private mutating func obstacles(of name: ClaimName?) -> [ReasonText] {
    guard let name, let known = claims[name], let id = known.id else { return [] }
    let reasons = pool.pool.obstacles(of: id)
    for reason in reasons { pool.note(reason) }
    return reasons.map { pool.text($0, of: known.form) }
  }

  private static func difference(
    _ codes: [Reason.Code], _ texts: [ReasonText]
  ) -> [PolicyTestFailure.Line] {
    let found = texts.map(\.reason.code)
    let isSo = codes.isEmpty ? found.isEmpty : codes.allSatisfy { found.contains($0) }
    guard !isSo else { return [] }
    func words(_ codes: [Reason.Code]) -> String {
      codes.isEmpty ? "none" : codes.map(\.wire).joined(separator: ", ")
    }
    return [.init(field: "reasons", expected: words(codes), got: words(found))]
  }

  private func wait(of id: ClaimID?, atMost most: Span) -> [PolicyTestFailure.Line] {
    let expected = "at most \(Amounts.seconds(most.ns)) s"
    guard let id else { return [.init(field: "wait", expected: expected, got: "refused")] }
    guard let claim = pool.pool.claim(id), claim.isWaiting else { return [] }
    switch pool.pool.startBound(of: id) {
    case .success(let bound):
      let left = bound.by - pool.now
      guard left > most else { return [] }
      let got = "at most \(Amounts.seconds(left.ns)) s"
      return [.init(field: "wait", expected: expected, got: got)]
    case .failure(let why):
      return [.init(field: "wait", expected: expected, got: "no bound (\(why))")]
    }
  }

  private func level(
    of name: String, _ range: ClosedRange<Int64>
  ) -> [PolicyTestFailure.Line] {
    let key = NameTable.key(.bucket, name)
    guard let bucket = pool.pool.bucket(named: key).flatMap({ pool.pool.bucket($0) }) else {
      return [.init(field: "bucket \(name)", expected: "a bucket", got: "none")]
    }
    let level = bucket.credits.level(at: pool.now)
    guard !range.contains(level) else { return [] }
    var words: [String] = []
    if range.lowerBound == range.upperBound {
      words = [Amounts.gpuSeconds(range.lowerBound)]
    } else {
      if range.lowerBound != .min { words.append("≥ \(Amounts.gpuSeconds(range.lowerBound))") }
      if range.upperBound != .max { words.append("≤ \(Amounts.gpuSeconds(range.upperBound))") }
    }
    return [
      .init(
        field: "bucket \(name)", expected: words.joined(separator: ", "),
        got: Amounts.gpuSeconds(level))
    ]
  }
}
