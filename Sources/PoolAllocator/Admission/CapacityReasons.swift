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
    return reasons
  }

  private func shortage(_ wish: Wish, lane: UInt32) -> Reason {
    let free = placement.lanes[Int(lane)].free
    let need = thousandths(wish)
    var bare = wish.demand
    bare.cpu = MilliCPU(wish.demand.shape == .cpuOnly ? wish.demand.cpu.value : 0)
    bare.hostMemory = .zero
    if bare != wish.demand,
      bestPlacement(of: Wish(demand: bare, tenant: wish.tenant, slice: wish.slice), lane: lane)
        != nil
    {
      var lessMemory = wish.demand
      lessMemory.hostMemory = .zero
      let isMemory =
        bestPlacement(
          of: Wish(demand: lessMemory, tenant: wish.tenant, slice: wish.slice), lane: lane) != nil
      return isMemory
        ? Reason(.hostMemoryShort, .lane(lane), need: wish.demand.hostMemory.value)
        : Reason(.hostShort, .lane(lane), need: Int64(wish.demand.cpu.value))
    }
    if case .fraction(let milli, let bytes) = bare.shape, bytes.value > 0, milli.value > 0 {
      bare.shape = .fraction(milli, .zero)
      if bestPlacement(of: Wish(demand: bare, tenant: wish.tenant, slice: nil), lane: lane) != nil {
        return Reason(.memoryShort, .lane(lane), have: 0, need: bytes.value)
      }
    }
    let code: Reason.Code = free >= need ? .fragmented : .laneFull
    return Reason(code, .lane(lane), have: free, need: need)
  }

  /// Thousandths of devices that a demand takes.
  private func thousandths(_ wish: Wish) -> Int64 {
    let devices = Int64(wish.demand.devices)
    switch wish.demand.shape {
    case .whole: return 1000 * devices
    case .slice:
      return devices * (wish.slice.map { Int64(policy.slices[Int($0)].billedMilli) } ?? 0)
    case .fraction(let milli, _): return Int64(milli.value) * devices
    case .cpuOnly: return Int64(wish.demand.cpu.value)
    }
  }
}
