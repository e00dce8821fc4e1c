public import PoolAllocator
import PoolWire

/// How many explanations a scene answers: one costs up to `Limits.alternativeTrials` submissions,
/// and whoever asks for them must not keep others from being decided.
///
/// Each principal has so many at once and as many more each second of pool time; all together have
/// ten times as much. What is used up is refused with the exact moment of the next.
public struct ExplainBudget: Sendable {
  /// For each principal, unless `--explanations` says otherwise. Unit: explanations a second.
  public static let usual: Int64 = 10
  /// The range of `--explanations`. Unit: explanations a second.
  public static let range: ClosedRange<Int64> = 1...1_000
  /// How many principals' shares all of them together have. Unit: principals.
  private static let shares: Int64 = 10

  /// Why an explanation is refused.
  public struct Refusal: Sendable {
    /// The principal that used its own up; nil where all together did.
    public let principal: String?
    /// How many a second it had.
    public let perSecond: Int64
    /// When the next one is answered.
    public let again: Instant

    /// Why and until when, for people.
    public func sentence(at now: Instant) -> String {
      let who = principal.map { "principal \"\($0)\" has" } ?? "all principals together have"
      return "\(who) used up the explanations of this moment, \(perSecond) a second; ask again in"
        + " \(Amounts.seconds((again - now).ns)) s"
    }
  }

  let perSecond: Int64
  /// When what a principal used is made up for; one that is not here used nothing.
  private var used: [Key: Instant] = [:]
  /// The same for all together.
  private var all = Instant.origin
  /// Principals that are kept before those are forgotten whose use is made up for.
  private var keptMax = 64

  /// Nothing is used of it yet.
  public init(perSecond: Int64 = Self.usual) { self.perSecond = perSecond }

  /// How many principals it remembers.
  var principals: Int { used.count }

  /// Takes one explanation for a principal, or says why not; then nothing is taken.
  public mutating func take(_ key: Key, _ principal: String, at now: Instant) -> Refusal? {
    let (own, total) = (max(used[key] ?? now, now), max(all, now))
    if let again = next(own, perSecond, at: now) {
      return Refusal(principal: principal, perSecond: perSecond, again: again)
    }
    let shared = perSecond * Self.shares
    if let again = next(total, shared, at: now) {
      return Refusal(principal: nil, perSecond: shared, again: again)
    }
    used[key] = own + Self.interval(perSecond)
    all = total + Self.interval(shared)
    if used.count > keptMax {
      used = used.filter { $0.value > now }
      keptMax = max(64, 2 * used.count)
    }
    return nil
  }

  private static func interval(_ perSecond: Int64) -> Span { Span(ns: 1_000_000_000 / perSecond) }

  /// When the next may be taken where that is later than now.
  private func next(_ used: Instant, _ perSecond: Int64, at now: Instant) -> Instant? {
    let again = Instant(ns: used.ns - Self.interval(perSecond).ns * (perSecond - 1))
    return again > now ? again : nil
  }
}
