@testable import PoolAllocator

/// What a table sees of a decision, and of the pool by `show`.
extension TableRunner {
  func show(_ decision: Decision, _ reasons: [Reason]) -> TableOutcome {
    var outcome = TableOutcome()
    outcome.verdict = "\(decision.verdict)"
    if [.admitted, .downgraded].contains(decision.verdict), let id = decision.lease,
      let lease = pool.lease(id)
    {
      outcome.add("lane", names[lease.lane])
      outcome.add("node", names[lease.node])
      outcome.add("reserved", TableValue.text(decision.reservation))
      outcome.add("devices", devices(of: lease), .asked)
      outcome.add("fence", TableValue.text(lease.fencing), .asked)
      outcome.add("startBy", TableValue.text(lease.startBy), .asked)
      outcome.add("restrictions", "\(lease.restrictions)", .asked)
    }
    if let plan = decision.plan {
      outcome.add(
        "correction", TableValue.decimal(Int64(plan.correctionMilli), scale: 1000), .asked)
      outcome.add("expected", TableValue.text(ns: plan.expected.ns), .asked)
    }
    if decision.price > .zero, decision.quote == nil {
      outcome.add("price", TableValue.text(decision.price), .asked)
    }
    outcome.add(
      "changed", Self.text(decision.changes.indices.map { log.changes[$0] }), .asked)
    if let quote = decision.quote.flatMap({ pool.quote($0) }) {
      outcome.add("lane", names[quote.lane])
      outcome.add("price", TableValue.text(quote.price))
      outcome.add("reserved", TableValue.text(quote.reservation), .asked)
      outcome.add("until", TableValue.text(quote.expires), .asked)
    }
    if decision.policy.value > 0 { outcome.add("policy", "\(decision.policy.value)", .asked) }
    outcome.add("retry", decision.retryAt.map { TableValue.text($0) }, .always)
    outcome.reasons = reasons.map { names.item($0) }
    return outcome
  }

  /// `show KIND NAME`
  func look(_ words: [String]) throws -> TableOutcome {
    let kind = words.first ?? ""
    let name = words.count > 1 ? words[1] : ""
    switch kind {
    case "pool": return lookAtPool()
    case "rung": return try lookAtRung(words)
    case "gauge": return lookAtGauge(try TableValue.key(name))
    case "bucket": return lookAtBucket(try TableValue.key(name))
    case "quote": return lookAtQuote(try TableValue.key(name))
    case "budget": return lookAtBudget(try TableValue.key(name))
    case "claim": return lookAtClaim(try TableValue.key(name))
    case "lease": return lookAtLease(try names.grant(name).lease)
    case "lane": return lookAtLane(try TableValue.key(name))
    case "node": return lookAtNode(try TableValue.key(name))
    case "tenant": return lookAtTenant(try TableValue.key(name))
    case "device": return lookAtDevice(name)
    default: throw TableError("show what? \(kind)")
    }
  }

  private func gone() -> TableOutcome {
    var outcome = TableOutcome()
    outcome.verdict = "gone"
    return outcome
  }

  private func lookAtPool() -> TableOutcome {
    var outcome = TableOutcome()
    outcome.add("now", TableValue.text(pool.now))
    outcome.add("skipped", TableValue.text(ns: pool.skipped.ns))
    outcome.add("epoch", "\(pool.epoch)")
    outcome.add("policy", "\(pool.generation.value)")
    outcome.add("waiting", "\(pool.waitingClaims)")
    outcome.add("timer", pool.nextTimer().map { TableValue.text($0) } ?? "none")
    return outcome
  }

  private func lookAtBucket(_ key: Key) -> TableOutcome {
    guard let id = pool.bucket(named: key), let bucket = pool.bucket(id) else { return gone() }
    var outcome = TableOutcome()
    let books = bucket.books
    func total(_ sum: CreditTotal) -> String {
      TableValue.decimal(Int64(clamping: sum.value), scale: 1_000_000)
    }
    outcome.add("level", TableValue.decimal(bucket.credits.level(at: pool.now), scale: 1_000_000))
    outcome.add("cap", TableValue.text(bucket.credits.cap), .asked)
    outcome.add("committed", total(bucket.committed))
    outcome.add(
      "emergency", bucket.emergencyUntil.map { TableValue.text($0) } ?? "closed", .asked)
    outcome.add("charged", total(books.charged), .asked)
    outcome.add("refunded", total(books.refunded), .asked)
    outcome.add("refilled", total(books.refilled), .asked)
    outcome.add("forfeited", total(books.forfeited))
    outcome.add("turn", bucket.turn.map { names[$0] } ?? "none", .asked)
    outcome.add("retired", bucket.isRetired ? "yes" : "no", .asked)
    return outcome
  }

