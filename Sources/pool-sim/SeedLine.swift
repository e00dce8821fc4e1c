import PoolSimulator

/// What one process of a hunt tells another of one seed, as a line of fields.
struct SeedLine {
  var seed: UInt64
  var steps: Int
  /// Unit: nanoseconds.
  var simulated: Int64
  var digests: Int
  var unseed: UInt64
  /// Name of the invariant, and what was found; empty: nothing.
  var invariant = ""
  var what = ""
  /// In the order of `Simulated.Outcome.coverage`.
  var counts: [UInt64]

  init(_ outcome: Simulated.Outcome) {
    seed = outcome.seed
    steps = outcome.steps
    simulated = outcome.simulated
    digests = outcome.digests
    unseed = outcome.unseed
    counts = outcome.coverage.map(\.count)
    if let violation = outcome.violation {
      invariant = violation.invariant
      what = violation.what
    }
  }

  /// Reads a line; nil where it is none.
  init?(_ text: String) {
    let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
    guard fields.count == 8, let seed = UInt64(fields[0]), let steps = Int(fields[1]),
      let simulated = Int64(fields[2]), let digests = Int(fields[3]), let unseed = UInt64(fields[4])
    else { return nil }
    (self.seed, self.steps, self.simulated) = (seed, steps, simulated)
    (self.digests, self.unseed) = (digests, unseed)
    (invariant, what) = (String(fields[5]), String(fields[6]))
    counts = fields[7].split(separator: ",").compactMap { UInt64($0) }
  }

  /// The line without its end.
  var text: String {
    let plain = what.map { $0 == "\t" || $0 == "\n" ? " " : $0 }
    let numbers = counts.map { String($0) }.joined(separator: ",")
    return [
      "\(seed)", "\(steps)", "\(simulated)", "\(digests)", "\(unseed)", invariant,
      String(plain), numbers,
    ].joined(separator: "\t")
  }
}
