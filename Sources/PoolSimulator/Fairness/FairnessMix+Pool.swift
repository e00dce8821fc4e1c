import PoolAllocator

/// A mix as the production allocator sees it: a policy, nodes that are there, and claims.
extension FairnessMix {
  private enum Kind: UInt64 {
    case profile = 1
    case pool, lane, service, tenant, bucket, node, boot, device, claim, action, model, workflow
    case rung, gauge
  }

  private static func key(_ kind: Kind, _ number: Int) -> Key {
    Key(high: kind.rawValue, low: UInt64(number) + 1)
  }

  /// Row of the service that has a ladder; those before it bind a class each.
  private static let ladderService = 4

  /// The lane that all share.
  static let sharedLane = key(.lane, 0)
  /// The lane of the owner.
  static let reservedLane = key(.lane, 1)
  /// The outside name of a tenant.
  static func tenantKey(_ number: Int) -> Key { key(.tenant, number) }
  /// Which job a claim stands for.
  static func job(of claim: Key) -> Int { Int(claim.low) - 1 }

  /// The policy: every tenant has more credits than it can spend, so that what is compared is the
  /// order alone.
  func policy(lends: Bool) -> CompiledPolicy {
    var policy = CompiledPolicy()
    let profile = Self.key(.profile, 0)
    policy.profiles = [
      ProfileRule(key: profile, kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
    ]
    policy.pools = [PoolRule(key: Self.key(.pool, 0), profile: profile)]
    policy.lanes = [LaneRule(key: Self.sharedLane, pool: 0, leaseMax: leaseMax)]
    if let guarantee {
      var lane = LaneRule(key: Self.reservedLane, pool: 0, leaseMax: leaseMax)
      lane.owner = Self.tenantKey(guarantee.owner)
      lane.reserved = Int64(guarantee.gpus) * 1000
      if lends {
        lane.lending = .reclaimable(within: guarantee.within, atMost: lane.reserved)
      }
      policy.lanes.append(lane)
    }
    policy.order = OrderRule(ageingStep: ageingStep)
    policy.preemption = preemption
    let rule = ClassRule(
      quantum: quantum, startWithin: startWithin, killWithin: killWithin, emptyBucket: .park,
      overrun: .stop)
    policy.classes = Array(repeating: rule, count: 4)
    for rank in 0..<4 { addService(rank, rank, to: &policy) }
    if pressureDepth != nil { addLadder(to: &policy) }
    for (number, tenant) in tenants.enumerated() {
      policy.tenants.append(
        TenantRule(
          key: Self.tenantKey(number), queueMax: tenant.queueMax, weightMilli: tenant.weightMilli))
      policy.buckets.append(
        BucketRule(
          key: Self.key(.bucket, number), tenant: UInt16(number), cap: Credits(1 << 52),
          refillPerSecond: Credits(Int64(gpus) * 1_000_000)))
    }
    return policy
  }

  private func addService(_ number: Int, _ rank: Int, to policy: inout CompiledPolicy) {
    policy.services.append(
      ServiceRule(
        key: Self.key(.service, number), tenant: nil,
        serviceClass: ServiceClass(rank: UInt8(rank)) ?? .p3))
  }

  /// A service of P1 whose work takes one GPU, and comes when it comes, while the pool is under
  /// pressure.
  private func addLadder(to policy: inout CompiledPolicy) {
    addService(Self.ladderService, 1, to: &policy)
    var rung = RungRule(key: Self.key(.rung, 0), service: UInt16(Self.ladderService))
    rung.devices = 1
    // Waiting for less in the same lane is no better: the caller is told that it gets it later.
    rung.isAsynchronous = true
    rung.triggers = TriggerSet([.pressure])
    policy.rungs = [rung]
    let depth = pressureDepth ?? 1
    policy.gauges = [
      GaugeRule(
        key: Self.key(.gauge, 0), pool: 0, source: .queueDepth,
        steps: [.init(level: .elevated, raise: depth, lower: max(1, depth / 2))],
        dwell: .seconds(60))
    ]
  }

  /// The pool with its policy in force and its nodes reported.
  func pool(lends: Bool = true) -> Pool {
    var pool = Pool()
    var log = EventLog()
    _ = pool.apply(.begin(epoch: 1), at: .origin, into: &log)
    let answer = pool.apply(
      .activate(PolicyGeneration(1), policy(lends: lends)), at: .origin, into: &log
    ).0
    precondition(answer.verdict == .done, "the policy of a mix is sound")
    for number in 0..<nodes {
      let enrolment = Enrolment(
        key: Self.key(.node, number), rack: nil,
        approved: [
          ApprovedDevices(profile: Self.key(.profile, 0), count: UInt16(gpusPerNode))
        ])
      guard let node = pool.apply(.enrol(enrolment), at: .origin, into: &log).0.node else {
        preconditionFailure("a pool has room for the nodes of a mix")
      }
      _ = pool.apply(.advertise(node, advertisement(of: number)), at: .origin, into: &log)
    }
    return pool
  }

  private func advertisement(of number: Int) -> Advertisement {
    let report = NodeReport(
      boot: Self.key(.boot, number), generation: 1, sequence: 1, cpu: MilliCPU(128_000),
      hostMemory: Bytes(1 << 40), enforcement: .cgroup)
    let devices = (0..<gpusPerNode).map {
      DeviceReport(
        key: Self.key(.device, number * gpusPerNode + $0), kind: .gpu,
        profile: Self.key(.profile, 0), memory: Bytes(80 << 30))
    }
    return Advertisement(report: report, devices: devices, living: [])
  }

  /// The jobs as claims. Interruptible ones save their work every minute.
  func workload(for pool: Pool) -> Workload {
    var workload = Workload()
    let accepted = ladder(in: pool)
    for (number, job) in jobs.enumerated() {
      var demand = Demand(shape: .whole, devices: UInt8(job.gpus))
      demand.members = UInt16(job.members)
      let isOnLadder = accepted != nil && job.acceptsLess
      var claim = ClaimSpec(
        key: Self.key(.claim, number), tenant: Self.tenantKey(job.tenant),
        service: Self.key(.service, isOnLadder ? Self.ladderService : job.rank),
        action: Self.key(.action, 0), modelClass: Self.key(.model, 0), demand: demand,
        lanes: lanes(of: job), runtimeMax: job.runtimeMax)
      claim.workflow = Self.key(.workflow, number)
      if isOnLadder, let accepted { claim.accepts = accepted }
      if let grace = job.grace {
        claim.interruption = Interruption(grace: grace, checkpointEvery: .seconds(60))
      }
      var entry = Job(arrives: job.arrives, claim: claim, runs: job.runs)
      entry.savesWork = job.grace != nil
      workload.add(entry)
    }
    return workload
  }

  private func ladder(in pool: Pool) -> AcceptedRungs? {
    guard pressureDepth != nil else { return nil }
    return pool.rungs(
      of: Self.key(.service, Self.ladderService), for: Self.tenantKey(0),
      named: [Self.key(.rung, 0)])
  }

  private func lanes(of job: FairnessJob) -> LaneSet {
    var lanes = LaneSet.none
    if job.lanes != .reserved || guarantee == nil { lanes.insert(row: 0) }
    if job.lanes != .shared, guarantee != nil { lanes.insert(row: 1) }
    return lanes
  }
}
