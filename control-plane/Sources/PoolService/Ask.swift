public import PoolAllocator
import PoolIdentity
public import PoolLoop
import PoolStore
public import PoolWire
import StrictJSON

/// Something that somebody asks of the pool, once it is known who.
public struct Ask: Sendable {
  /// What is asked.
  public let operation: StreamRequest.Operation
  /// The command for it; nil: the one that the operation has.
  let command: Command?
  /// Its word.
  public let op: String
  /// Who asks.
  public let principal: String
  /// Those in whose name they ask, whoever gave first.
  public let onBehalfOf: [String]
  /// The generation of the policy with whose names it was read.
  public let generation: PolicyGeneration
  /// The caller's name of the request.
  public let name: RequestName?
  /// Whose share of what is limited it uses.
  var quotaHolder: String
  /// The claim that it is about, once that is known: it is about no later one of the same name.
  var subject: ClaimID?
  /// What it does beside its command; nil: nothing.
  var act: Act?
  /// When it was made. Unit: seconds since 1970.
  let at: Int64
  /// The entry of the generation that it puts in force.
  var entry: SignedEntry?
  /// The request as one JSON object: what the audit log keeps.
  public let document: [UInt8]

  /// Makes a request.
  public init(
    _ operation: StreamRequest.Operation, called op: String, by principal: String,
    for onBehalfOf: [String] = [], under generation: PolicyGeneration,
    as command: Command? = nil, name: RequestName? = nil, document: [UInt8]
  ) {
    self.operation = operation
    self.command = command
    self.op = op
    self.principal = principal
    quotaHolder = principal
    self.onBehalfOf = onBehalfOf
    self.generation = generation
    self.name = name
    self.document = document
    at = SystemClock.utc
  }

  /// An act.
  /// - Parameters:
  ///   - operation: what it asks of the pool.
  ///   - content: that of a policy that is proposed.
  init(
    _ act: Act, by principal: String, under generation: PolicyGeneration,
    name: RequestName? = nil, operation: StreamRequest.Operation = .tick,
    content: PolicyContent? = nil
  ) {
    let now = SystemClock.utc
    self.operation = operation
    command = nil
    op = act.word
    self.principal = principal
    quotaHolder = principal
    onBehalfOf = []
    self.generation = generation
    self.name = name
    self.act = act
    at = now
    document = act.document(at: now, content)
  }

  /// Something that is done beside the pool, as a record of the journal: a tick, which does what is
  /// due anyway, with a note.
  /// - Parameter document: it as one JSON object, with `op` among its members.
  static func act(
    _ op: String, by principal: String, for onBehalfOf: [String] = [],
    under generation: PolicyGeneration, document: [UInt8]
  ) -> Ask {
    Ask(.tick, called: op, by: principal, for: onBehalfOf, under: generation, document: document)
  }

  /// Whether it brings something new into the pool. What carries on or ends what is there is taken
  /// in also where room is short.
  var isNew: Bool {
    switch operation {
    case .claim, .quote, .delegate, .advertise, .policy: true
    case .tick:
      switch act {
      case .policy(.propose)?, .emergency(.ask)?: true
      default: isGiving
      }
    default: false
    }
  }

  /// Whether a secret is given to somebody, and not exchanged by whoever has one.
  private var isGiving: Bool { ["credential", "invite", "token"].contains(op) }

  /// Whether operators alone may ask it, or those who approve or own.
  var isPrivileged: Bool {
    switch operation {
    case .decide, .raiseEmergency, .advertise, .node, .restrict, .correction, .dependency,
      .measure, .policy:
      true
    case .tick: act != nil || isGiving
    case .claim, .quote, .started, .renew, .checkpoint, .complete, .empty, .cancel, .delegate,
      .revoke, .status, .explain:
      false
    }
  }

