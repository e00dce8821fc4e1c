/// Prices that are promised for a while (SEMANTICS 7.3, docs/decisions/0027).
///
/// A quote holds nothing, so it asks neither buckets nor devices nor whose turn it is: it is given
/// for what could be served some day, and says nothing of when.
extension Pool {
  /// What a claim's quote fixes for it.
  struct Quoted {
    /// The quote to redeem; nil where it is redeemed by now.
    var id: QuoteID?
    var rate: Int64
    /// How long the claim says that it runs, as it was quoted.
    var plan: RuntimePlan?
  }

  // MARK: what a caller may look at

  /// A quote, open or ended; nil once it is forgotten.
  public func quote(_ id: QuoteID) -> Quote? { quotes.contains(id) ? quotes[id] : nil }
  /// The quote of an outside name, open or ended and not yet forgotten.
  public func quote(named key: Key) -> QuoteID? {
    keys.quotes.row(for: key).flatMap(quotes.id(at:))
  }
  /// Visits every quote that is known in row order, ended ones among them.
  public func forEachQuote(_ body: (QuoteID, Quote) -> Void) { quotes.forEach(body) }

  // MARK: giving

  /// Gives a price for a claim, for a while, or refuses it as the claim itself would be.
  /// - Parameters:
  ///   - key: its outside name.
  ///   - lasts: for how long; nil: as long as the policy says.
  mutating func giveQuote(
    _ key: Key, _ spec: ClaimSpec, lasts: Span?, _ log: inout EventLog
  ) -> Decision {
    guard spec.quote == nil else { return refuse(Reason(.malformed), &log) }
    let resolved: Resolved
    let plan: RuntimePlan
    switch resolve(spec, isNew: false) {
    case .failure(let refusal):
      return refuseQuote(refusal.verdict, refusal.reasons, refusal.plan, &log)
    case .success(let (names, runtime)): (resolved, plan) = (names, runtime)
    }
    let obstacles = givingObstacles(key, spec, resolved.tenant, lasts: lasts)
    guard obstacles.isEmpty, let rule = policy.quotes else {
      return refuseQuote(.rejected, obstacles, plan, &log)
    }
    let (_, first, reasons) = eligibleLanes(spec, resolved)
    guard let first, let lane = lanes.id(at: first.row) else {
      return refuseQuote(Self.verdict(of: reasons), reasons, plan, &log)
    }
    var decision = done()
    decision.plan = plan
    decision.quote(first.offer, for: min(plan.expected, spec.runtimeMax))
    let id = quotes.nextID
    log.quotes.append(
      Quote(
        key: key, tenant: resolved.tenant, spec: spec, lane: lane, rate: first.offer.rate,
        plan: plan, price: decision.price, reservation: decision.reservation, policy: generation,
        expires: now + (lasts ?? rule.lasts)))
    step(.quoteIssued(id, fact: UInt32(log.quotes.count - 1)), &log)
    decision.quote = id
    return decision
  }

  /// What the policy and the bounds say against giving a quote to a tenant.
  private func givingObstacles(
    _ key: Key, _ spec: ClaimSpec, _ tenant: TenantID, lasts: Span?
  ) -> [Reason] {
    guard let rule = policy.quotes else { return [Reason(.quotesNotGiven)] }
    var reasons: [Reason] = []
    if approvalRule(for: spec) != nil, let reason = approvalObstacle(spec) {
      reasons.append(reason)
    }
    if let lasts, lasts > rule.lastsMax {
      reasons.append(Reason(.quoteTooLong, have: rule.lastsMax.ns, need: lasts.ns))
    }
    if let lasts, lasts <= .zero { reasons.append(Reason(.fieldOutOfRange)) }
    let most = Int64(rule.perTenant)
    if Int64(tenants[tenant].quotes) >= most {
      reasons.append(
        Reason(
          .tenantQuotesFull, .identity(.tenant), have: Int64(tenants[tenant].quotes), need: most))
    }
    if !quotes.hasRoom {
      reasons.append(Reason(.tableFull, have: Int64(quotes.count), need: Int64(quotes.limit)))
    }
    if quote(named: key) != nil { reasons.append(Reason(.duplicateKey)) }
    return reasons
  }

