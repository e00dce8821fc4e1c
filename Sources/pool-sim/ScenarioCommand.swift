import PoolConsole
import PoolSimulator

/// `pool-sim scenario`.
enum ScenarioCommand {
  static let form = CommandLineForm(
    name: "scenario", usage: "pool-sim scenario FILE … [--seed S] [--json]",
    summary: "run stated workloads and faults, and compare what comes of them with what must",
    flags: [
      Flag(
        name: "--seed", values: .one("a number"),
        summary: "of arrivals, runtimes, messages and clocks (default 1)"),
      Flag(name: "--json", values: .none, summary: "print one JSON line"),
      Forms.help,
    ],
    details: """
      A file is a document of kind scenario; a folder stands for all of them in it. Cluster,
      policy, work, faults and verdict are stated in it; docs/SCENARIOS.md explains every field.
      The production allocator, loop, journal and agents take part under all checks of the
      simulator.

      Exit codes: 0 all hold · 2 usage, or a document in error · 20 something that must always
      hold did not · 21 something did not end · 24 an assertion fails.
      """,
    operands: "files")

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard !arguments.operands.isEmpty else {
      throw UsageError(message: "scenario needs a file or a folder")
    }
    let seed = try self.seed(arguments)
    var documents: [(file: String, document: ScenarioDocument)] = []
    // Every document is read before the first one runs.
    for file in try ScenarioFiles.named(arguments.operands) {
      documents.append((file, try ScenarioDocument(file: file)))
    }
    var outcomes: [ScenarioOutcome] = []
    for (file, document) in documents {
      let outcome = document.scenario.run(seed: seed, tells: true)
      outcomes.append(outcome)
      if !arguments.has("--json") {
        Console.print(ScenarioReport.text(outcome, width: Terminal.width()))
      }
      if outcome.violation != nil {
        Console.note(outcome.story.map { "  \($0)\n" }.joined())
        Console.note("again: pool-sim scenario \(Terminal.plain(file)) --seed \(seed)\n")
      }
    }
    let report = ScenarioReport(outcomes: outcomes)
    if arguments.has("--json") { Console.print(report.json) }
    return report.code
  }

  private static func seed(_ arguments: Arguments) throws(UsageError) -> UInt64 {
    guard let word = arguments.one("--seed") else { return 1 }
    guard let seed = UInt64(word) else {
      throw UsageError(
        message: "--seed: \(quoted(word)) is no seed; write a number from 0 to \(UInt64.max)")
    }
    return seed
  }
}
