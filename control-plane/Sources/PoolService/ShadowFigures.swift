import DequeModule
import PoolAllocator
import PoolSimulator
import PoolWire

/// What limits that are only observed would have denied, since the server began.
struct ShadowFigures: Sendable {
  /// Whether it is looked at.
  enum Standing: String, Sendable {
    /// The policy in force has no such limit.
    case off
    /// Every command is followed.
    case running
    /// It was given up; `because` says why.
    case stopped
  }

  /// What is counted together.
  struct Kind: Hashable, Sendable {
    /// Who pays; nil: one of those for whom there was no room.
    var tenant: Key?
    var serviceClass: String
    /// What would have become of the claim: an answer, an end of its wait, or `stopped`.
    var outcome: String
    /// The first of what would have stood in its way.
    var reason: String
  }

  /// One claim that fared better than it would have.
  struct Row: Sendable {
    var kind: Kind
    var at: Instant
    /// The claim's outside name.
    var claim: Key
    /// What was decided here.
    var decided: String
    /// Why it would have been otherwise, in words.
    var sentence: String
  }

  /// How often one kind was seen.
  struct Sum: Sendable {
    var kind: Kind
    var tenant: String
    var count: UInt64
  }

  /// Differences that are kept. Unit: claims.
  static let rowsMost = 100
  /// Kinds that are counted by themselves. Unit: kinds.
  static let kindsMost = 10_000

  private(set) var standing = Standing.off
  /// Why it was given up.
  private(set) var because: String?
  /// The policy whose limits are observed.
  private(set) var generation = PolicyGeneration(0)
  /// When it began to be observed.
  private(set) var since = Instant.origin
  /// Commands that were followed.
  private(set) var commands = UInt64(0)
  private(set) var counts: [Kind: UInt64] = [:]
  /// The last differences, the last one last.
  private(set) var rows: Deque<Row> = []

  /// Nothing is observed.
  mutating func end() {
    standing = .off
    because = nil
  }

  /// The limits of another policy are observed.
  mutating func begin(_ generation: PolicyGeneration, at now: Instant) {
    (standing, because, self.generation, since) = (.running, nil, generation, now)
  }

  /// It is given up.
  mutating func stop(_ because: String) {
    (standing, self.because) = (.stopped, because)
  }

  /// Takes in what came of commands.
  mutating func add(_ found: [Row], commands more: Int) {
    commands += UInt64(more)
    for row in found {
      var kind = row.kind
      if counts[kind] == nil, counts.count >= Self.kindsMost { kind.tenant = nil }
      counts[kind, default: 0] += 1
      if rows.count >= Self.rowsMost { rows.removeFirst() }
      rows.append(row)
    }
  }

  /// The counts in the order in which they are shown.
  /// - Parameter most: tenants that are shown by themselves, the greatest; the others are `other`.
  func sums(_ names: NameTable, tenants most: Int) -> [Sum] {
    var tenants: [Key: UInt64] = [:]
    for (kind, count) in counts {
      if let tenant = kind.tenant { tenants[tenant, default: 0] += count }
    }
    let greatest = tenants.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let kept = Set(greatest.prefix(most).map(\.key))
    var shown: [Kind: UInt64] = [:]
    for (kind, count) in counts {
      var kind = kind
      if let tenant = kind.tenant, !kept.contains(tenant) { kind.tenant = nil }
      shown[kind, default: 0] += count
    }
    let sums = shown.map { kind, count in
      Sum(kind: kind, tenant: kind.tenant.map { names.text($0) } ?? "other", count: count)
    }
    return sums.sorted { left, right in
      (left.tenant, left.kind.serviceClass, left.kind.outcome, left.kind.reason)
        < (right.tenant, right.kind.serviceClass, right.kind.outcome, right.kind.reason)
    }
  }
}

extension ShadowFigures.Row {
  /// Puts a difference in words.
  /// - Parameter pool: the pool in which the limits hold, right after it differed.
  init(_ difference: ShadowDifference, in pool: Pool, names: NameTable) {
    let text = difference.reason.map { ReasonText($0, in: pool, names: names) }
    var reason = text?.reason.code.wire ?? ""
    let outcome: String
    switch difference.outcome {
    case .answered(let verdict):
      outcome = verdict.wire
      sentence = text?.fact ?? "it would be \(verdict.wire)"
    case .ended(let end):
      outcome = end.wire
      sentence = text.map { "its wait would have ended: \($0.fact)" } ?? "its wait would have ended"
    case .stopped(let cause):
      outcome = "stopped"
      reason = cause.wire
      sentence = Self.words(cause)
    }
    kind = ShadowFigures.Kind(
      tenant: difference.tenant, serviceClass: difference.serviceClass?.word ?? "",
      outcome: outcome, reason: reason)
    at = difference.at
    claim = difference.claim
    decided = difference.decided?.wire ?? "running"
  }

  private static func words(_ cause: StopCause) -> String {
    switch cause {
    case .unpaid: "its bucket would not have paid the next quantum of its lease"
    case .reclaimed: "the owner of its lane would have taken its devices back"
    case .preempted: "more urgent work would have taken its devices"
    default: "its lease would have been stopped: \(cause.wire)"
    }
  }
}
