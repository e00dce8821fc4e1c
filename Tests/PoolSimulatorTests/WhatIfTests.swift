import PoolAllocator
import PoolRecord
import PoolSimulator
import Testing

/// What a journal's requests would have become under another policy, or with more hardware.
struct WhatIfTests {
  private static func at(_ seconds: Int64) -> Instant { Instant(ns: seconds * 1_000_000_000) }

  /// Two claims of one GPU each at once; the second waits for the first on one GPU.
  private func pair(
    runtime: Span = .seconds(200), second: (inout Job) -> Void = { _ in }
  ) -> WhatIfScene {
    var cluster = SmallCluster(weights: [1000])
    cluster.gpus = 1
    var workload = Workload()
    for number in 0..<2 {
      let claim = SmallCluster.claim(number, tenant: 0, rank: 2, runtime: runtime)
      workload.add(Job(arrives: Self.at(10), claim: claim, runs: .seconds(100)))
    }
    workload.change(1) { second(&$0) }
    return WhatIfScene(cluster, workload)
  }

  @Test("with the recorded policy nothing changes")
  func same() throws {
    var scene = pair()
    scene.run()
    for policy in [nil, scene.cluster.policy] {
      let answer = try WhatIf(journal: scene.journal, policy: policy)
      #expect(answer.changes == [])
      #expect(answer.totals.before == answer.totals.after)
      #expect(answer.before.count == 2)
      #expect(answer.before[1].wait == .seconds(100))
      #expect(answer.ending == .complete)
    }
  }

