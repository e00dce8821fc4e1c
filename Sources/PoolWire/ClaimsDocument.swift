public import PoolAllocator
public import StrictJSON

/// A claim as its document says it: names beside the core's form of it. It never changes, so that
/// one object serves all who keep it while the claim lives.
public final class ClaimForm: Sendable {
  /// Outside name, unique among the live claims of its tenant.
  public let name: String
  /// Who pays.
  public let tenant: String
  /// The application of the tenant.
  public let application: String
  /// The service definition.
  public let service: String
  /// Acceptable lanes, in the order of the document.
  public let lanes: [String]
  /// The hash of what it plans to do.
  public let plan: String?
  /// Rungs of its service's ladder that it takes rather than wait or be refused.
  public let accepts: [String]
  /// When it is submitted, in pool time; nil means together with the claim before it.
  public let at: Instant?
  /// What the core reads, but for the lanes' rows and the deadline.
  let base: ClaimSpec
  /// How long after its submission the work must be finished.
  let deadline: Span?
  /// Names that must be in a table while the claim lives.
  let interned: [KeyedName]

  init(
    name: String, tenant: String, application: String, service: String, lanes: [String],
    plan: String?, accepts: [String], at: Instant?, base: ClaimSpec, deadline: Span?,
    interned: [KeyedName]
  ) {
    self.name = name
    self.tenant = tenant
    self.application = application
    self.service = service
    self.lanes = lanes
    self.plan = plan
    self.accepts = accepts
    self.at = at
    self.base = base
    self.deadline = deadline
    self.interned = interned
  }

  /// The claim for a pool in which its lanes have rows, submitted at a moment.
  public func spec(in pool: borrowing Pool, at now: Instant) -> ClaimSpec {
    var spec = base
    spec.lanes = pool.laneSet(named: lanes.map { NameTable.key(.lane, $0) })
    spec.deadline = deadline.map { now + $0 }
    let rungs = accepts.map { NameTable.key(.rung, $0) }
    spec.accepts = pool.rungs(of: spec.service, for: spec.tenant, named: rungs) ?? .none
    return spec
  }

  /// The claim's key.
  public var key: Key { base.key }

  /// The machine or person that asks.
  public var principal: String { interned.first { $0.kind == .principal }?.name ?? "" }

  /// The claim's key by its tenant and name.
  public static func key(tenant: String, name: String) -> Key {
    NameTable.key(.claim, NamePath.join(tenant, name))
  }

  /// Puts the claim's names in a table, so that its keys can be read and cannot be mistaken.
  /// - Throws: `NameCollision`; the table is unchanged then.
  /// - Complexity: O(names of the claim), however many the table has.
  public func intern(into names: inout NameTable) throws(NameCollision) {
    for (index, one) in interned.enumerated() {
      do throws(NameCollision) {
        try names.intern(one.kind, one.name, key: one.key)
      } catch {
        for other in interned[..<index] { names.release(other.key) }
        throw error
      }
    }
  }

  /// Compares the claim's names with those of a table that have their keys.
  /// - Throws: `NameCollision` where one is another name.
  public func check(against names: NameTable) throws(NameCollision) {
    for one in interned { try names.check(one.kind, one.name, key: one.key) }
  }

  /// Takes the claim's names out of a table once it ended.
  public func release(from names: inout NameTable) {
    for one in interned { names.release(one.key) }
  }
}

/// The claims of a document of kind `claims`.
public struct ClaimsDocument: Sendable {
  /// Most claims of one document.
  public static let claimsMax = 100_000
  /// The claims, in document order.
  public let claims: [ClaimForm]

  /// Reads a document.
  /// - Parameters:
  ///   - document: what was parsed.
  ///   - vocabulary: the policy's names: a claim that names another tenant,
  ///     service, lane or slice is an error.
  /// - Throws: `JSONErrors` with every error of the document.
  public init(
    _ document: JSONDocument, vocabulary: PolicyVocabulary
  ) throws(JSONErrors) {
    claims = try document.decode { root in
      try root.object { fields in
        let head = try fields.head("claims")
        let note = fields.optionalString("note", 0...4096)
        var known: [String: Int] = [:]
        var last = Instant.origin
        let claims = fields.array("claims", min: 1, max: Self.claimsMax) { value in
          let claim = try ClaimReader(vocabulary: vocabulary).claim(value, timed: true)
          let name = NamePath.join(claim.tenant, claim.name)
          if let first = known[name] {
            throw value.refuse(
              "the tenant has a claim \"\(claim.name)\" already",
              hint: "claims[\(first)] has the name; rename one")
          }
          known[name] = known.count
          if let at = claim.at, at < last {
            throw value.refuse(
              "at_seconds is before that of an earlier claim",
              hint: "put the claims in the order of their times")
          }
          last = claim.at ?? last
          return claim
        }
        _ = try (head.value, note.value)
        return try claims.value
      }
    }
  }
}

