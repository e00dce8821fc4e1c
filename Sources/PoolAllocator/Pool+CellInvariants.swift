/// What must hold for guarantees, counted from the tables alone.
extension Pool {
  /// L2: each guarantee is in sound cells or stated as short, and whoever is on a sound device is
  /// its lane's owner or was lent it.
  func checkCells() {
    checkSquatters()
    let (sound, cells) = countCells()
    var impaired = LaneSet.none
    lanes.forEach { id, lane in
      let row = Int(id.row)
      invariant(soundMilli(row: id.row) == sound[row], "L2: what is sound is kept true")
      invariant(placement.lanes[row].guarantee.cells == cells[row], "cells are counted")
      invariant(
        lane.short == max(0, lane.rule.reserved - sound[row]), "L2: a shortfall is stated")
      invariant(
        lane.shortBecause == (lane.short > 0 ? causeOfShortfall(id.row) : nil),
        "L2: a shortfall has its cause")
      if lane.profile.kind == .gpu, !lane.isRetired {
        invariant(lane.bound <= lane.rule.reserved, "a lane has no more than it reserves")
      }
      if lane.short > 0 { impaired.insert(id) }
    }
    invariant(impaired == impairedLanes, "impaired lanes are noted")
    invariant(placement.cells.isQuiet, "a command leaves nothing to look at")
  }

  /// Leases that were on a device before its lane had it.
  private func checkSquatters() {
    var squatters = Array(repeating: 0, count: devices.extent)
    leases.forEach { _, lease in
      for use in uses(of: lease) {
        let board = devices[use.device].report.kind == .slice ? devices[use.device].parent : nil
        let row = Int((board ?? use.device).row)
        if isSquatter(lease, in: devices[row: UInt32(row)].lane) { squatters[row] += 1 }
      }
    }
    devices.forEach { id, device in
      invariant(Int(device.squatters) == squatters[Int(id.row)], "L2: squatters are counted")
    }
  }

  /// By lane row: thousandths in cells that are sound throughout, and cells.
  private func countCells() -> (sound: [Int64], cells: [Int64]) {
    var members: [UInt32: [Device]] = [:]
    devices.forEach { _, device in
      if let cell = device.cell {
        members[cell, default: []].append(device)
        return
      }
      let isBound = device.lane.map { lanes[row: $0].rule.reserved > 0 } ?? false
      invariant(
        !isBound || device.health == .gone || device.report.kind == .slice,
        "what a reserved lane has is in cells")
    }
    var sound = Array(repeating: Int64(0), count: Limits.lanes)
    var cells = Array(repeating: Int64(0), count: Limits.lanes)
    for (cell, list) in members {
      guard devices.id(at: cell) != nil, devices[row: cell].cell == cell, let lane = list[0].lane
      else { broken("a cell is named by one of its devices, in a lane") }
      let size = Int(lanes[row: lane].rule.cell)
      checkCell(list, size: size)
      cells[Int(lane)] += 1
      let isSound = list.allSatisfy { device in
        device.health == .usable && device.squatters == 0 && nodes[device.node].isOpen
      }
      if isSound, list.count == size {
        sound[Int(lane)] += list.reduce(0) { $0 + Int64($1.capacity.value) }
      }
    }
    return (sound, cells)
  }

  private func checkCell(_ list: [Device], size: Int) {
    invariant(list.count <= size, "a cell is no larger than its lane's")
    for device in list {
      invariant(
        device.node == list[0].node && device.lane == list[0].lane && device.health != .gone,
        "a cell is on one node, in one lane")
      invariant(
        size == 1
          || device.report.island == list[0].report.island
            && device.report.profile == list[0].report.profile,
        "a cell is in one island")
    }
  }
}
