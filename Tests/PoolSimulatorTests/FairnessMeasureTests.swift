import PoolAllocator
import Testing

@testable import PoolSimulator

/// Figures of fairness on cases that were worked out by hand.
struct FairnessMeasureTests {
  private func second(_ count: Int64) -> Instant { .origin + .seconds(count) }

  @Test func percentilesTakeTheNearestRank() {
    let values = Array(1...10)
    #expect(FairnessMeasures.percentile(values, thousandths: 500) == 5)
    #expect(FairnessMeasures.percentile(values, thousandths: 501) == 6)
    #expect(FairnessMeasures.percentile(values, thousandths: 990) == 10)
    #expect(FairnessMeasures.percentile(values, thousandths: 0) == 1)
    #expect(FairnessMeasures.percentile([Int](), thousandths: 500) == nil)
    #expect(FairnessMeasures.percentile(Array(1...200), thousandths: 990) == 198)
  }

  @Test func jainIsOneOfEqualsAndOneOverNOfOne() {
    #expect(FairnessMeasures.jainMilli([7, 7, 7]) == 1000)
    #expect(FairnessMeasures.jainMilli([5, 0, 0, 0]) == 250)
    // (1 + 2 + 3)² / (3 × 14) = 36 / 42.
    #expect(FairnessMeasures.jainMilli([1, 2, 3]) == 857)
    #expect(FairnessMeasures.jainMilli([]) == nil)
    #expect(FairnessMeasures.jainMilli([0, 0]) == nil)
    #expect(FairnessMeasures.jainMilli([1 << 39, 1 << 39]) == 1000)
  }

  @Test func finishTimesAreAddedUp() {
    let pairs = [(shared: Span.seconds(30), alone: Span.seconds(10)), (.seconds(70), .seconds(90))]
    #expect(FairnessMeasures.finishTimeMilli(pairs) == 1000)
    #expect(FairnessMeasures.finishTimeMilli([pairs[0]]) == 3000)
    #expect(FairnessMeasures.finishTimeMilli([]) == nil)
  }

  @Test func usageTellsWorkFromLossAndLeaving() {
    let stints = [
      // 40 s, of which 10 in vain, and 20 s to leave.
      FairnessRecord.Stint(
        job: 0, from: second(0), to: second(40), left: second(60), lost: .seconds(10), gpus: 1),
      // Only its first 50 s count, and nothing of it is lost by then.
      FairnessRecord.Stint(
        job: 1, from: second(50), to: second(130), left: second(140), lost: .seconds(80), gpus: 2),
      FairnessRecord.Stint(
        job: 2, from: second(100), to: second(110), left: second(110), lost: .zero, gpus: 4),
    ]
    let usage = FairnessMeasures.usage(stints, gpus: 4, until: second(100))
    #expect(usage.useful == (30 + 100) * 1000 / 400)
    #expect(usage.lost == 10 * 1000 / 400)
    #expect(usage.leaving == 20 * 1000 / 400)
    #expect(usage.utilisation == 375)
  }

  /// Two tenants of weights 1 and 3 on one GPU, jobs of a second that all come at the beginning.
  private func contest(_ order: [Int], weights: [Int32] = [1000, 3000]) -> FairnessShares {
    var mix = FairnessMix(
      name: "contest", summary: "", nodes: 1, gpusPerNode: 1,
      tenants: weights.map { FairnessTenant("t", weightMilli: $0) }, end: second(10_000),
      leaseMax: .seconds(10))
    var record = FairnessRecord(scheduler: "by hand", jobs: order.count)
    for (number, tenant) in order.enumerated() {
      mix.jobs.append(FairnessJob(arrives: .origin, tenant: tenant, rank: 2, runs: .seconds(1)))
      let start = second(Int64(number) + 1)
      record.stints.append(
        FairnessRecord.Stint(
          job: number, from: start, to: start + .seconds(1), left: start + .seconds(1),
          lost: .zero, gpus: 1))
    }
    return FairnessShares(record, of: mix, rank: 2)
  }

  @Test func sharesAreMeasuredAgainstWeights() {
    // One of the first for each three of the second: as their weights say. While both wait there
    // are 397 turns, of which 99.25 and 297.75 are due, and 100 and 297 are had.
    let fair = contest((0..<400).map { $0 % 4 == 0 ? 0 : 1 })
    #expect(fair.milli(of: 0) == 1007 && fair.milli(of: 1) == 997)
    // Turn about: 200 and 199 of 399 turns, of which 99.75 and 299.25 are due.
    let equal = contest((0..<400).map { $0 % 2 })
    #expect(equal.milli(of: 0) == 2005 && equal.milli(of: 1) == 664)
  }

  @Test func whoWaitsAloneOrShortlyIsNotCompared() {
    #expect(contest(Array(repeating: 0, count: 400)).milli(of: 0) == nil)
    // 20 jobs each are not forty jobs' worth.
    #expect(contest((0..<40).map { $0 % 2 }).milli(of: 0) == nil)
  }

  @Test func figuresReadWell() {
    #expect(FairnessText.percent(953) == "95.3 %" && FairnessText.percent(-7) == "-0.7 %")
    #expect(FairnessText.ratio(1254) == "1.25" && FairnessText.ratio(1_995) == "2.00")
    #expect(FairnessText.seconds(Span(ns: 1)) == "0.1", "never rounded down")
    #expect(FairnessText.seconds(.seconds(99)) == "99.0")
    #expect(FairnessText.seconds(Span(ns: 1_234_000_000_001)) == "1 235")
    #expect(FairnessText.seconds(.zero) == "0.0")
    #expect(FairnessText.seconds(.seconds(86_400 * 200)) == "200 d")
    #expect(FairnessText.seconds(Span(ns: .max)) == "106 752 d")
    #expect(FairnessText.grouped(1_234_567) == "1 234 567" && FairnessText.grouped(12) == "12")
    #expect(FairnessText.gpuHours(3_600_000_000_000 * 3 / 2) == "1.5")
    #expect(FairnessText.length(.seconds(90_000)) == "1 d 1 h")
    #expect(FairnessText.length(.seconds(3_660)) == "1 h 1 min")
  }
}
