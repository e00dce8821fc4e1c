import Foundation
import Testing

@testable import PoolAllocator

/// A waiting claim is told exactly what stands in its way (SEMANTICS 7.2): removing all of it makes
/// the claim run, removing all but one thing does not.
@Suite struct ReasonPropertyTests {
  #if DEBUG
    static let seeds = 24
  #else
    static let seeds = 300
  #endif

  /// `REASONS=3000` looks at so many lives instead.
  @Test func exactlyWhatIsListedKeepsAClaimFromRunning() {
    var count = ReasonCount()
    let lives = ProcessInfo.processInfo.environment["REASONS"].flatMap { Int($0) } ?? Self.seeds
    for seed in 0..<lives {
      var life = CrowdedLife(seed: UInt64(seed))
      for step in 0..<90 {
        life.stepOnce()
        guard step % 6 == 5 else { continue }
        life.rest()
        var waiting: [ClaimID] = []
        life.pool.forEachClaim { id, claim in if claim.isWaiting { waiting.append(id) } }
        for _ in 0..<3 {
          guard let id = life.random.pick(waiting) else { break }
          count.claims += 1
          for lane in lanes(of: id, in: life.pool) {
            check(id, lane, life, "seed \(seed), step \(step)", &count)
          }
        }
      }
    }
    print("property: reasons: \(count)")
    for code in ReasonCount.expected {
      #expect(count.removed[code, default: 0] > 0, "\(code) was never what had to go")
    }
    #if !DEBUG
      #expect(count.claims >= 10_000)
      #expect(count.overtaken * 1_000 <= count.whole)
    #endif
  }

  /// Lanes that may serve a claim some day.
  private func lanes(of id: ClaimID, in pool: Pool) -> [LaneID] {
    guard let claim = pool.claim(id), let resolved = pool.resolved(claim) else { return [] }
    let eligible = pool.eligibleLanes(claim.spec, resolved).lanes
    return (0..<UInt32(Limits.lanes)).filter { eligible.contains(row: $0) }
      .compactMap { pool.laneID(atRow: $0) }
  }

  private func check(
    _ id: ClaimID, _ lane: LaneID, _ life: CrowdedLife, _ place: String, _ count: inout ReasonCount
  ) {
    let reasons = life.pool.obstacles(of: id, in: lane)
    let blockers = reasons.filter { !$0.code.isCause }
    let list = blockers.map { "\($0.code) \($0.have)/\($0.need)" }.joined(separator: ", ")
    let place = "\(place), claim \(id.row) in lane \(lane.row): \(list)"
    #expect(!blockers.isEmpty, "nothing is in the way: \(place)")
    #expect(reasons == reasons.sorted(by: Reason.clearsLater), "\(place)")
    count.lanes += 1
    var remover = Remover(id, lane, life)
    guard remover.remove(blockers, butNot: nil) else {
      count.unremoved += 1
      return
    }
    count.whole += 1
    let isServed = remover.isServed
    let isNewlyBehind = remover.isBehindParked && !blockers.contains { $0.code == .behindParked }
    if !isServed, isNewlyBehind || !remover.overtakers.isEmpty {
      // What went kept others back too, and they were faster, or wait before it for credits now.
      count.overtaken += 1
      return
    }
    #expect(isServed, "all is removed, and it waits: \(place)")
    for kept in blockers {
      var remover = Remover(id, lane, life)
      guard remover.remove(blockers.filter { $0 != kept }, butNot: kept) else {
        count.unremoved += 1
        continue
      }
      let runs = remover.lane == lane
      if runs, remover.hasMoreCleared(than: kept) {
        count.unremoved += 1
        continue
      }
      if runs, kept.code == .behindHead, remover.othersRun {
        // There was room for those before it, and for it after them.
        count.afterOthers += 1
        continue
      }
      count.removed[kept.code, default: 0] += 1
      #expect(!runs, "\(kept.code) is left, and it runs: \(place)")
    }
  }
}

