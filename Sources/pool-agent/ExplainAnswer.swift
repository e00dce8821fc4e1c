import PoolAllocator
import PoolViews
import PoolWire
import StrictJSON

/// The answer to `explain`: why, when, at what price, and what would run now.
struct ExplainAnswer {
  let request: StreamRequest
  let number: Int64
  let target: StreamRequest.ExplainTarget

  /// Looks, and changes nothing but the budget of explanations.
  func text(_ session: inout PlaceSession) throws(NameCollision) -> String {
    let (form, id) = try subject(session)
    guard let form else { return unknown(&session) }
    let spec = form.spec(in: session.pool, at: session.pool.now)
    let refusal = session.explanations.take(
      spec.principal, form.principal, at: session.pool.now)
    if let refusal { return refused(refusal, form, &session) }
    let happenings = session.takeHappenings()
    return try session.withNames(of: form) { scene in
      answer("done", happenings, scene) { writer in
        writer.object("explanation") { ExplanationView(of: form, id, in: scene).write(&$0) }
      }
    }
  }

  /// The claim that is meant: a live one, or one that nobody submitted.
  private func subject(
    _ session: PlaceSession
  ) throws(NameCollision) -> (ClaimForm?, ClaimID?) {
    switch target {
    case .document(let form): return (form, nil)
    case .live(let tenant, let claim):
      try session.names.check(.claim, NamePath.join(tenant, claim))
      let id = session.pool.claim(named: ClaimForm.key(tenant: tenant, name: claim))
      return (id.flatMap { session.book.claims[$0] }, id)
    }
  }

  private func unknown(_ session: inout PlaceSession) -> String {
    answer("rejected", session.takeHappenings(), session.look()) { writer in
      writer.string("note", "a claim that ended, or was refused, is not remembered")
      writer.array("blocking") { writer in
        writer.reason(
          ReasonText(Reason(.unknownSubject), in: session.pool, names: session.names))
      }
    }
  }

  private func refused(
    _ refusal: ExplainBudget.Refusal, _ form: ClaimForm, _ session: inout PlaceSession
  ) -> String {
    answer("rejected", session.takeHappenings(), session.look()) { writer in
      writer.string("note", refusal.sentence(at: session.pool.now))
      writer.string("claim", form.name)
      writer.string("tenant", form.tenant)
      writer.hint(RetryHint(refusal.again, now: session.pool.now, key: form.key))
    }
  }

  private func answer(
    _ outcome: String, _ happenings: [Happening], _ scene: Scene,
    _ body: (inout JSONWriter) -> Void
  ) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.head(request, number, outcome, in: scene)
      body(&writer)
      writer.array("events") { writer in for one in happenings { one.write(&writer) } }
    }
    return writer.text
  }
}

extension JSONWriter {
  /// Writes what every answer begins with.
  mutating func head(
    _ request: StreamRequest, _ number: Int64, _ outcome: String, in scene: Scene
  ) {
    int64("line", number)
    if let id = request.id { string("id", id) }
    string("op", request.op)
    string("outcome", outcome)
    milliseconds("at_ms", scene.pool.now)
    if let due = scene.pool.nextTimer() {
      milliseconds("next_due_ms", max(due, scene.pool.now))
    }
    int64("policy_generation", Int64(scene.pool.generation.value))
  }
}
