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
    var full: String
    var holders: Int
  }

  private var entries: [Key: Entry] = [:]

  /// Makes an empty table.
  public init() {}

  /// How many names it holds.
  public var count: Int { entries.count }

  /// The key of a name, whether or not it is in a table.
  /// - Complexity: O(length).
  public static func key(_ kind: NameKind, _ name: String) -> Key {
    hash("\(kind.rawValue)/\(name)")
  }

  /// FNV-1a over 128 bits.
  static func hash(_ text: String) -> Key {
    let prime = UInt128(1) << 88 | 0x13B
    var hash = UInt128(0x6C62_272E_07BB_0142) << 64 | 0x62B8_2175_6295_C58D
    for byte in text.utf8 { hash = (hash ^ UInt128(byte)) &* prime }
    return Key(high: UInt64(truncatingIfNeeded: hash >> 64), low: UInt64(truncatingIfNeeded: hash))
  }

  /// The key of a name, which the table remembers until as many `release`s as `intern`s were made.
  /// - Throws: `NameCollision` where another name has the key; the table is unchanged then.
  @discardableResult
  public mutating func intern(
    _ kind: NameKind, _ name: String
  ) throws(NameCollision) -> Key {
    try intern(full: "\(kind.rawValue)/\(name)", key: Self.key(kind, name))
  }

  /// As `intern`, with the hash given: what tests of collisions use.
  @discardableResult
  mutating func intern(full: String, key: Key) throws(NameCollision) -> Key {
    if let known = entries[key], known.full != full {
      throw NameCollision(known: known.full, refused: full)
    }
    entries[key, default: Entry(full: full, holders: 0)].holders += 1
    return key
  }

  /// Checks that a name, given from outside, is not another one with the key of a known name.
  /// - Throws: `NameCollision` where it is.
  public func check(_ kind: NameKind, _ name: String) throws(NameCollision) {
    let full = "\(kind.rawValue)/\(name)"
    if let known = entries[Self.key(kind, name)], known.full != full {
      throw NameCollision(known: known.full, refused: full)
    }
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
      try intern(full: entry.full, key: key)
      try held.intern(full: entry.full, key: key)
    }
  }

  /// Gives back what a `merge` took.
  public mutating func release(allOf other: NameTable) {
    for key in other.entries.keys { release(key) }
  }

  /// The name of a key without its kind; nil where it is not in the table.
  public func name(_ key: Key) -> String? {
    guard let full = entries[key]?.full, let slash = full.firstIndex(of: "/") else { return nil }
    return String(full[full.index(after: slash)...])
  }

  /// The name of a key, or a short form of the key where the table does not know it.
  public func text(_ key: Key) -> String {
    name(key) ?? "#" + String(key.high, radix: 16)
  }

  /// Takes over the names of another table.
  /// - Throws: `NameCollision` where two names have one key; the table is unchanged then.
  public mutating func merge(_ other: NameTable) throws(NameCollision) {
    var merged = self
    for (key, entry) in other.entries {
      try merged.intern(full: entry.full, key: key)
    }
    self = merged
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
    let words = path.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[1] == ">" else { return nil }
    return (String(words[0]), String(words[2]))
  }

  /// The last part.
  public static func last(_ path: String) -> String {
    var start = path.startIndex
    var index = path.startIndex
    while index < path.endIndex {
      if path[index...].hasPrefix(separator) {
        start = path.index(index, offsetBy: separator.count)
      }
      index = path.index(after: index)
    }
    return String(path[start...])
  }
}