  /// What the journal keeps beside its record.
  func note(_ decision: Decision) -> RequestNote {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("principal", principal)
      if !onBehalfOf.isEmpty {
        writer.array("on_behalf_of") { writer in
          for name in onBehalfOf { writer.string(name) }
        }
      }
      writer.int64("policy_generation", Int64(generation.value))
      entry?.write(&writer)
    }
    // The document is a JSON object that was read; nothing has to be escaped.
    let key = #","request":"#.utf8
    var text: [UInt8] = []
    text.reserveCapacity(writer.bytes.count + key.count + document.count)
    text += writer.bytes.dropLast()
    text += key
    text += document
    text.append(UInt8(ascii: "}"))
    return RequestNote(subject: subject(decision), text: text)
  }

  /// Who asked what a note is of, and in whose names.
  static func askers(in note: RequestNote) throws(JSONErrors) -> [String] {
    try JSONDocument(note.text).decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let principal = fields.string("principal", 1...256)
        let others = fields.optionalArray("on_behalf_of", max: Chain.linksMax) {
          try $0.string(1...256)
        }
        let (first, rest) = (try principal.value, try others.value ?? [])
        return [first] + rest
      }
    }
  }

  /// What the note in the journal is about, once the pool took it; a refused claim is not about
  /// the claim that has its name.
  private func subject(_ decision: Decision) -> Key {
    switch operation {
    case .claim(let form) where decision.claim != nil: form.key
    case .quote(let form) where decision.quote != nil: form.key
    case .delegate(let form) where decision.verdict == .done: form.key
    case .policy(let document) where decision.verdict == .done: Self.subject(document.generation)
    case .advertise(let document) where decision.verdict == .done: document.key
    case .correction(let form) where decision.verdict == .done:
      Self.subject(form.correction.scope)
    case .tick, .raiseEmergency:
      act != nil && decision.verdict == .done ? Self.acts : Key(high: 0, low: 0)
    default: Key(high: 0, low: 0)
    }
  }

  /// The subject of the notes of a correction.
  static func subject(_ scope: Correction.Scope) -> Key {
    let keys = [scope.tenant, scope.service] + (scope.modelClass.map { [$0] } ?? [])
    let words = keys.map { "\($0.high):\($0.low)" }.joined(separator: " ")
    return NameTable.key(.text, "correction \(words)")
  }

  /// The subject of the notes of acts.
  static let acts = NameTable.key(.text, "policy changes")

  /// The subject of the notes of a generation of the policy.
  static func subject(_ generation: PolicyGeneration) -> Key {
    NameTable.key(.text, "policy generation \(generation.value)")
  }
}

/// What the pool said to a request, written down when it said it.
public struct Said: Sendable {
  /// The answer as a JSON object.
  public let body: [UInt8]
  /// How it was decided.
  public let verdict: Decision.Verdict
  /// Whether it is the earlier answer to the same request.
  public let isRepeat: Bool
  /// Whether it is about a lease that lives.
  public let hasLease: Bool
  /// When to come back.
  public let hint: RetryHint?
  /// By when a claim that waits starts at the latest; nil where nothing is said.
  public let startsBy: Instant?
  /// What the bucket holds that stands in the way.
  public let limit: RateLimit?
  /// What stands in the way first, in words.
  public let sentence: String?
  /// It in a few words.
  public var summary: String {
    let word = hasLease ? "granted" : verdict.wire
    return sentence.map { "\(word): \($0)" } ?? word
  }

  /// Codes of what stands in the way, by precedence.
  public let reasons: [Reason.Code]
  /// The record of the journal that it makes; nil where it makes none.
  var record: UInt64?
}

/// How a claim stands, written down when it was seen.
public struct Told: Sendable {
  /// It as a JSON object.
  public let body: [UInt8]
  /// Whether it has a lease.
  public let hasLease: Bool
}

/// Why the service did not ask the pool.
public enum Unasked: Error, Equatable, Sendable {
  /// It is a look, or takes more than one command.
  case nothingAsked
  /// Too many requests wait.
  case busy
  /// The disk of the journal is nearly full: nothing new is taken in.
  case diskFull
  /// The server ends.
  case ending
  /// The request's name was used for another request.
  case nameReused
  /// The same request is being answered.
  case inFlight
  /// A name has the hash of another one.
  case nameTaken(String)
  /// The journal could not be asked.
  case storeFailed(String)
  /// What it is about ended since it was looked at.
  case gone
  /// No such node is enrolled.
  case unknownNode
  /// A message that is older than one that was heard.
  case late
  /// What people decided does not allow it.
  case refused(ActRefusal)
  /// Who asks is suspended, and decides nothing.
  case suspended(String)
  /// Too many streams of events are open.
  case streamsFull
  /// The principal has too many streams of events open.
  case streamsOfOneFull

  /// Whether it is an act that was refused as it was asked.
  var isOfAct: Bool {
    switch self {
    case .refused, .suspended: true
    default: false
    }
  }
}
