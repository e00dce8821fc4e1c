import Foundation
import Glibc
import PoolAllocator
public import PoolStore
import PoolWire
import StrictJSON
import Synchronization

/// Who has which credential. A credential is 256 random bits that are shown once; what is kept is
/// a half of its SHA-256, in one file of mode 600 that is replaced in one step.
public final class Credentials: Sendable {
  private struct Entry: Sendable {
    var hash: Key
    var identity: Identity
    /// Seconds since 1970.
    var expires: Int64
    /// The credential that ends when this one is used first.
    var insteadOf: Key?
    /// Who made it; nil: nobody who is known.
    var issuer: String?
  }

  /// Most credentials. A node has two while it renews its own. Unit: credentials.
  public static let most = 100_000
  private let path: String
  private let entries: Mutex<[Key: Entry]>

  /// Reads the file, or begins without one.
  /// - Throws: `StoreError` where it is not as it was written.
  public init(at path: String) throws(StoreError) {
    self.path = path
    var known: [Key: Entry] = [:]
    if let data = FileManager.default.contents(atPath: path) {
      for entry in try Self.read(Array(data), path) { known[entry.hash] = entry }
    }
    entries = Mutex(known)
  }

  /// Makes a credential.
  /// - Parameters:
  ///   - seconds: how long it holds.
  ///   - issuer: who makes it.
  /// - Returns: its text, which is nowhere else.
  /// - Throws: `StoreError` where it cannot be kept.
  public func issue(
    _ identity: Identity, for seconds: Int64, by issuer: String? = nil
  ) throws(StoreError) -> String {
    var (text, entry) = Self.make(identity, for: seconds)
    entry.issuer = issuer
    let made = entry
    try change { $0[made.hash] = made }
    return text
  }

  /// Makes another credential for whoever has one. Only these two hold then: whoever did not get
  /// the reply asks again, and nobody can gather more.
  func renew(
    _ text: String, of identity: Identity, for seconds: Int64
  ) throws(StoreError) -> String {
    let present = Self.hash(text)
    let (other, entry) = Self.make(identity, for: seconds)
    try change { entries in
      entries = entries.filter { $0.key == present || $0.value.identity != identity }
      entries[entry.hash] = entry
    }
    return other
  }

  /// Exchanges a credential for another one. It ends when the other one is used first: whoever did
  /// not get the reply may exchange it again, and what it was exchanged for before holds no more.
  /// - Returns: the other one; nil where the first does not hold.
  func exchange(
    _ text: String, for identity: Identity, seconds: Int64
  ) throws(StoreError) -> String? {
    let join = Self.hash(text)
    guard caller(of: text) != nil else { return nil }
    var (other, entry) = Self.make(identity, for: seconds)
    entry.insteadOf = join
    let made = entry
    try change { entries in
      entries = entries.filter { $0.value.insteadOf != join }
      entries[made.hash] = made
    }
    return other
  }

  /// Whose credential a text is, and until when.
  func caller(of text: String) -> Caller? {
    let hash = Self.hash(text)
    let entry = entries.withLock { $0[hash] }
    guard let entry, entry.expires > SystemClock.utc else { return nil }
    if let old = entry.insteadOf {
      // Where that cannot be written it is tried again with the next use.
      try? change { entries in
        entries[old] = nil
        entries[hash]?.insteadOf = nil
      }
    }
    return Caller(identity: entry.identity, expires: entry.expires, issuer: entry.issuer)
  }

  private static func make(_ identity: Identity, for seconds: Int64) -> (String, Entry) {
    var random = SystemRandomNumberGenerator()
    let halves = (0..<2).map { _ in Key(high: random.next(), low: random.next()) }
    let text = "pool_" + halves.map(\.wire).joined()
    return (
      text, Entry(hash: hash(text), identity: identity, expires: SystemClock.utc + seconds)
    )
  }

  /// Half of its SHA-256: 128 bits, of which nobody can find a text that was not told.
  private static func hash(_ text: String) -> Key { Digest.key(Array(text.utf8)) }

  // MARK: the file