/// What a run of the property looked at.
struct ReasonCount: CustomStringConvertible {
  /// Claims.
  var claims = 0
  /// Lanes of them.
  var lanes = 0
  /// Lanes where all that was listed could be removed.
  var whole = 0
  /// Reasons that alone kept a claim from running, by code.
  var removed: [Reason.Code: Int] = [:]
  /// Claims that ran in the same tick, after those that go before them.
  var afterOthers = 0
  /// Claims that still waited, because others were let go by the same and took or kept devices.
  var overtaken = 0
  /// Sets of reasons that could not be removed without another one.
  var unremoved = 0

  static let expected: [Reason.Code] = [
    .identitySuspended, .classNotAllowed, .bucketShort, .behindParked, .laneFull, .fragmented,
    .memoryShort, .hostShort, .hostMemoryShort, .lendingLimit, .borrowingLimit, .behindHead,
    .wouldDelayHead, .approvalMissing, .budgetSpent,
  ]

  var description: String {
    let codes = removed.sorted { $0.key.rawValue < $1.key.rawValue }
      .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return
      "\(claims) claims, \(lanes) lanes, \(whole) removed whole, \(unremoved) not removable alone, "
      + "\(afterOthers) after others, \(overtaken) overtaken; \(codes)"
  }
}

/// A copy of a pool from which some of a claim's reasons to wait are taken away, and no others.
///
/// By ordinary commands, but for two: a bucket is given exactly what it lacks, as a refund would,
/// and a limit of lending is raised to exactly what is needed, as another policy would.
private struct Remover {
  private let id: ClaimID
  private let goal: LaneID
  private var life: CrowdedLife
  private var pool: Pool { life.pool }

  init(_ id: ClaimID, _ lane: LaneID, _ life: CrowdedLife) {
    (self.id, self.goal, self.life) = (id, lane, life)
    servedBefore = served
  }

  /// The claims that the kept reason is about.
  private var spared: [ClaimID] = []
  /// Whether somebody that went kept devices, or processor time and memory of their nodes.
  private var givesUpPlans = false
  /// Whether one of them runs, or has devices kept.
  var othersRun: Bool {
    spared.contains { pool.claim($0)?.lease != nil || pool.claim($0)?.pin != nil }
  }
  /// Claims that run or have devices kept, and did not before, or had others.
  var overtakers: [ClaimID] { served.filter { !servedBefore.contains($0) }.map(\.claim) }
  private var servedBefore: [Served] = []

  private struct Served: Equatable {
    var claim: ClaimID
    var lease: LeaseID?
    var lane: LaneID?
    var starts: Instant?
  }

  /// Other claims that run or have devices kept.
  private var served: [Served] {
    var found: [Served] = []
    pool.forEachClaim { other, claim in
      guard other != id, claim.lease != nil || claim.pin != nil else { return }
      found.append(
        Served(
          claim: other, lease: claim.lease, lane: claim.pin?.lane, starts: claim.pin?.starts))
    }
    return found
  }

  /// Whether the claim runs.
  var isServed: Bool { pool.claim(id).map { !$0.isWaiting } ?? false }
  /// Whether another claim goes before it at a bucket.
  var isBehindParked: Bool { pool.obstacles(of: id).contains { $0.code == .behindParked } }
  /// The lane that serves it.
  var lane: LaneID? { pool.claim(id)?.lease.flatMap { pool.lease($0)?.lane } }

