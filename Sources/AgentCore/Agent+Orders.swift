public import PoolAllocator

/// What an agent obeys.
extension Agent {
  /// Takes a reply of a leader; one that is late, doubled or of an earlier leadership is refused,
  /// and changes nothing.
  public mutating func take(_ reply: NodeReply, at now: BootTime) {
    self.now = max(self.now, now)
    guard reply.epoch >= epoch else { return refuse(nil, .epochOver) }
    guard reply.generation == generation, (reply.boot ?? boot) == boot,
      (reply.started ?? started) == started,
      let from = sent.first(where: { $0.sequence == reply.sequence })?.at
    else { return refuse(nil, .replyLate) }
    let isNewEpoch = reply.epoch > epoch
    if isNewEpoch {
      epoch = reply.epoch
      isChanged = true
    }
    seen = reply.sequence
    sent.removeAll { $0.sequence <= reply.sequence }
    // A new leader has heard no more than the pool's last report says: of another start, then.
    let isOlder = reply.acceptedGeneration == generation && reply.acceptedSequence > sequence
    if reply.acceptedGeneration > generation || reply.heardSequence > 0 || isOlder {
      return restart(after: max(reply.acceptedGeneration, generation))
    }
    if let told = toldIn, reply.acceptedGeneration == generation, reply.acceptedSequence >= told {
      isInventoryNew = false
    }
    let isAskedAgain =
      reply.ask != nil && (reply.ask == answered || !(inventory?.isComplete ?? false))
    ask = reply.ask
    nextMessage = isAskedAgain ? self.now + limits.repeatAfter : self.now
    if let orders = reply.orders { obey(orders, from: from, isNewEpoch: isNewEpoch) }
  }

  /// Its record was lost, and it counts anew from where the leader says that it was.
  private mutating func restart(after accepted: UInt64) {
    generation = accepted + 1
    (sequence, seen) = (0, 0)
    sent = []
    (ask, answered, toldIn) = (nil, nil, nil)
    isChanged = true
    generationNeeds = number + 1
    nextMessage = now
  }

  private mutating func refuse(_ fencing: Fencing?, _ because: OrderRefusal) {
    refusals.append((fencing, because))
  }

  /// Obeys all orders for the node. Spans count from the sending of the message that is answered:
  /// the leader counted them from its arrival, which was no earlier.
  private mutating func obey(_ orders: [LeaseOrder], from: BootTime, isNewEpoch: Bool) {
    let sorted = orders.sorted { $0.fencing < $1.fencing }
    dropUnlisted(sorted)
    for order in sorted {
      if let index = leases.firstIndex(where: { $0.fencing == order.fencing }) {
        obey(order, index, from: from, isNewEpoch: isNewEpoch)
      } else {
        meet(order, from: from)
      }
    }
  }

  /// What the leader does not know must not run; what it has taken in is forgotten.
  private mutating func dropUnlisted(_ sorted: [LeaseOrder]) {
    let isListed = { (fencing: Fencing) in sorted.contains { $0.fencing == fencing } }
    let count = leases.count
    leases.removeAll { !$0.mayLive && $0.needs <= storedNumber && !isListed($0.fencing) }
    if leases.count != count { isChanged = true }
    for index in leases.indices where !isListed(leases[index].fencing) {
      switch leases[index].state {
      case .preparing: withdraw(index)
      case .starting, .unsure, .running:
        stop(index, killAt: killMoment(leases[index].killWithin, from: now), as: .failed)
      case .stopping, .killing, .gone: break
      }
    }
  }

  private func killMoment(_ within: Span, from: BootTime) -> BootTime {
    from + Span(ns: limits.shortened(within).ns - limits.killTakes.ns)
  }

  /// An order for a lease that is known.
  private mutating func obey(
    _ order: LeaseOrder, _ index: Int, from: BootTime, isNewEpoch: Bool
  ) {
    switch (order.verb, leases[index].state) {
    case (.run(let span), .preparing), (.run(let span), .starting), (.run(let span), .unsure),
      (.run(let span), .running):
      extend(index, to: from + limits.shortened(span), isNewEpoch)
      leases[index].isAcknowledged = true
    case (.stop, .preparing): withdraw(index)
    case (.stop(let span), .starting), (.stop(let span), .unsure), (.stop(let span), .running):
      stop(index, killAt: killMoment(span, from: from), as: .failed)
    case (.stop(let span), .stopping):
      leases[index].killAt = min(leases[index].killAt, killMoment(span, from: from))
    case (.stop, .killing), (.stop, .gone), (.run, .stopping), (.run, .killing), (.run, .gone):
      break
    // What it was told first holds until it is taken in that it started.
    case (.start, _): break
    }
  }

