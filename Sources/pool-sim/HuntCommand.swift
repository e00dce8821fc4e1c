import PoolConsole
import PoolSimulator
import StrictJSON

/// `pool-sim hunt`: many seeds.
enum HuntCommand {
  static let form = CommandLineForm(
    name: "hunt", usage: "pool-sim hunt --from A --to B [--steps N] [--jobs J] [--seconds S]",
    summary: "live many seeds; fails where something does not hold or was never met",
    flags: [
      Flag(name: "--from", values: .one("a number"), summary: "the first seed"),
      Flag(name: "--to", values: .one("a number"), summary: "the seed after the last"),
      Flag(
        name: "--steps", values: .one("a number"),
        summary: "steps of each before the faults stop; \(Simulated.usualSteps) unless said"),
      Flag(name: "--jobs", values: .one("a number"), summary: "processes at once; 1 unless said"),
      Flag(
        name: "--seconds", values: .one("a number"),
        summary: "begin no further seeds after so long; the last line names those that were lived"),
      Flag(name: "--worker", values: .none, summary: "be one of the processes of a hunt"),
      Flag(
        name: "--any-coverage", values: .none,
        summary: "do not fail for what was never met: a few seeds meet little"),
      Forms.help,
    ],
    details: """
      The last line of output is one JSON object that sums up all seeds. Every seed in which
      something did not hold is told on standard error with the line that lives it again. A bar
      shows how far it is where standard error is a terminal.

      Exit code: 0 all held and everything was met, 20 something that must always hold did not, 21
      something that has to come about did not, 22 a seed crashed the program, 23 something was
      never met (a reason, a step of a state machine, a fault), 2 the command line is wrong.
      """)

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let from = arguments.one("--from"), let to = arguments.one("--to") else {
      throw UsageError(
        message: "hunt needs --from and --to, as in: pool-sim hunt --from 0 --to 1000")
    }
    let seeds = (try Numbers.seed(from, "--from"), try Numbers.seed(to, "--to"))
    guard seeds.0 < seeds.1 else {
      throw UsageError(message: "--to \(seeds.1) must be greater than --from \(seeds.0)")
    }
    let steps = try Numbers.steps(arguments)
    if arguments.has("--worker") { return work(seeds.0..<seeds.1, steps) }
    let jobs = try Numbers.jobs(arguments)
    let seconds = try Numbers.seconds(arguments)
    var hunt = Hunt(
      seeds: seeds.0..<seeds.1, steps: steps, jobs: jobs, lasts: seconds.map { $0 * 1_000_000_000 })
    let before = Console.monotonicNanoseconds()
    hunt.run()
    let spent = max(1, Console.monotonicNanoseconds() - before)
    Console.print(hunt.sum.line(seeds.0..<hunt.nextSeed, spent: spent) + "\n")
    return hunt.sum.code(needsAll: !arguments.has("--any-coverage"))
  }

  /// One process of several: a line for each seed.
  private static func work(_ seeds: Range<UInt64>, _ steps: Int) -> Int32 {
    for seed in seeds {
      CrashReport.install(seed: seed, steps: steps)
      let outcome = Simulated(seed: seed, steps: steps).run()
      Console.print(SeedLine(outcome).text + "\n")
    }
    return 0
  }
}
