import Testing

@testable import PoolAllocator
@testable import PoolInsight

/// What a predictor says and how it is judged, on one lane by hand; under load see
/// `PredictionPropertyTests`.
@Suite("When waiting claims are likely to start")
struct WaitPredictorTests {
  /// A room in which claims of P2 for one GPU waited 10 s each.
  private func room(_ turns: Int = 20, terms: WaitPredictor.Terms = .init()) -> WaitingRoom {
    var room = WaitingRoom(terms: terms)
    room.ask()
    room.takeTurns(turns, waiting: .seconds(10))
    return room
  }

  /// Whether a moment is so long from now, but for the grain of a ratio.
  private func isClose(_ moment: Instant?, _ span: Span, from now: Instant) -> Bool {
    guard let moment else { return false }
    return moment >= now + span && moment <= now + span + .seconds(1)
  }

  @Test("it says nothing before it has seen enough, and nothing of a claim granted at the door")
  func silence() {
    var early = room(19)
    let told = early.likelyNext()
    #expect(told == nil)
    var idle = WaitingRoom(gpus: 2)
    let claim = idle.ask()
    #expect(idle.likely(claim) == nil)
    #expect(idle.pool.claim(claim)?.state == .running)
  }

  @Test("it says when claims alike started, and what that rests on")
  func answer() throws {
    var room = room()
    let claim = room.ask()
    let likely = try #require(room.likely(claim))
    #expect(isClose(likely.p50, .seconds(10), from: room.now))
    #expect(likely.p90 == likely.p50)
    let lane = try #require(room.pool.lane(named: WaitingRoom.key(3, 0)))
    #expect(likely.basis.scope == .init(lane: lane, serviceClass: .p2, size: 1))
    #expect(likely.basis.samples == 20)
    #expect(likely.accuracy == .init(held: 0, judged: 0) && likely.accuracy.heldMilli == nil)
    // It is a moment, not a span: it does not move while the claim waits.
    room.pass(.seconds(4))
    #expect(room.likely(claim)?.p90 == likely.p90)
    room.finish()
    #expect(room.likely(claim) == nil, "it has started")
  }

  @Test("half of the waits lie within p50, nine in ten within p90")
  func spread() throws {
    var room = WaitingRoom()
    room.ask()
    for wait in 1...Int64(60) { room.takeTurns(1, waiting: .seconds((wait * 7) % 61)) }
    let likely = try room.toldNext()
    #expect((29...33).contains((likely.p50 - room.now).ns / 1_000_000_000))
    #expect((53...61).contains((likely.p90 - room.now).ns / 1_000_000_000))
  }

  @Test("a longer line is a longer wait")
  func line() throws {
    var room = room()
    let first = try room.toldNext()
    let second = try room.toldNext()
    let third = try room.toldNext()
    #expect(second.p50 > first.p50 && third.p50 > second.p50)
  }

  @Test("a prediction is judged once: when its claim starts, or as soon as it outlives it")
  func judged() throws {
    var room = room()
    room.takeTurns(3, waiting: .seconds(10))
    func accuracy() throws -> Prediction.Accuracy { try room.toldNext().accuracy }
    let before = room
    #expect(try accuracy() == .init(held: 3, judged: 3))
    room = before
    let late = room.ask()
    room.pass(.seconds(12))
    // It waits yet; another one is told so already.
    #expect(room.likely(late)?.accuracy == .init(held: 3, judged: 4))
    #expect(room.likely(late)?.accuracy.heldMilli == 750)
    room.pass(.seconds(12))
    room.finish()
    #expect(try accuracy() == .init(held: 3, judged: 4))
  }

  @Test("a claim that is withdrawn shows nothing before its p90, and a miss after it")
  func withdrawn() throws {
    var room = room()
    let early = room.ask()
    room.pass(.seconds(5))
    room.apply(.cancel(early))
    let late = room.ask()
    #expect(room.likely(late)?.accuracy == .init(held: 0, judged: 0))
    room.pass(.seconds(15))
    room.apply(.cancel(late))
    let likely = try room.toldNext()
    #expect(likely.accuracy == .init(held: 0, judged: 1))
    #expect(likely.basis.samples == 20, "neither is a wait that ended")
  }

