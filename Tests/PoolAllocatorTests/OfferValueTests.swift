import PoolSimulator
import Testing

@testable import PoolAllocator

/// What free room is worth, and what is learned of the mix: properties that places rest on.
struct OfferValueTests {
  // MARK: drawing

  private func kind(_ draws: inout SeededGenerator) -> MixKind {
    let devices = [0, 1, 1, 1, 1, 2, 4, 8][draws.pick(8)]
    let share = devices == 0 ? 0 : devices == 1 ? 50 * (1 + draws.pick(20)) : 1_000
    return MixKind(
      popularity: UInt32(1 + draws.pick(500)), devices: UInt8(devices),
      share: MilliGPU(Int32(share)),
      cpu: MilliCPU(Int32(500 * (draws.pick(30) + (devices == 0 ? 1 : 0)))),
      pools: devices == 0 ? 0 : UInt64(1 + draws.pick(7)))
  }

  private func basis(_ draws: inout SeededGenerator) -> OfferBasis {
    var basis = OfferBasis()
    let mix = (0..<1 + draws.pick(20)).map { _ in kind(&draws) }
    basis.kinds = MixLearner.kinds(of: mix)
    basis.supply = basis.kinds.map { _ in Int64(draws.pick(2_000)) }
    basis.seen = Int64(draws.pick(10_000))
    basis.free = (0..<3).map { _ in Int64(draws.pick(1_000_000)) }
    basis.pools = 0b111
    basis.gpuMilli = 3_000_000
    basis.cpuMilli = Int64(10_000_000 + draws.pick(100_000_000))
    basis.coresMax = 96
    basis.shapes = [.init(cpu: 96_000, gpus: 8, supply: Int64(draws.pick(100)))]
    return basis
  }

  /// The value of a node with one lane.
  private func value(
    _ offers: OfferTables, _ free: [Int32], cpu: Int32, pool: Int
  ) -> Int64 {
    var levels = OfferTables.Levels()
    for milli in free where milli < 1_000 {
      offers.add(milli: milli, of: pool, to: &levels)
    }
    let whole = free.count { $0 == 1_000 }
    offers.add(whole: whole, of: pool, to: &levels)
    return offers.value(levels, cpu: cpu) + offers.gangs(whole: whole, of: pool, cpu: cpu)
  }

  // MARK: values

