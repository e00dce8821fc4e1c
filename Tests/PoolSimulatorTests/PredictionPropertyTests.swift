import PoolInsight
import Testing

@testable import PoolAllocator
@testable import PoolSimulator

/// Predictions of waits under load: how many of the p90 hold, and how sharp they are.
struct PredictionPropertyTests {
  /// A kind of load: how much arrives, in hundredths of what the GPUs can do, before and after half
  /// of the time.
  private struct Load: CustomStringConvertible {
    var before: Int64
    var after: Int64
    var description: String { before == after ? "load \(before)" : "load \(before) to \(after)" }
  }

  private static let gpus = 16

  /// Four tenants of unequal weight, four classes, 1 to 8 GPUs, runs of 20 s to 10 minutes that are
  /// off their estimates by up to half or double.
  private static func workload(seed: UInt64, load: Load, seconds: Int64) -> Workload {
    var random = SeededGenerator(seed: seed)
    var workload = Workload()
    // Means of the draws below: 2.6 GPUs, 117 s.
    let perSecondMilli = Int64(2_600) * 117
    for (part, percent) in [load.before, load.after].enumerated() {
      let mean = Span(ns: perSecondMilli * 100 * 1_000_000 / (percent * Int64(gpus)))
      let start = Span.seconds(Int64(part) * seconds / 2)
      var stream = Workload()
      stream.addStream(
        mean: mean, until: Instant(ns: seconds * 500_000_000), using: &random
      ) { number, random in
        let number = number + part * 1_000_000
        let gpus = [1, 1, 1, 1, 2, 2, 2, 4, 4, 8][Int(random.below(10))]
        let runs = Span.seconds(20 + min(580, random.exponential(mean: 100)))
        let tenant = [0, 0, 0, 1, 1, 2, 2, 3][Int(random.below(8))]
        let rank = [0, 1, 1, 2, 2, 2, 3, 3][Int(random.below(8))]
        var claim = SmallCluster.claim(
          number, tenant: tenant, rank: rank, gpus: gpus, runtime: Span(ns: runs.ns * 3))
        claim.estimate = .runtime(Span(ns: runs.ns / 1000 * random.within(500...2000)))
        return (claim, runs)
      }
      for job in stream.jobs {
        workload.add(Job(arrives: job.arrives + start, claim: job.claim, runs: job.runs))
      }
    }
    workload.sort()
    return workload
  }

  /// One answer, as it was told when its claim was queued, and later how long that really took.
  private struct Told {
    var claim: ClaimID
    var rank: Int
    var size: Int
    var since: Instant
    var p90: Span
    var p50: Span
    /// The plain 90th percentile of the last waits of the lane and class.
    var plain: Span
    var wait: Span?
  }

  /// A run that asks for every claim that is queued.
  private struct Watched {
    var predictor = WaitPredictor()
    var told: [Told] = []
    private var index: [ClaimID: Int] = [:]
    private var waits: [Prediction.Scope: [Int64]] = [:]
    private var rank: [ClaimID: (Prediction.Scope, Instant)] = [:]
    private var asks: [(at: Instant, index: Int)] = []
    var midway = (held: 0, of: 0)
    private var open: [ClaimID: [Instant]] = [:]

    mutating func note(_ pool: Pool, _ log: EventLog) {
      predictor.fold(log, in: pool)
      while let ask = asks.first, ask.at <= pool.now {
        asks.removeFirst()
        let id = told[ask.index].claim
        if told[ask.index].wait == nil, let likely = predictor.likely(id, in: pool) {
          #expect(likely.p50 >= pool.now && likely.p90 >= likely.p50)
          open[id, default: []].append(likely.p90)
        }
      }
      for event in log.events {
        switch event {
        case .claimQueued(let id, _, _, _): queued(id, pool)
        case .leaseGranted(_, let fact): granted(log.grants[Int(fact)].claim, pool.now)
        default: break
        }
      }
    }

