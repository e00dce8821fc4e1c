import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// A bound is exceeded only where a void was recorded, whatever fails (INVARIANTS F1, decision
/// 0019).
struct BoundFaultTests {
  /// Uneven nodes, a lane that all share and one that tenant 0 owns and may lend, claims that ask
  /// for processor time too, wait for one lane or both, run dry, start late and stay too long.
  private func strain(_ seed: UInt64) -> (SmallCluster, Workload) {
    var random = SeededGenerator(seed: seed)
    var cluster = SmallCluster(tenantsFrom: &random)
    cluster.nodes = 3
    cluster.gpus = Int(random.within(3...8))
    cluster.falling = Int(random.within(0...2))
    cluster.hostCores = [16, 128][Int(random.below(2))]
    cluster.hurry(using: &random)
    if random.below(2) == 0 {
      cluster.reserved = random.within(1...4)
      if random.below(2) == 0 {
        cluster.lending = .reclaimable(within: .seconds(random.within(20...120)), atMost: 8_000)
      }
    }
    if random.below(3) == 0 {
      cluster.budget = (Credits(random.within(100...400) * 1_000_000), Credits(1_000_000))
    }
    var workload = Workload()
    let mostFaults = random.below(2) == 0 ? UInt64(20) : 1_000_000
    for tenant in cluster.weights.indices {
      let rank = Int(random.below(4))
      let isWide = random.below(2) == 0
      let mean = Span.seconds(
        random.below(2) == 0 ? random.within(3...15) : random.within(60...300))
      let end = Instant(ns: 3_000_000_000_000)
      let first = workload.jobs.count
      workload.addStream(mean: mean, until: end, using: &random) { number, random in
        let most = Span.seconds(isWide ? 60 : random.within(1...60))
        let gpus = Int(random.within((isWide ? Int64(cluster.gpus) : 1)...Int64(cluster.gpus)))
        var claim = SmallCluster.claim(
          number, tenant: tenant, rank: random.below(8) == 0 ? Int(random.below(4)) : rank,
          gpus: gpus, runtime: most)
        if cluster.reserved > 0, random.below(3) == 0 {
          claim.lanes.insert(row: 1)
          if random.below(2) == 0 { claim.lanes = LaneSet(bits: 2) }
        }
        if random.below(3) == 0 { claim.demand.cpu = MilliCPU(Int32(random.within(1...8)) * 1000) }
        if case .reclaimable = cluster.lending {
          claim.interruption = Interruption(
            grace: .seconds(random.within(1...30)), checkpointEvery: .seconds(10))
        }
        return (claim, random.below(2) == 0 ? most : Span(ns: random.within(1...most.ns)))
      }
      for number in first..<workload.jobs.count where random.below(mostFaults) == 0 {
        workload.change(number) { job in
          if random.below(2) == 0 { job.failedStarts = Int(random.within(1...3)) }
          if random.below(2) == 0 { job.overstays = .seconds(random.within(0...300)) }
        }
      }
    }
    workload.sort()
    return (cluster, workload)
  }

  /// Has something fail, or come back.
  private func disturb(
    _ simulation: inout Simulation, _ cluster: inout SmallCluster, _ generation: inout UInt32,
    _ random: inout SeededGenerator
  ) {
    let number = Int(random.below(3))
    guard let node = simulation.pool.node(named: SmallCluster.key(7, number)) else { return }
    switch random.below(10) {
    case 0: simulation.apply(.cordon(node))
    case 1: simulation.apply(.drain(node, deadline: simulation.pool.now + .seconds(30)))
    case 2:
      generation += 1
      if random.below(2) == 0 { cluster.leaseMax = .seconds(random.within(60...90)) }
      simulation.apply(.activate(PolicyGeneration(generation), cluster.policy))
    case 3: simulation.apply(.silence(node))
    case 4: report(node, number, broken: Int(random.below(4)), &simulation, cluster, &generation)
    case 5, 6: report(node, number, broken: nil, &simulation, cluster, &generation)
    default: simulation.apply(.uncordon(node))
    }
  }

  private func report(
    _ node: NodeID, _ number: Int, broken: Int?, _ simulation: inout Simulation,
    _ cluster: SmallCluster, _ generation: inout UInt32
  ) {
    generation += 1
    var living: [Fencing] = []
    simulation.pool.forEachLease { _, lease in
      if lease.node == node { living.append(lease.fencing) }
    }
    let account = cluster.advertisement(
      of: number, sequence: UInt64(generation), broken: broken, living: living)
    simulation.apply(.advertise(node, account))
  }

  @Test func aVoidIsRecordedWhereABoundIsExceeded() {
    var total = Bounds()
    for seed in 0..<UInt64(Scale.cases(release: 600, debug: 16)) {
      var (cluster, workload) = strain(0xFA17 + seed)
      var random = SeededGenerator(seed: seed)
      let mean = Int64(random.below(2) == 0 ? 400 : 4_000)
      var simulation = Simulation(pool: cluster.pool(), workload: workload)
      simulation.lingers = seed % 2 == 0
      var bounds = Bounds()
      var generation: UInt32 = 1
      var now = Instant.origin
      while now < Instant(ns: 6_000_000_000_000) {
        now = now + Span.seconds(random.within(1...mean))
        simulation.run(until: now) { pool, log in bounds.note(pool, log) }
        disturb(&simulation, &cluster, &generation, &random)
        bounds.note(simulation.pool, simulation.log)
      }
      bounds.close(simulation.pool)
      if let first = bounds.broken.first { Issue.record("seed \(seed): \(first)") }
      total += bounds
    }
    print("property: with failures: \(total)")
    #expect(total.kept > 1_000 && total.voided > 0 && total.overdue > 0)
  }
}
