/// How the members of a gang are seated on the devices of one node (SEMANTICS 5.1–5.3). Members of
/// shares may be on one device, as others of their tenant may.
extension Pool {
  /// A device that can take members, and when.
  struct Seat {
    var row: UInt32
    var members: Int
    var from: Instant
  }

  /// A member on concrete devices, and when it can have them.
  struct Seated {
    var placement: Placement
    var from: Instant
    /// Number among the members of its node.
    var number: Int
    /// Where all members of the node up to this one go if it is the last of them; empty where those
    /// before it stand the same however many follow.
    var all: [Placement] = []
  }

  /// Members on the seats of one node, those first that can have them first; all in one part of the
  /// node where the nearness asks, the first that has enough.
  func seated(
    _ wish: Wish, _ seats: [Seat], on node: UInt32, _ lane: UInt32, atMost most: Int,
    _ nearness: Nearness
  ) -> [Seated] {
    let sorted = seats.sorted { left, right in
      let (a, b) = (devices[row: left.row].report.island, devices[row: right.row].report.island)
      return (left.from, a, left.row) < (right.from, b, right.row)
    }
    guard nearness.numa || nearness.island else {
      return seated(wish, sorted, on: node, lane, atMost: most)
    }
    var best: [Seated] = []
    for (index, seat) in sorted.enumerated() {
      let part = sorted[index...].filter { isNear($0.row, seat.row, nearness) }
      let isNew = !sorted[..<index].contains { isNear($0.row, seat.row, nearness) }
      guard isNew else { continue }
      let found = seated(wish, part, on: node, lane, atMost: most)
      guard found.count == most, let last = found.last else { continue }
      if best.last.map({ last.from < $0.from }) ?? true { best = found }
    }
    return best
  }

  private func seated(
    _ wish: Wish, _ seats: [Seat], on node: UInt32, _ lane: UInt32, atMost most: Int
  ) -> [Seated] {
    let each = Int(wish.demand.devices)
    var found: [Seated] = []
    guard each > 1 else {
      for seat in seats {
        for _ in 0..<min(seat.members, most - found.count) {
          let placement = Placement(lane: lane, node: node, device: seat.row)
          found.append(Seated(placement: placement, from: seat.from, number: found.count))
        }
      }
      return found
    }
    var count = 0
    var last = -1
    while count < most, let next = Self.lastSeat(for: count + 1, each, of: seats) {
      (count, last) = (count + 1, next)
      let from = seats[next].from
      let placement = Placement(lane: lane, node: node, device: seats[next].row)
      found.append(Seated(placement: placement, from: from, number: found.count))
    }
    guard count > 0 else { return [] }
    let used = seats.prefix { $0.from <= seats[last].from }
    for (index, rows) in Self.seating(count, each, on: used).enumerated() {
      found[index].placement = Placement(lane: lane, node: node, devices: rows[...])
    }
    return found
  }

  /// The last of the first seats that are enough for so many members, each on devices of its own,
  /// whatever others are on them; nil where all are too few.
  ///
  /// So many members can be seated exactly where the seats take that many devices of them in all,
  /// and none of a seat more than once.
  private static func lastSeat(for count: Int, _ each: Int, of seats: [Seat]) -> Int? {
    var taken = 0
    for (index, seat) in seats.enumerated() {
      taken += min(seat.members, count)
      if taken >= count * each { return index }
    }
    return nil
  }

  /// The devices of each of so many members, for whom the seats are enough: neighbours in their
  /// order where that seats all of them, else each seat in turn to one member after the other.
  private static func seating(
    _ count: Int, _ each: Int, on seats: ArraySlice<Seat>
  ) -> [[UInt32]] {
    var members: [[UInt32]] = []
    for first in stride(from: 0, through: seats.count - each, by: each) {
      let block = seats[first..<first + each]
      let room = block.reduce(count - members.count) { min($0, $1.members) }
      for _ in 0..<room { members.append(block.map(\.row)) }
    }
    guard members.count < count else { return members }
    members = Array(repeating: [], count: count)
    var next = 0
    for seat in seats {
      // Never more of one seat than there are members, so none gets it twice.
      for _ in 0..<min(seat.members, count, count * each - next) {
        members[next % count].append(seat.row)
        next += 1
      }
    }
    return members
  }

  /// Whether two devices of a node are in one part of it; a device whose NUMA node is not known is
  /// near to none but itself.
  private func isNear(_ left: UInt32, _ right: UInt32, _ nearness: Nearness) -> Bool {
    if left == right { return true }
    let (one, other) = (devices[row: left].report, devices[row: right].report)
    if nearness.island, one.island != other.island { return false }
    return !nearness.numa || one.numa != nil && one.numa == other.numa
  }
}