  @Test("a claim that is held out of the order waits anew when it is back")
  func held() throws {
    var room = room()
    let claim = room.ask()
    #expect(room.likely(claim) != nil)
    let key = WaitingRoom.key(5, 0)
    let ban = Restriction(
      measure: .suspend, until: room.now + .seconds(1_000), by: key, because: key)
    room.apply(.restrict(.tenant, key, ban))
    room.finish()
    #expect(room.pool.claim(claim)?.state == .parked)
    #expect(room.likely(claim) == nil)
    room.pass(.seconds(100))
    room.apply(.restrict(.tenant, key, nil))
    room.apply(.tick)
    #expect(room.pool.claim(claim)?.state == .running)
    let next = try room.toldNext()
    #expect(next.accuracy == .init(held: 0, judged: 0))
    #expect(isClose(next.p90, .seconds(10), from: room.now), "100 s were no wait in the order")
  }

  @Test("an answer is never in the past, and a claim that outlived all may wait as long again")
  func outlived() throws {
    var room = room()
    let claim = room.ask()
    var last = try #require(room.likely(claim))
    for _ in 0..<30 {
      room.pass(.seconds(7))
      let likely = try #require(room.likely(claim))
      #expect(likely.p50 >= room.now && likely.p90 >= likely.p50 && likely.p90 >= last.p90)
      last = likely
    }
    let left = (last.p90 - room.now).ns / 1_000_000_000
    #expect((189...193).contains(left), "nine tenths of 210 s, a little more after its miss")
  }

  @Test("a size that was hardly seen is answered by its lane and class")
  func sizes() throws {
    var room = WaitingRoom(gpus: 2)
    room.ask()
    room.ask()
    room.takeTurns(20, waiting: .seconds(10))
    let likely = try room.toldNext(gpus: 2)
    #expect(likely.basis.scope.size == nil && likely.basis.samples == 20)
    let small = try room.toldNext(gpus: 1)
    #expect(small.basis.scope.size == 1)
    let urgent = room.likelyNext(gpus: 1, rank: 1)
    #expect(urgent == nil, "another class waits otherwise")
  }

  @Test("no answer is later than the start that is planned")
  func planned() throws {
    var room = room()
    room.takeTurns(30, waiting: .seconds(99))
    room.pass(.seconds(80))
    let claim = room.ask()
    room.apply(.tick)
    let planned = try #require(room.pool.planned(claim))
    #expect(planned < room.now + .seconds(99))
    #expect(room.likely(claim)?.p90 == planned)
  }

  @Test("claims that rose count before those of the class to which they rose")
  func ageing() throws {
    func p50(_ order: OrderRule) throws -> Span {
      var room = WaitingRoom(order: order)
      room.ask()
      room.takeTurns(20, waiting: .seconds(10), rank: 0)
      for _ in 0..<5 { room.ask(rank: 2) }
      room.pass(.seconds(59))
      room.pass(.seconds(2))
      return try room.toldNext(rank: 0).p50 - room.now
    }
    let still = try p50(OrderRule())
    let slow = try p50(OrderRule(ageingStep: .seconds(60)))
    let rising = try p50(OrderRule(ageingStep: .seconds(30)))
    #expect(slow == still, "a level below P0 after a minute")
    #expect(rising.ns > 4 * still.ns)
  }

  @Test("only so many scopes are learned; those of a lane that is gone make room")
  func scopes() throws {
    var terms = WaitPredictor.Terms()
    terms.scopes = 2
    terms.samplesMin = 1
    var room = room(3, terms: terms)
    _ = try room.toldNext()
    room.finish()
    room.takeTurns(3, waiting: .seconds(10), rank: 1)
    let told = room.likelyNext(rank: 1)
    #expect(told == nil)
    while room.pool.waitingClaims > 0 { room.finish() }
    room.finish()
    let lane = try #require(room.pool.lane(named: WaitingRoom.key(3, 0)))
    room.replaceLane()
    #expect(room.pool.lane(lane) == nil)
    room.ask(rank: 1)
    room.takeTurns(3, waiting: .seconds(10), rank: 1)
    let again = try room.toldNext(rank: 1)
    #expect(again.basis.scope.lane != lane && again.basis.samples == 3)
  }

  @Test("the same logs give the same answers")
  func replay() throws {
    var room = room(40)
    let claims = (0..<5).map { _ in room.ask(rank: 2) }
    room.pass(.seconds(3))
    var (pool, again) = (Pool(), WaitPredictor())
    for log in room.logs {
      pool.replay(log)
      again.fold(log, in: pool)
    }
    for claim in claims {
      let likely = try #require(room.likely(claim))
      #expect(again.likely(claim, in: pool) == likely)
    }
  }
}

