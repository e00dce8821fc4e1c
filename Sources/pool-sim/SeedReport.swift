import PoolConsole
import PoolSimulator
import StrictJSON

/// The line of one seed, and what a person is told of a violation.
enum SeedReport {
  /// The exit codes of `run` and `hunt`.
  enum Code {
    static let safety: Int32 = 20
    static let liveness: Int32 = 21
    static let crash: Int32 = 22
    static let missed: Int32 = 23
  }

  /// The exit code of an outcome.
  static func code(_ outcome: Simulated.Outcome) -> Int32 {
    guard let violation = outcome.violation else { return 0 }
    return violation.invariant == "liveness" ? Code.liveness : Code.safety
  }

  /// The command line that lives a seed again.
  static func again(_ seed: UInt64, _ steps: Int, without: [String] = []) -> String {
    let rest = without.isEmpty ? "" : " --without " + without.joined(separator: " ")
    return "pool-sim run --seed \(seed) --steps \(steps)\(rest)"
  }

  /// The JSON line of one seed. All but `steps_per_second` is the same for the same seed.
  static func line(_ outcome: Simulated.Outcome, asked: Int, perSecond: Int64) -> String {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("seed", Int64(clamping: outcome.seed))
      writer.int64("steps", Int64(outcome.steps))
      writer.int64("simulated_seconds", outcome.simulated / 1_000_000_000)
      writer.int64("digests", Int64(outcome.digests))
      writer.key("coverage")
      put(outcome.coverage, into: &writer)
      writer.array("violations") { writer in
        guard let violation = outcome.violation else { return }
        writer.object { writer in
          writer.string("invariant", violation.invariant)
          writer.string("what", violation.what)
          writer.string("again", again(outcome.seed, asked))
        }
      }
      writer.string("unseed", String(outcome.unseed, radix: 16))
      writer.int64("steps_per_second", perSecond)
    }
    return writer.text
  }

  /// How many names of each group were met of how many, and what the world went through.
  static func put(_ coverage: [Coverage.Entry], into writer: inout JSONWriter) {
    var groups: [(name: String, met: Int, of: Int)] = []
    for entry in coverage {
      let group = String(entry.name.prefix { $0 != "." })
      if groups.last?.name != group { groups.append((group, 0, 0)) }
      groups[groups.count - 1].of += 1
      if entry.count > 0 { groups[groups.count - 1].met += 1 }
    }
    writer.object { writer in
      for group in groups { writer.string(group.name, "\(group.met)/\(group.of)") }
      writer.object("happened") { writer in
        for entry in coverage where entry.name.hasPrefix("world.") && entry.count > 0 {
          writer.int64(String(entry.name.dropFirst(6)), Int64(entry.count))
        }
      }
    }
  }

  /// What a person reads of a violation.
  static func story(
    _ outcome: Simulated.Outcome, asked: Int, without: [String]
  ) -> String {
    guard let violation = outcome.violation else { return "" }
    let seconds = outcome.simulated / 1_000_000_000
    let happenings = outcome.story.map { "  " + $0 + "\n" }.joined()
    return """
      \(violation.invariant) does not hold at step \(outcome.steps), after \(seconds) s: \
      \(violation.what)
      what happened last:
      \(happenings)again: \(again(outcome.seed, asked, without: without))

      """
  }
}
