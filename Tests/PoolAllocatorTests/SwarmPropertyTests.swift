import Foundation
import Testing

@testable import PoolAllocator

/// Random lives of whole pools: every invariant after every command, replay equals the live state.
@Suite struct SwarmPropertyTests {
  #if DEBUG
    static let seeds = 48
    static let steps = 250
  #else
    static let seeds = 400
    static let steps = 500
  #endif

  /// Seeds of `make soak`, as SOAK=FIRST-LAST; the usual ones without it.
  private static var soak: Range<Int>? {
    let ends = ProcessInfo.processInfo.environment["SOAK"]?.split(separator: "-").compactMap {
      Int($0)
    }
    guard let ends, ends.count == 2, ends[0] < ends[1] else { return nil }
    return ends[0]..<ends[1]
  }

  @Test func everyInvariantHoldsAfterEveryCommand() {
    var commands = 0
    var verdicts: [Decision.Verdict: Int] = [:]
    var coverage = SwarmCoverage()
    for seed in Self.soak ?? 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(seed))
      driver.setUp()
      for _ in 0..<Self.steps {
        driver.stepOnce()
        driver.pool.checkInvariants()
      }
      commands += driver.commands
      coverage += driver.coverage
      verdicts.merge(driver.verdicts, uniquingKeysWith: +)
    }
    let seeds = (Self.soak ?? 0..<Self.seeds).count
    print("swarm: \(commands) commands, \(seeds) seeds, verdicts \(verdicts)")
    print("swarm: \(coverage)")
    for verdict in Decision.Verdict.allCases { #expect(verdicts[verdict, default: 0] > 0) }
    #expect(coverage.held > 0)
    #expect(coverage.releasing > 0)
    #expect(coverage.narrowed > 0)
    #expect(coverage.widened > 0)
    #expect(coverage.planned > 0)
    #expect(coverage.aged > 0)
    #expect(coverage.lent > 0)
    #expect(coverage.gangs > 0 && coverage.gangEnds > 0)
    #if !DEBUG
      // Rare in a life of every kind of command; PreemptionPropertyTests lives on it.
      #expect(coverage.preempted > 0)
    #endif
    #expect(coverage.restored > 0)
    #expect(coverage.swapped > 0)
    for count in [
      coverage.emergencies.raised, coverage.emergencies.ended, coverage.budgets.opened,
      coverage.budgets.changed, coverage.budgets.closed,
      coverage.budgets.forgotten, coverage.budgets.ended,
    ] {
      #expect(count > 0)
    }
    for count in [
      coverage.quotes.issued, coverage.quotes.redeemed, coverage.quotes.expired,
      coverage.quotes.withdrawn, coverage.quotes.forgotten,
    ] {
      #expect(count > 0)
    }
    #expect(coverage.approvals.granted > 0)
    #expect(coverage.approvals.denied > 0)
    #expect(coverage.approvals.lapsed > 0)
    for cause: Reason.Code in [
      .nodeSilent, .recovering, .deviceUnhealthy, .nodeCordoned, .boundInUse, .laneFull,
    ] {
      #expect(coverage.impaired[cause, default: 0] > 0, "impaired by \(cause)")
    }
  }

  /// After a tick that did all that was due, something stands in the way of every waiting claim,
  /// but for those whose lanes changed since they were looked at: their turn shows it.
  @Test func nobodyWaitsForNothing() {
    var looks = 0
    for seed in Self.soak ?? 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(4_000_000 + seed))
      driver.setUp()
      for step in 0..<Self.steps {
        driver.stepOnce()
        guard step % 5 == 0 else { continue }
        driver.apply(.tick)
        looks += driver.pool.waitingClaims
        for id in driver.pool.idleClaims() {
          Issue.record("seed \(seed), step \(step): nothing is in the way of \(id)")
        }
      }
    }
    print("property: nobody waits for nothing: \(looks) looks")
    #expect(looks > 1_000)
  }

  @Test func replayOfTheLogsIsTheLiveState() {
    for seed in 0..<(Self.seeds / 4) {
      var driver = SwarmDriver(seed: UInt64(1_000_000 + seed), keepsLogs: true)
      driver.setUp()
      for _ in 0..<Self.steps { driver.stepOnce() }
      var replayed = Pool(limits: driver.pool.limits)
      for log in driver.logs { replayed.replay(log) }
      #expect(replayed.digest() == driver.pool.digest())
      replayed.checkInvariants()
    }
  }

  /// A pool that was read from an image, or whose indexes were made anew, goes on exactly like the
  /// one that kept them.
  @Test(arguments: [false, true]) func reindexingChangesNoDecision(isRead: Bool) throws {
    for seed in 0..<(Self.seeds / 4) {
      var live = SwarmDriver(seed: UInt64(2_000_000 + seed))
      live.setUp()
      for _ in 0..<(Self.steps / 2) { live.stepOnce() }
      var rebuilt = live
      if isRead {
        rebuilt.pool = try #require(Pool(image: live.pool.image(), limits: live.pool.limits))
        rebuilt.pool.checkInvariants()
      } else {
        rebuilt.pool.reindex()
      }
      for _ in 0..<(Self.steps / 2) {
        live.stepOnce()
        rebuilt.stepOnce()
      }
      #expect(live.pool.digest() == rebuilt.pool.digest())
      #expect(live.trace.digest == rebuilt.trace.digest)
    }
  }

  /// When nothing is asked any more and every agent reports empty, everything returns.
  @Test func nothingLeaksInAQuietPhase() {
    for seed in 0..<(Self.seeds / 4) {
      var driver = SwarmDriver(seed: UInt64(3_000_000 + seed))
      driver.setUp()
      for _ in 0..<Self.steps { driver.stepOnce() }
      driver.drainEverything()
      #expect(driver.pool.claims.count == 0)
      #expect(driver.pool.leases.count == 0)
      #expect(driver.pool.waitingClaims == 0)
      driver.pool.forEachDevice { _, device in #expect(device.used.value == 0) }
      driver.pool.forEachBucket { _, bucket in #expect(bucket.committed == .zero) }
      driver.pool.checkInvariants()
    }
  }
}

extension SwarmDriver {
  /// Cancels all, lets every node report in full, confirms every stopped lease empty.
  mutating func drainEverything() {
    var claims: [ClaimID] = []
    pool.forEachClaim { id, _ in claims.append(id) }
    for claim in claims { apply(.cancel(claim)) }
    // The members of gangs whose first one was told to stop follow with a tick.
    apply(.tick)
    var stopped: [(LeaseID, Fencing)] = []
    pool.forEachLease { stopped.append(($0, $1.fencing)) }
    for (id, fencing) in stopped { apply(.confirmEmpty(id, fencing)) }
    now = now + .seconds(60)
    apply(.tick)
    pool.checkInvariants()
  }
}
