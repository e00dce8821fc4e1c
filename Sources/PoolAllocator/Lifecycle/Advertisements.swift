/// What an agent says of its node, taken in: only what is whole, new and approved counts.
extension Pool {
  mutating func advertise(
    _ id: NodeID, _ advertisement: Advertisement, _ log: inout EventLog
  ) -> Decision {
    if let refusal = defect(of: advertisement, from: id) { return refuse(refusal, &log) }
    let report = advertisement.report
    let before = nodes[id]
    if before.reach != .recovering,
      before.report.boot != report.boot || before.reach == .silent || before.reach == .enrolled
        || isAccount(advertisement, of: id) && overturnsLeases(advertisement)
    {
      step(.nodeReached(id, .recovering), &log)
    }
    log.nodeReports.append(report)
    step(.nodeAdvertised(id, fact: UInt32(log.nodeReports.count - 1)), &log)
    // Nothing outlives a boot, whatever the agent believes; boards may be partitioned anew by then.
    let hasRebooted = before.hasRebooted(since: report)
    if hasRebooted {
      takeLeases([], of: id, &log)
    } else if nodes[id].reach == .recovering, overturnsLeases(advertisement) {
      takeLeases(advertisement.living, of: id, &log)
    }
    takeDevices(advertisement.devices, of: id, &log)
    if nodes[id].reach == .recovering, !hasRebooted {
      takeLeases(advertisement.living, of: id, &log)
    }
    takeConditions(advertisement.devices, of: id, &log)
    if nodes[id].reach == .recovering { step(.nodeReached(id, .ready), &log) }
    if nodes[id].reach == .suspect { step(.nodeReached(id, .ready), &log) }
    bindShortLanes(&log, on: Self.lostDevice(log) ? nil : id)
    var decision = done()
    decision.node = id
    return decision
  }

  /// Whether an account took a device away: then its replacement may be on any node.
  private static func lostDevice(_ log: borrowing EventLog) -> Bool {
    log.events.contains { event in
      if case .deviceMoved(_, let health) = event { return health == .gone || health == .failed }
      return false
    }
  }

  // MARK: refusals

  private func defect(of advertisement: Advertisement, from id: NodeID) -> Reason? {
    guard nodes.contains(id) else { return Reason(.unknownSubject) }
    guard advertisement.isComplete else { return Reason(.advertisementIncomplete) }
    let node = nodes[id]
    let report = advertisement.report
    if node.reach != .enrolled, node.report.boot == report.boot,
      (report.generation, report.sequence) <= (node.report.generation, node.report.sequence),
      !planted(.takesStaleReport)
    {
      return Reason(
        .generationStale, have: Int64(clamping: node.report.sequence),
        need: Int64(clamping: report.sequence))
    }
    if node.reach != .enrolled, report.boot != node.report.boot, report.boot == node.lastBoot {
      return Reason(.generationStale)
    }
    guard report.cpu.value >= 0, report.cpu.value <= Limits.deviceMilli,
      report.hostMemory >= .zero, report.hostMemory <= Limits.memoryMax,
      advertisement.devices.count <= Limits.devicesPerNode,
      devices.count
        + advertisement.devices.count(where: { keys.devices.row(for: $0.key) == nil })
        <= devices.limit
    else { return Reason(.fieldOutOfRange) }
    let hasRebooted = node.hasRebooted(since: report)
    // A full account of what lives ends every lease that is not in it.
    let isAccount = isAccount(advertisement, of: id)
    for (index, device) in advertisement.devices.enumerated() {
      guard isWellFormed(device, in: advertisement, isEmptied: hasRebooted, isAccount: isAccount)
      else {
        return Reason(.malformed, have: Int64(index))
      }
      guard let row = keys.devices.row(for: device.key) else { continue }
      if devices[row: row].node != id { return Reason(.duplicateKey, have: Int64(index)) }
      // Partitioning is changed on an empty GPU; anything else is an agent that is mistaken.
      if !hasRebooted, isRepartitioned(device, living: isAccount ? advertisement.living : nil) {
        return Reason(.wrongState, have: Int64(index))
      }
    }
    return nil
  }

