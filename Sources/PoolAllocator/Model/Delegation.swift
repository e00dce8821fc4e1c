/// What makes a bucket the budget of a delegation: what the holder of a delegation may spend in
/// all, out of what its giver may.
///
/// A budget never refills: its burst is the limit, and what it holds is what is left of it. It
/// promises nothing: the budgets above it and the buckets of the tenant have to pay, too.
public struct Delegation: BitwiseCopyable, Sendable {
  /// 1 where its tenant gave it, one more than its giver's otherwise.
  public let depth: UInt8
  /// The most urgent class that it may pay for.
  public let ceiling: ServiceClass
  /// When it expires by itself.
  public internal(set) var expires: Instant
  /// Why it is closed: `delegationExpired` or `delegationRevoked`; nil while it is open.
  public internal(set) var closed: Reason.Code?
  /// When it was closed; `.farFuture` while it is open.
  public internal(set) var closedAt = Instant.farFuture
  /// Budgets that were given out of it and are still known.
  public internal(set) var children: UInt32 = 0
  /// Part of what is spent that leases have reserved and not settled.
  public internal(set) var reserved = CreditTotal.zero
}

/// A delegation as it is given, or given anew with another limit or end.
public struct DelegationSpec: BitwiseCopyable, Hashable, Sendable {
  /// Outside name of the budget.
  public var key: Key
  /// Whose credits it may spend.
  public var tenant: Key
  /// The budget that it is part of; nil where the tenant itself gives it.
  public var parent: Key?
  /// What may be spent in all.
  public var limit: Credits
  /// When it expires.
  public var expires: Instant
  /// The most urgent class that it may pay for.
  public var ceiling: ServiceClass

  /// Makes a delegation that may pay for any class.
  public init(key: Key, tenant: Key, parent: Key? = nil, limit: Credits, expires: Instant) {
    self.key = key
    self.tenant = tenant
    self.parent = parent
    self.limit = limit
    self.expires = expires
    self.ceiling = .p0
  }
}

extension Bucket {
  /// What a budget has spent: reserved by leases, and settled.
  public var spent: Credits { Credits(credits.cap.value - credits.level.value) }

  /// What of a budget is spent for good: what leases reserved may come back.
  var settled: Int128 { Int128(spent.value) - (delegation?.reserved.value ?? 0) }
}