  /// Within a leadership every end that was said of a started lease is no later than the true one,
  /// so the latest counts. A new leadership may have set its clock.
  private mutating func extend(_ index: Int, to end: BootTime, _ isNewEpoch: Bool) {
    let isFirst = isNewEpoch || !leases[index].isAcknowledged
    let next = isFirst ? end : max(end, leases[index].ends)
    guard next != leases[index].ends else { return }
    leases[index].ends = next
    isChanged = true
  }

  /// An order for a lease that is not known.
  private mutating func meet(_ order: LeaseOrder, from: BootTime) {
    guard leases.count < AgentLimits.leases else { return refuse(order.fencing, .tableFull) }
    switch order.verb {
    case .start(let span, let runs):
      // It can be taken in that it started at any moment from now on, and its first end counts from
      // then.
      let ends = min(from + limits.shortened(span), now + limits.shortened(runs))
      if let obstacle = obstacle(to: order, until: ends) { return refuse(order.fencing, obstacle) }
      preparing.append(order)
      add(order, .preparing, ends: ends, nil)
    case .run:
      // It ran, and the record of it was lost. It is called gone only where nothing lives.
      guard order.devices.allSatisfy({ isEmpty($0.device) }) else {
        return refuse(order.fencing, .deviceUnfit)
      }
      add(order, .gone, ends: from, .failed)
    case .stop:
      guard order.devices.allSatisfy({ isEmpty($0.device) }) else {
        return refuse(order.fencing, .deviceUnfit)
      }
      add(order, .gone, ends: from, .neverStarted)
    }
  }

  private mutating func add(
    _ order: LeaseOrder, _ state: AgentLeaseState, ends: BootTime, _ ending: LeaseEnding?
  ) {
    fence(order.devices, order.fencing)
    var lease = AgentLease(
      lease: order.lease, fencing: order.fencing, devices: order.devices, state: state,
      ends: ends, killWithin: order.killWithin, ending: ending)
    lease.needs = number + 1
    isChanged = true
    let place = leases.firstIndex { $0.fencing > order.fencing } ?? leases.count
    leases.insert(lease, at: place)
  }

  // MARK: what stands in the way of a start

  private func obstacle(to order: LeaseOrder, until ends: BootTime) -> OrderRefusal? {
    if now >= ends { return .startLate }
    for share in order.devices where order.fencing <= fences.highest(of: share.device) {
      return .fencingStale
    }
    for share in order.devices {
      guard let device = device(share.device) else { return .deviceUnknown }
      if device.condition != .healthy { return .deviceUnfit }
      if !hasRoom(for: share, on: device) { return .deviceOccupied }
    }
    return nil
  }

  private func device(_ key: Key) -> DeviceReport? {
    inventory?.devices.first { $0.key == key }
  }

  /// Whether no process lives on a device that no lease explains; one that is not there is empty.
  private func isEmpty(_ key: Key) -> Bool {
    guard inventory?.isComplete ?? false else { return false }
    return device(key)?.condition != .dirty
  }

  /// Whether what lives on a device, on its board and on its instances leaves room for a share.
  private func hasRoom(for share: DeviceShare, on device: DeviceReport) -> Bool {
    var (milli, memory) = (Int64(share.milli.value), share.memory)
    for lease in leases where lease.mayLive {
      for held in lease.devices {
        if held.device == device.key {
          milli += Int64(held.milli.value)
          memory = Bytes(memory.value + held.memory.value)
        } else if held.device == device.parent || self.device(held.device)?.parent == device.key {
          return false
        }
      }
    }
    let takesMemory = memory > .zero && device.kind != .cpu
    return milli <= Int64(device.capacity.value) && (!takesMemory || memory <= device.memory)
  }
}
