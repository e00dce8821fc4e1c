/// Placement by score: all places of a claim are compared, in all lanes that cost it the same.
///
/// Most points win; among equals the least row of a node, then of a lane, then of a device. For
/// whole GPUs a node has one place, its first idle ones; for a share each GPU with room is one; for
/// processor time its first part with room.
extension Pool {
  /// Whether a demand is placed by score; MIG instances are not, as they take no share of a GPU.
  func isScored(_ demand: Demand) -> Bool {
    guard policy.placement.score != .bestFit, demand.members == 1 else { return false }
    if case .slice = demand.shape { return false }
    return true
  }

  /// Where a claim goes that has room in a lane: there, or to a better place in a lane that it may
  /// enter at once and that costs it the same.
  /// - Parameter left: lanes that come after the first for this claim.
  func best(
    _ opening: Opening, in first: LaneOffer, or left: LaneSet, _ spec: ClaimSpec,
    _ resolved: Resolved
  ) -> Opening {
    guard isScored(spec.demand), opening.over == nil, !left.isEmpty else { return opening }
    var lanes = LaneSet.none
    lanes.insert(row: first.row)
    var rest = left
    while let row = rest.firstRow {
      rest = rest.withoutFirst
      guard let other = offer(row, for: spec, resolved), other.rate == first.offer.rate,
        (self.lanes[row: row].rule.owner == spec.tenant) == first.isOwn,
        lendingObstacle(row, to: resolved.tenant, other.billedMilli) == nil
      else { continue }
      let order = orderKey(of: resolved.turn, tenant: resolved.tenant, in: row)
      if let head = head(of: row), precedes(head, order, of: resolved.tenant, in: row) { continue }
      lanes.insert(row: row)
    }
    return scoredPlacement(of: resolved.wish, lanes: lanes).map { Opening(placement: $0) }
      ?? opening
  }

  /// The place with the most points in some lanes, or nil where none has room.
  /// - Complexity: O(nodes × GPUs × kinds of the mix): every node is looked at.
  func scoredPlacement(of wish: Wish, lanes: LaneSet) -> Placement? {
    var best: (placement: Placement, points: Int32)?
    var free: [Int32] = []
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      var here = LaneSet(bits: lanes.bits & placement.lanesOfNode[Int(node)].bits)
      guard !here.isEmpty, fitsNode(wish, node) else { continue }
      while let lane = here.firstRow {
        here = here.withoutFirst
        visitPlaces(of: wish, on: node, lane: lane, &free) { place, points in
          if best.map({ points > $0.points }) ?? true { best = (place, points) }
        }
      }
    }
    return best?.placement
  }

  /// Visits the places of one node in one lane with their points.
  private func visitPlaces(
    of wish: Wish, on node: UInt32, lane: UInt32, _ free: inout [Int32],
    _ body: (Placement, Int32) -> Void
  ) {
    let cpu = nodes[row: node].cpuFree.value
    let (rest, need) = (cpu - wish.demand.cpu.value, wish.demand)
    switch need.shape {
    case .slice: return
    case .cpuOnly:
      guard let part = firstFitting(wish, on: node, lane: lane) else { return }
      let place = Placement(lane: lane, node: node, device: part)
      body(place, mix.points(hostGain(on: node, but: nil, from: cpu, to: rest, &free)))
    case .whole:
      guard let place = idleDevices(on: node, lane: lane, wish) else { return }
      let gain = gain(of: place, share: 1000, from: cpu, to: rest, &free)
      body(place, mix.points(gain))
    case .fraction(let share, _):
      var row = placement.devices.first(of: node)
      // GPUs with equally much left are the same place.
      var seen = InlineArray<16, Int32>(repeating: -1)
      var count = 0
      while row != RowLists.none {
        defer { row = placement.devices.next(after: row) }
        let milli = devices[row: row].milliFree.value
        guard fitsDevice(wish, row, lane), !(0..<count).contains(where: { seen[$0] == milli }),
          let place = gather(wish, around: row, lane: lane)
        else { continue }
        if count < seen.count {
          seen[count] = milli
          count += 1
        }
        body(place, mix.points(gain(of: place, share: share.value, from: cpu, to: rest, &free)))
      }
    }
  }

  private func firstFitting(_ wish: Wish, on node: UInt32, lane: UInt32) -> UInt32? {
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane) { return row }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// How much of a node the mix can use more with a claim in a place than without it; mostly less.
  private func gain(
    of place: Placement, share: Int32, from cpu: Int32, to rest: Int32, _ free: inout [Int32]
  ) -> Int64 {
    let pool = lanes[row: place.lane].rule.pool
    listFree(on: place.node, lane: place.lane, &free)
    let before = mix.unusable(of: free, cpu: cpu, pool: pool)
    listFree(on: place.node, lane: place.lane, less: share, on: place, &free)
    let after = mix.unusable(of: free, cpu: rest, pool: pool)
    return before - after
      + hostGain(on: place.node, but: place.lane, from: cpu, to: rest, &free)
  }

  /// The same for the GPUs of a node in other lanes, which lose processor time alone.
  private func hostGain(
    on node: UInt32, but lane: UInt32?, from cpu: Int32, to rest: Int32, _ free: inout [Int32]
  ) -> Int64 {
    var gain: Int64 = 0
    var left = placement.lanesOfNode[Int(node)]
    while let row = left.firstRow {
      left = left.withoutFirst
      guard row != lane, lanes[row: row].profile.kind == .gpu, !lanes[row: row].isRetired else {
        continue
      }
      listFree(on: node, lane: row, &free)
      let pool = lanes[row: row].rule.pool
      gain += mix.unusable(of: free, cpu: cpu, pool: pool)
      gain -= mix.unusable(of: free, cpu: rest, pool: pool)
    }
    return gain
  }

  /// Lists free thousandths of the GPUs of a node in a lane, as they are or with a claim in place.
  private func listFree(
    on node: UInt32, lane: UInt32, less share: Int32 = 0, on place: Placement? = nil,
    _ free: inout [Int32]
  ) {
    free.removeAll(keepingCapacity: true)
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if devices[row: row].lane == lane, devices[row: row].report.kind == .gpu,
        devices[row: row].health == .usable, devices[row: row].mode != .mig
      {
        let taken = place?.has(row) == true ? share : 0
        free.append(devices[row: row].milliFree.value - taken)
      }
      row = placement.devices.next(after: row)
    }
  }
}
