import PoolAllocator
import PoolStore
import StrictJSON

/// What people decide beside the pool: on policies to come, and on emergencies. Each is a record of
/// the journal with a note, as any request is; its command does nothing, or what was agreed on.
enum Act: Hashable, Sendable {
  case policy(PolicyAct)
  case emergency(EmergencyAct)
}

/// What is done to the policies to come.
enum PolicyAct: Hashable, Sendable {
  /// Somebody alone puts a policy in force, after that of a generation; 0: the first one.
  case apply(after: PolicyGeneration)
  /// Somebody proposes one.
  case propose(PolicyDraft)
  /// Another one approves it, by its hash.
  case approve(proposal: Int64, hash: String)
  /// Somebody takes it out.
  case withdraw(proposal: Int64)
  /// The server puts it in force.
  case activate(proposal: Int64)
  /// The pool refused it.
  case fail(proposal: Int64, because: String)
}

/// What is done about an emergency.
enum EmergencyAct: Hashable, Sendable {
  /// An approver asks for it.
  case ask(EmergencyForm)
  /// Another one agrees: it opens.
  case agree(emergency: Int64)
}

/// Why an act does not happen, and what to do instead.
public struct ActRefusal: Error, Hashable, Sendable {
  /// The rule, in a word that stays; nil: there is nothing of that number.
  public let code: String?
  /// It in words.
  public let detail: String

  init(_ code: String?, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  static let unknown = ActRefusal(nil, "there is nothing of that number")
}

/// A policy that somebody proposes.
struct PolicyDraft: Hashable, Sendable {
  /// Hash of its content.
  let hash: String
  /// The generation in force when it was proposed: it can follow no other one.
  let base: PolicyGeneration
  /// How many others have to approve it. Unit: principals.
  let approvalsNeeded: Int64
  /// Why.
  let reason: String?
  /// When it is to be in force; nil: once it is approved. Unit: seconds since 1970.
  let activateAt: Int64?
  /// The generation whose content it has, where it is a roll-back.
  let restores: PolicyGeneration?
  /// What its proposer says of checks and tests.
  var checks: PolicyChecks?
}

/// What `poolctl` found before it proposed a policy: no error, and no test that failed.
struct PolicyChecks: Hashable, Sendable {
  /// Most warnings that are kept. Unit: warnings.
  static let warningsMost = 200

  /// Tests that passed.
  let tests: Int64
  /// SHA-256 of their report.
  let report: String
  /// How often the check warns. Unit: warnings.
  let warningCount: Int64
  /// What it warns of; nil where that is in the journal alone.
  private(set) var warnings: [String]?

  init(tests: Int64, report: String, warnings: [String]) {
    self.tests = tests
    self.report = report
    self.warnings = warnings
    warningCount = Int64(warnings.count)
  }

  /// Leaves the texts to the journal.
  mutating func forgetWarnings() { warnings = nil }
}

/// An emergency that somebody asks for.
struct EmergencyForm: Hashable, Sendable {
  /// Longest that one may be asked for; the policy allows less. Unit: seconds.
  static let longest: Int64 = 366 * 86_400

  /// The bucket.
  let bucket: String
  /// Its tenant.
  let tenant: String
  /// Why.
  let reason: String
  /// How long it is to be open, from when another one agrees. Unit: seconds.
  let seconds: Int64
}

// MARK: documents

extension Act {
  /// Whether the server does it, and nobody who asks.
  var isOfServer: Bool {
    switch self {
    case .policy(.activate), .policy(.fail): true
    default: false
    }
  }

  /// Its word in requests.
  var word: String {
    switch self {
    case .policy(.apply), .policy(.activate): "policy"
    case .policy(.propose): "policy.propose"
    case .policy(.approve): "policy.approve"
    case .policy(.withdraw): "policy.withdraw"
    case .policy(.fail): "policy.fail"
    case .emergency(.ask): "emergency.ask"
    case .emergency(.agree): "emergency.agree"
    }
  }