  /// But for a part of a whole GPU beside others: opened, it is valued alone, and what is valued
  /// alone may be more than what is valued together.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func valuesNeverRiseWhenSomethingIsTaken(seed: UInt64) {
    var draws = SeededGenerator(seed: seed)
    let offers = OfferTables(basis(&draws))
    for _ in 0..<200 {
      let free = (0..<draws.pick(9)).map { _ in Int32(10 * [100, draws.pick(101)][draws.pick(2)]) }
      let (cpu, pool) = (Int32(500 * draws.pick(200)), draws.pick(3))
      let before = value(offers, free, cpu: cpu, pool: pool)
      #expect(before >= 0)
      for index in free.indices where free[index] > 0 {
        var less = free
        let part = Int32(10 * (1 + draws.pick(Int(free[index]) / 10)))
        less[index] -= free[index] == 1_000 ? 1_000 : part
        #expect(value(offers, less, cpu: cpu, pool: pool) <= before, "\(free) to \(less)")
      }
      let rest = cpu - Int32(draws.pick(Int(cpu) + 1))
      #expect(value(offers, free, cpu: rest, pool: pool) <= before, "cpu \(cpu) to \(rest)")
    }
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func aGPUIsWorthMoreTheMoreOfItIsFree(seed: UInt64) {
    var draws = SeededGenerator(seed: seed)
    let offers = OfferTables(basis(&draws))
    for pool in 0..<3 {
      var last: Int64 = 0
      for rest in 0...100 {
        let worth = value(offers, [Int32(10 * rest)], cpu: 96_000, pool: pool)
        #expect(worth >= last)
        last = worth
      }
      #expect(value(offers, Array(repeating: 1_000, count: 8), cpu: 96_000, pool: pool) >= last)
    }
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func valuesFollowFromTheBasisAlone(seed: UInt64) {
    var draws = SeededGenerator(seed: seed)
    let basis = basis(&draws)
    #expect(OfferTables(basis) == OfferTables(basis))
  }

  /// Work for one whole GPU, certain to come: so many GPUs, so many claims.
  @Test func whatIsCertainIsWorthItsSize() {
    var basis = OfferBasis()
    basis.kinds = [
      MixKind(popularity: 5, devices: 1, share: .whole, cpu: MilliCPU(1_000), pools: 1)
    ]
    (basis.supply, basis.free, basis.pools) = ([8], [8_000], 1)
    (basis.gpuMilli, basis.cpuMilli, basis.coresMax) = (8_000, 64_000, 64)
    let offers = OfferTables(basis)
    func worth(_ gpus: Int, cpu: Int32) -> Int64 {
      value(offers, Array(repeating: 1_000, count: gpus), cpu: cpu, pool: 0)
    }
    #expect(worth(0, cpu: 64_000) == 0)
    #expect(worth(1, cpu: 64_000) == 64_000 && worth(8, cpu: 64_000) == 512_000)
    // At the dearest price a core costs 15,343: without processor time a GPU is worth the rest.
    #expect(worth(1, cpu: 0) == 48_657 && worth(2, cpu: 0) == 2 * 48_657)
    #expect(worth(1, cpu: 500) == 48_657 + 7_671)
  }

  @Test func withoutWorkEverythingIsEqual() {
    let offers = OfferTables(OfferBasis())
    #expect(offers.isEmpty && offers == OfferTables())
    #expect(value(offers, [1_000, 300], cpu: 8_000, pool: 0) == 0)
  }

  @Test func pointsAreRoundedDown() {
    let step = OfferRule.coarse
    #expect(OfferTables.points(milli: 0, loss: 0) == 0)
    #expect(OfferTables.points(milli: 0, loss: 1) == -1)
    #expect(OfferTables.points(milli: 0, loss: step) == -1)
    #expect(OfferTables.points(milli: 0, loss: step + 1) == -2)
    #expect(OfferTables.points(milli: 40, loss: 0) == 1)
    #expect(OfferTables.points(milli: 40, loss: 1) == 0)
  }

  // MARK: the mix

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func countsDoNotDependOnTheOrder(seed: UInt64) {
    var draws = SeededGenerator(seed: seed)
    let claims = (0..<300).map { _ in
      var one = kind(&draws)
      one.popularity = 1
      return one
    }
    var (first, second) = (MixLearner(), MixLearner())
    for claim in claims { first.count(claim) }
    for claim in claims.shuffled(using: &draws) { second.count(claim) }
    #expect(first == second && first.total == 300)
    #expect(zip(first.kinds, first.kinds.dropFirst()).allSatisfy { $0.precedes($1) })
    #expect(MixLearner.kinds(of: claims) == first.kinds, "a known mix is put in the same order")
  }

  @Test func oldWorkIsForgotten() {
    var learner = MixLearner()
    var kind = MixKind(
      popularity: 1, devices: 1, share: .whole, cpu: MilliCPU(0), pools: 1)
    learner.count(kind)
    kind.share = MilliGPU(500)
    for _ in 1..<OfferRule.forgetsAt - 1 { learner.count(kind) }
    #expect(learner.total == OfferRule.forgetsAt - 1 && learner.kinds.count == 2)
    learner.count(kind)
    #expect(learner.kinds.count == 1, "what came once is nothing by halves")
    #expect(learner.total == (OfferRule.forgetsAt - 1) / 2)
  }

  @Test func kindsAreBounded() {
    var learner = MixLearner()
    func kind(_ number: Int) -> MixKind {
      MixKind(
        popularity: number == 3 ? 1 : 2, devices: 1, share: .whole,
        cpu: MilliCPU(Int32(number)), pools: 1)
    }
    for number in 0..<Limits.mixKinds { learner.count(kind(number)) }
    let total = learner.total
    learner.count(kind(Limits.mixKinds))
    #expect(learner.kinds.count == Limits.mixKinds && learner.total == total + 1)
    #expect(!learner.kinds.contains { $0.cpu.value == 3 }, "the least goes")
  }

  @Test func valuesAreDueMoreSeldomTheMoreCame() {
    var learner = MixLearner()
    let due = (1...3_000).filter { _ in learner.arrive() }
    #expect(due.prefix(5) == [16, 32, 48, 64, 80])
    #expect(zip(due, due.dropFirst()).allSatisfy { 16...500 ~= $1 - $0 })
    #expect(due.suffix(2).first.map { due.last == $0 + 500 } ?? false)
    var knowing = MixLearner(isKnown: true)
    let isDue = knowing.arrive()
    #expect(isDue)
  }

  @Test func sharesOfSeveralGPUsCountApart() {
    let kind = MixKind(
      popularity: 3, devices: 4, share: MilliGPU(250), cpu: MilliCPU(8_000), pools: 1)
    let part = MixKind(
      popularity: 12, devices: 1, share: MilliGPU(250), cpu: MilliCPU(2_000), pools: 1)
    #expect(kind.inParts == part && part.inParts == part)
  }
}

extension SeededGenerator {
  /// A number from 0 to one less than the bound.
  fileprivate mutating func pick(_ bound: Int) -> Int { Int(below(UInt64(bound))) }
}
