import PoolAllocator

/// Outside names of everything in a world: the kind above, the number below.
enum Names {
  private static func key(_ kind: UInt64, _ number: Int) -> Key {
    Key(high: kind, low: UInt64(number) + 1)
  }

  static func node(_ number: Int) -> Key { key(1, number) }
  static func profile(_ number: Int) -> Key { key(2, number) }
  static func slice(_ number: Int) -> Key { key(3, number) }
  static func pool(_ number: Int) -> Key { key(4, number) }
  static func lane(_ number: Int) -> Key { key(5, number) }
  static func tenant(_ number: Int) -> Key { key(6, number) }
  static func service(_ number: Int) -> Key { key(7, number) }
  static func action(_ number: Int) -> Key { key(8, number) }
  static func label(_ number: Int) -> Key { key(9, number) }
  static func modelClass(_ number: Int) -> Key { key(10, number) }
  static func bucket(_ number: Int) -> Key { key(11, number) }
  static func rack(_ number: Int) -> Key { key(12, number) }
  static func claim(_ number: Int) -> Key { key(20, number) }
  static func request(_ number: Int) -> Key { key(22, number) }
  static func body(_ number: Int) -> Key { key(23, number) }
  /// Hash of another request under the name of one.
  static func otherBody(_ number: Int) -> Key { key(25, number) }
  static func journal(_ number: Int) -> Key { key(24, number) }
  static func workflow(_ number: Int) -> Key { key(31, number) }
  static func principal(_ number: Int) -> Key { key(32, number) }
  static func application(_ number: Int) -> Key { key(33, number) }
  static func text(_ number: Int) -> Key { key(34, number) }
  static func measure(_ number: Int) -> Key { key(35, number) }
  static func plan(_ number: Int) -> Key { key(36, number) }
  static func budget(_ number: Int) -> Key { key(37, number) }
  static func rung(_ number: Int) -> Key { key(38, number) }
  static func dependency(_ number: Int) -> Key { key(39, number) }
  static func gauge(_ number: Int) -> Key { key(40, number) }
  static func quote(_ number: Int) -> Key { key(41, number) }

  /// A device of a node; instances of re-partitioned boards have names of their own.
  static func device(_ node: Int, _ number: Int) -> Key { key(1_000 + UInt64(node), number) }
  static func boot(_ node: Int, _ number: Int) -> Key { key(2_000 + UInt64(node), number) }

  /// The number of a node by its name.
  static func number(ofNode key: Key) -> Int { Int(key.low) - 1 }
}
