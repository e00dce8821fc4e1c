/// 128 bits that two pools share exactly when their tables are equal, field by field.
public struct Digest: BitwiseCopyable, Hashable, Sendable {
  /// The upper half.
  public let high: UInt64
  /// The lower half.
  public let low: UInt64

  /// Makes a digest from its halves, as a record carries them.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// Mixes fields into a digest. Not cryptographic: it finds faults, not forgers.
struct DigestBuilder {
  private var high: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var low: UInt64 = 0xC2B2_AE3D_27D4_EB4F

  mutating func combine(word: UInt64) {
    let product = (low ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    low = product.low ^ high
    high = (high &+ product.high &+ word) &* 0xFF51_AFD7_ED55_8CCD ^ (high >> 29)
  }

  mutating func combine<Value: FixedWidthInteger>(_ value: Value) {
    combine(word: UInt64(truncatingIfNeeded: value))
    if Value.bitWidth > 64 { combine(word: UInt64(truncatingIfNeeded: value >> 64)) }
  }

  mutating func combine(_ value: Bool) { combine(word: value ? 1 : 0) }
  mutating func combine(_ value: Key) {
    combine(word: value.high)
    combine(word: value.low)
  }
  mutating func combine(_ value: Instant) { combine(value.ns) }
  mutating func combine(_ value: Span) { combine(value.ns) }
  mutating func combine(_ value: Credits) { combine(value.value) }
  mutating func combine<Row>(_ value: ID<Row>) {
    combine(value.row)
    combine(value.generation)
  }
  mutating func combine<Value>(_ value: Value?, _ feed: (inout DigestBuilder, Value) -> Void) {
    combine(value != nil)
    if let value { feed(&self, value) }
  }

  mutating func combine(_ shape: Demand.Shape) {
    switch shape {
    case .whole: combine(word: 1)
    case .fraction(let milli, let bytes):
      combine(word: 2)
      combine(milli.value)
      combine(bytes.value)
    case .slice(let key):
      combine(word: 3)
      combine(key)
    case .cpuOnly: combine(word: 4)
    }
  }

  mutating func combine(_ demand: Demand) {
    combine(demand.shape)
    combine(demand.devices)
    combine(demand.members)
    combine(demand.together.rawValue)
    combine(demand.prefer.rawValue)
    combine(demand.cpu.value)
    combine(demand.hostMemory.value)
    combine(demand.enforcement.rawValue)
    combine(demand.sharing.rawValue)
  }

  var digest: Digest { Digest(high: high, low: low) }
}

extension Pool {
  /// A digest over the tables and counters, in row order; indexes are not in it.
  /// - Complexity: O(rows of all tables).
  public func digest() -> Digest {
    var digest = DigestBuilder()
    digest.combine(now)
    digest.combine(skipped)
    digest.combine(epoch)
    digest.combine(nextFencing)
    digest.combine(arrivals)
    digest.combine(generation.value)
    digest.combine(waitingClaims)
    digest.combine(stirred.bits)
    digest.combine(impairedLanes.bits)
    for lanes in groups { digest.combine(lanes.bits) }
    service.forEach { lane, tenant, level, served in
      digest.combine(UInt32(lane))
      digest.combine(tenant) { $0.combine(UInt32($1)) }
      digest.combine(UInt32(level))
      digest.combine(served.value)
    }
    clocks.forEach { tenant, lane, clock in
      digest.combine(tenant)
      digest.combine(lane)
      digest.combine(clock.since)
      digest.combine(clock.overdue)
      digest.combine(clock.voided)
    }
    for signal in signals {
      digest.combine(signal.measure)
      digest.combine(signal.subject)
      digest.combine(signal.milli)
    }
    if policy.placement.score == .offerValue { learner.feed(&digest) }
    feedDegradation(&digest)
    nodes.feed(&digest, Self.feed)
    devices.feed(&digest, Self.feed)
    lanes.feed(&digest, Self.feed)
    tenants.feed(&digest, Self.feed)
    buckets.feed(&digest, Self.feed)
    identities.feed(&digest, Self.feed)
    claims.feed(&digest, Self.feed)
    corrections.feed(&digest) { correction, digest in
      digest.combine(correction.scope.indexKey)
      digest.combine(correction.milli) { $0.combine($1) }
    }
    quotes.feed(&digest, Self.feed)
    leases.feed(&digest) { lease, digest in
      Self.feed(lease, &digest)
      for use in uses(of: lease) {
        digest.combine(use.device)
        digest.combine(use.milli.value)
        digest.combine(use.memory.value)
      }
    }
    return digest.digest
  }

