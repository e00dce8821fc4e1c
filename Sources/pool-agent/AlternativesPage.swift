import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire

/// What would be granted at once instead of each claim that was not placed: what
/// `place --alternatives` adds, and `--explain` too.
struct AlternativesPage {
  let report: PlaceReport

  /// A table of the alternatives, and the claims that have none; empty where all were placed.
  func lines(_ page: Page) -> [String] {
    let views = report.alternatives
    guard !views.isEmpty else { return [] }
    let rows = views.flatMap { view in
      view.rows.map { row in
        [
          who(view), row.asked, row.given, row.lane,
          Amounts.gpuSeconds(row.alternative.price.value),
          Amounts.gpuSeconds(row.alternative.reservation.value),
        ]
      }
    }
    let none = noneLines(views, page)
    if rows.isEmpty { return ["ALTERNATIVES  none"] + none }
    let header = ["CLAIM", "ASKS", "INSTEAD", "LANE", "PRICE", "RESERVES"]
    let why = page.prose(
      "Each would be granted now at its price in GPU-seconds, all else as it was asked for. None"
        + " is kept for anyone, and a claim that waits goes on waiting unless it is cancelled.")
    return ["ALTERNATIVES"] + page.table(header: header, rows: rows) + none + why
  }

  private func who(_ view: AlternativesView) -> String {
    "\(view.form.name) of \(view.form.tenant)"
  }

  /// The claims without alternatives, by why.
  private func noneLines(_ views: [AlternativesView], _ page: Page) -> [String] {
    var causes: [(sentence: String, claims: [String])] = []
    for view in views {
      guard let sentence = view.absence?.sentence(at: report.view.now) else { continue }
      if let known = causes.firstIndex(where: { $0.sentence == sentence }) {
        causes[known].claims.append(who(view))
      } else {
        causes.append((sentence, [who(view)]))
      }
    }
    return causes.flatMap { cause in
      page.prose("none for \(cause.claims.joined(separator: ", ")): \(cause.sentence)")
    }
  }
}

extension PlaceReport {
  /// Most claims whose alternatives are looked for. Unit: claims.
  private static let lookedAtMax = 1_000

  /// What would be granted at once instead of each claim that was not placed, in their order.
  var alternatives: [AlternativesView] {
    let missing = entries.filter { !$0.isPlaced }
    return missing.enumerated().map { index, entry in
      guard index < Self.lookedAtMax else {
        return AlternativesView(of: entry.form, absent: .leftOut(after: Self.lookedAtMax))
      }
      let submitted = entry.id.flatMap { session.pool.claim($0)?.turn.submitted }
      return AlternativesView(
        of: entry.form, submitted: submitted ?? session.pool.now, in: session.look())
    }
  }
}
