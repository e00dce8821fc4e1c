import Testing

@testable import PoolAllocator

/// The choice of who has to go, against all sets of a small node.
struct EvictionOracleTests {
  /// A node at random: leases of one device or several, devices of which a part is enough, a host
  /// that is short.
  private func search(_ random: inout SwarmGenerator) -> EvictionSearch {
    var search = EvictionSearch(need: 1 + random.below(3))
    let isPart = random.chance(30)
    for row in 0..<(1 + random.below(8)) {
      search.victims.append(
        EvictionSearch.Victim(
          row: UInt32(row), lead: LeaseID(row: UInt32(row), generation: 1),
          leases: 1 + random.below(2), lost: Int128(random.below(6)),
          started: Instant(ns: Int64(row)),
          gone: Instant(ns: Int64(100 + random.below(50))), cpu: Int32(random.below(4)),
          memory: Int64(random.below(3))))
    }
    search.victims.sort { ($0.lost, $0.row) < ($1.lost, $1.row) }
    for device in 0..<(1 + random.below(8)) {
      var spot = EvictionSearch.Spot(device: UInt32(device), isPart: isPart)
      spot.isBlocked = random.chance(10)
      spot.milli = Int32(random.below(6))
      for victim in search.victims.indices where random.chance(isPart ? 40 : 15) {
        spot.members |= 1 << UInt64(victim)
        if isPart { spot.parts.append((victim, Int32(1 + random.below(3)), 0)) }
      }
      search.spots.append(spot)
    }
    if random.chance(40) { search.cpu = Int32(random.below(8)) }
    if random.chance(20) { search.memory = Int64(random.below(4)) }
    if random.chance(10) { search.slots = random.below(3) }
    return search
  }

  @Test func theBestSetIsFound() {
    var random = SwarmGenerator(seed: 0xE71C)
    var (found, none) = (0, 0)
    for number in 0..<20_000 {
      let search = search(&random)
      let sets = 0..<(UInt64(1) << UInt64(search.victims.count))
      let best = sets.filter { search.isEnough($0) }.map { search.cost($0) }.min()
      var budget = 100_000
      let set = search.best(&budget)
      #expect(set.map { search.cost($0) } == best, "case \(number)")
      guard let set else {
        none += 1
        continue
      }
      found += 1
      #expect(search.outcome(set)?.devices.count == search.need)
      for victim in search.victims.indices where set & 1 << UInt64(victim) != 0 {
        #expect(!search.isEnough(set & ~(1 << UInt64(victim))), "case \(number): one too many")
      }
    }
    print("property: eviction against all sets: \(found) found, \(none) impossible")
    #expect(found > 1_000 && none > 1_000)
  }

  /// Without a budget a set that is enough is found all the same, and nobody in it is spare.
  @Test func aGoodSetIsFoundWithoutTrying() {
    var random = SwarmGenerator(seed: 0xE71D)
    for number in 0..<5_000 {
      let search = search(&random)
      let isPossible = search.isEnough((1 << UInt64(search.victims.count)) - 1)
      var budget = 0
      let set = search.best(&budget)
      #expect((set != nil) == isPossible, "case \(number)")
      guard let set else { continue }
      for victim in search.victims.indices where set & 1 << UInt64(victim) != 0 {
        #expect(!search.isEnough(set & ~(1 << UInt64(victim))), "case \(number): one too many")
      }
    }
  }
}
