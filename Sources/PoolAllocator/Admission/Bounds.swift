/// How long a claim waits at most (SEMANTICS 4.6, docs/decisions/0019).
///
/// The fair order alone gives no such figure: who was served more waits until others have caught
/// up, and how long that takes depends on what they ask. So a tenant whose first claim waits at the
/// best level without a turn for its interval is overdue, and overdue tenants go first, one claim
/// each, in the order in which they became so. What follows rests on the policy alone:
///
/// - **rise**: ageing lifts the claim to level 0: its class times the ageing step.
/// - **interval**: the claim has its turn by the fair order, or is overdue.
/// - **rounds**: plans that were made before are kept (one round), each other tenant that may enter
///   goes at most once before it, and then it goes itself. A round is the longest that a lease of
///   the pool may hold a device: start, run and kill.
public struct WaitBound: BitwiseCopyable, Hashable, Sendable {
  /// Time until ageing has lifted the claim to the best level.
  public let rise: Span
  /// Time at that level after which a tenant's turn is overdue.
  public let interval: Span
  /// The longest time between a grant in the lane's pool and the return of its devices.
  public let round: Span
  /// Tenants whose work may reach the best level of the lane, the claim's own among them. Unit:
  /// tenants.
  public let tenants: Int

  /// Rounds that an overdue claim may wait. Unit: rounds.
  public var rounds: Int { tenants + 1 }

  /// The longest wait of a claim behind others of its own tenant, each of which has a turn before
  /// it; nil past 292 years.
  public func total(behind own: Int = 0) -> Span? {
    Int64(exactly: Int128(rise.ns) + turns(behind: own)).map { Span(ns: $0) }
  }

  /// Nanoseconds of a claim's own turn and of those before it, once it has risen.
  func turns(behind own: Int) -> Int128 {
    (Int128(interval.ns) + Int128(round.ns) * Int128(rounds)) * Int128(own + 1)
  }
}

/// By when a waiting claim starts at the latest.
public struct StartBound: BitwiseCopyable, Hashable, Sendable {
  /// The moment.
  public let by: Instant
  /// The lane that keeps it.
  public let lane: LaneID
  /// Claims of its own tenant that may go before it. Unit: claims.
  public let own: Int
  /// The terms of one turn in that lane.
  public let bound: WaitBound
}

/// Why a waiting claim has no bound.
public enum Unbounded: UInt8, Error, BitwiseCopyable, CaseIterable, Sendable {
  /// It does not wait in the order: it is parked, held, served or over.
  case notQueued
  /// Its class never reaches the best level under the policy's order.
  case neverFirst
  /// It would borrow: the owner of the lane goes before it whenever it asks.
  case borrows
  /// No node that may receive a lease could hold it, were the node empty.
  case noNode
  /// It asks for processor time or memory of hosts that other lanes use too.
  case sharesHost
  /// More claims of its own tenant wait than are looked at, or one of them has no bound.
  case ownWork
}

extension Pool {
  /// What the policy says of a lane for the bounds of its waits.
  struct LaneTerms: Sendable {
    var round = Span.zero
    var tenants = 0
    var weights: Int64 = 0
  }

  // MARK: the terms of a policy

  /// Works out the terms of every lane, and what places are scored by, from the policy.
  mutating func indexTerms() {
    terms = Array(repeating: LaneTerms(), count: Limits.lanes)
    fragmentation = FragmentationIndex(policy.placement)
    var rounds = Array(repeating: Span.zero, count: policy.pools.count)
    for rule in policy.lanes {
      // GPUs move between the lanes of a pool, and leases with them.
      rounds[Int(rule.pool)] = max(rounds[Int(rule.pool)], longestHold(rule))
    }
    for rule in policy.lanes {
      guard let row = keys.lanes.row(for: rule.key) else { continue }
      var lane = LaneTerms(round: rounds[Int(rule.pool)])
      for tenant in policy.tenants where mayBeFirst(tenant, in: rule) {
        lane.tenants += 1
        lane.weights += Int64(tenant.weightMilli)
      }
      terms[Int(row)] = lane
    }
  }