@Suite("What a predictor is made of")
struct WaitPartsTests {
  @Test("a wait lies within what its own ratio gives, and not far below")
  func ratios() {
    for estimate in [1, 999, 65_536, 1_000_000_007, 86_400_000_000_000] as [Int64] {
      for wait in [0, 1, 5, 1_000, 123_456_789, 3_600_000_000_000] as [Int64] {
        let ratio = WaitSamples.ratio(Span(ns: wait), to: Span(ns: estimate))
        guard ratio < WaitSamples.one << 20 else { continue }
        let back = WaitSamples.wait(ratio, of: Span(ns: estimate)).ns
        #expect(back >= wait && back <= wait + estimate / WaitSamples.one + 2)
      }
    }
    #expect(WaitSamples.wait(.max / 2, of: Span(ns: .max)).ns == .max, "held, not wrapped")
  }

  @Test("the window forgets the oldest")
  func window() {
    var samples = WaitSamples()
    for ratio in [50, 10, 40, 20, 30] as [Int64] { samples.add(ratio, size: 3) }
    #expect(samples.count == 3)
    #expect(samples.quantile(0) == 20 && samples.quantile(WaitSamples.one) == 40)
    #expect(samples.quantile(WaitSamples.one / 2) == 30)
    #expect(samples.count(from: 30) == 2 && samples.quantile(0, from: 31) == 40)
    #expect(samples.quantile(0, from: 41) == nil)
    #expect(samples.quantile(WaitSamples.one * 5 / 4) == 80, "above 1 it lies beyond the largest")
  }

  @Test("the level rises by a miss as much as it falls by nine that held")
  func level() {
    var samples = WaitSamples()
    let first = samples.level
    samples.judge(held: false, stepMilli: 90)
    #expect(samples.level == first + WaitSamples.one * 90 / 1000)
    for _ in 0..<9 { samples.judge(held: true, stepMilli: 90) }
    #expect(abs(samples.level - first) <= 9)
    for _ in 0..<100 { samples.judge(held: false, stepMilli: 1000) }
    #expect(samples.level == 2 * WaitSamples.one)
    #expect(samples.held == 9 && samples.judged == 110)
  }

  @Test("deadlines come in order, and what no longer matters can be dropped")
  func deadlines() {
    var deadlines = Deadlines<Int>()
    for moment in [5, 3, 9, 1, 7, 3] { deadlines.add(moment * 10, at: Instant(ns: Int64(moment))) }
    #expect(deadlines.popFirst(before: Instant(ns: 1)) == nil)
    #expect(deadlines.popFirst(before: Instant(ns: 2))?.item == 10)
    deadlines.keep { _, item in item != 50 }
    var left: [Int64] = []
    while let (moment, _) = deadlines.popFirst(before: Instant(ns: 100)) { left.append(moment.ns) }
    #expect(left == [3, 3, 7, 9])
  }

  @Test("before a claim goes better work, its tenant's own, and as much of others by weight")
  func work() {
    var work = WaitingWork()
    func item(
      _ tenant: UInt32, level: UInt8, weight: Int64 = 1000, seconds: Int64 = 80
    )
      -> WaitingWork.Item
    {
      WaitingWork.Item(
        lane: 0, level: level, tenant: tenant, weight: weight, milli: 1000,
        expected: .seconds(seconds))
    }
    func wait(_ item: WaitingWork.Item, rise: Span? = nil) -> Int64 {
      work.wait(of: item, capacity: 1000) { _ in rise }.ns / 1_000_000_000
    }
    // Its own runtime, and a quarter of the mean.
    #expect(wait(item(0, level: 1)) == 100)
    for _ in 0..<10 { work.add(item(1, level: 1)) }
    // Another tenant's ten: one of them comes before the first of this one.
    #expect(wait(item(0, level: 1)) == 180)
    #expect(wait(item(0, level: 1, weight: 500)) == 260)
    #expect(wait(item(1, level: 1)) == 900)
    #expect(wait(item(0, level: 0)) == 100, "worse work does not come before")
    var better = item(2, level: 0)
    work.add(better)
    #expect(wait(item(0, level: 1)) == 340, "the better one, and one of each other tenant")
    work.move(&better, to: 1)
    work.remove(better)
    #expect(wait(item(0, level: 1)) == 180)
    for _ in 0..<50 { work.add(item(2, level: 0)) }
    #expect(wait(item(0, level: 1)) == 4_260)
    #expect(wait(item(0, level: 1), rise: .seconds(200)) == 260, "turns at the better level")
    #expect(wait(item(0, level: 1), rise: .seconds(300)) == 320, "not before it is there")
    #expect(wait(item(0, level: 1), rise: .seconds(9_000)) == 4_260)
  }
}
