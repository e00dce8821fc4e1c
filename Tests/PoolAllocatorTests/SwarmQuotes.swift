@testable import PoolAllocator

/// Quotes in random lives: given, redeemed at once or later, twice, by others, or let lapse.
extension SwarmDriver {
  /// Most policies give quotes, and some are dearer than others.
  mutating func addQuotes(to policy: inout CompiledPolicy) {
    if random.chance(30) { policy.profiles[0].weightMilli = 800 + 100 * Int32(random.below(5)) }
    guard random.chance(80) else { return }
    policy.quotes = QuoteRule(
      lasts: .seconds(Int64(20 + random.below(100))), lastsMax: .seconds(200),
      perTenant: UInt32(pool.limits.quotes / 7 + random.below(8)))
  }

  /// Asks for a price for a claim.
  /// - Returns: the claim that redeems it; nil where it was refused.
  mutating func quote(_ asked: ClaimSpec) -> ClaimSpec? {
    quoteNumber += 1
    var spec = asked
    let name = key(150, random.chance(3) ? quoteNumber - 1 : quoteNumber)
    let lasts: Span? = random.chance(30) ? .seconds(Int64(10 + random.below(220))) : nil
    guard apply(.quote(name, spec, lasts: lasts)).quote != nil else { return nil }
    spec.quote = name
    return spec
  }

  /// Has a claim redeem a quote that was given for one, mostly as it was given for.
  mutating func redeem() {
    guard !quotedClaims.isEmpty else { return }
    let index = random.below(quotedClaims.count)
    var spec = quotedClaims[index]
    if random.chance(85) { quotedClaims.remove(at: index) }
    claimNumber += 1
    spec.key = key(100, claimNumber)
    if random.chance(4) { spec.principal = key(102, random.below(3)) }
    if random.chance(4) { spec.runtimeMax = Span(ns: spec.runtimeMax.ns + 1) }
    if random.chance(2) { spec.tenant = key(6, random.below(tenantCount)) }
    if random.chance(1) { spec.quote = key(150, 1_000_000) }
    apply(.submit(spec))
  }

  /// A claim that is quoted before it is submitted, now or later.
  mutating func quoteFirst(_ spec: ClaimSpec) {
    guard let quoted = quote(spec) else { return }
    quotedClaims.append(quoted)
    if quotedClaims.count > 12 { quotedClaims.removeFirst() }
    if random.chance(30) { redeem() }
  }
}

extension SwarmDriver {
  /// Asks for a price and redeems it in the next command.
  mutating func quoteAndRedeem() {
    guard let spec = quote(anyClaim()) else { return }
    apply(.submit(spec))
  }
}
