@testable import PoolAllocator

/// Follows who is preempted for whom, and holds the pool to SEMANTICS 6, by the events alone.
struct PreemptionWatch: CustomStringConvertible {
  let rule: PreemptionRule
  /// How long P2 and P3 are let alone.
  let shield: Span
  private(set) var preempted = 0
  private(set) var holds = 0
  private(set) var started = 0
  /// Why holds ended without a start.
  private(set) var withdrawn: [String: Int] = [:]
  private(set) var mistakes: [String] = []
  /// Unsaved work of leases that were preempted, and all time held. Unit: GPU-nanoseconds.
  private(set) var lost: Int128 = 0
  private(set) var held: Int128 = 0
  /// The most that one claim was preempted.
  private(set) var most = 0

  private struct Run {
    var claim: ClaimID
    var rank: Int
    var gpus: Int
    var isInterruptible: Bool
    var runtimeMax: Span
    /// The leases of its gang, itself among them.
    var gang: [LeaseID]
    var started: Instant?
    var saved: Instant?
  }
  private var runs: [LeaseID: Run] = [:]
  /// Claims of gangs of which one lease was preempted, until the last one stopped.
  private var leaving: [ClaimID: (leases: Int, since: Instant?)] = [:]
  /// Gangs that were preempted, and gangs for which others were.
  private(set) var gangs = (lost: 0, started: 0)
  /// Classes of claims for which devices are held.
  private var open: [ClaimID: Int] = [:]
  private var times: [ClaimID: Int] = [:]
  /// Classes of what runs and is not told to go, and of what is held: each preemption lessens it.
  private var classes = [0, 0, 0, 0]
  /// Leases that the lane may lose, in leases times nanoseconds of an hour.
  private var level: Int128
  private var asOf = Instant.origin

  init(_ rule: PreemptionRule, shield: Span) {
    self.rule = rule
    self.shield = shield
    level = Int128(rule.burst) * 3_600_000_000_000
  }

  mutating func note(_ pool: Pool, _ log: EventLog) {
    var holder: (id: ClaimID, rank: Int, runtime: Span)?
    for event in log.events {
      switch event {
      case .leaseGranted(_, let grants):
        let gang = log.grants[grants.indices].map(\.lease)
        for grant in log.grants[grants.indices] { granted(grant.lease, grant, gang, pool) }
      case .leaseStarted(let id, let at):
        runs[id]?.started = at
        runs[id]?.saved = at
      case .leaseCheckpointed(let id, let at): runs[id]?.saved = at
      case .claimPinned(let id, let fact):
        guard log.pins[Int(fact)].isHeld, let claim = pool.claim(id) else { continue }
        guard open.updateValue(Int(claim.serviceClass.rank), forKey: id) == nil else { continue }
        holds += 1
        holder = (id, Int(claim.serviceClass.rank), claim.spec.runtimeMax)
        refill(to: pool.now)
        if level < 3_600_000_000_000 { mistakes.append("\(id) preempts and the rate is spent") }
        classes[Int(claim.serviceClass.rank)] += 1
      case .leaseStopping(let id, let cause, _, _):
        guard let run = runs.removeValue(forKey: id) else { continue }
        classes[run.rank] -= 1
        if let started = run.started {
          held += Int128((pool.now - started).ns) * Int128(run.gpus)
        }
        if cause == .preempted { stopped(id, run, for: holder, at: pool.now) }
        follow(id, run, at: pool.now)
      case .claimUnpinned(let id, let code): withdraw(id, "\(code)")
      case .claimEnded(let id, let end): withdraw(id, "\(end)")
      case .claimParked(let id, _): withdraw(id, "parked")
      case .claimHeld(let id, _): withdraw(id, "held")
      default: break
      }
    }
  }

  private mutating func granted(_ id: LeaseID, _ grant: Grant, _ gang: [LeaseID], _ pool: Pool) {
    guard let claim = pool.claim(grant.claim) else { return }
    let rank = Int(claim.serviceClass.rank)
    if open.removeValue(forKey: grant.claim) != nil {
      started += 1
      if gang.count > 1 { gangs.started += 1 }
    } else {
      classes[rank] += 1
    }
    runs[id] = Run(
      claim: grant.claim, rank: rank, gpus: Int(grant.uses.count),
      isInterruptible: claim.spec.interruption != nil, runtimeMax: claim.spec.runtimeMax,
      gang: gang)
  }