  /// Changes what is kept, on the disk first; what has expired goes.
  /// - Throws: `StoreError` where it cannot be written, or there are too many.
  private func change(_ body: (inout [Key: Entry]) -> Void) throws(StoreError) {
    let now = SystemClock.utc
    let failure = entries.withLock { entries -> StoreError? in
      var next = entries.filter { $0.value.expires > now }
      body(&next)
      guard next.count <= Self.most else {
        return StoreError(
          .unavailable, "there are \(Self.most) credentials", remedy: "wait until some expire")
      }
      do throws(StoreError) {
        try write(next)
      } catch {
        return error
      }
      entries = next
      return nil
    }
    if let failure { throw failure }
  }

  private func write(_ entries: [Key: Entry]) throws(StoreError) {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "credentials")
      writer.array("credentials") { writer in
        for entry in entries.values.sorted(by: { $0.hash.wire < $1.hash.wire }) {
          writer.object { writer in
            writer.string("hash", entry.hash.wire)
            writer.string("principal", entry.identity.name)
            writer.string("role", entry.identity.role.rawValue)
            if let subject = entry.identity.subject { writer.string("subject", subject) }
            writer.int64("expires", entry.expires)
            if let old = entry.insteadOf { writer.string("instead_of", old.wire) }
            if let issuer = entry.issuer { writer.string("issued_by", issuer) }
          }
        }
      }
    }
    try PrivateFile.replace(path, with: writer.bytes)
  }

  private static func read(_ bytes: [UInt8], _ path: String) throws(StoreError) -> [Entry] {
    do throws(JSONErrors) {
      let limits = JSONLimits(documentBytesMax: 64 << 20)
      let document = try JSONDocument(bytes, limits: limits)
      return try document.decode { root in
        try root.object { fields in
          let version = fields.int64("schema_version", in: 1...1)
          let kind = fields.choice("kind", ["credentials": true])
          let list = fields.array("credentials", max: most) { try entry($0) }
          _ = try (version.value, kind.value)
          return try list.value
        }
      }
    } catch {
      throw StoreError(
        .damaged(record: nil), error.formatted(file: path), remedy: "bring the file back")
    }
  }

  private static func entry(_ value: JSONValue) throws -> Entry {
    try value.object { fields in
      let hash = fields.read("hash") { try key($0) }
      let principal = fields.string("principal", 1...256)
      let role = fields.string("role", 1...32)
      let subject = fields.optionalString("subject", 1...256)
      let expires = fields.int64("expires", in: 0...Int64.max)
      let old = fields.optional("instead_of") { try key($0) }
      let issuer = fields.optionalString("issued_by", 1...1_024)
      guard let known = Role(rawValue: try role.value) else {
        throw value.refuse("the role is not known")
      }
      return Entry(
        hash: try hash.value,
        identity: Identity(try principal.value, known, of: try subject.value),
        expires: try expires.value, insteadOf: try old.value, issuer: try issuer.value)
    }
  }

  private static func key(_ value: JSONValue) throws(JSONAbandoned) -> Key {
    guard let key = Key(wire: try value.string(32...32)) else {
      throw value.refuse("the hash is none")
    }
    return key
  }
}

/// A file of mode 600 that is replaced in one step and durable then.
public enum PrivateFile {
  /// Replaces a file.
  /// - Throws: `StoreError` where the disk has no room or the folder is not ours; the file stays as
  ///   it was.
  public static func replace(_ path: String, with bytes: [UInt8]) throws(StoreError) {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failed("\(temporary) cannot be opened") }
    defer { close(file) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else { throw failed("\(temporary) cannot be written") }
      written += count
    }
    guard fsync(file) == 0, rename(temporary, path) == 0 else {
      throw failed("\(path) cannot be replaced")
    }
    let slash = path.lastIndex(of: "/")
    let folder = open(slash.map { String(path[..<$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw failed("the folder of \(path) cannot be opened") }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw failed("the folder of \(path) is not durable") }
  }

  private static func failed(_ what: String) -> StoreError {
    StoreError(
      .unavailable, "\(what): \(String(cString: strerror(errno)))",
      remedy: "see that the disk has room and that this user may write to it")
  }
}
