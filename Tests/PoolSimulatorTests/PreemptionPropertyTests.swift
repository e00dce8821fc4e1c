import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// Classes preempt one another, and nobody goes round in circles (SEMANTICS 6, decision 0024).
struct PreemptionPropertyTests {
  /// A small cluster that is full of work of every class, some of which saves what it did.
  private func strain(_ seed: UInt64, faults: Bool) -> (SmallCluster, Workload) {
    var random = SeededGenerator(seed: seed)
    var cluster = SmallCluster(tenantsFrom: &random)
    cluster.nodes = Int(random.within(1...4))
    cluster.gpus = [1, 2, 4, 8][Int(random.below(4))]
    cluster.grace = .seconds(random.within(1...10))
    cluster.quantum = .seconds([20, 3_600][Int(random.below(2))])
    cluster.order = OrderRule(ageingStep: .seconds(random.within(20...600)))
    cluster.shield = .seconds(random.within(0...60))
    cluster.preemption = PreemptionRule(
      distance: UInt8(random.within(1...3)), burst: UInt32(random.within(1...10)),
      perHour: UInt32(random.within(0...600)))
    var workload = Workload()
    let end = Instant(ns: 2_000_000_000_000)
    for tenant in cluster.weights.indices {
      for rank in 0..<4 where random.below(3) > 0 {
        let mean = Span.seconds(random.within(rank < 2 ? 20...120 : 8...40))
        let first = workload.jobs.count
        workload.addStream(mean: mean, until: end, using: &random) { number, random in
          let runs = Span.seconds(random.within(rank < 2 ? 5...60 : 20...400))
          let gpus = Int(random.within(1...Int64(cluster.gpus)))
          var claim = SmallCluster.claim(
            number, tenant: tenant, rank: rank, gpus: random.below(3) == 0 ? gpus : 1,
            runtime: Span(ns: runs.ns + random.within(0...60) * 1_000_000_000))
          if random.below(4) == 0 {
            claim.demand.cpu = MilliCPU(Int32(random.within(1...64)) * 1000)
          }
          if random.below(3) > 0 {
            claim.interruption = Interruption(
              grace: .seconds(random.within(0...30)),
              checkpointEvery: .seconds(random.within(5...100)))
          }
          if random.below(10) == 0 { claim.deadline = Instant(ns: .max / 2) }
          if cluster.nodes > 1, random.below(4) == 0 {
            let most = cluster.nodes * cluster.gpus / Int(claim.demand.devices)
            claim.demand.members = UInt16(random.within(1...Int64(min(most, 6))))
          }
          return (claim, runs)
        }
        for number in first..<workload.jobs.count {
          let isSaving = random.below(2) == 0
          let isLate = random.below(10) == 0
          let fails = faults && random.below(40) == 0
          workload.change(number) { job in
            job.savesWork = isSaving
            if isLate { job.claim.deadline = job.arrives + Span(ns: 3 * job.runs.ns) }
            if fails { job.overstays = .seconds(60) }
          }
        }
      }
    }
    workload.sort()
    return (cluster, workload)
  }

  @Test func nobodyIsPreemptedAgainstTheRules() throws {
    var steps = 0
    var total: PreemptionWatch?
    for seed in 0..<UInt64(Scale.cases(release: 280, debug: 12)) {
      let (cluster, workload) = strain(0x9E0 + seed, faults: false)
      let rule = try #require(cluster.preemption)
      var simulation = Simulation(pool: cluster.pool(), workload: workload)
      simulation.lingers = seed % 2 == 0
      var watch = PreemptionWatch(rule, shield: cluster.shield)
      simulation.run { pool, log in watch.note(pool, log) }
      watch.close()
      if let first = watch.mistakes.first { Issue.record("seed \(seed): \(first)") }
      // Whoever stopped others started, unless it gave up waiting or its node failed.
      #expect(watch.withdrawn.keys.allSatisfy { $0 == "queueTimeExceeded" })
      #expect(simulation.outcomes.allSatisfy { $0.ended != nil }, "everything ends")
      steps += simulation.commands
      if total == nil { total = watch } else { total? += watch }
    }
    let sum = try #require(total)
    print("property: \(steps) commands: \(sum)")
    #expect(sum.preempted > 100 && sum.most == 2)
    #expect(sum.gangs.lost > 10 && sum.gangs.started > 10)
    #if !DEBUG
      #expect(steps >= 1_000_000)
    #endif
  }