  /// Whether a report says all that lives on a node: the first of a start of its agent, or one of
  /// a node that was not heard. What was ordered before it is obeyed no more.
  private func isAccount(_ advertisement: Advertisement, of id: NodeID) -> Bool {
    let (last, report) = (nodes[id].report, advertisement.report)
    return !nodes[id].isHeard || (last.boot, last.generation) != (report.boot, report.generation)
  }

  /// Whether a GPU is partitioned otherwise than it was known, though leases hold a share of it or
  /// of its instances.
  /// - Parameter living: leases that live, where all others end with the report; nil: none ends.
  private func isRepartitioned(_ device: DeviceReport, living: [Fencing]?) -> Bool {
    guard let board = keys.devices.row(for: device.key),
      devices[row: board].report.isPartitioned != device.isPartitioned
    else { return false }
    if isHeld(board, byAnyOf: living) { return true }
    var row = placement.instances.first(of: board)
    while row != RowLists.none {
      if isHeld(row, byAnyOf: living) { return true }
      row = placement.instances.next(after: row)
    }
    return false
  }

  /// Whether a report says of a known device what no device can become under a key, or, while a
  /// lease holds it, what cannot change under the lease.
  private func isOtherDevice(_ row: UInt32, _ device: DeviceReport, isEmptied: Bool) -> Bool {
    let known = devices[row: row].report
    if known.kind != device.kind || known.profile != device.profile { return true }
    return devices[row: row].shares > 0 && !isEmptied
      && (known.slice != device.slice || known.parent != device.parent
        || known.slots != device.slots)
  }

  /// Whether GPUs were partitioned or instances made anew under leases, while nobody heard of the
  /// node or of its agent.
  private func overturnsLeases(_ advertisement: Advertisement) -> Bool {
    advertisement.devices.contains {
      isRepartitioned($0, living: nil)
        || $0.kind == .slice && takesHeldSlots($0, among: advertisement.devices, living: nil)
    }
  }

  /// Whether a lease holds a share of a device.
  /// - Parameter living: the leases that count; nil: all do.
  private func isHeld(_ row: UInt32, byAnyOf living: [Fencing]?) -> Bool {
    guard devices[row: row].shares > 0, let living else { return devices[row: row].shares > 0 }
    var lease = placement.leases.first(of: devices[row: row].node.row)
    while lease != RowLists.none {
      if living.contains(leases[row: lease].fencing),
        leases[row: lease].uses.indices.contains(where: { uses[$0].device.row == row })
      {
        return true
      }
      lease = placement.leases.next(after: lease)
    }
    return false
  }

  /// Whether an instance would take slots of one that a lease still holds and nobody reports.
  /// - Parameter living: leases that live, where all others end with the report; nil: none ends.
  private func takesHeldSlots(
    _ device: DeviceReport, among all: [DeviceReport], living: [Fencing]?
  ) -> Bool {
    guard let board = device.parent.flatMap({ keys.devices.row(for: $0) }) else { return false }
    if planted(.slotsBySum) { return false }
    var row = placement.instances.first(of: board)
    while row != RowLists.none {
      let held = devices[row: row]
      if held.report.key != device.key, held.report.slots.bits & device.slots.bits != 0,
        !all.contains(where: { $0.key == held.report.key }), isHeld(row, byAnyOf: living)
      {
        return true
      }
      row = placement.instances.next(after: row)
    }
    return false
  }

