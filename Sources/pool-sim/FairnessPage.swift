import PoolAllocator
import PoolConsole
import PoolSimulator

/// What a person sees of a comparison on the terminal.
enum FairnessPage {
  /// Prints one mix: what it is, waits, tenants, schedulers, verdict.
  static func print(_ comparison: FairnessComparison, seed: UInt64) {
    let page = Page(width: Terminal.width())
    let mix = comparison.mix
    var lines = page.prose("MIX \(mix.name)   \(mix.summary)", indent: "")
    lines += page.prose(
      "\(mix.gpus) GPUs on \(mix.nodes) nodes, \(mix.tenants.count) tenants, "
        + "\(FairnessText.grouped(Int64(mix.jobs.count))) jobs in "
        + "\(FairnessText.length(Span(ns: mix.end.ns))), seed \(seed)")
    let tables = [
      ("WAITS in seconds, beside what each claim was told", FairnessTables.waits(comparison)),
      (
        "TENANTS: share of entitlement while they waited beside others for long",
        FairnessTables.tenants(comparison)
      ),
      (
        "SCHEDULERS on the same jobs: longest waits in seconds",
        FairnessTables.schedulers(comparison)
      ),
    ]
    for (title, table) in tables {
      lines += [""] + page.prose(title)
      let rows = table.rows.map { $0.map(Terminal.plain) }
      lines += page.table(header: table.header, rows: rows, optional: table.optional)
    }
    lines += [""] + page.prose("VERDICT")
    for check in comparison.verdict.checks {
      let held = check.holds.map { $0 ? "ok    " : "BROKEN" } ?? "-     "
      let limit = check.holds == nil ? "" : " (limit: \(check.limit))"
      lines += page.prose("\(held)  \(check.promise.rawValue): \(check.figure)\(limit)")
    }
    Console.print(lines.joined(separator: "\n") + "\n\n")
  }

  /// Prints whether all mixes kept all promises.
  static func printEnd(_ comparisons: [FairnessComparison]) {
    let broken = comparisons.filter { !$0.verdict.holds }.map(\.mix.name)
    Console.print(
      broken.isEmpty
        ? "all promises held in \(comparisons.count) of \(comparisons.count) mixes\n"
        : "promises broken in: \(broken.joined(separator: ", "))\n")
  }
}
