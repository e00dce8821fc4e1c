import PoolAllocator
import PoolLoop

/// Claims of every kind that callers ask for.
extension World {
  mutating func anyClaim() -> ClaimSpec {
    clients.claims += 1
    let isTwin = random.chance(2)
    var spec = ClaimSpec(
      key: Names.claim(isTwin ? max(0, clients.claims - 1) : clients.claims),
      tenant: Names.tenant(random.number(plan.tenants)),
      service: Names.service(random.number(WorldPolicy.services)),
      action: Names.action(random.number(2)), modelClass: Names.modelClass(0),
      demand: anyDemand(), lanes: anyLanes(),
      runtimeMax: random.seconds(2...(random.chance(95) ? plan.life.runtime : 900)))
    spec.workflow = Names.workflow(random.number(6))
    spec.principal = Names.principal(random.number(3))
    spec.application = Names.application(random.number(3))
    if random.chance(90) { spec.plan = Names.plan(random.number(2)) }
    if random.chance(20) { spec.onBehalfOf = Names.principal(4 * random.number(2)) }
    if random.chance(20) { spec.maxWait = random.seconds(0...300) }
    if random.chance(70) {
      spec.interruption = Interruption(
        grace: random.seconds(0...30), checkpointEvery: .seconds(20))
    }
    if random.chance(15) {
      let spare = random.seconds(random.chance(50) ? 1...40 : 0...600)
      spec.deadline =
        poolTime + Span(ns: random.chance(50) ? spec.runtimeMax.ns + spare.ns : spare.ns)
    }
    if random.chance(20) {
      spec.estimate = .work(promptTokens: 2_000, outputTokens: 500, toolCalls: 3, depth: 1)
    }
    if plan.life.isPressing { press(&spec) }
    addBudget(to: &spec)
    acceptRungs(of: &spec)
    if plan.life.isOdd, random.chance(5) { unsettle(&spec) }
    return spec
  }

  /// Makes a claim short and urgent, or long and one that may be interrupted; some of these are
  /// too late once they were.
  private mutating func press(_ spec: inout ClaimSpec) {
    if random.chance(40) {
      spec.service = Names.service(0)
      return spec.runtimeMax = random.seconds(2...12)
    }
    spec.service = Names.service(3)
    spec.runtimeMax = random.seconds(60...400)
    spec.interruption = Interruption(grace: random.seconds(0...5), checkpointEvery: .seconds(20))
    if random.chance(25) {
      (spec.demand.members, spec.demand.devices) = (UInt16(random.within(2...3)), 1)
    }
    spec.deadline = nil
    if random.chance(60) {
      spec.deadline = poolTime + Span(ns: spec.runtimeMax.ns + random.seconds(1...15).ns)
    }
  }

  private mutating func anyDemand() -> Demand {
    let demands: [Demand] = [
      Demand(
        shape: .whole, devices: UInt8(random.chance(50) ? 1 : random.within(1...4)),
        cpu: MilliCPU(random.chance(50) ? 1_000 : 0)),
      Demand(
        shape: .fraction(
          MilliGPU(Int32(100 * random.within(1...9))),
          Bytes(Int64(random.chance(80) ? 8 : 45) << 30)),
        cpu: MilliCPU(500), sharing: random.chance(50) ? .anyTenant : .ownTenant),
      Demand(shape: .slice(Names.slice(random.number(2))), devices: UInt8(random.within(1...2))),
      Demand(
        shape: .cpuOnly, cpu: MilliCPU(Int32(250 * random.within(1...12))),
        hostMemory: Bytes(Int64(random.below(8)) << 30), sharing: .anyTenant),
      Demand(
        shape: .fraction(MilliGPU(300), Bytes(Int64(random.chance(50) ? 50 : 15) << 30)),
        devices: 2),
    ]
    let favoured = random.chance(70) ? plan.life.favours : nil
    var demand = demands[favoured ?? random.number(demands.count)]
    if random.chance(20) {
      demand.members = UInt16(random.within(2...5))
      demand.devices = min(demand.devices, 2)
    }
    if random.chance(15) { demand.together = Proximity.allCases[random.number(5)] }
    if random.chance(15) { demand.prefer = Proximity.allCases[random.number(5)] }
    if random.chance(20) { demand.hostMemory = Bytes(Int64(random.below(60)) << 30) }
    if random.chance(20) { demand.enforcement = random.chance(50) ? .cgroup : .environment }
    if random.chance(5) { demand.sharing = .wholeDevice }
    if random.chance(10) { demand.cpu = MilliCPU(Int32(random.within(4...15)) * 1_000) }
    return demand
  }

  private mutating func anyLanes() -> LaneSet {
    guard server.isUp else { return LaneSet(bits: 7) }
    if random.chance(50) { return server.loop.pool.laneSet(named: WorldPolicy.lanes) }
    // An owner's lane alone promises most.
    if random.chance(20) { return server.loop.pool.laneSet(named: [Names.lane(10)]) }
    let isReserved = random.chance(30)
    let names = WorldPolicy.lanes.enumerated().filter { place, _ in
      isReserved ? place > 2 : random.chance(60)
    }
    return server.loop.pool.laneSet(named: names.map(\.element))
  }

  /// Some claims are made under a delegation, mostly an open one of their own tenant.
  private mutating func addBudget(to spec: inout ClaimSpec) {
    guard server.isUp, random.chance(25) else { return }
    if random.chance(6) { return spec.budget = Names.budget(random.number(12)) }
    guard let open = random.pick(server.loop.pool.openBudgets()) else { return }
    spec.budget = open.budget
    spec.tenant = open.tenant
  }

  /// Most claims accept some rungs; some those of a ladder that is no longer there.
  private mutating func acceptRungs(of spec: inout ClaimSpec) {
    guard server.isUp, random.chance(70) else { return }
    let names = WorldPolicy.rungs.filter { _ in random.chance(70) }
    let (service, tenant) = (spec.service, spec.tenant)
    var known: [Key] = []
    for name in names {
      if server.loop.pool.rungs(of: service, for: tenant, named: [name]) != nil {
        known.append(name)
      }
    }
    spec.accepts = server.loop.pool.rungs(of: service, for: tenant, named: known) ?? .none
  }

  /// Has a claim ask for what it will not get.
  private mutating func unsettle(_ spec: inout ClaimSpec) {
    switch random.number(9) {
    case 0: spec.tenant = Names.tenant(8)
    case 1: spec.service = Names.service(8)
    case 2: spec.modelClass = Names.modelClass(1)
    case 3: spec.runtimeMax = .seconds(100_000)
    case 4: spec.demand.shape = .slice(Names.slice(7))
    case 5: spec.demand.members = 40
    case 6: spec.demand.devices = 16
    case 7: spec.budget = Names.budget(11)
    default: spec.demand.sharing = .mig
    }
  }
}
