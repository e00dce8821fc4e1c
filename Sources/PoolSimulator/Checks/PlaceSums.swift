import PoolAllocator

/// D5: what leases hold, what is free and what cannot be given add up to what was advertised, by
/// node, lane and profile; the free part of each lane is what the pool offers.
struct PlaceSums {
  /// Thousandths of one lane by what becomes of them.
  private struct Sums {
    var held: Int64 = 0
    var free: Int64 = 0
    var kept: Int64 = 0
    var total: Int64 { held + free + kept }
  }

  /// Adds up one node: by profile, what its devices' rows may give away is what it advertised.
  /// - Complexity: O(devices of the node).
  func close(
    _ id: NodeID, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    guard let node = facts.nodes[id] else { return }
    for device in node.devices {
      guard let known = facts.devices[device], let row = pool.device(device) else { continue }
      try must(
        row.milliFree.value >= 0 && row.milliFree.value + row.used.value == row.capacity.value,
        "D5", "device \(device.name) has \(row.milliFree.value) free of \(row.capacity.value)")
      guard known.report.kind == .cpu, !known.isPart, known.health != .gone else { continue }
      try checkSet(device, known, node, facts, pool)
    }
  }

  /// The lanes' parts of a CPU set are the whole set; more only where leases hold more than a set
  /// that shrank has.
  private func checkSet(
    _ id: DeviceID, _ set: KnownDevice, _ node: KnownNode, _ facts: borrowing Facts,
    _ pool: borrowing Pool
  ) throws(Violation) {
    var parts = Int64(0)
    var isHeldWhole = true
    for device in node.devices where facts.devices[device]?.report.key == set.report.key {
      guard let row = pool.device(device) else { continue }
      parts += Int64(row.capacity.value)
      if row.used != row.capacity { isHeldWhole = false }
    }
    let advertised = Int64(set.report.capacity.value)
    try must(
      parts == advertised || parts > advertised && isHeldWhole, "D5",
      "the parts of CPU set \(id.name) have \(parts) of \(advertised) milli-cores")
  }

  /// Adds up every lane and compares with what the pool says that it offers.
  /// - Complexity: O(devices + leases).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    var lanes = Array(repeating: Sums(), count: Limits.lanes)
    var offered = Array(repeating: Int64(0), count: Limits.lanes)
    for id in facts.nodes.ids {
      guard let node = facts.nodes[id] else { continue }
      for device in node.devices {
        guard let known = facts.devices[device], let row = pool.device(device),
          let lane = known.lane, known.health != .gone, !known.report.isPartitioned
        else { continue }
        let (all, used) = thousandths(known, row, facts)
        lanes[Int(lane)].held += used
        let isOffered = node.isOpen && known.health == .usable
        if isOffered {
          lanes[Int(lane)].free += all - used
          offered[Int(lane)] += all
        } else {
          lanes[Int(lane)].kept += all - used
        }
      }
    }
    for id in facts.lanes.ids {
      let sums = lanes[Int(id.row)]
      guard pool.lane(id) != nil else { continue }
      let capacity = pool.capacity(of: id)
      try must(
        capacity.total == sums.total && capacity.free == sums.free
          && capacity.offered == offered[Int(id.row)], "D5",
        "lane \(id.name) says \(capacity.total) in all, \(capacity.offered) offered and "
          + "\(capacity.free) free; its devices have \(sums.total), \(offered[Int(id.row)]) and "
          + "\(sums.free)")
    }
  }

  /// What a device counts for in its lane, all and held: an instance its billed share.
  private func thousandths(
    _ known: KnownDevice, _ row: Device, _ facts: borrowing Facts
  ) -> (all: Int64, used: Int64) {
    guard known.report.kind == .slice else {
      return (Int64(row.capacity.value), Int64(row.used.value))
    }
    let rule = known.report.slice.flatMap { key in
      facts.policy.slices.first { $0.key == key }
    }
    let all = Int64(rule?.billedMilli ?? 0)
    return (all, row.shares == 0 ? 0 : all)
  }
}
