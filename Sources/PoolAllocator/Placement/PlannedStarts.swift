/// When a claim may start on what is kept for it, out of its turn (docs/decisions/0018).
extension Pool {
  /// The first claim of a lane that can go onto the devices kept for it and need not give way to
  /// the head.
  func firstReady(lane: UInt32, before head: ClaimID) -> ClaimID? {
    let head = asker(head)
    return firstPinned(lane: lane) {
      $0 != head.claim?.row && !yields($0, to: head, lane: lane) && isReady($0)
    }
  }

  /// Where the first claim behind a waiting head goes that can start on the devices kept for it.
  func firstPlanned(lane: UInt32, behind head: ClaimID) -> (claim: ClaimID, opening: Opening)? {
    let ready = firstPinned(lane: lane) { row in
      guard row != head.row, isReady(row), let id = claims.id(at: row) else { return false }
      return admitted(id, lane: lane) != nil
    }
    return ready.flatMap { id in plannedOpening(of: id.row).map { (id, $0) } }
  }

  /// Whether the head of a lane may start on what is kept for a claim that is ready: whole devices,
  /// for the same demand, and what the head gives for them is free no later than was planned.
  func canExchange(_ head: ClaimID, _ ready: ClaimID) -> Bool {
    guard let own = claims[head].pin, let other = claims[ready].pin, own.lane == other.lane,
      own.starts <= other.starts, !other.isHeld
    else { return false }
    let demand = claims[head].spec.demand
    guard demand == claims[ready].spec.demand else { return false }
    switch demand.shape {
    case .whole, .slice: return true
    case .fraction, .cpuOnly: return false
    }
  }

  /// What is kept for a claim, as a promise.
  func promise(of id: ClaimID) -> Promise? {
    guard let pin = claims[id].pin else { return nil }
    let each = Int(pin.uses.count) / Int(pin.members)
    let members = (0..<Int(pin.members)).map { member in
      let first = Int(pin.uses.first) + member * each
      var found = Placement(
        lane: pin.lane.row, node: node(of: pin, member: member), device: uses[first].device.row)
      for index in 0..<each { found.devices[index] = uses[first + index].device.row }
      found.count = each
      return found
    }
    return Promise(placement: members[0], others: members.dropFirst(), starts: pin.starts)
  }

  /// Exactly what is kept for a claim, where that is free by now: out of its turn it starts nowhere
  /// else.
  /// - Parameter wish: that of another claim, which asks for the same.
  func plannedOpening(of row: UInt32, for wish: Wish? = nil) -> Opening? {
    guard let id = claims.id(at: row), !isOccupied(id), let promise = promise(of: id),
      var wish = wish ?? resolved(claims[id])?.wish
    else { return nil }
    wish.through = row
    let lane = promise.placement.lane
    let all = [promise.placement] + promise.others
    for placement in all {
      let beside = all.reduce(0) { $0 + ($1.node == placement.node ? 1 : 0) }
      for index in 0..<placement.count {
        let device = placement.devices[index]
        let members = all.reduce(0) { $0 + ($1.has(device) ? 1 : 0) }
        guard fitsDevice(wish, device, lane),
          members == 1 || room(wish, device, lane, atMost: members) >= members
        else { return nil }
      }
      // Asked last: it looks at all plans of the lane, and devices are mostly in use.
      guard fitsNode(wish, placement.node, members: beside) else { return nil }
    }
    return Opening(placement: promise.placement, others: promise.others)
  }

  /// Whether something still runs on what is kept for a claim that needs it empty: usually told by
  /// the first device.
  private func isOccupied(_ id: ClaimID) -> Bool {
    guard let pin = claims[id].pin else { return false }
    switch claims[id].spec.demand.shape {
    case .whole, .slice: return pin.uses.indices.contains { devices[uses[$0].device].shares > 0 }
    case .fraction, .cpuOnly: return false
    }
  }

  func isReady(_ row: UInt32) -> Bool { plannedOpening(of: row) != nil }
}
