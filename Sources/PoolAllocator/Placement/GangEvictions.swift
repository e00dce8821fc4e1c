/// Who ends for a gang of a more urgent class: on each of several nodes, who would have to for so
/// many of its members; then the division of the members among the nodes that loses least.
extension Pool {
  /// Members of a gang on one node, and who ends for them there.
  private struct Share {
    var node: UInt32
    var devices: [UInt32]
    var at: Instant
    var lost: Int128
    var count: Int
    var victims: [LeaseID]
  }

  /// Whom a gang may preempt with the least loss: on the nodes whose leases lose least and on those
  /// that clear first, all within what has to be near.
  /// - Parameter nodes: those whose leases lose least.
  /// - Returns: nil where these nodes cannot hold it then.
  /// - Complexity: O(2 × `Limits.preemptionProbes` × members of a node) searches, and
  ///   `Limits.preemptionSets` sets of leases in all.
  func gangEviction(
    for id: ClaimID, _ wish: Wish, as asker: Asker, lane row: UInt32, _ nodes: [UInt32],
    _ rule: PreemptionRule
  ) -> Eviction? {
    let nearness = Nearness(wish.demand.together)
    var places: [(place: Place, shares: [[Share]])] = []
    var budget = Limits.preemptionSets
    for node in nodes + clearingNodes(lane: row, besides: nodes) {
      let victims = candidates(for: claims[id], lane: row, on: node, rule)
      let shares = shares(wish, as: asker, lane: row, on: node, among: victims, &budget)
      guard !shares.isEmpty else { continue }
      let place = place(of: node, nearness)
      if let index = places.firstIndex(where: { $0.place == place }) {
        places[index].shares.append(shares)
      } else {
        places.append((place, [shares]))
      }
    }
    var best: Eviction?
    for (_, shares) in places {
      guard let chosen = Self.division(of: wish.members, among: shares) else { continue }
      let found = eviction(chosen, each: Int(wish.demand.devices), lane: row)
      guard found.promise.starts > now else { continue }
      if best.map({ found.precedes($0) }) ?? true { best = found }
    }
    return best
  }

  /// The nodes of a lane that clear first, those with idle devices among them.
  private func clearingNodes(lane row: UInt32, besides known: [UInt32]) -> [UInt32] {
    var nodes: [UInt32] = []
    var walk = placement.lanes[Int(row)].clears.walk(0)
    for _ in 0..<Limits.preemptionProbes {
      guard let node = walk.next(in: placement.lanes[Int(row)].clears)?.row else { break }
      if !known.contains(node) { nodes.append(node) }
    }
    return nodes
  }

  /// Who ends on a node for one member, for two, and so on.
  private func shares(
    _ wish: Wish, as asker: Asker, lane row: UInt32, on node: UInt32,
    among victims: [EvictionSearch.Victim], _ budget: inout Int
  ) -> [Share] {
    var shares: [Share] = []
    for members in 1...wish.members {
      let search = evictionSearch(
        wish, members: members, as: asker, lane: row, on: node, among: victims)
      guard let search, let set = search.best(&budget), let outcome = search.outcome(set) else {
        break
      }
      let cost = search.cost(set)
      shares.append(
        Share(
          node: node, devices: outcome.devices, at: outcome.at, lost: cost.lost,
          count: cost.count, victims: leases(of: search, set)))
    }
    return shares
  }

  /// The shares, one of a node at most, that hold all members and lose least, then stop fewest; nil
  /// where the nodes hold less. A gang with members on two of them counts twice.
  /// - Complexity: O(nodes × members × members of a node).
  private static func division(of members: Int, among nodes: [[Share]]) -> [Share]? {
    /// What so many members lose on the nodes so far, and how many of them the last one takes.
    struct Sum {
      var lost: Int128 = 0
      var count = 0
      var taken = 0
    }
    var sums: [[Sum?]] = [Array(repeating: nil, count: members + 1)]
    sums[0][0] = Sum()
    for shares in nodes {
      let before = sums[sums.count - 1]
      var after = before.map { $0.map { Sum(lost: $0.lost, count: $0.count) } }
      for (less, share) in shares.enumerated() {
        let taken = less + 1
        for held in 0..<max(0, members - less) {
          guard let base = before[held] else { continue }
          let sum = Sum(
            lost: base.lost + share.lost, count: base.count + share.count, taken: taken)
          let known = after[held + taken]
          if known.map({ (sum.lost, sum.count) < ($0.lost, $0.count) }) ?? true {
            after[held + taken] = sum
          }
        }
      }
      sums.append(after)
    }
    guard sums[nodes.count][members] != nil else { return nil }
    var chosen: [Share] = []
    var left = members
    for index in nodes.indices.reversed() {
      let taken = sums[index + 1][left]?.taken ?? 0
      guard taken > 0 else { continue }
      chosen.append(nodes[index][taken - 1])
      left -= taken
    }
    return chosen.sorted { $0.node < $1.node }
  }

  /// What a gang gets on its shares. Each lease that ends is one, and a gang of them counts once.
  private func eviction(_ shares: [Share], each: Int, lane row: UInt32) -> Eviction {
    var members: [Placement] = []
    var victims: [LeaseID] = []
    var cost = EvictionSearch.Cost(lost: 0, count: 0, oldest: .farFuture)
    var leads: [LeaseID] = []
    for share in shares {
      for first in stride(from: 0, to: share.devices.count, by: each) {
        let devices = share.devices[first..<first + each]
        members.append(Placement(lane: row, node: share.node, devices: devices))
      }
      victims += share.victims
      for victim in share.victims where !leads.contains(leases[victim].lead) {
        let lease = leases[victim]
        leads.append(lease.lead)
        cost.lost += lost(lease)
        cost.count += Int(lease.members)
        cost.oldest = min(cost.oldest, lease.started ?? now)
      }
    }
    let starts = shares.reduce(Instant.origin) { max($0, $1.at) }
    return Eviction(
      promise: Promise(placement: members[0], others: members.dropFirst(), starts: starts),
      victims: victims, cost: cost)
  }
}
