import PoolAllocator
import PoolConsole
import PoolSimulator
import PoolWire

/// `pool-sim mutants`.
enum MutantsCommand {
  static let form = CommandLineForm(
    name: "mutants",
    usage: "pool-sim mutants [--seeds N] [--steps N] [--only NAME …] [--jobs N] [--json]",
    summary: "plant one mistake after the other, and see that a check finds each",
    flags: [
      Flag(
        name: "--seeds", values: .one("a number"),
        summary: "lives that each mistake may survive at most, by default 2,000"),
      Flag(
        name: "--steps", values: .one("a number"),
        summary: "steps of a life, by default \(Simulated.usualSteps)"),
      Flag(
        name: "--only", values: .many("name"), summary: "these mistakes alone, not all of them"),
      Flag(
        name: "--jobs", values: .one("a number"), summary: "processes at once, by default 2"),
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Forms.help,
    ],
    details: """
      A build has mistakes only if it was made for them: make mutants. Each is one line of the
      production code that breaks one rule, and names the bug of another system that it stands for.
      Seeds 0, 1, 2, … are lived in processes of their own until a check, an invariant of the code
      itself, or the watchdog of a life that does not end finds it. The first lives are lived twice,
      to see that equal seeds give equal lives. A seed that finds something without any mistake
      proves nothing: it is named and left out.

      Exit codes: 0 every mistake was found · 1 one survived, or a seed was left out · 2 usage, or a
      build without mistakes.
      """)

  /// What the flags say.
  struct Settings {
    var seeds: UInt64
    var steps: Int
    var jobs: Int
  }

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    #if PLANTED_BUGS
      let settings = Settings(
        seeds: UInt64(try number("--seeds", arguments, 2_000)),
        steps: try number("--steps", arguments, Simulated.usualSteps),
        jobs: try number("--jobs", arguments, 2))
      var hunt = try MutantHunt(settings: settings)
      let results = hunt.hunt(try facts(arguments.all("--only")))
      let report = MutantsReport(results: results, seeds: settings.seeds, unsound: hunt.unsound)
      Console.print(arguments.has("--json") ? report.json : report.text(width: Terminal.width()))
      return report.survivors.isEmpty && report.unsound.isEmpty ? 0 : 1
    #else
      throw UsageError(
        message: "this build has no mistakes in it; make mutants makes one that has, by swift build"
          + " -c release --scratch-path .build-mutants -Xswiftc -DPLANTED_BUGS --product pool-sim")
    #endif
  }

  #if PLANTED_BUGS
    private static func number(
      _ flag: String, _ arguments: Arguments, _ usual: Int
    ) throws(UsageError) -> Int {
      guard let text = arguments.one(flag) else { return usual }
      guard let number = Int(text), (1...1_000_000).contains(number) else {
        throw UsageError(message: "\(flag) is a number from 1 to 1,000,000, not \(quoted(text))")
      }
      return number
    }

    private static func facts(_ names: [String]) throws(UsageError) -> [PlantedBug.Fact] {
      if names.isEmpty { return PlantedBug.facts }
      let known = PlantedBug.facts.map(\.bug.rawValue)
      for name in names where !known.contains(name) {
        let hint = NearestName.hint(name, among: known, called: "mistake")
        throw UsageError(message: "there is no mistake \(quoted(name)); \(hint)")
      }
      return PlantedBug.facts.filter { names.contains($0.bug.rawValue) }
    }
  #endif
}
