internal import PoolSimulator
internal import PoolWire

/// A file that holds a journal in the record form.
enum RecordedJournal {
  /// Largest journal. Unit: bytes.
  static let bytesMax = 1 << 30

  /// Reads a whole journal; `-` is standard input.
  static func read(_ file: String) throws(SourceErrors) -> [UInt8] {
    let bytes = try SourceFiles.read(file, upTo: bytesMax)
    guard bytes.count <= bytesMax else {
      throw errors(
        file, "the file is larger than \(bytesMax >> 20) MiB", hint: "export a shorter journal")
    }
    return bytes
  }

  /// Reads what a journal asked of the buckets of a policy.
  static func demand(
    _ file: String, _ source: PolicySource, progress: (Int) -> Void
  ) throws(SourceErrors) -> RecordedDemand {
    let bytes = try read(file)
    do throws(WhatIfProblem) {
      return try RecordedDemand(bytes, source.document.policy, progress: progress)
    } catch {
      throw errors(error, file, policy: source, source.document.names)
    }
  }

  /// What is wrong with a journal, or with a policy that its pool refuses.
  static func errors(
    _ problem: WhatIfProblem, _ file: String, policy: PolicySource, _ names: NameTable
  ) -> SourceErrors {
    guard case .policyRefused(let refusal) = problem else {
      return errors(file, "the journal: \(problem)")
    }
    let why = refusal.reasons.map { ReasonText($0, in: refusal.pool, names: names).sentence }
    return SourceErrors([
      SourceError(
        policy.tree.place, "the pool that recorded \(file) refuses the policy",
        hint: why.joined(separator: "; "))
    ])
  }

  private static func errors(
    _ file: String, _ problem: String, hint: String = ""
  ) -> SourceErrors {
    SourceErrors([SourceError(SourcePlace(file: file, line: 1, column: 1), problem, hint: hint)])
  }
}
