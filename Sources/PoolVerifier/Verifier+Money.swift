import PoolAllocator

/// Buckets, payments and settlements.
extension Verifier {
  // MARK: buckets

  mutating func activate(_ log: EventLog, _ postings: Span32) {
    guard let next = log.policy else { return must(false, .books, "an activation has a policy") }
    let booked = Dictionary(
      log.postings[postings.indices].map { ($0.bucket, $0) },
      uniquingKeysWith: { first, _ in first })
    must(booked.count == Int(postings.count), .books, "each bucket is posted once")
    for (id, level) in levels where !level.isBudget {
      var now = level.at(log.at.ns)
      let gained = now.credits - level.credits
      var lost: Int128 = 0
      if let rule = next.buckets.first(where: { $0.key == level.key }) {
        lost = max(0, now.credits - Int128(rule.cap.value))
        now.cap = Int128(rule.cap.value)
        now.rate = Int128(rule.refillPerSecond.value)
        now.debtMax = rule.debtMax.value
        now.emergency = rule.emergency.value
        now.take(0)
      }
      let posting = booked[id]
      must(
        posting.map { Int128($0.refilled.value) } == gained
          && posting.map { Int128($0.forfeited.value) } == lost
          && posting?.charged == .zero && posting?.refunded == .zero, .books,
        "bucket \(id.row) gained \(gained) and lost \(lost) until the activation")
      levels[id] = now
    }
    policy = next
    levels = levels.filter { after.buckets[$0.key] != nil }
    for (id, key) in after.buckets where levels[id] == nil {
      guard let rule = next.buckets.first(where: { $0.key == key }) else { continue }
      levels[id] = Level(
        cap: Int128(rule.cap.value), rate: Int128(rule.refillPerSecond.value),
        billionths: Int128(rule.opening.value) * 1_000_000_000, time: log.at.ns,
        debtMax: rule.debtMax.value, emergency: rule.emergency.value, key: key)
    }
  }

  mutating func raise(_ id: BucketID, _ raise: EmergencyRaise, _ at: Instant) {
    let known = policy.emergency?.approvers ?? []
    must(
      raise.by != raise.and && known.contains(raise.by) && known.contains(raise.and), .identity,
      "two principals of the list open an emergency")
    must(levels[id].map { !$0.isBudget } ?? false, .subject, "an emergency of no bucket")
    must(
      raise.until > at && raise.until <= at + (policy.emergency?.lastsMax ?? .zero), .time,
      "an emergency lasts as long as the policy allows")
    levels[id]?.until = raise.until.ns
  }

  mutating func endEmergency(_ id: BucketID, _ at: Instant) {
    must(levels[id]?.until.map { $0 <= at.ns } ?? false, .time, "an emergency ends at its end")
    levels[id]?.until = nil
  }

  mutating func open(_ id: BucketID, _ spec: DelegationSpec, _ at: Instant) {
    must(levels[id] == nil, .subject, "a budget is opened once")
    let parent = spec.parent.flatMap { key in
      levels.first { $0.value.key == key && $0.value.isBudget }?.key
    }
    levels[id] = Level(
      cap: Int128(spec.limit.value), rate: 0, billionths: Int128(spec.limit.value) * 1_000_000_000,
      time: at.ns, debtMax: 0, key: spec.key, parent: parent, isBudget: true)
  }

  /// What a claim pays from, by the policy's own list: at each level the one that matches it; then
  /// the budgets of its delegation, the widest first.
  func path(of fact: ClaimFact) -> [BucketID] {
    var rows: [Int] = []
    while rows.count < Limits.bucketsPerPath {
      let next = policy.buckets.indices.first { index in
        guard policy.buckets[index].parent.map(Int.init) == rows.last else { return false }
        switch policy.buckets[index].match {
        case .tenant:
          return policy.tenants[Int(policy.buckets[index].tenant)].key == fact.spec.tenant
        case .application(let key): return key == fact.spec.application
        case .serviceClass(let it): return it == fact.serviceClass
        case .action(let key): return key == fact.spec.action
        }
      }
      guard let next else { break }
      rows.append(next)
    }
    var path = rows.compactMap { row in bucket(named: policy.buckets[row].key, isBudget: false) }
    var budgets: [BucketID] = []
    var budget = fact.spec.budget.flatMap { bucket(named: $0, isBudget: true) }
    while let id = budget {
      budgets.insert(id, at: 0)
      budget = levels[id]?.parent
    }
    path += budgets
    return path
  }