  private static func feed(_ node: Node, _ digest: inout DigestBuilder) {
    digest.combine(node.enrolment.key)
    digest.combine(node.reach.rawValue)
    digest.combine(node.duty.rawValue)
    digest.combine(node.report.boot)
    digest.combine(node.lastBoot) { $0.combine($1) }
    digest.combine(node.report.generation)
    digest.combine(node.report.sequence)
    digest.combine(node.report.cpu.value)
    digest.combine(node.report.hostMemory.value)
    digest.combine(node.report.enforcement.rawValue)
    digest.combine(node.cpuUsed.value)
    digest.combine(node.hostUsed.value)
    digest.combine(node.timer)
    digest.combine(node.drainBy)
    digest.combine(node.heard)
    digest.combine(node.cpuPinned.value)
    digest.combine(node.hostPinned.value)
    digest.combine(node.leases)
  }

  private static func feed(_ device: Device, _ digest: inout DigestBuilder) {
    digest.combine(device.report.key)
    digest.combine(device.report.kind.rawValue)
    digest.combine(device.report.memory.value)
    digest.combine(device.report.capacity.value)
    digest.combine(device.report.slots.bits)
    digest.combine(device.report.condition.rawValue)
    digest.combine(device.report.island)
    digest.combine(device.node)
    digest.combine(device.health.rawValue)
    digest.combine(device.mode.rawValue)
    digest.combine(device.lane) { $0.combine($1) }
    digest.combine(device.cell) { $0.combine($1) }
    digest.combine(device.squatters)
    digest.combine(device.capacity.value)
    digest.combine(device.used.value)
    digest.combine(device.memoryUsed.value)
    digest.combine(device.shares)
    digest.combine(device.tenant) { $0.combine($1) }
    digest.combine(device.parent) { $0.combine($1) }
    digest.combine(device.slice) { $0.combine($1) }
    digest.combine(device.fencing.raw)
    digest.combine(device.pin) { $0.combine($1) }
    digest.combine(device.pinned.value)
    digest.combine(device.isApproved)
    digest.combine(device.isPart)
  }

  private static func feed(_ lane: Lane, _ digest: inout DigestBuilder) {
    digest.combine(lane.key)
    digest.combine(lane.isRetired)
    digest.combine(lane.rule.reserved)
    digest.combine(lane.used)
    digest.combine(lane.lent)
    digest.combine(lane.leases)
    digest.combine(lane.bound)
    digest.combine(lane.rule.cell)
    digest.combine(lane.short)
    digest.combine(lane.shortBecause) { $0.combine($1.rawValue) }
    digest.combine(lane.voided)
    digest.combine(lane.opened)
    digest.combine(lane.preemptions) {
      $0.combine($1.level)
      $0.combine($1.asOf)
    }
  }

  private static func feed(_ tenant: Tenant, _ digest: inout DigestBuilder) {
    digest.combine(tenant.key)
    digest.combine(tenant.bucket) { $0.combine($1) }
    digest.combine(tenant.isRetired)
    digest.combine(tenant.waiting)
    digest.combine(tenant.live)
    digest.combine(tenant.refused)
    digest.combine(tenant.quotes)
    digest.combine(tenant.borrowed)
  }

  private static func feed(_ bucket: Bucket, _ digest: inout DigestBuilder) {
    digest.combine(bucket.rule.key)
    digest.combine(bucket.parent) { $0.combine($1) }
    digest.combine(bucket.credits.cap)
    digest.combine(bucket.credits.refillPerSecond)
    digest.combine(bucket.credits.level)
    digest.combine(bucket.credits.remainder)
    digest.combine(bucket.credits.asOf)
    digest.combine(bucket.books.opening.value)
    digest.combine(bucket.books.refilled.value)
    digest.combine(bucket.books.charged.value)
    digest.combine(bucket.books.refunded.value)
    digest.combine(bucket.books.forfeited.value)
    digest.combine(bucket.committed.value)
    digest.combine(bucket.leases)
    digest.combine(bucket.turn) { $0.combine($1) }
    digest.combine(bucket.isRetired)
    digest.combine(bucket.emergencyUntil) { $0.combine($1) }
    digest.combine(bucket.delegation) { digest, delegation in
      digest.combine(delegation.depth)
      digest.combine(delegation.ceiling.rank)
      digest.combine(delegation.expires)
      digest.combine(delegation.closed) { $0.combine($1.rawValue) }
      digest.combine(delegation.closedAt)
      digest.combine(delegation.children)
      digest.combine(delegation.reserved.value)
    }
  }

