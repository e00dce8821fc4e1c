import Foundation
import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// EASY backfill under load (SEMANTICS 4.4).
struct BackfillPropertyTests {
  /// Whole nodes of 8 GPUs in a stream of single ones at about 0.9 load: the workload of the
  /// reference simulation.
  private func gangs(seed: UInt64, seconds: Int64) -> Workload {
    var random = SeededGenerator(seed: seed)
    let end = Instant(ns: seconds * 1_000_000_000)
    var workload = Workload()
    workload.addStream(mean: .seconds(14), until: end, using: &random) { number, random in
      let runs = Span.seconds(random.within(20...180))
      return (SmallCluster.claim(number, tenant: 0, rank: 2, runtime: runs), runs)
    }
    workload.addStream(mean: .seconds(5_000), until: end, using: &random) { number, _ in
      let runs = Span.seconds(100)
      return (SmallCluster.claim(number, tenant: 0, rank: 2, gpus: 8, runtime: runs), runs)
    }
    workload.sort()
    return workload
  }

  @Test func gangsAreServedAmongSmallJobs() throws {
    let seconds = Int64(Scale.cases(release: 100_000, debug: 20_000))
    var worst = Span.zero
    var (busy, offered, all) = (Int128(0), Int128(0), Int128(0))
    var (kept, planned) = (0, 0)
    for seed in 0..<UInt64(Scale.cases(release: 6, debug: 2)) {
      let workload = gangs(seed: seed, seconds: seconds)
      var cluster = SmallCluster(weights: [1000])
      cluster.order = OrderRule()
      cluster.grace = Span(ns: 1)
      var simulation = Simulation(pool: cluster.pool(), workload: workload)
      var plans = Plans()
      simulation.run(until: Instant(ns: seconds * 1_000_000_000)) { pool, log in
        plans.note(pool, log)
      }
      for (job, outcome) in zip(workload.jobs, simulation.outcomes) {
        let until = outcome.ended ?? simulation.now
        if let started = outcome.started {
          busy += Int128(job.claim.demand.devices) * Int128((until - started).ns)
        }
        let left = max(.zero, simulation.now - job.arrives)
        offered += Int128(job.claim.demand.devices) * Int128(min(job.runs, left).ns)
        guard job.claim.demand.devices == 8, job.arrives < simulation.now else { continue }
        worst = max(worst, (outcome.started ?? simulation.now) - job.arrives)
      }
      all += 8 * Int128(simulation.now.ns)
      kept += plans.kept
      planned += plans.kept + plans.broken
    }
    print(
      "property: gangs: worst wait \(worst.ns / 1_000_000_000) s, busy \(busy * 1000 / all) of "
        + "\(offered * 1000 / all) thousandths offered, \(kept) of \(planned) plans kept")
    #expect(worst <= .seconds(700))
    // Nearly all the work that arrives is done: keeping devices costs next to nothing.
    #expect(busy * 1000 >= offered * 995)
    #expect(kept == planned && planned > 10)
  }

  /// The file that `scripts/gang-workload.py` printed; `make test` names it.
  private static let reference = ProcessInfo.processInfo.environment["GANG_WORKLOAD"]

