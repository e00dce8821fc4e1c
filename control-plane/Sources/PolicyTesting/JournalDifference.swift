internal import PoolAllocator
internal import PoolRecord
internal import PoolSimulator
internal import PoolWire
internal import StrictJSON

/// What of a recorded journal would be another under a policy, by tenant.
public struct JournalDifference: Sendable {
  /// What is another with a request. A request that changes in several ways counts for the first.
  public enum Kind: String, CaseIterable, Sendable {
    /// It was taken in, and is refused at the door.
    case refused
    /// It was refused at the door, and is taken in.
    case admitted
    /// It was asked again after a refusal, and need not be.
    case notAsked = "not_asked"
    /// It is refused with another reason.
    case reason
    /// It was granted devices, and never is.
    case neverGranted = "never_granted"
    /// It was never granted devices, and is.
    case granted
    /// It waits longer for its first devices.
    case waitsLonger = "waits_longer"
    /// It waits less.
    case waitsLess = "waits_less"
    /// It is granted devices in another lane.
    case lane
    /// It takes another rung of its ladder.
    case rung
    /// It is told another price.
    case price
    /// It is answered otherwise at the door, and waits as long.
    case answer
    /// It starts or ends otherwise.
    case course

    var words: String {
      switch self {
      case .refused: "taken in → refused"
      case .admitted: "refused → taken in"
      case .notAsked: "not asked again"
      case .reason: "refused with another reason"
      case .neverGranted: "never granted"
      case .granted: "granted at last"
      case .waitsLonger: "wait longer"
      case .waitsLess: "wait less"
      case .lane: "another lane"
      case .rung: "another rung"
      case .price: "another price"
      case .answer: "answered otherwise"
      case .course: "start or end otherwise"
      }
    }
  }

  /// One request that changes.
  public struct Example: Sendable, Equatable {
    /// The claim, by its name or its key.
    public let claim: String
    /// When it was asked, in seconds from the first record.
    public let asked: String
    /// What was so, and what would be.
    public let was: String
    /// What would be.
    public let now: String
    /// Whether the journal does not show how long its work takes, so that an estimate decides.
    public let isAssumed: Bool
  }

  /// Requests of one tenant that change in one way.
  public struct Count: Sendable, Equatable {
    /// The way.
    public let kind: Kind
    /// How many.
    public internal(set) var requests = 0
    /// The first of them.
    public internal(set) var examples: [Example] = []
  }

  /// One tenant.
  public struct Tenant: Sendable, Equatable {
    /// Its name, or its key where no document has it.
    public let name: String
    /// Requests that were made while the other policy was in force, or lived when it came into
    /// force.
    public internal(set) var requests = 0
    /// Of these, requests that change.
    public internal(set) var changed = 0
    /// The ways, in the order of `Kind`.
    public internal(set) var counts: [Count] = []
  }

  /// Examples of one way of one tenant. Unit: requests.
  static let examplesMax = 3

  /// Records that were read.
  public let records: Int
  /// How long the other policy was in force.
  let span: Span
  /// Tenants by name.
  public let tenants: [Tenant]
  /// Whether the journal ends under the policy that it is compared with.
  public let isUnderOld: Bool
  /// What was cut off at the end of the journal; nil where it is whole.
  public let torn: String?

  /// Requests that were made while the other policy was in force, or lived when it came into force.
  public var requests: Int { tenants.reduce(0) { $0 + $1.requests } }
  /// Requests that change.
  public var changed: Int { tenants.reduce(0) { $0 + $1.changed } }

  /// Sums an answer up.
  /// - Complexity: O(requests), and a look at each that changes.
  init(_ answer: WhatIf, isUnderOld: Bool, names: NameTable) {
    self.isUnderOld = isUnderOld
    records = answer.records
    span = answer.horizon - answer.since
    if case .torn(let tail) = answer.ending { torn = "\(tail)" } else { torn = nil }
    var tenants: [Key: Tenant] = [:]
    func change(_ key: Key, _ body: (inout Tenant) -> Void) {
      body(&tenants[key, default: Tenant(name: names.text(key))])
    }
    for story in answer.before where Self.concerns(story, answer.since) {
      change(story.spec.tenant) { $0.requests += 1 }
    }
    for index in answer.changes.lazy.map(\.request) {
      let look = Look(answer: answer, index: index, names: names)
      change(answer.before[index].spec.tenant) { tenant in
        tenant.changed += 1
        let kind = look.kind
        let place = tenant.counts.firstIndex { $0.kind == kind } ?? tenant.counts.count
        if place == tenant.counts.count { tenant.counts.append(Count(kind: kind)) }
        tenant.counts[place].requests += 1
        if tenant.counts[place].examples.count < Self.examplesMax {
          tenant.counts[place].examples.append(look.example)
        }
      }
    }
    let order = Kind.allCases
    self.tenants = tenants.values.sorted { $0.name < $1.name }.map { tenant in
      var tenant = tenant
      tenant.counts.sort {
        order.firstIndex(of: $0.kind) ?? 0 < order.firstIndex(of: $1.kind) ?? 0
      }
      return tenant
    }
  }

