import AgentCore
import PoolAllocator
import PoolSimulator

/// A machine: processes, which are the truth, a disk, and an agent that may crash.
struct WorldNode {
  struct Process {
    var lease: LeaseID
    var fencing: Fencing
    var shares: [DeviceShare]
    /// When it ends by itself.
    var ends: Instant
    var ending: LeaseEnding
    /// When it is gone, once it was asked or forced to end.
    var dies = Instant(ns: .max)
    /// No record explains it any more.
    var isStray = false
    /// Takes its time even when it is killed.
    var isStubborn = false
  }

  let number: Int
  let gpus: Int
  private(set) var agent: Agent?
  private(set) var processes: [Process] = []
  private(set) var refusals: [OrderRefusal: Int] = [:]
  private(set) var actions: [String: Int] = [:]
  /// Work that the agent ended because no extension came.
  private(set) var endedAlone = 0
  private var disk: AgentRecord?
  private var bootNumber = 0
  private var bootedAt: Instant
  private var rate: Int64
  private var writing: (record: AgentRecord, done: Instant)?
  private var sights: [(at: Instant, fencing: Fencing, sight: LeaseSight)] = []
  private var wakeAt: Instant?
  private var downUntil: Instant?
  private var broken: Int?

  init(number: Int, gpus: Int, at now: Instant, random: inout SeededGenerator) {
    self.number = number
    self.gpus = gpus
    bootedAt = now
    rate = random.within(-500...500)
    downUntil = now
  }

  var next: Instant? {
    var next = [writing?.done, wakeAt, downUntil].compactMap { $0 }.min()
    for process in processes {
      next = min(next ?? process.ends, process.ends, process.dies)
    }
    for sight in sights { next = min(next ?? sight.at, sight.at) }
    return next
  }

  private func clock(_ now: Instant) -> BootTime {
    let passed = now.ns - bootedAt.ns
    return BootTime(ns: passed + passed / 1_000_000 * rate)
  }

  // MARK: the agent

  private var inventory: Inventory {
    var devices = SmallFleet.devices(number, gpus: gpus)
    if let broken { devices[broken].condition = .failed }
    for process in processes where process.isStray {
      for share in process.shares {
        if let index = devices.firstIndex(where: { $0.key == share.device }) {
          devices[index].condition = .dirty
        }
      }
    }
    return Inventory(
      enforcement: .cgroup, cpu: MilliCPU(64_000), hostMemory: Bytes(1 << 40), devices: devices)
  }

  private mutating func startAgent(_ now: Instant) {
    downUntil = nil
    if disk == nil { for index in processes.indices { processes[index].isStray = true } }
    agent = Agent(record: disk, boot: SmallFleet.boot(number, bootNumber))
    look(now)
  }

  /// Has the agent take what is found of the node now.
  private mutating func look(_ now: Instant) {
    guard agent != nil else { return }
    let found = inventory
    agent?.take(found)
    wakeAt = now
  }

  mutating func take(_ reply: NodeReply, at now: Instant) {
    let moment = clock(now)
    agent?.take(reply, at: moment)
    if agent != nil { wakeAt = now }
  }

  /// Does what is due. - Returns: what the agent sends.
  mutating func act(
    at now: Instant, faults: WorldFaults, random: inout SeededGenerator
  ) throws(Violation) -> [NodeMessage] {
    if let until = downUntil, until <= now { startAgent(now) }
    let moment = clock(now)
    endProcesses(now, &random)
    if let (record, done) = writing, done <= now {
      try keep(record)
      agent?.stored(record.number)
      wakeAt = now
    }
    for sight in sights where sight.at <= now {
      agent?.saw(sight.sight, of: sight.fencing, at: moment)
      wakeAt = now
    }
    sights.removeAll { $0.at <= now }
    guard let due = wakeAt, due <= now, agent != nil else { return [] }
    guard let output = agent?.run(at: moment) else { return [] }
    if let record = output.record {
      guard writing == nil else { throw Violation("two records are under way") }
      writing = (record, now + Span(ns: random.within(0...100_000_000)))
    }
    for refusal in output.refusals { refusals[refusal.because, default: 0] += 1 }
    for action in output.actions { try carryOut(action, now, faults, &random) }
    wakeAt = output.wake.map { wake in
      let span = max(0, wake.ns - moment.ns)
      return now + Span(ns: span + span / 1_000 + 1)
    }
    return output.message.map { [$0] } ?? []
  }

