/// Which kinds of leases have a place somewhere, as long as nothing moves: thousands of leases are
/// of a hundred kinds or so.
struct MoveKinds {
  /// What decides where a lease has room.
  struct Kind: Equatable {
    var demand: Demand
    var tenant: UInt32
    var lanes: LaneSet
  }

  private var known: [(kind: Kind, hasPlace: Bool)] = []
  private var rows = KeyIndex()

  /// What is known of a kind; nil where it was not looked at, or another one has its key.
  func hasPlace(_ kind: Kind) -> Bool? {
    guard let row = rows.row(for: kind.key), known[Int(row)].kind == kind else { return nil }
    return known[Int(row)].hasPlace
  }

  /// Notes what was found for a kind that was not known.
  mutating func note(_ kind: Kind, hasPlace: Bool) {
    guard rows.row(for: kind.key) == nil else { return }
    rows.insert(kind.key, UInt32(known.count))
    known.append((kind, hasPlace))
  }

  /// Something moved: all may be different.
  mutating func forget() { self = MoveKinds() }
}

extension MoveKinds.Kind {
  /// What it is found by.
  fileprivate var key: Key {
    var digest = DigestBuilder()
    digest.combine(demand)
    digest.combine(tenant)
    digest.combine(word: lanes.bits)
    return Key(high: digest.digest.high, low: digest.digest.low)
  }
}
