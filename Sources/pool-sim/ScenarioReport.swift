import PoolConsole
import PoolSimulator
import PoolWire
import StrictJSON

/// Outcomes of scenarios as text and as JSON.
struct ScenarioReport {
  let outcomes: [ScenarioOutcome]

  /// 0: all hold; 20, 21: something was violated, or did not end; 24: an assertion fails.
  var code: Int32 { outcomes.map(Self.code).filter { $0 > 0 }.min() ?? 0 }

  private static func code(_ outcome: ScenarioOutcome) -> Int32 {
    guard let violation = outcome.violation else { return outcome.holds ? 0 : 24 }
    return violation.invariant == "liveness" ? 21 : 20
  }

  static func text(_ outcome: ScenarioOutcome, width: Int?) -> String {
    let page = Page(width: width)
    let held = outcome.lines.filter(\.holds).count
    let seconds = outcome.simulated / 1_000_000_000
    var lines = [
      "\(outcome.name): "
        + (outcome.violation == nil
          ? "\(held) of \(outcome.lines.count) assertions hold" : "violated")
        + ", \(outcome.claims) claims, \(outcome.steps) steps, \(seconds) s, seed \(outcome.seed)"
    ]
    if let violation = outcome.violation {
      lines += page.prose("\(violation)")
    } else {
      lines += page.table(
        header: ["", "assertion", "figure", "limit", "measure"],
        rows: outcome.lines.map(row), optional: ["measure"])
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func row(_ line: ScenarioOutcome.Line) -> [String] {
    [
      line.holds ? "holds" : "FAILS", line.name,
      (line.figure.map(number) ?? "nothing") + ends(line).map { " (\($0))" }.joined(),
      (line.side == .atMost ? "≤ " : "≥ ") + number(line.limit), line.measure.word,
    ]
  }

  /// How claims ended that were lost; at most one text.
  private static func ends(_ line: ScenarioOutcome.Line) -> [String] {
    let words = line.ends.map { "\($0.count) \($0.end.map { "\($0)" } ?? "still there")" }
    return words.isEmpty ? [] : [words.joined(separator: ", ")]
  }

  private static func number(_ milli: Int64) -> String { Amounts.text(milli, digits: 3) }

  var json: String {
    var writer = JSONWriter()
    writer.object { root in
      root.array("scenarios") { list in
        for outcome in outcomes { list.object { Self.write(outcome, &$0) } }
      }
      root.int64("exit_code", Int64(code))
    }
    return writer.text + "\n"
  }

  private static func write(_ outcome: ScenarioOutcome, _ object: inout JSONWriter) {
    object.string("name", outcome.name)
    object.string("seed", String(outcome.seed))
    object.bool("holds", outcome.holds)
    object.int64("claims", Int64(outcome.claims))
    object.int64("steps", Int64(outcome.steps))
    object.milli("simulated_seconds", outcome.simulated / 1_000_000)
    object.array("assertions") { list in
      for line in outcome.lines {
        list.object { entry in
          entry.string("name", line.name)
          entry.string("measure", line.measure.word)
          if let figure = line.figure {
            entry.milli("figure", figure)
          } else {
            entry.null("figure")
          }
          entry.milli(line.side == .atMost ? "at_most" : "at_least", line.limit)
          entry.bool("holds", line.holds)
          if let ends = ends(line).first { entry.string("ends", ends) }
        }
      }
    }
    if let violation = outcome.violation {
      object.string("violation", "\(violation)")
    } else {
      object.null("violation")
    }
    object.string("unseed", String(outcome.unseed, radix: 16))
  }
}