  private func lookAtBudget(_ key: Key) -> TableOutcome {
    guard let id = pool.budget(named: key), let bucket = pool.bucket(id),
      let delegation = bucket.delegation
    else { return gone() }
    var outcome = TableOutcome()
    outcome.add("state", TableStates.state(of: bucket) ?? "")
    outcome.add("limit", TableValue.text(bucket.credits.cap))
    outcome.add("spent", TableValue.text(bucket.spent))
    outcome.add(
      "reserved",
      TableValue.decimal(Int64(clamping: delegation.reserved.value), scale: 1_000_000))
    outcome.add("depth", "\(delegation.depth)", .asked)
    outcome.add("until", TableValue.text(delegation.expires), .asked)
    return outcome
  }

  private func lookAtQuote(_ key: Key) -> TableOutcome {
    guard let quote = pool.quote(named: key).flatMap({ pool.quote($0) }) else { return gone() }
    var outcome = TableOutcome()
    outcome.add("state", TableStates.state(of: quote))
    outcome.add("price", TableValue.text(quote.price))
    outcome.add("lane", names[quote.lane], .asked)
    outcome.add("until", TableValue.text(quote.expires), .asked)
    outcome.add("policy", "\(quote.policy.value)", .asked)
    return outcome
  }

  private func lookAtClaim(_ key: Key) -> TableOutcome {
    guard let id = pool.claim(named: key), let claim = pool.claim(id) else { return gone() }
    var outcome = TableOutcome()
    outcome.add("state", "\(claim.state)")
    outcome.add("position", pool.position(of: id).map { "\($0)" })
    switch pool.startBound(of: id) {
    case .success(let bound): outcome.add("bound", TableValue.text(bound.by), .asked)
    case .failure(let because): outcome.add("bound", "\(because)", .asked)
    }
    outcome.add("class", "p\(claim.serviceClass.rank)", .asked)
    outcome.add("submitted", TableValue.text(claim.turn.submitted), .asked)
    outcome.add("level", "\(claim.level)", .asked)
    outcome.add(
      "correction", TableValue.decimal(Int64(claim.plan.correctionMilli), scale: 1000), .asked)
    outcome.add("planned", TableValue.text(ns: claim.plan.planned.ns), .asked)
    outcome.add("expected", TableValue.text(ns: claim.plan.expected.ns), .asked)
    outcome.add("failedStarts", "\(claim.failedStarts)", .asked)
    outcome.add("grants", "\(claim.grants)", .asked)
    outcome.add("preemptions", "\(claim.preemptions)", .asked)
    outcome.add("saved", TableValue.text(ns: claim.saved.ns), .asked)
    outcome.add("held", claim.pin?.isHeld == true ? "yes" : "no", .asked)
    outcome.add("lanes", names.lanes(pool.groups[safe: Int(claim.group)] ?? .none), .asked)
    outcome.add("bucket", claim.bucket.map { names[$0] }, .asked)
    let degradation = pool.degradation(of: id)
    outcome.add("rung", "\(degradation?.rung ?? 0)", .asked)
    outcome.add("mode", degradation.map { "\($0.mode)" } ?? "none", .asked)
    outcome.add("automation", "\(degradation?.automation ?? .full)", .asked)
    outcome.add("gpus", "\(claim.spec.demand.devices)", .asked)
    outcome.add("approver", claim.approval?.by.map { TableValue.name($0) } ?? "none", .asked)
    return outcome
  }

