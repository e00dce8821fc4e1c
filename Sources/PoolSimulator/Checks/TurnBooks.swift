import PoolAllocator

/// F1: what tenants were served, by lane and level, is exactly what the fair order says
/// (SEMANTICS 4.1 to 4.3): charged at the grant by price and weight, corrected at settlement,
/// lifted to the floor by whoever begins to wait. With the order of grants (`TurnBooks+Order`) it
/// bounds the gap between tenants that wait: the least goes first, and no count drifts.
///
/// Written from the rules over a plain list of who waits. Whose turn is overdue rests on what nodes
/// can hold, which no event says: from the first such turn of a lane on, a floor may be known only
/// within bounds. What rests on it has bounds too, moved by what is charged and given back, until
/// the command ends and it is taken from the pool. Above `most` waiting claims the books close
/// until the queue is shorter.
struct TurnBooks {
  /// One waiting claim.
  struct Entry {
    let id: ClaimID
    let tenant: TenantID
    let rank: UInt8
    let arrival: UInt64
    let submitted: Int64
    var level: UInt8
    var lanes: LaneSet

    /// Whether another one stands in the same line.
    func isBeside(_ other: Entry) -> Bool {
      tenant == other.tenant && rank == other.rank && lanes == other.lanes
    }

    /// Whether it was submitted before another.
    func isEarlier(than other: Entry) -> Bool {
      (submitted, arrival) < (other.submitted, other.arrival)
    }
  }

  /// What is known of a counter, or of a floor: it is not below the one, nor above the other.
  struct Bounds: Equatable {
    var least: Int128 = 0
    var most: Int128 = 0

    var isKnown: Bool { least == most }
    var words: String { isKnown ? "\(least)" : "\(least) to \(most)" }

    /// The greater of two.
    func raised(to other: Bounds) -> Bounds {
      Bounds(least: max(least, other.least), most: max(most, other.most))
    }
  }

  /// A counter that a command changed.
  private struct Place {
    var tenant: TenantID
    var lane: UInt32
    var level: UInt8
  }

  /// Claims that are followed.
  static let most = 256
  /// Units of a counter for one credit at weight 1.000, as `Pool.served` has them.
  private static let scale: Int128 = 1_000_000

  private(set) var queue: [Entry] = []
  /// The level at which each claim last waited.
  private var levels = ByID<Claim, UInt8>()
  private var served: [Bounds] = []
  /// The counter of the last winner of each level of each lane before its charge.
  private var floors = Array(repeating: Bounds(), count: Limits.lanes * 4)
  /// By lane, tenants whose turn is or was overdue.
  private(set) var overdue = Array(repeating: [TenantID](), count: Limits.lanes)
  private var touched: [Place] = []
  /// Whose the rows are.
  private var lanes = Array(repeating: LaneID?.none, count: Limits.lanes)
  private var tenants: [TenantID?] = []
  private(set) var isClosed = false

  // MARK: counters

  private func place(_ tenant: TenantID, _ lane: UInt32, _ level: UInt8) -> Int {
    (Int(tenant.row) * Limits.lanes + Int(lane)) * 4 + Int(level)
  }

  /// What a tenant was served at a level of a lane.
  func served(_ tenant: TenantID, _ lane: UInt32, _ level: UInt8) -> Bounds {
    let place = place(tenant, lane, level)
    return place < served.count ? served[place] : Bounds()
  }

  private mutating func set(
    _ tenant: TenantID, _ lane: UInt32, _ level: UInt8, _ value: Bounds
  ) {
    let place = place(tenant, lane, level)
    while served.count <= place { served.append(Bounds()) }
    served[place] = value
    touched.append(Place(tenant: tenant, lane: lane, level: level))
  }

  /// The floor of a level of a lane.
  func floor(_ lane: UInt32, _ level: UInt8) -> Bounds { floors[Int(lane) * 4 + Int(level)] }

  private func weighted(_ amount: Int64, _ tenant: TenantID, _ facts: borrowing Facts) -> Int128 {
    let weight = facts.tenants[tenant]?.rule.weightMilli ?? 1000
    return Int128(amount) * Self.scale / Int128(weight)
  }

