import PoolConsole
import PoolSimulator
import PoolWire

/// `pool-sim run`: one seed.
enum RunCommand {
  static let form = CommandLineForm(
    name: "run",
    usage: "pool-sim run --seed S [--steps N] [--without FAULT ...] [--shrink] [--build-info]",
    summary: "live one seed's life of a whole cluster and check everything that must hold",
    flags: [
      Flag(name: "--seed", values: .one("a number"), summary: "which life; a number from 0 on"),
      Flag(
        name: "--steps", values: .one("a number"),
        summary: "steps before the faults stop; \(Simulated.usualSteps) where nothing is said"),
      Flag(
        name: "--without", values: .many("kind of fault"),
        summary: "kinds of faults to leave out: \(Simulated.faultNames.joined(separator: " "))"),
      Flag(
        name: "--shrink", values: .none,
        summary: "where something does not hold, look for a shorter life that shows it"),
      Flag(
        name: "--build-info", values: .none, summary: "print version and build, live nothing"),
      Forms.help,
    ],
    details: """
      A step is one command that was applied, made durable, folded and checked, or one happening of
      the world: a packet that arrives, a turn of an agent, a leader or a caller, a fault. After the
      steps the faults stop, and everything has to come to its end.

      The last line of output is one JSON object; the same seed gives the same bytes but for
      steps_per_second. Exit code: 0 all held, 20 something that must always hold did not, 21
      something that has to come about did not, 22 the program crashed, 2 the command line is wrong.
      """)

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    if arguments.has("--build-info") {
      Console.print("{\"version\":\"\(Forms.program.version)\",\"build\":\"\(build)\"}\n")
      return 0
    }
    guard let text = arguments.one("--seed") else {
      throw UsageError(message: "run needs --seed, as in: pool-sim run --seed 1")
    }
    let seed = try Numbers.seed(text, "--seed")
    let steps = try Numbers.steps(arguments)
    let without = try faults(arguments.all("--without"))
    CrashReport.install(seed: seed, steps: steps)
    let before = Console.monotonicNanoseconds()
    let outcome = Simulated(seed: seed, steps: steps, without: without).run()
    let spent = max(1, Console.monotonicNanoseconds() - before)
    if outcome.violation != nil {
      // The same life again, this time with its happenings in words.
      let told = Simulated(seed: seed, steps: steps, without: without, tells: true).run()
      Console.note(SeedReport.story(told, asked: steps, without: without))
      if arguments.has("--shrink") { tellShrunk(seed, steps) }
    }
    let perSecond = Int64(outcome.steps) * 1_000_000_000 / spent
    Console.print(SeedReport.line(outcome, asked: steps, perSecond: perSecond) + "\n")
    return SeedReport.code(outcome)
  }

  private static func faults(_ names: [String]) throws(UsageError) -> [String] {
    for name in names where !Simulated.faultNames.contains(name) {
      let hint = NearestName.hint(name, among: Simulated.faultNames, called: "kind of fault")
      throw UsageError(message: "--without: unknown kind of fault \(quoted(name)); \(hint)")
    }
    return names
  }

  private static func tellShrunk(_ seed: UInt64, _ steps: Int) {
    guard let shrunk = Simulated.shrink(seed: seed, steps: steps) else { return }
    let line = SeedReport.again(seed, shrunk.steps, without: shrunk.without)
    Console.note("shrunk in \(shrunk.tries) lives: \(shrunk.violation)\n  \(line)\n")
  }

  private static var build: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }
}

/// Numbers of the command line.
enum Numbers {
  static func seed(_ text: String, _ flag: String) throws(UsageError) -> UInt64 {
    guard let number = Int64(text), number >= 0 else {
      throw UsageError(
        message: "\(flag): \(quoted(text)) is no seed; give a number from 0 to \(Int64.max)")
    }
    return UInt64(number)
  }

  static func jobs(_ arguments: Arguments) throws(UsageError) -> Int {
    guard let text = arguments.one("--jobs") else { return 1 }
    guard let number = Int(text), (1...256).contains(number) else {
      throw UsageError(message: "--jobs: \(quoted(text)) is no number of processes; give 1 to 256")
    }
    return number
  }

  static func seconds(_ arguments: Arguments) throws(UsageError) -> Int64? {
    guard let text = arguments.one("--seconds") else { return nil }
    guard let number = Int64(text), (1...1_000_000).contains(number) else {
      throw UsageError(
        message: "--seconds: \(quoted(text)) is no time; give 1 to 1000000 seconds")
    }
    return number
  }

  static func steps(_ arguments: Arguments) throws(UsageError) -> Int {
    guard let text = arguments.one("--steps") else { return Simulated.usualSteps }
    guard let number = Int(text), (1...1_000_000_000).contains(number) else {
      throw UsageError(
        message: "--steps: \(quoted(text)) is no number of steps; give 1 to 1000000000")
    }
    return number
  }
}