  private func bucket(named key: Key, isBudget: Bool) -> BucketID? {
    levels.first { $0.value.key == key && $0.value.isBudget == isBudget }?.key
  }

  // MARK: postings

  /// Takes one amount from every bucket of a path.
  mutating func pay(_ amount: Credits, _ path: [BucketID], _ run: Span32, _ log: EventLog) {
    book(amount.value, path, run, log) { posting in
      posting.charged == amount && posting.refunded == .zero && posting.forfeited == .zero
    }
  }

  private mutating func book(
    _ amount: Int64, _ path: [BucketID], _ run: Span32, _ log: EventLog,
    _ isRight: (Posting) -> Bool
  ) {
    let postings = log.postings[run.indices].map { $0 }
    must(postings.map(\.bucket) == path, .books, "every bucket of the path, in order, once")
    for posting in postings {
      guard let level = levels[posting.bucket] else {
        must(false, .books, "bucket \(posting.bucket.row) does not exist")
        continue
      }
      var now = level.at(log.at.ns)
      let gained = now.credits - level.credits
      must(Int128(posting.refilled.value) == gained, .books, "it gained \(gained)")
      now.take(amount)
      must(isRight(posting), .books, "a posting of \(amount)")
      if amount <= 0 {
        let full = level.at(log.at.ns).credits - Int128(amount)
        must(
          Int128(posting.forfeited.value) == max(0, full - now.cap), .books,
          "what passes the cap is forfeited")
      }
      let rest = now.billionths - now.credits * 1_000_000_000
      must(Int128(posting.remainder) == rest, .books, "it keeps \(rest) billionths")
      levels[posting.bucket] = now
    }
  }

  /// The pool's own levels are those of the books.
  mutating func checkLevels(_ at: Instant, _ pool: Pool) {
    pool.forEachBucket { id, bucket in
      let own = levels[id]?.at(at.ns).credits
      must(
        own == Int128(bucket.credits.level(at: at)), .books,
        "bucket \(id.row) holds \(bucket.credits.level(at: at))")
    }
  }

  // MARK: the life of a lease

  mutating func start(_ id: LeaseID, _ at: Instant, _ log: EventLog) {
    guard let lease = leases[id] else { return must(false, .subject, "no lease \(id.row)") }
    must(lease.started == nil && lease.stopped == nil, .subject, "a lease starts once")
    must(at == log.at && at <= lease.grant.startBy, .time, "a lease starts in time, now")
    leases[id]?.started = at.ns
  }

  mutating func resume(_ id: LeaseID, _ log: EventLog) {
    guard let lease = leases[id] else { return must(false, .subject, "no lease \(id.row)") }
    must(lease.isAway && lease.stopped == nil, .subject, "what was away resumes")
    leases[id]?.isAway = false
    if lease.started == nil { leases[id]?.started = log.at.ns }
  }

