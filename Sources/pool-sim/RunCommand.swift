import PoolConsole
import PoolSimulator

/// `pool-sim run`: one seed.
enum RunCommand {
  static let form = CommandLineForm(
    name: "run", usage: "pool-sim run --seed S [--steps N] [--build-info]",
    summary: "live one seed's life of a whole cluster and check everything that must hold",
    flags: [
      Flag(name: "--seed", values: .one("a number"), summary: "which life"),
      Flag(name: "--steps", values: .one("a number"), summary: "steps before the quiet time"),
      Flag(name: "--build-info", values: .none, summary: "print version and build, live nothing"),
      Forms.help,
    ],
    details: "x")

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let seed = UInt64(arguments.one("--seed") ?? "1") ?? 1
    let steps = Int(arguments.one("--steps") ?? "4000") ?? 4_000
    let before = Console.monotonicNanoseconds()
    let outcome = Simulated(seed: seed, steps: steps, tells: true).run()
    let spent = max(1, Console.monotonicNanoseconds() - before)
    for line in outcome.story where outcome.violation != nil { Console.note(line + "\n") }
    Console.print(
      "\(outcome.seed) \(outcome.steps) \(outcome.simulated / 1_000_000_000) \(outcome.digests) "
        + "\(String(describing: outcome.violation)) \(outcome.unseed) "
        + "\(outcome.steps * 1_000_000 / Int(spent / 1_000))\n")
    return outcome.violation == nil ? 0 : 20
  }
}
