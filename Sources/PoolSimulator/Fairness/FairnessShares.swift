import PoolAllocator

/// What tenants were served beside what they were entitled to, while several of them waited for
/// long.
///
/// Only work of one class that may run on what is shared is compared: a more urgent class goes
/// first by design. Whenever a job starts that had to wait, all tenants that wait with such work
/// share what it takes by their weights (their entitlement), and its tenant is served all of it.
/// Service counts when it is given, as in start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM'96)
/// and the virtual token counter (Sheng et al., OSDI'24). Nobody who waits alone is counted.
///
/// An order of whole jobs can be no closer than the two largest jobs (`FairOrderPropertyTests`), in
/// each time through which tenants wait without a pause. So only tenants take part while such a
/// time of theirs lasts through `judgedFrom` of the largest jobs, of which two are 5 %.
public struct FairnessShares: Sendable {
  /// GPU-nanoseconds that each tenant was served. By tenant.
  public private(set) var served: [Int128]
  /// GPU-nanoseconds that each was entitled to. By tenant.
  public private(set) var entitled: [Int128]

  private var short: [(served: Int128, entitled: Int128)]

  /// Largest jobs' worth of entitlement from which a time of waiting is long. Unit: jobs.
  public static let judgedFrom: Int128 = 40

  /// Compares what the tenants of a mix were served in one class up to the mix's end.
  /// - Complexity: O(n log n + n × tenants) in the stints.
  public init(_ record: FairnessRecord, of mix: FairnessMix, rank: Int) {
    served = Array(repeating: 0, count: mix.tenants.count)
    entitled = served
    short = Array(repeating: (0, 0), count: mix.tenants.count)
    var turns = Turns(record, mix, rank)
    // First with all that wait, to find the long times; then with those alone.
    let times = turns.times()
    for time in times {
      short[time.tenant].served += time.served
      short[time.tenant].entitled += time.entitled
    }
    turns.keep(times.filter { $0.entitled >= Self.judgedFrom * turns.largest })
    for time in turns.times() {
      served[time.tenant] += time.served
      entitled[time.tenant] += time.entitled
    }
  }

  /// Served over entitled in thousandths; nil where the tenant did not wait beside others for long.
  public func milli(of tenant: Int) -> Int64? {
    guard entitled[tenant] > 0 else { return nil }
    return Int64(clamping: served[tenant] * 1000 / entitled[tenant])
  }

  /// The same over all waits beside others, long or not; nil where there was none. It is no
  /// measure of an order of whole jobs.
  public func shortMilli(of tenant: Int) -> Int64? {
    let (served, entitled) = short[tenant]
    return entitled > 0 ? Int64(clamping: served * 1000 / entitled) : nil
  }
}

extension FairnessShares {
  /// A time through which a tenant waits without a pause.
  struct Time {
    var tenant: Int
    var from: Instant
    var to: Instant
    var served: Int128 = 0
    var entitled: Int128 = 0
  }

  /// Starts of jobs that waited, in the order of time.
  struct Turns {
    /// A wait that ended with a start.
    struct Turn {
      var job: Int
      var tenant: Int
      var from: Instant
      var to: Instant
      var work: Int128
    }

    private var turns: [Turn]
    private let arrivals: [Int]
    private let weights: [Int128]
    private let end: Instant
    /// The times that count; nil: all.
    private var kept: [[Time]]?

    /// The most that one start takes. Unit: GPU-nanoseconds.
    var largest: Int128 { turns.lazy.map(\.work).max() ?? 0 }

    init(_ record: FairnessRecord, _ mix: FairnessMix, _ rank: Int) {
      weights = mix.tenants.map { Int128($0.weightMilli) }
      end = mix.end
      turns = Self.turns(record, mix, rank).sorted { ($0.to, $0.job) < ($1.to, $1.job) }
      let turns = turns
      arrivals = turns.indices.sorted {
        (turns[$0].from, turns[$0].job) < (turns[$1].from, turns[$1].job)
      }
    }

    /// Has only these times count from now on.
    mutating func keep(_ times: [Time]) {
      kept = weights.indices.map { tenant in
        times.filter { $0.tenant == tenant }.sorted { $0.from < $1.from }
      }
    }

    private func counts(_ tenant: Int, at moment: Instant) -> Bool {
      guard let kept else { return true }
      return kept[tenant].contains { $0.from < moment && moment <= $0.to }
    }

    /// Times of waiting with what was served in them.
    func times() -> [Time] {
      var closed: [Time] = []
      var open: [Time?] = Array(repeating: nil, count: weights.count)
      var waiting = Array(repeating: 0, count: weights.count)
      var (next, coming) = (0, 0)
      while next < turns.count, turns[next].to <= end {
        let now = turns[next].to
        // Who comes at the moment of a start did not wait for it.
        while coming < arrivals.count, turns[arrivals[coming]].from < now {
          let turn = turns[arrivals[coming]]
          coming += 1
          waiting[turn.tenant] += 1
          if waiting[turn.tenant] == 1 {
            open[turn.tenant] = Time(tenant: turn.tenant, from: turn.from, to: turn.from)
          }
        }
        let waits = waiting.indices.filter { waiting[$0] > 0 && counts($0, at: now) }
        let sum = waits.reduce(0) { $0 + weights[$1] }
        while next < turns.count, turns[next].to == now {
          let turn = turns[next]
          next += 1
          waiting[turn.tenant] -= 1
          guard waits.count > 1, waits.contains(turn.tenant) else { continue }
          open[turn.tenant]?.served += turn.work
          for tenant in waits { open[tenant]?.entitled += turn.work * weights[tenant] / sum }
        }
        for tenant in waiting.indices where waiting[tenant] == 0 {
          guard var time = open[tenant] else { continue }
          time.to = now
          closed.append(time)
          open[tenant] = nil
        }
      }
      for case var time? in open {
        time.to = end
        closed.append(time)
      }
      return closed
    }

    /// Waits before a first start, and after each stop.
    private static func turns(
      _ record: FairnessRecord, _ mix: FairnessMix, _ rank: Int
    ) -> [Turn] {
      var runs: [[(from: Instant, to: Instant, work: Int128)]] = Array(
        repeating: [], count: mix.jobs.count)
      for stint in record.stints where mix.jobs[stint.job].rank == rank {
        let work = Int128((stint.to - stint.from).ns) * Int128(stint.gpus)
        let last = runs[stint.job].count - 1
        // Members of a gang start together.
        if last >= 0, runs[stint.job][last].from == stint.from {
          runs[stint.job][last].work += work
        } else {
          runs[stint.job].append((stint.from, stint.to, work))
        }
      }
      var turns: [Turn] = []
      for (number, job) in mix.jobs.enumerated()
      where job.rank == rank && job.lanes != .reserved {
        var since = job.arrives
        for run in runs[number] {
          if run.from > since {
            turns.append(
              Turn(job: number, tenant: job.tenant, from: since, to: run.from, work: run.work))
          }
          since = run.to
        }
      }
      return turns
    }
  }
}
