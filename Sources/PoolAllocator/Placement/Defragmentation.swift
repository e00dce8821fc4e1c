/// Moves that would make room for claims which fit nowhere: a proposal (docs/placement.md).
///
/// Whoever holds the pool carries it out or leaves it: in the order of the plan each lease is
/// ended where it is and granted again where the plan says, and then the claim is submitted.
public struct DefragmentationPlan: Sendable {
  /// One lease that goes elsewhere.
  public struct Move: Sendable {
    /// The lease that ends.
    public let lease: LeaseID
    /// Its claim, which is granted again.
    public let claim: ClaimID
    /// The node that it leaves.
    public let from: NodeID
    /// The node that it goes to; never the same.
    public let to: NodeID
    /// The lane that it goes to, at the same price.
    public let lane: LaneID
    /// What it takes there, device by device.
    public let uses: [DeviceUse]
    /// What it holds of GPUs. Unit: thousandths of a GPU.
    public let gpuMilli: Int64
    /// What is lost: its work since its last checkpoint, and its devices' time until it has left,
    /// rounded up. Unit: weighted GPU-microseconds.
    public let cost: Credits
  }

  /// Room for one claim.
  public struct Room: Sendable {
    /// The moves that make it, in order; none where there is enough.
    public let moves: [Move]
    /// Where it is, member by member.
    public let places: [Place]
    /// Cost of all its moves together, never more than `worth`.
    public let cost: Credits
    /// What the claim is worth: its price for the time that it is expected to run.
    public let worth: Credits
  }

  /// Devices of one node for one member of a claim.
  public struct Place: Sendable {
    /// The node.
    public let node: NodeID
    /// The lane.
    public let lane: LaneID
    /// The devices.
    public let devices: [DeviceID]
  }

  /// Room for claims, one after the other; each counts on those before it.
  public internal(set) var rooms: [Room] = []
  /// Why no room is looked for at all; empty where it is.
  public internal(set) var refusals: [Reason] = []

  /// Claims that have room without any move, up to as many as were asked for.
  public var fitting: Int { rooms.prefix { $0.moves.isEmpty }.count }
  /// Claims beside those that have room once all moves are done.
  public var gained: Int { rooms.count - fitting }
  /// All moves, in order.
  public var moves: [Move] { rooms.flatMap(\.moves) }
  /// Cost of all moves together.
  public var cost: Int64 { rooms.reduce(0) { $0 + $1.cost.value } }
}

/// Free GPU time, and what of it is of no use to any work that is expected.
public struct Fragmentation: Hashable, Sendable {
  /// Free on nodes that may receive leases. Unit: thousandths of a GPU.
  public internal(set) var free: Int64 = 0
  /// Of that, what no kind of the mix could use now. Unit: thousandths of a GPU.
  public internal(set) var useless: Int64 = 0

  /// The part of what is free that is of no use, 0 … 1,000; 0 where nothing is free. Unit:
  /// thousandths.
  public var share: Int64 { free == 0 ? 0 : useless * 1_000 / free }
}

