import PoolAllocator
import PoolRecord
import PoolSimulator
import Testing

/// A repeated journal changes where a reason to change is, and only there.
struct WhatIfPropertyTests {
  /// Work of every class that fills a small cluster, with holders that save, fail to start and
  /// overstay.
  func strain(_ seed: UInt64) -> WhatIfScene {
    var random = SeededGenerator(seed: seed)
    var cluster = SmallCluster(tenantsFrom: &random)
    cluster.nodes = Int(random.within(1...3))
    cluster.gpus = [1, 2, 4][Int(random.below(3))]
    cluster.grace = .seconds(random.within(1...10))
    cluster.quantum = .seconds([20, 3_600][Int(random.below(2))])
    cluster.order = OrderRule(ageingStep: .seconds(random.within(20...600)))
    cluster.preemption = PreemptionRule(
      distance: UInt8(random.within(1...3)), burst: UInt32(random.within(1...10)),
      perHour: UInt32(random.within(0...600)))
    if random.below(3) == 0 {
      cluster.reserved = Int64(cluster.gpus)
      cluster.lending = .reclaimable(within: .seconds(60), atMost: cluster.reserved * 1000)
    }
    var workload = Workload()
    for tenant in cluster.weights.indices {
      for rank in 0..<4 where random.below(3) > 0 {
        let mean = Span.seconds(random.within(10...60))
        let first = workload.jobs.count
        workload.addStream(mean: mean, until: Instant(ns: 600_000_000_000), using: &random) {
          number, random in
          let runs = Span.seconds(random.within(5...120))
          var claim = SmallCluster.claim(
            number, tenant: tenant, rank: rank, gpus: Int(random.within(1...Int64(cluster.gpus))),
            runtime: Span(ns: runs.ns + random.within(0...60) * 1_000_000_000))
          if random.below(3) > 0 {
            claim.interruption = Interruption(
              grace: .seconds(random.within(0...30)),
              checkpointEvery: .seconds(random.within(5...60)))
          }
          if random.below(4) == 0 { claim.maxWait = .seconds(random.within(10...200)) }
          return (claim, runs)
        }
        for number in first..<workload.jobs.count {
          let draw = random.below(30)
          workload.change(number) { job in
            job.savesWork = draw.isMultiple(of: 2)
            if draw == 3 { job.overstays = .seconds(30) }
            if draw == 5 { job.failedStarts = 1 }
          }
        }
      }
    }
    workload.sort()
    var scene = WhatIfScene(cluster, workload)
    scene.run(until: Instant(ns: random.within(200...900) * 1_000_000_000))
    return scene
  }

  @Test("nothing changes under the recorded policy, nor under one with a tenant that never asks")
  func nothingChanges() throws {
    let lives = Scale.cases(release: 300, debug: 3)
    var requests = 0
    for seed in 0..<UInt64(lives) {
      let scene = strain(seed)
      #expect(try WhatIf(journal: scene.journal).changes == [], "seed \(seed)")
      var policy = scene.cluster.policy
      policy.tenants.append(TenantRule(key: SmallCluster.key(5, 99), queueMax: 10, weightMilli: 1))
      let answer = try WhatIf(journal: scene.journal, policy: policy)
      #expect(answer.changes == [], "seed \(seed)")
      requests += answer.before.count
    }
    print("property: what-if: \(lives) simulated lives of \(requests) requests: nothing changes")
    #expect(requests > lives * 20)
  }

  @Test("with another policy or more hardware it answers, and the same each time")
  func answers() throws {
    let lives = Scale.cases(release: 200, debug: 2)
    var (changed, freed, waited, less) = (0, 0, Int128(0), Int128(0))
    var (granted, more) = (0, 0)
    for seed in 0..<UInt64(lives) {
      let scene = strain(seed)
      var policy = scene.cluster.policy
      for rank in 0..<4 { policy.classes[rank].quantum = .seconds(15) }
      policy.order = OrderRule(ageingStep: .seconds(45))
      let answer = try WhatIf(journal: scene.journal, policy: policy, adding: [scene.oneMore])
      let again = try WhatIf(journal: scene.journal, policy: policy, adding: [scene.oneMore])
      #expect(answer.changes == again.changes, "seed \(seed)")
      #expect(answer.totals.after == again.totals.after, "seed \(seed)")
      #expect(answer.before.count == answer.after.count)
      changed += answer.changes.isEmpty ? 0 : 1
      freed += answer.changes.count
      granted += answer.totals.before.granted
      more += answer.totals.after.granted
      // Of those that both runs served: one that waits to the end has no wait to add.
      for (was, now) in zip(answer.before, answer.after) {
        guard let before = was.wait, let after = now.wait else { continue }
        waited += Int128(before.ns)
        less += Int128(after.ns)
      }
      // What was seen to take so long takes so long, wherever it runs.
      for request in answer.after.indices where !answer.assumed[request] {
        try sameWork(answer.before[request], answer.after[request], "seed \(seed), \(request)")
      }
    }
    print(
      "property: what-if: with one more node \(freed) requests change in \(changed) of \(lives) "
        + "lives; granted \(granted) -> \(more); those of both waited "
        + "\(waited / 1_000_000_000) s -> \(less / 1_000_000_000) s in all")
    #expect(changed > lives / 2)
    #expect(more > granted)
    #expect(less < waited)
  }

  /// A request that completed in both runs on its first lease ran for equally long.
  private func sameWork(_ was: RequestStory, _ now: RequestStory, _ what: String) throws {
    guard was.end == .completed, now.end == .completed, was.grants.count == 1,
      now.grants.count == 1, let first = was.grants[0].first, let second = now.grants[0].first,
      let began = first.started, let ended = first.stopped, let starts = second.started,
      let ends = second.stopped
    else { return }
    #expect(ended - began == ends - starts, "\(what)")
  }
}
