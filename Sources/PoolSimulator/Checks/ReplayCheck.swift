import PoolAllocator

/// A1: the records, folded, are the pool that decided them.
enum ReplayCheck {
  static func compare(_ replayed: Digest, with live: Digest) throws(Violation) {
    guard replayed == live else {
      throw Violation("A1", "the records folded are not the live pool")
    }
  }
}
