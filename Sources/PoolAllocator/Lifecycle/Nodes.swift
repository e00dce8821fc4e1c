extension Node {
  /// Whether its last message is recent enough to be believed.
  var isHeard: Bool { reach == .ready || reach == .suspect }
}

/// Nodes: what is heard of them, what operators want of them.
extension Pool {
  // MARK: commands

  mutating func enrol(_ enrolment: Enrolment, _ log: inout EventLog) -> Decision {
    guard keys.nodes.row(for: enrolment.key) == nil else {
      return refuse(Reason(.duplicateKey), &log)
    }
    guard nodes.hasRoom else {
      return refuse(
        Reason(.tableFull, have: Int64(nodes.count), need: Int64(nodes.limit)), &log)
    }
    let id = nodes.nextID
    log.enrolments.append(enrolment)
    step(.nodeEnrolled(id, fact: UInt32(log.enrolments.count - 1)), &log)
    var decision = done()
    decision.node = id
    return decision
  }

  mutating func hear(_ id: NodeID, _ log: inout EventLog) -> Decision {
    guard nodes.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    switch nodes[id].reach {
    case .suspect:
      step(.nodeHeard(id), &log)
      if nodes[id].heard >= Limits.heardToBeReady { step(.nodeReached(id, .ready), &log) }
    case .silent: step(.nodeReached(id, .recovering), &log)
    case .enrolled, .recovering, .ready: return refuse(Reason(.wrongState), &log)
    }
    return done()
  }

  mutating func silence(_ id: NodeID, _ log: inout EventLog) -> Decision {
    guard nodes.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard nodes[id].reach == .ready else { return refuse(Reason(.wrongState), &log) }
    step(.nodeReached(id, .suspect), &log)
    return done()
  }

  mutating func setDuty(_ id: NodeID, _ duty: Duty, _ log: inout EventLog) -> Decision {
    guard nodes.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    let now = nodes[id].duty
    if now == duty { return done() }
    guard Self.isEdge(now, duty) else { return refuse(Reason(.wrongState), &log) }
    step(.nodeDuty(id, duty, drainBy: .farFuture), &log)
    return done()
  }

  mutating func drain(
    _ id: NodeID, _ deadline: Instant, _ log: inout EventLog
  ) -> Decision {
    guard nodes.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard Self.isEdge(nodes[id].duty, .draining) else {
      return refuse(Reason(.wrongState), &log)
    }
    step(.nodeDuty(id, .draining, drainBy: deadline), &log)
    bindShortLanes(&log, on: nil)
    return done()
  }

  /// An operator vouches that nothing lives on a node: its stopped and quarantined leases end.
  mutating func fence(_ id: NodeID, _ log: inout EventLog) -> Decision {
    guard nodes.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard nodes[id].reach == .silent || nodes[id].reach == .recovering else {
      return refuse(Reason(.wrongState), &log)
    }
    while let lease = firstLease(on: id, where: { _ in true }) { endLost(lease, &log) }
    return done()
  }

  mutating func forget(_ id: NodeID, _ log: inout EventLog) -> Decision {
    guard nodes.contains(id) else { return refuse(Reason(.unknownSubject), &log) }
    guard nodes[id].leases == 0 else {
      return refuse(Reason(.wrongState, have: Int64(nodes[id].leases)), &log)
    }
    var row = placement.devices.first(of: id.row)
    while row != RowLists.none {
      if let device = devices.id(at: row) { unpinAll(on: device, because: .nodeSilent, &log) }
      row = placement.devices.next(after: row)
    }
    step(.nodeForgotten(id), &log)
    bindShortLanes(&log, on: nil)
    return done()
  }

  /// What a node's timer asks for: the end of its silence, or of its drain.
  mutating func nodeDue(_ id: NodeID, _ log: inout EventLog) {
    if nodes[id].reach == .suspect, nodes[id].timer <= now {
      return step(.nodeReached(id, .silent), &log)
    }
    if let lease = firstLease(on: id, where: { $0 != .stopping }) {
      return stop(lease, .drained, &log)
    }
    step(.nodeDuty(id, nodes[id].leases == 0 ? .drained : .draining, drainBy: .farFuture), &log)
  }

  // MARK: leases of a node

  /// The least lease row of a node in some state.
  func firstLease(on id: NodeID, where matches: (LeaseState) -> Bool) -> LeaseID? {
    var least = RowLists.none
    var row = placement.leases.first(of: id.row)
    while row != RowLists.none {
      if row < least, matches(leases[row: row].state) { least = row }
      row = placement.leases.next(after: row)
    }
    return leases.id(at: least)
  }

  /// Ends a lease of which nothing lives any more: stopped first, where it was not.
  mutating func endLost(_ id: LeaseID, _ log: inout EventLog) {
    if leases[id].state != .stopping { stop(id, .nodeLost, &log) }
    step(.leaseEnded(id), &log)
  }

  // MARK: folding

  /// Whether a node may move from one reach to another (docs/STATES.md).
  static func isEdge(_ from: Reach, _ to: Reach) -> Bool {
    switch (from, to) {
    case (.enrolled, .recovering), (.recovering, .ready), (.ready, .suspect), (.suspect, .ready),
      (.suspect, .silent), (.silent, .recovering), (.ready, .recovering), (.suspect, .recovering):
      true
    default: false
    }
  }

