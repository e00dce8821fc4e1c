import Crypto

/// The chain of a journal: each link is SHA-256 over the link before, the number of the record, its
/// bytes and its note, so that no record can be altered, left out, moved or put in unseen but the
/// last ones. The first link is over the journal's header.
struct HashChain: Sendable {
  /// Length of a link. Unit: bytes.
  static let length = 32
  /// The last link.
  private(set) var last: [UInt8]
  /// What a link is made of, reused.
  private var text: [UInt8] = []

  init(header: [UInt8]) { last = Array(SHA256.hash(data: header)) }

  /// Goes on behind a link.
  init(after link: [UInt8]) { last = link }

  /// Adds the link of a record; its bytes say themselves where they end.
  mutating func add(_ sequence: UInt64, _ bytes: ArraySlice<UInt8>, note: [UInt8]?) {
    text.removeAll(keepingCapacity: true)
    text += last
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      text.append(UInt8(truncatingIfNeeded: sequence >> shift))
    }
    text += bytes
    if let note { text += note }
    last = Array(SHA256.hash(data: text))
  }
}
