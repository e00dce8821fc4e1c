import PoolAllocator
import PoolLoop

/// Folds durable records into the fates of claims, and into what lanes and pools went through.
struct ScenarioTally: Sendable {
  /// A guarantee that is or was short.
  struct Impairment: Sendable {
    var lane: Key
    var since: Instant?
    /// Unit: nanoseconds.
    var longest: Int64 = 0
  }

  /// By number of the claim.
  var fates: [ScenarioFate] = []
  /// Claims that were granted since somebody looked, with the work that is saved.
  var granted: [(number: Int, saved: Span)] = []
  private(set) var impairments: [Impairment] = []
  /// The strongest pressure of each pool since second 0.
  private(set) var pressures: [(pool: Key, level: Pressure)] = []
  /// Pool time of second 0, and of the last record.
  private(set) var began = Instant.origin
  private(set) var now = Instant.origin
  /// Looked up, never iterated.
  private var numbers: [ClaimID: Int] = [:]
  private var leases: [LeaseID: (number: Int, reclaimedAt: Instant?)] = [:]

  /// The course begins.
  mutating func begin(at moment: Instant) {
    began = moment
    for index in impairments.indices {
      impairments[index].longest = 0
      if impairments[index].since != nil { impairments[index].since = moment }
    }
    pressures = []
  }

  /// The longest time for which a lane's guarantee was short. Unit: nanoseconds.
  func impaired(_ lane: Key) -> Int64 {
    guard let entry = impairments.first(where: { $0.lane == lane }) else { return 0 }
    return max(entry.longest, entry.since.map { now.ns - $0.ns } ?? 0)
  }

  mutating func note(_ record: borrowing PoolLoop.Record, _ pool: borrowing Pool) {
    now = record.log.at
    if case .submit(let spec) = record.command, record.decision.claim == nil,
      let number = Self.number(of: spec.key), number < fates.count
    {
      fates[number].refusals += 1
    }
    for index in record.log.events.indices { note(record.log.events[index], record.log, pool) }
  }

  /// The number of a claim by its name.
  static func number(of key: Key) -> Int? {
    let first = Names.claim(0)
    return key.high == first.high ? Int(exactly: key.low - first.low) : nil
  }

  private mutating func note(
    _ event: Event, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) {
    switch event {
    case .claimSubmitted(let claim, let fact):
      let key = log.claimFacts[Int(fact)].spec.key
      guard let number = Self.number(of: key), number < fates.count else { return }
      numbers[claim] = number
      fates[number].submitted = log.at
    case .claimQueued(let claim, _, _, _):
      guard let number = numbers[claim], fates[number].granted == nil else { return }
      if case .success(let bound) = pool.startBound(of: claim) { fates[number].bound = bound.by }
    case .claimDowngraded(let claim, let rung, _, _):
      if let number = numbers[claim] { fates[number].rung = max(fates[number].rung, rung) }
    case .leaseGranted(let claim, let grants): grant(claim, grants, log, pool)
    case .claimEnded(let claim, let end):
      guard let number = numbers[claim] else { return }
      fates[number].ended = log.at
      fates[number].end = end
    case .guaranteeImpaired(let lane, _, _): impair(lane, true, pool)
    case .guaranteeRestored(let lane): impair(lane, false, pool)
    case .pressureMoved(let row, _, let level, _): press(Int(row), level, pool)
    default: noteLease(event, log)
    }
  }

  private mutating func noteLease(_ event: Event, _ log: borrowing EventLog) {
    switch event {
    case .leaseStopping(let lease, let cause, _, _):
      guard let number = leases[lease]?.number else { return }
      switch cause {
      case .preempted: fates[number].preempted += 1
      case .nodeLost: fates[number].nodeLost += 1
      case .reclaimed:
        fates[number].reclaimed += 1
        leases[lease]?.reclaimedAt = log.at
      default: break
      }
    case .leaseEnded(let lease):
      guard let held = leases.removeValue(forKey: lease), let asked = held.reclaimedAt else {
        return
      }
      fates[held.number].longestReclaim = max(
        fates[held.number].longestReclaim, log.at.ns - asked.ns)
    case .settled(let lease, _, let charge, _, _):
      if let number = leases[lease]?.number { fates[number].charged += charge.value }
    default: break
    }
  }

  private mutating func grant(
    _ claim: ClaimID, _ grants: Span32, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) {
    guard let number = numbers[claim] else { return }
    if fates[number].granted == nil {
      fates[number].granted = log.at
      if let bound = fates[number].bound, log.at > bound {
        // Whatever voids a bound, has it count anew from then on.
        let asked = fates[number].submitted ?? .origin
        var isVoid = false
        for index in grants.indices {
          if let lane = pool.lane(log.grants[index].lane), lane.voided >= asked { isVoid = true }
        }
        fates[number].isOverBound = !isVoid
      }
    }
    for index in grants.indices {
      let grant = log.grants[index]
      leases[grant.lease] = (number, nil)
      if let lane = pool.lane(grant.lane)?.key, !fates[number].lanes.contains(lane) {
        fates[number].lanes.append(lane)
      }
    }
    granted.append((number, pool.claim(claim)?.saved ?? .zero))
  }

  private mutating func impair(_ lane: LaneID, _ isShort: Bool, _ pool: borrowing Pool) {
    guard let key = pool.lane(lane)?.key else { return }
    let index = impairments.firstIndex { $0.lane == key } ?? impairments.count
    if index == impairments.count { impairments.append(Impairment(lane: key)) }
    if isShort {
      if impairments[index].since == nil { impairments[index].since = now }
    } else if let since = impairments[index].since {
      impairments[index].longest = max(impairments[index].longest, now.ns - since.ns)
      impairments[index].since = nil
    }
  }

  private mutating func press(_ row: Int, _ level: Pressure, _ pool: borrowing Pool) {
    guard row < pool.policy.pools.count else { return }
    let key = pool.policy.pools[row].key
    if let index = pressures.firstIndex(where: { $0.pool == key }) {
      pressures[index].level = max(pressures[index].level, level)
    } else {
      pressures.append((key, level))
    }
  }
}
