import PoolAllocator
import Testing

@testable import PoolSimulator

/// The schedulers that ours is compared with, on cases small enough to work out by hand.
struct FairnessReferenceTests {
  private func job(
    at second: Int64, gpus: Int = 1, members: Int = 1, rank: Int = 2, runs: Int64 = 10
  ) -> FairnessJob {
    var job = FairnessJob(
      arrives: .origin + .seconds(second), tenant: 0, rank: rank, runs: .seconds(runs))
    job.gpus = gpus
    job.members = members
    return job
  }

  /// When each job starts, in seconds.
  private func starts(
    _ jobs: [FairnessJob], nodes: Int = 1, gpus: Int, _ rule: ReferenceScheduler.Rule
  ) -> [Int64?] {
    ReferenceScheduler.run(jobs, nodes: nodes, gpusPerNode: gpus, rule: rule).rows.map {
      $0.started.map { $0.ns / 1_000_000_000 }
    }
  }

  @Test func firstComeFirstServedWaitsBehindWhatDoesNotFit() {
    let jobs = [job(at: 0), job(at: 1, gpus: 2), job(at: 2)]
    #expect(starts(jobs, gpus: 2, .firstComeFirstServed) == [0, 10, 20])
  }

  @Test func greedySkipPassesOverWhatDoesNotFit() {
    let jobs = [job(at: 0), job(at: 1, gpus: 2), job(at: 2), job(at: 9)]
    // The last two keep one GPU busy, so the wide job starts after them.
    #expect(starts(jobs, gpus: 2, .greedySkip) == [0, 20, 2, 10])
  }

  @Test func staticAgeingWeighsClassAgainstArrival() {
    // P3 of second 1 counts as of second 31: before P0 of second 40, after P0 of second 20.
    let jobs = [
      job(at: 0, runs: 50), job(at: 1, rank: 3), job(at: 20, rank: 0), job(at: 40, rank: 0),
    ]
    #expect(starts(jobs, gpus: 1, .staticAgeing(step: .seconds(10))) == [0, 60, 50, 70])
  }

  @Test func membersOfAGangEachNeedANode() {
    let jobs = [job(at: 0, gpus: 1), job(at: 1, gpus: 2, members: 2), job(at: 2, gpus: 2)]
    #expect(starts(jobs, nodes: 2, gpus: 2, .firstComeFirstServed) == [0, 10, 20])
    #expect(starts(jobs, nodes: 2, gpus: 2, .greedySkip) == [0, 12, 2])
  }

  @Test func theFullestNodeIsTaken() {
    // The second job joins the first, so that the wide one fits beside them.
    let jobs = [job(at: 0), job(at: 1), job(at: 2, gpus: 2)]
    #expect(starts(jobs, nodes: 2, gpus: 2, .firstComeFirstServed) == [0, 1, 2])
  }

  @Test func whatNeverFitsIsDeniedAndHoldsNobodyBack() {
    let jobs = [job(at: 0, gpus: 3), job(at: 1)]
    let record = ReferenceScheduler.run(
      jobs, nodes: 2, gpusPerNode: 2, rule: .firstComeFirstServed)
    #expect(record.rows[0].isDenied && record.rows[0].started == nil)
    #expect(record.rows[1].started == .origin + .seconds(1))
  }

  @Test func whatATenantHasAloneIsItsShareOfTheCluster() {
    var mix = FairnessMix(
      name: "alone", summary: "", nodes: 1, gpusPerNode: 8,
      tenants: [FairnessTenant("a"), FairnessTenant("b", weightMilli: 3000)],
      end: .origin + .seconds(100), leaseMax: .seconds(100))
    #expect(mix.entitledGPUs(of: 0) == 2 && mix.entitledGPUs(of: 1) == 6)
    // Four GPUs for 10 s on two take 20 s; then P0 goes before what came first.
    mix.jobs = [job(at: 0, gpus: 4), job(at: 1, gpus: 2), job(at: 2, gpus: 2, rank: 0)]
    let finishes = mix.finishesAlone().map { $0.map { $0.ns / 1_000_000_000 } }
    #expect(finishes == [20, 40, 30])
    mix.guarantee = FairnessGuarantee(owner: 1, gpus: 4, within: .seconds(1))
    #expect(mix.entitledGPUs(of: 0) == 4 && mix.entitledGPUs(of: 1) == 4)
  }
}
