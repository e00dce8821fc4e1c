public import PoolAllocator
public import StrictJSON

/// One line of a stream of requests.
public struct StreamRequest: Sendable {
  /// What is asked; large, and handed from one to the next.
  public indirect enum Operation: Sendable {
    /// Asks for devices.
    case claim(ClaimForm)
    /// Asks for a price that holds for a while.
    case quote(QuoteForm)
    /// The agent started a lease.
    case started(LeaseID, Fencing)
    /// Pays the next quantum.
    case renew(LeaseID, Fencing)
    /// The work of a lease is saved.
    case checkpoint(LeaseID, Fencing)
    /// Gives a lease back; `empty` says that nothing of it lives any more.
    case complete(LeaseID, Fencing, Outcome, empty: Bool)
    /// Nothing of a lease lives any more.
    case empty(LeaseID, Fencing)
    /// Withdraws a claim of a tenant.
    case cancel(tenant: String, claim: String)
    /// Another principal decides on what a claim plans; without a plan it denies it.
    case decide(tenant: String, claim: String, by: String, plan: String?)
    /// Gives a delegation a budget, or a known one another limit or end.
    case delegate(DelegationForm)
    /// Closes a delegation of a tenant and all that were given out of it.
    case revoke(tenant: String, budget: String)
    /// Two principals open the emergency of a bucket for a while.
    case raiseEmergency(bucket: String, by: String, and: String, Span)
    /// Does what is due.
    case tick
    /// Takes a node's account; a node that is new is enrolled first.
    case advertise(NodeDocument)
    /// Something about a node by its name.
    case node(String, NodeOperation)
    /// Puts a restriction on an identity, or lifts it.
    case restrict(IdentityKind, name: String, RestrictionForm?)
    /// Records how wrong the estimates of some claims are.
    case correction(CorrectionForm)
    /// Says how something does that work depends on.
    case dependency(String, DependencyState)
    /// Records what was measured.
    case measure(Measurement)
    /// Puts a policy in force.
    case policy(PolicyDocument)
    /// Asks what there is.
    case status
    /// Asks everything of one claim.
    case explain(ExplainTarget)
  }

  /// The claim that is to be explained.
  public enum ExplainTarget: Sendable {
    /// One that lives, by its tenant and name.
    case live(tenant: String, claim: String)
    /// One that is not submitted by it.
    case document(ClaimForm)
  }

  /// What happens to a node.
  public enum NodeOperation: Sendable {
    /// It was not heard.
    case silence
    /// It was heard again.
    case hear
    /// It receives no new lease.
    case cordon
    /// Ends a cordon or a drain.
    case uncordon
    /// It receives no new lease, and running ones end after a grace.
    case drain(Span)
    /// An operator vouches that nothing lives on it.
    case fence
  }

  /// A restriction whose length counts from the moment at which it is put in force.
  public struct RestrictionForm: Sendable {
    let measure: Restriction.Measure
    let length: Span
    let by: Key
    let because: Key

    /// The restriction as of a moment.
    public func restriction(at now: Instant) -> Restriction {
      Restriction(measure: measure, until: now + length, by: by, because: because)
    }
  }

  /// The kind of name that an identity has.
  public static func nameKind(_ kind: IdentityKind) -> NameKind {
    switch kind {
    case .tenant: .tenant
    case .application: .application
    case .workflow: .workflow
    case .principal: .principal
    }
  }

  /// Longest pool time that a line may name, in thousandths of a second: ten years.
  static let atMilliMax: Int64 = 3_660 * 86_400_000

  /// The word of the operation.
  public let op: String
  /// Virtual pool time; nil means the real time since the stream began.
  public let at: Instant?
  /// Comes back in the answer; the caller's own number or word.
  public let id: String?
  /// What is asked.
  public let operation: Operation
  /// Whether the answer to a claim is to say what would be granted instead, where it is not.
  public let wantsAlternatives: Bool

  /// Reads one line.
  /// - Parameters:
  ///   - document: what was parsed.
  ///   - vocabulary: the names of the policy in force.
  ///   - now: pool time, which never falls: an earlier `at_ms` is an error.
  /// - Throws: `JSONErrors` with every error of the line.
  public init(
    _ document: JSONDocument, vocabulary: PolicyVocabulary, notBefore now: Instant = .origin
  ) throws(JSONErrors) {
    self = try document.decode { root in
      try StreamRequest(root, vocabulary: vocabulary, notBefore: now)
    }
  }

  /// Reads a request that is part of another document.
  /// - Throws: `JSONAbandoned`; the reasons are with the document being decoded.
  public init(
    _ value: JSONValue, vocabulary: PolicyVocabulary, notBefore now: Instant = .origin
  ) throws {
    let reader = StreamReader(vocabulary: vocabulary, now: now)
    self = try value.object { try reader.request(&$0, value) }
  }

