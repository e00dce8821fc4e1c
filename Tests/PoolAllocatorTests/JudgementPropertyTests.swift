import Testing

@testable import PoolAllocator

/// What is told of a claim that nobody submitted is what its submission is answered (SEMANTICS
/// 7.2).
struct JudgementPropertyTests {
  #if DEBUG
    static let seeds = 40
  #else
    static let seeds = 400
  #endif

  @Test func eachJudgementIsTheAnswerToTheSubmission() {
    var verdicts: [Decision.Verdict: Int] = [:]
    var lanes: [Decision.Verdict: Int] = [:]
    for seed in 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(7_000_000 + seed))
      var random = SwarmGenerator(seed: UInt64(seed))
      driver.setUp()
      for turn in 0..<400 {
        driver.stepOnce()
        var known: [ClaimSpec] = []
        driver.pool.forEachClaim { _, claim in known.append(claim.spec) }
        guard var spec = random.pick(known) else { continue }
        change(&spec, &random)
        let before = driver.pool.digest()
        let judgement = driver.pool.judgement(on: spec)
        verdicts[judgement.verdict, default: 0] += 1
        check(judgement, of: spec, in: driver.pool, "seed \(seed)")
        guard let row = spec.lanes.firstRow, let lane = driver.pool.laneID(atRow: row) else {
          continue
        }
        let alone = driver.pool.judgement(on: spec, in: lane)
        lanes[alone.verdict, default: 0] += 1
        // A quote is for all the lanes that it was given for, or for none.
        guard spec.quote == nil else { continue }
        spec.lanes = LaneSet(bits: 1 << UInt64(row))
        spec.key = key(999, 0)
        check(alone, of: spec, in: driver.pool, "seed \(seed), one lane")
        if turn % 64 == 0 { #expect(driver.pool.digest() == before, "a question changes nothing") }
      }
    }
    print("property: judgements, each as the submission:", verdicts, "of one lane:", lanes)
    for verdict in [Decision.Verdict.admitted, .queued, .parked, .downgraded, .rejected]
      + [.infeasible, .awaitingApproval]
    {
      #expect(verdicts[verdict, default: 0] > 0, "\(verdict)")
    }
  }

  @Test func obstaclesLaneByLaneAreThoseOfEachLaneAndOfAll() {
    var (asked, several, blocked, free, refused) = (0, 0, 0, 0, 0)
    for seed in 0..<Self.seeds {
      var driver = SwarmDriver(seed: UInt64(8_000_000 + seed))
      var random = SwarmGenerator(seed: UInt64(seed))
      driver.setUp()
      for _ in 0..<400 {
        driver.stepOnce()
        var waiting: [ClaimID] = []
        driver.pool.forEachClaim { id, claim in if claim.isWaiting { waiting.append(id) } }
        guard let id = random.pick(waiting) else { continue }
        asked += 1
        let (all, lanes) = driver.pool.obstaclesByLane(of: id)
        #expect(all == driver.pool.obstacles(of: id), "seed \(seed)")
        for (lane, reasons) in lanes {
          #expect(reasons == driver.pool.obstacles(of: id, in: lane), "seed \(seed)")
          if driver.pool.price(of: id, in: lane) == nil { refused += 1 }
        }
        if lanes.count > 1 { several += 1 }
        if all.isEmpty { free += 1 } else { blocked += 1 }
      }
    }
    print("property: \(asked) claims lane by lane, \(several) in several lanes")
    #expect(several > 100 && blocked > 100 && free > 10 && refused > 10)
  }

  /// Asks for something else than a claim that lives, mostly under a new name.
  private func change(_ spec: inout ClaimSpec, _ random: inout SwarmGenerator) {
    if !random.chance(5) { spec.key = key(999, 0) }
    if random.chance(30) { spec.lanes = LaneSet(bits: UInt64(1 + random.below(255))) }
    if random.chance(30) { spec.runtimeMax = .seconds(Int64(1 + random.below(2_000))) }
    if random.chance(20) { spec.demand.devices = UInt8(1 + random.below(9)) }
    if random.chance(20) { spec.service = key(7, random.below(6)) }
    if random.chance(10) { spec.plan = nil }
    if random.chance(20) { spec.accepts = .none }
  }

  private func check(
    _ judgement: Judgement, of spec: ClaimSpec, in pool: Pool, _ place: String
  ) {
    var pool = pool
    var log = EventLog()
    let decision = pool.apply(.submit(spec), at: pool.now, into: &log).0
    #expect(decision.verdict == judgement.verdict, "\(place)")
    #expect(decision.price == judgement.price, "\(place): \(decision.verdict)")
    #expect(decision.reservation == judgement.reservation, "\(place): \(decision.verdict)")
    #expect(decision.plan == judgement.plan, "\(place): \(decision.verdict)")
    #expect(decision.retryAt == judgement.retryAt, "\(place): \(decision.verdict)")
    let told = decision.reasons.indices.map { log.reasons[$0] }
    #expect(told.sorted(by: Reason.clearsLater) == judgement.reasons, "\(place)")
    guard decision.verdict == .admitted || decision.verdict == .queued, let id = decision.claim,
      let lane = pool.laneID(atRow: spec.lanes.firstRow ?? .max), spec.lanes.count == 1
    else { return }
    let price = pool.price(of: id, in: lane)
    #expect(price?.price == decision.price && price?.reservation == decision.reservation)
  }
}