    private mutating func queued(_ id: ClaimID, _ pool: Pool) {
      guard let claim = pool.claim(id), claim.state == .queued else { return }
      let scope = Prediction.Scope(
        lane: LaneID(row: 0, generation: 1), serviceClass: claim.serviceClass, size: claim.spec.demand.devices)
      rank[id] = (scope, pool.now)
      guard let likely = predictor.likely(id, in: pool) else { return }
      let last = (waits[scope] ?? []).suffix(128).sorted()
      let plain = last.isEmpty ? 0 : last[min(last.count - 1, last.count * 9 / 10)]
      index[id] = told.count
      told.append(
        Told(
          claim: id, rank: Int(claim.serviceClass.rank), size: Int(claim.spec.demand.devices), since: pool.now,
          p90: likely.p90 - pool.now, p50: likely.p50 - pool.now, plain: Span(ns: plain)))
      if told.count % 3 == 0 {
        for part: Int64 in [2, 4, 6] {
          let at = pool.now + Span(ns: (likely.p90 - pool.now).ns / 4 * part)
          let place = asks.firstIndex { $0.at > at } ?? asks.count
          asks.insert((at, told.count - 1), at: place)
        }
      }
    }

    private mutating func granted(_ id: ClaimID, _ now: Instant) {
      if let (scope, since) = rank.removeValue(forKey: id) {
        waits[scope, default: []].append((now - since).ns)
      }
      guard let place = index.removeValue(forKey: id) else { return }
      told[place].wait = now - told[place].since
      for p90 in open.removeValue(forKey: id) ?? [] {
        midway.of += 1
        if now <= p90 { midway.held += 1 }
      }
    }
  }

  private func report(_ name: String, _ told: [Told], midway: (held: Int, of: Int)) {
    func median(_ values: [Int64]) -> Int64 { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
    func line(_ name: String, _ told: [Told]) {
      guard told.count > 0 else { return }
      let done = told.filter { $0.wait != nil }
      let held = done.count { $0.p90 >= $0.wait! } * 1000 / done.count
      let plain = done.count { $0.plain >= $0.wait! } * 1000 / done.count
      let half = done.count { $0.p50 >= $0.wait! } * 1000 / done.count
      let ratio = median(done.filter { $0.wait! > .zero }.map { $0.p90.ns * 100 / $0.wait!.ns })
      let ratioPlain = median(done.filter { $0.wait! > .zero }.map { $0.plain.ns * 100 / $0.wait!.ns })
      // factor that brings the plain one to the coverage of the other
      print("  \(name): \(done.count)/\(told.count) p90 \(held) p50 \(half) sharp \(ratio) | plain \(plain) sharp \(ratioPlain)"
      + " mean p90 \(done.map { $0.p90.ns / 1_000_000 }.reduce(0,+) / Int64(done.count)) plain \(done.map { $0.plain.ns / 1_000_000 }.reduce(0,+) / Int64(done.count)) wait \(done.map { $0.wait!.ns / 1_000_000 }.reduce(0,+) / Int64(done.count))")
    }
    line(name, told)
    for rank in 0..<4 { line("P\(rank)", told.filter { $0.rank == rank }) }
    for size in [1,2,4,8] { line("size \(size)", told.filter { $0.size == size }) }
    print("  midway \(midway.held * 1000 / max(1, midway.of)) of \(midway.of)")
  }

  @Test func nineInTenHold() {
    let seconds = Int64(Scale.cases(release: 100_000, debug: 40_000))
    for load in [70, 80, 90, 100, 110].map({ Load(before: $0, after: $0) }) + [
      Load(before: 70, after: 110), Load(before: 110, after: 70),
    ] {
      var told: [Told] = []
      var midway = (held: 0, of: 0)
      for seed in 0..<UInt64(Scale.cases(release: 10, debug: 1)) {
        var cluster = SmallCluster(weights: [1000, 1000, 2000, 500])
        cluster.gpus = Self.gpus
        cluster.order = OrderRule(ageingStep: .seconds(1_800))
        var simulation = Simulation(
          pool: cluster.pool(),
          workload: Self.workload(seed: 0x11CE + seed, load: load, seconds: seconds))
        var watched = Watched()
        simulation.run { pool, log in watched.note(pool, log) }
        told += watched.told
        midway.held += watched.midway.held
        midway.of += watched.midway.of
      }
      report("\(load)", told, midway: midway)
    }
  }
}
