/// Which leases of one node have to end for a claim: a choice among sets, worked out apart from the
/// pool.
///
/// A set is a word of bits over `leases`, which stand in the order of what they lose. What else
/// runs on the node stays, and what stops there already is counted as gone.
struct EvictionSearch {
  /// A lease that may have to end, or a gang with all its members.
  struct Victim {
    /// Its first lease on the node.
    var row: UInt32
    /// The first lease of its gang.
    var lead: LeaseID
    /// Leases that end with it, on any node, and those of them on this one.
    var leases: Int
    var slots = 1
    /// Work since its last checkpoint, in 10⁻¹² credits.
    var lost: Int128
    var started: Instant
    /// When it is gone if it is told now.
    var gone: Instant
    var cpu: Int32
    var memory: Int64

    /// Another member on the node. They are gone together: the last one counts.
    mutating func add(_ member: Lease, gone: Instant) {
      slots += 1
      cpu += member.cpu.value
      memory += member.hostMemory.value
      self.gone = max(self.gone, gone)
    }
  }

  /// A device that may serve the claim.
  struct Spot {
    var device: UInt32
    /// Leases on it that may have to end.
    var members: UInt64 = 0
    /// What each of them gives back, where the claim needs but a part of the device.
    var parts: [(victim: Int, milli: Int32, memory: Int64)] = []
    /// Whether the claim needs but a part of it.
    var isPart: Bool
    /// What a part lacks; not positive: nothing.
    var milli: Int32 = 0
    var memory: Int64 = 0
    /// Something stays on it that leaves too little.
    var isBlocked = false
    /// When what stops on it already is gone.
    var freeAt = Instant.origin
  }

  /// What a set costs; less is better.
  struct Cost: Comparable {
    var lost: Int128
    var count: Int
    /// Start of the lease that has run longest; among equals the newest go.
    var oldest: Instant

    static func < (left: Self, right: Self) -> Bool {
      if left.lost != right.lost { return left.lost < right.lost }
      if left.count != right.count { return left.count < right.count }
      return left.oldest > right.oldest
    }
  }

  /// What may have to end, in the order of what it loses; 64 at most.
  var victims: [Victim] = []
  var spots: [Spot] = []
  /// Devices that the claim asks for.
  var need: Int
  /// Processor time, host memory and places for leases that the node lacks; not positive: nothing.
  var cpu: Int32 = 0
  var memory: Int64 = 0
  var slots = 0
  /// When what the node lacks beside devices and stops already is gone.
  var hostFreeAt = Instant.origin

  // MARK: what a set gives

  private func gives(_ set: UInt64, _ spot: Spot) -> Bool {
    guard !spot.isBlocked else { return false }
    guard spot.isPart else { return spot.members & ~set == 0 }
    var (milli, memory) = (spot.milli, spot.memory)
    for part in spot.parts where set & 1 << UInt64(part.victim) != 0 {
      milli -= part.milli
      memory -= part.memory
    }
    return milli <= 0 && memory <= 0
  }

  /// Whether the node can hold the claim once a set is gone.
  func isEnough(_ set: UInt64) -> Bool {
    var found = 0
    for spot in spots where gives(set, spot) { found += 1 }
    guard found >= need else { return false }
    var (cpu, memory, slots) = (self.cpu, self.memory, self.slots)
    guard cpu > 0 || memory > 0 || slots > 0 else { return true }
    for index in victims.indices where set & 1 << UInt64(index) != 0 {
      cpu -= victims[index].cpu
      memory -= victims[index].memory
      slots -= victims[index].slots
    }
    return cpu <= 0 && memory <= 0 && slots <= 0
  }

  /// What a set costs.
  func cost(_ set: UInt64) -> Cost {
    var cost = Cost(lost: 0, count: 0, oldest: .farFuture)
    for index in victims.indices where set & 1 << UInt64(index) != 0 {
      cost.count += victims[index].leases
      cost.lost += victims[index].lost
      cost.oldest = min(cost.oldest, victims[index].started)
    }
    return cost
  }

  /// The devices that a set frees first, and when all is there; nil where it is not enough.
  func outcome(_ set: UInt64) -> (devices: [UInt32], at: Instant)? {
    guard isEnough(set) else { return nil }
    var given: [(at: Instant, device: UInt32)] = []
    for spot in spots where gives(set, spot) {
      var at = spot.freeAt
      for index in victims.indices where spot.members & set & 1 << UInt64(index) != 0 {
        at = max(at, victims[index].gone)
      }
      given.append((at, spot.device))
    }
    given.sort { ($0.at, $0.device) < ($1.at, $1.device) }
    var at = hostFreeAt
    // Whatever goes, goes for a reason: the claim starts once all of it has gone.
    for index in victims.indices where set & 1 << UInt64(index) != 0 {
      at = max(at, victims[index].gone)
    }
    return (given.prefix(need).map(\.device), given.prefix(need).reduce(at) { max($0, $1.at) })
  }

  // MARK: choosing

  /// The set that costs least: the best one of a small node, a good one of a large node or where
  /// no more sets may be tried.
  /// - Parameter budget: sets that may be tried yet; less by those that were.
  /// - Returns: nil where none is enough.
  func best(_ budget: inout Int) -> UInt64? {
    guard let good = greedy() else { return nil }
    guard victims.count <= Limits.preemptionExact else { return good }
    var best = good
    var cost = self.cost(good)
    let isSimple = holdsSingles
    improve(from: 0, 0, lost: 0, isSimple, &best, &cost, &budget)
    return pruned(best)
  }

