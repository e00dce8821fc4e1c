extension Reason.Code {
  /// Whether a reason of this kind says why a lane has too little, beside the one that says that it
  /// has: it names a part of the lane that cannot be had, or why nobody is stopped to make room. It
  /// blocks nothing by itself, and where it clears the lane has more.
  public var isCause: Bool {
    switch self {
    case .nodeCordoned, .nodeSilent, .deviceUnhealthy, .recovering, .guaranteeImpaired,
      .boundInUse, .victimsShielded, .preemptionRateSpent, .emergencyClosed, .inDebt:
      true
    default: false
    }
  }
}

/// Why a lane that could serve a claim does not serve it now.
extension Pool {
  /// What is missing, from the lane's counts and from lookups with one need left out, with its
  /// causes.
  /// - Complexity: that of four placements; only for claims that are not granted.
  func capacityReasons(_ wish: Wish, lane: UInt32) -> [Reason] {
    var reasons = shortages(wish, lane: lane)
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

  /// What a lane has too little of; all of it, where that is more than one thing.
  private func shortages(_ wish: Wish, lane: UInt32) -> [Reason] {
    if let reasons = hostShortages(wish, lane: lane) { return reasons }
    if case .fraction(let milli, let bytes) = wish.demand.shape, bytes.value > 0, milli.value > 0 {
      var bare = bare(wish)
      bare.demand.shape = .fraction(milli, .zero)
      if let found = anyPlacement(of: bare, lane: lane) {
        let have = devices[row: found.devices[0]].memoryFree.value
        return [Reason(.memoryShort, .lane(lane), have: have, need: bytes.value)]
      }
    }
    let (free, need) = (placement.lanes[Int(lane)].free, thousandths(wish))
    return [
      Reason(free >= need ? .fragmented : .laneFull, .lane(lane), have: free, need: need)
    ]
  }

  /// What the nodes lack beside the devices; nil where the devices are what is missing.
  private func hostShortages(_ wish: Wish, lane: UInt32) -> [Reason]? {
    let bare = bare(wish)
    guard bare.demand != wish.demand, let found = anyPlacement(of: bare, lane: lane) else {
      return nil
    }
    func cpu(on node: UInt32) -> Reason {
      Reason(
        .hostShort, .lane(lane), have: Int64(nodes[row: node].cpuFree.value),
        need: Int64(wish.demand.cpu.value))
    }
    func memory(on node: UInt32) -> Reason {
      Reason(
        .hostMemoryShort, .lane(lane), have: nodes[row: node].hostFree.value,
        need: wish.demand.hostMemory.value)
    }
    var (lessMemory, lessCPU) = (wish, wish)
    lessMemory.demand.hostMemory = .zero
    lessCPU.demand.cpu = bare.demand.cpu
    if let found = anyPlacement(of: lessMemory, lane: lane) { return [memory(on: found.node)] }
    if let found = anyPlacement(of: lessCPU, lane: lane) { return [cpu(on: found.node)] }
    return [cpu(on: found.node), memory(on: found.node)]
  }

  /// A demand without what it needs beside its devices.
  private func bare(_ wish: Wish) -> Wish {
    var bare = wish
    if wish.demand.shape != .cpuOnly { bare.demand.cpu = MilliCPU(0) }
    bare.demand.hostMemory = .zero
    return bare
  }

  /// Thousandths of devices that a demand takes.
  func thousandths(_ wish: Wish) -> Int64 {
    let devices = Int64(wish.demand.devices) * Int64(wish.members)
    switch wish.demand.shape {
    case .whole: return 1000 * devices
    case .slice:
      return devices * (wish.slice.map { Int64(policy.slices[Int($0)].billedMilli) } ?? 0)
    case .fraction(let milli, _): return Int64(milli.value) * devices
    case .cpuOnly: return Int64(wish.demand.cpu.value) * Int64(wish.members)
    }
  }

  // MARK: what is kept for others

  /// Where a demand would fit if nothing were kept for anybody.
  private func anyPlacement(of wish: Wish, lane: UInt32) -> Placement? {
    let plain = Wish(demand: wish.demand, tenant: wish.tenant, slice: wish.slice)
    let free =
      plain.demand.isSimple
      ? tightestPlacement(of: plain, lane: lane) : room(for: plain, lane: lane)?.placement
    return free ?? plannedPlacement(of: plain, lane: lane)
  }

  /// Where a demand would fit on a node on which something is kept, if nothing were; not asked for
  /// a gang, or where devices must be near to one another.
  /// - Complexity: O(devices) of so many nodes as `Limits.pinProbes` plans of each lane name.
  func plannedPlacement(of wish: Wish, lane: UInt32) -> Placement? {
    guard wish.demand.isSimple else { return nil }
    var wish = wish
    wish.ignoresPlans = true
    for node in plannedNodes(with: lane) where fitsNode(wish, node) {
      var row = placement.devices.first(of: node)
      while row != RowLists.none {
        if fitsDevice(wish, row, lane), let found = gather(wish, around: row, lane: lane) {
          return found
        }
        row = placement.devices.next(after: row)
      }
    }
    return nil
  }

  /// Nodes of a lane on which something is kept, for whatever lane.
  private func plannedNodes(with lane: UInt32) -> [UInt32] {
    var found: [UInt32] = []
    var left = placement.pinnedLanes
    while let other = left.firstRow {
      left = left.withoutFirst
      var row = placement.pins.first(of: other)
      var looked = 0
      while row != RowLists.none, looked < Limits.pinProbes {
        looked += 1
        if let node = claims[row: row].pin?.node.row, !found.contains(node),
          placement.lanesOfNode[Int(node)].contains(row: lane)
        {
          found.append(node)
        }
        row = placement.pins.next(after: row)
      }
    }
    return found
  }

  /// The last start that is planned on a node.
  func lastStart(on node: UInt32) -> Instant? {
    var last: Instant?
    var left = LaneSet(
      bits: placement.lanesOfNode[Int(node)].bits & placement.pinnedLanes.bits)
    while let lane = left.firstRow {
      left = left.withoutFirst
      var row = placement.pins.first(of: lane)
      while row != RowLists.none {
        if let pin = claims[row: row].pin, members(of: pin, on: node) > 0 {
          last = max(last ?? pin.starts, pin.starts)
        }
        row = placement.pins.next(after: row)
      }
    }
    return last
  }
}
