/// Whether and how a more urgent class takes devices from a less urgent one (SEMANTICS 6).
///
/// A policy without this rule preempts nothing.
public struct PreemptionRule: BitwiseCopyable, Hashable, Sendable {
  /// Classes that lie between the claim that takes and the work that gives way, at least: with 2 a
  /// P0 claim takes from P2 and P3. 1 … 3. One class is enough where the work would run on for
  /// `Limits.shortJobFactor` times the longest runtime of the claim.
  public var distance: UInt8
  /// Leases that one lane may lose at once, after a time without a loss.
  public var burst: UInt32
  /// Leases that one lane may lose per hour in the long run.
  public var perHour: UInt32

  /// Makes a rule of the usual distance.
  public init(distance: UInt8 = 2, burst: UInt32, perHour: UInt32) {
    self.distance = distance
    self.burst = burst
    self.perHour = perHour
  }

  /// Whether every field is in its range.
  var isSound: Bool {
    1...3 ~= distance && 1...Limits.preemptionsPerHour ~= burst
      && perHour <= Limits.preemptionsPerHour
  }
}

/// How many leases a lane may still lose: counts that refill with time, exact in integers.
///
/// One lease is an hour in nanoseconds, so that a rate per hour adds whole units. Taking needs one
/// lease's worth and may take several, so the level may fall below zero.
struct PreemptionBucket: BitwiseCopyable, Hashable, Sendable {
  /// What one lease costs.
  static let lease: Int64 = 3_600_000_000_000
  /// What it holds, at most `burst` leases.
  private(set) var level: Int64
  /// When `level` was true.
  private(set) var asOf: Instant

  /// A full bucket.
  init(_ rule: PreemptionRule, at now: Instant) {
    level = Int64(rule.burst) * Self.lease
    asOf = now
  }

  /// What it holds at a moment.
  func level(_ rule: PreemptionRule, at now: Instant) -> Int64 {
    let gained = Int128(now.ns - asOf.ns) * Int128(rule.perHour)
    return Int64(min(Int128(rule.burst) * Int128(Self.lease), Int128(level) + gained))
  }

  /// The first moment at which it holds one lease's worth; nil where it never does.
  func clears(_ rule: PreemptionRule) -> Instant? {
    let short = Self.lease - level
    guard short > 0 else { return asOf }
    guard rule.perHour > 0 else { return nil }
    let rate = Int64(rule.perHour)
    return asOf + Span(ns: short / rate + (short % rate == 0 ? 0 : 1))
  }

  /// Brings the level up to a moment, cut to what another rule allows.
  mutating func settle(_ rule: PreemptionRule, at now: Instant, next: PreemptionRule? = nil) {
    level = level(rule, at: now)
    asOf = now
    if let next { level = min(level, Int64(next.burst) * Self.lease) }
  }

  /// Takes the worth of so many leases.
  mutating func take(_ count: Int64, _ rule: PreemptionRule, at now: Instant) {
    settle(rule, at: now)
    level -= count * Self.lease
  }
}