/// Queries about how free room lies.
extension Pool {
  /// Which leases would have to go where, so that more claims of a kind find room.
  ///
  /// Only leases move that the policy lets be preempted: it has a rule of preemption, their holders
  /// allow interruption, they run past their shield, were not preempted too often, hold nothing
  /// lent, and their lane may still lose leases; a gang stays. Each finds a place on another
  /// node, in a lane of its claim at the same price, in which nobody waits unless it is its own,
  /// as if it were submitted anew; its bucket can pay it. What is kept for waiting claims stays
  /// kept. Room is made where the least is lost, and only while that is no more than the claim is
  /// worth. A plan says nothing of the order: claims that wait may take the room first.
  ///
  /// The search is greedy: where it finds none, there may be one.
  /// - Parameters:
  ///   - spec: a claim of the kind; its own name does not matter.
  ///   - claims: how many of them, 1 … `Limits.moveClaims`; more count as that many.
  /// - Returns: the plan; with reasons where no lane ever serves such a claim, or nothing may move.
  /// - Complexity: O(leases) and, for each claim, O(nodes × leases of each) looks,
  ///   `Limits.moveSets` sets and `Limits.moveProbes` nodes whose leases are placed elsewhere;
  ///   changes nothing.
  public func defragmentation(for spec: ClaimSpec, claims: Int = 1) -> DefragmentationPlan {
    var plan = DefragmentationPlan()
    let resolved: Resolved
    let expected: Span
    switch resolve(spec, isNew: false) {
    case .failure(let refusal):
      plan.refusals = refusal.reasons
      return plan
    case .success(let (names, runtime)):
      (resolved, expected) = (names, min(runtime.expected, spec.runtimeMax))
    }
    var targets: [MoveSearch.Target] = []
    let (eligible, _, obstacles) = eligibleLanes(spec, resolved)
    var left = eligible
    while let row = left.firstRow {
      left = left.withoutFirst
      guard !isForeign(row, to: resolved.tenant), let offer = offer(row, for: spec, resolved)
      else { continue }
      targets.append(
        MoveSearch.Target(lane: row, worth: Int128(offer.rate) * Int128(expected.ns)))
    }
    guard !targets.isEmpty else {
      plan.refusals = obstacles.isEmpty ? [Reason(.laneNotAllowed)] : obstacles
      return plan
    }
    var search = MoveSearch(self, resolved.wish, targets)
    for _ in 0..<min(max(claims, 0), Limits.moveClaims) {
      guard let found = search.next() else { break }
      plan.rooms.append(found)
    }
    return plan
  }

  /// The same for a claim that waits: what is kept for it is its own.
  /// - Returns: the plan; an empty one where the claim does not wait.
  /// - Complexity: as above, and a copy of the tables where something is kept for it.
  public func defragmentation(for id: ClaimID) -> DefragmentationPlan {
    guard let claim = claim(id), claim.isWaiting else { return DefragmentationPlan() }
    guard claim.pin != nil else { return defragmentation(for: claim.spec) }
    var copy = self
    copy.clearPin(of: id)
    return copy.defragmentation(for: claim.spec)
  }

  /// What of the free GPU time no kind of the mix could use now, in one lane or in all: the mix of
  /// the policy, else the learned one, else claims for 1, 2, 4 and 8 whole GPUs.
  /// - Complexity: O(devices × kinds of the mix).
  public func fragmentation(of lane: LaneID? = nil) -> Fragmentation {
    let known = policy.placement.mix.isEmpty ? learner.kinds : policy.placement.mix
    let mix = known.isEmpty ? Self.wholeGPUs : known
    let index = FragmentationIndex(PlacementRule(score: .fragmentation, mix: mix))
    var found = Fragmentation()
    var room = NodeRoom()
    var free: [Int32] = []
    for node in 0..<UInt32(nodes.extent) where nodes.id(at: node) != nil {
      guard nodes[row: node].isOpen else { continue }
      list(node, in: &room)
      for group in room.groups where lane == nil || lane?.row == group.lane {
        free.removeAll(keepingCapacity: true)
        for gpu in room.gpus where gpu.lane == group.lane {
          free.append(gpu.milli)
          found.free += Int64(gpu.milli)
        }
        found.useless += index.useless(
          of: free, cpu: nodes[row: node].cpuOpen.value, pool: UInt16(group.pool))
      }
    }
    return found
  }

  /// The mix of a pool of which nothing is known.
  private static var wholeGPUs: [MixKind] {
    [1, 2, 4, 8].map {
      MixKind(popularity: 1, devices: $0, share: .whole, cpu: MilliCPU(0), pools: .max)
    }
  }

  /// What a claim gains less what the work to come loses by it at the best place that it has now,
  /// in steps of 40 thousandths of a GPU, rounded down: below zero the room is worth more to others
  /// than to the claim.
  /// - Returns: nil where it has no room, or places are not scored by offer value.
  /// - Complexity: O(nodes × GPUs × prices); changes nothing.
  public func offerPoints(for spec: ClaimSpec) -> Int64? {
    guard policy.placement.score == .offerValue, isScored(spec.demand),
      case .success(let (resolved, _)) = resolve(spec, isNew: false)
    else { return nil }
    return scoredPlace(of: resolved.wish, lanes: eligibleLanes(spec, resolved).lanes)?.points
  }
}
