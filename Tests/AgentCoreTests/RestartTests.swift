import PoolAllocator
import Testing

@testable import AgentCore

/// What an agent is after it was started anew, and what it says of itself.
@Suite struct RestartTests {
  private func stored() throws -> AgentRecord {
    var rig = AgentRig()
    rig.poll([
      AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)), milli: 300),
      AgentRig.order(2, .start(within: .seconds(30), runs: .seconds(90)), milli: 300),
      AgentRig.order(3, .start(within: .seconds(30), runs: .seconds(90)), milli: 300),
    ])
    for number in 1...3 { rig.saw(.started, UInt64(number)) }
    rig.poll([
      AgentRig.order(1, .run(until: .seconds(90)), milli: 300),
      AgentRig.order(2, .stop(within: .seconds(60)), milli: 300),
      AgentRig.order(3, .run(until: .seconds(90)), milli: 300),
    ])
    rig.saw(.exited(.completed), 3)
    return try #require(rig.disk)
  }

  @Test func whatMayLiveIsLookedAt() throws {
    let record = try stored()
    var rig = AgentRig(record: record)
    #expect(rig.agent.generation == record.generation + 1)
    // What had to end has to end at once; what was gone stays gone.
    #expect(rig.taken() == ["inspect 1", "stop 2"])
    #expect(rig.state(3) == .gone)
    #expect(rig.agent.lease(AgentRig.fencing(3))?.ending == .completed)
    rig.pass(1)
    #expect(rig.taken() == ["inspect 1"])
    rig.saw(.started, 1)
    #expect(rig.state(1) == .running)
    rig.saw(.exited(.failed), 2)
    rig.pass(1)
    #expect(rig.message?.news.map(\.fencing.sequence).sorted() == [1, 2, 3])
  }

  /// A report names what still has an outcome to tell, and whose devices are there.
  @Test func aReportNamesWhatIsStillToBeTold() throws {
    var rig = AgentRig(record: try stored())
    rig.saw(.started, 1)
    rig.saw(.exited(.failed), 2)
    rig.poll(nil, ask: ReportAsk(epoch: 1, number: 1))
    rig.pass(1)
    #expect(rig.message?.report?.living.map(\.sequence) == [1, 2, 3])
    var inventory = AgentRig.inventory()
    inventory.devices.removeFirst()
    rig.agent.take(inventory)
    rig.pass(1)
    #expect(rig.message?.report?.living.map(\.sequence) == [1])
  }

  @Test func whatDoesNotLiveIsGone() throws {
    var rig = AgentRig(record: try stored())
    rig.saw(.exited(.failed), 1)
    #expect(rig.state(1) == .gone)
  }

  @Test func nothingOutlivesABoot() throws {
    let record = try stored()
    let rig = AgentRig(record: record, boot: Key(high: 8, low: 2))
    #expect(rig.agent.leases.isEmpty)
    #expect(rig.agent.fences == record.fences)
    #expect(rig.agent.epoch == record.epoch)
    #expect(rig.agent.generation == record.generation + 1)
  }

  @Test func anEndThatPassedMeanwhileIsKept() throws {
    var record = try stored()
    record.leases[0].ends = BootTime(ns: 5)
    var rig = AgentRig(record: record)
    #expect(rig.taken() == ["stop 1", "stop 2"])
  }

  @Test func aReplyToAnEarlierStartIsLate() throws {
    var rig = AgentRig(record: try stored())
    let message = try #require(rig.message)
    var reply = rig.reply(to: message, [])
    reply.generation -= 1
    rig.agent.take(reply, at: rig.now)
    rig.run()
    #expect(rig.refusals == [.replyLate])
    #expect(rig.state(1) == .unsure)
  }

  /// An agent that lost its record counts from 1 after a boot as well as before.
  @Test func aReplyToAnEarlierBootIsLate() throws {
    var rig = AgentRig(record: try stored())
    let message = try #require(rig.message)
    var reply = rig.reply(to: message, [])
    reply.boot = Key(high: 77, low: 1)
    rig.agent.take(reply, at: rig.now)
    rig.run()
    #expect(rig.refusals == [.replyLate])
    (reply.boot, reply.started) = (message.boot, message.started + 1)
    rig.agent.take(reply, at: rig.now)
    rig.run()
    #expect(rig.refusals == [.replyLate, .replyLate])
    reply.started = message.started
    rig.agent.take(reply, at: rig.now)
    rig.run()
    #expect(rig.refusals == [.replyLate, .replyLate])
  }

  @Test func aLostCountGoesOnFromTheLeaders() throws {
    var rig = AgentRig()
    let message = try #require(rig.message)
    var reply = rig.reply(to: message, nil)
    reply.acceptedGeneration = 7
    rig.agent.take(reply, at: rig.now)
    rig.pass(1)
    #expect(rig.message?.generation == 8)
    #expect(rig.message?.sequence == 1)
    #expect(rig.disk?.generation == 8)
  }

  /// A start that lost its record counts a generation again: the leader heard another start with
  /// it, however far that counted.
  @Test func aCountOfAnotherStartIsLeft() throws {
    var rig = AgentRig()
    let message = try #require(rig.message)
    var reply = rig.reply(to: message, nil)
    reply.heardSequence = 1
    rig.agent.take(reply, at: rig.now)
    rig.pass(1)
    #expect(rig.message?.generation == 2)
    #expect(rig.message?.sequence == 1)
    #expect(rig.message?.started == message.started)
  }

  /// The same where the leader came up since and heard nothing: it knows a later report of that
  /// generation.
  @Test func aCountThatALaterReportHasGoesOn() throws {
    var rig = AgentRig()
    let message = try #require(rig.message)
    var reply = rig.reply(to: message, nil)
    reply.acceptedSequence = message.sequence
    rig.agent.take(reply, at: rig.now)
    rig.pass(6)
    #expect(rig.message?.generation == 1)
    let next = try #require(rig.message)
    reply = rig.reply(to: next, nil)
    reply.acceptedSequence = 82
    rig.agent.take(reply, at: rig.now)
    rig.pass(1)
    #expect(rig.message?.generation == 2)
    #expect(rig.message?.sequence == 1)
  }

  @Test func aReportAnswersAnAsk() throws {
    var rig = AgentRig()
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))])
    rig.pass(6)
    let first = try #require(rig.message)
    rig.pass(6)
    let second = try #require(rig.message)
    let ask = ReportAsk(epoch: 1, number: 4)
    rig.agent.take(rig.reply(to: first, nil, ask: ask), at: rig.now)
    rig.pass(1)
    let report = try #require(rig.message)
    #expect(report.answers == ask)
    #expect(report.report?.living == [AgentRig.fencing(1)])
    #expect(report.report?.report.sequence == report.sequence)
    // What was ordered before the report is not obeyed any more.
    let late = rig.reply(
      to: second, [AgentRig.order(2, .start(within: .seconds(30), runs: .seconds(90)), gpu: 1)])
    rig.agent.take(late, at: rig.now)
    rig.run()
    #expect(rig.refusals == [.replyLate])
    // It is said again, and a reply to the first time counts.
    rig.pass(2)
    #expect(rig.message?.answers == ask)
    #expect(rig.message?.sequence ?? 0 > report.sequence)
    rig.agent.take(rig.reply(to: report, []), at: rig.now)
    rig.run()
    #expect(rig.refusals == [.replyLate])
    #expect(rig.state(1) == .stopping)
  }

  @Test func anIncompleteInventoryIsNotReported() {
    var rig = AgentRig()
    rig.agent.take(AgentRig.inventory(isComplete: false))
    rig.poll(nil, ask: ReportAsk(epoch: 1, number: 1))
    rig.pass(3)
    #expect(rig.message?.report == nil)
    rig.agent.take(AgentRig.inventory())
    rig.pass(1)
    #expect(rig.message?.report != nil)
  }

  @Test func changedHardwareIsToldUntilItIsTakenIn() throws {
    var rig = AgentRig()
    rig.poll([])
    rig.pass(6)
    #expect(rig.message?.report == nil)
    rig.agent.take(AgentRig.inventory(.failed))
    rig.pass(1)
    let message = try #require(rig.message)
    #expect(message.report?.devices[0].condition == .failed)
    #expect(message.answers == nil)
    var reply = rig.reply(to: message, nil)
    reply.acceptedSequence = message.sequence - 1
    rig.agent.take(reply, at: rig.now)
    rig.pass(1)
    #expect(rig.message?.report != nil)
    rig.answer(nil)
    rig.pass(6)
    #expect(rig.message?.report == nil)
  }

  @Test func messagesKeepTheirDistanceAndFillUp() {
    var rig = AgentRig()
    let count = UInt64(AgentLimits.newsPerMessage) + 1
    rig.poll((1...count).map { AgentRig.order($0, .stop(within: .zero), milli: 1) })
    let first = rig.message?.sequence
    #expect(rig.agent.run(at: rig.now).message == nil)
    rig.now = rig.now + rig.agent.limits.messageGap
    rig.run()
    #expect(rig.message?.sequence == first.map { $0 + 1 })
    #expect(rig.message?.news.count == AgentLimits.newsPerMessage)
    rig.now = rig.now + rig.agent.limits.messageGap
    rig.run()
    #expect(rig.message?.news.contains { $0.fencing == AgentRig.fencing(count) } == true)
  }
}