  private func longestHold(_ rule: LaneRule) -> Span {
    var around = Span.zero
    for rank in 0..<4 {
      guard let serviceClass = ServiceClass(rank: UInt8(rank)), rule.admits.contains(serviceClass)
      else { continue }
      let terms = policy.classes[rank]
      around = max(around, Span(ns: terms.startWithin.ns + terms.killWithin.ns))
    }
    return Span(ns: rule.leaseMax.ns + around.ns)
  }

  /// Whether work of a tenant may come to the best level of a lane; in a reserved lane its owner
  /// goes before all others.
  private func mayBeFirst(_ tenant: TenantRule, in lane: LaneRule) -> Bool {
    if let owner = lane.owner, owner != tenant.key { return false }
    return (0..<4).contains { rank in
      guard let serviceClass = ServiceClass(rank: UInt8(rank)) else { return false }
      return lane.admits.contains(serviceClass) && tenant.classes.contains(serviceClass)
        && reachesBest(serviceClass)
    }
  }

  private func reachesBest(_ serviceClass: ServiceClass) -> Bool {
    serviceClass.rank == 0 || policy.order.ageingStep != nil && policy.order.ceiling == 0
  }

  /// Time at the best level of a lane after which a tenant's turn is overdue: that in which its
  /// weight entitles it to one, if every turn took a round.
  func interval(of tenant: TenantID, in lane: UInt32) -> Span {
    let (weights, round) = (terms[Int(lane)].weights, terms[Int(lane)].round)
    let weight = Int64(tenants[tenant].rule.weightMilli)
    let turns = Int128((weights + weight - 1) / weight)
    return Span(ns: Int64(clamping: Int128(round.ns) * turns))
  }

  // MARK: bounds

  /// The longest wait of a class of a tenant's claims in a lane, from the policy alone, or why
  /// there is none: the class never reaches the best level, or the tenant would borrow.
  /// - Complexity: O(1).
  public func waitBound(
    of tenant: TenantID, _ serviceClass: ServiceClass, in lane: LaneID
  ) -> Result<WaitBound, Unbounded> {
    guard tenants.contains(tenant), lanes.contains(lane) else { return .failure(.neverFirst) }
    if isForeign(lane.row, to: tenant) { return .failure(.borrows) }
    let known = terms[Int(lane.row)]
    let step = policy.order.ageingStep?.ns ?? 0
    let (rise, overflow) = step.multipliedReportingOverflow(by: Int64(serviceClass.rank))
    guard reachesBest(serviceClass), known.tenants > 0, !overflow else {
      return .failure(.neverFirst)
    }
    return .success(
      WaitBound(
        rise: Span(ns: rise), interval: interval(of: tenant, in: lane.row), round: known.round,
        tenants: known.tenants))
  }

  /// By when a waiting claim starts at the latest, or why nothing is said.
  ///
  /// It does not depend on what other tenants ask. It holds while ticks come when they are due and
  /// no node or device of the lane fails, is cordoned or drained, no reserved lane takes devices
  /// and the policy stays; any of these is a void (`Lane.voided`), after which the bound counts
  /// anew. So it does where a claim of the tenant itself comes back into the order.
  /// - Complexity: O(`Limits.ownWork` + devices of the nodes that are looked at) for each lane.
  public func startBound(of id: ClaimID) -> Result<StartBound, Unbounded> {
    guard let claim = claim(id), claim.state == .queued, let resolved = resolved(claim) else {
      return .failure(.notQueued)
    }
    var best: StartBound?
    var why = Unbounded.neverFirst
    var left = groups[Int(claim.group)]
    while let row = left.firstRow {
      left = left.withoutFirst
      guard let lane = lanes.id(at: row) else { continue }
      switch startBound(of: id, resolved.wish, in: lane) {
      case .success(let bound): if best.map({ bound.by < $0.by }) ?? true { best = bound }
      case .failure(let because): why = because
      }
    }
    return best.map { .success($0) } ?? .failure(why)
  }

