import Testing

@testable import PoolAllocator

/// Random traffic on a small pool, every credit followed (B1–B6, SEMANTICS §2).
struct NumericsTrafficTests {
  private struct Traffic {
    var rig = PoolRig()
    var trail = MoneyTrail()
    var random: SplitMix64
    var nodes: [NodeID] = []
    var claims = 0
    var refusals = 0

    init(seed: UInt64) throws {
      random = SplitMix64(seed: seed)
      rig.begin(policy())
      try trail.follow(rig.log, rig.pool)
      for number in 0..<2 {
        if let node = rig.enrol(number, gpus: 3) { nodes.append(node) }
        report(number, living: [])
      }
    }

    // MARK: the pool

    /// The same tree every time, with other figures.
    mutating func policy() -> CompiledPolicy {
      var policy = SmallPolicy.bare(
        tenants: 3, reserved: 1_000, reservedCPU: 8_000, sharesAcross: random.chance(50),
        gpuWeight: Int32(random.within(900...1_100)))
      for index in policy.classes.indices {
        policy.classes[index].quantum = Span(ns: random.within(20_000_000_000...90_000_000_000))
      }
      for index in policy.services.indices {
        policy.services[index].weightMilli = Int32(random.within(500...1_500))
      }
      func figures() -> (cap: Int64, rate: Int64, debt: Int64) {
        let cap = random.within(20_000_000...400_000_000)
        let rate = random.chance(20) ? 0 : random.within(1...700_000)
        return (cap, rate, random.chance(30) ? 0 : random.within(1...300_000_000))
      }
      func add(_ match: BucketMatch, _ parent: Int?, _ tenant: Int) {
        let (cap, rate, debt) = figures()
        SmallPolicy.add(
          match, under: parent, tenant: tenant, cap: cap * (parent == nil ? 3 : 1), rate: rate,
          opening: random.within(0...cap), debt: debt, to: &policy)
      }
      add(.tenant, nil, 0)  // 0
      add(.application(Name.application(0)), 0, 0)  // 1
      add(.application(Name.application(1)), 0, 0)  // 2
      add(.serviceClass(.p2), 1, 0)  // 3
      add(.serviceClass(.p3), 1, 0)  // 4
      add(.action(Name.action(0)), 3, 0)  // 5
      add(.action(Name.action(1)), 3, 0)  // 6
      add(.tenant, nil, 1)  // 7
      add(.serviceClass(.p0), 7, 1)  // 8
      add(.serviceClass(.p3), 7, 1)  // 9
      add(.tenant, nil, 2)  // 10
      return policy
    }

    mutating func report(_ number: Int, living: [Fencing]) {
      rig.report(
        nodes[number], boot: 0, living: living,
        devices: SmallNode.gpus(number, 2) + [SmallNode.cpu(number)]
          + SmallNode.partitioned(number, 2, slots: [4, 2, 2]))
    }

    // MARK: one command

    mutating func demand() -> (Demand, lanes: [Int]) {
      let cpu = MilliCPU(Int32(random.within(0...4_000)))
      let gpuLanes = random.chance(50) ? [0] : [0, 1]
      switch random.below(5) {
      case 0:
        return (Demand(shape: .whole, devices: UInt8(1 + random.below(2)), cpu: cpu), gpuLanes)
      case 1: return (Demand(shape: .slice(random.chance(50) ? Name.half : Name.quarter)), gpuLanes)
      case 2:
        let cores = MilliCPU(Int32(random.within(1...30_000)))
        return (Demand(shape: .cpuOnly, cpu: cores), random.chance(50) ? [2] : [2, 3])
      default:
        let shape = Demand.Shape.fraction(
          MilliGPU(Int32(random.within(1...1_000))), Bytes(random.within(0...40 << 30)))
        let sharing: Sharing = random.chance(50) ? .anyTenant : .ownTenant
        return (Demand(shape: shape, cpu: cpu, sharing: sharing), gpuLanes)
      }
    }

    mutating func submit() -> Command {
      claims += 1
      let (demand, lanes) = demand()
      let runtime = Span(ns: random.within(1...600_000_000_000))
      var spec = rig.claim(
        claims, tenant: random.below(3), rank: random.below(4), demand: demand, lanes: lanes,
        runtime: runtime, application: random.below(3), action: random.below(3))
      if random.chance(70) { spec.maxWait = Span(ns: random.within(1...120_000_000_000)) }
      return .submit(spec)
    }

    mutating func lease(_ states: [LeaseState]) -> (LeaseID, Fencing)? {
      var found: [(LeaseID, Fencing)] = []
      rig.pool.forEachLease { id, lease in
        if states.contains(lease.state) { found.append((id, lease.fencing)) }
      }
      return found.isEmpty ? nil : random.pick(found)
    }

