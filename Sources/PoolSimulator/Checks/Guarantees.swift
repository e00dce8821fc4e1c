import PoolAllocator

/// L2: every cell that is bound to a reserved lane is free, used by its owner or lent, or an open
/// statement says how much of the guarantee is short.
///
/// A cell is sound where all its devices are usable, on an open node that is ready, and in no lease
/// that was there before it was bound (SEMANTICS 3.2). Sums are kept by node.
struct Guarantees {
  /// What one node adds to one lane.
  private struct Part {
    var lane: UInt32
    var bound: Int64
    var sound: Int64
  }

  private var nodes = ByID<Node, [Part]>()
  private var bound = Array(repeating: Int64(0), count: Limits.lanes)
  private var sound = Array(repeating: Int64(0), count: Limits.lanes)

  /// Adds up the nodes that the command touched anew, and compares the lanes.
  /// - Complexity: O(devices and leases of those nodes, lanes).
  mutating func close(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    guard !facts.touchedNodes.isEmpty || facts.isAllTouched else { return }
    for id in facts.touchedNodes { renew(id, facts) }
    if facts.isAllTouched { for id in facts.nodes.ids { renew(id, facts) } }
    for id in facts.lanes.ids {
      guard let known = facts.lanes[id], known.rule.reserved > 0, let lane = pool.lane(id) else {
        continue
      }
      let row = Int(id.row)
      let most = known.rule.reserved + stuck(in: id, known, facts, pool)
      try must(
        lane.bound == bound[row] && bound[row] <= most, "L2",
        "lane \(id.name) counts \(lane.bound) of \(known.rule.reserved) bound, its devices have "
          + "\(bound[row])")
      let short = max(0, known.rule.reserved - sound[row])
      try must(
        lane.short == short && known.short == short, "L2",
        "lane \(id.name) is \(short) short, was last said to be \(known.short) and counts "
          + "\(lane.short)")
      try must(
        (lane.shortBecause != nil) == (short > 0), "L2",
        "lane \(id.name) is \(short) short and names no cause")
    }
  }

  /// What a lane of processors has above its guarantee for as long as leases hold it, or it is kept
  /// for a claim: a set that comes back may find its parts replaced.
  /// - Complexity: O(1) where the lane has no more than it reserves, else O(devices).
  private func stuck(
    in id: LaneID, _ lane: KnownLane, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) -> Int64 {
    guard bound[Int(id.row)] > lane.rule.reserved, lane.profile.kind == .cpu else { return 0 }
    // What is kept of a device is known to its claim alone.
    if facts.claims.ids.contains(where: { facts.claims[$0]?.pin?.lane == id }) { return .max / 2 }
    var milli = Int64(0)
    for device in facts.devices.ids where facts.devices[device]?.lane == id.row {
      milli += Int64(pool.device(device)?.used.value ?? 0)
    }
    return milli
  }

  private mutating func renew(_ id: NodeID, _ facts: borrowing Facts) {
    for part in nodes[id] ?? [] {
      bound[Int(part.lane)] -= part.bound
      sound[Int(part.lane)] -= part.sound
    }
    let parts = parts(of: id, facts)
    nodes[id] = parts.isEmpty ? nil : parts
    for part in parts {
      bound[Int(part.lane)] += part.bound
      sound[Int(part.lane)] += part.sound
    }
  }

  /// Adds up the cells of a node.
  private func parts(of id: NodeID, _ facts: borrowing Facts) -> [Part] {
    guard let node = facts.nodes[id] else { return [] }
    var parts: [Part] = []
    for device in node.devices {
      guard let known = facts.devices[device], let row = known.lane, known.health != .gone,
        facts.reserved.contains(row: row), known.report.kind != .slice
      else { continue }
      var part = Part(lane: row, bound: Int64(known.capacity), sound: 0)
      // A cell is counted once, with the device that names it.
      if known.report.kind == .cpu {
        if isSound(device, known, node, facts) { part.sound = Int64(known.capacity) }
      } else if known.cell == device.row, let lane = facts.lane(row: row) {
        part.sound = soundCell(device, lane, node, facts)
      }
      if let place = parts.firstIndex(where: { $0.lane == row }) {
        parts[place].bound += part.bound
        parts[place].sound += part.sound
      } else {
        parts.append(part)
      }
    }
    return parts
  }

  private func soundCell(
    _ cell: DeviceID, _ lane: KnownLane, _ node: KnownNode, _ facts: borrowing Facts
  ) -> Int64 {
    var count = 0
    for device in node.devices {
      guard let known = facts.devices[device], known.cell == cell.row, known.health != .gone,
        known.report.kind == .gpu
      else { continue }
      guard isSound(device, known, node, facts) else { return 0 }
      count += 1
    }
    return count == Int(lane.rule.cell) ? Int64(count) * 1000 : 0
  }

  private func isSound(
    _ id: DeviceID, _ device: KnownDevice, _ node: KnownNode, _ facts: borrowing Facts
  ) -> Bool {
    guard node.isOpen, device.health == .usable else { return false }
    for lease in node.leases {
      guard let known = facts.leases[lease], isSquatter(known, in: device.lane, facts) else {
        continue
      }
      for use in known.uses {
        let isPart = facts.devices[use.device]?.parent == id
        if use.device == id || isPart { return false }
      }
    }
    return true
  }

  /// Whether a lease was there before its device was bound to a lane: the lane did not grant it to
  /// its owner, nor lend it.
  private func isSquatter(
    _ lease: KnownLease, in lane: UInt32?, _ facts: borrowing Facts
  ) -> Bool {
    guard let lane, lease.grant.lane.row == lane,
      let owner = facts.lanes[lease.grant.lane]?.rule.owner
    else { return lease.grant.lane.row != lane }
    return !lease.grant.isLent && facts.name(of: lease.tenant) != owner
  }
}
