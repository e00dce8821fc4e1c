import PoolAllocator
import PoolSimulator

/// Gives one random command after the other to the core and to the oracle, and compares.
struct Driver {
  var random: SeededGenerator
  let world: World
  var pool: Pool
  var oracle: Oracle
  var log = EventLog()
  /// Spoils what the core answered, for tests of the oracle itself.
  var spoil: (@Sendable (inout Decision) -> Void)?
  /// Forges what the core says that it did in a tick, likewise.
  var forge: ((Event, Oracle) -> Event)?
  /// Is shown every command with its events, to look at a run that failed.
  var watch: ((Command, EventLog) -> Void)?
  private(set) var operations = 0
  private var named = 0
  private var generation: UInt32 = 1
  private var isTicked = false
  private var boots: UInt64 = 100
  /// Nodes that were not heard, and when.
  private var suspects: [NodeID: Int64] = [:]

  init(seed: UInt64, theme: World.Theme, fleet: World.Fleet) throws {
    random = SeededGenerator(seed: seed)
    world = World(using: &random, theme: theme, fleet: fleet)
    var limits = Limits()
    limits.stepsPerTick = Limits.stepsPerCommand
    pool = Pool(limits: limits)
    _ = pool.apply(.begin(epoch: 1), at: .origin, into: &log)
    let (decision, _) = pool.apply(
      .activate(PolicyGeneration(1), world.policy), at: .origin, into: &log)
    try agree(decision.verdict == .done, "the drawn policy is refused")
    oracle = Oracle(world.policy, pool)
    for machine in world.machines {
      let id = pool.apply(.enrol(machine.enrolment), at: .origin, into: &log).0.node!
      _ = pool.apply(.advertise(id, machine.advertisement), at: .origin, into: &log)
      let report = machine.advertisement.report
      oracle.site.machines.append(
        Machine(
          id: id, rack: machine.enrolment.rack, cpu: Int64(report.cpu.value),
          hostMemory: report.hostMemory.value, enforcement: report.enforcement))
    }
    var parts: [Part] = []
    pool.forEachDevice { id, device in
      parts.append(Part(id: id, node: device.node, report: device.report, lane: device.lane))
    }
    oracle.site.parts = parts
  }

  /// One command, often after a tick.
  mutating func step() throws {
    for index in oracle.site.machines.indices {
      let since = suspects[oracle.site.machines[index].id] ?? oracle.now
      if oracle.now - since > 20_000_000_000 { try reboot(index) }
    }
    if random.below(3) > 0 || mustTick { oracle.now += drawPause() }
    if random.below(8) > 0 || mustTick { try tick() }
    switch random.below(20) {
    case 0..<8: try submit()
    case 8..<12: try start()
    case 12..<14: try renew()
    case 14..<16: try release()
    case 16..<18: try empty()
    case 18: try cancel()
    default:
      if random.below(6) == 0 { try activate() }
      if random.below(3) == 0 { try disturb() }
    }
  }

  /// Whether a moment of a lease has passed that the next command must not find undone.
  private var mustTick: Bool {
    oracle.leases.values.contains { lease in
      switch lease.state {
      case .granted: lease.startBy <= oracle.now
      case .active, .quarantined:
        lease.ends <= oracle.now || lease.quantumStart + lease.quantumSpan <= oracle.now
      case .stopping: lease.killBy <= oracle.now
      }
    }
  }

  private mutating func drawPause() -> Int64 {
    switch random.below(5) {
    case 0: random.within(0...10)
    case 1: random.within(0...1_000_000_000)
    case 2: 1_000_000_000
    default: random.within(0...4_000_000_000)
    }
  }

  private mutating func apply(_ command: Command) throws -> Decision {
    operations += 1
    var (decision, progress) = pool.apply(command, at: Instant(ns: oracle.now), into: &log)
    try agree(progress == .complete, "a tick leaves something over")
    watch?(command, log)
    spoil?(&decision)
    return decision
  }

  private mutating func compare() throws { try oracle.compare(pool, isTicked: isTicked) }

