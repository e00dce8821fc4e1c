import Testing

@testable import PoolAllocator

/// `bestPlacement` through the index against a scan of everything, on random small pools.
struct PlacementOracleTests {
  private struct Scene {
    var rig = PoolRig()
    var random: SplitMix64
    var nodes: [NodeID] = []
    var layouts: [[DeviceReport]] = []
    var claims = 0
    let policies: [CompiledPolicy]
    private var sharing: [LeaseID: Sharing] = [:]

    init(_ pools: [PoolRig], seed: UInt64) {
      random = SplitMix64(seed: seed)
      policies = pools.map { $0.pool.policy }
      rig = random.pick(pools)
      for number in 0..<(1 + random.below(8)) {
        let rack = number % 4 == 3 ? nil : number % 2
        guard let node = rig.enrol(number, gpus: 5, sets: 2, rack: rack) else { continue }
        nodes.append(node)
        layouts.append(devices(number))
        report(number)
      }
      fill()
      disturb()
      fill()
    }

    mutating func devices(_ node: Int) -> [DeviceReport] {
      var reports: [DeviceReport] = []
      for number in 0..<random.below(5) {
        if random.chance(25) {
          let slots = random.pick([[4, 4], [4, 2, 2], [2, 2, 2, 2], [2, 4], [2]])
          reports += SmallNode.partitioned(node, number, slots: slots)
        } else {
          let memory = random.pick([Int64(80 << 30), 40 << 30])
          reports.append(SmallNode.gpu(node, number, memory: memory))
          reports[reports.count - 1].island = UInt8(number / 2)
          reports[reports.count - 1].numa = number == 3 ? nil : UInt16(number % 2)
        }
      }
      for number in 0..<random.below(3) {
        reports.append(
          SmallNode.cpu(node, 500 + number, milli: random.pick([900, 4_000, 16_000, 64_000])))
      }
      return reports
    }

    mutating func report(_ number: Int) {
      var living: [Fencing] = []
      rig.pool.forEachLease { _, lease in
        if lease.node == nodes[number] { living.append(lease.fencing) }
      }
      rig.report(
        nodes[number], cpu: random.pick([0, 900, 4_000, 8_000, 30_000, 64_000]),
        host: random.pick([0, 1, 8, 20, 64, 300]) << 30,
        enforcement: random.pick([.none, .environment, .cgroup]), living: living,
        devices: layouts[number])
    }

    mutating func demand() -> Demand {
      let shape: Demand.Shape =
        switch random.below(8) {
        case 0, 1: .whole
        case 2: .slice(random.chance(50) ? Name.half : Name.quarter)
        case 3: .cpuOnly
        default:
          .fraction(
            MilliGPU(Int32(random.pick([0, 1, 63, 64, 100, 250, 500, 700, 1_000]))),
            Bytes(random.pick([1, 10 << 30, 30 << 30, 40 << 30, 80 << 30])))
        }
      let cores = random.pick([0, 0, 1, 500, 1_000, 1_500, 4_000, 9_000, 20_000])
      var demand = Demand(
        shape: shape, devices: random.chance(70) ? 1 : UInt8(1 + random.below(4)),
        cpu: MilliCPU(Int32(cores)),
        hostMemory: Bytes(random.pick([0, 0, 0, 1, 2, 5, 8, 100]) << 30),
        enforcement: random.pick([.none, .none, .environment, .cgroup]),
        sharing: random.chance(50) ? .anyTenant : .ownTenant)
      if shape == .cpuOnly {
        demand.devices = 1
        demand.cpu = MilliCPU(Int32(max(1, cores)))
      }
      return demand
    }

    /// Claims come, run and go.
    mutating func fill() {
      for _ in 0..<random.below(14) {
        claims += 1
        let demand = demand()
        let lanes = demand.shape == .cpuOnly ? [2, 3] : [0, 1]
        let spec = rig.claim(
          claims, tenant: random.below(3), demand: demand, lanes: lanes, runtime: .seconds(60))
        let decision = rig.apply(.submit(spec))
        if let lease = decision.lease {
          sharing[lease] = demand.sharing
          end(lease)
        }
      }
    }

    mutating func end(_ id: LeaseID) {
      guard let lease = rig.pool.lease(id), random.chance(35) else { return }
      rig.apply(.release(id, lease.fencing, .completed))
      if random.chance(70) { rig.apply(.confirmEmpty(id, lease.fencing)) }
    }

    /// Nodes are cordoned, silent, reported with other devices.
    mutating func disturb() {
      for (number, node) in nodes.enumerated() {
        switch random.below(10) {
        case 0: rig.apply(.cordon(node))
        case 1: rig.apply(.silence(node))
        case 2 where !layouts[number].isEmpty:
          let index = random.below(layouts[number].count)
          layouts[number][index].condition = random.chance(50) ? .failed : .dirty
          report(number)
        case 3: report(number)
        case 4 where !layouts[number].isEmpty:
          drop(random.below(layouts[number].count), from: number)
          report(number)
        case 5: addOne(to: number)
        case 6:
          let generation = PolicyGeneration(rig.pool.generation.value + 1)
          rig.apply(.activate(generation, random.pick(policies)))
        default: break
        }
      }
    }

