import PoolAllocator
import Testing

@testable import AgentCore

/// Orders that are obeyed, refused, doubled and late.
@Suite struct OrderTests {
  @Test func aLeaseLives() {
    var rig = AgentRig()
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))])
    #expect(rig.taken() == ["start 1"])
    #expect(rig.state(1) == .starting)
    rig.saw(.started, 1)
    #expect(rig.state(1) == .running)
    rig.pass(1)
    #expect(rig.message?.news == [news(1, nil)])
    rig.poll([AgentRig.order(1, .run(until: .seconds(60)))])
    rig.pass(6)
    #expect(rig.message?.news == [])
    rig.saw(.exited(.completed), 1)
    rig.pass(1)
    #expect(rig.message?.news == [news(1, .completed)])
    rig.answer([])
    #expect(rig.agent.leases.isEmpty)
    #expect(rig.taken() == [])
    #expect(rig.agent.fences.highest(of: AgentRig.gpu(0)) == AgentRig.fencing(1))
  }

  private func news(_ number: UInt64, _ ending: LeaseEnding?) -> LeaseNews {
    LeaseNews(
      lease: LeaseID(row: UInt32(number), generation: 1), fencing: AgentRig.fencing(number),
      ending: ending)
  }

  @Test func nothingStartsBeforeItIsStored() {
    var rig = AgentRig()
    rig.stores = false
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))])
    #expect(rig.taken() == [])
    #expect(rig.state(1) == .preparing)
    rig.agent.stored(rig.agent.record.number)
    rig.stores = true
    rig.run()
    #expect(rig.taken() == ["start 1"])
  }

  @Test func nothingIsSaidBeforeTheFirstRecordIsStored() {
    var agent = Agent(record: nil, boot: AgentRig.boot)
    agent.take(AgentRig.inventory())
    let first = agent.run(at: BootTime(ns: 0))
    #expect(first.message == nil)
    #expect(first.record?.generation == 1)
    agent.stored(99)
    agent.stored(1)
    #expect(agent.run(at: BootTime(ns: 1)).message?.generation == 1)
  }

  @Test func doubledAndOlderRepliesChangeNothing() throws {
    var rig = AgentRig()
    rig.pass(6)
    let first = try #require(rig.message)
    rig.pass(6)
    let second = try #require(rig.message)
    let start = [AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))]
    rig.agent.take(rig.reply(to: second, start), at: rig.now)
    rig.run()
    #expect(rig.taken() == ["start 1"])
    rig.agent.take(rig.reply(to: second, start), at: rig.now)
    rig.agent.take(rig.reply(to: first, []), at: rig.now)
    rig.run()
    #expect(rig.taken() == [])
    #expect(rig.state(1) == .starting)
    #expect(rig.refusals == [.replyLate, .replyLate])
  }

  @Test func aLeadershipThatIsOverIsNotObeyed() {
    var rig = AgentRig()
    rig.epoch = 3
    rig.poll([])
    rig.epoch = 2
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))])
    #expect(rig.refusals == [.epochOver])
    #expect(rig.agent.epoch == 3)
    #expect(rig.disk?.epoch == 3)
  }

  @Test(arguments: [
    (
      OrderRefusal.fencingStale, AgentRig.order(3, .start(within: .seconds(30), runs: .seconds(90)))
    ),
    (.fencingStale, AgentRig.order(5, .start(within: .seconds(30), runs: .seconds(90)))),
    (.startLate, AgentRig.order(6, .start(within: .zero, runs: .seconds(90)))),
    (.deviceUnknown, AgentRig.order(6, .start(within: .seconds(30), runs: .seconds(90)), gpu: 7)),
    (
      .deviceOccupied,
      AgentRig.order(7, .start(within: .seconds(30), runs: .seconds(90)), gpu: 1, milli: 501)
    ),
    (
      .deviceOccupied,
      AgentRig.order(7, .start(within: .seconds(30), runs: .seconds(90)), gpu: 1, memory: 501)
    ),
  ])
  func aStartIsRefused(_ because: OrderRefusal, _ order: LeaseOrder) {
    var rig = AgentRig()
    // GPU 0 has seen 5; on GPU 1 half is taken by 6.
    rig.poll([AgentRig.order(5, .start(within: .seconds(30), runs: .seconds(90)))])
    rig.saw(.started, 5)
    rig.saw(.exited(.failed), 5)
    let half = AgentRig.order(
      6, .start(within: .seconds(30), runs: .seconds(90)), gpu: 1, milli: 500, memory: 500)
    rig.poll([half])
    _ = rig.taken()
    // 5 was taken in and is forgotten; only the table knows it.
    #expect(rig.state(5) == nil)
    let isOther = order.fencing != half.fencing
    rig.poll(isOther ? [half, order] : [order])
    if isOther { #expect(rig.refusals == [because]) }
    #expect(rig.taken() == [])
  }

  @Test(arguments: [DeviceReport.Condition.dirty, .failed])
  func anUnfitDeviceIsNotUsed(_ condition: DeviceReport.Condition) {
    var rig = AgentRig()
    rig.agent.take(AgentRig.inventory(condition))
    let order = AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))
    rig.poll([order])
    #expect(rig.refusals == [.deviceUnfit])
    rig.agent.take(AgentRig.inventory())
    rig.poll([order])
    #expect(rig.taken() == ["start 1"])
  }

  @Test func sharesOfOneDeviceStartTogether() {
    var rig = AgentRig()
    rig.poll([
      AgentRig.order(2, .start(within: .seconds(30), runs: .seconds(90)), milli: 400),
      AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)), milli: 600),
    ])
    #expect(rig.taken() == ["start 1", "start 2"])
  }

  @Test func theNextHolderWaitsUntilTheOldOneIsGone() {
    var rig = AgentRig()
    rig.poll([AgentRig.order(1, .start(within: .seconds(30), runs: .seconds(90)))])
    rig.saw(.started, 1)
    _ = rig.taken()
    let next = AgentRig.order(2, .start(within: .seconds(30), runs: .seconds(90)))
    rig.poll([next])
    #expect(rig.taken() == ["stop 1"])
    #expect(rig.refusals == [.deviceOccupied])
    rig.saw(.exited(.failed), 1)
    rig.poll([next])
    #expect(rig.taken() == ["start 2"])
  }

  @Test func aStopIsObeyedWhereverTheLeaseIs() {
    var rig = AgentRig()
    // Not known, and the start that was overtaken is refused from then on.
    rig.poll([AgentRig.order(4, .stop(within: .seconds(10)))])
    #expect(rig.agent.lease(AgentRig.fencing(4))?.ending == .neverStarted)
    rig.poll([])
    rig.poll([AgentRig.order(4, .start(within: .seconds(30), runs: .seconds(90)))])
    #expect(rig.refusals == [.fencingStale])
    // Being prepared.
    rig.stores = false
    rig.poll([AgentRig.order(5, .start(within: .seconds(30), runs: .seconds(90)))])
    #expect(rig.state(5) == .preparing)
    rig.poll([AgentRig.order(5, .stop(within: .seconds(10)))])
    #expect(rig.state(5) == .gone)
    rig.stores = true
    rig.agent.stored(rig.agent.record.number)
    rig.run()
    #expect(rig.taken() == [])
    // Starting.
    rig.poll([AgentRig.order(6, .start(within: .seconds(30), runs: .seconds(90)))])
    rig.poll([AgentRig.order(6, .stop(within: .seconds(10)))])
    #expect(rig.taken() == ["start 6", "stop 6"])
    #expect(rig.state(6) == .stopping)
    rig.saw(.started, 6)
    #expect(rig.state(6) == .stopping)
  }

  @Test func aLeaseOfWhichTheRecordIsLostIsCalledGoneOnlyWhereNothingLives() {
    var rig = AgentRig()
    rig.agent.take(AgentRig.inventory(.dirty))
    rig.poll([AgentRig.order(1, .run(until: .seconds(30)))])
    rig.poll([AgentRig.order(1, .stop(within: .seconds(30)))])
    #expect(rig.refusals == [.deviceUnfit, .deviceUnfit])
    rig.agent.take(AgentRig.inventory())
    rig.poll([AgentRig.order(1, .run(until: .seconds(30)))])
    #expect(rig.agent.lease(AgentRig.fencing(1))?.ending == .failed)
  }

  @Test func anInstanceAndItsBoardExcludeEachOther() {
    var rig = AgentRig()
    var inventory = AgentRig.inventory()
    inventory.devices[1].kind = .slice
    inventory.devices[1].parent = AgentRig.gpu(0)
    rig.agent.take(inventory)
    let board = AgentRig.order(
      1, .start(within: .seconds(30), runs: .seconds(90)), gpu: 0, milli: 1)
    let instance = AgentRig.order(
      2, .start(within: .seconds(30), runs: .seconds(90)), gpu: 1, milli: 1)
    rig.poll([board, instance])
    #expect(rig.taken() == ["start 1"])
    #expect(rig.refusals == [.deviceOccupied])
  }

  @Test func noMoreLeasesThanCanBeKnown() {
    var rig = AgentRig()
    let orders = (1...UInt64(AgentLimits.leases) + 1).map {
      AgentRig.order($0, .start(within: .seconds(30), runs: .seconds(90)), milli: 1)
    }
    rig.poll(orders)
    #expect(rig.agent.leases.count == AgentLimits.leases)
    #expect(rig.refusals == [.tableFull])
  }
}
