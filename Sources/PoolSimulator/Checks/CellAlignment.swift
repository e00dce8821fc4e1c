import PoolAllocator

/// L2: a cell that is bound anew is an aligned group: it begins at a multiple of its size among the
/// GPUs of its node, profile and island (SEMANTICS 3.2).
enum CellAlignment {
  /// Looks at the events of a command once devices are as it left them.
  static func check(_ log: borrowing EventLog, _ facts: borrowing Facts) throws(Violation) {
    for index in log.events.indices {
      guard case .laneBound(let id, let uses) = log.events[index], let lane = facts.lanes[id],
        lane.rule.cell > 1, lane.profile.kind == .gpu
      else { continue }
      let bound = uses.indices.map { log.uses[$0].device }
      for device in bound {
        guard let known = facts.devices[device], known.lane == id.row, known.cell == device.row
        else { continue }
        try check(device, known, among: bound, size: Int(lane.rule.cell), facts)
      }
    }
  }

  /// Looks at the cell that has its name from a device, where all of it was bound at once.
  private static func check(
    _ first: DeviceID, _ known: KnownDevice, among bound: [DeviceID], size: Int,
    _ facts: borrowing Facts
  ) throws(Violation) {
    var places: [Int] = []
    var isNew = true
    for (place, device) in island(of: known, facts).enumerated()
    where facts.devices[device]?.cell == first.row {
      places.append(place)
      if !bound.contains(device) { isNew = false }
    }
    guard isNew, places.count == size, let least = places.first, let last = places.last else {
      return
    }
    try must(
      least % size == 0 && last == least + size - 1, "L2",
      "the cell of device \(first.row) has places \(places) of its island, \(size) to a cell")
  }

  /// The GPUs that a cell may be made of, in row order.
  private static func island(of known: KnownDevice, _ facts: borrowing Facts) -> [DeviceID] {
    let devices = (facts.nodes[known.node]?.devices ?? []).sorted { $0.row < $1.row }
    return devices.filter { id in
      guard let other = facts.devices[id] else { return false }
      return other.report.kind == .gpu && other.health != .gone
        && other.report.profile == known.report.profile
        && other.report.island == known.report.island
    }
  }
}
