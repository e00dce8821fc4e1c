import PoolAllocator
import PoolSimulator
import Testing

@testable import PoolLoop

/// Requests, their replies and their names.
@Suite struct RequestTests {
  @Test func aReplyWaitsForItsBatchAndForThoseBeforeIt() {
    var rig = LoopRig(nodes: 1)
    rig.ask(.cordon(NodeID(row: 0, generation: 1)))
    rig.run()
    #expect(rig.batch?.records.count == 1)
    #expect(rig.replies.isEmpty)
    // The next batch fills meanwhile and is not given out.
    rig.ask(.uncordon(NodeID(row: 0, generation: 1)))
    let first = rig.batch?.number
    rig.run()
    #expect(rig.batch?.number == first)
    #expect(rig.replies.isEmpty)
    rig.write()
    #expect(rig.replies.count == 1)
    #expect(rig.batch?.number == first.map { $0 + 1 })
    rig.write()
    #expect(rig.replies.count == 2)
    #expect(rig.answered == rig.answered.sorted())
  }

  @Test func theEpochIsTheFirstRecord() {
    var rig = LoopRig()
    rig.ask(.activate(PolicyGeneration(1), SmallFleet.policy))
    rig.run()
    guard case .begin(let epoch) = rig.batch?.records.first?.command else {
      Issue.record("no epoch is begun")
      return
    }
    #expect(epoch == 1)
    #expect(rig.batch?.number == 1)
  }

  @Test func aFailedBatchEndsTheLoop() {
    var rig = LoopRig(nodes: 1)
    rig.ask(.cordon(NodeID(row: 0, generation: 1)))
    rig.run()
    rig.ask(.uncordon(NodeID(row: 0, generation: 1)))
    // Another number is not the one under way.
    rig.loop.batchFailed((rig.batch?.number ?? 0) + 1)
    #expect(!rig.loop.isEnded)
    rig.loop.batchFailed(rig.batch?.number ?? 0)
    #expect(rig.loop.isEnded)
    #expect(rig.ask(.tick) == .ended)
    #expect(rig.hear(rig.message(0, sequence: 1)) == .ended)
    let number = rig.batch?.number
    rig.batch = nil
    rig.loop.batchIsDurable(number ?? 0)
    rig.run()
    #expect(rig.batch == nil)
    #expect(rig.replies.isEmpty)
    #expect(rig.wakeAfter == nil)
  }

  @Test func aFullInboxSaysSo() {
    var limits = LoopLimits()
    limits.inbox = 2
    var rig = LoopRig(limits: limits)
    #expect(rig.ask(.fence(NodeID(row: 0, generation: 1))) == nil)
    #expect(rig.ask(.fence(NodeID(row: 0, generation: 1))) == nil)
    #expect(rig.ask(.fence(NodeID(row: 0, generation: 1))) == .inboxFull)
    rig.settle()
    #expect(rig.answered == [0, 1])
    #expect(rig.ask(.fence(NodeID(row: 0, generation: 1))) == nil)
  }

