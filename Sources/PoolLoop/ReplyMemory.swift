import PoolAllocator

/// Answers to named requests: as long as they are not durable, and the youngest that are.
///
/// It closes the gap between asking the service's durable table and being applied: a request whose
/// table was asked when batch `n` was durable needs every answer of a later batch, and is refused
/// where one of them was forgotten.
struct ReplyMemory: Sendable {
  private struct Place: Hashable {
    var scope: Key
    var key: Key
  }

  private struct Entry {
    var digest: Key
    var answer: Answer
  }

  private let limit: Int
  /// Looked up, never iterated.
  private var entries: [Place: Entry] = [:]
  private var order = Fifo<(place: Place, batch: UInt64)>()
  /// The youngest batch of which an answer was forgotten.
  private(set) var forgottenThrough: UInt64 = 0

  init(limit: Int) { self.limit = limit }

  /// How many answers are remembered.
  var count: Int { order.count }

  /// What is remembered of a name.
  func known(_ name: RequestName) -> KnownAnswer? {
    entries[Place(scope: name.scope, key: name.key)].map {
      KnownAnswer(digest: $0.digest, answer: $0.answer)
    }
  }

  /// Remembers the answer to a name that has none.
  mutating func remember(_ name: RequestName, _ answer: Answer, batch: UInt64) {
    let place = Place(scope: name.scope, key: name.key)
    entries[place] = Entry(digest: name.digest, answer: answer)
    order.append((place, batch))
  }

  /// Forgets the oldest of too many, none that is not durable.
  mutating func forget(durable: UInt64) {
    while order.count > limit, let first = order.first, first.batch <= durable {
      _ = order.popFirst()
      entries[first.place] = nil
      forgottenThrough = first.batch
    }
  }
}
