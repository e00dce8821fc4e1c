import PoolAllocator
import Testing

@testable import PoolSimulator

/// The checks of what comes too late, and of hints, let pass what is right and nothing else.
struct StaleWordsTests {
  /// A pool of one GPU with a lease on it, and what its commands left.
  private struct Scene {
    var pool = SmallCluster(weights: [1000]).pool()
    var words = StaleWords()
    var log = EventLog()
    var lease: (id: LeaseID, fencing: Fencing)?

    init() throws {
      let decision = try apply(
        .submit(SmallCluster.claim(0, tenant: 0, rank: 2, runtime: .seconds(100))), at: 1)
      let id = try #require(decision.lease)
      lease = (id, try #require(pool.lease(id)?.fencing))
    }

    mutating func apply(_ command: Command, at seconds: Int64) throws -> Decision {
      let now = Instant(ns: seconds * 1_000_000_000)
      let decision = pool.apply(command, at: now, into: &log).0
      try words.note(command, decision, log)
      return decision
    }
  }

  @Test("an order with the number of the lease is obeyed, one with another is not")
  func holders() throws {
    var scene = try Scene()
    let (id, fencing) = try #require(scene.lease)
    #expect(try scene.apply(.confirmStarted(id, fencing), at: 2).verdict == .done)
    let older = Fencing(raw: fencing.raw - 1)
    #expect(try scene.apply(.renew(id, older), at: 3).verdict == .rejected)
    var decision = try scene.apply(.confirmCheckpoint(id, fencing), at: 4)
    decision.verdict = .done
    #expect(throws: Violation.self) {
      try scene.words.note(.confirmCheckpoint(id, older), decision, EventLog())
    }
  }

  @Test("a report that is no younger than the last one of its boot is no proof")
  func reports() throws {
    var scene = try Scene()
    let cluster = SmallCluster(weights: [1000])
    let node = try #require(scene.pool.node(named: SmallCluster.key(7, 0)))
    let second = Command.advertise(node, cluster.advertisement(of: 0, sequence: 2))
    let decision = try scene.apply(second, at: 2)
    #expect(decision.verdict == .done)
    let taken = scene.log
    #expect(try scene.apply(second, at: 3).verdict == .rejected)
    #expect(throws: Violation.self) { try scene.words.note(second, decision, taken) }
  }

  @Test("pool time goes no further than a clock step at once")
  func clock() throws {
    var scene = try Scene()
    let far = 2 + 2 * Limits.clockStepMax.ns / 1_000_000_000
    let decision = try scene.apply(.tick, at: far)
    var log = scene.log
    log.begin(at: Instant(ns: far * 3 * 1_000_000_000))
    #expect(throws: Violation.self) { try scene.words.note(.tick, decision, log) }
  }

  @Test("a hint is right to the nanosecond")
  func hints() throws {
    var cluster = SmallCluster(weights: [1000])
    cluster.budget = (cap: Credits(100_000_000), refill: Credits(333_333))
    cluster.quantum = .seconds(50)
    var pool = cluster.pool()
    var log = EventLog()
    for number in 0..<3 {
      let claim = SmallCluster.claim(number, tenant: 0, rank: 2, runtime: .seconds(50))
      let decision = pool.apply(
        .submit(claim), at: Instant(ns: 1_000_000_007), into: &log
      ).0
      try ExactHints.check(decision, log, pool)
      guard number == 2 else { continue }
      #expect(decision.verdict == .parked)
      let index = try #require(decision.reasons.indices.first)
      for off in [-1, 1] as [Int64] {
        var reason = log.reasons[index]
        reason.clearsAt = Instant(ns: try #require(reason.clearsAt).ns + off)
        var other = log
        other.reasons = LogRows([reason])
        #expect(throws: Violation.self) { try ExactHints.check(decision, other, pool) }
      }
    }
  }
}
