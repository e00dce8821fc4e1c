public import PoolAllocator

/// The pure part of a node's agent: what it knows of its leases, what it obeys, when it ends one
/// by itself, and what it says.
///
/// It reads no clock, starts no process, and stores nothing: the caller hands in moments of the
/// boot-time clock and what it saw, and carries out what `run` says. Replies may be lost, late,
/// doubled and out of order.
///
///     var agent = Agent(record: stored, boot: boot)
///     agent.take(inventory)
///     let output = agent.run(at: now)     // store, carry out, send; then hand in what came of it
public struct Agent: Sendable {
  /// Its bounds.
  public let limits: AgentLimits
  /// Changes with every boot.
  public let boot: Key
  /// Counts its starts.
  public internal(set) var generation: UInt64
  /// The highest leadership that it heard.
  public internal(set) var epoch: UInt32
  /// The highest fencing number of each device.
  public internal(set) var fences: FencingTable
  /// Its leases, by fencing number.
  public internal(set) var leases: [AgentLease]
  /// The moment of the last call.
  public internal(set) var now = BootTime(ns: 0)

  var inventory: Inventory?
  var isInventoryNew = false
  /// Number of the last record that was given out, and of the last that is stored.
  var number: UInt64 = 0
  var storedNumber: UInt64 = 0
  var isChanged = true
  /// The record in which the generation stands.
  var generationNeeds: UInt64 = 1

  var sequence: UInt64 = 0
  /// The message whose reply was taken in last.
  var seen: UInt64 = 0
  /// Messages whose reply is not late: none before the one whose reply was taken in last, nor
  /// before the first report that answered the last ask.
  var sent: [(sequence: UInt64, at: BootTime)] = []
  /// When it ran first; nil: it did not.
  var started: Int64?
  var nextMessage = BootTime(ns: 0)
  var notBefore = BootTime(ns: 0)
  var ask: ReportAsk?
  var answered: ReportAsk?
  /// The message that told of the inventory first, once it was told.
  var toldIn: UInt64?
  var repeatReportAt = BootTime(ns: 0)

  var actions: [AgentAction] = []
  var refusals: [(fencing: Fencing?, because: OrderRefusal)] = []
  /// Orders of leases that are being prepared.
  var preparing: [LeaseOrder] = []

  /// Starts an agent.
  /// - Parameters:
  ///   - record: what was stored last; nil: nothing was, and nothing of any lease may live.
  ///   - boot: the boot that is running. Leases of another boot are gone.
  public init(record: AgentRecord?, boot: Key, limits: AgentLimits = AgentLimits()) {
    self.limits = limits
    self.boot = boot
    generation = (record?.generation ?? 0) + 1
    epoch = record?.epoch ?? 0
    fences = planted(.agentForgetsFences) ? FencingTable() : record?.fences ?? FencingTable()
    leases = []
    guard let record, record.boot == boot else { return }
    leases = record.leases.map { Self.restored($0) }
    for lease in leases { fence(lease.devices, lease.fencing) }
  }

  /// What may live is looked at; what had to end has to end at once.
  private static func restored(_ stored: AgentLease) -> AgentLease {
    var lease = stored
    lease.isAcknowledged = false
    lease.isSaid = false
    lease.needs = 0
    guard stored.mayLive else { return lease }
    lease.state = .unsure
    lease.repeatAt = BootTime(ns: 0)
    if stored.state == .stopping || stored.state == .killing { lease.ends = BootTime(ns: 0) }
    return lease
  }

  /// What has to be stored now.
  public var record: AgentRecord {
    AgentRecord(
      number: number, boot: boot, generation: generation, epoch: epoch, fences: fences,
      leases: leases)
  }

  /// The lease of a fencing number, if it is known.
  /// - Complexity: O(leases).
  public func lease(_ fencing: Fencing) -> AgentLease? {
    leases.first { $0.fencing == fencing }
  }

  // MARK: inputs

  /// Takes what the caller found of the node; called again whenever that changes.
  public mutating func take(_ inventory: Inventory) {
    self.inventory = inventory
    isInventoryNew = true
    toldIn = nil
  }

  /// A record is stored; with it all before it count as stored.
  public mutating func stored(_ number: UInt64) {
    storedNumber = max(storedNumber, min(number, self.number))
  }

