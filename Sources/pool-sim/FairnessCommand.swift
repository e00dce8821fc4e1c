import PoolConsole
import PoolSimulator
import PoolWire

/// `pool-sim fairness`: tenants with mixed priorities on one pool, ours beside plain schedulers.
enum FairnessCommand {
  /// Exit code where a promise was not kept.
  static let unkept: Int32 = 23

  static let form = CommandLineForm(
    name: "fairness",
    usage: "pool-sim fairness [--mix NAME …] [--trace FILE] [--seed S] [--report FILE] [--json]",
    summary: "score fairness on mixes of tenants, beside FIFO, greedy skip and static ageing",
    flags: [
      Flag(
        name: "--mix", values: .many("mix"),
        summary: "run these mixes: \(FairnessMix.names.joined(separator: ", ")); default all"),
      Flag(name: "--trace", values: .one("a file"), summary: "run a trace (CSV) as a mix too"),
      Flag(name: "--nodes", values: .one("a number"), summary: "nodes of 8 GPUs for the trace"),
      Flag(name: "--seed", values: .one("a number"), summary: "seed of the mixes; default 1"),
      Flag(name: "--report", values: .one("a file"), summary: "write an HTML page with plots"),
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Forms.help,
    ],
    details: """
      Every mix states its promises; the verdict holds the production allocator against them:
      no wait beyond what was told, shares within 5 % of entitlement, what is lent back within R,
      batch done during a peak, P0 within its stated seconds, utilisation at most 2 points below
      greedy skip. Exit code 0: all held; 23: one did not; 2: wrong usage.

      A trace has the columns vc, job, submit_s, gpus, duration_s; each vc is a tenant of equal
      weight. Without --mix a trace runs alone.
      """)

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let seed = try number(arguments, "--seed", in: 0...UInt64.max) ?? 1
    let mixes = try mixes(arguments, seed: seed)
    // Before hours of work: a report that cannot be written is told at once.
    let report = try arguments.one("--report").map(OutputFile.init)
    Console.endOnInterrupt()
    var comparisons: [FairnessComparison] = []
    let isShown = !arguments.has("--json")
    for mix in mixes {
      let comparison = FairnessComparison(mix) { scheduler in
        ProgressLine.show("\(mix.name): \(scheduler) …")
      }
      ProgressLine.clear()
      if isShown { FairnessPage.print(comparison, seed: seed) }
      comparisons.append(comparison)
    }
    if !isShown { Console.print(FairnessJSON.text(comparisons, seed: seed)) }
    report?.write(FairnessReport(comparisons, seed: seed).html)
    let isKept = comparisons.allSatisfy(\.verdict.holds)
    if isShown { FairnessPage.printEnd(comparisons) }
    return isKept ? 0 : unkept
  }

  private static func mixes(
    _ arguments: Arguments, seed: UInt64
  ) throws(UsageError) -> [FairnessMix] {
    var names = arguments.all("--mix")
    if names.isEmpty, !arguments.has("--trace") { names = FairnessMix.names }
    var mixes: [FairnessMix] = []
    for name in names {
      guard let mix = FairnessMix.named(name, seed: seed) else {
        let hint = NearestName.hint(name, among: FairnessMix.names, called: "mix")
        throw UsageError(message: "--mix: there is no mix \(quoted(name)); \(hint)")
      }
      mixes.append(mix)
    }
    if let path = arguments.one("--trace") {
      let nodes = try number(arguments, "--nodes", in: 1...1_000)
      mixes.append(try trace(path, nodes: nodes.map { Int($0) }))
    } else if arguments.has("--nodes") {
      throw UsageError(message: "--nodes sizes the pool of a trace; give --trace FILE too")
    }
    return mixes
  }

  private static func trace(_ path: String, nodes: Int?) throws(UsageError) -> FairnessMix {
    let bytes: [UInt8]
    do {
      bytes = try Console.read(path)
    } catch {
      throw UsageError(message: error.message)
    }
    do {
      return try FairnessTrace(bytes).mix(nodes: nodes)
    } catch {
      throw UsageError(
        message: "\(Terminal.plain(path)):\(error.line): \(Terminal.plain(error.message))")
    }
  }

  /// The number that a flag gives; nil where it is not there.
  static func number(
    _ arguments: Arguments, _ flag: String, in range: ClosedRange<UInt64>
  ) throws(UsageError) -> UInt64? {
    guard let text = arguments.one(flag) else { return nil }
    guard let value = UInt64(text), range.contains(value) else {
      throw UsageError(
        message: "\(flag): \(quoted(text)) is no whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
    }
    return value
  }
}
