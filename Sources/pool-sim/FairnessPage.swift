import PoolAllocator
import PoolConsole
import PoolSimulator

/// What a person sees of a comparison on the terminal.
struct FairnessPage {
  private let comparison: FairnessComparison
  private let page: Page

  private init(_ comparison: FairnessComparison, width: Int?) {
    self.comparison = comparison
    page = Page(width: width)
  }

  /// Prints one mix: what it is, waits, tenants, schedulers, verdict.
  static func print(_ comparison: FairnessComparison, seed: UInt64) {
    let view = FairnessPage(comparison, width: Terminal.width())
    let lines = view.head(seed) + view.waits + view.tenants + view.schedulers + view.verdict
    Console.print(lines.joined(separator: "\n") + "\n\n")
  }

  /// Prints how many mixes kept all promises.
  static func printEnd(_ comparisons: [FairnessComparison]) {
    let broken = comparisons.filter { !$0.verdict.holds }.map(\.mix.name)
    Console.print(
      broken.isEmpty
        ? "all promises held in \(comparisons.count) of \(comparisons.count) mixes\n"
        : "promises broken in: \(broken.joined(separator: ", "))\n")
  }

  private var mix: FairnessMix { comparison.mix }
  private var ours: FairnessScore { comparison.scores[0] }
  private func name(_ tenant: Int) -> String { Terminal.plain(mix.tenants[tenant].name) }

  private func head(_ seed: UInt64) -> [String] {
    let jobs = FairnessText.grouped(Int64(mix.jobs.count))
    let length = FairnessText.length(Span(ns: mix.end.ns))
    return ["MIX \(mix.name)   \(mix.summary)"]
      + page.prose(
        "\(mix.gpus) GPUs on \(mix.nodes) nodes, \(mix.tenants.count) tenants, \(jobs) jobs in "
          + "\(length), seed \(seed)")
  }

  // MARK: waits

  private var waits: [String] {
    var rows: [[String]] = []
    for score in ours.tenants {
      for (rank, waits) in score.waits.enumerated() {
        guard let waits else { continue }
        rows.append(waitRow([name(score.tenant), "P\(rank)"], waits))
      }
    }
    for (rank, waits) in ours.classes.enumerated() {
      if let waits { rows.append(waitRow(["all", "P\(rank)"], waits)) }
    }
    if let covered = ours.covered { rows.append(waitRow(["covered", "own"], covered)) }
    if let gangs = ours.gangs { rows.append(waitRow(["gangs", "all"], gangs)) }
    return ["", "  WAITS, in seconds, beside what each claim was told"]
      + page.table(
        header: [
          "TENANT", "CLASS", "JOBS", "P50", "P95", "P99", "MAX", "BOUND", "USED", "LATE", "TOLD",
          "UNTOLD",
        ], rows: rows, optional: ["UNTOLD", "TOLD", "JOBS", "P50"])
  }

  private func waitRow(_ start: [String], _ waits: FairnessWaits) -> [String] {
    start + [
      FairnessText.grouped(Int64(waits.jobs)), FairnessText.seconds(waits.p50),
      FairnessText.seconds(waits.p95), FairnessText.seconds(waits.p99),
      FairnessText.seconds(waits.most), waits.bound.map(FairnessText.seconds) ?? "-",
      waits.usedMilli.map(FairnessText.percent) ?? "-", String(waits.late),
      FairnessText.grouped(Int64(waits.told)), FairnessText.grouped(Int64(waits.untold)),
    ]
  }

  // MARK: tenants

  private var tenants: [String] {
    let rows = ours.tenants.map { score in
      let tenant = mix.tenants[score.tenant]
      return [
        name(score.tenant), FairnessText.ratio(Int64(tenant.weightMilli)),
        FairnessText.gpuHours(score.work),
        score.shareMilli.map(FairnessText.percent) ?? "-",
        score.finishMilli.map(FairnessText.ratio) ?? "-",
        fraction(score.denied, score.asked), fraction(score.degraded, score.asked),
      ]
    }
    return ["", "  TENANTS: share is what was served of the entitlement while others waited too"]
      + page.table(
        header: ["TENANT", "WEIGHT", "GPU-H", "SHARE", "RHO", "DENIED", "DEGRADED"], rows: rows)
  }

  private func fraction(_ part: Int, _ all: Int) -> String {
    all == 0 ? "-" : FairnessText.percent(Int64(part) * 1000 / Int64(all))
  }

  // MARK: schedulers

  private var schedulers: [String] {
    let rows = comparison.scores.map { score in
      [
        score.scheduler, FairnessText.percent(score.usage.utilisation),
        FairnessText.percent(score.usage.lost), FairnessText.percent(score.usage.leaving),
        score.urgent.map { FairnessText.seconds($0.p99) } ?? "-",
      ] + (0..<4).map { score.classes[$0].map { FairnessText.seconds($0.most) } ?? "-" } + [
        score.gangs.map { FairnessText.seconds($0.most) } ?? "-",
        score.covered.map { FairnessText.seconds($0.most) } ?? "-",
        score.jainMilli.map(FairnessText.ratio) ?? "-", shares(score), finish(score),
      ]
    }
    let header = [
      "SCHEDULER", "UTIL", "LOST", "LEAVING", "P0 P99", "P0", "P1", "P2", "P3", "GANGS", "OWNER",
      "JAIN",
      "SHARES", "RHO MAX",
    ]
    // A column is shown where one scheduler has something to say in it.
    let kept = header.indices.filter { column in rows.contains { $0[column] != "-" } }
    return [
      "", "  SCHEDULERS: longest waits in seconds, ours beside others on the same jobs",
    ]
      + page.table(
        header: kept.map { header[$0] }, rows: rows.map { row in kept.map { row[$0] } },
        optional: ["LEAVING", "LOST", "RHO MAX", "SHARES", "JAIN"])
  }

  private func shares(_ score: FairnessScore) -> String {
    let shares = score.tenants.compactMap(\.shareMilli)
    guard let least = shares.min(), let most = shares.max() else { return "-" }
    return "\(FairnessText.percent(least)) to \(FairnessText.percent(most))"
  }

  private func finish(_ score: FairnessScore) -> String {
    score.tenants.compactMap(\.finishMilli).max().map(FairnessText.ratio) ?? "-"
  }

  // MARK: verdict

  private var verdict: [String] {
    let rows = comparison.verdict.checks.map { check in
      [
        check.holds.map { $0 ? "ok" : "BROKEN" } ?? "-", check.promise.rawValue, check.figure,
        check.limit,
      ]
    }
    return ["", "  VERDICT"]
      + page.table(header: ["", "PROMISE", "SEEN", "LIMIT"], rows: rows)
  }
}