  /// Counts what a lease loses that stops since it, or another of its gang, is preempted.
  private mutating func follow(_ id: LeaseID, _ run: Run, at now: Instant) {
    guard let left = leaving[run.claim], left.leases > 0 else { return }
    leaving[run.claim] = left.leases > 1 ? (left.leases - 1, left.since) : nil
    if let saved = left.since { lost += Int128((now - saved).ns) * Int128(run.gpus) }
  }

  private mutating func stopped(
    _ id: LeaseID, _ run: Run, for holder: (id: ClaimID, rank: Int, runtime: Span)?,
    at now: Instant
  ) {
    preempted += run.gang.count
    level -= Int128(run.gang.count) * 3_600_000_000_000
    if run.gang.count > 1 { gangs.lost += 1 }
    // Of a gang, what all its members have saved.
    let others = run.gang.compactMap { runs[$0] }
    let since = others.reduce(run.saved) { least, other in
      other.saved.map { min(least ?? $0, $0) } ?? least
    }
    leaving[run.claim] = (run.gang.count, since)
    if others.count + 1 != run.gang.count || others.contains(where: { $0.started == nil }) {
      mistakes.append("\(id) is preempted and not all of its gang runs")
    }
    if run.rank >= 2, others.contains(where: { now < ($0.started ?? now) + shield }) {
      mistakes.append("\(id) is of a gang behind its shield")
    }
    times[run.claim, default: 0] += 1
    most = max(most, times[run.claim, default: 0])
    guard let holder else { return mistakes.append("\(id) is preempted for nobody") }
    let left = run.started.map { ($0 + run.runtimeMax).ns - now.ns } ?? 0
    let isLong = Int128(left) >= 4 * Int128(holder.runtime.ns)
    let distance = run.rank - holder.rank
    if distance < 1 || distance < Int(rule.distance) && !isLong {
      mistakes.append("\(id) of class \(run.rank) is too near to class \(holder.rank)")
    }
    if !run.isInterruptible { mistakes.append("\(id) may not be interrupted") }
    guard let started = run.started else { return mistakes.append("\(id) has not started") }
    if run.rank >= 2, now < started + shield { mistakes.append("\(id) is behind its shield") }
    if times[run.claim, default: 0] > 2 { mistakes.append("\(run.claim) is preempted again") }
    // One class less at a rank above that of the holder, which was added: the sorted multiset of
    // classes, the least urgent first, is smaller than it was.
    if run.rank <= holder.rank { mistakes.append("the multiset of classes grows") }
    if classes[run.rank] < 0 { mistakes.append("\(id) was not counted") }
  }

  private mutating func refill(to now: Instant) {
    let gained = Int128((now - asOf).ns) * Int128(rule.perHour)
    level = min(Int128(rule.burst) * 3_600_000_000_000, level + gained)
    asOf = now
  }

  private mutating func withdraw(_ id: ClaimID, _ why: String) {
    guard let rank = open.removeValue(forKey: id) else { return }
    classes[rank] -= 1
    withdrawn[why, default: 0] += 1
  }

  /// Nothing is held once everything ended.
  mutating func close() {
    for id in open.keys { mistakes.append("\(id) is held for ever") }
    for claim in leaving.keys { mistakes.append("\(claim) was preempted and goes on in part") }
    if classes != [0, 0, 0, 0] { mistakes.append("classes \(classes) are left over") }
  }

  static func += (left: inout Self, right: Self) {
    left.preempted += right.preempted
    left.holds += right.holds
    left.started += right.started
    left.withdrawn.merge(right.withdrawn, uniquingKeysWith: +)
    left.mistakes += right.mistakes
    left.lost += right.lost
    left.held += right.held
    left.most = max(left.most, right.most)
    left.gangs.lost += right.gangs.lost
    left.gangs.started += right.gangs.started
  }

  var description: String {
    let ended = withdrawn.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return "\(preempted) leases, \(gangs.lost) gangs among them, preempted for \(holds) claims, "
      + "\(started) of which started, \(gangs.started) of them gangs, "
      + "withdrawn: \(ended.isEmpty ? "none" : ended.joined(separator: ", ")); one claim at most "
      + "\(most) times; lost \(lost / 1_000_000_000) of \(held / 1_000_000_000) GPU-s"
  }
}
