import PoolAllocator
import PoolWire
import StrictJSON

/// An event as an answer tells it: taken when it happened, as its rows may be gone later.
struct Happening {
  var event: String
  /// When it happened, in pool time.
  var at: Instant
  var fields: [(name: String, value: Value)] = []

  enum Value {
    case text(String)
    case number(Int64)
    case thousandths(Int64)
    case gpuSeconds(Credits)
    case moment(Instant)
    case words([String])
  }

  /// Nil for events that only settle what another one tells.
  init?(_ event: Event, in session: PlaceSession) {
    switch event {
    case .clockJumped, .policyActivated, .laneBound, .laneUnbound, .signalRecorded,
      .correctionRecorded, .guaranteeImpaired, .guaranteeRestored, .nodeEnrolled,
      .nodeAdvertised, .nodeReached, .nodeHeard, .nodeDuty, .nodeDrifted, .nodeForgotten,
      .deviceAdvertised, .deviceMoved, .identityRestricted, .restrictionEnded, .pressureMoved,
      .dependencyReported:
      self.init(poolEvent: event, in: session)
    case .budgetOpened, .budgetChanged, .budgetClosed, .budgetForgotten, .emergencyRaised,
      .emergencyEnded:
      self.init(budgetEvent: event, in: session)
    case .approvalRequested, .approvalGranted, .approvalDenied, .approvalLapsed:
      self.init(approvalEvent: event, in: session)
    case .quoteIssued, .quoteEnded, .quoteForgotten: self.init(quoteEvent: event, in: session)
    case .claimSubmitted, .claimDowngraded, .claimQueued, .claimParked, .claimHeld, .claimAged,
      .waitExceeded,
      .claimPinned, .claimUnpinned, .turnOverdue, .claimEnded, .claimRefused,
      .commandRefused, .epochBegun:
      self.init(claimEvent: event, in: session)
    default: self.init(leaseEvent: event, in: session)
    }
  }

  private init(_ event: String, _ session: PlaceSession) {
    self.event = event
    at = session.log.at
  }

  private mutating func add(_ name: String, _ value: String?) {
    if let value { fields.append((name, .text(value))) }
  }

  private mutating func add(claim: ClaimForm?) {
    add("claim", claim?.name)
    add("tenant", claim?.tenant)
  }

  private init?(claimEvent event: Event, in session: PlaceSession) {
    switch event {
    case .claimQueued(let id, _, let because, _):
      self.init("claim_queued", session)
      add(claim: session.claims[id])
      add("because", because?.wire)
    case .claimDowngraded(let id, _, let trigger, let fact):
      let downgrade = session.log.downgrades[Int(fact)]
      self.init("claim_downgraded", session)
      add(claim: session.claims[id])
      add("rung", session.names.text(downgrade.key))
      add("mode", "\(downgrade.mode)")
      add("automation", downgrade.automation.wire)
      add("trigger", trigger.wire)
      if let recovers = downgrade.recovers {
        fields.append(("recovers_ms", .moment(recovers)))
      }
    case .claimParked(let id, let bucket):
      self.init("claim_parked", session)
      add(claim: session.claims[id])
      add(bucket: bucket, session)
    case .waitExceeded(let id, let reasons):
      self.init("wait_exceeded", session)
      add(claim: session.claims[id])
      let codes = reasons.indices.map { session.log.reasons[$0].code.wire }
      fields.append(("reasons", .words(codes)))
    case .claimPinned(let id, let fact):
      let pin = session.log.pins[Int(fact)]
      self.init("claim_pinned", session)
      add(claim: session.claims[id])
      add(lane: pin.lane, session)
      add(node: pin.node, session)
      addOthers(pin, session)
      fields.append(("planned_ms", .moment(pin.starts)))
      if pin.isHeld { add("because", "preemption") }
    case .turnOverdue(let tenant, let lane):
      self.init("turn_overdue", session)
      add("tenant", session.pool.tenant(tenant).map { session.names.text($0.key) })
      add(lane: lane, session)
    case .claimUnpinned(let id, let code):
      self.init("claim_unpinned", session)
      add(claim: session.claims[id])
      add("because", code.wire)
    case .claimAged(let id, let level):
      self.init("claim_aged", session)
      add(claim: session.claims[id])
      fields.append(("level", .number(Int64(level))))
    case .claimHeld(let id, let row):
      self.init("claim_held", session)
      add(claim: session.claims[id])
      if let identity = session.pool.identity(atRow: row) {
        add("by", "\(identity.kind)")
        add("name", session.names.text(identity.key))
      }
    case .claimEnded(let id, let end):
      self.init("claim_ended", session)
      add(claim: session.claims[id])
      add("end", end.wire)
    default: return nil
    }
  }

  private mutating func add(bucket id: BucketID, _ session: PlaceSession) {
    guard let bucket = session.pool.bucket(id) else { return }
    let name = session.names.text(bucket.rule.key)
    guard bucket.delegation != nil else { return add("bucket", name) }
    add("budget", NamePath.last(name))
  }

