import PoolAllocator

/// Values by the id of a row, as dense as the table that they follow.
///
/// A value is found by its whole id: one of an earlier use of the row is not there any more.
struct ByID<Row, Value> {
  private struct Slot {
    var generation: UInt32 = 0
    var value: Value?
  }

  private var slots: [Slot] = []

  /// The value of a row; nil where there is none, or where the row is another's by now.
  /// - Complexity: O(1).
  subscript(id: ID<Row>) -> Value? {
    // Values are large: who reads one field copies that field alone.
    _read {
      let row = Int(id.row)
      if row < slots.count, slots[row].generation == id.generation {
        yield slots[row].value
      } else {
        yield nil
      }
    }
    _modify {
      let row = Int(id.row)
      if row < slots.count, slots[row].generation == id.generation {
        yield &slots[row].value
      } else {
        var fresh: Value?
        yield &fresh
        if fresh != nil {
          while slots.count <= row { slots.append(Slot()) }
          slots[row] = Slot(generation: id.generation, value: fresh)
        }
      }
    }
  }

  /// The ids that have a value, in the order of rows.
  /// - Complexity: O(rows ever used).
  var ids: [ID<Row>] {
    slots.indices.compactMap { row in
      slots[row].value == nil
        ? nil : ID(row: UInt32(row), generation: slots[row].generation)
    }
  }

  /// How many rows were ever used.
  var extent: Int { slots.count }

  /// The id of a row that has a value.
  func id(at row: Int) -> ID<Row>? {
    row < slots.count && slots[row].value != nil
      ? ID(row: UInt32(row), generation: slots[row].generation) : nil
  }
}

extension ID {
  /// The row and its use, as a violation names it.
  var name: String { "\(row).\(generation)" }
}

/// Stops at what does not hold.
/// - Parameters:
///   - holds: what must hold.
///   - invariant: the id of the rule.
///   - what: what was found; made only where the rule is broken.
@inline(__always)
func must(
  _ holds: Bool, _ invariant: String, _ what: @autoclosure () -> String
) throws(Violation) {
  if !holds { throw Violation(invariant, what()) }
}

extension Violation {
  /// Makes a violation of an invariant.
  init(_ invariant: String, _ what: String) { self.init(invariant: invariant, what: what) }
}
