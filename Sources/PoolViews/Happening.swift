public import PoolAllocator
import PoolWire
public import StrictJSON

/// An event as an answer tells it: taken when it happened, as its rows may be gone later.
public struct Happening: Sendable {
  /// What happened, in a word.
  public var event: String
  /// When it happened, in pool time.
  public var at: Instant
  /// The rest, in order.
  public var fields: [(name: String, value: Value)] = []

  /// What a field holds.
  public enum Value: Sendable {
    case text(String)
    case number(Int64)
    case thousandths(Int64)
    case gpuSeconds(Credits)
    case moment(Instant)
    case words([String])
  }

  /// Nil for events that only settle what another one tells.
  public init?(_ event: Event, in scene: Scene) {
    switch event {
    case .clockJumped, .policyActivated, .laneBound, .laneUnbound, .signalRecorded,
      .correctionRecorded, .guaranteeImpaired, .guaranteeRestored, .nodeEnrolled,
      .nodeAdvertised, .nodeReached, .nodeHeard, .nodeDuty, .nodeDrifted, .nodeForgotten,
      .deviceAdvertised, .deviceMoved, .identityRestricted, .restrictionEnded, .pressureMoved,
      .dependencyReported:
      self.init(poolEvent: event, in: scene)
    case .budgetOpened, .budgetChanged, .budgetClosed, .budgetForgotten, .emergencyRaised,
      .emergencyEnded:
      self.init(budgetEvent: event, in: scene)
    case .approvalRequested, .approvalGranted, .approvalDenied, .approvalLapsed:
      self.init(approvalEvent: event, in: scene)
    case .quoteIssued, .quoteEnded, .quoteForgotten: self.init(quoteEvent: event, in: scene)
    case .claimSubmitted, .claimDowngraded, .claimQueued, .claimParked, .claimHeld, .claimAged,
      .waitExceeded,
      .claimPinned, .claimUnpinned, .turnOverdue, .claimEnded, .claimRefused,
      .commandRefused, .epochBegun:
      self.init(claimEvent: event, in: scene)
    default: self.init(leaseEvent: event, in: scene)
    }
  }

  private init(_ event: String, _ scene: Scene) {
    self.event = event
    at = scene.log.at
  }

  private mutating func add(_ name: String, _ value: String?) {
    if let value { fields.append((name, .text(value))) }
  }

  private mutating func add(claim: ClaimForm?) {
    add("claim", claim?.name)
    add("tenant", claim?.tenant)
  }

  private init?(claimEvent event: Event, in scene: Scene) {
    switch event {
    case .claimQueued(let id, _, let because, _):
      self.init("claim_queued", scene)
      add(claim: scene.claims[id])
      add("because", because?.wire)
    case .claimDowngraded(let id, _, let trigger, let fact):
      let downgrade = scene.log.downgrades[Int(fact)]
      self.init("claim_downgraded", scene)
      add(claim: scene.claims[id])
      add("rung", scene.names.text(downgrade.key))
      add("mode", "\(downgrade.mode)")
      add("automation", downgrade.automation.wire)
      add("trigger", trigger.wire)
      if let recovers = downgrade.recovers {
        fields.append(("recovers_ms", .moment(recovers)))
      }
    case .claimParked(let id, let bucket):
      self.init("claim_parked", scene)
      add(claim: scene.claims[id])
      add(bucket: bucket, scene)
    case .waitExceeded(let id, let reasons):
      self.init("wait_exceeded", scene)
      add(claim: scene.claims[id])
      let codes = reasons.indices.map { scene.log.reasons[$0].code.wire }
      fields.append(("reasons", .words(codes)))
    case .claimPinned(let id, let fact):
      let pin = scene.log.pins[Int(fact)]
      self.init("claim_pinned", scene)
      add(claim: scene.claims[id])
      add(lane: pin.lane, scene)
      add(node: pin.node, scene)
      addOthers(pin, scene)
      fields.append(("planned_ms", .moment(pin.starts)))
      if pin.isHeld { add("because", "preemption") }
    case .turnOverdue(let tenant, let lane):
      self.init("turn_overdue", scene)
      add("tenant", scene.pool.tenant(tenant).map { scene.names.text($0.key) })
      add(lane: lane, scene)
    case .claimUnpinned(let id, let code):
      self.init("claim_unpinned", scene)
      add(claim: scene.claims[id])
      add("because", code.wire)
    case .claimAged(let id, let level):
      self.init("claim_aged", scene)
      add(claim: scene.claims[id])
      fields.append(("level", .number(Int64(level))))
    case .claimHeld(let id, let row):
      self.init("claim_held", scene)
      add(claim: scene.claims[id])
      if let identity = scene.pool.identity(atRow: row) {
        add("by", "\(identity.kind)")
        add("name", scene.names.text(identity.key))
      }
    case .claimEnded(let id, let end):
      self.init("claim_ended", scene)
      add(claim: scene.claims[id])
      add("end", end.wire)
    default: return nil
    }
  }

