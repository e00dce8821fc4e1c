import Testing

@testable import PoolAllocator

/// SEMANTICS §2.6: a thousand claims on room for ten grant exactly ten.
struct NumericsGrantTests {
  private struct Scene {
    var rig: PoolRig
    var depth: Int
    var binding: Int
    var runtime: Span
    var rank: Int
  }

  /// A pool with room for 1,600 leases and, in one bucket of a path, credits for exactly ten.
  private func scene(_ random: inout SplitMix64) -> Scene {
    let depth = 1 + random.below(4)
    let binding = random.below(depth)
    let rank = random.below(4)
    let quanta = 1 + random.below(3)
    var policy = SmallPolicy.bare(tenants: 1, reserved: 0, reservedCPU: 0)
    // 10 milli for 60 s of weight 1.
    let price: Int64 = 600_000
    let kept = quanta > 1 ? price : 0
    // The k-th grant needs its price and one quantum for each of the k − 1 before it.
    let room = 10 * price + 9 * kept + random.within(0...(price + kept - 1))
    let matches: [BucketMatch] = [
      .tenant, .application(Name.application(0)),
      .serviceClass(ServiceClass(rank: UInt8(rank)) ?? .p3), .action(Name.action(0)),
    ]
    for level in 0..<depth {
      let isBinding = level == binding
      let opening = isBinding ? room : 2_000 * price + random.within(0...price)
      SmallPolicy.add(
        matches[level], under: level == 0 ? nil : level - 1, tenant: 0,
        cap: opening + (random.chance(50) ? 0 : 10 * price), opening: opening,
        debt: random.chance(50) ? 0 : 100 * price, to: &policy)
    }
    var rig = PoolRig()
    rig.begin(policy)
    for number in 0..<4 {
      guard let node = rig.enrol(number, gpus: 4) else { continue }
      rig.report(node, devices: SmallNode.gpus(number, 4))
    }
    return Scene(
      rig: rig, depth: depth, binding: binding,
      runtime: Span(ns: 60_000_000_000 * Int64(quanta)), rank: rank)
  }

  @Test func roomForTenGrantsTenProperty() throws {
    let start = ContinuousClock.now
    let seeds = Scale.cases(release: 2_000, debug: 4)
    for seed in 0..<seeds {
      var random = SplitMix64(seed: 0x10 + UInt64(seed))
      var scene = scene(&random)
      var granted = 0
      for number in 0..<1_000 {
        let spec = scene.rig.claim(
          number, rank: scene.rank,
          demand: Demand(shape: .fraction(MilliGPU(10), .zero)), lanes: [0],
          runtime: scene.runtime)
        if scene.rig.apply(.submit(spec)).verdict == .admitted { granted += 1 }
        if number % 50 == 0 {
          scene.rig.apply(.tick)
          scene.rig.pool.checkInvariants()
        }
      }
      scene.rig.apply(.tick)
      scene.rig.pool.checkInvariants()
      try must(granted == 10, "seed \(seed), depth \(scene.depth): \(granted) granted")
      try must(scene.rig.pool.leases.count == 10, "seed \(seed): leases beyond the room")
      for number in 0..<scene.depth {
        let bucket = try #require(scene.rig.pool.bucket(named: Name.bucket(number)))
        let books = scene.rig.pool.buckets[bucket].books
        try must(books.charged.value == 6_000_000, "level \(number) paid \(books)")
      }
    }
    Scale.report("room for ten grants ten, claims", seeds * 1_000, since: start)
  }
}
