import Crypto

/// The chain of a journal: each link is SHA-256 over the link before, the number of the record, its
/// bytes and its note, so that no record can be altered, left out, moved or put in unseen but the
/// last ones. The first link is over the journal's header.
struct HashChain: Sendable {
  /// Length of a link. Unit: bytes.
  static let length = 32
  /// The last link.
  private(set) var last: [UInt8]

  init(header: [UInt8]) { last = Array(SHA256.hash(data: header)) }

  /// Adds the link of a record; its bytes say themselves where they end.
  mutating func add(_ sequence: UInt64, _ bytes: ArraySlice<UInt8>, note: [UInt8]?) {
    var hash = SHA256()
    hash.update(data: last)
    hash.update(data: withUnsafeBytes(of: sequence.littleEndian) { Array($0) })
    hash.update(data: bytes)
    if let note { hash.update(data: note) }
    last = Array(hash.finalize())
  }
}
