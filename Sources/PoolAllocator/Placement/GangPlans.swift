/// When all members of a gang can start together: what a waiting gang is kept.
extension Pool {
  /// The earliest start of a gang among the nodes of its lane that clear first, as near as it
  /// requires; what it only wishes for is not waited for. Devices that are kept for claims which
  /// yield to it count as free.
  /// - Returns: nil where the nodes that may receive a lease cannot hold all of it later.
  /// - Complexity: O(`Limits.pinProbes` × leases of a node), and more nodes where these do not hold
  ///   all members, or not by the moment.
  func gangStart(
    of wish: Wish, for asker: Asker, lane: UInt32, reclaimingBy moment: Instant?
  ) -> Promise? {
    let nearness = Nearness(wish.demand.together)
    var parts: [Part] = []
    var best: Promise?
    var looked = 0
    var walk = placement.lanes[Int(lane)].clears.walk(0)
    while looked < Limits.pinProbes || best == nil
      || moment.map({ $0 < best?.starts ?? .farFuture }) ?? false,
      let node = walk.next(in: placement.lanes[Int(lane)].clears)?.row
    {
      looked += 1
      let found = starts(
        of: wish, for: asker, lane: lane, on: node, reclaiming: moment != nil, nearness)
      guard !found.isEmpty else { continue }
      let place = place(of: node, nearness)
      let index = parts.firstIndex { $0.place == place } ?? parts.count
      if index == parts.count { parts.append(Part(place: place)) }
      parts[index].add(found, atMost: wish.members)
      guard let promise = parts[index].promise(of: wish.members),
        promise.starts > now || takesKept(promise, for: asker)
      else { continue }
      if best.map({ promise.starts < $0.starts }) ?? true { best = promise }
    }
    return best
  }

  /// Nodes among which a gang may be spread.
  enum Place: Equatable {
    case lane
    case rack(Key)
    case node(UInt32)
  }

  /// The members that the nodes of one place can take, those first that start first.
  private struct Part {
    var place: Place
    var members: [Seated] = []

    init(place: Place) { self.place = place }

    mutating func add(_ found: [Seated], atMost most: Int) {
      members += found
      members.sort {
        ($0.from, $0.placement.node, $0.number) < ($1.from, $1.placement.node, $1.number)
      }
      members.removeLast(max(0, members.count - most))
    }

    func promise(of count: Int) -> Promise? {
      guard members.count == count, let last = members.last else { return nil }
      // All members of a node stand together.
      let byNode = members.sorted {
        ($0.placement.node, $0.number) < ($1.placement.node, $1.number)
      }
      var sorted: [Placement] = []
      for member in byNode {
        guard !member.all.isEmpty else {
          sorted.append(member.placement)
          continue
        }
        sorted.removeLast(member.number)
        sorted += member.all
      }
      return Promise(placement: sorted[0], others: sorted.dropFirst(), starts: last.from)
    }
  }

  /// Where a gang on a node may have its other members.
  func place(of node: UInt32, _ nearness: Nearness) -> Place {
    if nearness.isWithinNode { return .node(node) }
    guard nearness.rack else { return .lane }
    return nodes[row: node].enrolment.rack.map { .rack($0) } ?? .node(node)
  }

  /// When a node can take one member, two, and so on.
  private func starts(
    of wish: Wish, for asker: Asker, lane: UInt32, on node: UInt32, reclaiming: Bool,
    _ nearness: Nearness
  ) -> [Seated] {
    guard nodes[row: node].isOpen, nodes[row: node].report.enforcement >= wish.demand.enforcement
    else { return [] }
    let ends = endsOfLeases(on: node, reclaimFor: reclaiming ? lane : nil)
    var seats: [Seat] = []
    var row = placement.devices.first(of: node)
    while row != RowLists.none {
      seats += self.seats(of: wish, for: asker, lane: lane, row, ends)
      row = placement.devices.next(after: row)
    }
    var found = seated(wish, seats, on: node, lane, atMost: wish.members, nearness)
    // Members of shares of several devices move together where one more is to have room.
    let isWoven = wish.demand.devices > 1 && seats.contains { $0.members > 1 }
    var taken: [UInt32] = []
    for index in found.indices {
      if isWoven {
        found[index].all = seated(wish, seats, on: node, lane, atMost: index + 1, nearness)
          .map(\.placement)
        taken = found[index].all.flatMap { all in (0..<all.count).map { all.devices[$0] } }
      } else {
        let placement = found[index].placement
        for device in 0..<placement.count { taken.append(placement.devices[device]) }
      }
      guard
        let host = hostStart(
          of: wish, for: asker, on: node, taken, members: index + 1, ends)
      else { return nearness.isWithinNode ? [] : Array(found[..<index]) }
      let before = index > 0 ? found[index - 1].from : now
      found[index].from = max(found[index].from, host, before)
    }
    return found
  }

  /// When a device can take members: empty, or a CPU part as far as it has enough.
  private func seats(
    of wish: Wish, for asker: Asker, lane: UInt32, _ row: UInt32,
    _ ends: [(row: UInt32, at: Instant)]
  ) -> [Seat] {
    guard let first = deviceStart(of: wish, for: asker, lane: lane, row, ends) else { return [] }
    let device = devices[row: row]
    let most = min(
      wish.members, shared(wish.demand, milli: device.capacity, memory: device.report.memory))
    guard wish.demand.shape == .cpuOnly, isOpenBeside(wish, row, lane) else {
      return [Seat(row: row, members: most, from: first)]
    }
    var seats = [Seat(row: row, members: 1, from: first)]
    while seats.count < most,
      let moment = deviceStart(
        of: wish, for: asker, lane: lane, row, members: seats.count + 1, ends)
    {
      seats.append(Seat(row: row, members: 1, from: moment))
    }
    return seats
  }
}
