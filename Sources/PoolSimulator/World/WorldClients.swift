import PoolAllocator
import PoolLoop

/// What callers know: which of their named requests are not yet answered, and what was quoted.
struct WorldClients: Sendable {
  /// A request that is repeated under its name until it is answered, and sometimes afterwards.
  struct Caller: Sendable {
    var number: Int
    var command: Command
    var askedAt: Instant
    var answer: Answer?
  }

  /// Whether anything new is asked for.
  var isOpen = true
  /// When somebody does something next. Unit: nanoseconds.
  var due: Int64 = 0
  private(set) var callers: [Caller] = []
  /// Requests so far, named or not.
  private(set) var requests = 0
  var claims = 0
  var quotes = 0
  /// Claims that were quoted and not yet submitted.
  var quoted: [ClaimSpec] = []

  private static func name(_ number: Int) -> RequestName {
    RequestName(
      scope: Names.tenant(0), key: Names.request(number), digest: Names.body(number))
  }

  /// A request that is sent once.
  mutating func once(_ command: Command) -> ClientRequest {
    requests += 1
    return ClientRequest(number: requests, name: nil, command: command)
  }

  /// A request that is repeated until it is answered.
  mutating func named(_ command: Command, at now: Instant) -> ClientRequest {
    requests += 1
    callers.append(Caller(number: requests, command: command, askedAt: now, answer: nil))
    if callers.count > 60 { callers.removeFirst(20) }
    return ClientRequest(number: requests, name: Self.name(requests), command: command)
  }

  /// Requests that were not answered in time, asked again.
  mutating func repeats(at now: Instant) -> [ClientRequest] {
    var again: [ClientRequest] = []
    for index in callers.indices
    where callers[index].answer == nil && callers[index].askedAt + .seconds(4) <= now {
      callers[index].askedAt = now
      let caller = callers[index]
      again.append(
        ClientRequest(
          number: caller.number, name: Self.name(caller.number), command: caller.command))
    }
    return again
  }

  /// A caller whose reply was lost asks again, though it was answered; or uses the name for
  /// something else.
  mutating func afterwards(
    isOther: Bool, _ random: inout SeededGenerator
  ) -> ClientRequest? {
    guard let caller = random.pick(callers) else { return nil }
    var name = Self.name(caller.number)
    guard isOther else {
      return ClientRequest(number: caller.number, name: name, command: caller.command)
    }
    requests += 1
    name.digest = Names.body(requests)
    return ClientRequest(
      number: requests, name: name, command: .reportDependency(Names.dependency(0), .up))
  }

  /// Takes an answer: to the same name the same one, whatever crashed in between.
  mutating func take(
    _ answer: ClientAnswer, known: KnownAnswer?, _ reached: inout Reached
  ) throws(Violation) {
    let index = callers.firstIndex { $0.number == answer.number }
    switch answer.outcome {
    case .refused(let refusal):
      if refusal == .nameReused {
        reached.note(.nameReused)
        if let index { callers.remove(at: index) }
      }
      if refusal == .lookupStale { reached.note(.lookupStale) }
    case .answered(let said, let isRepeat):
      if isRepeat { reached.note(.repeated) }
      guard let index else { return }
      guard said.binds else {
        callers.remove(at: index)
        return
      }
      guard let known, known.digest == Names.body(answer.number) else {
        throw Violation("A3", "an answer to a name is not durable")
      }
      try NamesCheck.compare(known.answer, with: said)
      if let before = callers[index].answer { try NamesCheck.compare(before, with: said) }
      callers[index].answer = said
    }
  }
}
