/// Dense rows of one kind with generations: a reused row never answers to an old id.
///
/// Free rows form a chain inside the table, last freed first, so that two pools that saw the same
/// events hand out the same ids. `nextID` names the id of the coming `insert`, which is how a
/// decision can put an id into an event before the event is folded.
/// - Complexity: every operation O(1), `insert` amortised; `forEach` O(rows ever used).
struct Table<Row: BitwiseCopyable & Sendable>: Sendable {
  private var rows: [Row] = []
  /// Counts the changes between free (even) and live (odd); a fresh row becomes live with 1.
  private var generations: [UInt32] = []
  /// Next free row, meaningful while free. `UInt32.max` ends the chain.
  private var nextFree: [UInt32] = []
  private var firstFree = UInt32.max
  /// Live rows.
  private(set) var count = 0
  /// Most rows that may be live at once.
  let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Whether one more row may be inserted.
  var hasRoom: Bool { count < limit }
  /// Rows ever used: every live row's index is below it.
  var extent: Int { rows.count }

  /// The id that the next `insert` returns.
  var nextID: ID<Row> {
    guard firstFree != UInt32.max else { return ID(row: UInt32(rows.count), generation: 1) }
    return ID(row: firstFree, generation: generations[Int(firstFree)] &+ 1)
  }

  /// Puts a row into the table.
  /// - Returns: the id that `nextID` announced.
  @discardableResult
  mutating func insert(_ row: Row) -> ID<Row> {
    invariant(hasRoom, "a table never grows past its limit")
    let id = nextID
    count += 1
    if firstFree == UInt32.max {
      rows.append(row)
      generations.append(1)
      nextFree.append(UInt32.max)
    } else {
      firstFree = nextFree[Int(id.row)]
      rows[Int(id.row)] = row
      generations[Int(id.row)] = id.generation
    }
    return id
  }

  /// Takes a row out; its id never answers again.
  mutating func remove(_ id: ID<Row>) {
    invariant(contains(id), "only a live row is removed")
    generations[Int(id.row)] &+= 1
    nextFree[Int(id.row)] = firstFree
    firstFree = id.row
    count -= 1
  }

  /// Whether the id names a live row.
  func contains(_ id: ID<Row>) -> Bool {
    Int(id.row) < rows.count && generations[Int(id.row)] == id.generation && id.generation & 1 == 1
  }

  /// The id of the live row at an index, or nil where the row is free.
  func id(at row: UInt32) -> ID<Row>? {
    guard Int(row) < rows.count, generations[Int(row)] & 1 == 1 else { return nil }
    return ID(row: row, generation: generations[Int(row)])
  }

  /// The row of a live id; a stale id is a broken invariant.
  subscript(id: ID<Row>) -> Row {
    _read {
      invariant(generations[Int(id.row)] == id.generation, "a stale id is never followed")
      yield rows[Int(id.row)]
    }
    _modify {
      invariant(generations[Int(id.row)] == id.generation, "a stale id is never followed")
      yield &rows[Int(id.row)]
    }
  }

  /// The live row at an index.
  subscript(row index: UInt32) -> Row {
    _read {
      invariant(generations[Int(index)] & 1 == 1, "a free row is never read")
      yield rows[Int(index)]
    }
    _modify {
      invariant(generations[Int(index)] & 1 == 1, "a free row is never written")
      yield &rows[Int(index)]
    }
  }

  /// Visits every live row in row order.
  func forEach(_ body: (ID<Row>, Row) -> Void) {
    for index in rows.indices where generations[index] & 1 == 1 {
      body(ID(row: UInt32(index), generation: generations[index]), rows[index])
    }
  }

  /// Feeds the table, its generations and its free chain to a digest.
  func feed(_ digest: inout DigestBuilder, _ row: (Row, inout DigestBuilder) -> Void) {
    digest.combine(rows.count)
    digest.combine(firstFree)
    for index in rows.indices {
      digest.combine(generations[index])
      if generations[index] & 1 == 1 {
        row(rows[index], &digest)
      } else {
        digest.combine(nextFree[index])
      }
    }
  }

  /// Checks that live rows and the free chain together cover every row exactly once.
  func checkInvariants() {
    var free = 0
    var next = firstFree
    while next != UInt32.max {
      invariant(generations[Int(next)] & 1 == 0, "the free chain holds free rows only")
      free += 1
      invariant(free <= rows.count, "the free chain has no loop")
      next = nextFree[Int(next)]
    }
    invariant(free + count == rows.count, "every row is live or in the free chain")
    invariant(count <= limit, "a table never grows past its limit")
  }
}