  // MARK: commands

  private mutating func tick() throws {
    _ = try apply(.tick)
    isTicked = true
    let events = log.events.map { forge?($0, oracle) ?? $0 }
    try oracle.tick(events, log, pool)
    try compare()
  }

  private mutating func submit() throws {
    guard oracle.claims.values.filter({ $0.grants == 0 }).count < 12 else { return }
    named += 1
    let spec = world.claim(named, using: &random)
    let decision = try apply(.submit(spec))
    isTicked = false
    try oracle.submit(spec, decision, log, pool)
    try compare()
  }

  /// One of the leases in a state, in an order that does not depend on hashes.
  private mutating func pick(_ isFit: (Held) -> Bool) -> Held? {
    oracle.leases.values.filter(isFit).sorted { $0.fencing < $1.fencing }
      .randomElement(using: &random)
  }

  private mutating func follow() throws {
    for event in log.events { try oracle.follow(event, log, pool) }
    isTicked = false
    try compare()
  }

  private mutating func start() throws {
    guard let lease = pick({ $0.state == .granted }) else { return }
    _ = try apply(.confirmStarted(lease.id, lease.fencing))
    oracle.confirmStarted(lease.id)
    try follow()
  }

  private mutating func renew() throws {
    let now = oracle.now
    let isLate = random.below(4) > 0
    guard let lease = pick({ $0.state == .active && (!isLate || $0.renewFrom <= now) }) else {
      return
    }
    let decision = try apply(.renew(lease.id, lease.fencing))
    try oracle.renew(lease.id, decision)
    try follow()
  }

  private mutating func release() throws {
    guard let lease = pick({ $0.state == .active || $0.state == .granted }) else { return }
    _ = try apply(.release(lease.id, lease.fencing, random.below(2) == 0 ? .completed : .failed))
    oracle.release(lease.id)
    try follow()
  }

  private mutating func empty() throws {
    guard let lease = pick({ $0.state == .stopping }) else { return }
    _ = try apply(.confirmEmpty(lease.id, lease.fencing))
    oracle.confirmEmpty(lease.id)
    try follow()
  }

  private mutating func cancel() throws {
    let live = oracle.claims.values.sorted { $0.arrival < $1.arrival }
    guard let asked = live.randomElement(using: &random) else { return }
    _ = try apply(.cancel(asked.id))
    oracle.cancel(asked.id)
    try follow()
  }

  private mutating func activate() throws {
    generation += 1
    let policy = world.another(using: &random)
    let decision = try apply(.activate(PolicyGeneration(generation), policy))
    try agree(decision.verdict == .done, "another policy is refused")
    oracle.activate(policy, pool)
    try follow()
  }

  // MARK: nodes

  /// A node is not heard for a moment, heard again, cordoned, opened or booted anew.
  private mutating func disturb() throws {
    let index = Int(random.below(UInt64(world.machines.count)))
    let machine = oracle.site.machines[index]
    let node = machine.id
    if let since = suspects[node] {
      // A node that is silent for longer than that is quarantined, which the oracle leaves out.
      if random.below(2) == 0, oracle.now - since < 25_000_000_000 { return }
      return try reboot(index)
    }
    switch random.below(4) {
    case 0:
      _ = try apply(.silence(node))
      suspects[node] = oracle.now
      oracle.set(node, isReady: false)
    case 1:
      _ = try apply(machine.isOpen ? .cordon(node) : .uncordon(node))
      oracle.set(node, isOpen: !machine.isOpen)
    default: return try reboot(index)
    }
    oracle.coverage.saw("node disturbed")
    try follow()
  }

  private mutating func reboot(_ index: Int) throws {
    boots += 1
    let node = oracle.site.machines[index].id
    var advertisement = world.machines[index].advertisement
    advertisement.report.boot = World.key(8, Int(boots))
    advertisement.report.generation = boots
    _ = try apply(.advertise(node, advertisement))
    suspects[node] = nil
    oracle.reboot(node)
    try follow()
  }
}
