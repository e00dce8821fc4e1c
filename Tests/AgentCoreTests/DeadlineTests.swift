import PoolAllocator
import PoolSimulator
import Testing

@testable import AgentCore

/// When an agent ends a lease by itself.
@Suite struct DeadlineTests {
  private let limits = AgentLimits()

  /// A rig with lease 1 running, acknowledged, and ending 60 s after its message was sent.
  private func running(after span: Span = .zero) -> (rig: AgentRig, sent: BootTime) {
    var rig = AgentRig()
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))])
    rig.saw(.started, 1)
    rig.pass(6)
    let sent = rig.now
    rig.answer([AgentRig.order(1, .run(until: .seconds(60)))], after: span)
    _ = rig.taken()
    return (rig, sent)
  }

  @Test func anEndCountsFromTheSendingOfTheMessage() {
    for seconds in [Int64(0), 3] {
      let (rig, sent) = running(after: .seconds(seconds))
      #expect(rig.agent.leases[0].ends == sent + limits.shortened(.seconds(60)))
    }
  }

  @Test func workThatIsNotExtendedEndsInTime() {
    var (rig, sent) = running()
    let ends = sent + limits.shortened(.seconds(60))
    rig.now = BootTime(ns: ends.ns - 1)
    rig.run()
    #expect(rig.taken() == [])
    rig.now = ends
    rig.run()
    #expect(rig.taken() == ["stop 1"])
    // It has until a second before the kill deadline, and is killed again and again from then on.
    let kill = ends + Span(ns: limits.shortened(.seconds(10)).ns - 1_000_000_000)
    rig.now = BootTime(ns: kill.ns - 1)
    rig.run()
    #expect(rig.taken() == [])
    rig.now = kill
    rig.run()
    #expect(rig.taken() == ["kill 1"])
    rig.pass(1)
    #expect(rig.taken() == ["kill 1"])
    rig.saw(.exited(.failed), 1)
    #expect(rig.agent.leases[0].ending == .expired)
    rig.pass(60)
    #expect(rig.taken() == [])
  }

  @Test func workThatIsDoneWhileItIsEndedIsDone() {
    var (rig, _) = running()
    rig.pass(61)
    rig.saw(.exited(.completed), 1)
    #expect(rig.agent.leases[0].ending == .completed)
  }

  @Test func withinALeadershipTheLatestEndCounts() {
    var (rig, _) = running()
    let ends = rig.agent.leases[0].ends
    rig.poll([AgentRig.order(1, .run(until: .seconds(20)))])
    #expect(rig.agent.leases[0].ends == ends)
    rig.poll([AgentRig.order(1, .run(until: .seconds(90)))])
    #expect(rig.agent.leases[0].ends > ends)
    #expect(rig.disk?.leases[0].ends == rig.agent.leases[0].ends)
    rig.epoch = 2
    rig.poll([AgentRig.order(1, .run(until: .seconds(5)))])
    #expect(rig.agent.leases[0].ends < ends)
  }

  @Test func whatIsNotAcknowledgedEndsWithItsStartDeadline() {
    var rig = AgentRig()
    rig.poll([AgentRig.order(1, .start(within: .seconds(10), runs: .seconds(90)))])
    rig.saw(.started, 1)
    _ = rig.taken()
    rig.pass(9)
    #expect(rig.taken() == [])
    rig.pass(1)
    #expect(rig.taken() == ["stop 1"])
  }

  @Test func aFirstEndMayBeBeforeTheStartDeadline() {
    // It runs for 4 s from its start, and has 30 s to start: nobody knows when that was taken in.
    var rig = AgentRig()
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(4)))])
    let taken = rig.now
    rig.saw(.started, 1)
    #expect(rig.agent.leases[0].ends == taken + limits.shortened(.seconds(4)))
    rig.pass(1)
    rig.answer([AgentRig.order(1, .start(within: .seconds(29), runs: .seconds(4)))])
    #expect(rig.agent.leases[0].ends == taken + limits.shortened(.seconds(4)))
    // The first end that was taken in counts, also where it is earlier.
    rig.pass(1)
    let sent = rig.now
    rig.answer([AgentRig.order(1, .run(until: .seconds(1)))])
    #expect(rig.agent.leases[0].ends == sent + limits.shortened(.seconds(1)))
  }

  @Test func whatCannotBeStoredInTimeIsNotStarted() {
    var rig = AgentRig()
    rig.stores = false
    rig.poll([AgentRig.order(1, .start(within: .seconds(10), runs: .seconds(90)))])
    rig.pass(10)
    rig.agent.stored(rig.agent.record.number)
    rig.stores = true
    rig.run()
    #expect(rig.taken() == [])
    #expect(rig.agent.leases[0].ending == .neverStarted)
  }

  @Test func anEarlierKillDeadlineCounts() {
    var (rig, _) = running()
    rig.poll([AgentRig.order(1, .stop(within: .seconds(100)))])
    let first = rig.agent.leases[0].killAt
    rig.poll([AgentRig.order(1, .stop(within: .seconds(200)))])
    #expect(rig.agent.leases[0].killAt == first)
    rig.poll([AgentRig.order(1, .stop(within: .zero))])
    #expect(rig.agent.leases[0].killAt < rig.now)
    #expect(rig.taken() == ["stop 1", "kill 1"])
  }

  /// The inequality of the decision note: whatever the rates of the clocks within what is allowed,
  /// the node has counted a shortened span before the pool has counted the whole one.
  @Test func aShortenedSpanIsOverFirst() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<Scale.cases(release: 100_000, debug: 10_000) {
      let span = Span(ns: random.within(0...(1 << Int64(random.within(1...54)))))
      // Pool time at 1 + p, the node's clock at 1 - n millionths, together what is allowed.
      let pool = random.within(0...2_000)
      let node = random.within(0...(2_000 - pool))
      let short = limits.shortened(span)
      // True time that each needs: span / (1 + p), short / (1 - n); compared without fractions.
      let poolNeeds = Int128(span.ns) * Int128(1_000_000 - node)
      let nodeNeeds = Int128(short.ns) * Int128(1_000_000 + pool)
      #expect(nodeNeeds <= poolNeeds)
      #expect(short <= span && short >= .zero)
    }
  }
}

/// How many cases a property test runs: many in release, few in debug.
enum Scale {
  static func cases(release: Int, debug: Int) -> Int {
    #if DEBUG
      debug
    #else
      release
    #endif
  }
}
