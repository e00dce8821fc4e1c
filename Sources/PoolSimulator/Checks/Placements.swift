import PoolAllocator

/// P1: what is granted satisfies every constraint of the claim, the lane and the devices, worked
/// out anew from the demand (SEMANTICS 1, 3, 5).
struct Placements {
  /// Looks at an event before it is folded.
  func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog, _ pool: borrowing Pool
  ) throws(Violation) {
    guard case .leaseGranted(let id, let run) = event else { return }
    guard let claim = facts.claims[id] else {
      throw Violation("P1", "a grant to claim \(id.name), which does not live")
    }
    let demand = claim.fact.spec.demand
    let first = log.grants[Int(run.first)]
    try must(
      Int(run.count) == Int(demand.members), "P1",
      "claim \(id.name) gets \(run.count) of \(demand.members) members")
    try checkLane(id, claim, first, facts)
    try checkPrice(id, claim, first, run.count, facts)
    for index in run.indices {
      let grant = log.grants[index]
      try must(
        grant.claim == id && grant.lane == first.lane && grant.rate == first.rate
          && grant.billedMilli == first.billedMilli, "P1",
        "members of claim \(id.name) are granted on different terms")
      try checkMember(grant, claim, facts, log, pool)
    }
    try checkNearness(id, demand, run, facts, log)
  }

  // MARK: the lane

  private func checkLane(
    _ id: ClaimID, _ claim: KnownClaim, _ grant: Grant, _ facts: borrowing Facts
  ) throws(Violation) {
    let spec = claim.fact.spec
    guard let lane = facts.lanes[grant.lane], !lane.isRetired else {
      throw Violation("P1", "claim \(id.name) is granted in lane \(grant.lane.name), which is gone")
    }
    let row = grant.lane.row
    try must(
      spec.lanes.contains(row: row)
        && (claim.state == .new || claim.waitsFor.contains(row: row)), "P1",
      "claim \(id.name) is granted in lane \(row), for which it does not wait")
    try must(
      lane.rule.admits.contains(claim.fact.serviceClass) && spec.runtimeMax <= lane.rule.leaseMax
        && (lane.pool.modelClass == nil || lane.pool.modelClass == spec.modelClass), "P1",
      "lane \(row) does not serve the class, the runtime or the model class of claim \(id.name)")
    let isForeign = facts.isForeign(lane, to: claim.fact.tenant)
    try must(
      grant.isLent == isForeign, "P1",
      "claim \(id.name) is \(isForeign ? "" : "not ")foreign to lane \(row)")
    guard isForeign else { return }
    try must(
      claim.preemptions < Limits.preemptionsPerClaim, "P1",
      "claim \(id.name) was preempted \(claim.preemptions) times and borrows")
    guard case .reclaimable(let within, _) = lane.rule.lending else { return }
    let takes = timeToReturn(claim, grant.terms)
    try must(
      takes <= within.ns, "P1",
      "claim \(id.name) is gone from lane \(row) in \(takes) ns at most, promised are "
        + "\(within.ns)")
  }

  /// Time from an owner's claim until a borrower is gone at the latest: the order, its grace or its
  /// whole run, the kill.
  private func timeToReturn(_ claim: KnownClaim, _ terms: ClassRule) -> Int64 {
    let run = terms.startWithin.ns + claim.fact.spec.runtimeMax.ns
    let leaves = claim.fact.spec.interruption.map { min($0.grace.ns, run) } ?? run
    return Limits.orderDelay.ns + leaves + terms.killWithin.ns
  }

  // MARK: the price

  private func checkPrice(
    _ id: ClaimID, _ claim: KnownClaim, _ grant: Grant, _ members: UInt16,
    _ facts: borrowing Facts
  ) throws(Violation) {
    guard let lane = facts.lanes[grant.lane] else { return }
    let billed = billed(claim.fact.spec.demand, lane.profile, facts.policy.slices)
    let rate =
      Int128(billed) * Int128(lane.profile.weightMilli) * Int128(claim.fact.weightMilli)
    try must(
      grant.billedMilli == billed && Int128(grant.rate) == rate, "P1",
      "claim \(id.name) is billed \(grant.billedMilli) at \(grant.rate), not \(billed) at \(rate)")
    if let most = claim.fact.quoted?.rate {
      let all = rate * Int128(members)
      try must(
        all <= Int128(most), "P1", "claim \(id.name) costs \(all) and was quoted \(most)")
    }
    let terms = facts.policy.classes[Int(claim.fact.serviceClass.rank)]
    try must(
      grant.terms == terms && grant.startBy.ns == facts.now + terms.startWithin.ns, "P1",
      "claim \(id.name) is granted on other terms than its class has")
  }

  /// Thousandths of devices that a member is billed for.
  private func billed(
    _ demand: Demand, _ profile: ProfileRule, _ slices: [SliceRule]
  ) -> Int64 {
    let devices = Int64(demand.devices)
    switch demand.shape {
    case .whole: return 1000 * devices
    case .fraction(let milli, let bytes):
      let part = (Int128(bytes.value) * 1000 + Int128(profile.memory.value) - 1)
      return max(Int64(milli.value), Int64(part / Int128(profile.memory.value))) * devices
    case .slice(let key):
      return Int64(slices.first { $0.key == key }?.billedMilli ?? 0) * devices
    case .cpuOnly: return Int64(demand.cpu.value)
    }
  }

  // MARK: the devices

  private func checkMember(
    _ grant: Grant, _ claim: KnownClaim, _ facts: borrowing Facts, _ log: borrowing EventLog,
    _ pool: borrowing Pool
  ) throws(Violation) {
    let demand = claim.fact.spec.demand
    let enforcement = facts.nodes[grant.node]?.report?.enforcement ?? .none
    try must(
      enforcement >= demand.enforcement, "P1",
      "node \(grant.node.name) enforces \(enforcement), claim \(grant.claim.name) asks "
        + "\(demand.enforcement)")
    try must(
      Int(grant.uses.count) == Int(demand.devices), "P1",
      "lease \(grant.lease.name) has \(grant.uses.count) of \(demand.devices) devices")
    for index in grant.uses.indices {
      let use = log.uses[index]
      for other in grant.uses.indices where other < index {
        try must(
          log.uses[other].device != use.device, "P1",
          "lease \(grant.lease.name) has device \(use.device.name) twice")
      }
      guard let device = facts.devices[use.device], device.node == grant.node else {
        throw Violation("P1", "device \(use.device.name) is not on node \(grant.node.name)")
      }
      let now = pool.device(use.device)?.lane
      try must(
        device.lane == grant.lane.row || now == grant.lane.row, "P1",
        "device \(use.device.name) is not in lane \(grant.lane.row)")
      try checkForm(use, device, demand)
      try checkNeighbours(use, grant, claim, device, facts, log)
    }
  }

  private func checkForm(
    _ use: DeviceUse, _ device: KnownDevice, _ demand: Demand
  ) throws(Violation) {
    let isRight: Bool
    switch demand.shape {
    case .whole:
      isRight =
        device.report.kind == .gpu && !device.report.isPartitioned
        && use.milli == device.report.capacity && use.memory == device.report.memory
    case .fraction(let milli, let bytes):
      isRight =
        device.report.kind == .gpu && !device.report.isPartitioned && use.milli == milli
        && use.memory == bytes
    case .slice(let key):
      isRight =
        device.report.kind == .slice && device.report.slice == key
        && use.milli == device.report.capacity && use.memory == device.report.memory
    case .cpuOnly:
      isRight =
        device.report.kind == .cpu && use.milli.value == demand.cpu.value && use.memory == .zero
    }
    try must(
      isRight, "P1",
      "device \(use.device.name), a \(device.report.kind), gives \(use.milli.value) thousandths "
        + "and \(use.memory.value) bytes for \(demand.shape)")
  }

  /// Claims of different tenants share a device only where lane and claims agree to it, or where
  /// the kernel keeps them apart on processors.
  private func checkNeighbours(
    _ use: DeviceUse, _ grant: Grant, _ claim: KnownClaim, _ device: KnownDevice,
    _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    let node = facts.nodes[grant.node]
    if device.report.kind == .cpu, node?.report?.enforcement == .cgroup { return }
    let agrees = sharesWithAny(claim.fact.spec.demand, grant.lane, facts)
    for id in node?.leases ?? [] {
      guard let lease = facts.leases[id], lease.uses.contains(where: { $0.device == use.device })
      else { continue }
      let isAgreed = agrees && sharesWithAny(lease.demand, lease.grant.lane, facts)
      try must(
        lease.tenant == claim.fact.tenant || isAgreed, "P1",
        "leases \(id.name) and \(grant.lease.name) of two tenants share device "
          + "\(use.device.name)")
    }
  }

  private func sharesWithAny(
    _ demand: Demand, _ lane: LaneID, _ facts: borrowing Facts
  ) -> Bool {
    demand.sharing == .anyTenant && facts.lanes[lane]?.rule.sharesAcrossTenants ?? false
  }

  // MARK: gangs

  /// All devices of all members are as near as the claim requires.
  private func checkNearness(
    _ id: ClaimID, _ demand: Demand, _ run: Span32, _ facts: borrowing Facts,
    _ log: borrowing EventLog
  ) throws(Violation) {
    guard demand.together != .anywhere else { return }
    let first = log.grants[Int(run.first)]
    let rack = facts.nodes[first.node]?.enrolment.rack
    let lead = log.uses[Int(first.uses.first)].device
    let anchor = facts.devices[lead]?.report
    for index in run.indices {
      let grant = log.grants[index]
      var isNear = grant.node == first.node
      if demand.together == .rack {
        isNear = isNear || rack != nil && facts.nodes[grant.node]?.enrolment.rack == rack
      }
      for use in grant.uses.indices where demand.together > .node {
        let device = log.uses[use].device
        let report = facts.devices[device]?.report
        let isOfIsland = report?.island == anchor?.island
        let isOfNUMA = report?.numa != nil && report?.numa == anchor?.numa
        isNear =
          isNear && (device == lead || (demand.together == .island ? isOfIsland : isOfNUMA))
      }
      try must(
        isNear, "P1", "members of claim \(id.name) are not together in one \(demand.together)")
    }
  }
}
