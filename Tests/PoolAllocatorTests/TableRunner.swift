import Foundation

@testable import PoolAllocator

/// What one table file did.
struct TableReport {
  struct Failure {
    let line: Int
    let message: String
    /// The line was marked `issue`: the core is known to be wrong there.
    let issue: String?
  }
  var failures: [Failure] = []
  var edges: Set<TableEdge> = []
  var reasons: Set<Reason.Code> = []
  /// Lines that were written anew: number of the first, how many, and what comes in their place.
  var rewritten: [(number: Int, count: Int, lines: [String])] = []
  var commands = 0
  var hints = 0
}

/// Runs a table: applies its commands to a pool and compares what happens with what it states.
struct TableRunner {
  var pool = Pool()
  /// Folds the same events one by one; every step of a state machine is seen there.
  private var shadow = Pool()
  private var limits = Limits()
  private(set) var log = EventLog()
  /// The caller's clock, which the pool may hold or cut.
  var clock: Int64 = 0
  var policy = TablePolicy()
  var generation: UInt32 = 0
  var machines: [String: TableMachine] = [:]
  var names = TableNames()
  var nodes: [String: NodeID] = [:]
  var claimIDs: [String: ClaimID] = [:]
  private var reservations = TableReservations()
  private var approvals = TableApprovals()
  /// Every command so far with its answer, for the runs that start from a cut.
  private var history: [TableStep] = []
  private var start = Pool()
  private var issue: String?
  /// A mark for what the end of the scenario finds.
  private var endIssue: String?
  private var line = 0
  private let include: (String) throws -> String
  private(set) var report = TableReport()

  init(include: @escaping (String) throws -> String) { self.include = include }

  mutating func run(_ text: String) -> TableReport {
    for line in TableLine.parse(text) {
      if ProcessInfo.processInfo.environment["TABLE_TRACE"] != nil {
        FileHandle.standardError.write(Data("\(line.number): \(line.head)\n".utf8))
      }
      self.line = line.number
      let failures = report.failures.count
      do { try run(line) } catch { fail("\(error)\n  line: \(line.head)") }
      if line.words.first?.hasPrefix("issue") != true { closeIssue(failuresBefore: failures) }
    }
    finishScenario()
    return report
  }

  /// A marked line must fail; when it no longer does, the mark is in the way.
  private mutating func closeIssue(failuresBefore: Int) {
    guard let marked = issue else { return }
    issue = nil
    if report.failures.count == failuresBefore {
      fail("the issue is gone, take its mark away: \(marked)")
    }
  }

  private mutating func fail(_ message: String) {
    report.failures.append(.init(line: line, message: message, issue: issue))
  }

  // MARK: lines

  private mutating func run(_ line: TableLine) throws {
    var words = line.words
    if let first = words.first, let sign = first.first, sign.isNumber || sign == "+" {
      clock = sign == "+" ? clock + (try TableValue.ns(first)) : try TableValue.ns(first)
      words.removeFirst()
    }
    guard let verb = words.first else { throw TableError("a time alone says nothing") }
    words.removeFirst()
    switch verb {
    case "==": startScenario()
    case "issue": issue = words.joined(separator: " ")
    case "issue-at-end": endIssue = words.joined(separator: " ")
    case "use": try includeLines(words)
    case "repeat": try repeatLines(words)
    case "limits": try setLimits(words)
    case "policy": try policy.change(words)
    case "show": compare(line, try look(words))
    case "node": try addNode(words)
    default:
      guard let command = try command(verb, words) else { throw TableError("unknown: \(verb)") }
      let before = pool
      let outcome = try apply(command)
      compare(line, outcome.shown)
      checkHint(command, outcome, before: before)
    }
  }

  private mutating func startScenario() {
    finishScenario()
    let report = self.report
    self = TableRunner(include: include)
    self.report = report
  }

  private mutating func includeLines(_ words: [String]) throws {
    for part in words {
      for line in TableLine.parse(try include(part)) {
        do { try run(line) } catch { throw TableError("\(part), line \(line.number): \(error)") }
      }
    }
  }

  /// `repeat 3 policy tenant t% ; activate`: the lines again and again, with 1, 2, 3 for `%`.
  private mutating func repeatLines(_ words: [String]) throws {
    let count: Int = try TableValue.int(words.first ?? "")
    let lines = words.dropFirst().joined(separator: " ").replacing(" ; ", with: "\n")
    for round in stride(from: 1, through: count, by: 1) {
      for line in TableLine.parse(lines.replacing("%", with: "\(round)")) { try run(line) }
    }
  }

