import AgentCore
import PoolAllocator

/// A machine: processes, which are the truth, a disk, and an agent that may crash.
struct WorldNode: Sendable {
  /// Something that runs on it for a lease.
  struct Process: Sendable {
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
  let shape: NodeShape
  /// When it is to be called next. Unit: nanoseconds.
  private(set) var due: Int64 = 0
  private(set) var agent: Agent?
  private(set) var processes: [Process] = []
  /// Its hardware as it is.
  private(set) var devices: [DeviceReport]
  /// Whether something was started since that was looked at.
  var hasStarted = false
  /// Whether somebody keeps it turned off.
  private(set) var isHeldOff = false

  private var disk: AgentRecord?
  private var bootNumber = 0
  private var bootedAt: Instant
  private let rate: Int64
  private var writing: (record: AgentRecord, done: Instant)?
  private var sights: [(at: Instant, fencing: Fencing, sight: LeaseSight)] = []
  private var wakeAt: Int64 = .max
  private var upAt: Int64
  private var broken: Int?
  private var lie: NodeLie?
  /// Whether the instances of its boards are gone for now, and how often they were made anew.
  private var hasVanished = false
  /// When it sees again what there is, where that is soon. Unit: nanoseconds.
  private var truthAt: Int64 = .max
  private var layout = 0

  init(number: Int, shape: NodeShape, at now: Instant, random: inout SeededGenerator) {
    self.number = number
    self.shape = shape
    bootedAt = now
    rate = random.within(-500...500)
    upAt = now.ns
    devices = shape.devices(number, layout: 0)
  }

  private mutating func plan() {
    var next = min(wakeAt, truthAt, isHeldOff ? .max : upAt)
    if let writing { next = min(next, writing.done.ns) }
    for index in processes.indices {
      next = min(next, processes[index].ends.ns, processes[index].dies.ns)
    }
    for index in sights.indices { next = min(next, sights[index].at.ns) }
    due = next
  }

  private func clock(_ now: Instant) -> BootTime {
    let passed = now.ns - bootedAt.ns
    return BootTime(ns: passed + passed / 1_000_000 * rate)
  }

  // MARK: the agent

  /// What the agent finds of the machine, or says that it does.
  private var inventory: Inventory {
    var found = devices
    if let broken, broken < found.count { found[broken].condition = .failed }
    for process in processes where process.isStray {
      for share in process.shares {
        if let index = found.firstIndex(where: { $0.key == share.device }) {
          found[index].condition = .dirty
        }
      }
    }
    if hasVanished { found.removeAll { $0.kind == .slice } }
    lie?.bend(&found, number)
    return Inventory(
      enforcement: shape.enforcement, cpu: shape.described?.cpu ?? NodeShape.cpu,
      hostMemory: shape.described?.hostMemory ?? NodeShape.hostMemory, devices: found)
  }

  private mutating func startAgent(_ now: Instant, _ reached: inout Reached) {
    upAt = .max
    if disk == nil, !processes.isEmpty {
      reached.note(.strayWork)
      for index in processes.indices { processes[index].isStray = true }
    }
    agent = Agent(record: disk, boot: Names.boot(number, bootNumber))
    look(now)
  }

  /// Has the agent take what is found of the node now.
  private mutating func look(_ now: Instant) {
    guard agent != nil else { return }
    let found = inventory
    agent?.take(found)
    wakeAt = now.ns
  }

  mutating func take(_ reply: NodeReply, at now: Instant) {
    guard agent != nil else { return }
    let moment = clock(now)
    agent?.take(reply, at: moment)
    wakeAt = now.ns
    plan()
  }

  /// Does what is due.
  /// - Returns: what the agent sends.
  mutating func act(
    at now: Instant, life: borrowing WorldLife, stubborn: UInt64, _ reached: inout Reached,
    _ random: inout SeededGenerator
  ) throws(Violation) -> NodeMessage? {
    defer { plan() }
    if upAt <= now.ns, !isHeldOff { startAgent(now, &reached) }
    if truthAt <= now.ns { seeTruth(now) }
    let moment = clock(now)
    endProcesses(now, &random)
    if let (record, done) = writing, done <= now {
      try keep(record)
      agent?.stored(record.number)
      wakeAt = now.ns
    }
    if !sights.isEmpty { takeSights(now, moment) }
    guard wakeAt <= now.ns, agent != nil else { return nil }
    guard let output = agent?.run(at: moment) else { return nil }
    if let record = output.record {
      guard writing == nil else {
        throw Violation("D3", "two records of an agent are under way")
      }
      writing = (record, now + Span(ns: random.within(0...100_000_000)))
    }
    for refusal in output.refusals { note(refusal.because, &reached) }
    for action in output.actions {
      try carryOut(action, now, copy life, stubborn, &reached, &random)
    }
    wakeAt =
      output.wake.map { wake in
        let span = max(0, wake.ns - moment.ns)
        return now.ns + span + span / 1_000 + 1
      } ?? .max
    return output.message
  }

