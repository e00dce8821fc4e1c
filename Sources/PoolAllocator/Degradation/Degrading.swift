/// Folding of downgrades: what a claim has on a rung, the counts by rung, and the indexes of both.
extension Pool {
  // MARK: folding

  /// A claim has what its rung gives; one that waited goes into the order for it.
  mutating func evolveDowngraded(_ id: ClaimID, _ fact: Downgrade) {
    let row = Degradation(
      asked: fact.asked, key: fact.key, rung: fact.rung, trigger: fact.code, mode: fact.mode,
      automation: fact.automation, since: now, recovers: fact.recovers)
    if let known = claims[id].degradation {
      invariant(degradations[known].rung < fact.rung, "a claim goes down its ladder")
      degradations[known] = row
    } else {
      claims[id].degradation = degradations.insert(row)
    }
    let wasQueued = claims[id].state == .queued
    if wasQueued { count(-1, workOf: id) }
    claims[id].spec.put(fact.given)
    claims[id].plan = fact.given.plan
    claims[id].waitEnds = fact.waitEnds
    claims[id].latestStart = fact.latestStart
    if wasQueued { count(1, workOf: id) }
    // A rung that does not act needs no approval that only the one above it asked for.
    if fact.automation != .approvalRequired, let approval = claims[id].approval,
      approval.isDemanded, approval.by == nil
    {
      claims[id].approval = nil
    }
    let service = claims[id].spec.service
    if let index = counterIndex(service: service, rung: fact.key) {
      degradationCounts[index * Trigger.allCases.count + Int(fact.trigger.rawValue)].claims += 1
    }
    guard let lanes = fact.queues else {
      return invariant(claims[id].state == .new, "a claim takes a rung where it waits, or new")
    }
    evolveQueued(id, lanes, nil)
  }

  /// Adds what a lease of a degraded claim was charged to the count of its rung.
  mutating func countCharge(_ charge: Credits, of id: LeaseID) {
    let (claim, rung) = (leases[id].claim, leases[id].rung)
    guard rung > 0, claims.contains(claim), let known = claims[claim].degradation else { return }
    let (service, degradation) = (claims[claim].spec.service, degradations[known])
    guard let index = counterIndex(service: service, rung: degradation.key),
      let trigger = Trigger(of: degradation.trigger)
    else { return }
    let place = index * Trigger.allCases.count + Int(trigger.rawValue)
    let charged = degradationCounts[place].charged.value + Int128(charge.value)
    degradationCounts[place].charged = CreditTotal(charged)
  }

  // MARK: counts

  /// Index of a rung in the policy; nil where the policy does not have it.
  func counterIndex(service: Key, rung: Key) -> Int? {
    guard let row = keys.services.row(for: service) else { return nil }
    let ladder = ladders.ladders[Int(row)]
    for number in 0..<ladder.count where policy.rungs[ladder.first + number].key == rung {
      return ladder.first + number
    }
    return nil
  }

  /// The counts under another policy: those of rungs that it has too.
  func keptCounts(under policy: CompiledPolicy) -> [DegradationCount] {
    let triggers = Trigger.allCases.count
    var kept = Array(repeating: DegradationCount(), count: policy.rungs.count * triggers)
    for (index, rung) in policy.rungs.enumerated() {
      let service = policy.services[Int(rung.service)].key
      guard let old = counterIndex(service: service, rung: rung.key) else { continue }
      for trigger in 0..<triggers {
        kept[index * triggers + trigger] = degradationCounts[old * triggers + trigger]
      }
    }
    return kept
  }

  // MARK: indexes

  /// Finds the ladder of each service, and the rows of the rungs' lanes.
  mutating func indexLadders() {
    ladders = LadderIndex(
      ladders: Array(repeating: LadderIndex.Ladder(), count: policy.services.count), lanes: [])
    for (index, rung) in policy.rungs.enumerated() {
      let service = Int(rung.service)
      if ladders.ladders[service].count == 0 { ladders.ladders[service].first = index }
      ladders.ladders[service].count += 1
      ladders.lanes.append(rung.lanes.map { laneRows($0) })
    }
    for service in ladders.ladders.indices where ladders.ladders[service].count > 0 {
      let ladder = ladders.ladders[service]
      var mix = DigestBuilder()
      mix.combine(policy.services[service].key)
      for index in ladder.first..<ladder.first + ladder.count { feed(policy.rungs[index], &mix) }
      ladders.ladders[service].signature = mix.digest.low
    }
  }

  /// Rows of lanes that are named by their index in the policy.
  private func laneRows(_ named: LaneSet) -> LaneSet {
    var rows = LaneSet.none
    for (index, lane) in policy.lanes.enumerated() where named.contains(row: UInt32(index)) {
      if let row = keys.lanes.row(for: lane.key) { rows.insert(row: row) }
    }
    return rows
  }