  private mutating func add(ownerOf id: BucketID, _ session: PlaceSession) {
    let tenant = session.pool.bucket(id).flatMap { session.pool.tenant($0.tenant) }
    add("tenant", tenant.map { session.names.text($0.key) })
  }

  private init?(budgetEvent event: Event, in session: PlaceSession) {
    switch event {
    case .budgetOpened(let id, let fact):
      let spec = session.log.delegations[Int(fact)]
      self.init("budget_opened", session)
      add(bucket: id, session)
      add("parent", spec.parent.map { NamePath.last(session.names.text($0)) })
      add("tenant", session.names.text(spec.tenant))
      fields.append(("limit_gpu_seconds", .gpuSeconds(spec.limit)))
      fields.append(("expires_ms", .moment(spec.expires)))
    case .budgetChanged(let id, let limit, let expires):
      self.init("budget_changed", session)
      add(bucket: id, session)
      add(ownerOf: id, session)
      fields.append(("limit_gpu_seconds", .gpuSeconds(limit)))
      fields.append(("expires_ms", .moment(expires)))
    case .budgetClosed(let id, let because):
      self.init("budget_closed", session)
      add(bucket: id, session)
      add(ownerOf: id, session)
      add("because", because.wire)
    case .emergencyRaised(let id, let fact):
      let raise = session.log.emergencies[Int(fact)]
      self.init("emergency_raised", session)
      add(bucket: id, session)
      fields.append(("approvers", .words([raise.by, raise.and].map { session.names.text($0) })))
      fields.append(("expires_ms", .moment(raise.until)))
    case .emergencyEnded(let id):
      self.init("emergency_ended", session)
      add(bucket: id, session)
    default: return nil
    }
  }

  private init?(quoteEvent event: Event, in session: PlaceSession) {
    switch event {
    case .quoteIssued(let id, let fact):
      self.init("quote_issued", session)
      add(quote: id, session)
      add(lane: session.log.quotes[Int(fact)].lane, session)
      fields.append(("price_gpu_seconds", .gpuSeconds(session.log.quotes[Int(fact)].price)))
      fields.append(("expires_ms", .moment(session.log.quotes[Int(fact)].expires)))
    case .quoteEnded(let id, let end):
      self.init("quote_ended", session)
      add(quote: id, session)
      add("end", "\(end)")
    default: return nil
    }
  }

  private mutating func add(quote id: QuoteID, _ session: PlaceSession) {
    guard let quote = session.pool.quote(id) else { return }
    add("quote", NamePath.last(session.names.text(quote.key)))
    add("tenant", session.pool.tenant(quote.tenant).map { session.names.text($0.key) })
  }

  private init?(approvalEvent event: Event, in session: PlaceSession) {
    switch event {
    case .approvalRequested(let id, let lapses, _):
      self.init("approval_requested", session)
      add(claim: session.claims[id])
      add("plan", session.claims[id]?.plan)
      fields.append(("lapses_ms", .moment(lapses)))
    case .approvalGranted(let id, let by):
      self.init("approval_granted", session)
      add(claim: session.claims[id])
      add("approver", session.names.text(by))
    case .approvalDenied(let id, let by):
      self.init("approval_denied", session)
      add(claim: session.claims[id])
      add("approver", session.names.text(by))
    case .approvalLapsed(let id):
      self.init("approval_lapsed", session)
      add(claim: session.claims[id])
    default: return nil
    }
  }

  private init?(poolEvent event: Event, in session: PlaceSession) {
    switch event {
    case .nodeReached(let node, let reach):
      self.init("node_reached", session)
      add(node: node, session)
      add("reach", "\(reach)")
    case .nodeDuty(let node, let duty, _):
      self.init("node_duty", session)
      add(node: node, session)
      add("duty", "\(duty)")
    case .nodeDrifted(let node, let profile, let reported, let approved):
      self.init("node_drifted", session)
      add(node: node, session)
      add("profile", session.names.text(profile))
      fields.append(("reported", .number(Int64(reported))))
      fields.append(("approved", .number(Int64(approved))))
    case .deviceMoved(let device, let health):
      guard let known = session.pool.device(device) else { return nil }
      self.init("device_moved", session)
      add("device", session.names.text(known.report.key))
      add("health", "\(health)")
    case .correctionRecorded(let fact):
      let correction = session.log.corrections[Int(fact)]
      self.init(correction.milli == nil ? "correction_forgotten" : "correction_recorded", session)
      add("tenant", session.names.text(correction.scope.tenant))
      add("service", session.names.text(correction.scope.service))
      add("model_class", correction.scope.modelClass.map { session.names.text($0) })
      if let milli = correction.milli {
        fields.append(("correction", .thousandths(Int64(milli))))
      }
    case .pressureMoved(let pool, let gauge, let level, let cause):
      self.init("pressure_moved", session)
      add("pool", session.names.text(session.pool.policy.pools[Int(pool)].key))
      add("gauge", session.names.text(session.pool.policy.gauges[Int(gauge)].key))
      add("pressure", "\(level)")
      add("because", cause.wire)
    case .dependencyReported(let key, let state):
      self.init("dependency_reported", session)
      add("dependency", session.names.text(key))
      add("state", "\(state)")
    case .guaranteeImpaired(let lane, let short, let cause):
      self.init("guarantee_impaired", session)
      add(lane: lane, session)
      fields.append(("short_milli", .number(short)))
      add("because", cause.wire)
    case .guaranteeRestored(let lane):
      self.init("guarantee_restored", session)
      add(lane: lane, session)
    case .clockJumped(let skipped):
      self.init("clock_jumped", session)
      add("skipped_seconds", Amounts.seconds(skipped.ns))
    case .policyActivated(let generation, _):
      self.init("policy_activated", session)
      fields.append(("generation", .number(Int64(generation.value))))
    default: return nil
    }
  }