  private mutating func add(bucket id: BucketID, _ scene: Scene) {
    guard let bucket = scene.pool.bucket(id) else { return }
    let name = scene.names.text(bucket.rule.key)
    guard bucket.delegation != nil else { return add("bucket", name) }
    add("budget", NamePath.last(name))
  }

  private mutating func add(ownerOf id: BucketID, _ scene: Scene) {
    let tenant = scene.pool.bucket(id).flatMap { scene.pool.tenant($0.tenant) }
    add("tenant", tenant.map { scene.names.text($0.key) })
  }

  private init?(budgetEvent event: Event, in scene: Scene) {
    switch event {
    case .budgetOpened(let id, let fact):
      let spec = scene.log.delegations[Int(fact)]
      self.init("budget_opened", scene)
      add(bucket: id, scene)
      add("parent", spec.parent.map { NamePath.last(scene.names.text($0)) })
      add("tenant", scene.names.text(spec.tenant))
      fields.append(("limit_gpu_seconds", .gpuSeconds(spec.limit)))
      fields.append(("expires_ms", .moment(spec.expires)))
    case .budgetChanged(let id, let limit, let expires):
      self.init("budget_changed", scene)
      add(bucket: id, scene)
      add(ownerOf: id, scene)
      fields.append(("limit_gpu_seconds", .gpuSeconds(limit)))
      fields.append(("expires_ms", .moment(expires)))
    case .budgetClosed(let id, let because):
      self.init("budget_closed", scene)
      add(bucket: id, scene)
      add(ownerOf: id, scene)
      add("because", because.wire)
    case .emergencyRaised(let id, let fact):
      let raise = scene.log.emergencies[Int(fact)]
      self.init("emergency_raised", scene)
      add(bucket: id, scene)
      fields.append(("approvers", .words([raise.by, raise.and].map { scene.names.text($0) })))
      fields.append(("expires_ms", .moment(raise.until)))
    case .emergencyEnded(let id):
      self.init("emergency_ended", scene)
      add(bucket: id, scene)
    default: return nil
    }
  }

  private init?(quoteEvent event: Event, in scene: Scene) {
    switch event {
    case .quoteIssued(let id, let fact):
      self.init("quote_issued", scene)
      add(quote: id, scene)
      add(lane: scene.log.quotes[Int(fact)].lane, scene)
      fields.append(("price_gpu_seconds", .gpuSeconds(scene.log.quotes[Int(fact)].price)))
      fields.append(("expires_ms", .moment(scene.log.quotes[Int(fact)].expires)))
    case .quoteEnded(let id, let end):
      self.init("quote_ended", scene)
      add(quote: id, scene)
      add("end", "\(end)")
    default: return nil
    }
  }

  private mutating func add(quote id: QuoteID, _ scene: Scene) {
    guard let quote = scene.pool.quote(id) else { return }
    add("quote", NamePath.last(scene.names.text(quote.key)))
    add("tenant", scene.pool.tenant(quote.tenant).map { scene.names.text($0.key) })
  }

  private init?(approvalEvent event: Event, in scene: Scene) {
    switch event {
    case .approvalRequested(let id, let lapses, _):
      self.init("approval_requested", scene)
      add(claim: scene.claims[id])
      add("plan", scene.claims[id]?.plan)
      fields.append(("lapses_ms", .moment(lapses)))
    case .approvalGranted(let id, let by):
      self.init("approval_granted", scene)
      add(claim: scene.claims[id])
      add("approver", scene.names.text(by))
    case .approvalDenied(let id, let by):
      self.init("approval_denied", scene)
      add(claim: scene.claims[id])
      add("approver", scene.names.text(by))
    case .approvalLapsed(let id):
      self.init("approval_lapsed", scene)
      add(claim: scene.claims[id])
    default: return nil
    }
  }

  private init?(poolEvent event: Event, in scene: Scene) {
    switch event {
    case .nodeReached(let node, let reach):
      self.init("node_reached", scene)
      add(node: node, scene)
      add("reach", "\(reach)")
    case .nodeDuty(let node, let duty, _):
      self.init("node_duty", scene)
      add(node: node, scene)
      add("duty", "\(duty)")
    case .nodeDrifted(let node, let profile, let reported, let approved):
      self.init("node_drifted", scene)
      add(node: node, scene)
      add("profile", scene.names.text(profile))
      fields.append(("reported", .number(Int64(reported))))
      fields.append(("approved", .number(Int64(approved))))
    case .deviceMoved(let device, let health):
      guard let known = scene.pool.device(device) else { return nil }
      self.init("device_moved", scene)
      add("device", scene.names.text(known.report.key))
      add("health", "\(health)")
    case .correctionRecorded(let fact):
      let correction = scene.log.corrections[Int(fact)]
      self.init(correction.milli == nil ? "correction_forgotten" : "correction_recorded", scene)
      add("tenant", scene.names.text(correction.scope.tenant))
      add("service", scene.names.text(correction.scope.service))
      add("model_class", correction.scope.modelClass.map { scene.names.text($0) })
      if let milli = correction.milli {
        fields.append(("correction", .thousandths(Int64(milli))))
      }
    case .pressureMoved(let pool, let gauge, let level, let cause):
      self.init("pressure_moved", scene)
      add("pool", scene.names.text(scene.pool.policy.pools[Int(pool)].key))
      add("gauge", scene.names.text(scene.pool.policy.gauges[Int(gauge)].key))
      add("pressure", "\(level)")
      add("because", cause.wire)
    case .dependencyReported(let key, let state):
      self.init("dependency_reported", scene)
      add("dependency", scene.names.text(key))
      add("state", "\(state)")
    case .guaranteeImpaired(let lane, let short, let cause):
      self.init("guarantee_impaired", scene)
      add(lane: lane, scene)
      fields.append(("short_milli", .number(short)))
      add("because", cause.wire)
    case .guaranteeRestored(let lane):
      self.init("guarantee_restored", scene)
      add(lane: lane, scene)
    case .clockJumped(let skipped):
      self.init("clock_jumped", scene)
      add("skipped_seconds", Amounts.seconds(skipped.ns))
    case .policyActivated(let generation, _):
      self.init("policy_activated", scene)
      fields.append(("generation", .number(Int64(generation.value))))
    default: return nil
    }
  }