  /// Whether a request was made since a moment, or lived then.
  private static func concerns(_ story: RequestStory, _ since: Instant) -> Bool {
    if story.asked >= since { return true }
    return story.isTakenIn && story.ended.map { $0 >= since } ?? true
  }

  // MARK: forms

  /// A line for each tenant and way, with the first requests below.
  var lines: [String] {
    var lines: [String] = []
    for tenant in tenants where tenant.changed > 0 {
      lines.append(
        "tenant \(tenant.name): \(tenant.changed) of \(tenant.requests) requests change")
      for count in tenant.counts {
        lines.append("  \(count.requests)  \(count.kind.words)")
        lines += count.examples.map { example in
          "     \(example.claim) at \(example.asked) s: \(example.was) → \(example.now)"
            + (example.isAssumed ? " ~" : "")
        }
      }
    }
    if lines.contains(where: { $0.hasSuffix(" ~") }) {
      lines.append("~ the journal does not show how long the work takes: its estimate decides")
    }
    lines.append(
      "\(changed) of \(requests) requests of \(Amounts.seconds(span.ns)) s change;"
        + " \(records) records were read")
    if !isUnderOld {
      lines.append("note: the journal ends under another policy than the older one")
    }
    if let torn { lines.append("note: \(torn)") }
    return lines
  }

  /// Writes it as an object.
  func write(_ writer: inout JSONWriter) {
    writer.object("journal") { writer in
      writer.int64("records", Int64(records))
      writer.int64("requests", Int64(requests))
      writer.int64("changed", Int64(changed))
      writer.int64("span_ms", span.ns / 1_000_000)
      writer.bool("under_old", isUnderOld)
      if let torn { writer.string("torn", torn) }
      writer.array("tenants") { writer in
        for tenant in tenants { Self.write(tenant, &writer) }
      }
    }
  }

  private static func write(_ tenant: Tenant, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("tenant", tenant.name)
      writer.int64("requests", Int64(tenant.requests))
      writer.int64("changed", Int64(tenant.changed))
      writer.array("changes") { writer in
        for count in tenant.counts {
          writer.object { writer in
            writer.string("change", count.kind.rawValue)
            writer.int64("requests", Int64(count.requests))
            writer.array("examples") { writer in
              for example in count.examples {
                writer.object { writer in
                  writer.string("claim", example.claim)
                  writer.string("asked_seconds", example.asked)
                  writer.string("was", example.was)
                  writer.string("now", example.now)
                  writer.bool("assumed", example.isAssumed)
                }
              }
            }
          }
        }
      }
    }
  }
}

/// One request that changes, looked at in both runs.
private struct Look {
  let answer: WhatIf
  let index: Int
  let names: NameTable

  private var was: RequestStory { answer.before[index] }
  private var now: RequestStory { answer.after[index] }

  var kind: JournalDifference.Kind {
    guard now.verdict != nil else { return .notAsked }
    switch (was.isTakenIn, now.isTakenIn) {
    case (true, false): return .refused
    case (false, true): return .admitted
    case (false, false): return .reason
    case (true, true): break
    }
    switch (was.wait, now.wait) {
    case (_?, nil): return .neverGranted
    case (nil, _?): return .granted
    case (let old?, let new?) where old != new: return new > old ? .waitsLonger : .waitsLess
    default: break
    }
    if was.lane != now.lane { return .lane }
    if was.rung != now.rung || was.rungName != now.rungName { return .rung }
    if was.price != now.price { return .price }
    return was.verdict != now.verdict ? .answer : .course
  }

  var example: JournalDifference.Example {
    let path = names.name(was.spec.key).map(NamePath.last)
    return JournalDifference.Example(
      claim: path ?? names.text(was.spec.key),
      asked: Amounts.seconds((was.asked - answer.start).ns), was: text(was), now: text(now),
      isAssumed: answer.assumed[index])
  }

  private func text(_ story: RequestStory) -> String {
    switch kind {
    case .refused, .admitted, .notAsked, .reason, .answer: verdict(story)
    case .neverGranted, .granted, .waitsLonger, .waitsLess:
      story.wait.map { "after \(Amounts.seconds($0.ns)) s" } ?? end(story)
    case .lane: story.lane.map { names.text($0) } ?? "-"
    case .rung:
      story.rung == 0
        ? "as asked" : story.rungName.map { names.text($0) } ?? "rung \(story.rung)"
    case .price: "\(Amounts.gpuSeconds(story.price.value)) GPU-seconds"
    case .course: "\(moment(story.started)) to \(moment(story.ended)), \(end(story))"
    }
  }

  private func verdict(_ story: RequestStory) -> String {
    guard let verdict = story.verdict else { return "not asked" }
    guard story.isRefused, let reason = story.reason else { return verdict.wire }
    return "\(verdict.wire) (\(reason.wire))"
  }

  private func end(_ story: RequestStory) -> String {
    if let end = story.end { return end.wire }
    return story.isWaiting ? "waits" : "runs"
  }

  private func moment(_ moment: Instant?) -> String {
    moment.map { "\(Amounts.seconds(($0 - answer.start).ns)) s" } ?? "-"
  }
}
