import PoolAllocator
import PoolSimulator
import Testing

@testable import PoolLoop

/// What agents say, and what they are told.
@Suite struct NodeTests {
  /// A rig with a node that is ready and has a lease for it.
  private func granted(_ claims: Int = 1) -> LoopRig {
    var rig = LoopRig(nodes: 1)
    rig.join()
    for number in 0..<claims { rig.ask(.submit(SmallFleet.claim(number))) }
    rig.settle()
    return rig
  }

  /// The same, with its start confirmed by message 3.
  private func running(_ claims: Int = 1) -> LoopRig {
    var rig = granted(claims)
    rig.hear(rig.message(0, sequence: 3, news: (0..<claims).map { rig.news($0) }))
    rig.settle()
    return rig
  }

  @Test func aNodeIsAskedForAReportAndThenReady() {
    var rig = LoopRig(nodes: 1)
    rig.hear(rig.message(0, sequence: 1))
    rig.settle()
    #expect(rig.nodeReplies.last?.ask == ReportAsk(epoch: 1, number: 1))
    #expect(rig.nodeReplies.last?.orders == nil)
    // A report that nobody asked for, or for another ask, is none.
    var other = rig.message(0, sequence: 2, answers: ReportAsk(epoch: 1, number: 9))
    rig.hear(other)
    other = rig.message(0, sequence: 3, answers: ReportAsk(epoch: 1, number: 1))
    other.answers = nil
    rig.hear(other)
    rig.settle()
    #expect(rig.node?.reach == .enrolled)
    #expect(rig.nodeReplies.last?.ask == ReportAsk(epoch: 1, number: 1))
    rig.hear(rig.message(0, sequence: 4, answers: ReportAsk(epoch: 1, number: 1)))
    rig.settle()
    #expect(rig.node?.reach == .ready)
    #expect(rig.nodeReplies.last?.ask == nil)
    #expect(rig.nodeReplies.last?.orders?.isEmpty == true)
    #expect(rig.nodeReplies.last?.acceptedSequence == 4)
  }

  @Test func aReportMustBeOfItsMessage() {
    var rig = LoopRig(nodes: 1)
    rig.hear(rig.message(0, sequence: 1))
    rig.settle()
    var message = rig.message(0, sequence: 2, answers: ReportAsk(epoch: 1, number: 1))
    message.report?.report.sequence = 90
    rig.hear(message)
    rig.settle()
    #expect(rig.node?.reach == .enrolled)
  }

  @Test func orders() throws {
    var rig = granted()
    rig.hear(rig.message(0, sequence: 3))
    rig.settle()
    let order = try #require(rig.nodeReplies.last?.orders?.first)
    #expect(order.verb == .start(within: SmallFleet.startWithin, runs: SmallFleet.quantum))
    #expect(order.claim == SmallFleet.key(10, 0))
    #expect(order.killWithin == SmallFleet.killWithin)
    #expect(order.devices.map(\.milli) == [.whole])
    #expect(order.devices[0].device.high == 9)
    rig.hear(rig.message(0, sequence: 4, news: [rig.news(0)]))
    rig.settle()
    #expect(rig.nodeReplies.last?.orders?.first?.verb == .run(until: SmallFleet.quantum))
    rig.ask(.cancel(try #require(rig.loop.pool.claim(named: SmallFleet.key(10, 0)))))
    rig.hear(rig.message(0, sequence: 5))
    rig.settle()
    #expect(rig.nodeReplies.last?.orders?.first?.verb == .stop(within: SmallFleet.killWithin))
    // Past its kill deadline it must be gone at once.
    rig.pass(9)
    rig.hear(rig.message(0, sequence: 6))
    rig.settle()
    rig.hear(rig.message(0, sequence: 7, seen: 0))
    rig.settle()
    #expect(rig.nodeReplies.last?.orders?.first?.verb == .stop(within: .zero))
  }

  @Test func spansCountFromTheArrivalOfTheMessage() {
    var rig = granted()
    rig.hear(rig.message(0, sequence: 3))
    rig.pass(3)
    rig.settle()
    // It waited for three seconds, and is told what was true when it came.
    #expect(
      rig.nodeReplies.last?.orders?.first?.verb
        == .start(within: SmallFleet.startWithin, runs: SmallFleet.quantum))
  }

  @Test func ordersWaitForTheirRecordsToBeDurable() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    rig.ask(.submit(SmallFleet.claim(0)))
    rig.run()
    rig.hear(rig.message(0, sequence: 3, seen: 0))
    rig.run()
    #expect(rig.batch != nil)
    #expect(rig.nodeReplies.isEmpty)
    rig.write()
    #expect(rig.nodeReplies.count == 1)
    #expect(rig.nodeReplies[0].orders?.count == 1)
  }