  /// Tries the sets that hold a set and leases from an index on.
  private func improve(
    from index: Int, _ set: UInt64, lost: Int128, _ isSimple: Bool, _ best: inout UInt64,
    _ cost: inout Cost, _ budget: inout Int
  ) {
    guard budget > 0 else { return }
    budget -= 1
    if lost > cost.lost || isSimple && least(from: index, set, lost) > cost.lost { return }
    if isEnough(set) {
      let own = self.cost(set)
      if own < cost { (best, cost) = (set, own) }
      return
    }
    guard index < victims.count else { return }
    let rest = ~UInt64(0) << UInt64(index)
    guard isEnough(set | rest) else { return }
    let bit = UInt64(1) << UInt64(index)
    let more = lost + victims[index].lost
    improve(from: index + 1, set | bit, lost: more, isSimple, &best, &cost, &budget)
    improve(from: index + 1, set, lost: lost, isSimple, &best, &cost, &budget)
  }

  /// What any set must lose that is enough, where no lease holds several devices: for each device
  /// that is still missing one more lease, of those that lose least.
  private func least(from index: Int, _ set: UInt64, _ lost: Int128) -> Int128 {
    var missing = need
    for spot in spots where gives(set, spot) { missing -= 1 }
    return victims[index...].prefix(max(0, missing)).reduce(lost) { $0 + $1.lost }
  }

  /// Whether no lease holds more than one device.
  private var holdsSingles: Bool {
    var seen: UInt64 = 0
    for spot in spots {
      if seen & spot.members != 0 { return false }
      seen |= spot.members
    }
    return true
  }

  /// Takes the devices that cost least beside those that were taken, then what the host lacks.
  private func greedy() -> UInt64? {
    let all = victims.count == 64 ? ~UInt64(0) : (1 << UInt64(victims.count)) - 1
    guard isEnough(all) else { return nil }
    var set: UInt64 = 0
    var taken = Array(repeating: false, count: spots.count)
    for _ in 0..<need {
      var next: (spot: Int, set: UInt64, lost: Int128)?
      for index in spots.indices where !taken[index] {
        guard let own = cheapest(spots[index], beside: set) else { continue }
        let lost = cost(set | own).lost
        if next.map({ lost < $0.lost }) ?? true { next = (index, own, lost) }
      }
      guard let next else { return nil }
      taken[next.spot] = true
      set |= next.set
    }
    for index in victims.indices where !isEnough(set) { set |= 1 << UInt64(index) }
    return pruned(set)
  }

  /// The leases that have to go for one device, beside a set; nil where it cannot be had.
  private func cheapest(_ spot: Spot, beside set: UInt64) -> UInt64? {
    guard !spot.isBlocked else { return nil }
    guard spot.isPart else { return spot.members }
    var own: UInt64 = 0
    for index in victims.indices where spot.members & 1 << UInt64(index) != 0 {
      if gives(set | own, spot) { break }
      own |= 1 << UInt64(index)
    }
    return gives(set | own, spot) ? own : nil
  }

  /// A set without those that are not needed, the dearest first.
  func pruned(_ set: UInt64) -> UInt64 {
    var left = set
    for index in victims.indices.reversed() where left & 1 << UInt64(index) != 0 {
      if planted(.evictsTooMany) { return ~(~0 << UInt64(victims.count)) }
      if isEnough(left & ~(1 << UInt64(index))) { left &= ~(1 << UInt64(index)) }
    }
    return left
  }
}

/// What a claim finds on a node that others may have to leave.
extension Pool {
  /// A device that may serve a demand, and what it lacks now.
  /// - Parameter claim: the row of the waiting claim that asks: what is kept for it is its own.
  func spot(
    _ row: UInt32, for wish: Wish, lane: UInt32, keptFor claim: UInt32?
  ) -> EvictionSearch.Spot {
    let device = devices[row: row]
    var spot = EvictionSearch.Spot(device: row, isPart: false)
    switch wish.demand.shape {
    case .whole, .slice: break
    case .fraction(let milli, let bytes):
      spot.isPart =
        device.mode == .fractions
        && (device.tenant == wish.tenant
          || device.tenant == nil && opensToAny(wish.demand, lane: lane))
      spot.milli = milli.value - device.milliFree.value
      spot.memory = bytes.value - device.memoryFree.value
    case .cpuOnly:
      var own = wish
      own.through = claim
      let kept = kept(of: row, for: claim)
      spot.isPart = isOpenBeside(wish, row, lane)
      spot.isBlocked = isKeptFromStrangers(own, row, lane)
      spot.milli =
        wish.demand.cpu.value - device.milliFree.value + device.pinned.value - kept
      // Who needs it empty also needs what is kept of it to be its own.
      if !spot.isPart, device.pinned.value > kept { spot.isBlocked = true }
    }
    return spot
  }

  /// What a node lacks beside devices: of what is kept, only what is for the claim itself counts as
  /// there. More may be kept of a host than is free of it now.
  func addHost(
    to search: inout EvictionSearch, _ wish: Wish, keptFor claim: ClaimID?, on node: UInt32
  ) {
    let host = nodes[row: node]
    let pin = claim.flatMap { claims[$0].pin }
    let own = pin.map { members(of: $0, on: node) } ?? 0
    if wish.demand.cpu.value > 0 {
      let kept = (pin?.cpu.value ?? 0) * Int32(own)
      let free = host.cpuFree.value - host.cpuPinned.value + kept
      search.cpu = wish.demand.cpu.value - free
    }
    if wish.demand.hostMemory.value > 0 {
      let kept = (pin?.hostMemory.value ?? 0) * Int64(own)
      let free = host.hostFree.value - host.hostPinned.value + kept
      search.memory = wish.demand.hostMemory.value - free
    }
  }
}
