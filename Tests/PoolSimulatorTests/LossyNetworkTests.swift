import PoolAllocator
import Testing

@testable import PoolSimulator

/// A direction that stalls holds messages, a cut loses them.
@Suite struct LossyNetworkTests {
  private static let there = LossyNetwork<Int>.Link(from: 0, to: 1)
  private static let back = LossyNetwork<Int>.Link(from: 1, to: 0)

  private static func second(_ count: Int64) -> Instant { Instant(ns: count * 1_000_000_000) }

  /// One message a second from second 1 on, half a second or less under way.
  private static func network(sends: ClosedRange<Int>) -> LossyNetwork<Int> {
    var network = LossyNetwork<Int>(seed: 1)
    network.faults.delay = Span(ns: 500_000_000)
    for number in sends { network.send(number, over: there, at: second(Int64(number))) }
    return network
  }

  /// What arrives until a moment, each with when it did.
  private static func receive(
    from network: inout LossyNetwork<Int>, until end: Instant
  ) -> [(at: Instant, message: Int)] {
    var arrived: [(at: Instant, message: Int)] = []
    while let next = network.next, next <= end {
      while let (_, message) = network.receive(at: next) { arrived.append((next, message)) }
    }
    return arrived
  }

  @Test func whatIsHeldComesOutInOrderAfterTheStall() {
    var network = Self.network(sends: 1...40)
    let before = Self.receive(from: &network, until: Self.second(10))
    #expect(before.map(\.message) == Array(1...9))
    network.stall(Self.there, until: Self.second(30), gap: Span(ns: 100_000_000))
    let rest = Self.receive(from: &network, until: Self.second(100))
    #expect(rest.map(\.message) == Array(10...40))
    #expect(rest.first?.at == Self.second(30))
    // What comes while the queue drains joins it; once that is empty, nothing is held.
    #expect(zip(rest, rest.dropFirst()).allSatisfy { $0.0.at < $0.1.at })
    #expect((20..<31).contains(network.held))
    #expect(network.lost == 0 && network.delivered == 40)
  }

  @Test func theOtherDirectionPasses() {
    var network = Self.network(sends: 1...2)
    network.stall(Self.back, until: Self.second(30), gap: .zero)
    let arrived = Self.receive(from: &network, until: Self.second(3))
    #expect(arrived.map(\.message) == [1, 2])
    #expect(network.held == 0)
  }

  /// However much is held, it is out a bounded time after the stall.
  @Test func aStallEnds() {
    var network = Self.network(sends: 1...400)
    network.stall(Self.there, until: Self.second(350), gap: .seconds(1))
    let arrived = Self.receive(from: &network, until: Self.second(1_000))
    #expect(arrived.map(\.message) == Array(1...400))
    #expect(arrived.last { $0.message <= 349 }?.at ?? .origin <= Self.second(360))
    #expect(arrived.last?.at ?? .origin <= Self.second(401))
  }
}
