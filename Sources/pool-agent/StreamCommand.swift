import PoolAllocator
import PoolConsole
import PoolWire
import StrictJSON

/// `pool-agent place --stream`: one answer for every line.
enum StreamCommand {
  /// A request may hold a policy or a node; nothing of ours is deeper.
  private static let limits = JSONLimits(documentBytesMax: InputLines.bytesMax)

  /// - Throws: `UsageError` where the input cannot be read to its end; what was answered stands.
  static func run(_ session: inout PlaceSession) throws(UsageError) {
    let start = Console.monotonicNanoseconds()
    var lines = InputLines()
    var number: Int64 = 0
    _ = session.takeHappenings()
    while let line = try next(&lines) {
      number += 1
      let elapsed = Instant(ns: max(0, Console.monotonicNanoseconds() - start))
      Console.print(answer(line, number, elapsed, &session) + "\n")
    }
  }

  private static func next(_ lines: inout InputLines) throws(UsageError) -> InputLines.Line? {
    do {
      return try lines.next()
    } catch {
      throw UsageError(message: error.message)
    }
  }

  private static func answer(
    _ line: InputLines.Line, _ number: Int64, _ elapsed: Instant,
    _ session: inout PlaceSession
  ) -> String {
    guard case .bytes(let bytes) = line else {
      let problem = "the line is longer than \(InputLines.bytesMax >> 10) KiB"
      let hint = "a policy that needs more is read from its file, with --policy"
      return refusal(number, [error(problem, hint)])
    }
    let request: StreamRequest
    var id: String?
    do throws(JSONErrors) {
      let document = try JSONDocument(bytes, limits: limits)
      id = StreamRequest.id(of: document)
      request = try StreamRequest(
        document, vocabulary: session.vocabulary, notBefore: session.pool.now)
    } catch {
      return refusal(number, error.errors, id: id)
    }
    session.advance(to: request.at ?? max(session.pool.now, elapsed))
    do throws(NameCollision) {
      if case .explain(let target) = request.operation {
        return try ExplainAnswer(request: request, number: number, target: target).text(&session)
      }
      return try StreamAnswer(request, number).text(&session)
    } catch {
      return refusal(number, [self.error(error.description, "")], id: request.id)
    }
  }

  /// The reader counts the lines of its document, which is one line of the stream.
  private static func hint(of error: JSONError) -> String {
    let second = "line 1, column "
    guard let start = error.hint.indices.first(where: { error.hint[$0...].hasPrefix(second) })
    else { return error.hint }
    let column = error.hint[start...].dropFirst(second.count)
    return error.hint[..<start] + "column " + column
  }

  private static func error(_ problem: String, _ hint: String) -> JSONError {
    JSONError(line: 1, column: 1, path: "$", problem: problem, hint: hint)
  }

  /// An answer to a line that changed nothing.
  private static func refusal(_ number: Int64, _ errors: [JSONError], id: String? = nil) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("line", number)
      if let id { writer.string("id", id) }
      writer.string("outcome", "error")
      writer.array("errors") { writer in
        for error in errors {
          writer.object { writer in
            writer.int64("line", number)
            writer.int64("column", Int64(error.column))
            writer.string("path", error.path)
            writer.string("problem", error.problem)
            writer.string("hint", hint(of: error))
          }
        }
      }
    }
    return writer.text
  }
}

/// The answer to one request that could be read.
struct StreamAnswer {
  let request: StreamRequest
  let number: Int64

  init(_ request: StreamRequest, _ number: Int64) {
    self.request = request
    self.number = number
  }

  /// Does what is asked and says what came of it.
  func text(_ session: inout PlaceSession) throws(NameCollision) -> String {
    let before = session.pool.now
    let note = note(session)
    let decision = try decide(&session)
    let reasons = decision.map { session.reasons(of: $0, claim: form) } ?? []
    var isRunning: (id: LeaseID, lease: Lease)?
    if let id = decision?.lease, let lease = session.pool.lease(id) { isRunning = (id, lease) }
    var writer = JSONWriter()
    writer.object { writer in
      writer.head(request, number, (decision?.verdict ?? .done).wire, in: session)
      if let note { writer.string("note", note) }
      if let form, let decision {
        writer.string("claim", form.name)
        writer.string("tenant", form.tenant)
        writer.gpuSeconds("price_gpu_seconds", decision.price)
        writer.gpuSeconds("reservation_gpu_seconds", decision.reservation)
        if let plan = decision.plan, plan.correctionMilli != Correction.none {
          writer.milli("correction", Int64(plan.correctionMilli))
          let ms = Amounts.nanosecondsPerMilli
          writer.milli("expected_seconds", (plan.expected.ns + ms - 1) / ms)
        }
        if let id = decision.quote { writer.quote(id, in: session) }
        if let position = decision.claim.flatMap({ session.pool.position(of: $0) }) {
          writer.int64("position", Int64(position))
        }
        if let id = decision.claim {
          writer.degraded(id, in: session.pool, names: session.names)
          writer.startBound(id, in: session)
          writer.likely(id, in: session)
        }
      }
      if let (id, lease) = isRunning {
        writer.key("lease")
        writer.lease(id, lease, in: session.pool, names: session.names)
        if form != nil { writer.gang(of: id, in: session.pool, names: session.names) }
      }
      if let moment = decision?.retryAt {
        let key = form?.key ?? NameTable.key(.text, request.op)
        writer.hint(RetryHint(moment, now: before, key: key))
      }
      if !reasons.isEmpty {
        writer.array("blocking") { writer in for reason in reasons { writer.reason(reason) } }
      }
      if request.wantsAlternatives, isRunning == nil, let form {
        writer.alternatives(session.alternatives(to: form), at: session.pool.now)
      }
      if case .status = request.operation {
        writer.object("pool") { PoolView(session).write(&$0) }
        LiveView(session).write(&writer)
        writer.quotes(in: session)
        PressureView(session).write(&writer)
      }
      let happenings = session.takeHappenings()
      writer.array("events") { writer in for one in happenings { one.write(&writer) } }
    }
    return writer.text
  }

