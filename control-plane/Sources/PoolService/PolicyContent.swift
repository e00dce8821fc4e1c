import PoolAllocator
import PoolStore
import StrictJSON

/// What a policy says, without the number of its generation: its document in one form.
///
/// Members stand in the order of the bytes of their keys, with nothing between them, and numbers as
/// they were written. So the hash is that of the content, whoever wrote it down and when.
struct PolicyContent: Hashable, Sendable {
  /// The document.
  let text: [UInt8]
  /// Its SHA-256 in 64 hexadecimal digits.
  let hash: String

  /// Takes the content of a policy's document, which is not looked at further.
  init(_ policy: JSONValue) throws {
    guard policy.kind == .object else {
      throw policy.refuse("a policy is an object", hint: "give the whole document")
    }
    text = try Self.text(of: policy) { path, _ in path == ["generation"] }
    hash = Digest.hex(text)
  }

  /// Takes it out of a note of the journal, of a policy or of a proposal.
  init(_ note: RequestNote) throws(JSONErrors) {
    self = try JSONDocument(note.text).decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        return try fields.read("request") { try PolicyContent(inRequest: $0) }.value
      }
    }
  }

  /// Takes it out of a request.
  init(inRequest request: [UInt8]) throws(JSONErrors) {
    self = try JSONDocument(request).decode { try PolicyContent(inRequest: $0) }
  }

  private init(inRequest request: JSONValue) throws {
    self = try request.object { fields in
      fields.ignoreUnknownKeys()
      return try fields.read("policy") { try PolicyContent($0) }.value
    }
  }

  /// The document as a policy of a generation.
  func document(_ generation: PolicyGeneration) -> [UInt8] {
    let head = Array("{\"generation\":\(generation.value)".utf8)
    let comma = text.count > 2 ? [UInt8(ascii: ",")] : []
    return head + comma + text.dropFirst()
  }

  // MARK: what it concerns

  /// Whether it differs from another content in something that urgent work or a guarantee may rest
  /// on. Whatever is not known to concern neither, does. What may differ is the note; of tenants
  /// for whom nothing is reserved, those that may not use P0, with their buckets, and services of
  /// other classes; and lanes that reserve nothing and do not admit P0.
  func touchesGuarded(since old: PolicyContent) throws(JSONErrors) -> Bool {
    let promised = try owners().union(old.owners())
    return try guarded(promised) != old.guarded(promised)
  }

  /// Tenants for whom lanes are reserved.
  private func owners() throws(JSONErrors) -> Set<String> {
    try JSONDocument(text).decode { root in
      var found: Set<String> = []
      for pool in try Self.elements(of: "pools", in: root) {
        for lane in try Self.elements(of: "lanes", in: pool) {
          if let owner = try Self.text(of: "reserved_for", in: lane) { found.insert(owner) }
        }
      }
      return found
    }
  }

  private func guarded(_ promised: Set<String>) throws(JSONErrors) -> [UInt8] {
    try JSONDocument(text).decode { root in
      try Self.text(of: root, without: { try Self.isOrdinary($0, $1, promised) })
    }
  }

  /// - Parameter promised: tenants for whom something is reserved.
  private static func isOrdinary(
    _ path: [String], _ value: JSONValue, _ promised: Set<String>
  ) throws -> Bool {
    switch path {
    case ["note"]: return true
    case ["tenants"]:
      guard let name = try text(of: "name", in: value), !promised.contains(name) else {
        return false
      }
      return try excludesUrgent("classes", in: value)
    case ["services"]:
      let tenant = try text(of: "tenant", in: value)
      if let tenant, promised.contains(tenant) { return false }
      return try text(of: "class", in: value).map { $0 != urgent } ?? false
    case ["pools", "lanes"]:
      let isShared = try member("reserved_for", of: value) == nil
      return try isShared && excludesUrgent("admits", in: value)
    default: return false
    }
  }

  private static let urgent = "P0"

  /// Whether a list of classes is there and has not the most urgent one, in what is enforced as in
  /// what is only observed; without it all are meant.
  private static func excludesUrgent(_ key: String, in value: JSONValue) throws -> Bool {
    guard let classes = try member(key, of: value) else { return false }
    guard classes.kind == .object else { return try excludesUrgent(classes) }
    let (shadow, enforced) = (
      try member("shadow", of: classes), try member("enforced", of: classes)
    )
    guard let shadow, let enforced else { return false }
    return try excludesUrgent(shadow) && excludesUrgent(enforced)
  }

  /// Any other form than a list of words may mean anything.
  private static func excludesUrgent(_ classes: JSONValue) throws -> Bool {
    guard classes.kind == .array else { return false }
    return try classes.array(max: .max) { $0 }.allSatisfy { word in
      try word.kind == .string && word.string() != urgent
    }
  }

  /// A member of an object; nil of anything else.
  private static func member(_ key: String, of value: JSONValue) throws -> JSONValue? {
    guard value.kind == .object else { return nil }
    return try value.map(max: .max) { (key: $0, value: $1) }.first { $0.key == key }?.value
  }

  private static func text(of key: String, in value: JSONValue) throws -> String? {
    guard let text = try member(key, of: value), text.kind == .string else { return nil }
    return try text.string()
  }

  private static func elements(of key: String, in value: JSONValue) throws -> [JSONValue] {
    guard let list = try member(key, of: value), list.kind == .array else { return [] }
    return try list.array(max: .max) { $0 }
  }

  // MARK: its form

  /// Whether a member or an element is left out; the path has the keys that lead to it.
  private typealias Omission = (_ path: [String], _ value: JSONValue) throws -> Bool

  private static func text(
    of value: JSONValue, without isLeftOut: Omission
  ) throws -> [UInt8] {
    var writer = JSONWriter()
    try write(value, [], &writer, isLeftOut)
    return writer.bytes
  }

  /// Documents are 32 levels deep at most.
  private static func write(
    _ value: JSONValue, _ path: [String], _ writer: inout JSONWriter, _ isLeftOut: Omission
  ) throws {
    switch value.kind {
    case .object:
      let members = try value.map(max: .max) { (key: $0, value: $1) }
        .filter { try !isLeftOut(path + [$0.key], $0.value) }
        .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      try writer.object { writer in
        for member in members {
          writer.key(member.key)
          try write(member.value, path + [member.key], &writer, isLeftOut)
        }
      }
    case .array:
      let elements = try value.array(max: .max) { $0 }.filter { try !isLeftOut(path, $0) }
      try writer.array { writer in
        for element in elements { try write(element, path, &writer, isLeftOut) }
      }
    default: writer.value(value)
    }
  }
}