  /// The caller's `id` of a line whose rest may be wrong, so that the refusal can carry it.
  /// - Returns: nil where the line is no object or has no `id` that would be accepted.
  public static func id(of document: JSONDocument) -> String? {
    try? document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        return try fields.string("id", idBytes).value
      }
    }
  }

  /// Length of a caller's `id`. Unit: UTF-8 bytes.
  static let idBytes = 1...64

  init(
    op: String, at: Instant?, id: String?, operation: Operation, wantsAlternatives: Bool = false
  ) {
    self.op = op
    self.at = at
    self.id = id
    self.operation = operation
    self.wantsAlternatives = wantsAlternatives
  }

  /// Every operation, as it is written.
  public static let operations = [
    "claim", "quote", "started", "renew", "checkpoint", "complete", "empty", "cancel", "approve",
    "deny",
    "delegate", "revoke", "emergency", "tick", "advertise", "silence", "hear", "cordon",
    "uncordon", "drain", "fence", "restrict", "signal", "measure", "dependency", "policy",
    "status", "explain",
  ]
}

/// Reads one request.
struct StreamReader {
  let vocabulary: PolicyVocabulary
  let now: Instant

  func request(_ fields: inout JSONFields, _ root: JSONValue) throws -> StreamRequest {
    let opField = fields.read("op") { value -> String in
      let word = try value.string(1...32)
      guard StreamRequest.operations.contains(word) else {
        throw value.refuse(
          "unknown op",
          hint: NearestName.hint(word, among: StreamRequest.operations, called: "op"))
      }
      return word
    }
    let op = try fields.take(opField)
    let at = fields.optional("at_ms") { try moment($0) }
    let id = fields.optionalString("id", StreamRequest.idBytes)
    let alternatives = op == "claim" ? fields.optionalBool("alternatives") : nil
    let operation = try operation(op, &fields)
    return StreamRequest(
      op: op, at: try at.value, id: try id.value, operation: operation,
      wantsAlternatives: try alternatives?.value ?? false)
  }

  private func moment(_ value: JSONValue) throws(JSONAbandoned) -> Instant {
    let at = Instant(ns: try value.milli(in: 0...StreamRequest.atMilliMax * 1000) * 1000)
    if at < now {
      throw value.refuse(
        "at_ms is before the time of an earlier line",
        hint: "pool time never falls; it is \(Amounts.text(now.ns, digits: 6)) ms")
    }
    return at
  }

  private func operation(
    _ op: String, _ fields: inout JSONFields
  ) throws -> StreamRequest.Operation {
    switch op {
    case "claim":
      let claim = fields.read("claim") {
        try ClaimReader(vocabulary: vocabulary).claim($0, timed: false)
      }
      return .claim(try claim.value)
    case "quote": return try quote(&fields)
    case "started", "renew", "checkpoint", "complete", "empty":
      return try leaseOperation(op, &fields)
    case "cancel":
      let tenant = fields.name("tenant")
      let claim = fields.name("claim")
      return .cancel(tenant: try tenant.value, claim: try claim.value)
    case "approve", "deny":
      let tenant = fields.name("tenant")
      let claim = fields.name("claim")
      let by = fields.name("by")
      let plan = op == "approve" ? fields.name("plan") : nil
      return .decide(
        tenant: try tenant.value, claim: try claim.value, by: try by.value,
        plan: try plan?.value)
    case "delegate": return try delegation(&fields)
    case "revoke":
      let tenant = fields.name("tenant")
      let budget = fields.name("budget")
      return .revoke(tenant: try tenant.value, budget: try budget.value)
    case "emergency":
      let bucket = fields.string("bucket", 1...1024)
      let by = fields.name("by")
      let other = fields.name("and")
      let length = fields.span("for_seconds", atLeast: 1)
      return .raiseEmergency(
        bucket: try bucket.value, by: try by.value, and: try other.value, try length.value)
    case "advertise":
      return .advertise(try fields.read("node") { try NodeDocument($0) }.value)
    case "silence", "hear", "cordon", "uncordon", "drain", "fence":
      return try nodeOperation(op, &fields)
    case "restrict": return try restriction(&fields)
    case "signal":
      return .correction(try ClaimReader(vocabulary: vocabulary).correction(&fields))
    case "policy": return .policy(try fields.read("policy") { try PolicyDocument($0) }.value)
    case "measure": return try measure(&fields)
    case "dependency":
      let name = fields.read("name") { value -> String in
        let name = try value.name()
        guard vocabulary.dependencies.contains(name) else {
          throw value.refuse(
            "the policy has no dependency \"\(name)\"",
            hint: NearestName.hint(name, among: vocabulary.dependencies, called: "dependency"))
        }
        return name
      }
      let state = fields.choice(
        "state", ["up": DependencyState.up, "degraded": .degraded, "down": .down])
      return .dependency(try name.value, try state.value)
    case "status": return .status
    case "explain": return .explain(try explainTarget(&fields))
    default: return .tick
    }
  }

