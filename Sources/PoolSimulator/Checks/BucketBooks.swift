import PoolAllocator

/// B1 and B2: every bucket holds exactly what its books say, drips exactly at its rate, and stays
/// between its debt bound and its cap (SEMANTICS 2.1, 2.10).
///
/// A level is kept as a whole number of 10⁻⁹ credits: what drips in a nanosecond at one credit a
/// second. Nothing is rounded but what is read.
struct BucketBooks {
  /// One bucket.
  private struct Exact {
    var cap: Int64
    var rate: Int64
    /// 10⁻⁹ credits.
    var level: Int128
    /// Whole credits of it, rounded down.
    var credits: Int64
    var time: Int64
    /// The furthest below zero that anything so far was allowed to take it.
    var debtMax: Int64 = 0
    var opening: Int128
    var refilled: Int128 = 0
    var charged: Int128 = 0
    var refunded: Int128 = 0
    var forfeited: Int128 = 0

    static let unit: Int128 = 1_000_000_000

    init(_ bucket: borrowing KnownBucket, holding credits: Int64, at now: Int64) {
      cap = bucket.cap
      rate = bucket.rate
      level = Int128(credits) * Self.unit
      self.credits = credits
      time = now
      opening = Int128(credits)
    }

    /// 10⁻⁹ credits beside the whole ones.
    var rest: Int64 { Int64(level - Int128(credits) * Self.unit) }

    /// Lets time pass. - Returns: whole credits gained.
    mutating func drip(to now: Int64) -> Int64 {
      guard now > time else { return 0 }
      level = min(level + Int128(rate) * Int128(now - time), Int128(cap) * Self.unit)
      time = now
      return count()
    }

    /// Reads the whole credits anew. - Returns: how many more they are.
    mutating func count() -> Int64 {
      let (whole, rest) = level.quotientAndRemainder(dividingBy: Self.unit)
      let now = Int64(rest < 0 ? whole - 1 : whole)
      defer { credits = now }
      return now - credits
    }
  }

  private var buckets = ByID<Bucket, Exact>()
  private var touched: [BucketID] = []