  /// The very jobs of the reference simulation (worst wait 677 s at 0.919 busy): whole nodes, and
  /// gangs of 8 members over 4 nodes of 2 GPUs.
  @Test(.enabled(if: reference != nil), arguments: [1, 4])
  func gangsOfTheReferenceAreServed(nodes: Int) throws {
    let text = try String(contentsOfFile: try #require(Self.reference), encoding: .utf8)
    let end = Instant(ns: 100_000_000_000_000)
    var worst = Span.zero
    var (busy, all) = (Int128(0), Int128(0))
    for seed in 0..<4 {
      var workload = Workload()
      for line in text.split(separator: "\n") {
        let field = line.split(separator: " ").compactMap { Int64($0) }
        try #require(field.count == 4)
        guard field[0] == seed else { continue }
        let runs = Span.seconds(field[3])
        let claim = SmallCluster.claim(
          workload.jobs.count, tenant: 0, rank: 2, gpus: Int(field[2]), runtime: runs)
        workload.add(Job(arrives: Instant(ns: field[1]), claim: claim, runs: runs))
        guard nodes > 1, field[2] > 1 else { continue }
        workload.change(workload.jobs.count - 1) { job in
          job.claim.demand.devices = 1
          job.claim.demand.members = UInt16(field[2])
        }
      }
      var cluster = SmallCluster(weights: [1000])
      (cluster.nodes, cluster.gpus) = (nodes, 8 / nodes)
      cluster.order = OrderRule()
      cluster.grace = Span(ns: 1)
      var simulation = Simulation(pool: cluster.pool(), workload: workload)
      simulation.run(until: end)
      for (job, outcome) in zip(workload.jobs, simulation.outcomes) where job.arrives < end {
        if let started = outcome.started {
          busy += Int128(job.gpus) * Int128(((outcome.ended ?? end) - started).ns)
        }
        guard job.gpus == 8 else { continue }
        worst = max(worst, (outcome.started ?? end) - job.arrives)
      }
      all += 8 * Int128(end.ns)
    }
    let thousandths = busy * 1000 / all
    print(
      "property: gangs of the reference over \(nodes) nodes: worst wait "
        + "\(worst.ns / 1_000_000_000) s, busy \(thousandths) thousandths")
    #expect(worst <= .seconds(700) && thousandths >= 915)
  }

  /// Claims of three tenants and all classes for GPUs with much of the host beside them, and for
  /// processor time that nothing divides.
  private func hungry(seed: UInt64, seconds: Int64) -> Workload {
    var random = SeededGenerator(seed: seed)
    var workload = Workload()
    let end = Instant(ns: seconds * 1_000_000_000)
    workload.addStream(mean: .seconds(9), until: end, using: &random) { number, random in
      let most = Span.seconds(random.within(20...180))
      var claim = SmallCluster.claim(
        number, tenant: Int(random.below(3)), rank: Int(random.below(4)),
        gpus: [1, 1, 1, 2, 4][Int(random.below(5))], runtime: most)
      if random.below(3) == 0 {
        claim.lanes = .none
        claim.lanes.insert(row: 1)
        claim.demand = Demand(shape: .cpuOnly)
        claim.demand.cpu = MilliCPU(Int32(random.within(1...12)) * 1000)
      } else {
        claim.demand.cpu = MilliCPU(Int32(random.within(0...40)) * 1000)
        claim.demand.hostMemory = Bytes(random.within(0...400) << 30)
      }
      return (claim, Span(ns: random.within(1...most.ns)))
    }
    return workload
  }

  @Test func plansAreKeptWhereTheHostIsShort() {
    var (kept, broken, waited) = (0, 0, 0)
    for seed in 0..<UInt64(Scale.cases(release: 150, debug: 8)) {
      var cluster = SmallCluster(weights: [1000, 2000, 1000])
      cluster.grace = .seconds(5)
      cluster.cores = 32
      var simulation = Simulation(
        pool: cluster.pool(), workload: hungry(seed: 0x4057 + seed, seconds: 3_000))
      simulation.lingers = true
      var plans = Plans()
      var isShort = false
      simulation.run { pool, log in
        plans.note(pool, log)
        pool.checkInvariants()
        isShort = isShort || log.reasons.contains { $0.code == .hostShort }
      }
      #expect(simulation.outcomes.allSatisfy { $0.ended != nil }, "everything ends")
      kept += plans.kept
      broken += plans.broken
      if isShort { waited += 1 }
    }
    print("property: plans beside a short host: \(kept) kept, \(broken) broken")
    #expect(broken == 0 && kept > 100 && waited > 0)
  }

  /// What was promised to heads, and whether it was kept.
  private struct Plans {
    var kept = 0
    var broken = 0
    private var promised: [ClaimID: Instant] = [:]

    mutating func note(_ pool: Pool, _ log: EventLog) {
      for event in log.events {
        switch event {
        case .claimPinned(let id, let fact):
          let pin = log.pins[Int(fact)]
          if let before = promised[id], pin.starts > before { broken += 1 }
          promised[id] = pin.starts
        case .claimUnpinned(let id, let because):
          // Recorded reasons void a promise: of these, only a claim that comes before is possible.
          if because != .behindHead { broken += 1 }
          promised[id] = nil
        case .leaseGranted(let claim, _):
          guard let moment = promised.removeValue(forKey: claim) else { continue }
          if pool.now <= moment { kept += 1 } else { broken += 1 }
        default: break
        }
      }
    }
  }
}

extension Job {
  /// GPUs that it asks for, all members together.
  fileprivate var gpus: Int { Int(claim.demand.devices) * Int(claim.demand.members) }
}