  private mutating func add(lane id: LaneID, _ scene: Scene) {
    add("lane", scene.pool.lane(id).map { scene.names.text($0.key) })
  }

  /// The nodes of a plan for a gang that is on several.
  private mutating func addOthers(_ pin: PinFact, _ scene: Scene) {
    var nodes: [NodeID] = []
    for index in pin.uses.indices {
      let device = scene.pool.device(scene.log.uses[index].device)
      if let node = device?.node, nodes.last != node { nodes.append(node) }
    }
    guard nodes.count > 1 else { return }
    let names = nodes.compactMap { scene.pool.node($0) }.map {
      scene.names.text($0.enrolment.key)
    }
    fields.append(("nodes", .words(names)))
  }

  private mutating func add(node id: NodeID, _ scene: Scene) {
    add("node", scene.pool.node(id).map { scene.names.text($0.enrolment.key) })
  }

  /// One member's part of a grant.
  init(_ grant: Grant, in scene: Scene) {
    self.init("lease_granted", scene)
    add(lease: grant.lease, scene)
    add("fencing", grant.fencing.wire)
    add(lane: grant.lane, scene)
    add(node: grant.node, scene)
    let devices = grant.uses.indices.compactMap { index in
      scene.pool.device(scene.log.uses[index].device).map {
        scene.names.text($0.report.key)
      }
    }
    fields.append(("devices", .words(devices)))
    fields.append(("reserved_gpu_seconds", .gpuSeconds(grant.reserved)))
    fields.append(("start_by_ms", .moment(grant.startBy)))
  }

  private init?(leaseEvent event: Event, in scene: Scene) {
    switch event {
    case .leaseStarted(let id, _):
      self.init("lease_started", scene)
      add(lease: id, scene)
    case .leaseCheckpointed(let id, _):
      self.init("lease_checkpointed", scene)
      add(lease: id, scene)
    case .leaseRenewed(let id, _, let reserved, _):
      self.init("lease_renewed", scene)
      add(lease: id, scene)
      fields.append(("reserved_gpu_seconds", .gpuSeconds(reserved)))
    case .leaseUnpaid(let id, let short):
      self.init("lease_unpaid", scene)
      add(lease: id, scene)
      fields.append(("short_gpu_seconds", .gpuSeconds(short)))
    case .debtEntered(let id, let bucket, let amount):
      self.init("debt_entered", scene)
      add(lease: id, scene)
      add("bucket", scene.pool.bucket(bucket).map { scene.names.text($0.rule.key) })
      fields.append(("debt_gpu_seconds", .gpuSeconds(amount)))
    case .settled(let id, let quantum, let charge, _, _):
      self.init("lease_settled", scene)
      add(lease: id, scene)
      fields.append(("quantum", .number(Int64(quantum))))
      fields.append(("charged_gpu_seconds", .gpuSeconds(charge)))
    case .leaseStopping(let id, let cause, _, let killBy):
      self.init("lease_stopping", scene)
      add(lease: id, scene)
      add("cause", cause.wire)
      fields.append(("kill_by_ms", .moment(killBy)))
    case .leaseOverstayed(let id):
      self.init("lease_overstayed", scene)
      add(lease: id, scene)
    case .leaseResumed(let id):
      self.init("lease_resumed", scene)
      add(lease: id, scene)
    case .leaseEnded(let id):
      self.init("lease_ended", scene)
      add(lease: id, scene)
    default: return nil
    }
  }

  private mutating func add(lease id: LeaseID, _ scene: Scene) {
    add("lease", id.wire)
    add(claim: scene.holders[id])
  }

  /// Writes it as an object.
  public func write(_ writer: inout JSONWriter) {
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
  public var texts: [String: String] {
    var texts: [String: String] = [:]
    for case (let name, .text(let text)) in fields { texts[name] = text }
    return texts
  }
}
