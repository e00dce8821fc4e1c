/// Reserve, settle, refund: what a grant does to the buckets of a path.
extension Pool {
  /// Whether a path can pay for a grant now.
  enum Affordability {
    case yes
    /// Not now; the reasons name every bucket that is in the way, `on` the one that clears last.
    case no(on: BucketID, reasons: [Reason])
  }

  /// The buckets that a claim pays from, root first: at each level the child that matches it.
  func bucketPath(
    _ root: BucketID, application: Key, serviceClass: ServiceClass, action: Key
  ) -> BucketPath {
    var path = BucketPath(root: root)
    var row = root.row
    while path.count < Limits.bucketsPerPath {
      let match: BucketMatch
      switch keys.childFields[Int(row)] {
      case 1: match = .application(application)
      case 2: match = .serviceClass(serviceClass)
      case 3: match = .action(action)
      default: return path
      }
      guard let child = keys.children.row(for: Self.childKey(of: row, match)),
        let id = buckets.id(at: child)
      else { return path }
      path.append(id)
      row = child
    }
    return path
  }

  /// Key of a child under its parent's row.
  static func childKey(of parent: UInt32, _ match: BucketMatch) -> Key {
    let salt = (UInt64(parent) &+ 1) &* 0x9E37_79B9_7F4A_7C15
    switch match {
    case .tenant: return Key(high: salt, low: 0)
    case .application(let key): return Key(high: key.high ^ salt, low: key.low &+ 1)
    case .serviceClass(let it): return Key(high: salt ^ 2, low: UInt64(it.rank))
    case .action(let key): return Key(high: key.high ^ salt, low: key.low &+ 3)
    }
  }

  /// What a bucket must hold for a grant: its price, and one quantum for each lease that runs.
  func need(_ price: Credits, in bucket: Bucket) -> Int128 {
    Int128(price.value) + bucket.committed.value
  }

  /// Whether every bucket of a path can pay a price, and nobody before `turn` waits for one of
  /// them.
  /// - Complexity: O(buckets of the path).
  func affordability(_ price: Credits, path: BucketPath, turn: TurnKey) -> Affordability {
    var reasons: [Reason] = []
    var worst: (bucket: BucketID, clears: Instant)?
    for index in 0..<path.count {
      let id = path[index]
      if planted(.asksLeafOnly), index + 1 < path.count { continue }
      guard let reason = obstacle(to: price, in: id, turn: turn) else { continue }
      reasons.append(reason)
      reasons += besideShort(reason, in: id, rank: turn.level)
      let clears = reason.clearsAt ?? .farFuture
      if worst.map({ clears > $0.clears }) ?? true { worst = (id, clears) }
    }
    guard let worst else { return .yes }
    return .no(on: worst.bucket, reasons: reasons)
  }

  /// Why one bucket does not pay now.
  private func obstacle(to price: Credits, in id: BucketID, turn: TurnKey) -> Reason? {
    if let first = firstInLine(for: id), first < turn, !planted(.smallOvertakesParked) {
      return Reason(.behindParked, .bucket(id.row), have: buckets[id].credits.level(at: now))
    }
    return shortfall(of: id, for: price, rank: turn.level)
  }

  /// What a bucket lacks for a price of a class; nil where it holds enough.
  private func shortfall(of id: BucketID, for price: Credits, rank: UInt8) -> Reason? {
    let credits = buckets[id].credits
    if planted(.zeroIsUnlimited), credits.refillPerSecond == .zero, !isBudget(id) { return nil }
    var need = Int128(price.value) + buckets[id].committed.value
    if planted(.forgetsRunning) { need = Int128(price.value) }
    // What it held when last touched is enough nearly always; only else is the refill worked out.
    if Int128(credits.level.value) >= need { return nil }
    let level = credits.level(at: now)
    if Int128(level) >= need { return nil }
    let clears = clears(need, in: buckets[id], rank: rank, at: now)
    need -= Int128(allowance(of: buckets[id], rank: rank, at: now))
    if Int128(level) >= need { return nil }
    return Reason(
      isBudget(id) ? .budgetSpent : .bucketShort, .bucket(id.row), have: level,
      need: Int64(clamping: need), clearsAt: clears)
  }