  // MARK: who waits

  /// The first claims of all lines that wait for a lane, of one tenant or of all.
  func heads(of lane: UInt32, tenant: TenantID? = nil) -> [Entry] {
    queue.filter { entry in
      entry.lanes.contains(row: lane) && (tenant == nil || entry.tenant == tenant)
        && isHead(entry)
    }
  }

  private func isHead(_ entry: Entry) -> Bool {
    !queue.contains { $0.isBeside(entry) && $0.isEarlier(than: entry) }
  }

  /// Whether the first claim of some line of a tenant is at a level of a lane, but for the line of
  /// one claim.
  func isBacklogged(
    _ tenant: TenantID, _ level: UInt8, _ lane: UInt32, besides line: Entry? = nil
  ) -> Bool {
    queue.contains { entry in
      entry.tenant == tenant && entry.level == level && entry.lanes.contains(row: lane)
        && !(line.map { $0.isBeside(entry) } ?? false) && isHead(entry)
    }
  }

  /// A tenant begins to wait at a level of some lanes.
  private mutating func lift(
    _ tenant: TenantID, _ level: UInt8, _ lanes: LaneSet, besides line: Entry? = nil
  ) {
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      if isBacklogged(tenant, level, lane, besides: line) { continue }
      let own = served(tenant, lane, level)
      let raised = own.raised(to: floor(lane, level))
      if raised != own { set(tenant, lane, level, raised) }
    }
  }

  // MARK: events

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) {
    guard !isClosed else { return }
    switch event {
    case .claimQueued(let id, let lanes, _, _): requeue(id, lanes, facts)
    case .claimDowngraded(let id, _, _, let fact):
      if let lanes = log.downgrades[Int(fact)].queues { requeue(id, lanes, facts) }
    case .claimParked(let id, _), .claimHeld(let id, _), .approvalRequested(let id, _, _):
      leave(id)
    case .claimEnded(let id, _):
      leave(id)
      levels[id] = nil
    case .claimAged(let id, let level):
      guard let place = queue.firstIndex(where: { $0.id == id }) else { return }
      lift(queue[place].tenant, level, queue[place].lanes)
      queue[place].level = level
      levels[id] = level
    case .turnOverdue(let tenant, let lane):
      if !overdue[Int(lane.row)].contains(tenant) { overdue[Int(lane.row)].append(tenant) }
    case .leaseGranted(let id, let run): grant(id, run, facts, log)
    case .leaseRenewed(let id, _, let reserved, _):
      guard let lease = facts.leases[id] else { return }
      charge(lease.tenant, lease.grant.lane.row, lease.grant.level, reserved.value, facts)
    case .settled(let id, _, _, _, let run):
      guard let lease = facts.leases[id], run.count > 0 else { return }
      let back = log.postings[Int(run.first)].refunded.value
      giveBack(lease.tenant, lease.grant.lane.row, lease.grant.level, back, facts)
    default: break
    }
  }

  private mutating func requeue(
    _ id: ClaimID, _ lanes: LaneSet, _ facts: borrowing Facts
  ) {
    let old = queue.first { $0.id == id }
    let turns = old.map { overdueLanes(of: $0) } ?? .none
    leave(id)
    guard let claim = facts.claims[id] else { return }
    let waited = claim.waited + (claim.state == .queued ? facts.now - claim.queuedAt : 0)
    var entry = Entry(
      id: id, tenant: claim.fact.tenant, rank: claim.fact.serviceClass.rank,
      arrival: claim.arrival, submitted: claim.submitted, level: claim.fact.serviceClass.rank,
      lanes: lanes)
    entry.level = Self.aged(levels[id] ?? entry.rank, entry.rank, waited, facts.policy.order)
    levels[id] = entry.level
    let isFirst = !queue.contains { $0.isBeside(entry) && $0.isEarlier(than: entry) }
    if isFirst { lift(entry.tenant, entry.level, lanes) }
    queue.append(entry)
    resume(turns, of: entry.tenant)
  }

  /// Lanes that a claim waits for in which its tenant's turn is overdue.
  private func overdueLanes(of entry: Entry) -> LaneSet {
    var lanes = entry.lanes
    for lane in 0..<UInt32(Limits.lanes) where !overdue[Int(lane)].contains(entry.tenant) {
      lanes.bits &= ~(1 << UInt64(lane))
    }
    return lanes
  }

  /// A turn does not end where a claim only changed its lanes.
  private mutating func resume(_ turns: LaneSet, of tenant: TenantID) {
    var left = turns
    while let lane = left.firstRow {
      left = left.withoutFirst
      if !overdue[Int(lane)].contains(tenant), isBacklogged(tenant, 0, lane) {
        overdue[Int(lane)].append(tenant)
      }
    }
  }

  /// The level of a claim by the time that it has waited: never above the ceiling, nor below what
  /// it reached.
  static func aged(_ level: UInt8, _ rank: UInt8, _ waited: Int64, _ rule: OrderRule) -> UInt8 {
    guard let step = rule.ageingStep, level > rule.ceiling else { return level }
    let aged = max(Int64(rule.ceiling), Int64(rank) - waited / step.ns)
    return min(level, UInt8(aged))
  }

  private mutating func leave(_ id: ClaimID) {
    guard let place = queue.firstIndex(where: { $0.id == id }) else { return }
    let entry = queue[place]
    let before = lineHead(entry)
    queue.remove(at: place)
    if let next = lineHead(entry), next.level != before?.level {
      lift(next.tenant, next.level, next.lanes, besides: next)
    }
    var left = entry.lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      guard !overdue[Int(lane)].isEmpty else { continue }
      if !isBacklogged(entry.tenant, 0, lane) {
        overdue[Int(lane)].removeAll { $0 == entry.tenant }
      }
    }
  }

  private func lineHead(_ entry: Entry) -> Entry? {
    queue.filter { $0.isBeside(entry) }.min { $0.isEarlier(than: $1) }
  }

  private mutating func grant(
    _ id: ClaimID, _ run: Span32, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) {
    guard let claim = facts.claims[id] else { return }
    let first = log.grants[Int(run.first)]
    let (tenant, lane, level) = (claim.fact.tenant, first.lane.row, first.level)
    let price = run.indices.reduce(Int64(0)) { $0 + log.grants[$1].reserved.value }
    let isFirst = isFirst(id, claim, lane)
    leave(id)
    if claim.state == .new { lift(tenant, level, LaneSet(bits: 1 << UInt64(lane))) }
    let before = served(tenant, lane, level)
    let place = Int(lane) * 4 + Int(level)
    let raised = floors[place].raised(to: before)
    if isFirst == true { floors[place] = raised }
    if isFirst == nil { floors[place].most = raised.most }
    charge(tenant, lane, level, price, facts)
  }

  private mutating func charge(
    _ tenant: TenantID, _ lane: UInt32, _ level: UInt8, _ amount: Int64, _ facts: borrowing Facts
  ) {
    var own = served(tenant, lane, level)
    let weighted = weighted(amount, tenant, facts)
    own.least += weighted
    own.most = own.most < .max - weighted ? own.most + weighted : .max
    set(tenant, lane, level, own)
  }

  /// Gives back what a quantum did not use, down to the floor at most.
  private mutating func giveBack(
    _ tenant: TenantID, _ lane: UInt32, _ level: UInt8, _ amount: Int64, _ facts: borrowing Facts
  ) {
    guard amount > 0 else { return }
    let (own, floor) = (served(tenant, lane, level), floor(lane, level))
    let weighted = weighted(amount, tenant, facts)
    let left = Bounds(
      least: max(own.least - weighted, min(own.least, floor.least)),
      most: max(own.most - weighted, min(own.most, floor.most)))
    set(tenant, lane, level, left)
  }

  // MARK: a policy

  /// Another policy may have another ceiling, other lanes and tenants; after it was folded.
  mutating func activate(_ facts: borrowing Facts) {
    guard !isClosed else { return }
    for lane in 0..<Limits.lanes where facts.lanes.id(at: lane) != lanes[lane] {
      forget { $0.lane == lane }
      for level in 0..<4 { floors[lane * 4 + level] = Bounds() }
      lanes[lane] = facts.lanes.id(at: lane)
    }
    let known = facts.tenants.extent
    while tenants.count < known { tenants.append(nil) }
    for tenant in 0..<known where facts.tenants.id(at: tenant) != tenants[tenant] {
      forget { $0.tenant == tenant }
      tenants[tenant] = facts.tenants.id(at: tenant)
    }
    let rule = facts.policy.order
    for place in queue.indices.sorted(by: { queue[$0].id.row < queue[$1].id.row }) {
      let entry = queue[place]
      let best = rule.ageingStep == nil ? entry.rank : min(entry.rank, rule.ceiling)
      guard entry.level < best else { continue }
      if isHead(entry) { lift(entry.tenant, best, entry.lanes, besides: entry) }
      queue[place].level = best
      levels[entry.id] = best
    }
  }

  /// Forgets the counters of rows that are another's by now.
  private mutating func forget(_ isMeant: ((tenant: Int, lane: Int)) -> Bool) {
    for place in served.indices where served[place] != Bounds() {
      let (tenant, lane) = (place / 4 / Limits.lanes, place / 4 % Limits.lanes)
      if isMeant((tenant, lane)) { served[place] = Bounds() }
    }
  }

  // MARK: the pool

  /// Compares the counters that the command changed.
  /// - Complexity: O(counters that it changed).
  mutating func close(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    if facts.waiting > Self.most || isClosed { return reopen(facts, pool) }
    for place in touched {
      guard let lane = pool.laneID(atRow: place.lane) else { continue }
      let own = served(place.tenant, place.lane, place.level)
      let amount = pool.served(place.tenant, at: place.level, in: lane).value
      try must(
        own.least <= amount && amount <= own.most, "F1",
        "tenant \(place.tenant.name) was served \(amount) at level \(place.level) of lane "
          + "\(place.lane), by the rules \(own.words)")
      let row = self.place(place.tenant, place.lane, place.level)
      served[row] = Bounds(least: amount, most: amount)
    }
    touched.removeAll(keepingCapacity: true)
  }

  /// Compares who waits, and at which level, with the pool.
  /// - Complexity: O(waiting claims).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    guard !isClosed else { return }
    for entry in queue {
      let claim = pool.claim(entry.id)
      try must(
        claim?.state == .queued && claim?.level == entry.level, "F1",
        "claim \(entry.id.name) waits at level \(entry.level), the pool has it "
          + "\(claim.map { "\($0.state) at \($0.level)" } ?? "gone")")
    }
  }

  /// Closes the books while more wait than are followed, and opens them again from the pool.
  private mutating func reopen(_ facts: borrowing Facts, _ pool: borrowing Pool) {
    isClosed = facts.waiting > Self.most
    touched.removeAll(keepingCapacity: true)
    guard !isClosed else { return }
    queue = []
    for id in facts.claims.ids {
      guard let row = pool.claim(id) else { continue }
      levels[id] = row.level
      guard let claim = facts.claims[id], claim.state == .queued else { continue }
      queue.append(
        Entry(
          id: id, tenant: claim.fact.tenant, rank: claim.fact.serviceClass.rank,
          arrival: claim.arrival, submitted: claim.submitted, level: row.level,
          lanes: claim.waitsFor))
    }
    for place in floors.indices { floors[place] = Bounds(least: 0, most: .max) }
    for lane in 0..<Limits.lanes {
      overdue[lane] = facts.tenants.ids
      guard let id = pool.laneID(atRow: UInt32(lane)) else { continue }
      for tenant in facts.tenants.ids {
        for level in UInt8(0)..<4 {
          let amount = pool.served(tenant, at: level, in: id).value
          set(tenant, UInt32(lane), level, Bounds(least: amount, most: amount))
        }
      }
    }
    touched.removeAll(keepingCapacity: true)
  }
}