    /// A GPU or CPU set goes. Instances stay until two faults are mended, see
    /// `siblingsMoveWhenAnInstanceGoes` and `aBoardThatGoesTakesItsOwnShareAlone`.
    mutating func drop(_ index: Int, from node: Int) {
      let gone = layouts[node][index]
      if gone.parent == nil, !gone.isPartitioned { layouts[node].remove(at: index) }
    }

    mutating func addOne(to node: Int) {
      layouts[node].append(SmallNode.gpu(node, 40))
      report(node)
    }

    /// Tenants meet on a GPU only where each of them accepted it.
    func checkNeighbours() throws {
      var tenants: [DeviceID: Set<TenantID>] = [:]
      var strict: Set<DeviceID> = []
      rig.pool.forEachLease { id, lease in
        for use in rig.pool.uses(of: lease) {
          tenants[use.device, default: []].insert(lease.tenant)
          // A lease that a tick granted is not in the list: it counts as one that accepts all.
          if let asked = sharing[id], asked > .anyTenant { strict.insert(use.device) }
        }
      }
      for (id, held) in tenants where held.count > 1 {
        guard rig.pool.device(id)?.report.kind == .gpu else { continue }
        try must(!strict.contains(id), "two tenants on \(id), one of whom wanted none beside it")
      }
    }

    mutating func wish() -> (Wish, lane: UInt32)? {
      let demand = demand()
      let lane = (demand.shape == .cpuOnly ? 2 : 0) + random.below(2)
      guard let tenant = rig.pool.tenant(named: Name.tenant(random.below(3))),
        let row = rig.pool.lane(named: Name.lane(lane))?.row
      else { return nil }
      var slice: UInt16?
      if case .slice(let key) = demand.shape { slice = key == Name.half ? 0 : 1 }
      return (Wish(demand: demand, tenant: tenant.row, slice: slice), row)
    }
  }

  /// Empty pools under each policy, to start from.
  private func policies() -> [PoolRig] {
    [false, true].flatMap { shares in
      [(Int64(2_000), Int64(5_000)), (4_000, 1_000)].map { gpus, cores in
        var policy = SmallPolicy.bare(
          tenants: 3, reserved: gpus, reservedCPU: cores, sharesAcross: shares)
        for tenant in 0..<3 {
          SmallPolicy.add(.tenant, under: nil, tenant: tenant, cap: 1 << 50, to: &policy)
        }
        var rig = PoolRig()
        rig.begin(policy)
        return rig
      }
    }
  }

  private func choice(_ placement: Placement?) -> ScanPlacement.Choice? {
    placement.map { found in
      ScanPlacement.Choice(
        node: found.node, devices: (0..<found.count).map { found.devices[$0] })
    }
  }

  /// Whether a gang finds room is what a count of members, part by part and node by node, says; and
  /// what it finds is disjoint, fits, and is as near as it must be.
  @Test func gangsAgreeWithACountProperty() throws {
    let start = ContinuousClock.now
    let pools = Scale.cases(release: 50_000, debug: 100)
    let policies = policies()
    var (wishes, found, empty) = (0, 0, 0)
    for seed in 0..<pools {
      var scene = Scene(policies, seed: 0x6A46 + UInt64(seed))
      var fresh = scene.rig.pool
      if seed % 20 == 0 { fresh.reindex() }
      for _ in 0..<8 {
        guard let (asked, lane) = scene.wish() else { continue }
        var wish = asked
        wish.demand.members = UInt16(1 + scene.random.below(4))
        if scene.random.chance(60) {
          wish.demand.together = scene.random.pick(Proximity.allCases)
        }
        wish.demand.prefer = scene.random.pick(Proximity.allCases)
        guard !wish.demand.isSimple else { continue }
        wishes += 1
        let scan = ScanPlacement(scene.rig.pool)
        let opening = scene.rig.pool.room(for: wish, lane: lane)
        let most = scan.mostMembers(wish, lane: lane, scene.rig.pool)
        try must(
          (opening != nil) == (most >= wish.members),
          "seed \(seed): room \(opening != nil), \(most) members for \(wish.demand)")
        if let opening {
          found += 1
          let members = [opening.placement] + opening.others
          try must(members.count == wish.members, "seed \(seed): every member has a place")
          var pool = scene.rig.pool
          try must(take(members, wish, lane, &pool), "seed \(seed): \(wish.demand) \(members)")
          if seed % 20 == 0 {
            let remade = fresh.room(for: wish, lane: lane).map { [$0.placement] + $0.others } ?? []
            try must(
              remade.map { choice($0) } == members.map { choice($0) },
              "seed \(seed): a choice is made of the tables alone")
          }
        } else {
          empty += 1
        }
      }
    }
    #expect(found > wishes / 20 && empty > wishes / 10, "both answers: \(found), \(empty)")
    Scale.report("gangs against a count, wishes", wishes, since: start)
  }

