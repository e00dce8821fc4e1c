@testable import PoolAllocator

/// Follows every credit from reservation to its one terminal posting, by events alone, in exact
/// arithmetic (B1, B2, B4, B5; SEMANTICS §1.1, §2.6–2.11). Shares no arithmetic with the core.
struct MoneyTrail {
  /// One lease as its events tell it.
  struct Trail {
    var rate: Int128
    var path: [BucketID]
    var terms: ClassRule
    var runtimeMax: Int64
    /// Lengths of its quanta, in order.
    var spans: [Int64]
    /// What is reserved and not yet settled, by quantum.
    var open: [UInt32: Int64]
    var charged: Int128 = 0
    var granted: Int64
    var started: Int64?
    var stopped: Int64?

    /// What the first so many nanoseconds cost, in 10⁻¹² credits.
    func cost(_ ns: Int64) -> Int128 { rate * Int128(ns) }

    /// Price of a quantum that would follow the last: nil past the hard end.
    var next: (span: Int64, price: Int64)? {
      let reserved = spans.reduce(0, +)
      let span = min(terms.quantum.ns, runtimeMax - reserved)
      guard span > 0 else { return nil }
      let price = MoneyTrail.up(cost(reserved + span)) - cost(reserved) / MoneyTrail.unit
      return (span, Int64(price))
    }
  }

  static let unit: Int128 = 1_000_000_000_000
  static func up(_ cost: Int128) -> Int128 { (cost + unit - 1) / unit }

  private(set) var buckets: [BucketID: ExactBucket] = [:]
  private(set) var leases: [LeaseID: Trail] = [:]
  /// Charged by leases whose path ends at the bucket.
  private var direct: [BucketID: Int128] = [:]
  /// Lowest level that any policy so far allowed.
  private var floors: [BucketID: Int64] = [:]
  /// How often what the tests are about happened.
  private(set) var seen: [String: Int] = [:]

  private mutating func note(_ what: String) { seen[what, default: 0] += 1 }

  /// Takes in the events of one command, then checks the pool against the trail.
  mutating func follow(_ log: EventLog, _ pool: Pool) throws {
    for event in log.events {
      switch event {
      case .policyActivated: try activate(log, pool)
      case .leaseGranted(_, let grants):
        try grant(Array(log.grants[grants.indices]), log, pool)
      case .leaseStarted(let id, let at): leases[id]?.started = at.ns
      case .leaseResumed(let id):
        note("resumed")
        if leases[id]?.started == nil { leases[id]?.started = log.at.ns }
      case .leaseRenewed(let id, let span, let reserved, let postings):
        try renew(id, span, reserved, postings, log, pool)
      case .settled(let id, let quantum, let charge, _, let postings):
        try settle(id, quantum, charge.value, postings, log)
      case .leaseStopping(let id, let cause, let at, _):
        note("stopped \(cause)")
        leases[id]?.stopped = at.ns
      case .leaseEnded(let id): try end(id)
      case .debtEntered: note("debt entered")
      case .leaseUnpaid: note("unpaid")
      case .claimParked: note("parked")
      default: break
      }
    }
    try compare(pool)
  }

  // MARK: events

  private mutating func activate(_ log: EventLog, _ pool: Pool) throws {
    guard let policy = log.policy else { throw Counterexample(description: "no policy") }
    for id in buckets.keys { buckets[id]?.advance(to: log.at.ns) }
    for rule in policy.buckets {
      guard let id = pool.bucket(named: rule.key) else {
        throw Counterexample(description: "an activated bucket exists")
      }
      floors[id] = min(floors[id] ?? 0, -rule.debtMax.value)
      guard var bucket = buckets[id] else {
        buckets[id] = ExactBucket(
          cap: rule.cap.value, rate: rule.refillPerSecond.value, level: rule.opening.value,
          time: log.at.ns)
        continue
      }
      if bucket.level > Int128(rule.cap.value) { note("clamped to a new cap") }
      bucket.cap = rule.cap.value
      bucket.take(0)
      bucket.rate = rule.refillPerSecond.value
      buckets[id] = bucket
    }
    note("activated")
  }

