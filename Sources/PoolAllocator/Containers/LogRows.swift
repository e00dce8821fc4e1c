/// Rows of one kind in an `EventLog`: emptied by one store, filled without allocating once warm.
///
/// An array gives the same, but emptying one costs some two hundred instructions, and a log has
/// a dozen of them to empty for every command.
public struct LogRows<Row: BitwiseCopyable & Sendable>: RandomAccessCollection, Sendable {
  /// The rows, and behind them what is left of longer logs.
  ///
  /// Whoever goes over many rows in another module takes this array and `count`: its code is made
  /// for the type of the rows, that of a generic type of another module is not.
  package private(set) var rows: [Row] = []
  /// How many rows.
  public private(set) var count = 0

  package init() {}

  /// Makes rows of an array.
  package init(_ rows: [Row]) {
    self.rows = rows
    count = rows.count
  }

  /// Always 0.
  public var startIndex: Int { 0 }
  /// One past the last row.
  public var endIndex: Int { count }

  /// One row; the index must be below `count`.
  /// - Complexity: O(1).
  public subscript(index: Int) -> Row {
    invariant(index >= 0 && index < count, "a log is read where it was written")
    return rows[index]
  }

  /// Adds a row.
  @inline(__always)
  package mutating func append(_ row: Row) {
    if count < rows.count { rows[count] = row } else { rows.append(row) }
    count += 1
  }

  /// Forgets the rows and keeps their memory.
  @inline(__always)
  mutating func empty() { count = 0 }
}

extension LogRows: CustomStringConvertible {
  /// The rows, as an array describes itself.
  public var description: String { "\(Array(self))" }
}