  /// Refuses a quote in the words of a claim; only the refusal is recorded.
  private mutating func refuseQuote(
    _ verdict: Decision.Verdict, _ reasons: [Reason], _ plan: RuntimePlan?, _ log: inout EventLog
  ) -> Decision {
    let reasons = reasons.isEmpty ? [Reason(.laneNotAllowed)] : reasons
    let first = reasons.min { $0.code.rawValue < $1.code.rawValue }
    step(.commandRefused(first?.code ?? .laneNotAllowed), &log)
    var decision = Decision(verdict: verdict, policy: generation)
    decision.plan = plan
    decision.reasons = log.append(reasons)
    decision.retryAt = reasons.allSatisfy(\.isRetryable) ? Self.latest(reasons) : nil
    return decision
  }

  // MARK: redeeming

  /// What the quote that a claim names fixes for it; nil where it names none.
  /// - Returns: a failure where the quote is not this claim's to redeem, or not any more.
  func quoted(_ spec: ClaimSpec, _ tenant: TenantID) -> Result<Quoted?, Obstacle> {
    guard let key = spec.quote else { return .success(nil) }
    if let claim = claim(named: spec.key), claims[claim].spec.quote == key,
      let rate = claims[claim].quotedRate
    {
      return .success(Quoted(id: nil, rate: rate, plan: nil))
    }
    func refuse(_ reason: Reason) -> Result<Quoted?, Obstacle> {
      .failure(Obstacle(reason: reason))
    }
    // Another tenant's looks like none.
    guard let id = quote(named: key), quotes[id].tenant == tenant else {
      return refuse(Reason(.quoteUnknown))
    }
    let quote = quotes[id]
    guard quote.isFor(spec) else { return refuse(Reason(.quoteMismatch)) }
    switch quote.end ?? dueEnd(of: quote) {
    case .redeemed: return refuse(Reason(.quoteRedeemed))
    case .withdrawn:
      return refuse(
        Reason(.quoteWithdrawn, have: Int64(quote.policy.value), need: Int64(generation.value)))
    case .expired: return refuse(Reason(.quoteExpired, have: quote.expires.ns, need: now.ns))
    case nil: return .success(Quoted(id: id, rate: quote.rate, plan: quote.plan))
    }
  }

  /// Whether the quote that a claim names has expired by a moment: then it need not come back.
  func isQuoteOver(_ spec: ClaimSpec, by moment: Instant) -> Bool {
    guard let key = spec.quote, let id = quote(named: key) else { return false }
    return quotes[id].expires <= moment
  }

  /// What a claim that is taken in says of the quote that it redeems.
  func redeemed(by resolved: Resolved) -> RedeemedQuote? {
    guard let id = resolved.quote, let rate = resolved.quotedRate else { return nil }
    return RedeemedQuote(id: id, rate: rate)
  }

  /// Why a lane is too dear for a claim that was quoted a rate; nil where it is not. The figures
  /// are what the longest runtime costs.
  func quoteObstacle(_ row: UInt32, _ offer: Offer, _ spec: ClaimSpec, most: Int64?) -> Reason? {
    guard let most, offer.rate > most, !planted(.breaksQuote) else { return nil }
    func price(_ rate: Int64) -> Int64 {
      Int64(clamping: Price.lastCharge(rate: rate, span: spec.runtimeMax))
    }
    return Reason(.quoteExceeded, .lane(row), have: price(most), need: price(offer.rate))
  }

  // MARK: time and policy

  /// How an open quote ends by now; nil while it can be redeemed.
  func dueEnd(of quote: Quote) -> QuoteEnd? {
    if quote.policy != generation { return .withdrawn }
    return quote.expires <= now ? .expired : nil
  }

  /// When a quote needs attention: at once where its policy is not in force any more, at its end,
  /// and when it is forgotten.
  func quoteTimer(of quote: Quote) -> Instant {
    if quote.end != nil { return quote.endedAt + limits.quoteMemory }
    return quote.policy == generation ? quote.expires : .origin
  }

