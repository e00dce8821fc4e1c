import PoolAllocator

/// What a grant may give.
extension Verifier {
  mutating func grant(_ id: ClaimID, _ run: Span32, _ log: EventLog) {
    let grants = log.grants[run.indices].map { $0 }
    guard let claim = claims[id], let first = grants.first else {
      return must(false, .subject, "a grant to claim \(id.row), which does not live")
    }
    must(claim.lease == nil, .subject, "a claim is granted once")
    must(grants.allSatisfy { $0.claim == id }, .subject, "all members are of the claim")
    must(
      grants.count == Int(claim.fact.spec.demand.members), .capacity,
      "as many members as asked for")
    let path = path(of: claim.fact)
    let kept = path.map { bucket in
      leases.values.filter { $0.stopped == nil && $0.path.contains(bucket) }
        .reduce(Int128(0)) { $0 + ($1.next?.price ?? 0) }
    }
    for grant in grants { take(grant, claim.fact, path, log) }
    checkQuote(of: claim, grants)
    let price = grants.reduce(Int128(0)) { $0 + Int128($1.reserved.value) }
    pay(Credits(Int64(clamping: price)), path, first.postings, log)
    for (bucket, kept) in zip(path, kept) {
      // Nobody's renewal is granted away.
      let level = levels[bucket]?.credits ?? -1
      let allowed = levels[bucket]?.allowance(claim.fact.serviceClass.rank, at: log.at.ns) ?? 0
      must(
        level >= kept - allowed, .credits, "a grant left \(level) where renewals need \(kept)")
    }
    claims[id]?.lease = first.lease
  }

  /// One member of a grant.
  private mutating func take(
    _ grant: Grant, _ fact: ClaimFact, _ path: [BucketID], _ log: EventLog
  ) {
    must(leases[grant.lease] == nil, .subject, "a lease is granted once")
    let uses = log.uses[grant.uses.indices].map { $0 }
    let next = lastFencing >> 40 == UInt64(epoch) ? lastFencing + 1 : UInt64(epoch) << 40 | 1
    must(
      grant.fencing.raw == next && next > lastFencing, .fencing,
      "number \(grant.fencing.raw), not \(next)")
    lastFencing = max(lastFencing, grant.fencing.raw)
    checkNode(grant, fact.spec, uses)
    var shares = false
    if let lane = lane(grant.lane) {
      checkLane(lane, grant, fact)
      checkPrice(lane, grant, fact, at: log.at)
      shares = lane.sharesAcrossTenants && fact.spec.demand.sharing == .anyTenant
    } else {
      must(false, .lane, "lane \(grant.lane.row) is not in the policy")
    }
    for use in uses { check(use, grant, fact, sharesWithAny: shares) }
    leases[grant.lease] = LeaseBook(
      grant: grant, uses: uses, claim: fact, path: path, spans: [grant.quantum.ns],
      open: [1: grant.reserved.value], sharesWithAny: shares)
  }

  /// The rule of a lane in the policy in force.
  func lane(_ id: LaneID) -> LaneRule? {
    (before.lanes[id] ?? after.lanes[id]).flatMap { key in policy.lanes.first { $0.key == key } }
  }

  func profile(of lane: LaneRule) -> ProfileRule? {
    let pool = policy.pools[Int(lane.pool)]
    return policy.profiles.first { $0.key == pool.profile }
  }

  // MARK: the lane

  private mutating func checkLane(_ lane: LaneRule, _ grant: Grant, _ fact: ClaimFact) {
    let spec = fact.spec
    must(spec.lanes.contains(row: grant.lane.row), .lane, "the claim names the lane")
    must(lane.admits.contains(fact.serviceClass), .lane, "the lane admits the class")
    must(spec.runtimeMax <= lane.leaseMax, .lane, "the lane allows the runtime")
    let served = policy.pools[Int(lane.pool)].modelClass
    must(served == nil || served == spec.modelClass, .lane, "the pool serves the model class")
    let isForeign = lane.owner.map { $0 != spec.tenant } ?? false
    must(grant.isLent == isForeign, .lending, "what is another's is lent")
    guard isForeign else { return }
    guard case .reclaimable(let within, let most) = lane.lending else {
      return must(false, .lending, "the owner lends nothing")
    }
    let run = grant.terms.startWithin.ns + spec.runtimeMax.ns
    let leaves = spec.interruption.map { min($0.grace.ns, run) } ?? run
    let gone = Limits.orderDelay.ns + leaves + grant.terms.killWithin.ns
    must(gone <= within.ns, .lending, "it can be gone in time")
    let lent = leases.values.filter { $0.grant.isLent && $0.grant.lane == grant.lane }
      .reduce(grant.billedMilli) { $0 + $1.grant.billedMilli }
    must(lent <= most, .lending, "the owner lends \(lent) of \(most)")
    let rule = policy.tenants.first { $0.key == spec.tenant }
    let borrowed = leases.values.filter { $0.grant.isLent && $0.claim.tenant == fact.tenant }
      .reduce(grant.billedMilli) { $0 + $1.grant.billedMilli }
    must(borrowed <= rule?.borrowingMax ?? .max, .lending, "the tenant borrows \(borrowed)")
  }

  // MARK: price

