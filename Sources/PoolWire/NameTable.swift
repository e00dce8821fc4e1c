public import PoolAllocator

/// What a name names; names of different kinds never meet in one key.
public enum NameKind: String, CaseIterable, Sendable {
  /// A team or customer.
  case tenant
  /// A lane of a pool.
  case lane
  /// A pool of devices.
  case pool
  /// A hardware profile.
  case profile
  /// A MIG profile of a hardware profile.
  case slice
  /// A label of nodes.
  case label
  /// A rack of nodes.
  case rack
  /// A bucket of a tenant's tree.
  case bucket
  /// A service definition.
  case service
  /// What an agent does: planning, retrieval, inference, …
  case action
  /// A class of models.
  case modelClass = "model_class"
  /// An application of a tenant.
  case application
  /// The root of a piece of work, within a tenant.
  case workflow
  /// A machine or person that asks.
  case principal
  /// A claim, within a tenant.
  case claim
  /// A machine.
  case node
  /// A device by its UUID.
  case device
  /// One boot of a machine.
  case boot
  /// A text that says why.
  case text
  /// The hash of what a claim plans to do.
  case plan
  /// The budget of a delegation, within a tenant.
  case budget
  /// A quote, within a tenant.
  case quote
  /// A rung of a service's ladder.
  case rung
  /// A gauge of a pool's pressure.
  case gauge
  /// Something that work depends on.
  case dependency
  /// What is measured outside.
  case measure
  /// Of what it is measured.
  case subject
}

/// Two names that hash to one key; the later one is refused.
public struct NameCollision: Error, Equatable, Sendable, CustomStringConvertible {
  /// The name that has the key.
  public let known: String
  /// The name that was refused.
  public let refused: String

  /// One clause for a message.
  public var description: String {
    "the name \"\(refused)\" has the same hash as \"\(known)\"; choose another name"
  }
}

/// The names behind the core's keys: text in, 128 bits out, and back.
///
/// A key is the FNV-1a hash (128 bits) of `kind/name` in UTF-8: the same in every process, on every
/// machine, for ever. The hash resists accidents, not attackers, so every name that is interned is
/// compared with the one that has its key, and a second name for it is refused.
public struct NameTable: Sendable {
  private struct Entry {
    var kind: NameKind
    var name: String
    var holders: Int

    func isOf(_ kind: NameKind, _ name: String) -> Bool { self.kind == kind && self.name == name }
  }

  private var entries: [Key: Entry] = [:]

  /// Makes an empty table.
  public init() {}

