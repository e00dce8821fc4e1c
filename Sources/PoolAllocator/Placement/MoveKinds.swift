/// Which kinds of leases have a place somewhere, as long as nothing moves: thousands of leases are
/// of a hundred kinds or so.
struct MoveKinds {
  /// What decides where a lease has room.
  struct Kind: Hashable {
    var demand: Demand
    var tenant: UInt32
    var lanes: LaneSet
  }

  private struct Known {
    var kind: Kind
    var hasPlace: Bool
  }

  /// Rows are found by a fixed hash of a kind and compared in full; never gone through in order.
  private var rows: [[Known]] = Self.none
  private static var none: [[Known]] { Array(repeating: [], count: 256) }

  /// What is known of a kind; nil where it was not looked at.
  func hasPlace(_ kind: Kind) -> Bool? {
    for known in rows[Self.row(of: kind)] where known.kind == kind { return known.hasPlace }
    return nil
  }

  /// Notes what was found for a kind that was not known.
  mutating func note(_ kind: Kind, hasPlace: Bool) {
    rows[Self.row(of: kind)].append(Known(kind: kind, hasPlace: hasPlace))
  }

  /// Something moved: all may be different.
  mutating func forget() { rows = Self.none }

  private static func row(of kind: Kind) -> Int {
    var share = UInt64(kind.demand.devices)
    if case .fraction(let milli, let bytes) = kind.demand.shape {
      share |= UInt64(milli.value) << 8 ^ UInt64(bytes.value) << 20
    }
    var mixed = kind.lanes.bits &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(kind.tenant)
    for word in [share, UInt64(kind.demand.cpu.value), UInt64(kind.demand.hostMemory.value)] {
      mixed = (mixed ^ word) &* 0xD6E8_FEB8_6659_FD93
      mixed ^= mixed >> 32
    }
    return Int(mixed >> 56)
  }
}