  /// - Parameters:
  ///   - isEmptied: whether the report ends every lease of its node.
  ///   - isAccount: whether it ends those that it does not say to live.
  private func isWellFormed(
    _ device: DeviceReport, in advertisement: Advertisement, isEmptied: Bool, isAccount: Bool
  ) -> Bool {
    let all = advertisement.devices
    guard all.reduce(0, { $0 + ($1.key == device.key ? 1 : 0) }) == 1,
      device.memory >= .zero, device.memory <= Limits.memoryMax
    else { return false }
    if let row = keys.devices.row(for: device.key),
      isOtherDevice(row, device, isEmptied: isEmptied)
    {
      return false
    }
    switch device.kind {
    case .cpu:
      return device.capacity.value > 0 && device.capacity.value <= Limits.deviceMilli
    case .gpu: return device.capacity == .whole && device.memory > .zero
    case .slice:
      guard let parent = all.first(where: { $0.key == device.parent }),
        parent.kind == .gpu, parent.isPartitioned, device.slice != nil,
        device.slots.bits != 0, device.capacity == .whole,
        isEmptied
          || !takesHeldSlots(device, among: all, living: isAccount ? advertisement.living : nil)
      else { return false }
      // Instances of one GPU never overlap: capacity is the slot mask.
      return all.allSatisfy {
        $0.key == device.key || $0.parent != device.parent
          || $0.slots.bits & device.slots.bits == 0 || planted(.slotsOverlap)
      }
    }
  }

  // MARK: devices

  /// Boards before their instances, so that an instance can name its parent's row.
  private mutating func takeDevices(
    _ reports: [DeviceReport], of id: NodeID, _ log: inout EventLog
  ) {
    var counts: [(profile: Key, count: UInt16)] = []
    for isInstance in [false, true] {
      for report in reports where (report.kind == .slice) == isInstance {
        var isApproved = true
        if isInstance {
          isApproved =
            report.parent.flatMap { keys.devices.row(for: $0) }
            .map { devices[row: $0].isApproved } ?? false
        } else {
          isApproved = approve(report.profile, of: id, &counts)
        }
        take(report, of: id, isApproved: isApproved, &log)
      }
    }
    dropMissing(reports, of: id, &log)
    noteDrift(counts, of: id, &log)
  }

  private func approve(
    _ profile: Key, of id: NodeID, _ counts: inout [(profile: Key, count: UInt16)]
  ) -> Bool {
    let approved = nodes[id].enrolment.approved
    var most: UInt16 = 0
    for index in 0..<approved.count where approved[index].profile == profile {
      most = approved[index].count
    }
    let known = counts.firstIndex { $0.profile == profile }
    if known == nil { counts.append((profile, 0)) }
    let index = known ?? counts.count - 1
    counts[index].count += 1
    return counts[index].count <= most
  }

  private mutating func take(
    _ report: DeviceReport, of id: NodeID, isApproved: Bool, _ log: inout EventLog
  ) {
    let known = keys.devices.row(for: report.key).flatMap(devices.id(at:))
    let parent = report.parent.flatMap { keys.devices.row(for: $0) }.flatMap(devices.id(at:))
    if let known, devices[known].health != .gone {
      if devices[known].report == report, devices[known].isApproved == isApproved,
        devices[known].parent == parent
      {
        return
      }
      let before = devices[known].report.memory
      if report.memory < before {
        step(.deviceShrank(known, from: before, to: report.memory), &log)
      }
    }
    log.deviceFacts.append(
      DeviceFact(node: id, report: report, parent: parent, isApproved: isApproved))
    step(
      .deviceAdvertised(known ?? devices.nextID, fact: UInt32(log.deviceFacts.count - 1)), &log)
  }

  private mutating func dropMissing(
    _ reports: [DeviceReport], of id: NodeID, _ log: inout EventLog
  ) {
    var row = placement.devices.first(of: id.row)
    while row != RowLists.none {
      let next = placement.devices.next(after: row)
      let device = devices[row: row]
      if device.health != .gone, !reports.contains(where: { $0.key == device.report.key }),
        let gone = devices.id(at: row)
      {
        unpinAll(on: gone, because: .deviceUnhealthy, &log)
        step(.deviceMoved(gone, .gone), &log)
      }
      row = next
    }
  }

  private mutating func noteDrift(
    _ counts: [(profile: Key, count: UInt16)], of id: NodeID, _ log: inout EventLog
  ) {
    let approved = nodes[id].enrolment.approved
    for index in 0..<approved.count {
      let reported = counts.first { $0.profile == approved[index].profile }?.count ?? 0
      guard reported != approved[index].count else { continue }
      step(
        .nodeDrifted(
          id, profile: approved[index].profile, reported: reported,
          approved: approved[index].count), &log)
    }
    for entry in counts {
      let isKnown = (0..<approved.count).contains { approved[$0].profile == entry.profile }
      guard !isKnown else { continue }
      step(
        .nodeDrifted(id, profile: entry.profile, reported: entry.count, approved: 0), &log)
    }
  }

