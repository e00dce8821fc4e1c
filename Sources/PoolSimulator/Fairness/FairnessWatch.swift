import PoolAllocator

/// Reads a run of the production allocator off its events.
struct FairnessWatch {
  /// A lease that lives.
  private struct Held {
    var job: Int
    var gpus: Int
    var from: Instant?
    var to: Instant?
    var saved = Span.zero
    var lost = Span.zero
    var reclaimed: Instant?
  }

  private(set) var record: FairnessRecord
  private let mix: FairnessMix
  private var jobOf: [ClaimID: Int] = [:]
  /// Why the first member of each job stopped, which all others follow.
  private var causes: [Int: StopCause] = [:]
  private var leases: [LeaseID: Held] = [:]
  /// Claims that were told a bound and still wait, by tenant.
  private var told: [[ClaimID]]
  /// When the bounds of each tenant were last voided, by lane.
  private var voids: [[Instant]]
  private var tenants: [TenantID?]
  private var lanes: [LaneID] = []

  init(_ mix: FairnessMix, _ pool: Pool, scheduler: String) {
    self.mix = mix
    record = FairnessRecord(scheduler: scheduler, jobs: mix.jobs.count)
    for key in [FairnessMix.sharedLane, FairnessMix.reservedLane] {
      if let lane = pool.lane(named: key) { lanes.append(lane) }
    }
    tenants = mix.tenants.indices.map { pool.tenant(named: FairnessMix.tenantKey($0)) }
    told = Array(repeating: [], count: mix.tenants.count)
    voids = Array(
      repeating: Array(repeating: .origin, count: lanes.count), count: mix.tenants.count)
  }

  /// Notes what one command did.
  mutating func note(_ pool: Pool, _ log: EventLog) {
    for event in log.events {
      switch event {
      case .claimSubmitted(let claim, let fact):
        noteSubmission(claim, log.claimFacts[Int(fact)].spec.key, pool)
      case .claimDowngraded(let claim, _, _, _):
        if let job = jobOf[claim] { record.rows[job].isDegraded = true }
      case .claimQueued(let claim, _, _, _): noteQueued(claim, pool)
      case .claimEnded(let claim, _):
        guard let job = jobOf.removeValue(forKey: claim) else { continue }
        record.rows[job].ended = pool.now
      default: noteLease(event, pool, log)
      }
    }
    askAgain(pool)
  }

  private mutating func noteLease(_ event: Event, _ pool: Pool, _ log: EventLog) {
    switch event {
    case .leaseGranted(let claim, let grants):
      guard let job = jobOf[claim] else { return }
      told[mix.jobs[job].tenant].removeAll { $0 == claim }
      for grant in log.grants[grants.indices] {
        leases[grant.lease] = Held(job: job, gpus: Int(grant.billedMilli / 1000))
      }
    case .leaseStarted(let lease, let moment):
      guard let job = leases[lease]?.job else { return }
      leases[lease]?.from = moment
      record.rows[job].started = record.rows[job].started ?? moment
    case .leaseCheckpointed(let lease, let moment):
      guard let from = leases[lease]?.from else { return }
      leases[lease]?.saved = moment - from
    case .leaseStopping(let lease, let cause, let moment, _): noteStop(lease, cause, moment)
    case .leaseEnded(let lease):
      guard let held = leases.removeValue(forKey: lease) else { return }
      if let since = held.reclaimed { record.reclaims.append(pool.now - since) }
      guard let from = held.from, let to = held.to else { return }
      record.stints.append(
        FairnessRecord.Stint(
          job: held.job, from: from, to: to, left: pool.now, lost: held.lost, gpus: held.gpus))
    default: break
    }
  }

  private mutating func noteStop(_ lease: LeaseID, _ cause: StopCause, _ moment: Instant) {
    guard let held = leases[lease] else { return }
    if cause == .reclaimed { leases[lease]?.reclaimed = moment }
    if cause == .preempted { record.preemptions += 1 }
    if cause != .gangEnded { causes[held.job] = cause }
    guard let from = held.from else { return }
    leases[lease]?.to = moment
    if causes[held.job] != .released {
      leases[lease]?.lost = Span(ns: (moment - from).ns - held.saved.ns)
    }
  }

  private mutating func noteSubmission(_ claim: ClaimID, _ key: Key, _ pool: Pool) {
    let job = FairnessMix.job(of: key)
    jobOf[claim] = job
    guard let guarantee = mix.guarantee, mix.jobs[job].tenant == guarantee.owner else { return }
    // All that the owner holds and waits for: leases that stop are still on their devices.
    guard let owner = tenants[guarantee.owner] else { return }
    var asked = 0
    pool.forEachLease { _, lease in
      if lease.tenant == owner { asked += Int(lease.billedMilli / 1000) }
    }
    pool.forEachClaim { _, known in
      guard known.tenant == owner, known.lease == nil else { return }
      asked += Int(known.spec.demand.devices) * Int(known.spec.demand.members)
    }
    record.rows[job].isCovered = asked <= guarantee.gpus
  }

  // MARK: bounds

  /// A claim that never ran comes into the order, and is told a bound.
  private mutating func noteQueued(_ claim: ClaimID, _ pool: Pool) {
    guard let job = jobOf[claim], record.rows[job].started == nil,
      record.rows[job].promised == nil, !record.rows[job].isUntold,
      pool.claim(claim)?.state == .queued
    else { return }
    if case .success(let bound) = pool.startBound(of: claim) {
      record.rows[job].promised = bound.by
      told[mix.jobs[job].tenant].append(claim)
    } else {
      record.rows[job].isUntold = true
    }
  }

  /// After a void those that wait are told anew, or that nothing can be said any more.
  private mutating func askAgain(_ pool: Pool) {
    for (number, tenant) in tenants.enumerated() {
      guard let tenant else { continue }
      var isVoid = false
      for (index, lane) in lanes.enumerated() {
        let voided = pool.boundsVoided(for: tenant, in: lane)
        if voided > voids[number][index] {
          voids[number][index] = voided
          isVoid = true
        }
      }
      guard isVoid, !told[number].isEmpty else { continue }
      told[number] = told[number].filter { claim in
        guard let job = jobOf[claim], pool.claim(claim)?.state == .queued else { return false }
        if case .success(let bound) = pool.startBound(of: claim) {
          record.rows[job].promised = bound.by
          return true
        }
        record.rows[job].promised = nil
        record.rows[job].isUntold = true
        return false
      }
    }
  }
}

extension FairnessMix {
  /// Runs the mix through the production allocator until all is done.
  ///
  /// Jobs that are stopped stay on their devices to the last moment before they would be killed.
  /// - Parameter lends: whether what is reserved is lent while its owner does not need it.
  public func run(lends: Bool = true) -> FairnessRecord {
    let pool = pool(lends: lends)
    var simulation = Simulation(pool: pool, workload: workload(for: pool))
    simulation.lingers = true
    var watch = FairnessWatch(self, pool, scheduler: lends ? "ours" : "no lending")
    simulation.run { pool, log in watch.note(pool, log) }
    var record = watch.record
    for (job, outcome) in simulation.outcomes.enumerated() {
      record.rows[job].isDenied = outcome.verdict == .rejected || outcome.verdict == .infeasible
      if record.rows[job].isDenied { record.rows[job].ended = nil }
    }
    return record
  }
}
