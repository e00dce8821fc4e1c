import PoolAllocator

/// One promise, what was seen of it, and whether it held.
public struct FairnessCheck: Sendable, Hashable {
  /// The promise.
  public enum Promise: String, Sendable, Hashable, CaseIterable {
    /// No claim starts later than it was told.
    case waits = "waits <= bound"
    /// Each tenant has its weight's share while it waits beside others.
    case shares = "share within 5 % of entitlement"
    /// What is lent comes back in time, and the owner starts in time.
    case reclaim = "reclaim <= R"
    /// Batch work is done while the peak lasts.
    case batch = "batch completes in the peak"
    /// P0 work within its share starts within the stated seconds.
    case urgent = "P0 p99 <= stated"
    /// Order costs no throughput.
    case utilisation = "utilisation near greedy skip"
  }

  /// The promise.
  public var promise: Promise
  /// What was seen.
  public var figure: String
  /// What was promised.
  public var limit: String
  /// Whether it held; nil where the mix does not ask.
  public var holds: Bool?
}

/// Whether a run of the production allocator kept its promises on a mix.
public struct FairnessVerdict: Sendable, Hashable {
  /// How far a share may be from the entitlement. Unit: thousandths.
  public static let shareMilli: Int64 = 50
  /// How far utilisation may be below that of greedy skip. Unit: thousandths of all GPU-time.
  public static let utilisationMilli: Int64 = 20

  /// One for each promise, in their order.
  public let checks: [FairnessCheck]

  /// Whether all that the mix asks held.
  public var holds: Bool { checks.allSatisfy { $0.holds ?? true } }

  /// Holds a score against what its mix promises.
  /// - Parameter greedy: the score of greedy skip on the same mix.
  public init(_ score: FairnessScore, beside greedy: FairnessScore, on mix: FairnessMix) {
    checks = [
      Self.waits(score), Self.shares(score), Self.reclaim(score, mix), Self.batch(score, mix),
      Self.urgent(score, mix), Self.utilisation(score, greedy),
    ]
  }

  private static func waits(_ score: FairnessScore) -> FairnessCheck {
    let classes = score.classes.compactMap { $0 }
    let told = classes.reduce(0) { $0 + $1.told }
    let late = classes.reduce(0) { $0 + $1.late }
    let used = classes.compactMap(\.usedMilli).max()
    return FairnessCheck(
      promise: .waits,
      figure: told == 0
        ? "no claim waited with a bound"
        : "\(late) of \(told) late; longest \(FairnessText.percent(used ?? 0)) of its bound",
      limit: "0 late", holds: told == 0 ? nil : late == 0)
  }

  private static func shares(_ score: FairnessScore) -> FairnessCheck {
    let shares = score.tenants.compactMap(\.shareMilli)
    let worst = shares.max { abs($0 - 1000) < abs($1 - 1000) }
    return FairnessCheck(
      promise: .shares,
      figure: worst.map {
        "furthest \(FairnessText.percent($0)), \(shares.count) tenants"
      } ?? "none waits beside others for long",
      limit: "95 % to 105 %", holds: worst.map { abs($0 - 1000) <= shareMilli })
  }

  private static func reclaim(_ score: FairnessScore, _ mix: FairnessMix) -> FairnessCheck {
    guard let guarantee = mix.guarantee, let covered = score.covered else {
      return FairnessCheck(
        promise: .reclaim, figure: "nothing is reserved", limit: "-", holds: nil)
    }
    let late = score.reclaims.count { $0 > guarantee.within }
    let longest = score.reclaims.last ?? .zero
    return FairnessCheck(
      promise: .reclaim,
      figure: "\(late) of \(score.reclaims.count) late, longest \(FairnessText.seconds(longest)) s;"
        + " owner waited \(FairnessText.seconds(covered.most)) s",
      limit: "\(FairnessText.seconds(guarantee.within)) s",
      holds: score.reclaims.isEmpty && covered.jobs == 0
        ? nil : late == 0 && covered.most <= guarantee.within)
  }

  private static func batch(_ score: FairnessScore, _ mix: FairnessMix) -> FairnessCheck {
    let (came, done) = score.batch
    return FairnessCheck(
      promise: .batch, figure: came == 0 ? "no peak" : "\(done) of \(came) P3 jobs done",
      limit: came == 0 ? "-" : "all that came in its first half",
      holds: came == 0 ? nil : done == came)
  }

  private static func urgent(_ score: FairnessScore, _ mix: FairnessMix) -> FairnessCheck {
    guard let stated = mix.urgentWait, let urgent = score.urgent, urgent.jobs > 0 else {
      return FairnessCheck(promise: .urgent, figure: "nothing is stated", limit: "-", holds: nil)
    }
    return FairnessCheck(
      promise: .urgent,
      figure: "\(FairnessText.seconds(urgent.p99)) s of \(urgent.jobs) jobs",
      limit: "\(FairnessText.seconds(stated)) s", holds: urgent.p99 <= stated)
  }

  private static func utilisation(
    _ score: FairnessScore, _ greedy: FairnessScore
  ) -> FairnessCheck {
    let least = greedy.usage.utilisation - utilisationMilli
    return FairnessCheck(
      promise: .utilisation,
      figure: "\(FairnessText.percent(score.usage.utilisation)), of it "
        + "\(FairnessText.percent(score.usage.leaving)) leaving; lost "
        + "\(FairnessText.percent(score.usage.lost))",
      limit: "\(FairnessText.percent(greedy.usage.utilisation)) less 2 points",
      holds: score.usage.utilisation >= least)
  }
}