  /// Whether a text may be a name: 1 to 128 ASCII letters, digits and `. _ - : / @ + =`.
  public static func isName(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 128 else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "@"),
        UInt8(ascii: "+"), UInt8(ascii: "="):
        true
      default: false
      }
    }
  }

  /// How many names it holds.
  public var count: Int { entries.count }

  /// The key of a name, whether or not it is in a table.
  /// - Complexity: O(length).
  public static func key(_ kind: NameKind, _ name: String) -> Key {
    var hash = FNV1a()
    hash.add(kind.rawValue)
    hash.add(UInt8(ascii: "/"))
    hash.add(name)
    return hash.key
  }

  /// The key of a name, which the table remembers until as many `release`s as `intern`s were made.
  /// - Throws: `NameCollision` where another name has the key; the table is unchanged then.
  @discardableResult
  public mutating func intern(
    _ kind: NameKind, _ name: String
  ) throws(NameCollision) -> Key {
    let key = Self.key(kind, name)
    try intern(kind, name, key: key)
    return key
  }

  /// As `intern`, with the key given.
  mutating func intern(_ kind: NameKind, _ name: String, key: Key) throws(NameCollision) {
    try check(kind, name, key: key)
    entries[key, default: Entry(kind: kind, name: name, holders: 0)].holders += 1
  }

  /// Checks that a name, given from outside, is not another one with the key of a known name.
  /// - Throws: `NameCollision` where it is.
  public func check(_ kind: NameKind, _ name: String) throws(NameCollision) {
    try check(kind, name, key: Self.key(kind, name))
  }

  /// As `check`, with the key given.
  func check(_ kind: NameKind, _ name: String, key: Key) throws(NameCollision) {
    guard let known = entries[key], !known.isOf(kind, name) else { return }
    throw NameCollision(
      known: "\(known.kind.rawValue)/\(known.name)", refused: "\(kind.rawValue)/\(name)")
  }

  /// Forgets one holder of a name, and the name with its last holder.
  public mutating func release(_ key: Key) {
    guard var entry = entries[key] else { return }
    entry.holders -= 1
    entries[key] = entry.holders > 0 ? entry : nil
  }

  /// Takes over the names of another table that a third one does not have yet, and puts them there.
  /// - Throws: `NameCollision` where two names have one key; those before it are in both then.
  public mutating func merge(
    _ other: NameTable, heldIn held: inout NameTable
  ) throws(NameCollision) {
    for (key, entry) in other.entries where held.entries[key] == nil {
      try intern(entry.kind, entry.name, key: key)
      try held.intern(entry.kind, entry.name, key: key)
    }
  }

  /// Gives back what a `merge` took.
  public mutating func release(allOf other: NameTable) {
    for key in other.entries.keys { release(key) }
  }

  /// The name of a key without its kind; nil where it is not in the table.
  public func name(_ key: Key) -> String? { entries[key]?.name }

  /// The name of a key, or a short form of the key where the table does not know it.
  public func text(_ key: Key) -> String {
    name(key) ?? "#" + String(key.high, radix: 16)
  }

  /// Takes over the names of another table.
  /// - Throws: `NameCollision` where two names have one key; the table is unchanged then.
  public mutating func merge(_ other: NameTable) throws(NameCollision) {
    var merged = self
    for (key, entry) in other.entries {
      try merged.intern(entry.kind, entry.name, key: key)
    }
    self = merged
  }
}

/// A name beside its key, which is found once.
struct KeyedName: Sendable {
  let kind: NameKind
  let name: String
  let key: Key

  init(_ kind: NameKind, _ name: String) {
    self.kind = kind
    self.name = name
    key = NameTable.key(kind, name)
  }
}

/// Names that are part of another's: a workflow belongs to its tenant.
public enum NamePath {
  /// Stands between the parts; no name contains a space.
  static let separator = " > "

  /// `tenant > workflow`.
  public static func join(_ parts: String...) -> String { parts.joined(separator: separator) }

  /// The two parts of `tenant > claim`; nil where there are not exactly two.
  public static func parts(_ path: String) -> (first: String, last: String)? {
    let words = path.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard words.count == 3, words[1].elementsEqual(">".utf8) else { return nil }
    return (String(Substring(words[0])), String(Substring(words[2])))
  }

  /// The last part.
  public static func last(_ path: String) -> String {
    guard let space = path.utf8.lastIndex(of: UInt8(ascii: " ")),
      path.utf8[..<space].suffix(2).elementsEqual(" >".utf8)
    else { return path }
    return String(path[path.utf8.index(after: space)...])
  }
}

/// FNV-1a over 128 bits.
struct FNV1a {
  private var high: UInt64 = 0x6C62_272E_07BB_0142
  private var low: UInt64 = 0x62B8_2175_6295_C58D

  /// What was hashed so far.
  var key: Key { Key(high: high, low: low) }

  mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
  }

  /// Times the prime 2⁸⁸ + 0x13B, modulo 2¹²⁸.
  mutating func add(_ byte: UInt8) {
    low ^= UInt64(byte)
    let (carry, rest) = low.multipliedFullWidth(by: 0x13B)
    high = high &* 0x13B &+ carry &+ low << 24
    low = rest
  }
}
