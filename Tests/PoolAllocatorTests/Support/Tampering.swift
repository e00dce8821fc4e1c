@testable import PoolAllocator

/// One way to falsify the log or the answer of a command.
struct Tampering: Sendable {
  let name: String
  /// Falsifies them; returns false where there is nothing of its kind to falsify.
  let apply: @Sendable (inout EventLog, inout Decision, Pool) -> Bool

  init(
    _ name: String, _ apply: @escaping @Sendable (inout EventLog, inout Decision, Pool) -> Bool
  ) {
    self.name = name
    self.apply = apply
  }

  /// Changes the last row of a list.
  static func row<Row: BitwiseCopyable & Sendable>(
    _ name: String, _ rows: @escaping @Sendable (inout EventLog) -> LogRows<Row>,
    _ set: @escaping @Sendable (inout EventLog, LogRows<Row>) -> Void,
    _ change: @escaping @Sendable (inout Row, Pool) -> Bool
  ) -> Tampering {
    Tampering(name) { log, _, pool in
      var all = Array(rows(&log))
      guard var last = all.popLast(), change(&last, pool) else { return false }
      var changed = LogRows<Row>()
      for row in all + [last] { changed.append(row) }
      set(&log, changed)
      return true
    }
  }

  static func grant(
    _ name: String, _ change: @escaping @Sendable (inout Grant, Pool) -> Bool
  ) -> Tampering {
    row("grant: \(name)", { $0.grants }, { $0.grants = $1 }, change)
  }

  static func grant(
    _ name: String, _ change: @escaping @Sendable (inout Grant) -> Void
  ) -> Tampering {
    grant(name) { grant, _ in
      change(&grant)
      return true
    }
  }

  static func posting(
    _ name: String, _ change: @escaping @Sendable (inout Posting) -> Void
  ) -> Tampering {
    row("posting: \(name)", { $0.postings }, { $0.postings = $1 }) { posting, _ in
      change(&posting)
      return true
    }
  }

  static func claim(
    _ name: String, _ change: @escaping @Sendable (inout ClaimFact) -> Void
  ) -> Tampering {
    row("claim: \(name)", { $0.claimFacts }, { $0.claimFacts = $1 }) { fact, _ in
      change(&fact)
      return true
    }
  }

  /// Changes the shares of the last grant.
  static func use(
    _ name: String, _ change: @escaping @Sendable (inout DeviceUse, Grant, Pool) -> Bool
  ) -> Tampering {
    Tampering("share: \(name)") { log, _, pool in
      guard let grant = log.grants.last, let index = grant.uses.indices.last else { return false }
      var all = Array(log.uses)
      guard change(&all[index], grant, pool) else { return false }
      log.uses = LogRows()
      for use in all { log.uses.append(use) }
      return true
    }
  }

  /// Replaces the last event that a change is made for.
  static func event(
    _ name: String, _ change: @escaping @Sendable (Event, Pool) -> [Event]?
  ) -> Tampering {
    Tampering("event: \(name)") { log, _, pool in
      let all = Array(log.events)
      guard let index = all.lastIndex(where: { change($0, pool) != nil }),
        let changed = change(all[index], pool)
      else { return false }
      log.events = LogRows()
      for event in all[..<index] + changed + all[(index + 1)...] { log.events.append(event) }
      return true
    }
  }

  static func answer(
    _ name: String, _ change: @escaping @Sendable (inout Decision, EventLog) -> Bool
  ) -> Tampering {
    Tampering("answer: \(name)") { log, decision, _ in change(&decision, log) }
  }

  /// Changes the first reason of the answer that is of a kind.
  static func reason(
    _ name: String, _ isOne: @escaping @Sendable (Reason, EventLog) -> Bool,
    _ change: @escaping @Sendable (inout Reason) -> Void
  ) -> Tampering {
    Tampering("reason: \(name)") { log, decision, _ in
      // The reasons of a claim on a rung speak of what it asked for; they are not checked.
      guard decision.verdict != .downgraded else { return false }
      var all = Array(log.reasons)
      let found = decision.reasons.indices.first { isOne(all[$0], log) }
      guard let found else { return false }
      change(&all[found])
      log.reasons = LogRows()
      for reason in all { log.reasons.append(reason) }
      return true
    }
  }
}

extension Tampering {
  /// Every kind; each has to be found whenever it is made.
  static let all: [Tampering] = grants + shares + money + life + answers + quotes