  private mutating func add(lane id: LaneID, _ session: PlaceSession) {
    add("lane", session.pool.lane(id).map { session.names.text($0.key) })
  }

  /// The nodes of a plan for a gang that is on several.
  private mutating func addOthers(_ pin: PinFact, _ session: PlaceSession) {
    var nodes: [NodeID] = []
    for index in pin.uses.indices {
      let device = session.pool.device(session.log.uses[index].device)
      if let node = device?.node, nodes.last != node { nodes.append(node) }
    }
    guard nodes.count > 1 else { return }
    let names = nodes.compactMap { session.pool.node($0) }.map {
      session.names.text($0.enrolment.key)
    }
    fields.append(("nodes", .words(names)))
  }

  private mutating func add(node id: NodeID, _ session: PlaceSession) {
    add("node", session.pool.node(id).map { session.names.text($0.enrolment.key) })
  }

  /// One member's part of a grant.
  init(_ grant: Grant, in session: PlaceSession) {
    self.init("lease_granted", session)
    add(lease: grant.lease, session)
    add("fencing", grant.fencing.wire)
    add(lane: grant.lane, session)
    add(node: grant.node, session)
    let devices = grant.uses.indices.compactMap { index in
      session.pool.device(session.log.uses[index].device).map {
        session.names.text($0.report.key)
      }
    }
    fields.append(("devices", .words(devices)))
    fields.append(("reserved_gpu_seconds", .gpuSeconds(grant.reserved)))
    fields.append(("start_by_ms", .moment(grant.startBy)))
  }

  private init?(leaseEvent event: Event, in session: PlaceSession) {
    switch event {
    case .leaseStarted(let id, _):
      self.init("lease_started", session)
      add(lease: id, session)
    case .leaseCheckpointed(let id, _):
      self.init("lease_checkpointed", session)
      add(lease: id, session)
    case .leaseRenewed(let id, _, let reserved, _):
      self.init("lease_renewed", session)
      add(lease: id, session)
      fields.append(("reserved_gpu_seconds", .gpuSeconds(reserved)))
    case .leaseUnpaid(let id, let short):
      self.init("lease_unpaid", session)
      add(lease: id, session)
      fields.append(("short_gpu_seconds", .gpuSeconds(short)))
    case .debtEntered(let id, let bucket, let amount):
      self.init("debt_entered", session)
      add(lease: id, session)
      add("bucket", session.pool.bucket(bucket).map { session.names.text($0.rule.key) })
      fields.append(("debt_gpu_seconds", .gpuSeconds(amount)))
    case .settled(let id, let quantum, let charge, _, _):
      self.init("lease_settled", session)
      add(lease: id, session)
      fields.append(("quantum", .number(Int64(quantum))))
      fields.append(("charged_gpu_seconds", .gpuSeconds(charge)))
    case .leaseStopping(let id, let cause, _, let killBy):
      self.init("lease_stopping", session)
      add(lease: id, session)
      add("cause", cause.wire)
      fields.append(("kill_by_ms", .moment(killBy)))
    case .leaseOverstayed(let id):
      self.init("lease_overstayed", session)
      add(lease: id, session)
    case .leaseResumed(let id):
      self.init("lease_resumed", session)
      add(lease: id, session)
    case .leaseEnded(let id):
      self.init("lease_ended", session)
      add(lease: id, session)
    default: return nil
    }
  }

  private mutating func add(lease id: LeaseID, _ session: PlaceSession) {
    add("lease", id.wire)
    add(claim: session.holders[id])
  }

  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("event", event)
      writer.milliseconds("at_ms", at)
      for (name, value) in fields {
        switch value {
        case .text(let text): writer.string(name, text)
        case .number(let number): writer.int64(name, number)
        case .thousandths(let milli): writer.milli(name, milli)
        case .gpuSeconds(let credits): writer.gpuSeconds(name, credits)
        case .moment(let moment): writer.milliseconds(name, moment)
        case .words(let uuids):
          writer.array(name) { writer in for uuid in uuids { writer.string(uuid) } }
        }
      }
    }
  }
}

extension Happening {
  /// The fields that are texts, by name.
  var texts: [String: String] {
    var texts: [String: String] = [:]
    for case (let name, .text(let text)) in fields { texts[name] = text }
    return texts
  }
}