  private func leaseOperation(
    _ op: String, _ fields: inout JSONFields
  ) throws -> StreamRequest.Operation {
    let lease = fields.read("lease") { try $0.lease() }
    let fencing = fields.read("fencing") { try $0.fencing() }
    switch op {
    case "started": return .started(try lease.value, try fencing.value)
    case "renew": return .renew(try lease.value, try fencing.value)
    case "checkpoint": return .checkpoint(try lease.value, try fencing.value)
    case "empty": return .empty(try lease.value, try fencing.value)
    default:
      let outcome = fields.choice(
        "outcome", ["completed": Outcome.completed, "failed": .failed])
      let empty = fields.optionalBool("empty")
      return .complete(
        try lease.value, try fencing.value, try outcome.value, empty: try empty.value ?? false)
    }
  }

  /// A value of a measure that some gauge reads.
  private func measure(_ fields: inout JSONFields) throws -> StreamRequest.Operation {
    let measure = fields.read("measure") { value -> String in
      let name = try value.name()
      let known = vocabulary.measures.map(\.measure)
      guard known.contains(name) else {
        throw value.refuse(
          "no gauge of the policy reads \"\(name)\"",
          hint: NearestName.hint(name, among: known, called: "measure"))
      }
      return name
    }
    let subject = fields.name("subject")
    let value = fields.milli("value", in: -(1 << 50)...(1 << 50))
    return .measure(
      Measurement(
        measure: NameTable.key(.measure, try measure.value),
        subject: NameTable.key(.subject, try subject.value), milli: try value.value))
  }

  private func nodeOperation(
    _ op: String, _ fields: inout JSONFields
  ) throws -> StreamRequest.Operation {
    let node = fields.name("node")
    switch op {
    case "silence": return .node(try node.value, .silence)
    case "hear": return .node(try node.value, .hear)
    case "cordon": return .node(try node.value, .cordon)
    case "uncordon": return .node(try node.value, .uncordon)
    case "fence": return .node(try node.value, .fence)
    default:
      let grace = fields.span("grace_seconds")
      return .node(try node.value, .drain(try grace.value))
    }
  }

  private func restriction(_ fields: inout JSONFields) throws -> StreamRequest.Operation {
    let kinds: KeyValuePairs = [
      "tenant": IdentityKind.tenant, "application": .application, "workflow": .workflow,
      "principal": .principal,
    ]
    let kind = fields.choice("identity", kinds)
    let tenant = fields.optionalName("tenant")
    let name = fields.name("name")
    let measure = fields.optionalChoice(
      "measure", ["suspend": 0, "throttle": 1, "ceiling": 2, "lift": 3])
    let live = fields.optionalInt64("live_claims_max", in: 0...1_000_000)
    let ceiling = fields.optionalChoice("class_max", ["P0": 0, "P1": 1, "P2": 2, "P3": 3])
    let length = fields.optionalSpan("for_seconds", atLeast: 1)
    let by = fields.optionalName("by")
    let because = fields.optionalString("because", 1...1000)
    let path = try identity(
      try kind.value, tenant: try tenant.value, name: try name.value, &fields)
    let lifts = try measure.value == 3
    if lifts { return .restrict(try kind.value, name: path, nil) }
    guard let span = try length.value, let author = try by.value,
      let reason = try because.value, let number = try measure.value
    else {
      try fields.fail(
        "op", "a restriction needs measure, for_seconds, by and because",
        hint: "add them, or write measure: lift")
    }
    let form: Restriction.Measure
    switch number {
    case 0: form = .suspend
    case 1:
      guard let most = try live.value else {
        try fields.fail("measure", "throttle needs a number", hint: "add live_claims_max")
      }
      form = .throttle(liveClaims: UInt32(most))
    default:
      guard let rank = try ceiling.value, let top = ServiceClass(rank: UInt8(rank)) else {
        try fields.fail("measure", "ceiling needs a class", hint: "add class_max")
      }
      form = .ceiling(top)
    }
    return .restrict(
      try kind.value, name: path,
      StreamRequest.RestrictionForm(
        measure: form, length: span, by: NameTable.key(.principal, author),
        because: NameTable.key(.text, reason)))
  }

  /// Applications and workflows belong to a tenant; tenants and principals stand alone.
  private func identity(
    _ kind: IdentityKind, tenant: String?, name: String, _ fields: inout JSONFields
  ) throws(JSONAbandoned) -> String {
    switch kind {
    case .tenant, .principal: return name
    case .application, .workflow:
      guard let tenant else {
        try fields.fail(
          "identity", "an application or workflow belongs to a tenant", hint: "add tenant")
      }
      return NamePath.join(tenant, name)
    }
  }
}