  /// When the bounds of a tenant's waits in a lane last began to count anew: something happened
  /// there that they do not cover. A bound that was told before is to be asked for again.
  /// - Complexity: O(1).
  public func boundsVoided(for tenant: TenantID, in lane: LaneID) -> Instant {
    guard tenants.contains(tenant), lanes.contains(lane) else { return .origin }
    return max(lanes[lane].voided, clocks[tenant.row, lane.row].voided)
  }

  /// Counted from the last moment at which the count began: it came into the order or reached the
  /// best level, the claim of its tenant before it was granted, or something voided the bound.
  private func startBound(
    of id: ClaimID, _ wish: Wish, in lane: LaneID
  ) -> Result<StartBound, Unbounded> {
    let claim = claims[id]
    let bound: WaitBound
    switch waitBound(of: claim.tenant, claim.serviceClass, in: lane) {
    case .success(let found): bound = found
    case .failure(let because): return .failure(because)
    }
    if let because = firmness(of: wish, lane: lane.row) { return .failure(because) }
    guard let own = ownWork(before: id, wish, in: lane.row, rise: bound.rise) else {
      return .failure(.ownWork)
    }
    let clock = clocks[claim.tenant.row, lane.row]
    var from = max(risen(id.row, rise: bound.rise), own.risen, lanes[lane].voided, clock.voided)
    if clock.runs { from = max(from, clock.since) }
    guard let by = Int64(exactly: Int128(from.ns) + bound.turns(behind: own.count)) else {
      return .failure(.neverFirst)
    }
    return .success(StartBound(by: Instant(ns: by), lane: lane, own: own.count, bound: bound))
  }

  /// When a queued claim has risen to the best level, if nothing takes it out of the order.
  private func risen(_ row: UInt32, rise: Span) -> Instant {
    claims[row: row].queuedAt + Span(ns: max(0, rise.ns - claims[row: row].waited.ns))
  }

  /// Claims of the same tenant that go before one in a lane, and when those of its line have risen,
  /// which may have come back after it; nil where they are too many to look at, or one of its line
  /// may wait without a bound.
  /// - Parameter wish: what it asks for itself, which some node can be relied on to hold.
  private func ownWork(
    before id: ClaimID, _ wish: Wish, in lane: UInt32, rise: Span
  ) -> (count: Int, risen: Instant)? {
    let (claim, own) = (claims[id], queue.lines.line(of: id.row))
    // They are counted before any is looked at: too many are the rule in a long queue.
    var before: [UInt32] = []
    for line in queue.lines.lines(of: claim.tenant.row, in: lane) {
      var walk = queue.lines.walk(line: line)
      while let row = walk.next(in: queue.lines), claims[row: row].turn.isEarlier(than: claim.turn)
      {
        before.append(row)
        guard before.count <= Limits.ownWork else { return nil }
      }
    }
    var (last, firm) = (Instant.origin, wish)
    for row in before {
      guard let wish = resolved(claims[row: row])?.wish else { return nil }
      guard queue.lines.line(of: row) == own else { continue }
      // Most claims of a line ask for the same, and a look at nodes reads all their leases.
      if wish.demand != firm.demand || wish.slice != firm.slice {
        if firmness(of: wish, lane: lane) != nil { return nil }
        firm = wish
      }
      last = max(last, risen(row, rise: rise))
    }
    return (before.count, last)
  }

  // MARK: nodes that a bound may rest on