  /// The request that the audit log keeps.
  /// - Parameter content: that of a policy that is proposed.
  func document(at utc: Int64, _ content: PolicyContent? = nil) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", word)
      writer.string("at", UTC.text(utc))
      switch self {
      case .policy(.apply), .policy(.activate): break
      case .policy(.propose(let draft)): draft.write(&writer)
      case .policy(.approve(let number, let hash)):
        writer.int64("proposal", number)
        writer.string("sha256", hash)
      case .policy(.withdraw(let number)): writer.int64("proposal", number)
      case .policy(.fail(let number, let why)):
        writer.int64("proposal", number)
        writer.string("because", why)
      case .emergency(.ask(let form)): form.write(&writer)
      case .emergency(.agree(let number)): writer.int64("emergency", number)
      }
    }
    guard let content else { return writer.bytes }
    return Array(writer.bytes.dropLast()) + Array(",\"policy\":".utf8) + content.text
      + [UInt8(ascii: "}")]
  }

  /// Reads the note of an act: what was done, by whom, and when.
  static func read(
    _ note: RequestNote
  ) throws(JSONErrors) -> (act: Act, by: String, at: Int64) {
    try JSONDocument(note.text).decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let principal = fields.string("principal", 1...256)
        let request = fields.read("request") { try asked($0) }
        let (act, at) = try request.value
        return (act, try principal.value, at)
      }
    }
  }

  private static func asked(_ value: JSONValue) throws -> (act: Act, at: Int64) {
    try value.object { fields in
      fields.ignoreUnknownKeys()
      let word = fields.string("op", 1...32)
      let at = fields.read("at") { try $0.moment() }
      return (try act(try word.value, &fields, value), try at.value)
    }
  }

  private static func act(
    _ word: String, _ fields: inout JSONFields, _ value: JSONValue
  ) throws -> Act {
    switch word {
    case "policy.propose": return .policy(.propose(try PolicyDraft(&fields)))
    case "policy.approve":
      let number = fields.int64("proposal", in: 1...Int64.max)
      let hash = fields.read("sha256") { try $0.hash() }
      return .policy(.approve(proposal: try number.value, hash: try hash.value))
    case "policy.withdraw":
      return .policy(.withdraw(proposal: try fields.int64("proposal", in: 1...Int64.max).value))
    case "policy.fail":
      let number = fields.int64("proposal", in: 1...Int64.max)
      let why = fields.string("because")
      return .policy(.fail(proposal: try number.value, because: try why.value))
    case "emergency.ask": return .emergency(.ask(try EmergencyForm(&fields)))
    case "emergency.agree":
      return .emergency(.agree(emergency: try fields.int64("emergency", in: 1...Int64.max).value))
    default: throw value.refuse("no such act is known")
    }
  }
}

extension PolicyDraft {
  /// Writes its members.
  func write(_ writer: inout JSONWriter) {
    writer.string("sha256", hash)
    writer.int64("base_generation", Int64(base.value))
    writer.int64("approvals_needed", approvalsNeeded)
    if let reason { writer.string("reason", reason) }
    if let activateAt { writer.string("activate_at", UTC.text(activateAt)) }
    if let restores { writer.int64("restores_generation", Int64(restores.value)) }
    if let checks { writer.object("checks") { checks.write(&$0) } }
  }

  init(_ fields: inout JSONFields) throws {
    let hash = fields.read("sha256") { try $0.hash() }
    let base = fields.int64("base_generation", in: 0...Int64(UInt32.max))
    let needed = fields.int64("approvals_needed", in: 1...2)
    let reason = fields.optionalString("reason")
    let moment = fields.optional("activate_at") { try $0.moment() }
    let restored = fields.optionalInt64("restores_generation", in: 1...Int64(UInt32.max))
    let checks = fields.optional("checks") { try PolicyChecks($0) }
    self.init(
      hash: try hash.value, base: PolicyGeneration(UInt32(try base.value)),
      approvalsNeeded: try needed.value, reason: try reason.value, activateAt: try moment.value,
      restores: try restored.value.map { PolicyGeneration(UInt32($0)) },
      checks: try checks.value)
  }
}

extension PolicyChecks {
  /// Writes its members.
  func write(_ writer: inout JSONWriter) {
    writer.int64("tests", tests)
    writer.string("report_sha256", report)
    guard let warnings else { return writer.int64("warning_count", warningCount) }
    writer.array("warnings") { writer in
      for warning in warnings { writer.string(warning) }
    }
  }

  init(_ value: JSONValue) throws {
    self = try value.object { fields in
      let tests = fields.int64("tests", in: 0...1_000_000)
      let report = fields.read("report_sha256") { try $0.hash() }
      let warnings = fields.array("warnings", max: Self.warningsMost) { try $0.string(1...2_000) }
      return PolicyChecks(
        tests: try tests.value, report: try report.value, warnings: try warnings.value)
    }
  }
}

extension EmergencyForm {
  /// Writes its members.
  func write(_ writer: inout JSONWriter) {
    writer.string("bucket", bucket)
    writer.string("tenant", tenant)
    writer.string("reason", reason)
    writer.int64("for_seconds", seconds)
  }

  init(_ fields: inout JSONFields) throws {
    let bucket = fields.string("bucket")
    let tenant = fields.string("tenant")
    let reason = fields.string("reason")
    let seconds = fields.int64("for_seconds", in: 1...Self.longest)
    self.init(
      bucket: try bucket.value, tenant: try tenant.value, reason: try reason.value,
      seconds: try seconds.value)
  }
}