  private mutating func takeSights(_ now: Instant, _ moment: BootTime) {
    var left = 0
    for index in sights.indices {
      let sight = sights[index]
      guard sight.at <= now else {
        sights[left] = sight
        left += 1
        continue
      }
      agent?.saw(sight.sight, of: sight.fencing, at: moment)
      wakeAt = now.ns
    }
    sights.removeLast(sights.count - left)
  }

  private func note(_ refusal: OrderRefusal, _ reached: inout Reached) {
    switch refusal {
    case .epochOver: reached.note(.epochOver)
    case .replyLate: reached.note(.replyLate)
    case .fencingStale: reached.note(.orderStale)
    case .startLate: reached.note(.startLate)
    case .deviceUnknown: reached.note(.deviceUnknown)
    case .deviceUnfit: reached.note(.deviceUnfit)
    case .deviceOccupied: reached.note(.deviceOccupied)
    case .tableFull: break
    }
  }

  private mutating func keep(_ record: AgentRecord) throws(Violation) {
    writing = nil
    if let disk { try StoredFencesCheck.compare(disk.fences, with: record.fences) }
    disk = record
  }

  // MARK: work

  private mutating func carryOut(
    _ action: AgentAction, _ now: Instant, _ life: WorldLife, _ stubborn: UInt64,
    _ reached: inout Reached, _ random: inout SeededGenerator
  ) throws(Violation) {
    switch action {
    case .start(let order): try start(order, now, life, stubborn, &random)
    case .stop(let fencing):
      if agent?.lease(fencing)?.ending == .expired { reached.note(.endedAlone) }
      guard let index = process(fencing) else {
        return tell(.exited(.neverStarted), of: fencing, now, &random)
      }
      // Some do not listen.
      if life.spans != nil || random.below(3) > 0, !processes[index].isStubborn {
        processes[index].dies = now + Span(ns: random.within(0...4_000_000_000))
      }
    case .kill(let fencing):
      guard let index = process(fencing) else {
        return tell(.exited(.failed), of: fencing, now, &random)
      }
      let longest: Int64 = processes[index].isStubborn ? 40_000_000_000 : 800_000_000
      processes[index].dies = min(
        processes[index].dies, now + Span(ns: random.within(0...longest)))
    case .inspect(let fencing):
      let lives = process(fencing) != nil
      tell(lives ? .started : .exited(.failed), of: fencing, now, &random)
    }
  }

  private mutating func start(
    _ order: LeaseOrder, _ now: Instant, _ life: WorldLife, _ stubborn: UInt64,
    _ random: inout SeededGenerator
  ) throws(Violation) {
    guard let disk, disk.leases.contains(where: { $0.fencing == order.fencing }),
      order.devices.allSatisfy({ disk.fences.highest(of: $0.device) >= order.fencing })
    else {
      throw Violation("D3", "\(order.fencing.raw) was started before that was stored")
    }
    let isThere = order.devices.allSatisfy { share in
      devices.contains { $0.key == share.device && !(hasVanished && $0.kind == .slice) }
    }
    let span = life.span(of: order.claim)
    guard isThere, span != nil || random.below(30) > 0 else {
      return tell(.exited(.neverStarted), of: order.fencing, now, &random)
    }
    hasStarted = true
    processes.append(
      Process(
        lease: order.lease, fencing: order.fencing, shares: order.devices,
        ends: now + (span ?? Span(ns: random.within(200_000_000...life.works * 1_000_000_000))),
        ending: span == nil && random.below(5) == 0 ? .failed : .completed,
        isStubborn: random.below(1_000) < stubborn))
    tell(.started, of: order.fencing, now, &random)
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
    guard processes.contains(where: { $0.ends <= now || $0.dies <= now }) else { return }
    let gone = processes.filter { min($0.ends, $0.dies) <= now }
    processes.removeAll { min($0.ends, $0.dies) <= now }
    for process in gone {
      let ending = process.ends <= now ? process.ending : .failed
      // Nobody waits for what nobody knows: of that it is only seen that its devices are clean.
      if agent != nil, !process.isStray { tell(.exited(ending), of: process.fencing, now, &random) }
    }
    if gone.contains(where: \.isStray) { look(now) }
  }

