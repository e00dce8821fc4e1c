import PoolAllocator

/// A quote as it was given.
struct QuoteBook {
  var quote: Quote
  var isOpen = true
}

/// What was promised, and whether it is kept.
extension Verifier {
  mutating func issue(_ id: QuoteID, _ quote: Quote, _ at: Instant) {
    must(quotes[id] == nil, .subject, "quote \(id.row) is given once")
    must(
      !quotes.values.contains { $0.quote.key == quote.key }, .identity, "two quotes of one name")
    must(after.tenants[quote.tenant] == quote.spec.tenant, .identity, "the tenant is who asks")
    must(quote.policy == generation, .quote, "it is of the policy in force")
    if let rule = policy.quotes {
      must(
        quote.expires > at && quote.expires <= at + rule.lastsMax, .quote,
        "it lasts as long as the policy allows")
      let known = quotes.values.filter { $0.quote.tenant == quote.tenant }
      must(known.count < Int(rule.perTenant), .quote, "the tenant has \(known.count) quotes")
    } else {
      must(false, .quote, "the policy gives no quotes")
    }
    checkRate(quote)
    quotes[id] = QuoteBook(quote: quote)
  }

  /// What a quote states is what its lane costs.
  private mutating func checkRate(_ quote: Quote) {
    let service = policy.services.first {
      $0.key == quote.spec.service && ($0.tenant == nil || $0.tenant == quote.spec.tenant)
    }
    guard let lane = lane(quote.lane), let profile = profile(of: lane), let service else {
      return must(false, .quote, "a quote of no lane or service")
    }
    must(quote.spec.lanes.contains(row: quote.lane.row), .quote, "the claim names the lane")
    let members = Int128(quote.spec.demand.members)
    let each =
      billed(quote.spec.demand, profile) * Int128(profile.weightMilli)
      * Int128(service.weightMilli)
    must(Int128(quote.rate) == each * members, .quote, "rate \(quote.rate), not \(each * members)")
    let terms = policy.classes[Int(service.serviceClass.rank)]
    let quantum = min(terms.quantum, quote.spec.runtimeMax)
    let reserved = LeaseBook.up(each * Int128(quantum.ns)) * members
    must(Int128(quote.reservation.value) == reserved, .quote, "it would reserve \(reserved)")
    let expected = min(quote.plan.expected, quote.spec.runtimeMax)
    let price = expected == quantum ? reserved : LeaseBook.up(each * members * Int128(expected.ns))
    must(Int128(quote.price.value) == price, .quote, "price \(quote.price.value), not \(price)")
  }

  mutating func end(_ id: QuoteID, _ end: QuoteEnd, _ log: EventLog) {
    guard let book = quotes[id], book.isOpen else {
      return must(false, .quote, "quote \(id.row) ends and was not open")
    }
    switch end {
    case .redeemed:
      must(
        log.claimFacts.contains { $0.quoted?.id == id }, .quote, "a claim redeems quote \(id.row)")
    case .expired: must(book.quote.expires <= log.at, .quote, "quote \(id.row) has not expired")
    case .withdrawn:
      must(book.quote.policy != generation, .quote, "the policy of quote \(id.row) is in force")
    }
    quotes[id]?.isOpen = false
  }

  mutating func forget(_ id: QuoteID) {
    must(quotes[id].map { !$0.isOpen } ?? false, .quote, "an open quote is forgotten")
    quotes[id] = nil
  }

  /// The rate that a claim was quoted, where it may redeem the quote that it names.
  mutating func quotedRate(of fact: ClaimFact, at: Instant) -> Int64? {
    guard let key = fact.spec.quote else {
      must(fact.quoted == nil, .quote, "a claim redeems a quote that it does not name")
      return nil
    }
    guard let id = fact.quoted?.id, let book = quotes[id], book.quote.key == key else {
      must(false, .quote, "a claim names a quote and redeems none")
      return nil
    }
    let (quote, spec) = (book.quote, fact.spec)
    must(book.isOpen && quote.expires > at, .quote, "the quote is open")
    must(quote.policy == generation, .quote, "the quote is of the policy in force")
    must(fact.quoted?.rate == quote.rate, .quote, "the claim has the rate of its quote")
    must(
      quote.tenant == fact.tenant && quote.spec.principal == spec.principal, .quote,
      "whoever redeems a quote asked for it")
    must(
      quote.spec.demand == spec.demand && quote.spec.lanes == spec.lanes
        && quote.spec.service == spec.service && quote.spec.action == spec.action
        && quote.spec.modelClass == spec.modelClass && quote.spec.runtimeMax == spec.runtimeMax
        && quote.spec.estimate == spec.estimate
        && quote.spec.interruption == spec.interruption, .quote,
      "the claim is the one that was quoted")
    return quote.rate
  }

  /// Every quote that a claim of the log names is used up.
  mutating func checkRedeemed(_ log: EventLog) {
    for fact in log.claimFacts {
      guard let id = fact.quoted?.id else { continue }
      must(quotes[id].map { !$0.isOpen } ?? false, .quote, "a quote is redeemed once")
    }
  }

  /// No grant costs more than was quoted.
  mutating func checkQuote(of claim: ClaimBook, _ grants: [Grant]) {
    guard let most = claim.quotedRate else { return }
    let rate = grants.reduce(Int128(0)) { $0 + Int128($1.rate) }
    must(rate <= Int128(most), .quote, "rate \(rate), more than the \(most) that was quoted")
  }
}