  // MARK: leases

  /// A full report names every lease that lives; what it does not name is gone.
  private mutating func takeLeases(
    _ living: [Fencing], of id: NodeID, _ log: inout EventLog
  ) {
    while let lease = firstLease(on: id, where: { $0 == .quarantined }) {
      if !living.contains(leases[lease].fencing) {
        endLost(lease, &log)
      } else if now < leases[lease].ends {
        step(.leaseResumed(lease), &log)
      } else {
        stop(lease, .nodeLost, &log)
      }
    }
    while let lease = firstStopped(on: id, notIn: living) { step(.leaseEnded(lease), &log) }
  }

  private func firstStopped(on id: NodeID, notIn living: [Fencing]) -> LeaseID? {
    var least = RowLists.none
    var row = placement.leases.first(of: id.row)
    while row != RowLists.none {
      let lease = leases[row: row]
      if row < least, lease.state == .stopping, !living.contains(lease.fencing) { least = row }
      row = placement.leases.next(after: row)
    }
    return leases.id(at: least)
  }

  // MARK: conditions

  private mutating func takeConditions(
    _ reports: [DeviceReport], of id: NodeID, _ log: inout EventLog
  ) {
    var row = placement.devices.first(of: id.row)
    while row != RowLists.none {
      let next = placement.devices.next(after: row)
      let device = devices[row: row]
      if let report = reports.first(where: { $0.key == device.report.key }),
        let known = devices.id(at: row)
      {
        move(known, by: report.condition, &log)
      }
      row = next
    }
  }

  /// Moves a device towards what its agent says, along listed edges.
  private mutating func move(
    _ id: DeviceID, by condition: DeviceReport.Condition, _ log: inout EventLog
  ) {
    let condition = condition == .healthy && hasOverstayer(id) ? .dirty : condition
    let isApproved = isCovered(id)
    // A lane's part of a CPU set falls with its set.
    if !isApproved, [.usable, .quarantined, .dirty].contains(devices[id].health) {
      step(.deviceMoved(id, .failed), &log)
    }
    switch condition {
    case .failed where devices[id].health != .failed:
      step(.deviceMoved(id, .failed), &log)
    case .dirty:
      // It works again, though something lives there.
      if devices[id].health == .failed { step(.deviceMoved(id, .unknown), &log) }
      if devices[id].health == .unknown, isApproved {
        step(.deviceMoved(id, .usable), &log)
      }
      if devices[id].health == .usable || devices[id].health == .quarantined {
        step(.deviceMoved(id, .dirty), &log)
      }
    case .healthy:
      if devices[id].health == .failed { step(.deviceMoved(id, .unknown), &log) }
      switch devices[id].health {
      case .unknown where isApproved, .quarantined where isApproved, .dirty where isApproved:
        step(.deviceMoved(id, .usable), &log)
      default: break
      }
    case .failed: break
    }
  }

  /// Whether the node's approval covers a device: a lane's part of a CPU set with its set.
  private func isCovered(_ id: DeviceID) -> Bool {
    guard devices[id].isPart, let set = keys.devices.row(for: devices[id].report.key) else {
      return devices[id].isApproved
    }
    return devices[row: set].isApproved
  }

  /// Whether a lease past its kill deadline still holds a device: its agent has not proven it
  /// empty.
  private func hasOverstayer(_ id: DeviceID) -> Bool {
    var row = placement.leases.first(of: devices[id].node.row)
    while row != RowLists.none {
      let lease = leases[row: row]
      if lease.state == .stopping, lease.killBy == .farFuture,
        lease.uses.indices.contains(where: { uses[$0].device == id })
      {
        return true
      }
      row = placement.leases.next(after: row)
    }
    return false
  }
}

extension Node {
  /// Whether a report is of another boot than the last one that was taken in.
  fileprivate func hasRebooted(since report: NodeReport) -> Bool {
    reach != .enrolled && self.report.boot != report.boot
  }
}
