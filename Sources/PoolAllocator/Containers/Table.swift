/// Dense rows of one kind with generations: a reused row never answers to an old id.
///
/// Free rows form a chain inside the table, last freed first, so that two pools that saw the same
/// events hand out the same ids. `nextID` names the id of the coming `insert`, which is how a
/// decision can put an id into an event before the event is folded.
/// - Complexity: every operation O(1), `insert` amortised; `forEach` O(rows ever used).
struct Table<Row: BitwiseCopyable & Sendable>: Sendable {
  /// A row beside what tells whether it lives, so that following an id touches one place.
  private struct Slot: BitwiseCopyable, Sendable {
    /// Counts the changes between free (even) and live (odd); a fresh row becomes live with 1.
    var generation: UInt32
    /// Next free row, meaningful while free. `UInt32.max` ends the chain.
    var nextFree: UInt32
    /// The row; a left-over while free.
    var row: Row
  }

  private var slots: [Slot] = []
  private var firstFree = UInt32.max
  /// Live rows.
  private(set) var count = 0
  /// Most rows that may be live at once.
  let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Whether one more row may be inserted.
  var hasRoom: Bool { hasRoom(for: 1) }
  /// Whether so many more rows may be inserted.
  func hasRoom(for more: Int) -> Bool { count + more <= limit }
  /// Rows ever used: every live row's index is below it.
  var extent: Int { slots.count }

  /// The id that the next `insert` returns.
  var nextID: ID<Row> {
    guard firstFree != UInt32.max else { return ID(row: UInt32(slots.count), generation: 1) }
    return ID(row: firstFree, generation: slots[Int(firstFree)].generation &+ 1)
  }

  /// The ids that the next so many `insert`s return.
  /// - Complexity: O(count).
  func nextIDs(_ count: Int) -> [ID<Row>] {
    var ids: [ID<Row>] = []
    var (free, fresh) = (firstFree, UInt32(slots.count))
    while ids.count < count {
      if free == UInt32.max {
        ids.append(ID(row: fresh, generation: 1))
        fresh += 1
      } else {
        ids.append(ID(row: free, generation: slots[Int(free)].generation &+ 1))
        free = slots[Int(free)].nextFree
      }
    }
    return ids
  }

  /// Puts a row into the table.
  /// - Returns: the id that `nextID` announced.
  @discardableResult
  mutating func insert(_ row: Row) -> ID<Row> {
    invariant(hasRoom, "a table never grows past its limit")
    let id = nextID
    count += 1
    if firstFree == UInt32.max {
      slots.append(Slot(generation: 1, nextFree: UInt32.max, row: row))
    } else {
      firstFree = slots[Int(id.row)].nextFree
      slots[Int(id.row)].generation = id.generation
      slots[Int(id.row)].row = row
    }
    return id
  }

  /// Takes a row out; its id never answers again.
  mutating func remove(_ id: ID<Row>) {
    invariant(contains(id), "only a live row is removed")
    slots[Int(id.row)].generation &+= 1
    slots[Int(id.row)].nextFree = firstFree
    firstFree = id.row
    count -= 1
  }

  /// Whether the id names a live row.
  func contains(_ id: ID<Row>) -> Bool {
    Int(id.row) < slots.count && slots[Int(id.row)].generation == id.generation
      && id.generation & 1 == 1
  }

  /// The id of the live row at an index, or nil where the row is free.
  func id(at row: UInt32) -> ID<Row>? {
    guard Int(row) < slots.count else { return nil }
    let generation = slots[Int(row)].generation
    return generation & 1 == 1 ? ID(row: row, generation: generation) : nil
  }

  /// The row of a live id; a stale id is a broken invariant.
  subscript(id: ID<Row>) -> Row {
    _read {
      invariant(slots[Int(id.row)].generation == id.generation, "a stale id is never followed")
      yield slots[Int(id.row)].row
    }
    _modify {
      invariant(slots[Int(id.row)].generation == id.generation, "a stale id is never followed")
      yield &slots[Int(id.row)].row
    }
  }

  /// The live row at an index.
  subscript(row index: UInt32) -> Row {
    _read {
      invariant(slots[Int(index)].generation & 1 == 1, "a free row is never read")
      yield slots[Int(index)].row
    }
    _modify {
      invariant(slots[Int(index)].generation & 1 == 1, "a free row is never written")
      yield &slots[Int(index)].row
    }
  }

  /// Visits every live row in row order.
  func forEach(_ body: (ID<Row>, Row) -> Void) {
    for index in slots.indices where slots[index].generation & 1 == 1 {
      body(ID(row: UInt32(index), generation: slots[index].generation), slots[index].row)
    }
  }

  /// Feeds the table, its generations and its free chain to a digest.
  func feed(_ digest: inout DigestBuilder, _ row: (Row, inout DigestBuilder) -> Void) {
    digest.combine(slots.count)
    digest.combine(firstFree)
    for slot in slots {
      digest.combine(slot.generation)
      if slot.generation & 1 == 1 {
        row(slot.row, &digest)
      } else {
        digest.combine(slot.nextFree)
      }
    }
  }

  /// Checks that live rows and the free chain together cover every row exactly once.
  func checkInvariants() {
    var free = 0
    var next = firstFree
    while next != UInt32.max {
      invariant(slots[Int(next)].generation & 1 == 0, "the free chain holds free rows only")
      free += 1
      invariant(free <= slots.count, "the free chain has no loop")
      next = slots[Int(next)].nextFree
    }
    invariant(free + count == slots.count, "every row is live or in the free chain")
    invariant(count <= limit, "a table never grows past its limit")
  }

  mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(&slots)
    coder.pass(&firstFree)
    coder.pass(&count)
  }
}