  /// The path of a claim, from the policy's own list.
  private func path(_ claim: Claim, _ pool: Pool) -> [BucketID] {
    let rules = pool.policy.buckets
    var path: [Int] = []
    while path.count < 4 {
      let next = rules.indices.first { index in
        guard rules[index].parent.map(Int.init) == path.last else { return false }
        switch rules[index].match {
        case .tenant: return pool.policy.tenants[Int(rules[index].tenant)].key == claim.spec.tenant
        case .application(let key): return key == claim.spec.application
        case .serviceClass(let it): return it == claim.serviceClass
        case .action(let key): return key == claim.spec.action
        }
      }
      guard let next else { break }
      path.append(next)
    }
    return path.compactMap { pool.bucket(named: rules[$0].key) }
  }

  /// All members pay in one posting, the first one's.
  private mutating func grant(_ grants: [Grant], _ log: EventLog, _ pool: Pool) throws {
    guard let claim = pool.claim(grants[0].claim) else {
      throw Counterexample(description: "a grant serves a live claim")
    }
    try must(grants.count == Int(claim.spec.demand.members), "each member has a lease")
    let postings = log.postings[grants[0].postings.indices]
    try must(postings.map(\.bucket) == path(claim, pool), "a grant charges its path, in order")
    try pay(grants.reduce(0) { $0 + $1.reserved.value }, postings, log)
    for bucket in postings.map(\.bucket) {
      // Nobody's renewal is granted away: one quantum stays for each lease that ran before.
      let kept = leases.values.filter { $0.stopped == nil && $0.path.contains(bucket) }
        .reduce(Int128(0)) { $0 + Int128($1.next?.price ?? 0) }
      let level = buckets[bucket]?.level ?? 0
      try must(level >= kept, "a grant left \(level) where renewals need \(kept)")
    }
    for member in grants { try note(member, of: claim, log, pool) }
    if grants.count > 1 { note("granted a gang") }
  }

  private mutating func note(
    _ grant: Grant, of claim: Claim, _ log: EventLog, _ pool: Pool
  ) throws {
    try must(leases[grant.lease] == nil, "a lease is granted once")
    let trail = Trail(
      rate: Int128(grant.rate), path: path(claim, pool), terms: grant.terms,
      runtimeMax: claim.spec.runtimeMax.ns, spans: [grant.quantum.ns],
      open: [1: grant.reserved.value], granted: log.at.ns)
    try must(
      Int128(grant.reserved.value) == Self.up(trail.cost(grant.quantum.ns)), "price of a quantum")
    try must(
      grant.quantum.ns == min(trail.terms.quantum.ns, trail.runtimeMax), "the first quantum")
    leases[grant.lease] = trail
    note("granted")
  }

  private mutating func renew(
    _ id: LeaseID, _ span: Span, _ reserved: Credits, _ run: Span32, _ log: EventLog, _ pool: Pool
  ) throws {
    guard let trail = leases[id], let next = trail.next else {
      throw Counterexample(description: "only a lease short of its hard end is renewed")
    }
    try must(span.ns == next.span && reserved.value == next.price, "length and price of a renewal")
    let postings = log.postings[run.indices]
    try must(postings.map(\.bucket) == trail.path, "a renewal charges its whole path, in order")
    let half = trail.spans.dropLast().reduce(trail.started ?? 0, +) + (trail.spans.last ?? 0) / 2
    try must(log.at.ns >= half, "a renewal comes half way through its quantum")
    try pay(reserved.value, postings, log)
    for bucket in trail.path {
      let debt = pool.buckets[bucket].rule.debtMax.value
      let floor = trail.terms.overrun == .debt ? -debt : 0
      try must((buckets[bucket]?.level ?? 0) >= Int128(floor), "B2: a renewal passed its floor")
    }
    leases[id]?.spans.append(span.ns)
    leases[id]?.open[UInt32(trail.spans.count + 1)] = reserved.value
    note("renewed")
  }

