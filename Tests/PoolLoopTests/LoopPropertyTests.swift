import PoolAllocator
import PoolSimulator
import Testing

@testable import PoolLoop

/// Random inputs to one loop, against what is plainly true of a leader.
@Suite struct LoopPropertyTests {
  /// What a caller expects: nothing but counts.
  private struct Model {
    var asked = 0
    var refused = 0
  }

  @Test func aLoopKeepsToTheModel() throws {
    var answered = 0
    for seed in 0..<UInt64(Scale.cases(release: 300, debug: 25)) {
      var random = SeededGenerator(seed: seed)
      answered += try live(&random)
    }
    #expect(answered > 0)
  }

  private func live(_ random: inout SeededGenerator) throws -> Int {
    var limits = LoopLimits()
    limits.inbox = Int(random.within(1...20))
    limits.outbox = Int(random.within(1...20))
    limits.batchCommands = Int(random.within(1...20))
    limits.batchRows = Int(random.within(1...200))
    limits.newsPerMessage = Int(random.within(1...3))
    limits.commandsPerTick = Int(random.within(1...4))
    var rig = LoopRig(limits: limits)
    var model = Model()
    rig.ask(.activate(PolicyGeneration(1), SmallFleet.policy))
    rig.settle()
    rig.ask(.enrol(SmallFleet.enrolment(0, gpus: 2)))
    rig.settle()
    model.asked = 2
    rig.join()
    var sequence = UInt64(3)
    for _ in 0..<200 {
      switch random.below(8) {
      case 0, 1, 2:
        if rig.ask(command(&random, rig)) == nil { model.asked += 1 } else { model.refused += 1 }
      case 3:
        let news = rig.leases.indices.map { index in
          rig.news(index, random.below(3) == 0 ? .completed : nil)
        }
        rig.hear(rig.message(0, sequence: sequence, news: news))
        sequence += 1
      case 4: rig.write()
      case 5: rig.now += random.within(0...9_000_000_000)
      default: rig.run()
      }
      if let batch = rig.batch {
        #expect(batch.records.count <= max(limits.batchCommands, 2 + 3 * limits.newsPerMessage))
      }
    }
    return try finish(&rig, model)
  }

  private func command(_ random: inout SeededGenerator, _ rig: LoopRig) -> Command {
    let node = NodeID(row: 0, generation: 1)
    switch random.below(6) {
    case 0: return .cordon(node)
    case 1: return .uncordon(node)
    case 2:
      guard let lease = rig.leases.randomElement(using: &random) else { return .uncordon(node) }
      return .renew(lease.id, lease.lease.fencing)
    case 3:
      return .cancel(ClaimID(row: UInt32(random.below(4)), generation: 1))
    default:
      return .submit(
        SmallFleet.claim(Int(random.below(1_000)), gpus: Int(random.within(1...2))))
    }
  }

  /// Everything that was taken is answered, once and in order; and the records tell it all.
  private func finish(_ rig: inout LoopRig, _ model: Model) throws -> Int {
    rig.settle()
    #expect(rig.answered == Array(0..<model.asked))
    var again = Pool()
    var folded = Pool()
    var log = EventLog()
    var time = Instant.origin
    for record in rig.records {
      #expect(record.moment >= time)
      time = record.moment
      let decision = again.apply(record.command, at: record.moment, into: &log).0
      #expect(log.at == record.log.at)
      #expect("\(log.events)" == "\(record.log.events)")
      folded.replay(record.log)
      guard let mark = record.request else { continue }
      #expect(mark.answer.decision.verdict == decision.verdict)
    }
    #expect(again.digest() == rig.loop.pool.digest())
    #expect(folded.digest() == rig.loop.pool.digest())
    return rig.replies.count
  }

  /// Nothing happens before the moment that was named, if nothing comes.
  @Test func itIsNotCalledInVain() {
    var random = SeededGenerator(seed: 77)
    var early = 0
    for _ in 0..<Scale.cases(release: 200, debug: 20) {
      var rig = LoopRig(nodes: 1)
      rig.join()
      for number in 0..<Int(random.within(0...4)) { rig.ask(.submit(SmallFleet.claim(number))) }
      rig.settle()
      for _ in 0..<10 {
        guard let wake = rig.wakeAfter, wake.ns > 1 else { break }
        let count = rig.records.count
        rig.now += wake.ns - 1
        rig.run()
        #expect(rig.batch == nil && rig.records.count == count)
        rig.now += 1
        rig.settle()
        early += rig.records.count - count
      }
    }
    #expect(early > 0)
  }
}