  private func note(_ session: PlaceSession) -> String? {
    guard case .advertise(let node) = request.operation, session.restatesEnrolment(node) else {
      return nil
    }
    return "labels and approved devices stay as the node was enrolled"
  }

  private var form: ClaimForm? {
    switch request.operation {
    case .claim(let form): form
    case .quote(let form): form.claim
    default: nil
    }
  }

  /// - Returns: nil where nothing is to be decided.
  private func decide(_ session: inout PlaceSession) throws(NameCollision) -> Decision? {
    let now = session.pool.now
    switch request.operation {
    case .claim(let form): return try session.submit(form)
    case .quote(let form): return try session.quote(form)
    case .started(let lease, let fencing):
      return session.apply(.confirmStarted(lease, fencing), at: now)
    case .renew(let lease, let fencing): return session.apply(.renew(lease, fencing), at: now)
    case .checkpoint(let lease, let fencing):
      return session.apply(.confirmCheckpoint(lease, fencing), at: now)
    case .complete(let lease, let fencing, let outcome, let empty):
      let decision = session.apply(.release(lease, fencing, outcome), at: now)
      guard empty, decision.verdict == .done else { return decision }
      return session.apply(.confirmEmpty(lease, fencing), at: now)
    case .empty(let lease, let fencing):
      return session.apply(.confirmEmpty(lease, fencing), at: now)
    case .cancel(let tenant, let claim):
      try session.names.check(.claim, NamePath.join(tenant, claim))
      let id = session.pool.claim(named: ClaimForm.key(tenant: tenant, name: claim))
      return session.apply(.cancel(id ?? ClaimID(row: .max, generation: 0)), at: now)
    case .decide(let tenant, let claim, let by, let plan):
      return try decide(tenant, claim, by: by, plan: plan, &session)
    case .delegate(let form): return try session.delegate(form)
    case .revoke(let tenant, let budget):
      try session.names.check(.budget, NamePath.join(tenant, budget))
      return session.apply(
        .revoke(DelegationForm.key(tenant: tenant, budget: budget)), at: now)
    case .raiseEmergency(let bucket, let by, let other, let length):
      try session.names.check(.bucket, bucket)
      for principal in [by, other] { try session.names.check(.principal, principal) }
      let raise = EmergencyRaise(
        by: NameTable.key(.principal, by), and: NameTable.key(.principal, other),
        until: now + length)
      let id = session.pool.bucket(named: NameTable.key(.bucket, bucket))
      return session.apply(
        .raiseEmergency(id ?? BucketID(row: .max, generation: 0), raise), at: now)
    case .tick:
      session.tick(at: now)
      return session.apply(.tick, at: now)
    case .advertise(let node): return try session.advertise(node)
    case .node(let name, let operation):
      try session.names.check(.node, name)
      return apply(operation, to: name, &session)
    case .restrict(let kind, let name, let restriction):
      let nameKind = StreamRequest.nameKind(kind)
      try session.names.check(nameKind, name)
      let key = NameTable.key(nameKind, name)
      return session.apply(.restrict(kind, key, restriction?.restriction(at: now)), at: now)
    case .correction(let correction): return try session.correct(correction)
    case .dependency(let name, let state):
      return session.apply(
        .reportDependency(NameTable.key(.dependency, name), state), at: now)
    case .measure(let measurement):
      return session.apply(.signal(.measured(measurement)), at: now)
    case .policy(let policy): return try session.activate(policy)
    case .status, .explain: return nil
    }
  }

  private func decide(
    _ tenant: String, _ claim: String, by name: String, plan: String?,
    _ session: inout PlaceSession
  ) throws(NameCollision) -> Decision {
    try session.names.check(.claim, NamePath.join(tenant, claim))
    try session.names.check(.principal, name)
    let id =
      session.pool.claim(named: ClaimForm.key(tenant: tenant, name: claim))
      ?? ClaimID(row: .max, generation: 0)
    let by = NameTable.key(.principal, name)
    guard let plan else { return session.apply(.deny(id, by: by), at: session.pool.now) }
    try session.names.check(.plan, plan)
    return session.apply(
      .approve(id, by: by, plan: NameTable.key(.plan, plan)), at: session.pool.now)
  }

  private func apply(
    _ operation: StreamRequest.NodeOperation, to name: String, _ session: inout PlaceSession
  ) -> Decision {
    let now = session.pool.now
    let known = session.pool.node(named: NameTable.key(.node, name))
    // An id that is never live gets the core's own answer for an unknown name.
    let node = known ?? NodeID(row: .max, generation: 0)
    switch operation {
    case .silence: return session.apply(.silence(node), at: now)
    case .hear: return session.apply(.hear(node), at: now)
    case .cordon: return session.apply(.cordon(node), at: now)
    case .uncordon: return session.apply(.uncordon(node), at: now)
    case .drain(let grace): return session.apply(.drain(node, deadline: now + grace), at: now)
    case .fence: return session.apply(.fence(node), at: now)
    }
  }
}
