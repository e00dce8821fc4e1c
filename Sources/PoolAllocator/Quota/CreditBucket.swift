/// A spending rate with a cap: the arithmetic of one bucket, exact in integers.
///
/// `level` grows by `⌊(Δt · rate + remainder) / 10⁹⌋`, so asking once or a million times gives the
/// same level; at the cap the remainder is dropped, because what a full bucket is given is lost.
public struct CreditBucket: BitwiseCopyable, Hashable, Sendable {
  /// Burst: the most it holds.
  public var cap: Credits
  /// Credits per second, not negative.
  public var refillPerSecond: Credits
  /// What it holds; below zero is debt.
  public var level: Credits
  /// Refill not yet a whole credit, in 10⁻⁹ credits, below 10⁹.
  public var remainder: Int64
  /// When `level` was true.
  public var asOf: Instant

  /// Makes a bucket with a level of at most its cap.
  public init(cap: Credits, refillPerSecond: Credits, level: Credits, asOf: Instant) {
    invariant(level <= cap && refillPerSecond >= .zero, "a bucket opens within its bounds")
    self.cap = cap
    self.refillPerSecond = refillPerSecond
    self.level = level
    self.remainder = 0
    self.asOf = asOf
  }

  /// What a bucket gained since `asOf`.
  public struct Refill: BitwiseCopyable, Hashable, Sendable {
    /// Credits gained, after the cap.
    public var gained: Credits
    /// The remainder that goes with them.
    public var remainder: Int64
  }

  /// What the bucket has gained by a moment.
  /// - Complexity: O(1), one division of 128 by 64 bits.
  public func refill(at now: Instant) -> Refill {
    guard now > asOf else { return Refill(gained: .zero, remainder: remainder) }
    let room = cap.value - level.value
    let (exact, rest) = WideProduct(now.ns - asOf.ns, refillPerSecond.value, plus: remainder)
      .divided(by: 1_000_000_000)
    let wrapped = (now.ns - asOf.ns) &* refillPerSecond.value / 1_000_000_000
    let whole = planted(.refillWraps) ? Int128(wrapped) : exact
    if whole >= Int128(room) {
      return Refill(gained: Credits(min(room, Credits.limit)), remainder: 0)
    }
    if planted(.refillForgetsRest) { return Refill(gained: Credits(Int64(whole)), remainder: 0) }
    return Refill(gained: Credits(Int64(whole)), remainder: rest)
  }

  /// The level at a moment.
  public func level(at now: Instant) -> Int64 { level.value + refill(at: now).gained.value }

  /// The first moment, not before `now`, at which the bucket holds `need` if nobody spends.
  ///
  /// Exact: one nanosecond earlier it does not. With Δ = need − level and r the remainder, it is
  /// `asOf + ⌈(Δ · 10⁹ − r) / rate⌉`.
  /// - Returns: nil where refill alone never reaches it.
  public func clears(_ need: Int128, at now: Instant) -> Instant? {
    let short = need - Int128(level.value)
    if short <= 0 { return now }
    guard need <= Int128(cap.value), refillPerSecond > .zero else { return nil }
    let rate = Int128(refillPerSecond.value)
    let wait = (short * 1_000_000_000 - Int128(remainder) + rate - 1) / rate
    let moment = Int128(asOf.ns) + wait + (planted(.hintLate) ? 1_000_000_000 : 0)
    guard moment <= Int128(Int64.max) else { return nil }
    return max(now, Instant(ns: Int64(moment)))
  }
}

/// What a bucket has taken in and given out since it opened; ever-growing.
public struct Books: BitwiseCopyable, Hashable, Sendable {
  /// Level when it opened.
  public var opening = CreditTotal.zero
  /// Gained by time.
  public var refilled = CreditTotal.zero
  /// Reserved by grants and renewals.
  public var charged = CreditTotal.zero
  /// Given back at settlement.
  public var refunded = CreditTotal.zero
  /// Lost above the cap, by a refund or by a policy that lowered it.
  public var forfeited = CreditTotal.zero

  /// What the level must be: opening + refilled + refunded − charged − forfeited.
  public var balance: Int128 {
    opening.value + refilled.value + refunded.value - charged.value - forfeited.value
  }
}

/// What one event does to one bucket; all postings of an event apply, or none.
public struct Posting: BitwiseCopyable, Hashable, Sendable {
  /// The bucket.
  public var bucket: BucketID
  /// Gained by time up to the event.
  public var refilled = Credits.zero
  /// The remainder that goes with it, in 10⁻⁹ credits.
  public var remainder: Int64 = 0
  /// Reserved.
  public var charged = Credits.zero
  /// Given back.
  public var refunded = Credits.zero
  /// Lost above the cap.
  public var forfeited = Credits.zero

  /// The change of the level.
  var change: Int128 {
    Int128(refilled.value - charged.value + refunded.value - forfeited.value)
  }
}

/// One bucket of a tenant's tree.
public struct Bucket: BitwiseCopyable, Sendable {
  /// The rule of the policy in force, or the last one that named it.
  public internal(set) var rule: BucketRule
  /// Its tenant.
  public let tenant: TenantID
  /// The bucket above it; of a budget, the one that it was given out of.
  public internal(set) var parent: BucketID?
  /// What makes it the budget of a delegation; nil for a bucket of the policy.
  public internal(set) var delegation: Delegation?
  /// Level and refill.
  public internal(set) var credits: CreditBucket
  /// Everything it took in and gave out.
  public internal(set) var books = Books()
  /// The next quantum of each lease, granted or running, that pays from it: no new grant takes
  /// this.
  public internal(set) var committed = CreditTotal.zero
  /// Leases that pay from it.
  public internal(set) var leases: UInt32 = 0
  /// When its emergency ends; nil while it is closed.
  public internal(set) var emergencyUntil: Instant?
  /// The claim that left the bucket's parking last and is not yet served.
  public internal(set) var turn: ClaimID?
  /// No longer in the policy; kept while a lease pays from it.
  public internal(set) var isRetired = false

  /// Books a posting. All four amounts are below 2⁵³, so their sum with a level fits 64 bits.
  mutating func apply(_ posting: Posting, at now: Instant) {
    let level = Credits(
      credits.level.value + posting.refilled.value - posting.charged.value
        + posting.refunded.value - posting.forfeited.value)
    invariant(level <= credits.cap, "no level passes its cap")
    credits.level = level
    credits.remainder = posting.remainder
    credits.asOf = now
    if posting.refilled != .zero { books.refilled += posting.refilled }
    if posting.charged != .zero { books.charged += posting.charged }
    if posting.refunded != .zero { books.refunded += posting.refunded }
    if posting.forfeited != .zero { books.forfeited += posting.forfeited }
  }
}