  private static func feed(_ identity: Identity, _ digest: inout DigestBuilder) {
    digest.combine(identity.kind.rawValue)
    digest.combine(identity.key)
    digest.combine(identity.live)
    digest.combine(identity.isReleasing)
    digest.combine(identity.restriction) { digest, restriction in
      digest.combine(restriction.until)
      digest.combine(restriction.by)
      digest.combine(restriction.because)
      switch restriction.measure {
      case .suspend: digest.combine(word: 1)
      case .throttle(let most): digest.combine(word: 2 << 32 | UInt64(most))
      case .ceiling(let ceiling): digest.combine(word: 3 << 32 | UInt64(ceiling.rank))
      }
    }
  }

  private static func feed(_ claim: Claim, _ digest: inout DigestBuilder) {
    digest.combine(claim.spec.key)
    digest.combine(claim.spec.lanes.bits)
    digest.combine(claim.spec.runtimeMax)
    digest.combine(claim.state.rawValue)
    digest.combine(claim.tenant)
    digest.combine(claim.serviceClass.rank)
    digest.combine(claim.turn.level)
    digest.combine(claim.turn.submitted)
    digest.combine(claim.turn.arrival)
    digest.combine(claim.group)
    digest.combine(claim.bucket) { $0.combine($1) }
    digest.combine(claim.lease) { $0.combine($1) }
    digest.combine(claim.failedStarts)
    digest.combine(claim.grants)
    digest.combine(claim.preemptions)
    digest.combine(claim.saved)
    digest.combine(claim.level)
    digest.combine(claim.waited)
    digest.combine(claim.queuedAt)
    digest.combine(claim.widensOn) { $0.combine($1) }
    digest.combine(claim.heldBy) { $0.combine($1) }
    digest.combine(claim.pin) { digest, pin in
      digest.combine(pin.lane)
      digest.combine(pin.node)
      digest.combine(pin.members)
      digest.combine(pin.starts)
      digest.combine(pin.isHeld)
    }
    digest.combine(claim.degradation) { $0.combine($1) }
    digest.combine(claim.waitEnds)
    digest.combine(claim.latestStart)
    digest.combine(claim.approval) { digest, approval in
      digest.combine(approval.asked)
      digest.combine(approval.lapses)
      digest.combine(approval.isDemanded)
      digest.combine(approval.by) { $0.combine($1) }
    }
    digest.combine(claim.spec.plan) { $0.combine($1) }
    digest.combine(claim.spec.budget) { $0.combine($1) }
    digest.combine(claim.spec.quote) { $0.combine($1) }
    digest.combine(claim.quotedRate) { $0.combine($1) }
    digest.combine(claim.plan.planned)
    digest.combine(claim.plan.correctionMilli)
  }

  private static func feed(_ quote: Quote, _ digest: inout DigestBuilder) {
    digest.combine(quote.key)
    digest.combine(quote.tenant)
    digest.combine(quote.spec.principal)
    digest.combine(quote.spec.lanes.bits)
    digest.combine(quote.lane)
    digest.combine(quote.rate)
    digest.combine(quote.plan.planned)
    digest.combine(quote.plan.correctionMilli)
    digest.combine(quote.price)
    digest.combine(quote.reservation)
    digest.combine(quote.policy.value)
    digest.combine(quote.expires)
    digest.combine(quote.end) { $0.combine($1.rawValue) }
    digest.combine(quote.endedAt)
  }

  private static func feed(_ lease: Lease, _ digest: inout DigestBuilder) {
    digest.combine(lease.claim)
    digest.combine(lease.node)
    digest.combine(lease.lane)
    digest.combine(lease.fencing.raw)
    digest.combine(lease.members)
    digest.combine(lease.lead)
    digest.combine(lease.policy.value)
    digest.combine(lease.rate)
    digest.combine(lease.level)
    digest.combine(lease.rung)
    digest.combine(lease.automation.rawValue)
    digest.combine(lease.isLent)
    digest.combine(lease.grace)
    digest.combine(lease.state.rawValue)
    digest.combine(lease.startBy)
    digest.combine(lease.started) { $0.combine($1) }
    digest.combine(lease.checkpoint) { $0.combine($1) }
    digest.combine(lease.quantumStart)
    digest.combine(lease.quantum)
    digest.combine(lease.quantumSpan)
    digest.combine(lease.reserved)
    digest.combine(lease.nextSpan)
    digest.combine(lease.nextReserved) { $0.combine($1) }
    digest.combine(lease.remainder)
    digest.combine(lease.committed)
    digest.combine(lease.isUnpaid)
    digest.combine(lease.cause) { $0.combine($1.rawValue) }
    digest.combine(lease.killBy)
    digest.combine(lease.stoppedAt) { $0.combine($1) }
  }
}