    mutating func command() -> Command {
      switch random.below(100) {
      case 0..<30: return submit()
      case 30..<45:
        if let (id, fencing) = lease([.granted]) { return .confirmStarted(id, fencing) }
      case 45..<70:
        if let (id, fencing) = lease([.active]) { return .renew(id, fencing) }
      case 70..<73:
        if let (id, fencing) = lease([.active, .granted]) {
          return .release(id, fencing, random.chance(80) ? .completed : .failed)
        }
      case 73..<82:
        if let (id, fencing) = lease([.stopping]) { return .confirmEmpty(id, fencing) }
      case 82..<84:
        var ids: [ClaimID] = []
        rig.pool.forEachClaim { id, _ in ids.append(id) }
        if !ids.isEmpty { return .cancel(random.pick(ids)) }
      case 84: return .silence(random.pick(nodes))
      case 85: return .hear(random.pick(nodes))
      case 86:
        return .activate(PolicyGeneration(rig.pool.generation.value + 1), policy())
      default: break
      }
      return .tick
    }

    /// Time goes on: often to a moment when something is due, or one nanosecond beside it.
    mutating func pass() {
      let draw = random.below(20)
      if draw < 7 { return rig.pass(random.within(0...1_000_000_000)) }
      if draw == 7 { return rig.pass(random.within(0...200_000_000_000)) }
      guard draw < 16 else { return }
      var due = rig.pool.nextTimer()
      if draw > 9, let (id, _) = lease([.active]) { due = rig.pool.lease(id)?.renewFrom }
      let ahead = (due ?? rig.now).ns - rig.now.ns + random.within(-1...1)
      if ahead > 0, ahead < 90_000_000_000 { rig.pass(ahead) }
    }

    mutating func step() throws {
      pass()
      if random.chance(2) {
        let number = random.below(nodes.count)
        var living: [Fencing] = []
        rig.pool.forEachLease { _, lease in
          if lease.node == nodes[number], random.chance(70) { living.append(lease.fencing) }
        }
        report(number, living: living)
        return try trail.follow(rig.log, rig.pool)
      }
      let command = command()
      let before = picture()
      let decision = rig.apply(command)
      try trail.follow(rig.log, rig.pool)
      if case .submit = command, decision.verdict != .admitted {
        refusals += 1
        try must(before == picture(), "B6: a claim that was not granted changed a book or a device")
      }
      if case .tick = command { try finishTick() }
      guard let id = decision.lease, let lease = rig.pool.lease(id), lease.state == .granted,
        random.chance(70)
      else { return }
      rig.apply(.confirmStarted(id, lease.fencing))
      try trail.follow(rig.log, rig.pool)
    }

    mutating func finishTick() throws {
      var rounds = 0
      while rig.pool.nextTimer().map({ $0 <= rig.pool.now }) ?? false {
        rounds += 1
        try must(rounds < 200, "ticks at one moment come to an end")
        rig.apply(.tick)
        try trail.follow(rig.log, rig.pool)
      }
    }

    /// All that a refusal must leave alone.
    private func picture() -> Picture {
      var picture = Picture()
      rig.pool.forEachBucket { _, bucket in
        picture.credits.append(bucket.credits)
        picture.books.append(bucket.books)
        picture.kept.append(bucket.committed)
      }
      rig.pool.forEachDevice { _, device in
        picture.devices.append(
          [Int64(device.used.value), device.memoryUsed.value, Int64(device.shares)])
      }
      return picture
    }
  }

  private struct Picture: Equatable {
    var credits: [CreditBucket] = []
    var books: [Books] = []
    var kept: [CreditTotal] = []
    var devices: [[Int64]] = []
  }

  @Test func everyCreditIsFollowedProperty() throws {
    let start = ContinuousClock.now
    let seeds = Scale.cases(release: 2_500, debug: 20)
    let length = Scale.cases(release: 1_500, debug: 400)
    var (steps, refusals) = (0, 0)
    var seen: [String: Int] = [:]
    for seed in 0..<seeds {
      do {
        var traffic = try Traffic(seed: 0x7AFF + UInt64(seed))
        for number in 0..<length {
          try traffic.step()
          steps += 1
          if number % Scale.cases(release: 32, debug: 8) == 0 {
            traffic.rig.pool.checkInvariants()
          }
        }
        refusals += traffic.refusals
        seen.merge(traffic.trail.seen, uniquingKeysWith: +)
      } catch let broken as Counterexample {
        throw Counterexample(description: "seed \(seed), \(broken)")
      }
    }
    Scale.report("every credit followed, steps", steps, since: start)
    Scale.report("claims not granted, no book changed (B6)", refusals, since: start)
    print("property: reached \(seen.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
    let wanted = [
      "granted", "renewed", "settled", "forfeited", "debt entered", "debt repaid", "unpaid",
      "parked", "activated", "clamped to a new cap", "stopped released", "stopped cancelled",
      "stopped expired", "stopped unpaid", "stopped startTimeout", "stopped nodeLost", "resumed",
    ]
    // Some are rare: only a long run has to reach them all.
    for what in wanted where steps > 1_000_000 {
      #expect(seen[what, default: 0] > 0, "never reached: \(what)")
    }
  }
}
