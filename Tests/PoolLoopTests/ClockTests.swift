import PoolAllocator
import PoolSimulator
import Testing

@testable import PoolLoop

/// The clock of a loop, and when it wants to be called.
@Suite struct ClockTests {
  private func clock(utc: Int64, recorded: Int64 = 0) -> PoolClock {
    var pool = Pool()
    var log = EventLog()
    _ = pool.apply(.begin(epoch: 1), at: Instant(ns: recorded), into: &log)
    return PoolClock(after: pool, at: ClockReading(elapsed: 0, utc: utc))
  }

  @Test func itGoesOnFromWhatWasRecordedOrFromUTC() {
    #expect(clock(utc: 50, recorded: 70).moment == Instant(ns: 70))
    #expect(clock(utc: 90, recorded: 70).moment == Instant(ns: 90))
    #expect(clock(utc: .min, recorded: 70).moment == Instant(ns: 70))
    #expect(clock(utc: .max).moment == Instant(ns: .max / 2))
  }

  @Test func itCountsWhatPassesWhateverUTCSays() {
    var clock = clock(utc: 1_000_000_000)
    // A step of UTC of an hour is followed by 500 millionths.
    let hour: Int64 = 3_600_000_000_000
    let forth = clock.read(ClockReading(elapsed: 1_000_000_000, utc: 2_000_000_000 + hour))
    #expect(forth == Instant(ns: 2_000_500_000))
    let back = clock.read(ClockReading(elapsed: 2_000_000_000, utc: 3_000_000_000 - hour))
    #expect(back == Instant(ns: 3_000_000_000))
    // Time that is at UTC is not drawn.
    let level = clock.read(ClockReading(elapsed: 3_000_000_000, utc: 4_000_000_000))
    #expect(level == Instant(ns: 4_000_000_000))
    #expect(clock.lag(behind: ClockReading(elapsed: 0, utc: 4_000_000_007)) == Span(ns: 7))
  }

  @Test func anElapsedClockThatFallsStandsStill() {
    var clock = clock(utc: 1_000)
    _ = clock.read(ClockReading(elapsed: 500, utc: 1_500))
    #expect(clock.read(ClockReading(elapsed: 100, utc: 9_000)) == Instant(ns: 1_500))
    #expect(clock.read(ClockReading(elapsed: .min, utc: 9_000)) == Instant(ns: 1_500))
    #expect(clock.read(ClockReading(elapsed: 600, utc: 1_600)) == Instant(ns: 1_600))
  }

  @Test func itNeverFallsAndIsDrawnByNoMoreThanItMay() {
    for seed in 0..<UInt64(Scale.cases(release: 200, debug: 20)) {
      var random = SeededGenerator(seed: seed)
      var many = clock(utc: 1_000_000_000)
      var one = many
      var (elapsed, utc, moment) = (Int64(0), Int64(1_000_000_000), many.moment)
      let step = random.within(-1_000_000_000_000...1_000_000_000_000)
      for _ in 0..<500 {
        let passed = random.within(0...[10, 100_000, 1_000_000_000][Int(random.below(3))])
        elapsed += passed
        utc = 1_000_000_000 + elapsed + step
        let next = many.read(ClockReading(elapsed: elapsed, utc: utc))
        #expect(next >= moment)
        #expect(abs((next - moment).ns - passed) <= passed / 2_000 + 1)
        moment = next
      }
      // Many readings come as far as one, but for the last nanosecond.
      let last = one.read(ClockReading(elapsed: elapsed, utc: utc))
      #expect(abs((last - moment).ns) <= 1)
    }
  }

  @Test func aJumpIsBelievedAsFarAsTheCoreDoes() {
    var rig = LoopRig(nodes: 1)
    let before = rig.loop.pool.now
    rig.pass(3 * 3_600)
    rig.settle()
    #expect(rig.loop.pool.now - before == Limits.clockStepMax)
    #expect(rig.loop.pool.skipped == .seconds(2 * 3_600))
    // From then on it counts as before.
    let after = rig.loop.pool.now
    rig.pass(1_000)
    rig.settle()
    #expect(rig.loop.pool.now - after == .seconds(1_000))
  }

  @Test func quietHoursAreNoJump() {
    var rig = LoopRig(nodes: 1)
    rig.settle()
    let start = rig.loop.pool.now
    for _ in 0..<40 {
      guard let wake = rig.wakeAfter else { break }
      rig.now += wake.ns
      rig.settle()
    }
    #expect(rig.loop.pool.now - start == .seconds(40 * 900))
    #expect(rig.loop.pool.skipped == .zero)
  }

  @Test func itAsksToBeCalledForTheFirstThingThatIsDue() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    // A node's next message is missed after 15 s.
    #expect(rig.wakeAfter == .seconds(15))
    rig.ask(.submit(SmallFleet.claim(0)))
    rig.settle()
    // A lease must start within 10 s.
    #expect(rig.wakeAfter == SmallFleet.startWithin)
    rig.hear(rig.message(0, sequence: 3))
    rig.settle()
    rig.hear(rig.message(0, sequence: 4))
    rig.settle()
    // A message waits for its reply for 4 s.
    #expect(rig.wakeAfter == .seconds(4))
  }

  @Test func itIsCalledInTimeWherePoolTimeIsDrawn() {
    var rig = LoopRig(nodes: 1)
    let start = rig.loop.pool.now
    // UTC is an hour ahead: pool time gains 500 millionths of 900 s.
    rig.utcAhead = 3_600_000_000_000
    rig.settle()
    #expect(rig.wakeAfter == Span(ns: 899_550_000_000))
    rig.now += 899_550_000_000
    rig.settle()
    for _ in 0..<3 where rig.loop.pool.now == start {
      rig.now += rig.wakeAfter?.ns ?? 0
      rig.settle()
    }
    #expect((rig.loop.pool.now - start).ns - 900_000_000_000 < 1_000_000)
    #expect(rig.loop.pool.now > start)
  }

  @Test func ticksAndCommandsTakeTurns() {
    var limits = LoopLimits()
    limits.commandsPerTick = 3
    var rig = LoopRig(limits: limits, nodes: 1)
    rig.join()
    // A lease that is late, so that a tick is due, and many commands.
    rig.ask(.submit(SmallFleet.claim(0)))
    rig.settle()
    rig.records = []
    rig.pass(11)
    let node = NodeID(row: 0, generation: 1)
    for index in 0..<12 { rig.ask(index % 2 == 0 ? .cordon(node) : .uncordon(node)) }
    rig.run()
    let isTick = rig.records.map { record in
      if case .tick = record.command { return true }
      return false
    }
    #expect(isTick.prefix(4).contains(true))
    // Each change of the node stirs its lane: ticks stay due, and come once in three commands.
    #expect(isTick.filter { !$0 }.count == 12)
    #expect(isTick.filter { $0 }.count >= 3)
  }

  @Test func aBatchIsBounded() {
    var limits = LoopLimits()
    limits.batchCommands = 10
    limits.newsPerMessage = 2
    var rig = LoopRig(limits: limits, nodes: 1)
    rig.records = []
    let node = NodeID(row: 0, generation: 1)
    for index in 0..<40 { rig.ask(index % 2 == 0 ? .cordon(node) : .uncordon(node)) }
    rig.run()
    let first = rig.batch?.number
    for _ in 0..<5 { rig.run() }
    #expect(rig.batch?.number == first)
    #expect(rig.batch?.records.count ?? 99 <= 10)
    #expect(rig.replies.isEmpty)
    rig.settle()
    #expect(rig.replies.count == 40)
    #expect(rig.answered == rig.answered.sorted())
  }
}