  private mutating func pay(
    _ amount: Int64, _ postings: Slice<LogRows<Posting>>, _ log: EventLog
  ) throws {
    for posting in postings {
      try must(
        posting.charged.value == amount && posting.refunded == .zero && posting.forfeited == .zero,
        "B4: every bucket of a path pays the same")
      if (buckets[posting.bucket]?.billionths ?? 0) < 0 { note("charged in debt") }
      buckets[posting.bucket]?.advance(to: log.at.ns)
      buckets[posting.bucket]?.take(amount)
    }
    guard let leaf = postings.last else { throw Counterexample(description: "an empty path") }
    direct[leaf.bucket, default: 0] += Int128(amount)
  }

  private mutating func settle(
    _ id: LeaseID, _ quantum: UInt32, _ charge: Int64, _ run: Span32, _ log: EventLog
  ) throws {
    guard var trail = leases[id], let reserved = trail.open.removeValue(forKey: quantum) else {
      throw Counterexample(description: "B5: quantum \(quantum) of \(id) settled, not reserved")
    }
    try must(charge >= 0 && charge <= reserved, "a quantum costs at most its reservation")
    trail.charged += Int128(charge)
    if trail.stopped == nil {
      let held = trail.spans[..<Int(quantum)].reduce(0, +)
      try must(trail.charged == trail.cost(held) / Self.unit, "running charges are floors")
    }
    let postings = log.postings[run.indices]
    try must(postings.map(\.bucket) == trail.path, "B4: a settlement refunds its whole path")
    for posting in postings {
      try must(
        posting.refunded.value == reserved - charge && posting.charged == .zero,
        "B5: settled + refunded = reserved")
      let before = buckets[posting.bucket]?.level ?? 0
      buckets[posting.bucket]?.advance(to: log.at.ns)
      buckets[posting.bucket]?.take(charge - reserved)
      if posting.forfeited > .zero { note("forfeited") }
      if before < 0, (buckets[posting.bucket]?.level ?? 0) >= 0 { note("debt repaid") }
    }
    leases[id] = trail
    note("settled")
  }

  private mutating func end(_ id: LeaseID) throws {
    guard let trail = leases.removeValue(forKey: id) else {
      throw Counterexample(description: "only a lease that was granted ends")
    }
    try must(trail.stopped != nil, "a lease ends after it stopped")
    try checkBill(of: trail)
  }

  /// A stopped lease has paid for the time that it was held, once, to the last fraction.
  private func checkBill(of trail: Trail) throws {
    let held = trail.started.map { (trail.stopped ?? $0) - $0 } ?? 0
    try must(held >= 0 && held <= trail.runtimeMax, "no lease is held past its hard end")
    try must(trail.open.isEmpty, "B5: every reservation of a stopped lease is settled")
    try must(
      trail.charged == Self.up(trail.cost(held)),
      "\(held) ns at \(trail.rate) cost \(trail.charged)")
  }

  // MARK: after every command

  private mutating func compare(_ pool: Pool) throws {
    for trail in leases.values {
      if trail.stopped != nil { try checkBill(of: trail) }
    }
    var children: [BucketID: Int128] = [:]
    try must(pool.buckets.count == buckets.count, "the trail knows every bucket")
    for (id, var exact) in buckets {
      let bucket = pool.buckets[id]
      try must(bucket.books.balance == Int128(bucket.credits.level.value), "B1: books balance")
      exact.advance(to: pool.now.ns)
      let refill = bucket.credits.refill(at: pool.now)
      try must(Int128(bucket.credits.level(at: pool.now)) == exact.level, "B2: \(id) is not exact")
      try must(Int128(refill.remainder) == exact.remainder, "B2: the remainder of \(id) differs")
      try must(exact.level >= Int128(floors[id] ?? 0), "B2: below every debt bound")
      if let parent = bucket.parent { children[parent, default: 0] += bucket.books.charged.value }
    }
    for id in buckets.keys {
      try must(
        pool.buckets[id].books.charged.value == direct[id, default: 0] + children[id, default: 0],
        "B4: a parent pays what its children and its own leases pay")
    }
  }
}