  /// Takes what the caller saw of a lease; what was said before does no harm.
  public mutating func saw(_ sight: LeaseSight, of fencing: Fencing, at now: BootTime) {
    self.now = max(self.now, now)
    guard let index = leases.firstIndex(where: { $0.fencing == fencing }) else { return }
    let state = leases[index].state
    switch sight {
    case .started where state == .starting || state == .unsure: move(index, to: .running)
    case .exited(let ending) where state != .preparing && state != .gone:
      // Work that was done is done, whoever ended it.
      if ending == .completed || leases[index].ending == nil { leases[index].ending = ending }
      move(index, to: .gone)
    default: break
    }
  }

  // MARK: running

  /// Does what is due.
  /// - Complexity: O(leases).
  public mutating func run(at now: BootTime) -> AgentOutput {
    self.now = max(self.now, now)
    started = started ?? now.ns
    for index in leases.indices { advance(index) }
    var output = AgentOutput()
    if isChanged, storedNumber == number {
      number += 1
      isChanged = false
      output.record = record
    }
    output.message = message()
    output.actions = actions
    output.refusals = refusals
    actions = []
    refusals = []
    output.wake = wake()
    return output
  }

  /// What time does to a lease.
  private mutating func advance(_ index: Int) {
    let lease = leases[index]
    switch lease.state {
    case .preparing where now >= lease.ends: withdraw(index)
    case .preparing where lease.needs <= storedNumber: start(index)
    case .running where planted(.agentRunsOn): break
    case .starting where now >= lease.ends, .running where now >= lease.ends,
      .unsure where now >= lease.ends:
      let kill = lease.ends + Span(ns: limits.shortened(lease.killWithin).ns - limits.killTakes.ns)
      stop(index, killAt: kill, as: .expired)
    case .unsure where now >= lease.repeatAt:
      actions.append(.inspect(lease.fencing))
      leases[index].repeatAt = now + limits.repeatAfter
    case .stopping where now >= lease.killAt:
      move(index, to: .killing)
      kill(index)
    case .killing where now >= lease.repeatAt: kill(index)
    default: break
    }
  }

  private mutating func start(_ index: Int) {
    let fencing = leases[index].fencing
    guard let place = preparing.firstIndex(where: { $0.fencing == fencing }) else {
      return withdraw(index)
    }
    actions.append(.start(preparing.remove(at: place)))
    move(index, to: .starting)
  }

  private mutating func kill(_ index: Int) {
    actions.append(.kill(leases[index].fencing))
    leases[index].repeatAt = now + limits.repeatAfter
  }

  // MARK: steps of a lease

  /// Moves a lease along a listed edge; a record of it is due.
  mutating func move(_ index: Int, to state: AgentLeaseState) {
    precondition(
      AgentLease.isEdge(leases[index].state, state), "a lease of an agent moves along listed edges")
    leases[index].state = state
    leases[index].isSaid = false
    leases[index].needs = number + 1
    isChanged = true
  }

  /// Has a lease end that may live.
  mutating func stop(_ index: Int, killAt: BootTime, as ending: LeaseEnding) {
    leases[index].killAt = min(leases[index].killAt, killAt)
    leases[index].ending = leases[index].ending ?? ending
    actions.append(.stop(leases[index].fencing))
    move(index, to: .stopping)
  }

  /// Ends a lease that was never started.
  mutating func withdraw(_ index: Int) {
    let fencing = leases[index].fencing
    preparing.removeAll { $0.fencing == fencing }
    leases[index].ending = .neverStarted
    move(index, to: .gone)
  }

  /// Raises what was seen for devices.
  mutating func fence(_ devices: [DeviceShare], _ fencing: Fencing) {
    let kept = (inventory?.devices.map(\.key) ?? []) + devices.map(\.device)
    for share in devices where fences.raise(share.device, to: fencing, keeping: kept) {
      isChanged = true
    }
  }

  private func wake() -> BootTime? {
    var next = storedNumber >= generationNeeds ? max(nextMessage, notBefore) : nil
    if storedNumber >= generationNeeds, hasUnsaid || reportIsDue { next = notBefore }
    func note(_ moment: BootTime) { next = min(next ?? moment, moment) }
    for lease in leases {
      switch lease.state {
      case .preparing, .starting, .running: note(lease.ends)
      case .unsure: note(min(lease.ends, lease.repeatAt))
      case .stopping: note(lease.killAt)
      case .killing: note(lease.repeatAt)
      case .gone: break
      }
    }
    if storedNumber >= generationNeeds, wantsReport, !reportIsDue { note(repeatReportAt) }
    return next.map { max($0, now) }
  }
}
