import PoolAllocator
import PoolSimulator
import Testing

/// Virtual time goes where the pool's clock can follow, and ends.
struct SimulationTests {
  @Test func itGoesOnAfterHoursInWhichNothingHappens() {
    var workload = Workload()
    for hour in [0, 10, 100] as [Int64] {
      let claim = SmallCluster.claim(
        workload.jobs.count, tenant: 0, rank: 0, runtime: .seconds(60))
      workload.add(
        Job(arrives: Instant(ns: hour * 3_600_000_000_000), claim: claim, runs: .seconds(30)))
    }
    var simulation = Simulation(pool: SmallCluster(weights: [1000]).pool(), workload: workload)
    simulation.run()
    for (number, job) in workload.jobs.enumerated() {
      #expect(simulation.outcomes[number].started == job.arrives)
      #expect(simulation.outcomes[number].ended == job.arrives + .seconds(30))
    }
    #expect(simulation.pool.skipped == .zero)
  }

  /// Its lease ends with what was paid for, and it is killed there.
  @Test func itEndsJobsThatOutlastTheirLease() {
    var workload = Workload()
    let claim = SmallCluster.claim(0, tenant: 0, rank: 0, runtime: .seconds(1))
    workload.add(Job(arrives: .origin, claim: claim, runs: .seconds(2)))
    var simulation = Simulation(pool: SmallCluster(weights: [1000]).pool(), workload: workload)
    simulation.run()
    #expect(simulation.outcomes[0].ended == .origin + .seconds(1))
  }

  /// Each quantum is paid before the one before it is over, however many there are.
  @Test func itRenewsLongLeasesToTheirEnd() {
    var cluster = SmallCluster(weights: [1000])
    cluster.quantum = .seconds(20)
    var workload = Workload()
    let claim = SmallCluster.claim(0, tenant: 0, rank: 0, runtime: .seconds(300))
    workload.add(Job(arrives: .origin, claim: claim, runs: .seconds(250)))
    var simulation = Simulation(pool: cluster.pool(), workload: workload)
    simulation.run()
    #expect(simulation.outcomes[0].ended == .origin + .seconds(250))
    #expect(simulation.outcomes[0].grants == 1)
  }
}
