import PoolAllocator

/// Place of a claim in the order of one lane, by its definition (SEMANTICS 4.1–4.3, decision 0019):
/// overdue turns as they became so, then level, what the tenant was
/// served, submission, arrival.
struct Standing: Comparable, Sendable, CustomStringConvertible {
  /// When its tenant's turn became overdue, for the tenant's first claim alone.
  let overdueSince: Int64?
  let level: UInt8
  let served: Rational
  let submitted: Int64
  let arrival: Int

  static func < (left: Standing, right: Standing) -> Bool {
    switch (left.overdueSince, right.overdueSince) {
    case (let one?, let other?) where one != other: return one < other
    case (.some, nil): return true
    case (nil, .some): return false
    default: break
    }
    if left.level != right.level { return left.level < right.level }
    if left.served != right.served { return left.served < right.served }
    if left.submitted != right.submitted { return left.submitted < right.submitted }
    return left.arrival < right.arrival
  }

  var description: String {
    "(\(overdueSince.map { "overdue \($0) " } ?? "")level \(level),"
      + " served \(served), submitted \(submitted), arrival \(arrival))"
  }

  /// Level = max(ceiling, class − ⌊eligible wait / step⌋).
  static func level(rank: UInt8, waited: Int64, _ rule: OrderRule) -> UInt8 {
    guard let step = rule.ageingStep else { return rank }
    let risen = Int64(rank) - waited / step.ns
    return rank <= rule.ceiling ? rank : UInt8(max(Int64(rule.ceiling), risen))
  }
}
