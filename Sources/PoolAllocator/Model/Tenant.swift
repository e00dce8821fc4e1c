/// A team or customer: owner of buckets, and of reserved lanes.
public struct Tenant: BitwiseCopyable, Sendable {
  /// Outside name.
  public let key: Key
  /// The rule of the policy in force, or the last one that named the tenant.
  public internal(set) var rule: TenantRule
  /// Row of its root bucket.
  public internal(set) var bucket: BucketID?
  /// No longer in the policy.
  public internal(set) var isRetired = false
  /// Queued and parked claims.
  public internal(set) var waiting: UInt32 = 0
  /// Claims that live: waiting, starting, running.
  public internal(set) var live: UInt32 = 0
  /// Quotes given to it, open or ended and not yet forgotten.
  public internal(set) var quotes: UInt32 = 0
  /// Claims refused since the pool began.
  public internal(set) var refused: UInt64 = 0
  /// Billed thousandths that it holds in lanes of other owners.
  public internal(set) var borrowed: Int64 = 0

  /// Credits as the fair counter takes them: divided by the tenant's weight.
  func weighted(_ amount: Credits) -> Int128 {
    let weight = planted(.ignoresWeight) ? 1000 : Int128(rule.weightMilli)
    return Int128(amount.value) * Self.counterScale / weight
  }

  /// Units of a fair counter for one credit at weight 1.000, so that the division by a weight
  /// loses less than a credit.
  static let counterScale: Int128 = 1_000_000
}

/// Whom a claim is accountable to, besides which tenant.
public enum IdentityKind: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// The tenant as a whole.
  case tenant
  /// One application of a tenant.
  case application
  /// The root of the work: all that one request set off.
  case workflow
  /// The machine or person that asks.
  case principal
}

/// A measure against one identity, for a while.
public struct Restriction: BitwiseCopyable, Hashable, Sendable {
  /// What is withheld.
  public enum Measure: BitwiseCopyable, Hashable, Sendable {
    /// No new claim is taken, and none that waits is served.
    case suspend
    /// At most so many claims live at once.
    case throttle(liveClaims: UInt32)
    /// No claim above this class is taken, or served where it waits: a tighter tier.
    case ceiling(ServiceClass)
  }

  /// What is withheld.
  public var measure: Measure
  /// When it ends by itself.
  public var until: Instant
  /// Who ordered it.
  public var by: Key
  /// Why, as the key of a text kept outside.
  public var because: Key

  /// Makes a restriction.
  public init(measure: Measure, until: Instant, by: Key, because: Key) {
    self.measure = measure
    self.until = until
    self.by = by
    self.because = because
  }
}

/// One tenant, application, workflow or principal with a live claim or a restriction.
public struct Identity: BitwiseCopyable, Sendable {
  /// What it is.
  public let kind: IdentityKind
  /// Outside name.
  public let key: Key
  /// Live claims that name it.
  public internal(set) var live: UInt32 = 0
  /// The measure in force.
  public internal(set) var restriction: Restriction?
  /// The measure changed, and claims that it held have yet to go back into the order.
  var isReleasing = false

  /// One key per (kind, name), so that one index serves all kinds.
  static func indexKey(_ kind: IdentityKind, _ key: Key) -> Key {
    Key(high: key.high ^ (UInt64(kind.rawValue) &+ 1) &* 0x9E37_79B9_7F4A_7C15, low: key.low)
  }
}
