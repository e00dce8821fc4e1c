import PoolAllocator

/// What an agent says.
extension Agent {
  /// The next message, if one is due: something became of a lease, a report is wanted, or it is
  /// time for a sign of life.
  mutating func message() -> NodeMessage? {
    guard storedNumber >= generationNeeds, now >= notBefore,
      now >= nextMessage || hasUnsaid || reportIsDue
    else { return nil }
    sequence += 1
    var message = NodeMessage(
      boot: boot, generation: generation, sequence: sequence, seen: seen, news: news())
    message.started = started ?? 0
    if wantsReport, let inventory { report(inventory, in: &message) }
    sent.append((sequence, now))
    if sent.count > AgentLimits.messagesUnderWay { sent.removeFirst() }
    notBefore = now + limits.messageGap
    nextMessage = now + limits.replyWithin
    return message
  }

  /// Whether something became of a lease that no message said.
  var hasUnsaid: Bool { leases.contains { isNews($0) && !$0.isSaid } }

  /// Whether a report goes along with the next message: one is asked for, or not all is told.
  var wantsReport: Bool {
    guard let inventory, inventory.isComplete else { return false }
    return ask != nil || isInventoryNew
  }

  /// Whether a report is worth a message of its own.
  var reportIsDue: Bool {
    guard wantsReport else { return false }
    let isTold = ask == nil ? toldIn != nil : answered == ask
    return !isTold || now >= repeatReportAt
  }

  private func isNews(_ lease: AgentLease) -> Bool {
    switch lease.state {
    case .running: !lease.isAcknowledged
    case .gone: lease.needs <= storedNumber
    case .preparing, .starting, .unsure, .stopping, .killing: false
    }
  }

  /// What is to be said of leases, what was not said yet first.
  private mutating func news() -> [LeaseNews] {
    let candidates = leases.indices.filter { isNews(leases[$0]) }
    let unsaid = candidates.filter { !leases[$0].isSaid }
    let ordered = unsaid + candidates.filter { leases[$0].isSaid }
    return ordered.prefix(AgentLimits.newsPerMessage).map { index in
      leases[index].isSaid = true
      let lease = leases[index]
      return LeaseNews(
        lease: lease.lease, fencing: lease.fencing,
        ending: lease.state == .gone ? lease.ending ?? .failed : nil)
    }
  }

  /// Adds a full report. The first one that answers an ask is a barrier: what was ordered before
  /// it and did not arrive is never obeyed, for the report says that it does not live.
  private mutating func report(_ inventory: Inventory, in message: inout NodeMessage) {
    let node = NodeReport(
      boot: boot, generation: generation, sequence: sequence, cpu: inventory.cpu,
      hostMemory: inventory.hostMemory, enforcement: inventory.enforcement)
    message.report = Advertisement(
      report: node, devices: inventory.devices,
      living: leases.filter { $0.mayLive || $0.hasOutcome && inventory.has($0.devices) }
        .map(\.fencing))
    message.answers = ask
    if ask != nil, answered != ask {
      answered = ask
      sent = []
    }
    toldIn = toldIn ?? sequence
    repeatReportAt = now + limits.repeatAfter
  }
}