  private static let grants: [Tampering] = [
    grant("reserves one credit more") { $0.reserved = Credits($0.reserved.value + 1) },
    grant("reserves one credit less") { $0.reserved = Credits($0.reserved.value - 1) },
    grant("costs more for its time") { $0.rate += 1 },
    grant("is billed less") { $0.billedMilli -= 1 },
    grant("pays for a longer quantum") { $0.quantum = Span(ns: $0.quantum.ns + 1) },
    grant("uses a fencing number again") { $0.fencing = Fencing(raw: $0.fencing.raw - 1) },
    grant("is fenced in another epoch") { $0.fencing = Fencing(raw: $0.fencing.raw + 1 << 40) },
    grant("is charged to another lane") { grant, pool in
      let other = (0..<UInt32(Limits.lanes)).first {
        $0 != grant.lane.row && pool.laneID(atRow: $0) != nil
      }
      guard let other = other.flatMap({ pool.laneID(atRow: $0) }) else { return false }
      grant.lane = other
      return true
    },
    grant("is on another node") { grant, pool in
      var other: NodeID?
      pool.forEachNode { id, _ in if id != grant.node { other = id } }
      guard let other else { return false }
      grant.node = other
      return true
    },
    grant("serves a claim that is not there") {
      $0.claim = ClaimID(row: $0.claim.row, generation: $0.claim.generation + 2)
    },
    grant("calls what is lent its own, or the reverse") { $0.isLent.toggle() },
    grant("has more time to start") { $0.startBy = $0.startBy + Span(ns: 1) },
    grant("has other terms") { $0.terms.killWithin = Span(ns: $0.terms.killWithin.ns + 1) },
    grant("drops a share") { grant, _ in
      guard grant.uses.count > 0 else { return false }
      grant.uses.count -= 1
      return true
    },
    grant("drops a posting") { grant, _ in
      guard grant.postings.count > 0 else { return false }
      grant.postings.count -= 1
      return true
    },
  ]

  private static let shares: [Tampering] = [
    use("of a device that another has whole") { use, grant, pool in
      var busy: DeviceID?
      pool.forEachLease { _, lease in
        guard lease.fencing != grant.fencing, lease.claim != grant.claim else { return }
        for other in pool.uses(of: lease)
        where pool.device(other.device)?.mode == .whole && other.device != use.device {
          busy = other.device
        }
      }
      guard let busy else { return false }
      use.device = busy
      return true
    },
    use("of a device of another lane or node") { use, grant, pool in
      var other: DeviceID?
      pool.forEachDevice { id, device in
        if device.node != grant.node || device.lane != grant.lane.row { other = id }
      }
      guard let other else { return false }
      use.device = other
      return true
    },
    use("of no device") { use, _, _ in
      use.device = DeviceID(row: use.device.row, generation: use.device.generation + 2)
      return true
    },
    use("is larger") { use, _, _ in
      use.milli = MilliGPU(use.milli.value + 1)
      return true
    },
    use("has less memory") { use, _, _ in
      use.memory = Bytes(use.memory.value - 1)
      return true
    },
  ]

  private static let money: [Tampering] = [
    posting("charges more") { $0.charged = Credits($0.charged.value + 1) },
    posting("refills more") { $0.refilled = Credits($0.refilled.value + 1) },
    posting("refunds more") { $0.refunded = Credits($0.refunded.value + 1) },
    posting("forfeits more") { $0.forfeited = Credits($0.forfeited.value + 1) },
    posting("is of another bucket") {
      $0.bucket = BucketID(row: $0.bucket.row, generation: $0.bucket.generation + 2)
    },
    event("settled for one credit more") { event, _ in
      guard case .settled(let id, let quantum, let charge, let rest, let run) = event else {
        return nil
      }
      let more = Credits(charge.value + 1)
      return [.settled(id, quantum: quantum, charge: more, remainder: rest, postings: run)]
    },
    event("settled with another remainder") { event, _ in
      guard case .settled(let id, let quantum, let charge, let rest, let run) = event else {
        return nil
      }
      return [.settled(id, quantum: quantum, charge: charge, remainder: rest + 1, postings: run)]
    },
    event("settled twice") { event, _ in
      if case .settled = event { [event, event] } else { nil }
    },
    Tampering("event: a settlement of a stopped lease is missing") { log, _, _ in
      let all = Array(log.events)
      let stopped = all.compactMap {
        if case .leaseStopping(let id, _, _, _) = $0 { id } else { nil }
      }
      let last = all.lastIndex {
        if case .settled(let id, _, _, _, _) = $0 { stopped.contains(id) } else { false }
      }
      guard let last else { return false }
      log.events = LogRows()
      for index in all.indices where index != last { log.events.append(all[index]) }
      return true
    },
    event("another quantum is settled") { event, _ in
      guard case .settled(let id, let quantum, let charge, let rest, let run) = event else {
        return nil
      }
      return [
        .settled(id, quantum: quantum + 1, charge: charge, remainder: rest, postings: run)
      ]
    },
    event("renewed for longer") { event, _ in
      guard case .leaseRenewed(let id, let span, let reserved, let run) = event else { return nil }
      let longer = Span(ns: span.ns + 1)
      return [.leaseRenewed(id, span: longer, reserved: reserved, postings: run)]
    },
    event("renewed for less") { event, _ in
      guard case .leaseRenewed(let id, let span, let reserved, let run) = event else { return nil }
      let less = Credits(reserved.value - 1)
      return [.leaseRenewed(id, span: span, reserved: less, postings: run)]
    },
    event("renewed twice") { event, _ in
      if case .leaseRenewed = event { [event, event] } else { nil }
    },
    event("an activation drops a posting") { event, _ in
      guard case .policyActivated(let generation, let run) = event, run.count > 0 else {
        return nil
      }
      let shorter = Span32(first: run.first, count: run.count - 1)
      return [.policyActivated(generation, postings: shorter)]
    },
  ]

