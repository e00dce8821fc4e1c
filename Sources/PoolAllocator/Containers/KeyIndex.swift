/// Rows by key: open addressing with linear probing and a fixed hash; never iterated.
///
/// The hash has no per-process seed: order and cost are the same in every process. Keys are names
/// chosen by authenticated tenants and hashed to 128 bits before they arrive, and every table has a
/// limit, so a crafted key buys no more than a few probes.
/// - Complexity: every operation O(1) expected.
struct KeyIndex: Sendable {
  private struct Entry: BitwiseCopyable, Sendable {
    var key = Key(high: 0, low: 0)
    var row = UInt32.max
  }

  private var entries: [Entry] = Array(repeating: Entry(), count: 16)
  private(set) var count = 0
  private var mask: Int { entries.count - 1 }

  private static func hash(_ key: Key) -> Int {
    var mixed = key.low ^ (key.high &* 0x9E37_79B9_7F4A_7C15)
    mixed = (mixed ^ (mixed >> 32)) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed ^ (mixed >> 32))
  }

  /// The row of a key, or nil.
  func row(for key: Key) -> UInt32? {
    var slot = Self.hash(key) & mask
    while entries[slot].row != UInt32.max {
      if entries[slot].key == key { return entries[slot].row }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Adds a key that is not there.
  mutating func insert(_ key: Key, _ row: UInt32) {
    if (count + 1) * 2 > entries.count { grow() }
    var slot = Self.hash(key) & mask
    while entries[slot].row != UInt32.max {
      invariant(entries[slot].key != key, "a key names one row")
      slot = (slot + 1) & mask
    }
    entries[slot] = Entry(key: key, row: row)
    count += 1
  }

  /// Removes a key that is there; the entries behind it close the gap.
  mutating func remove(_ key: Key) {
    var gap = Self.hash(key) & mask
    while entries[gap].key != key || entries[gap].row == UInt32.max {
      invariant(entries[gap].row != UInt32.max, "only a known key is removed")
      gap = (gap + 1) & mask
    }
    var probe = (gap + 1) & mask
    while entries[probe].row != UInt32.max {
      let home = Self.hash(entries[probe].key) & mask
      if (probe &- home) & mask >= (probe &- gap) & mask {
        entries[gap] = entries[probe]
        gap = probe
      }
      probe = (probe + 1) & mask
    }
    entries[gap] = Entry()
    count -= 1
  }

  private mutating func grow() {
    let old = entries
    entries = Array(repeating: Entry(), count: old.count * 2)
    count = 0
    for entry in old where entry.row != UInt32.max { insert(entry.key, entry.row) }
  }
}
