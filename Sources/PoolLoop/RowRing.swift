/// Rows in the order in which they were put in last; each is in it once at most.
/// - Complexity: O(1) for each operation; memory for the greatest row.
struct RowRing: Sendable {
  private var previous: [UInt32] = []
  private var next: [UInt32] = []
  private var isIn: [Bool] = []
  private var last = UInt32.max
  /// The row that has been in it longest; nil where it is empty.
  private(set) var first: UInt32?

  /// Puts a row at the end, also where it is in already.
  mutating func append(_ row: UInt32) {
    remove(row)
    while isIn.count <= Int(row) {
      isIn.append(false)
      previous.append(.max)
      next.append(.max)
    }
    isIn[Int(row)] = true
    previous[Int(row)] = first == nil ? .max : last
    next[Int(row)] = .max
    if first == nil { first = row } else { next[Int(last)] = row }
    last = row
  }

  /// Takes a row out, if it is in.
  mutating func remove(_ row: UInt32) {
    guard Int(row) < isIn.count, isIn[Int(row)] else { return }
    let (before, after) = (previous[Int(row)], next[Int(row)])
    isIn[Int(row)] = false
    if before == .max { first = after == .max ? nil : after } else { next[Int(before)] = after }
    if after == .max { last = before } else { previous[Int(after)] = before }
  }
}
