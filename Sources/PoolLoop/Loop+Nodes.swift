import PoolAllocator

/// Agents: what they say becomes commands, what the pool holds for their node becomes orders.
extension Loop {
  // MARK: what they say

  /// Takes in a message of an agent and replies to it, at once or when there is something to say.
  mutating func takeIn(
    _ message: NodeMessage, from node: NodeID, arrived: Instant, at moment: Instant
  ) {
    guard let known = pool.node(node) else { return }
    contacts.release(node.row)
    if known.reach == .silent { apply(.hear(node)) }
    if !takeReport(of: message, from: node), known.reach == .suspect { apply(.hear(node)) }
    if isAccounted(node, message) {
      contacts[node].ask = nil
      for news in message.news.prefix(limits.newsPerMessage) { takeIn(news, from: node) }
    } else if contacts[node].ask == nil {
      asks += 1
      contacts[node].ask = ReportAsk(epoch: epoch, number: asks)
    }
    // Its last reply was lost, or is on its way: it is told everything again.
    if message.seen != contacts[node].repliedTo { contacts[node].isDirty = true }
    let contact = contacts[node]
    if contact.isDirty || contact.ask != nil {
      reply(to: node, message.sequence, arrived: arrived)
    } else {
      contacts.hold(node, message.sequence, arrived: arrived, until: moment + limits.pollWait)
    }
  }

  /// Replies to a message whose generation another start of the agent has reached. It is late, or
  /// its agent has lost its record and counts anew: then it is told from where.
  /// - Parameter heard: the youngest message of another start with the same generation; 0: none.
  mutating func correct(
    _ message: NodeMessage, from node: NodeID, reached: UInt64, heard: UInt64
  ) {
    guard hasRoomForReply else { return }
    var reply = NodeReply(
      epoch: epoch, generation: message.generation, sequence: message.sequence,
      acceptedGeneration: reached)
    (reply.boot, reply.started) = (message.boot, message.started)
    reply.heardSequence = heard
    wait(node, reply)
  }

  /// Whether a node is as its last full report says, which the same start of its agent made.
  private func isAccounted(_ id: NodeID, _ message: NodeMessage) -> Bool {
    guard let node = pool.node(id), node.reach == .ready || node.reach == .suspect else {
      return false
    }
    return isSameStart(node, message)
  }

  private func isSameStart(_ node: Node, _ message: NodeMessage) -> Bool {
    node.report.boot == message.boot && node.report.generation == message.generation
  }

  /// Takes in a report: one that answers what was asked last, or, of a node that is accounted for,
  /// one that says what changed.
  /// - Returns: whether it was accepted.
  private mutating func takeReport(of message: NodeMessage, from id: NodeID) -> Bool {
    guard let report = message.report, let node = pool.node(id),
      report.report.boot == message.boot, report.report.generation == message.generation,
      report.report.sequence == message.sequence
    else { return false }
    let ask = contacts[id].ask
    let isAnswer = ask != nil && (message.answers == ask || planted(.oldReportProves))
    guard isAnswer || ask == nil && isAccounted(id, message) else { return false }
    // What the pool has already, it does not have to be told.
    let isKnown = isSameStart(node, message) && message.sequence <= node.report.sequence
    if isKnown, !planted(.takesStaleReport) { return false }
    return apply(.advertise(id, report)).decision.verdict == .done
  }

  /// What became of one lease, told to the pool as far as it does not know.
  private mutating func takeIn(_ news: LeaseNews, from node: NodeID) {
    guard let lease = pool.lease(news.lease), lease.fencing == news.fencing, lease.node == node
    else {
      // It is told so by the list of those that there are.
      return contacts.stir(node)
    }
    let (id, fencing) = (news.lease, news.fencing)
    guard let ending = news.ending else {
      if lease.state == .granted { apply(.confirmStarted(id, fencing)) }
      return
    }
    // It started and ended before the pool heard of it. What its agent ended because nobody took in
    // that it started, or never started, is granted again after its start deadline.
    if lease.state == .granted, ending == .completed || ending == .failed {
      apply(.confirmStarted(id, fencing))
    }
    if pool.lease(id)?.state == .active {
      // An agent that ends a lease by itself is a little early: its end comes by itself too, unless
      // it was put off meanwhile.
      let soon = believed(clock.moment) + lease.terms.killWithin
      if ending == .expired, lease.ends <= soon { return }
      apply(.release(id, fencing, Self.outcome(of: ending)))
    }
    if pool.lease(id)?.state == .stopping {
      apply(.confirmEmpty(id, fencing))
      contacts.stir(node)
    }
  }

