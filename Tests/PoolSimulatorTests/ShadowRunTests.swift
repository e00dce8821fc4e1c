import PoolAllocator
import PoolRecord
import PoolSimulator
import Testing

/// What another policy would have decided, beside a pool that goes on.
struct ShadowRunTests {
  /// A journal that was followed from one of its records on.
  private struct Followed {
    var run: ShadowRun
    var differences: [ShadowDifference] = []
    /// The pool of the journal.
    var pool: Pool
  }

  /// Follows a journal behind so many records, which the pool that it parts from has.
  private func follow(
    _ scene: WhatIfScene, behind known: Int, under policy: CompiledPolicy,
    each: (Followed) -> Void = { _ in }
  ) throws -> Followed {
    var reader = JournalReader(scene.journal)
    var pool = try #require(reader.emptyPool)
    for _ in 0..<known {
      guard let record = reader.next() else { break }
      pool.replay(record.log)
    }
    var followed = Followed(run: try ShadowRun(of: pool, under: policy), pool: pool)
    while let record = reader.next() {
      followed.differences += try followed.run.follow(
        record.command, record.decision, record.log)
      followed.pool.replay(record.log)
      each(followed)
    }
    return followed
  }

  /// The records that make the pool and its nodes.
  private func beginning(of scene: WhatIfScene) -> Int { 2 + 2 * scene.cluster.nodes }

  @Test("a claim that a smaller bucket would not pay at once is told, once")
  func smallerBucket() throws {
    var cluster = SmallCluster(weights: [1000])
    cluster.gpus = 2
    var workload = Workload()
    for number in 0..<2 {
      let claim = SmallCluster.claim(number, tenant: 0, rank: 2, runtime: .seconds(200))
      workload.add(
        Job(arrives: Instant(ns: 10_000_000_000), claim: claim, runs: .seconds(100)))
    }
    var scene = WhatIfScene(cluster, workload)
    scene.run()
    cluster.budget = (cap: Credits(350_000_000), refill: .zero)
    let found = try follow(scene, behind: beginning(of: scene), under: cluster.policy)
    let difference = try #require(found.differences.first)
    #expect(found.differences.count == 1)
    #expect(difference.decided == .admitted && difference.outcome == .answered(.parked))
    #expect(difference.reason?.code == .bucketShort)
    #expect(difference.claim == workload.jobs[1].claim.key)
    #expect(difference.serviceClass == .p2 && difference.at == Instant(ns: 10_000_000_000))
  }

  @Test("under the same policy nothing differs, and what is over is forgotten")
  func samePolicy() throws {
    let lives = Scale.cases(release: 60, debug: 3)
    var records = 0
    for seed in 0..<UInt64(lives) {
      let scene = WhatIfPropertyTests().strain(seed)
      let found = try follow(
        scene, behind: beginning(of: scene), under: scene.cluster.policy
      ) { followed in
        records += 1
        var living = 0
        followed.pool.forEachClaim { _, _ in living += 1 }
        followed.pool.forEachLease { _, _ in living += 1 }
        #expect(followed.run.held <= living)
      }
      #expect(found.differences.isEmpty, "seed \(seed)")
    }
    #expect(records > lives * 50)
  }

  @Test("from any moment on a smaller bucket is followed, and no claim is told of twice")
  func smallerBucketInTheMiddle() throws {
    let lives = Scale.cases(release: 60, debug: 3)
    var told = 0
    for seed in 0..<UInt64(lives) {
      let scene = WhatIfPropertyTests().strain(seed)
      var random = SeededGenerator(seed: seed)
      var policy = scene.cluster.policy
      policy.buckets[0].cap = Credits(random.within(20...400) * 1_000_000)
      policy.buckets[0].opening = policy.buckets[0].cap
      policy.buckets[0].refillPerSecond = Credits(random.within(0...500_000))
      let known = beginning(of: scene) + Int(random.within(0...60))
      let found = try follow(scene, behind: known, under: policy)
      found.run.pool.checkInvariants()
      var seen: Set<String> = []
      for one in found.differences {
        let part =
          switch one.outcome {
          case .answered: "answer"
          case .ended: "wait"
          case .stopped: "lease"
          }
        #expect(seen.insert("\(part) \(one.claim)").inserted, "seed \(seed): \(one)")
      }
      told += found.differences.count
    }
    #expect(told > 0)
  }
}
