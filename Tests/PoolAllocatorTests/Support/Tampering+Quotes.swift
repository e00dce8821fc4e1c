@testable import PoolAllocator

extension Tampering {
  private static func quote(
    _ name: String, _ change: @escaping @Sendable (Quote) -> Quote
  ) -> Tampering {
    row("quote: \(name)", { $0.quotes }, { $0.quotes = $1 }) { quote, _ in
      quote = change(quote)
      return true
    }
  }

  /// What is given, redeemed and ended as quotes.
  static let quotes: [Tampering] = [
    quote("promises a lower rate") { $0.with(rate: $0.rate - 1) },
    quote("states a higher rate") { $0.with(rate: $0.rate + 1) },
    quote("states another price") { $0.with(price: Credits($0.price.value + 1)) },
    quote("states another reservation") {
      $0.with(reservation: Credits($0.reservation.value - 1))
    },
    quote("is of an older policy") {
      $0.with(policy: PolicyGeneration($0.policy.value - 1))
    },
    quote("lasts longer than the policy allows") { $0.with(expires: $0.expires + Limits.spanMax) },
    quote("is another tenant's") {
      $0.with(tenant: TenantID(row: $0.tenant.row, generation: $0.tenant.generation + 2))
    },
    row("claim: has a higher rate than its quote", { $0.claimFacts }, { $0.claimFacts = $1 }) {
      fact, _ in
      guard let quoted = fact.quoted else { return false }
      fact.quoted?.rate = quoted.rate + 1
      return true
    },
    row("claim: redeems no quote", { $0.claimFacts }, { $0.claimFacts = $1 }) { fact, _ in
      defer { fact.quoted = nil }
      return fact.quoted != nil
    },
    row("claim: is another than was quoted", { $0.claimFacts }, { $0.claimFacts = $1 }) {
      fact, _ in
      guard fact.quoted != nil else { return false }
      fact.spec.principal = fact.spec.key
      return true
    },
    event("a redeemed quote stays open") { event, _ in
      if case .quoteEnded(_, .redeemed) = event { [] } else { nil }
    },
    event("a quote ends twice") { event, _ in
      if case .quoteEnded = event { [event, event] } else { nil }
    },
    event("a quote is withdrawn under its policy") { event, pool in
      guard case .quoteEnded(let id, let end) = event, end != .withdrawn,
        pool.quote(id)?.policy == pool.generation
      else { return nil }
      return [.quoteEnded(id, .withdrawn)]
    },
    event("a quote expires before its time") { event, pool in
      guard case .quoteEnded(let id, let end) = event, end != .expired,
        pool.quote(id).map({ $0.expires > pool.now }) ?? false
      else { return nil }
      return [.quoteEnded(id, .expired)]
    },
    event("a quote is forgotten twice") { event, _ in
      if case .quoteForgotten = event { [event, event] } else { nil }
    },
  ]
}

extension Quote {
  /// The same with other figures.
  fileprivate func with(
    tenant: TenantID? = nil, rate: Int64? = nil, price: Credits? = nil,
    reservation: Credits? = nil, policy: PolicyGeneration? = nil, expires: Instant? = nil
  ) -> Quote {
    Quote(
      key: key, tenant: tenant ?? self.tenant, spec: spec, lane: lane, rate: rate ?? self.rate,
      plan: plan, price: price ?? self.price, reservation: reservation ?? self.reservation,
      policy: policy ?? self.policy, expires: expires ?? self.expires)
  }
}
