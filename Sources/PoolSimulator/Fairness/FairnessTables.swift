import PoolAllocator

/// A table of a comparison, for the terminal and for the page.
public struct FairnessTable: Sendable, Hashable {
  /// Names of the columns.
  public var header: [String]
  /// Cells by row.
  public var rows: [[String]]
  /// Columns that a narrow screen may do without, the first one first.
  public var optional: [String] = []

  /// Leaves out columns in which no row says anything.
  func withoutEmptyColumns() -> FairnessTable {
    let kept = header.indices.filter { column in rows.contains { $0[column] != "-" } }
    return FairnessTable(
      header: kept.map { header[$0] }, rows: rows.map { row in kept.map { row[$0] } },
      optional: optional)
  }

  /// The table as HTML; all text is escaped.
  var html: String {
    let isWords = header.contains("PROMISE")
    let head = header.map { "<th scope=\"col\">\(HTMLText.escaped($0))</th>" }.joined()
    let body = rows.map { row in
      let cells = row.map { cell in
        "<td\(cell == FairnessTables.broken ? " class=\"broken\"" : "")>"
          + "\(HTMLText.escaped(cell))</td>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    return """
      <div class="scroll" tabindex="0"><table\(isWords ? " class=\"words\"" : "")>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody></table></div>
      """
  }
}

/// The tables of a comparison.
public enum FairnessTables {
  /// What a broken promise is called.
  static let broken = "BROKEN"

  /// Waits of ours by tenant and class, beside what claims were told.
  public static func waits(_ comparison: FairnessComparison) -> FairnessTable {
    waits(comparison.scores[0], of: comparison.mix)
  }

  /// Waits of one run by tenant and class, beside what claims were told.
  static func waits(_ score: FairnessScore, of mix: FairnessMix) -> FairnessTable {
    var rows: [[String]] = []
    for tenant in score.tenants {
      for (rank, waits) in tenant.waits.enumerated() {
        guard let waits else { continue }
        rows.append(row([mix.tenants[tenant.tenant].name, "P\(rank)"], waits))
      }
    }
    for (rank, waits) in score.classes.enumerated() {
      if let waits { rows.append(row(["all", "P\(rank)"], waits)) }
    }
    if let covered = score.covered { rows.append(row(["owner", "covered"], covered)) }
    if let gangs = score.gangs { rows.append(row(["all", "gangs"], gangs)) }
    return FairnessTable(
      header: [
        "TENANT", "CLASS", "JOBS", "P50", "P95", "P99", "MAX", "BOUND", "USED", "LATE", "TOLD",
        "UNTOLD",
      ], rows: rows, optional: ["TOLD", "JOBS", "P50", "UNTOLD"])
  }

  private static func row(_ start: [String], _ waits: FairnessWaits) -> [String] {
    start + [
      FairnessText.grouped(Int64(waits.jobs)), FairnessText.seconds(waits.p50),
      FairnessText.seconds(waits.p95), FairnessText.seconds(waits.p99),
      FairnessText.seconds(waits.most), waits.bound.map(FairnessText.seconds) ?? "-",
      waits.usedMilli.map(FairnessText.percent) ?? "-", String(waits.late),
      FairnessText.grouped(Int64(waits.told)), FairnessText.grouped(Int64(waits.untold)),
    ]
  }

  /// Tenants under ours.
  public static func tenants(_ comparison: FairnessComparison) -> FairnessTable {
    let rows = comparison.scores[0].tenants.map { score in
      let tenant = comparison.mix.tenants[score.tenant]
      return [
        tenant.name, FairnessText.ratio(Int64(tenant.weightMilli)),
        FairnessText.gpuHours(score.work), share(score),
        score.finishMilli.map(FairnessText.ratio) ?? "-",
        fraction(score.denied, score.asked), fraction(score.degraded, score.asked),
      ]
    }
    return FairnessTable(
      header: ["TENANT", "WEIGHT", "GPU-H", "SHARE", "RHO", "DENIED", "DEGRADED"], rows: rows)
  }

  /// Tenants of one run: what they asked for, were served, and how that compares.
  static func service(_ score: FairnessScore, of mix: FairnessMix) -> FairnessTable {
    let rows = score.tenants.map { score in
      [
        mix.tenants[score.tenant].name, FairnessText.grouped(Int64(score.asked)),
        FairnessText.grouped(Int64(clamping: score.work / 1_000_000_000)), share(score),
        score.finishMilli.map(FairnessText.ratio) ?? "-", fraction(score.denied, score.asked),
      ]
    }
    return FairnessTable(
      header: ["TENANT", "JOBS", "GPU-SECONDS", "SHARE", "RHO", "DENIED"], rows: rows)
  }

  private static func share(_ score: FairnessScore.TenantScore) -> String {
    if let milli = score.shareMilli { return FairnessText.percent(milli) }
    return score.shortShareMilli.map { "(\(FairnessText.percent($0)))" } ?? "-"
  }

  private static func fraction(_ part: Int, _ all: Int) -> String {
    all == 0 ? "-" : FairnessText.percent(Int64(part) * 1000 / Int64(all))
  }

  /// Ours beside the others: longest waits in seconds, and the rest.
  public static func schedulers(_ comparison: FairnessComparison) -> FairnessTable {
    func seconds(_ span: Span?) -> String { span.map(FairnessText.seconds) ?? "-" }
    let rows = comparison.scores.map { score in
      var row = [score.scheduler]
      row += [score.usage.utilisation, score.usage.lost, score.usage.leaving]
        .map(FairnessText.percent)
      row.append(seconds(score.urgent?.p99))
      row += (0..<4).map { seconds(score.classes[$0]?.most) }
      row += [seconds(score.gangs?.most), seconds(score.covered?.most)]
      row += [score.jainMilli.map(FairnessText.ratio) ?? "-", shares(score)]
      row.append(score.tenants.compactMap(\.finishMilli).max().map(FairnessText.ratio) ?? "-")
      return row
    }
    return FairnessTable(
      header: [
        "SCHEDULER", "UTIL", "LOST", "LEAVING", "P0 P99", "P0 MAX", "P1 MAX", "P2 MAX", "P3 MAX",
        "GANGS", "OWNER", "JAIN", "SHARES", "RHO MAX",
      ], rows: rows, optional: ["LEAVING", "LOST", "RHO MAX", "SHARES", "JAIN"]
    ).withoutEmptyColumns()
  }

  private static func shares(_ score: FairnessScore) -> String {
    let shares = score.tenants.compactMap(\.shareMilli)
    guard let least = shares.min(), let most = shares.max() else { return "-" }
    return "\(FairnessText.percent(least)) to \(FairnessText.percent(most))"
  }

  /// What was promised, what was seen, and whether it held.
  public static func verdict(_ comparison: FairnessComparison) -> FairnessTable {
    FairnessTable(
      header: ["HELD", "PROMISE", "SEEN", "LIMIT"],
      rows: comparison.verdict.checks.map { check in
        [
          check.holds.map { $0 ? "ok" : broken } ?? "-", check.promise.rawValue, check.figure,
          check.limit,
        ]
      }, optional: [])
  }
}