  /// Why no node can be relied on to hold a demand once what runs there has ended; nil where one
  /// can: it may receive a lease, would hold it if empty, and no other lane uses what it needs.
  /// - Parameter probes: nodes that are looked at, those first that clear first.
  func firmness(of wish: Wish, lane: UInt32, probes: Int = Limits.pinProbes) -> Unbounded? {
    guard wish.demand.isSimple else { return gangFirmness(of: wish, lane: lane) }
    var why = Unbounded.noNode
    var looked = 0
    var walk = placement.lanes[Int(lane)].clears.walk(0)
    while looked < probes, let node = walk.next(in: placement.lanes[Int(lane)].clears)?.row {
      looked += 1
      guard couldHold(wish, node, lane: lane) else { continue }
      if !wish.demand.asksHost || placement.lanesOfNode[Int(node)].count == 1 { return nil }
      why = .sharesHost
    }
    return why
  }

  /// The same for a gang: of all nodes that can be relied on, as near as it requires.
  /// - Complexity: O(devices of the nodes that are looked at).
  private func gangFirmness(of wish: Wish, lane: UInt32) -> Unbounded? {
    func held(sharing: Bool) -> Int {
      heldMembers(wish, lane: lane, beside: .overstays) { node, device in
        nodes[row: node].isOpen && couldServe(wish, device, lane: lane)
          && (!wish.demand.asksHost || sharing || placement.lanesOfNode[Int(node)].count == 1)
      }
    }
    if held(sharing: false) == wish.members { return nil }
    return wish.demand.asksHost && held(sharing: true) == wish.members ? .sharesHost : .noNode
  }

  /// Processor time and host memory of a node but for what leases hold that overstay.
  func hostBesideOverstays(_ node: UInt32) -> (cpu: MilliCPU, memory: Bytes) {
    let report = nodes[row: node].report
    var (cpu, memory) = (report.cpu.value, report.hostMemory.value)
    var lease = placement.leases.first(of: node)
    while lease != RowLists.none {
      if leases[row: lease].overstays {
        cpu -= leases[row: lease].cpu.value
        memory -= leases[row: lease].hostMemory.value
      }
      lease = placement.leases.next(after: lease)
    }
    return (MilliCPU(max(0, cpu)), Bytes(max(0, memory)))
  }

  /// Whether a node would hold a demand if nothing ran there but leases that overstay.
  private func couldHold(_ wish: Wish, _ node: UInt32, lane: UInt32) -> Bool {
    let report = nodes[row: node].report
    guard nodes[row: node].isOpen, report.enforcement >= wish.demand.enforcement else {
      return false
    }
    if wish.demand.asksHost {
      let (cpu, memory) = hostBesideOverstays(node)
      guard cpu >= wish.demand.cpu, memory >= wish.demand.hostMemory else { return false }
    }
    var found = 0
    var row = placement.devices.first(of: node)
    while row != RowLists.none, found < Int(wish.demand.devices) {
      if couldServe(wish, row, lane: lane) { found += 1 }
      row = placement.devices.next(after: row)
    }
    return found == Int(wish.demand.devices)
  }

  /// Whether a device would serve a demand if it were empty.
  func couldServe(_ wish: Wish, _ row: UInt32, lane: UInt32) -> Bool {
    devices[row: row].lane == lane && devices[row: row].health == .usable
      && isOfForm(wish, row)
  }

  /// Whether a device has the form and the size that a demand asks for.
  func isOfForm(_ wish: Wish, _ row: UInt32) -> Bool {
    // Read in place: this is asked of each device of many nodes, and a row is large.
    let kind = devices[row: row].report.kind
    switch wish.demand.shape {
    case .whole: return kind == .gpu && devices[row: row].mode != .mig
    case .fraction(_, let bytes):
      return kind == .gpu && devices[row: row].mode != .mig
        && devices[row: row].report.memory >= bytes
    case .slice: return kind == .slice && devices[row: row].slice == wish.slice
    case .cpuOnly:
      return kind == .cpu && devices[row: row].capacity.value >= wish.demand.cpu.value
    }
  }
}
