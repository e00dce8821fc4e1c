import Foundation
import PoolSimulator
import Testing

@testable import PoolAllocator

/// What places are scored by, beside its definition.
struct FragmentationTests {
  private func mix(_ draws: inout SeededGenerator) -> [MixKind] {
    (0..<1 + draws.pick(12)).map { _ in
      let devices = [0, 1, 1, 1, 2, 4, 8][draws.pick(7)]
      let share = devices == 0 ? 0 : devices == 1 ? 50 * (1 + draws.pick(20)) : 1_000
      let cores = draws.pick(20) + (share == 0 ? 1 : 0)
      return MixKind(
        popularity: UInt32(1 + draws.pick(1_000)), devices: UInt8(devices),
        share: MilliGPU(Int32(share)), cpu: MilliCPU(Int32(1_000 * cores)),
        pools: devices == 0 ? 0 : UInt64(draws.pick(8)))
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func whatIsUnusableIsAsItIsDefined(seed: UInt64) {
    var draws = SeededGenerator(seed: seed)
    let kinds = mix(&draws)
    let rule = PlacementRule(score: .fragmentation, mix: kinds)
    #expect(rule.isSound(pools: 3))
    let index = FragmentationIndex(rule)
    for _ in 0..<50 {
      let free = (0..<1 + draws.pick(8)).map { _ in Int32(50 * draws.pick(21)) }
      let (cpu, pool) = (Int32(500 * draws.pick(40)), UInt16(draws.pick(3)))
      var expected: Int64 = 0
      for kind in kinds {
        let (share, total) = (kind.share.value, free.reduce(0, +))
        let fits =
          kind.devices > 0 && kind.pools >> UInt64(pool) & 1 == 1 && kind.cpu.value <= cpu
          && free.count { $0 >= share } >= kind.devices
        let lost = fits ? free.filter { $0 < share }.reduce(0, +) : total
        expected += Int64(kind.popularity) * Int64(lost)
      }
      #expect(index.unusable(of: free, cpu: cpu, pool: pool) == expected)
    }
  }

  /// Whole points of 100 / (1 + e^(−gain)) by the GPU.
  @Test func pointsFollowTheCurve() {
    let kind = MixKind(
      popularity: 7, devices: 1, share: .whole, cpu: MilliCPU(0), pools: 1)
    let index = FragmentationIndex(PlacementRule(score: .fragmentation, mix: [kind]))
    #expect(index.points(0) == 50 && index.points(-1) == 49)
    for gain in stride(from: -16_000, through: 16_000, by: 7) where gain != 0 {
      let exact = 100 / (1 + exp(-Double(gain) / 1_000))
      #expect(index.points(Int64(gain) * 7) == Int64(exact), "gain \(gain)")
    }
    #expect(index.points(.min / 1_000_000) == 0 && index.points(.max / 1_000_000) == 99)
  }

  @Test func rulesThatCannotBeScoredByAreUnsound() {
    let kind = MixKind(
      popularity: 1, devices: 1, share: .whole, cpu: MilliCPU(0), pools: 0b11)
    func isSound(_ change: (inout MixKind) -> Void, pools: Int = 2) -> Bool {
      var changed = kind
      change(&changed)
      return PlacementRule(score: .fragmentation, mix: [changed]).isSound(pools: pools)
    }
    #expect(isSound { _ in } && isSound({ $0.pools = .max }, pools: 64))
    #expect(PlacementRule().isSound(pools: 0))
    #expect(!PlacementRule(score: .fragmentation, mix: []).isSound(pools: 2))
    #expect(!isSound({ _ in }, pools: 1))
    #expect(!isSound { $0.popularity = 0 } && !isSound { $0.popularity = 1 << 27 })
    #expect(!isSound { $0.devices = 0 } && !isSound { $0.devices = 17 })
    #expect(!isSound { $0.share = MilliGPU(1_001) } && !isSound { $0.share = MilliGPU(0) })
    #expect(!isSound { $0.cpu = MilliCPU(-1) })
    #expect(!isSound { ($0.devices, $0.share, $0.pools) = (0, MilliGPU(0), 0) }, "it wants nothing")
    let many = PlacementRule(
      score: .fragmentation, mix: Array(repeating: kind, count: Limits.mixKinds + 1))
    #expect(!many.isSound(pools: 2))
  }
}

extension SeededGenerator {
  /// A number from 0 to one less than the bound.
  fileprivate mutating func pick(_ bound: Int) -> Int { Int(below(UInt64(bound))) }
}