  @Test func whatOnlyTheLoopOrAnAgentMaySayIsNoRequest() {
    var rig = LoopRig(nodes: 1)
    let (node, lease) = (NodeID(row: 0, generation: 1), LeaseID(row: 0, generation: 1))
    let commands: [Command] = [
      .begin(epoch: 9), .hear(node), .silence(node),
      .advertise(node, SmallFleet.advertisement(0, sequence: 1)),
      .confirmStarted(lease, Fencing(raw: 1)), .confirmEmpty(lease, Fencing(raw: 1)),
    ]
    for command in commands { #expect(rig.ask(command) == .notARequest) }
  }

  @Test func aTickThatIsAskedForHasARecordOfItsOwn() {
    var rig = LoopRig(nodes: 1)
    rig.ask(.tick, named: LoopRig.name(0))
    rig.settle()
    rig.ask(.tick, named: LoopRig.name(0))
    rig.settle()
    #expect(rig.replies.map { $0.answer?.isRepeat } == [false, true])
    #expect(rig.replies[0].answer?.decision.verdict == .done)
    #expect(rig.records.filter { $0.request?.name == LoopRig.name(0) }.count == 1)
  }

  @Test func aNameHasOneEffect() {
    var rig = LoopRig(nodes: 1)
    rig.join()
    let submit = Command.submit(SmallFleet.claim(0))
    // Twice while it is under way, once when it is durable, once for another request.
    rig.ask(submit, named: LoopRig.name(0))
    rig.ask(submit, named: LoopRig.name(0))
    rig.settle()
    rig.ask(submit, named: LoopRig.name(0))
    rig.ask(submit, named: LoopRig.name(0, digest: 1))
    rig.ask(submit, named: LoopRig.name(1))
    rig.settle()
    #expect(rig.replies.map { $0.answer?.isRepeat } == [false, true, true, nil, false])
    #expect(rig.replies[3].refusal == .nameReused)
    let claims = rig.replies[..<3].map { $0.answer?.decision.claim }
    #expect(Set(claims).count == 1)
    #expect(claims[0] != nil)
    // Under another name it is another request, which the pool refuses.
    #expect(rig.replies[4].answer?.decision.verdict == .rejected)
    #expect(rig.records.filter { $0.request?.name == LoopRig.name(0) }.count == 1)
  }

  @Test func aRefusalLeavesTheNameFree() {
    var rig = LoopRig(nodes: 1)
    var spec = SmallFleet.claim(0)
    spec.tenant = SmallFleet.key(99, 0)
    rig.ask(.submit(spec), named: LoopRig.name(0))
    rig.ask(.submit(spec), named: LoopRig.name(0))
    rig.settle()
    #expect(rig.replies.map { $0.answer?.isRepeat } == [false, false])
    #expect(rig.replies.map { $0.answer?.decision.verdict } == [.rejected, .rejected])
  }

  @Test func whatTheTableKnowsIsNotAskedAgain() throws {
    var rig = LoopRig(nodes: 1)
    rig.join()
    rig.ask(.submit(SmallFleet.claim(0)), named: LoopRig.name(0))
    rig.settle()
    let record = try #require(rig.records.last { $0.request?.name != nil })
    let answer = try #require(record.request?.answer)
    let count = rig.records.count
    let known = KnownAnswer(digest: SmallFleet.key(23, 0), answer: answer)
    rig.ask(.submit(SmallFleet.claim(0)), named: LoopRig.name(7), known: known)
    rig.ask(.submit(SmallFleet.claim(0)), named: LoopRig.name(7, digest: 1), known: known)
    rig.settle()
    #expect(rig.records.count == count)
    #expect(rig.replies[1].answer?.isRepeat == true)
    #expect(rig.replies[1].answer?.decision.claim == answer.decision.claim)
    #expect(rig.replies[2].refusal == .nameReused)
  }

  @Test func aLookupThatIsTooOldIsToldSo() {
    var limits = LoopLimits()
    limits.remembered = 1
    var rig = LoopRig(limits: limits, nodes: 1)
    rig.join()
    let before = rig.loop.durable
    for number in 0..<3 {
      rig.ask(
        .submit(SmallFleet.claim(number)), named: LoopRig.name(number),
        knownThrough: rig.loop.durable)
      rig.settle()
    }
    // Its answer was forgotten, and the table was asked before it was durable.
    rig.ask(.submit(SmallFleet.claim(0)), named: LoopRig.name(0), knownThrough: before)
    rig.ask(.submit(SmallFleet.claim(9)), named: LoopRig.name(9), knownThrough: rig.loop.durable)
    rig.settle()
    #expect(rig.replies[3].refusal == .lookupStale)
    #expect(rig.replies[4].answer?.isRepeat == false)
  }

  /// The memory beside a table that forgets nothing: whatever is not found is found there, or the
  /// lookup was too old.
  @Test func nothingFallsBetweenTheMemoryAndTheTable() {
    var random = SeededGenerator(seed: 1)
    var memory = ReplyMemory(limit: 5)
    var table: [Key: UInt64] = [:]
    var durable: UInt64 = 0
    var log = EventLog()
    var pool = Pool()
    let decision = pool.apply(.begin(epoch: 1), at: .origin, into: &log).0
    var looks: [UInt64] = [0]
    for _ in 0..<Scale.cases(release: 50_000, debug: 5_000) {
      let name = LoopRig.name(Int(random.below(40)))
      let asked = looks[Int(random.below(UInt64(looks.count)))]
      let isInTable = table[name.key].map { $0 <= asked } ?? false
      if memory.known(name) == nil, !isInTable, asked >= memory.forgottenThrough {
        #expect(table[name.key] == nil, "an effect is done a second time")
        table[name.key] = durable + 1
        memory.remember(name, Answer(decision, log), batch: durable + 1)
      }
      if random.below(4) == 0 {
        durable += 1
        memory.forget(durable: durable)
        looks.append(durable)
        if looks.count > 5 { looks.removeFirst() }
      }
      if random.below(500) == 0 { table = table.filter { memory.known(Self.name($0.key)) != nil } }
      #expect(memory.count <= 45)
    }
  }

  private static func name(_ key: Key) -> RequestName { LoopRig.name(Int(key.low) - 1) }
}
