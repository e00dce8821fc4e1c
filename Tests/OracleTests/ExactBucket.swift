import PoolAllocator

/// A bucket as SEMANTICS 2.1 defines it: credits drip in at a rate and run over at the cap. Nothing
/// is rounded; a level reads as the whole credits in it.
struct ExactBucket {
  let rule: BucketRule
  private(set) var cap: Rational
  /// Credits per nanosecond.
  private(set) var rate: Rational
  private(set) var level: Rational
  private(set) var asOf: Int64

  private(set) var charged: Int128 = 0
  private(set) var refunded: Int128 = 0
  /// Whole credits that did not fit, of each posting.
  private(set) var forfeited: Int128 = 0
  /// The next quantum of each lease that pays from it.
  var committed: Int128 = 0
  /// The claim that left its parking last and is not yet served.
  var turn: ClaimID?

  init(_ rule: BucketRule, at moment: Int64) {
    self.rule = rule
    cap = Rational(rule.cap.value)
    rate = Rational(Int128(rule.refillPerSecond.value), over: 1_000_000_000)
    level = Rational(rule.opening.value)
    asOf = moment
  }

  /// The level at a moment that is not before the last change.
  func level(at moment: Int64) -> Rational {
    min(cap, level + rate * Rational(moment - asOf))
  }

  /// The first nanosecond, from a moment on, at which it holds so much, if nobody spends.
  /// - Returns: nil where it never does.
  func holds(_ need: Int128, from moment: Int64) -> Int64? {
    let need = Rational(need)
    if level(at: moment) >= need { return moment }
    guard need <= cap, rate > .zero else { return nil }
    return asOf + Int64(((need - level) / rate).ceiling)
  }

  mutating func charge(_ credits: Int128, at moment: Int64) {
    pass(to: moment)
    level = level - Rational(credits)
    charged += credits
  }

  mutating func refund(_ credits: Int128, at moment: Int64) {
    pass(to: moment)
    refunded += credits
    level = level + Rational(credits)
    clamp()
  }

  /// Another policy: what dripped in at the old rate stays, what the new cap does not hold is lost.
  func replaced(by rule: BucketRule, at moment: Int64) -> ExactBucket {
    var new = ExactBucket(rule, at: moment)
    new.level = level(at: moment)
    (new.charged, new.refunded, new.forfeited) = (charged, refunded, forfeited)
    (new.committed, new.turn) = (committed, turn)
    new.clamp()
    return new
  }

  private mutating func pass(to moment: Int64) {
    level = level(at: moment)
    asOf = moment
  }

  private mutating func clamp() {
    guard level > cap else { return }
    forfeited += (level - cap).floor
    level = cap
  }
}
