/// Placement by score: all places of a claim are compared, in all lanes that cost it the same.
///
/// Most points win; among equals the least row of a node, then of a lane, then of a device. For
/// whole GPUs a node has one place, its first idle ones; for a share each GPU with room is one; for
/// processor time its first part with room.
extension Pool {
  /// Whether a demand is placed by score. MIG instances are not, as they take no share of a GPU,
  /// nor are gangs and devices that have to be near to one another, which few places have.
  func isScored(_ demand: Demand) -> Bool {
    guard policy.placement.score != .bestFit, demand.isSimple else { return false }
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
    var best: (placement: Placement, points: Int64)?
    var scratch = FreeGPUs()
    var room = NodeRoom()
    let isOffered = policy.placement.score == .offerValue
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      var here = LaneSet(bits: lanes.bits & placement.lanesOfNode[Int(node)].bits)
      guard !here.isEmpty, fitsNode(wish, node) else { continue }
      if isOffered { value(node, in: &room) }
      func consider(_ place: Placement, _ points: Int64) {
        if best.map({ points > $0.points }) ?? true { best = (place, points) }
      }
      while let lane = here.firstRow {
        here = here.withoutFirst
        if isOffered {
          visitOffered(of: wish, on: node, lane: lane, &room, consider)
        } else {
          visitPlaces(of: wish, on: node, lane: lane, &scratch, consider)
        }
      }
    }
    return best?.placement
  }

  /// Visits the places of one node in one lane with their points.
  private func visitPlaces(
    of wish: Wish, on node: UInt32, lane: UInt32, _ gpus: inout FreeGPUs,
    _ body: (Placement, Int64) -> Void
  ) {
    let isCPU = wish.demand.shape == .cpuOnly
    let cpu = nodes[row: node].cpuFree.value
    let rest = cpu - wish.demand.cpu.value
    // What GPUs of other lanes lose with the processor time is the same for each place.
    let host = hostGain(on: node, but: isCPU ? nil : lane, from: cpu, to: rest, &gpus)
    guard !isCPU else {
      guard let part = firstFitting(wish, on: node, lane: lane) else { return }
      return body(Placement(lane: lane, node: node, device: part), Int64(mix.points(host)))
    }
    let pool = lanes[row: lane].rule.pool
    listFree(on: node, lane: lane, &gpus)
    let before = host + mix.unusable(of: gpus.milli, cpu: cpu, pool: pool)
    guard case .fraction(let share, _) = wish.demand.shape else {
      guard let place = idleDevices(on: node, lane: lane, wish) else { return }
      gpus.take(1000, of: place)
      let gain = before - mix.unusable(of: gpus.milli, cpu: rest, pool: pool)
      return body(place, Int64(mix.points(gain)))
    }
    for index in gpus.rows.indices {
      let (row, left) = (gpus.rows[index], gpus.milli[index])
      // GPUs with equally much left are the same place.
      guard left >= share.value, !gpus.tried.contains(left), fitsDevice(wish, row, lane),
        let place = gather(wish, around: row, lane: lane)
      else { continue }
      gpus.tried.append(left)
      gpus.take(share.value, of: place)
      let gain = before - mix.unusable(of: gpus.milli, cpu: rest, pool: pool)
      body(place, Int64(mix.points(gain)))
      gpus.take(-share.value, of: place)
    }
  }

  /// The first device of a node that has room for a demand.
  func firstFitting(_ wish: Wish, on node: UInt32, lane: UInt32) -> UInt32? {
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if fitsDevice(wish, row, lane) { return row }
      row = placement.devices.next(after: row)
    }
    return nil
  }

  /// How much of a node's GPUs in all lanes, but for one, the mix can use more with less processor
  /// time: mostly less.
  private func hostGain(
    on node: UInt32, but lane: UInt32?, from cpu: Int32, to rest: Int32, _ gpus: inout FreeGPUs
  ) -> Int64 {
    var gain: Int64 = 0
    var left = placement.lanesOfNode[Int(node)]
    while let row = left.firstRow {
      left = left.withoutFirst
      guard row != lane, lanes[row: row].profile.kind == .gpu, !lanes[row: row].isRetired else {
        continue
      }
      listFree(on: node, lane: row, &gpus)
      let pool = lanes[row: row].rule.pool
      gain += mix.unusable(of: gpus.milli, cpu: cpu, pool: pool)
      gain -= mix.unusable(of: gpus.milli, cpu: rest, pool: pool)
    }
    return gain
  }

  /// Lists the GPUs of a node in a lane with what is free of each.
  private func listFree(on node: UInt32, lane: UInt32, _ gpus: inout FreeGPUs) {
    gpus.removeAll()
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      if devices[row: row].lane == lane, devices[row: row].report.kind == .gpu,
        devices[row: row].health == .usable, devices[row: row].mode != .mig
      {
        gpus.rows.append(row)
        gpus.milli.append(devices[row: row].milliFree.value)
      }
      row = placement.devices.next(after: row)
    }
  }
}

/// GPUs of one node in one lane and what is free of them, used again for node after node.
private struct FreeGPUs {
  var rows: [UInt32] = []
  /// Free thousandths, beside `rows`.
  var milli: [Int32] = []
  /// Free thousandths of GPUs that were places already.
  var tried: [Int32] = []

  mutating func removeAll() {
    rows.removeAll(keepingCapacity: true)
    milli.removeAll(keepingCapacity: true)
    tried.removeAll(keepingCapacity: true)
  }

  /// Takes a share of every GPU of a place; a negative one gives it back.
  mutating func take(_ share: Int32, of place: Placement) {
    for index in rows.indices where place.has(rows[index]) { milli[index] -= share }
  }
}
