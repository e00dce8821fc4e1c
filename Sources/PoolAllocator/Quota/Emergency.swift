/// The emergency tier of a bucket: for a while, and after two named principals agreed, its P0 and
/// P1 work may take it so far below zero (SEMANTICS 2.3, docs/decisions/0022).
///
/// It is no second level: what it gives is booked like any charge, and paid back by the refill.
extension Pool {
  /// Classes that an emergency serves: those whose rank is at most this.
  static let emergencyRank: UInt8 = 1

  // MARK: what it allows

  /// How far below zero a bucket may go for a class, if its emergency is open at a moment.
  func allowance(of bucket: Bucket, rank: UInt8, at moment: Instant) -> Int64 {
    guard let until = bucket.emergencyUntil, moment < until, rank <= Self.emergencyRank else {
      return 0
    }
    return bucket.rule.emergency.value
  }

  /// The first moment, not before `from`, at which a bucket can pay for a class what needs this
  /// much of it: while its emergency is open, or by refill alone.
  func clears(_ need: Int128, in bucket: Bucket, rank: UInt8, at from: Instant) -> Instant? {
    if let until = bucket.emergencyUntil, rank <= Self.emergencyRank {
      let less = need - Int128(bucket.rule.emergency.value)
      if let moment = bucket.credits.clears(less, at: from), moment < until { return moment }
    }
    return bucket.credits.clears(need, at: from)
  }

  /// What is told beside the reason that a bucket is short: that opening its emergency would help,
  /// and that it is below zero.
  func besideShort(_ short: Reason, in id: BucketID, rank: UInt8) -> [Reason] {
    guard short.code == .bucketShort else { return [] }
    var reasons: [Reason] = []
    let bucket = buckets[id]
    let (missing, amount) = (short.need - short.have, bucket.rule.emergency.value)
    if rank <= Self.emergencyRank, amount >= missing,
      allowance(of: bucket, rank: rank, at: now) == 0
    {
      reasons.append(
        Reason(
          .emergencyClosed, .bucket(id.row), have: amount, need: missing,
          clearsAt: short.clearsAt))
    }
    let level = bucket.credits.level(at: now)
    if level < 0 {
      reasons.append(
        Reason(
          .inDebt, .bucket(id.row), have: level, clearsAt: bucket.credits.clears(0, at: now)))
    }
    return reasons
  }

  // MARK: commands

  /// Opens a bucket's emergency until a moment, or moves its end.
  mutating func raiseEmergency(
    _ id: BucketID, _ raise: EmergencyRaise, _ log: inout EventLog
  ) -> Decision {
    guard buckets.contains(id), !isBudget(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard let rule = policy.emergency, !buckets[id].isRetired,
      buckets[id].rule.emergency > .zero
    else { return refuse(Reason(.wrongState, .bucket(id.row)), &log) }
    // One principal is no two, whatever names it was given under.
    guard raise.by != raise.and else { return refuse(Reason(.approvalMissing), &log) }
    for approver in [raise.by, raise.and] {
      guard rule.approvers.contains(approver) else {
        return refuse(Reason(.approverNotAllowed), &log)
      }
      if let reason = suspension(of: approver) { return refuse(reason, &log) }
    }
    guard raise.until > now, raise.until <= now + rule.lastsMax else {
      return refuse(Reason(.fieldOutOfRange), &log)
    }
    log.emergencies.append(raise)
    step(.emergencyRaised(id, fact: UInt32(log.emergencies.count - 1)), &log)
    return done()
  }

  /// Why a principal may not approve anything: it is suspended.
  func suspension(of principal: Key) -> Reason? {
    guard let restriction = identity(.principal, principal)?.restriction,
      restriction.until > now, restriction.measure == .suspend
    else { return nil }
    return Reason(.identitySuspended, .identity(.principal), clearsAt: restriction.until)
  }

  /// Tells which buckets of a path a lease took below zero, by at most an amount.
  mutating func noteDebt(_ id: LeaseID, _ amount: Credits, path: BucketPath, _ log: inout EventLog)
  {
    for index in 0..<path.count {
      let level = buckets[path[index]].credits.level
      guard level < .zero else { continue }
      let entered = Credits(min(-level.value, amount.value))
      step(.debtEntered(id, path[index], entered), &log)
    }
  }

  // MARK: folding

  /// Opens the emergency of a bucket until a moment, or ends it (nil).
  mutating func evolveEmergency(_ id: BucketID, _ until: Instant?) {
    buckets[id].emergencyUntil = until
    refreshLimitTimer(id.row)
    repriceBucket(id.row)
    // What it paid for may no longer be, and the other way round.
    let tenant = buckets[id].tenant
    stirLanes(of: tenant)
  }
}