  private mutating func keep(_ record: AgentRecord) throws(Violation) {
    writing = nil
    for row in disk?.fences.rows ?? [] where record.fences.highest(of: row.device) < row.highest {
      throw Violation("a stored fencing number fell")
    }
    disk = record
  }

  private mutating func carryOut(
    _ action: AgentAction, _ now: Instant, _ faults: WorldFaults, _ random: inout SeededGenerator
  ) throws(Violation) {
    switch action {
    case .start(let order):
      actions["start", default: 0] += 1
      guard let disk, disk.leases.contains(where: { $0.fencing == order.fencing }),
        order.devices.allSatisfy({ disk.fences.highest(of: $0.device) >= order.fencing })
      else { throw Violation("a lease was started before that was stored") }
      guard random.below(30) > 0 else {
        return tell(.exited(.neverStarted), of: order.fencing, now, &random)
      }
      processes.append(
        Process(
          lease: order.lease, fencing: order.fencing, shares: order.devices,
          ends: now + Span(ns: random.within(200_000_000...90_000_000_000)),
          ending: random.below(5) == 0 ? .failed : .completed,
          isStubborn: random.below(1_000) < faults.stubborn))
      tell(.started, of: order.fencing, now, &random)
    case .stop(let fencing):
      actions["stop", default: 0] += 1
      if agent?.lease(fencing)?.ending == .expired { endedAlone += 1 }
      guard let index = process(fencing) else {
        return tell(.exited(.neverStarted), of: fencing, now, &random)
      }
      // Some do not listen.
      if random.below(3) > 0, !processes[index].isStubborn {
        processes[index].dies = now + Span(ns: random.within(0...4_000_000_000))
      }
    case .kill(let fencing):
      actions["kill", default: 0] += 1
      guard let index = process(fencing) else {
        return tell(.exited(.failed), of: fencing, now, &random)
      }
      let longest: Int64 = processes[index].isStubborn ? 40_000_000_000 : 800_000_000
      processes[index].dies = min(
        processes[index].dies, now + Span(ns: random.within(0...longest)))
    case .inspect(let fencing):
      actions["inspect", default: 0] += 1
      tell(
        process(fencing) == nil ? .exited(.failed) : .started, of: fencing, now, &random)
    }
  }

  private func process(_ fencing: Fencing) -> Int? {
    processes.firstIndex { $0.fencing == fencing }
  }

  private mutating func tell(
    _ sight: LeaseSight, of fencing: Fencing, _ now: Instant, _ random: inout SeededGenerator
  ) {
    sights.append((now + Span(ns: random.within(0...300_000_000)), fencing, sight))
  }

  private mutating func endProcesses(_ now: Instant, _ random: inout SeededGenerator) {
    let gone = processes.filter { min($0.ends, $0.dies) <= now }
    guard !gone.isEmpty else { return }
    processes.removeAll { min($0.ends, $0.dies) <= now }
    for process in gone {
      let ending = process.ends <= now ? process.ending : .failed
      if agent != nil { tell(.exited(ending), of: process.fencing, now, &random) }
    }
    if gone.contains(where: \.isStray) { look(now) }
  }

  // MARK: faults

  mutating func crashAgent(at now: Instant, random: inout SeededGenerator) {
    guard agent != nil else { return }
    stopAgent(&random)
    downUntil = now + Span(ns: random.within(100_000_000...30_000_000_000))
    if random.below(8) == 0 { disk = nil }
    // Some supervisors take the work with them.
    if random.below(4) == 0 { processes = [] }
  }

  mutating func reboot(at now: Instant, random: inout SeededGenerator) {
    stopAgent(&random)
    processes = []
    bootNumber += 1
    downUntil = now + Span(ns: random.within(1_000_000_000...60_000_000_000))
    bootedAt = now
    if random.below(8) == 0 { disk = nil }
  }

  private mutating func stopAgent(_ random: inout SeededGenerator) {
    agent = nil
    if let (record, _) = writing, random.below(2) == 0 { disk = record }
    writing = nil
    sights = []
    wakeAt = nil
  }

  mutating func breakDevice(random: inout SeededGenerator) {
    broken = broken == nil ? Int(random.below(UInt64(gpus))) : nil
    look(.origin)
  }

  mutating func heal() {
    broken = nil
    look(.origin)
  }
}