  /// The timer of a quote came up.
  mutating func quoteDue(_ id: QuoteID, _ log: inout EventLog) {
    let quote = quotes[id]
    guard quote.end == nil else { return step(.quoteForgotten(id), &log) }
    guard let end = dueEnd(of: quote) else { broken("a quote is looked at when it is over") }
    step(.quoteEnded(id, end), &log)
  }

  // MARK: folding

  mutating func evolveQuote(_ event: Event, _ log: borrowing EventLog) {
    switch event {
    case .quoteIssued(let id, let fact): evolveQuoteIssued(id, log.quotes[Int(fact)])
    case .quoteEnded(let id, let end): evolveQuoteEnded(id, end)
    case .quoteForgotten(let id): evolveQuoteForgotten(id)
    default: broken("only events of quotes are folded here")
    }
  }

  private mutating func evolveQuoteIssued(_ id: QuoteID, _ quote: Quote) {
    let inserted = quotes.insert(quote)
    invariant(inserted == id, "a quote gets the id that its event names")
    keys.quotes.insert(quote.key, id.row)
    tenants[quote.tenant].quotes += 1
    QueueIndex.set(&queue.quoteTimers, id.row, quoteTimer(of: quote))
  }

  private mutating func evolveQuoteEnded(_ id: QuoteID, _ end: QuoteEnd) {
    invariant(quotes[id].end == nil, "a quote ends once")
    quotes[id].end = end
    quotes[id].endedAt = now
    let quote = quotes[id]
    QueueIndex.set(&queue.quoteTimers, id.row, quoteTimer(of: quote))
  }

  private mutating func evolveQuoteForgotten(_ id: QuoteID) {
    let (key, tenant) = (quotes[id].key, quotes[id].tenant)
    invariant(quotes[id].end != nil, "an open quote is not forgotten")
    queue.quoteTimers.remove(id.row)
    keys.quotes.remove(key)
    tenants[tenant].quotes -= 1
    quotes.remove(id)
  }

  /// Works out the timers of quotes under another policy, which withdraws them all.
  /// - Complexity: O(quotes).
  mutating func refreshQuotes() {
    for row in 0..<UInt32(quotes.extent) where quotes.id(at: row) != nil {
      let quote = quotes[row: row]
      QueueIndex.set(&queue.quoteTimers, row, quoteTimer(of: quote))
    }
  }

  /// Makes every quote known to the indexes.
  mutating func indexQuotes() {
    quotes.forEach { id, quote in keys.quotes.insert(quote.key, id.row) }
    refreshQuotes()
  }

  // MARK: invariants

  /// Open quotes are of the policy in force or about to be withdrawn; counts and timers hold.
  func checkQuotes() {
    quotes.checkInvariants()
    queue.quoteTimers.checkInvariants()
    var counts = Array(repeating: UInt32(0), count: tenants.extent)
    quotes.forEach { id, quote in
      invariant(tenants.contains(quote.tenant), "a quote has a tenant")
      counts[Int(quote.tenant.row)] += 1
      invariant(keys.quotes.row(for: quote.key) == id.row, "a quote is found by its name")
      invariant((quote.end == nil) == (quote.endedAt == .farFuture), "an end has its moment")
      invariant(quote.policy <= generation, "no quote is of a policy to come")
      let timer = queue.quoteTimers.order(of: id.row) ?? .farFuture
      invariant(timer == quoteTimer(of: quote), "a quote is looked at when it is over")
      invariant(
        quote.end != nil || quote.policy == generation || timer <= now,
        "a quote of another policy is about to be withdrawn")
    }
    tenants.forEach { id, tenant in
      invariant(tenant.quotes == counts[Int(id.row)], "a tenant's quotes are counted")
    }
    claims.forEach { _, claim in
      invariant(
        (claim.quotedRate != nil) == (claim.spec.quote != nil), "who names a quote has its rate")
      guard let most = claim.quotedRate, let lead = claim.lease, leases.contains(lead) else {
        return
      }
      let rate = gang(of: lead).reduce(Int128(0)) { $0 + Int128(leases[$1].rate) }
      invariant(rate <= Int128(most), "no lease costs more than was quoted")
    }
  }
}
