@testable import PoolAllocator

/// Carries out a plan on a copy of the pool, one move after the other: each lease is preempted, its
/// devices come back, and its claim is granted where the plan says, if that is allowed then.
struct MoveTrail {
  var pool: Pool
  private var log = EventLog()
  /// Claims that were granted in the room that was made.
  private(set) var granted = 0

  init(_ pool: Pool) { self.pool = pool }

  /// - Throws: at the first move that is not possible at its moment, or room that is not there.
  mutating func carryOut(_ plan: DefragmentationPlan, for spec: ClaimSpec) throws {
    for (number, room) in plan.rooms.enumerated() {
      try must(room.cost <= room.worth, "a plan costs more than it is worth")
      let sum = room.moves.reduce(0) { $0 + $1.cost.value }
      try must(
        0..<max(1, Int64(room.moves.count)) ~= sum - room.cost.value, "costs do not add up")
      for move in room.moves { try carryOut(move) }
      var spec = spec
      spec.key = Name.key(4_000, number)
      try grant(spec, room.places)
    }
    pool.checkInvariants()
  }

  private mutating func carryOut(_ move: DefragmentationPlan.Move) throws {
    guard let lease = pool.lease(move.lease), let claim = pool.claim(move.claim) else {
      throw Counterexample(description: "a plan names no live lease")
    }
    try must(claim.spec.interruption != nil, "a lease is moved that may not be interrupted")
    try must(lease.node == move.from && move.to != move.from, "a move goes nowhere")
    try must(pool.uses(of: lease).allSatisfy { pool.device($0.device)?.pin == nil }, "a pinned one")
    log.begin(at: pool.now)
    pool.stop(move.lease, .preempted, &log)
    let (answer, _) = pool.apply(
      .confirmEmpty(move.lease, lease.fencing), at: pool.now, into: &log)
    try must(answer.verdict == .done, "a lease that moves gives its devices back")
    guard let queued = pool.claim(move.claim), let resolved = pool.resolved(queued),
      let offer = pool.offer(move.lane.row, for: queued.spec, resolved)
    else { throw Counterexample(description: "a claim that moves is gone") }
    try must(offer.rate == lease.rate, "a move has another price")
    let place = DefragmentationPlan.Place(
      node: move.to, lane: move.lane, devices: move.uses.map(\.device))
    try must(fits(resolved.wish, [place]), "a move has no place at its moment")
    _ = pool.grant(move.claim, opening([place]), offer, path: resolved.path, &log)
  }

  /// Grants the claim that the room is for; where it is not allowed for another reason than room,
  /// such as a quote that it redeems but once, the room is there all the same.
  private mutating func grant(_ spec: ClaimSpec, _ places: [DefragmentationPlan.Place]) throws {
    try must(places.count == Int(spec.demand.members), "a place for each member")
    guard let tenant = pool.tenant(named: spec.tenant) else {
      throw Counterexample(description: "a claim with room has no tenant")
    }
    let wish = Wish(demand: spec.demand, tenant: tenant.row, slice: pool.slice(of: spec))
    try must(fits(wish, places), "the room is not there")
    guard case .success(let (resolved, runtime)) = pool.resolve(spec, isNew: false),
      let offer = pool.offer(places[0].lane.row, for: spec, resolved),
      pool.tableObstacles(spec).isEmpty,
      case .yes = pool.affordability(
        offer.reservation, path: resolved.path, turn: resolved.turn)
    else { return }
    log.begin(at: pool.now)
    let id = pool.take(spec, resolved, runtime, &log)
    _ = pool.grant(id, opening(places), offer, path: resolved.path, &log)
    granted += 1
  }

  private func opening(_ places: [DefragmentationPlan.Place]) -> Pool.Opening {
    let all = places.map { place in
      let rows = place.devices.map(\.row)
      return Placement(lane: place.lane.row, node: place.node.row, devices: rows[...])
    }
    return Pool.Opening(placement: all[0], others: all.dropFirst())
  }

  /// Whether all members fit at once, by the rules of a grant.
  private func fits(_ wish: Wish, _ places: [DefragmentationPlan.Place]) -> Bool {
    var one = wish
    one.demand.members = 1
    let isAlone = places.allSatisfy { place in
      let here = places.count { $0.node == place.node }
      return place.lane == places[0].lane && pool.fitsNode(one, place.node.row, members: here)
        && place.devices.count == Int(wish.demand.devices)
        && place.devices.allSatisfy { pool.fitsDevice(one, $0.row, place.lane.row) }
    }
    guard isAlone, wish.demand.shape == .whole else { return isAlone }
    let devices = places.flatMap { $0.devices.map(\.row) }
    return Set(devices).count == devices.count
  }
}