  /// What an ending means for a claim of which the pool believes that it runs. Work that its agent
  /// ended because a reply was lost has not failed: it waits again.
  private static func outcome(of ending: LeaseEnding) -> Outcome {
    switch ending {
    case .completed: .completed
    case .failed: .failed
    case .expired, .neverStarted: .lost
    }
  }

  // MARK: what they are told

  /// Notes which nodes have something to be told after a command.
  mutating func stirNodes(_ log: borrowing EventLog) {
    for event in log.events {
      switch event {
      case .leaseGranted(_, let grants):
        for index in grants.indices { contacts.stir(log.grants[index].node) }
      case .leaseStarted(let id, _), .leaseRenewed(let id, _, _, _), .leaseResumed(let id),
        .leaseOverstayed(let id), .leaseStopping(let id, _, _, _):
        if let lease = pool.lease(id) { contacts.stir(lease.node) }
      case .nodeReached(let node, _), .nodeAdvertised(let node, _): contacts.stir(node)
      default: break
      }
    }
  }

  /// Replies to a message of a node with all that is to be said of it.
  mutating func reply(to id: NodeID, _ sequence: UInt64, arrived: Instant) {
    guard let node = pool.node(id) else { return }
    var contact = contacts[id]
    var reply = NodeReply(
      epoch: epoch, generation: contact.generation, sequence: sequence,
      acceptedGeneration: node.report.generation, acceptedSequence: node.report.sequence)
    (reply.boot, reply.started) = (contact.boot, contact.started)
    reply.ask = contact.ask
    let isHeard = node.reach == .ready || node.reach == .suspect
    if contact.ask == nil, isHeard, contact.generation == node.report.generation {
      reply.orders = contact.isDirty ? orders(for: id, from: arrived) : nil
    }
    contact.isDirty = false
    contact.repliedTo = sequence
    contacts[id] = contact
    wait(id, reply)
  }

  /// What has to be done about every lease of a node, by fencing number; spans count from the
  /// arrival of the message that is replied to.
  /// - Complexity: O(n log n) in the leases of the node.
  private func orders(for id: NodeID, from arrived: Instant) -> [LeaseOrder] {
    pool.leases(on: id).compactMap { id in
      pool.lease(id).map { order(for: id, $0, from: arrived) }
    }
  }

  private func order(for id: LeaseID, _ lease: Lease, from arrived: Instant) -> LeaseOrder {
    let verb: LeaseOrder.Verb =
      switch lease.state {
      case .granted:
        .start(within: Self.span(from: arrived, to: lease.startBy), runs: lease.quantumSpan)
      case .active, .quarantined: .run(until: Self.span(from: arrived, to: lease.ends))
      case .stopping:
        // Past its kill deadline no moment is named any more.
        .stop(
          within: lease.killBy.ns == .max ? .zero : Self.span(from: arrived, to: lease.killBy))
      }
    let shares = pool.uses(of: lease).compactMap { use in
      pool.device(use.device).map {
        DeviceShare(device: $0.report.key, milli: use.milli, memory: use.memory)
      }
    }
    var order = LeaseOrder(
      lease: id, fencing: lease.fencing, verb: verb, killWithin: lease.terms.killWithin,
      devices: shares)
    order.claim = pool.claim(lease.claim)?.spec.key
    order.cpu = lease.cpu
    order.hostMemory = lease.hostMemory
    order.restrictions = lease.restrictions
    return order
  }

  private static func span(from start: Instant, to end: Instant) -> Span {
    Span(ns: max(0, end.ns - start.ns))
  }
}