  /// Everything that keeps a path from paying a price now: in each bucket who goes before, and what
  /// it lacks.
  /// - Complexity: O(buckets of the path).
  func bucketObstacles(to price: Credits, path: BucketPath, turn: TurnKey) -> [Reason] {
    var reasons: [Reason] = []
    for index in 0..<path.count {
      guard let reason = obstacle(to: price, in: path[index], turn: turn) else { continue }
      reasons.append(reason)
      var short = reason
      if reason.code == .behindParked {
        guard let found = shortfall(of: path[index], for: price, rank: turn.level) else {
          continue
        }
        short = found
        reasons.append(short)
      }
      reasons += besideShort(short, in: path[index], rank: turn.level)
    }
    return reasons
  }

  /// The turn of the first claim that a bucket will serve among those that wait for it.
  private func firstInLine(for id: BucketID) -> TurnKey? {
    let parked = queue.parked.least(in: id.row)?.order
    guard let holder = buckets[id].turn else { return parked }
    let turn = claims[holder].turn
    return parked.map { min($0, turn) } ?? turn
  }

  /// Whether no claim of this price could ever pass a path: its first reservation passes a cap.
  /// The limit of a budget may be raised.
  func capObstacle(_ price: Credits, path: BucketPath) -> Reason? {
    if planted(.waitsAboveCap) { return nil }
    for index in 0..<path.count where !isBudget(path[index]) {
      let cap = buckets[path[index]].credits.cap
      if price > cap {
        return Reason(
          .priceExceedsCap, .bucket(path[index].row), have: cap.value, need: price.value)
      }
    }
    return nil
  }

  // MARK: postings

  /// Postings that reserve an amount from every bucket of a path, added to the log.
  func reserve(_ amount: Credits, path: BucketPath, _ log: inout EventLog) -> Span32 {
    let first = UInt32(log.postings.count)
    for index in 0..<path.count {
      let credits = buckets[path[index]].credits
      let refill = credits.refill(at: now)
      log.postings.append(
        Posting(
          bucket: path[index], refilled: refill.gained, remainder: refill.remainder,
          charged: planted(.sparesParents) && index + 1 < path.count ? .zero : amount))
    }
    return Span32(first: first, count: UInt16(path.count))
  }

  /// Postings that give an amount back to every bucket of a path; what passes a cap is forfeited.
  func refund(_ amount: Credits, path: BucketPath, _ log: inout EventLog) -> Span32 {
    let first = UInt32(log.postings.count)
    for index in 0..<path.count {
      let credits = buckets[path[index]].credits
      let refill = credits.refill(at: now)
      var posting = Posting(
        bucket: path[index], refilled: refill.gained, remainder: refill.remainder,
        refunded: amount)
      let excess = Int128(credits.level.value) + posting.change - Int128(credits.cap.value)
      if excess >= 0 {
        posting.forfeited = Credits(Int64(excess))
        posting.remainder = 0
        if planted(.forfeitUnbooked) { posting.refunded = Credits(amount.value - Int64(excess)) }
        if planted(.forfeitUnbooked) { posting.forfeited = .zero }
      }
      log.postings.append(posting)
    }
    return Span32(first: first, count: UInt16(path.count))
  }

  /// Folds the postings of one event: all of them, here alone.
  mutating func post(_ span: Span32, _ log: borrowing EventLog) {
    for index in span.indices {
      let posting = log.postings[index]
      buckets[posting.bucket].apply(posting, at: now)
      if planted(.parkedSleepOn) { continue }
      refreshBucketTimer(posting.bucket.row)
    }
  }

  /// Notes what a lease's path keeps back for its next quantum.
  mutating func commit(_ amount: Credits, for id: LeaseID) {
    let change = amount.value - leases[id].committed.value
    leases[id].committed = amount
    guard change != 0 else { return }
    let path = leases[id].path
    for index in 0..<path.count {
      buckets[path[index]].committed += change
      refreshBucketTimer(path[index].row)
    }
  }
}
