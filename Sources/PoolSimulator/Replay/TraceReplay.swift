/// A trace of jobs with an end, through the production allocator alone: who waited how long, and
/// who was served what.
public struct TraceReplay: Sendable {
  /// The jobs, their tenants and the pool.
  public let mix: FairnessMix
  /// How it went.
  public let score: FairnessScore

  /// Runs a mix until all is done.
  public init(_ mix: FairnessMix) {
    self.mix = mix
    score = FairnessScore(mix.run(), of: mix, alone: mix.finishesAlone())
  }

  /// Tables with their titles.
  public var tables: [(title: String, table: FairnessTable)] {
    [
      (
        "WAITS in seconds, beside what each job was told",
        FairnessTables.waits(score, of: mix)
      ),
      (
        "SERVICE up to the arrival of nine tenths of the jobs; share of entitlement while waiting",
        FairnessTables.service(score, of: mix)
      ),
    ]
  }

  /// Figures of all tenants together, a sentence each.
  public var summary: [String] {
    let work = score.tenants.reduce(Int128(0)) { $0 + $1.work }
    let seconds = FairnessText.grouped(Int64(clamping: work / 1_000_000_000))
    return [
      "utilisation \(FairnessText.percent(score.usage.utilisation)), \(seconds) GPU-seconds served",
      "Jain's index over shares of entitlement: "
        + (score.jainMilli.map(FairnessText.ratio) ?? "- (too few tenants waited for long)"),
    ]
  }
}
