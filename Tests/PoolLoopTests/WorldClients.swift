import PoolAllocator
import PoolLoop
import PoolSimulator

/// Callers who submit claims under a name until they are answered, renew most of their leases, and
/// withdraw a few claims.
struct WorldClients {
  private struct Caller {
    var number: Int
    var spec: ClaimSpec
    var ticket: Key?
    var askedAt: Instant
    var answer: Answer?
    var isRepeated = false
  }

  /// Whether new claims come.
  var isOpen = true
  private var callers: [Caller] = []
  private var submitted = 0
  private var nextLook = Instant.origin
  private(set) var repeats = 0

  var next: Instant? { nextLook }
  /// Claims that were submitted.
  var count: Int { submitted }

  private func name(_ number: Int) -> RequestName {
    RequestName(
      scope: SmallFleet.key(5, 0), key: SmallFleet.key(22, number),
      digest: SmallFleet.key(23, number))
  }

  /// Once a second: new claims, repetitions, renewals, withdrawals.
  mutating func act(at now: Instant, server: inout WorldServer, random: inout SeededGenerator) {
    guard now >= nextLook else { return }
    nextLook = now + Span(ns: random.within(200_000_000...1_500_000_000))
    if isOpen, let pool = server.loop?.pool, waiting(pool) < 12, random.below(2) == 0 {
      submit(now, &random)
    }
    for index in callers.indices where callers[index].answer == nil {
      guard callers[index].ticket == nil || callers[index].askedAt + .seconds(5) <= now else {
        continue
      }
      ask(index, now, &server)
    }
    // A caller whose reply was lost asks again, though it was answered.
    if let index = callers.indices.last, callers[index].answer != nil, random.below(4) == 0 {
      callers[index].isRepeated = true
      ask(index, now, &server)
    }
    holdLeases(&server, &random)
  }

  private func waiting(_ pool: Pool) -> Int {
    var count = 0
    pool.forEachClaim { _, _ in count += 1 }
    return count
  }

  private mutating func submit(_ now: Instant, _ random: inout SeededGenerator) {
    let share: Int32 = [1_000, 1_000, 1_000, 500, 300][Int(random.below(5))]
    let gpus = share == 1_000 ? Int(random.within(1...2)) : 1
    let spec = SmallFleet.claim(
      submitted, tenant: Int(random.below(2)), gpus: gpus, share: share,
      runtime: .seconds(random.within(5...90)))
    callers.append(
      Caller(number: submitted, spec: spec, ticket: nil, askedAt: now, answer: nil))
    submitted += 1
    if callers.count > 200 { callers.removeAll { $0.answer != nil } }
  }

  private mutating func ask(_ index: Int, _ now: Instant, _ server: inout WorldServer) {
    callers[index].ticket = server.ask(
      .submit(callers[index].spec), named: name(callers[index].number))
    callers[index].askedAt = now
  }

  private mutating func holdLeases(
    _ server: inout WorldServer, _ random: inout SeededGenerator
  ) {
    guard let pool = server.loop?.pool else { return }
    var commands: [Command] = []
    pool.forEachLease { id, lease in
      guard lease.state == .active, lease.nextReserved == nil, pool.now >= lease.renewFrom,
        lease.fencing.raw % 5 != 0
      else { return }
      commands.append(.renew(id, lease.fencing))
    }
    pool.forEachClaim { id, _ in if random.below(400) == 0 { commands.append(.cancel(id)) } }
    for command in commands { server.ask(command) }
  }

  /// Takes a reply: to the same name the same answer, whatever crashed in between.
  mutating func take(_ reply: Reply, _ server: WorldServer, at now: Instant) throws(Violation) {
    guard let index = callers.firstIndex(where: { $0.ticket == reply.ticket }),
      case .answered(let answer, let isRepeat) = reply.outcome
    else { return }
    if isRepeat { repeats += 1 }
    guard answer.binds else {
      callers[index].ticket = nil
      return
    }
    guard let durable = server.known[name(callers[index].number)],
      Self.isSame(durable, answer)
    else { throw Violation("an answer is not the durable one") }
    if let before = callers[index].answer, !Self.isSame(before, answer) {
      throw Violation("one name had two answers")
    }
    callers[index].answer = answer
  }

  private static func isSame(_ left: Answer, _ right: Answer) -> Bool {
    left.at == right.at && left.decision.verdict == right.decision.verdict
      && left.decision.claim == right.decision.claim && left.decision.lease == right.decision.lease
  }
}