  private func feed(_ rung: RungRule, _ mix: inout DigestBuilder) {
    mix.combine(rung.key)
    mix.combine(rung.shape) { $0.combine($1) }
    mix.combine(rung.devices) { $0.combine($1) }
    mix.combine(rung.members) { $0.combine($1) }
    mix.combine(rung.cpu) { $0.combine($1.value) }
    mix.combine(rung.hostMemory) { $0.combine($1.value) }
    for (index, lane) in policy.lanes.enumerated() {
      if let lanes = rung.lanes, lanes.contains(row: UInt32(index)) { mix.combine(lane.key) }
    }
    mix.combine(rung.modelClass) { $0.combine($1) }
    mix.combine(rung.runtimeMax) { $0.combine($1) }
    mix.combine(rung.runtimeMilli)
    mix.combine(rung.automation) { $0.combine($1.rawValue) }
    mix.combine(rung.isAsynchronous)
    mix.combine(rung.waitMax) { $0.combine($1) }
    mix.combine(rung.triggers.bits)
  }

  // MARK: digest and invariants

  func feedDegradation(_ digest: inout DigestBuilder) {
    for gauge in gauges {
      digest.combine(gauge.key)
      digest.combine(gauge.level.rawValue)
      digest.combine(gauge.since) { $0.combine($1) }
    }
    for dependency in dependencies {
      digest.combine(dependency.key)
      digest.combine(dependency.state.rawValue)
    }
    for (index, count) in degradationCounts.enumerated() where count.claims > 0 {
      digest.combine(index)
      digest.combine(count.claims)
      digest.combine(count.charged.value)
    }
    degradations.feed(&digest) { row, digest in
      digest.combine(row.key)
      digest.combine(row.rung)
      digest.combine(row.trigger.rawValue)
      digest.combine(row.automation.rawValue)
      digest.combine(row.since)
      digest.combine(row.recovers) { $0.combine($1) }
      digest.combine(row.asked.demand.shape)
      digest.combine(row.asked.demand.devices)
      digest.combine(row.asked.demand.members)
      digest.combine(row.asked.demand.cpu.value)
      digest.combine(row.asked.demand.hostMemory.value)
      digest.combine(row.asked.lanes.bits)
      digest.combine(row.asked.modelClass)
      digest.combine(row.asked.runtimeMax)
      digest.combine(row.asked.plan.planned)
    }
  }

  /// G: what a rung gives is less, isolated as it was asked, and nothing else is changed.
  func checkDegradation() {
    degradations.checkInvariants()
    var rows = 0
    claims.forEach { _, claim in
      guard let id = claim.degradation else { return }
      rows += 1
      let (asked, given) = (degradations[id].asked, claim.spec.form(claim.plan))
      invariant(degradations[id].rung >= 1, "G: a rung has a number")
      invariant(given.demand.enforcement == asked.demand.enforcement, "G: nothing opens further")
      invariant(given.demand.sharing == asked.demand.sharing, "G: nobody new sits beside")
      invariant(given.runtimeMax <= asked.runtimeMax, "G: no lease lives longer than asked")
      invariant(given.demand.members <= asked.demand.members, "G: no member is added")
    }
    invariant(rows == degradations.count, "G: every degradation is a live claim's")
    leases.forEach { id, lease in
      invariant(lease.rung > 0 || lease.automation == .full, "G: only a rung lowers automation")
      guard claims.contains(lease.claim), claims[lease.claim].lease == id else { return }
      let rung = claims[lease.claim].degradation.map { degradations[$0].rung } ?? 0
      invariant(lease.rung == rung, "G: a lease is marked as its claim is")
    }
    invariant(gauges.count == policy.gauges.count, "a gauge has its level")
    invariant(
      degradationCounts.count == policy.rungs.count * Trigger.allCases.count, "rungs are counted")
    var fresh = self
    fresh.indexBacklogs()
    fresh.indexPressures()
    invariant(fresh.pressures.isQuiet == pressures.isQuiet, "pressure is kept true")
    for lane in 0..<Limits.lanes {
      for rank in 0..<4 {
        let (left, right) = (queue.backlogs[lane], fresh.queue.backlogs[lane])
        invariant(left.work[rank] == right.work[rank], "waiting work adds up")
        invariant(left.claims[rank] == right.claims[rank], "waiting claims add up")
      }
    }
  }
}

extension Trigger {
  /// The trigger that a reason code stands for.
  init?(of code: Reason.Code) {
    switch code {
    case .dependencyDown: self = .dependency
    case .poolPressure: self = .pressure
    case .queueFull, .tenantQueueFull: self = .queue
    case .bucketShort: self = .bucket
    case .waitPredicted: self = .wait
    case .queueTimeOver: self = .time
    case .cheaperPreferred: self = .preference
    default: return nil
    }
  }
}