  @Test("with one more node the second claim starts at once, and runs as long as it did")
  func moreHardware() throws {
    var scene = pair()
    scene.run()
    let answer = try WhatIf(journal: scene.journal, adding: [scene.oneMore])
    #expect(
      answer.changes == [ChangedRequest(request: 1, parts: [.verdict, .grant, .end])])
    let (was, now) = (answer.before[1], answer.after[1])
    #expect(was.verdict == .queued && now.verdict == .admitted)
    #expect(was.started == Self.at(110) && now.started == Self.at(10))
    #expect(was.ended == Self.at(210) && now.ended == Self.at(110))
    #expect(answer.assumed == [false, false])
    #expect(answer.totals.before.waits == [.zero, .seconds(100)])
    #expect(answer.totals.after.waits == [.zero, .zero])
    #expect(answer.totals.before.credits == 200_000_000)
    #expect(answer.totals.after.credits == 200_000_000)
  }

  @Test("a lease that is paid in other parts is renewed until its work is done")
  func otherQuantum() throws {
    var scene = pair()
    scene.run()
    var policy = scene.cluster.policy
    for rank in 0..<4 { policy.classes[rank].quantum = .seconds(7) }
    let answer = try WhatIf(journal: scene.journal, policy: policy)
    #expect(answer.changes == [])
    #expect(answer.after[0].ended == Self.at(110))
  }

  @Test("a bucket that holds less than the second claim needs")
  func smallerBucket() throws {
    var scene = pair()
    scene.run()
    var policy = scene.cluster.policy
    policy.buckets[0].cap = Credits(150_000_000)
    policy.buckets[0].opening = Credits(150_000_000)
    let answer = try WhatIf(journal: scene.journal, policy: policy)
    #expect(answer.changes.map(\.request) == [0, 1])
    #expect(answer.after.map(\.verdict) == [.infeasible, .infeasible])
    #expect(answer.after[0].reason == .priceExceedsCap)
    #expect(answer.totals.after.refused == 2 && answer.totals.after.granted == 0)
    #expect(answer.totals.after.wait(500) == nil)
  }

  @Test("a policy that comes into force late changes nothing before")
  func lateBucket() throws {
    var scene = pair()
    scene.run()
    let horizon = try WhatIf(journal: scene.journal).horizon
    let last = horizon - Self.at(50)
    let same = try WhatIf(journal: scene.journal, policy: scene.cluster.policy, last: last)
    #expect(same.changes == [] && same.since == Self.at(50))
    var policy = scene.cluster.policy
    policy.buckets[0].cap = Credits(150_000_000)
    policy.buckets[0].opening = Credits(150_000_000)
    let answer = try WhatIf(journal: scene.journal, policy: policy, last: last)
    // The first runs already; the second was queued by the old policy, and ends under the new one.
    #expect(answer.changes.map(\.request) == [1])
    #expect(answer.after.map(\.verdict) == [.admitted, .queued])
    #expect(answer.after[1].grants.isEmpty && answer.after[1].end != nil)
    // One that is longer than the journal is in force from its beginning.
    let whole = try WhatIf(journal: scene.journal, policy: policy, last: .seconds(1_000_000))
    #expect(whole.after.map(\.verdict) == [.infeasible, .infeasible])
  }

  @Test("a tenant that the other policy does not have")
  func missingTenant() throws {
    var scene = pair()
    scene.run()
    var policy = scene.cluster.policy
    policy.tenants[0].key = SmallCluster.key(5, 9)
    let answer = try WhatIf(journal: scene.journal, policy: policy)
    #expect(answer.after.allSatisfy { $0.isRefused && $0.reason == .tenantUnknown })
  }

  @Test("how long work takes that the journal never saw is what its estimate says")
  func assumedRuntime() throws {
    var scene = pair { $0.claim.estimate = .runtime(.seconds(40)) }
    var workload = Workload()
    for job in scene.simulation.jobs { workload.add(job) }
    var stranger = SmallCluster.claim(2, tenant: 0, rank: 2, runtime: .seconds(1))
    stranger.service = SmallCluster.key(4, 8)
    workload.add(Job(arrives: Self.at(60), claim: stranger, runs: .seconds(1)))
    scene = WhatIfScene(scene.cluster, workload)
    scene.run(until: Self.at(60))
    let answer = try WhatIf(journal: scene.journal, adding: [scene.oneMore])
    #expect(answer.before[1].isWaiting)
    #expect(answer.after[1].started == Self.at(10))
    #expect(answer.assumed == [false, true, false])
    #expect(answer.after[1].ended == Self.at(50))
    #expect(answer.after[1].end == .completed)
  }

  @Test("a caller that was refused and asked again does not ask again once it is served")
  func repeatedRequest() throws {
    var scene = pair()
    var workload = Workload()
    var claim = SmallCluster.claim(0, tenant: 0, rank: 2, runtime: .seconds(200))
    claim.service = SmallCluster.key(4, 8)
    for moment in [10, 20] as [Int64] {
      workload.add(Job(arrives: Self.at(moment), claim: claim, runs: .seconds(100)))
    }
    scene = WhatIfScene(scene.cluster, workload)
    scene.run()
    #expect(try WhatIf(journal: scene.journal).changes == [])
    var policy = scene.cluster.policy
    policy.services[0].key = SmallCluster.key(4, 8)
    let answer = try WhatIf(journal: scene.journal, policy: policy)
    #expect(answer.before.map(\.verdict) == [.rejected, .rejected])
    #expect(answer.after.map(\.verdict) == [.admitted, nil])
    #expect(answer.totals.before.requests == 2 && answer.totals.after.requests == 1)
  }

  @Test("what cannot be answered says why")
  func problems() throws {
    var scene = pair()
    scene.run()
    let journal = scene.journal
    #expect(throws: WhatIfProblem.self) { try WhatIf(journal: []) }
    var damaged = journal
    damaged[journal.count / 2] ^= 1
    do throws(WhatIfProblem) {
      _ = try WhatIf(journal: damaged)
      Issue.record("a damaged journal is read")
    } catch {
      guard case .journal(.damaged(let damage)) = error else { throw error }
      #expect(damage.offset > 0 && damage.offset <= journal.count / 2)
    }
    let torn = try WhatIf(journal: Array(journal.dropLast(3)))
    guard case .torn = torn.ending else { throw WhatIfProblem.noPolicy }
    var unsound = scene.cluster.policy
    unsound.lanes[0].pool = 7
    do throws(WhatIfProblem) {
      _ = try WhatIf(journal: journal, policy: unsound)
      Issue.record("an unsound policy is taken")
    } catch {
      guard case .policyRefused(let refusal) = error else { throw error }
      #expect(refusal.reasons.first?.code == .malformed)
    }
    let twice = AddedNode(
      enrolment: scene.cluster.enrolment(of: 3), advertisement: scene.cluster.advertisement(of: 4))
    do throws(WhatIfProblem) {
      _ = try WhatIf(journal: journal, adding: [twice, twice])
      Issue.record("a node is added twice")
    } catch {
      guard case .nodeRefused(1, let refusal) = error else { throw error }
      #expect(refusal.reasons.first?.code == .duplicateKey)
    }
    var empty = Pool()
    var bare = JournalBytes(identity: SmallCluster.key(15, 1), from: empty)
    bare.apply(.begin(epoch: 1), at: .origin, to: &empty)
    #expect(throws: WhatIfProblem.self) {
      try WhatIf(journal: bare.bytes, policy: scene.cluster.policy)
    }
    let later = JournalBytes(identity: SmallCluster.key(15, 2), from: empty)
    do throws(WhatIfProblem) {
      _ = try WhatIf(journal: later.bytes)
      Issue.record("a journal from another pool is read")
    } catch {
      guard case .startsElsewhere = error else { throw error }
    }
  }
}
