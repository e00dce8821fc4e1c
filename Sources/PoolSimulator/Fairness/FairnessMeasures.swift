public import PoolAllocator

/// Figures of fairness, in integers: thousandths, nanoseconds.
public enum FairnessMeasures {
  /// The value that at most so many thousandths of the values lie below or at: nearest rank, that
  /// of position ⌈n × thousandths / 1,000⌉ in ascending order; nil of nothing.
  /// - Parameter sorted: the values, ascending.
  public static func percentile<Value>(_ sorted: [Value], thousandths: Int) -> Value? {
    guard !sorted.isEmpty else { return nil }
    let rank = (sorted.count * thousandths + 999) / 1000
    return sorted[min(max(rank, 1), sorted.count) - 1]
  }

  /// Jain's index of fairness, (Σx)² / (n Σx²): 1,000 thousandths where all have the same, 1,000/n
  /// where one has everything. Jain, Chiu, Hawe, "A Quantitative Measure of Fairness and
  /// Discrimination for Resource Allocation in Shared Computer Systems", DEC-TR-301, 1984.
  /// - Parameter values: what each has of what it is entitled to, not negative, below 2⁴⁰.
  /// - Returns: thousandths, rounded down; nil of nothing or of zeros.
  public static func jainMilli(_ values: [Int64]) -> Int64? {
    var sum: Int128 = 0
    var squares: Int128 = 0
    for value in values {
      sum += Int128(value)
      squares += Int128(value) * Int128(value)
    }
    guard squares > 0 else { return nil }
    return Int64(sum * sum * 1000 / (Int128(values.count) * squares))
  }

  /// Finish-time fairness ρ of one tenant: the time from arrival to the end of its jobs, added up,
  /// beside the same in a private cluster of what it is entitled to. Below 1,000 thousandths
  /// sharing serves it better than owning. After Mahajan et al., "Themis: Fair and Efficient GPU
  /// Cluster Scheduling", NSDI 2020, who take one job at a time; sums keep short jobs from
  /// deciding.
  /// - Returns: thousandths, rounded down; nil where it has no job that was done in both.
  public static func finishTimeMilli(
    _ pairs: [(shared: Span, alone: Span)]
  ) -> Int64? {
    var shared: Int128 = 0
    var alone: Int128 = 0
    for pair in pairs {
      shared += Int128(pair.shared.ns)
      alone += Int128(pair.alone.ns)
    }
    return alone > 0 ? Int64(clamping: shared * 1000 / alone) : nil
  }

  /// Where the GPU-time of a pool went, in thousandths of all there was.
  public struct Usage: Sendable, Hashable {
    /// On work that was not lost.
    public var useful: Int64 = 0
    /// On work that was lost, because it was stopped before it was saved.
    public var lost: Int64 = 0
    /// On leases that were told to stop and had not left.
    public var leaving: Int64 = 0

    /// Utilisation: what leases held, as the reference simulations count it, less lost work, so
    /// that nobody looks busy by stopping others.
    public var utilisation: Int64 { useful + leaving }
  }

  /// Where the GPU-time went up to a moment.
  public static func usage(
    _ stints: [FairnessRecord.Stint], gpus: Int, until end: Instant
  ) -> Usage {
    var (busy, lost, leaving): (Int128, Int128, Int128) = (0, 0, 0)
    for stint in stints where stint.from < end {
      let (to, left) = (min(stint.to, end), min(stint.left, end))
      busy += Int128((to - stint.from).ns) * Int128(stint.gpus)
      leaving += Int128((left - to).ns) * Int128(stint.gpus)
      // What is lost is lost at the end of a stint.
      if stint.to <= end { lost += Int128(stint.lost.ns) * Int128(stint.gpus) }
    }
    let all = Int128(gpus) * Int128(end.ns)
    guard all > 0 else { return Usage() }
    return Usage(
      useful: Int64((busy - lost) * 1000 / all), lost: Int64(lost * 1000 / all),
      leaving: Int64(leaving * 1000 / all))
  }
}
