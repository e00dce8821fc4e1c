/// How a device of a reserved lane stands towards its lane's guarantee.
enum Soundness: UInt8, BitwiseCopyable, Sendable {
  /// Not in a cell.
  case loose
  /// The owner can have it: usable, on an open node that is ready, and free of squatters.
  case sound
  /// In a lease that was there before it was bound.
  case squatted
  /// On a cordoned node.
  case cordoned
  /// Not usable, and may become so.
  case unhealthy
  /// On a node that has yet to report in full.
  case recovering
  /// On a node that is not heard.
  case silent
  /// On a node that is drained.
  case draining
  /// Reported broken, or no longer approved.
  case failed
}

/// What one device adds to its lane's guarantee.
struct Bond: BitwiseCopyable, Equatable, Sendable {
  /// The cell, as in `Device.cell`.
  var cell = UInt32.max
  /// Its thousandths.
  var milli: Int32 = 0
  /// Devices of a whole cell.
  var size: UInt8 = 1
  var soundness = Soundness.loose
}

/// A reserved lane's guarantee in numbers.
struct GuaranteeIndex: Sendable {
  /// Thousandths by `Soundness`.
  var milli = InlineArray<9, Int64>(repeating: 0)
  /// Thousandths in cells of which every device is sound.
  var sound: Int64 = 0
  /// Cells, those that lost a device included.
  var cells: Int64 = 0

  /// Thousandths of one soundness.
  subscript(soundness: Soundness) -> Int64 { milli[Int(soundness.rawValue)] }
}

/// Derived: what is in each cell, by the row that names it, and what a command did to guarantees.
struct CellIndex: Sendable {
  /// Lanes whose guarantee may have changed in the command that is being applied.
  var shaken = LaneSet.none
  /// Nodes that may have a cell to give since the command began; noted while a lane is short.
  private(set) var offered: [UInt32] = []
  /// Devices of a cell.
  private var members: [UInt8] = []
  /// What each device adds, by its row.
  private var bonds: [Bond] = []
  /// Thousandths of the sound devices of a cell with several.
  private var sound: [Int32] = []

  /// Whether the command touched no guarantee.
  var isQuiet: Bool { shaken.isEmpty && offered.isEmpty }

  /// Notes a node that may have a cell to give.
  mutating func offer(node: UInt32) { if offered.last != node { offered.append(node) } }

  /// Nothing of a command is left to look at: all was, or its events are being folded again.
  mutating func forget() {
    shaken = .none
    offered.removeAll(keepingCapacity: true)
  }

  /// How many devices a cell has.
  func count(of cell: UInt32) -> UInt8 { Int(cell) < members.count ? members[Int(cell)] : 0 }

  /// Counts a device that joins a cell (1) or leaves it (-1). - Returns: how many it has then.
  mutating func note(_ change: Int, of cell: UInt32) -> UInt8 {
    while members.count <= Int(cell) { members.append(0) }
    members[Int(cell)] = UInt8(Int(members[Int(cell)]) + change)
    return members[Int(cell)]
  }

  /// What a device adds to its lane's guarantee.
  func bond(of row: UInt32) -> Bond { Int(row) < bonds.count ? bonds[Int(row)] : Bond() }

  /// Replaces what a device adds.
  /// - Returns: what it added, and the change in thousandths of wholly sound cells; nil where
  ///   nothing changes.
  mutating func replace(_ row: UInt32, by new: Bond) -> (old: Bond, change: Int64)? {
    while bonds.count <= Int(row) { bonds.append(Bond()) }
    let old = bonds[Int(row)]
    guard old != new else { return nil }
    bonds[Int(row)] = new
    let change =
      (old.soundness == .sound ? add(-old.milli, old) : 0)
      + (new.soundness == .sound ? add(new.milli, new) : 0)
    return (old, change)
  }

  private mutating func add(_ milli: Int32, _ bond: Bond) -> Int64 {
    if bond.size == 1 { return Int64(milli) }
    while sound.count <= Int(bond.cell) { sound.append(0) }
    let whole = Int32(bond.size) * 1000
    let before = sound[Int(bond.cell)]
    sound[Int(bond.cell)] += milli
    return Int64((before + milli == whole ? whole : 0) - (before == whole ? whole : 0))
  }
}
