import PoolAllocator
import PoolLoop

/// Those who ask for the claims of a scenario.
struct ScenarioClients: Sendable {
  /// Something that they do at a moment.
  enum Act: Sendable {
    /// Asks for a claim.
    case ask(Int)
    /// Asks again where the try of that number was not answered.
    case again(Int, tries: Int)
    /// Withdraws a claim that was not yet served.
    case withdraw(Int)
    /// All holders look after their leases.
    case hold
  }

  /// A claim.
  struct Job: Sendable {
    /// Where it stands with its caller.
    enum Phase: Sendable { case new, asked, taken(ClaimID), over }

    let stream: Int
    let runs: Span
    /// The claim whose workflow it belongs to.
    let root: Int
    let depth: UInt8
    var tries = 0
    var phase = Phase.new
    var hasStarted = false
    var answer: Answer?
  }

  /// By number.
  var jobs: [Job] = []
  var agenda = Agenda<Act>()
  /// Whether anything new is asked for.
  private(set) var isOpen = true

  /// Nobody asks for anything new.
  mutating func close() { isOpen = false }
}

extension ScenarioWorld {
  /// Requests without a name of a claim: nobody looks at their answers.
  private static let unnamed = 1 << 40
  /// Time after which a request that was not answered is sent again.
  private static let unanswered = Span.seconds(4)
  /// Most claims of a scenario: agents that call agents end there. Unit: claims.
  private static let claimsMax = 50_000

  mutating func addJob(of stream: Int, at span: Span, root: Int?, depth: UInt8) {
    let number = clients.jobs.count
    guard number < Self.claimsMax else { return }
    let runs = scenario.streams[stream].runs.draw(&random)
    clients.jobs.append(
      ScenarioClients.Job(stream: stream, runs: runs, root: root ?? number, depth: depth))
    server.tally?.fates.append(ScenarioFate(stream: stream, arrives: span))
    clients.agenda.add(.ask(number), at: moment(span))
  }

  /// Work that just started asks for more of its kind.
  mutating func spawn(from number: Int) {
    let job = clients.jobs[number]
    guard isOpen else { return }
    for _ in 0..<scenario.streams[job.stream].client.spawns {
      addJob(
        of: job.stream, at: Span(ns: (now - began).ns + 1_000_000_000), root: job.root,
        depth: job.depth == .max ? .max : job.depth + 1)
    }
  }

  // MARK: asking

  mutating func perform(_ act: ScenarioClients.Act) {
    switch act {
    case .hold:
      hold()
      clients.agenda.add(.hold, at: now + Self.holding)
    case .ask(let number):
      guard clients.isOpen, case .new = clients.jobs[number].phase else { return }
      clients.jobs[number].tries += 1
      clients.jobs[number].phase = .asked
      ask(number)
    case .again(let number, let tries):
      guard case .asked = clients.jobs[number].phase, clients.jobs[number].tries == tries else {
        return
      }
      ask(number)
    case .withdraw(let number):
      guard case .taken(let claim) = clients.jobs[number].phase,
        let fate = server.tally?.fates[number], fate.granted == nil, fate.ended == nil
      else { return }
      server.tally?.fates[number].isWithdrawn = true
      send(.cancel(claim))
      clients.agenda.add(.withdraw(number), at: now + Self.unanswered)
    }
  }

  private mutating func ask(_ number: Int) {
    let job = clients.jobs[number]
    server.tally?.fates[number].requests += 1
    life.spans?[Names.claim(number)] = job.runs
    let name = RequestName(
      scope: scenario.streams[job.stream].claim.tenant, key: Names.request(number),
      digest: Names.body(number))
    let request = ClientRequest(number: number + 1, name: name, command: .submit(spec(number)))
    network.send(.request(request), over: .init(from: World.callers, to: World.leader), at: now)
    clients.agenda.add(.again(number, tries: job.tries), at: now + Self.unanswered)
  }

  private func spec(_ number: Int) -> ClaimSpec {
    let job = clients.jobs[number]
    let stream = scenario.streams[job.stream]
    var spec = stream.claim
    spec.key = Names.claim(number)
    if !stream.isOneWorkflow { spec.workflow = Names.workflow(job.root) }
    spec.depth = max(spec.depth, job.depth)
    spec.lanes = server.disk.pool.laneSet(named: stream.lanes)
    spec.accepts =
      server.disk.pool.rungs(of: spec.service, for: spec.tenant, named: stream.rungs) ?? .none
    spec.deadline = stream.deadline.map { poolNow + $0 }
    return spec
  }