  @Test func aMessageIsHeldUntilThereIsSomethingToSay() {
    var rig = granted()
    rig.hear(rig.message(0, sequence: 3))
    rig.settle()
    rig.nodeReplies = []
    rig.hear(rig.message(0, sequence: 4))
    rig.settle()
    #expect(rig.nodeReplies.isEmpty)
    rig.ask(.submit(SmallFleet.claim(1)))
    rig.settle()
    #expect(rig.nodeReplies.map(\.sequence) == [4])
    #expect(rig.nodeReplies[0].orders?.count == 2)
    // Nothing happens: it is told so after a while.
    rig.hear(rig.message(0, sequence: 5))
    rig.settle()
    rig.pass(4)
    rig.settle()
    #expect(rig.nodeReplies.map(\.sequence) == [4, 5])
    #expect(rig.nodeReplies[1].orders == nil)
    // A reply that it has not seen is said again.
    rig.hear(rig.message(0, sequence: 6, seen: 3))
    rig.settle()
    #expect(rig.nodeReplies.last?.orders?.count == 2)
  }

  @Test func aNewerMessageTakesThePlaceOfAHeldOne() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    rig.hear(rig.message(0, sequence: 3))
    rig.settle()
    rig.hear(rig.message(0, sequence: 4, seen: 2))
    rig.settle()
    rig.pass(5)
    rig.settle()
    #expect(rig.nodeReplies.map(\.sequence) == [4])
  }

  @Test func lateMessagesAreNotTaken() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    #expect(rig.hear(rig.message(0, sequence: 2)) == .messageLate)
    #expect(
      rig.loop.take(rig.message(0, sequence: 9), from: Key(high: 0, low: 0), at: rig.reading)
        == .unknownNode)
    rig.hear(rig.message(0, generation: 5, sequence: 1))
    rig.settle()
    rig.nodeReplies = []
    // Of an earlier start: it may have lost its count, and is told.
    #expect(rig.hear(rig.message(0, generation: 2, sequence: 9)) == .messageLate)
    rig.settle()
    #expect(rig.nodeReplies.map(\.acceptedGeneration) == [5])
    #expect(rig.nodeReplies.map(\.generation) == [2])
  }

  /// An agent that lost its record counts again what was heard of an earlier start. Whichever of
  /// the two comes second is told to count on, however far it counted; what is late alone is not.
  @Test func aCountOfAnotherStartIsCorrected() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    rig.hear(rig.message(0, sequence: 90, seen: 80))
    rig.settle()
    rig.nodeReplies = []
    #expect(rig.hear(rig.message(0, sequence: 3, seen: 0)) == .messageLate)
    rig.settle()
    #expect(rig.nodeReplies.isEmpty)
    for sequence in [3, 91] as [UInt64] {
      rig.nodeReplies = []
      let message = rig.message(0, started: 7, sequence: sequence)
      #expect(rig.hear(message) == .messageLate)
      #expect(rig.hear(rig.message(0, boot: 1, sequence: sequence)) == .messageLate)
      rig.settle()
      #expect(rig.nodeReplies.map(\.heardSequence) == [90, 90])
      #expect(rig.nodeReplies.map(\.started) == [7, 0])
      #expect(rig.nodeReplies.allSatisfy { $0.ask == nil && $0.orders == nil })
    }
    #expect(rig.node?.reach == .ready)
  }

  /// What a lease ran on is dirty for an agent that lost its record, and was clean for the start
  /// before, whose lease explained what lives there: a report of that one must not free it.
  @Test func aLateReportOfAnEarlierStartFreesNothing() {
    var rig = LoopRig(nodes: 1)
    rig.hear(rig.message(0, started: 9, sequence: 1))
    rig.settle()
    var account = rig.message(0, started: 9, sequence: 2, answers: rig.nodeReplies.last?.ask)
    account.report?.devices[0].condition = .dirty
    rig.hear(account)
    rig.settle()
    #expect(rig.health == [.dirty, .usable])
    var late = rig.message(0, sequence: 16)
    late.report = SmallFleet.advertisement(0, sequence: 16)
    #expect(rig.hear(late) == .messageLate)
    rig.settle()
    #expect(rig.health == [.dirty, .usable])
    // Of its own start it is what is there.
    late.started = 9
    #expect(rig.hear(late) == nil)
    rig.settle()
    #expect(rig.health == [.usable, .usable])
  }

  @Test func silenceAndSignsOfLifeBecomeCommandsAtTheEdgesOnly() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    let count = rig.records.count
    for sequence in 3..<UInt64(13) {
      rig.pass(5)
      rig.hear(rig.message(0, sequence: sequence))
      rig.settle()
    }
    #expect(rig.records.count == count)
    rig.pass(15)
    rig.settle()
    #expect(rig.node?.reach == .suspect)
    rig.hear(rig.message(0, sequence: 13))
    rig.settle()
    #expect(rig.node?.reach == .suspect)
    rig.hear(rig.message(0, sequence: 14))
    rig.settle()
    #expect(rig.node?.reach == .ready)
    rig.pass(15)
    rig.settle()
    rig.pass(30)
    rig.settle()
    #expect(rig.node?.reach == .silent)
    rig.hear(rig.message(0, sequence: 15))
    rig.settle()
    #expect(rig.node?.reach == .recovering)
    #expect(rig.nodeReplies.last?.ask?.number == 2)
  }

  @Test func itIsKnownHowLongANodeIsSilent() throws {
    var rig = LoopRig(nodes: 1)
    let node = try #require(rig.loop.pool.node(named: SmallFleet.node(0)))
    #expect(rig.loop.silence(of: node, at: rig.reading) == nil)
    rig.join()
    rig.pass(7)
    // Nothing has to run for it.
    #expect(rig.loop.silence(of: node, at: rig.reading) == Span.seconds(7))
    rig.hear(rig.message(0, sequence: 3))
    #expect(rig.loop.silence(of: node, at: rig.reading) == Span.zero)
  }

  @Test func aMessageThatWaitsIsASignOfLifeAllTheSame() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    rig.pass(14)
    rig.hear(rig.message(0, sequence: 3))
    rig.pass(14)
    rig.settle()
    #expect(rig.node?.reach == .ready)
  }

  @Test func aRestartOfTheAgentIsAnsweredByAnAsk() {
    var rig = running()
    rig.hear(rig.message(0, generation: 2, sequence: 1, seen: 0))
    rig.settle()
    guard let ask = rig.nodeReplies.last?.ask else {
      Issue.record("no report is asked for")
      return
    }
    #expect(rig.nodeReplies.last?.orders == nil)
    // It is still ready: what lives is said by its news, not by the report.
    rig.hear(
      rig.message(0, generation: 2, sequence: 2, news: [rig.news(0, .failed)], answers: ask))
    rig.settle()
    #expect(rig.leases.isEmpty)
    #expect(rig.node?.report.generation == 2)
  }

  /// Work that came to its end while nobody was heard is done, not lost.
  @Test func anAccountNamesWhatIsToldInItsNews() throws {
    var rig = running()
    let claim = try #require(rig.loop.pool.claim(named: SmallFleet.key(10, 0)))
    rig.pass(16)
    rig.settle()
    rig.pass(31)
    rig.settle()
    #expect(rig.node?.reach == .silent)
    let fencing = rig.leases[0].lease.fencing
    rig.hear(rig.message(0, sequence: 4))
    rig.settle()
    let ask = try #require(rig.nodeReplies.last?.ask)
    rig.hear(
      rig.message(
        0, sequence: 5, news: [rig.news(0, .completed)], answers: ask, living: [fencing]))
    rig.settle()
    #expect(rig.leases.isEmpty)
    #expect(rig.loop.pool.claim(claim) == nil)
  }

  @Test func nothingOutlivesABoot() {
    var rig = running()
    let old = rig.leases[0].id
    rig.hear(rig.message(0, boot: 1, generation: 2, sequence: 1, seen: 0))
    rig.settle()
    #expect(rig.loop.pool.lease(old)?.state == .active)
    guard let ask = rig.nodeReplies.last?.ask else {
      Issue.record("no report is asked for")
      return
    }
    rig.hear(rig.message(0, boot: 1, generation: 2, sequence: 2, answers: ask))
    rig.settle()
    #expect(rig.loop.pool.lease(old) == nil)
    #expect(rig.nodeReplies.last?.orders?.contains { $0.lease == old } == false)
    #expect(rig.node?.reach == .ready)
  }

  @Test func aNewLeadershipGrantsNothingBeforeANodeReported() throws {
    var before = running()
    let fencing = before.leases[0].lease.fencing
    let late = before.message(0, sequence: 4, answers: ReportAsk(epoch: 1, number: 1))
    var rig = LoopRig()
    rig.loop = Loop(after: before.loop.pool, at: before.reading)
    rig.now = before.now
    rig.settle()
    #expect(rig.loop.epoch == 2)
    rig.ask(.submit(SmallFleet.claim(5)))
    rig.settle()
    #expect(rig.replies.last?.answer?.decision.verdict == .queued)
    // A report from before, which names nothing, comes late: it is no proof.
    rig.hear(late)
    rig.settle()
    #expect(rig.leases.map(\.lease.state) == [.quarantined])
    let ask = try #require(rig.nodeReplies.last?.ask)
    #expect(ask.epoch == 2)
    rig.hear(rig.message(0, sequence: 5, answers: ask, living: [fencing]))
    rig.settle()
    #expect(rig.leases.first?.lease.state == .active)
    #expect(rig.leases.count == 2)
    #expect(rig.leases[1].lease.fencing.epoch == 2)
    _ = before.hear(late)
  }

  @Test(arguments: [
    (LeaseEnding?.none, [LeaseState.active]), (.completed, []), (.failed, []),
    (.neverStarted, [.granted]), (.expired, [.granted]),
  ])
  func newsOfAGrantedLease(_ ending: LeaseEnding?, _ left: [LeaseState]) {
    var rig = granted()
    rig.hear(rig.message(0, sequence: 3, news: [rig.news(0, ending)]))
    rig.settle()
    #expect(rig.leases.map(\.lease.state) == left)
    #expect((rig.loop.pool.claim(named: SmallFleet.key(10, 0)) == nil) == left.isEmpty)
  }

  @Test func newsOfARunningLease() {
    for ending in [LeaseEnding.completed, .failed] {
      var rig = running()
      rig.hear(rig.message(0, sequence: 4, news: [rig.news(0, ending)]))
      rig.settle()
      #expect(rig.leases.isEmpty)
      #expect(rig.nodeReplies.last?.orders?.isEmpty == true)
    }
  }

  @Test func workThatItsAgentEndedWaitsForItsEnd() throws {
    // Near its end it ends by itself, as expired; far from it, because it was extended, at once.
    var rig = running()
    rig.pass(15)
    rig.hear(rig.message(0, sequence: 4, news: [rig.news(0, .expired)]))
    rig.settle()
    #expect(rig.leases.map(\.lease.state) == [.active])
    rig.pass(5)
    rig.settle()
    #expect(rig.leases.map(\.lease.cause) == [.expired])
    rig.hear(rig.message(0, sequence: 5, news: [rig.news(0, .expired)]))
    rig.settle()
    #expect(rig.leases.isEmpty)
    rig = running()
    rig.pass(11)
    rig.ask(.renew(rig.leases[0].id, rig.leases[0].lease.fencing))
    rig.settle()
    rig.hear(rig.message(0, sequence: 4, news: [rig.news(0, .expired)]))
    rig.settle()
    #expect(rig.leases.map(\.lease.state) == [.granted])
  }

  /// The reply to "it runs" was lost, so its agent ended the work at the start deadline: the claim
  /// has not failed, and is granted again.
  @Test func workWhoseStartWasNotAcknowledgedWaitsAgain() throws {
    for ending in [LeaseEnding.expired, .neverStarted] {
      var rig = running()
      let (first, claim) = (rig.leases[0], SmallFleet.key(10, 0))
      rig.pass(3)
      rig.hear(rig.message(0, sequence: 4, seen: 2, news: [rig.news(0, ending)]))
      rig.settle()
      #expect(rig.leases.map(\.lease.state) == [.granted])
      #expect(rig.leases[0].lease.fencing > first.lease.fencing)
      let id = try #require(rig.loop.pool.claim(named: claim))
      #expect(rig.loop.pool.claim(id)?.state == .starting)
    }
  }

  @Test func newsOfStrangersChangeNothing() {
    var rig = running(2)
    let count = rig.records.count
    var news = rig.news(0, .completed)
    news.fencing = Fencing(raw: 7)
    rig.hear(rig.message(0, sequence: 4, news: [news]))
    rig.settle()
    #expect(rig.leases.count == 2)
    #expect(rig.records.count == count)
    // It is told what there is, so that it forgets the rest.
    #expect(rig.nodeReplies.last?.orders?.count == 2)
  }

  @Test func aMessageGivesAsManyNewsAsABatchTakes() {
    var limits = LoopLimits()
    limits.newsPerMessage = 1
    var rig = LoopRig(limits: limits, nodes: 1)
    rig.join()
    for number in 0..<2 { rig.ask(.submit(SmallFleet.claim(number))) }
    rig.settle()
    rig.hear(rig.message(0, sequence: 3, news: [rig.news(0), rig.news(1)]))
    rig.settle()
    #expect(rig.leases.map(\.lease.state) == [.active, .granted])
  }

  /// A ring of rows beside an array.
  @Test func aRingKeepsTheOrder() {
    var random = SeededGenerator(seed: 9)
    var (ring, model) = (RowRing(), [UInt32]())
    for _ in 0..<Scale.cases(release: 100_000, debug: 5_000) {
      let row = UInt32(random.below(12))
      model.removeAll { $0 == row }
      if random.below(3) > 0 {
        ring.append(row)
        model.append(row)
      } else {
        ring.remove(row)
      }
      #expect(ring.first == model.first)
    }
  }
}
