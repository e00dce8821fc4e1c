/// Which demands some node of a lane can be relied on to hold: what was worked out since the lane's
/// bounds were voided. Derived, not in the digest.
struct FirmDemands: Sendable {
  private struct Entry: Sendable {
    var demand: Demand
    var slice: UInt16?
    var isFirm: Bool
  }

  /// Different demands that are remembered.
  private static let most = 64
  private var entries: [Entry] = []

  /// What is known of a demand, or nil.
  func answer(_ wish: Wish) -> Bool? {
    entries.first { $0.demand == wish.demand && $0.slice == wish.slice }?.isFirm
  }

  /// Remembers an answer.
  mutating func note(_ wish: Wish, _ isFirm: Bool) {
    if entries.count == Self.most { entries.removeFirst() }
    entries.append(Entry(demand: wish.demand, slice: wish.slice, isFirm: isFirm))
  }

  /// Forgets everything.
  mutating func forget() { entries.removeAll(keepingCapacity: true) }

  /// Visits what is remembered.
  func forEach(_ body: (_ demand: Demand, _ slice: UInt16?, _ isFirm: Bool) -> Void) {
    for entry in entries { body(entry.demand, entry.slice, entry.isFirm) }
  }
}