  private mutating func send(_ command: Command) {
    let request = ClientRequest(number: Self.unnamed, name: nil, command: command)
    network.send(.request(request), over: .init(from: World.callers, to: World.leader), at: now)
  }

  // MARK: answers

  mutating func take(_ answer: ClientAnswer) throws(Violation) {
    let number = answer.number - 1
    guard number < clients.jobs.count else { return }
    switch answer.outcome {
    case .refused(let refusal):
      if refusal == .nameReused {
        throw Violation("J4", "a name that was used once is called used for another request")
      }
      comeBack(number, after: .seconds(1))
    case .answered(let said, _):
      guard said.binds else { return refused(number, said) }
      guard let known = server.known[Names.request(number)] else {
        throw Violation("A3", "an answer to a name is not durable")
      }
      try NamesCheck.compare(known.answer, with: said)
      if let before = clients.jobs[number].answer { try NamesCheck.compare(before, with: said) }
      clients.jobs[number].answer = said
      settle(number, said)
    }
  }

  private mutating func settle(_ number: Int, _ said: Answer) {
    guard case .asked = clients.jobs[number].phase else { return }
    guard let claim = said.decision.claim else {
      clients.jobs[number].phase = .over
      return
    }
    clients.jobs[number].phase = .taken(claim)
    if let patience = scenario.streams[clients.jobs[number].stream].client.patience {
      clients.agenda.add(.withdraw(number), at: now + patience)
    }
  }

  /// A refusal that may end: its caller comes back when that says so, or when it likes.
  private mutating func refused(_ number: Int, _ said: Answer) {
    let client = scenario.streams[clients.jobs[number].stream].client
    var wait = client.retryAfter
    if client.honoursHints, let moment = said.decision.retryAt {
      wait = Self.retryAfter(moment, said.at, Names.claim(number))
    }
    comeBack(number, after: wait)
  }

  private mutating func comeBack(_ number: Int, after wait: Span) {
    guard case .asked = clients.jobs[number].phase else { return }
    let client = scenario.streams[clients.jobs[number].stream].client
    guard clients.jobs[number].tries < client.triesMax else {
      clients.jobs[number].phase = .over
      return
    }
    clients.jobs[number].phase = .new
    clients.agenda.add(.ask(number), at: now + wait)
  }

  /// Retry-After of a refusal: whole seconds, rounded up, and up to 9 % and 30 s of jitter that
  /// rests on the claim alone (SEMANTICS 2.5).
  private static func retryAfter(_ moment: Instant, _ said: Instant, _ key: Key) -> Span {
    let seconds = (max(0, (moment - said).ns) + 999_999_999) / 1_000_000_000
    let jitter = Int64(key.low % UInt64(min(30, seconds / 11) + 1))
    return .seconds(seconds + jitter)
  }

  // MARK: leases

  /// Holders renew what their work outlasts, and save it.
  private mutating func hold() {
    guard server.isUp else { return }
    let moment = poolNow
    var held: [(id: LeaseID, lease: Lease)] = []
    server.loop.pool.forEachLease { id, lease in
      if lease.state == .active { held.append((id, lease)) }
    }
    for (id, lease) in held {
      let isShort = lease.hardEnd.map { lease.ends < $0 } ?? false
      if isShort, lease.nextReserved == nil, moment >= lease.renewFrom {
        send(.renew(id, lease.fencing))
      }
      if let every = saving(of: lease.claim), let saved = lease.savedAt, moment >= saved + every {
        send(.confirmCheckpoint(id, lease.fencing))
      }
    }
  }

  /// How often the work of a claim is saved; nil: it is not.
  private func saving(of id: ClaimID) -> Span? {
    guard let spec = server.loop.pool.claim(id)?.spec,
      let every = spec.interruption?.checkpointEvery, every > .zero,
      let number = ScenarioTally.number(of: spec.key), number < clients.jobs.count,
      scenario.streams[clients.jobs[number].stream].client.savesWork
    else { return nil }
    return every
  }
}