  // MARK: faults

  mutating func crashAgent(
    at now: Instant, _ reached: inout Reached, _ random: inout SeededGenerator
  ) {
    guard agent != nil else { return }
    stopAgent(&random)
    upAt = now.ns + random.within(100_000_000...30_000_000_000)
    loseRecord(&reached, &random)
    // Some supervisors take the work with them.
    if random.below(4) == 0 { processes = [] }
    plan()
  }

  mutating func reboot(
    at now: Instant, _ reached: inout Reached, _ random: inout SeededGenerator
  ) {
    stopAgent(&random)
    processes = []
    bootNumber += 1
    upAt = now.ns + random.within(1_000_000_000...60_000_000_000)
    bootedAt = now
    loseRecord(&reached, &random)
    if shape.partitioned > 0, random.below(3) == 0 {
      layout += 1
      devices = shape.devices(number, layout: layout)
    }
    plan()
  }

  private mutating func loseRecord(_ reached: inout Reached, _ random: inout SeededGenerator) {
    guard random.below(3) == 0 else { return }
    disk = nil
    reached.note(.recordLost)
  }

  private mutating func stopAgent(_ random: inout SeededGenerator) {
    agent = nil
    if let (record, _) = writing, random.below(2) == 0 { disk = record }
    writing = nil
    sights = []
    wakeAt = .max
  }

  /// Keeps the machine off, or lets it come up.
  mutating func hold(_ isHeld: Bool) {
    isHeldOff = isHeld
    plan()
  }

  mutating func breakDevice(at now: Instant, _ random: inout SeededGenerator) {
    guard broken == nil else { return breakDevice(nil, at: now) }
    let used = processes.isEmpty ? nil : processes[random.number(processes.count)].shares.first
    // Often one that work is on.
    let place = random.chance(50) ? devices.firstIndex { $0.key == used?.device } : nil
    breakDevice(place ?? random.number(devices.count), at: now)
  }

  /// A device breaks, where it is there.
  mutating func breakDevice(named device: Key?, at now: Instant) {
    guard let place = devices.firstIndex(where: { $0.key == device }) else { return }
    breakDevice(place, at: now)
  }

  /// A device breaks, or all work again.
  mutating func breakDevice(_ device: Int?, at now: Instant) {
    broken = device
    look(now)
    plan()
  }

  mutating func bendAccount(at now: Instant, _ random: inout SeededGenerator) {
    lie = lie == nil ? .draw(&random, devices: devices.count) : nil
    lie?.renamed = processes.last?.shares.first?.device
    look(now)
    plan()
  }

  /// Some see what there is again while that still runs which ran before.
  mutating func seeTruthSoon(at now: Instant, _ random: inout SeededGenerator) {
    truthAt = random.below(2) == 0 ? now.ns + random.within(100_000_000...15_000_000_000) : .max
    plan()
  }

  /// It sees what there is at a moment, or before.
  mutating func seeTruth(by moment: Instant) {
    truthAt = min(truthAt, moment.ns)
    plan()
  }

  /// Half of the memory of a device is gone, and all else is there.
  mutating func halve(_ device: Key?, at now: Instant) {
    lie = NodeLie(halved: devices.firstIndex { $0.key == device })
    look(now)
    plan()
  }

  private mutating func seeTruth(_ now: Instant) {
    (lie, hasVanished, truthAt) = (nil, false, .max)
    look(now)
  }

  /// Instances vanish with what runs on them, or are there again.
  mutating func vanish(at now: Instant) {
    guard shape.partitioned > 0 else { return }
    hasVanished.toggle()
    if hasVanished {
      let slices = devices.filter { $0.kind == .slice }.map(\.key)
      for index in processes.indices
      where processes[index].shares.contains(where: { slices.contains($0.device) }) {
        processes[index].dies = now
      }
    }
    look(now)
    plan()
  }

  /// Nothing is wrong with it any more.
  mutating func heal(at now: Instant) {
    (broken, lie, hasVanished, isHeldOff, truthAt) = (nil, nil, false, false, .max)
    look(now)
    plan()
  }
}
