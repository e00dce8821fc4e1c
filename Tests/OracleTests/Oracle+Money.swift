import PoolAllocator

/// Who pays what (SEMANTICS 1 and 2).
extension Oracle {
  /// The buckets that a claim pays from: the tenant's root, then the one child that it matches.
  func path(of spec: ClaimSpec, rank: UInt8, tenant: Int) -> [Int] {
    guard
      let root = policy.buckets.firstIndex(where: {
        Int($0.tenant) == tenant && $0.parent == nil
      })
    else { return [] }
    var path = [root]
    while let last = path.last,
      let child = policy.buckets.firstIndex(where: { rule in
        guard let parent = rule.parent, Int(parent) == last else { return false }
        switch rule.match {
        case .tenant: return true
        case .application(let key): return key == spec.application
        case .serviceClass(let serviceClass): return serviceClass.rank == rank
        case .action(let key): return key == spec.action
        }
      })
    { path.append(child) }
    return path
  }

  /// What a nanosecond of one member costs in a lane.
  func rate(_ demand: Demand, _ jobMilli: Int32, lane: UInt32) -> Rational {
    let profile = profile(ofLane: lane)
    let billed = ExactPrice.billed(demand, slices: policy.slices, memory: profile.memory)
    return ExactPrice.perNanosecond(
      billed: billed, profileMilli: profile.weightMilli, jobMilli: jobMilli)
  }

  /// What a grant of a claim would reserve for all members, by the policy in force.
  func price(_ asked: Asked, lane: UInt32) -> Int128 {
    let quantum = min(asked.spec.runtimeMax.ns, policy.classes[Int(asked.rank)].quantum.ns)
    let member = ExactPrice.price(rate(asked.spec.demand, asked.jobMilli, lane: lane), quantum)
    return member * Int128(asked.spec.demand.members)
  }

  /// Whether every bucket can pay a grant and keep what running leases need next.
  func canPay(_ asked: Asked, lane: UInt32) -> Bool {
    let price = Rational(price(asked, lane: lane))
    return asked.path.allSatisfy {
      buckets[$0].level(at: now) - Rational(buckets[$0].committed) >= price
    }
  }

  /// Whether a claim that goes before it waits for credits of one of its buckets.
  func isBehind(_ asked: Asked, on bucket: Int) -> Bool {
    claims.values.contains { other in
      guard other.id != asked.id, other.precedes(asked) else { return false }
      return other.parkedOn == bucket || buckets[bucket].turn == other.id
    }
  }

  func isBehind(_ asked: Asked) -> Bool { asked.path.contains { isBehind(asked, on: $0) } }

  /// The first moment at which all buckets can pay, if nobody else spends.
  func clears(_ asked: Asked, lane: UInt32) -> Int64? {
    let price = price(asked, lane: lane)
    var latest = now
    for bucket in asked.path {
      guard let moment = buckets[bucket].holds(price + buckets[bucket].committed, from: now) else {
        return nil
      }
      latest = max(latest, moment)
    }
    return latest
  }

  mutating func charge(_ path: [Int], _ credits: Int128) {
    for bucket in path { buckets[bucket].charge(credits, at: now) }
  }

  mutating func refund(_ path: [Int], _ credits: Int128) {
    for bucket in path { buckets[bucket].refund(credits, at: now) }
  }

  /// Makes a lease's path keep back its next quantum, or nothing.
  mutating func commit(_ id: LeaseID, _ credits: Int128) {
    guard let lease = leases[id] else { return }
    for bucket in lease.path { buckets[bucket].committed += credits - lease.committed }
    leases[id]?.committed = credits
  }

  /// What the next quantum reserves: enough for it and the part of a credit that is carried on.
  func nextPrice(_ lease: Held) -> Int128 {
    guard lease.following > 0 else { return 0 }
    let paid = lease.paid
    let whole = (lease.rate * Rational(paid)).floor
    return (lease.rate * Rational(paid + lease.following)).ceiling - whole
  }

  /// The running quantum is over and the next one is paid: whole credits are charged, what is less
  /// than one is carried.
  mutating func settleQuantum(_ id: LeaseID) {
    guard var lease = leases[id], let started = lease.started else { return }
    let end = lease.quantumStart + lease.quantumSpan
    let charge = (lease.rate * Rational(end - started)).floor - lease.charged
    refund(lease.path, lease.reserved - charge)
    correct(lease, by: lease.reserved - charge)
    lease.charged += charge
    lease.quantumStart = end
    lease.quantumSpan = lease.nextSpan
    lease.reserved = lease.nextReserved ?? 0
    (lease.nextSpan, lease.nextReserved) = (0, nil)
    leases[id] = lease
  }

  /// Billing ends: what was held is charged, rounded up once, and the rest comes back.
  mutating func settleAll(_ id: LeaseID) {
    guard var lease = leases[id] else { return }
    let end = min(now, lease.ends)
    let held = end - (lease.started ?? end)
    let charge = (lease.rate * Rational(held)).ceiling - lease.charged
    let back = lease.reserved + (lease.nextReserved ?? 0) - charge
    refund(lease.path, back)
    correct(lease, by: back)
    commit(id, 0)
    lease.charged += charge
    (lease.committed, lease.reserved, lease.nextReserved) = (0, 0, nil)
    (lease.state, lease.stoppedAt) = (.stopping, end)
    leases[id] = lease
  }
}