  /// Takes reasons away and lets the pool do what is due.
  /// - Returns: false where that would take away the kept one too.
  mutating func remove(_ reasons: [Reason], butNot kept: Reason?) -> Bool {
    spared = kept.map { others(behind: $0) } ?? []
    for reason in reasons {
      for other in others(behind: reason) where !spared.contains(other) {
        if pool.claim(other)?.pin != nil { givesUpPlans = true }
        if pool.claim(other) != nil { life.apply(.cancel(other)) }
      }
    }
    for reason in reasons {
      switch reason.code {
      case .identitySuspended, .classNotAllowed: lift(reason)
      case .bucketShort, .budgetSpent: fill(reason)
      case .approvalMissing:
        life.apply(.approve(id, by: CrowdedLife.approver, plan: CrowdedLife.plan))
      case .lendingLimit, .borrowingLimit: raise(reason)
      default: break
      }
    }
    let shortages: [Reason.Code] = [
      .laneFull, .fragmented, .memoryShort, .hostShort, .hostMemoryShort,
    ]
    let short = reasons.filter { shortages.contains($0.code) }
    if !short.isEmpty {
      guard addRoom(short, butNot: kept.map { shortages.contains($0.code) } ?? false) else {
        return false
      }
    }
    pool.forEachLane { lane, _ in life.pool.stirred.insert(lane) }
    life.rest()
    return true
  }

  /// Whether a kept reason went with the others: those that kept devices gave them up, or the claim
  /// got some of its own kept, or those at its bucket stepped aside for a restriction.
  func hasMoreCleared(than kept: Reason) -> Bool {
    switch kept.code {
    case .wouldDelayHead:
      life.log.events.contains { if case .claimPinned(id, _) = $0 { true } else { false } }
        || spared.contains { pool.claim($0)?.state != .queued }
    case .laneFull, .fragmented, .memoryShort, .hostShort, .hostMemoryShort: givesUpPlans
    case .behindParked:
      spared.contains { pool.claim($0)?.heldBy != nil } || !isBehindParked(kept)
    default: false
    }
  }

  /// Whether the kept reason's claims still have the turn at its bucket: what was given for this
  /// one may have sufficed for them.
  private func isBehindParked(_ kept: Reason) -> Bool {
    guard case .bucket(let row) = kept.subject else { return false }
    return spared.contains { other in
      guard let claim = pool.claim(other) else { return false }
      return pool.buckets[row: row].turn == other
        || claim.state == .parked && claim.bucket?.row == row
    }
  }

  // MARK: others

  /// The waiting claims that a reason is about.
  private func others(behind reason: Reason) -> [ClaimID] {
    var found: [ClaimID] = []
    pool.forEachClaim { other, claim in
      guard other != id, claim.isWaiting else { return }
      switch reason.code {
      case .behindHead: if goesBefore(other, claim) { found.append(other) }
      case .wouldDelayHead:
        // Those of other lanes would have the same kept for them next.
        if claim.pin != nil || goesBefore(other, claim) || claim.spec.lanes.count > 1
          || !claim.spec.lanes.contains(row: goal.row)
        {
          found.append(other)
        }
      case .behindParked:
        guard case .bucket(let row) = reason.subject, let own = pool.claim(id) else { return }
        let isHolder = pool.buckets[row: row].turn == other
        let isParked = claim.state == .parked && claim.bucket?.row == row
        if isHolder || isParked, claim.turn < own.turn { found.append(other) }
      default: break
      }
    }
    return found
  }

  private func goesBefore(_ other: ClaimID, _ claim: Claim) -> Bool {
    guard let own = pool.claim(id), claim.spec.lanes.contains(row: goal.row) else { return false }
    let isForeign = pool.isForeign(goal.row, to: own.tenant)
    let isOtherForeign = pool.isForeign(goal.row, to: claim.tenant)
    if isForeign != isOtherForeign { return isForeign }
    return key(other, claim) < key(id, own)
  }

  private func key(_ id: ClaimID, _ claim: Claim) -> OrderKey {
    if claim.state == .queued { return pool.orderKey(of: id.row, in: goal.row) }
    return pool.orderKey(of: claim.turn, tenant: claim.tenant, in: goal.row)
  }

  // MARK: measures, buckets, limits

  private mutating func lift(_ reason: Reason) {
    guard case .identity(let kind) = reason.subject, let spec = pool.claim(id)?.spec else { return }
    life.apply(.restrict(kind, spec.name(of: kind), nil))
  }