  /// Whether a node may move from one duty to another (docs/STATES.md).
  static func isEdge(_ from: Duty, _ to: Duty) -> Bool {
    switch (from, to) {
    case (.open, .cordoned), (.cordoned, .open), (.open, .draining), (.cordoned, .draining),
      (.draining, .drained), (.draining, .open), (.drained, .open):
      true
    default: false
    }
  }

  mutating func evolveEnrolled(_ id: NodeID, _ enrolment: Enrolment) {
    let inserted = nodes.insert(Node(enrolment: enrolment))
    invariant(inserted == id, "a node gets the id that its event names")
    keys.nodes.insert(enrolment.key, id.row)
    placement.admit(node: id.row)
  }

  mutating func evolveAdvertised(_ id: NodeID, _ report: NodeReport) {
    let old = nodes[id].report
    nodes[id].report = report
    if old.boot != report.boot { nodes[id].lastBoot = old.boot }
    if old.cpu > report.cpu || old.hostMemory > report.hostMemory
      || old.enforcement > report.enforcement
    {
      markCeilings(of: id.row)
    }
    if old.cpu != report.cpu || old.hostMemory != report.hostMemory
      || old.enforcement != report.enforcement
    {
      voidLanes(of: id.row)
    }
    refreshNode(id.row)
    raiseCeilings(of: id.row)
    stirred.bits |= placement.lanesOfNode[Int(id.row)].bits
  }

  mutating func evolveReach(_ id: NodeID, _ reach: Reach) {
    invariant(Self.isEdge(nodes[id].reach, reach), "reach moves along listed edges")
    nodes[id].reach = reach
    nodes[id].heard = 0
    voidLanes(of: id.row)
    nodes[id].timer = reach == .suspect ? now + limits.silentAfter : .farFuture
    if reach == .silent || reach == .recovering { quarantine(id) }
    setNodeTimer(id)
    refreshNode(id.row)
    // Also where a node is lost: behind a head that no node holds any more others may go.
    stirred.bits |= placement.lanesOfNode[Int(id.row)].bits
    if reach == .ready, !impairedLanes.isEmpty { placement.cells.offer(node: id.row) }
  }

  /// Neither free nor dead: what runs on a node that cannot be asked.
  private mutating func quarantine(_ id: NodeID) {
    var row = placement.devices.first(of: id.row)
    while row != RowLists.none {
      if let device = devices.id(at: row), devices[device].health == .usable {
        evolveHealth(device, .quarantined)
      }
      row = placement.devices.next(after: row)
    }
    var lease = placement.leases.first(of: id.row)
    while lease != RowLists.none {
      if leases[row: lease].state == .granted || leases[row: lease].state == .active {
        leases[row: lease].state = .quarantined
        refreshVictim(lease)
        queue.watch(lease: lease, no: leases[row: lease].ends)
      }
      lease = placement.leases.next(after: lease)
    }
  }

  mutating func evolveDuty(_ id: NodeID, _ duty: Duty, _ drainBy: Instant) {
    invariant(
      Self.isEdge(nodes[id].duty, duty) || nodes[id].duty == duty,
      "duty moves along listed edges")
    nodes[id].duty = duty
    voidLanes(of: id.row)
    nodes[id].drainBy = duty == .draining ? drainBy : .farFuture
    if duty == .draining, nodes[id].leases == 0 { nodes[id].duty = .drained }
    setNodeTimer(id)
    refreshNode(id.row)
    stirred.bits |= placement.lanesOfNode[Int(id.row)].bits
    if duty == .open, !impairedLanes.isEmpty { placement.cells.offer(node: id.row) }
  }

  /// One timer serves the end of a silence and of a drain.
  mutating func setNodeTimer(_ id: NodeID) {
    let node = nodes[id]
    let drain = node.duty == .draining ? node.drainBy : .farFuture
    QueueIndex.set(&queue.nodeTimers, id.row, min(node.timer, drain))
  }

  mutating func evolveForgotten(_ id: NodeID) {
    var row = placement.devices.first(of: id.row)
    while row != RowLists.none {
      guard let device = devices.id(at: row) else { broken("a node lists live devices") }
      row = placement.devices.next(after: row)
      evolveHealth(device, .gone)
    }
    queue.nodeTimers.remove(id.row)
    markCeilings(of: id.row)
    keys.nodes.remove(nodes[id].enrolment.key)
    nodes.remove(id)
    placement.forget(node: id.row)
  }

  /// Folds the start of a leadership: every node has to report anew.
  mutating func evolveEpoch(_ epoch: UInt32) {
    self.epoch = epoch
    nextFencing = 1
    for row in 0..<UInt32(nodes.extent) {
      guard let id = nodes.id(at: row), nodes[id].isHeard, !planted(.readyBeforeReport) else {
        continue
      }
      evolveReach(id, .recovering)
    }
  }

  mutating func begin(_ epoch: UInt32, _ log: inout EventLog) -> Decision {
    guard epoch > self.epoch, epoch < 1 << 24 else {
      return refuse(
        Reason(.generationStale, have: Int64(self.epoch), need: Int64(self.epoch) + 1), &log)
    }
    step(.epochBegun(epoch), &log)
    return done()
  }
}
