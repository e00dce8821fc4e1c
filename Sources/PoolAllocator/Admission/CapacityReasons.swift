/// Why a lane that could serve a claim does not serve it now.
extension Pool {
  /// What is missing, from the lane's counts and from lookups with one need left out.
  /// - Complexity: that of three placements; only for claims that are not granted.
  func capacityReasons(_ wish: Wish, lane: UInt32) -> [Reason] {
    var reasons = [shortage(wish, lane: lane)]
    let conditions: [(Standing, Reason.Code)] = [
      (.cordoned, .nodeCordoned), (.silent, .nodeSilent), (.recovering, .recovering),
      (.unhealthy, .deviceUnhealthy),
    ]
    for (standing, code) in conditions {
      let held = placement.lanes[Int(lane)].census[standing.rawValue]
      if held > 0 { reasons.append(Reason(code, .lane(lane), have: held)) }
    }
    if lanes[row: lane].short > 0 { reasons += guaranteeReasons(wish.tenant, lane: lane) }
    return reasons
  }

  private func shortage(_ wish: Wish, lane: UInt32) -> Reason {
    let free = placement.lanes[Int(lane)].free
    let need = thousandths(wish)
    var bare = wish.demand
    bare.cpu = MilliCPU(wish.demand.shape == .cpuOnly ? wish.demand.cpu.value : 0)
    bare.hostMemory = .zero
    func best(_ demand: Demand) -> Placement? {
      room(for: Wish(demand: demand, tenant: wish.tenant, slice: wish.slice), lane: lane)?.placement
    }
    if bare != wish.demand, let found = best(bare) {
      var lessMemory = wish.demand
      lessMemory.hostMemory = .zero
      if let found = best(lessMemory) {
        return Reason(
          .hostMemoryShort, .lane(lane), have: nodes[row: found.node].hostFree.value,
          need: wish.demand.hostMemory.value)
      }
      return Reason(
        .hostShort, .lane(lane), have: Int64(nodes[row: found.node].cpuFree.value),
        need: Int64(wish.demand.cpu.value))
    }
    if case .fraction(let milli, let bytes) = bare.shape, bytes.value > 0, milli.value > 0 {
      bare.shape = .fraction(milli, .zero)
      if let found = best(bare) {
        return Reason(
          .memoryShort, .lane(lane), have: devices[row: found.devices[0]].memoryFree.value,
          need: bytes.value)
      }
    }
    let code: Reason.Code = free >= need ? .fragmented : .laneFull
    return Reason(code, .lane(lane), have: free, need: need)
  }

  /// Thousandths of devices that a demand takes.
  private func thousandths(_ wish: Wish) -> Int64 {
    let devices = Int64(wish.demand.devices) * Int64(wish.members)
    switch wish.demand.shape {
    case .whole: return 1000 * devices
    case .slice:
      return devices * (wish.slice.map { Int64(policy.slices[Int($0)].billedMilli) } ?? 0)
    case .fraction(let milli, _): return Int64(milli.value) * devices
    case .cpuOnly: return Int64(wish.demand.cpu.value) * Int64(wish.members)
    }
  }
}