  private mutating func fill(_ reason: Reason) {
    guard case .bucket(let row) = reason.subject, let bucket = pool.bucketID(atRow: row) else {
      return
    }
    let gained = reason.need - pool.buckets[bucket].credits.level(at: life.now)
    guard gained > 0 else { return }
    let before = pool.buckets[bucket].credits.level
    life.pool.buckets[bucket].credits.level = Credits(before.value + gained)
    life.pool.buckets[bucket].books.opening += Credits(gained)
    let cap = max(pool.buckets[bucket].credits.cap.value, reason.need)
    life.pool.buckets[bucket].credits.cap = Credits(cap)
    life.pool.refreshBucketTimer(row)
  }

  private mutating func raise(_ reason: Reason) {
    if case .lane(let row) = reason.subject,
      case .reclaimable(let within, _) = pool.lanes[row: row].rule.lending
    {
      life.pool.lanes[row: row].rule.lending = .reclaimable(within: within, atMost: reason.need)
    } else if let tenant = pool.claim(id)?.tenant {
      life.pool.tenants[tenant].rule.borrowingMax = reason.need
    }
  }

  // MARK: room

  /// Adds a node with exactly what the claim asks for, for each member one; nothing can be added to
  /// a reserved lane.
  private mutating func addRoom(_ short: [Reason], butNot isOther: Bool) -> Bool {
    guard let demand = pool.claim(id)?.spec.demand, !isOther else { return false }
    if pool.lanes[goal].rule.owner != nil { return false }
    return addNodes(demand)
  }

  private mutating func addNodes(_ demand: Demand) -> Bool {
    // What a reserved lane lacks would go there.
    let pool = life.pool
    var isTaken = false
    pool.forEachLane { _, lane in
      if lane.pool.key == pool.lanes[goal].pool.key, lane.bound < lane.rule.reserved {
        isTaken = true
      }
    }
    if isTaken { return false }
    // A gang that goes before may have some of its members there, or plan to.
    var isContested = false
    pool.forEachClaim { other, claim in
      guard other != id, claim.isWaiting, claim.spec.demand.members > 1 else { return }
      if claim.pin != nil || goesBefore(other, claim) { isContested = true }
    }
    if isContested { return false }
    return (0..<Int(demand.members)).allSatisfy { addNode(900 + $0, demand) }
      && isAdded(to: goal)
  }

  /// Whether all devices of the new nodes are in a lane: a reserved one may take them.
  private func isAdded(to lane: LaneID) -> Bool {
    var isAdded = true
    pool.forEachDevice { _, device in
      let key = pool.node(device.node)?.enrolment.key
      if (0..<Limits.members).contains(where: { key == Name.node(900 + $0) }) {
        isAdded = isAdded && device.lane == lane.row
      }
    }
    return isAdded
  }

  /// A node for one member.
  private mutating func addNode(_ number: Int, _ demand: Demand) -> Bool {
    let profile = pool.lanes[goal].profile.key
    var devices: [DeviceReport] = []
    for board in 0..<Int(demand.devices) {
      switch demand.shape {
      case .whole, .fraction: devices.append(SmallNode.gpu(number, board))
      case .slice: devices += SmallNode.partitioned(number, board, slots: [4])
      case .cpuOnly: devices.append(SmallNode.cpu(number, milli: demand.cpu.value))
      }
    }
    for index in devices.indices { devices[index].profile = profile }
    let approved = [ApprovedDevices(profile: profile, count: 16)]
    guard
      let node = life.apply(.enrol(Enrolment(key: Name.node(number), approved: approved))).node
    else { return false }
    let report = NodeReport(
      boot: Name.boot(0), generation: 1, sequence: 1, cpu: demand.cpu,
      hostMemory: demand.hostMemory, enforcement: .cgroup)
    life.apply(.advertise(node, Advertisement(report: report, devices: devices)))
    return true
  }
}