  private func lookAtLease(_ id: LeaseID) -> TableOutcome {
    guard let lease = pool.lease(id) else { return gone() }
    var outcome = TableOutcome()
    outcome.add("state", "\(lease.state)")
    outcome.add("ends", TableValue.text(lease.ends))
    outcome.add("hardEnd", lease.hardEnd.map { TableValue.text($0) }, .asked)
    outcome.add("quantum", "\(lease.quantum)")
    outcome.add("reserved", TableValue.text(lease.reserved))
    outcome.add("next", lease.nextReserved.map { TableValue.text($0) } ?? "none", .asked)
    outcome.add("from", TableValue.text(lease.renewFrom), .asked)
    outcome.add("cause", lease.cause.map { "\($0)" })
    outcome.add("rung", "\(lease.rung)", .asked)
    outcome.add("automation", "\(lease.automation)", .asked)
    outcome.add("killBy", lease.killBy.ns == .max ? "none" : TableValue.text(lease.killBy), .asked)
    outcome.add("devices", devices(of: lease), .asked)
    outcome.add("node", names[lease.node], .asked)
    outcome.add("lane", names[lease.lane], .asked)
    outcome.add("fence", TableValue.text(lease.fencing), .asked)
    outcome.add("policy", "\(lease.policy.value)", .asked)
    return outcome
  }

  private func lookAtLane(_ key: Key) -> TableOutcome {
    guard let id = pool.lane(named: key), let lane = pool.lane(id) else { return gone() }
    let capacity = pool.capacity(of: id)
    var outcome = TableOutcome()
    outcome.add("total", "\(capacity.total)")
    outcome.add("offered", "\(capacity.offered)")
    outcome.add("free", "\(capacity.free)")
    outcome.add("used", "\(lane.used)")
    outcome.add("bound", "\(lane.bound)", .asked)
    outcome.add("sound", "\(pool.soundMilli(row: id.row))", .asked)
    outcome.add("short", "\(lane.short)", .asked)
    outcome.add("because", lane.shortBecause.map { "\($0)" } ?? "none", .asked)
    outcome.add("usable", "\(pool.capacity(of: id).offered)", .asked)
    outcome.add("leases", "\(lane.leases)", .asked)
    outcome.add("retired", lane.isRetired ? "yes" : "no", .asked)
    return outcome
  }

  private func lookAtNode(_ key: Key) -> TableOutcome {
    guard let id = pool.node(named: key), let node = pool.node(id) else { return gone() }
    var outcome = TableOutcome()
    outcome.add("reach", "\(node.reach)")
    outcome.add("duty", "\(node.duty)")
    outcome.add("leases", "\(node.leases)")
    outcome.add("cpuFree", TableValue.decimal(Int64(node.cpuFree.value), scale: 1000), .asked)
    outcome.add("memFree", "\(node.hostFree.value >> 30)GiB", .asked)
    return outcome
  }

  private func lookAtTenant(_ key: Key) -> TableOutcome {
    guard let id = pool.tenant(named: key), let tenant = pool.tenant(id) else { return gone() }
    var outcome = TableOutcome()
    outcome.add("waiting", "\(tenant.waiting)")
    outcome.add("live", "\(tenant.live)")
    outcome.add("quotes", "\(tenant.quotes)", .asked)
    outcome.add("refused", "\(tenant.refused)")
    outcome.add("retired", tenant.isRetired ? "yes" : "no", .asked)
    return outcome
  }

  private func lookAtDevice(_ name: String) -> TableOutcome {
    var found: Device?
    pool.forEachDevice { if names[$0] == name { found = $1 } }
    guard let device = found else { return gone() }
    var outcome = TableOutcome()
    outcome.add("health", "\(device.health)")
    outcome.add("mode", "\(device.mode)")
    outcome.add("used", "\(device.used.value)")
    outcome.add("capacity", "\(device.capacity.value)", .asked)
    outcome.add("memory", "\(device.memoryUsed.value >> 30)GiB", .asked)
    outcome.add("lane", device.lane.map { names.lane(row: $0) } ?? "none", .asked)
    outcome.add("cell", cell(of: device), .asked)
    outcome.add("squatters", "\(device.squatters)", .asked)
    outcome.add("approved", device.isApproved ? "yes" : "no", .asked)
    outcome.add("fence", TableValue.text(device.fencing), .asked)
    return outcome
  }

  /// The devices of its cell.
  private func cell(of device: Device) -> String {
    guard device.cell != nil else { return "none" }
    var members: [String] = []
    pool.forEachDevice { if $1.cell == device.cell { members.append(names[$0]) } }
    return members.joined(separator: "+")
  }

  private func devices(of lease: Lease) -> String {
    pool.uses(of: lease).map { names[$0.device] }.joined(separator: "+")
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? {
    indices.contains(index) ? self[index] : nil
  }
}