  private mutating func setLimits(_ words: [String]) throws {
    var options = TableOptions(words)
    try options.set(&limits.nodes, "nodes", TableValue.int)
    try options.set(&limits.devices, "devices", TableValue.int)
    try options.set(&limits.tenants, "tenants", TableValue.int)
    try options.set(&limits.buckets, "buckets", TableValue.int)
    try options.set(&limits.budgets, "budgets", TableValue.int)
    try options.set(&limits.delegationMemory, "delegationMemory", TableValue.span)
    try options.set(&limits.quotes, "quotes", TableValue.int)
    try options.set(&limits.quoteMemory, "quoteMemory", TableValue.span)
    try options.set(&limits.identities, "identities", TableValue.int)
    try options.set(&limits.claims, "claims", TableValue.int)
    try options.set(&limits.leases, "leases", TableValue.int)
    try options.set(&limits.corrections, "corrections", TableValue.int)
    try options.set(&limits.queuedClaims, "queued", TableValue.int)
    try options.set(&limits.queuedClaimsPerTenant, "queuedPerTenant", TableValue.int)
    try options.set(&limits.liveClaimsPerWorkflow, "perWorkflow", TableValue.int)
    try options.set(&limits.silentAfter, "silentAfter", TableValue.span)
    try options.finish()
    guard history.isEmpty else { throw TableError("limits come first") }
    pool = Pool(limits: limits)
    shadow = pool
    start = pool
  }

  /// `node` is `enrol`, then `report`: a machine as its operator wants it.
  private mutating func addNode(_ words: [String]) throws {
    guard let name = words.first else { throw TableError("node NAME …") }
    var options = TableOptions(words.dropFirst())
    var machine = TableMachine(name: name)
    try machine.readEnrolment(&options)
    var trial = options
    _ = try machine.report(&trial, living: [])
    try trial.finish()
    let enrolled = try apply(.enrol(try machine.enrolment()))
    machines[name] = TableMachine(name: name)
    let reported = try apply(
      try command("report", [name] + words.dropFirst().filter { !Self.isOperators($0) })
        ?? .tick)
    for step in [enrolled, reported] where step.shown.verdict != "done" {
      throw TableError("node \(name): \(step.shown.text(like: nil))")
    }
  }

  private static func isOperators(_ word: String) -> Bool {
    ["labels=", "approve=", "rack="].contains { word.hasPrefix($0) }
  }

  // MARK: comparing

  private mutating func compare(_ line: TableLine, _ actual: TableOutcome) {
    guard let expected = line.expected else {
      if let verdict = actual.verdict, !["done", "admitted"].contains(verdict) {
        fail("not done: \(line.head) -> \(actual.text(like: nil))")
      }
      return
    }
    let stated = TableOutcome(expected)
    guard expected.isEmpty || !stated.accepts(actual) else { return }
    let right = actual.text(like: expected.isEmpty ? nil : stated)
    if issue == nil { report.rewritten.append((line.number, line.count, line.rewritten(right))) }
    fail("\n  expected: \(line.head) -> \(expected)\n  got:      \(line.head) -> \(right)")
  }

  // MARK: applying

  /// Applies a command, a tick until nothing is due, and checks the pool after each.
  mutating func apply(_ command: Command) throws -> TableStep {
    var result = try applyOnce(command)
    var rounds = 1
    while result.isUnfinished, rounds < 4 {
      let next = try applyOnce(command)
      result.shown.events = (result.shown.events ?? []) + (next.shown.events ?? [])
      result.isUnfinished = next.isUnfinished
      rounds += 1
    }
    if result.isUnfinished {
      result.shown.events = nil
      result.shown.add("endless", "yes", .always)
    }
    return result
  }

  private mutating func applyOnce(_ command: Command) throws -> TableStep {
    let moment = Instant(ns: clock)
    let (decision, progress) = pool.apply(command, at: moment, into: &log)
    let step = TableStep(command, moment, decision, progress, log)
    history.append(step)
    report.commands += 1
    names.learn(pool, log)
    for event in log.events {
      if case .nodeEnrolled(let id, _) = event { nodes[names[id]] = id }
      if case .claimSubmitted(let id, _) = event { claimIDs[names[id]] = id }
    }
    pool.checkInvariants()
    try fold()
    for index in decision.reasons.indices { report.reasons.insert(log.reasons[index].code) }
    for event in log.events {
      if case .claimDowngraded(_, _, let code, _) = event { report.reasons.insert(code) }
    }
    var shown = step
    shown.shown = show(decision, step.reasons)
    shown.shown.events = names.items(log)
    return shown
  }