  /// Whether members fit one after the other, each on what those before it left, and are near.
  private func take(
    _ members: [Placement], _ wish: Wish, _ lane: UInt32, _ pool: inout Pool
  ) -> Bool {
    let all = members.flatMap { member in (0..<member.count).map { member.devices[$0] } }
    for left in all {
      for right in all where !pool.isTogether(left, right, wish.demand.together) { return false }
    }
    for member in members {
      guard pool.fitsNode(wish, member.node) else { return false }
      for index in 0..<member.count {
        let row = member.devices[index]
        guard pool.devices[row: row].node.row == member.node, pool.fitsDevice(wish, row, lane)
        else { return false }
        let used = pool.use(of: row, by: wish.demand)
        pool.devices[row: row].used = MilliGPU(
          pool.devices[row: row].used.value + used.milli.value)
        pool.devices[row: row].memoryUsed = Bytes(
          pool.devices[row: row].memoryUsed.value + used.memory.value)
        pool.devices[row: row].shares += 1
        if pool.devices[row: row].report.kind == .gpu {
          pool.devices[row: row].mode = wish.demand.shape == .whole ? .whole : .fractions
        }
        pool.devices[row: row].tenant = wish.tenant
      }
      pool.nodes[row: member.node].take(wish.demand.cpu, wish.demand.hostMemory)
    }
    return true
  }

  @Test func indexAgreesWithAScanProperty() throws {
    let start = ContinuousClock.now
    let pools = Scale.cases(release: 100_000, debug: 300)
    let policies = policies()
    var (wishes, found, empty) = (0, 0, 0)
    for seed in 0..<pools {
      var scene = Scene(policies, seed: 0x9A4E + UInt64(seed))
      let scan = ScanPlacement(scene.rig.pool)
      try scene.checkNeighbours()
      var fresh: Pool?
      if seed % 20 == 0 {
        scene.rig.pool.checkInvariants()
        fresh = scene.rig.pool
        fresh?.reindex()
      }
      for _ in 0..<8 {
        guard let (wish, lane) = scene.wish() else { continue }
        wishes += 1
        let chosen = choice(scene.rig.pool.bestPlacement(of: wish, lane: lane))
        try must(
          (chosen != nil) == scan.isFeasible(wish, lane: lane),
          "seed \(seed): \(chosen as Any) for \(wish.demand) in lane \(lane)")
        let best = scan.best(wish, lane: lane)
        try must(
          chosen == best,
          "seed \(seed): index \(chosen as Any), scan \(best as Any) for \(wish.demand)")
        if let fresh {
          let remade = choice(fresh.bestPlacement(of: wish, lane: lane))
          try must(chosen == remade, "seed \(seed): index \(chosen as Any), anew \(remade as Any)")
        }
        if chosen == nil { empty += 1 } else { found += 1 }
      }
    }
    #expect(found > wishes / 10 && empty > wishes / 10, "both answers: \(found), \(empty)")
    Scale.report("index against a scan, pools", pools, since: start)
    Scale.report("index against a scan, wishes", wishes, since: start)
  }
}

extension Pool {
  /// Whether two devices are as near as a demand requires.
  fileprivate func isTogether(_ left: UInt32, _ right: UInt32, _ level: Proximity) -> Bool {
    if left == right { return true }
    let (one, other) = (devices[row: left], devices[row: right])
    let racks = (nodes[one.node].enrolment.rack, nodes[other.node].enrolment.rack)
    switch level {
    case .anywhere: return true
    case .rack: return one.node == other.node || racks.0 != nil && racks.0 == racks.1
    case .node: return one.node == other.node
    case .numa:
      return one.node == other.node && one.report.numa != nil
        && one.report.numa == other.report.numa
    case .island: return one.node == other.node && one.report.island == other.report.island
    }
  }
}

extension ScanPlacement {
  /// Most members that are free now and as near as required.
  func mostMembers(_ wish: Wish, lane: UInt32, _ pool: Pool) -> Int {
    var bare = wish
    (bare.demand.members, bare.demand.together, bare.demand.prefer) = (1, .anywhere, .anywhere)
    var byPlace: [String: Int] = [:]
    for (node, members) in membersByNode(bare, lane: lane, parts: wish.demand.together) {
      let rack = pool.nodes[row: node].enrolment.rack
      let place =
        switch wish.demand.together {
        case .anywhere: "lane"
        case .rack: rack.map { "rack \($0)" } ?? "node \(node)"
        default: "node \(node)"
        }
      byPlace[place, default: 0] += members
    }
    return byPlace.values.max() ?? 0
  }
}