  private mutating func checkPrice(_ lane: LaneRule, _ grant: Grant, _ fact: ClaimFact, at: Instant)
  {
    guard let profile = profile(of: lane) else { return must(false, .lane, "no profile") }
    let billed = billed(fact.spec.demand, profile)
    must(Int128(grant.billedMilli) == billed, .price, "billed share \(grant.billedMilli)")
    let rate = billed * Int128(profile.weightMilli) * Int128(fact.weightMilli)
    must(Int128(grant.rate) == rate, .price, "rate \(grant.rate), not \(rate)")
    let terms = policy.classes[Int(fact.serviceClass.rank)]
    must(grant.terms == terms, .price, "the terms are those of the class")
    let quantum = min(terms.quantum, fact.spec.runtimeMax)
    must(grant.startBy.ns == at.ns + terms.startWithin.ns, .time, "it has time to start")
    must(grant.quantum == quantum, .price, "length of the first quantum")
    let price = LeaseBook.up(rate * Int128(quantum.ns))
    must(
      Int128(grant.reserved.value) == price, .price, "price \(grant.reserved.value), not \(price)")
  }

  /// Thousandths that a demand is billed for.
  func billed(_ demand: Demand, _ profile: ProfileRule) -> Int128 {
    let devices = Int128(demand.devices)
    switch demand.shape {
    case .whole: return 1000 * devices
    case .fraction(let milli, let bytes):
      let (part, whole) = (Int128(bytes.value) * 1000, Int128(profile.memory.value))
      return max(Int128(milli.value), (part + whole - 1) / whole) * devices
    case .slice(let key):
      return Int128(policy.slices.first { $0.key == key }?.billedMilli ?? 0) * devices
    case .cpuOnly: return Int128(demand.cpu.value)
    }
  }

  // MARK: devices

  private mutating func checkNode(_ grant: Grant, _ spec: ClaimSpec, _ uses: [DeviceUse]) {
    let demand = spec.demand
    guard let node = nodes[grant.node], let report = node.report else {
      return must(false, .capacity, "node \(grant.node.row) never reported")
    }
    must(node.reach == .ready && node.duty == .open, .capacity, "the node may receive leases")
    must(report.enforcement >= demand.enforcement, .isolation, "the node enforces enough")
    must(uses.count == Int(demand.devices), .capacity, "as many devices as asked for")
    must(Set(uses.map(\.device)).count == uses.count, .capacity, "each device once")
    let others = leases.values.filter { $0.grant.node == grant.node }
    let cpu = others.reduce(Int64(demand.cpu.value)) { $0 + Int64($1.claim.spec.demand.cpu.value) }
    must(cpu <= Int64(report.cpu.value), .capacity, "the node has processor time")
    let memory = others.reduce(demand.hostMemory.value) {
      $0 + $1.claim.spec.demand.hostMemory.value
    }
    must(memory <= report.hostMemory.value, .capacity, "the node has memory")
    must(others.count < Limits.leasesPerNode, .capacity, "the node has room for leases")
  }

  private mutating func check(
    _ use: DeviceUse, _ grant: Grant, _ fact: ClaimFact, sharesWithAny: Bool
  ) {
    guard let device = before.devices[use.device] ?? after.devices[use.device] else {
      return must(false, .capacity, "device \(use.device.row) does not exist")
    }
    must(device.node == grant.node, .capacity, "a device of the node")
    must(device.lane == grant.lane.row, .lane, "a device of the lane")
    must(device.health == .usable, .capacity, "a device that is usable")
    let others = leases.values.filter { $0.uses.contains { $0.device == use.device } }
    let held = others.flatMap(\.uses).filter { $0.device == use.device }
    let demand = fact.spec.demand
    let asked: (milli: Int64, memory: Int64)
    switch demand.shape {
    case .whole:
      asked = (Int64(device.capacity), device.memory)
      must(device.kind == .gpu && !device.isPartitioned, .capacity, "a whole GPU")
      must(held.isEmpty, .isolation, "nobody on a whole GPU")
    case .fraction(let milli, let bytes):
      asked = (Int64(milli.value), bytes.value)
      must(device.kind == .gpu && !device.isPartitioned, .capacity, "a share of a GPU")
    case .slice(let key):
      asked = (Int64(device.capacity), device.memory)
      must(device.kind == .slice && device.slice == key, .capacity, "an instance of the form")
      must(held.isEmpty, .isolation, "nobody on the instance")
    case .cpuOnly:
      asked = (Int64(demand.cpu.value), 0)
      must(device.kind == .cpu, .capacity, "a part of a CPU set")
    }
    must(
      Int64(use.milli.value) == asked.milli && use.memory.value == asked.memory, .capacity,
      "as much of a device as asked for")
    let milli = held.reduce(Int64(use.milli.value)) { $0 + Int64($1.milli.value) }
    must(milli <= Int64(device.capacity), .capacity, "a device gives \(milli)")
    let memory = held.reduce(use.memory.value) { $0 + $1.memory.value }
    must(memory <= device.memory, .capacity, "a device gives \(memory) bytes")
    let isApart = device.kind == .cpu && nodes[grant.node]?.report?.enforcement == .cgroup
    for other in others where !isApart {
      must(
        other.claim.tenant == fact.tenant || other.sharesWithAny && sharesWithAny, .isolation,
        "tenants that did not agree share device \(use.device.row)")
      if case .whole = other.claim.spec.demand.shape {
        must(false, .isolation, "a share of a GPU that another has whole")
      }
    }
  }
}