/// Reads one claim.
struct ClaimReader {
  let vocabulary: PolicyVocabulary

  /// Most prompt or output tokens of one claim.
  static let tokensMax: Int64 = 1 << 40
  /// Most tool calls: with the chain's depth, prices stay far below 128 bits.
  static let toolCallsMax: Int64 = 1_000_000

  func claim(_ value: JSONValue, timed: Bool) throws -> ClaimForm {
    try value.object { fields in
      let name = fields.name("name")
      let tenant = fields.read("tenant") { try self.tenant($0) }
      let application = fields.name("application")
      let workflow = fields.name("workflow")
      let principal = fields.name("principal")
      let onBehalfOf = fields.optionalName("on_behalf_of")
      let service = fields.read("service") { try self.service($0) }
      let wanted = fields.optional("class") { try check($0, of: (try? service.value) ?? "") }
      let action = fields.name("action")
      let modelClass = fields.name("model_class")
      let attempt = fields.optionalInt64("attempt", in: 1...Int64(Limits.attempts))
      let depth = fields.optionalInt64("depth", in: 0...Int64(Limits.chainDepth))
      let parent = fields.optionalName("parent")
      let plan = fields.optionalName("plan")
      let budget = fields.optionalName("budget")
      let quote = fields.optionalName("quote")
      let accepts = fields.optionalArray("accept_rungs", min: 1, max: Limits.rungs) { value in
        try rung(value, of: (try? service.value) ?? "")
      }
      let lanes = fields.array("lanes", min: 1, max: Limits.lanes) { try lane($0) }
      let demand = fields.read("demand") { try self.demand($0) }
      let runtime = fields.span("runtime_max_seconds", atLeast: 1)
      let estimate = fields.optional("estimate") { try self.estimate($0) }
      let deadline = fields.optionalSpan("deadline_seconds", atLeast: 1)
      let maxWait = fields.optionalSpanOrUnlimited("max_wait_seconds")
      let interruption = fields.optionalObject("interruptible") { try self.interruption(&$0) }
      let at = timed ? fields.optionalSpan("at_seconds") : nil
      let owner = try tenant.value
      // Every name is compared with the one that has its key before the core sees it.
      var interned: [KeyedName] = []
      interned.reserveCapacity(12)
      func note(_ kind: NameKind, _ name: String) -> Key {
        let one = KeyedName(kind, name)
        interned.append(one)
        return one.key
      }
      var spec = ClaimSpec(
        key: note(.claim, NamePath.join(owner, try name.value)), tenant: note(.tenant, owner),
        service: note(.service, try service.value), action: note(.action, try action.value),
        modelClass: note(.modelClass, try modelClass.value),
        demand: try demand.value, lanes: .none, runtimeMax: try runtime.value)
      spec.application = note(.application, NamePath.join(owner, try application.value))
      spec.workflow = note(.workflow, NamePath.join(owner, try workflow.value))
      spec.principal = note(.principal, try principal.value)
      spec.onBehalfOf = try onBehalfOf.value.map { note(.principal, $0) }
      spec.budget = try budget.value.map { note(.budget, NamePath.join(owner, $0)) }
      spec.quote = try quote.value.map { note(.quote, NamePath.join(owner, $0)) }
      spec.plan = try plan.value.map { note(.plan, $0) }
      spec.parent = try parent.value.map { ClaimForm.key(tenant: owner, name: $0) }
      spec.attempt = UInt8(try attempt.value ?? 1)
      spec.depth = UInt8(try depth.value ?? 0)
      spec.estimate = try estimate.value ?? .runtime(spec.runtimeMax)
      spec.maxWait = try maxWait.value ?? nil
      spec.interruption = try interruption.value
      _ = try wanted.value
      return ClaimForm(
        name: try name.value, tenant: owner, application: try application.value,
        service: try service.value, lanes: try lanes.value, plan: try plan.value,
        accepts: try accepts.value ?? [],
        at: try at?.value.map { Instant.origin + $0 }, base: spec,
        deadline: try deadline.value, interned: interned)
    }
  }

  // MARK: names that the policy must have

  func tenant(_ value: JSONValue) throws(JSONAbandoned) -> String {
    let name = try value.name()
    guard vocabulary.hasTenant(name) else {
      throw value.refuse(
        "the policy has no tenant \"\(name)\"",
        hint: NearestName.hint(name, among: vocabulary.shownTenants, called: "tenant"))
    }
    return name
  }

