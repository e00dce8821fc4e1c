import PoolAllocator
import Testing

@testable import PoolSimulator

/// The parts of a scenario by themselves: when claims arrive, and how figures are taken.
@Suite("Parts of scenarios")
struct ScenarioPartTests {
  private static func stream(
    _ arrivals: ScenarioStream.Arrivals, from: Int64 = 0, until: Int64? = nil
  ) -> ScenarioStream {
    let key = Key(high: 1, low: 1)
    var stream = ScenarioStream(
      name: "x",
      claim: ClaimSpec(
        key: key, tenant: key, service: key, action: key, modelClass: key,
        demand: Demand(shape: .whole), lanes: .none, runtimeMax: .seconds(1)),
      lanes: [], arrivals: arrivals,
      runs: ScenarioStream.Runs(least: .seconds(1), most: .seconds(2)))
    stream.from = .seconds(from)
    stream.until = until.map { .seconds($0) }
    return stream
  }

  private static func moments(_ stream: ScenarioStream, seed: UInt64 = 1) -> [Int64] {
    var random = SeededGenerator(seed: seed)
    return stream.moments(until: .seconds(100), &random).map { $0.ns / 1_000_000_000 }
  }

  @Test("steady, burst and ramp arrive when they say")
  func arrivals() {
    #expect(
      Self.moments(Self.stream(.steady(every: .seconds(30)), from: 5)) == [5, 35, 65, 95])
    #expect(
      Self.moments(Self.stream(.steady(every: .seconds(30)), until: 60)) == [0, 30])
    #expect(
      Self.moments(Self.stream(.burst(count: 2, every: .seconds(60)), from: 10))
        == [10, 10, 70, 70])
    #expect(Self.moments(Self.stream(.burst(count: 3, every: nil), from: 10)) == [10, 10, 10])
    let ramp = Self.moments(Self.stream(.ramp(from: .seconds(20), to: .seconds(2))))
    let gaps = zip(ramp, ramp.dropFirst()).map { $1 - $0 }
    #expect(gaps.first == 20)
    #expect(gaps.last.map { $0 <= 4 } == true)
    #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $0 + 1 >= $1 })
  }

  @Test("random arrivals have their mean, and rest on the seed alone")
  func random() {
    let stream = Self.stream(.random(mean: Span(ns: 100_000_000)))
    let moments = Self.moments(stream)
    #expect((800...1_200).contains(moments.count))
    #expect(moments == Self.moments(stream))
    #expect(moments != Self.moments(stream, seed: 2))
  }

  private static func tally(waits: [Int64?]) -> ScenarioTally {
    var tally = ScenarioTally()
    for wait in waits {
      var fate = ScenarioFate(stream: 0, arrives: .zero)
      fate.submitted = .origin
      fate.granted = wait.map { .origin + .seconds($0) }
      fate.ended = .origin + .seconds(1_000)
      fate.end = wait == nil ? .queueTimeExceeded : .completed
      tally.fates.append(fate)
    }
    return tally
  }

  private static func line(
    _ measure: ScenarioMeasure, _ side: ScenarioAssertion.Side, _ limit: Int64,
    _ tally: ScenarioTally, streams: [Int] = [0]
  ) -> ScenarioOutcome.Line {
    ScenarioAssertion(name: "x", measure: measure, streams: streams, side: side, limit: limit)
      .check(tally)
  }

  @Test("percentiles are nearest ranks; who was never served waited to its end")
  func percentiles() {
    let tally = Self.tally(waits: (1...99).map { $0 } + [nil])
    #expect(Self.line(.wait(percent: 50), .atMost, 0, tally).figure == 50_000)
    #expect(Self.line(.wait(percent: 99), .atMost, 0, tally).figure == 99_000)
    #expect(Self.line(.wait(percent: 100), .atMost, 0, tally).figure == 1_000_000)
    #expect(Self.line(.lost, .atMost, 0, tally).figure == 1_000)
    #expect(Self.line(.completedPercent, .atLeast, 99_000, tally).holds)
    #expect(!Self.line(.completedPercent, .atLeast, 99_001, tally).holds)
    #expect(Self.line(.liveMax, .atMost, 100_000, tally).holds)
  }

  @Test("what is not there holds on neither side")
  func nothing() {
    let tally = Self.tally(waits: [1])
    for side in [ScenarioAssertion.Side.atMost, .atLeast] {
      let line = Self.line(.wait(percent: 99), side, 0, tally, streams: [])
      #expect(line.figure == nil && !line.holds)
    }
    #expect(!Self.line(.overBound, .atMost, 0, tally).holds, "nobody was told a moment")
    #expect(!Self.line(.reclaimMax, .atMost, 0, tally).holds, "nothing was reclaimed")
  }
}
