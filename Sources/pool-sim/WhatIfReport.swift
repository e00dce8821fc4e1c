import PoolAllocator
import PoolConsole
import PoolRecord
import PoolSimulator
import PoolWire

/// The answer to a what-if question, in words and figures.
struct WhatIfReport {
  let answer: WhatIf
  let names: NameTable

  // MARK: words

  /// A claim by its name within its tenant, else by its key.
  func claim(_ story: RequestStory) -> String {
    names.name(story.spec.key).map(NamePath.last) ?? names.text(story.spec.key)
  }

  /// The answer at the door: `rejected (tenant_unknown)`.
  static func verdict(_ story: RequestStory) -> String {
    guard let verdict = story.verdict else { return "not asked again" }
    guard story.isRefused, let reason = story.reason else { return verdict.wire.spacedOut }
    return "\(verdict.wire) (\(reason.wire))"
  }

  /// How a request ended, or where it is at the end of the journal.
  static func end(_ story: RequestStory) -> String {
    if let end = story.end { return end.wire.spacedOut }
    if !story.isTakenIn { return "-" }
    return story.isWaiting ? "waits" : "runs"
  }

  /// Where it was first granted devices.
  func lane(_ story: RequestStory) -> String { story.lane.map { names.text($0) } ?? "-" }

  func rung(_ story: RequestStory) -> String {
    story.rung == 0 ? "as asked" : story.rungName.map { names.text($0) } ?? "rung \(story.rung)"
  }

  /// Seconds since the first record.
  func seconds(_ moment: Instant) -> String { Amounts.seconds((moment - answer.start).ns) }

  private func change(_ was: String, _ now: String) -> String {
    was == now ? was : "\(was) → \(now)"
  }

  // MARK: text

  /// The tables and sentences, for a screen of a width; nil where nothing is to be cut.
  func text(width: Int?) -> String {
    let page = Page(width: width)
    var lines = ["CHANGED"] + changedLines(page)
    lines += ["", "WAITS AND COST"] + groupLines(page)
    lines += [""] + page.prose(footer, indent: "")
    if case .torn(let tail) = answer.ending { lines += page.prose("note: \(tail)", indent: "") }
    return lines.joined(separator: "\n") + "\n"
  }

  private func changedLines(_ page: Page) -> [String] {
    let changes = answer.changes
    if changes.isEmpty { return page.prose("nothing: every decision is the same") }
    let rows = changes.map { change -> [String] in
      let (was, now) = (answer.before[change.request], answer.after[change.request])
      return [
        claim(was) + (answer.assumed[change.request] ? " ~" : ""), names.text(was.spec.tenant),
        (was.serviceClass ?? now.serviceClass)?.word ?? "-", seconds(was.asked),
        self.change(Self.verdict(was), Self.verdict(now)),
        self.change(was.started.map(seconds) ?? "-", now.started.map(seconds) ?? "-"),
        self.change(wait(was), wait(now)),
        self.change(Amounts.gpuSeconds(was.price.value), Amounts.gpuSeconds(now.price.value)),
        self.change(lane(was), lane(now)), self.change(rung(was), rung(now)),
        self.change(Self.end(was), Self.end(now)),
      ]
    }
    return page.table(
      header: [
        "CLAIM", "TENANT", "CLASS", "ASKED", "ANSWER", "STARTS", "WAITS", "PRICE GPU·s", "LANE",
        "RUNG", "END",
      ], rows: rows, optional: ["RUNG", "END", "LANE", "ASKED", "CLASS", "STARTS"])
  }

  private func wait(_ story: RequestStory) -> String {
    story.wait.map { Amounts.seconds($0.ns) } ?? "-"
  }

  private func groupLines(_ page: Page) -> [String] {
    let totals = answer.totals
    let rows = answer.groups.map { group in
      row(
        names.text(group.tenant), group.serviceClass?.word ?? "-", group.before, group.after)
    }
    return page.table(
      header: [
        "TENANT", "CLASS", "REQUESTS", "GRANTED", "REFUSED", "WAITING", "WAIT p50", "p95",
        "GPU·s",
      ], rows: rows + [row("all", "", totals.before, totals.after)],
      optional: ["REQUESTS", "WAITING"])
  }

  private func row(
    _ tenant: String, _ serviceClass: String, _ was: WhatIfTotals, _ now: WhatIfTotals
  ) -> [String] {
    func wait(_ totals: WhatIfTotals, _ milli: Int) -> String {
      totals.wait(milli).map { Amounts.seconds($0.ns) } ?? "-"
    }
    return [
      tenant, serviceClass, change("\(was.requests)", "\(now.requests)"),
      change("\(was.granted)", "\(now.granted)"), change("\(was.refused)", "\(now.refused)"),
      change("\(was.waiting)", "\(now.waiting)"), change(wait(was, 500), wait(now, 500)),
      change(wait(was, 950), wait(now, 950)),
      change(Amounts.text(was.credits, digits: 6), Amounts.text(now.credits, digits: 6)),
    ]
  }

  /// `3 of 17 requests change; …`.
  private var footer: String {
    let changes = answer.changes
    let guessed = changes.filter { answer.assumed[$0.request] }.count
    let span = Amounts.seconds((answer.horizon - answer.start).ns)
    var text = "\(changes.count) of \(answer.before.count) requests change"
    if guessed > 0 {
      text +=
        ", of which \(guessed) (marked ~) run in the other run for as long as their estimate"
        + " says, since the journal does not show how long they take"
    }
    return text + "; \(answer.records) records over \(span) s of pool time"
  }
}

extension String {
  /// A word of the wire as people write it.
  fileprivate var spacedOut: String { String(map { $0 == "_" ? " " : $0 }) }
}