  private static let life: [Tampering] = [
    event("a grant is missing") { event, _ in
      if case .leaseGranted = event { [] } else { nil }
    },
    event("granted twice") { event, _ in
      if case .leaseGranted = event { [event, event] } else { nil }
    },
    event("started later") { event, _ in
      guard case .leaseStarted(let id, let at) = event else { return nil }
      return [.leaseStarted(id, at: at + Span(ns: 1))]
    },
    event("started twice") { event, _ in
      if case .leaseStarted = event { [event, event] } else { nil }
    },
    event("billed for longer") { event, _ in
      guard case .leaseStopping(let id, let cause, let at, let killBy) = event else { return nil }
      return [.leaseStopping(id, cause, at: at + Span(ns: 1), killBy: killBy)]
    },
    event("killed later") { event, _ in
      guard case .leaseStopping(let id, let cause, let at, let killBy) = event else { return nil }
      return [.leaseStopping(id, cause, at: at, killBy: killBy + Span(ns: 1))]
    },
    event("stopped twice") { event, _ in
      if case .leaseStopping = event { [event, event] } else { nil }
    },
    event("ended and ended again") { event, _ in
      if case .leaseEnded = event { [event, event] } else { nil }
    },
    event("a claim ends twice") { event, _ in
      if case .claimEnded = event { [event, event] } else { nil }
    },
    event("a claim is submitted twice") { event, _ in
      if case .claimSubmitted = event { [event, event] } else { nil }
    },
    event("an epoch begins again") { event, _ in
      if case .epochBegun = event { [event, event] } else { nil }
    },
    claim("of a more urgent class") {
      $0.serviceClass = ServiceClass(rank: ($0.serviceClass.rank + 3) % 4) ?? .p0
    },
    claim("at another weight") { $0.weightMilli += 1 },
    claim("of another tenant") {
      $0.tenant = TenantID(row: $0.tenant.row, generation: $0.tenant.generation + 2)
    },
  ]

  private static let answers: [Tampering] = [
    answer("another price") { decision, log in
      guard decision.verdict == .admitted else { return false }
      decision.price = Credits(decision.price.value + 1)
      return true
    },
    answer("another reservation") { decision, log in
      guard decision.verdict == .admitted else { return false }
      decision.reservation = Credits(decision.reservation.value - 1)
      return true
    },
    answer("another lease") { decision, log in
      guard decision.verdict == .admitted, let lease = decision.lease else { return false }
      decision.lease = LeaseID(row: lease.row, generation: lease.generation + 2)
      return true
    },
    answer("a grant is called a wait") { decision, log in
      guard decision.verdict == .admitted else { return false }
      decision.verdict = .queued
      return true
    },
    answer("a wait is called a grant") { decision, log in
      guard decision.verdict == .queued || decision.verdict == .parked else { return false }
      decision.verdict = .admitted
      return true
    },
    answer("a refusal is called a wait") { decision, log in
      guard decision.verdict == .rejected || decision.verdict == .infeasible else { return false }
      decision.verdict = .queued
      return true
    },
    answer("a wait without a reason") { decision, log in
      guard decision.verdict == .queued || decision.verdict == .parked else { return false }
      decision.reasons = .none
      return true
    },
    reason("a bucket has more", { reason, _ in reason.code == .bucketShort }) { $0.have += 1 },
    reason(
      "a bucket needs less",
      { reason, log in reason.code == .bucketShort && !log.claimFacts.isEmpty }
    ) { $0.need -= 1 },
    reason(
      "a bucket clears sooner",
      { reason, _ in reason.code == .bucketShort && reason.clearsAt != nil }
    ) { $0.clearsAt = $0.clearsAt.map { Instant(ns: $0.ns - 1) } },
    reason("an owner lends more", { reason, _ in reason.code == .lendingLimit }) { $0.have += 1 },
  ]
}
