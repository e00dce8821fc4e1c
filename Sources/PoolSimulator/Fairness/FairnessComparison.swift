import PoolAllocator

/// A mix under the production allocator and, beside it, under those that it is compared with.
public struct FairnessComparison: Sendable {
  /// The mix.
  public let mix: FairnessMix
  /// What happened: ours first, then without lending, then the references.
  public let records: [FairnessRecord]
  /// The scores, in the same order.
  public let scores: [FairnessScore]
  /// Whether ours kept its promises.
  public let verdict: FairnessVerdict

  /// Runs and scores a mix.
  /// - Parameter progress: called before each scheduler, with its name.
  public init(_ mix: FairnessMix, progress: (String) -> Void = { _ in }) {
    self.mix = mix
    progress("ours")
    var records = [mix.run()]
    if mix.guarantee != nil {
      progress("no lending")
      records.append(mix.run(lends: false))
    }
    let rules: [ReferenceScheduler.Rule] = [
      .firstComeFirstServed, .greedySkip, .staticAgeing(step: mix.ageingStep),
    ]
    for rule in rules {
      progress(rule.name)
      records.append(
        ReferenceScheduler.run(
          mix.jobs, nodes: mix.nodes, gpusPerNode: mix.gpusPerNode, rule: rule))
    }
    let alone = mix.finishesAlone()
    let scores = records.map { FairnessScore($0, of: mix, alone: alone) }
    self.records = records
    self.scores = scores
    verdict = FairnessVerdict(scores[0], beside: scores[scores.count - 2], on: mix)
  }
}
