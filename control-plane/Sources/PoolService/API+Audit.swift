import Hummingbird
import PoolAllocator
import PoolLoop
import PoolStore
import PoolViews
import PoolWire
import StrictJSON

/// What was asked and decided, and who may ask: for operators.
extension API {
  /// Longest life of a credential by its role. Unit: seconds.
  static func longest(_ role: Role) -> Int64 {
    switch role {
    case .operator, .owner: 30 * 86_400
    case .workload, .join: 3_600
    case .node: 86_400
    }
  }

  func addAudit(to router: Router<Context>) {
    router.post("/v1/credentials") { request, context in
      let identity = try await identity(request, context, [.operator])
      return try await issue(try await Self.body(request), by: identity)
    }
    router.get("/v1/policy") { request, context in
      _ = try await identity(request, context, [.operator])
      let generation = engine.vocabulary.1
      guard generation.value > 0 else { throw Problem.unknown }
      return Response.json(try await engine.document(of: Ask.subject(generation)))
    }
    router.get("/v1/decisions") { request, context in
      try await Self.aside {
        _ = try await identity(request, context, [.operator])
        let after = try Self.number(request, "after", 0...Int64.max)
        let limit = try Self.number(request, "limit", 1...1_000, unless: 100)
        return Response.json(
          try await engine.decisions(after: UInt64(after), atMost: Int(limit)))
      }
    }
    router.get("/v1/audit/head") { request, context in
      _ = try await caller(request, context, [.operator])
      let record = try Self.number(request, "record", 1...Int64.max)
      let link = try engine.notes.link(of: record == 0 ? nil : UInt64(record))
      guard let link else { throw Problem.unknown }
      return Self.head(link)
    }
  }

  private static func head(_ link: JournalLink) -> Response {
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "audit_head")
      writer.int64("record", Int64(clamping: link.record))
      writer.string("link", Hex.text(link.bytes))
    }
    return .json(writer.bytes)
  }

  /// Makes a credential for somebody.
  private func issue(_ body: [UInt8], by giver: Identity) async throws -> Response {
    let asked: (identity: Identity, seconds: Int64)
    do throws(JSONErrors) {
      asked = try JSONDocument(body).decode { try Self.asked($0) }
    } catch {
      throw Problem(error)
    }
    let credential = try credentials.issue(
      asked.identity, for: asked.seconds, by: giver.name)
    try await engine.record(
      "credential", credential, of: asked.identity, for: asked.seconds, by: giver.name)
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("principal", asked.identity.name)
      writer.string("role", asked.identity.role.rawValue)
      if let subject = asked.identity.subject { writer.string("subject", subject) }
      writer.string("credential", credential)
      writer.int64("expires_in_seconds", asked.seconds)
    }
    return .secret(writer.bytes)
  }

  private static func asked(_ root: JSONValue) throws -> (Identity, Int64) {
    try root.object { fields in
      let principal = fields.read("principal") { value -> String in
        let name = try value.string(1...128)
        guard !Identity.isReserved(name) else {
          throw value.refuse("the name is one of the server's own", hint: "choose another name")
        }
        return name
      }
      let holder = RoleFields(&fields)
      let span = fields.optionalInt64("for_seconds", in: 1...longest(.operator))
      let (known, subject) = try holder.value(of: root)
      let seconds = try span.value ?? longest(known)
      guard seconds <= longest(known) else {
        throw root.refuse(
          "for_seconds is too long for the role \(known.rawValue)",
          hint: "at most \(longest(known)) seconds")
      }
      return (Identity(try principal.value, known, of: subject), seconds)
    }
  }
}

extension Engine {
  /// The record with which an act was done, also where this was the answer to a repetition.
  func record(of said: Said, _ name: RequestName?) throws(StoreError) -> UInt64? {
    guard let name, said.isRepeat else { return said.record }
    return try notes.record(of: name)
  }

  /// The request behind the last note of a subject.
  /// - Throws: `Problem` where there is none, `StoreError` where it cannot be read.
  func document(of subject: Key) async throws -> [UInt8] {
    guard let note = try notes.note(of: subject) else { throw Problem.unknown }
    return note.text
  }

  /// Requests behind a record of the journal, in order, each with who asked.
  func decisions(after: UInt64, atMost limit: Int) async throws -> [UInt8] {
    var text = Array(#"{"schema_version":1,"kind":"decisions","decisions":["#.utf8)
    for (index, one) in try notes.notes(after: after, atMost: limit).enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      // A note is one JSON object.
      text += Array("{\"record\":\(one.sequence),".utf8) + one.note.text.dropFirst()
    }
    return text + Array("]}".utf8)
  }
}