  /// Folds the command's events into the shadow, one by one, and compares the digests.
  private mutating func fold() throws {
    shadow.now = log.at
    for event in log.events {
      let before = TableStates(shadow)
      if let edge = try reservations.take(event, log, shadow) { report.edges.insert(edge) }
      if let edge = try approvals.take(event, log) { report.edges.insert(edge) }
      shadow.evolve(event, log)
      report.edges.formUnion(before.edges(to: TableStates(shadow)))
    }
    shadow.refreshCeilings()
    guard shadow.digest() == pool.digest() else { throw TableError("replay differs") }
  }

  // MARK: the end of a scenario

  /// A pool made anew from the logs is the same; indexes made anew at any cut lead the same way.
  private mutating func finishScenario() {
    issue = endIssue
    endIssue = nil
    let failures = report.failures.count
    defer { closeIssue(failuresBefore: failures) }
    var replayed = start
    for step in history { replayed.replay(step.log) }
    if replayed.digest() != pool.digest() { fail("replaying the logs gives another pool") }
    replayed = start
    // A short scenario is cut everywhere, a long one here and there and before its last command.
    let every = history.count > 50 ? history.count / 8 : 1
    for cut in history.indices {
      let isCut = cut % every == 0 || cut == history.count - 1
      if isCut, !follows(from: cut, replayed) {
        fail("after reindex() at command \(cut) of \(history.count) the rest goes another way")
        break
      }
      replayed.replay(history[cut].log)
    }
    history = []
  }

  private func follows(from cut: Int, _ base: Pool) -> Bool {
    // Indexes are made anew when an image is read.
    guard var copy = Pool(image: base.image(), limits: base.limits) else { return false }
    var log = EventLog()
    for step in history[cut...] {
      let (decision, progress) = copy.apply(step.command, at: step.moment, into: &log)
      guard TableStep(step.command, step.moment, decision, progress, log).isLike(step) else {
        return false
      }
    }
    return copy.digest() == pool.digest()
  }

  // MARK: hints

  /// A hint is exact: refused one nanosecond before it, not for want of credits at it.
  private mutating func checkHint(_ command: Command, _ step: TableStep, before: Pool) {
    guard let retry = step.decision.retryAt,
      step.reasons.contains(where: { $0.code == .bucketShort })
    else { return }
    report.hints += 1
    for (moment, isEarly) in [(Instant(ns: retry.ns - 1), true), (retry, false)] {
      var copy = before
      var log = EventLog()
      // Steps of less than an hour are believed; a refused command changes nothing else.
      while copy.now + Limits.clockStepMax < moment {
        let next = copy.now + Limits.clockStepMax + copy.skipped
        _ = copy.apply(.hear(NodeID(row: .max, generation: 0)), at: next, into: &log)
      }
      let (decision, _) = copy.apply(command, at: moment + copy.skipped, into: &log)
      // A claim in the order may still be short for a dearer lane than those it waits for.
      let isShort =
        decision.verdict != .queued
        && decision.reasons.indices.contains { log.reasons[$0].code.group == .credits }
      if isShort != isEarly {
        let text = "\(TableValue.text(moment)): \(decision.verdict)"
        fail("hint \(TableValue.text(retry)) is not exact: at \(text)")
      }
    }
  }
}

/// One command with its answer.
struct TableStep {
  let command: Command
  let moment: Instant
  let decision: Decision
  let log: EventLog
  var isUnfinished: Bool
  var shown = TableOutcome()

  init(
    _ command: Command, _ moment: Instant, _ decision: Decision, _ progress: PoolAllocator.Progress,
    _ log: EventLog
  ) {
    self.command = command
    self.moment = moment
    self.decision = decision
    self.log = log
    isUnfinished = progress == .more
  }

  var reasons: [Reason] { decision.reasons.indices.map { log.reasons[$0] } }

  /// Whether another run gave the same answer by the same events.
  func isLike(_ other: TableStep) -> Bool {
    isUnfinished == other.isUnfinished && reasons == other.reasons
      && "\(decision)" == "\(other.decision)" && "\(log.events)" == "\(other.log.events)"
  }
}
