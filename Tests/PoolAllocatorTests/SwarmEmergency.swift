@testable import PoolAllocator

/// Emergencies in random lives.
extension SwarmDriver {
  /// Some policies let two of three principals open the emergencies of some buckets.
  mutating func addEmergency(to policy: inout CompiledPolicy) {
    guard random.chance(60) else { return }
    policy.emergency = EmergencyRule(
      approvers: [key(102, 0), key(102, 4), key(102, 5)], lastsMax: .seconds(900))
    for row in policy.buckets.indices where random.chance(70) {
      policy.buckets[row].emergency = Credits(policy.buckets[row].cap.value / 2)
      if random.chance(40) {
        policy.buckets[row].opening = Credits(policy.buckets[row].cap.value / 50)
      }
    }
  }

  mutating func raiseEmergency() {
    var all: [BucketID] = []
    pool.forEachBucket { id, bucket in
      if bucket.rule.emergency > .zero || random.chance(10) { all.append(id) }
    }
    guard let id = random.pick(all) else { return }
    apply(
      .raiseEmergency(
        id,
        EmergencyRaise(
          by: key(102, random.chance(90) ? 4 : 0), and: key(102, random.chance(90) ? 5 : 4),
          until: now + .seconds(Int64(random.below(1000))))))
  }
}

/// How low buckets are, command by command: none falls below what its rule allows.
struct LevelTrail {
  private var levels: [BucketID: Int64] = [:]
  /// Falls below zero that were seen.
  private(set) var falls = 0

  /// Buckets that fell further than their debt and their emergency.
  mutating func note(_ pool: borrowing Pool) -> [BucketID] {
    var found: [BucketID] = []
    var next: [BucketID: Int64] = [:]
    pool.forEachBucket { id, bucket in
      let level = bucket.credits.level.value
      next[id] = level
      guard level < 0, level < levels[id] ?? .max else { return }
      falls += 1
      let isOpen = bucket.emergencyUntil != nil
      let floor = bucket.rule.debtMax.value + (isOpen ? bucket.rule.emergency.value : 0)
      if level < -floor { found.append(id) }
    }
    levels = next
    return found
  }
}
