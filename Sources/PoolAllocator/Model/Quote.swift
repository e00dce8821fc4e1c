/// How a quote ended.
public enum QuoteEnd: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  /// A claim was taken in under it.
  case redeemed
  /// Its time passed.
  case expired
  /// Another policy came into force.
  case withdrawn
}

/// A price that was promised for a while, under one policy generation. It holds nothing: no
/// device, no credits and no place in the order.
///
/// What it fixes is the rate: the claim that redeems it pays no more than that for any nanosecond,
/// in whatever lane and on whatever rung. It fixes neither how long the work runs nor how much of
/// it is paid ahead.
public struct Quote: BitwiseCopyable, Sendable {
  /// Outside name.
  public let key: Key
  /// Whom it was given to.
  public let tenant: TenantID
  /// The claim that it was given for; its name and whatever does not decide the price are free.
  public let spec: ClaimSpec
  /// The lane that was priced: the first that the claim would try.
  public let lane: LaneID
  /// What a nanosecond of all members costs at most, in 10⁻¹² credits.
  public let rate: Int64
  /// How long the claim says that it runs, with the correction in force when it was given.
  public let plan: RuntimePlan
  /// The price for the expected runtime, at the rate.
  public let price: Credits
  /// The price of the first quantum that the policy has, at the rate.
  public let reservation: Credits
  /// The policy that it was given under.
  public let policy: PolicyGeneration
  /// When it expires.
  public let expires: Instant
  /// How it ended; nil while it is open.
  public internal(set) var end: QuoteEnd?
  /// When it ended; `.farFuture` while it is open.
  public internal(set) var endedAt = Instant.farFuture

  package init(
    key: Key, tenant: TenantID, spec: ClaimSpec, lane: LaneID, rate: Int64, plan: RuntimePlan,
    price: Credits, reservation: Credits, policy: PolicyGeneration, expires: Instant
  ) {
    self.key = key
    self.tenant = tenant
    self.spec = spec
    self.lane = lane
    self.rate = rate
    self.plan = plan
    self.price = price
    self.reservation = reservation
    self.policy = policy
    self.expires = expires
  }

  /// Whether a claim is the one that it was given for, in everything that decides the price and in
  /// who asks.
  func isFor(_ other: ClaimSpec) -> Bool {
    spec.principal == other.principal && spec.service == other.service
      && spec.action == other.action && spec.modelClass == other.modelClass
      && spec.demand == other.demand && spec.lanes == other.lanes
      && spec.runtimeMax == other.runtimeMax && spec.estimate == other.estimate
      && spec.interruption == other.interruption
  }
}

/// For how long quotes are given, and how many.
public struct QuoteRule: BitwiseCopyable, Hashable, Sendable {
  /// How long one lasts where its caller does not say.
  public var lasts: Span
  /// The longest that one lasts.
  public var lastsMax: Span
  /// Quotes that a tenant has at once, open or ended and not yet forgotten.
  public var perTenant: UInt32

  /// Makes a rule.
  public init(lasts: Span, lastsMax: Span, perTenant: UInt32) {
    self.lasts = lasts
    self.lastsMax = lastsMax
    self.perTenant = perTenant
  }

  /// Whether a policy may have it.
  var isSound: Bool {
    lasts > .zero && lasts <= lastsMax && lastsMax <= Limits.spanMax && perTenant >= 1
  }
}