  mutating func renew(
    _ id: LeaseID, _ span: Span, _ reserved: Credits, _ run: Span32, _ log: EventLog
  ) {
    guard let lease = leases[id], let next = lease.next, let started = lease.started else {
      return must(false, .subject, "lease \(id.row) has nothing to renew")
    }
    must(lease.stopped == nil && !lease.isAway, .subject, "a lease that runs is renewed")
    must(lease.open.count == 1, .settlement, "one quantum ahead at most")
    must(span.ns == next.span, .price, "length \(span.ns) of a renewal, not \(next.span)")
    must(Int128(reserved.value) == next.price, .price, "\(reserved.value), not \(next.price)")
    let half = started + lease.spans.dropLast().reduce(0, +) + (lease.spans.last ?? 0) / 2
    must(log.at.ns >= half && log.at.ns < lease.ends, .time, "a renewal comes in the second half")
    pay(reserved, lease.path, run, log)
    for bucket in lease.path {
      let level = levels[bucket]
      let debt = lease.grant.terms.overrun == .debt ? Int128(level?.debtMax ?? 0) : 0
      let allowed = level?.allowance(lease.claim.serviceClass.rank, at: log.at.ns) ?? 0
      must((level?.credits ?? -1) >= -(debt + allowed), .credits, "a renewal passes the debt bound")
    }
    leases[id]?.spans.append(span.ns)
    leases[id]?.open[UInt32(lease.spans.count + 1)] = reserved.value
  }

  mutating func stop(
    _ id: LeaseID, _ cause: StopCause, _ at: Instant, _ killBy: Instant, _ log: EventLog
  ) {
    guard let lease = leases[id] else { return must(false, .subject, "no lease \(id.row)") }
    must(lease.stopped == nil, .subject, "a lease stops once")
    let until = min(log.at.ns, lease.ends, cause == .preempted ? lease.saved(log.at.ns) : .max)
    must(at.ns == until, .time, "billing ends at \(at.ns), not \(until)")
    let graced = graceEnd(of: lease, cause, log.at.ns)
    must(
      killBy.ns == graced + lease.grant.terms.killWithin.ns, .time, "it has until \(killBy.ns)")
    leases[id]?.stopped = at.ns
    if claims[lease.grant.claim]?.lease == id { claims[lease.grant.claim]?.lease = nil }
  }

  /// When the time to leave ends: one that has to make room gets the grace that it asked for.
  private func graceEnd(of lease: LeaseBook, _ cause: StopCause, _ now: Int64) -> Int64 {
    guard cause == .reclaimed || cause == .preempted else { return now }
    let end = (lease.started ?? lease.grant.startBy.ns) + lease.claim.spec.runtimeMax.ns
    let grace = lease.claim.spec.interruption?.grace ?? Limits.spanMax
    return min(now + grace.ns, end)
  }

  mutating func settle(
    _ id: LeaseID, _ quantum: UInt32, _ charge: Credits, _ rest: Int64, _ run: Span32,
    _ log: EventLog
  ) {
    guard let lease = leases[id], let reserved = lease.open[quantum] else {
      return must(false, .settlement, "quantum \(quantum) is not reserved")
    }
    must(lease.open.keys.min() == quantum, .settlement, "quanta are settled in order")
    let end = lease.spans.prefix(Int(quantum)).reduce(0, +)
    let held = lease.stopped.map { stopped in lease.started.map { stopped - $0 } ?? 0 } ?? end
    let isLast = lease.stopped != nil && held <= end
    let due = isLast ? LeaseBook.up(lease.cost(held)) : lease.cost(end) / LeaseBook.unit
    must(Int128(charge.value) == due - lease.charged, .settlement, "\(due - lease.charged) is due")
    let carried = isLast ? 0 : lease.cost(end) % LeaseBook.unit
    must(Int128(rest) == carried, .settlement, "\(carried) is carried on")
    if lease.stopped == nil, let started = lease.started {
      must(log.at.ns >= started + end, .time, "a quantum is settled when it is over")
    }
    let back = Credits(max(0, reserved - charge.value))
    must(charge.value <= reserved, .settlement, "a quantum costs at most what it reserved")
    book(-back.value, lease.path, run, log) {
      $0.refunded == back && $0.charged == .zero
    }
    leases[id]?.open[quantum] = nil
    leases[id]?.charged += Int128(charge.value)
  }

  /// A stopped lease has settled every quantum that it reserved.
  mutating func checkSettled() {
    for (id, lease) in leases where lease.stopped != nil && !lease.open.isEmpty {
      must(false, .settlement, "lease \(id.row) stopped with \(lease.open.count) quanta open")
    }
  }
}