  @Test func everyInvariantHoldsAfterEveryCommand() throws {
    var preempted = 0
    for seed in 0..<UInt64(Scale.cases(release: 40, debug: 2)) {
      let (cluster, workload) = strain(0xA11 + seed, faults: true)
      var simulation = Simulation(pool: cluster.pool(), workload: workload)
      simulation.lingers = true
      var random = SeededGenerator(seed: seed)
      var now = Instant.origin
      var watch = PreemptionWatch(try #require(cluster.preemption), shield: cluster.shield)
      while now < Instant(ns: 1_000_000_000_000) {
        now = now + Span.seconds(random.within(1...60))
        simulation.run(until: now) { pool, log in
          pool.checkInvariants()
          watch.note(pool, log)
        }
        // Somebody withdraws what it waits for.
        var waiting: [ClaimID] = []
        simulation.pool.forEachClaim { id, claim in if claim.isWaiting { waiting.append(id) } }
        guard !waiting.isEmpty, random.below(3) == 0 else { continue }
        simulation.apply(.cancel(waiting[Int(random.below(UInt64(waiting.count)))]))
        watch.note(simulation.pool, simulation.log)
      }
      if let first = watch.mistakes.first { Issue.record("seed \(seed): \(first)") }
      preempted += watch.preempted
    }
    #expect(preempted > 0)
  }

  /// On a cluster of leases of one GPU each that started one after another, a gang takes what is
  /// free and the newest, on whatever nodes: no other set loses as little.
  @Test func aGangTakesWhatLosesLeast() throws {
    var (gangs, nodes) = (0, 0)
    for seed in 0..<UInt64(Scale.cases(release: 400, debug: 20)) {
      var random = SeededGenerator(seed: 0x6A46 + seed)
      var cluster = SmallCluster(weights: [1000, 1000])
      cluster.nodes = Int(random.within(2...12))
      cluster.gpus = [1, 2, 4, 8][Int(random.below(4))]
      cluster.preemption = PreemptionRule(burst: 1_000, perHour: 0)
      let all = cluster.nodes * cluster.gpus
      let busy = max(1, all - Int(random.below(4)))
      var workload = Workload()
      for number in 0..<busy {
        var claim = SmallCluster.claim(number, tenant: 0, rank: 3, runtime: .seconds(20_000))
        claim.interruption = Interruption(grace: .seconds(5), checkpointEvery: .seconds(60))
        let at = Instant(ns: Int64(number) * 1_000_000_000)
        workload.add(Job(arrives: at, claim: claim, runs: .seconds(10_000)))
      }
      var urgent = SmallCluster.claim(busy, tenant: 1, rank: 0, runtime: .seconds(60))
      urgent.demand.members = UInt16(random.within(2...Int64(min(all, Limits.members))))
      let free = all - busy
      let need = Int(urgent.demand.members) - free
      workload.add(
        Job(arrives: Instant(ns: 1_000_000_000_000), claim: urgent, runs: .seconds(50)))
      var simulation = Simulation(pool: cluster.pool(), workload: workload)
      var stopped: Set<Int> = []
      var places: Set<UInt32> = []
      var runs: [LeaseID: (job: Key, node: UInt32)] = [:]
      simulation.run(until: Instant(ns: 1_001_000_000_000)) { pool, log in
        for event in log.events {
          switch event {
          case .leaseGranted(let id, let grants):
            guard let key = pool.claim(id)?.spec.key else { continue }
            for grant in log.grants[grants.indices] {
              runs[grant.lease] = (key, grant.node.row)
            }
          case .leaseStopping(let id, .preempted, _, _):
            guard let run = runs[id] else { continue }
            stopped.insert(Int(run.job.low) - 1)
            places.insert(run.node)
          default: break
          }
        }
      }
      #expect(stopped == Set((busy - max(0, need))..<busy), "seed \(seed)")
      if need > 0 { gangs += 1 }
      nodes += places.count
    }
    print("property: \(gangs) gangs take what loses least, on \(nodes) nodes")
    #expect(gangs > 10 && nodes > gangs)
  }

  /// 32 GPUs full of batch work that runs for hours and saves what it did every three minutes;
  /// every half an hour somebody needs 4 to 12 GPUs for five minutes.
  private func mixed(seed: UInt64, isOn: Bool) -> (SmallCluster, Workload) {
    var random = SeededGenerator(seed: seed)
    var cluster = SmallCluster(weights: [1000, 1000, 1000])
    cluster.nodes = 4
    cluster.grace = .seconds(20)
    cluster.order = OrderRule(ageingStep: .seconds(3_600))
    cluster.shield = .seconds(120)
    if isOn { cluster.preemption = PreemptionRule(burst: 32, perHour: 64) }
    var workload = Workload()
    let end = Instant(ns: 86_400_000_000_000)
    for tenant in 1...2 {
      workload.addStream(mean: .seconds(900), until: end, using: &random) { number, random in
        let runs = Span.seconds(random.within(3_600...14_400))
        var claim = SmallCluster.claim(
          number, tenant: tenant, rank: tenant + 1, gpus: [1, 1, 2, 4][Int(random.below(4))],
          runtime: Span(ns: runs.ns * 2))
        claim.interruption = Interruption(grace: .seconds(30), checkpointEvery: .seconds(180))
        return (claim, runs)
      }
    }
    for number in workload.jobs.indices { workload.change(number) { $0.savesWork = true } }
    for burst in 1...Int64(47) {
      for _ in 0..<random.within(4...12) {
        let claim = SmallCluster.claim(
          workload.jobs.count, tenant: 0, rank: 0, runtime: .seconds(300))
        let at = Instant(ns: (burst * 1_800 + random.within(0...30)) * 1_000_000_000)
        workload.add(Job(arrives: at, claim: claim, runs: .seconds(300)))
      }
    }
    workload.sort()
    return (cluster, workload)
  }

  @Test func littleIsLostToBursts() throws {
    var total: PreemptionWatch?
    var waits: [[Int64]] = [[], []]
    for seed in 0..<UInt64(Scale.cases(release: 40, debug: 1)) {
      for isOn in [false, true] {
        let (cluster, workload) = mixed(seed: seed, isOn: isOn)
        var simulation = Simulation(pool: cluster.pool(), workload: workload)
        simulation.lingers = true
        let rule = PreemptionRule(burst: 32, perHour: 64)
        var watch = PreemptionWatch(rule, shield: cluster.shield)
        simulation.run { pool, log in watch.note(pool, log) }
        watch.close()
        if let first = watch.mistakes.first { Issue.record("seed \(seed): \(first)") }
        for (number, job) in simulation.jobs.enumerated()
        where job.claim.tenant == SmallCluster.key(5, 0) {
          let started = try #require(simulation.outcomes[number].started)
          waits[isOn ? 1 : 0].append((started - job.arrives).ns / 1_000_000)
        }
        #expect(isOn || watch.preempted == 0)
        guard isOn else { continue }
        if total == nil { total = watch } else { total? += watch }
      }
    }
    let sum = try #require(total)
    let p99 = waits.map { $0.sorted()[$0.count * 99 / 100] }
    let perTenThousand = sum.lost * 10_000 / sum.held
    print(
      "property: bursts over batch work: \(sum); lost \(perTenThousand) of 10,000; P0 waits p99 "
        + "\(p99[1]) ms, without preemption \(p99[0]) ms")
    #expect(sum.preempted > 100)
    #expect(perTenThousand <= 200)
    #expect(p99[1] < p99[0])
  }
}