  /// Looks at an event after it was folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) throws(Violation) {
    switch event {
    case .policyActivated(_, let run): try activate(run, facts, log, &coverage)
    case .leaseGranted(let claim, let run):
      let first = log.grants[Int(run.first)]
      let price = run.indices.reduce(Int64(0)) { $0 + log.grants[$1].reserved.value }
      let rank = facts.claims[claim]?.fact.serviceClass.rank ?? 3
      for index in first.postings.indices {
        let posting = log.postings[index]
        try take(price, posting, facts)
        let allowed = facts.buckets[posting.bucket]?.allowance(rank: rank, at: facts.now) ?? 0
        try checkFloor(allowed, of: posting.bucket, &coverage)
      }
    case .leaseRenewed(let id, _, let reserved, let run):
      guard let lease = facts.leases[id] else { return }
      for index in run.indices {
        let posting = log.postings[index]
        try take(reserved.value, posting, facts)
        guard let bucket = facts.buckets[posting.bucket] else { continue }
        let debt = lease.grant.terms.overrun == .debt ? bucket.debtMax : 0
        let allowed = debt + bucket.allowance(rank: lease.rank, at: facts.now)
        try checkFloor(allowed, of: posting.bucket, &coverage)
      }
    case .settled(_, _, _, _, let run):
      for index in run.indices { try refund(log.postings[index], facts, &coverage) }
    case .budgetOpened(let id, let fact):
      guard let bucket = facts.buckets[id] else { return }
      let limit = log.delegations[Int(fact)].limit.value
      buckets[id] = Exact(bucket, holding: limit, at: facts.now)
      touched.append(id)
    case .budgetChanged(let id, let limit, _):
      let change = Int128(limit.value - (buckets[id]?.cap ?? 0))
      buckets[id]?.cap = limit.value
      buckets[id]?.level += change * Exact.unit
      buckets[id]?.opening += change
      _ = buckets[id]?.count()
      touched.append(id)
    case .budgetForgotten(let id): buckets[id] = nil
    default: break
    }
  }

  /// What a bucket holds at a moment, not before its last posting.
  func credits(of id: BucketID, at moment: Int64) -> Int64 {
    guard var exact = buckets[id] else { return 0 }
    _ = exact.drip(to: moment)
    return exact.credits
  }

  // MARK: postings

  /// A bucket is reserved from.
  private mutating func take(
    _ amount: Int64, _ posting: Posting, _ facts: borrowing Facts
  ) throws(Violation) {
    try drip(posting, facts)
    try must(
      posting.charged.value == amount && posting.refunded == .zero && posting.forfeited == .zero,
      "B2",
      "bucket \(posting.bucket.name) is charged \(posting.charged.value) where \(amount) is "
        + "reserved")
    buckets[posting.bucket]?.level -= Int128(amount) * Exact.unit
    _ = buckets[posting.bucket]?.count()
    try settle(posting)
  }

  /// A bucket gets back what a quantum did not use; what passes its cap is forfeited.
  private mutating func refund(
    _ posting: Posting, _ facts: borrowing Facts, _ coverage: inout Coverage
  ) throws(Violation) {
    try drip(posting, facts)
    guard var exact = buckets[posting.bucket] else { return }
    let before = exact.credits
    let full = exact.level + Int128(posting.refunded.value) * Exact.unit
    exact.level = min(full, Int128(exact.cap) * Exact.unit)
    let gained = exact.count()
    let lost = posting.refunded.value - gained
    try must(
      posting.forfeited.value == lost && posting.charged == .zero, "B2",
      "bucket \(posting.bucket.name) forfeits \(posting.forfeited.value) where \(lost) passes its "
        + "cap")
    if lost > 0 { coverage.reach(.capForfeited) }
    if before < 0, exact.credits >= 0 { coverage.reach(.debtRepaid) }
    buckets[posting.bucket] = exact
    try settle(posting)
  }

  private mutating func drip(_ posting: Posting, _ facts: borrowing Facts) throws(Violation) {
    guard buckets[posting.bucket] != nil else {
      throw Violation("B1", "bucket \(posting.bucket.name) is posted to and is not there")
    }
    let before = buckets[posting.bucket]?.credits ?? 0
    let gained = buckets[posting.bucket]?.drip(to: facts.now) ?? 0
    try must(
      posting.refilled.value == gained, "B2",
      "bucket \(posting.bucket.name) at \(before) is refilled by \(posting.refilled.value) and "
        + "gained \(gained) by \(facts.now) ns")
  }

  /// Books a posting and checks the remainder that goes with it.
  private mutating func settle(_ posting: Posting) throws(Violation) {
    guard var exact = buckets[posting.bucket] else { return }
    try must(
      posting.remainder == exact.rest, "B2",
      "bucket \(posting.bucket.name) carries \(posting.remainder) billionths, not \(exact.rest)")
    exact.refilled += Int128(posting.refilled.value)
    exact.charged += Int128(posting.charged.value)
    exact.refunded += Int128(posting.refunded.value)
    exact.forfeited += Int128(posting.forfeited.value)
    buckets[posting.bucket] = exact
    touched.append(posting.bucket)
  }

  private mutating func checkFloor(
    _ allowed: Int64, of id: BucketID, _ coverage: inout Coverage
  ) throws(Violation) {
    guard let exact = buckets[id] else { return }
    try must(
      exact.credits >= -allowed, "B2",
      "bucket \(id.name) is at \(exact.credits), \(allowed) below zero is allowed")
    buckets[id]?.debtMax = max(exact.debtMax, allowed)
    if exact.credits < 0 { coverage.reach(.debtEntered) }
  }

  // MARK: a policy

  private mutating func activate(
    _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ coverage: inout Coverage
  ) throws(Violation) {
    var posted = 0
    for index in run.indices {
      let posting = log.postings[index]
      let id = posting.bucket
      try drip(posting, facts)
      posted += 1
      guard var exact = buckets[id] else { continue }
      if let bucket = facts.buckets[id], !bucket.isRetired {
        let before = exact.credits
        exact.cap = bucket.cap
        exact.rate = bucket.rate
        exact.level = min(exact.level, Int128(exact.cap) * Exact.unit)
        let lost = -exact.count()
        try must(
          posting.forfeited.value == lost, "B1",
          "bucket \(id.name) at \(before) forfeits \(posting.forfeited.value) to the new cap "
            + "\(exact.cap)")
        if lost > 0 { coverage.reach(.policyForfeited) }
      } else {
        try must(
          posting.forfeited == .zero, "B1", "bucket \(id.name) is retired and forfeits credits")
      }
      buckets[id] = exact
      try settle(posting)
    }
    try open(posted, facts)
  }

  /// Buckets that a policy brings open at what it says; those that nothing needs are gone.
  private mutating func open(_ posted: Int, _ facts: borrowing Facts) throws(Violation) {
    let known = buckets.ids.filter { !(facts.buckets[$0]?.isBudget ?? false) }
    try must(
      posted == known.count, "B4",
      "an activation settles \(posted) of \(known.count) buckets")
    for id in known where facts.buckets[id] == nil { buckets[id] = nil }
    for rule in facts.policy.buckets {
      guard let id = facts.bucketNames[rule.key], buckets[id] == nil,
        let bucket = facts.buckets[id]
      else { continue }
      buckets[id] = Exact(bucket, holding: rule.opening.value, at: facts.now)
      touched.append(id)
    }
  }

  // MARK: the pool

  /// Compares the buckets that the command touched with the pool's.
  /// - Complexity: O(buckets that it touched).
  mutating func close(_ pool: borrowing Pool) throws(Violation) {
    for id in touched { try compare(id, pool) }
    touched.removeAll(keepingCapacity: true)
  }

  /// Compares every bucket.
  /// - Complexity: O(buckets).
  func closeAll(_ pool: borrowing Pool) throws(Violation) {
    var count = 0
    for id in buckets.ids {
      try compare(id, pool)
      count += 1
    }
    var rows = 0
    pool.forEachBucket { _, _ in rows += 1 }
    try must(rows == count, "B1", "the pool has \(rows) buckets, \(count) by their events")
  }

  private func compare(_ id: BucketID, _ pool: borrowing Pool) throws(Violation) {
    guard let exact = buckets[id] else { return }
    guard let row = pool.bucket(id) else {
      throw Violation("B1", "bucket \(id.name) left with \(exact.credits) credits")
    }
    let books = row.books
    try must(
      books.opening.value == exact.opening && books.refilled.value == exact.refilled
        && books.charged.value == exact.charged && books.refunded.value == exact.refunded
        && books.forfeited.value == exact.forfeited, "B1",
      "the books of bucket \(id.name) are not what was posted: \(books)")
    let balance =
      exact.opening + exact.refilled + exact.refunded - exact.charged - exact.forfeited
    try must(
      balance == Int128(row.credits.level.value), "B1",
      "bucket \(id.name) holds \(row.credits.level.value), its books say \(balance)")
    try must(
      row.credits.level.value == exact.credits && row.credits.remainder == exact.rest
        && row.credits.asOf.ns == exact.time, "B2",
      "bucket \(id.name) holds \(row.credits.level.value) and \(row.credits.remainder) billionths "
        + "at \(row.credits.asOf.ns) ns, not \(exact.credits) and \(exact.rest) at \(exact.time)")
    try must(
      exact.credits <= row.credits.cap.value && exact.credits >= -exact.debtMax, "B2",
      "bucket \(id.name) is at \(exact.credits), outside -\(exact.debtMax) ... "
        + "\(row.credits.cap.value)")
  }
}