  /// Whether the tenant may use the service is for the pool to decide.
  func service(_ value: JSONValue) throws(JSONAbandoned) -> String {
    let name = try value.name()
    guard vocabulary.hasService(name) else {
      throw value.refuse(
        "the policy has no service \"\(name)\"",
        hint: NearestName.hint(name, among: vocabulary.shownServices, called: "service"))
    }
    return name
  }

  /// The class that its author expects: the service binds it, so a claim cannot choose another.
  private func check(_ value: JSONValue, of service: String) throws(JSONAbandoned) {
    let wanted = try value.choice([
      "P0": ServiceClass.p0, "P1": .p1, "P2": .p2, "P3": .p3,
    ])
    guard let bound = vocabulary.serviceClass(of: service), wanted != bound else { return }
    let owner = vocabulary.serviceOwners[service] ?? "?"
    throw value.refuse(
      "the service \"\(service)\" binds its claims to \(bound.word), and this one wants"
        + " \(wanted.word)",
      hint: wanted < bound
        ? "ask its owner \"\(owner)\" for a service of class \(wanted.word): a change of the"
          + " policy, to be reviewed and approved as one"
        : "leave class out, or name a service of class \(wanted.word)")
  }

  private func rung(
    _ value: JSONValue, of service: String
  ) throws(JSONAbandoned) -> String {
    let name = try value.name()
    let known = vocabulary.ladders[service] ?? []
    guard known.contains(name) || !vocabulary.hasService(service) else {
      throw value.refuse(
        "the ladder of \"\(service)\" has no rung \"\(name)\"",
        hint: known.isEmpty
          ? "the service has no ladder" : NearestName.hint(name, among: known, called: "rung"))
    }
    return name
  }

  private func lane(_ value: JSONValue) throws(JSONAbandoned) -> String {
    let name = try value.name()
    guard vocabulary.lanes.contains(name) else {
      throw value.refuse(
        "the policy has no lane \"\(name)\"",
        hint: NearestName.hint(name, among: vocabulary.lanes, called: "lane"))
    }
    return name
  }

  // MARK: estimate and interruption

  private func estimate(_ value: JSONValue) throws -> Estimate {
    try value.object { fields in
      let seconds = fields.optionalSpan("seconds")
      let prompt = fields.optionalInt64("prompt_tokens", in: 0...Self.tokensMax)
      let output = fields.optionalInt64("output_tokens", in: 0...Self.tokensMax)
      let calls = fields.optionalInt64("tool_calls", in: 0...Self.toolCallsMax)
      let depth = fields.optionalInt64("depth", in: 1...Int64(Limits.chainDepth))
      let work = [prompt, output, calls, depth]
      let isGiven = ["prompt_tokens", "output_tokens", "tool_calls", "depth"].contains {
        fields.contains($0)
      }
      if let span = try seconds.value {
        if isGiven {
          throw value.refuse(
            "seconds and tokens are both given",
            hint: "keep seconds, or leave them to the cost model")
        }
        return .runtime(span)
      }
      guard isGiven else {
        throw value.refuse(
          "the estimate says nothing", hint: "add seconds, or tokens and tool_calls")
      }
      let figures = try work.map { try $0.value }
      return .work(
        promptTokens: figures[0] ?? 0, outputTokens: figures[1] ?? 0,
        toolCalls: figures[2] ?? 0, depth: figures[3] ?? 1)
    }
  }

  private func interruption(_ fields: inout JSONFields) throws -> Interruption {
    let grace = fields.span("grace_seconds")
    let every = fields.span("checkpoint_every_seconds")
    return Interruption(grace: try grace.value, checkpointEvery: try every.value)
  }
}

extension ClaimForm {
  /// Reads a claim that is part of another document.
  /// - Parameter vocabulary: the policy's names.
  /// - Throws: `JSONAbandoned`; the reasons are with the document being decoded.
  public static func read(
    _ value: JSONValue, vocabulary: PolicyVocabulary
  ) throws -> ClaimForm {
    try ClaimReader(vocabulary: vocabulary).claim(value, timed: false)
  }

  /// What it asks of the hardware.
  public var demand: Demand { base.demand }
  /// What the core reads of it but for its lanes, rungs and deadline, which stand apart.
  public var outline: (spec: ClaimSpec, lanes: [Key], rungs: [Key], deadline: Span?) {
    (
      base, lanes.map { NameTable.key(.lane, $0) }, accepts.map { NameTable.key(.rung, $0) },
      deadline
    )
  }
  /// Whether it redeems a quote.
  public var namesQuote: Bool { base.quote != nil }
}
