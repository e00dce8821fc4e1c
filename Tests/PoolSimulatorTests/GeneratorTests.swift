import PoolAllocator
import Testing

@testable import PoolSimulator

struct GeneratorTests {
  @Test func exponentialNumbersHaveTheirMeanAndTail() {
    var random = SeededGenerator(seed: 1)
    let count = 200_000
    var sum: Int64 = 0
    var beyond = 0
    for _ in 0..<count {
      let value = random.exponential(mean: 1_000_000)
      sum += value
      if value > 3_000_000 { beyond += 1 }
    }
    // The mean's standard error is 0.22 %; e⁻³ = 4.98 % of the numbers pass three means.
    #expect(abs(sum / Int64(count) - 1_000_000) < 10_000)
    #expect((9_400...10_500).contains(beyond), "\(beyond)")
  }

  @Test func theAgendaKeepsTimeAndThenOrder() {
    var agenda = Agenda<Int>()
    var random = SeededGenerator(seed: 2)
    var expected: [(Int64, Int)] = []
    for number in 0..<500 {
      let moment = random.within(0...50)
      agenda.add(number, at: Instant(ns: moment))
      expected.append((moment, number))
    }
    expected.sort { $0 < $1 }
    var popped: [Int] = []
    while let item = agenda.popFirst(at: Instant(ns: 50)) { popped.append(item) }
    #expect(popped == expected.map(\.1))
    #expect(agenda.first == nil)
  }
}
